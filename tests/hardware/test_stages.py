from __future__ import annotations

import numpy as np

from snnctl.agent.program import program
from snnctl.hardware.stages import float_stages
from tests.hardware.chip_cases import random_agent


def test_bounds_of_a_layer_hold_for_the_worst_input() -> None:
    layer = float_stages(program(random_agent((24,), ticks=7)))[0]
    current, worst = np.zeros(24), 0.0
    always = layer.arriving(1)  # only excitatory inputs, all in every tick
    for _ in range(7):
        current = layer.a_syn * current + always
        worst = max(worst, float(np.abs(current).max()))
    assert worst <= layer.largest_current
    without_end = layer._replace(ticks=None)
    for _ in range(500):
        current = layer.a_syn * current + always
    assert float(np.abs(current).max()) <= without_end.largest_current * (1 + 1e-12)
