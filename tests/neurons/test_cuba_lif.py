"""LIF with exponential currents: recorded runs, the potential of one spike, equal time constants."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from snnctl.network.isolated import simulate
from snnctl.neurons.cuba_lif import CubaLif
from snnctl.neurons.propagator import response

from .lif_recordings import both, ragged, spike_lists


def one_spike(neuron: CubaLif, tick_s: float, ticks: int, weight: float = 0.1) -> np.ndarray:
    """The membrane over rest after each tick, for one excitatory spike at the start of the first."""
    drives = np.zeros((ticks, 2, 1))
    drives[0, 0] = weight
    return simulate(neuron, tick_s, np.zeros((ticks, 1)), drives).traces["v"][:, 0] - neuron.v_rest_mv


@pytest.mark.parametrize("path", both("neurons_lif_cuba.npz"))
def test_equals_brian2(path: Path) -> None:
    """Input of recorded step k acts at its end, which is the start of our tick k + 1."""
    z = np.load(path)
    spikes = np.vstack([np.zeros(20, np.uint8), z["X"][:-1]])
    signed = z["W"]
    drives = np.stack([spikes @ np.maximum(signed, 0), spikes @ np.minimum(signed, 0)], axis=1)
    currents = np.tile(z["I0"], (len(spikes), 1))
    run = simulate(CubaLif(refractory_s=1.9e-3), 1e-4, currents, drives, record=("v", "i_excitatory", "i_inhibitory"))
    assert spike_lists(run.spikes) == ragged(z)
    np.testing.assert_allclose(run.traces["v"].T, z["v"][:, 1:], rtol=0, atol=1e-9)
    # a recorded current already has the input of the step; ours gets it in the next tick
    arrived = z["X"].astype(float)
    for name, weights, field in (
        ("Ie", np.maximum(signed, 0), "i_excitatory"),
        ("Ii", np.minimum(signed, 0), "i_inhibitory"),
    ):
        np.testing.assert_allclose((run.traces[field] + arrived @ weights).T, z[name][:, 1:], rtol=0, atol=1e-9)


def test_peak_of_a_postsynaptic_potential() -> None:
    tick_s, neuron = 1e-6, CubaLif()
    v = one_spike(neuron, tick_s, 20_000)
    peak_ms = 20 * 5 / 15 * math.log(4)
    assert peak_ms == pytest.approx(9.242, abs=5e-4)
    assert (np.argmax(v) + 1) * tick_s == pytest.approx(peak_ms * 1e-3, abs=1.5e-6)
    assert v.max() == pytest.approx(80 * 0.1 * (5 / 20) ** (20 / 15), rel=1e-9)
    assert v.max() == pytest.approx(0.1575 * 8, rel=3e-4)


@pytest.mark.parametrize("tau_s", [5e-3, 19.9e-3, 20e-3, 60e-3])
@pytest.mark.parametrize("tick_s", [1e-4, 1e-3, 7e-3])
def test_the_potential_is_exact_for_any_tick_and_any_pair_of_time_constants(tau_s: float, tick_s: float) -> None:
    v = one_spike(CubaLif(tau_excitatory_s=tau_s, refractory_s=0.0), tick_s, 10)
    t = np.arange(1, 11) * tick_s
    if tau_s == 20e-3:
        closed = 8 * t / tau_s * np.exp(-t / tau_s)
    else:
        closed = 8 * tau_s / (tau_s - 20e-3) * (np.exp(-t / tau_s) - np.exp(-t / 20e-3))
    assert v == pytest.approx(closed, abs=2e-12)


def test_nearly_equal_time_constants_do_not_cancel() -> None:
    """The textbook form loses all digits here: 1e-13 of a difference has relative noise of 1e-3."""
    exact = 1e-4 / 20e-3 * math.exp(-1e-4 / 20e-3)
    for gap in (0.0, 1e-16, 1e-14, 1e-12, 1e-10):
        assert response(1e-4, 20e-3, 20e-3 * (1 + gap)) == pytest.approx(exact, rel=1e-9)


def test_response_of_extreme_time_constants_is_finite_and_continuous() -> None:
    for tau_mem_s in (1e-6, 1e-3, 1.0, 1e3):
        for tau_syn_s in (1e-6, 1e-3, 1.0, 1e3):
            assert 0 <= response(1e-3, tau_mem_s, tau_syn_s) <= 1
    below, above = (response(1e-3, 1e-3 / (2 + e), 1e-3) for e in (-1e-9, 1e-9))  # both sides of d = 1
    assert below == pytest.approx(above, rel=1e-8)


def test_currents_go_on_while_the_membrane_is_refractory() -> None:
    drives = np.zeros((40, 2, 1))
    drives[0, 0], drives[5, 1] = 20.0, -1.0
    run = simulate(CubaLif(), 1e-4, np.zeros((40, 1)), drives, record=("v", "i_excitatory", "i_inhibitory"))
    first = spike_lists(run.spikes)[0][0]
    assert np.all(run.traces["v"][first : first + 21, 0] == -65)
    assert run.traces["v"][first + 21, 0] > -65
    assert run.traces["i_excitatory"][-1, 0] == pytest.approx(20 * math.exp(-4e-3 / 5e-3), rel=1e-12)
    assert run.traces["i_inhibitory"][-1, 0] == pytest.approx(-math.exp(-3.5e-3 / 10e-3), rel=1e-12)


def test_both_resets() -> None:
    drives = np.zeros((1, 2, 1))
    drives[0, 0] = 60.0
    over = one_spike(CubaLif(v_threshold_mv=1e3), 1e-3, 1, weight=60.0)[0] - 15
    assert over > 0
    for reset, after in (("value", 0.0), ("subtract", over)):
        run = simulate(CubaLif(reset=reset), 1e-3, np.zeros((1, 1)), drives)  # type: ignore[arg-type]
        assert run.spikes[0, 0] == 1 and run.traces["v"][0, 0] + 65 == pytest.approx(after, abs=1e-12)
