"""The engine against a plain-numpy reference that keeps the same order of additions: equal bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from snnctl.errors import NetworkError
from snnctl.network.description import NetworkDescription, Population, Projection, problems
from snnctl.network.engine import Engine, State
from snnctl.network.program import lower
from snnctl.network.stepper import Stepper
from snnctl.neurons import CurrentLif, Lif
from tests.interpreted import INTERPRETED
from tests.reference import Reference

from .compositions import COMPOSITIONS, Case, cases

Tensors = dict[str, NDArray[Any]]
EXAMPLES = 10 if INTERPRETED else 60


def random_tensors(network: NetworkDescription, rng: np.random.Generator) -> Tensors:
    tensors: Tensors = {}
    for p in network.driven:
        tensors[f"population.{p.name}.bias"] = rng.normal(0.1, 0.1, p.size).astype(np.float32)
    for projection in network.projections:
        shape = network.population(projection.source).size, network.population(projection.target).size
        weight = rng.normal(0.2, 0.6, shape).astype(np.float32)
        prefix = f"projection.{projection.source}.{projection.target}"
        if projection.connectivity == "dense":
            tensors[f"{prefix}.weight"] = weight
            continue
        present = rng.random(shape) < 0.4
        tensors[f"{prefix}.indptr"] = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32)
        tensors[f"{prefix}.indices"] = np.nonzero(present)[1].astype(np.int32)
        tensors[f"{prefix}.weight"] = weight[present]
    return tensors


def neurons() -> st.SearchStrategy[Lif | CurrentLif]:
    common = {
        "tau_mem_s": st.floats(1e-3, 2e-2),
        "v_threshold": st.floats(0.3, 1.5),
        "v_reset": st.floats(-0.5, 0.2),
        "reset": st.sampled_from(["value", "subtract"]),
        "refractory_ticks": st.integers(0, 3),
    }
    return st.builds(Lif, **common) | st.builds(CurrentLif, tau_syn_s=st.sampled_from([0.0, 1e-3, 5e-3]), **common)


@st.composite
def networks(draw: st.DrawFn) -> NetworkDescription:
    sizes = draw(st.lists(st.integers(1, 20), min_size=2, max_size=4))
    names = [f"p{k}" for k in range(len(sizes))]
    populations = [
        Population(name=n, size=s, neuron=draw(neurons()) if k else None)
        for k, (n, s) in enumerate(zip(names, sizes, strict=True))
    ]
    pairs = draw(st.sets(st.tuples(st.sampled_from(names), st.sampled_from(names[1:])), min_size=1))
    projections = [
        Projection(
            source=a,
            target=b,
            connectivity=draw(st.sampled_from(["dense", "sparse"])),
            # towards a later population any delay; back or to itself a tick for each projection that may lead there
            delay_ticks=draw(st.integers(0, 3)) + (0 if a < b else 1 + names.index(a) - names.index(b)),
        )
        for a, b in sorted(pairs)
    ]
    return NetworkDescription(tick_s=1e-3, ticks=4, populations=tuple(populations), projections=tuple(projections))


@settings(max_examples=EXAMPLES, deadline=None)
@given(networks(), st.integers(0, 2**32), st.sampled_from([np.float32, np.float64]))
def test_equals_the_reference_bit_for_bit(network: NetworkDescription, seed: int, dtype: type) -> None:
    assert not problems(network, "network")
    rng = np.random.default_rng(seed)
    tensors = random_tensors(network, rng)
    inputs = (rng.random((12, network.populations[0].size)) < 0.4).astype(np.uint8)
    engine = Engine(lower(network, tensors), dtype)
    _, raster = engine.run(engine.initial_state(), inputs)
    np.testing.assert_array_equal(raster, Reference(network, tensors, dtype).run(inputs))


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(networks(), st.integers(0, 2**32))
def test_ticks_and_restored_runs_continue_bit_for_bit(network: NetworkDescription, seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine = Engine(lower(network, random_tensors(network, rng)))
    inputs = (rng.random((10, network.populations[0].size)) < 0.4).astype(np.uint8)
    whole_state, whole = engine.run(engine.initial_state(), inputs)
    state = engine.initial_state()
    rows = []
    for row in inputs[:4]:
        state, spikes = engine.tick(state, row)
        rows.append(spikes)
    np.testing.assert_array_equal(np.array(rows), whole[:4])
    restored = State(*(np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape) for a in state))
    before = [a.copy() for a in restored]
    end, rest = engine.run(restored, inputs[4:])
    np.testing.assert_array_equal(rest, whole[4:])
    for given_, kept in zip(restored, before, strict=True):
        np.testing.assert_array_equal(given_, kept)  # a state that was passed in stays as it is
    for a, b in zip(end, whole_state, strict=True):
        assert a.tobytes() == b.tobytes()


def test_counts_only_weights_of_spiking_sources() -> None:
    network = NetworkDescription(
        tick_s=1e-3,
        ticks=1,
        populations=(Population(name="in", size=5), Population(name="out", size=7, neuron=Lif(tau_mem_s=1e-2))),
        projections=(Projection(source="in", target="out"),),
    )
    engine = Engine(lower(network, random_tensors(network, np.random.default_rng(0))))
    engine.run(engine.initial_state(), np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 1]], np.uint8))
    assert engine.synaptic_events == 3 * 7


def test_a_delay_of_d_ticks_delivers_d_ticks_later() -> None:
    for delay in range(4):
        network = NetworkDescription(
            tick_s=1e-3,
            ticks=1,
            populations=(Population(name="in", size=1), Population(name="out", size=1, neuron=Lif(tau_mem_s=1e-2))),
            projections=(Projection(source="in", target="out", delay_ticks=delay),),
        )
        tensors = {"population.out.bias": np.zeros(1), "projection.in.out.weight": np.full((1, 1), 2.0)}
        engine = Engine(lower(network, tensors))
        inputs = np.zeros((6, 1), np.uint8)
        inputs[1] = 1
        _, raster = engine.run(engine.initial_state(), inputs)
        assert np.flatnonzero(raster).tolist() == [1 + delay]


def test_refuses_broken_sparse_indices_and_unsound_descriptions() -> None:
    network = NetworkDescription(
        tick_s=1e-3,
        ticks=1,
        populations=(Population(name="in", size=2), Population(name="out", size=2, neuron=Lif(tau_mem_s=1e-2))),
        projections=(Projection(source="in", target="out", connectivity="sparse"),),
    )
    tensors: Tensors = {
        "population.out.bias": np.zeros(2),
        "projection.in.out.indptr": np.array([0, 1, 3]),
        "projection.in.out.indices": np.array([0, 2]),
        "projection.in.out.weight": np.array([1.0]),
    }
    with pytest.raises(NetworkError) as caught:
        lower(network, tensors)
    assert len(caught.value.problems) == 3
    with pytest.raises(NetworkError):
        lower(NetworkDescription(tick_s=1e-3, ticks=1, populations=(), projections=()), {})


# --------------------------------------------------------------------------- any model, receptor, delay and rule


def same_bits(a: Any, b: Any) -> None:
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a, b)  # readable
    assert a.tobytes() == b.tobytes()  # exact: the sign of 0 and of a NaN too


RUNS = [(name, np.float64) for name in COMPOSITIONS] + [("dimensionless", np.float32)]


def stepped(engine: Engine, case: Case, seed: int) -> tuple[State, Any]:
    """By the kernel of ``Network.step``, which takes what is given to each population by its name."""
    state, rows = engine.initial_state(seed), []
    stepper = Stepper.of(engine, state)
    assert stepper is not None

    def named(columns: Any, values: Any) -> Any:
        chosen = {name: where for name, where in columns.of.items() if name in columns.takers}
        return None if values is None else {name: values[where].copy() for name, where in chosen.items()}

    for t, row in enumerate(case.inputs):
        now = {k: v[t] for k, v in case.given.items()}
        signal = float(now["signals"][0]) if "signals" in now else None
        currents, teach = (
            named(columns, now.get(what)) for what, columns in (("currents", engine.currents), ("teach", engine.teach))
        )
        fired = stepper.step(named(engine.inputs, row), currents, signal, teach)
        assert fired is not None
        rows.append(fired)
    return state, np.array(rows)


@pytest.mark.parametrize(("name", "dtype"), RUNS, ids=[f"{n}-{d.__name__}" for n, d in RUNS])
def test_run_ticks_and_reference_are_the_same_bits(name: str, dtype: type) -> None:
    spikes: dict[str, int] = {}

    @settings(max_examples=2 if INTERPRETED else 12, deadline=None, database=None)
    @given(cases(COMPOSITIONS[name]), st.integers(0, 2**32))
    def check(case: Case, seed: int) -> None:
        engine = Engine(lower(case.description, case.tensors), dtype)
        expected = Reference(case.description, case.tensors, dtype, seed)
        raster = expected.run(case.inputs, **case.given)
        end, whole = engine.run(engine.initial_state(seed), case.inputs, **case.given)
        state, rows = engine.initial_state(seed), []
        for t, row in enumerate(case.inputs):
            state, fired = engine.tick(state, row, **{k: v[t] for k, v in case.given.items()})
            rows.append(fired)
        same_bits(whole, raster)
        same_bits(np.array(rows), raster)
        for field in State._fields:
            same_bits(getattr(end, field), getattr(state, field))
        for p, first in zip(case.description.driven, engine.columns, strict=False):
            for field in expected.neurons[p.name].state[0]._fields:
                index = engine.field(p.name, field)
                same_bits(end.values[index : index + p.size], expected.neurons[p.name].field(field))
            spikes[p.name] = spikes.get(p.name, 0) + int(whole[:, first : first + p.size].sum())
        for projection in case.description.projections:
            if projection.plasticity:
                wanted = expected.synapses(projection)
                found = engine.synapses(end, projection.prefix)
                assert found.keys() == wanted.keys()
                for field in wanted:
                    same_bits(found[field].ravel(), wanted[field])
        if not INTERPRETED:
            alike = case.given.copy()
            if "signals" in alike:  # a step has one number for all
                alike["signals"] = np.repeat(alike["signals"][:, :1], alike["signals"].shape[1], axis=1)
            end, whole = engine.run(engine.initial_state(seed), case.inputs, **alike)
            state, raster = stepped(engine, case, seed)
            same_bits(raster, whole)
            for field in State._fields:
                same_bits(getattr(end, field), getattr(state, field))

    check()
    silent = [population for population, count in spikes.items() if not count]
    few = INTERPRETED  # in so few examples one may be silent by chance
    assert len(silent) < len(spikes) if few else not silent, f"populations that never spiked compare nothing: {silent}"
