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


def threshold_precision(plan: Plan) -> list[Violation]:
    """Next to a stage's total input and bias, its threshold and largest weight keep enough integer steps."""
    if positive_threshold(plan):
        return []
    found = []
    for stage in map(quantise.equalised, plan.stages):
        scale, exponent = quantise.choose_scale(stage)
        found += too_few_steps(stage.name, "threshold", float(stage.v_threshold[0]) * scale / 64)
        if stage.largest_weight > 0:
            found += too_few_steps(stage.name, "largest weight", stage.largest_weight * scale / 2.0 ** (7 + exponent))
    return found


refractory_register = refractory_within(62)  # register of 6 bits, which holds one more

RULES: tuple[Rule, ...] = (
    positive_threshold,
    refractory_register,
    threshold_precision,
    weights_kept(quantise.quantise, positive_threshold, refractory_register, threshold_precision),
    per_core("compartments_per_core", "compartments", SMALLER),
    per_core("synapse_memory_per_core", "synapse_bits", SMALLER),
    per_core("input_axons_per_core", "input_axons", "use fewer neurons in the layer before"),
    per_core("output_axons_per_core", "output_axons", "use fewer neurons in the next layer"),
    per_core("compartment_configs_per_core", "compartment_configs", "share time constants"),
    per_core("threshold_configs_per_core", "threshold_configs", "share thresholds"),
    per_core("delay_slots_per_core", "delay_slots", DELAYS),
    cores_within(lambda chip: chip.limit("cores")),
)
