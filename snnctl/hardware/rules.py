"""Design rules: small functions whose names are the rules, each returning every violation that it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from snnctl.agent.description import reads_membranes
from snnctl.agent.folder import Agent
from snnctl.coding import DirectCurrent
from snnctl.hardware import accum, loihi1_compiler, spinnaker1_compiler
from snnctl.hardware.chip import Chip
from snnctl.hardware.placement import Core, Usage, total_cores
from snnctl.hardware.quantise import float_layer
from snnctl.network.description import Population, evaluation_order, layers
from snnctl.neurons import CurrentLif, Lif


class Violation(NamedTuple):
    """One broken design rule."""

    rule: str
    where: str
    message: str
    used: float
    limit: float
    remedy: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}: {self.message} (used {self.used:g}, limit {self.limit:g}); {self.remedy}"


class Plan(NamedTuple):
    """What a rule looks at."""

    agent: Agent
    chip: Chip
    cores: tuple[Core, ...]

    @property
    def driven(self) -> tuple[Population, ...]:
        """Populations that need neurons on the chip."""
        return self.agent.description.network.driven


Rule = Callable[[Plan], list[Violation]]

_FEWEST_STEPS = 8


def leaky_neurons(plan: Plan) -> list[Violation]:
    """The cores integrate leaky neurons; the parameters of other models have no registers there."""
    return [
        Violation("leaky_neurons", p.name, f"is of the model '{p.neuron.model}'", 1, 0, "use lif or current_lif")
        for p in plan.driven
        if p.neuron is not None and type(p.neuron) not in (Lif, CurrentLif)
    ]


def equal_neurons(plan: Plan) -> list[Violation]:
    """The neurons of a population share their registers; only the bias differs."""
    own = [n for n in plan.agent.tensors if n.startswith("population.") and not n.endswith(".bias")]
    remedy = "give the population one value"
    return [Violation("equal_neurons", name, "differs from neuron to neuron", 1, 0, remedy) for name in own]


def fixed_weights(plan: Plan) -> list[Violation]:
    """Learning on the chip is not compiled."""
    return [
        Violation(
            "fixed_weights", f"{p.source} -> {p.target}", "is plastic", len(p.plasticity), 0, "freeze it after training"
        )
        for p in plan.agent.description.network.projections
        if p.plasticity
    ]


def reset_decisions(plan: Plan) -> list[Violation]:
    """The compiler gates layers by windows that start at a reset; it has none for streaming networks."""
    network = plan.agent.description.network
    if network.decision == "reset":
        return []
    message = "is 'streaming': state that lives from decision to decision is not compiled yet"
    return [Violation("reset_decisions", "network.decision", message, 1, 0, "use decision = 'reset'")]


def spikes_at_both_ends(plan: Plan) -> list[Violation]:
    """Encoder and decoder run on the host; only spikes pass between it and the chip."""
    agent, found = plan.agent.description, []
    if isinstance(agent.encoder, DirectCurrent):
        remedy = "use an encoder that makes spikes"
        found.append(Violation("spikes_at_both_ends", "encoder", "injects an analog current", 1, 0, remedy))
    if reads_membranes(agent.decoder):
        remedy = "use a decoder that reads spikes"
        found.append(Violation("spikes_at_both_ends", "decoder", "reads membranes", 1, 0, remedy))
    return found


def feed_forward(plan: Plan) -> list[Violation]:
    """No recurrence, in the compiler; the emulators themselves take any network."""
    network = plan.agent.description.network
    found = []
    if _cyclic(plan):
        remedy = "train a feed-forward controller"
        found.append(Violation("feed_forward", "network.projections", "recurrent network", 1, 0, remedy))
    order = evaluation_order(network)
    if not found and order is not None and layers(network) is None and not _special(plan):
        message = "branches or skips layers; only a chain input -> ... -> output is compiled"
        found.append(Violation("feed_forward", "network.projections", message, 1, 0, "make it a chain"))
    return found


def _cyclic(plan: Plan) -> bool:
    remaining = {p.name for p in plan.agent.description.network.populations}
    edges = {(p.source, p.target) for p in plan.agent.description.network.projections}
    while free := {n for n in remaining if not any(t == n and s in remaining for s, t in edges)}:
        remaining -= free
    return bool(remaining)


def _special(plan: Plan) -> bool:
    return any(p.delay_ticks or p.connectivity != "dense" for p in plan.agent.description.network.projections)


def dense_projections(plan: Plan) -> list[Violation]:
    """Sparse connectivity is not compiled."""
    return [
        Violation("dense_projections", f"{p.source} -> {p.target}", "sparse projection", 1, 0, "make it dense")
        for p in plan.agent.description.network.projections
        if p.connectivity != "dense"
    ]


def no_extra_delay(plan: Plan) -> list[Violation]:
    """Projections with a delay of their own are not compiled in reset decisions."""
    return [
        Violation(
            "no_extra_delay", f"{p.source} -> {p.target}", "has its own delay", p.delay_ticks, 0, "set delay_ticks = 0"
        )
        for p in plan.agent.description.network.projections
        if p.delay_ticks
    ]


def reset_to_value(plan: Plan) -> list[Violation]:
    """After a spike the membrane is set to a value; no emulated chip subtracts the threshold."""
    return [
        Violation("reset_to_value", p.name, "reset = 'subtract'", 1, 0, "train with reset = 'value'")
        for p in plan.driven
        if p.neuron is not None and p.neuron.reset != "value"
    ]


def reset_to_zero(plan: Plan) -> list[Violation]:
    """Loihi resets a membrane to zero."""
    return [
        Violation("reset_to_zero", p.name, "v_reset is not 0", p.neuron.v_reset, 0.0, "train with v_reset = 0")
        for p in plan.driven
        if p.neuron is not None and p.neuron.v_reset != 0.0
    ]


def reset_below_threshold(plan: Plan) -> list[Violation]:
    """SpiNNaker checks the threshold while refractory too: a neuron must reset below it."""
    message, remedy = "v_reset is not below v_threshold", "lower v_reset"
    return [
        Violation("reset_below_threshold", p.name, message, p.neuron.v_reset, p.neuron.v_threshold, remedy)
        for p in plan.driven
        if p.neuron is not None and p.neuron.v_reset >= p.neuron.v_threshold
    ]


def refractory_register(plan: Plan) -> list[Violation]:
    """Loihi holds refractory_ticks + 1 in 6 bits, SpiNNaker the ticks in an s16.15 number."""
    most = {"loihi1": 62, "spinnaker1": 65535}[plan.chip.family]
    message, remedy = "refractory period is too long", f"use at most {most} refractory ticks"
    return [
        Violation("refractory_register", p.name, message, p.neuron.refractory_ticks, most, remedy)
        for p in plan.driven
        if p.neuron is not None and p.neuron.refractory_ticks > most
    ]


def decay_range(plan: Plan) -> list[Violation]:
    """SpiNNaker's time constants are s16.15 chip milliseconds, and e^-x vanishes beyond x = 10.4."""
    network = plan.agent.description.network
    found = []
    for p in plan.driven:
        taus = {"tau_mem_s": p.neuron.tau_mem_s} if p.neuron is not None else {}
        if p.neuron is not None and getattr(p.neuron, "tau_syn_s", 0.0) > 0:
            taus["tau_syn_s"] = p.neuron.tau_syn_s
        for name, tau in taus.items():
            ticks = tau / network.tick_s
            if not 0.1 <= ticks < 32768:
                limit = 0.1 if ticks < 0.1 else 32767
                message, remedy = f"{name} in ticks is out of range", "bring it to 0.1 ... 32767 ticks"
                found.append(Violation("decay_range", p.name, message, ticks, limit, remedy))
    return found


