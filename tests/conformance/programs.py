"""Networks that machines are asked to run: a list with a name for each feature of the language, and random ones.

Weights are multiples of 1/64 and few enough that their sums are exact in float32, whatever the order of the additions:
a machine that adds by matrix products must then give the same spikes, not almost the same.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.network import Convolution, NetworkDescription, Population, Program, Projection, lower
from snnctl.neurons import Alif, CurrentLif, IntegrateAndFire, Izhikevich, Lif
from snnctl.plasticity import PairStdp

TICK_S = 1e-3
CURRENT = CurrentLif(tau_mem_s=6e-3, tau_syn_s=2e-3)
PLAIN = Lif(tau_mem_s=5e-3, v_threshold=0.8)
SOFT = dataclasses.replace(CURRENT, reset="subtract")

COUNTING = {"a": IntegrateAndFire(), "out": IntegrateAndFire(v_initial=0.5, spike_at_threshold=True)}


class Case(NamedTuple):
    """A network, its tensors, and the input spikes of some decisions."""

    description: NetworkDescription
    tensors: dict[str, NDArray[Any]]
    inputs: NDArray[np.uint8]  # (decisions, ticks, n_in)
    signal: str = "spikes"
    reads: str = "spikes"

    @property
    def program(self) -> Program:
        """Lowered."""
        return lower(self.description, self.tensors, signal=self.signal, reads=self.reads)  # type: ignore[arg-type]


class Edge(NamedTuple):
    """A projection before its tensors are drawn."""

    source: str
    target: str
    delay: int = 0
    connectivity: Any = "dense"
    own_delays: bool = False
    rules: tuple[Any, ...] = ()


def case(
    sizes: Mapping[str, int],
    edges: list[Edge],
    *,
    neurons: Mapping[str, Any] | None = None,
    decision: str = "reset",
    carry: float = 0.0,
    ticks: int = 6,
    varied: Mapping[str, tuple[float, float]] | None = None,
    initial: Mapping[str, tuple[float, float]] | None = None,
    gain: Mapping[str, float] | None = None,
    seed: int = 0,
    decisions: int = 3,
    signal: str = "spikes",
    reads: str = "spikes",
) -> Case:
    """A network whose inputs are the populations called ``in...``; the others are of ``neurons`` (CURRENT otherwise).

    ``varied`` gives each neuron its own parameter and ``initial`` its own first state, drawn from these ranges;
    ``gain`` multiplies bias and incoming weights of a population whose unit of current is another one.
    """
    rng = np.random.default_rng(seed)
    populations = tuple(
        Population(name=n, size=s, neuron=None if n.startswith("in") else (neurons or {}).get(n, CURRENT))
        for n, s in sizes.items()
    )
    projections = tuple(
        Projection(
            source=e.source, target=e.target, connectivity=e.connectivity, delay_ticks=e.delay, plasticity=e.rules
        )
        for e in edges
    )
    description = NetworkDescription(
        tick_s=TICK_S,
        ticks=ticks,
        decision=decision,  # type: ignore[arg-type]
        carry=carry,
        populations=populations,
        projections=projections,
    )
    tensors: dict[str, NDArray[Any]] = {}
    for p in description.driven:
        tensors[p.bias_name] = np.float32((gain or {}).get(p.name, 1.0)) * _dyadic(rng, 0.05, 0.1, (p.size,))
        for table, name in ((varied, p.parameter_name), (initial, p.initial_name)):
            for field, (low, high) in (table or {}).items():
                tensors[name(field)] = rng.uniform(low, high, p.size).astype(np.float32)
    for q, edge in zip(projections, edges, strict=True):
        n_in, n_out = sizes[q.source], sizes[q.target]
        spread = 2.2 / np.sqrt(n_in)
        if isinstance(q.connectivity, Convolution):
            tensors[q.weight_name] = _dyadic(rng, 0.2, 0.5, q.connectivity.weight_shape)
            continue
        weight = np.float32((gain or {}).get(q.target, 1.0)) * _dyadic(rng, 0.6 / n_in, spread, (n_in, n_out))
        if q.connectivity == "sparse":
            present = rng.random(weight.shape) < 0.6
            tensors[q.indptr_name] = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32)
            tensors[q.indices_name] = np.nonzero(present)[1].astype(np.int32)
            weight = weight[present]
        tensors[q.weight_name] = weight
        if edge.own_delays:
            tensors[q.delay_name] = (edge.delay + rng.integers(0, 4, weight.shape)).astype(np.int32)
    n_in = sum(p.size for p in description.inputs)
    inputs = (rng.random((decisions, ticks, n_in)) < 0.4).astype(np.uint8)
    return Case(description, tensors, inputs, signal, reads)


def _dyadic(rng: np.random.Generator, mean: float, spread: float, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return (np.round(rng.normal(mean, spread, shape) * 64) / 64).astype(np.float32)


CHAIN = [Edge("in", "a"), Edge("a", "out")]
FREE_STDP = PairStdp(weight_min=None, weight_max=None)
SIZES = {"in": 8, "a": 7, "out": 5}
STREAM = [Edge("in", "a", 1), Edge("a", "out", 1)]

# One network for each feature; the names are the rows of docs/machines.md.
CASES: dict[str, Case] = {
    "chain of current_lif": case(SIZES, CHAIN),
    "chain of lif": case(SIZES, CHAIN, neurons={"a": PLAIN, "out": PLAIN}),
    "two models in one chain": case(SIZES, CHAIN, neurons={"a": PLAIN}),
    "soft reset": case(SIZES, CHAIN, neurons={"a": dataclasses.replace(CURRENT, reset="subtract")}),
    "reset to another value than 0": case(SIZES, CHAIN, neurons={"a": dataclasses.replace(CURRENT, v_reset=-0.25)}),
    "refractory ticks": case(SIZES, CHAIN, neurons={"a": dataclasses.replace(CURRENT, refractory_ticks=2)}, ticks=9),
    "bias of each neuron": case({"in": 3, "a": 20, "out": 6}, CHAIN, seed=3),
    "threshold of each neuron": case(SIZES, CHAIN, varied={"v_threshold": (0.5, 1.5)}),
    "time constant of each neuron": case(SIZES, CHAIN, varied={"tau_mem_s": (2e-3, 2e-2)}),
    "initial state": case(SIZES, CHAIN, initial={"v": (0.0, 0.75)}),
    "branching": case(
        {"in": 8, "a": 6, "b": 5, "out": 4}, [Edge("in", "a"), Edge("in", "b"), Edge("a", "out"), Edge("b", "out")]
    ),
    "skip": case(SIZES, [*CHAIN, Edge("in", "out")]),
    "skip over two stages": case(
        {"in": 8, "a": 6, "b": 5, "out": 4}, [Edge("in", "a"), Edge("a", "b"), Edge("b", "out"), Edge("in", "out")]
    ),
    "recurrent": case(SIZES, [*CHAIN, Edge("a", "a", 1)], ticks=9),
    "feedback over two stages": case(SIZES, [*CHAIN, Edge("out", "a", 2)], ticks=9),
    "delay of a projection": case(SIZES, [Edge("in", "a", 2), Edge("a", "out", 1)], ticks=9),
    "delay of each synapse": case(SIZES, [Edge("in", "a", 1, own_delays=True), Edge("a", "out")], ticks=9),
    "sparse": case(SIZES, [Edge("in", "a", connectivity="sparse"), Edge("a", "out", connectivity="sparse")]),
    "sparse with delays": case(SIZES, [Edge("in", "a", 1, "sparse", True), Edge("a", "out")], ticks=9),
    "several inputs": case(
        {"in": 5, "in2": 4, "a": 6, "out": 4}, [Edge("in", "a"), Edge("in2", "a"), Edge("a", "out")]
    ),
    "streaming chain": case(SIZES, STREAM, decision="streaming"),
    "streaming, recurrent": case(SIZES, [*STREAM, Edge("a", "a", 1), Edge("out", "a", 2)], decision="streaming"),
    "streaming, sparse, delays": case(
        SIZES,
        [Edge("in", "a", 1, "sparse", True), Edge("a", "a", 2, "sparse"), Edge("a", "out", 1)],
        decision="streaming",
    ),
    "soft reset of all": case(SIZES, CHAIN, neurons={"a": SOFT, "out": SOFT}),
    "soft reset of all, recurrent": case(SIZES, [*CHAIN, Edge("a", "a", 1)], neurons={"a": SOFT, "out": SOFT}, ticks=9),
    "soft reset of all, streaming": case(
        SIZES, [*STREAM, Edge("a", "a", 1)], neurons={"a": SOFT, "out": SOFT}, decision="streaming"
    ),
    "integrate-and-fire": case(SIZES, CHAIN, neurons=COUNTING),
    "integrate-and-fire, recurrent": case(SIZES, [*CHAIN, Edge("a", "a", 2)], neurons=COUNTING, ticks=9),
    "integrate-and-fire, skip": case(SIZES, [*CHAIN, Edge("in", "out")], neurons=COUNTING),
    "integrate-and-fire, streaming": case(
        SIZES,
        [Edge("in", "a", 1), Edge("a", "out", 2), Edge("a", "a", 3)],
        neurons=COUNTING | {"a": IntegrateAndFire(reset="value", v_reset=-0.25)},
        decision="streaming",
    ),
    "convolution": case(
        {"in": 2 * 4 * 4, "a": 3 * 3 * 3, "out": 5},
        [Edge("in", "a", connectivity=Convolution(shape=(2, 4, 4), channels=3, kernel=(2, 2))), Edge("a", "out")],
    ),
    "convolution with stride and padding": case(
        {"in": 1 * 5 * 4, "a": 2 * 3 * 2, "out": 4},
        [
            Edge(
                "in",
                "a",
                connectivity=Convolution(shape=(1, 5, 4), channels=2, kernel=(3, 3), stride=(2, 2), padding=(1, 1)),
            ),
            Edge("a", "out", 1),
        ],
    ),
    "carried residuals": case(
        SIZES,
        CHAIN,
        neurons={"a": IntegrateAndFire(), "out": IntegrateAndFire()},
        decision="carry",
        carry=0.75,
    ),
    "adaptive threshold": case(SIZES, CHAIN, neurons={"a": Alif(tau_mem_s=1e-2, tau_adapt_s=5e-2, beta=0.2)}),
    "Izhikevich": case(SIZES, CHAIN, neurons={"a": Izhikevich(scheme="spnet")}, gain={"a": 64.0}, ticks=20),
    "plastic": case(SIZES, [Edge("in", "a", rules=(FREE_STDP,)), Edge("a", "out")], decisions=1),
    "analog input": case(SIZES, CHAIN, signal="analog"),
    "membrane read-out": case(SIZES, CHAIN, reads="membranes"),
}


class Menu(NamedTuple):
    """What random programs are made of: each is drawn from its tuple, evenly."""

    neurons: tuple[Any, ...]
    shapes: tuple[str, ...] = ("chain",)  # chain, branching, recurrent
    connectivity: tuple[str, ...] = ("dense",)
    delays: tuple[str, ...] = ("none",)  # none, projection, synapse
    decisions: tuple[str, ...] = ("reset",)
    varied: tuple[str, ...] = ("",)  # a parameter of each neuron, or none
    inputs: tuple[int, ...] = (1,)


def random_case(seed: int, menu: Menu) -> Case:
    """The random program of this seed; the neurons of a stage are one of the menu's, its time constants drawn anew."""
    rng = np.random.default_rng(seed)

    def drawn(options: tuple[Any, ...]) -> Any:
        return options[int(rng.integers(len(options)))]

    stages = [f"s{k}" for k in range(int(rng.integers(1, 5)))]
    inputs = [f"in{k}" for k in range(drawn(menu.inputs))]
    names = [*inputs, *stages]
    sizes = {name: int(rng.integers(1, 8)) for name in names}
    shape, decision, delays = drawn(menu.shapes), drawn(menu.decisions), drawn(menu.delays)
    pairs = {(name, stages[0]) for name in inputs} | set(itertools.pairwise(stages))
    if shape != "chain":
        forward = [(a, b) for a in names for b in stages if names.index(a) < names.index(b)]
        pairs |= {pair for pair in forward if rng.random() < 0.4}
    if shape == "recurrent":
        back = [(a, b) for a in stages for b in stages if names.index(a) >= names.index(b)]
        pairs |= {pair for pair in back if rng.random() < 0.4}
    edges = []
    for a, b in sorted(pairs):
        least = 0 if names.index(a) < names.index(b) else 1 + names.index(a) - names.index(b)
        own = delays == "synapse" and rng.random() < 0.7
        delay = least + (int(rng.integers(0, 3)) if delays != "none" else 0)
        delay = max(delay, 1) if decision == "streaming" or own else delay
        edges.append(Edge(a, b, delay, drawn(menu.connectivity), own))
    neurons = {}
    for name in stages:
        neuron = drawn(menu.neurons)
        taus = {f: float(rng.uniform(1e-3, 1e-2)) for f in ("tau_mem_s", "tau_syn_s") if getattr(neuron, f, 0)}
        neurons[name] = dataclasses.replace(neuron, **taus)
    field = drawn(menu.varied)
    ranges = {"v_threshold": (0.5, 1.5), "tau_mem_s": (2e-3, 2e-2)}
    return case(
        sizes,
        edges,
        neurons=neurons,
        decision=decision,
        ticks=int(rng.integers(3, 9)),
        varied={field: ranges[field]} if field else None,
        seed=seed,
        decisions=2,
    )
