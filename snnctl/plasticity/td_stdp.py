"""TD-modulated LTP: pairs "pre before post" become a weight when the temporal-difference error says so.

One tick, for the synapse i -> j with presynaptic spikes s and postsynaptic spikes y:

    c    = c + s                                              current of a spike              a = exp(-tick_s / tau_s)
    eps  = a_mem eps + scale c                                its potential in mV for a weight of 1
    slow = a_kappa slow + y eps ;  fast = a_nu fast + y eps   the coincidences
    e    = (slow - fast) / (tau_kappa_s - nu_kappa_s)         [Y (X * eps)] * kappa, in mV/s
    w    = clip(w + learning_rate signal e tick_s / tau_reward_s, weight_min, weight_max)
    c    = a_syn c;  at y: eps = c = 0 (reset "srm0": only spikes since j's last one count), eps = 0 ("value"), "none"

``signal`` is the TD error delta, one number for all synapses. It comes from a critic, which reads the value of the
state from the spikes of N neurons with the same filter kappa, of area 1:

    kappa(s) = (exp(-s / tau_kappa) - exp(-s / nu_kappa)) / (tau_kappa - nu_kappa)
    V(t) = (nu / N) sum_i (kappa * Y_i)(t) + V0
    delta(t) = V'(t) - V(t) / tau_r + r(t)

The signs follow from V = int_t^inf r(s) exp(-(s - t) / tau_r) ds, whose derivative is V' = V / tau_r - r. So a value
that is right has delta = 0 at all times, and delta is positive when things go better than predicted. In spikes
delta = (nu / N) sum_i Y_i * (kappa' - kappa / tau_r) - V0 / tau_r + r: V0 stays in.

:func:`read` returns the means of V and V' over the coming tick, so that sum V' tick_s is V's change exactly.
Parameters: two public re-implementations of the paper's; not checked against the paper. Each tick costs all synapses.
Source: Fremaux, Sprekeler & Gerstner, PLoS Comput. Biol. 9:e1003024 (2013).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Gt

from snnctl.config import Seconds, schema
from snnctl.plasticity.limits import decay, limits, potential


@schema
class TdStdp:
    """Parameters of the rule."""

    rule: Literal["td_stdp"] = "td_stdp"
    tau_mem_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_syn_s: Annotated[Seconds, Gt(0)] = 5e-3
    epsilon_mv_ms: Annotated[float, Gt(0)] = 20.0
    reset: Literal["srm0", "value", "none"] = "srm0"
    tau_kappa_s: Annotated[Seconds, Gt(0)] = 0.2
    nu_kappa_s: Annotated[Seconds, Gt(0)] = 50e-3
    tau_reward_s: Annotated[Seconds, Gt(0)] = 4.0
    learning_rate: Annotated[float, Gt(0)] = 1e-2
    weight_min: float | None = None
    weight_max: float | None = None

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)
        _check(self.tau_kappa_s, self.nu_kappa_s)

    def constants(self, tick_s: float) -> TdStdpConstants:
        """What one tick of ``tick_s`` needs."""
        low, high = limits(self.weight_min, self.weight_max)
        return TdStdpConstants(
            a_syn=decay(tick_s, self.tau_syn_s),
            a_mem=decay(tick_s, self.tau_mem_s),
            scale=self.epsilon_mv_ms * 1e-3 * potential(tick_s, self.tau_mem_s, self.tau_syn_s),
            a_kappa=decay(tick_s, self.tau_kappa_s),
            a_nu=decay(tick_s, self.nu_kappa_s),
            keep_eps=1.0 if self.reset == "none" else 0.0,
            keep_current=0.0 if self.reset == "srm0" else 1.0,
            rate=self.learning_rate * tick_s / self.tau_reward_s / (self.tau_kappa_s - self.nu_kappa_s),
            weight_min=low,
            weight_max=high,
            one=1.0,
            zero=0.0,
            period=1,
        )


def _check(tau_kappa_s: float, nu_kappa_s: float) -> None:
    if not nu_kappa_s < tau_kappa_s:
        raise ValueError(f"nu_kappa_s {nu_kappa_s} (rise) must be below tau_kappa_s {tau_kappa_s} (decay)")


class TdStdpConstants(NamedTuple):
    """Constants of one tick."""

    a_syn: Any
    a_mem: Any
    scale: Any  # mV of eps at the end of the tick in which a spike arrives
    a_kappa: Any
    a_nu: Any
    keep_eps: Any  # at a postsynaptic spike
    keep_current: Any
    rate: Any  # learning_rate tick_s / tau_r / (tau_kappa - nu_kappa)
    weight_min: Any
    weight_max: Any
    one: Any
    zero: Any
    period: Any  # consolidate runs every tick


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any
    current: Any  # c
    eps: Any  # mV
    slow: Any
    fast: Any


class Pre(NamedTuple):
    """A presynaptic neuron keeps nothing: what of it counts depends on j's last spike."""

    none: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    spike: Any


