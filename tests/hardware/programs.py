"""Random programs, and a slow reference of the integer networks that chips make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.network.program import Program, lower
from snnctl.neurons import CurrentLif, Lif

Spikes = np.ndarray[Any, np.dtype[np.uint8]]
Tick = Callable[[int, int, list[tuple[int, int]]], int]  # stage, neuron, (synapse, count that arrives) -> spikes


def random_program(seed: int, decision: str) -> Program:
    """Branches, skips, cycles, delays of links and synapses, sparse and dense, several inputs, own thresholds."""
    draws = np.random.default_rng(seed)
    inputs = [Population(name=f"in{k}", size=int(draws.integers(1, 7))) for k in range(draws.integers(1, 3))]
    stages = []
    for k in range(draws.integers(1, 5)):
        tau, refractory = float(draws.uniform(0.001, 0.02)), int(draws.integers(0, 3))
        neuron = (
            Lif(tau_mem_s=tau, refractory_ticks=refractory)
            if draws.random() < 0.3
            else CurrentLif(
                tau_mem_s=tau, tau_syn_s=float(draws.choice([0.0, 0.002, 0.005])), refractory_ticks=refractory
            )
        )
        stages.append(Population(name=f"s{k}", size=int(draws.integers(1, 7)), neuron=neuron))
    populations = (*inputs, *stages)
    projections, tensors = [], {}
    least = 1 if decision == "streaming" else 0
    for t, target in enumerate(populations[len(inputs) :], start=len(inputs)):
        for s, source in enumerate(populations):
            if draws.random() > (0.7 if s < t else 0.25):
                continue
            backward = s >= t
            if backward and decision == "reset" and seed % 2:  # half of the reset programs are acyclic
                continue
            delay = int(draws.integers(least, 4)) + (len(stages) + 1 if backward else 0)
            sparse = draws.random() < 0.4
            p = Projection(
                source=source.name, target=target.name, delay_ticks=delay, connectivity="sparse" if sparse else "dense"
            )
            projections.append(p)
            shape: Any = (source.size, target.size)
            if sparse:
                made = draws.random(shape) < 0.5
                tensors[p.indptr_name] = np.concatenate(([0], np.cumsum(made.sum(axis=1)))).astype(np.int32)
                tensors[p.indices_name] = np.nonzero(made)[1].astype(np.int32)
                shape = (int(made.sum()),)
            tensors[p.weight_name] = draws.normal(0.4, 1.0, shape).astype(np.float32)
            if draws.random() < 0.3:
                tensors[p.delay_name] = draws.integers(max(delay, min(1, delay)), delay + 3, shape)
    for p in stages:
        tensors[p.bias_name] = draws.uniform(-0.1, 0.5, p.size).astype(np.float32)
        if draws.random() < 0.4:
            tensors[p.parameter_name("v_threshold")] = draws.uniform(0.5, 2.0, p.size).astype(np.float32)
    description = NetworkDescription(
        tick_s=1e-3,
        ticks=int(draws.integers(1, 9)),
        decision=decision,
        populations=populations,
        projections=tuple(projections),
    )
    return lower(description, tensors)


def random_spikes(program: Program, seed: int, decisions: int) -> list[Spikes]:
    """Spikes of all inputs for some decisions."""
    draws = np.random.default_rng(seed)
    width = sum(p.size for p in program.inputs)
    return [(draws.random((program.ticks, width)) < 0.5).astype(np.uint8) for _ in range(decisions)]


def reference(program: Program, spikes: Spikes, tick: Tick) -> list[Spikes]:
    """Every node's spikes in its own ticks, synapse by synapse.

    Args:
        program: the network
        spikes: (ticks, n) of all inputs; a streaming program may be given several decisions at once
        tick: advances one neuron, given the synapses of its stage whose spikes arrive in this tick
    """
    first, ticks = len(program.inputs), len(spikes)
    sizes = [node.size for node in program.nodes]
    rasters = [np.zeros((ticks, n), np.uint8) for n in sizes]
    for k, column in enumerate(np.cumsum([0, *sizes[: first - 1]])):
        rasters[k][:] = spikes[:, column : column + sizes[k]]
    incoming: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}
    for node in range(first, len(sizes)):
        number = 0
        for link in program.into(node):
            synapses = link.synapses()
            for s, t, d in zip(synapses.source, synapses.target, synapses.delay, strict=True):
                incoming.setdefault((node, int(t)), []).append((link.source, int(s), int(d), number))
                number += 1
    for k in range(ticks):
        for node in program.order:
            for i in range(sizes[node]):
                arriving = [
                    (synapse, int(rasters[source][k - delay, s]))
                    for source, s, delay, synapse in incoming.get((node, i), [])
                    if k >= delay and rasters[source][k - delay, s]
                ]
                rasters[node][k, i] = tick(node - first, i, arriving)
    return rasters
