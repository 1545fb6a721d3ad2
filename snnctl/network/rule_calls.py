"""The plasticity of one tick, rule by rule: the kernels of :mod:`snnctl.network.learning`, called by address.

Each rule is compiled on its own (:func:`rule_kernels`). The loop over ticks calls :func:`begin` before delivery,
:func:`arrive` with the spikes that arrive, and :func:`end` after the neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import from_dtype, types
from numba.extending import overload

from snnctl.network.learning import RuleRow, arrive_rule, begin_rule, end_rule
from snnctl.network.model_kernel import address, caller
from snnctl.network.population import unrolled


def row_of(rows: Any, r: Any) -> Any:
    """Row ``r`` of the table of rules."""
    return RuleRow(*(int(x) for x in rows[r]))


@overload(row_of, strict=False)
def _row_of(rows: Any, r: Any) -> Any:
    parts = ", ".join(f"rows[r, {f}]" for f in range(len(RuleRow._fields)))
    return unrolled("rows, r", f"made({parts})", made=RuleRow)


_row_type: Any = types.NamedUniTuple  # numba's own stubs are not typed


class RuleTypes(NamedTuple):
    """Types of what the kernels of a rule take, for a float type."""

    row: Any
    floats: Any
    places: Any
    neurons: Any
    indices: Any
    number: Any

    @classmethod
    def of(cls, number: Any) -> RuleTypes:
        """Those of networks of this float type."""
        row = _row_type(types.int64, len(RuleRow._fields), RuleRow)
        vectors = (types.Array(kind, 1, "C") for kind in (number, types.int64, types.int32, types.uint32))
        floats, places, neurons, indices = vectors
        return cls(row, floats, places, neurons, indices, number)


def _begin_arguments(number: Any) -> tuple[Any, ...]:
    t = RuleTypes.of(number)
    return t.row, t.floats, t.floats, t.number


def _arrive_arguments(number: Any) -> tuple[Any, ...]:
    t = RuleTypes.of(number)
    return t.row, t.floats, t.floats, t.floats, t.places, t.indices, t.neurons, t.floats, t.floats


def _end_arguments(number: Any) -> tuple[Any, ...]:
    t = RuleTypes.of(number)
    tables = (t.floats, t.floats, t.floats, t.places, t.indices, t.places, t.indices)
    return t.row, *tables, t.floats, t.neurons, t.floats, types.int64, t.floats


_KERNELS = ((begin_rule, _begin_arguments), (arrive_rule, _arrive_arguments), (end_rule, _end_arguments))
_call_begin: Any = caller(_begin_arguments, types.int64, 4)
_call_arrive: Any = caller(_arrive_arguments, types.int64, 9)
_call_end: Any = caller(_end_arguments, types.int64, 13)


def rule_kernels(examples: Sequence[Any], dtype: Any) -> Any:
    """What :func:`begin`, :func:`arrive` and :func:`end` take: addresses, or without a compiler the examples.

    Args:
        examples: one instance of the constants of every rule
        dtype: float type of the network
    """
    if not hasattr(begin_rule, "compile"):
        return tuple(examples)
    number = from_dtype(np.dtype(dtype))
    found = [[address(kernel, type(e), arguments(number)) for kernel, arguments in _KERNELS] for e in examples]
    return np.array(found, np.int64).reshape(-1, len(_KERNELS))


def begin(rules: Any, kind: Any, row: Any, pool: Any, traces: Any, signal: Any) -> None:
    """What a rule does at the start of a tick."""
    begin_rule(rules[kind], row, pool, traces, signal)


@overload(begin, strict=False)
def _begin(rules: Any, kind: Any, row: Any, pool: Any, traces: Any, signal: Any) -> Any:
    arguments = "row, pool, traces, signal"
    return unrolled(f"rules, kind, {arguments}", f"call(rules[kind, 0], {arguments})", call=_call_begin)


def arrive(
    rules: Any,
    kind: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    fired: Any,
    drive: Any,
    work: Any,
) -> int:
    """What a rule does with the spikes ``fired`` that arrive; returns how many synapses they pass."""
    passed: int = arrive_rule(rules[kind], row, pool, traces, synapses, pointers, targets, fired, drive, work)
    return passed


@overload(arrive, strict=False)
def _typed_arrive(
    rules: Any,
    kind: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    fired: Any,
    drive: Any,
    work: Any,
) -> Any:
    arguments = "row, pool, traces, synapses, pointers, targets, fired, drive, work"
    return unrolled(f"rules, kind, {arguments}", f"call(rules[kind, 1], {arguments})", call=_call_arrive)


def end(
    rules: Any,
    kind: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    columns: Any,
    entries: Any,
    values: Any,
    fired: Any,
    teach: Any,
    tick: Any,
    work: Any,
) -> None:
    """What a rule does after the neurons; ``fired`` are the targets that spike in this tick."""
    end_rule(
        rules[kind], row, pool, traces, synapses, pointers, targets, columns, entries, values, fired, teach, tick, work
    )


@overload(end, strict=False)
def _end(
    rules: Any,
    kind: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    columns: Any,
    entries: Any,
    values: Any,
    fired: Any,
    teach: Any,
    tick: Any,
    work: Any,
) -> Any:
    arguments = "row, pool, traces, synapses, pointers, targets, columns, entries, values, fired, teach, tick, work"
    return unrolled(f"rules, kind, {arguments}", f"call(rules[kind, 2], {arguments})", call=_call_end)
