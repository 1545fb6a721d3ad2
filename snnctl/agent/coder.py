"""Both ends of a controller: observation to what enters the network, what leaves it to action.

Every controller that is not one fused kernel uses it: the general engine and the emulated chips.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.folder import Agent
from snnctl.coding.code import Action
from snnctl.coding.readout import choose_each, normalise
from snnctl.errors import Problem, SpaceError


class Coder:
    """Normaliser, encoder and decoder of one agent, with the encoder's random stream."""

    def __init__(self, agent: Agent, dtype: type = np.float32) -> None:
        description, tensors = agent.description, agent.tensors
        network = description.network
        self._ticks = network.ticks
        self._clip = float(description.normaliser.clip)
        self._mean = tensors["normaliser.mean"].astype(np.float64)  # (dims,)
        self._std = tensors["normaliser.std"].astype(np.float64)  # (dims,)
        self._observation = np.empty_like(self._mean)  # (dims,)
        self._encoder = description.encoder.build(tensors, network.tick_s, dtype)
        self._active = getattr(self._encoder, "active", None)
        self._decoder: Any = description.decoder.build(tensors, network.tick_s, description.task.action_size)
        self._choices = description.task.action_choices
        self._starts = np.zeros(self._ticks + 1, np.int64)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start an episode: seed the encoder's random stream, forget what encoder and decoder kept."""
        self._state = streams.kernel_state(seed, "encoder")  # (4,)
        self._encoder.reset()
        self._decoder.reset()

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next decision of the episode depends on (copies)."""
        found = {"random": self._state.copy()}
        for name, code in (("encoder", self._encoder), ("decoder", self._decoder)):
            kept = code.memory() if hasattr(code, "memory") else {}
            found |= {f"{name}.{field}": array for field, array in kept.items()}
        return found

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state`."""
        self._state[:] = state["random"]
        for name, code in (("encoder.", self._encoder), ("decoder.", self._decoder)):
            if hasattr(code, "recall"):
                code.recall({n.removeprefix(name): array for n, array in state.items() if n.startswith(name)})

    def normalise(self, observation: NDArray[Any]) -> NDArray[np.float64]:
        """The observation in units of its deviation, clipped.  # (dims,)

        Raises:
            SpaceError: it is not of this size.
        """
        try:
            if len(observation) != len(self._observation):  # one number would be given to all
                raise misfit(observation, len(self._observation))
            self._observation[:] = observation
        except (TypeError, ValueError):
            raise misfit(observation, len(self._observation)) from None
        x = np.empty_like(self._mean)  # (dims,)
        normalise(self._observation, self._mean, self._std, self._clip, x)
        return x

    def encode(self, observation: NDArray[Any]) -> NDArray[np.uint8]:
        """Input spikes of one decision.  # (ticks, n_in)"""
        spikes: NDArray[np.uint8] = self._encoder.encode(self.normalise(observation), self._ticks, self._state)
        return spikes

    def sources(self, observation: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The same as lists (ticks + 1,) and (spikes,): ``sources[starts[t] : starts[t + 1]]`` spike in tick t."""
        if self._active is not None:
            active = self._active(self.normalise(observation))
            if self._starts[-1] != active.size * self._ticks:
                self._starts = np.arange(self._ticks + 1) * active.size  # (ticks + 1,)
            return self._starts, np.concatenate([active] * self._ticks)
        spikes = self.encode(observation)
        counts = np.count_nonzero(spikes, axis=1)
        return np.concatenate(([0], np.cumsum(counts))), np.nonzero(spikes)[1]

    def analog(self, observation: NDArray[Any]) -> NDArray[np.float64]:
        """What an analog encoder gives, the same in every tick of a decision (n_in,).

        Raises:
            ValueError: an observation is not finite.
        """
        values: NDArray[np.float64] = self._encoder.values(self.normalise(observation))
        return values

    def decode(self, raster: NDArray[np.uint8] | None, v: NDArray[Any] | None = None) -> Action:
        """The action for what the output population did: an array within limits, an index, or an index a choice.

        Args:
            raster: spikes (ticks, n_out); None of a network that computes with numbers
            v: membranes after the last tick (n_out,) or after each (ticks, n_out), or such numbers (n_out,), for a
                decoder that reads them
        """
        if self._choices:
            return choose_each(self._decoder.scores(raster, v), self._choices)
        action: Action = self._decoder.decode(raster, v)
        return action


def misfit(observation: Any, dims: int) -> SpaceError:
    """What is said of an observation that is not ``dims`` numbers."""
    message = f"is {type(observation).__name__} of shape {np.shape(observation)}"
    return SpaceError(Problem("observation", message, f"this agent was made for ({dims},)"))
