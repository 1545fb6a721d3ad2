"""Both ends of a controller: observation to spikes, output spikes to action.

Every controller that is not one fused kernel uses it: the general engine and the emulated chips.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.folder import Agent
from snnctl.coding import (
    ChoiceDecoder,
    DirectCurrent,
    FilteredRateDecoder,
    FirstSpikeDecoder,
    GaussianPopulation,
    HashedPlaceCells,
    MembraneDecoder,
    PlaceCells,
    PopulationVectorDecoder,
    RateDecoder,
    SendOnDelta,
    WinnerTakeAllDecoder,
    direct_current,
    filtered_rate,
    first_spike,
    membrane,
    population_vector,
    winner_take_all,
)
from snnctl.coding.gaussian_encoder import GaussianEncoder
from snnctl.coding.hashed_place_cells import HashedPlaceCellEncoder
from snnctl.coding.intensity import IntensityEncoder
from snnctl.coding.place_cell_encoder import PlaceCellEncoder
from snnctl.coding.readout import choose, linear, normalise, squash
from snnctl.coding.send_on_delta import SendOnDeltaEncoder

Action = NDArray[np.float64] | int


class SpikeEncoder(Protocol):
    """What turns a normalised observation into spikes; one class for each kind of encoder."""

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) of 0 and 1 for ``x`` (dims,); draws from the generator ``state`` (4,) if it needs to."""
        ...

    def reset(self) -> None:
        """Forget the episode so far."""
        ...


def spike_encoder(agent: Agent, dtype: type) -> SpikeEncoder:
    """The encoder that the agent's description names, with its tensors."""
    config = agent.description.encoder
    match config:
        case GaussianPopulation():
            return GaussianEncoder(config, agent.tensors, dtype)
        case PlaceCells():
            return PlaceCellEncoder(config, agent.tensors, dtype)
        case HashedPlaceCells():
            return HashedPlaceCellEncoder(config, agent.tensors)
        case SendOnDelta():
            return SendOnDeltaEncoder(config)
        case DirectCurrent():
            return _Silent()
        case _:
            return IntensityEncoder(config, agent.description.network.tick_s)


class _Silent:
    """No spikes: the observation goes in as a current (:meth:`Coder.analog`)."""

    def reset(self) -> None:
        pass

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        return np.zeros((ticks, x.size), np.uint8)


class SpikeDecoder(Protocol):
    """What turns the spikes of the output population into an action."""

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> Action:
        """The action for spikes (ticks, n_out) and, where it needs them, membranes (n_out,) or (ticks, n_out)."""
        ...

    def reset(self) -> None:
        """Forget the episode so far."""
        ...


def spike_decoder(agent: Agent) -> SpikeDecoder:
    """The decoder that the agent's description names, with its tensors."""
    config = agent.description.decoder
    match config:
        case PopulationVectorDecoder():
            return _PopulationVector(agent)
        case WinnerTakeAllDecoder():
            return _WinnerTakeAll(config, agent.description.task.action_size)
        case _:
            return _Linear(agent)


