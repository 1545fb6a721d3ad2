"""Analog codes: numbers in, numbers out."""

import math

import numpy as np
import pytest

from snnctl.coding import Analog, AnalogDecoder, ArgmaxDecoder, RateDecoder
from snnctl.coding.analog_decoder import decode

LOW, HIGH = np.array([-1.0, 0.0]), np.array([3.0, 10.0])


def test_the_observation_passes_through():
    built = Analog().build({}, 1e-3, np.float32)
    x = np.array([0.25, -3.0])
    np.testing.assert_array_equal(built.values(x), x)
    for wrong in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"observation\[1\] is .* must be finite"):
            built.values(np.array([0.0, wrong]))


def test_outputs_are_squashed_into_the_limits():
    z = np.array([0.7, -0.2])
    expected = LOW + (np.array([math.tanh(0.7), math.tanh(-0.2)]) + 1) / 2 * (HIGH - LOW)
    np.testing.assert_array_equal(decode(z, LOW, HIGH, "tanh"), expected)
    np.testing.assert_allclose(decode(z, LOW, HIGH, "clip"), LOW + (z + 1) / 2 * (HIGH - LOW))
    for squash in ("tanh", "clip"):
        np.testing.assert_array_equal(decode(np.array([90.0, -90.0]), LOW, HIGH, squash), [HIGH[0], LOW[1]])
    assert z[0] == 0.7  # the output of the network is left alone


def test_the_squash_is_that_of_the_rate_decoder():
    z = np.array([0.3, -1.1])
    tensors = {"decoder.weight": np.zeros((2, 1)), "decoder.bias": z, "decoder.low": LOW, "decoder.high": HIGH}
    rate = RateDecoder(neurons_per_action=1).build(tensors, 1e-3, 2)
    analog = AnalogDecoder().build(tensors, 1e-3, 2)
    np.testing.assert_array_equal(analog.decode(None, z), rate.decode(np.zeros((4, 2), np.uint8), None))


def test_the_largest_output_is_chosen_the_first_of_equals():
    built = ArgmaxDecoder().build({}, 1e-3, 3)
    assert built.decode(None, np.array([0.1, 0.5, 0.5], np.float32)) == 1
    assert isinstance(built.decode(None, np.zeros(3)), int)
    with pytest.raises(ValueError, match=r"output\[2\] is nan: the network diverged"):
        built.decode(None, np.array([0.1, 0.5, np.nan]))
