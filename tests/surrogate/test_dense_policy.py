"""The gradient of a policy without spikes, against finite differences in float64."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.coding import Analog, ArgmaxDecoder
from snnctl.network.dense import Activation, DenseNetwork
from snnctl.surrogate import parameters
from snnctl.surrogate.dense_policy import DensePolicy

DIMS, ACTIONS, BATCH = 3, 2, 5


def policy(activation: Activation) -> DensePolicy:
    network = DenseNetwork(inputs=DIMS, hidden=(7, 4), outputs=ACTIONS, activation=activation)
    encoder, decoder = Analog().gradient(DIMS, 1, np.float64), ArgmaxDecoder().gradient(ACTIONS)
    return DensePolicy(network, encoder, decoder, dims=DIMS, actions=ACTIONS, dtype=np.float64)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_gradient_against_finite_differences(activation: Activation) -> None:
    made, random = policy(activation), np.random.default_rng(1)
    flat, tensors = parameters.allocate(made.shapes, np.float64)
    gradient, gradients = parameters.allocate(made.shapes, np.float64)
    made.initialise(tensors, random, 1.0, 1.0)
    flat += 0.1 * random.standard_normal(flat.size)  # biases too
    x, dz, keys = (
        random.standard_normal((BATCH, DIMS)),
        random.standard_normal((BATCH, ACTIONS)),
        np.zeros(BATCH, np.uint64),
    )
    work = made.workspace(BATCH)

    def loss() -> float:
        return float((work.forward(tensors, x, keys) * dz).sum())

    loss()
    work.backward(tensors, dz, gradients)
    measured = np.zeros_like(flat)
    for k in range(flat.size):
        kept = flat[k]
        flat[k] = kept + 1e-6
        above = loss()
        flat[k] = kept - 1e-6
        measured[k] = (above - loss()) / 2e-6
        flat[k] = kept
    np.testing.assert_allclose(gradient, measured, atol=1e-7)
    assert not work.rasters


def test_weights_start_and_stay_in_their_range() -> None:
    made = policy("relu")
    flat, tensors = parameters.allocate(made.shapes, np.float64)
    assert list(made.shapes) == list(made.network.tensor_shapes())
    made.initialise(tensors, np.random.default_rng(0), 2.0, 0.5)
    assert np.all(tensors["dense.0.bias"] == 0) and tensors["dense.0.weight"].std() > tensors["dense.2.weight"].std()
    flat *= 100
    made.constrain(tensors, 4.0)
    assert np.abs(flat).max() == 4.0
