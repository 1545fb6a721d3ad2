"""What stands between the weights of two layers over a batch: a bias or a normalisation, then the rectifier.

    bias         y = max(0, h + offset)
    layer norm   y = max(0, scale x + offset)      x = (h - mean) / sqrt(var + epsilon) over the neurons of a sample
    batch norm   the same, over the samples of a neuron: of the batch in mode "batch", of the running statistics
                 in mode "running"; only "batch" moves these, by r <- momentum r + (1 - momentum) batch
    rectified = false leaves the rectifier out: the batch norm of the inputs, nothing else asks for it

Backward, d = dy where y > 0:  d scale = sum d x, d offset = sum d, and with e = scale d, r = 1 / sqrt(var + epsilon),
means over what the statistics were over:

    dh = r (e - mean(e) - x mean(e x))             statistics that are constants ("running") leave r e

All variances are biased (divided by the number of entries). Each direction takes two sweeps over a row or a column
block: the statistics, then everything else. ``h`` enters as the product of the weights and leaves as x; the gradient
of y is overwritten by that of h.

Sources: Ba, Kiros & Hinton, arXiv:1607.06450 (layer norm); Ioffe & Szegedy, ICML 2015 (batch norm).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Real = Any  # a scalar of the type of the arrays
Tensors = Mapping[str, Floats]
Shapes = dict[str, tuple[int, ...]]
Mode = Literal["batch", "running"]

_SUMS = {"reassoc", "nsz", "contract"}  # sums in the order of the vector unit; nan and inf stay what they are


class Between(Protocol):
    """One place between two layers: its work space for a number of rows, allocated once."""

    def forward(self, tensors: Tensors, buffers: Tensors, h: Floats, y: Floats, mode: Mode) -> None:
        """Write ``y`` (rows, n); ``h`` (rows, n) may be overwritten. Both are needed by :meth:`backward`."""
        ...

    def backward(self, tensors: Tensors, h: Floats, y: Floats, dy: Floats, gradients: Tensors) -> None:
        """Overwrite ``dy`` by the gradient of ``h`` and write those of the tensors, after a forward pass."""
        ...


class Kind(Protocol):
    """A choice of what stands between layers, for any of them."""

    joint: bool  # its statistics must see samples and next samples in one batch

    def shapes(self, n: int) -> Shapes:
        """Of the tensors that are trained."""
        ...

    def buffers(self, n: int) -> Shapes:
        """Of the running statistics."""
        ...

    def between(self, rows: int, n: int, dtype: Any, rectified: bool = True) -> Between:
        """The work space of one place."""
        ...


class Bias:
    """No normalisation."""

    joint = False

    def shapes(self, n: int) -> Shapes:
        """An offset a neuron."""
        return {"offset": (n,)}

    def buffers(self, n: int) -> Shapes:
        """It has no statistics."""
        return {}

    def between(self, rows: int, n: int, dtype: Any, rectified: bool = True) -> Between:
        """Nothing to allocate."""
        return _Bias()


class LayerNorm:
    """Statistics of each sample; the same in both modes."""

    joint = False

    def __init__(self, epsilon: float = 1e-5) -> None:
        self.epsilon = epsilon

    def shapes(self, n: int) -> Shapes:
        """Scale and offset a neuron."""
        return {"scale": (n,), "offset": (n,)}

    def buffers(self, n: int) -> Shapes:
        """It has no running statistics."""
        return {}

    def between(self, rows: int, n: int, dtype: Any, rectified: bool = True) -> Between:
        """The deviations of the samples."""
        return _LayerNorm(self.epsilon, rows, dtype)


class BatchNorm:
    """Statistics of each neuron."""

    joint = True

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3) -> None:
        self.momentum, self.epsilon = momentum, epsilon

    def shapes(self, n: int) -> Shapes:
        """Scale and offset a neuron."""
        return {"scale": (n,), "offset": (n,)}

    def buffers(self, n: int) -> Shapes:
        """Running mean and variance."""
        return {"mean": (n,), "variance": (n,)}

    def between(self, rows: int, n: int, dtype: Any, rectified: bool = True) -> Between:
        """Statistics and sums of the neurons."""
        return _BatchNorm(self.momentum, self.epsilon, n, dtype, rectified)


class _Bias:
    def forward(self, tensors: Tensors, buffers: Tensors, h: Floats, y: Floats, mode: Mode) -> None:
        _bias_forward(h, tensors["offset"], y)

    def backward(self, tensors: Tensors, h: Floats, y: Floats, dy: Floats, gradients: Tensors) -> None:
        _bias_backward(dy, y, gradients["offset"])


class _LayerNorm:
    def __init__(self, epsilon: float, rows: int, dtype: Any) -> None:
        self.epsilon = np.dtype(dtype).type(epsilon)
        self.inverse = np.zeros(rows, dtype=dtype)  # r

    def forward(self, tensors: Tensors, buffers: Tensors, h: Floats, y: Floats, mode: Mode) -> None:
        _layer_forward(h, tensors["scale"], tensors["offset"], self.epsilon, self.inverse, y)

    def backward(self, tensors: Tensors, h: Floats, y: Floats, dy: Floats, gradients: Tensors) -> None:
        _layer_backward(dy, h, y, tensors["scale"], self.inverse, gradients["scale"], gradients["offset"])


class _BatchNorm:
    def __init__(self, momentum: float, epsilon: float, n: int, dtype: Any, rectified: bool) -> None:
        real = np.dtype(dtype).type
        self.kept, self.fresh, self.epsilon = real(momentum), real(1 - momentum), real(epsilon)
        self.rectified = rectified
        self.mean, self.variance, self.inverse = (np.zeros(n, dtype=dtype) for _ in range(3))
        self.mode: Mode = "batch"  # of the last forward pass

    def forward(self, tensors: Tensors, buffers: Tensors, h: Floats, y: Floats, mode: Mode) -> None:
        self.mode = mode
        if mode == "batch":
            _statistics(h, self.mean, self.variance)
            for running, new in ((buffers["mean"], self.mean), (buffers["variance"], self.variance)):
                running *= self.kept
                running += self.fresh * new
        else:
            self.mean[:], self.variance[:] = buffers["mean"], buffers["variance"]
        np.divide(1, np.sqrt(self.variance + self.epsilon), out=self.inverse)
        _batch_forward(h, self.mean, self.inverse, tensors["scale"], tensors["offset"], self.rectified, y)

    def backward(self, tensors: Tensors, h: Floats, y: Floats, dy: Floats, gradients: Tensors) -> None:
        sweep: Callable[..., None] = _batch_backward if self.mode == "batch" else _running_backward
        sweep(dy, h, y, tensors["scale"], self.inverse, self.rectified, gradients["scale"], gradients["offset"])


@njit(cache=True, nogil=True, error_model="numpy")
def _bias_forward(h: Floats, offset: Floats, y: Floats) -> None:
    zero = h.dtype.type(0)
    for row in range(h.shape[0]):
        for j in range(h.shape[1]):
            value = h[row, j] + offset[j]
            y[row, j] = value if value > zero else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _bias_backward(dy: Floats, y: Floats, offset_gradient: Floats) -> None:
    zero = dy.dtype.type(0)
    offset_gradient[:] = zero
    for row in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            d = dy[row, j] if y[row, j] > zero else zero
            dy[row, j] = d
            offset_gradient[j] += d


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _layer_forward(h: Floats, scale: Floats, offset: Floats, epsilon: Real, inverse: Floats, y: Floats) -> None:
    zero, one = h.dtype.type(0), h.dtype.type(1)
    share = one / h.dtype.type(h.shape[1])
    for row in range(h.shape[0]):
        x, out = h[row], y[row]
        total = zero
        for j in range(x.size):
            total += x[j]
        mean = total * share
        total = zero
        for j in range(x.size):
            difference = x[j] - mean
            x[j] = difference
            total += difference * difference
        r = one / np.sqrt(total * share + epsilon)
        inverse[row] = r
        for j in range(x.size):
            normal = x[j] * r
            x[j] = normal
            value = scale[j] * normal + offset[j]
            out[j] = value if value > zero else zero


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _layer_backward(
    dy: Floats,
    x: Floats,
    y: Floats,
    scale: Floats,
    inverse: Floats,
    scale_gradient: Floats,
    offset_gradient: Floats,
) -> None:
    zero, one = dy.dtype.type(0), dy.dtype.type(1)
    share = one / dy.dtype.type(dy.shape[1])
    scale_gradient[:] = zero
    offset_gradient[:] = zero
    for row in range(dy.shape[0]):
        gradient, normal, out = dy[row], x[row], y[row]
        total, along = zero, zero
        for j in range(gradient.size):
            d = gradient[j] if out[j] > zero else zero
            scale_gradient[j] += d * normal[j]
            offset_gradient[j] += d
            e = scale[j] * d
            gradient[j] = e
            total += e
            along += e * normal[j]
        r, total, along = inverse[row], total * share, along * share
        for j in range(gradient.size):
            gradient[j] = r * (gradient[j] - total - normal[j] * along)


@njit(cache=True, nogil=True, error_model="numpy")
def _statistics(h: Floats, mean: Floats, variance: Floats) -> None:
    """Mean and variance of every column in one sweep, of differences from the first row: nothing cancels."""
    zero, one = h.dtype.type(0), h.dtype.type(1)
    share = one / h.dtype.type(h.shape[0])
    mean[:] = zero
    variance[:] = zero
    first = h[0]
    for row in range(h.shape[0]):
        for j in range(h.shape[1]):
            difference = h[row, j] - first[j]
            mean[j] += difference
            variance[j] += difference * difference
    for j in range(mean.size):
        shift = mean[j] * share
        spread = variance[j] * share - shift * shift
        mean[j] = first[j] + shift
        variance[j] = spread if spread > zero else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _batch_forward(
    h: Floats, mean: Floats, inverse: Floats, scale: Floats, offset: Floats, rectified: bool, y: Floats
) -> None:
    zero = h.dtype.type(0)
    for row in range(h.shape[0]):
        for j in range(h.shape[1]):
            normal = (h[row, j] - mean[j]) * inverse[j]
            h[row, j] = normal
            value = scale[j] * normal + offset[j]
            y[row, j] = value if value > zero or not rectified else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _batch_backward(
    dy: Floats,
    x: Floats,
    y: Floats,
    scale: Floats,
    inverse: Floats,
    rectified: bool,
    scale_gradient: Floats,
    offset_gradient: Floats,
) -> None:
    zero, one = dy.dtype.type(0), dy.dtype.type(1)
    share = one / dy.dtype.type(dy.shape[0])
    scale_gradient[:] = zero
    offset_gradient[:] = zero
    for row in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            d = dy[row, j] if y[row, j] > zero or not rectified else zero
            dy[row, j] = d
            scale_gradient[j] += d * x[row, j]
            offset_gradient[j] += d
    for row in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            centred = dy[row, j] - share * offset_gradient[j] - x[row, j] * (share * scale_gradient[j])
            dy[row, j] = scale[j] * inverse[j] * centred


@njit(cache=True, nogil=True, error_model="numpy")
def _running_backward(
    dy: Floats,
    x: Floats,
    y: Floats,
    scale: Floats,
    inverse: Floats,
    rectified: bool,
    scale_gradient: Floats,
    offset_gradient: Floats,
) -> None:
    zero = dy.dtype.type(0)
    scale_gradient[:] = zero
    offset_gradient[:] = zero
    for row in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            d = dy[row, j] if y[row, j] > zero or not rectified else zero
            scale_gradient[j] += d * x[row, j]
            offset_gradient[j] += d
            dy[row, j] = scale[j] * inverse[j] * d
