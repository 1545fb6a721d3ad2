"""What cannot be run is refused with one error that names the population or projection and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnctl.errors import DivergedError, NetworkError
from snnctl.network import (
    AllToAll,
    Explicit,
    FixedInDegree,
    FixedProbability,
    Network,
    OneToOne,
    Projection,
    SpikeArray,
    Uniform,
)
from snnctl.network.connection import Convolution
from snnctl.neurons import AdEx, CobaLif, CubaLif, HodgkinHuxley, Izhikevich, Lif, Poisson
from snnctl.neurons.currents import ArrayCurrent, OrnsteinUhlenbeck, Step
from snnctl.plasticity import DopamineStdp, Eprop, HomeostaticScaling, PairStdp, Resume, RewardStdp
from tests.network.small_networks import (
    INF,
    LIF,
    NAN,
    alone,
    first,
    injected,
    learning,
    listening,
    pair,
    ran,
    recorded,
    signalled_later,
)

POPULATIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "a negative time constant": (
        lambda: ran(alone(Lif(tau_mem_s=-1.0))),
        "population.cells.tau_mem_s: .*greater than 0",
    ),
    "a time constant of zero": (lambda: ran(alone(Lif(tau_mem_s=0.0))), "population.cells.tau_mem_s: .*greater than 0"),
    "a time constant of nan": (lambda: ran(alone(Lif(tau_mem_s=NAN))), "population.cells.tau_mem_s: .*finite"),
    "an infinite one": (lambda: ran(alone(Lif(tau_mem_s=INF))), "population.cells.tau_mem_s: .*finite"),
    "a bad one of one neuron": (lambda: ran(alone(tau_mem_s=[1e-2, -1.0])), "population.cells.tau_mem_s: .*-1"),
    "a threshold of nan": (lambda: ran(alone(Lif(tau_mem_s=1e-2, v_threshold=NAN))), "population.cells.v_threshold: "),
    "an unknown scheme": (lambda: ran(alone(Izhikevich(scheme="new"))), "population.cells.scheme: .*euler"),  # type: ignore[arg-type]
    "an unknown parameter": (lambda: ran(alone(tau_men_s=[0.1, 0.2])), "population.cells.tau_men_s: .*'tau_mem_s'"),
    "parameters of another size": (lambda: ran(alone(tau_mem_s=[0.1] * 3)), r"population.cells.tau_mem_s: .*\(3,\)"),
    "a bias of nan": (lambda: alone(bias=NAN), "population.cells.bias: .*not finite"),
    "an infinite bias": (lambda: alone(bias=[0.0, INF]), "population.cells.bias: .*1 values .*not finite"),
    "a bias of another size": (lambda: alone(bias=[1, 2, 3]), r"population.cells.bias: .*\(3,\)"),
    "a bias of words": (lambda: alone(bias="large"), "population.cells.bias: .*'large'"),
    "an initial value of nan": (lambda: alone(initial={"v": NAN}), "population.cells.initial.v: .*not finite"),
    "an unknown field": (lambda: ran(alone(initial={"w": 0.0})), "population.cells: has no field 'w'"),
    "a class as a model": (lambda: ran(alone(Lif)), "population.cells.neuron"),
    "a number as a model": (lambda: ran(alone(42)), "population.cells.neuron"),
    "no neurons": (lambda: Network(tick_s=1e-3).population("cells", 0, LIF), "population.cells.size: .*0"),
    "half a neuron": (lambda: Network(tick_s=1e-3).population("cells", 1.5, LIF), "population.cells.size: .*1.5"),  # type: ignore[arg-type]
    "a name twice": (lambda: alone().population("cells", 2), "population.cells: exists"),
    "no name": (lambda: alone().population("", 2), "population: .*''"),
    "a name with a dot": (lambda: alone().population("a.b", 2), "population: .*'a.b'"),
    "a bias of inputs": (lambda: alone(None, bias=1.0), "population.cells: .*no bias"),
    "parameters of inputs": (lambda: alone(None, tau_mem_s=[1, 2]), "population.cells: .*no parameters"),
    "spikes of nobody": (lambda: alone(SpikeArray([0.1], [5])), "population.cells.neurons: .*between 0 and 1"),
    "spikes of half a neuron": (lambda: alone(SpikeArray([0.1], [0.5])), "population.cells.neurons: .*whole"),
    "spikes before the start": (lambda: alone(SpikeArray([-0.1], [0])), "population.cells.times_s: .*negative"),
    "spikes at nan": (lambda: alone(SpikeArray([NAN], [0])), "population.cells.times_s: .*finite"),
    "spikes without neurons": (lambda: alone(SpikeArray([0.1, 0.2], [0])), "population.cells: .*times for"),
    "spnet at another tick": (lambda: ran(pair(Izhikevich(scheme="spnet"), 5e-4)), "population.cells: .*1 ms"),
    "Euler beyond its stability": (
        lambda: ran(pair(CobaLif(scheme="euler", tau_excitatory_s=1.0, tau_inhibitory_s=1.0, refractory_s=0.0), 45e-3)),
        "population.cells: .*stable for a tick_s below",
    ),
    "steps that are too long": (lambda: ran(pair(AdEx())), "population.cells: .*substeps"),
    "one bad neuron at this tick": (
        lambda: ran(alone(CobaLif(scheme="euler"), tau_excitatory_s=[5e-3, 1e-4])),
        "population.cells: tau_excitatory_s",
    ),
    "current for an input": (lambda: pair().inject("noise", Step(amplitude=1.0)), "population.noise: .*no current"),
    "current for nobody": (lambda: pair().inject("cels", Step(amplitude=1.0)), "population: 'cels' .*'cells'"),
    "a number as a current": (lambda: injected(3.0), "population.cells.current: .*Step"),
    "noise of another size": (
        lambda: injected(OrnsteinUhlenbeck(mean=(1.0, 2.0, 3.0), deviation=1.0, tau_s=0.1)),
        "population.cells.current: mean has 3",
    ),
    "samples of another size": (lambda: injected(ArrayCurrent(np.zeros((4, 5)))), "population.cells.current: .*5"),
    "amplitudes of another size": (lambda: injected(Step(amplitude=(1.0, 2.0, 3.0))), "population.cells.current: .*3"),
}

PROJECTIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "a weight of nan": (lambda: pair(weight=NAN), "projection.noise.cells.weight: .*not finite"),
    "one infinite weight": (
        lambda: pair(weight=[[1, 2], [3, INF], [5, 6]]),
        "projection.noise.cells.weight: .*1 values",
    ),
    "weights of another shape": (lambda: pair(weight=np.ones((2, 3))), r"projection.noise.cells.weight: .*\(2, 3\)"),
    "weights of words": (lambda: pair(weight="x"), "projection.noise.cells.weight: .*'x'"),
    "a draw of another size": (lambda: pair(weight=lambda g, n: np.ones(n + 1)), "projection.noise.cells.weight: .*6"),
    "a class as a distribution": (lambda: pair(weight=Uniform), "projection.noise.cells.weight: is neither a number"),
    "a negative delay": (lambda: pair(delay_s=-1e-3), "projection.noise.cells.delay_s: is negative"),
    "a delay over the limit": (lambda: pair(delay_s=100.0), "projection.noise.cells.delay_s: .*65535 ticks"),
    "one such delay": (lambda: pair(delay_s=[[1e-3, 100.0]] * 3), "projection.noise.cells.delay_s: .*65535 ticks"),
    "a delay beyond integers": (lambda: pair(delay_s=1e300), "projection.noise.cells.delay_s: .*65535 ticks"),
    "a delay of nan": (lambda: pair(delay_s=NAN), "projection.noise.cells.delay_s: .*not finite"),
    "a delay that vanishes": (lambda: pair(delay_s=1e-4), "projection.noise.cells.delay_s: vanishes"),
    "an unknown receptor": (lambda: ran(pair(receptor="gaba")), "receptor: .*'cells': 'gaba'; it has input"),
    "one of several": (lambda: ran(pair(CubaLif(), receptor="gaba")), "'gaba'; it has excitatory, inhibitory"),
    "onto a source": (lambda: ran(pair(Poisson(rate_hz=1.0))), "cells.target: 'cells' is a source .poisson.*no effect"),
    "onto a source, sparse": (
        lambda: ran(pair(Poisson(rate_hz=1.0), connectivity=FixedProbability(0.5))),
        "projection.noise.cells.target: 'cells' is a source .poisson",
    ),
    "onto a source, plastic": (
        lambda: ran(pair(Poisson(rate_hz=1.0), plasticity=PairStdp())),
        "projection.noise.cells.target: 'cells' is a source .poisson",
    ),
    "a convolution onto a source": (
        lambda: ran(
            pair(Poisson(rate_hz=1.0), connectivity=Convolution(shape=(1, 1, 3), channels=1, kernel=(1, 2)), weight=1.0)
        ),
        "projection.noise.cells.target: 'cells' is a source .poisson",
    ),
    "onto given times": (
        lambda: (n := pair(SpikeArray([0.1], [0]))).population("late", 1, LIF) and ran(n),
        "projection.noise.cells.target: 'cells' is an input; inputs take no synapses; name another",
    ),
    "onto given spikes": (
        lambda: (n := pair()).project("cells", "noise", weight=1.0) and ran(n),
        "projection.cells.noise.target: 'noise' is an input; inputs take no synapses; name another",
    ),
    "an unknown population": (lambda: pair().project("noise", "cels", weight=1.0), "'cels' .*did you mean 'cells'"),
    "nothing as a population": (lambda: pair().project("noise", None, weight=1.0), "population: 'None'"),  # type: ignore[arg-type]
    "a list as a population": (lambda: pair().project("noise", ["cells"], weight=1.0), "population: "),  # type: ignore[arg-type]
    "the same twice": (lambda: pair().project("noise", "cells", weight=1.0), "projection.noise.cells: exists"),
    "a word as a pattern": (lambda: pair(connectivity="all"), "projection.noise.cells.connectivity: .*'all'"),
    "a class as a pattern": (lambda: pair(connectivity=AllToAll), "projection.noise.cells.connectivity: "),
    "a probability of 2": (lambda: FixedProbability(2.0), "FixedProbability.p: is 2"),
    "a probability of nan": (lambda: FixedProbability(NAN), "FixedProbability.p: is nan"),
    "more sources than there are": (
        lambda: pair(connectivity=FixedInDegree(9)),
        "cells.connectivity: .*between 0 and 3",
    ),
    "half a source": (lambda: pair(connectivity=FixedInDegree(1.5)), "cells.connectivity: .*1.5"),  # type: ignore[arg-type]
    "one to one of unequal sizes": (lambda: pair(connectivity=OneToOne()), "cells.connectivity: .*3 and 2"),
    "sources that do not exist": (lambda: pair(connectivity=Explicit([0, 7], [0, 1])), "Explicit.sources .*0 and 2"),
    "negative targets": (lambda: pair(connectivity=Explicit([0], [-1])), "Explicit.targets .*0 and 1"),
    "lists of unequal length": (lambda: pair(connectivity=Explicit([0], [0, 1])), "cells.connectivity: .*equal length"),
    "halves of neurons": (lambda: pair(connectivity=Explicit([0.5], [0])), "Explicit.sources: must be whole"),
    "weights for other pairs": (
        lambda: pair(connectivity=Explicit([0, 1], [0, 1]), weight=[1, 2, 3]),
        r"projection.noise.cells.weight: .*\(3,\)",
    ),
    "a number as a rule": (lambda: ran(pair(plasticity=42)), "projection.noise.cells.plasticity"),
    "a class as a rule": (lambda: ran(pair(plasticity=PairStdp)), "projection.noise.cells.plasticity"),
    "a rule that the tick breaks": (
        lambda: ran(pair(plasticity=HomeostaticScaling(every_s=1e-5))),
        "projection.noise.cells.plasticity.homeostatic_scaling: every_s",
    ),
}

RUNS: dict[str, tuple[Callable[[], Any], str]] = {
    "a tick of 0": (lambda: Network(tick_s=0.0), "tick_s: is 0"),
    "a tick of nan": (lambda: Network(tick_s=NAN), "tick_s: is nan"),
    "a tick of words": (lambda: Network(tick_s="soon"), "tick_s: .*'soon'"),  # type: ignore[arg-type]
    "integers": (lambda: Network(tick_s=1e-3, dtype=np.int32), "dtype: .*float64 or float32"),
    "a negative seed": (lambda: Network(tick_s=1e-3, seed=-1), "seed: is -1"),
    "an empty network": (lambda: Network(tick_s=1e-3).run(0.01), "populations: must end"),
    "only inputs": (lambda: ran(alone(None)), "populations: must end"),
    "no whole number of ticks": (lambda: pair().run(0.0015), "duration_s: is 0.0015, no whole number of ticks"),
    "a negative duration": (lambda: pair().run(-1.0), "duration_s: is -1"),
    "a duration of nan": (lambda: pair().run(NAN), "duration_s: is nan"),
    "an infinite duration": (lambda: pair().run(INF), "duration_s: is inf"),
    "a duration of words": (lambda: pair().run("1 s"), "duration_s: .*'1 s'"),  # type: ignore[arg-type]
    "numbers as spikes": (lambda: ran(pair(), spikes={"noise": np.full((4, 3), 0.5)}), "spikes.noise: .*12 .*0 nor 1"),
    "spikes of nan": (lambda: ran(pair(), spikes={"noise": np.full((4, 3), NAN)}), "spikes.noise: .*not finite"),
    "spikes of another shape": (lambda: ran(pair(), spikes={"noise": np.ones((5, 3))}), r"spikes.noise: .*\(4, 3\)"),
    "words as spikes": (lambda: ran(pair(), spikes={"noise": "x"}), "spikes.noise: .*'x'"),
    "spikes without a name": (lambda: ran(pair(), spikes=np.ones((4, 3))), "spikes: .*mapping"),
    "spikes into a model": (lambda: ran(pair(), spikes={"cells": np.ones((4, 2))}), "spikes.cells: .*without a model"),
    "spikes of nobody": (lambda: ran(pair(), spikes={"nois": np.ones((4, 3))}), "spikes.nois: .*'noise'"),
    "a step of another size": (lambda: pair().step(spikes={"noise": np.ones(4)}), r"spikes.noise: .*\(1, 3\)"),
    "currents of another shape": (
        lambda: ran(pair(), currents={"cells": np.ones((4, 5))}),
        r"currents.cells: .*\(4, 2\)",
    ),
    "a current of nan": (lambda: ran(pair(), currents={"cells": NAN}), "currents.cells: .*not finite"),
    "currents into inputs": (lambda: ran(pair(), currents={"noise": 1.0}), "currents.noise: .*no neuron model"),
    "teaching of another shape": (
        lambda: ran(learning(Resume()), teach={"cells": np.ones((3, 2))}),
        r"teach.cells: .*\(4, 2\)",
    ),
    "teaching of nan": (lambda: ran(learning(Resume()), teach={"cells": NAN}), "teach.cells: .*not finite"),
    "teaching without a teacher": (
        lambda: ran(learning(DopamineStdp()), teach={"cells": 1.0}),
        r"teach.cells: .*Resume",
    ),
    "teaching of static synapses": (lambda: pair().step(teach={"cells": np.ones(2)}), "teach.cells: .*no rule"),
    "a signal of another length": (lambda: ran(learning(DopamineStdp()), signal=np.ones(3)), r"signal.*\(3,\)"),
    "a signal of nan": (lambda: ran(learning(DopamineStdp()), signal=NAN), "signal.projection.noise.cells: .*finite"),
    "a signal of words": (lambda: ran(learning(DopamineStdp()), signal="x"), "signal.projection.noise.cells: .*'x'"),
    "a signal to nobody": (
        lambda: ran(learning(DopamineStdp()), signal={"projection.noise.cels": 1.0}),
        "signal.projection.noise.cels: .*'projection.noise.cells'",
    ),
    "records of nobody": (lambda: pair().record("cells", "v", neurons=[5]), "cells.neurons: .*between 0 and 1"),
    "records of half a neuron": (lambda: pair().record("cells", "v", neurons=[0.5]), "cells.neurons: .*whole"),
    "records of an unknown field": (lambda: recorded(pair(), "cells", "w"), "population.cells: has no field 'w'"),
    "records of an input's membrane": (lambda: recorded(pair(), "noise", "v"), "population.noise: has no field 'v'"),
    "records of fixed weights": (lambda: (n := pair()).record(first(n), "weight", every_s=0.01), "can be recorded if"),
    "records of no field of a synapse": (
        lambda: recorded(n := learning(), first(n), "wait", every_s=1e-3),
        "projection.noise.cells: .*'wait'",
    ),
    "records of foreign synapses": (
        lambda: pair().record(Projection(source="x", target="y", plasticity=(PairStdp(),)), "weight", every_s=0.1),
        "projection.x.y: is not a projection",
    ),
    "a negative interval": (lambda: pair().record("cells", "v", every_s=-1.0), "cells.every_s: is -1"),
    "an interval of nan": (lambda: pair().record("cells", "v", every_s=NAN), "cells.every_s: is nan"),
    "what was not recorded": (lambda: pair().trace("cells", "v"), "cells.v: was not recorded"),
    "a field that is not": (lambda: pair().read("cells", "x"), "population.cells: has no field 'x'"),
    "foreign weights": (
        lambda: pair().weights(Projection(source="x", target="y")),
        "projection.x.y: is not a projection",
    ),
    "a population that comes late": (lambda: ran(pair()).population("late", 1), "network: runs already"),
}

KINDS = (("population", POPULATIONS), ("projection", PROJECTIONS), ("run", RUNS))
CASES = [(f"{kind}: {name}", *case) for kind, cases in KINDS for name, case in cases.items()]


@pytest.mark.parametrize(("build", "message"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_is_refused_in_one_line_that_says_where(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(NetworkError, match=message) as caught:
        build()
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


# --------------------------------------------------------------------------- what is odd, but sound


def test_a_population_that_nothing_drives_runs() -> None:
    network = alone(bias=0.2)
    network.record("cells")
    ran(network, 20)
    assert network.spikes("cells").neurons.size > 0


def test_no_ticks_are_no_time() -> None:
    network = ran(pair(), 0)
    assert network.tick == 0


def test_a_refused_call_leaves_the_network_as_it_was() -> None:
    network, twin = (ran(learning(), spikes={"noise": 1}) for _ in range(2))
    for given in ({"spikes": {"noise": 0.5}}, {"currents": {"cells": NAN}}, {"teach": {"cells": np.ones(7)}}):
        with pytest.raises(NetworkError):
            network.run(4e-3, **given)  # type: ignore[arg-type]
    for left, right in zip(ran(network).state().engine, ran(twin).state().engine, strict=True):
        assert left.tobytes() == right.tobytes()


# --------------------------------------------------------------------------- rules that need a membrane


def test_a_rule_that_reads_a_membrane_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model of the package calls its membrane v; a user's may have none."""
    from snnctl.neurons import lif

    class NoMembrane(lif.LifState):
        _fields = ("x", "silent")

    monkeypatch.setattr("snnctl.network.layout.state_of", lambda cls: NoMembrane)
    with pytest.raises(
        NetworkError, match=r"projection.noise.cells.plasticity: 'eprop' reads a membrane; 'cells' has no v"
    ):
        ran(pair(plasticity=Eprop()))


