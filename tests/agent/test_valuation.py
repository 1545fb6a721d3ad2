from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from snnctl.agent import valuation
from snnctl.agent.actor_critic import AT
from snnctl.agent.folder import Agent
from snnctl.agent.fused_learner import FusedLearner
from snnctl.agent.learning import Learning
from snnctl.coding import ChoiceDecoder, HashedPlaceCells, Normaliser
from snnctl.errors import AgentError
from snnctl.neurons import CurrentLif
from tests import factories

CELLS = 24  # (2 + 1) x (3 + 1) x (1 + 1) fields of one grid, shifted by half a field
SCALE = 5.0  # largest reward seen
MEAN, STD = np.array([1.0, -2.0, 0.5]), np.array([2.0, 0.5, 0.25])


def cell(z: np.ndarray) -> tuple[int, int, int]:
    """Fields of a place ``z`` in [0, 1]^3, by hand."""
    return tuple(int(v) for v in z * np.array([2, 3, 1]) + 0.5)  # type: ignore[return-value]


def agent(low: float = -1.0, high: float = 1.0, clip: float = 3.0) -> Agent:
    """One grid of place cells; V is u[cell], action 1 is taken in the upper two fields of the second observation."""
    weight = np.zeros((CELLS, 2), np.float32)
    for index in range(CELLS):
        weight[index, int((index // 2) % 4 >= 2)] = 3.0
    tensors = {
        "normaliser.mean": MEAN,
        "normaliser.std": STD,
        "encoder.fields": np.array([[2, 3, 1]], np.float32),
        "encoder.shift": np.full((1, 3), 0.5, np.float32),
        "projection.input.output.weight": weight,
        "population.output.bias": np.zeros(2, np.float32),
        "decoder.weight": np.ones((2, 1)),
        "decoder.bias": np.zeros(2),
        "critic.weight": np.linspace(-0.9, 0.9, CELLS),
        "critic.numbers": np.zeros(6),
    }
    tensors["critic.numbers"][AT.scale] = SCALE
    return factories.agent(
        factories.task(3, 2),
        normaliser=Normaliser(clip=clip),
        encoder=HashedPlaceCells(layers=1, cells=CELLS, fields=(2, 3, 1), low=low, high=high),
        hidden=(),
        neuron=CurrentLif(tau_mem_s=8e-3, tau_syn_s=2e-3),
        ticks=4,
        decoder=ChoiceDecoder(neurons_per_action=1),
        learning=Learning(critic_neurons=100),
        tensors=tensors,
    )


def test_values_and_actions_are_those_of_the_cells():
    made = agent()
    plane = valuation.plane(made, 0, 1, points=12)
    z = (np.arange(12) + 0.5) / 12
    for row in range(12):
        for column in range(12):
            k = cell(np.array([z[column], z[row], 0.5]))
            u = made.tensors["critic.weight"][(k[0] * 4 + k[1]) * 2 + k[2]]
            # the critic counts spikes: 4 ticks of 100 neurons for a range of 2
            assert plane.values[row, column] == pytest.approx(u * SCALE, abs=SCALE * 2 / 400)
            assert plane.actions[row, column] == (k[1] >= 2)
    assert len(np.unique(plane.actions)) == 2


def test_values_are_what_the_learner_says():
    made = agent()
    plane, learner = valuation.plane(made, 2, 0, points=5), FusedLearner(made, 7)
    for row, column in ((0, 0), (1, 4), (4, 2)):
        observation = MEAN.copy()
        observation[2], observation[0] = plane.x[column], plane.y[row]
        assert plane.values[row, column] == learner.value_at(observation) * SCALE
        learner.act(observation)  # a first decision learns nothing, so V is that of the observation as it is
        assert learner.value * SCALE == plane.values[row, column]
        learner.reset(0)


def test_nothing_is_learnt_by_asking():
    made = agent()
    before = {name: array.copy() for name, array in made.tensors.items()}
    valuation.plane(made, 0, 1, points=4)
    assert all((made.tensors[name] == array).all() for name, array in before.items())


@pytest.mark.parametrize(
    ("low", "high", "clip", "reach"),
    [(-1.0, 1.0, 3.0, (-1.0, 1.0)), (-5.0, 2.0, 3.0, (-3.0, 2.0)), (-1.0, 1.0, 0.5, (-0.5, 0.5))],
)
def test_the_plane_spans_what_normaliser_and_cells_tell_apart(low, high, clip, reach):
    plane = valuation.plane(agent(low, high, clip), 1, 2, points=4)
    assert plane.span[0] == pytest.approx((-2 + 0.5 * reach[0], -2 + 0.5 * reach[1]))
    assert plane.span[1] == pytest.approx((0.5 + 0.25 * reach[0], 0.5 + 0.25 * reach[1]))
    width = plane.span[0][1] - plane.span[0][0]
    assert plane.x == pytest.approx(plane.span[0][0] + width * np.array([1, 3, 5, 7]) / 8)
    assert plane.middle[0] == pytest.approx(1 + 2 * (reach[0] + reach[1]) / 2)


def test_without_any_reward_values_are_in_parts_of_the_largest():
    made = agent()
    made.tensors["critic.numbers"][AT.scale] = 0
    fresh = valuation.plane(made, 0, 1, points=3)
    assert fresh.reward_scale == 0
    assert fresh.values * SCALE == pytest.approx(valuation.plane(agent(), 0, 1, points=3).values)


def test_an_agent_without_a_critic_or_a_plane_is_refused():
    description, tensors = agent()
    task = dataclasses.replace(description.task, observation_size=1)
    bad = Agent(dataclasses.replace(description, learning=None, task=task), tensors)
    with pytest.raises(AgentError) as caught:
        valuation.plane(bad, 0, 1)
    assert "random:learning" in str(caught.value) and "cartpole-rstdp" in str(caught.value)
    assert "needs two observations" in str(caught.value)
