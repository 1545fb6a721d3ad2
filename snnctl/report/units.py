"""Numbers as people read them: three significant digits and an SI prefix."""

from __future__ import annotations

import math

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))

# Parts that the cost models of the chips name, in words.
_PARTS = {
    "ticks": "the chip's ticks",
    "barriers": "synchronising the cores",
    "host_io": "talking to the host",
    "synaptic_ops": "adding weights",
    "neuron_updates": "updating neurons",
    "spikes": "sending spikes",
    "active_cores": "running cores",
    "packets": "sending spikes",
}


def si(value: float | None, unit: str) -> str:
    """``si(0.0962, "W")`` is ``96.2 mW``; a missing or infinite value is ``-``."""
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0:
        return f"0 {unit}"
    size = abs(value)
    for scale, prefix in _PREFIXES:
        if size >= scale * 0.9995 or scale == _PREFIXES[-1][0]:
            return f"{digits(value / scale)} {prefix}{unit}"
    raise AssertionError("the last prefix takes everything")


def tick(value: float, unit: str) -> str:
    """As ``si`` for the labels of an axis: no trailing zeros (``5 nJ``)."""
    number, _, rest = si(value, unit).partition(" ")
    return f"{float(number):g} {rest}" if rest else number


def part(name: str) -> str:
    """A part of a cost in words."""
    return _PARTS.get(name, name.replace("_", " "))


def digits(value: float) -> str:
    """Three significant digits without an exponent where that is short: ``1.23``, ``45.6``, ``789``."""
    size = abs(value)
    if size >= 99.95 or value == 0:
        return f"{value:.0f}" if size < 1e6 else f"{value:.3g}"
    if size >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.9995 else f"{value:.3g}"


def percent(ratio: float | None) -> str:
    """``percent(0.4213)`` is ``42.1 %``."""
    return "-" if ratio is None or not math.isfinite(ratio) else f"{digits(100 * ratio)} %"
