"""Both ends of a controller: observation to spikes, spike counts to action.

Every controller that is not one fused kernel uses it: the general engine and the emulated chips.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.folder import Agent
from snnctl.coding import GaussianPopulation, PlaceCells, RateDecoder
from snnctl.coding.gaussian_encoder import GaussianEncoder
from snnctl.coding.place_cell_encoder import PlaceCellEncoder
from snnctl.coding.readout import choose, linear, normalise, squash


class SpikeEncoder(Protocol):
    """What turns a normalised observation into spikes; one class for each kind of encoder."""

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) of 0 and 1 for ``x`` (dims,); draws from the generator ``state`` (4,) if it needs to."""
        ...


def spike_encoder(agent: Agent, dtype: type) -> SpikeEncoder:
    """The encoder that the agent's description names, with its tensors."""
    config = agent.description.encoder
    match config:
        case GaussianPopulation():
            return GaussianEncoder(config, agent.tensors, dtype)
        case PlaceCells():
            return PlaceCellEncoder(config, agent.tensors, dtype)


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
        self._weight = tensors["decoder.weight"].astype(np.float64).ravel()  # (actions * k,)
        self._bias = tensors["decoder.bias"].astype(np.float64)  # (actions,)
        self._limits: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        if isinstance(description.decoder, RateDecoder):
            self._limits = tensors["decoder.low"].astype(np.float64), tensors["decoder.high"].astype(np.float64)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start the encoder's random stream of an episode."""
        self._state = streams.kernel_state(seed, "encoder")  # (4,)

    def normalise(self, observation: NDArray[Any]) -> NDArray[np.float64]:
        """The observation in units of its deviation, clipped.  # (dims,)"""
        self._observation[:] = observation
        x = np.empty_like(self._mean)  # (dims,)
        normalise(self._observation, self._mean, self._std, self._clip, x)
        return x

    def encode(self, observation: NDArray[Any]) -> NDArray[np.uint8]:
        """Input spikes of one decision.  # (ticks, n_in)"""
        return self._encoder.encode(self.normalise(observation), self._ticks, self._state)

    def decode(self, counts: NDArray[Any]) -> NDArray[np.float64] | int:
        """The action for the spike counts of the output population (n_out,): an array within limits, or an index."""
        y = np.empty_like(self._bias)  # (actions,)
        linear(np.ascontiguousarray(counts, np.int64), self._ticks, self._weight, self._bias, y)
        if self._limits is None:
            return int(choose(y))
        squash(y, *self._limits)
        return y
