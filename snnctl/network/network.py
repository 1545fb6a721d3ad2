"""Build a network in Python, run it, step it tick by tick, read it.

    net = Network(tick_s=1e-3, seed=1)
    noise = net.population("noise", 100, Poisson(rate_hz=20.0))
    cells = net.population("cells", 50, CurrentLif(tau_mem_s=0.02, tau_syn_s=0.005))
    net.project(noise, cells, FixedProbability(0.2), weight=0.3)
    net.record(cells, "spikes")
    net.run(1.0)
    times_s, neurons = net.spikes(cells)

Times are in seconds and are rounded to whole ticks. A projection has a delay of one tick unless it says otherwise; a
spike of tick k with delay d acts at the beginning of tick k + d. The network is compiled at the first tick; from then
on nothing can be added to it. The same seed gives the same bits, in one call or in many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import DivergedError, NetworkError, Problem, nearest
from snnctl.network import states
from snnctl.network.builder import Builder
from snnctl.network.checks import duration, numbers
from snnctl.network.connection import Convolution
from snnctl.network.description import Population, Projection
from snnctl.network.engine import Engine, Spikes, State
from snnctl.network.parameters import checked
from snnctl.network.recording import Recording, Recordings, SpikeRecording
from snnctl.network.rules import part
from snnctl.network.states import NetworkState
from snnctl.network.stepper import Stepper

_CELLS_A_CHUNK = 2_000_000  # ticks x neurons that one call of the kernel may report
_TICKS_A_CHUNK = 1000


class Network(Builder):
    """Populations and projections that run.

    Args:
        tick_s: duration of a tick (s)
        seed: of connectivity, weights, noise and stochastic neurons; each has a stream of its own
        dtype: float64 or float32, of weights and states
    """

    def __init__(self, tick_s: float, seed: int = 0, dtype: Any = np.float64) -> None:
        super().__init__(tick_s, seed, dtype)
        self._recordings: dict[tuple[str, str], Recording] = {}
        self._recorded: Recordings | None = None
        self._stepper: Stepper | None = None
        self._engine: Engine | None = None

    def __getstate__(self) -> dict[str, Any]:
        """All but the stepper: it holds the addresses of this network's arrays."""
        return vars(self) | {"_stepper": None}

    def record(
        self,
        what: Population | Projection | str,
        field: str = "spikes",
        *,
        neurons: ArrayLike | None = None,
        every_s: float | None = None,
    ) -> None:
        """Keep ``spikes`` or a field of the state of a population, or a field of plastic synapses.

        Args:
            what: a population, or a projection with plasticity
            field: ``spikes``, a field of the neuron's state such as ``v``, or of the synapse such as ``weight``
            neurons: which neurons; all by default (not for spikes and synapses)
            every_s: interval of samples; every tick for neurons, required for synapses
        """
        known = self._either(what)
        name = known.prefix if isinstance(known, Projection) else known.name
        stride = 1 if every_s is None else max(1, self._ticks(every_s, f"{name}.every_s"))
        if isinstance(known, Projection) and (not known.plasticity or every_s is None):
            raise NetworkError(Problem(name, "can be recorded if it is plastic, at an interval", "give every_s"))
        chosen = (
            None if neurons is None or isinstance(known, Projection) else numbers(neurons, f"{name}.neurons", np.int64)
        )
        if chosen is not None and chosen.ndim != 1:
            raise NetworkError(Problem(f"{name}.neurons", f"has the shape {chosen.shape}", "give a list of neurons"))
        if chosen is not None and chosen.size and (chosen.min() < 0 or chosen.max() >= known.size):  # type: ignore[union-attr]
            raise NetworkError(Problem(f"{name}.neurons", f"must lie between 0 and {known.size - 1}"))  # type: ignore[union-attr]
        if field != "spikes" or isinstance(known, Projection):
            self._require_field(known, field)
        self._recordings[name, field] = Recording(known, field, chosen, stride)
        self._recorded = self._stepper = None

    # ------------------------------------------------------------------ running

    @property
    def engine(self) -> Engine:
        """The compiled network; made at first use.

        Raises:
            NetworkError: the network is not sound.
        """
        if self._engine is None:
            engine = Engine(self._lowered(self.description), self.dtype)
            state = engine.initial_state(self.seed)
            current_states: dict[str, list[Any]] = {}
            for index, name in enumerate(self._populations):
                for k, current in enumerate(self._currents.get(name, [])):
                    try:
                        one = current.initial_state(self._populations[name].size, self.seed, index, k)
                    except ValueError as error:
                        raise NetworkError(Problem(f"population.{name}.current", str(error))) from None
                    current_states.setdefault(name, []).append(one)
            self._tensors |= engine.settle()
            self._engine, self._state, self._current_states = engine, state, current_states
        return self._engine

    @property
    def tick(self) -> int:
        """Ticks so far."""
        return 0 if self._engine is None else int(self._state.tick[0])

    @property
    def time_s(self) -> float:
        """Time so far (s)."""
        return self.tick * self.tick_s

    def run(
        self,
        duration_s: float,
        *,
        spikes: Mapping[str, ArrayLike] | None = None,
        currents: Mapping[str, ArrayLike] | None = None,
        signal: ArrayLike | Mapping[str, ArrayLike] | None = None,
        teach: Mapping[str, ArrayLike] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Run for a duration, a whole number of ticks.

        Args:
            duration_s: how long (s)
            spikes: of populations without a model (ticks, n), by name
            currents: into populations, beside their bias and sources: (ticks, n), (n,) or a number
            signal: for all rules that read one (dopamine, reward): a number or (ticks,); or by the prefix of the
                projection (``projection.<source>.<target>``)
            teach: for the rules of the synapses onto a population (target spikes, learning signals) (ticks, n)
            progress: called with the part that is done, 0 ... 1

        Raises:
            NetworkError: the network is not sound, or an argument has the wrong shape or is not finite.
            DivergedError: a neuron's state has become infinite or not a number.
        """
        self._advance(self._ticks(duration_s, "duration_s"), spikes, currents, signal, teach, progress)

    def step(
        self,
        *,
        spikes: Mapping[str, ArrayLike] | None = None,
        currents: Mapping[str, ArrayLike] | None = None,
        signal: float | Mapping[str, float] | None = None,
        teach: Mapping[str, ArrayLike] | None = None,
    ) -> dict[str, Spikes]:
        """One tick, as a closed loop needs it; arguments as in :meth:`run`, without the axis of ticks.

        Returns:
            The spikes of every population with a model, by name, (n,) uint8.
        """
        raster = None if self._stepper is None else self._stepper.step(spikes, currents, signal, teach)
        engine = self.engine if self._engine is None else self._engine
        if self._stepper is not None and self._stepper.diverged:
            self._check_finite(engine, self.tick - 1, 1)
        if raster is None:
            fired = self._advance(1, spikes, currents, signal, teach, None)
            raster = np.zeros(engine.currents.width, np.uint8)
            raster[fired] = 1
            if not (self._stepper or self._recordings or self._spike_arrays or self._currents):
                self._stepper = Stepper.of(engine, self._state)
        return {name: raster[columns] for name, columns in engine.currents.of.items()}

    def _advance(
        self,
        ticks: int,
        spikes: Mapping[str, ArrayLike] | None,
        currents: Mapping[str, ArrayLike] | None,
        signal: Any,
        teach: Mapping[str, ArrayLike] | None,
        progress: Callable[[float], None] | None,
    ) -> NDArray[np.int32]:
        engine = self.engine
        inputs = engine.inputs.array(spikes, ticks)
        injected = engine.currents.array(currents, ticks)
        taught = engine.teach.array(teach, ticks)
        signals = engine.signals.array(signal, ticks)
        if self._recorded is None:
            self._recorded = Recordings.of(self._recordings.values(), engine)
        recorded = self._recorded
        most = max(1, min(_TICKS_A_CHUNK, _CELLS_A_CHUNK // max(1, engine.currents.width)))
        done, fired = 0, np.empty(0, np.int32)
        while done < ticks:
            now = self.tick
            count = min(most, ticks - done, recorded.until_sample(now) or ticks)
            piece = slice(done, done + count)
            given = self._input_chunk(inputs, piece, now, count)
            found, samples = engine.advance(
                self._state,
                given,
                currents=self._current_chunk(injected, piece, now, count),
                signals=None if signals is None else signals[piece],
                teach=None if taught is None else taught[piece],
                probes=recorded.probes,
            )
            fired = found.neurons
            self._check_finite(engine, now, count)
            for recording in recorded.spikes:
                if isinstance(recording.what, Population) and recording.what.neuron is None:
                    recording.add_given(given[:, engine.inputs.of[recording.what.name]], now)
                else:
                    recording.add_spikes(engine, found, now)
            for recording, columns in recorded.fields:
                recording.add_samples(samples[:, columns], now)
            for recording in recorded.synaptic:
                if (now + count) % recording.stride == 0:
                    prefix = recording.projection.prefix
                    values = self._as_given(prefix, engine.synapses(self._state, prefix)[recording.field])
                    recording.add_samples(values[None].copy(), now + count - 1, every_row=True)
            done += count
            if progress is not None:
                progress(done / ticks)
        return fired

    def _check_finite(self, engine: Engine, now: int, count: int) -> None:
        """A model that has left its stable range is silent from then on, which looks like a result."""
        if np.isfinite(self._state.values).all():
            return
        for p in engine.program.stages:
            for field in p.neuron.initial()._fields:
                first = engine.field(p.label, field)
                bad = np.flatnonzero(~np.isfinite(self._state.values[first : first + p.size]))
                if bad.size:
                    message = f"of neuron {bad[0]} stopped being a finite number in ticks {now} to {now + count - 1}"
                    remedy = (
                        "its input is too strong for this tick: shorten tick_s, weaken the input or change the scheme"
                    )
                    raise DivergedError(Problem(f"population.{p.label}.{field}", message, remedy))

    def _input_chunk(self, inputs: NDArray[Any] | None, piece: slice, now: int, count: int) -> Spikes:
        engine = self.engine
        chunk: Spikes = np.zeros((count, engine.inputs.width), np.uint8) if inputs is None else inputs[piece]
        for name, spikes in self._spike_arrays.items():
            spikes.write(chunk[:, engine.inputs.of[name]], now, self.tick_s)
        return chunk

    def _current_chunk(self, injected: NDArray[Any] | None, piece: slice, now: int, count: int) -> NDArray[Any] | None:
        if not self._currents:
            return None if injected is None else injected[piece]
        columns = self.engine.currents
        chunk = np.zeros((count, columns.width), self.dtype) if injected is None else injected[piece]
        for name, currents in self._currents.items():
            states = self._current_states[name]
            for k, current in enumerate(currents):
                try:
                    states[k], values = current.values(states[k], now, count, self._populations[name].size, self.tick_s)
                except ValueError as error:
                    raise NetworkError(Problem(f"population.{name}.current", str(error))) from None
                chunk[:, columns.of[name]] += values
        return chunk

    # ------------------------------------------------------------------ reading

    def spikes(self, population: Population | str) -> SpikeRecording:
        """Recorded spikes: times (s) and neurons, in the order of time."""
        return self._recording(self._known(population).name, "spikes").spikes(self.tick_s)

    def trace(self, what: Population | Projection | str, field: str) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Recorded samples: times of the ends of ticks (s), and values (samples, neurons or synapses).

        Synapses are in the order of :meth:`weights`.
        """
        known = self._either(what)
        name = known.prefix if isinstance(known, Projection) else known.name
        return self._recording(name, field).trace(self.tick_s)

    def read(self, population: Population | str, field: str = "v") -> NDArray[Any]:
        """A field of the state of a population now (n,)."""
        known = self._known(population)
        first = self._field(self.engine, known.name, field)
        return self._state.values[first : first + known.size].copy()

    def weights(self, projection: Projection | str) -> NDArray[Any]:
        """The weights of a projection now, in the order in which they are given, (n, m) if it is all to all."""
        engine, known = self.engine, self._own(projection)
        if not known.plasticity:
            return self._as_given(known.prefix, self._tensors[known.weight_name]).copy()
        return self._as_given(known.prefix, engine.weights(self._state, known.prefix))

    def synapses(self, projection: Projection | str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sources and targets of the synapses of a projection, in the order of its weights."""
        known = self._own(projection)
        source, target = self._populations[known.source].size, self._populations[known.target].size
        if isinstance(known.connectivity, Convolution):
            return known.connectivity.pairs()[:2]
        if known.connectivity == "dense":
            rows, columns = np.divmod(np.arange(source * target), target)
            return rows, columns
        rows = np.repeat(np.arange(source), np.diff(self._tensors[known.indptr_name]))
        columns = self._tensors[known.indices_name].astype(np.int64)
        return self._as_given(known.prefix, rows), self._as_given(known.prefix, columns)

    # ------------------------------------------------------------------ state

    def state(self) -> NetworkState:
        """A copy of the state; :meth:`restore` continues from it bit for bit."""
        engine = self.engine
        assert engine is not None
        return NetworkState(
            State._make(array.copy() for array in self._state), {k: list(v) for k, v in self._current_states.items()}
        )

    def restore(self, state: NetworkState) -> None:
        """Continue from a state of this network, or of one built alike.

        Recordings go on from there: what they hold of later ticks is forgotten.
        """
        states.require_alike(state, self.state())
        self.engine.check_state(state.engine)
        self._state = State._make(array.copy() for array in state.engine)
        self._stepper = None
        for recording in self._recordings.values():
            recording.forget(self.tick)
        self._current_states = {k: list(v) for k, v in state.currents.items()}

    def save(self, path: Path | str) -> None:
        """Write the state to a file (npz, no pickle), whole or not at all."""
        states.save(Path(path), self.state(), self._fingerprint())

    def load(self, path: Path | str) -> None:
        """Continue from a file that :meth:`save` wrote.

        Raises:
            NetworkError: the file cannot be read or belongs to another network.
        """
        self.restore(states.load(Path(path), self.state(), self._fingerprint()))

    # ------------------------------------------------------------------ helpers

    def _ticks(self, duration_s: Any, where: str) -> int:
        """A duration in ticks, of which it must be a whole number."""
        seconds = duration(duration_s, where)
        ticks = round(seconds / self.tick_s)
        if abs(ticks * self.tick_s - seconds) > 1e-6 * max(seconds, self.tick_s):
            message = f"is {seconds}, no whole number of ticks of {self.tick_s} s"
            raise NetworkError(Problem(where, message, f"give a multiple, such as {max(1, ticks) * self.tick_s:g}"))
        return ticks

    def _fingerprint(self) -> str:
        return states.fingerprint(self.description, self.dtype, self._tensors)

    def _as_given(self, prefix: str, values: NDArray[Any]) -> NDArray[Any]:
        """One value for each synapse, in the order of the lists of ``Explicit`` if the projection has such."""
        order = self._orders.get(prefix)
        if order is None:
            return values
        found = np.empty_like(values)
        found[order] = values
        return found

    def _either(self, what: Population | Projection | str) -> Population | Projection:
        """The names of populations have no dots, the prefixes of projections do."""
        is_projection = isinstance(what, Projection) or (isinstance(what, str) and "." in what)
        return self._own(what) if is_projection else self._known(what)  # type: ignore[arg-type]

    def _recording(self, name: str, field: str) -> Recording:
        if (name, field) not in self._recordings:
            recorded = ", ".join(f"{n} {f}" for n, f in self._recordings) or "nothing"
            raise NetworkError(Problem(f"{name}.{field}", "was not recorded", f"recorded is: {recorded}"))
        return self._recordings[name, field]

    def _current_tensors(self) -> dict[str, NDArray[Any]]:
        """With the weights that were learnt: first ones are not kept."""
        learnt = (
            {} if self._engine is None else {p.weight_name: self._learnt(p) for p in self._projections if p.plasticity}
        )
        return self._tensors | learnt

    def _learnt(self, projection: Projection) -> NDArray[Any]:
        return self.engine.weights(self._state, projection.prefix)

    def _must_be_open(self) -> None:
        if self._engine is not None:
            raise NetworkError(Problem("network", "runs already", "add everything before the first tick"))

    def _field(self, engine: Engine, name: str, field: str) -> int:
        try:
            return engine.field(name, field)
        except KeyError:
            raise NetworkError(Problem(f"population.{name}", f"has no field '{field}'")) from None

    def _require_field(self, known: Population | Projection, field: str) -> None:
        """Refuse a field that the state of these neurons or synapses does not have."""
        try:
            if isinstance(known, Population):
                fields = set() if known.neuron is None else set(checked(known.neuron).initial()._fields)
            else:
                rules = (checked(rule).constants(self.tick_s) for rule in known.plasticity)
                fields = {name for constants in rules for name in part(type(constants), "Synapse")._fields}
        except ValueError:
            return  # parameters that cannot be used are refused, with their names, at the first tick
        if field not in fields:
            where = f"population.{known.name}" if isinstance(known, Population) else known.prefix
            raise NetworkError(Problem(where, f"has no field '{field}'", nearest(field, fields)))
