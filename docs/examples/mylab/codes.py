"""A code that is silent at the set point: window neurons at the input, antagonists at the output.

    Window:       n = round(ticks min(max(|x| - inner, 0) / (outer - inner), 1)) spikes, evenly over the ticks,
                  of neuron 2 d if x[d] is above 0, of 2 d + 1 if it is below
    Antagonists:  pull[side] = 1 - mean tick of its spikes / ticks; 0 if it is silent       (the sooner the stronger)
                  y += (1 - exp(-decision / tau)) (pull[up] - pull[down] - y)               (a muscle is slow)
                  action = low + (y + 1) / 2 (high - low)

Within its window an observation costs no spikes, and without spikes the action relaxes to the middle of its limits.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from snnctl.coding.code import Action, Decoder, Encoder, Limits, Shapes, Tensors
from snnctl.config import Seconds, schema
from snnctl.errors import Problem


@schema
class Window(Encoder):
    """Two neurons for each observation; ``inner`` and ``outer`` are in units of the normalised observation."""

    inner: Annotated[float, Ge(0)] = 0.1
    outer: Annotated[float, Gt(0)] = 1.0

    def __post_init__(self) -> None:
        if not self.inner < self.outer:
            raise ValueError(f"inner {self.inner:g}: must be below outer ({self.outer:g})")

    @property
    def is_steady(self) -> bool:
        """The same observation always gives the same spikes."""
        return True

    def size(self, dims: int) -> int:
        """Neurons for ``dims`` observations."""
        return 2 * dims

    def build(self, tensors: Tensors, tick_s: float, dtype: type) -> WindowEncoder:
        """What encodes; it needs no tensors."""
        return WindowEncoder(self)


class WindowEncoder:
    """Normalised observation -> spikes."""

    def __init__(self, config: Window) -> None:
        self.config = config

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, 2 dims) for ``x`` (dims,)."""
        inner, outer = self.config.inner, self.config.outer
        sides = np.stack([x, -x], axis=1).ravel()  # (2 dims,)
        n = np.round(ticks * np.clip((sides - inner) / (outer - inner), 0.0, 1.0))
        done = np.floor(np.arange(ticks + 1)[:, None] * n / ticks)  # spikes before each tick (ticks + 1, 2 dims)
        return np.diff(done, axis=0).astype(np.uint8)


@schema
class Antagonists(Decoder):
    """Two neurons for each action, one that pulls it up and one that pulls it down."""

    action_kind: ClassVar[Literal["continuous"]] = "continuous"
    tau_s: Annotated[Seconds, Gt(0)] = 0.02

    def size(self, actions: int) -> int:
        """Neurons for ``actions`` actions."""
        return 2 * actions

    def tensor_shapes(self, actions: int) -> Shapes:
        """The limits of the actions."""
        return {"decoder.low": (actions,), "decoder.high": (actions,)}

    def fixed(self, actions: int, limits: Limits | None) -> dict[str, NDArray[Any]] | None:
        """The limits are all that it needs: nothing is to be trained."""
        return None if limits is None else {"decoder.low": limits[0], "decoder.high": limits[1]}

    def problems(self, actions: int, ticks: int) -> list[Problem]:
        """A single tick has no time in it."""
        return [] if ticks > 1 else [Problem("kind", "reads when spikes come", "give a decision 2 ticks or more")]

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> Muscles:
        """What decodes within these limits."""
        return Muscles(tensors["decoder.low"], tensors["decoder.high"], tick_s / self.tau_s)


class Muscles:
    """Spikes -> action; keeps the pull from decision to decision of an episode."""

    def __init__(self, low: NDArray[Any], high: NDArray[Any], rate: float) -> None:
        self.low, self.high = low.astype(np.float64), high.astype(np.float64)  # (actions,)
        self.rate = rate  # ticks of tau
        self.reset()

    def reset(self) -> None:
        """Nothing pulls."""
        self.y = np.zeros(self.low.size)  # (actions,)

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> Action:
        """The action (actions,) for spikes (ticks, 2 actions)."""
        ticks, counts = raster.shape[0], raster.sum(axis=0)
        mean = np.arange(ticks) @ raster / np.maximum(counts, 1)
        pull = np.where(counts > 0, 1.0 - mean / ticks, 0.0).reshape(-1, 2)  # (actions, 2)
        self.y += -math.expm1(-self.rate * ticks) * (pull[:, 0] - pull[:, 1] - self.y)
        return self.low + (self.y + 1.0) / 2.0 * (self.high - self.low)
