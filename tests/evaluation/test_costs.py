from __future__ import annotations

import math

import numpy as np
import pytest

from snnctl.evaluation import costs
from snnctl.evaluation.budget import combine
from snnctl.evaluation.costs import Record
from snnctl.evaluation.evaluate import deadline
from snnctl.evaluation.verdict import judge
from snnctl.loop.episode import Episode


def record(energy_j=(1e-6, 3e-6), latency_s=(0.004, 0.030), dt=0.02) -> Record:
    times = np.array(latency_s)
    return Record(
        control_dt_s=dt,
        period_s=np.maximum(times, dt),
        energy_j={"synaptic_ops": 0.75 * np.array(energy_j), "neuron_updates": 0.25 * np.array(energy_j)},
        latency_s={"ticks": 0.5 * times, "host_io": 0.5 * times},
        chip_w=(0.03, 0.07),
        board_w=(0.0, 1.0),
        notes=(),
    )


def test_power_by_hand() -> None:
    # 4 uJ in two decisions; the second lasts 30 ms and so delays the next: 20 + 30 ms.
    power = costs.power(record())
    assert power.dynamic_w == pytest.approx(4e-6 / 0.050, rel=1e-12)
    assert power.at("dynamic") == power.dynamic_w
    assert power.at("chip") == pytest.approx(0.03 + 0.07 + 8e-5, rel=1e-12)
    assert power.at("board") == pytest.approx(1.0 + 8e-5, rel=1e-12)
    assert costs.step_s(record()) == pytest.approx(0.025, rel=1e-12)


def test_parts_add_up_to_the_total_exactly() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        made = record(rng.random(5), rng.random(5) * 0.05)
        power = costs.power(made)
        for boundary in ("chip", "board", "dynamic"):
            assert sum(value for _, value in power.parts(boundary)) == power.at(boundary)
        assert costs.dynamic_energy(made) == pytest.approx(sum(made.energy_j.values()))
        assert costs.latency(made) == pytest.approx(sum(made.latency_s.values()))


def test_p99_is_a_latency_that_occurred() -> None:
    times = np.arange(1.0, 101.0)
    assert costs.p99(times) == 99.0
    assert costs.p99(np.array([1.0] * 98 + [5.0] * 2)) == 5.0
    assert costs.p99(np.array([1.0] * 99 + [5.0])) == 1.0


def test_a_budget_holds_at_equality_and_fails_one_ulp_below() -> None:
    made = record()
    power_w = costs.power(made).at("chip")
    latency_s = costs.p99(costs.latency(made))
    energy_j = power_w * costs.step_s(made)
    at = judge(combine(None, power_w, latency_s, energy_j), made)
    assert [v.quantity for v in at] == ["power", "latency", "energy"]
    assert [v.value for v in at][:2] == [power_w, latency_s]
    exact = judge(combine(None, *(v.value for v in at)), made)
    assert all(v.holds and v.margin == 0 for v in exact)
    below = judge(combine(None, *(math.nextafter(v.value, 0) for v in at)), made)
    assert not any(v.holds for v in below)
    assert all(v.margin < 0 and "fails" in v.sentence for v in below)


@pytest.mark.parametrize(("boundary", "holds"), [("dynamic", True), ("chip", False), ("board", False)])
def test_the_boundary_decides_what_counts(boundary: str, holds: bool) -> None:
    power, energy = judge(combine(None, 0.05, None, 1e-3, boundary), record())
    assert power.holds is holds
    assert energy.holds is holds


def test_the_sentence_says_whether_another_network_would_help() -> None:
    hopeless = judge(combine(None, power_w=0.05), record())[0]
    assert "no network" in hopeless.sentence
    assert hopeless.limiting == "idle"
    busy = record(energy_j=(0.01, 0.01))
    power_w = costs.power(busy).at("chip")
    helpful = judge(combine(None, power_w=0.9 * power_w), busy)[0]
    assert "would help" in helpful.sentence
    assert helpful.limiting == "dynamic"


def test_deadline_misses_are_counted_within_episodes() -> None:
    late, early = 0.03, 0.01
    made = record(energy_j=[1e-6] * 6, latency_s=[late, late, early, late, late, late])

    def episode(decisions: int) -> Episode:
        return Episode(0, 1.0, decisions, False, True, None, 0.02, np.zeros(decisions), 0, 0, {}, {}, {}, 0, 0, 0)

    found = deadline(made, [episode(4), episode(2)])
    assert (found["misses"], found["longest_run"]) == (5, 2)
    assert found["rate"] == 5 / 6
