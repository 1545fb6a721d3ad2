"""Spikes equal to those that snntorch and spikingjelly recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.coding import GaussianPopulation, latency, memoryless_delta, phase
from snnctl.coding.gaussian_encoder import GaussianEncoder

REPOSITORY = Path(__file__).resolve().parents[2]
SELECTION = REPOSITORY / "tests" / "data" / "snn" / "encoders.npz"
COMPLETE = Path(os.environ.get("SNNCTL_VECTORS", REPOSITORY.parent / "shared" / "vectors")) / "snn" / "encoders.npz"


@pytest.fixture(scope="module", params=["selection", "complete"])
def case(request: pytest.FixtureRequest) -> Any:
    path = SELECTION if request.param == "selection" else COMPLETE
    if not path.exists():
        pytest.skip(f"no recordings at {path}: set SNNCTL_VECTORS to a folder that has them")
    return np.load(path)


def normalising(case: Any, times: Callable[[float], Any]) -> float:
    """Snntorch's ``normalize``: the tau that puts the latest spike of the batch at tick 19."""
    return 19.0 / float(times(1.0).max())


def test_latency_times_and_spikes_of_snntorch(case: Any) -> None:
    x = case["x"].astype(np.float32)  # snntorch computes in float32, and its latest times are float32 to the core
    tau = normalising(case, lambda t: latency.charging(x, t, 0.01))
    span = 19.0
    for name, times, tolerance in (
        ("log_tau1", latency.charging(x, 1.0, 0.01), 1e-6),
        ("log_tau5_thr01", latency.charging(x, 5.0, 0.01), 1e-6),
        ("log_norm", latency.charging(x, tau, 0.01), 1e-6),
        ("lin_tau10", latency.linear(x, 10.0, 0.01), 1e-6),
        ("lin_norm", latency.linear(x, span, 0.01), 1e-6),
    ):
        np.testing.assert_allclose(times, case[f"snn_latency_time_{name}_n20"], rtol=tolerance, atol=tolerance)
        if f"snn_latency_{name}_n20" in case:
            np.testing.assert_array_equal(latency.spikes_at(times, 20), case[f"snn_latency_{name}_n20"])
    clipped = latency.spikes_at(latency.charging(x, tau, 0.01), 20, silent=x < np.float32(0.01))
    np.testing.assert_array_equal(clipped, case["snn_latency_log_norm_clip_n20"])


def test_latency_spikes_of_spikingjelly(case: Any) -> None:
    x = case["x"]
    np.testing.assert_array_equal(latency.spikes_at(latency.linear(x, 19.0), 20), case["sj_latency_linear_T20"])
    np.testing.assert_array_equal(latency.spikes_at(latency.logarithmic(x, 19.0), 20), case["sj_latency_log_T20"])


def test_weighted_phase_of_spikingjelly(case: Any) -> None:
    np.testing.assert_array_equal(phase.encode(case["phase_x"], 8, 8), case["sj_phase_K8"])


def test_memoryless_delta_of_snntorch(case: Any) -> None:
    x = case["delta_x"]
    np.testing.assert_array_equal(memoryless_delta.encode(x, 0.1), case["snn_delta_t01"])
    np.testing.assert_array_equal(memoryless_delta.encode(x, 0.1, off=True), case["snn_delta_t01_off"])
    padded = memoryless_delta.encode(x, 0.1, off=True, before="first_sample")
    np.testing.assert_array_equal(padded, case["snn_delta_t01_off_pad"])


def test_population_code_of_spikingjelly(case: Any) -> None:
    config = GaussianPopulation(low=-1.0, high=1.0, width=0.15)
    mean, width = config.fields(3)
    np.testing.assert_allclose(mean, case["sj_pop_mean"][0], atol=1e-7)
    np.testing.assert_allclose(width, case["sj_pop_std"][0], atol=1e-7)
    encoder = GaussianEncoder(config, {"encoder.mean": mean, "encoder.width": width}, np.float32)
    for k, observation in enumerate(case["pop_obs"]):
        spikes = encoder.encode(observation.astype(np.float64), 20, np.zeros(4, np.uint64))
        np.testing.assert_array_equal(spikes, case["sj_pop_det_spikes_T20"][:, k])
