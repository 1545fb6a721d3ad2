from __future__ import annotations

import numpy as np
import pytest

from snnctl.surrogate import derivatives, parameters
from snnctl.surrogate.derivatives import FastSigmoid, Rectangular


def test_rectangular_is_a_window_around_the_threshold() -> None:
    v = np.array([0.4, 0.51, 1.0, 1.49, 1.6])
    Rectangular(width=0.5, height=2.0).replace(v, 1.0)
    np.testing.assert_array_equal(v, [0, 2, 2, 2, 0])


def test_fast_sigmoid_peaks_at_the_threshold_and_falls_with_the_square() -> None:
    v = np.array([[1.0, 1.25], [0.75, 3.0]], np.float32)
    FastSigmoid(slope=4.0).replace(v, 1.0)
    np.testing.assert_allclose(v, [[1.0, 0.25], [0.25, 1 / 81]], rtol=1e-6)


def test_fast_sigmoid_integrates_to_twice_its_height_over_slope() -> None:
    v = np.linspace(-1000, 1000, 2_000_001)
    FastSigmoid(slope=5.0).replace(v, 0.0)
    assert v.sum() * 1e-3 == pytest.approx(2 / 5, rel=1e-3)


@pytest.mark.parametrize("kernel", [derivatives._rectangular, derivatives._fast_sigmoid])
def test_kernels_interpreted_equal_compiled(kernel: object) -> None:
    v = np.linspace(-2, 3, 41)
    w = v.copy()
    kernel(v, 1.0, 0.6, 1.5)  # type: ignore[operator]
    getattr(kernel, "py_func", kernel)(w, 1.0, 0.6, 1.5)
    np.testing.assert_allclose(v, w, rtol=1e-14)


def test_views_share_the_flat_vector_and_name_what_is_not_finite() -> None:
    flat, tensors = parameters.allocate({"a": (2, 3), "b": (4,)}, np.float32)
    assert parameters.first_not_finite(tensors) is None
    flat[7] = np.nan
    assert np.isnan(tensors["b"][1])
    assert parameters.first_not_finite(tensors) == "b"
