"""The machines, each behind one door: what it refuses, what it runs, and what that must equal.

``MINIMUM`` is what a machine must not refuse, as data; everything else that it refuses, it refuses by its own sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl import hardware
from snnctl.agent import decision
from snnctl.agent.decision import Decision
from snnctl.coding.code import LinearReadout
from snnctl.errors import Problem
from snnctl.hardware import chip
from snnctl.hardware.chip import Chip
from snnctl.network import Program, engine
from snnctl.network.engine import Engine
from snnctl.neurons import Alif, CurrentLif, IntegrateAndFire, Lif
from snnctl.surrogate import policy
from snnctl.surrogate.derivatives import Rectangular
from snnctl.surrogate.policy import Pass, SpikingPolicy
from tests import reference
from tests.conformance.programs import CASES, CURRENT, PLAIN, SOFT, Case, Menu
from tests.hardware.programs import Tick
from tests.hardware.programs import reference as integer_reference
from tests.hardware.ticks import loihi_tick, spinnaker_tick, truenorth_tick, xylo_tick

Rasters = list[NDArray[np.uint8]]  # of every node, inputs first (decisions, ticks, n)
EVERYTHING = frozenset(CASES)


class Machine(NamedTuple):
    """One of them."""

    name: str
    refuses: Callable[[Program], list[Problem]]
    run: Callable[[Case], Rasters]
    expected: Callable[[Case], Rasters]
    minimum: frozenset[str]  # names of cases that it must not refuse
    menu: Menu  # of its random programs
    shown: bool = True  # a column of the table in docs/machines.md


def run_engine(dtype: type) -> Callable[[Case], Rasters]:
    def run(case: Case) -> Rasters:
        program = case.program
        made = Engine(program, dtype)
        state, fired = made.initial_state(), None
        rasters = []
        for given in case.inputs:
            made.begin(state, fired)
            fired, _ = made.advance(state, given)
            rasters.append(np.hstack([given, made.raster(fired)]))
        ends = np.cumsum([node.size for node in program.nodes])[:-1]
        return np.split(np.array(rasters), ends, axis=2)

    return run


def run_fused(case: Case) -> Rasters:
    program = case.program
    size = program.stages[-1].size
    readout = LinearReadout(np.ones((1, size)), np.zeros(1), None)
    tensors = {"normaliser.mean": np.zeros(1), "normaliser.std": np.ones(1)}
    made = Decision(program, tensors, 1.0, None, readout)
    rasters = []
    for given in case.inputs:
        made.decide_spikes(given)
        spikes = made.spikes()
        rasters.append([spikes[node.label] for node in program.nodes])
    return [np.array(of_node) for of_node in zip(*rasters, strict=True)]


class Given:
    """An encoder over a batch that gives the spikes of a case, and a read-out that reads nothing."""

    learnable = False
    shapes: dict[str, tuple[int, ...]] = {}  # noqa: RUF012 - of the contract

    def __init__(self, spikes: NDArray[np.uint8]) -> None:
        self.spikes = spikes.transpose(1, 0, 2)  # (ticks, decisions, n_in)

    def workspace(self, *_: Any) -> None:
        return None

    def forward(self, tensors: Any, x: Any, *rest: Any) -> None:
        if len(rest) == 3:  # the encoder's: keys, spikes, work
            rest[1][:] = self.spikes


def run_surrogate(case: Case) -> Rasters:
    """All decisions as one batch."""
    program = case.program
    given: Any = Given(case.inputs)
    made = SpikingPolicy(program, given, given, Rectangular(), dims=1, actions=1)
    passed = Pass(made, len(case.inputs))
    passed.forward(case.tensors, np.zeros((len(case.inputs), 1)), np.zeros(len(case.inputs), np.uint64))
    return [spikes.transpose(1, 0, 2).astype(np.uint8) for spikes in passed.spikes]


def plain(dtype: type) -> Callable[[Case], Rasters]:
    return lambda case: reference.decisions(case.description, case.tensors, dtype, case.inputs)


def run_chip(target: Chip, overflows: bool = False) -> Callable[[Case], Rasters]:
    """On the emulator, decision by decision; ``overflows``: bursts may saturate, as in the reference."""

    def run(case: Case) -> Rasters:
        image = hardware.fit(case.program, target).loaded()
        state, decisions = image.start(), []
        for given in case.inputs:
            state, rasters, counters = image.run(state, given)
            assert overflows or counters.overflows == 0
            decisions.append(rasters)
        return [np.array(of_node) for of_node in zip(*decisions, strict=True)]

    return run


def integers(target: Chip, tick_of: Callable[[Any], Tick]) -> Callable[[Case], Rasters]:
    """The integer network that the chip holds, neuron by neuron in plain Python."""

    def expected(case: Case) -> Rasters:
        program = case.program
        image = hardware.fit(program, target).loaded()
        count, ticks, width = case.inputs.shape
        if program.decision == "streaming":
            whole = integer_reference(program, case.inputs.reshape(count * ticks, width), tick_of(image))
            return [raster.reshape(count, ticks, -1) for raster in whole]
        decisions = [integer_reference(program, given, tick_of(image)) for given in case.inputs]
        return [np.array(of_node) for of_node in zip(*decisions, strict=True)]

    return expected


def chip_refuses(target: Chip) -> Callable[[Program], list[Problem]]:
    """Features that the family lacks, then rules that the network breaks."""
    return lambda program: list(hardware.fit(program, target).problems)


ON_CHIPS = frozenset(  # of every chip with current-based neurons, recurrence and delays
    {
        "chain of current_lif",
        "chain of lif",
        "two models in one chain",
        "refractory ticks",
        "bias of each neuron",
        "threshold of each neuron",
        "branching",
        "skip",
        "skip over two stages",
        "recurrent",
        "feedback over two stages",
        "delay of a projection",
        "delay of each synapse",
        "sparse",
        "sparse with delays",
        "several inputs",
        "streaming chain",
        "streaming, recurrent",
        "streaming, sparse, delays",
    }
)
CHIP_MENU = Menu(
    (CURRENT, PLAIN, CurrentLif(tau_mem_s=4e-3, tau_syn_s=0.0, refractory_ticks=1)),
    ("chain", "branching", "recurrent"),
    ("dense", "sparse"),
    ("none", "projection", "synapse"),
    ("reset", "streaming"),
    ("", "", "", "v_threshold", "tau_mem_s"),
    (1, 2),
)
SOFT_CASES = frozenset(name for name in CASES if name.startswith("soft reset of all"))
COUNTING_CASES = frozenset(name for name in CASES if name.startswith("integrate-and-fire"))
ALL_SHAPES = ("chain", "branching", "recurrent")
MACHINES = (
    *(
        Machine(
            "float engine" if dtype is np.float32 else "float engine, float64",
            engine.refuses,
            run_engine(dtype),
            plain(dtype),
            EVERYTHING,
            Menu(
                (CURRENT, PLAIN, IntegrateAndFire(), Alif(tau_mem_s=1e-2, tau_adapt_s=5e-2, beta=0.2)),
                ALL_SHAPES,
                ("dense", "sparse"),
                ("none", "projection", "synapse"),
                ("reset", "streaming"),
                ("", "v_threshold"),
                (1, 2),
            ),
            shown=dtype is np.float32,
        )
        for dtype in (np.float32, np.float64)
    ),
    Machine(
        "fused decision",
        decision.refuses,
        run_fused,
        plain(np.float32),
        frozenset(
            {
                "chain of current_lif",
                "chain of lif",
                "two models in one chain",
                "soft reset",
                "soft reset of all",
                "reset to another value than 0",
                "refractory ticks",
                "bias of each neuron",
            }
        ),
        Menu(
            (
                CURRENT,
                PLAIN,
                Lif(tau_mem_s=4e-3, reset="subtract"),
                CurrentLif(tau_mem_s=4e-3, tau_syn_s=0.0, refractory_ticks=1),
            ),
            ("chain", "chain", "chain", "branching"),
            delays=("none", "none", "none", "projection"),
        ),
    ),
    Machine(
        "surrogate training",
        policy.refuses,
        run_surrogate,
        plain(np.float32),
        frozenset(
            {
                "chain of current_lif",
                "chain of lif",
                "two models in one chain",
                "soft reset",
                "soft reset of all",
                "reset to another value than 0",
                "bias of each neuron",
                "branching",
                "skip",
                "skip over two stages",
            }
        ),
        Menu(
            (CURRENT, PLAIN, Lif(tau_mem_s=4e-3, reset="subtract")),
            ("chain", "branching", "branching", "branching", "recurrent"),
            connectivity=("dense",) * 30 + ("sparse",),
        ),
    ),
    *(
        Machine(name, chip_refuses(target), run_chip(target), integers(target, tick_of), minimum, CHIP_MENU)
        for name, target, tick_of, minimum in (
            ("Loihi 1", chip.load("loihi1"), loihi_tick, ON_CHIPS),
            (
                "SpiNNaker 1",
                chip.load("spinnaker1"),
                spinnaker_tick,
                ON_CHIPS | {"reset to another value than 0"},
            ),
        )
    ),
    Machine(
        "TrueNorth",
        chip_refuses(chip.load("truenorth")),
        run_chip(chip.load("truenorth")),
        integers(chip.load("truenorth"), truenorth_tick),
        COUNTING_CASES,
        Menu(
            (
                IntegrateAndFire(),
                IntegrateAndFire(reset="value"),
                IntegrateAndFire(v_initial=0.5, spike_at_threshold=True),
            ),
            ALL_SHAPES,
            ("dense", "sparse"),
            ("none", "projection"),
            varied=("", "v_threshold"),
            inputs=(1, 2),
        ),
    ),
    Machine(
        "Xylo",
        chip_refuses(chip.load("xylo")),
        run_chip(chip.load("xylo"), overflows=True),
        integers(chip.load("xylo"), xylo_tick),
        SOFT_CASES,
        Menu(
            (SOFT,),
            ("chain",),
            ("dense", "sparse"),
            decisions=("reset", "streaming"),
            varied=("", "v_threshold"),
            inputs=(1, 2),
        ),
    ),
)
