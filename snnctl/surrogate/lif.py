"""One layer of current-based LIF neurons over all ticks of a batch: fused forward and backward.

Forward (snnctl.neurons.current_lif, state cleared at the start):

    i[k] = a_syn i[k-1] + drive[k] ; v = a_mem v[k-1] + i[k] + b ; s[k] = v > v_threshold
    v[k] = kept v + landing where s[k], else v      "value": kept 0, landing v_reset
                                                    "subtract": kept 1, landing -v_threshold

Backward, psi[k] the surrogate derivative at the pre-reset membrane, the reset detached (the spike
inside the reset is a constant, so only its gate is passed through):

    dv[k] = ds[k] psi[k] + a_mem g[k] dv[k+1]       g[k] = kept where s[k], else 1
    di[k] = dv[k] + a_syn di[k+1]                   this is also the gradient of drive[k]
    db    = sum over ticks and batch of dv[k]

Source: Neftci, Mostafa & Zenke, IEEE Signal Processing Magazine 36:51 (2019).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.neurons.current_lif import CurrentLif, portable
from snnctl.neurons.firing import decay, reset_constants
from snnctl.neurons.lif import Lif

Floats = NDArray[np.floating[Any]]


class Constants(NamedTuple):
    """Per-tick constants of a layer, derived once from the parameters in seconds."""

    a_syn: Any
    a_mem: Any
    v_threshold: Any
    kept: Any
    landing: Any


def constants(neuron: CurrentLif | Lif, tick_s: float, dtype: Any) -> Constants:
    """The constants of a layer without refractory period, as scalars of ``dtype``; ``lif`` has a_syn = 0."""
    model = portable(neuron)
    assert model is not None and not model.refractory_ticks  # others are refused by name before
    kept, landing = reset_constants(model.reset, model.v_reset, drop=model.v_threshold)
    numbers = decay(tick_s, model.tau_syn_s), decay(tick_s, model.tau_mem_s), model.v_threshold, kept, landing
    return Constants(*(dtype(number) for number in numbers))


@njit(cache=True, nogil=True, error_model="numpy")
def forward(u: Floats, bias: Floats, state: Floats, spikes: Floats, c: Constants) -> None:
    """Run all ticks; ``u`` enters as the drive and leaves as the pre-reset membrane.

    Args:
        u: (ticks, batch, n) drive, overwritten.
        bias: (n,)
        state: (2, batch, n) scratch for i and v.
        spikes: (ticks, batch, n) written with 0 and 1.
        c: constants of the layer.
    """
    zero = u.dtype.type(0)
    one = u.dtype.type(1)
    state[:] = zero
    for k in range(u.shape[0]):
        for row in range(u.shape[1]):
            drive, spike = u[k, row], spikes[k, row]
            current, membrane = state[0, row], state[1, row]
            for j in range(bias.size):
                i = c.a_syn * current[j] + drive[j]
                v = c.a_mem * membrane[j] + i + bias[j]
                fired = v > c.v_threshold
                current[j] = i
                drive[j] = v
                spike[j] = one if fired else zero
                membrane[j] = c.kept * v + c.landing if fired else v


@njit(cache=True, nogil=True, error_model="numpy")
def backward(ds: Floats, psi: Floats, spikes: Floats, state: Floats, bias_gradient: Floats, c: Constants) -> None:
    """Go back through all ticks; ``ds`` enters as the spike gradient and leaves as the drive gradient.

    Args:
        ds: (ticks, batch, n) overwritten.
        psi: (ticks, batch, n) surrogate derivative at the pre-reset membranes.
        spikes: (ticks, batch, n) of the forward pass.
        state: (2, batch, n) scratch for di and dv.
        bias_gradient: (n,) written.
        c: constants of the layer.
    """
    zero = ds.dtype.type(0)
    one = ds.dtype.type(1)
    state[:] = zero
    bias_gradient[:] = zero
    for k in range(ds.shape[0] - 1, -1, -1):
        for row in range(ds.shape[1]):
            gradient, slope, spike = ds[k, row], psi[k, row], spikes[k, row]
            di, dv = state[0, row], state[1, row]
            for j in range(bias_gradient.size):
                gate = c.kept if spike[j] > zero else one
                # dv still holds tick k + 1
                membrane = gradient[j] * slope[j] + c.a_mem * gate * dv[j]
                current = membrane + c.a_syn * di[j]
                dv[j] = membrane
                di[j] = current
                gradient[j] = current
                bias_gradient[j] += membrane
