"""Ask the processor for memory that will be needed soon.

The synapses of the next spiking neuron lie anywhere in memory; asking for them while those of this one are worked on
hides most of the wait. It changes no result. Without the compiler it does nothing.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

LINE_BYTES = 64
_typed: Any = intrinsic


def prefetch(array: Any, index: int) -> None:
    """Bring the cache line of ``array[index]``, a contiguous array, into the cache, to be written to."""


@_typed
def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
        int32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, int32, int32, int32])
        function = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        builder.call(function, [place, int32(1), int32(3), int32(1)])  # for writing, keep, data
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


@overload(prefetch, strict=False)
def _typed_prefetch(array: Any, index: Any) -> Any:
    def implementation(array: Any, index: Any) -> None:
        _prefetch(array, index)

    return implementation
