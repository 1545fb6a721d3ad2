"""Conductance-based LIF: each scheme against its equations, its order of convergence, its limits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from snnctl.network.isolated import simulate
from snnctl.neurons.coba_lif import CobaLif

from .lif_recordings import spike_lists

SCHEMES = ("exponential_midpoint", "exponential_euler", "euler", "rk4")
NUMBERS = (200.0, 10.0, -60.0, 0.0, -80.0, 5.0, 10.0)


def slope(v: Any, ge: Any, gi: Any, current: Any) -> Any:
    """C v' of the specification, in pA."""
    return 10 * (-60 - v) + ge * (0 - v) + gi * (-80 - v) + current


def reference(scheme: str, currents: Any, drives: Any, h: float, silent: int) -> tuple[Any, Any]:
    """The schemes written out again, vectorised over neurons, from the equations: v (ticks, n) and spikes."""
    n = currents.shape[1]
    v, ge, gi = np.full(n, -60.0), np.zeros(n), np.zeros(n)
    held, trace, spikes = np.zeros(n), [], []

    def f(y: Any, current: Any) -> Any:
        return np.array([slope(*y, current) / 200, -y[1] / 5, -y[2] / 10])

    for current, drive in zip(currents, drives, strict=True):
        ge, gi = ge + drive[0], gi + drive[1]
        y = np.array([v, ge, gi])
        if scheme == "euler":
            new = y + h * f(y, current)
        elif scheme == "rk4":
            k1 = f(y, current)
            k2 = f(y + h / 2 * k1, current)
            k3 = f(y + h / 2 * k2, current)
            k4 = f(y + h * k3, current)
            new = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        else:
            shrink = 0.5 * h if scheme == "exponential_midpoint" else 0.0
            e, i = ge * math.exp(-shrink / 5), gi * math.exp(-shrink / 10)
            total = 10 + e + i
            v_inf = (10 * -60 + e * 0 + i * -80 + current) / total
            new = np.array(
                [v_inf + (v - v_inf) * np.exp(-h * total / 200), ge * math.exp(-h / 5), gi * math.exp(-h / 10)]
            )
        free = held <= 0
        spike = free & (new[0] > -50)
        v = np.where(spike, -60.0, np.where(free, new[0], v))
        held = np.where(spike, silent, np.where(free, held, held - 1))
        ge, gi = new[1], new[2]
        trace.append(v)
        spikes.append(spike)
    return np.array(trace), np.array(spikes)


def noisy_input(ticks: int, tick_ms: float, seed: int = 3) -> tuple[Any, Any]:
    """Four neurons under 30 excitatory and 10 inhibitory Poisson inputs of 40 Hz; the same events for any tick."""
    rng = np.random.default_rng(seed)
    slots = round(ticks * tick_ms / 0.1)
    arrivals = (rng.random((slots, 40)) < 0.004).astype(float)
    weights = np.abs(rng.normal([4.0] * 30 + [12.0] * 10, 2.0, (4, 40)).T)
    per_slot = np.stack([arrivals[:, :30] @ weights[:30], arrivals[:, 30:] @ weights[30:]], axis=1)  # (slots, 2, n)
    drives = np.zeros((ticks, 2, 4))
    drives[:: round(0.1 / tick_ms)] = per_slot
    return np.tile([0.0, 40.0, 80.0, 120.0], (ticks, 1)), drives


@pytest.mark.parametrize("scheme", SCHEMES)
def test_equals_its_equations_written_out(scheme: Any) -> None:
    currents, drives = noisy_input(5000, 0.1)
    run = simulate(CobaLif(scheme=scheme, refractory_s=4.9e-3), 1e-4, currents, drives)
    v, spikes = reference(scheme, currents, drives, 0.1, 49)
    assert run.spikes.sum() > 40 and run.spikes.sum(axis=0).min() > 2
    assert np.array_equal(run.spikes, spikes)
    np.testing.assert_allclose(run.traces["v"], v, rtol=0, atol=1e-9)