def threshold_precision(plan: Plan) -> list[Violation]:
    """Next to a layer's total input and bias, its threshold and largest weight must keep enough integer steps."""
    network = plan.agent.description.network
    if layers(network) is None or (plan.chip.family == "spinnaker1" and decay_range(plan)):
        return []
    found = []
    for projection in network.projections:
        target = network.population(projection.target)
        layer = float_layer(plan.agent, network.population(projection.source), target)
        largest_weight = float(np.abs(layer.weights).max(initial=0.0))
        steps = {}
        if plan.chip.family == "loihi1":
            scale, exponent = loihi1_compiler.choose_scale(layer)
            steps["threshold"] = layer.v_threshold * scale / 64
            steps["largest weight"] = largest_weight * scale / 2.0 ** (7 + exponent)
        else:
            scale, _ = spinnaker1_compiler.choose_scale(layer)
            steps["threshold"] = layer.v_threshold * scale * accum.ONE
        for name, used in steps.items():
            if used < _FEWEST_STEPS and not (name == "largest weight" and largest_weight == 0.0):
                message = f"the {name} has too few steps next to the layer's total input and bias"
                remedy = "bound weights and bias, raise v_threshold or shorten the time constants, in training"
                found.append(
                    Violation("threshold_precision", target.name, message, round(used, 2), _FEWEST_STEPS, remedy)
                )
    return found


