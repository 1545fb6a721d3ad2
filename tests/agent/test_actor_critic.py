import math

import numpy as np
import pytest

from snnctl import streams
from snnctl.agent.actor_critic import (
    AT,
    Settings,
    decide,
    explore,
    finish,
    forget,
    release,
    rescale,
    surprise,
    synapses,
    value,
)
from snnctl.agent.float_controller import FloatController
from snnctl.coding import ChoiceDecoder, Normaliser, PlaceCells
from snnctl.neurons import CurrentLif
from snnctl.neurons.current_lif import CurrentLifConstants
from snnctl.plasticity import three_factor
from tests import factories
from tests.interpreted import INTERPRETED

TICK_S = 1e-3
MODEL = CurrentLif(tau_mem_s=8e-3, tau_syn_s=2e-3)
NEURON = CurrentLifConstants(*(np.float32(c) for c in MODEL.constants(TICK_S)))


def rule(ticks=8, decay=0.5, clears=True, **change):
    given = {
        "tick_s": TICK_S,
        "tau_rise_s": 2e-3,
        "tau_pre_s": 8e-3,
        "tau_post_s": 20e-3,
        "ticks": ticks,
        "decay": decay,
        "score": True,
        "a_minus": 0.0,
        "clears": clears,
        "limit": 2.0,
        "integer": False,
    }
    return three_factor.constants(**(given | change))


def setting(**change) -> Settings:
    given = {
        "rate": 0.05,
        "critic_rate": 0.1,
        "noise": 0.5,
        "gamma": 0.9,
        "decay": 0.5,
        "baseline": 0.0,
        "low": -1.0,
        "high": 1.0,
        "neurons": 64,
        "most": 5.0,
        "share": 0.01,
        "td": 1,
        "horizon": 50,
        "value_limit": 2.0,
        "value_step": 0.0,
    }
    return Settings(**(given | change))


def lists(spikes):
    """Spikes (ticks, n) as the kernels take them."""
    return np.concatenate(([0], np.cumsum(spikes.sum(axis=1, dtype=np.int64)))), np.nonzero(spikes)[1]


def act(c, r, syn, spikes, random, m, bias=None, neuron=NEURON):
    raster = np.zeros((spikes.shape[0], m), np.uint8)
    position = np.full(spikes.shape[1], -1, np.int64)
    explore(
        c, r, neuron, syn, np.zeros(m, np.float32) if bias is None else bias, *lists(spikes), random, position, raster
    )
    assert (position == -1).all()
    return raster


@pytest.mark.parametrize("integer", [False, True])
def test_a_bandit_is_learnt(integer):
    """Two inputs, one active at a time; the right action is the index of the active input."""
    k, c = 5, setting(td=0, value_step=2 / 127)
    r = rule(integer=integer)
    syn = synapses(np.full((2, 2 * k), 0.3, np.float32))
    random, cues = streams.kernel_state(1, "exploration"), streams.generator(1, "env")

    def play(noise=0.5, learn=True):
        cue = int(cues.integers(2))
        spikes = np.zeros((8, 2), np.uint8)
        spikes[:, cue] = 1
        raster = act(c._replace(noise=noise), r, syn, spikes, random, 2 * k)
        right = float((raster[:, k:].sum() > raster[:, :k].sum()) == cue)
        if learn:
            rescale(c, syn, right, random)
            release(c, r, syn, surprise(c, syn, right, 0.0), random)
        forget(syn)
        return right

    for _ in range(400 if INTERPRETED else 1500):
        play()
    assert np.mean([play(learn=False) for _ in range(100)]) > (0.8 if INTERPRETED else 0.9)
    assert np.mean([play(noise=0.0, learn=False) for _ in range(50)]) == 1.0
    assert np.abs(syn.weight).max() <= 2.0
    if integer:
        assert np.abs(syn.weight / r.w_step - np.round(syn.weight / r.w_step)).max() < 1e-4


def test_expected_mark_times_reward_points_along_the_reward_gradient():
    """One neuron, reward = its spike count: E[R e] / noise against the slope of E[R] by finite differences."""
    ticks, noise = 6, 0.6
    trials, tolerance = (4_000, 0.2) if INTERPRETED else (40_000, 0.05)
    c, r = setting(noise=noise), rule(ticks=ticks, decay=1 - 1e-9)
    spikes = (np.random.default_rng(0).random((ticks, 3)) < 0.5).astype(np.uint8)
    base = np.array([[0.2], [0.35], [0.1]], np.float32)
    random = streams.kernel_state(5, "exploration")
    syn = synapses(base.copy())
    rewards, marks = np.empty(trials), np.empty((trials, 3))
    for trial in range(trials):
        rewards[trial] = act(c, r, syn, spikes, random, 1).sum()
        marks[trial] = syn.eligibility[:, 0]
        forget(syn)
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


