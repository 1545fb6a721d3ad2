import math

import numba
import numpy as np
import pytest

from snnctl import streams
from snnctl.agent.description import AgentDescription, Provenance, Task
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.coding import ChoiceDecoder, Normaliser, PlaceCells
from snnctl.network.description import stack
from snnctl.neurons import CurrentLif
from snnctl.neurons.current_lif import CurrentLifConstants
from snnctl.plasticity.rstdp import RewardStdp, initial_state
from snnctl.training.actor_critic import Critic, decide, evaluate, finish, learn_value

INTERPRETED = bool(numba.config.DISABLE_JIT)  # a thousand times slower: fewer trials, wider tolerances
TICK_S = 1e-3
MODEL = CurrentLif(tau_mem_s=8e-3, tau_syn_s=2e-3)
NEURON = CurrentLifConstants(*(np.float32(c) for c in MODEL.constants(TICK_S)))


def rule(rate: float = 0.05, ticks: int = 8, **change) -> RewardStdp:
    settings = {
        "tau_pre_s": 8e-3,
        "tau_rise_s": 2e-3,
        "tau_eligibility_s": ticks * TICK_S,
        "tau_modulator_s": 0.0,
        "a_minus": 0.0,
        "reset_on_spike": True,
        "learning_rate": rate,
        "weight_min": -2.0,
        "weight_max": 2.0,
    }
    return RewardStdp(**(settings | change))


class Bandit:
    """Two inputs, one active at a time; the right action is the index of the active input."""

    def __init__(self, rate: float, seed: int, k: int = 5) -> None:
        self.constants = rule(rate).constants(TICK_S)
        self.synapses = initial_state(2, 2 * k)
        self.weight = np.full((2, 2 * k), 0.3, np.float32)
        self.bias = np.zeros(2 * k, np.float32)
        self.counts = np.zeros(2 * k, np.int64)
        self.random = streams.kernel_state(seed, "exploration")
        self.cues = streams.generator(seed, "env")
        self.k = k
        self.expected_reward = [0.5, 0.5]

    def play(self, noise: float = 0.5, learn: float = 1.0) -> float:
        """One trial; reward 1 for the right action, its surprise is the dopamine."""
        cue = int(self.cues.integers(2))
        spikes = np.zeros((8, 2), np.uint8)
        spikes[:, cue] = 1
        for array in self.synapses:
            array[:] = 0
        decide(
            NEURON, self.constants, self.synapses, self.weight, self.bias, spikes, noise, 0.0, self.random, self.counts
        )
        action = int(self.counts[self.k :].sum() > self.counts[: self.k].sum())
        reward = float(action == cue)
        delta = reward - self.expected_reward[cue]
        self.expected_reward[cue] += 0.05 * delta
        silent = np.zeros((1, 2), np.uint8)
        # one tick without input delivers the dopamine to the marks of the trial
        decide(
            NEURON,
            self.constants,
            self.synapses,
            self.weight,
            self.bias,
            silent,
            0.0,
            learn * delta,
            self.random,
            self.counts,
        )
        return reward


def test_a_bandit_is_learnt():
    for seed in range(1 if INTERPRETED else 3):
        bandit = Bandit(0.05, seed)
        for _ in range(1500):
            bandit.play()
        assert np.mean([bandit.play(learn=0.0) for _ in range(200)]) > 0.9
        assert np.mean([bandit.play(noise=0.0, learn=0.0) for _ in range(50)]) == 1.0


def test_without_dopamine_no_weight_moves_however_much_is_explored():
    bandit = Bandit(0.05, 0)
    before = bandit.weight.copy()
    for _ in range(300):
        bandit.play(learn=0.0)
    assert bandit.weight.tobytes() == before.tobytes()


def test_expected_eligibility_times_reward_points_along_the_reward_gradient():
    """One neuron, reward = its spike count: E[R e] / noise against the slope of E[R] by finite differences."""
    constants, ticks, noise = rule(tau_eligibility_s=1e9).constants(TICK_S), 6, 0.6
    trials, tolerance = (4_000, 0.2) if INTERPRETED else (40_000, 0.05)
    spikes = (np.random.default_rng(0).random((ticks, 3)) < 0.5).astype(np.uint8)
    base = np.array([[0.2], [0.35], [0.1]], np.float32)
    random, bias, counts = streams.kernel_state(5, "exploration"), np.zeros(1, np.float32), np.zeros(1, np.int64)
    synapses = initial_state(3, 1)

    rewards, marks = np.empty(trials), np.empty((trials, 3))
    for trial in range(trials):
        for array in synapses:
            array[:] = 0
        decide(NEURON, constants, synapses, base, bias, spikes, noise, 0.0, random, counts)
        rewards[trial], marks[trial] = counts[0], synapses.eligibility[0]
    estimate = ((rewards - rewards.mean())[:, None] * marks).mean(axis=0) / noise

    def expected_count(w):
        """Exact: over all 2^ticks spike trains."""
        total = 0.0
        for train in range(2**ticks):
            i = v = 0.0
            p, count = 1.0, 0
            for t in range(ticks):
                i = math.exp(-1 / 2) * i + float(spikes[t] @ w[:, 0])
                v = math.exp(-1 / 8) * v + i
                rho = 1 / (1 + math.exp((1 - v) / noise))
                fired = train >> t & 1
                p *= rho if fired else 1 - rho
                count += fired
                v = 0.0 if fired else v
            total += p * count
        return total

    slope = np.empty(3)
    for k in range(3):
        up, down = base.astype(np.float64), base.astype(np.float64)
        up[k] += 1e-4
        down[k] -= 1e-4
        slope[k] = (expected_count(up) - expected_count(down)) / 2e-4
    assert rewards.mean() == pytest.approx(expected_count(base.astype(np.float64)), rel=0.02)
    assert estimate == pytest.approx(slope, rel=tolerance)
    # without reward the marks mean nothing: their expectation is 0
    assert np.abs(marks.mean(axis=0)).max() < 4 * (marks.std(axis=0) / math.sqrt(trials)).max()


