"""Design rules of Xylo, and how much of the chip a network takes.

The chip is one core: input channels reach hidden neurons, these each other and the outputs, which are read. Synapses
that are 0 are not counted.
"""

from __future__ import annotations

import numpy as np

from snnctl.hardware.chip import Chip
from snnctl.hardware.placement import Core, Usage
from snnctl.hardware.rules import (
    Plan,
    Rule,
    Violation,
    erased,
    positive_threshold,
    too_few_steps,
)
from snnctl.hardware.schedule import Schedule
from snnctl.hardware.stages import Integers
from snnctl.hardware.xylo import quantise
from snnctl.network.program import Program


def channels(program: Program, schedule: Schedule) -> Integers:
    """Input neuron (of all inputs, side by side) and delay of every channel.  # (channels, 2)"""
    found, begin = [np.zeros((0, 2), np.int64)], np.cumsum([0, *(node.size for node in program.inputs)])
    for link in program.links:
        if link.source < len(program.inputs):
            synapses = link.synapses()
            pairs = np.stack([synapses.source + begin[link.source], schedule.delay(link, synapses.delay)], axis=1)
            found.append(pairs[synapses.weight != 0])
    return np.unique(np.concatenate(found), axis=0)


def fan_in(program: Program) -> list[Integers]:
    """Synapses that arrive at each neuron of each stage.  # (n,) each"""
    found = []
    for number, stage in enumerate(program.stages, start=len(program.inputs)):
        arriving = np.zeros(stage.size, np.int64)
        for link in program.into(number):
            synapses = link.synapses()
            arriving += np.bincount(synapses.target[synapses.weight != 0], minlength=stage.size)
        found.append(arriving)
    return found


def cores(program: Program, chip: Chip) -> tuple[Core, ...]:
    """What each population takes of the one core; the second number is the chip's."""
    read, fans = quantise.outputs(program), fan_in(program)
    total = {kind: sum(s.size for k, s in enumerate(program.stages) if (k in read) == kind) for kind in (False, True)}
    weights = Usage(sum(int(fan.sum()) for fan in fans), chip.limit("weights"))
    found = []
    for node, part in enumerate(program.nodes):
        stage = node - len(program.inputs)
        if stage < 0:
            usage = {"input_channels": Usage(sum(p.size for p in program.inputs), chip.limit("input_channels"))}
        else:
            kind = "output_neurons" if stage in read else "hidden_neurons"
            usage = {
                kind: Usage(total[stage in read], chip.limit(kind)),
                "fan_in": Usage(int(fans[stage].max(initial=0)), chip.limit("fan_in")),
                "weights": weights,
            }
        found.append(Core(0, 0, node, part.label, 0, part.size, usage))
    return tuple(found)


def sizes(program: Program, chip: Chip) -> tuple[Violation, ...]:
    """Every limit of size that the program breaks, and links that the chip has no weights for."""
    used: dict[str, tuple[str, Usage]] = {}
    found = []
    for core in cores(program, chip):
        for resource, usage in core.usage.items():
            if resource == "fan_in" and usage.used > usage.limit:
                remedy = f"leave at most {usage.limit} weights into each neuron: fewer sources, or a sparse projection"
                message = "too many weights into one neuron"
                found.append(Violation("fan_in", core.population, message, *usage, remedy))
            used.setdefault(resource, (core.population, usage))
    for resource, remedy in (
        ("input_channels", "use at most {} input neurons in all: fewer neurons for each dimension of the observation"),
        ("hidden_neurons", "use at most {} neurons in all populations that are not read"),
        ("output_neurons", "use at most {} neurons in the population that is read: fewer for each action"),
        ("weights", "use at most {} weights: fewer neurons, or sparse projections"),
    ):
        where, usage = used.get(resource, ("", Usage(0, 0)))
        if usage.used > usage.limit:
            message = f"too many {resource.replace('_', ' ')}"
            found.append(Violation(resource, where, message, *usage, remedy.format(usage.limit)))
    first, read = len(program.inputs), quantise.outputs(program)
    for link in program.links:
        if link.target - first in read and link.source < first:
            remedy = "put a population between the input and the one that is read"
            found.append(Violation("two_layers", link.label, "goes from an input to an output", 1, 0, remedy))
        if link.source - first in read:
            remedy = "let a population that is not read send these spikes"
            found.append(Violation("two_layers", link.label, "starts at an output, which sends nothing", 1, 0, remedy))
    return tuple(found)


