"""A float stage as Loihi 1 registers.

Everything in a stage is multiplied by one scale S (chip units per unit of v):

    weight: mantissa = round(W S / 2^(6 + exponent)), a multiple of 2^(9 - bits) below 256 in size (mixed sign)
    threshold: mantissa = round(v_threshold S / 64)         17 bits
    bias: mantissa << exponent = round(b S)                 13 bits and 3 bits
    decay_v = round(4096 (1 - a_mem)); decay_u = round(4096 (1 - a_syn)) - 1, as the chip adds 1
    refractory register = refractory_ticks + 1

S makes the largest |weight| use the whole mantissa; with fewer than 8 bits, larger weights are cut where the sum of the
squared errors is least. The exponent is the largest for which nothing can wrap: S largest_input < 2^21,
S largest_current < 2^23, threshold and bias within their registers. The rounded weights must keep these bounds too. If
even exponent 0 is too large, S shrinks and weights use a part of the mantissa. ``v`` itself may saturate far below
zero, as on the chip: a neuron that deeply inhibited is silent either way.

A core has few thresholds. Where they differ from neuron to neuron, each neuron's weights and bias are divided by its
threshold relative to the first one's: v is reset to 0, so the neuron fires in the same ticks.

In a streaming network inputs add up without end: the sum is that of the chip's own decay, 4096 / (decay_u + 1).

:func:`nearest` gives the same numbers in the units of the network, in which the threshold is the network's own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnctl.hardware.loihi1 import emulator
from snnctl.hardware.stages import FloatStage, Integers, Rounding, rms, rounding

WEIGHT_BITS = (2, 3, 4, 5, 6, 8)  # that a mantissa of mixed sign may have
CUTS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1)
_MARGIN = 0.98  # room for rounding weights up


class Quantised(NamedTuple):
    """One stage as the chip holds it."""

    exponent: int  # of the weights
    weights: Integers  # (synapses,) effective
    compartments: emulator.Compartments
    rounding: tuple[Rounding, ...]


def equalised(stage: FloatStage) -> FloatStage:
    """The stage whose neurons all have the first one's threshold and fire in the same ticks."""
    relative = stage.v_threshold / stage.v_threshold[0]  # (n,)
    if (relative == 1.0).all():
        return stage
    return stage._replace(
        weights=stage.weights / relative[stage.targets],
        bias=stage.bias / relative,
        v_threshold=np.full(stage.size, stage.v_threshold[0]),
    )


def _largest_current(stage: FloatStage) -> float:
    """Bound of ``|u| + |bias|``."""
    if stage.ticks is not None:
        return stage.largest_current
    return stage.largest_input * emulator.DECAY_ONE / (_decay_u(stage) + 1) + stage.largest_bias


def _decay_u(stage: FloatStage) -> int:
    return int(np.clip(round(4096 * (1 - stage.a_syn)) - 1, 0, 4095))


def largest_scale(stage: FloatStage) -> float:
    """The largest S at which no register, accumulator or state can overflow."""
    bounds = [(131071 << 6) / float(stage.v_threshold[0])]
    if (largest_input := stage.largest_input) > 0:
        bounds.append(_MARGIN * (1 << 21) / largest_input)
    if (largest_current := _largest_current(stage)) > 0:
        bounds.append(_MARGIN * (1 << 23) / largest_current)
    if (largest_bias := stage.largest_bias) > 0:
        bounds.append((4095 << 7) / largest_bias)
    return min(bounds)


def choose_scale(stage: FloatStage, bits: int) -> tuple[float, int]:
    """S and the weight exponent, for weights of ``bits``."""
    limit = largest_scale(stage)
    largest_weight = largest_kept(stage, bits)
    if largest_weight == 0.0:
        return min(limit, (1 << 16) / float(stage.v_threshold[0])), 0
    for exponent in range(7, -1, -1):
        scale = largest_mantissa(bits) * 2.0 ** (6 + exponent) / largest_weight
        if scale <= limit and _holds(stage, scale, exponent, bits):
            return scale, exponent
    scale = limit
    while not _holds(stage, scale, 0, bits):
        scale /= 2
    return scale, 0


