import json

import pytest

from snnctl.training import diagnosis
from snnctl.training.metrics import METRICS
from snnctl.training.rstdp import RstdpConfig


def folder(tmp_path, returns, **newest):
    rows = [{"update": k, "steps": 100 * k, "mean_return": value} for k, value in enumerate(returns)]
    rows[-1] |= newest
    (tmp_path / METRICS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def warnings(path):
    return diagnosis.warnings(path, RstdpConfig.METRICS)


@pytest.mark.parametrize("returns", [[10, 12, 30, 90, 200], [-200, -199, -180, -150, -110], [0, 0, 0, 0, 50]])
def test_a_run_that_learns_is_left_alone(tmp_path, returns):
    assert warnings(folder(tmp_path, returns)) == ()


def test_a_short_run_says_nothing(tmp_path):
    assert warnings(folder(tmp_path, [10, 10, 10])) == ()


def test_a_run_that_learns_nothing_is_told_what_to_check(tmp_path):
    metrics = {"rstdp/weight_change": 0.0, "rstdp/at_limits": 0.9, "snn/rate_hz": 0.0, "rstdp/td_error_offset": -0.4}
    head, *reasons = warnings(folder(tmp_path, [9.3, 9.4, 9.2, 9.3, 9.3], **metrics))
    assert "not learning" in head and "9.3" in head and "9.4" in head
    assert len(reasons) == 4
    for word in ("no weight moves", "at a limit", "silent", "errs in one direction"):
        assert any(word in reason for reason in reasons)


def test_noise_is_not_learning(tmp_path):
    curve = [9.0, 9.2, 10.2, 9.1, 9.3, 9.4, 9.2, 9.3, 9.5, 9.3]  # one line is 13 % above the first
    head, reason = warnings(folder(tmp_path, curve, **{"rstdp/weight_change": 0.0}))
    assert "not learning" in head and "no weight moves" in reason


def test_a_low_first_line_is_chance_where_returns_vary(tmp_path):
    """CartPole that learns nothing: ten episodes of deviation 8 gave 15.2, all the others about 19.4."""
    curve = [15.2, 16.6, 17.7, 19.3, 19.4, 18.8, 19.3, 19.4, 19.7, 19.4, 20.3, 19.8]
    path = folder(tmp_path, curve)
    rows = [json.loads(line) for line in (path / METRICS).read_text().splitlines()]
    lines = [json.dumps(row | {"episodes": 10 * (row["update"] + 1), "rollout/ep_rew_std": 8.0}) for row in rows]
    (path / METRICS).write_text("\n".join(lines))
    head, _ = warnings(path)
    assert "not learning" in head
    risen = [json.dumps(json.loads(line) | {"mean_return": 15.2 + 3 * k}) for k, line in enumerate(lines)]
    (path / METRICS).write_text("\n".join(risen))
    assert warnings(path) == ()


@pytest.mark.parametrize("first", [34.0, 62.0, 90.0])
@pytest.mark.parametrize("count", [5, 12, 40])
def test_a_noisy_first_line_is_not_the_baseline(tmp_path, first, count):
    """A run that rises from 34 to 59; the first line is that of a single episode of deviation 20."""
    curve = [first, *(34 + 25 * k / (count - 2) for k in range(count - 1))]
    path = folder(tmp_path, curve)
    rows = [json.loads(line) for line in (path / METRICS).read_text().splitlines()]
    noise = {"rollout/ep_rew_std": 20.0}
    lines = [json.dumps(row | noise | {"episodes": 1 + 60 * row["update"]}) for row in rows]
    (path / METRICS).write_text("\n".join(lines))
    assert warnings(path) == ()
    flat = [json.dumps(json.loads(line) | {"mean_return": 34.0 + k % 3}) for k, line in enumerate(lines[1:])]
    (path / METRICS).write_text("\n".join([lines[0], *flat]))
    head, *_ = warnings(path)
    assert "not learning" in head


def test_a_run_that_falls_late_and_comes_back_has_learnt_nothing(tmp_path):
    curve = [60.0] * 15 + [34.0] * 5 + [60.0] * 10
    head, *_ = warnings(folder(tmp_path, curve, **{"rstdp/weight_change": 0.1}))
    assert "not learning" in head


def test_figures_that_stand_out(tmp_path):
    flat = [9.3] * 6
    _, reason = warnings(folder(tmp_path, flat, **{"rstdp/reward_share": 1e-6}))
    assert "clip the rewards" in reason
    _, reason = warnings(folder(tmp_path, flat, **{"rstdp/input_variety": 1.4}))
    assert "observation_low" in reason
    _, reason = warnings(folder(tmp_path, flat, **{"snn/rate_hz": 0.4}))
    assert "nearly silent" in reason
    _, reason = warnings(folder(tmp_path, flat, **{"rollout/diverged": 9.0, "rstdp/weight_change": 0.0}))
    assert "not finite" in reason  # and not that no weight moves, which follows from it


def test_what_makes_learning_impossible_is_told_of_every_run(tmp_path):
    rising = [10, 12, 30, 90, 200]
    (reason,) = warnings(folder(tmp_path, rising, **{"rollout/diverged": 3.0}))
    assert "not finite" in reason
    found = warnings(folder(tmp_path, [1.0] * 6, **{"rstdp/td_error_std": 0.0, "rstdp/weight_change": 4e-7}))
    assert "one reward may be far larger" in found[1]


def test_without_a_suspect_it_says_what_to_try(tmp_path):
    found = warnings(folder(tmp_path, [-200.0] * 6, **{"rstdp/weight_change": 0.1}))
    assert len(found) == 2 and "snnctl sweep" in found[1]


def test_what_went_up_in_evaluations_alone_counts(tmp_path):
    assert warnings(folder(tmp_path, [9.0] * 6, **{"evaluation/return": 500.0})) == ()


def test_collapsed_evaluations_are_told_whether_or_not_it_has_learnt(tmp_path):
    rising = [10, 12, 30, 90, 200]
    assert warnings(folder(tmp_path, rising, **{"evaluation/return": 5.0, "evaluation/collapsed": 0})) == ()
    (told,) = warnings(folder(tmp_path, rising, **{"evaluation/return": 5.0, "evaluation/collapsed": 1}))
    assert told.startswith("1 of 1 evaluations fell below half of the best before them, that of the last agent among")
    assert "1 at 400 steps" in told and "lower the learning rates" in told
