"""What a network is: populations, projections, and how long a decision takes.

One description serves the float engine, the trainer, every chip emulator and every export; what they take is its
lowered form (:mod:`snnctl.network.program`).

**One tick**, in this order, in every backend:

1. deliver the spikes that are due now
2. decay the synaptic state and add them
3. integrate the membrane
4. threshold
5. reset and refractory
6. plasticity
7. record

**Decisions** are of three kinds. *reset*: the state is cleared before each decision, and a projection
may have delay 0 along an acyclic path; populations are then evaluated in topological order inside the
tick. A cycle has at least as many ticks of delay as projections. *streaming*: the state is kept between
decisions and every projection has a delay of at least one tick, so that a chip can run the network as it is.
*carry*: as reset, but a membrane starts with a part of what the decision before left of it,

    v[0] = v_initial + clip(carry max(v_end - v_initial, -v_threshold spikes), -v_threshold / 2, v_threshold / 2)

with the ``spikes`` of the neuron in that decision; an episode starts at v_initial. Rounding errors of successive
decisions then even out. Weights and traces of plastic synapses and random generators are kept in all three.

**Tensors** of a network, by name (this file names them):

- ``projection.<source>.<target>.weight`` (n_source, n_target) for dense connectivity;
  for sparse (CSR by source neuron) ``.indptr`` (n_source + 1,) int32, ``.indices`` (nnz,) int32 and
  ``.weight`` (nnz,); for a convolution ``.weight`` (target channels, source channels, height, width).
  ``projection.<source>.<target>.<receptor>`` where the projection names a receptor.
- ``.delay``, optional: ticks of each synapse, in the shape of the weights (not of a convolution)
- ``population.<name>.bias`` (n,) for every population that has a neuron model
- ``population.<name>.<parameter>`` (n,), optional: a parameter of the neuron model that differs from neuron to neuron
- ``population.<name>.initial.<field>`` (n,), optional: a field of the state before the first tick of an episode
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt, Le

from snnctl.config import Seconds, schema
from snnctl.errors import Problem, nearest
from snnctl.models import value_defects
from snnctl.network.connection import Connection, Convolution
from snnctl.network.population import receptors_of, takes_synapses
from snnctl.neurons import CurrentLif, Lif
from snnctl.slots import NEURONS, RULES, Slot, Unresolved, is_users

Neuron = Annotated[Any, NEURONS]
Rule = Annotated[Any, RULES]

MAX_DELAY_TICKS = 65_535


class TensorShape(NamedTuple):
    """What a tensor of a network must look like."""

    shape: tuple[int | None, ...]  # None: a size that the file decides
    required: bool = True
    integer: bool = False

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape may be the tensor."""
        return len(shape) == len(self.shape) and all(
            wanted in (None, n) for n, wanted in zip(shape, self.shape, strict=True)
        )


@schema
class Population:
    """``size`` neurons of one model; without a ``neuron`` its spikes come from outside (the encoder)."""

    name: str
    size: Annotated[int, Gt(0)]
    neuron: Neuron | None = None

    @property
    def bias_name(self) -> str:
        """Of its tensor of biases."""
        return f"population.{self.name}.bias"

    def parameter_name(self, field: str) -> str:
        """Of the tensor of a parameter that differs from neuron to neuron."""
        return f"population.{self.name}.{field}"

    def initial_name(self, field: str) -> str:
        """Of the tensor of a field of the state before the first tick."""
        return f"population.{self.name}.initial.{field}"

    @property
    def parameter_fields(self) -> list[str]:
        """Parameters of its model that may differ from neuron to neuron: the numbers."""
        if self.neuron is None or isinstance(self.neuron, Unresolved):
            return []
        values = {f.name: getattr(self.neuron, f.name) for f in dataclasses.fields(self.neuron)}
        return [n for n, v in values.items() if isinstance(v, int | float | None) and not isinstance(v, bool)]

    @property
    def state_fields(self) -> list[str]:
        """Fields of the state of one neuron."""
        if self.neuron is None or isinstance(self.neuron, Unresolved):
            return []
        return list(self.neuron.initial()._fields)


