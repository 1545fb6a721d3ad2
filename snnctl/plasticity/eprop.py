"""e-prop: the gradient of a recurrent spiking network, forward in time, without the paths through recurrent spikes.

For leaky neurons v[t] = alpha v[t-1] + sum_i w_ij s_i[t] - reset, spike z_j where v_j > A_j, loss E, and spikes s_i as
they arrive (those of the tick before, for a delay of one tick), one tick is

    zbar_i = alpha zbar_i + s_i                                        presynaptic trace
    psi_j  = damping max(0, 1 - |v_j - A_j| / v_threshold)             pseudo-derivative, of v before the reset; over
                                                                       v_threshold if per_threshold; refractory: 0
    eps_ij = psi_j zbar_i - beta psi_j epsa_ij                         eligibility (the last term of ALIF alone)
    epsa_ij = psi_j zbar_i + (rho - psi_j beta) epsa_ij                of the adaptive threshold
    e_ij   = kappa e_ij + eps_ij                                       as the leaky read-out sees it
    g_ij   = g_ij + L_j e_ij                                           dE/dw_ij, with L_j the learning signal ``teach``
    every update_ticks:  w_ij = clip(w_ij - learning_rate g_ij, weight_min, weight_max), g_ij = 0

ALIF: A_j = v_threshold + beta a_j, a_j[t] = rho a_j[t-1] + z_j[t-1]; beta = 0 is the plain LIF and A_j = v_threshold.
With L_j = sum_k B_jk (y_k - y*_k), y = kappa y + W_out z and B = W_out^T, g is exactly the gradient of
1/2 sum (y - y*)^2 that back-propagation through time gives when recurrent spikes and resets are taken as constants.
Random B is feedback alignment. It is not the full gradient of a recurrent network.

``signal_delay`` = 1 if teach comes one tick late, as it must when the teacher looks at this network's own spikes before
it calls the next tick; L then meets the e of its own tick, and one tick with zero input ends a trial.
The engine's ``v`` is the membrane after the reset. ``reset`` says by how much that lowered it, so that
v + reset z is the membrane before: v_threshold for a soft reset (absent: that), 0 for models whose v is shown before.
A hard reset loses it and is not supported. update_ticks = 0: the caller takes the field ``g``.
Each tick costs all synapses. :func:`gradients` is the same over whole trials.

Source: Bellec et al., Nat. Commun. 11:3625 (2020).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from snnctl.config import Seconds, schema
from snnctl.plasticity.limits import decay, limits

TEACH = "learning signal"  # what ``teach`` is: an agent's modulator may give it, broadcast to all neurons


@schema
class Eprop:
    """Parameters of the rule; v_threshold, beta and reset in the unit of the neuron's membrane."""

    rule: Literal["eprop"] = "eprop"
    tau_mem_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_out_s: Annotated[Seconds, Ge(0)] = 20e-3
    tau_adaptation_s: Annotated[Seconds, Ge(0)] = 0.2
    v_threshold: Annotated[float, Gt(0)] = 1.0
    beta: Annotated[float, Ge(0)] = 0.0
    damping: Annotated[float, Gt(0)] = 0.3
    per_threshold: bool = True
    reset: Annotated[float, Ge(0)] | None = None
    refractory_ticks: Annotated[int, Ge(0)] = 0
    signal_delay: Literal[0, 1] = 0
    update_ticks: Annotated[int, Ge(0)] = 0
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    weight_min: float | None = None
    weight_max: float | None = None

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)

    def constants(self, tick_s: float) -> EpropConstants:
        """What one tick of ``tick_s`` needs."""
        low, high = limits(self.weight_min, self.weight_max)
        return EpropConstants(
            alpha=decay(tick_s, self.tau_mem_s),
            kappa=decay(tick_s, self.tau_out_s),
            rho=decay(tick_s, self.tau_adaptation_s),
            v_threshold=self.v_threshold,
            beta=self.beta,
            height=self.damping / self.v_threshold if self.per_threshold else self.damping,
            reset=self.v_threshold if self.reset is None else self.reset,
            refractory=float(self.refractory_ticks),
            late=float(self.signal_delay),
            update_ticks=float(self.update_ticks),
            learning_rate=self.learning_rate,
            weight_min=low,
            weight_max=high,
            one=1.0,
            zero=0.0,
            period=1,
        )


class EpropConstants(NamedTuple):
    """Constants of one tick."""

    alpha: Any
    kappa: Any
    rho: Any
    v_threshold: Any
    beta: Any
    height: Any  # of psi
    reset: Any
    refractory: Any  # silent ticks after a spike
    late: Any  # 1: teach is the signal of the tick before
    update_ticks: Any
    learning_rate: Any
    weight_min: Any
    weight_max: Any
    one: Any
    zero: Any
    period: Any  # consolidate runs every tick


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any
    e: Any  # filtered eligibility
    adaptation: Any  # epsa
    g: Any  # gradient since the last update


