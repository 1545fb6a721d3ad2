"""Traces neuron by neuron: the fields of a NamedTuple side by side in one flat array.

Traces are kept field by field, since a pass over all neurons is then vector code. The synapses of one source need them
of neurons here and there: as rows all fields of a neuron come with one load, and vector code can read rows that were
copied one after the other.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from snnctl.network.population import unrolled
from snnctl.network.rules import part

_typed: Any = intrinsic
_tools: Any = cgutils


def copy_row(fields: Any, rows: Any, i: Any, near: Any, s: Any) -> None:
    """Make row ``i`` of ``rows`` row ``s`` of ``near``; a row has an element for each of ``fields``."""
    n = len(fields)
    near[s * n : (s + 1) * n] = rows[i * n : (i + 1) * n]


@_typed
def _copy(typing_context: Any, fields: Any, rows: Any, i: Any, near: Any, s: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = []
        for at, (array, row) in enumerate(((args[1], args[2]), (args[3], args[4]))):
            data = context.make_array(signature.args[1 + 2 * at])(context, builder, array).data
            places.append(builder.gep(data, [builder.mul(row, row.type(len(fields)))]))
        count, bytes_each = (context.get_constant(types.intp, k) for k in (len(fields), rows.dtype.bitwidth // 8))
        _tools.raw_memcpy(builder, places[1], places[0], count, bytes_each)
        return context.get_dummy_value()

    return types.void(fields, rows, types.intp, near, types.intp), codegen


@overload(copy_row, strict=False)
def _typed_copy(fields: Any, rows: Any, i: Any, near: Any, s: Any) -> Any:
    def implementation(fields: Any, rows: Any, i: Any, near: Any, s: Any) -> None:
        _copy(fields, rows, i, near, s)

    return implementation


def write_row(value: Any, rows: Any, j: Any) -> None:
    """Make ``value``, a NamedTuple, row ``j``."""
    rows[j * len(value) : (j + 1) * len(value)] = value


@overload(write_row, strict=False)
def _write_row(value: Any, rows: Any, j: Any) -> Any:
    scope: dict[str, Any] = {}
    body = "\n".join(f"    rows[{len(value)} * j + {f}] = value[{f}]" for f in range(len(value)))
    exec(f"def implementation(value, rows, j):\n{body}", scope)
    return scope["implementation"]


def row_at(rule: Any, name: Any, rows: Any, j: Any) -> Any:
    """Row ``j`` as the rule's ``Pre`` or ``Post``."""
    cls = part(type(rule), name)
    n = len(cls._fields)
    return cls(*rows[j * n : (j + 1) * n])


@overload(row_at, strict=False, prefer_literal=True)
def _row_at(rule: Any, name: Any, rows: Any, j: Any) -> Any:
    cls = part(rule.instance_class, name.literal_value)
    parts = ", ".join(f"rows[{len(cls._fields)} * j + {f}]" for f in range(len(cls._fields)))
    return unrolled("rule, name, rows, j", f"made({parts})", made=cls)
