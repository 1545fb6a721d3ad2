"""A program as registers of Xylo.

Weights, thresholds and biases are free for each neuron, so each neuron has a scale S of its own (chip units per unit of
v); all weights into the hidden neurons share one shift, all into the outputs another:

    dash = the shift whose decay a' = 1 - 2^-dash is nearest to a        (dash_syn at least 1: at 0 nothing arrives)
    weight = round(W S / (a_syn' 2^shift)) << shift                      int8: the chip decays i after adding to it
    threshold = floor(v_threshold S) + 1                                 the chip fires at v >= threshold
    bias = round(b S)

S makes the largest |weight| of the neuron 127. A neuron sends at most ``count`` spikes in a tick, and

    |i| <= I = sum |w| count sum_k a_syn'^k        one sign alone, over the ticks of a decision (streaming: without end)
    count <= floor(1 + (I + bias) / threshold), at most 31 (hidden) or 1 (output); 31 in a cycle

The shift is the largest with which nothing can overflow: I + |bias| and threshold at most 2^14 - 1, so that dv and v
fit 16 bits, and where ``count`` would exceed its limit v too, sum_k a_mem'^k (I + bias). Where that would cost weights
their precision even without a shift, the bound counts a single spike of each source, as the float model has it; a burst
may then overflow, and the emulator counts it. Scales that even so are too large shrink, and weights use a part of int8.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from snnctl.hardware.stages import Floats, FloatStage, Integers, Rounding, rms, rounding
from snnctl.hardware.xylo import emulator
from snnctl.network.program import Program, topological

ROOM = (1 << 14) - 1  # of current with bias, and of thresholds
_DIGITS = 1e-6  # beyond the digits of float32
_MARGIN = 0.98  # room for rounding up


class Quantised(NamedTuple):
    """One stage as the chip holds it."""

    most: int  # spikes of a neuron in a tick
    shift: int  # of the weights
    weights: Integers  # (synapses,) shifted
    neurons: emulator.Neurons
    held: FloatStage  # the same numbers in a unit in which v_threshold is the stage's own
    rounding: tuple[Rounding, ...]


class _Registers(NamedTuple):
    """A stage, its decays chosen and its scales not yet."""

    stage: FloatStage
    source: Integers  # (synapses,) node
    neuron: Integers  # (synapses,) of the source
    dash_syn: int
    dash_mem: int
    is_output: bool

    @property
    def most(self) -> int:
        return emulator.MOST_OUTPUT if self.is_output else emulator.MOST_HIDDEN

    @property
    def a_syn(self) -> float:
        return 1 - 2.0**-self.dash_syn

    def arriving(self, weights: Floats, counts: Floats) -> Floats:
        """Bound of |i| of each neuron; ``counts`` of the source of each synapse.  # (n,)"""
        stage = self.stage
        loads = [np.bincount(stage.targets, np.maximum(s * weights, 0) * counts, stage.size) for s in (1, -1)]
        return np.maximum(*loads) * _summed(self.a_syn, stage.ticks)

    def holds(self, scale: Floats, weights: Floats, counts: Floats) -> Floats:
        """How many times larger the chip's numbers may become, where ``weights`` are the chip's.  # (n,)"""
        stage = self.stage
        bias, threshold = np.abs(stage.bias) * scale, stage.v_threshold * scale
        current = self.arriving(weights, counts) + bias
        v = np.where(1 + current / threshold > self.most, current * _summed(1 - 2.0**-self.dash_mem, stage.ticks), 0.0)
        largest = np.maximum(np.maximum(current, threshold) / ROOM, v / emulator.TOP)
        return _MARGIN / np.maximum(largest, 1e-300)


def dash(decay: float, least: int = 0) -> int:
    """The shift whose decay is nearest."""
    return min(range(least, emulator.DASHES), key=lambda d: abs(decay - (1 - 2.0**-d)))


def _summed(a: float, ticks: int | None) -> float:
    """Sum of a^k over the ticks."""
    return 1 / (1 - a) if ticks is None else math.fsum(a**k for k in range(ticks))


def outputs(program: Program) -> frozenset[int]:
    """Stages that are read."""
    return frozenset(readout.stage for readout in program.readouts)


def quantise(program: Program, stages: tuple[FloatStage, ...], largest_shift: int) -> tuple[Quantised, ...]:
    """Registers of all stages; the rules have made sure that they exist."""
    first, read = len(program.inputs), outputs(program)
    registers = []
    for number, stage in enumerate(stages):
        links = [(link.source, link.synapses()) for link in program.into(first + number)]
        source = np.concatenate([np.zeros(0, np.int64), *(np.full(s.source.size, node) for node, s in links)])
        neuron = np.concatenate([np.zeros(0, np.int64), *(s.source for _, s in links)])
        dashes = dash(stage.a_syn, 1), dash(stage.a_mem)
        registers.append(_Registers(stage, source, neuron, *dashes, number in read))
    counts = _counts(program, registers)
    shifts = {
        kind: min((_shift(r, _of(r, counts), largest_shift) for r in registers if r.is_output == kind), default=0)
        for kind in (False, True)
    }
    return tuple(_quantised(r, _of(r, counts), shifts[r.is_output]) for r in registers)


