"""Design rules of TrueNorth."""

from __future__ import annotations

import numpy as np

from snnctl.hardware.rules import Plan, Rule, Violation, cores_within, erased, too_few_steps
from snnctl.hardware.truenorth.cores import NOTHING, fan_out, wiring
from snnctl.hardware.truenorth.quantise import PRECISIONS, Quantised, float_stages, quantise


def quantised(plan: Plan) -> tuple[Quantised, ...]:
    """The registers of a plan."""
    wired = wiring(plan.program, plan.schedule, plan.chip)
    triples = zip(float_stages(plan.program), plan.program.stages, wired, strict=True)
    return tuple(quantise(stage, given.neuron, wires.precision) for stage, given, wires in triples)


def axons_per_core(plan: Plan) -> list[Violation]:
    """Axons of all sources of a core, at two a source."""
    found, limit, least = [], plan.chip.limit("axons_per_core"), PRECISIONS[0].axons
    for stage, wires in zip(plan.program.stages, wiring(plan.program, plan.schedule, plan.chip), strict=True):
        if (used := least * wires.largest()) > limit:
            each = ", ".join(f"{limit // p.axons} for weights of +-{p.top}" for p in PRECISIONS[:3])
            remedy = f"let at most {limit // least} neurons reach the population ({each})"
            message = "too many axons on a core, at two for each source neuron and delay"
            found.append(Violation("axons_per_core", stage.label, message, used, limit, remedy))
    return found


def splitter_fan_out(plan: Plan) -> list[Violation]:
    """Axons that one neuron has to reach through one splitter."""
    limit, fans = (
        plan.chip.limit("neurons_per_core"),
        fan_out(plan.program, wiring(plan.program, plan.schedule, plan.chip)),
    )
    begin = np.cumsum([0, *(node.size for node in plan.program.nodes)])
    found = []
    for node, stage in enumerate(plan.program.stages, start=len(plan.program.inputs)):
        most = int(fans[begin[node] : begin[node + 1]].max())
        if most > limit:
            message, remedy = "a neuron has to reach too many axons", "let it reach fewer or smaller populations"
            found.append(Violation("splitter_fan_out", stage.label, message, most, limit, remedy))
    return found


def delay_range(plan: Plan) -> list[Violation]:
    """Delays on the chip: 2 ticks at least after a neuron, one of them in a splitter; 15 in one core."""
    found, longest = [], plan.chip.limit("delay_ticks")
    for link in plan.program.links:
        delays = plan.schedule.delay(link, link.own_delays)
        inner = link.source >= len(plan.program.inputs)
        low, high = (2, longest + 1) if inner else (0, longest)
        if delays.min() < low:
            message, remedy = "is faster than a splitter", f"give it a delay of {low} ticks or more"
            found.append(Violation("delay_range", link.label, message, int(delays.min()), low, remedy))
        if delays.max() > high:
            message = "is delayed for too long, hops included"
            remedy = "use shorter delays, or fewer stages on the longest path beside the link"
            found.append(Violation("delay_range", link.label, message, int(delays.max()), high, remedy))
    return found


def one_synapse(plan: Plan) -> list[Violation]:
    """A crossbar has one bit for an axon and a neuron: no two synapses between the same neurons with the same delay."""
    found = []
    for stage, wires, given in zip(
        plan.program.stages, wiring(plan.program, plan.schedule, plan.chip), float_stages(plan.program), strict=True
    ):
        used = wires.channel != NOTHING
        pairs = wires.channel[used] * stage.size + given.targets[used]
        if (twice := pairs.size - np.unique(pairs).size) > 0:
            message, remedy = "has several synapses between the same neurons", "add their weights up in one projection"
            found.append(Violation("one_synapse", stage.label, message, twice, 0, remedy))
    return found


def positive_threshold(plan: Plan) -> list[Violation]:
    """Thresholds of all neurons above 0, where a neuron at rest does not fire."""
    return [
        Violation(
            "positive_threshold", s.name, "v_threshold is not above 0", float(s.v_threshold.min()), 0.0,
            "give every neuron a threshold above 0",
        )
        for s in float_stages(plan.program)
        if s.v_threshold.min() <= 0
    ]  # fmt: skip


def threshold_precision(plan: Plan) -> list[Violation]:
    """Next to weights and bias of a neuron, its threshold keeps enough integer steps."""
    if positive_threshold(plan):
        return []
    return [
        violation
        for stage, held in zip(plan.program.stages, quantised(plan), strict=True)
        for violation in too_few_steps(stage.label, "threshold", float(held.neurons.alpha.min()))
    ]


def weights_kept(plan: Plan) -> list[Violation]:
    """At most half of the weights of a sign become 0 at the precision that its axons allow, or a tenth of all."""
    if positive_threshold(plan) or threshold_precision(plan) or axons_per_core(plan):
        return []
    found = []
    for stage, held in zip(float_stages(plan.program), quantised(plan), strict=True):
        p = held.precision
        remedy = f"use fewer source neurons, for more than {p.axons} axons each and +-{p.top} steps; or bound weights"
        found += [violation._replace(remedy=remedy) for violation in erased(stage, held.weights)]
    return found


RULES: tuple[Rule, ...] = (
    axons_per_core,
    splitter_fan_out,
    delay_range,
    one_synapse,
    positive_threshold,
    threshold_precision,
    weights_kept,
    cores_within(lambda chip: chip.limit("cores")),
)
