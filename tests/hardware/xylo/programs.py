"""Random programs in the shape that Xylo has: inputs, hidden stages with feedback, and one stage that is read."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.network.program import Program, lower
from snnctl.neurons import CurrentLif


def random_program(seed: int, decision: str) -> Program:
    """Hidden stages follow one another; input links have delays of their own, of which 16 channels hold all."""
    draws = np.random.default_rng(seed)
    inputs = [Population(name=f"in{k}", size=int(draws.integers(1, 3 - k))) for k in range(draws.integers(1, 3))]
    hidden = [_population(draws, f"s{k}", 9) for k in range(draws.integers(1, 4))]
    out = _population(draws, "out", 8)
    pairs = [(p, hidden[0], None) for p in inputs]
    pairs += [(p, s, None) for p in inputs for s in hidden[1:] if draws.random() < 0.4]
    pairs += [(a, b, 0) for a, b in zip([*hidden], [*hidden[1:], out], strict=True)]
    for k, a in enumerate(hidden):
        for j, b in enumerate(hidden[: k + 1]):
            if draws.random() < 0.3:
                pairs.append((a, b, 1 + k - j))  # one tick on the chip, where stage k follows k others
    projections, tensors = [], {}
    for source, target, delay in pairs:
        ticks = int(draws.integers(0, 2)) if delay is None else delay
        ticks = max(ticks, 1) if delay is None and decision == "streaming" else ticks
        ticks = 1 if delay is not None and decision == "streaming" else ticks
        sparse = bool(draws.random() < 0.4)
        p = Projection(
            source=source.name, target=target.name, delay_ticks=ticks, connectivity="sparse" if sparse else "dense"
        )
        projections.append(p)
        shape: Any = (source.size, target.size)
        if sparse:
            made = draws.random(shape) < 0.6
            tensors[p.indptr_name] = np.concatenate(([0], np.cumsum(made.sum(axis=1)))).astype(np.int32)
            tensors[p.indices_name] = np.nonzero(made)[1].astype(np.int32)
            shape = (int(made.sum()),)
        tensors[p.weight_name] = draws.normal(0.2, 0.6, shape).astype(np.float32)
        if delay is None and draws.random() < 0.3:
            tensors[p.delay_name] = draws.integers(ticks, ticks + 2, shape)
    for population in (*hidden, out):
        tensors[population.bias_name] = draws.uniform(-0.1, 0.3, population.size).astype(np.float32)
        if draws.random() < 0.4:
            tensors[population.parameter_name("v_threshold")] = draws.uniform(0.5, 2.0, population.size)
    description = NetworkDescription(
        tick_s=1e-3,
        ticks=int(draws.integers(2, 9)),
        decision=decision,
        populations=(*inputs, *hidden, out),
        projections=tuple(projections),
    )
    return lower(description, tensors)


def _population(draws: np.random.Generator, name: str, most: int) -> Population:
    tau_mem_s, tau_syn_s = draws.uniform(0.001, 0.02), draws.uniform(0.0008, 0.008)
    neuron = CurrentLif(tau_mem_s=float(tau_mem_s), tau_syn_s=float(tau_syn_s), reset="subtract")
    return Population(name=name, size=int(draws.integers(1, most)), neuron=neuron)
