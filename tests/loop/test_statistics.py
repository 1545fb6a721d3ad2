from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.loop import statistics
from snnctl.loop.episode import Episode


def episode(value: float, diverged: str | None = None, decisions: int = 4) -> Episode:
    return Episode(
        seed=0,
        episode_return=value,
        length=decisions,
        terminated=diverged is None,
        truncated=False,
        diverged=diverged,
        control_dt_s=0.1,
        decision_s=np.arange(1, decisions + 1) * 1e-6,
        wall_s=0.2,
        sim_s=decisions * 0.1,
        spikes={"hidden1": 40},
        neurons={"hidden1": 20},
        neuron_ticks={"hidden1": 20 * 5 * decisions},
        synaptic_events=100,
        limited_actions=1,
        outlying_observations=2,
    )


def test_iqm_of_eight_is_the_mean_of_the_middle_four() -> None:
    assert statistics.iqm(np.array([8.0, 1, 100, 4, 3, 6, -50, 5])) == (3 + 4 + 5 + 6) / 4


def test_iqm_cuts_whole_scores_only() -> None:
    assert statistics.iqm(np.array([1.0, 2, 9])) == 4.0  # floor(3 / 4) = 0: the plain mean
    assert statistics.iqm(np.array([0.0, 1, 2, 3, 99])) == 2.0  # one from each end


def test_iqm_ignores_one_outlier_of_four() -> None:
    assert statistics.iqm(np.array([1.0, 2, 3, 1e12])) == 2.5


@pytest.mark.parametrize(("n", "count"), [(1, 1), (19, 1), (20, 1), (39, 1), (40, 2), (100, 5)])
def test_worst_is_the_mean_of_the_lowest_twentieth(n: int, count: int) -> None:
    values = np.random.default_rng(0).permutation(n).astype(float)
    assert statistics.worst(values) == np.arange(count).mean()


def test_bootstrap_interval_of_the_mean_is_that_of_theory() -> None:
    values = np.random.default_rng(1).normal(10, 2, 400)
    low, high = statistics.bootstrap(values, lambda rows: rows.mean(axis=1))
    half = 1.96 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_bootstrap_interval_covers_the_true_iqm_about_95_times_of_100() -> None:
    random = np.random.default_rng(2)
    trials, covered = 200, 0
    for _ in range(trials):  # of a normal distribution the true iqm is its mean
        low, high = statistics.bootstrap(random.normal(0, 1, 60), statistics.iqm_rows)
        covered += low <= 0 <= high
    assert 0.89 <= covered / trials <= 0.99  # 95 % minus the known optimism of percentile intervals, +- 3 sigma


def test_bootstrap_depends_on_nothing_but_its_seed() -> None:
    values = np.arange(30.0)
    first = statistics.bootstrap(values, statistics.iqm_rows, seed=3)
    assert statistics.bootstrap(values, statistics.iqm_rows, seed=3) == first
    assert statistics.bootstrap(values, statistics.iqm_rows, seed=4) != first


def test_a_summary_by_hand() -> None:
    summary = statistics.summarise([episode(v) for v in (1.0, 2.0, 3.0, 4.0)])
    assert (summary.n, summary.diverged, summary.mean, summary.iqm) == (4, 0, 2.5, 2.5)
    assert summary.std == pytest.approx(np.sqrt(1.25))
    assert (summary.worst5, summary.minimum, summary.maximum) == (1.0, 1.0, 4.0)
    assert summary.interval is not None
    assert 1.0 <= summary.interval[0] < 2.5 < summary.interval[1] <= 4.0
    rate = summary.rates["hidden1"]
    assert rate.neurons == 20
    assert rate.per_tick == pytest.approx(160 / 1600)  # 4 episodes x 40 spikes / (20 neurons x 5 ticks x 16 decisions)
    assert rate.hz == pytest.approx(160 / (20 * 1.6))  # 16 decisions of 0.1 s
    assert summary.events_per_decision == 400 / 16
    assert summary.timing is not None
    assert summary.timing.p50_s == pytest.approx(2.5e-6)
    assert summary.timing.max_s == pytest.approx(4e-6)
    assert summary.timing.real_time_factor == pytest.approx(1.6 / 0.8)
    assert (summary.limited_actions, summary.outlying_observations) == (4, 8)


def test_diverged_where_rewards_are_positive_scores_zero() -> None:
    # All others got 500; what the simulator paid before it diverged (499) is not evidence.
    summary = statistics.summarise([episode(500.0), episode(500.0), episode(499.0, "NaN at step 499")])
    assert (summary.diverged, summary.minimum, summary.worst5) == (1, 0.0, 0.0)
    assert summary.mean == pytest.approx(1000 / 3)


def test_diverged_where_rewards_are_negative_scores_the_worst() -> None:
    # Ending early is cheap here: a return of -3 would be the best of the set.
    values = statistics.scores([episode(-900.0), episode(-150.0), episode(-3.0, "NaN at step 2")])
    assert values is not None
    assert values.tolist() == [-900.0, -150.0, -900.0]


def test_diverged_keeps_what_it_had_already_lost() -> None:
    values = statistics.scores([episode(-10.0), episode(-90.0, "NaN")])
    assert values is not None
    assert values.tolist() == [-10.0, -90.0]


def test_a_set_of_diverged_episodes_has_no_mean() -> None:
    summary = statistics.summarise([episode(100.0, "NaN"), episode(50.0, "NaN")])
    assert (summary.n, summary.diverged) == (2, 2)
    assert [summary.mean, summary.std, summary.iqm, summary.interval, summary.worst5] == [None] * 5
    assert (summary.minimum, summary.maximum) == (None, None)


def test_one_episode_has_no_interval() -> None:
    summary = statistics.summarise([episode(7.0)])
    assert (summary.mean, summary.iqm, summary.worst5, summary.interval) == (7.0, 7.0, 7.0, None)


def test_no_decision_no_timing() -> None:
    summary = statistics.summarise([episode(0.0, "the first observation is not finite", decisions=0)])
    assert summary.timing is None
    assert summary.rates["hidden1"].per_tick == 0.0


def test_no_episodes_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="no episodes"):
        statistics.summarise([])


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    st.lists(st.floats(-1e6, 1e6), min_size=0, max_size=10),
)
def test_a_diverged_episode_never_helps(proper: list[float], failed: list[float]) -> None:
    good = [episode(v) for v in proper]
    bad = [episode(v, "NaN") for v in failed]
    values = statistics.scores([*good, *bad])
    assert values is not None
    assert values.mean() <= np.mean(proper) + 1e-6
    assert all(values[len(good) :] <= min(proper))


def test_json_names_everything() -> None:
    import json

    data = json.loads(json.dumps(statistics.summarise([episode(1.0), episode(2.0)]).to_json(), allow_nan=False))
    assert data["rates"]["hidden1"]["neurons"] == 20
    assert data["timing"]["p50_s"] == pytest.approx(2.5e-6)
    assert len(data["interval"]) == 2
