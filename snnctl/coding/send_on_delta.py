"""Send-on-delta: a spike for each threshold that a signal has moved away from the level sent so far.

    n = trunc((x - level) / threshold)          events of this sample, at most ``most`` of each sign
    level += n threshold                        what a receiver who adds up the events holds

The level is kept, so a slow drift is sent as soon as it amounts to a threshold, and what a sample could not send
follows with the next ones: |x - level| < threshold after every sample that was not cut off by ``most``. The level is
stored as a whole number of thresholds from the first sample, which costs no spikes.
Two neurons for each observation: 2 d for rises, 2 d + 1 for falls; n events are spikes in the first n ticks.
Cost: no extra ticks; sum |x - previous x| / threshold spikes for a monotonous signal, none while nothing changes, at
most ticks a neuron and decision. The code is relative: a decoder needs the level at the start of the episode.
Source: Miskowicz, Sensors 6 (2006), send-on-delta sampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Gt
from numpy.typing import NDArray

from snnctl.coding.code import Encoder, Tensors
from snnctl.config import schema


class Level(NamedTuple):
    """What has been sent: origin + steps threshold."""

    origin: NDArray[np.float64]  # (...)
    steps: NDArray[np.int64]  # (...)

    def value(self, threshold: float) -> NDArray[np.float64]:
        """The level in the units of the signal.  # (...)"""
        return self.origin + self.steps * threshold


def start(x: NDArray[Any]) -> Level:
    """The level after a first sample (...), which is the origin and sends nothing.

    Raises:
        ValueError: a sample is not finite.
    """
    origin = _finite(x)
    return Level(origin, np.zeros(origin.shape, np.int64))


def advance(level: Level, x: NDArray[Any], threshold: float, most: int) -> tuple[Level, NDArray[np.int64]]:
    """The new level, and the signed events (...) of one sample ``x`` (...).

    Raises:
        ValueError: a sample is not finite.
    """
    steps = np.trunc((_finite(x) - level.origin) / threshold - level.steps)
    n = np.clip(steps, -most, most).astype(np.int64)  # (...)
    return Level(level.origin, level.steps + n), n


def encode(x: NDArray[Any], threshold: float, most: int = 1, origin: Any = None) -> NDArray[np.int64]:
    """Signed events (samples, ...) of a signal (samples, ...), at most ``most`` of each sign a sample.

    Args:
        x: the signal
        threshold: > 0, in its units
        most: events that one sample can send
        origin: level before the first sample (...); the first sample itself, which then sends nothing, if None

    Raises:
        ValueError: the signal is not finite, or the threshold is not positive.
    """
    if not threshold > 0:
        raise ValueError(f"threshold {threshold}: must be positive")
    level = start(x[0] if origin is None else np.broadcast_to(origin, x.shape[1:]))
    events = np.empty(x.shape, np.int64)  # (samples, ...)
    for k, sample in enumerate(x):
        level, events[k] = advance(level, sample, threshold, most)
    return events


def decode(events: NDArray[Any], threshold: float, origin: Any = 0.0) -> NDArray[np.float64]:
    """The level (samples, ...) after each sample of signed events (samples, ...)."""
    level: NDArray[np.float64] = np.asarray(origin, np.float64) + threshold * np.cumsum(events, axis=0)
    return level


def _finite(x: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(x, np.float64)
    if not np.isfinite(values).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
        raise ValueError(f"observation{index} is {values[tuple(index)]}: a level must be finite")
    return values


@schema
class SendOnDelta(Encoder):
    """Configuration of the send-on-delta encoder; the threshold is in units of the normalised observation."""

    kind: Literal["send_on_delta"] = "send_on_delta"
    threshold: Annotated[float, Gt(0)] = 0.1

    def size(self, dims: int) -> int:
        """Neurons needed for ``dims`` observations."""
        return 2 * dims

    def build(self, tensors: Tensors, tick_s: float, dtype: type) -> SendOnDeltaEncoder:
        """What encodes; no tensors are needed."""
        return SendOnDeltaEncoder(self)


class SendOnDeltaEncoder:
    """Normalised observation -> spikes; keeps the level from decision to decision of an episode."""

    def __init__(self, config: SendOnDelta) -> None:
        self._threshold = config.threshold
        self._level: Level | None = None

    def reset(self) -> None:
        """The next observation is a first one."""
        self._level = None

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, 2 dims) for the normalised observation ``x`` (dims,)."""
        level = start(x) if self._level is None else self._level
        self._level, n = advance(level, x, self._threshold, ticks)
        signed = np.stack([n, -n], axis=1).ravel()  # (2 dims,)
        return (np.arange(ticks)[:, None] < signed).astype(np.uint8)

    def memory(self) -> dict[str, NDArray[Any]]:
        """The level, by which an episode goes on; empty before the first observation."""
        return {} if self._level is None else {name: a.copy() for name, a in self._level._asdict().items()}

    def recall(self, memory: Mapping[str, NDArray[Any]]) -> None:
        """Go on from :meth:`memory`."""
        self._level = Level(**{name: a.copy() for name, a in memory.items()}) if memory else None
