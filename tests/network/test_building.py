"""Building: drawn in pieces as if at once, every synapse held once, what is not kept is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snnctl.errors import NetworkError
from snnctl.network import FixedProbability, Network, Normal, Uniform
from snnctl.network.connectivity import PIECE, Pairs, drawn
from snnctl.neurons import Lif
from snnctl.plasticity import DopamineStdp, PairStdp, RewardStdp


def at_once(p: float, sources: int, targets: int, others: bool, seed: int) -> tuple[Any, Any]:
    """Sources and targets of Bernoulli draws: by gaps between synapses, all of them together."""
    gaps = np.random.default_rng(seed).geometric(p, sources * targets + 1)
    at = np.cumsum(gaps) - 1
    row, column = np.divmod(at[at < sources * targets], targets)
    keep = (row != column) | (not others)
    return row[keep], column[keep]


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize(
    ("p", "sources", "targets"),
    [(0.9, 300, 200), (0.3, 300, 500), (1.0, 7, 3), (0.01, 5, 4), (0.002, 900, 900), (0.5, 1, PIECE + 3)],
)
def test_pairs_drawn_in_pieces_are_those_drawn_at_once(p: float, sources: int, targets: int, others: bool) -> None:
    pairs = FixedProbability(p, self_connections=not others).pairs(sources, targets, np.random.default_rng(5))
    row, column = at_once(p, sources, targets, others, 5)
    np.testing.assert_array_equal(pairs.sources, row)
    np.testing.assert_array_equal(pairs.indices, column)
    assert pairs.indptr.dtype == np.int64
    assert pairs.indices.dtype == np.int32


def test_improbable_pairs() -> None:
    for p in (0.0, 1e-300, 1e-12):
        pairs = FixedProbability(p).pairs(30, 40, np.random.default_rng(5))
        np.testing.assert_array_equal(pairs.indptr, np.zeros(31))
        assert not pairs.indices.size


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("values", [Uniform(-1, 2), Normal(0.3, 2.0, -1.0, 1.0)])
def test_numbers_drawn_in_pieces_are_those_drawn_at_once(values: Any, dtype: Any) -> None:
    size = 3 * PIECE + 5
    whole = values(np.random.default_rng(5), size).astype(dtype)
    np.testing.assert_array_equal(drawn(values, (size,), np.random.default_rng(5), "x", dtype), whole)


def test_numbers_of_a_users_distribution_are_drawn_at_once() -> None:
    sizes = []

    def falling(generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        sizes.append(size)
        return np.sort(generator.random(size))[::-1]

    found = drawn(falling, (2, PIECE), np.random.default_rng(5), "x")
    assert sizes == [2 * PIECE]
    assert (np.diff(found.ravel()) <= 0).all()


# --------------------------------------------------------------------------- what a network holds


def network(rule: Any = (), dtype: Any = np.float32, delay_s: Any = 1e-3) -> Network:
    """Two sparse projections and a dense one onto 20 cells."""
    made = Network(1e-3, seed=2, dtype=dtype)
    cells = made.population("cells", 20, Lif(tau_mem_s=1e-2))
    for name in ("a", "b"):
        made.population(name, 30)
        made.project(name, cells, FixedProbability(0.3), weight=Uniform(0.1, 0.6), plasticity=rule, delay_s=delay_s)
    made.project(cells, cells, weight=Normal(0.0, 0.1))
    return made


def held(made: Network) -> set[int]:
    """Where the memory of what the network keeps of its synapses begins."""
    tables = made.engine.tables
    found = [*made._tensors.values(), tables.weights, tables.targets, tables.pointers]
    found += [t.values for ln in made.engine.program.links for t in (ln.weight, ln.indptr, ln.indices) if t is not None]

    def root(array: NDArray[Any]) -> NDArray[Any]:
        return array if array.base is None else root(array.base)  # type: ignore[arg-type]

    return {id(root(array)) for array in found if array.size > 20}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_synapse_is_held_once(dtype: Any) -> None:
    assert len(held(network(dtype=dtype))) == 3  # weights, targets, pointers
    made = network(RewardStdp(weight_max=1.0), dtype)
    assert len(held(made)) == 3  # the state has the plastic weights
    assert (
        made.engine.synapse_bytes(made.state().engine)
        < 1.2 * sum(made.weights(f"projection.{name}.cells").size * (4 + 2 * np.dtype(dtype).itemsize) for name in "ab")
        + 20 * 20 * np.dtype(dtype).itemsize
    )


@pytest.mark.parametrize("delay_s", [1e-3, Uniform(1e-3, 4e-3)])
def test_what_is_read_of_a_running_network_is_what_was_drawn(delay_s: Any) -> None:
    made, never_run = network(delay_s=delay_s), network(delay_s=delay_s)
    first = {name: tensor.copy() for name, tensor in never_run._tensors.items()}
    made.run(0.01)
    assert made._tensors.keys() == first.keys()
    for name, tensor in made._tensors.items():
        assert tensor.dtype == first[name].dtype
        np.testing.assert_array_equal(tensor, first[name])
    one, other = made.program().links, never_run.program().links
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.synapses().weight, b.synapses().weight)
        np.testing.assert_array_equal(a.synapses().delay, b.synapses().delay)


@pytest.mark.parametrize("rule", [PairStdp(a_plus=0.05), DopamineStdp(tonic=0.5), RewardStdp(weight_max=1.0)])
def test_the_program_of_a_network_that_learnt_has_what_it_learnt(rule: Any) -> None:
    made = network(rule, np.float64)
    before = {link.label: link.weight.values.copy() for link in made.program().links}
    rng = np.random.default_rng(1)
    spikes = {name: (rng.random((60, 30)) < 0.3).astype(np.uint8) for name in "ab"}
    signal = None if isinstance(rule, PairStdp) else 1.0
    made.run(0.06, spikes=spikes, signal=signal)
    for link in made.program().links:
        np.testing.assert_array_equal(link.weight.values, made.weights(link.label))
        assert (link.weight.values != before[link.label]).any() == bool(link.rules)
    with pytest.raises(NetworkError, match="state: cannot begin again"):
        made.engine.initial_state()


def test_sources_without_synapses_have_a_row() -> None:
    pairs = FixedProbability(0.02).pairs(200, 10, np.random.default_rng(1))
    assert isinstance(pairs, Pairs)
    assert (np.diff(pairs.indptr) == 0).any()
    assert pairs.indptr[-1] == pairs.indices.size