@pytest.mark.parametrize(("td", "baseline"), [(0, 0.0), (1, 0.0), (1, 0.3), (1, -0.3)])
def test_only_what_spiked_is_visited_and_it_equals_visiting_all(td, baseline):
    """Against a plain loop over all synapses in every decision, without a horizon; the largest rewards come late."""
    random = np.random.default_rng(3)
    n, m, ticks, decay = 12, 4, 5, 0.6
    c = setting(td=td, horizon=three_factor.horizon(decay) * 3, decay=decay, baseline=baseline, critic_rate=0.3)
    r = rule(ticks=ticks, decay=decay)
    syn = synapses(random.normal(0.2, 0.1, (n, m)).astype(np.float32))
    state = streams.kernel_state(4, "exploration")
    raster, position = np.zeros((ticks, m), np.uint8), np.full(n, -1, np.int64)
    syn.value_weight[:] = random.normal(0.0, 0.3, n)
    w, u = syn.weight.astype(np.float64), syn.value_weight.copy()
    e, f = np.zeros((n, m)), np.zeros(n)
    square = count = mean = scale = before = 0.0
    rescaled = []
    for step in range(60):
        spikes = (random.random((ticks, n)) < 0.15).astype(np.uint8)
        reward = 0.0 if step < 4 else float(random.normal()) * (8.0 if step in (30, 45) else 1.0)
        drawn = state.copy()
        delta = decide(
            c, r, NEURON, syn, np.zeros(m, np.float32), *lists(spikes), state, position, raster, reward, step == 0
        )

        def v_of(u, spikes=spikes):
            membrane, fired = (np.arange(64) + 0.5) / 64, 0
            for t in range(ticks):
                membrane = membrane + (1.0 + baseline + u @ spikes[t]) / 2.0
                fired += (membrane >= 1).sum()
                membrane = membrane - (membrane >= 1)
            return -1.0 + 2.0 * fired / (64 * ticks)

        if step:
            if abs(reward) > scale:
                ratio = scale / abs(reward) if scale else 1.0
                if scale:  # what was learnt is worth the same in the new unit; hope is a part of the largest reward
                    rescaled.append(abs(v_of(u) - v_of(u * ratio)))
                u, square, mean = u * ratio, square * ratio**2, mean * ratio
                before = baseline + (before - baseline) * ratio
                scale = abs(reward)
            r_now = reward / scale if scale else 0.0
            error = 0.1 * r_now + 0.9 * v_of(u) - before if td else r_now - mean
            mean += 0.0 if td else 0.01 * error
            count += 1
            square += max(0.01, 1 / count) * (error**2 - square)
            d = np.clip(error / math.sqrt(square), -5, 5) if square else 0.0
            u = np.clip(u + 0.3 * error * f, -2, 2)
            w = np.clip(w + 0.05 * d * e, -2, 2)
            e, f = e * decay, f * decay
            assert delta == pytest.approx(error, abs=1e-9)
        before = v_of(u)
        own = synapses(syn.weight.copy())  # equal to w but for rounding, which noise would amplify
        act(c, r, own, spikes, drawn, m)  # the marks of this decision alone
        e, f = e + own.eligibility, np.maximum(f, spikes.mean(axis=0))
        np.testing.assert_allclose(syn.weight, w, atol=5e-6)
        np.testing.assert_allclose(syn.value_weight, u, atol=1e-9)
    assert syn.numbers[AT.scale] == scale
    assert not td or max(rescaled) > 0.05  # V' of the step with a new largest reward is not what it was before


def test_what_was_learnt_before_any_reward_is_kept_and_no_error_where_all_goes_as_hoped():
    c, r, random = setting(baseline=1.0, low=0.0), rule(ticks=4), streams.kernel_state(0, "exploration")
    syn, spikes = synapses(np.full((2, 3), 0.3, np.float32)), np.ones((4, 2), np.uint8)
    raster, position = np.zeros((4, 3), np.uint8), np.full(2, -1, np.int64)

    def play(reward, first=False):
        return decide(
            c, r, NEURON, syn, np.zeros(3, np.float32), *lists(spikes), random, position, raster, reward, first
        )

    play(0.0, first=True)
    assert play(1.0) == pytest.approx(0.0, abs=1e-12)  # the best there can be was expected, and came
    assert not syn.value_weight.any()
    syn = synapses(np.full((2, 3), 0.3, np.float32))
    play(0.0, first=True)
    assert play(0.0) == pytest.approx(-0.1)
    learnt = syn.value_weight.copy()
    assert (learnt < 0).all()
    rescale(c, syn, 3.0, random)
    assert (syn.value_weight == learnt).all()  # in parts of the reward to come, which has come


