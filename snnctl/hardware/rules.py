"""Design rules: small functions whose names are the rules, each returning every violation that it finds.

Here are those that families share, and the makers of such; a family's own rules stand in its folder.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import Problem
from snnctl.hardware.chip import Chip
from snnctl.hardware.placement import Core, Usage
from snnctl.hardware.schedule import Schedule
from snnctl.hardware.stages import FloatStage, float_stages
from snnctl.network.program import Program


class Violation(NamedTuple):
    """One broken design rule."""

    rule: str
    where: str
    message: str
    used: float
    limit: float
    remedy: str

    def problem(self, chip: str) -> Problem:
        """The same as an error says it."""
        message = f"{self.rule}: {self.message} (used {self.used:g}, limit {self.limit:g})"
        return Problem(f"{chip} {self.where}", message, self.remedy)


@dataclass(frozen=True)
class Plan:
    """What a rule looks at."""

    program: Program
    chip: Chip
    schedule: Schedule
    cores: tuple[Core, ...]

    @functools.cached_property
    def stages(self) -> tuple[FloatStage, ...]:
        """The stages in floats."""
        return float_stages(self.program)


class Quantised(Protocol):
    """A stage as a chip holds it."""

    @property
    def weights(self) -> NDArray[Any]:
        """(synapses,)"""
        ...


Rule = Callable[[Plan], list[Violation]]

FEWEST_STEPS = 8  # that a threshold or the largest weight must keep
MOST_ERASED = 0.5  # of the weights of a sign of a stage that may become 0
FEW = 0.1  # of the weights of a stage: so many may go, whatever their sign


def violations(plan: Plan, rules: Sequence[Rule]) -> tuple[Violation, ...]:
    """All that the plan breaks."""
    return tuple(violation for rule in rules for violation in rule(plan))


def hasty_cycle(hop: int = 1) -> Violation:
    """What is wrong with a program that has no schedule: a cycle is faster than ``hop`` ticks a link."""
    times = "" if hop == 1 else f"{hop} times "
    message = f"has a cycle whose delays sum to less than {times}its number of links"
    remedy = f"give each link of the cycle a delay of {hop} tick{'s' * (hop > 1)}"
    return Violation("hasty_cycle", "projections", message, 0, hop, remedy)


def per_core(rule: str, resource: str, remedy: str) -> Rule:
    """The rule that no core uses more of a resource than it has."""

    def check(plan: Plan) -> list[Violation]:
        worst: dict[str, Usage] = {}
        for core in plan.cores:
            usage = core.usage.get(resource)
            if usage is not None and usage.used > max(usage.limit, worst.get(core.population, Usage(0, 0)).used):
                worst[core.population] = usage
        return [
            Violation(rule, population, f"too many {resource.replace('_', ' ')} on a core", u.used, u.limit, remedy)
            for population, u in worst.items()
        ]

    check.__name__ = rule
    check.__doc__ = f"{resource} of every core within its limit."
    return check


def cores_within(count: Callable[[Chip], int]) -> Rule:
    """The rule that there are as many cores as the program takes."""

    def cores_on_chip(plan: Plan) -> list[Violation]:
        limit, used = count(plan.chip), len(plan.cores)
        if used <= limit:
            return []
        return [Violation("cores_on_chip", plan.chip.name, "too many cores", used, limit, "use fewer neurons")]

    cores_on_chip.__doc__ = "All cores together."
    return cores_on_chip


def refractory_within(most: int) -> Rule:
    """The rule that a refractory period fits its register."""

    def refractory_register(plan: Plan) -> list[Violation]:
        message, remedy = "refractory period is too long", f"use at most {most} refractory ticks"
        return [
            Violation("refractory_register", s.name, message, s.refractory_ticks, most, remedy)
            for s in plan.stages
            if s.refractory_ticks > most
        ]

    refractory_register.__doc__ = f"Refractory periods of at most {most} ticks."
    return refractory_register


def positive_threshold(plan: Plan) -> list[Violation]:
    """Thresholds of all neurons above 0, where a neuron at rest does not fire."""
    remedy = "give every neuron a threshold above 0"
    return [
        Violation("positive_threshold", s.name, "v_threshold is not above 0", float(s.v_threshold.min()), 0.0, remedy)
        for s in plan.stages
        if s.v_threshold.min() <= 0
    ]


def too_few_steps(stage: str, what: str, steps: float) -> list[Violation]:
    """A violation where a threshold or a largest weight would be lost in rounding."""
    if steps >= FEWEST_STEPS:
        return []
    message = f"the {what} has too few steps next to the layer's total input and bias"
    remedy = "bound weights and bias, raise v_threshold or shorten the time constants, in training"
    return [Violation("threshold_precision", stage, message, round(steps, 2), FEWEST_STEPS, remedy)]


def erased(stage: FloatStage, weights: NDArray[Any]) -> list[Violation]:
    """A violation for each sign of which a stage loses more than it may; ``weights`` (synapses,) are the chip's."""
    found, gone, total = [], (stage.weights != 0) & (weights == 0), np.count_nonzero(stage.weights)
    for kind, sign in (("excitatory", 1), ("inhibitory", -1)):  # a chip may scale each on its own
        own = np.sign(stage.weights) == sign
        lost, count = int(np.count_nonzero(gone & own)), int(np.count_nonzero(own))
        if lost > MOST_ERASED * count and lost > FEW * total:
            message = f"{lost} of {count} {kind} weights become 0 next to the largest weight, input and bias"
            remedy = "bound weights and bias in training, so that no weight, input or bias dwarfs the others"
            found.append(Violation("weights_kept", stage.name, message, float(lost), MOST_ERASED * count, remedy))
    return found


def weights_kept(quantise: Callable[[Plan, FloatStage], Quantised], *before: Rule) -> Rule:
    """The rule that no stage loses its weights of a sign; where one of ``before`` is broken, they tell why."""

    def kept(plan: Plan) -> list[Violation]:
        if any(rule(plan) for rule in before):
            return []
        return [violation for stage in plan.stages for violation in erased(stage, quantise(plan, stage).weights)]

    kept.__name__ = "weights_kept"
    kept.__doc__ = f"At most {MOST_ERASED:.0%} of the weights of a sign become 0, or {FEW:.0%} of all of the stage."
    return kept


SMALLER = "make the population or its inputs smaller"
DELAYS = "use shorter delays, or fewer stages on the longest path beside the link"
