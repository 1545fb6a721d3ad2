"""Named random streams: one seed, one tree, one stream per role.

    stream(seed, role, i, j, ...) = SeedSequence(seed, spawn_key=(role number, i, j, ...))

The same seed and role give the same bits in any process. Kernels cannot take a numpy Generator
cheaply; they take :func:`kernel_state`, four uint64 words of a xoshiro256++ generator.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

# Append only: a role's position is part of every recorded result.
Role = Literal[
    "weights",
    "exploration",
    "encoder",
    "env",
    "batches",
    "evaluation",
    "selection",
    "bootstrap",
    "neurons",
    "connectivity",
    "currents",
    "camera",
    "sweep",
    "replay",
    "delay",
]
_ROLES: tuple[Role, ...] = get_args(Role)


def sequence(seed: int, role: Role, *indices: int) -> np.random.SeedSequence:
    """The seed sequence of a role; ``indices`` separate environments, episodes, layers, ..."""
    return np.random.SeedSequence(seed, spawn_key=(_ROLES.index(role), *indices))


def generator(seed: int, role: Role, *indices: int) -> np.random.Generator:
    """A numpy Generator of this stream."""
    return np.random.Generator(np.random.PCG64(sequence(seed, role, *indices)))


def kernel_state(seed: int, role: Role, *indices: int) -> NDArray[np.uint64]:
    """State of a xoshiro256++ generator for compiled kernels.  # (4,)"""
    return sequence(seed, role, *indices).generate_state(4, np.uint64).astype(np.uint64)


def integer(seed: int, role: Role, *indices: int) -> int:
    """A 31-bit seed for something that takes an int, such as ``env.reset(seed=...)``."""
    return int(sequence(seed, role, *indices).generate_state(1, np.uint32)[0] >> 1)
