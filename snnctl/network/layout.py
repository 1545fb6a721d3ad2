"""The tables that the engine runs: a program, laid out end to end.

A link whose synapses have different delays becomes one *group* of synapses for each delay; everything else
of the engine knows only groups with one delay.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import NetworkError, Problem
from snnctl.network.connection import Convolution
from snnctl.network.connectivity import starts
from snnctl.network.kernel_cache import distinct
from snnctl.network.learning import RuleRow
from snnctl.network.parameters import checked, constants_table, initial_values, value_problems
from snnctl.network.pool import Order, Pool
from snnctl.network.population import is_stochastic, receptors_of, state_of
from snnctl.network.program import Link, Program, Stage, Tensor
from snnctl.network.rules import HOOKS, hook, hook_bits, observed, part, weight_limits
from snnctl.slots import RULES


class PopulationRow(NamedTuple):
    """Columns of the table of driven populations, in the order of evaluation."""

    kind: int  # index of its model
    size: int
    ring: int  # first column in the ring of spikes
    slot: int  # column in the counts of spikes
    bias: int  # first element in the biases; also its first column in the raster
    biases: int  # how many are read: 1 if all neurons have the same
    values: int  # first element in the state
    constant: int  # first element in the pool of constants
    is_shared: int  # whether all neurons have the same constants
    receptors: int
    random: int  # row in the generator states
    group: int  # first row in the table of groups
    group_end: int


class GroupRow(NamedTuple):
    """Columns of the table of groups of synapses, grouped by target."""

    ring: int  # first column of the source in the ring of spikes
    slot: int  # of the source in the counts of spikes
    delay: int
    drive: int  # first element of the receptor in the drive of the target
    weight: int  # first element in the weights of static groups
    pointer: int  # first element in the row pointers, -1 for dense, below for a convolution (see :data:`GEOMETRY`)
    target: int  # first element in the target indices
    rule: int  # first row in the table of rules
    rule_end: int  # equal to ``rule`` for static synapses


class InputRow(NamedTuple):
    """Columns of the table of input populations."""

    ring: int
    slot: int
    size: int
    column: int  # first column in the inputs


class Group(NamedTuple):
    """Synapses of one delay. CSR by source; ``order`` leads back to the order of the tensors."""

    delay: int
    pointers: NDArray[np.int64] | None  # (n_source + 1,), None for dense and convolutions
    targets: NDArray[Any] | None  # of the flat tensors, see ``order``
    order: Order  # (synapses,) index in the flat tensors


class PlasticGroup(NamedTuple):
    """Where a group of plastic synapses keeps its state."""

    link: str  # label
    order: Order  # see :class:`Group`
    synapses: int
    rules: tuple[int, ...]  # rows in the table of rules


GEOMETRY = -2  # a convolution's ``pointer`` is GEOMETRY - first element of its geometry in the row pointers


def _name(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


class Layout:
    """Tables and pools of a program; raises NetworkError for numbers that a model or a rule refuses."""

    def __init__(self, program: Program, dtype: Any) -> None:
        self.program = program
        self.dtype = np.dtype(dtype)
        sizes = [node.size for node in program.nodes]
        self.width = sum(sizes)
        self._ring = starts(sizes)  # first column of each node; its slot in the counts is its number
        self.constants, self.weights, self.bias = Pool(dtype), Pool(dtype), Pool(dtype)
        self.initial, self.synapses, self.traces = Pool(dtype), Pool(dtype), Pool(dtype)
        self.pointers, self.targets = Pool(np.int64), Pool(np.uint32)
        self.columns, self.entries = Pool(np.int64), Pool(np.uint32)
        self.plastic: list[PlasticGroup] = []
        self.rows: list[PopulationRow] = []
        self.groups: list[GroupRow] = []
        self.rules: list[RuleRow] = []
        self._homes: list[tuple[Tensor, str, int]] = []  # tensor, field of the tables, its first element there
        self.longest_delay = max((link.delay for link in program.links), default=0)
        self._models: dict[type, Any] = {}
        self._rule_models: dict[type, Any] = {}
        self._values: dict[str, tuple[int, int, tuple[str, ...]]] = {}  # label -> first value, size, fields
        self._neurons()
        self.model_examples = tuple(self._models.values())
        rules = sorted(self._rule_models, key=_name)  # the kernel is compiled for the tuple: any order of projections
        self.rules = [r._replace(kind=rules.index(list(self._rule_models)[r.kind])) for r in self.rules]
        self.rule_examples = tuple(self._rule_models[cls] for cls in rules)

    @property
    def learning(self) -> tuple[Link, ...]:
        """The plastic links; a signal each."""
        return tuple(link for link in self.program.links if link.rules)

    @property
    def inputs(self) -> list[InputRow]:
        """Rows of the inputs."""
        sizes = [p.size for p in self.program.inputs]
        columns = starts(sizes)
        return [InputRow(int(self._ring[k]), k, size, int(columns[k])) for k, size in enumerate(sizes)]

    def field(self, label: str, field: str) -> int:
        """Index in the state of this field of the stage's first neuron (KeyError if it has none)."""
        first, size, fields = self._values[label]
        if field not in fields:
            raise KeyError(field)
        return first + fields.index(field) * size

    def settled(self, tables: Any) -> dict[str, NDArray[Any]]:
        """See :meth:`snnctl.network.engine.Engine.settle`."""
        moved: dict[str, NDArray[Any]] = {}
        for tensor, field, first in self._homes:
            values = tensor.values
            own = getattr(tables, field)[first : first + values.size]
            if own.dtype != values.dtype and own.dtype.kind == "u" and own.itemsize == values.itemsize:
                own = own.view(values.dtype)  # targets, which fit in either
            if own.dtype == values.dtype:
                moved[tensor.name] = own.reshape(values.shape)
        self._homes.clear()
        for link in self.learning:
            moved[link.weight.name] = np.empty(0, self.dtype)
        self.synapses.clear()
        return moved

    # ------------------------------------------------------------------ neurons

    def _neurons(self) -> None:
        program, shift = self.program, len(self.program.inputs)
        found: list[Problem] = []
        first_bias = starts(s.size for s in program.stages)
        tables: list[tuple[Any, NDArray[Any], bool]] = []
        for s in program.stages:
            try:
                tables.append(
                    constants_table(
                        s.neuron, program.tick_s, s.size, _parameters(s), f"population.{s.label}", self.dtype
                    )
                )
            except NetworkError as error:
                found += error.problems
        if found:
            raise NetworkError(*found)
        for cls in sorted({type(t[0]) for t in tables}, key=_name):
            self._models[cls] = next(t[0] for t in tables if type(t[0]) is cls)
        kinds = {cls: k for k, cls in enumerate(self._models)}
        order = [node - shift for node in program.order]
        for number in order:
            stage, (example, _, _) = program.stages[number], tables[number]
            fields = state_of(type(example))._fields
            values = initial_values(stage.neuron, stage.size, _parameters(stage), self.dtype)
            for field, tensor in stage.initial.items():
                at = fields.index(field) * stage.size
                values[at : at + stage.size] = tensor.values
            self._values[stage.label] = self.initial.add(values), stage.size, fields
        one_bias = []
        for stage in program.stages:
            bias = stage.bias.values
            one_bias.append(bool((bias == bias[:1]).all()))
            self.bias.add(bias)
        random = 0
        for number in order:
            stage, node = program.stages[number], number + shift
            example, table, is_shared = tables[number]
            begin = len(self.groups)
            receptors = receptors_of(type(example))
            for link in program.into(node):
                found += self._link(link, receptors, int(first_bias[number]))
            self.rows.append(
                PopulationRow(
                    kind=kinds[type(example)],
                    size=stage.size,
                    ring=int(self._ring[node]),
                    slot=node,
                    bias=int(first_bias[number]),
                    biases=1 if one_bias[number] else stage.size,
                    values=self._values[stage.label][0],
                    constant=self.constants.add(table),
                    is_shared=int(is_shared),
                    receptors=len(receptors),
                    random=random if is_stochastic(type(example)) else 0,
                    group=begin,
                    group_end=len(self.groups),
                )
            )
            random += is_stochastic(type(example))
        self.stochastic = random
        if found:
            raise NetworkError(*found)

    # ------------------------------------------------------------------ synapses

    def _link(self, link: Link, receptors: tuple[str, ...], raster: int) -> list[Problem]:
        nodes = self.program.nodes
        sources, targets = nodes[link.source].size, nodes[link.target].size
        weight = link.weight.values.ravel()
        neuron = self.program.stages[link.target - len(self.program.inputs)].neuron
        if getattr(type(neuron), "conductances", False):
            if (weight < 0).any():
                message = f"has {np.count_nonzero(weight < 0)} negative conductances"
                remedy = "what inhibits is a positive weight on another receptor: receptor='inhibitory'"
                return [Problem(link.weight.name, message, remedy)]
            for rule in link.rules:
                least = getattr(rule, "weight_min", 0.0)
                if least is None or least < 0:
                    message = f"is {least} where weights are conductances"
                    return [Problem(f"{link.label}.plasticity.weight_min", message, "give 0 or more")]
        drive = receptors.index(link.receptor or receptors[0]) * targets
        for group in _split(link, sources, targets):
            self.longest_delay = max(self.longest_delay, group.delay)
            pointer = -1 if group.pointers is None else self.pointers.add(group.pointers)
            if isinstance(link.connection, Convolution):
                pointer = GEOMETRY - self.pointers.add(link.connection.geometry)
            target = 0 if group.targets is None else self.targets.add(group.targets, group.order)
            first = 0 if link.rules else self.weights.add(weight, group.order)
            if isinstance(group.order, slice):
                self._homes += [(link.weight, "weights", first)] if not link.rules else []
                self._homes += [(link.indptr, "pointers", pointer)] if link.indptr is not None else []
                self._homes += [(link.indices, "targets", target)] if link.indices is not None else []
            begin = len(self.rules)
            if link.rules:
                self._plastic(link, group, weight, pointer, target, sources, targets, raster)
            self.groups.append(
                GroupRow(
                    ring=int(self._ring[link.source]),
                    slot=link.source,
                    delay=group.delay,
                    drive=drive,
                    weight=first,
                    pointer=pointer,
                    target=target,
                    rule=begin,
                    rule_end=len(self.rules),
                )
            )
        return self._outside_limits(link)

    def _outside_limits(self, link: Link) -> list[Problem]:
        """Weights that a rule would not have made: the first change would move them to its limit in one step."""
        weight = link.weight.values
        kinds = [dtype for dtype in (weight.dtype, self.dtype) if dtype.kind == "f"]
        coarse = min(kinds, key=lambda dtype: dtype.itemsize).type  # float32 of a limit is that limit
        found = []
        for rule in link.rules:
            low, high = (coarse(limit) for limit in weight_limits(rule))
            if weight.size == 0 or (coarse(weight.min()) >= low and coarse(weight.max()) <= high):
                continue
            outside = (weight.astype(coarse) < low) | (weight.astype(coarse) > high)
            first = weight[outside][0]
            message = f"has {np.count_nonzero(outside)} of {weight.size} weights outside the limits of"
            limits = f"'{RULES.name_of(rule)}', {low:g} to {high:g} (the first is {first:g})"
            remedy = "clip the weights, or set weight_min and weight_max of the rule"
            found.append(Problem(link.weight.name, f"{message} {limits}", remedy))
        return found

    def _plastic(
        self,
        link: Link,
        group: Group,
        weight: NDArray[Any],
        pointer: int,
        target: int,
        sources: int,
        targets: int,
        raster: int,
    ) -> None:
        weights = self.synapses.add(weight, group.order)
        size = self.synapses.size - weights
        column = entry = -1
        first_row = len(self.rules)
        target_label = self.program.nodes[link.target].label
        delivering = True
        for rule in link.rules:
            where = f"{link.label}.plasticity"
            try:
                constants = checked(rule).constants(self.program.tick_s)
            except ValueError as error:
                raise NetworkError(*value_problems(error, f"{where}.{RULES.name_of(rule)}")) from None
            cls = type(constants)
            distinct(cls)
            scalar = self.dtype.type
            self._rule_models.setdefault(cls, cls(*(scalar(x) for x in constants)))
            bits = hook_bits(cls)
            by_target = any(hook(cls, name) is not None for name in ("fire", "instruct"))
            if by_target and column < 0 and group.pointers is not None and group.targets is not None:
                column, entry = self._by_target(group.pointers, group.targets[group.order], targets)
            fields = part(cls, "Synapse")._fields[1:]
            initial = rule.initial_synapse() if hasattr(rule, "initial_synapse") else (0.0,) * len(fields)
            extra = np.broadcast_to(np.array(initial, self.dtype)[:, None], (len(fields), size))  # one number a field
            membrane = 0
            if wanted := observed(cls):
                try:
                    membrane = self.field(target_label, wanted)
                except KeyError:
                    what = "a membrane" if wanted == "v" else f"the field '{wanted}' of its target"
                    message = f"'{RULES.name_of(rule)}' reads {what}; '{target_label}' has no {wanted}"
                    remedy = "choose a neuron model that has one" + ", such as noisy_lif" * (wanted == "expected")
                    raise NetworkError(Problem(where, message, remedy)) from None
            self.rules.append(
                RuleRow(
                    kind=list(self._rule_models).index(cls),
                    constant=self.constants.add(np.array(constants)),
                    synapses=size,
                    weight=weights,
                    extra=self.synapses.add(extra),
                    pre=self.traces.add(np.zeros(len(part(cls, "Pre")._fields) * sources)),
                    n_pre=sources,
                    post=self.traces.add(np.zeros(len(part(cls, "Post")._fields) * targets)),
                    n_post=targets,
                    shared=self.traces.add(np.zeros(len(part(cls, "Shared")._fields))),
                    signal=self.learning.index(link),
                    teach=raster,
                    membrane=membrane,
                    slot=link.target,
                    ring=int(self._ring[link.target]),
                    pointer=pointer,
                    target=target,
                    column=column,
                    entry=entry,
                    delivers=int(delivering),
                    hooks=bits,
                    period=max(1, int(getattr(constants, "period", 1))),
                )
            )
            delivering = False
        if sum(1 for r in self.rules[first_row:] if r.hooks & 1 << HOOKS.index("weight")) and len(link.rules) > 1:
            raise NetworkError(
                Problem(
                    f"{link.label}.plasticity",
                    "combines a rule that keeps its weights in another form with a second rule",
                    "use that rule alone",
                )
            )
        self.plastic.append(PlasticGroup(link.label, group.order, size, tuple(range(first_row, len(self.rules)))))

    def _by_target(self, pointers: NDArray[np.int64], targets: NDArray[Any], n_targets: int) -> tuple[int, int]:
        order = np.argsort(targets, kind="stable").astype(np.uint32)
        sources = np.repeat(np.arange(pointers.size - 1, dtype=np.uint32), np.diff(pointers))
        column = self.columns.add(starts(np.bincount(targets, minlength=n_targets)))
        entry = self.entries.add(order)
        self.entries.add(sources[order])
        return column, entry


