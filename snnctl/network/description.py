"""What a network is: populations, projections, and how long a decision takes.

One description serves the float engine, the trainer, every chip emulator and every export.

**One tick**, in this order, in every backend:

1. deliver the spikes that are due now
2. decay the synaptic state and add them
3. integrate the membrane
4. threshold
5. reset and refractory
6. plasticity
7. record

**Decisions** are of two kinds. *reset*: the state is cleared before each decision, and a projection
may have delay 0 along an acyclic path; populations are then evaluated in topological order inside the
tick. A cycle has at least as many ticks of delay as projections. *streaming*: the state is kept between
decisions and every projection has a delay of at least one tick, so that a chip can run the network as it is.

**Tensors** of a network, by name:

- ``projection.<source>.<target>.weight`` (n_source, n_target) for dense connectivity;
  for sparse (CSR by source neuron) ``.indptr`` (n_source + 1,) int32, ``.indices`` (nnz,) int32 and
  ``.weight`` (nnz,). ``projection.<source>.<target>.<receptor>`` where the projection names a receptor.
- ``.delay``, optional: ticks of each synapse, in the shape of the weights
- ``population.<name>.bias`` (n,) for every population that has a neuron model
- ``population.<name>.<parameter>`` (n,), optional: a parameter of the neuron model that differs from neuron to neuron
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from snnctl.config import Seconds, schema
from snnctl.errors import Problem, nearest
from snnctl.models import Named, is_users, name_of, value_defects
from snnctl.network.population import receptors_of
from snnctl.neurons import MODELS, CurrentLif, Lif
from snnctl.plasticity import RULES

Neuron = Annotated[Any, Named("model", "snnctl.neurons", MODELS)]
Rule = Annotated[Any, Named("rule", "snnctl.plasticity", RULES)]

MAX_DELAY_TICKS = 65_535


@schema
class Population:
    """``size`` neurons of one model; without a ``neuron`` its spikes come from outside (the encoder)."""

    name: str
    size: Annotated[int, Gt(0)]
    neuron: Neuron | None = None


@schema
class Projection:
    """Synapses from one population to another.

    ``receptor`` is one of the target's neuron model, its first if empty. ``delay_ticks`` holds for all synapses
    unless a tensor gives each its own. The rules of ``plasticity`` change the weights in every tick.
    """

    source: str
    target: str
    receptor: str = ""
    connectivity: Literal["dense", "sparse"] = "dense"
    delay_ticks: Annotated[int, Ge(0), Le(MAX_DELAY_TICKS)] = 0
    plasticity: tuple[Rule, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of its tensors begin with."""
        return ".".join(("projection", self.source, self.target, self.receptor)).rstrip(".")


@schema
class NetworkDescription:
    """A network and its clock; ``tick_s`` only sets the decays."""

    tick_s: Annotated[Seconds, Gt(0)]
    ticks: Annotated[int, Gt(0)]
    decision: Literal["reset", "streaming"] = "reset"
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]

    def population(self, name: str) -> Population:
        """The population called ``name`` (KeyError if there is none)."""
        return {p.name: p for p in self.populations}[name]

    @property
    def inputs(self) -> tuple[Population, ...]:
        """Populations whose spikes come from outside, in the order of the description."""
        return tuple(p for p in self.populations if p.neuron is None)

    @property
    def driven(self) -> tuple[Population, ...]:
        """Populations with a neuron model, in the order of the description."""
        return tuple(p for p in self.populations if p.neuron is not None)

    @property
    def output(self) -> Population:
        """The last population: the decoder reads it."""
        return self.populations[-1]


def problems(network: NetworkDescription, where: str) -> list[Problem]:
    """Everything about a description that no backend could run; empty when it is sound."""
    found = _model_problems(network)
    if found:
        return found
    names = [p.name for p in network.populations]
    for name in sorted({n for n in names if names.count(n) > 1}):
        found.append(Problem(f"{where}.populations", f"has '{name}' more than once"))
    if not network.populations or network.output.neuron is None:
        found.append(Problem(f"{where}.populations", "must end with a population that has a neuron model"))
    pairs: set[str] = set()
    for number, projection in enumerate(network.projections):
        place = f"{where}.projections[{number}]"
        for end, name in (("source", projection.source), ("target", projection.target)):
            if name not in names:
                found.append(Problem(f"{place}.{end}", f"names no population: '{name}'", nearest(name, names)))
        if projection.prefix in pairs:
            found.append(Problem(place, "repeats a source, target and receptor that already have a projection"))
        pairs.add(projection.prefix)
        if projection.target in names:
            found += _receptor_problems(network, projection, place)
        if not 0 <= projection.delay_ticks <= MAX_DELAY_TICKS:
            message = f"is {projection.delay_ticks}"
            found.append(Problem(f"{place}.delay_ticks", message, f"give 0 to {MAX_DELAY_TICKS} ticks"))
        elif network.decision == "streaming" and projection.delay_ticks < 1:
            found.append(Problem(f"{place}.delay_ticks", "is 0", "a streaming network needs at least 1 tick"))
    if found:
        return found
    instant = _fast_cycle(network, [p for p in network.projections if p.delay_ticks == 0])
    hasty = _fast_cycle(network, list(network.projections))
    if instant:
        message = f"have a cycle without delay: {' -> '.join(instant)}"
        found.append(Problem(f"{where}.projections", message, "give one of its projections a delay"))
    elif hasty:
        message = f"have a cycle whose delays sum to less than its number of projections: {' -> '.join(hasty)}"
        remedy = "give each of them a delay of 1 tick: on a chip every hop takes one"
        found.append(Problem(f"{where}.projections", message, remedy))
    return found


