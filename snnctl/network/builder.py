"""Populations and projections of a network in the making: everything added, drawn and checked before the first tick."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.errors import NetworkError, Problem, nearest
from snnctl.network.checks import duration, no_model, require_delays, whole
from snnctl.network.connection import Convolution
from snnctl.network.connectivity import AllToAll, Connectivity, Explicit, Pairs, Values, drawn
from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.network.program import Program, lower
from snnctl.network.spike_array import SpikeArray


class Builder:
    """A network as data: :class:`snnctl.network.Network` adds running and reading.

    Args:
        tick_s: duration of a tick (s)
        seed: of connectivity, weights, noise and stochastic neurons; each has a stream of its own
        dtype: float64 or float32, of weights and states
    """

    def __init__(self, tick_s: float, seed: int = 0, dtype: Any = np.float64) -> None:
        self.tick_s = duration(tick_s, "tick_s")
        if self.tick_s == 0:
            raise NetworkError(Problem("tick_s", "is 0", "give a duration above 0 in seconds"))
        self.seed = whole(seed, "seed", 0)
        if dtype not in (np.float64, np.float32):
            raise NetworkError(Problem("dtype", f"is {dtype!r}", "give float64 or float32"))
        self.dtype = np.dtype(dtype)
        self._populations: dict[str, Population] = {}
        self._projections: list[Projection] = []
        self._tensors: dict[str, NDArray[Any]] = {}
        self._orders: dict[str, NDArray[Any]] = {}  # where each synapse of a tensor is in the lists of the user
        self._spike_arrays: dict[str, SpikeArray] = {}
        self._currents: dict[str, list[Any]] = {}

    def population(
        self,
        name: str,
        size: int,
        neuron: Any = None,
        *,
        bias: Values = 0.0,
        initial: Mapping[str, Values] | None = None,
        **parameters: Values,
    ) -> Population:
        """Add ``size`` neurons.

        Args:
            name: of the population
            size: number of neurons n
            neuron: configuration of a model (:mod:`snnctl.neurons`); a :class:`SpikeArray` for spikes at given times;
                None for spikes that are given at each step
            bias: constant current, in the unit of the model: a number, (n,), or a distribution
            initial: fields of the state before the first tick; the model's own rest by default
            parameters: parameters of the model that differ from neuron to neuron, (n,) or a distribution

        Raises:
            NetworkError: the name is taken, or a value cannot be used.
        """
        self._must_be_open()
        if name in self._populations:
            raise NetworkError(Problem(f"population.{name}", "exists already", "choose another name"))
        if not isinstance(name, str) or not name or "." in name:
            raise NetworkError(Problem("population", f"cannot be called {name!r}", "choose a name without dots"))
        size = whole(size, f"population.{name}.size", 1)
        if initial is not None and not isinstance(initial, Mapping):
            remedy = "give a mapping of fields of the state, such as {'v': 0.5}"
            raise NetworkError(Problem(f"population.{name}.initial", f"is {initial!r:.60}", remedy))
        generator = streams.generator(self.seed, "weights", len(self._populations), 0)
        if isinstance(neuron, SpikeArray):
            neuron.check(size, f"population.{name}")
            self._spike_arrays[name] = neuron
            neuron = None
        elif neuron is not None and (found := no_model(neuron, "model")):
            raise NetworkError(Problem(f"population.{name}.neuron", *found))
        added = Population(name=name, size=size, neuron=neuron)
        if neuron is not None:
            self._tensors[added.bias_name] = drawn(bias, (size,), generator, added.bias_name)
            for field, values in parameters.items():
                where = added.parameter_name(field)
                self._tensors[where] = drawn(values, (size,), generator, where)
            for field, values in (initial or {}).items():
                where = added.initial_name(field)
                self._require_state(added, field)
                self._tensors[where] = drawn(values, (size,), generator, where)
        elif parameters or initial or callable(bias) or np.any(bias):
            raise NetworkError(Problem(f"population.{name}", "has no neuron model and takes no bias and no parameters"))
        self._populations[name] = added
        return added

    def project(
        self,
        source: Population | str,
        target: Population | str,
        connectivity: Connectivity | Convolution | None = None,
        *,
        weight: Values,
        delay_s: Values | None = None,
        receptor: str = "",
        plasticity: Any = (),
    ) -> Projection:
        """Add synapses from one population to another.

        Args:
            source: where the spikes come from
            target: where they go
            connectivity: all to all by default
            weight: in the unit of the target's model: a number, one for each synapse in the order of the
                connectivity, or a distribution; of a convolution (target channels, source channels, height, width)
            delay_s: one tick by default; different delays make the projection sparse (a convolution has one)
            receptor: of the target's model, its first by default
            plasticity: a rule or several (:mod:`snnctl.plasticity`)

        Raises:
            NetworkError: a population is unknown, or a value cannot be used.
        """
        self._must_be_open()
        ends = [self._known(end) for end in (source, target)]
        pattern = AllToAll() if connectivity is None else connectivity
        number = len(self._projections)
        where = ".".join(("projection", ends[0].name, ends[1].name, receptor)).rstrip(".")
        if not callable(getattr(pattern, "pairs", None)) or isinstance(pattern, type):
            message = f"is {connectivity!r:.60}"
            raise NetworkError(Problem(f"{where}.connectivity", message, "give one such as FixedProbability(0.1)"))
        pairs: Pairs | None = None
        try:
            if not isinstance(pattern, Convolution):
                pairs = pattern.pairs(ends[0].size, ends[1].size, streams.generator(self.seed, "connectivity", number))
        except ValueError as error:
            raise NetworkError(Problem(f"{where}.connectivity", str(error))) from None
        shape: tuple[int, ...] = (ends[0].size, ends[1].size) if pairs is None else pairs.indices.shape
        if isinstance(pattern, Convolution):
            shape = pattern.weight_shape
        generator = streams.generator(self.seed, "weights", number, 1)
        weights = drawn(weight, shape, generator, f"{where}.weight", self.dtype)
        delays = np.ones(1 if weights.size else 0, np.int32)  # of all synapses
        if delay_s is not None:
            alike = not callable(delay_s) and np.ndim(delay_s) == 0
            exact = drawn(delay_s, delays.shape if alike else shape, generator, f"{where}.delay_s") / self.tick_s
            require_delays(exact, self.tick_s, f"{where}.delay_s")
            delays = np.rint(exact).astype(np.int32)
        order: NDArray[np.int64] | None = None
        if isinstance(pattern, Explicit):
            order = pattern.order()
            weights = weights[order] if np.ndim(weight) else weights  # type: ignore[arg-type]
            delays = delays[order] if delay_s is not None and np.ndim(delay_s) else delays  # type: ignore[arg-type]
        rules = tuple(plasticity) if isinstance(plasticity, Sequence) else (plasticity,)
        for rule in rules:
            if found := no_model(rule, "rule"):
                raise NetworkError(Problem(f"{where}.plasticity", *found))
        least = int(delays.min()) if delays.size else 1
        if isinstance(pattern, Convolution) and (delays != least).any():
            message = "differs from synapse to synapse, but the synapses of a convolution share their weights"
            raise NetworkError(Problem(f"{where}.delay_s", message, "give one number"))
        added = Projection(
            source=ends[0].name,
            target=ends[1].name,
            receptor=receptor,
            connectivity=pattern if isinstance(pattern, Convolution) else "dense" if pairs is None else "sparse",
            delay_ticks=least,
            plasticity=rules,
        )
        if any(p.prefix == added.prefix for p in self._projections):
            raise NetworkError(Problem(where, "exists already", "one projection for each source, target and receptor"))
        if order is not None and (np.diff(order) < 0).any():
            self._orders[added.prefix] = order.astype(np.min_scalar_type(order.size))
        self._tensors[added.weight_name] = weights
        if pairs is not None:
            self._tensors[added.indptr_name], self._tensors[added.indices_name] = pairs
        if delays.size and delays.max() > least:
            self._tensors[added.delay_name] = delays
        self._projections.append(added)
        return added

    def inject(self, population: Population | str, current: Any) -> None:
        """Drive a population with a current source (:mod:`snnctl.neurons.currents`); several add up."""
        self._must_be_open()
        known = self._known(population)
        if known.neuron is None:
            raise NetworkError(Problem(f"population.{known.name}", "has no neuron model and takes no current"))
        if not all(callable(getattr(current, name, None)) for name in ("initial_state", "values")):
            message = f"is not a current source: {current!r:.60}"
            raise NetworkError(
                Problem(f"population.{known.name}.current", message, "give one such as Step(amplitude=1.0)")
            )
        self._currents.setdefault(known.name, []).append(current)

    @property
    def description(self) -> NetworkDescription:
        """What runs here, as data: decisions of one tick; the engine never clears the state between them."""
        instant = any(p.delay_ticks == 0 for p in self._projections)
        return NetworkDescription(
            tick_s=self.tick_s,
            ticks=1,
            decision="reset" if instant else "streaming",
            populations=tuple(sorted(self._populations.values(), key=lambda p: p.neuron is not None)),
            projections=tuple(self._projections),
        )

    def program(self, ticks: int | None = None) -> Program:
        """The network as every machine takes it, chips and exports included.

        A :class:`SpikeArray` is an input like those without a model: the machine is given its spikes. Plastic weights
        are those of now, first ones before the network runs.

        Args:
            ticks: of a decision that starts from rest; by default the state is kept from tick to tick, as it is here

        Raises:
            NetworkError: the network is not sound, is driven by a current source, or has a projection without delay and
                keeps its state; errors name the projections as they were given.
        """
        found = [
            Problem(f"population.{name}.current", "is a source that no machine has", "give its mean as the bias")
            for name in self._currents
        ]
        if ticks is None:
            remedy = "give delays of a tick or more, or program(ticks=...) for decisions that start from rest"
            message = "is 0, but the network keeps its state from tick to tick"
            at_once = [p for p in self._projections if p.delay_ticks == 0]
            found += [Problem(f"{p.prefix}.delay_s", message, remedy) for p in at_once]
        if found:
            raise NetworkError(*found)
        if ticks is None:
            return self._lowered(self.description)
        return self._lowered(dataclasses.replace(self.description, decision="reset", ticks=whole(ticks, "ticks", 1)))

    # ------------------------------------------------------------------ helpers

    def _lowered(self, description: NetworkDescription) -> Program:
        try:
            return lower(description, self._current_tensors())
        except NetworkError as error:
            raise NetworkError(*(self._named(problem) for problem in error.problems)) from None

    def _named(self, problem: Problem) -> Problem:
        number = re.match(r"network\.projections\[(\d+)\]", problem.where)
        where = problem.where.removeprefix("network.")
        if number:
            where = self._projections[int(number[1])].prefix + problem.where[number.end() :]
        return problem._replace(where=where)

    def _known(self, population: Any) -> Population:
        name = population.name if isinstance(population, Population) else population
        if not isinstance(name, str) or name not in self._populations:
            raise NetworkError(Problem("population", f"'{name}' does not exist", nearest(str(name), self._populations)))
        return self._populations[name]

    def _own(self, projection: Projection | str) -> Projection:
        prefix = str(getattr(projection, "prefix", projection))
        for own in self._projections:
            if own.prefix == prefix:
                return own
        raise NetworkError(
            Problem(prefix, "is not a projection", nearest(prefix, [p.prefix for p in self._projections]))
        )

    def _require_state(self, population: Population, field: str) -> None:
        """Refuse a field that the state of these neurons does not have."""
        if field not in population.state_fields:
            message = f"has no field '{field}'"
            raise NetworkError(
                Problem(f"population.{population.name}", message, nearest(field, population.state_fields))
            )

    def _current_tensors(self) -> dict[str, NDArray[Any]]:
        """Every tensor, as it is now."""
        return self._tensors

    def _must_be_open(self) -> None:
        """Nothing: a network that runs refuses to be added to."""
