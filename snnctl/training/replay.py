"""Replay memory: every transition one row of float32 numbers in a ring.

    row n = [observation | action | reward | 1 if the task ended | next observation]        at n mod capacity

Observations are raw and rewards are not scaled, so that both are normalised by the statistics of the moment in which
they are drawn.
An action is in [-1, 1]. Time that ran out does not end a task. Nothing here has a state: whoever holds the ring counts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]


class Transitions(NamedTuple):
    """A batch, views of its rows."""

    observations: Rows  # (batch, dims)
    actions: Rows  # (batch, actions)
    rewards: Rows  # (batch,)
    ended: Rows  # (batch,) 1 where the task ended
    following: Rows  # (batch, dims) next observations


def width(dims: int, actions: int) -> int:
    """Numbers of a row."""
    return 2 * dims + actions + 2


def allocate(capacity: int, dims: int, actions: int) -> Rows:
    """An empty ring; pages that nothing was written to take no memory.  # (capacity, 2 dims + actions + 2)"""
    return np.zeros((capacity, width(dims, actions)), dtype=np.float32)


def add(
    ring: Rows,
    total: int,
    observation: NDArray[Any],
    action: NDArray[Any],
    reward: float,
    ended: bool,
    following: NDArray[Any],
) -> int:
    """Write the transition after ``total`` others, over the oldest of a full ring; returns how many there are now."""
    dims, actions = len(observation), len(action)
    row = ring[total % len(ring)]
    row[:dims] = observation
    row[dims : dims + actions] = action
    row[dims + actions] = reward
    row[dims + actions + 1] = ended
    row[dims + actions + 2 :] = following
    return total + 1


def draw(ring: Rows, total: int, random: np.random.Generator, rows: Rows) -> None:
    """Fill ``rows`` (batch, width) with transitions drawn evenly from those in the ring, with replacement."""
    chosen = random.integers(min(total, len(ring)), size=len(rows))
    np.take(ring, chosen, axis=0, out=rows, mode="clip")


def transitions(rows: Rows, dims: int) -> Transitions:
    """The columns of rows (batch, width)."""
    actions = rows.shape[1] - 2 * dims - 2
    return Transitions(
        rows[:, :dims],
        rows[:, dims : dims + actions],
        rows[:, dims + actions],
        rows[:, dims + actions + 1],
        rows[:, dims + actions + 2 :],
    )