def _model_problems(network: NetworkDescription) -> list[Problem]:
    """What keeps the user's own models and rules from running."""
    used = [(f"population.{p.name}.neuron", p.neuron, "model") for p in network.driven]
    used += [(f"{p.prefix}.plasticity", rule, "rule") for p in network.projections for rule in p.plasticity]
    return [
        Problem(f"{where} '{name_of(value, key)}'", defect)
        for where, value, key in used
        if is_users(type(value))
        for defect in value_defects(value, key, network.tick_s)
    ]


def _receptor_problems(network: NetworkDescription, projection: Projection, place: str) -> list[Problem]:
    neuron = network.population(projection.target).neuron
    if neuron is None:
        return [Problem(f"{place}.target", f"'{projection.target}' is an input; inputs take no synapses")]
    try:
        receptors = receptors_of(type(neuron.constants(network.tick_s)))
    except ValueError as error:
        return [Problem(f"population.{projection.target}", str(error))]
    if projection.receptor and projection.receptor not in receptors:
        message = f"names no receptor of '{projection.target}': '{projection.receptor}'"
        return [Problem(f"{place}.receptor", message, f"it has {', '.join(receptors)}")]
    return []


def _fast_cycle(network: NetworkDescription, projections: list[Projection]) -> list[str]:
    """The names along a cycle that is faster than one tick a projection, the first one again at the end; or none.

    It is a cycle that is negative in ``delay_ticks - 1`` (Bellman-Ford, walked back along the predecessors).
    """
    distance = {p.name: 0 for p in network.populations}
    before: dict[str, str] = {}
    shortened = ""
    for _ in network.populations:
        shortened = ""
        for p in projections:
            reached = distance[p.source] + p.delay_ticks - 1
            if reached < distance[p.target]:
                distance[p.target], before[p.target], shortened = reached, p.source, p.target
        if not shortened:
            return []
    name = shortened
    for _ in network.populations:  # the walk back may begin beside the cycle; after n steps it is in it
        name = before[name]
    cycle = [name, before[name]]
    while cycle[-1] != name:
        cycle.append(before[cycle[-1]])
    return cycle[::-1]


def evaluation_order(network: NetworkDescription) -> tuple[str, ...] | None:
    """Population names in topological order of the delay-0 projections; None if these form a cycle."""
    waiting = {p.name: 0 for p in network.populations}
    instant = [p for p in network.projections if p.delay_ticks == 0]
    for projection in instant:
        waiting[projection.target] += 1
    order: list[str] = []
    ready = [name for name, count in waiting.items() if count == 0]
    while ready:
        name = ready.pop(0)
        order.append(name)
        for projection in instant:
            if projection.source == name:
                waiting[projection.target] -= 1
                if waiting[projection.target] == 0:
                    ready.append(projection.target)
    return tuple(order) if len(order) == len(waiting) else None


def layers(network: NetworkDescription) -> tuple[str, ...] | None:
    """Names from input to output if the network is a plain chain of delay-0 dense projections, else None."""
    chain = [p for p in network.projections if p.delay_ticks == 0 and p.connectivity == "dense"]
    names = [p.name for p in network.populations]
    if len(chain) != len(network.projections) or len(chain) != len(names) - 1 or len(network.inputs) != 1:
        return None
    follows = {p.source: p.target for p in chain}
    order = [network.inputs[0].name]
    while order[-1] in follows and len(order) <= len(names):
        order.append(follows[order[-1]])
    return tuple(order) if len(order) == len(names) and order[-1] == network.output.name else None


def stack(
    *,
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    neuron: Lif | CurrentLif,
    tick_s: float,
    ticks: int,
) -> NetworkDescription:
    """A feed-forward chain ``input -> hidden1 -> ... -> output`` of one neuron model, reset decisions."""
    sizes = (*hidden, outputs)
    names = (*(f"hidden{k + 1}" for k in range(len(hidden))), "output")
    populations = [Population(name="input", size=inputs)]
    populations += [Population(name=n, size=s, neuron=neuron) for n, s in zip(names, sizes, strict=True)]
    pairs = zip(("input", *names), names, strict=False)
    return NetworkDescription(
        tick_s=tick_s,
        ticks=ticks,
        populations=tuple(populations),
        projections=tuple(Projection(source=a, target=b) for a, b in pairs),
    )
