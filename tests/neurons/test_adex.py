"""AdEx: the eight patterns, f-I curve, safe upstroke, order of convergence, refractory period, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.network.isolated import simulate
from snnctl.neurons import adex
from snnctl.neurons.adex import AdEx
from snnctl.neurons.adex_patterns import DURATION_S, PATTERNS, AdExPattern

from .recorded_neurons import SELECTION, order, spike_times, steady_hz

COLUMNS = {
    name: np.array([getattr(p, name) for p in PATTERNS], float)
    for name in ("c_m_pf", "g_l_ns", "e_l_mv", "v_t_mv", "delta_t_mv", "a_ns", "b_pa", "v_reset_mv")
}
COLUMNS["tau_w_s"] = np.array([p.tau_w_ms * 1e-3 for p in PATTERNS])


def trains(scheme: str, tick_ms: float) -> list[Any]:
    """Spike times of the eight patterns, run side by side with parameters per neuron."""
    currents = np.tile([p.current_pa for p in PATTERNS], (round(DURATION_S * 1e3 / tick_ms), 1))
    neuron = AdEx(scheme=scheme, v_cut_mv=0.0)  # type: ignore[arg-type]
    start = {"v": COLUMNS["e_l_mv"]}
    run = simulate(neuron, tick_ms * 1e-3, currents, parameters=COLUMNS, record=(), initial=start)
    return spike_times(run.spikes, tick_ms)


def test_patterns_of_the_equation() -> None:
    found = trains("rk4", 0.005)
    assert [len(t) for t in found] == [p.spikes for p in PATTERNS] == [62, 12, 12, 11, 46, 32, 1, 33]
    assert [t[0] for t in found] == pytest.approx([p.first_spike_ms for p in PATTERNS], abs=0.01)


def test_euler_at_a_tenth_of_a_millisecond_is_late_and_loses_spikes() -> None:
    found = trains("euler", 0.1)
    assert (len(found[0]), len(found[4])) == (60, 45)
    late = np.array([t[0] - p.first_spike_ms for t, p in zip(found, PATTERNS, strict=True)])
    assert (late > 0.15).all() and (late < 0.45).all()


def test_euler_equals_its_equations_in_plain_numpy() -> None:
    """Brian2's update: both slopes from old values, then threshold and reset; membrane and adaptation to 1e-6."""
    tick_ms, p = 0.1, COLUMNS
    current, ticks = np.array([pattern.current_pa for pattern in PATTERNS], float), round(DURATION_S * 1e4)
    v, w = p["e_l_mv"].copy(), np.zeros(len(PATTERNS))
    traces, spikes = np.empty((2, ticks, len(PATTERNS))), np.zeros((ticks, len(PATTERNS)), np.uint8)
    for t in range(ticks):
        upstroke = p["g_l_ns"] * p["delta_t_mv"] * np.exp(np.minimum((v - p["v_t_mv"]) / p["delta_t_mv"], 100.0))
        slope_v = (p["g_l_ns"] * (p["e_l_mv"] - v) + upstroke + current - w) / p["c_m_pf"]
        slope_w = (p["a_ns"] * (v - p["e_l_mv"]) - w) / (p["tau_w_s"] * 1e3)
        v, w = v + tick_ms * slope_v, w + tick_ms * slope_w
        spikes[t] = v > 0.0
        v, w = np.where(spikes[t], p["v_reset_mv"], v), w + spikes[t] * p["b_pa"]
        traces[:, t] = v, w
    neuron = AdEx(scheme="euler", v_cut_mv=0.0)
    currents = np.tile(current, (ticks, 1))
    run = simulate(neuron, 1e-4, currents, parameters=COLUMNS, record=("v", "w"), initial={"v": COLUMNS["e_l_mv"]})
    calm = [q.name not in ("irregular spiking", "delayed regular bursting") for q in PATTERNS]
    assert np.array_equal(run.spikes[:, calm], spikes[:, calm])
    assert np.abs(run.spikes.sum(axis=0) - spikes.sum(axis=0)).max() <= 1
    for name, wanted in zip("vw", traces, strict=True):
        assert np.abs(run.traces[name] - wanted)[:, calm].max() < 1e-6