def fits_in_size(plan: Plan) -> list[Violation]:
    """Neurons, channels, fan-in and weights within what the chip has; links that it has weights for."""
    return list(sizes(plan.program, plan.chip))


def one_tick_links(plan: Plan) -> list[Violation]:
    """Spikes of hidden neurons take one tick on the chip."""
    found = []
    for link in plan.program.links:
        delays = plan.schedule.delay(link, link.own_delays)
        if link.source >= len(plan.program.inputs) and (delays != 1).any():
            worst = int(delays[np.argmax(np.abs(delays - 1))])
            message = "takes another time than one tick on the chip, where a stage follows all that lead to it"
            remedy = "leave out the delay, and links that pass a stage by"
            found.append(Violation("one_tick_links", link.label, message, worst, 1, remedy))
    return found


def channels_within(plan: Plan) -> list[Violation]:
    """A channel for each input neuron and delay."""
    used, limit = len(channels(plan.program, plan.schedule)), plan.chip.limit("input_channels")
    if used <= limit or sum(node.size for node in plan.program.inputs) > limit:  # which is told already
        return []
    remedy = "give all projections of an input the same delay and stages of the same depth, or use fewer input neurons"
    message = "too many pairs of input neuron and delay"
    return [Violation("channels_within", plan.program.inputs[0].label, message, used, limit, remedy)]


def decay_range(plan: Plan) -> list[Violation]:
    """Synaptic decays that a shift can hold: halving is the fastest, and what is nearer to 0 is not on the chip."""
    fastest = plan.program.tick_s / float(np.log(2))
    message = "tau_syn_s is too short: a synapse keeps half of its current at least"
    remedy = f"use a tau_syn_s of about {fastest:.3g} s or more"
    return [
        Violation("decay_range", stage.name, message, round(stage.a_syn, 4), 0.25, remedy)
        for stage in plan.stages
        if stage.a_syn < 0.25
    ]


def quantised(plan: Plan) -> tuple[quantise.Quantised, ...]:
    """The registers of a plan that keeps all rules before."""
    return quantise.quantise(plan.program, plan.stages, plan.chip.limit("weight_shift"))


def threshold_precision(plan: Plan) -> list[Violation]:
    """Next to total input and bias, every threshold and the largest weight of a stage keep enough integer steps."""
    if positive_threshold(plan) or decay_range(plan):
        return []
    found = []
    for stage, held in zip(plan.stages, quantised(plan), strict=True):
        found += too_few_steps(stage.name, "threshold", float(held.neurons.threshold.min()))
        if stage.largest_weight > 0:
            steps = np.abs(held.weights).max() / 2.0**held.shift
            found += too_few_steps(stage.name, "largest weight", float(steps))
    return found


def weights_kept(plan: Plan) -> list[Violation]:
    """At most half of the weights of a sign become 0, or a tenth of all of the stage."""
    if positive_threshold(plan) or decay_range(plan) or threshold_precision(plan):
        return []
    pairs = zip(plan.stages, quantised(plan), strict=True)
    return [violation for stage, held in pairs for violation in erased(stage, held.weights)]


RULES: tuple[Rule, ...] = (
    fits_in_size,
    one_tick_links,
    channels_within,
    positive_threshold,
    decay_range,
    threshold_precision,
    weights_kept,
)