def _of(r: _Registers, counts: list[Floats]) -> Floats:
    """Most spikes in a tick of the source of each synapse.  # (synapses,)"""
    found = np.ones(r.source.size)
    for node in np.unique(r.source):
        own = r.source == node
        found[own] = counts[node][r.neuron[own]]
    return found


def _counts(program: Program, registers: list[_Registers]) -> list[Floats]:
    """Bound of the spikes that each neuron of each node sends in a tick."""
    first = len(program.inputs)
    counts = [np.ones(node.size) for node in program.inputs]
    counts += [np.full(r.stage.size, float(r.most)) for r in registers]
    order = topological(len(program.nodes), [(link.source, link.target) for link in program.links])
    for node in order or ():
        if node >= first:
            r = registers[node - first]
            current = r.arriving(r.stage.weights, _of(r, counts)) + np.maximum(r.stage.bias, 0)
            # weights, bias and threshold are rounded: a tenth more is enough where the threshold keeps its steps
            counts[node] = np.minimum(np.floor(1 + 1.1 * current / r.stage.v_threshold), r.most)
    return counts


def _largest(r: _Registers) -> Floats:
    """Largest |W| / a_syn' of each neuron; 1 where it has none.  # (n,)"""
    found = np.zeros(r.stage.size)
    np.maximum.at(found, r.stage.targets, np.abs(r.stage.weights) / r.a_syn)
    return np.where(found > 0, found, np.maximum(np.maximum(np.abs(r.stage.bias), r.stage.v_threshold), 1e-300))


def _shift(r: _Registers, counts: Floats, largest_shift: int) -> int:
    """The largest shift with which no neuron can overflow; 0 where one can without a shift."""
    scale = emulator.WEIGHT_HIGH / _largest(r)  # (n,)
    room = float(r.holds(scale, _chip_weights(r, scale, 0), counts).min(initial=1.0))
    return int(np.clip(math.floor(math.log2(max(room, 1.0))), 0, largest_shift))


def _chip_weights(r: _Registers, scale: Floats, shift: int) -> Floats:
    mantissa = np.round(r.stage.weights * scale[r.stage.targets] / (r.a_syn * 2.0**shift))
    return np.clip(mantissa, -emulator.WEIGHT_HIGH, emulator.WEIGHT_HIGH) * 2.0**shift


def scales(r: _Registers, counts: Floats, shift: int) -> Floats:
    """S of each neuron.  # (n,)"""
    scale = emulator.WEIGHT_HIGH * 2.0**shift / _largest(r)
    for bound in (counts, np.ones_like(counts)):
        room = r.holds(scale, _chip_weights(r, scale, shift), bound)
        if (room >= 1).all():
            return scale
    for _ in range(64):  # rounding up many small weights may need more than one step
        scale = scale * np.minimum(room, 1.0)
        room = r.holds(scale, _chip_weights(r, scale, shift), np.ones_like(counts))
        if (room >= _MARGIN).all():
            break
    return scale


def _quantised(r: _Registers, counts: Floats, shift: int) -> Quantised:
    stage, n = r.stage, r.stage.size
    scale = scales(r, counts, shift)
    weights = _chip_weights(r, scale, shift).astype(np.int64)
    dash_syn = np.zeros((2, n), np.int64)
    dash_syn[0] = r.dash_syn
    exact = stage.v_threshold * scale * (1 + _DIGITS)  # held numbers, in float32, are held as they are
    threshold = np.clip(np.floor(exact) + 1, 1, emulator.TOP).astype(np.int64)
    bias = np.clip(np.round(stage.bias * scale), emulator.BOTTOM, emulator.TOP).astype(np.int64)
    neurons = emulator.Neurons(np.full(n, r.dash_mem, np.int64), dash_syn, threshold, bias)
    back = weights * r.a_syn / scale[stage.targets]
    th = float(stage.v_threshold.max(initial=0.0))
    report = (
        rounding(stage.name, "weight", stage.weights, back, stage.largest_weight, "largest weight"),
        rounding(stage.name, "weight", stage.weights, back, rms(stage.weights), "rms weight"),
        rounding(stage.name, "threshold", stage.v_threshold, (threshold - 1) / scale, th, "threshold"),
        rounding(stage.name, "bias", stage.bias, bias / scale, th, "threshold"),
        rounding(stage.name, "a_syn", stage.a_syn, r.a_syn, 1.0, "1"),
        rounding(stage.name, "a_mem", stage.a_mem, 1 - 2.0**-r.dash_mem, 1.0, "1"),
    )
    unit = stage.v_threshold / np.maximum(threshold - 1, 1)  # (n,) the chip fires above threshold - 1
    held = stage._replace(
        weights=weights * r.a_syn * unit[stage.targets],
        bias=bias * unit,
        a_syn=r.a_syn,
        a_mem=1 - 2.0**-r.dash_mem,
    )
    return Quantised(r.most, shift, weights, neurons, held, report)
