"""Plasticity inside the engine against the plain loop of the rules' own tests, for every rule."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl import slots
from snnctl.errors import NetworkError
from snnctl.network import AllToAll, Explicit, Network
from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.network.engine import Engine
from snnctl.network.program import lower
from snnctl.network.rules import HOOKS, hook, observed
from snnctl.neurons import Lif, NoisyLif
from snnctl.plasticity import DopamineStdp, Eprop, HomeostaticScaling, PairStdp, Score, TripletStdp
from tests.reference import delivered_next, plastic

RULES = tuple(slots.RULES.parts.values())
TICK_S = 1e-3
N_PRE, N_POST, TICKS = 5, 4, 40

# what learns fast enough to be seen in 40 ticks, where the defaults are slower
FAST = {
    "homeostatic_scaling": HomeostaticScaling(every_s=5e-3, beta=0.1, tau_s=0.1),
    "dopamine_stdp": DopamineStdp(tonic=0.2),
    "triplet_stdp": TripletStdp(a2_plus=0.05),
    "eprop": Eprop(update_ticks=3, learning_rate=0.1),
    "score": Score(learning_rate=0.05, decay=0.2),  # some sources are forgotten within the run
}


def of(cls: Any) -> Any:
    rule = cls()
    return FAST.get(rule.rule, rule)


def target(rules: tuple[Any, ...]) -> Any:
    """A neuron that has what these rules read."""
    read = {observed(type(rule.constants(TICK_S))) for rule in rules}
    return NoisyLif(noise=0.3) if "expected" in read else Lif(tau_mem_s=8e-3)


class Run:
    """The same spikes through the engine and the loop; ``delays`` (n_pre, n_post), 0 where there is no synapse."""

    def __init__(self, rules: Any, delays: Any, dense: bool, seed: int = 1) -> None:
        self.rules = rules if isinstance(rules, tuple) else (rules,)
        rng = np.random.default_rng(seed)
        self.delays, self.exists = delays, delays > 0
        self.weight = rng.uniform(0.2, 0.6, delays.shape)
        self.inputs = (rng.random((TICKS, N_PRE)) < 0.3).astype(np.uint8)
        self.signals = rng.normal(0.3, 1.0, (TICKS, 1))
        self.teach = rng.normal(0, 1, (TICKS, N_POST)) * (rng.random((TICKS, N_POST)) < 0.2)
        self.projection = Projection(
            source="in",
            target="out",
            connectivity="dense" if dense else "sparse",
            delay_ticks=int(delays[self.exists].min()),
            plasticity=self.rules,
        )
        populations = (
            Population(name="in", size=N_PRE),
            Population(name="out", size=N_POST, neuron=target(self.rules)),
        )
        description = NetworkDescription(
            tick_s=TICK_S,
            ticks=1,
            decision="streaming",
            populations=populations,
            projections=(self.projection,),
        )
        tensors: dict[str, Any] = {"population.out.bias": np.full(N_POST, 0.05)}
        shape = slice(None) if dense else self.exists
        tensors["projection.in.out.weight"] = self.weight[shape].reshape((N_PRE, N_POST) if dense else -1)
        tensors["projection.in.out.delay"] = delays[shape].reshape(tensors["projection.in.out.weight"].shape)
        if not dense:
            tensors["projection.in.out.indptr"] = np.concatenate([[0], np.cumsum(self.exists.sum(1))])
            tensors["projection.in.out.indices"] = np.nonzero(self.exists)[1]
        self.engine = Engine(lower(description, tensors), np.float64)

    def by_engine(self) -> tuple[list[Any], Any, Any]:
        """Weights after every tick (n_pre, n_post), membranes or what else the rules observe, and spikes."""
        state = self.engine.initial_state()
        read = "expected" if isinstance(target(self.rules), NoisyLif) else "v"
        first = self.engine.field("out", read)
        weights, membranes, rasters = [], [], []
        for t in range(TICKS):
            state, raster = self.engine.tick(state, self.inputs[t], signals=self.signals[t], teach=self.teach[t])
            weights.append(self.matrix(self.engine.weights(state, self.projection.prefix)))
            membranes.append(state.values[first : first + N_POST].copy())
            rasters.append(raster)
        self.state = state
        return weights, np.array(membranes), np.array(rasters)

    def matrix(self, values: Any) -> Any:
        full = np.zeros((N_PRE, N_POST))
        full[slice(None) if values.ndim == 2 else self.exists] = values
        return full

    def by_loop(self, membranes: Any, rasters: Any) -> list[Any]:
        """The loop is given the engine's postsynaptic spikes; a delay is a loop of its own on the same spikes."""
        found = [np.zeros((N_PRE, N_POST)) for _ in range(TICKS)]
        for delay in np.unique(self.delays[self.exists]):
            own = self.delays == delay
            loop = plastic(self.rules, TICK_S, self.weight, own)
            for t in range(TICKS):
                loop.begin(self.signals[t, 0])
                arriving = np.flatnonzero(self.inputs[t - delay]).tolist() if t >= delay else []
                loop.deliver(arriving, np.zeros(N_POST))
                loop.end(membranes[t], np.flatnonzero(rasters[t]).tolist(), self.teach[t])
                found[t][own] = loop.matrix(delivered_next(loop))[own]
        return found