def _per_core(rule: str, resource: str, remedy: str) -> Rule:
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


_SMALLER = "make the population or its inputs smaller"
compartments_per_core = _per_core("compartments_per_core", "compartments", _SMALLER)
synapse_memory_per_core = _per_core("synapse_memory_per_core", "synapse_bits", _SMALLER)
input_axons_per_core = _per_core("input_axons_per_core", "input_axons", "use fewer neurons in the layer before")
output_axons_per_core = _per_core("output_axons_per_core", "output_axons", "use fewer neurons in the next layer")
compartment_configs_per_core = _per_core("compartment_configs_per_core", "compartment_configs", "share time constants")
threshold_configs_per_core = _per_core("threshold_configs_per_core", "threshold_configs", "share thresholds")
neurons_per_core = _per_core("neurons_per_core", "neurons", _SMALLER)
ring_buffers_per_core = _per_core("ring_buffers_per_core", "ring_buffer_bytes", _SMALLER)
dtcm_per_core = _per_core("dtcm_per_core", "dtcm_bytes", _SMALLER)
delay_slots_per_core = _per_core("delay_slots_per_core", "delay_slots", "use shorter delays")


def cores_on_chip(plan: Plan) -> list[Violation]:
    """All cores together."""
    limit = total_cores(plan.chip)
    if len(plan.cores) <= limit:
        return []
    return [Violation("cores_on_chip", plan.chip.name, "too many cores", len(plan.cores), limit, "use fewer neurons")]


def sdram_per_chip(plan: Plan) -> list[Violation]:
    """Synapse rows of all cores of a SpiNNaker chip."""
    limit = plan.chip.limit("sdram_bytes_per_chip")
    found = []
    for number in sorted({c.chip for c in plan.cores}):
        used = sum(c.usage["sdram_bytes"].used for c in plan.cores if c.chip == number and "sdram_bytes" in c.usage)
        if used > limit:
            found.append(Violation("sdram_per_chip", f"chip {number}", "too many synapses", used, limit, _SMALLER))
    return found


def router_entries_per_chip(plan: Plan) -> list[Violation]:
    """One multicast entry for each source core whose packets may pass a chip: at most one a core."""
    limit = plan.chip.limit("router_entries_per_chip")
    if len(plan.cores) <= limit:
        return []
    message = "too many source cores for the multicast tables"
    return [Violation("router_entries_per_chip", plan.chip.name, message, len(plan.cores), limit, "use fewer neurons")]


_WHAT: tuple[Rule, ...] = (leaky_neurons, equal_neurons, fixed_weights)
_COMMON: tuple[Rule, ...] = (
    reset_decisions,
    spikes_at_both_ends,
    feed_forward,
    dense_projections,
    no_extra_delay,
    reset_to_value,
)
RULES: dict[str, tuple[Rule, ...]] = {
    "loihi1": (
        *_COMMON,
        reset_to_zero,
        refractory_register,
        threshold_precision,
        compartments_per_core,
        synapse_memory_per_core,
        input_axons_per_core,
        output_axons_per_core,
        compartment_configs_per_core,
        threshold_configs_per_core,
        delay_slots_per_core,
        cores_on_chip,
    ),
    "spinnaker1": (
        *_COMMON,
        reset_below_threshold,
        refractory_register,
        decay_range,
        threshold_precision,
        neurons_per_core,
        ring_buffers_per_core,
        dtcm_per_core,
        delay_slots_per_core,
        cores_on_chip,
        sdram_per_chip,
        router_entries_per_chip,
    ),
}


def violations(plan: Plan) -> tuple[Violation, ...]:
    """All that the plan breaks; what the neurons are comes first, for the other rules read their parameters."""
    found = tuple(v for rule in _WHAT for v in rule(plan))
    return found or tuple(v for rule in RULES[plan.chip.family] for v in rule(plan))
