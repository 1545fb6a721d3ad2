"""A program on Xylo: checked, quantised, and ready to run.

A hidden spike takes one tick; what comes from outside is added in the tick in which the host sends it. So a link from
an input may have any delay: the host sends its spikes later, on a channel for each (input neuron, delay).
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware import windows
from snnctl.hardware.chip import Chip
from snnctl.hardware.family import Fit, Spikes
from snnctl.hardware.image import compiled
from snnctl.hardware.rules import Plan
from snnctl.hardware.stages import Integers
from snnctl.hardware.stagewise import StagewiseImage
from snnctl.hardware.synapses import Synapses, from_table
from snnctl.hardware.xylo import emulator
from snnctl.hardware.xylo.quantise import outputs
from snnctl.hardware.xylo.rules import RULES, channels, cores, quantised
from snnctl.network.program import Program


def compile(program: Program, chip: Chip) -> Fit:
    """Check every rule, quantise."""
    return compiled(program, chip, lambda p, schedule, c: cores(p, c), RULES, XyloImage, input_hop=0)


class State(NamedTuple):
    """The chip, and what the host has yet to send."""

    chip: emulator.State
    waiting: Spikes  # (longest input delay, input neurons) of the last ticks


class XyloImage(StagewiseImage[State]):
    """A program in the registers of Xylo."""

    most_input = emulator.MOST_INPUT

    def __init__(self, plan: Plan) -> None:
        self.stages = quantised(plan)
        report = tuple(r for stage in self.stages for r in stage.rounding)
        super().__init__(plan, [stage.weights for stage in self.stages], report)
        self._channels = channels(plan.program, plan.schedule)  # (channels, 2) input neuron, delay
        read, sizes = outputs(plan.program), [stage.size for stage in plan.program.stages]
        is_output = np.repeat([number in read for number in range(len(sizes))], sizes)  # (n,)
        self._order: Integers = np.argsort(is_output, kind="stable")  # the chip's neurons: hidden, then outputs
        self._hidden = int((~is_output).sum())

    @functools.cached_property
    def network(self) -> emulator.Network:
        """The whole chip."""
        place = np.argsort(self._order)  # neuron of the program -> of the chip
        synapses = windows.table(self.program, self.schedule)
        weight = windows.concatenated([stage.weights for stage in self.stages])
        target = place[synapses.target]
        number = {(int(n), int(d)): k for k, (n, d) in enumerate(self._channels)}
        pairs = zip(synapses.source[synapses.outside].tolist(), synapses.delay[synapses.outside].tolist(), strict=True)
        source = place[np.where(synapses.outside, 0, synapses.source)]
        source[synapses.outside] = [number[pair] for pair in pairs]

        def rows(sources: int, own: NDArray[np.bool_], first: int) -> Synapses:
            own = own & (weight != 0)
            return from_table(sources, source[own], target[own] - first, weight[own])

        parts = [stage.neurons for stage in self.stages]
        names = ("dash_mem", "dash_syn", "threshold", "bias")
        registers: dict[str, Any] = {n: np.concatenate([getattr(p, n) for p in parts], axis=-1) for n in names}
        hidden, output = (
            emulator.Neurons(**{name: np.ascontiguousarray(values[..., own]) for name, values in registers.items()})
            for own in (self._order[: self._hidden], self._order[self._hidden :])
        )
        to_hidden = target < self._hidden
        return emulator.Network(
            hidden,
            output,
            rows(len(self._channels), synapses.outside, 0),
            rows(self._hidden, ~synapses.outside & to_hidden, 0),
            rows(self._hidden, ~synapses.outside & ~to_hidden, self._hidden),
            np.full(self._hidden, emulator.NOBODY),
        )

    def initial(self) -> State:
        """All zero."""
        longest = int(self._channels[:, 1].max(initial=0))
        return State(emulator.initial_state(self.network), np.zeros((longest, self._wanted[1]), np.uint8))

    def emulate(self, state: State, spikes: Spikes) -> tuple[State, Spikes, int]:
        """All stages at once."""
        longest, ticks = len(state.waiting), len(spikes)
        sent = np.concatenate([state.waiting, spikes])  # row ``longest + k`` is tick k
        neuron, delay = self._channels.T
        rows = longest + np.arange(ticks)[:, None] - delay[None]
        gates = None if self.windows is None else np.ascontiguousarray(self.windows[self._order])
        chip, record = emulator.run(self.network, state.chip, sent[rows, neuron[None]], gates)
        fired = np.zeros_like(record.spikes)
        fired[:, self._order] = record.spikes
        return State(chip, sent[ticks:]), fired, record.overflows

    def advance(self, number: int, weights: NDArray[np.int32], arriving: Spikes) -> tuple[Spikes, int]:
        """One stage."""
        stage = self.stages[number]
        return emulator.run_layer(stage.neurons, weights, arriving, stage.most)