def same_delay(rng: Any) -> Any:
    return np.full((N_PRE, N_POST), 2)


def some_synapses(rng: Any) -> Any:
    return 2 * (rng.random((N_PRE, N_POST)) < 0.6)


def delays_that_differ(rng: Any) -> Any:
    return rng.integers(1, 5, (N_PRE, N_POST))


def some_that_differ(rng: Any) -> Any:
    return delays_that_differ(rng) * (rng.random((N_PRE, N_POST)) < 0.6)


PATTERNS = [(same_delay, True), (some_synapses, False), (delays_that_differ, True), (some_that_differ, False)]


@pytest.mark.parametrize("cls", RULES, ids=[c().rule for c in RULES])
def test_a_rule_in_the_engine_is_the_rule_in_the_loop(cls: Any) -> None:
    for pattern, dense in PATTERNS:
        case = Run(of(cls), pattern(np.random.default_rng(7)), dense)
        weights, membranes, rasters = case.by_engine()
        assert rasters.sum() > 5
        assert (np.ptp(weights, axis=0) > 0).any(), "nothing was learnt: this would compare constants"
        for t, expected in enumerate(case.by_loop(membranes, rasters)):
            np.testing.assert_array_equal(weights[t], expected, err_msg=f"tick {t}, {pattern.__name__}")


def test_two_rules_share_the_weight() -> None:
    for pattern, dense in PATTERNS:
        case = Run((PairStdp(a_plus=0.05), FAST["homeostatic_scaling"]), pattern(np.random.default_rng(7)), dense)
        weights, membranes, rasters = case.by_engine()
        for t, expected in enumerate(case.by_loop(membranes, rasters)):
            np.testing.assert_array_equal(weights[t], expected, err_msg=f"tick {t}, {pattern.__name__}")


def test_every_hook_is_some_rules() -> None:
    """Otherwise the tests above would leave a part of the engine out."""

    classes = [type(c().constants(TICK_S)) for c in RULES]
    used = {name for name in HOOKS for cls in classes if hook(cls, name) is not None}
    missing = set(HOOKS) - used - {"weight"}
    assert not missing


def once(pre: list[int], post_drive: list[int]) -> float:
    """The weight of one synapse of 0.5 after spikes that ARRIVE at ``pre`` and spikes forced at ``post_drive``."""
    populations = (
        Population(name="in", size=1),
        Population(name="force", size=1),
        Population(name="out", size=1, neuron=Lif(tau_mem_s=1e-3)),
    )
    plastic = Projection(source="in", target="out", delay_ticks=1, plasticity=(PairStdp(a_plus=0.1, a_minus=0.2),))
    forced = Projection(source="force", target="out", delay_ticks=0)
    description = NetworkDescription(tick_s=TICK_S, ticks=1, populations=populations, projections=(plastic, forced))
    tensors = {
        "population.out.bias": np.zeros(1),
        "projection.in.out.weight": np.full((1, 1), 0.5),
        "projection.force.out.weight": np.full((1, 1), 5.0),
    }
    engine = Engine(lower(description, tensors), np.float64)
    inputs = np.zeros((20, 2), np.uint8)
    inputs[np.array(pre, int) - 1, 0] = 1
    inputs[post_drive, 1] = 1
    state, raster = engine.run(engine.initial_state(), inputs)
    assert np.flatnonzero(raster).tolist() == post_drive
    return float(engine.weights(state, plastic.prefix)[0, 0])


def test_coincident_spikes_are_pre_before_post() -> None:
    """An arrival and a spike in one tick have lag 0: full potentiation, no depression."""
    assert once([5], [5]) == pytest.approx(0.6, abs=1e-15)
    assert once([5], [8]) == pytest.approx(0.5 + 0.1 * np.exp(-3 / 20), abs=1e-15)
    assert once([8], [5]) == pytest.approx(0.5 - 0.2 * np.exp(-3 / 20), abs=1e-15)


def test_a_signal_reaches_its_own_projection_alone() -> None:
    populations = (
        Population(name="a", size=1),
        Population(name="b", size=1),
        Population(name="out", size=1, neuron=Lif(tau_mem_s=1e-3)),
    )
    rule = DopamineStdp(tonic=0.0, a_plus=0.1)
    projections = tuple(Projection(source=n, target="out", delay_ticks=1, plasticity=(rule,)) for n in "ab")
    description = NetworkDescription(tick_s=TICK_S, ticks=1, populations=populations, projections=projections)
    tensors: dict[str, Any] = {"population.out.bias": np.zeros(1)}
    tensors |= {f"projection.{n}.out.weight": np.full((1, 1), 2.0) for n in "ab"}
    engine = Engine(lower(description, tensors), np.float64)
    inputs = np.zeros((30, 2), np.uint8)
    inputs[5] = 1
    signals = np.zeros((30, 2))
    signals[10, 1] = 1.0
    state, _ = engine.run(engine.initial_state(), inputs, signals=signals)
    assert engine.weights(state, projections[0].prefix)[0, 0] == 2.0
    assert engine.weights(state, projections[1].prefix)[0, 0] > 2.01