def largest_mantissa(bits: int) -> int:
    """Of weights of mixed sign."""
    return 256 - emulator.mantissa_step(bits, mixed=True)


def largest_kept(stage: FloatStage, bits: int) -> float:
    """The size of weight that becomes the largest mantissa; what exceeds it is cut.

    It is the stage's largest one or, with fewer than 8 bits, the part of it (of CUTS) with the least sum of squared
    errors: the largest of many weights is far from the others, and few steps are better spent on those.
    """
    largest, steps = stage.largest_weight, largest_mantissa(bits) // emulator.mantissa_step(bits, mixed=True)
    if bits == max(WEIGHT_BITS) or largest == 0.0:
        return largest

    def error(part: float) -> float:
        unit = largest * part / steps
        return float(np.square(stage.weights - unit * np.clip(np.round(stage.weights / unit), -steps, steps)).sum())

    return largest * min(CUTS, key=error)


def _holds(stage: FloatStage, scale: float, exponent: int, bits: int) -> bool:
    """Whether nothing wraps with the *rounded* weights either: many small ones may all be rounded up."""
    weights = emulator.effective_weight(_mantissas(stage, scale, exponent, bits), exponent)
    rounded = stage._replace(weights=weights.astype(np.float64), bias=stage.bias * scale)
    return rounded.largest_input < 1 << 21 and _largest_current(rounded) < 1 << 23


def _mantissas(stage: FloatStage, scale: float, exponent: int, bits: int) -> Integers:
    return emulator.round_mantissa(stage.weights * scale / 2.0 ** (6 + exponent), bits, exponent, mixed=True)


def quantise(given: FloatStage, bits: int) -> Quantised:
    """Registers of one stage with weights of ``bits``; the rules have made sure that they exist."""
    stage = equalised(given)
    scale, exponent = choose_scale(stage, bits)
    weights = emulator.effective_weight(_mantissas(stage, scale, exponent, bits), exponent)
    bias_exponent = 0
    while bias_exponent < 7 and round(stage.largest_bias * scale / (1 << bias_exponent)) > 4095:
        bias_exponent += 1
    bias_mantissa = np.clip(np.round(stage.bias * scale / (1 << bias_exponent)), -4095, 4095).astype(np.int64)
    th = float(stage.v_threshold[0])
    registers = {
        "decay_u": _decay_u(stage),
        "decay_v": int(np.clip(round(4096 * (1 - stage.a_mem)), 0, 4095)),
        "vth_mantissa": int(np.clip(round(th * scale / 64), 1, 131071)),
        "refractory": stage.refractory_ticks + 1,
        "bias_exponent": bias_exponent,
    }
    compartments = emulator.from_registers(stage.size, bias_mantissa=bias_mantissa, **registers)
    back = 1 / scale
    report = (
        rounding(stage.name, "weight", stage.weights, weights * back, stage.largest_weight, "largest weight"),
        rounding(stage.name, "weight", stage.weights, weights * back, rms(stage.weights), "rms weight"),
        rounding(stage.name, "threshold", th, (registers["vth_mantissa"] << 6) * back, th, "threshold"),
        rounding(stage.name, "bias", stage.bias, compartments.bias * back, th, "threshold"),
        rounding(stage.name, "a_syn", stage.a_syn, 1 - (registers["decay_u"] + 1) / 4096, 1.0, "1"),
        rounding(stage.name, "a_mem", stage.a_mem, 1 - registers["decay_v"] / 4096, 1.0, "1"),
    )
    return Quantised(exponent, weights, compartments, report)


def nearest(stage: FloatStage, bits: int) -> FloatStage:
    """The stage with the numbers that the chip holds instead of its own, in a unit in which v_threshold is its own."""
    held = quantise(stage, bits)
    compartments = held.compartments
    unit = stage.v_threshold / compartments.threshold  # (n,) of v in one unit of the chip
    return stage._replace(
        weights=held.weights * unit[stage.targets],
        bias=compartments.bias * unit,
        a_syn=1 - int(compartments.decay_u[0]) / emulator.DECAY_ONE,
        a_mem=1 - int(compartments.decay_v[0]) / emulator.DECAY_ONE,
    )