def test_a_model_that_leaves_its_stable_range_is_named_instead_of_going_silent() -> None:
    net = Network(25e-6)
    cells = net.population("axons", 2, HodgkinHuxley(scheme="rk4"))
    net.record(cells)
    with pytest.raises(
        DivergedError, match=r"population.axons.v: of neuron 1 stopped being a finite number in ticks 0"
    ):
        net.run(0.02, currents={"axons": np.array([0.0, -1e4])})


def test_negative_conductances_are_refused() -> None:
    net = Network(1e-3)
    source = net.population("source", 2)
    net.project(source, net.population("cells", 2, CobaLif()), weight=np.array([[1.0, -1.0], [2.0, 0.0]]))
    with pytest.raises(NetworkError, match=r"projection.source.cells.weight: has 1 negative conductances.*receptor="):
        net.run(1e-3)


def test_a_mask_is_no_list_of_neurons() -> None:
    net = Network(1e-3)
    cells = net.population("cells", 2, Lif(tau_mem_s=1e-2))
    with pytest.raises(NetworkError, match=r"cells.neurons: is a mask of booleans.*flatnonzero"):
        net.record(cells, "v", neurons=np.array([True, False]))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tau_s": -1e-2, "deviation": 1.0}, "tau_s is -0.01"),
        ({"tau_s": 0.0, "deviation": 1.0}, "tau_s is 0"),
        ({"tau_s": float("nan"), "deviation": 1.0}, "tau_s is nan"),
        ({"tau_s": "5ms", "deviation": 1.0}, "tau_s is '5ms'"),
        ({"tau_s": 1e-2, "deviation": -1.0}, "deviation is -1.0"),
        ({"tau_s": 1e-2, "deviation": [1.0, 1.0]}, "deviation is"),
        ({"tau_s": 1e-2, "deviation": 1.0, "start": [1.0, 2.0]}, "start is"),
    ],
)
def test_noise_that_is_none_is_refused_by_the_name_of_its_parameter(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        OrnsteinUhlenbeck(**given)


def test_times_of_currents_are_numbers() -> None:
    with pytest.raises(ValueError, match="start_s is nan"):
        Step(amplitude=1.0, start_s=float("nan"))
    with pytest.raises(ValueError, match="stop_s is '1ms'"):
        Step(amplitude=1.0, stop_s="1ms")  # type: ignore[arg-type]


def test_an_array_in_the_model_says_where_arrays_go() -> None:
    net = Network(1e-3)
    net.population("cells", 2, CubaLif(tau_mem_s=np.array([0.01, 0.02])))  # type: ignore[arg-type]
    with pytest.raises(
        NetworkError, match=r"population.cells.tau_mem_s: .*expected one number.*population\(\.\.\., name="
    ):
        net.run(1e-3)


def test_a_probability_of_next_to_nothing_ends() -> None:
    assert FixedProbability(1e-300).pairs(20, 20, np.random.default_rng(0))[1].size == 0


NO_MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "a class of models": (lambda: alone(Lif), r"population.cells.neuron: is the class Lif; give an instance, Lif"),
    "a rule for a model": (lambda: alone(PairStdp()), "population.cells.neuron: is a plasticity rule: PairStdp"),
    "a number for a model": (
        lambda: alone(3),
        "population.cells.neuron: is not a neuron model: 3; give one such as Lif",
    ),
    "a model for a rule": (lambda: learning(LIF), "projection.noise.cells.plasticity: is a neuron model: Lif"),
    "a class of rules": (lambda: learning(PairStdp), "projection.noise.cells.plasticity: is the class PairStdp"),
    "a number for the initial state": (lambda: alone(initial=3), "population.cells.initial: is 3; give a mapping"),
    "no number": (lambda: alone(bias=None), "population.cells.bias: is neither a number nor an array of numbers: None"),
    "a truth for a number of sources": (
        lambda: pair(connectivity=FixedInDegree(True)),
        "FixedInDegree needs a whole k between 0 and 3, got True",
    ),
    "an interval between two ticks": (
        lambda: recorded(pair(), "cells", "v", every_s=1.5e-3),
        "cells.every_s: is 0.0015, no whole number of ticks of 0.001 s",
    ),
    "a rule that may make conductances negative": (
        lambda: ran(pair(CobaLif(), plasticity=PairStdp(weight_min=None))),
        "projection.noise.cells.plasticity.weight_min: is None where weights are conductances; give 0 or more",
    ),
    "a signal for nobody": (
        lambda: ran(pair(), signal=1.0),
        "signal: is given, but no projection has a rule that reads it; give one .*DopamineStdp",
    ),
    "a signal for rules that read none": (
        lambda: ran(pair(plasticity=(PairStdp(weight_min=0.0), Eprop())), signal=1.0),
        "signal: is given, but no projection has a rule that reads it",
    ),
    "a signal for a rule that does not read it": (
        lambda: ran(listening(), signal={"projection.noise.cells": 1.0, "projection.cells.cells": 1.0}),
        "signal.projection.cells.cells: goes to a rule that does not read it",
    ),
    "a time constant of a rule": (
        lambda: ran(learning(PairStdp(tau_pre_s=-0.02))),
        "projection.noise.cells.plasticity.pair_stdp.tau_pre_s: .*greater than 0, got -0.02",
    ),
    "a scheme of a rule": (
        lambda: ran(learning(DopamineStdp(scheme="exakt"))),  # type: ignore[arg-type]
        "plasticity.dopamine_stdp.scheme: .*'exact', 'euler' or 'daspnet', got 'exakt'",
    ),
    "a pairing of a rule": (
        lambda: ran(learning(PairStdp(pairing="neareast"))),  # type: ignore[arg-type]
        "plasticity.pair_stdp.pairing: .*got 'neareast'",
    ),
    "a rate of a rule that is nan": (
        lambda: ran(learning(Resume(learning_rate=NAN))),
        "plasticity.resume.learning_rate: .*finite",
    ),
    "folds that cost all digits": (
        lambda: ran(learning(RewardStdp(fold_s=0.7))),
        "plasticity.reward_stdp: fold_s: folds are 0.7 s apart .* ten times tau_pre_s",
    ),
    "a field that is not there": (lambda: pair().record("cells", "vv"), "population.cells: has no field 'vv'"),
    "a synaptic field that is not there": (
        lambda: learning().record("projection.noise.cells", "weigt", every_s=1e-3),
        "projection.noise.cells: has no field 'weigt'; did you mean 'weight'",
    ),
    "weights of nothing": (
        lambda: pair().weights("projection.noise.cels"),
        "projection.noise.cels: is not a projection; did you mean 'projection.noise.cells'",
    ),
    "a signal for nobody in a later step": (lambda: signalled_later(pair()), "signal: is given, but no projection"),
}


