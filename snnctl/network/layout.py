"""The tables that the engine runs: a description and its tensors, laid out end to end.

A projection whose synapses have different delays becomes one *group* of synapses for each delay; everything else
of the engine knows only groups with one delay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import NetworkError, Problem
from snnctl.models import name_of
from snnctl.network.description import MAX_DELAY_TICKS, NetworkDescription, Projection, evaluation_order
from snnctl.network.kernel_cache import distinct
from snnctl.network.learning import RuleRow
from snnctl.network.parameters import checked, constants_table, initial_values, value_problems
from snnctl.network.population import is_stochastic, receptors_of, state_of
from snnctl.network.rules import HOOKS, hook, hook_bits, part, reads_membrane


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
    pointer: int  # first element in the row pointers, -1 for dense
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
    pointers: NDArray[np.int64] | None  # (n_source + 1,), None for dense
    targets: NDArray[np.uint32] | None  # (synapses,)
    order: NDArray[np.int64] | slice  # (synapses,) index in the flat tensors


class PlasticGroup(NamedTuple):
    """Where a group of plastic synapses keeps its state."""

    projection: Projection
    group: Group
    synapses: int
    rules: tuple[int, ...]  # rows in the table of rules


class Pool:
    """Arrays laid end to end; remembers where each begins."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.size = 0
        self._parts: list[NDArray[Any]] = []

    def add(self, array: NDArray[Any]) -> int:
        """Append; returns the index of the first element."""
        start = self.size
        self._parts.append(np.asarray(array, self.dtype).ravel())
        self.size += array.size
        return start

    def array(self) -> NDArray[Any]:
        """All of it."""
        return np.concatenate([*self._parts, np.empty(0, self.dtype)])


def starts(sizes: Iterable[int]) -> NDArray[np.int64]:
    """Where each of the pieces of these sizes begins, then where the last ends."""
    return np.cumsum([0, *sizes]).astype(np.int64)


