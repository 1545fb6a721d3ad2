"""Chronotron: two rules that teach a neuron to fire a given spike train.

**E-learning** follows the gradient of a Victor-Purpura distance between the actual and the target train. Over a trial

    lambda_i(t) = V_n sum_{t_i <= t} [exp(-(t - t_i) / tau_mem) - exp(-(t - t_i) / tau_syn)]    PSP, its peak is 1
    dw_i = learning_rate [ sum_{t~ to add} lambda_i(t~) - sum_{t to remove} lambda_i(t)
                           + gamma_r / tau_q^2 sum_{t moved to t~} (t - t~) lambda_i(t) ]

where the cheapest alignment of the two trains says which target spikes are to be added, which actual ones are to be
removed and which to be moved; adding or removing costs 1, moving by dt costs (dt / tau_q)^2 / 2, so that spikes closer
than 2 tau_q are moved. A spike that comes too late (t > t~) potentiates. It needs the whole trial: it is a function
of it, :meth:`ELearning.weight_change`, not a rule inside the tick.

**I-learning** is local and runs inside the tick (this module's hooks). With the synaptic current I_i = w_i x_i,

    x = decay x + 1 at presynaptic spikes                           decay = exp(-tick_s / tau_syn_s)
    w = w + learning_rate g(w) |w x| (teach - spike)     in a tick with an output spike (spike = 1, hook ``fire``)
                                                         or a target spike (teach = 1, hook ``instruct``)

Where output and target coincide nothing changes. g is 1 with direction = "depolarise", sign(w) with "magnitude"; for
positive weights they are the same. Either way a weight of 0 never changes, and with learning_rate x < 1 no weight
changes its sign. With "magnitude" a target spike makes an inhibitory synapse more inhibitory, away from the target;
see the page of the rule. The exact form in the paper was not at hand: what was read is that changes are proportional
to the synaptic currents at the target and the actual spikes. Pre before post: an input spike of the same tick counts
in full.

Sources: Florian, PLoS ONE 7:e40233 (2012), abstract, and eq 4 and 29 as quoted by Tempotrons.jl (E-learning).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt
from numba.extending import register_jitable
from numpy.typing import ArrayLike, NDArray

from snnctl.config import Seconds, schema
from snnctl.plasticity.limits import decay, limits
from snnctl.plasticity.teacher import Post as Post
from snnctl.plasticity.teacher import observe as observe
from snnctl.spike_trains.victor_purpura import align


@schema
class ELearning:
    """Parameters of E-learning; ``gamma_r_s`` absent is tau_q_s."""

    tau_mem_s: Annotated[Seconds, Gt(0)] = 10e-3
    tau_syn_s: Annotated[Seconds, Gt(0)] = 5e-3
    tau_q_s: Annotated[Seconds, Gt(0)] = 10e-3
    gamma_r_s: Annotated[Seconds, Ge(0)] | None = None
    learning_rate: Annotated[float, Gt(0)] = 0.02

    def __post_init__(self) -> None:
        if not self.tau_syn_s < self.tau_mem_s:
            raise ValueError(f"tau_syn_s {self.tau_syn_s} must be below tau_mem_s {self.tau_mem_s}")

    def psp(self, arrivals_s: ArrayLike, times_s: ArrayLike) -> NDArray[np.float64]:
        """PSP lambda at ``times_s`` of one input that fired at ``arrivals_s``; same shape as times_s."""
        since = np.asarray(times_s, np.float64)[..., None] - np.asarray(arrivals_s, np.float64)
        s = np.maximum(since, 0.0)
        peak_s = math.log(self.tau_mem_s / self.tau_syn_s) / (1 / self.tau_syn_s - 1 / self.tau_mem_s)
        peak = math.exp(-peak_s / self.tau_mem_s) - math.exp(-peak_s / self.tau_syn_s)
        return np.asarray((np.exp(-s / self.tau_mem_s) - np.exp(-s / self.tau_syn_s)).sum(-1) / peak)

    def weight_change(
        self, inputs_s: Sequence[ArrayLike], target_s: ArrayLike, actual_s: ArrayLike
    ) -> NDArray[np.float64]:
        """Change of each weight over one trial.

        Args:
            inputs_s: n lists of spike times, one a presynaptic neuron
            target_s: when the neuron should fire, ascending
            actual_s: when it fired, ascending

        Returns:
            (n,) in the unit of learning_rate
        """
        target, actual = np.asarray(target_s, np.float64), np.asarray(actual_s, np.float64)
        edit = align(1e3 * target, 1e3 * actual, 1e3 * self.tau_q_s)
        add, remove = edit.added, edit.removed
        wanted, fired = edit.moved.T  # indices of the same spike in both trains
        gamma_r_s = self.tau_q_s if self.gamma_r_s is None else self.gamma_r_s
        late = gamma_r_s / self.tau_q_s**2 * (actual[fired] - target[wanted])
        times = np.concatenate([target[add], actual[remove], actual[fired]])
        factor = np.concatenate([np.ones(add.size), -np.ones(remove.size), late])
        return self.learning_rate * np.array([float(self.psp(train, times) @ factor) for train in inputs_s])


@schema
class ILearning:
    """Parameters of I-learning."""

    rule: Literal["i_learning"] = "i_learning"
    tau_syn_s: Annotated[Seconds, Gt(0)] = 5e-3
    direction: Literal["depolarise", "magnitude"] = "depolarise"
    learning_rate: Annotated[float, Gt(0)] = 0.02
    weight_min: float | None = None
    weight_max: float | None = None

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)

    def constants(self, tick_s: float) -> ILearningConstants:
        """What one tick of ``tick_s`` needs."""
        low, high = limits(self.weight_min, self.weight_max)
        return ILearningConstants(
            decay=decay(tick_s, self.tau_syn_s),
            negative=1.0 if self.direction == "depolarise" else -1.0,
            learning_rate=self.learning_rate,
            weight_min=low,
            weight_max=high,
            one=1.0,
            zero=0.0,
        )


class ILearningConstants(NamedTuple):
    """Constants of one tick."""

    decay: Any
    negative: Any  # g of a negative weight
    learning_rate: Any
    weight_min: Any
    weight_max: Any
    one: Any
    zero: Any


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any


class Pre(NamedTuple):
    """State of one presynaptic neuron: its current through a synapse of weight 1."""

    x: Any


class Shared(NamedTuple):
    """Nothing is shared."""

    none: Any


def relax_pre(c: ILearningConstants, pre: Pre) -> Pre:
    """One tick of decay."""
    return Pre(c.decay * pre.x)


def mark_pre(c: ILearningConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(pre.x + c.one)


def fire(c: ILearningConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """The neuron fired: minus, unless it should."""
    return _changed(c, syn, pre, post.error)


def instruct(c: ILearningConstants, m: Shared, syn: Synapse, pre: Pre, post: Post, teach: Any) -> Synapse:
    """It should fire: plus, unless it did."""
    return syn if post.fired else _changed(c, syn, pre, teach)


@register_jitable
def _changed(c: ILearningConstants, syn: Synapse, pre: Pre, error: Any) -> Synapse:
    g = c.one if syn.weight >= c.zero else c.negative
    weight = syn.weight + c.learning_rate * error * pre.x * g * abs(syn.weight)
    return Synapse(min(max(weight, c.weight_min), c.weight_max))