@pytest.mark.parametrize(("use", "message"), NO_MODELS.values(), ids=NO_MODELS.keys())
def test_what_is_no_model_or_for_nobody_is_refused(use: Callable[[], Any], message: str) -> None:
    with pytest.raises(NetworkError, match=message) as caught:
        use()
    assert len(caught.value.problems) == 1


def test_a_refused_recording_is_not_kept() -> None:
    network = learning()
    projection = first(network)
    for _ in range(2):  # before and after the first tick
        with pytest.raises(NetworkError, match="has no field 'vv'"):
            network.record("cells", "vv")
        with pytest.raises(NetworkError, match="has no field 'weigt'; did you mean 'weight'"):
            network.record(projection, "weigt", every_s=1e-3)
        ran(network)


def test_populations_and_projections_stand_for_their_names() -> None:
    by_object, by_name = learning(DopamineStdp()), learning(DopamineStdp())
    noise, cells, prefix = *by_object.description.populations, "projection.noise.cells"
    spikes = np.ones((4, 3), np.uint8)
    ran(by_object, spikes={noise: spikes}, currents={cells: 0.5}, signal={first(by_object): 0.1})
    ran(by_name, spikes={"noise": spikes}, currents={"cells": 0.5}, signal={prefix: 0.1})
    for _ in range(3):  # the second one is compiled
        by_object.step(spikes={noise: spikes[0]}, currents={cells: np.ones(2)})
        by_name.step(spikes={"noise": spikes[0]}, currents={"cells": np.ones(2)})
    np.testing.assert_array_equal(by_object.weights(prefix), by_name.weights(first(by_name)))
    np.testing.assert_array_equal(by_object.read(cells), by_name.read("cells"))