@schema
class Projection:
    """Synapses from one population to another.

    ``receptor`` is one of the target's neuron model, its first if empty. ``delay_ticks`` holds for all synapses
    unless a tensor gives each its own. The rules of ``plasticity`` change the weights in every tick.
    """

    source: str
    target: str
    receptor: str = ""
    connectivity: Connection = "dense"
    delay_ticks: Annotated[int, Ge(0), Le(MAX_DELAY_TICKS)] = 0
    plasticity: tuple[Rule, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of its tensors begin with."""
        return ".".join(("projection", self.source, self.target, self.receptor)).rstrip(".")

    @property
    def weight_name(self) -> str:
        """Of the tensor of its weights."""
        return f"{self.prefix}.weight"

    @property
    def indptr_name(self) -> str:
        """Of the tensor of the first synapse of each source, if it is sparse."""
        return f"{self.prefix}.indptr"

    @property
    def indices_name(self) -> str:
        """Of the tensor of the targets of its synapses, if it is sparse."""
        return f"{self.prefix}.indices"

    @property
    def delay_name(self) -> str:
        """Of the tensor of the delays of its synapses, if each has its own."""
        return f"{self.prefix}.delay"


@schema
class NetworkDescription:
    """A network and its clock; ``tick_s`` only sets the decays."""

    tick_s: Annotated[Seconds, Gt(0)]
    ticks: Annotated[int, Gt(0)]
    decision: Literal["reset", "streaming", "carry"] = "reset"
    carry: Annotated[float, Ge(0), Le(1)] = 0.0  # of a membrane's residual that the next decision starts with
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

    @property
    def summary(self) -> str:
        """In a few words."""
        return f"{' → '.join(str(p.size) for p in self.populations)} neurons, {self.ticks} ticks a decision"

    def tensor_shapes(self) -> dict[str, TensorShape]:
        """Every tensor that the network has or may have, by name."""
        found: dict[str, TensorShape] = {}
        sizes = {p.name: p.size for p in self.populations}
        for p in self.driven:
            found[p.bias_name] = TensorShape((p.size,))
            found |= {p.parameter_name(field): TensorShape((p.size,), required=False) for field in p.parameter_fields}
            found |= {p.initial_name(field): TensorShape((p.size,), required=False) for field in p.state_fields}
        for q in self.projections:
            weight: tuple[int | None, ...] = (sizes[q.source], sizes[q.target])
            if isinstance(q.connectivity, Convolution):
                found[q.weight_name] = TensorShape(q.connectivity.weight_shape)
                continue
            if q.connectivity == "sparse":
                weight = (None,)
                found[q.indptr_name] = TensorShape((sizes[q.source] + 1,), integer=True)
                found[q.indices_name] = TensorShape((None,), integer=True)
            found[q.weight_name] = TensorShape(weight)
            found[q.delay_name] = TensorShape(weight, required=False, integer=True)
        return found


def problems(network: NetworkDescription, where: str) -> list[Problem]:
    """Everything about a description that no backend could run; empty when it is sound."""
    found = _model_problems(network)
    if found:
        return found
    names = [p.name for p in network.populations]
    for name in sorted({n for n in names if names.count(n) > 1}):
        found.append(Problem(f"{where}.populations", f"has '{name}' more than once", "give each a name of its own"))
    for name in names:
        if not name or "." in name:
            found.append(Problem(f"{where}.populations", f"has the name '{name}'", "choose a name without dots"))
    if network.carry and network.decision != "carry":
        message = f"is {network.carry:g} where decisions are '{network.decision}'"
        found.append(Problem(f"{where}.carry", message, "write decision = 'carry', or leave it out"))
    if not network.populations or network.output.neuron is None:
        found.append(
            Problem(f"{where}.populations", "must end with a population that has a neuron model", "add its neuron")
        )
    pairs: set[str] = set()
    for number, projection in enumerate(network.projections):
        place = f"{where}.projections[{number}]"
        for end, name in (("source", projection.source), ("target", projection.target)):
            if name not in names:
                found.append(Problem(f"{place}.{end}", f"names no population: '{name[:80]}'", nearest(name, names)))
        if projection.prefix in pairs:
            found.append(
                Problem(place, "repeats a source, target and receptor that already have a projection", "remove it")
            )
        pairs.add(projection.prefix)
        if projection.target in names:
            found += _receptor_problems(network, projection, place)
        if isinstance(projection.connectivity, Convolution) and {projection.source, projection.target} <= {*names}:
            found += _convolution_problems(network, projection, projection.connectivity, place)
        for rule in projection.plasticity:
            if hasattr(rule, "misfit") and (told := rule.misfit(network.decision, network.ticks)):
                found.append(Problem(f"{place}.plasticity", f"'{RULES.name_of(rule)}': {told}", "make them equal"))
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
    used: list[tuple[str, Any, Slot]] = [(f"population.{p.name}.neuron", p.neuron, NEURONS) for p in network.driven]
    used += [(f"{p.prefix}.plasticity", rule, RULES) for p in network.projections for rule in p.plasticity]
    return [
        Problem(f"{where} '{slot.name_of(value)}'", defect)
        for where, value, slot in used
        if is_users(type(value))
        for defect in value_defects(value, slot.key, network.tick_s)
    ]


def _convolution_problems(
    network: NetworkDescription, projection: Projection, convolution: Convolution, place: str
) -> list[Problem]:
    found = []
    source, target = network.population(projection.source), network.population(projection.target)
    channels, height, width = convolution.shape
    if channels * height * width != source.size:
        message = f"has {channels} x {height} x {width} places, '{source.name}' has {source.size} neurons"
        found.append(Problem(f"{place}.connectivity.shape", message, "make them equal"))
    filters, rows, columns = convolution.output_shape
    if rows < 1 or columns < 1:
        found.append(Problem(f"{place}.connectivity.kernel", "is larger than its padded source", "make it smaller"))
    elif filters * rows * columns != target.size:
        message = f"gives {filters} x {rows} x {columns} places, '{target.name}' has {target.size} neurons"
        found.append(Problem(f"{place}.connectivity", message, "make them equal"))
    if projection.plasticity:
        remedy = "use dense or sparse connectivity for synapses that learn"
        found.append(Problem(f"{place}.plasticity", "is given for a convolution, whose weights are shared", remedy))
    return found


def _receptor_problems(network: NetworkDescription, projection: Projection, place: str) -> list[Problem]:
    neuron = network.population(projection.target).neuron
    if neuron is None:
        return [
            Problem(f"{place}.target", f"'{projection.target}' is an input; inputs take no synapses", "name another")
        ]
    try:
        constants = type(neuron.constants(network.tick_s))
    except ValueError as error:
        return [Problem(f"population.{projection.target}", str(error), "change the number, or tick_s")]
    if not takes_synapses(constants):
        message = f"'{projection.target}' is a source ({NEURONS.name_of(neuron)}); spikes have no effect on it"
        return [Problem(f"{place}.target", message, "end the projection at a population that takes synapses")]
    receptors = receptors_of(constants)
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
