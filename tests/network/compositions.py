"""Networks of random shape from few fixed sets of models and rules: every set is compiled once."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.network.population import receptors_of, takes_synapses
from snnctl.network.rules import weight_limits
from snnctl.neurons import (
    AdEx,
    Alif,
    CobaLif,
    CubaLif,
    CurrentLif,
    DeltaLif,
    EscapeLif,
    HodgkinHuxley,
    IntegrateAndFire,
    Izhikevich,
    Lif,
    Poisson,
)
from snnctl.plasticity import (
    DopamineStdp,
    Eprop,
    HomeostaticScaling,
    ILearning,
    PairStdp,
    Resume,
    RewardStdp,
    RMax,
    TdStdp,
    TripletStdp,
)


class Cell(NamedTuple):
    """A model with weights and currents that make it spike within few ticks."""

    neuron: Any
    weight: tuple[float, float]  # mean and deviation
    bias: tuple[float, float]
    varied: tuple[str, float, float] | None = None  # a parameter that may differ from neuron to neuron, its range


class Composition(NamedTuple):
    """Populations of these cells; ``rules`` are those of the first projections, each onto one of the cells."""

    tick_s: float
    cells: tuple[Cell, ...]
    rules: tuple[tuple[Any, ...], ...] = ()


LIF = Cell(Lif(tau_mem_s=8e-3, refractory_ticks=1), (0.2, 0.6), (0.1, 0.1), ("tau_mem_s", 2e-3, 2e-2))
CUBA = Cell(CubaLif(refractory_s=1e-3), (2.0, 2.0), (0.3, 0.2), ("v_threshold_mv", -58.0, -50.0))
LIF_CELLS = (
    Cell(IntegrateAndFire(), (0.2, 0.5), (0.1, 0.1), ("v_initial", 0.0, 0.9)),
    LIF,
    Cell(
        CurrentLif(tau_mem_s=1e-2, tau_syn_s=3e-3, reset="subtract"), (0.2, 0.5), (0.1, 0.1), ("tau_syn_s", 0.0, 1e-2)
    ),
    Cell(Alif(tau_mem_s=1e-2, tau_adapt_s=5e-2, beta=0.2), (0.5, 0.5), (0.1, 0.1), ("beta", 0.0, 0.5)),
)
COMPOSITIONS = {
    "dimensionless": Composition(1e-3, LIF_CELLS),
    "leaky": Composition(
        1e-3,
        (
            Cell(DeltaLif(), (6.0, 6.0), (0.8, 0.2), ("v_rest_mv", -70.0, -60.0)),
            CUBA,
            Cell(CobaLif(refractory_s=2e-3), (20.0, 5.0), (150.0, 100.0), ("capacitance_pf", 50.0, 200.0)),
            Cell(EscapeLif(), (2.0, 2.0), (40.0, 5.0), ("rho_0_hz", 20.0, 200.0)),
        ),
    ),
    "spiking_membranes": Composition(
        1e-4,
        (
            Cell(Izhikevich(), (200.0, 50.0), (300.0, 60.0), ("a", 0.01, 0.1)),
            Cell(AdEx(), (30000.0, 9000.0), (20000.0, 9000.0), ("b_pa", 20.0, 90.0)),
            Cell(HodgkinHuxley(substeps=4), (200.0, 100.0), (100.0, 50.0), ("g_k_ms_cm2", 30.0, 40.0)),
            Cell(Poisson(rate_hz=1500.0), (1.0, 1.0), (500.0, 300.0), ("rate_hz", 0.0, 3000.0)),
        ),
    ),
    "schemes": Composition(
        1e-4,
        (
            Cell(Izhikevich(scheme="rk4", tau_syn_s=2e-3), (50.0, 50.0), (300.0, 60.0)),
            Cell(AdEx(scheme="exponential_euler", tau_syn_s=2e-3), (9000.0, 3000.0), (20000.0, 9000.0)),
            Cell(HodgkinHuxley(scheme="rk4", substeps=10), (200.0, 100.0), (100.0, 50.0)),
            Cell(CobaLif(scheme="rk4"), (200.0, 50.0), (3000.0, 500.0), ("g_leak_ns", 5.0, 15.0)),
        ),
    ),
    "pairs": Composition(
        1e-3,
        (LIF, CUBA),
        (
            (PairStdp(weight_max=3.0), HomeostaticScaling(every_s=3e-3, beta=0.3)),
            (TripletStdp(a2_plus=0.1),),
            (DopamineStdp(tonic=0.1),),
            (RewardStdp(fold_s=5e-3, learning_rate=30.0, baseline=0.1, weight_min=-1.0),),
        ),
    ),
    "taught": Composition(
        1e-3,
        (LIF, Cell(EscapeLif(), (4.0, 3.0), (12.0, 3.0))),
        ((Resume(),), (ILearning(direction="magnitude"),), (Eprop(update_ticks=2), TdStdp()), (RMax(),)),
    ),
}


class Case(NamedTuple):
    """One network and what it is given."""

    description: NetworkDescription
    tensors: dict[str, Any]
    inputs: Any  # (ticks, n_in)
    given: dict[str, Any]  # currents, signals, teach


@dataclasses.dataclass(frozen=True)
class Edge:
    """A projection before its delays: they depend on the direction."""

    source: int
    target: int
    sparse: bool
    mixed: bool  # delays that differ
    delay: int
    receptor: int


def edges(last: int, first: int = 0) -> st.SearchStrategy[Edge]:
    """From any population to one with a model: population 0 is the input."""
    return st.builds(
        Edge,
        source=st.integers(first, last),
        target=st.integers(1, last),
        sparse=st.booleans(),
        mixed=st.booleans(),
        delay=st.integers(0, 4),
        receptor=st.integers(0, 1),
    )


@st.composite
def cases(draw: st.DrawFn, composition: Composition, ticks: int = 16) -> Case:
    """Sizes, projections, delays, order of the populations, weights, parameters and inputs are drawn."""
    cells = composition.cells
    names = ("input", *(f"p{k}" for k in range(len(cells))))
    sizes = [draw(st.integers(1, 12)) for _ in names]
    # the first projections learn: from inputs of their own, the last one from a population with a model
    learning = [
        dataclasses.replace(draw(edges(len(cells), 1)), target=1 + k % len(cells))
        for k in range(len(composition.rules))
    ]
    others = draw(st.lists(edges(len(cells)), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    tensors: dict[str, Any] = {}
    projections: dict[str, Projection] = {}
    for k, edge in enumerate([*learning, *others]):
        plastic = k < len(learning)
        own = k < len(learning) - 1  # an input of its own
        source = f"learning{k}" if own else names[edge.source]
        neuron = cells[edge.target - 1].neuron
        if not takes_synapses(type(neuron.constants(composition.tick_s))):
            continue
        receptors = receptors_of(type(neuron.constants(composition.tick_s)))
        forward = own or edge.source < edge.target
        added = Projection(
            source=source,
            target=names[edge.target],
            receptor=receptors[edge.receptor % len(receptors)] if edge.receptor else "",
            connectivity="sparse" if edge.sparse else "dense",
            delay_ticks=edge.delay + (0 if forward else 1 + edge.source - edge.target),
            plasticity=composition.rules[k] if plastic else (),
        )
        if added.prefix in projections:
            continue
        projections[added.prefix] = added
        shape = (sizes[0] if own else sizes[edge.source], sizes[edge.target])
        mean, deviation = cells[edge.target - 1].weight
        weight = rng.normal(mean, deviation, shape)
        limits = [weight_limits(rule) for rule in added.plasticity]
        weight = np.clip(weight, max([-np.inf, *(low for low, _ in limits)]), min([np.inf, *(h for _, h in limits)]))
        if edge.sparse:
            present = rng.random(shape) < 0.5
            tensors[f"{added.prefix}.indptr"] = np.concatenate([[0], np.cumsum(present.sum(1))])
            tensors[f"{added.prefix}.indices"] = np.nonzero(present)[1]
            weight = weight[present]
        tensors[f"{added.prefix}.weight"] = weight
        if edge.mixed:
            tensors[f"{added.prefix}.delay"] = added.delay_ticks + rng.integers(0, 4, weight.shape)
    inputs = [Population(name=names[0], size=sizes[0])]
    inputs += [Population(name=f"learning{k}", size=sizes[0]) for k in range(len(learning) - 1)]
    driven = [Population(name=n, size=s, neuron=c.neuron) for n, s, c in zip(names[1:], sizes[1:], cells, strict=True)]
    for p, cell in zip(driven, cells, strict=True):
        tensors[f"population.{p.name}.bias"] = rng.normal(*cell.bias, p.size)
        if cell.varied is not None and draw(st.booleans()):
            field, low, high = cell.varied
            tensors[f"population.{p.name}.{field}"] = rng.uniform(low, high, p.size)
    shuffled = draw(st.permutations(driven))
    mixed = [*inputs, *shuffled[:-1]]
    order = draw(st.permutations(range(len(mixed))))
    populations = (*(mixed[k] for k in order), shuffled[-1])
    description = NetworkDescription(
        tick_s=composition.tick_s, ticks=1, populations=populations, projections=tuple(projections.values())
    )
    n_in, n = sum(p.size for p in inputs), sum(p.size for p in driven)
    scale = np.concatenate([np.full(p.size, cells[int(p.name[1:])].bias[1]) for p in description.driven])
    given: dict[str, Any] = {}
    if draw(st.booleans()):
        given["currents"] = rng.normal(0, 1, (ticks, n)) * scale
    if composition.rules:
        given["signals"] = rng.normal(0, 1, (ticks, len(composition.rules)))
        given["teach"] = rng.normal(0, 1, (ticks, n)) * (rng.random((ticks, n)) < 0.2)
    return Case(description, tensors, (rng.random((ticks, n_in)) < 0.3).astype(np.uint8), given)