@pytest.mark.needs_compiler
def test_later_steps_refuse_what_the_first_one_does() -> None:
    network = learning(DopamineStdp())
    network.step()
    network.step()
    with pytest.raises(NetworkError, match="neither 0 nor 1"):
        network.step(spikes={"noise": np.array([257, 0, 0], np.uint16)})
    with pytest.raises(NetworkError, match="signal"):
        network.step(signal=10**400)


def test_errors_of_the_whole_network_name_the_projection() -> None:
    with pytest.raises(NetworkError, match=r"^projection.noise.cells.gaba.receptor: names no receptor of 'cells'"):
        ran(pair(receptor="gaba"))
    network = alone()
    network.project("cells", "cells", weight=0.1, delay_s=0.0)
    with pytest.raises(NetworkError, match=r"^projections: have a cycle without delay: cells -> cells"):
        ran(network)


@pytest.mark.needs_compiler
def test_steps_notice_a_state_that_is_not_finite() -> None:
    network = Network(25e-6)
    network.population("axons", 2, HodgkinHuxley(scheme="rk4"))
    network.step()
    network.step()
    assert network._stepper is not None
    with pytest.raises(DivergedError, match=r"population.axons.v: of neuron 1 stopped being a finite number in ticks"):
        for _ in range(100):
            network.step(currents={"axons": np.array([0.0, -1e4])})
