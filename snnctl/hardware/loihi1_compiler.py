"""A float layer as Loihi 1 registers, and a chain of them as one network with windows.

Everything in a layer is multiplied by one scale S (chip units per unit of v):

    weight: mantissa = round(W S / 2^(6 + exponent)), even, within +-254 (8 bits, mixed sign)
    threshold: mantissa = round(v_threshold S / 64)         17 bits
    bias: mantissa << exponent = round(b S)                 13 bits and 3 bits
    decay_v = round(4096 (1 - a_mem)); decay_u = round(4096 (1 - a_syn)) - 1, as the chip adds 1
    refractory register = refractory_ticks + 1

S makes the largest |weight| use the whole mantissa, with the largest exponent for which nothing can
wrap: S largest_input < 2^21, S largest_current < 2^23, threshold and bias within their registers. The rounded
weights must keep these bounds too. If even exponent 0 is too large, S shrinks and weights use a part of the
mantissa. ``v`` itself may saturate far below zero, as on the chip: a neuron that deeply inhibited is silent either way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware import loihi1
from snnctl.hardware.quantise import FloatLayer, Rounding, rounding
from snnctl.hardware.synapses import Integers, from_dense

WEIGHT_BITS = 8
LARGEST_MANTISSA = 254  # of a mixed-sign 8-bit format
_MARGIN = 0.98  # room for rounding weights up


class Layer(NamedTuple):
    """One layer as the chip holds it."""

    name: str
    scale: float  # chip units per unit of v
    exponent: int  # of the weights
    mantissa: Integers  # (sources, n)
    weights: NDArray[np.int32]  # (sources, n) effective
    registers: dict[str, int]  # shared by the layer
    compartments: loihi1.Compartments
    rounding: tuple[Rounding, ...]


def largest_scale(layer: FloatLayer) -> float:
    """The largest S at which no register, accumulator or state can overflow."""
    bounds = [(131071 << 6) / layer.v_threshold]
    if layer.largest_input > 0:
        bounds.append(_MARGIN * (1 << 21) / layer.largest_input)
    if layer.largest_current > 0:
        bounds.append(_MARGIN * (1 << 23) / layer.largest_current)
    if largest_bias := float(np.abs(layer.bias).max(initial=0.0)):
        bounds.append((4095 << 7) / largest_bias)
    return min(bounds)


def choose_scale(layer: FloatLayer) -> tuple[float, int]:
    """S and the weight exponent."""
    limit = largest_scale(layer)
    largest_weight = float(np.abs(layer.weights).max(initial=0.0))
    if largest_weight == 0.0:
        return min(limit, (1 << 16) / layer.v_threshold), 0
    for exponent in range(7, -1, -1):
        scale = LARGEST_MANTISSA * 2.0 ** (6 + exponent) / largest_weight
        if scale <= limit and _holds(layer, scale, exponent):
            return scale, exponent
    scale = limit
    while not _holds(layer, scale, 0):
        scale /= 2
    return scale, 0


def _holds(layer: FloatLayer, scale: float, exponent: int) -> bool:
    """Whether nothing wraps with the *rounded* weights either: many small ones may all be rounded up."""
    weights = loihi1.effective_weight(_mantissas(layer, scale, exponent), exponent)
    rounded = layer._replace(weights=weights.astype(np.float64), bias=layer.bias * scale)
    return rounded.largest_input < 1 << 21 and rounded.largest_current < 1 << 23


def _mantissas(layer: FloatLayer, scale: float, exponent: int) -> Integers:
    return loihi1.round_mantissa(layer.weights * scale / 2.0 ** (6 + exponent), WEIGHT_BITS, exponent, mixed=True)


def quantise(layer: FloatLayer) -> Layer:
    """Registers of one layer; the rules of the mapping have made sure that they exist."""
    n = layer.weights.shape[1]
    scale, exponent = choose_scale(layer)
    mantissa = _mantissas(layer, scale, exponent)
    weights = loihi1.effective_weight(mantissa, exponent)
    bias_exponent = 0
    largest_bias = float(np.abs(layer.bias).max(initial=0.0)) * scale
    while bias_exponent < 7 and round(largest_bias / (1 << bias_exponent)) > 4095:
        bias_exponent += 1
    bias_mantissa = np.clip(np.round(layer.bias * scale / (1 << bias_exponent)), -4095, 4095).astype(np.int64)
    registers = {
        "decay_u": int(np.clip(round(4096 * (1 - layer.a_syn)) - 1, 0, 4095)),
        "decay_v": int(np.clip(round(4096 * (1 - layer.a_mem)), 0, 4095)),
        "vth_mantissa": int(np.clip(round(layer.v_threshold * scale / 64), 1, 131071)),
        "refractory": layer.refractory_ticks + 1,
        "bias_exponent": bias_exponent,
    }
    compartments = loihi1.from_registers(n, bias_mantissa=bias_mantissa, **registers)
    largest_weight, th = float(np.abs(layer.weights).max(initial=0.0)), layer.v_threshold
    back = 1 / scale
    report = (
        rounding(layer.name, "weight", layer.weights, weights * back, largest_weight, "largest weight"),
        rounding(layer.name, "threshold", th, (registers["vth_mantissa"] << 6) * back, th, "threshold"),
        rounding(layer.name, "bias", layer.bias, compartments.bias * back, th, "threshold"),
        rounding(layer.name, "a_syn", layer.a_syn, 1 - (registers["decay_u"] + 1) / 4096, 1.0, "1"),
        rounding(layer.name, "a_mem", layer.a_mem, 1 - registers["decay_v"] / 4096, 1.0, "1"),
    )
    return Layer(layer.name, scale, exponent, mantissa, weights.astype(np.int32), registers, compartments, report)


def network(layers: tuple[Layer, ...], ticks: int) -> tuple[loihi1.Network, Integers]:
    """The whole chain on the chip, and the window of ticks in which each compartment is active.

    The input population is layer 0: its spikes of row k arrive at layer 1 in tick k + 1, and layer l
    is active in ticks l .. l + ticks - 1.
    """
    sizes = [layer.compartments.size for layer in layers]
    ends = np.cumsum(sizes)
    n = int(ends[-1])
    parts = [layer.compartments for layer in layers]
    whole = loihi1.Compartments(
        decay_u=np.concatenate([p.decay_u for p in parts]),
        decay_v=np.concatenate([p.decay_v for p in parts]),
        threshold=np.concatenate([p.threshold for p in parts]),
        refractory=np.concatenate([p.refractory for p in parts]),
        bias=np.concatenate([p.bias for p in parts]),
        v_min=np.concatenate([p.v_min for p in parts]),
        v_max=np.concatenate([p.v_max for p in parts]),
    )
    recurrent = np.zeros((n, n), np.int32)
    for layer, end, before in zip(layers[1:], ends[1:], ends, strict=False):
        sources = layer.weights.shape[0]
        recurrent[before - sources : before, end - layer.weights.shape[1] : end] = layer.weights
    inputs = np.zeros((layers[0].weights.shape[0], n), np.int32)
    inputs[:, : sizes[0]] = layers[0].weights
    first = np.repeat(np.arange(1, len(layers) + 1), sizes)  # (n,)
    windows = np.stack([first, first + ticks - 1], axis=1)  # (n, 2)
    return loihi1.Network(whole, from_dense(inputs, delay=1), from_dense(recurrent)), windows
