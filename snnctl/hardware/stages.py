"""From a program to chip registers: what every compiler starts from and reports.

Each stage is quantised alone, because a spike has no scale: only the ratio of weights, bias and threshold *within*
a stage matters. All links into a stage share one scale, for their weights add up.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.network.program import Program

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class FloatStage(NamedTuple):
    """One stage in floats: i[k] = a_syn i[k-1] + W s[k]; v[k] = a_mem v[k-1] + i[k] + b; spike if v > v_threshold."""

    name: str
    weights: Floats  # (synapses,) of all links into it, in their order
    targets: Integers  # (synapses,)
    bias: Floats  # (n,)
    a_syn: float
    a_mem: float
    v_threshold: Floats  # (n,)
    v_reset: float
    refractory_ticks: int
    ticks: int | None  # of a decision from zero state; None: without end

    @property
    def size(self) -> int:
        """Neurons."""
        return len(self.bias)

    @property
    def largest_weight(self) -> float:
        """Of either sign."""
        return float(np.abs(self.weights).max(initial=0.0))

    @property
    def largest_bias(self) -> float:
        """Of either sign."""
        return float(np.abs(self.bias).max(initial=0.0))

    @property
    def largest_input(self) -> float:
        """Bound of what can arrive at one neuron in one tick, excitatory or inhibitory alone."""
        return max(float(self.arriving(sign).max(initial=0.0)) for sign in (1, -1))

    def arriving(self, sign: int) -> Floats:
        """Sum of the weights of one sign, as positive numbers.  # (n,)"""
        return np.bincount(self.targets, np.maximum(sign * self.weights, 0), self.size).astype(np.float64)

    @property
    def accumulated(self) -> float:
        """Bound of the sum of ``a_syn^k`` over the ticks whose inputs add up."""
        if self.ticks is None:
            return 1 / (1 - self.a_syn) if self.a_syn < 1 else math.inf
        return math.fsum(self.a_syn**k for k in range(self.ticks))

    @property
    def largest_current(self) -> float:
        """Bound of ``|i| + |b|``."""
        return self.largest_input * self.accumulated + self.largest_bias


class Rounding(NamedTuple):
    """How far a chip's number is from the float one; ``error`` is relative to ``scale``."""

    layer: str
    quantity: str
    error: float  # largest |chip - float| / scale
    rms: float  # root of the mean square of the same
    scale: str  # what the error is relative to
    erased: int = 0  # numbers that are 0 on the chip, but not in floats
    nonzero: int = 0  # numbers that are not 0 in floats


def float_stages(program: Program) -> tuple[FloatStage, ...]:
    """The stages of a program of ``lif`` and ``current_lif`` neurons, in its order."""
    first = len(program.inputs)
    found = []
    for number, stage in enumerate(program.stages):
        neuron = stage.neuron
        tau_syn_s = getattr(neuron, "tau_syn_s", 0.0)  # a plain LIF has none
        synapses = [link.synapses() for link in program.into(first + number)]
        threshold = stage.parameters.get("v_threshold")
        given = neuron.v_threshold if threshold is None else threshold.values
        found.append(
            FloatStage(
                name=stage.label,
                weights=np.concatenate([np.zeros(0), *(s.weight for s in synapses)]).astype(np.float64),
                targets=np.concatenate([np.zeros(0, np.int64), *(s.target for s in synapses)]),
                bias=np.asarray(stage.bias.values, np.float64),
                a_syn=math.exp(-program.tick_s / tau_syn_s) if tau_syn_s > 0 else 0.0,
                a_mem=math.exp(-program.tick_s / neuron.tau_mem_s),
                v_threshold=np.broadcast_to(np.asarray(given, np.float64), (stage.size,)),
                v_reset=neuron.v_reset,
                refractory_ticks=neuron.refractory_ticks,
                ticks=program.ticks if program.decision == "reset" else None,
            )
        )
    return tuple(found)


def rounding(layer: str, quantity: str, wanted: Any, got: Any, scale: float, of: str) -> Rounding:
    """Compare chip values, converted back to the float unit, with the float ones."""
    wanted, got = np.asarray(wanted, np.float64), np.asarray(got, np.float64)
    error = np.abs(got - wanted) / (scale or 1.0)
    root = float(np.sqrt(np.mean(error**2))) if error.size else 0.0
    erased = int(np.count_nonzero((wanted != 0) & (got == 0)))
    return Rounding(layer, quantity, float(error.max(initial=0.0)), root, of, erased, int(np.count_nonzero(wanted)))


def rms(values: Floats) -> float:
    """Root of the mean square; 0 of nothing."""
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0
