"""Kernels of one neuron model or rule, which other kernels call by their addresses.

Such a kernel is compiled once for each model and float type. The loop over the ticks of a network calls it by its
address: so this loop is compiled once for all networks, and a network of models that have run before compiles nothing.

The first argument of such a kernel says which model it is for. It is there for the compiler, which sees the class of
the model's constants in its type, :class:`ModelType`; it has no value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.extending import intrinsic

# numba's own stubs and decorators are not typed
_Opaque: Any = types.Opaque
_typed: Any = intrinsic
_tools: Any = cgutils
_default: Any = register_default


class ModelType(_Opaque):  # type: ignore[misc]
    """Type of the argument that says which model a kernel is for."""

    def __init__(self, constants_class: type) -> None:
        self.instance_class = constants_class
        super().__init__(f"model({constants_class.__module__}.{constants_class.__name__})")

    @property
    def key(self) -> Any:
        """What tells two of them apart."""
        return self.instance_class


_default(ModelType)(models.OpaqueModel)

Arguments = Callable[[Any], tuple[Any, ...]]  # types of the arguments but for the model, for a float type


def address(kernel: Any, constants_class: type, arguments: tuple[Any, ...]) -> int:
    """Where the machine code of ``kernel`` for this model and arguments of these types is."""
    signature = (ModelType(constants_class), *arguments)
    kernel.compile(signature)
    compiled = kernel.overloads[signature]
    where: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return where


def caller(arguments: Arguments, result: Any, count: int) -> Any:
    """``call(address, *arguments)`` of a kernel that returns ``result``, for compiled code.

    Args:
        arguments: types of the arguments; those given are converted to them
        result: type of the result
        count: how many arguments
    """

    def typed(given: tuple[Any, ...]) -> Any:
        number = next(t.dtype for t in given if isinstance(t, types.Array) and isinstance(t.dtype, types.Float))
        wanted = arguments(number)

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kinds = (types.voidptr, *wanted)  # an opaque value is a pointer
            function = context.call_conv.get_function_type(result, kinds)
            where = builder.inttoptr(values[0], function.as_pointer())
            nothing = context.get_constant_null(types.voidptr)
            status, found = context.call_conv.call_function(builder, where, result, kinds, [nothing, *values[1:]])
            with _tools.if_unlikely(builder, status.is_error):  # of a user's function
                context.call_conv.return_status_propagate(builder, status)
            return found

        return result(types.int64, *wanted), codegen

    names = ", ".join(f"a{k}" for k in range(count))
    scope: dict[str, Any] = {"typed": typed}
    exec(f"def call(typing_context, address, {names}):\n    return typed(({names},))", scope)
    return _typed(scope["call"])
