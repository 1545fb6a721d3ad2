"""LIF with delta synapses: recorded runs, the f-I curve to the last digit, exactness for any tick."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from snnctl.network.isolated import simulate
from snnctl.neurons.delta_lif import DeltaLif

from .lif_recordings import both, ragged, spike_lists


def brian2(t_ref_ms: float, dt_ms: float) -> DeltaLif:
    """Brian2 holds the membrane for one tick less than its refractory period has."""
    return DeltaLif(refractory_s=max(t_ref_ms - dt_ms, 0.0) * 1e-3)


@pytest.mark.parametrize("path", both("neurons_lif.npz"))
@pytest.mark.parametrize("case", ["dt01", "dt01_ref2", "dt1_ref2"])
def test_equals_brian2(path: Path, case: str) -> None:
    z = np.load(path)
    dt_ms = float(z[f"{case}_dt_ms"])
    run = simulate(brian2(float(z[f"{case}_tref_ms"]), dt_ms), dt_ms * 1e-3, z[f"{case}_I"])
    assert spike_lists(run.spikes) == ragged(z, f"{case}_")
    np.testing.assert_allclose(run.traces["v"].T, z[f"{case}_v"][:, 1:], rtol=0, atol=1e-9)


@pytest.mark.needs_compiler
@pytest.mark.parametrize("path", both("fi_curves_lif.npz", "fi_curves.npz"))
@pytest.mark.parametrize("t_ref_ms", [0, 2])
def test_rates_equal_brian2_and_the_quantised_formula(path: Path, t_ref_ms: int) -> None:
    z = np.load(path)
    dt_ms, currents = 0.01, z["lif_I_nA"]
    run = simulate(brian2(t_ref_ms, dt_ms), dt_ms * 1e-3, np.tile(currents, (200_000, 1)), record=())
    assert run.spikes.sum(axis=0).tolist() == z[f"lif_tref{t_ref_ms}_count2s"].tolist()
    for current, ticks, recorded in zip(currents, spike_lists(run.spikes), z[f"lif_tref{t_ref_ms}_f_hz"], strict=True):
        if len(ticks) < 2:
            assert recorded == 0
            continue
        drive = 80 * current
        steps = math.floor(20 / dt_ms * math.log(drive / (drive - 15))) + 1
        interval = steps + (round(t_ref_ms / dt_ms) - 1 if t_ref_ms else 0)
        assert set(np.diff(ticks)) == {interval}
        assert 1e3 / (interval * dt_ms) == pytest.approx(recorded, rel=1e-12)


@pytest.mark.parametrize(("current", "t_ref_ms", "rate"), [
    (0.19, 0, 11.545), (0.19, 2, 11.285), (0.2, 0, 18.034), (0.2, 2, 17.406), (2.0, 0, 507.92), (2.0, 2, 251.97),
])  # fmt: skip
def test_rate_tends_to_the_analytic_one(current: float, t_ref_ms: float, rate: float) -> None:
    """f = 1 / (t_ref + tau ln(RI / (RI - 15))); an interval is too long by less than one tick."""
    drive, tick_s = 80 * current, 1e-6
    analytic = 1e3 / (t_ref_ms + 20 * math.log(drive / (drive - 15)))
    assert analytic == pytest.approx(rate, abs=6e-3)
    ticks = round(2.2 / rate / tick_s)
    run = simulate(DeltaLif(refractory_s=t_ref_ms * 1e-3), tick_s, np.full((ticks, 1), current), record=())
    first, second = spike_lists(run.spikes)[0][:2]
    assert 0 <= (second - first) * tick_s - 1 / analytic <= tick_s * 1.001


def test_rheobase() -> None:
    run = simulate(DeltaLif(), 1e-3, np.tile([0.1874, 0.1876], (2000, 1)))
    assert (run.spikes.sum(axis=0) > 0).tolist() == [False, True]


def test_the_membrane_is_exact_for_any_tick() -> None:
    """Order of convergence is infinite: one tick of 10 ms and 1000 of 10 us give the same membrane."""
    long = simulate(DeltaLif(refractory_s=0.0), 10e-3, np.full((1, 1), 0.15))
    short = simulate(DeltaLif(), 10e-6, np.full((1000, 1), 0.15))
    closed = -65 + 12 * -math.expm1(-0.5)
    assert long.traces["v"][-1, 0] == pytest.approx(closed, abs=1e-12)
    assert short.traces["v"][-1, 0] == pytest.approx(closed, abs=1e-10)


def test_a_spike_raises_the_membrane_by_its_weight_at_the_start_of_the_tick() -> None:
    drives = np.zeros((5, 1))
    drives[2] = 3.0
    v = simulate(DeltaLif(), 1e-3, np.zeros((5, 1)), drives).traces["v"][:, 0]
    a = math.exp(-1 / 20)
    assert v == pytest.approx([-65, -65, -65 + 3 * a, -65 + 3 * a**2, -65 + 3 * a**3], abs=1e-12)


def test_soft_reset_keeps_the_excess() -> None:
    drives = np.full((1, 1), 20.0)
    a = math.exp(-1 / 20)
    for reset, after in (("value", -65.0), ("subtract", -65 + 20 * a - 15)):
        run = simulate(DeltaLif(reset=reset), 1e-3, np.zeros((1, 1)), drives)  # type: ignore[arg-type]
        assert run.spikes[0, 0] == 1 and run.traces["v"][0, 0] == pytest.approx(after, abs=1e-12)


def test_refractory_neurons_take_no_input() -> None:
    drives = np.full((4, 1), 100.0)
    run = simulate(DeltaLif(refractory_s=2e-3), 1e-3, np.zeros((4, 1)), drives)
    assert run.spikes[:, 0].tolist() == [1, 0, 0, 1]
    assert run.traces["v"][:3, 0].tolist() == [-65, -65, -65]