class Shared(NamedTuple):
    """What all synapses see."""

    delta: Any


def modulate(c: TdStdpConstants, m: Shared, signal: Any) -> Shared:
    """The TD error of this tick."""
    return Shared(signal)


def arrive(c: TdStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A presynaptic spike arrived."""
    return Synapse(syn.weight, syn.current + c.one, syn.eps, syn.slow, syn.fast)


def observe(c: TdStdpConstants, m: Shared, post: Post, _v: Any, spike: Any, _teach: Any) -> Post:
    """Whether j fired."""
    return Post(c.one if spike else c.zero)


def consolidate(c: TdStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """Every tick: potential, filtered coincidences, weight."""
    eps = c.a_mem * syn.eps + c.scale * syn.current
    slow = c.a_kappa * syn.slow + post.spike * eps
    fast = c.a_nu * syn.fast + post.spike * eps
    weight = min(max(syn.weight + c.rate * m.delta * (slow - fast), c.weight_min), c.weight_max)
    kept = c.one - post.spike
    current = c.a_syn * syn.current * (kept + post.spike * c.keep_current)
    return Synapse(weight, current, eps * (kept + post.spike * c.keep_eps), slow, fast)


# --------------------------------------------------------------------------- critic


@schema
class Critic:
    """How the value is read from the spikes of ``neurons`` critic neurons; gain nu and V0 in units of reward.

    nu is in seconds times reward, so that nu times the mean rate is a value.
    """

    neurons: Annotated[int, Gt(0)] = 100
    gain: float = 2.0
    v0: float = -40.0
    tau_kappa_s: Annotated[Seconds, Gt(0)] = 0.2
    nu_kappa_s: Annotated[Seconds, Gt(0)] = 50e-3

    def __post_init__(self) -> None:
        _check(self.tau_kappa_s, self.nu_kappa_s)

    def constants(self, tick_s: float) -> CriticConstants:
        """What one tick of ``tick_s`` needs."""
        a_kappa, a_nu = decay(tick_s, self.tau_kappa_s), decay(tick_s, self.nu_kappa_s)
        spread_s = self.tau_kappa_s - self.nu_kappa_s
        return CriticConstants(
            a_kappa=a_kappa,
            a_nu=a_nu,
            slow_mean=(1 - a_kappa) * self.tau_kappa_s / tick_s / spread_s,
            fast_mean=(1 - a_nu) * self.nu_kappa_s / tick_s / spread_s,
            slow_fall=(1 - a_kappa) / tick_s / spread_s,
            fast_fall=(1 - a_nu) / tick_s / spread_s,
            share=self.gain / self.neurons,
            v0=self.v0,
        )


class CriticConstants(NamedTuple):
    """Constants of one tick."""

    a_kappa: Any
    a_nu: Any
    slow_mean: Any  # mean of either exponential over a tick, and its mean fall, from a start of 1 (1/s; 1/s^2)
    fast_mean: Any
    slow_fall: Any
    fast_fall: Any
    share: Any  # nu / N
    v0: Any


class CriticState(NamedTuple):
    """The two exponentials of kappa at the end of the tick, spikes included."""

    slow: Any = 0.0
    fast: Any = 0.0


def read(c: CriticConstants, state: CriticState, spikes: Any) -> tuple[CriticState, Any, Any]:
    """Value and its slope after a tick in which the critic neurons fired ``spikes`` times.

    Returns:
        the new state, V (reward) and V' (reward/s), both meant over the coming tick
    """
    slow = c.a_kappa * state.slow + spikes
    fast = c.a_nu * state.fast + spikes
    value = c.share * (c.slow_mean * slow - c.fast_mean * fast) + c.v0
    slope = c.share * (c.fast_fall * fast - c.slow_fall * slow)
    return CriticState(slow, fast), value, slope


def td_error(value: Any, slope: Any, reward: Any, tau_reward_s: Any) -> Any:
    """TD error delta = V' - V / tau_r + r, with the reward as a rate (reward/s)."""
    return slope - value / tau_reward_s + reward
