"""A choice without a branch.

``a if condition else b`` compiles to a branch, and where one side keeps what a field already has, the compiler drops
the store on that side. The vector code of the loop over the neurons then stores under a mask, which is slow on some
processors. :func:`select` gives the same number and stores it always.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic, overload

_typed: Any = intrinsic


def select(condition: Any, a: Any, b: Any) -> Any:
    """``a`` if the condition holds, otherwise ``b``; both numbers are of one type."""
    return a if condition else b


@_typed
def _select(typing_context: Any, condition: Any, a: Any, b: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return a(types.boolean, a, a), codegen


@overload(select, strict=False)
def _typed_select(condition: Any, a: Any, b: Any) -> Any:
    def implementation(condition: Any, a: Any, b: Any) -> Any:
        return _select(condition, a, b)

    return implementation
