"""A spiking actor and a place-cell critic that learn inside the tick, as compiled functions.

**Actor**: one population of current-based LIF neurons with a noisy threshold (escape noise of width ``noise``):

    spike where v > v_threshold + noise L, L logistic
    P(spike) = rho(v) = 1 / (1 + exp((v_threshold - v) / noise))

``noise = 0`` is the plain neuron: it draws nothing, expects what it does, and so marks no synapse. The equation of the
neuron is :func:`snnctl.neurons.current_lif.step`, that of the synapses :func:`snnctl.plasticity.rstdp.advance`
in its score form; both advance in every tick.

**Critic**: value of a state, read from the input population, and its temporal-difference error:

    phi[i] = (spikes of input i in this decision) / ticks
    V = baseline + sum_i u[i] phi[i]                  in units of reward per step; 0 once the task has ended
    delta = (1 - gamma) reward + gamma V' - V
    f[i] = gamma trace_lambda f[i] + phi[i];  u[i] = clip(u[i] + rate delta f[i], -limit, limit)

delta is the dopamine: released in the first tick of the next decision, or in a tick without spikes when the
episode is over. Source: Fremaux, Sprekeler & Gerstner, PLoS Comput Biol 9:e1003024 (2013), in discrete decisions.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.readout import choose, linear
from snnctl.coding.xoshiro import uniform
from snnctl.network.population import step
from snnctl.neurons.current_lif import CurrentLifConstants, CurrentLifState
from snnctl.plasticity.rstdp import RewardStdpConstants, RewardStdpState, advance, bounded, clear_traces, trace


class Critic(NamedTuple):
    """Weights and eligibility of the value unit, and its constants."""

    weight: NDArray[np.float64]  # (n,) u
    eligibility: NDArray[np.float64]  # (n,) f
    value: NDArray[np.float64]  # (1,) V of the last observation
    rate: float
    gamma: float
    trace_lambda: float
    baseline: float
    limit: float


@njit(cache=True, nogil=True, error_model="numpy")
def _with_threshold(c: CurrentLifConstants, threshold: Any) -> CurrentLifConstants:
    return CurrentLifConstants(c.a_syn, c.a_mem, threshold, c.keep, c.shift, c.refractory, c.one, c.zero)


@njit(cache=True, nogil=True, error_model="numpy")
def decide(
    neuron: CurrentLifConstants,
    rule: RewardStdpConstants,
    synapses: RewardStdpState,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    spikes: NDArray[np.uint8],
    noise: float,
    release: float,
    random: NDArray[np.uint64],
    counts: NDArray[np.int64],
) -> None:
    """All ticks of one decision of the actor, with learning in each.

    Args:
        neuron: constants in float32
        rule: constants in float32
        synapses: traces; spikes of earlier decisions are forgotten, their eligibility is not
        weight: (n, m), overwritten
        bias: (m,)
        spikes: of the input population (ticks, n)
        noise: width of the escape noise
        release: dopamine of the first tick
        random: generator state (4,), advanced
        counts: spikes of each actor neuron (m,), overwritten
    """
    m = bias.size
    i, v = np.zeros(m, np.float32), np.zeros(m, np.float32)  # (m,) each
    drive, expected = np.empty(m, np.float32), np.empty(m, np.float32)  # (m,) each
    fired = np.empty(m, np.uint8)  # (m,)
    blocked = _with_threshold(neuron, np.float32(np.inf))
    counts[:] = 0
    clear_traces(synapses)
    for t in range(spikes.shape[0]):
        drive[:] = np.float32(0)
        for k in range(spikes.shape[1]):
            if spikes[t, k]:
                for j in range(m):
                    drive[j] += weight[k, j]
        for j in range(m):
            before = CurrentLifState(i[j], v[j], neuron.zero)
            threshold = neuron.v_threshold
            if noise > 0:
                membrane = step(blocked, before, drive[j], bias[j])[0].v
                u = uniform(random)
                threshold = np.float32(threshold + noise * math.log(u / (1.0 - u)))
                expected[j] = np.float32(1.0 / (1.0 + math.exp((neuron.v_threshold - membrane) / noise)))
            after, spike = step(_with_threshold(neuron, threshold), before, drive[j], bias[j])
            i[j], v[j] = after.i, after.v
            fired[j] = np.uint8(1) if spike else np.uint8(0)
            if not noise > 0:
                expected[j] = np.float32(fired[j])
            counts[j] += fired[j]
        advance(rule, synapses, weight, spikes[t], fired, expected, np.float32(release if t == 0 else 0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(critic: Critic, spikes: NDArray[np.uint8], phi: NDArray[np.float64]) -> float:
    """V of the observation that made these input spikes (ticks, n); also ``phi`` (n,), overwritten."""
    value: float = critic.baseline
    for k in range(phi.size):
        count = 0
        for t in range(spikes.shape[0]):
            count += spikes[t, k]
        phi[k] = count / spikes.shape[0]
        value += critic.weight[k] * phi[k]
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def learn_value(critic: Critic, reward: float, next_value: float) -> float:
    """One temporal-difference step of the critic, in place; returns delta."""
    delta: float = (1.0 - critic.gamma) * reward + critic.gamma * next_value - critic.value[0]
    for k in range(critic.weight.size):
        change = critic.rate * delta * critic.eligibility[k]
        critic.weight[k] = bounded(critic.weight[k], change, -critic.limit, critic.limit)
    return delta


@njit(cache=True, nogil=True, error_model="numpy")
def act(
    critic: Critic,
    neuron: CurrentLifConstants,
    rule: RewardStdpConstants,
    synapses: RewardStdpState,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    decoder_weight: NDArray[np.float64],
    decoder_bias: NDArray[np.float64],
    spikes: NDArray[np.uint8],
    noise: float,
    reward: float,
    first: bool,
    random: NDArray[np.uint64],
    counts: NDArray[np.int64],
) -> tuple[int, float]:
    """One control step: learn from the reward of the action before, then act; returns (action, delta).

    ``first`` is the first decision of an episode: nothing came before it and delta is 0. The other
    arguments are those of :func:`decide`, and the decoder's tensors (actions * k,) and (actions,).
    """
    phi = np.empty(critic.weight.size)  # (n,)
    value = evaluate(critic, spikes, phi)
    delta = 0.0
    if not first:
        delta = learn_value(critic, reward, value)
    value = critic.baseline
    for k in range(phi.size):
        value += critic.weight[k] * phi[k]
        decay = critic.gamma * critic.trace_lambda
        critic.eligibility[k] = trace(critic.eligibility[k], decay, phi[k])
    critic.value[0] = value
    decide(neuron, rule, synapses, weight, bias, spikes, noise, delta, random, counts)
    logits = np.empty(decoder_bias.size)  # (actions,)
    linear(counts, spikes.shape[0], decoder_weight, decoder_bias, logits)
    return choose(logits), delta


@njit(cache=True, nogil=True, error_model="numpy")
def finish(
    critic: Critic,
    rule: RewardStdpConstants,
    synapses: RewardStdpState,
    weight: NDArray[np.float32],
    spikes: NDArray[np.uint8],
    reward: float,
    terminated: bool,
) -> float:
    """Learn from the last reward of an episode in a tick without spikes; returns delta.

    ``spikes`` (ticks, n) code the last observation: when time ran out (not ``terminated``) its value counts.
    """
    n, m = weight.shape
    value = 0.0 if terminated else evaluate(critic, spikes, np.empty(n))
    delta = learn_value(critic, reward, value)
    clear_traces(synapses)
    silent = np.zeros(m, np.uint8)  # (m,)
    advance(rule, synapses, weight, np.zeros(n, np.uint8), silent, np.zeros(m, np.float32), np.float32(delta))
    return delta