def test_rewards_in_another_unit_teach_the_same_bits():
    weights = []
    for unit in (1.0, 1024.0, 1 / 256):  # powers of two, so that the division is exact
        random, cues = streams.kernel_state(2, "exploration"), np.random.default_rng(0)
        syn = synapses(np.full((6, 4), 0.2, np.float32))
        raster, position = np.zeros((4, 4), np.uint8), np.full(6, -1, np.int64)
        for step in range(100):
            spikes = (cues.random((4, 6)) < 0.4).astype(np.uint8)
            bias, reward = np.zeros(4, np.float32), float(cues.normal()) * unit
            decide(
                setting(), rule(ticks=4), NEURON, syn, bias, *lists(spikes), random, position, raster, reward, step == 0
            )
        weights.append(syn.weight.tobytes() + syn.value_weight.tobytes())
    assert weights[0] == weights[1] == weights[2]


def test_without_dopamine_no_weight_moves_however_much_is_explored():
    syn, random = synapses(np.full((4, 4), 0.3, np.float32)), streams.kernel_state(0, "exploration")
    before = syn.weight.copy()
    for _ in range(100):
        act(setting(), rule(), syn, np.ones((8, 4), np.uint8), random, 4)
        release(setting(), rule(), syn, 0.0, random)
    assert syn.eligibility.any()
    assert syn.weight.tobytes() == before.tobytes()


def test_without_noise_it_is_the_exported_controller_bit_for_bit():
    random = np.random.default_rng(2)
    cells = PlaceCells(grid=(3, 4), spread=0.7)
    centre, width = cells.fields()
    for trial in range(20):
        model = CurrentLif(tau_mem_s=5e-3, tau_syn_s=3e-3 * (trial % 3), reset="subtract" if trial % 2 else "value")
        weight = random.normal(0.3, 0.4, (12, 6)).astype(np.float32)
        bias = random.normal(0, 0.1, 6).astype(np.float32)
        agent = factories.agent(
            factories.task(2, 2),
            normaliser=Normaliser(clip=1.0),
            encoder=cells,
            hidden=(),
            neuron=model,
            ticks=8,
            decoder=ChoiceDecoder(neurons_per_action=3),
            tensors={
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
        syn, state = synapses(weight), streams.kernel_state(0, "exploration")
        for _ in range(20):
            controller.act(random.uniform(-1.2, 1.2, 2))
            spikes = controller.activity().spikes
            raster = act(setting(noise=0.0), rule(clears=trial % 2 == 0), syn, spikes["input"], state, 6, bias, neuron)
            assert (raster == spikes["output"]).all()
            assert state.tobytes() == streams.kernel_state(0, "exploration").tobytes()
        assert not syn.eligibility.any()


@pytest.mark.parametrize("neurons", [16, 64])
def test_the_critics_spikes_are_its_drive_in_even_steps(neurons):
    c = setting(neurons=neurons)
    syn = synapses(np.zeros((1, 1), np.float32))
    spikes = np.ones((8, 1), np.uint8)
    for drive in np.linspace(-1.2, 1.2, 97):
        syn.value_weight[0] = drive
        assert value(c, syn, *lists(spikes)) == pytest.approx(np.clip(drive, -1, 1), abs=2 / (8 * neurons))


def test_the_critic_learns_the_values_of_a_chain():
    """States 0 -> 1 -> 2 -> end, reward 1 at the end: V(s) = (1 - gamma) gamma^(2 - s)."""
    c = setting(neurons=512, low=0.0, high=0.25, decay=0.9 * 0.8, rate=0.0)
    syn, random, r = synapses(np.zeros((3, 1), np.float32)), streams.kernel_state(0, "exploration"), rule(ticks=4)
    raster, position = np.zeros((4, 1), np.uint8), np.full(3, -1, np.int64)
    syn.numbers[AT.scale] = 1.0
    for _ in range(200 if INTERPRETED else 600):
        for state in range(3):
            spikes = np.zeros((4, 3), np.uint8)
            spikes[:, state] = 1
            decide(
                c, r, NEURON, syn, np.zeros(1, np.float32), *lists(spikes), random, position, raster, 0.0, state == 0
            )
        finish(c, r, syn, *lists(np.zeros((4, 3), np.uint8)), random, 1.0, True)
    assert syn.value_weight == pytest.approx(0.1 * 0.9 ** np.array([2, 1, 0]), rel=0.01)


def test_running_out_of_time_is_worth_the_value_and_failing_is_worth_nothing():
    spikes, random = np.ones((4, 2), np.uint8), streams.kernel_state(0, "exploration")
    for terminated, expected in ((True, 0.1 * 1.0 - 0.7), (False, 0.1 * 1.0 + 0.9 * 0.7 - 0.7)):
        syn = synapses(np.zeros((2, 3), np.float32))
        syn.value_weight[:] = 0.35
        syn.numbers[AT.value], syn.numbers[AT.scale] = 0.7, 1.0
        delta = finish(setting(neurons=500), rule(ticks=4), syn, *lists(spikes), random, 1.0, terminated)
        assert delta == pytest.approx(expected, abs=2e-3)
        assert syn.numbers[AT.marked] == 0