def _parameters(stage: Stage) -> dict[str, NDArray[Any]]:
    return {name: tensor.values for name, tensor in stage.parameters.items()}


def _split(link: Link, sources: int, targets: int) -> list[Group]:
    """The synapses of a link, one group for each of their delays."""
    delays = None if link.delays is None else link.delays.values
    if isinstance(link.connection, Convolution):
        return [Group(link.delay, None, None, slice(None))]
    dense = link.indptr is None or link.indices is None
    if dense and (delays is None or (delays == delays.ravel()[:1]).all()):
        own = link.delay if delays is None else int(delays.ravel()[0])
        return [Group(own, None, None, slice(None))]
    pointers: NDArray[np.int64]
    indices: NDArray[Any]
    if link.indptr is None or link.indices is None:
        pointers = np.arange(sources + 1, dtype=np.int64) * targets
        indices = np.tile(np.arange(targets, dtype=np.uint32), sources)
    else:
        pointers, indices = link.indptr.values.astype(np.int64, copy=False), link.indices.values
    if delays is None or delays.size == 0:
        return [Group(link.delay, pointers, indices, slice(None))]
    row = np.repeat(np.arange(sources, dtype=np.uint32), np.diff(pointers))  # source of each synapse
    groups: list[Group] = []
    for delay in np.unique(delays):
        order = np.flatnonzero(delays.ravel() == delay).astype(np.uint32)
        ends = starts(np.bincount(row[order], minlength=sources))
        groups.append(Group(int(delay), ends, indices, order))
    return groups