def test_without_noise_it_is_the_exported_controller_bit_for_bit():
    random = np.random.default_rng(2)
    cells = PlaceCells(grid=(3, 4), spread=0.7)
    centre, width = cells.fields()
    for trial in range(20):
        model = CurrentLif(tau_mem_s=5e-3, tau_syn_s=3e-3 * (trial % 3), reset="subtract" if trial % 2 else "value")
        weight = random.normal(0.3, 0.4, (12, 6)).astype(np.float32)
        bias = random.normal(0, 0.1, 6).astype(np.float32)
        agent = Agent(
            AgentDescription(
                name="x",
                task=Task(env_id="x", observation_size=2, action_size=2, action_kind="discrete", control_dt_s=0.02),
                normaliser=Normaliser(clip=1.0),
                encoder=cells,
                network=stack(inputs=12, hidden=(), outputs=6, neuron=model, tick_s=TICK_S, ticks=8),
                decoder=ChoiceDecoder(neurons_per_action=3),
                provenance=Provenance(recipe="x", seed=0),
            ),
            {
                "normaliser.mean": np.zeros(2),
                "normaliser.std": np.ones(2),
                "encoder.centre": centre,
                "encoder.width": width,
                "decoder.weight": np.ones((2, 3)),
                "decoder.bias": np.zeros(2),
                "population.output.bias": bias,
                "projection.input.output.weight": weight,
            },
        )
        controller = FloatController(agent)
        neuron = CurrentLifConstants(*(np.float32(c) for c in model.constants(TICK_S)))
        synapses, counts = initial_state(12, 6), np.zeros(6, np.int64)
        for _ in range(20):
            action = controller.act(random.uniform(-1.2, 1.2, 2))
            raster = controller.activity().spikes
            state = streams.kernel_state(0, "exploration")
            decide(neuron, rule().constants(TICK_S), synapses, weight, bias, raster["input"], 0.0, 0.0, state, counts)
            assert (counts == raster["output"].sum(axis=0)).all()
            assert action == int(counts[3:].sum() > counts[:3].sum())
            assert state.tobytes() == streams.kernel_state(0, "exploration").tobytes()
        assert not synapses.eligibility.any()


def critic(n: int, rate: float = 0.1, gamma: float = 0.9) -> Critic:
    return Critic(np.zeros(n), np.zeros(n), np.zeros(1), rate, gamma, trace_lambda=0.8, baseline=0.0, limit=10.0)


def test_critic_learns_the_value_of_a_chain():
    """States 0 -> 1 -> 2 -> end, reward 1 at the end: V(s) = (1 - gamma) gamma^(2 - s)."""
    unit = critic(3)
    for _ in range(2000):
        unit.eligibility[:] = 0
        for state in range(3):
            spikes = np.zeros((4, 3), np.uint8)
            spikes[:, state] = 1
            phi = np.empty(3)
            value = evaluate(unit, spikes, phi)
            if state:
                learn_value(unit, 0.0, value)
            unit.eligibility[:] = 0.9 * 0.8 * unit.eligibility + phi
            unit.value[0] = evaluate(unit, spikes, phi)
        learn_value(unit, 1.0, 0.0)
    assert unit.weight == pytest.approx(0.1 * 0.9 ** np.array([2, 1, 0]), rel=1e-3)


def test_running_out_of_time_is_worth_the_value_and_failing_is_worth_nothing():
    spikes = np.ones((4, 2), np.uint8)
    synapses, weight = initial_state(2, 3), np.zeros((2, 3), np.float32)
    for terminated, expected in ((True, 0.1 * 1.0 - 0.7), (False, 0.1 * 1.0 + 0.9 * 0.7 - 0.7)):
        unit = critic(2)
        unit.weight[:] = 0.35
        unit.value[0] = 0.7
        delta = finish(unit, rule().constants(TICK_S), synapses, weight, spikes, 1.0, terminated)
        assert delta == pytest.approx(expected)
