"""Whether a budget holds, by how much, and what stands in the way.

holds   where value <= limit          (equality holds); never where the value is not known
margin  = limit - value               (negative: over the budget)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from snnctl.evaluation.budget import Budget
from snnctl.evaluation.costs import Record, latency, p99, power, step_s
from snnctl.hardware.cost import Power
from snnctl.report.units import digits, part, percent, si

Part = tuple[str, float]
UNPRICED = "no energy of an event on this chip has a source"


class Verdict(NamedTuple):
    """One limit of a budget against what was found."""

    quantity: str  # power, latency, energy
    statistic: str  # what of it is compared
    value: float
    limit: float
    unit: str
    holds: bool
    margin: float
    limiting: str  # the part that takes most
    limiting_value: float
    sentence: str
    status: str  # of the limit: published, derived, assumed, given
    source: str

    def to_json(self) -> dict[str, Any]:
        """Plain data with the same names."""
        return self._asdict()


def judge(budget: Budget, record: Record) -> tuple[Verdict, ...]:
    """One verdict for each limit that the budget has, in the order power, latency, energy."""
    found = []
    mean = power(record)
    parts = mean.parts(budget.boundary)
    if budget.power is not None:
        found.append(
            _verdict("power", f"mean at the boundary '{budget.boundary}'", parts, budget.power.limit_w, "W",
                     _power_reason(mean, budget, budget.power.limit_w), budget.power.status, budget.power.source)
        )  # fmt: skip
    if budget.latency is not None:
        found.append(_latency_verdict(budget, record))
    if budget.energy is not None:
        seconds = step_s(record)
        energies = tuple((name, value * seconds) for name, value in parts)
        reason = _power_reason(mean, budget, budget.energy.limit_j / seconds)
        if budget.boundary != "dynamic":
            reason += f" The work of the network alone costs {si(mean.dynamic_w * seconds, 'J')} (boundary 'dynamic')."
        found.append(
            _verdict("energy", f"mean of a control step at the boundary '{budget.boundary}'", energies,
                     budget.energy.limit_j, "J", reason, budget.energy.status, budget.energy.source)
        )  # fmt: skip
    return tuple(found)


def _latency_verdict(budget: Budget, record: Record) -> Verdict:
    assert budget.latency is not None
    limit = budget.latency.limit_s
    value = p99(latency(record))
    parts = tuple((name, float(times.mean())) for name, times in record.latency_s.items())
    name, size = max(parts, key=lambda p: p[1])
    total = sum(p[1] for p in parts)
    reason = f"The largest part is {part(name)}: {si(size, 's')}, {percent(size / total)} of a mean decision."
    made = _verdict(
        "latency", "99th percentile", parts, limit, "s", reason, budget.latency.status, budget.latency.source
    )
    return _stamp(made, value, limit, reason)


def _verdict(
    quantity: str, statistic: str, parts: Sequence[Part], limit: float, unit: str, reason: str, status: str, source: str
) -> Verdict:
    name, size = max(parts, key=lambda p: p[1])
    value = sum(p[1] for p in parts)
    blank = Verdict(quantity, statistic, value, limit, unit, True, 0.0, name, size, "", status, source)
    return _stamp(blank, value, limit, reason)


def _stamp(verdict: Verdict, value: float, limit: float, reason: str) -> Verdict:
    holds, margin = value <= limit, limit - value
    what = verdict.quantity.capitalize()
    shown, allowed = si(value, verdict.unit), si(limit, verdict.unit)
    if math.isnan(value):
        sentence = f"{what} is not known: {UNPRICED}, so no limit of {allowed} can be said to hold."
    elif holds:
        sentence = f"{what} holds: {shown} of {allowed}, {percent(margin / limit)} to spare. {reason}"
    elif shown == allowed:
        sentence = f"{what} fails by {si(-margin, verdict.unit)}: {shown} against {allowed}. {reason}"
    else:
        sentence = f"{what} fails: {shown} is {digits(value / limit)} times the {allowed} allowed. {reason}"
    return verdict._replace(value=value, holds=holds, margin=margin, sentence=sentence)


def _power_reason(mean: Power, budget: Budget, limit_w: float) -> str:
    """Why the power is what it is, and whether another network could change it."""
    boundary = budget.boundary
    total = mean.at(boundary)
    always = total - mean.dynamic_w
    if boundary == "dynamic":
        return "Only the work of the network is counted here, not the power of an idle chip."
    whole = "board" if boundary == "board" else "chip"
    if always > limit_w:
        return f"The {whole} draws {si(always, 'W')} when it does nothing, so no network can meet this budget on it."
    share = percent(always / total if total else 0.0)
    if total > limit_w:
        return f"Doing nothing the {whole} draws {si(always, 'W')}; fewer neurons, spikes or cores would help."
    if always > 0.99 * total:
        return f"Nearly all of it is drawn even when the {whole} does nothing."
    return f"{share} of it is drawn even when the {whole} does nothing."
