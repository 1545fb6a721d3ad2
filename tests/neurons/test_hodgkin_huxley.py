"""Hodgkin-Huxley: recorded runs of each scheme, known results of the squid axon, order of convergence, bad input."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snnctl.network.isolated import simulate
from snnctl.neurons import hodgkin_huxley
from snnctl.neurons.hodgkin_huxley import HodgkinHuxley, HodgkinHuxleyState

from .recorded_neurons import SELECTION, both, order, recorded_spikes, spike_times


def traced(case: Any, scheme: str, tick_ms: float) -> tuple[list[Any], dict[str, NDArray[np.float64]]]:
    """Spike times, and membrane and gates every 0.2 ms (n, samples)."""
    neuron = HodgkinHuxley(scheme=scheme, v_initial_mv=-65.0)  # type: ignore[arg-type]
    currents = np.repeat(case["I"], round(0.1 / tick_ms), axis=0)
    run = simulate(neuron, tick_ms * 1e-3, currents, record=("v", "m", "h", "n"))
    every = round(0.2 / tick_ms)
    return spike_times(run.spikes, tick_ms), {k: trace[every - 1 :: every].T for k, trace in run.traces.items()}


def runs(case: Any, scheme: str, tick_ms: float) -> tuple[list[Any], NDArray[np.float64]]:
    """Spike times, and the membrane every 0.2 ms (n, samples)."""
    spikes, traces = traced(case, scheme, tick_ms)
    return spikes, traces["v"]


def every_0_2_ms(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """A recording without its first sample (n, samples)."""
    return v[:, 1:] if v.shape[1] == 501 else v[:, 4::4]


def latest(found: list[Any], wanted: list[Any]) -> float:
    """Largest distance of a spike from its own in the reference (ms); counts must be equal."""
    assert [len(t) for t in found] == [len(t) for t in wanted]
    return max(float(np.abs(f - w).max()) for f, w in zip(found, wanted, strict=True) if len(w))


@pytest.mark.parametrize("path", both("neurons_hh.npz"))
def test_rk4_equals_the_reference(path: Path) -> None:
    case = np.load(path)
    found, traces = traced(case, "rk4", 0.01)
    v = traces["v"]
    assert latest(found, recorded_spikes(case, "ref_rk4_dt0001")) < 0.01
    assert latest(found, recorded_spikes(case, "rk4_dt001")) < 1e-9
    assert np.abs(v - every_0_2_ms(case["ref_rk4_dt0001_v"])).max() < 1e-3
    assert np.abs(v - every_0_2_ms(case["rk4_dt001_v"])).max() < 1e-6
    for gate in "mhn":
        if f"ref_rk4_dt0001_{gate}" in case:  # the selection has the membrane only
            assert np.abs(traces[gate] - every_0_2_ms(case[f"ref_rk4_dt0001_{gate}"])).max() < 1e-4


@pytest.mark.parametrize("path", both("neurons_hh.npz"))
@pytest.mark.parametrize(
    ("scheme", "key", "late_ms"),
    [("simultaneous_exponential_euler", "expeuler_dt001", 0.6), ("euler", "euler_dt001", 0.4)],
)
def test_schemes_of_order_1_equal_their_recordings(path: Path, scheme: str, key: str, late_ms: float) -> None:
    case = np.load(path)
    found, v = runs(case, scheme, 0.01)
    assert latest(found, recorded_spikes(case, key)) < 1e-9
    assert np.abs(v - every_0_2_ms(case[f"{key}_v"])).max() < 1e-5
    assert latest(found, recorded_spikes(case, "ref_rk4_dt0001")) < late_ms


@pytest.mark.parametrize("path", both("neurons_hh.npz"))
@pytest.mark.parametrize(("tick_ms", "late_ms"), [(0.01, 0.02), (0.05, 0.2)])
def test_sequential_exponential_euler_keeps_the_spikes_of_the_reference(
    path: Path, tick_ms: float, late_ms: float
) -> None:
    case = np.load(path)
    found, _ = runs(case, "exponential_euler", tick_ms)
    assert latest(found, recorded_spikes(case, "ref_rk4_dt0001")) < late_ms


@pytest.mark.parametrize(("e_l_mv", "rest"), [(-54.387, -64.99638), (-54.3, -64.97405)])
def test_rest(e_l_mv: float, rest: float) -> None:
    start = HodgkinHuxley(e_l_mv=e_l_mv).initial()
    assert start.v == pytest.approx(rest, abs=1e-5)
    if e_l_mv == -54.387:
        assert (start.m, start.h, start.n) == pytest.approx((0.052955, 0.595994, 0.317732), abs=1e-6)
    still = simulate(HodgkinHuxley(e_l_mv=e_l_mv, scheme="rk4"), 1e-5, np.zeros(5000))
    assert np.abs(still.traces["v"] - start.v).max() < 1e-9


def steps(currents: list[float], duration_ms: float, tick_ms: float = 0.025, **fields: Any) -> Any:
    ticks = round(duration_ms / tick_ms)
    neuron = HodgkinHuxley(scheme="rk4", **fields)
    return simulate(neuron, tick_ms * 1e-3, np.tile(currents, (ticks, 1)))


def test_one_spike_from_2_3() -> None:
    assert steps([2.1, 2.2, 2.3, 2.4, 3.0], 100).spikes.sum(axis=0).tolist() == [0, 0, 1, 1, 1]


def test_repetitive_firing_from_6_27_at_51_hz() -> None:
    """At 6.26 uA/cm2 the train dies out, after 43 spikes."""
    run = steps([6.26, 6.27], 1200)
    late = run.spikes[round(900 / 0.025) :].sum(axis=0)
    assert late[0] == 0 and late[1] >= 15
    ticks = np.flatnonzero(run.spikes[:, 1])
    assert 1e3 / (np.diff(ticks)[-5:].mean() * 0.025) == pytest.approx(51.3, abs=0.1)


def test_ten_microampere_from_5_ms() -> None:
    tick_ms = 0.005
    currents = np.where(np.arange(round(500 / tick_ms)) * tick_ms < 5 - 1e-9, 0.0, 10.0)
    run = simulate(HodgkinHuxley(scheme="rk4"), tick_ms * 1e-3, currents)
    v = run.traces["v"][:, 0]
    found = spike_times(run.spikes, tick_ms)[0]
    assert found[:6] == pytest.approx([6.901, 21.823, 36.472, 51.109, 65.745, 80.382], abs=0.006)
    assert np.diff(found)[-3:] == pytest.approx(14.64, abs=0.006)
    first = v[: round(20 / tick_ms)]
    assert first[9::10].max() == pytest.approx(40.23, abs=0.005)  # on the grid of 0.05 ms of the source
    assert first.max() == pytest.approx(40.263, abs=0.002) and first.min() == pytest.approx(-75.08, abs=0.01)
    last = v[round(450 / tick_ms) :]
    assert last.max() == pytest.approx(30.43, abs=0.02) and last.min() == pytest.approx(-74.90, abs=0.01)


def test_anode_break() -> None:
    """A rebound spike follows the end of -5 uA/cm2."""
    tick_ms = 0.025
    currents = np.zeros(round(150 / tick_ms))
    currents[round(5 / tick_ms) : round(90 / tick_ms)] = -5.0
    found = spike_times(simulate(HodgkinHuxley(), tick_ms * 1e-3, currents).spikes, tick_ms)[0]
    assert len(found) == 1 and 90 < found[0] < 100


def level_crossing_hz(v: NDArray[np.float64], tick_ms: float) -> NDArray[np.float64]:
    """Rate of the upward crossings of the middle of each trace, 0 under 2 mV of amplitude (n,)."""
    rates = np.zeros(v.shape[1])
    for j, trace in enumerate(v.T):
        middle = 0.5 * (trace.max() + trace.min())
        up = np.flatnonzero((trace[:-1] < middle) & (trace[1:] >= middle))
        if np.ptp(trace) > 2 and len(up) > 1:
            at = up + (middle - trace[up]) / (trace[up + 1] - trace[up])
            rates[j] = 1e3 * (len(at) - 1) / ((at[-1] - at[0]) * tick_ms)
    return rates


@pytest.mark.needs_compiler
@pytest.mark.parametrize(("start", "prelude"), [("step", 0.0), ("from_cycle", 20.0)])
def test_f_i_curve_depends_on_the_start(start: str, prelude: float) -> None:
    """60 ms of prelude, then the current: from rest firing starts at 6.3, from the cycle it lasts down to less."""
    case = np.load(SELECTION / "fi_curves_biophysical.npz")
    chosen = slice(None, None, 4)
    current, wanted, tick_ms = case["hh_I"][chosen], case[f"hh_{start}_ss_hz"][chosen], 0.02
    currents = np.tile(current, (round(1060 / tick_ms), 1))
    currents[: round(60 / tick_ms)] = prelude
    v = simulate(HodgkinHuxley(scheme="rk4"), tick_ms * 1e-3, currents).traces["v"][round(560 / tick_ms) :]
    amplitude = np.ptp(v, axis=0)
    steady = np.abs(amplitude - np.ptp(v[: round(250 / tick_ms)], axis=0)) < 0.1  # not still spiralling into rest
    found = level_crossing_hz(v, tick_ms)
    assert steady.sum() > 0.9 * len(current)
    assert found[steady] == pytest.approx(wanted[steady], abs=0.05)


def test_rates() -> None:
    table = {6.3: 52.5, 6.5: 55.1, 7.0: 58.33, 10.0: 68.32, 20.0: 86.47, 50.0: 117.04, 100.0: 147.27, 150.0: 167.85}
    run = steps(list(table), 600, tick_ms=0.02)
    found = level_crossing_hz(run.traces["v"][15_000:], 0.02)
    assert found[0] == pytest.approx(52.5, abs=0.15)
    assert found[1:] == pytest.approx(list(table.values())[1:], abs=0.06)


def test_the_threshold_of_0_mv_misses_the_small_spikes_of_strong_currents() -> None:
    """Their peak falls from 7.5 mV at 50 to -20 at 100 and -39 at 150 uA/cm2: count them at a lower threshold."""
    currents = [50.0, 100.0, 150.0]
    run = steps(currents, 300)
    late = run.traces["v"][6000:]
    assert late.max(axis=0) == pytest.approx([7.5, -20, -39], abs=0.5)
    assert run.spikes[6000:].sum(axis=0)[1:].tolist() == [0, 0]
    seen = steps(currents, 300, v_threshold_mv=-45.0).spikes[6000:].sum(axis=0) / 0.15
    assert seen == pytest.approx([117.04, 147.27, 167.85], abs=7)


def growth(v: float) -> tuple[float, float]:
    """The current that holds the membrane at v, and the growth rate of a small disturbance there (1/ms)."""
    neuron = HodgkinHuxley(scheme="rk4", v_initial_mv=v)
    c, rest = neuron.constants(1e-5), neuron.initial()
    m, h, n = rest.m, rest.h, rest.n
    current = 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.387)

    def after(x: NDArray[np.float64]) -> NDArray[np.float64]:
        s, _ = hodgkin_huxley.step_rk4(c, HodgkinHuxleyState(*x, 0.0), 0.0, current)  # type: ignore[arg-type]
        return np.array(s[:4])

    x = np.array([v, m, h, n])
    jacobian = np.array([(after(x + e) - after(x - e)) / 2e-6 for e in 1e-6 * np.eye(4)]).T
    return current, math.log(np.abs(np.linalg.eigvals(jacobian)).max()) / 0.01


@pytest.mark.parametrize(("v", "current", "rising"), [(-59.654, 9.7754, True), (-43.06, 154.52, False)])
def test_rest_loses_and_regains_stability_at_the_hopf_points(v: float, current: float, rising: bool) -> None:
    low, high = v - 0.5, v + 0.5
    assert (growth(low)[1] < 0 < growth(high)[1]) if rising else (growth(high)[1] < 0 < growth(low)[1])
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if (growth(middle)[1] < 0) == rising else (low, middle)
    assert high == pytest.approx(v, abs=2e-3)
    assert growth(high)[0] == pytest.approx(current, rel=1e-4)


def test_bistable_between_6_26_and_9_78() -> None:
    """At 8 uA/cm2 it keeps firing after a step from rest, and keeps silent after a slow ramp."""
    tick_ms = 0.025
    step = np.full(round(600 / tick_ms), 8.0)
    ramp = np.minimum(np.arange(len(step)) * tick_ms / 400 * 8.0, 8.0)
    run = simulate(HodgkinHuxley(scheme="rk4"), tick_ms * 1e-3, np.stack([step, ramp], axis=1))
    late = run.spikes[round(450 / tick_ms) :].sum(axis=0)
    assert late[0] >= 8 and run.spikes[:, 1].sum() == 0


@pytest.mark.parametrize(
    ("scheme", "slope_v", "slope_gates", "ticks_ms"),
    [
        ("exponential_euler", 2, 1, [0.01, 0.005, 0.0025]),
        ("simultaneous_exponential_euler", 1, 1, [0.01, 0.005, 0.0025]),
        ("euler", 1, 1, [0.01, 0.005, 0.0025]),
        ("rk4", 4, 4, [0.02, 0.01, 0.005]),
    ],
)
def test_order_of_convergence(scheme: str, slope_v: int, slope_gates: int, ticks_ms: list[float]) -> None:
    """Error after 8 ms with one spike. The gates of the sequential scheme are half a step ahead of v, as in leapfrog:
    that gives v, and so the spikes, order 2, and the gates at their labels order 1.
    """

    def end(scheme: str, tick_ms: float) -> NDArray[np.float64]:
        neuron = HodgkinHuxley(scheme=scheme)  # type: ignore[arg-type]
        state: Any = simulate(neuron, tick_ms * 1e-3, np.full(round(8 / tick_ms), 10.0)).state
        return np.concatenate(state[:4])

    exact = end("rk4", 0.001)
    errors = np.array([np.abs(end(scheme, dt) - exact) for dt in ticks_ms])
    assert order(errors[:, 0].tolist(), ticks_ms) == pytest.approx(slope_v, abs=0.25)
    assert order(errors[:, 1:].max(axis=1).tolist(), ticks_ms) == pytest.approx(slope_gates, abs=0.25)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_strong_noise_never_makes_nan(dtype: type) -> None:
    """Sequential exponential Euler at its longest step: any current, also 100 times the physiological."""
    currents = np.random.default_rng(2).normal(0, 1, (10_000, 4)) * [15.0, 150.0, 1500.0, 1e5]
    run = simulate(HodgkinHuxley(), 1e-4, currents, dtype=dtype, record=("v", "m", "h", "n"))
    assert run.traces["v"].dtype == dtype and np.isfinite(run.traces["v"]).all()
    for gate in "mhn":
        assert (run.traces[gate] >= 0).all() and (run.traces[gate] <= 1).all()


def test_the_rates_are_continuous_where_their_formula_is_0_over_0() -> None:
    c = HodgkinHuxley().constants(1e-5)
    for v, index, limit in ((-40.0, 0, 1.0), (-55.0, 4, 0.1)):
        for off in (-1e-6, -1e-12, 0.0, 1e-12, 1e-6):
            assert hodgkin_huxley._rates(c, v + off)[index] == pytest.approx(limit, rel=1e-6)


def test_float32() -> None:
    currents = np.tile([7.0, 10.0, 20.0], (4000, 1))
    wide, narrow = (simulate(HodgkinHuxley(), 2.5e-5, currents, dtype=t) for t in (np.float64, np.float32))
    for a, b in zip(spike_times(wide.spikes, 0.025), spike_times(narrow.spikes, 0.025), strict=True):
        assert len(a) == len(b) > 3 and np.abs(a - b).max() < 0.06


def test_temperature_scales_the_gates() -> None:
    """At 16.3 degrees C the rates are three times those of 6.3, and spikes are narrower."""
    cold, warm = HodgkinHuxley().constants(1e-5), HodgkinHuxley(temperature_c=16.3).constants(1e-5)
    ratio = np.array(hodgkin_huxley._rates(warm, -50.0)) / np.array(hodgkin_huxley._rates(cold, -50.0))
    assert ratio == pytest.approx(np.full(6, 3.0))
    run = simulate(HodgkinHuxley(), 1e-5, np.full((2000, 2), 20.0), parameters={"temperature_c": [6.3, 16.3]})
    widths = (run.traces["v"] > -20).sum(axis=0)
    assert 0 < widths[1] < 0.8 * widths[0]


def test_substeps_are_shorter_ticks_and_see_every_spike() -> None:
    coarse = simulate(HodgkinHuxley(substeps=50), 1e-3, np.full((300, 1), 10.0))
    fine = simulate(HodgkinHuxley(), 2e-5, np.full((15_000, 1), 10.0))
    assert np.array_equal(coarse.spikes[:, 0], fine.spikes.reshape(300, 50).sum(axis=1))
    assert np.abs(coarse.traces["v"] - fine.traces["v"][49::50]).max() < 1e-9


def test_spikes_carry_the_same_charge_in_every_tick() -> None:
    passive = HodgkinHuxley(g_na_ms_cm2=0.0, g_k_ms_cm2=0.0, g_l_ms_cm2=1e-9)
    for tick_ms in (0.01, 0.05):
        drives = np.zeros((round(2 / tick_ms), 1))
        drives[1] = 3.0
        moved = simulate(passive, tick_ms * 1e-3, np.zeros(len(drives)), drives).traces["v"][-1, 0] + 54.387
        assert moved == pytest.approx(3.0, rel=1e-4)  # 3 uA/cm2 for 1 ms on 1 uF/cm2


@pytest.mark.parametrize(
    ("fields", "tick_s", "said"),
    [
        ({}, 1e-3, "exponential_euler.*at least 10"),
        ({"scheme": "simultaneous_exponential_euler"}, 1e-4, "at least 2"),
        ({"scheme": "rk4"}, 5e-5, "rk4.*at least 2"),
        ({"scheme": "euler"}, 2.5e-5, "euler.*at least 2"),
        ({"scheme": "euler", "c_m_uf_cm2": 0.5}, 1e-5, "at least 2"),
        ({"scheme": "rk4", "temperature_c": 16.3}, 2.5e-5, "at least 3"),
        ({"scheme": "rk4", "c_m_uf_cm2": 0.25}, 2.5e-5, "c_m_uf_cm2 0.25: write at least 4"),
    ],
)
def test_ticks_that_break_the_scheme_are_refused(fields: dict[str, Any], tick_s: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        HodgkinHuxley(**fields).constants(tick_s)