def test_teaching_reaches_its_own_population_alone() -> None:
    from snnctl.plasticity import Resume

    populations = (
        Population(name="in", size=1),
        Population(name="a", size=2, neuron=Lif(tau_mem_s=1e-3)),
        Population(name="b", size=2, neuron=Lif(tau_mem_s=1e-3)),
    )
    projections = tuple(Projection(source="in", target=n, delay_ticks=1, plasticity=(Resume(),)) for n in "ab")
    description = NetworkDescription(tick_s=TICK_S, ticks=1, populations=populations, projections=projections)
    tensors: dict[str, Any] = {f"population.{n}.bias": np.zeros(2) for n in "ab"}
    tensors |= {f"projection.in.{n}.weight": np.full((1, 2), 0.1) for n in "ab"}
    engine = Engine(lower(description, tensors), np.float64)
    teach = np.zeros((10, 4))
    teach[5, 3] = 1.0  # the second neuron of b
    inputs = np.zeros((10, 1), np.uint8)
    inputs[2] = 1
    state, _ = engine.run(engine.initial_state(), inputs, teach=teach)
    np.testing.assert_array_equal(engine.weights(state, projections[0].prefix), [[0.1, 0.1]])
    changed = engine.weights(state, projections[1].prefix)[0]
    assert changed[0] == 0.1
    assert changed[1] > 0.1


def test_modules_of_rules_have_what_the_engine_reads() -> None:
    for cls in RULES:
        module = sys.modules[cls.__module__]
        for name in ("Synapse", "Pre", "Post", "Shared"):
            assert getattr(module, name)._fields
        assert module.Synapse._fields[0] == "weight"


_BACKWARDS = """
from inspect import getclosurevars
from numba import float64
from snnctl.network import rule_calls
from snnctl.network.model_kernel import address
from snnctl.network.rules import HOOKS, hook
from snnctl.slots import RULES
classes = [type(rule().constants(1e-3)) for rule in RULES.parts.values()]
called = [{name for h in HOOKS if hook(cls, h) for name in getclosurevars(hook(cls, h)).globals} for cls in classes]
for cls in [cls for cls, names in zip(classes, called) if names & set(HOOKS)]:  # functions that call each other
    print(cls.__name__)
    for kernel, arguments in reversed(rule_calls._KERNELS):
        address(kernel, cls, arguments(float64))
"""


@pytest.mark.needs_compiler
def test_each_kernel_of_a_rule_compiles_without_the_others(tmp_path: Path) -> None:
    """The others may come from the cache: a compilation that was interrupted leaves only some of them there."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _BACKWARDS], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "RewardStdpConstants" in done.stdout


# --------------------------------------------------------------------------- weights outside the limits


def limited(cls: Any, **limits: Any) -> Any:
    """The rule with these limits, some of which have other defaults."""
    return dataclasses.replace(of(cls), **{"weight_min": None, "weight_max": None, **limits})


def given(rule: Any, weight: Any, dense: bool, dtype: Any = np.float64) -> Network:
    network = Network(1e-3, dtype=dtype)
    network.population("in", 2)
    network.population("out", 2, target(rule if isinstance(rule, tuple) else (rule,)))
    pattern = AllToAll() if dense else Explicit([0, 0, 1, 1], [0, 1, 0, 1])
    network.project("in", "out", pattern, weight=np.reshape(weight, (2, 2) if dense else 4), plasticity=rule)
    return network


@pytest.mark.parametrize("dense", [True, False], ids=["dense", "sparse"])
@pytest.mark.parametrize("cls", [c for c in RULES if hasattr(c, "weight_min")], ids=lambda c: c.__name__)
def test_first_weights_outside_the_limits_of_a_rule_are_refused(cls: Any, dense: bool) -> None:
    outside = {"weight_max": 0.5}, {"weight_min": 0.0}, {"weight_min": 0.0, "weight_max": 0.5}
    for limits, count in zip(outside, (1, 2, 3), strict=True):
        with pytest.raises(NetworkError, match=f"in.out.weight: has {count} of 4 weights outside the limits") as told:
            given(limited(cls, **limits), [0.1, 0.7, -0.2, -0.3], dense).state()
        assert len(told.value.problems) == 1
    for dtype in (np.float32, np.float64):  # at a limit is inside, whatever the limit is rounded to
        network = given(limited(cls, weight_min=0.1, weight_max=0.7), [0.1, 0.7, 0.1, 0.7], dense, dtype)
        assert network.engine.weights(network.state().engine, "projection.in.out").size == 4


def test_each_of_several_rules_has_its_limits() -> None:
    rules = (limited(PairStdp, weight_min=0.0, weight_max=1.0), limited(HomeostaticScaling, weight_max=0.2))
    with pytest.raises(NetworkError, match=r"2 of 4 .*'homeostatic_scaling', -inf to 0.2 \(the first is 0.3\)"):
        given(rules, [0.1, 0.3, 0.2, 0.4], True).state()