class _Linear:
    """One value a neuron, a weighted sum an action; squashed to the limits, or the largest chosen."""

    def __init__(self, agent: Agent) -> None:
        tensors, network = agent.tensors, agent.description.network
        self._config = agent.description.decoder
        self._weight = tensors["decoder.weight"].astype(np.float64).ravel()  # (actions * k,)
        self._bias = tensors["decoder.bias"].astype(np.float64)  # (actions,)
        self._limits: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        if not isinstance(self._config, ChoiceDecoder):
            self._limits = tensors["decoder.low"].astype(np.float64), tensors["decoder.high"].astype(np.float64)
        if isinstance(self._config, FilteredRateDecoder):
            self._a = float(np.exp(-network.tick_s / self._config.tau_s))
        self.reset()

    def reset(self) -> None:
        self._filter = filtered_rate.start(self._weight.shape)

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> Action:
        y = np.empty_like(self._bias)  # (actions,)
        match self._config:
            case RateDecoder() | ChoiceDecoder():  # integers: the same sums as in the decision kernel
                linear(raster.sum(axis=0, dtype=np.int64), raster.shape[0], self._weight, self._bias, y)
            case _:
                linear(self._values(raster, v), 1, self._weight, self._bias, y)
        if self._limits is None:
            return int(choose(y))
        squash(y, *self._limits)
        return y

    def _values(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> NDArray[np.float64]:
        match self._config:
            case FilteredRateDecoder():
                self._filter = filtered_rate.advance(self._filter, raster, self._a)
                return filtered_rate.rate(self._filter, self._a)
            case FirstSpikeDecoder():
                return first_spike.decode(raster)
            case MembraneDecoder(read=read):
                return membrane.decode(_given(v), read)
            case _:
                raise TypeError(f"no values of '{self._config.kind}'")


class _PopulationVector:
    def __init__(self, agent: Agent) -> None:
        self._preferred = agent.tensors["decoder.preferred"].astype(np.float64)  # (actions, k)
        self._low = agent.tensors["decoder.low"].astype(np.float64)  # (actions,)
        self._high = agent.tensors["decoder.high"].astype(np.float64)  # (actions,)
        self._silent = (self._low + self._high) / 2  # (actions,)

    def reset(self) -> None:
        pass

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> Action:
        y = self._silent.copy()  # (actions,)
        population_vector.means(raster, self._preferred, y)
        return np.minimum(np.maximum(y, self._low), self._high)


class _WinnerTakeAll:
    def __init__(self, config: WinnerTakeAllDecoder, actions: int) -> None:
        self._by, self._actions = config.by, actions

    def reset(self) -> None:
        pass

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> Action:
        match self._by:
            case "count":
                return winner_take_all.most_spikes(raster, self._actions)
            case "first_spike":
                return winner_take_all.earliest_spike(raster, self._actions)
            case "membrane":
                return winner_take_all.highest_membrane(_given(v), self._actions)


def _given(v: NDArray[Any] | None) -> NDArray[Any]:
    if v is None:
        raise ValueError("the decoder reads membranes, which this controller does not give")
    return v


class Coder:
    """Encoder, normaliser and decoder of one agent, with the encoder's random stream."""

    def __init__(self, agent: Agent, dtype: type = np.float32) -> None:
        description, tensors = agent.description, agent.tensors
        self._ticks = description.network.ticks
        self._encoder = spike_encoder(agent, dtype)
        self._clip = float(description.normaliser.clip)
        self._mean = tensors["normaliser.mean"].astype(np.float64)  # (dims,)
        self._std = tensors["normaliser.std"].astype(np.float64)  # (dims,)
        self._observation = np.empty_like(self._mean)  # (dims,)
        self._decoder = spike_decoder(agent)
        self._starts = np.zeros(self._ticks + 1, np.int64)
        self._gain = description.encoder.gain if isinstance(description.encoder, DirectCurrent) else 0.0
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start an episode: seed the encoder's random stream, forget what encoder and decoder kept."""
        self._state = streams.kernel_state(seed, "encoder")  # (4,)
        self._encoder.reset()
        self._decoder.reset()

    def normalise(self, observation: NDArray[Any]) -> NDArray[np.float64]:
        """The observation in units of its deviation, clipped.  # (dims,)"""
        self._observation[:] = observation
        x = np.empty_like(self._mean)  # (dims,)
        normalise(self._observation, self._mean, self._std, self._clip, x)
        return x

    def encode(self, observation: NDArray[Any]) -> NDArray[np.uint8]:
        """Input spikes of one decision.  # (ticks, n_in)"""
        return self._encoder.encode(self.normalise(observation), self._ticks, self._state)

    def sources(self, observation: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The same as lists (ticks + 1,) and (spikes,): ``sources[starts[t] : starts[t + 1]]`` spike in tick t."""
        x = self.normalise(observation)
        if isinstance(self._encoder, HashedPlaceCellEncoder):  # the same cells in every tick
            active = self._encoder.active(x)
            return self._every(active.size), np.concatenate([active] * self._ticks)
        spikes = self._encoder.encode(x, self._ticks, self._state)
        counts = np.count_nonzero(spikes, axis=1)
        return np.concatenate(([0], np.cumsum(counts))), np.nonzero(spikes)[1]

    def _every(self, size: int) -> NDArray[np.int64]:
        if self._starts[-1] != size * self._ticks:
            self._starts = np.arange(self._ticks + 1) * size  # (ticks + 1,)
        return self._starts

    def analog(self, observation: NDArray[Any]) -> NDArray[np.float64]:
        """What a direct-current encoder injects in every tick of a decision (dims,).

        Raises:
            ValueError: an observation is nan.
        """
        current: NDArray[np.float64] = direct_current.encode(self.normalise(observation), 1, self._gain)[0]
        return current

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None = None) -> Action:
        """The action for what the output population did: an array within limits, or an index.

        Args:
            raster: spikes (ticks, n_out)
            v: membranes after the last tick (n_out,) or after each (ticks, n_out), for a decoder that reads them
        """
        return self._decoder.decode(raster, v)
