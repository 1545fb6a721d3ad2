from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from snnctl.plasticity.pair_stdp import PairStdp
from snnctl.plasticity.triplet_stdp import PARAMETER_SETS, TripletStdp
from tests.reference import replay

from .recorded import selection_and_complete
from .replayed import replayed

FULL = PARAMETER_SETS["visual_cortex_all_full"].rule
MINIMAL = PARAMETER_SETS["visual_cortex_all_minimal"].rule
RECORDED = {
    "trip_VCfull_all": FULL,
    "trip_HPfull_all": PARAMETER_SETS["hippocampus_all_full"].rule,
    "trip_VCmin_all": MINIMAL,
    "trip_VCfull_nn": dataclasses.replace(FULL, pairing="nearest"),
}
RATES_HZ = (0.1, 10, 20, 40, 50)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("path", selection_and_complete("stdp.npz"))
def test_equals_brian2_at_every_millisecond(path, name):
    case = np.load(path)
    found = replay(RECORDED[name], 1e-4, case["w0"], case["pre"], case["post"], every=10)
    weights = found.weights.reshape(len(found.weights), -1).T
    assert np.abs(weights - case[f"{name}_w"]).max() <= 1e-12
    if f"{name}_w_final" in case:
        assert np.abs(found.final.field("weight").ravel() - case[f"{name}_w_final"]).max() <= 1e-12
    assert np.ptp(weights, axis=1).max() > 0.05


def pairings(rule: TripletStdp | PairStdp, rate_hz: float, lag_ms: int, number: int = 60) -> float:
    """Change of the weight by ``number`` pairings with t_post - t_pre = lag at a rate, ticks of 1 ms."""
    interval = round(1000 / rate_hz)
    # Traces are gone after 10 s of silence; the rest of a longer interval need not be simulated.
    ticks = number * interval if interval < 5000 else interval
    spikes = np.arange(0, ticks, interval) + 20
    pre, post = np.zeros((ticks + 40, 1), bool), np.zeros((ticks + 40, 1), bool)
    pre[spikes], post[spikes + lag_ms] = True, True
    change = replay(rule, 1e-3, [[0.0]], pre, post).final.field("weight")[0, 0]
    return float(change) * number / spikes.size


@pytest.mark.parametrize(
    ("rule", "lag_ms", "expected"),
    [
        (FULL, 10, (0.000, 0.1321, 0.2470, 0.5337, 0.7409)),
        (FULL, -10, (-0.3122, -0.3336, -0.3516, 0.1548, 0.7272)),
        (MINIMAL, 10, (0.0, 0.1186, 0.2278, 0.5321, 0.7627)),
        (MINIMAL, -10, (-0.3166, -0.3322, -0.3417, 0.1737, 0.7492)),
    ],
)
def test_frequency_dependence(rule, lag_ms, expected):
    assert [pairings(rule, rate, lag_ms) for rate in RATES_HZ] == pytest.approx(expected, abs=6e-5)


def summed(rule: TripletStdp, rate_hz: float, lag_ms: int, number: int = 60) -> float:
    """The same as a sum over pairs and triplets of spikes, in closed form."""
    pre = np.arange(number) * round(1000 / rate_hz)  # ms
    post = pre + lag_ms

    def trace(times, spikes, tau_s, own):
        since = times[:, None] - spikes[None, :]
        return np.where(since >= (0 if own else 1), np.exp(-1e-3 * since / tau_s), 0.0).sum(1)

    plus = trace(post, pre, rule.tau_plus_s, True) * (
        rule.a2_plus + rule.a3_plus * trace(post, post, rule.tau_y_s, False)
    )
    minus = trace(pre, post, rule.tau_minus_s, False) * (
        rule.a2_minus + rule.a3_minus * trace(pre, pre, rule.tau_x_s, False)
    )
    return float(plus.sum() - minus.sum())


@pytest.mark.parametrize("rate_hz", [10, 20, 40, 50])
@pytest.mark.parametrize("lag_ms", [-10, 10, 25])
@pytest.mark.parametrize("name", ["visual_cortex_all_full", "hippocampus_all_full", "visual_cortex_all_minimal"])
def test_pairings_are_sums_over_pairs_and_triplets(name, lag_ms, rate_hz):
    rule = PARAMETER_SETS[name].rule
    assert pairings(rule, rate_hz, lag_ms) == pytest.approx(summed(rule, rate_hz, lag_ms), abs=1e-12)


def test_closed_form_at_low_rate():
    assert pairings(MINIMAL, 0.1, -10) == pytest.approx(-60 * 7.1e-3 * np.exp(-10 / 33.7), rel=1e-9)


def test_a_pair_rule_has_no_switch_from_depression_to_potentiation():
    rule = PairStdp(
        tau_pre_s=16.8e-3, tau_post_s=33.7e-3, a_plus=4.6e-3, a_minus=3e-3, weight_min=None, weight_max=None
    )
    assert pairings(rule, 0.1, -10) < 0
    assert pairings(rule, 0.1, 10) > 0.1 > pairings(FULL, 0.1, 10)


def test_without_triplet_terms_it_is_the_pair_rule():
    random = np.random.default_rng(4)
    pre, post, weight = random.random((300, 4)) < 0.1, random.random((300, 2)) < 0.1, random.random((4, 2))
    triplet = TripletStdp(
        a2_plus=0.02, a3_plus=0.0, a2_minus=0.03, a3_minus=0.0, tau_plus_s=10e-3, weight_min=0.0, weight_max=1.0
    )
    two = PairStdp(a_plus=0.02, a_minus=0.03, tau_pre_s=10e-3, tau_post_s=33.7e-3)
    found = replay(triplet, 1e-3, weight, pre, post).final.field("weight")
    assert found == pytest.approx(replay(two, 1e-3, weight, pre, post).final.field("weight"), abs=1e-14)


def test_slow_traces_do_not_contain_the_spike_that_reads_them():
    # One coincident pair: r1 counts the arriving spike, o2 does not count the postsynaptic one.
    change = replay(TripletStdp(a2_plus=0.1), 1e-3, [[0.0]], [[1]], [[1]]).final.field("weight")[0, 0]
    assert change == pytest.approx(0.1, rel=1e-12)


@pytest.mark.parametrize("name", RECORDED)
def test_the_engine_equals_the_reference_loop(name):
    found = replayed(RECORDED[name])
    assert found.spikes > 20
    assert np.array_equal(found.engine, found.reference)
    assert np.abs(found.engine - found.first).max() > 0.01


def test_every_set_says_how_far_it_was_checked():
    assert {s.status for s in PARAMETER_SETS.values()} == {"secondary", "unverified"}
    assert all("Pfister & Gerstner" in s.source for s in PARAMETER_SETS.values())
    assert PARAMETER_SETS["visual_cortex_all_full"].rule == TripletStdp()