def test_all_schemes_agree_with_a_fine_reference() -> None:
    """The limits that recorded runs of other simulators keep: counts +-1, median difference below 0.15 mV."""
    currents, drives = noisy_input(5000, 0.1)
    fine = simulate(CobaLif(scheme="rk4"), 5e-6, *noisy_input(100_000, 0.005))
    counts = fine.spikes.sum(axis=0).astype(int)
    wanted = fine.traces["v"][19::20]
    medians = {}
    for scheme in SCHEMES:
        run = simulate(CobaLif(scheme=scheme), 1e-4, currents, drives)  # type: ignore[arg-type]
        assert np.all(np.abs(run.spikes.sum(axis=0).astype(int) - counts) <= 1)
        medians[scheme] = float(np.median(np.abs(run.traces["v"] - wanted)))
    assert max(medians.values()) < 0.15
    assert medians["exponential_midpoint"] < medians["exponential_euler"] / 5
    assert medians["exponential_midpoint"] < medians["euler"]


def errors(scheme: Any, ticks_per_ms: list[int]) -> list[float]:
    """Error of the membrane 8 ms after conductances of 30 and 20 nS have opened, without a spike."""
    y0 = (-62.0, 30.0, 20.0)
    exact = solve_ivp(
        lambda t, y: [slope(*y, 50.0) / 200, -y[1] / 5, -y[2] / 10], (0, 8), y0, method="DOP853", rtol=1e-13, atol=1e-13
    ).y[0, -1]
    start = dict(zip(("v", "g_excitatory", "g_inhibitory"), y0, strict=True))
    neuron = CobaLif(scheme=scheme, v_threshold_mv=100.0)
    found = []
    for n in ticks_per_ms:
        run = simulate(neuron, 1e-3 / n, np.full((8 * n, 1), 50.0), initial=start)
        found.append(abs(float(run.traces["v"][-1, 0]) - exact))
    return found


@pytest.mark.parametrize(("scheme", "order"), [
    ("exponential_midpoint", 2), ("exponential_euler", 1), ("euler", 1), ("rk4", 4),
])  # fmt: skip
def test_order_of_convergence(scheme: str, order: int) -> None:
    ticks_per_ms = [2, 4, 8, 16, 32]
    found = errors(scheme, ticks_per_ms)
    measured = -np.polyfit(np.log(ticks_per_ms), np.log(found), 1)[0]
    assert measured == pytest.approx(order, abs=0.15), found


def test_exponential_schemes_are_stable_for_any_tick() -> None:
    drives = np.zeros((50, 2, 1))
    drives[:, 0], drives[:, 1] = 5000.0, 8000.0
    for scheme in ("exponential_midpoint", "exponential_euler"):
        v = simulate(
            CobaLif(scheme=scheme, v_threshold_mv=50.0, refractory_s=0.0), 0.1, np.zeros((50, 1)), drives
        ).traces["v"]  # type: ignore[arg-type]
        assert np.all((v > -80) & (v < 0))


def test_the_membrane_stays_between_its_reversal_potentials() -> None:
    currents, drives = noisy_input(5000, 0.1, seed=5)
    v = simulate(CobaLif(), 1e-4, 0 * currents, 10 * drives).traces["v"]
    assert v.min() > -80 and v.max() <= -50


@pytest.mark.parametrize(("scheme", "tick_s", "field"), [
    ("euler", 5e-3, "tau_excitatory_s"), ("euler", 0.1, "tau_excitatory_s"), ("rk4", 14e-3, "tau_excitatory_s"),
])  # fmt: skip
def test_a_tick_that_breaks_the_scheme_is_refused(scheme: Any, tick_s: float, field: str) -> None:
    with pytest.raises(ValueError, match=rf"{field}: scheme '{scheme}' is stable .* choose scheme"):
        CobaLif(scheme=scheme, refractory_s=0.1).constants(tick_s)


def test_the_membrane_limits_the_tick_too() -> None:
    slow = CobaLif(scheme="euler", tau_excitatory_s=1.0, tau_inhibitory_s=1.0, refractory_s=0.0)
    slow.constants(39.9e-3)
    with pytest.raises(ValueError, match="capacitance_pf / g_leak_ns"):
        slow.constants(40e-3)


def test_refractory_spikes_and_rate_of_a_constant_current() -> None:
    """Without synapses this is the leaky neuron of tau = C / g_leak: ISI = t_ref + tau ln(V / (V - 10))."""
    current, tick_s = 300.0, 1e-5
    closed_s = 5e-3 + 20e-3 * math.log(30 / 20)
    for scheme in SCHEMES:
        run = simulate(CobaLif(scheme=scheme), tick_s, np.full((4000, 1), current), record=())  # type: ignore[arg-type]
        interval_s = np.diff(spike_lists(run.spikes)[0])[0] * tick_s
        assert interval_s == pytest.approx(closed_s, abs=2.1 * tick_s)