def _name(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


class Layout:
    """Tables and pools of a sound description; raises NetworkError for tensors that do not fit it."""

    def __init__(self, description: NetworkDescription, tensors: Mapping[str, NDArray[Any]], dtype: Any) -> None:
        self.description = description
        self.dtype = np.dtype(dtype)
        self._tensors = tensors
        sizes = [p.size for p in description.populations]
        self.width = sum(sizes)
        self._ring = dict(zip((p.name for p in description.populations), starts(sizes), strict=False))
        self._slot = {p.name: k for k, p in enumerate(description.populations)}
        self.constants, self.weights, self.bias = Pool(dtype), Pool(dtype), Pool(dtype)
        self.initial, self.synapses, self.traces = Pool(dtype), Pool(dtype), Pool(dtype)
        self.pointers, self.targets = Pool(np.int64), Pool(np.uint32)
        self.columns, self.entries = Pool(np.int64), Pool(np.uint32)
        self.plastic: list[PlasticGroup] = []
        self.rows: list[PopulationRow] = []
        self.groups: list[GroupRow] = []
        self.rules: list[RuleRow] = []
        self.projections = tuple(p for p in description.projections if p.plasticity)  # a signal each
        self.longest_delay = max((p.delay_ticks for p in description.projections), default=0)
        self._models: dict[type, Any] = {}
        self._rule_models: dict[type, Any] = {}
        self._values: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._neurons()
        self.model_examples = tuple(self._models.values())
        rules = sorted(self._rule_models, key=_name)  # the kernel is compiled for the tuple: any order of projections
        self.rules = [r._replace(kind=rules.index(list(self._rule_models)[r.kind])) for r in self.rules]
        self.rule_examples = tuple(self._rule_models[cls] for cls in rules)

    @property
    def inputs(self) -> list[InputRow]:
        """Rows of the input populations."""
        populations = self.description.inputs
        columns = starts(p.size for p in populations)
        return [
            InputRow(int(self._ring[p.name]), self._slot[p.name], p.size, int(first))
            for p, first in zip(populations, columns, strict=False)
        ]

    def field(self, population: str, field: str) -> int:
        """Index in the state of this field of the population's first neuron (KeyError if it has none)."""
        first, fields = self._values[population]
        if field not in fields:
            raise KeyError(field)
        return first + fields.index(field) * self.description.population(population).size

    # ------------------------------------------------------------------ neurons

    def _neurons(self) -> None:
        description = self.description
        driven = description.driven
        found: list[Problem] = []
        first_bias = dict(zip((p.name for p in driven), starts(p.size for p in driven), strict=False))
        tables: dict[str, tuple[Any, NDArray[Any], bool]] = {}
        for p in driven:
            try:
                tables[p.name] = constants_table(
                    p.neuron, description.tick_s, p.size, self._parameters(p.name), f"population.{p.name}", self.dtype
                )
            except NetworkError as error:
                found += error.problems
        if found:
            raise NetworkError(*found)
        for cls in sorted({type(t[0]) for t in tables.values()}, key=_name):
            self._models[cls] = next(t[0] for t in tables.values() if type(t[0]) is cls)
        kinds = {cls: k for k, cls in enumerate(self._models)}
        order = [n for n in evaluation_order(description) or () if n in tables]
        for name in order:
            population = description.population(name)
            example, _, _ = tables[name]
            fields = state_of(type(example))._fields
            first = self.initial.add(
                initial_values(population.neuron, population.size, self._parameters(name), self.dtype)
            )
            self._values[name] = (first, fields)
        one_bias = set[str]()
        for p in driven:
            bias = self._tensors.get(f"population.{p.name}.bias")
            if bias is None:
                found.append(Problem(f"population.{p.name}.bias", "is missing", "give one number a neuron"))
                continue
            if bias.shape != (p.size,):
                found.append(Problem(f"population.{p.name}.bias", f"has the shape {bias.shape}, expected ({p.size},)"))
            elif not np.isfinite(bias).all():
                found.append(Problem(f"population.{p.name}.bias", "is not finite everywhere"))
            elif (bias == bias[:1]).all():
                one_bias.add(p.name)
            self.bias.add(bias)
        random = 0
        for name in order:
            population = description.population(name)
            example, table, is_shared = tables[name]
            begin = len(self.groups)
            receptors = receptors_of(type(example))
            for projection in description.projections:
                if projection.target == name:
                    found += self._projection(projection, receptors, int(first_bias[name]))
            self.rows.append(
                PopulationRow(
                    kind=kinds[type(example)],
                    size=population.size,
                    ring=int(self._ring[name]),
                    slot=self._slot[name],
                    bias=int(first_bias[name]),
                    biases=1 if name in one_bias else population.size,
                    values=self._values[name][0],
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

    def _parameters(self, name: str) -> dict[str, NDArray[Any]]:
        prefix = f"population.{name}."
        found = {k.removeprefix(prefix): v for k, v in self._tensors.items() if k.startswith(prefix)}
        found.pop("bias", None)
        return found

    # ------------------------------------------------------------------ synapses

    def _projection(self, projection: Projection, receptors: tuple[str, ...], raster: int) -> list[Problem]:
        sources = self.description.population(projection.source).size
        targets = self.description.population(projection.target).size
        found = check_projection(projection, self._tensors, sources, targets, self.description.decision)
        if found:
            return found
        weight = self._tensors[f"{projection.prefix}.weight"].ravel()
        neuron = self.description.population(projection.target).neuron
        if getattr(type(neuron), "conductances", False):
            if (weight < 0).any():
                message = f"has {np.count_nonzero(weight < 0)} negative conductances"
                remedy = "what inhibits is a positive weight on another receptor: receptor='inhibitory'"
                return [Problem(f"{projection.prefix}.weight", message, remedy)]
            for rule in projection.plasticity:
                least = getattr(rule, "weight_min", 0.0)
                if least is None or least < 0:
                    message = f"is {least} where weights are conductances"
                    return [Problem(f"{projection.prefix}.plasticity.weight_min", message, "give 0 or more")]
        drive = receptors.index(projection.receptor or receptors[0]) * targets
        for group in self._split(projection, sources, targets):
            self.longest_delay = max(self.longest_delay, group.delay)
            own = weight[group.order]
            pointer = -1 if group.pointers is None else self.pointers.add(group.pointers)
            target = 0 if group.targets is None else self.targets.add(group.targets)
            begin = len(self.rules)
            if projection.plasticity:
                self._plastic(projection, group, own, pointer, target, sources, targets, raster)
            self.groups.append(
                GroupRow(
                    ring=int(self._ring[projection.source]),
                    slot=self._slot[projection.source],
                    delay=group.delay,
                    drive=drive,
                    weight=0 if projection.plasticity else self.weights.add(own),
                    pointer=pointer,
                    target=target,
                    rule=begin,
                    rule_end=len(self.rules),
                )
            )
        return []

    def _split(self, projection: Projection, sources: int, targets: int) -> list[Group]:
        delays = self._tensors.get(f"{projection.prefix}.delay")
        dense = projection.connectivity == "dense"
        if dense and (delays is None or (delays == delays.ravel()[:1]).all()):
            own = projection.delay_ticks if delays is None else int(delays.ravel()[0])
            return [Group(own, None, None, slice(None))]
        pointers: NDArray[np.int64]
        indices: NDArray[Any]
        if dense:
            pointers = np.arange(sources + 1, dtype=np.int64) * targets
            indices = np.tile(np.arange(targets), sources)
        else:
            pointers = self._tensors[f"{projection.prefix}.indptr"].astype(np.int64)
            indices = self._tensors[f"{projection.prefix}.indices"]
        if delays is None or delays.size == 0:
            return [Group(projection.delay_ticks, pointers, indices.astype(np.uint32), slice(None))]
        row = np.repeat(np.arange(sources), np.diff(pointers))  # source of each synapse
        groups: list[Group] = []
        for delay in np.unique(delays):
            order = np.flatnonzero(delays.ravel() == delay)
            ends = starts(np.bincount(row[order], minlength=sources))
            groups.append(Group(int(delay), ends, indices[order].astype(np.uint32), order))
        return groups

    def _plastic(
        self,
        projection: Projection,
        group: Group,
        weight: NDArray[Any],
        pointer: int,
        target: int,
        sources: int,
        targets: int,
        raster: int,
    ) -> None:
        weights = self.synapses.add(weight)
        size = weight.size
        column = entry = -1
        first_row = len(self.rules)
        delivering = True
        for rule in projection.plasticity:
            where = f"{projection.prefix}.plasticity"
            try:
                constants = checked(rule).constants(self.description.tick_s)
            except ValueError as error:
                raise NetworkError(*value_problems(error, f"{where}.{name_of(rule, 'rule')}")) from None
            cls = type(constants)
            distinct(cls)
            scalar = self.dtype.type
            self._rule_models.setdefault(cls, cls(*(scalar(x) for x in constants)))
            bits = hook_bits(cls)
            by_target = any(hook(cls, name) is not None for name in ("fire", "instruct"))
            if by_target and column < 0 and group.pointers is not None and group.targets is not None:
                column, entry = self._by_target(group.pointers, group.targets, targets)
            fields = part(cls, "Synapse")._fields[1:]
            initial = rule.initial_synapse() if hasattr(rule, "initial_synapse") else (0.0,) * len(fields)
            membrane = 0
            if reads_membrane(cls):
                try:
                    membrane = self.field(projection.target, "v")
                except KeyError:
                    message = f"'{name_of(rule, 'rule')}' reads a membrane; '{projection.target}' has no v"
                    raise NetworkError(Problem(where, message)) from None
            self.rules.append(
                RuleRow(
                    kind=list(self._rule_models).index(cls),
                    constant=self.constants.add(np.array(constants)),
                    synapses=size,
                    weight=weights,
                    extra=self.synapses.add(np.repeat(np.array(initial, self.dtype), size)),
                    pre=self.traces.add(np.zeros(len(part(cls, "Pre")._fields) * sources)),
                    n_pre=sources,
                    post=self.traces.add(np.zeros(len(part(cls, "Post")._fields) * targets)),
                    n_post=targets,
                    shared=self.traces.add(np.zeros(len(part(cls, "Shared")._fields))),
                    signal=self.projections.index(projection),
                    teach=raster,
                    membrane=membrane,
                    slot=self._slot[projection.target],
                    ring=int(self._ring[projection.target]),
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
        if (
            sum(1 for r in self.rules[first_row:] if r.hooks & 1 << HOOKS.index("weight"))
            and len(projection.plasticity) > 1
        ):
            raise NetworkError(
                Problem(
                    f"{projection.prefix}.plasticity",
                    "combines a rule that keeps its weights in another form with a second rule",
                    "use that rule alone",
                )
            )
        self.plastic.append(PlasticGroup(projection, group, size, tuple(range(first_row, len(self.rules)))))

    def _by_target(self, pointers: NDArray[np.int64], targets: NDArray[np.uint32], n_targets: int) -> tuple[int, int]:
        order = np.argsort(targets, kind="stable")
        sources = np.repeat(np.arange(pointers.size - 1), np.diff(pointers))
        column = self.columns.add(starts(np.bincount(targets, minlength=n_targets)))
        entry = self.entries.add(order)
        self.entries.add(sources[order])
        return column, entry


def check_projection(
    projection: Projection, tensors: Mapping[str, NDArray[Any]], sources: int, targets: int, decision: str
) -> list[Problem]:
    """What is wrong with the tensors of a projection."""
    prefix = projection.prefix
    names = ("weight", "indptr", "indices") if projection.connectivity == "sparse" else ("weight",)
    found = [Problem(f"{prefix}.{name}", "is missing") for name in names if f"{prefix}.{name}" not in tensors]
    if found:
        return found
    weight = tensors[f"{prefix}.weight"]
    if projection.connectivity == "sparse":
        indptr, indices = tensors[f"{prefix}.indptr"], tensors[f"{prefix}.indices"]
        rising = indptr.shape == (sources + 1,) and indptr[0] == 0 and bool((np.diff(indptr) >= 0).all())
        if not rising or indptr[-1] != indices.size:
            found.append(Problem(f"{prefix}.indptr", f"must rise from 0 to the {indices.size} entries of .indices"))
        if indices.shape != weight.shape:
            found.append(Problem(f"{prefix}.weight", f"has {weight.size} entries, .indices has {indices.size}"))
        if indices.size and (indices.min() < 0 or indices.max() >= targets):
            found.append(Problem(f"{prefix}.indices", f"name neurons outside 0 ... {targets - 1}"))
    elif weight.shape != (sources, targets):
        found.append(Problem(f"{prefix}.weight", f"has the shape {weight.shape}, expected ({sources}, {targets})"))
    if not np.isfinite(weight).all():
        found.append(Problem(f"{prefix}.weight", f"has {np.count_nonzero(~np.isfinite(weight))} values not finite"))
    delays = tensors.get(f"{prefix}.delay")
    if delays is not None:
        least = 1 if decision == "streaming" else min(1, projection.delay_ticks)
        if delays.shape != weight.shape:
            found.append(Problem(f"{prefix}.delay", f"has the shape {delays.shape}, the weights {weight.shape}"))
        elif delays.size and (delays.min() < least or delays.max() > MAX_DELAY_TICKS):
            found.append(Problem(f"{prefix}.delay", f"must lie between {least} and {MAX_DELAY_TICKS} ticks"))
    return found
