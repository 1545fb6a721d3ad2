"""Design rules of SpiNNaker 1."""

from __future__ import annotations

from snnctl.hardware.rules import (
    DELAYS,
    SMALLER,
    Plan,
    Rule,
    Violation,
    cores_within,
    per_core,
    positive_threshold,
    refractory_within,
    too_few_steps,
    weights_kept,
)
from snnctl.hardware.spinnaker1 import accum, emulator, quantise
from snnctl.hardware.spinnaker1.cores import total


def reset_below_threshold(plan: Plan) -> list[Violation]:
    """The threshold is checked while refractory too: a neuron must reset below it."""
    message, remedy = "v_reset is not below v_threshold", "lower v_reset"
    return [
        Violation("reset_below_threshold", s.name, message, s.v_reset, float(s.v_threshold.min()), remedy)
        for s in plan.stages
        if s.v_reset >= s.v_threshold.min()
    ]


def _init(ticks: float) -> float:
    """What the chip multiplies an input with; between 0.63 and 1 for a time constant of more than a tick."""
    return emulator.exponential(accum.encode(ticks), accum.ONE)[1] / 2**32


def decay_range(plan: Plan) -> list[Violation]:
    """Time constants are s16.15 chip milliseconds, and e^-x vanishes beyond x = 10.4."""
    found = []
    for stage in plan.program.stages:
        taus = {"tau_mem_s": stage.neuron.tau_mem_s}
        if getattr(stage.neuron, "tau_syn_s", 0.0) > 0:
            taus["tau_syn_s"] = stage.neuron.tau_syn_s
        for name, tau in taus.items():
            ticks = tau / plan.program.tick_s
            if not 0.1 <= ticks < 32768:
                limit = 0.1 if ticks < 0.1 else 32767
                message, remedy = f"{name} in ticks is out of range", "bring it to 0.1 ... 32767 ticks"
                found.append(Violation("decay_range", stage.label, message, ticks, limit, remedy))
            elif name == "tau_syn_s" and ticks > 1 and _init(ticks) < 0.5:
                message = "tau_syn_s in ticks makes the chip's own init wrap"  # it is near 1, and 2^32 does not fit
                remedy = "shorten tau_syn_s a little"
                found.append(Violation("decay_range", stage.label, message, ticks, ticks, remedy))
    return found


def threshold_precision(plan: Plan) -> list[Violation]:
    """Next to a stage's total input and bias, the lowest threshold keeps enough integer steps."""
    if decay_range(plan) or positive_threshold(plan):
        return []
    return [
        violation
        for stage in plan.stages
        for violation in too_few_steps(
            stage.name, "threshold", float(stage.v_threshold.min()) * quantise.choose_scale(stage)[0] * accum.ONE
        )
    ]


def sdram_per_chip(plan: Plan) -> list[Violation]:
    """Synapse rows of all cores of a chip."""
    limit = plan.chip.limit("sdram_bytes_per_chip")
    found = []
    for number in sorted({c.chip for c in plan.cores}):
        used = sum(c.usage["sdram_bytes"].used for c in plan.cores if c.chip == number and "sdram_bytes" in c.usage)
        if used > limit:
            found.append(Violation("sdram_per_chip", f"chip {number}", "too many synapses", used, limit, SMALLER))
    return found


def router_entries_per_chip(plan: Plan) -> list[Violation]:
    """One multicast entry for each source core whose packets may pass a chip: at most one a core."""
    limit = plan.chip.limit("router_entries_per_chip")
    if len(plan.cores) <= limit:
        return []
    message = "too many source cores for the multicast tables"
    return [Violation("router_entries_per_chip", plan.chip.name, message, len(plan.cores), limit, "use fewer neurons")]


refractory_register = refractory_within(65535)  # an s16.15 number
_BEFORE: tuple[Rule, ...] = (
    positive_threshold,
    reset_below_threshold,
    refractory_register,
    decay_range,
    threshold_precision,
)

RULES: tuple[Rule, ...] = (
    *_BEFORE,
    weights_kept(lambda plan, stage: quantise.quantise(stage), *_BEFORE),
    per_core("neurons_per_core", "neurons", SMALLER),
    per_core("ring_buffers_per_core", "ring_buffer_bytes", SMALLER),
    per_core("dtcm_per_core", "dtcm_bytes", SMALLER),
    per_core("delay_slots_per_core", "delay_slots", DELAYS),
    cores_within(total),
    sdram_per_chip,
    router_entries_per_chip,
)
