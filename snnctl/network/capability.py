"""What a machine can run of the language, as data, and its refusal of the rest, one sentence a reason.

Every machine has one :class:`Capability` and says ``refuses(program) = CAPABILITY.refuses(program)``: from the
structure alone. What depends on numbers or on limits of size is found when it compiles. ``docs/machines.md`` prints the
table of all of them from what the conformance suite found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from snnctl.errors import Problem
from snnctl.network.program import Program, Stage
from snnctl.slots import NEURONS, RULES

ALL: tuple[str, ...] = ("*",)


class Capability(NamedTuple):
    """Which values of each feature of the language a machine takes; :data:`ALL` where it takes every one.

    The field names are the rows of the table of machines.
    """

    machine: str  # what sentences call it
    neurons: tuple[str, ...] = ALL  # names of models
    resets: tuple[str, ...] = ALL  # "value", "subtract"
    reset_value: tuple[str, ...] = ALL  # "zero", "other": what a membrane is set to after a spike
    refractory: tuple[str, ...] = ALL  # "none", "ticks"
    parameters: tuple[str, ...] = ALL  # parameters that may differ from neuron to neuron, besides the bias
    initial: tuple[str, ...] = ALL  # "rest", "given": state before the first tick
    connectivity: tuple[str, ...] = ALL  # "dense", "sparse", "convolution"
    shape: tuple[str, ...] = ALL  # "chain", "branching", "recurrent"
    delays: tuple[str, ...] = ALL  # of a reset decision: "none", "projection" (one for all synapses), "synapse"
    decisions: tuple[str, ...] = ALL  # "reset", "streaming", "carry"
    plasticity: tuple[str, ...] = ALL  # "none", "rules"
    inputs: tuple[str, ...] = ALL  # "spikes", "analog"
    readouts: tuple[str, ...] = ALL  # "spikes", "membranes"
    populations: tuple[str, ...] = ALL  # of inputs: "one", "several"

    def refuses(self, program: Program) -> list[Problem]:
        """Why the machine cannot run the program; empty when it can."""
        found: list[Problem] = []
        for feature, read in FEATURES.items():
            allowed = getattr(self, feature)
            if allowed == ALL:
                continue
            for where, value in read(program):
                if value not in allowed:
                    found.append(Problem(where, f"{self.machine} {SENTENCES[feature].format(value)}", _remedy(allowed)))
        return list(dict.fromkeys(found))


Values = list[tuple[str, str]]  # where a feature is used, and its value there


def _neurons(program: Program) -> Values:
    return [(f"population.{s.label}.neuron", NEURONS.name_of(s.neuron)) for s in program.stages]


def _of_neurons(field: str, value_of: Callable[[Any], str]) -> Callable[[Program], Values]:
    def read(program: Program) -> Values:
        return [
            (f"population.{s.label}.{field}", value_of(getattr(s.neuron, field)))
            for s in program.stages
            if hasattr(s.neuron, field)
        ]

    return read


def _reset_values(program: Program) -> Values:
    by_value = [s for s in program.stages if getattr(s.neuron, "reset", "value") == "value"]
    return [
        (f"population.{s.label}.v_reset", "zero" if s.neuron.v_reset == 0 else "other")
        for s in by_value
        if hasattr(s.neuron, "v_reset")
    ]


def _parameters(program: Program) -> Values:
    return [(tensor.name, field) for s in program.stages for field, tensor in s.parameters.items()]


def _initial(program: Program) -> Values:
    return [(_first(s), "given" if s.initial else "rest") for s in program.stages]


def _first(stage: Stage) -> str:
    return next((t.name for t in stage.initial.values()), f"population.{stage.label}.initial")


def _connectivity(program: Program) -> Values:
    return [(f"{link.label}.connectivity", link.kind) for link in program.links]


def _shape(program: Program) -> Values:
    if program.is_acyclic:
        return [("projections", "branching" if program.chain is None else "chain")]
    return [("projections", "recurrent")]


def _delays(program: Program) -> Values:
    found = []
    for link in program.links:
        own = link.own_delays
        several = "synapse" if own.size > 1 else "projection" if own.any() else "none"
        found.append((f"{link.label}.delay", several if program.decision != "streaming" else "none"))
    return found


def _decisions(program: Program) -> Values:
    return [("decision", program.decision)]


def _plasticity(program: Program) -> Values:
    return [(f"{ln.label}.plasticity", ", ".join(map(RULES.name_of, ln.rules)) or "none") for ln in program.links]


def _inputs(program: Program) -> Values:
    return [(f"population.{p.label}", p.signal) for p in program.inputs]


def _readouts(program: Program) -> Values:
    return [(f"population.{program.stages[r.stage].label}", r.reads) for r in program.readouts]


def _populations(program: Program) -> Values:
    return [("populations", "one" if len(program.inputs) == 1 else "several")]


FEATURES: dict[str, Callable[[Program], Values]] = {
    "neurons": _neurons,
    "resets": _of_neurons("reset", str),
    "reset_value": _reset_values,
    "refractory": _of_neurons("refractory_ticks", lambda ticks: "ticks" if ticks else "none"),
    "parameters": _parameters,
    "initial": _initial,
    "connectivity": _connectivity,
    "shape": _shape,
    "delays": _delays,
    "decisions": _decisions,
    "plasticity": _plasticity,
    "inputs": _inputs,
    "readouts": _readouts,
    "populations": _populations,
}

SENTENCES = {
    "neurons": "does not have the neuron model '{}'",
    "resets": "does not reset by '{}'",
    "reset_value": "does not reset to another value than 0",
    "refractory": "does not have refractory ticks",
    "parameters": "takes one '{}' for the whole population",
    "initial": "starts from rest and does not take an initial state",
    "connectivity": "does not take '{}' connectivity",
    "shape": "does not run {} networks",
    "delays": "does not delay the spikes of a {} in a reset decision",
    "decisions": "does not make '{}' decisions",
    "plasticity": "does not run the plasticity rule '{}'",
    "inputs": "does not take {} input",
    "readouts": "does not read {}",
    "populations": "does not take {} populations of inputs",
}


def _remedy(allowed: tuple[str, ...]) -> str:
    return f"allowed: {', '.join(allowed)}" if allowed else "give all neurons the same"
