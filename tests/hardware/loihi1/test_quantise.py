from __future__ import annotations

import numpy as np

from snnctl import hardware
from snnctl.agent.program import program as program_of
from snnctl.hardware import chip
from snnctl.hardware.loihi1 import emulator as loihi1
from snnctl.hardware.loihi1 import quantise as loihi1_quantise
from snnctl.hardware.stages import FloatStage
from tests.hardware.chip_cases import from_dense, random_agent

LOIHI = chip.load("loihi1")


def test_many_small_weights_that_are_all_rounded_up_cannot_wrap() -> None:
    n = 4000
    weights = np.full(n + 1, 1.01 / 254)  # of the largest weight, mantissa 1.01, which the format holds as 2
    weights[0] = 1.0
    stage = FloatStage("b", weights, np.zeros(n + 1, np.int64), np.zeros(1), 0.0, 0.5, np.ones(1), 0.0, 0, 4)
    made = loihi1_quantise.quantise(stage, 8)
    assert made.weights.sum() > 1.9 * 64 * n * 2.0**made.exponent  # rounded up indeed
    network = loihi1.Network(made.compartments, from_dense(made.weights[:, None]), from_dense(np.zeros((1, 1))))
    _, record = loihi1.run(network, loihi1.initial_state(network), np.ones((4, n + 1), np.uint8))
    assert record.wraps == 0
    assert record.spikes.all()


def test_loihi_spends_one_threshold_register_on_neurons_of_different_thresholds() -> None:
    agent = random_agent((16,))
    own = dict(agent.tensors) | {"population.hidden1.v_threshold": np.linspace(0.5, 2.0, 16, dtype=np.float32)}
    fit = hardware.fit(program_of(agent._replace(tensors=own)), LOIHI)
    assert fit.image is not None
    assert np.unique(fit.image.stages[0].compartments.threshold).size == 1
