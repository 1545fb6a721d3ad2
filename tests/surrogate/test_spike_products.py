"""Products by lists of spikes: equal to the dense product, in the order of the sources, and taken where they pay."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.neurons import CurrentLif
from snnctl.surrogate import parameters
from snnctl.surrogate.derivatives import Rectangular
from snnctl.surrogate.spike_products import FEWEST_ROWS, Spikes
from tests.interpreted import INTERPRETED
from tests.surrogate.test_policy import ACTIONS, DIMS, make

BATCH = 16 if INTERPRETED else 40


def spikes_of(density: float, n: int, widest: int, rng: np.random.Generator) -> Spikes:
    raster = (rng.random((5, BATCH, n)) < density).astype(np.float32)
    found = Spikes(raster, widest)
    found.count()
    return found


@pytest.mark.parametrize("columns", [1, 15, 16, 17, 33, 64, 65, 129])
@pytest.mark.parametrize("density", [0.0, 0.1, 1.0])
def test_both_products_equal_the_dense_ones(columns: int, density: float) -> None:
    rng = np.random.default_rng(columns)
    spikes = spikes_of(density, 23, columns, rng)
    weight, above = (rng.integers(-9, 9, (m, columns)).astype(np.float32) for m in (23, 5 * BATCH))  # sums are exact
    out, gradient = np.full((5 * BATCH, columns), np.nan, np.float32), np.full((23, columns), np.nan, np.float32)
    spikes.times(weight, out, add=False)
    spikes.transposed_times(above, gradient)
    np.testing.assert_array_equal(out, spikes.matrix @ weight)
    np.testing.assert_array_equal(gradient, spikes.matrix.T @ above)
    spikes.times(weight, out, add=True)
    np.testing.assert_array_equal(out, 2 * (spikes.matrix @ weight))


def test_sums_are_chains_in_the_order_of_the_sources() -> None:
    rng = np.random.default_rng(0)
    spikes = spikes_of(0.4, 50, 40, rng)
    weight = rng.standard_normal((50, 40)).astype(np.float32)
    out = np.zeros((5 * BATCH, 40), np.float32)
    spikes.times(weight, out, add=False)
    for row in range(0, 5 * BATCH, 7):
        total = np.zeros(40, np.float32)
        for source in np.flatnonzero(spikes.matrix[row]):
            total = total + weight[source]
        np.testing.assert_array_equal(out[row], total)


def test_lists_pay_where_few_spike_and_many_columns_share_them() -> None:
    rng = np.random.default_rng(0)
    few, many = (spikes_of(density, 64, 256, rng) for density in (0.05, 0.6))
    assert few.pays(256) and not few.pays(16)
    assert not many.pays(256)
    short = Spikes(np.zeros((1, FEWEST_ROWS - 1, 8), np.float32), 256)
    short.count()
    assert not short.pays(256)


@pytest.mark.skipif(INTERPRETED, reason="too many spikes")
def test_a_policy_in_float32_with_lists_has_the_gradient_of_float64() -> None:
    rng = np.random.default_rng(3)
    x, dz, keys = rng.normal(size=(64, DIMS)), rng.normal(size=(64, ACTIONS)), np.zeros(64, np.uint64)
    neuron = CurrentLif(tau_mem_s=2e-3, tau_syn_s=1e-3, v_threshold=0.5)
    found = {}
    for dtype in (np.float32, np.float64):
        policy = make(neuron, Rectangular(), dtype, hidden=(128, 96))
        _, tensors = parameters.allocate(policy.shapes, dtype)
        _, gradients = parameters.allocate(policy.shapes, dtype)
        policy.initialise(tensors, np.random.default_rng(1), 0.5, 0.5)
        for tensor in tensors.values():
            tensor[:] = tensor.astype(np.float32)
        work = policy.workspace(64)
        work.forward(tensors, x.astype(np.float32).astype(dtype), keys)
        if dtype == np.float32:
            assert [spikes.pays(spikes.matrix.shape[1]) for spikes in work._lists[:2]] == [False, True]
            assert work._lists[0].pays(128)
        rasters = [raster.copy() for raster in work.spikes]
        work.backward(tensors, dz.astype(dtype), gradients)
        found[dtype] = rasters, {name: gradient.copy() for name, gradient in gradients.items()}
    for one, other in zip(found[np.float32][0], found[np.float64][0], strict=True):
        np.testing.assert_array_equal(one, other)
    for name, gradient in found[np.float64][1].items():
        error = np.abs(found[np.float32][1][name] - gradient).max()
        assert error <= 1e-5 * np.abs(gradient).max(), name