@pytest.mark.parametrize(("scheme", "late_ms"), [("euler", 0.06), ("exponential_euler", 0.08)])
def test_fine_first_order_schemes_reach_the_patterns(scheme: str, late_ms: float) -> None:
    """The two patterns that amplify every difference may lose a spike."""
    found = trains(scheme, 0.01)
    for pattern, times in zip(PATTERNS, found, strict=True):
        assert abs(len(times) - pattern.spikes) <= (pattern.name in ("irregular spiking", "delayed regular bursting"))
        assert 0 < times[0] - pattern.first_spike_ms < late_ms


@pytest.mark.parametrize("pattern", PATTERNS[:3], ids=lambda p: p.name)
def test_a_neuron_of_a_pattern_is_its_row_of_the_table(pattern: AdExPattern) -> None:
    run = simulate(pattern.neuron(), 1e-5, np.full(60_000, pattern.current_pa), record=())
    assert run.spikes.sum() == pattern.spikes


@pytest.mark.needs_compiler
def test_f_i_curve() -> None:
    case = np.load(SELECTION / "fi_curves_biophysical.npz")
    spikes = simulate(AdEx(), 1e-5, np.tile(case["adex_I_pA"][::2], (200_000, 1)), record=()).spikes
    assert np.array_equal(spikes.sum(axis=0), case["adex_count2s"][::2])
    rates = steady_hz(spikes, 1e-5)
    assert rates == pytest.approx(case["adex_ss_hz"][::2], rel=5e-3)
    table = {650: 3.98, 700: 7.81, 800: 14.94, 1000: 27.71, 1500: 56.09, 2000: 82.84, 2500: 108.9}
    found = dict(zip(case["adex_I_pA"][::2], rates, strict=True))
    assert [found[i] for i in table] == pytest.approx(list(table.values()), rel=2e-3)


def test_onset() -> None:
    """At least one spike from 600 pA, more from 650 pA (grid of 25 pA)."""
    currents = np.tile([575.0, 600.0, 625.0, 650.0], (20_000, 1))
    count = simulate(AdEx(substeps=10), 1e-4, currents, record=()).spikes.sum(axis=0)
    assert count[0] == 0 and count[1] == count[2] == 1 and count[3] > 2


