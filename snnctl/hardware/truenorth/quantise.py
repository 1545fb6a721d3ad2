"""A weight as a sum of axon types of repeated axons, and an integrate-and-fire stage as registers of TrueNorth.

A source neuron reaches a core on ``types copies`` axons: ``copies`` of each of the first 2 to 4 types. A neuron gives
type g the signed weight s[g] = u b^g with b = copies + 1, the last type -u b^(types - 1); its column of the crossbar
picks c[g] = 0 ... copies of the axons of each type, so that its weight is

    u (c[0] + b c[1] + ... - b^(types - 1) c[types - 1])     every multiple of u from -u copies b^(types - 1) to u top
    top = b^(types - 1) - 1

    axons of a source       2     3     4     8     12    16    20
    weights                 +-1   +-3   +-7   +-26  +-63  +-124 +-215    times u
    sources of a core       128   85    64    32    21    16    12

Each stage takes the most axons that its sources leave room for. Everything of a neuron is multiplied by its scale S:

    weight = u round(W S / u), |W| S at most u top;  u at most 256 / b^(types - 1)
    leak = round(bias S), at most 255;  alpha = floor(v_threshold S) + 1, or its ceiling with ``spike_at_threshold``
    R = round(v_reset S);  V before the first tick = round(v_initial S);  V stops at -beta = -2^18 (kappa 1)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnctl.hardware.stages import FloatStage, Integers, Rounding, rms, rounding
from snnctl.hardware.truenorth import emulator
from snnctl.network.program import Program

FLOOR = 1 << 18
LARGEST_THRESHOLD = 1 << 17


class Precision(NamedTuple):
    """How many axons a source has on a core."""

    types: int
    copies: int

    @property
    def axons(self) -> int:
        """Of one source."""
        return self.types * self.copies

    @property
    def last(self) -> int:
        """b^(types - 1)."""
        return int((self.copies + 1) ** (self.types - 1))

    @property
    def top(self) -> int:
        """The largest multiple of u of either sign that is used."""
        return self.last - 1

    def digits(self, value: Integers) -> Integers:
        """c[g] of weights in multiples of u.  # (synapses, types)"""
        b = self.copies + 1
        negative = np.maximum(-(value // self.last), 0)  # of the last type
        rest = value + negative * self.last
        return np.stack([*((rest // b**g) % b for g in range(self.types - 1)), negative], axis=1)

    def signed(self, u: Integers) -> Integers:
        """S of each type.  # (n, types)"""
        powers = [(self.copies + 1) ** g for g in range(self.types - 1)] + [-self.last]
        return u[:, None] * np.array(powers, np.int64)


PRECISIONS = tuple(Precision(*p) for p in ((2, 1), (3, 1), (4, 1), (4, 2), (4, 3), (4, 4), (4, 5)))


def precision(sources: int, axons: int) -> Precision:
    """The finest that ``sources`` leave room for; the coarsest where none does."""
    return max((p for p in PRECISIONS if p.axons * sources <= axons), default=PRECISIONS[0], key=lambda p: p.axons)


class Quantised(NamedTuple):
    """One stage as the chip holds it."""

    precision: Precision
    unit: Integers  # (n,) u
    targets: Integers  # (synapses,)
    multiples: Integers  # (synapses,) of the unit of the target
    weights: Integers  # (synapses,)
    neurons: emulator.Neurons
    rounding: tuple[Rounding, ...]


def float_stages(program: Program) -> tuple[FloatStage, ...]:
    """The stages of a program of integrate-and-fire neurons."""
    found = []
    for number, stage in enumerate(program.stages, start=len(program.inputs)):
        synapses = [link.synapses() for link in program.into(number)]
        given = stage.parameters.get("v_threshold")
        threshold = stage.neuron.v_threshold if given is None else given.values
        found.append(
            FloatStage(
                name=stage.label,
                weights=np.concatenate([np.zeros(0), *(s.weight for s in synapses)]).astype(np.float64),
                targets=np.concatenate([np.zeros(0, np.int64), *(s.target for s in synapses)]),
                bias=np.asarray(stage.bias.values, np.float64),
                a_syn=0.0,
                a_mem=1.0,
                v_threshold=np.broadcast_to(np.asarray(threshold, np.float64), (stage.size,)),
                v_reset=stage.neuron.v_reset,
                refractory_ticks=0,
                ticks=program.ticks if program.decision == "reset" else None,
            )
        )
    return tuple(found)


def quantise(stage: FloatStage, neuron: object, held: Precision) -> Quantised:
    """Registers of one stage; the rules have made sure that they exist."""
    n = stage.size
    largest = np.zeros(n)
    np.maximum.at(largest, stage.targets, np.abs(stage.weights))
    start, inclusive = getattr(neuron, "v_initial", 0.0), getattr(neuron, "spike_at_threshold", False)
    soft = getattr(neuron, "reset", "subtract") == "subtract"
    widest = max(abs(start), abs(stage.v_reset), 1e-300)
    scale = np.minimum(LARGEST_THRESHOLD / np.maximum(stage.v_threshold, widest), 1e9)  # (n,)
    scale = np.minimum(scale, emulator.LARGEST_WEIGHT / np.maximum(np.abs(stage.bias), 1e-300))
    most = (emulator.LARGEST_WEIGHT + 1) // held.last
    scale = np.minimum(scale, held.top * most / np.maximum(largest, 1e-300))
    unit = np.clip(np.ceil(scale * largest / held.top - 1e-9), 1, most).astype(np.int64)
    multiples = np.round(stage.weights * (scale / unit)[stage.targets])
    multiples = np.clip(multiples, -held.top, held.top).astype(np.int64)
    weights = multiples * unit[stage.targets]
    exact = stage.v_threshold * scale
    alpha = np.clip(np.ceil(exact) if inclusive else np.floor(exact) + 1, 1, emulator.TOP)
    leak = np.round(stage.bias * scale)
    registers = emulator.neurons(
        n,
        leak=leak,
        alpha=alpha,
        beta=FLOOR,
        kappa=1,
        gamma=1 if soft else 0,
        reset=np.round(stage.v_reset * scale),
        v_initial=np.round(start * scale),
    )
    th, back = float(stage.v_threshold.max(initial=0.0)), weights / scale[stage.targets]
    below = 0 if inclusive else 1
    report = (
        rounding(stage.name, "weight", stage.weights, back, stage.largest_weight, "largest weight"),
        rounding(stage.name, "weight", stage.weights, back, rms(stage.weights), "rms weight"),
        rounding(stage.name, "threshold", stage.v_threshold, (alpha - below) / scale, th, "threshold"),
        rounding(stage.name, "bias", stage.bias, leak / scale, th, "threshold"),
    )
    return Quantised(held, unit, stage.targets, multiples, weights, registers, report)
