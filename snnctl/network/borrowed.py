"""Arrays without a count of their references, for kernels that slice them many times a tick.

Each slice of a counted array adds a reference and drops it again, each an atomic instruction: a tenth of the tick of a
balanced network of 4000 neurons. Whoever calls the kernel holds the arrays, so nothing has to be counted meanwhile.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils
from numba.extending import intrinsic, overload

_typed: Any = intrinsic
_null: Any = cgutils.get_null_value


def borrowed(array: Any) -> Any:
    """The same array; the caller of the kernel keeps it alive."""
    return array


@_typed
def _uncounted(typing_context: Any, array: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, args[0])
        made.meminfo = _null(made.meminfo.type)
        return made._getvalue()

    return array(array), codegen


@overload(borrowed, strict=False)
def _borrowed(array: Any) -> Any:
    def implementation(array: Any) -> Any:
        return _uncounted(array)

    return implementation