@pytest.mark.parametrize("scheme", ["euler", "exponential_euler", "rk4"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_strong_drive_never_makes_nan_nor_spoils_the_adaptation(scheme: str, dtype: type) -> None:
    rng = np.random.default_rng(1)
    currents = rng.normal(0, 1e5, (5000, 8)) + np.linspace(0, 1e6, 8)
    sharp = {"delta_t_mv": [2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 2.0, 0.5]}
    run = simulate(AdEx(scheme=scheme), 1e-4, currents, parameters=sharp, dtype=dtype, record=("v", "w"))  # type: ignore[arg-type]
    assert np.isfinite(run.traces["v"]).all() and np.isfinite(run.traces["w"]).all()
    assert (run.traces["v"] <= 20).all() and run.spikes.any()
    jumps = np.diff(run.traces["w"], axis=0)[run.spikes[1:] > 0]
    drift = 0.1 / 144 * (np.abs(run.traces["w"]).max() + 4 * (np.abs(run.traces["v"]).max() + 70.6))
    assert (np.abs(jumps - 80.5) < drift).all()  # a spike adds b and what one tick of slow relaxation can


@settings(max_examples=25, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(-500, 20), st.floats(-1e6, 1e6), st.floats(0.05, 20))
def test_one_step_from_anywhere_is_finite(current: float, v: float, w: float, delta_t: float) -> None:
    for scheme, step in (
        ("euler", adex.step_euler),
        ("exponential_euler", adex.step_exponential_euler),
        ("rk4", adex.step_rk4),
    ):
        c = AdEx(scheme=scheme, delta_t_mv=delta_t).constants(1e-4)  # type: ignore[arg-type]
        s, _ = step(c, adex.AdExState(v, w, 0.0, 0.0), 0.0, current)  # type: ignore[operator]
        assert np.isfinite(s.v) and np.isfinite(s.w) and s.v <= 20


@pytest.mark.parametrize(("scheme", "slope"), [("euler", 1), ("exponential_euler", 1), ("rk4", 4)])
def test_order_of_convergence(scheme: str, slope: int) -> None:
    """Error of (v, w) after 20 ms below the cut."""

    def end(scheme: str, tick_ms: float) -> Any:
        state: Any = simulate(AdEx(scheme=scheme), tick_ms * 1e-3, np.full(round(20 / tick_ms), 550.0)).state  # type: ignore[arg-type]
        return np.array([state.v[0], state.w[0]])

    exact = end("rk4", 0.001)
    steps = [0.1, 0.05, 0.025]
    errors = [float(np.abs(end(scheme, dt) - exact).max()) for dt in steps]
    assert order(errors, steps) == pytest.approx(slope, abs=0.2)


@pytest.mark.parametrize("substeps", [1, 10])
def test_refractory_period_holds_the_membrane_while_the_adaptation_goes_on(substeps: int) -> None:
    neuron = AdEx(substeps=substeps, refractory_s=2e-3)
    run = simulate(neuron, 1e-4, np.full(5000, 2000.0), record=("v", "w"))
    first = int(np.flatnonzero(run.spikes)[0])
    held = run.traces["v"][first : first + 21, 0]
    assert (held == -70.6).all() and run.traces["v"][first + 21, 0] > -70.6  # 20 silent ticks after the spike
    w = run.traces["w"][first : first + 21, 0]
    assert w[1:] == pytest.approx(w[0] * np.exp(-np.arange(1, 21) * 0.1 / 144), rel=1e-3)
    assert np.diff(np.flatnonzero(run.spikes)).min() > 20


def test_substeps_are_shorter_ticks() -> None:
    coarse = simulate(AdEx(substeps=20), 1e-3, np.full((300, 1), 1000.0))
    fine = simulate(AdEx(), 5e-5, np.full((6000, 1), 1000.0))
    assert np.array_equal(coarse.spikes[:, 0], fine.spikes.reshape(300, 20).sum(axis=1))
    assert np.abs(coarse.traces["v"] - fine.traces["v"][19::20]).max() < 1e-9


def test_spikes_carry_the_same_charge_in_every_tick() -> None:
    """281 pA for 1 ms move 281 pF by 1 mV."""
    for tick_ms in (0.025, 0.1):
        ticks = round(2 / tick_ms)
        drives = np.zeros((ticks, 1))
        drives[1] = 281.0
        leakless = AdEx(scheme="rk4", g_l_ns=1e-6, a_ns=0.0)
        moved = simulate(leakless, tick_ms * 1e-3, np.zeros(ticks), drives).traces["v"][-1, 0] + 70.6
        assert moved == pytest.approx(1.0, rel=1e-3)


def test_float32() -> None:
    wide, narrow = (simulate(AdEx(), 1e-4, np.full(3000, 1000.0), dtype=t) for t in (np.float64, np.float32))
    assert narrow.traces["v"].dtype == np.float32
    ticks = [np.flatnonzero(run.spikes) for run in (wide, narrow)]
    assert len(ticks[0]) == len(ticks[1]) > 5 and np.abs(ticks[0] - ticks[1]).max() <= 1


@pytest.mark.parametrize(
    ("fields", "tick_s", "said"),
    [
        ({}, 1e-3, "at least 10"),
        ({"substeps": 5}, 1e-3, "substeps.*at least 10"),
        ({"tau_w_s": 5e-5}, 1e-4, "at least 2"),
        ({"c_m_pf": 1.0, "g_l_ns": 100.0}, 1e-4, "at least 10"),
        ({"v_reset_mv": 25.0}, 1e-4, "v_reset_mv"),
        ({"v_t_mv": 25.0}, 1e-4, "v_cut_mv"),
        ({"refractory_s": 1e-6}, 1e-4, "refractory_s"),
    ],
)
def test_parameters_that_break_the_model_are_refused(fields: dict[str, Any], tick_s: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AdEx(**fields).constants(tick_s)
