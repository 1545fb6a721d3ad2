"""Design rules of Loihi 1."""

from __future__ import annotations

from snnctl.hardware.loihi1 import quantise
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
from snnctl.hardware.stages import FloatStage


def weight_format(plan: Plan) -> list[Violation]:
    """Weights of a number of bits that a synapse can have."""
    bits, allowed = plan.chip.limit("weight_bits"), quantise.WEIGHT_BITS
    if bits in allowed:
        return []
    remedy = f"set limits.weight_bits of the chip to one of {', '.join(map(str, allowed))}"
    message = "no synapse has weights of so many bits"
    return [Violation("weight_format", plan.chip.name, message, bits, max(allowed), remedy)]


def _quantised(plan: Plan, stage: FloatStage) -> quantise.Quantised:
    return quantise.quantise(stage, plan.chip.limit("weight_bits"))


def threshold_precision(plan: Plan) -> list[Violation]:
    """Next to a stage's total input and bias, its threshold and largest weight keep enough integer steps."""
    if positive_threshold(plan) or weight_format(plan):
        return []
    found = []
    for stage in map(quantise.equalised, plan.stages):
        scale, exponent = quantise.choose_scale(stage, plan.chip.limit("weight_bits"))
        found += too_few_steps(stage.name, "threshold", float(stage.v_threshold[0]) * scale / 64)
        if stage.largest_weight > 0:
            found += too_few_steps(stage.name, "largest weight", stage.largest_weight * scale / 2.0 ** (7 + exponent))
    return found


refractory_register = refractory_within(62)  # register of 6 bits, which holds one more

RULES: tuple[Rule, ...] = (
    positive_threshold,
    refractory_register,
    weight_format,
    threshold_precision,
    weights_kept(_quantised, positive_threshold, refractory_register, weight_format, threshold_precision),
    per_core("compartments_per_core", "compartments", SMALLER),
    per_core("synapse_memory_per_core", "synapse_bits", SMALLER),
    per_core("input_axons_per_core", "input_axons", "use fewer neurons in the layer before"),
    per_core("output_axons_per_core", "output_axons", "use fewer neurons in the next layer"),
    per_core("compartment_configs_per_core", "compartment_configs", "share time constants"),
    per_core("threshold_configs_per_core", "threshold_configs", "share thresholds"),
    per_core("delay_slots_per_core", "delay_slots", DELAYS),
    cores_within(lambda chip: chip.limit("cores")),
)
