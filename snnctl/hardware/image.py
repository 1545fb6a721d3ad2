"""What compilers with an emulator share: from a plan to an image, and two ways to run a decision.

    reset       stage by stage in 32 bits where it can be (:mod:`snnctl.hardware.layers`) and no number can overflow,
                else the whole network within windows
    streaming   the whole network; its state lives from decision to decision

Both ways of a reset decision give the same spikes.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from snnctl.errors import InputError, Problem
from snnctl.hardware import windows
from snnctl.hardware.chip import Chip
from snnctl.hardware.family import Counters, Fit, Image, Rasters, Spikes
from snnctl.hardware.layers import Layer, Staged, layers
from snnctl.hardware.placement import Core
from snnctl.hardware.rules import Plan, Rule, hasty_cycle, violations
from snnctl.hardware.schedule import Schedule, schedule
from snnctl.hardware.stages import Integers, Rounding
from snnctl.network.program import Program

S = TypeVar("S")
_NO_OVERFLOW = Counters(0)
Cores = Callable[[Program, Schedule, Chip], tuple[Core, ...]]


def compiled(
    program: Program,
    chip: Chip,
    cores: Cores,
    rules: Sequence[Rule],
    make: Callable[[Plan], Image],
    *,
    input_hop: int = 1,
    hop: int = 1,
) -> Fit:
    """Place with ``cores``, check all ``rules``, and if none is broken ``make`` the image.

    ``input_hop``, ``hop``: ticks that a spike from outside and one of a neuron take (:mod:`snnctl.hardware.schedule`).
    """
    found = schedule(program, input_hop, hop)
    if found is None:
        return Fit(program, chip, (), (), (hasty_cycle(hop),), None)
    plan = Plan(program, chip, found, cores(program, found, chip))
    broken = violations(plan, rules)
    return Fit(program, chip, plan.cores, (), broken, None if broken else make(plan))


class EmulatedImage(abc.ABC, Generic[S]):
    """A program on an emulated chip; ``S`` is the emulator's state."""

    most_input = 1  # spikes that an input neuron may send in one tick

    def __init__(self, plan: Plan, weights: Sequence[Integers], rounding: tuple[Rounding, ...]) -> None:
        """``weights``: of each stage as the chip holds them, (synapses,) of all links into it."""
        self.program, self.schedule = plan.program, plan.schedule
        self.ticks = plan.schedule.ticks
        self.rounding = rounding
        self._wanted = plan.program.ticks, sum(node.size for node in plan.program.inputs)
        self._weights = weights
        self.windows = windows.windows(plan.program, plan.schedule)

    @abc.abstractmethod
    def initial(self) -> S:
        """The emulator's state before the first tick."""

    @abc.abstractmethod
    def emulate(self, state: S, spikes: Spikes) -> tuple[S, Spikes, int]:
        """Advance the whole network by as many ticks as ``spikes`` has rows: state, spikes of all stages, overflows."""

    @abc.abstractmethod
    def fast(self, stack: Sequence[Layer]) -> Staged | None:
        """The reset decisions of these layers; None where a number of the chip might overflow."""

    @functools.cached_property
    def staged(self) -> Staged | None:
        """The reset decisions, stage by stage; None where that cannot be."""
        stack = self.layers()
        return None if stack is None else self.fast(stack)

    def layers(self) -> tuple[Layer, ...] | None:
        """The stages with dense matrices, as they run; None where these do not describe the program."""
        return layers(self.program, self._weights)

    def start(self) -> S | None:
        """The first state; None where nothing is kept from decision to decision."""
        return self.initial() if self.program.decision == "streaming" else None

    def run(self, state: Any, spikes: Spikes) -> tuple[S | None, Rasters, Counters]:
        """One decision.

        Raises:
            InputError: ``spikes`` are not (ticks, n) of counts from 0 to ``most_input``.
        """
        if spikes.shape != self._wanted or spikes.dtype != np.uint8:
            raise self._misfit(spikes)
        if self.staged is not None:
            rasters = self.staged.run(spikes)
            if rasters is None:
                raise self._misfit(spikes)
            return None, rasters, _NO_OVERFLOW
        if spikes.max(initial=0) > self.most_input:
            raise self._misfit(spikes)
        if self.program.decision == "streaming":
            state, fired, overflows = self.emulate(state, spikes)
            return state, self._rasters(spikes, fired), Counters(overflows)
        return None, *self.from_rest(spikes)

    def from_rest(self, spikes: Spikes) -> tuple[Rasters, Counters]:
        """A reset decision that :attr:`staged` does not take."""
        return self.at_once(spikes)

    def _misfit(self, spikes: Spikes) -> InputError:
        counts = "0 and 1" if self.most_input == 1 else f"0 ... {self.most_input}"
        remedy = f"give uint8 of {counts}, {self._wanted}: (ticks, neurons of all inputs)"
        return InputError(Problem("spikes", f"are {spikes.dtype} {spikes.shape}", remedy))

    def at_once(self, spikes: Spikes) -> tuple[Rasters, Counters]:
        """A reset decision, all stages at once within their windows."""
        _, fired, overflows = self.emulate(self.initial(), windows.padded(spikes, self.ticks))
        return self._rasters(spikes, fired), Counters(overflows)

    def _rasters(self, spikes: Spikes, fired: Spikes) -> Rasters:
        made = windows.own_ticks(self.program, self.schedule, fired)
        return [*windows.split_inputs(self.program, spikes), *made]