class Pre(NamedTuple):
    """State of one presynaptic neuron."""

    zbar: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    psi: Any
    signal: Any  # L
    a: Any  # adaptation of the threshold
    silent: Any  # refractory ticks left


class Shared(NamedTuple):
    """What all synapses see."""

    ticks: Any  # since the last update


def modulate(c: EpropConstants, m: Shared, _signal: Any) -> Shared:
    """Count the ticks."""
    return Shared(c.one if m.ticks == c.update_ticks else m.ticks + c.one)


def relax_pre(c: EpropConstants, pre: Pre) -> Pre:
    """One tick of decay."""
    return Pre(c.alpha * pre.zbar)


def mark_pre(c: EpropConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(pre.zbar + c.one)


def observe(c: EpropConstants, m: Shared, post: Post, v: Any, spike: Any, teach: Any) -> Post:
    """Pseudo-derivative and learning signal of this tick; v is the membrane after the reset."""
    z = c.one if spike else c.zero
    distance = abs(v + c.reset * z - (c.v_threshold + c.beta * post.a)) / c.v_threshold
    psi = c.height * max(c.zero, c.one - distance)
    psi = c.zero if post.silent > c.zero else psi
    silent = c.refractory if spike else max(post.silent - c.one, c.zero)
    return Post(psi, teach, c.rho * post.a + z, silent)


def consolidate(c: EpropConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """Every tick: eligibility, gradient, and the weight when it is due."""
    local = post.psi * (pre.zbar - c.beta * syn.adaptation)
    adaptation = local + c.rho * syn.adaptation
    e = c.kappa * syn.e + local
    g = syn.g + post.signal * (c.late * syn.e + (c.one - c.late) * e)
    due = c.one if m.ticks == c.update_ticks else c.zero
    weight = min(max(syn.weight - due * c.learning_rate * g, c.weight_min), c.weight_max)
    return Synapse(weight, e, adaptation, (c.one - due) * g)


def gradients(
    rule: Eprop,
    tick_s: float,
    arrivals: NDArray[Any],
    membrane: NDArray[np.float64],
    spikes: NDArray[Any],
    signal: NDArray[np.float64],
) -> NDArray[np.float64]:
    """dE/dw of whole trials, summed over them.

    Args:
        rule: parameters; reset, signal_delay, update_ticks and the learning rate play no part
        tick_s: duration of a tick
        arrivals: presynaptic spikes in the tick in which they arrive (ticks, trials, n)
        membrane: v before the reset (ticks, trials, m)
        spikes: postsynaptic spikes (ticks, trials, m)
        signal: L of the same tick (ticks, trials, m)

    Returns:
        (n, m)
    """
    c = rule.constants(tick_s)
    _, trials, n = arrivals.shape
    m = membrane.shape[2]
    zbar = np.zeros((trials, n))
    a, silent = np.zeros((trials, m)), np.zeros((trials, m))
    e, adaptation = np.zeros((trials, n, m)), np.zeros((trials, n, m))
    gradient = np.zeros((n, m))
    for s, v, z, learning in zip(arrivals, membrane, spikes, signal, strict=True):
        zbar = c.alpha * zbar + s
        psi = c.height * np.maximum(0.0, 1.0 - abs(v - (c.v_threshold + c.beta * a)) / c.v_threshold)
        psi = np.where(silent > 0, 0.0, psi)
        local = psi[:, None, :] * (zbar[:, :, None] - c.beta * adaptation)
        adaptation = local + c.rho * adaptation
        e = c.kappa * e + local
        gradient += np.einsum("bm,bnm->nm", learning, e)
        a = c.rho * a + z
        silent = np.where(z > 0, c.refractory, np.maximum(silent - 1.0, 0.0))
    return gradient


def output_gradients(
    rule: Eprop, tick_s: float, spikes: NDArray[Any], error: NDArray[np.float64]
) -> NDArray[np.float64]:
    """dE/dW_out of the leaky read-out y = kappa y + z W_out, exact.

    Args:
        rule: parameters; tau_out_s alone counts
        tick_s: duration of a tick
        spikes: z (ticks, trials, m)
        error: y - y* (ticks, trials, outputs)

    Returns:
        (m, outputs)
    """
    kappa = decay(tick_s, rule.tau_out_s)
    trace = np.zeros(spikes.shape[1:])
    gradient = np.zeros((spikes.shape[2], error.shape[2]))
    for z, difference in zip(spikes, error, strict=True):
        trace = kappa * trace + z
        gradient += trace.T @ difference
    return gradient
