"""Integrate-and-fire: counting, resets, and a network converted from a rectified one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.network.isolated import simulate
from snnctl.neurons.integrate_and_fire import IntegrateAndFire

from .lif_recordings import both


@settings(deadline=None)  # the first example compiles
@given(st.integers(0, 256), st.sampled_from([0.0, 0.5]))
def test_soft_reset_counts_its_input_exactly(parts: int, start: float) -> None:
    """Inputs that binary fractions hold: the count is floor(start + sum) with spike_at_threshold."""
    neuron = IntegrateAndFire(v_initial=start, spike_at_threshold=True)
    run = simulate(neuron, 1e-3, np.full((100, 1), parts / 256))
    assert run.spikes.sum() == int(start + 100 * parts / 256)
    assert run.state.v[0] == start + 100 * parts / 256 - run.spikes.sum()  # type: ignore[attr-defined]


def test_the_threshold_is_strict_unless_told_otherwise() -> None:
    for inclusive, dtype in ((False, np.float64), (True, np.float64), (False, np.float32), (True, np.float32)):
        neuron = IntegrateAndFire(spike_at_threshold=inclusive)
        run = simulate(neuron, 1e-3, np.array([[1.0]]), dtype=dtype)
        assert run.spikes[0, 0] == inclusive
        assert simulate(neuron, 1e-3, np.array([[1.001]]), dtype=dtype).spikes[0, 0] == 1


def test_hard_reset_loses_the_excess() -> None:
    currents = np.full((100, 1), 0.75)
    soft = simulate(IntegrateAndFire(), 1e-3, currents)
    hard = simulate(IntegrateAndFire(reset="value"), 1e-3, currents)
    assert soft.spikes.sum() == 74  # 75 with spike_at_threshold: the last one lies on the threshold
    assert hard.spikes.sum() == 50


def test_drive_and_refractory_ticks() -> None:
    run = simulate(IntegrateAndFire(refractory_ticks=2), 1e-3, np.zeros((9, 1)), np.full((9, 1), 1.5))
    assert run.spikes[:, 0].tolist() == [1, 0, 0] * 3
    assert run.traces["v"][:6, 0].tolist() == [0.5, 0.5, 0.5, 1.0, 1.0, 1.0]


CONVERTED = {"soft_v0": {}, "soft_vhalf": {"v_initial": 0.5}, "hard_v0": {"reset": "value"}}


@pytest.mark.parametrize("path", both("ann2snn.npz"))
@pytest.mark.parametrize("case", CONVERTED)
def test_a_converted_network_equals_the_recorded_counts(path: Path, case: str) -> None:
    """8-20-16-4 ReLU network: hidden layers of IF neurons, the mean input of the last layer is the output."""
    z = np.load(path)
    neuron = IntegrateAndFire(spike_at_threshold=True, **CONVERTED[case])  # type: ignore[arg-type]
    ticks, peaks = 256, [float(z["a1"].max()), float(z["a2"].max())]
    x = z["X"].astype(float)  # (64, 8)

    def layer(signal: Any, index: int) -> Any:
        """Spike counts per tick of 64 copies of a layer; signal (ticks, 64, n)."""
        weights, bias = z[f"W{index}"].astype(float), z[f"b{index}"].astype(float)
        currents = (signal @ weights.T + bias) / peaks[index - 1]  # (ticks, 64, m)
        return simulate(neuron, 1e-3, currents.reshape(ticks, -1), record=()).spikes.reshape(currents.shape)

    first = layer(np.broadcast_to(x, (ticks, *x.shape)), 1)
    second = layer(peaks[0] * first, 2)
    assert np.array_equal(first.sum(axis=0), z[f"ref_max_{case}_counts1_T256"])
    assert np.array_equal(second.sum(axis=0), z[f"ref_max_{case}_counts2_T256"])
    for k, shorter in enumerate((8, 16, 32, 64, 128, 256)):
        mean = peaks[1] * second[:shorter].mean(axis=0) @ z["W3"].astype(float).T + z["b3"]
        np.testing.assert_allclose(mean, z[f"ref_max_{case}"][k], rtol=0, atol=1e-6)
