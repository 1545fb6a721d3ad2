"""A spiking actor and a spiking critic that learn as they act, as compiled functions.

**Actor**: one population of current-based LIF neurons with a noisy threshold (escape noise of width ``noise``):

    P(spike) = rho(v) = 1 / (1 + exp((v_threshold - v) / noise))          noise = 0: spike where v > v_threshold

The equation of the neuron is :func:`snnctl.neurons.current_lif.step`, that of its synapses
:mod:`snnctl.plasticity.three_factor`. Without noise a neuron expects what it does, and the score form marks nothing.

**Critic**: K integrate-and-fire neurons with soft reset, which all get the same drive from the inputs, and whose
membranes start evenly spread, so that their number of spikes is the drive in steps of 1 / (K ticks):

    z[t]   = (baseline + sum_i u[i] s[i, t] - low) / (high - low)
    v[k]   = v[k] + z[t];  spike and v[k] -= 1 where v[k] >= 1;   v[k] = (k + 1/2) / K at first
    V      = low + (high - low) (spikes of all K) / (K ticks)           value of the state, in rewards per step

The synapses of an input on the K neurons start equal and change equally, so each is kept once. All rewards are
divided by the largest that was ever seen, so V is within [-1, 1]. When a larger one comes, everything is at once in
its parts: u, what V differs from the baseline by, and the mean and the deviation of what is expected. The baseline
is a part of the largest reward and stays. Before the first reward, all are in parts of the one to come.

**Dopamine**: the temporal-difference error, or the reward less its mean (``td = 0``):

    delta = (1 - gamma) r + gamma V' - V            V' = 0 where the task has ended, the critic's V where time ran out
    u[i] += critic_rate delta f[i];   f[i] = max(gamma trace_lambda f[i], share of ticks in which i spiked)
    d     = clip(delta / sqrt(mean of delta^2), -most, most)                           the modulator of the actor

Dividing by its running deviation makes the actor independent of the size of the task's rewards, as dopamine
neurons adapt to the range of rewards (Tobler, Fiorillo & Schultz, Science 307:1642, 2005).
Source: Fremaux, Sprekeler & Gerstner, PLoS Comput. Biol. 9:e1003024 (2013), in discrete decisions; Singh & Sutton,
Machine Learning 22:123 (1996) (replacing traces, the max).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.xoshiro import uniform
from snnctl.network.population import step
from snnctl.neurons.current_lif import CurrentLifConstants, CurrentLifState
from snnctl.plasticity.three_factor import (
    E_LEVELS,
    W_LEVELS,
    X_LEVELS,
    ThreeFactorConstants,
    bounded,
    mark,
    reinforce,
    rounded,
)

LARGEST_EXPONENT = 80.0  # beyond it a spike is impossible in float32, whatever the noise
MEAN_SHARE = 0.01  # of the newest reward in the mean that prediction-error dopamine subtracts


class Settings(NamedTuple):
    """Numbers that hold for an episode."""

    rate: float  # of the actor
    critic_rate: float
    noise: float
    gamma: float
    decay: float  # of eligibilities in a decision, gamma trace_lambda
    baseline: float
    low: float
    high: float
    neurons: int  # K
    most: float  # of the dopamine, in its deviations
    share: float  # of the newest delta in the mean of its square
    td: int  # 1: temporal-difference error, 0: reward less its mean
    horizon: int  # decisions for which a mark is kept
    value_limit: float  # u stays within +-limit
    value_step: float  # unit of u in the integer form, else 0


class Numbers(NamedTuple):
    """Positions in :attr:`Synapses.numbers`."""

    marked: int = 0  # inputs that have a mark
    value: int = 1  # V of the last decision
    scale: int = 2  # largest reward seen
    square: int = 3  # mean of delta^2
    mean: int = 4  # mean reward
    deltas: int = 5  # how many there were


AT = Numbers()


class Synapses(NamedTuple):
    """Weights and marks of n inputs, m actor neurons and the critic; all change in place."""

    weight: NDArray[np.float32]  # (n, m)
    eligibility: NDArray[np.float32]  # (n, m)
    value_weight: NDArray[np.float64]  # (n,) u
    value_eligibility: NDArray[np.float64]  # (n,) f
    marked: NDArray[np.int64]  # (n,) the inputs that have a mark, first ``numbers[AT.marked]``
    left: NDArray[np.int64]  # (n,) decisions until an input's mark is forgotten
    numbers: NDArray[np.float64]  # (6,)


def synapses(weight: NDArray[np.float32]) -> Synapses:
    """No marks, and a critic that has learnt nothing."""
    n = weight.shape[0]
    return Synapses(
        weight, np.zeros_like(weight), np.zeros(n), np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64),
        np.zeros(len(AT)),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def value(c: Settings, syn: Synapses, starts: NDArray[np.int64], sources: NDArray[np.int64]) -> float:
    """V of the observation with these input spikes: of tick t, ``sources[starts[t] : starts[t + 1]]``."""
    ticks, span, count = starts.size - 1, c.high - c.low, 0
    v = (np.arange(c.neurons) + 0.5) / c.neurons  # (K,)
    for t in range(ticks):
        z = c.baseline - c.low
        for q in range(starts[t], starts[t + 1]):
            z += syn.value_weight[sources[q]]
        z /= span
        for k in range(c.neurons):
            reached = v[k] + z
            fired = reached >= 1.0
            count += fired
            v[k] = reached - fired
    return float(c.low + span * count / (c.neurons * ticks))


@njit(cache=True, nogil=True, error_model="numpy")
def rescale(c: Settings, syn: Synapses, reward: float, random: NDArray[np.uint64]) -> None:
    """Count in parts of this reward if it is the largest so far; before any value is asked that it is compared with."""
    numbers = syn.numbers
    if abs(reward) <= numbers[AT.scale]:
        return
    if numbers[AT.scale] > 0:
        ratio = numbers[AT.scale] / abs(reward)
        for i in range(syn.value_weight.size):
            syn.value_weight[i] *= ratio
            if c.value_step > 0:
                syn.value_weight[i] = rounded(syn.value_weight[i], c.value_step, W_LEVELS, uniform(random))
        numbers[AT.value] = c.baseline + ratio * (numbers[AT.value] - c.baseline)
        numbers[AT.square] *= ratio * ratio
        numbers[AT.mean] *= ratio
    numbers[AT.scale] = abs(reward)


@njit(cache=True, nogil=True, error_model="numpy")
def surprise(c: Settings, syn: Synapses, reward: float, following: float) -> float:
    """Error of a reward, no larger than the scale, and the value that follows it; adapts the mean reward."""
    numbers = syn.numbers
    r = reward / numbers[AT.scale] if numbers[AT.scale] > 0 else 0.0
    if c.td:
        return float((1.0 - c.gamma) * r + c.gamma * following - numbers[AT.value])
    delta = r - numbers[AT.mean]
    numbers[AT.mean] += MEAN_SHARE * delta
    return float(delta)


@njit(cache=True, nogil=True, error_model="numpy")
def release(c: Settings, rule: ThreeFactorConstants, syn: Synapses, delta: float, random: NDArray[np.uint64]) -> float:
    """The modulator d turns the marks into weights; the marks decay by one decision. Returns d."""
    numbers, m = syn.numbers, syn.weight.shape[1]
    numbers[AT.deltas] += 1.0
    numbers[AT.square] += max(c.share, 1.0 / numbers[AT.deltas]) * (delta * delta - numbers[AT.square])
    d = delta / math.sqrt(numbers[AT.square]) if numbers[AT.square] > 0 else 0.0
    d = min(max(d, -c.most), c.most)
    gain, decay = np.float32(c.rate * d), np.float32(c.decay)
    kept = 0
    for a in range(int(numbers[AT.marked])):
        i = syn.marked[a]
        e = syn.eligibility[i]
        change = c.critic_rate * delta * syn.value_eligibility[i]
        syn.value_weight[i] = bounded(syn.value_weight[i], change, -c.value_limit, c.value_limit)
        syn.value_eligibility[i] *= c.decay
        reinforce(rule, syn.weight[i], e, gain)
        for j in range(m):
            e[j] *= decay
        if rule.w_step > 0:
            syn.value_weight[i] = rounded(syn.value_weight[i], c.value_step, W_LEVELS, uniform(random))
            syn.value_eligibility[i] = rounded(syn.value_eligibility[i], 1.0 / X_LEVELS, X_LEVELS, uniform(random))
            for j in range(m):
                syn.weight[i, j] = rounded(syn.weight[i, j], rule.w_step, W_LEVELS, uniform(random))
                e[j] = rounded(e[j], rule.e_step, E_LEVELS, uniform(random))
        syn.left[i] -= 1
        if syn.left[i] > 0:
            syn.marked[kept] = i
            kept += 1
        else:
            syn.value_eligibility[i] = 0
            e[:] = 0
    numbers[AT.marked] = kept
    return float(d)


@njit(cache=True, nogil=True, error_model="numpy")
def forget(syn: Synapses) -> None:
    """No marks are left: what happens between episodes."""
    for a in range(int(syn.numbers[AT.marked])):
        i = syn.marked[a]
        syn.value_eligibility[i] = 0
        syn.left[i] = 0
        syn.eligibility[i, :] = 0
    syn.numbers[AT.marked] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def _with_threshold(c: CurrentLifConstants, threshold: float) -> CurrentLifConstants:
    return CurrentLifConstants(c.a_syn, c.a_mem, np.float32(threshold), c.keep, c.shift, c.refractory, c.one, c.zero)


@njit(cache=True, nogil=True, error_model="numpy")
def explore(
    c: Settings,
    rule: ThreeFactorConstants,
    neuron: CurrentLifConstants,
    syn: Synapses,
    bias: NDArray[np.float32],
    starts: NDArray[np.int64],
    sources: NDArray[np.int64],
    random: NDArray[np.uint64],
    position: NDArray[np.int64],
    raster: NDArray[np.uint8],
) -> None:
    """All ticks of one decision of the actor, which marks its synapses.

    Args:
        c: settings
        rule: constants in float32
        neuron: constants in float32
        syn: marks change
        bias: (m,)
        starts: (ticks + 1,)
        sources: inputs that spike, ascending in each tick
        random: generator state (4,), advanced
        position: (n,) of -1, and again afterwards
        raster: (ticks, m), overwritten
    """
    ticks, m = raster.shape
    inputs = np.empty(min(sources.size, position.size), np.int64)  # those that spike in this decision
    n = 0
    for i in sources:
        if position[i] < 0:
            position[i], inputs[n], n = n, i, n + 1
    x, e = np.zeros((n, m), np.float32), np.zeros((n, m), np.float32)
    current, pre, hits = np.zeros(n, np.float32), np.empty(n, np.float32), np.zeros(n)
    i_syn, v, y = np.zeros(m, np.float32), np.zeros(m, np.float32), np.zeros(m, np.float32)
    drive, rho, post = np.empty(m, np.float32), np.empty(m, np.float32), np.empty(m, np.float32)
    blocked, forced = _with_threshold(neuron, math.inf), _with_threshold(neuron, -math.inf)
    for t in range(ticks):
        drive[:] = 0
        pre[:] = 0
        for q in range(starts[t], starts[t + 1]):
            pre[position[sources[q]]] += neuron.one
            row = syn.weight[sources[q]]
            for j in range(m):
                drive[j] += row[j]
        for j in range(m):
            before = CurrentLifState(i_syn[j], v[j], neuron.zero)
            after = step(blocked, before, drive[j], bias[j])[0]
            if c.noise > 0:
                below = min((neuron.v_threshold - after.v) / c.noise, LARGEST_EXPONENT)
                rho[j] = np.float32(1.0 / (1.0 + math.exp(below)))
                spike = uniform(random) < rho[j]
            else:
                spike = after.v > neuron.v_threshold
                rho[j] = neuron.one if spike else neuron.zero
            if spike:
                after = step(forced, before, drive[j], bias[j])[0]
            i_syn[j], v[j] = after.i, after.v
            post[j] = neuron.one if spike else neuron.zero
            raster[t, j] = 1 if spike else 0
        mark(rule, current, x, e, y, pre, post, rho)
        if rule.x_step > 0:
            for u in range(n):
                for j in range(m):
                    x[u, j] = rounded(x[u, j], rule.x_step, X_LEVELS, uniform(random))
        for u in range(n):
            hits[u] += pre[u]
    count = int(syn.numbers[AT.marked])
    for u in range(n):
        i = inputs[u]
        position[i] = -1
        if syn.left[i] == 0:
            syn.marked[count] = i
            count += 1
        syn.left[i] = c.horizon
        syn.value_eligibility[i] = max(syn.value_eligibility[i], hits[u] / ticks)
        for j in range(m):
            syn.eligibility[i, j] += e[u, j]
            if rule.e_step > 0:
                syn.eligibility[i, j] = rounded(syn.eligibility[i, j], rule.e_step, E_LEVELS, uniform(random))
    syn.numbers[AT.marked] = count


@njit(cache=True, nogil=True, error_model="numpy")
def decide(
    c: Settings,
    rule: ThreeFactorConstants,
    neuron: CurrentLifConstants,
    syn: Synapses,
    bias: NDArray[np.float32],
    starts: NDArray[np.int64],
    sources: NDArray[np.int64],
    random: NDArray[np.uint64],
    position: NDArray[np.int64],
    raster: NDArray[np.uint8],
    reward: float,
    first: bool,
) -> float:
    """One control step: learn from the reward of the action before, then act; returns delta.

    ``first`` is the first decision of an episode: nothing came before it and delta is 0. The other arguments are those
    of :func:`explore`.
    """
    delta = 0.0
    if not first:
        rescale(c, syn, reward, random)
        delta = surprise(c, syn, reward, value(c, syn, starts, sources))
        release(c, rule, syn, delta, random)
    syn.numbers[AT.value] = value(c, syn, starts, sources)
    explore(c, rule, neuron, syn, bias, starts, sources, random, position, raster)
    return delta


@njit(cache=True, nogil=True, error_model="numpy")
def finish(
    c: Settings,
    rule: ThreeFactorConstants,
    syn: Synapses,
    starts: NDArray[np.int64],
    sources: NDArray[np.int64],
    random: NDArray[np.uint64],
    reward: float,
    terminated: bool,
) -> float:
    """Learn from the last reward of an episode and forget the marks; returns delta.

    The spikes code the last observation: when time ran out (not ``terminated``) its value counts.
    """
    rescale(c, syn, reward, random)
    delta = surprise(c, syn, reward, 0.0 if terminated else value(c, syn, starts, sources))
    release(c, rule, syn, delta, random)
    forget(syn)
    return delta
