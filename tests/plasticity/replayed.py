"""A plastic projection in the engine, and the reference loop on the spikes that the engine made."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from snnctl.network.network import Network
from snnctl.neurons.delta_lif import DeltaLif
from tests.reference import replay

TICKS, N_PRE, N_POST, TICK_S = 400, 8, 3, 1e-3


class Replayed(NamedTuple):
    engine: Any  # (N_PRE, N_POST) final weights
    reference: Any
    first: Any
    spikes: int  # of the postsynaptic neurons


def replayed(rules: Any, seed: int = 1, high: float = 1.0) -> Replayed:
    """Random input, noisy neurons, a signal now and then."""
    random = np.random.default_rng(seed)
    pre = (random.random((TICKS, N_PRE)) < 0.05).astype(np.uint8)
    noise = random.normal(0.2, 0.5, (TICKS, N_POST))
    signal = np.where(random.random(TICKS) < 0.02, 0.5, 0.0)
    weight = random.uniform(0.1 * high, high, (N_PRE, N_POST))
    network = Network(TICK_S)
    source = network.population("in", N_PRE)
    target = network.population("out", N_POST, DeltaLif(refractory_s=0.0))
    projection = network.project(source, target, weight=weight, plasticity=rules)
    network.record(target, "spikes")
    heard = signal if network.engine.signals.listeners else None
    network.run(TICKS * TICK_S, spikes={"in": pre}, currents={"out": noise}, signal=heard)
    times_s, neurons = network.spikes(target)
    post = np.zeros((TICKS, N_POST), np.uint8)
    post[np.rint(times_s / TICK_S).astype(int), neurons] = 1
    arriving = np.vstack([np.zeros((1, N_PRE), np.uint8), pre[:-1]])  # a delay of one tick
    reference = replay(rules, TICK_S, weight, arriving, post, signal=signal, every=TICKS).final.field("weight")
    return Replayed(network.weights(projection), reference, weight, int(post.sum()))
