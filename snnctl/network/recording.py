"""What a run keeps: spikes as lists, states and synapses as samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.network.description import Population, Projection
from snnctl.network.engine import Engine, Fired


class SpikeRecording(NamedTuple):
    """Spikes in the order of time, then of neurons."""

    times_s: NDArray[np.float64]  # beginning of the tick of each spike (trains of snnctl.spike_trains use its end)
    neurons: NDArray[np.int32]

    def trains(self, size: int) -> list[NDArray[np.float64]]:
        """The spike times of each of ``size`` neurons (s)."""
        order = np.argsort(self.neurons, kind="stable")
        ends = np.cumsum(np.bincount(self.neurons, minlength=size))
        return np.split(self.times_s[order], ends[:-1])


class Recording:
    """One recorded quantity: ``spikes``, a field of neurons, or a field of synapses."""

    def __init__(
        self, what: Population | Projection, field: str, neurons: NDArray[np.int64] | None, stride: int
    ) -> None:
        self.what = what
        self.field = field
        self.stride = stride
        self._neurons = neurons
        self._ticks: list[NDArray[np.int64]] = []
        self._values: list[NDArray[Any]] = []

    @property
    def is_synaptic(self) -> bool:
        """Whether it samples synapses."""
        return isinstance(self.what, Projection)

    @property
    def is_neuron_field(self) -> bool:
        """Whether it samples the state of neurons."""
        return not self.is_synaptic and self.field != "spikes"

    @property
    def projection(self) -> Projection:
        """The recorded projection."""
        assert isinstance(self.what, Projection)
        return self.what

    def probes(self, engine: Engine) -> NDArray[np.int64]:
        """Indices of the sampled values in the state of the engine."""
        assert isinstance(self.what, Population)
        chosen = np.arange(self.what.size) if self._neurons is None else self._neurons
        return engine.field(self.what.name, self.field) + chosen

    def width(self, engine: Engine) -> int:
        """How many values a sample has."""
        return int(self.probes(engine).size)

    def add_spikes(self, engine: Engine, fired: Fired, now: int) -> None:
        """Keep this population's part of the spikes of ticks ``now`` ..."""
        assert isinstance(self.what, Population)
        first = int(engine.currents.of[self.what.name].start)
        own = (fired.neurons >= first) & (fired.neurons < first + self.what.size)
        ticks = np.repeat(np.arange(fired.ends.size), np.diff(fired.ends, prepend=0))
        self._ticks.append(now + ticks[own])
        self._values.append(fired.neurons[own] - np.int32(first))

    def add_given(self, raster: NDArray[np.uint8], now: int) -> None:
        """Keep the spikes (ticks, n) that a population without a model was given from tick ``now`` on."""
        ticks, neurons = np.nonzero(raster)
        self._ticks.append(now + ticks)
        self._values.append(neurons.astype(np.int32))

    def add_samples(self, samples: NDArray[Any], now: int, every_row: bool = False) -> None:
        """Keep the samples of ticks ``now`` ... that are due."""
        ticks = now + np.arange(len(samples))
        due = slice(None) if every_row else (ticks + 1) % self.stride == 0
        self._ticks.append(ticks[due])
        self._values.append(samples[due])

    def forget(self, tick: int) -> None:
        """Drop what was kept of ``tick`` and later ones."""
        kept = [ticks < tick for ticks in self._ticks]
        self._ticks = [ticks[keep] for ticks, keep in zip(self._ticks, kept, strict=True)]
        self._values = [values[keep] for values, keep in zip(self._values, kept, strict=True)]

    def spikes(self, tick_s: float) -> SpikeRecording:
        """The recorded spikes."""
        ticks = np.concatenate([np.empty(0, np.int64), *self._ticks])
        return SpikeRecording(ticks * tick_s, np.concatenate([np.empty(0, np.int32), *self._values]))

    def trace(self, tick_s: float) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Ends of the sampled ticks (s), and the samples."""
        ticks = np.concatenate([np.empty(0, np.int64), *self._ticks])
        values = np.concatenate(self._values) if self._values else np.empty((0, 0))
        return (ticks + 1) * tick_s, values


class Recordings(NamedTuple):
    """Recordings by what they need at each call of the engine."""

    spikes: list[Recording]
    fields: list[tuple[Recording, slice]]  # of neurons, and their columns of the samples
    probes: NDArray[np.int64]
    synaptic: list[Recording]

    @classmethod
    def of(cls, recordings: Iterable[Recording], engine: Engine) -> Recordings:
        """Sort them."""
        known = list(recordings)
        fields = [r for r in known if r.is_neuron_field]
        probes = [r.probes(engine) for r in fields]
        ends = np.cumsum([len(p) for p in probes])
        columns = [slice(int(end) - len(p), int(end)) for p, end in zip(probes, ends, strict=True)]
        synaptic = [r for r in known if r.is_synaptic]
        spikes = [r for r in known if not r.is_synaptic and not r.is_neuron_field]
        every_probe = np.concatenate([np.empty(0, np.int64), *probes])
        return cls(spikes, list(zip(fields, columns, strict=True)), every_probe, synaptic)

    def until_sample(self, now: int) -> int:
        """Ticks until the next sample of synapses; 0 if there is none."""
        return min((r.stride - now % r.stride for r in self.synaptic), default=0)
