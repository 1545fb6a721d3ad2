"""Which neurons a projection connects, and how weights and delays are drawn.

Every pattern gives its synapses in the order of sources, then of targets: compressed sparse rows, or ``None`` for
a full matrix. What is drawn at random comes from the generator that the network passes in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import NetworkError, Problem
from snnctl.network.checks import numbers

PIECE = 1 << 14  # synapses that are drawn at a time: their temporaries stay in the cache


class Pairs(NamedTuple):
    """Synapses of a sparse projection."""

    indptr: NDArray[np.int64]  # (n_source + 1,)
    indices: NDArray[np.int32]  # targets (synapses,)

    @property
    def sources(self) -> NDArray[np.int64]:
        """Source of each synapse (synapses,)."""
        return np.repeat(np.arange(self.indptr.size - 1), np.diff(self.indptr))


class Connectivity(Protocol):
    """A pattern of synapses."""

    def pairs(self, sources: int, targets: int, generator: np.random.Generator) -> Pairs | None:
        """The synapses between ``sources`` and ``targets`` neurons; None for all of them, as a matrix."""


@dataclasses.dataclass(frozen=True)
class AllToAll:
    """Every source to every target; ``self_connections`` matters where both are one population."""

    self_connections: bool = True

    def pairs(self, sources: int, targets: int, generator: np.random.Generator) -> Pairs | None:
        """A matrix, or all pairs but i -> i."""
        if self.self_connections:
            return None
        row, column = np.divmod(np.arange(sources * targets), targets)
        keep = row != column
        return _rows(row[keep], column[keep], sources)


@dataclasses.dataclass(frozen=True)
class OneToOne:
    """Source i to target i."""

    def pairs(self, sources: int, targets: int, generator: np.random.Generator) -> Pairs:
        """One synapse for each of n neurons."""
        if sources != targets:
            raise ValueError(f"OneToOne needs populations of equal size, got {sources} and {targets}")
        return _rows(np.arange(sources), np.arange(sources), sources)


@dataclasses.dataclass(frozen=True)
class FixedProbability:
    """Each pair independently with probability ``p``; i -> i only with ``self_connections``."""

    p: float
    self_connections: bool = True

    def __post_init__(self) -> None:
        p = numbers(self.p, "FixedProbability.p")
        if p.ndim or not 0 <= p <= 1:
            raise NetworkError(Problem("FixedProbability.p", f"is {self.p}", "give a probability between 0 and 1"))

    def pairs(self, sources: int, targets: int, generator: np.random.Generator) -> Pairs:
        """Bernoulli draws, by skipping from one synapse to the next: the cost is that of the synapses."""
        cells = sources * targets
        indices = np.empty(int(cells * self.p + 6 * (cells * self.p) ** 0.5) + PIECE, np.int32)
        indptr = np.zeros(sources + 1, np.int64)
        last, filled = -1, 0
        while self.p > 0 and last < cells:
            gaps = generator.geometric(self.p, PIECE)
            gaps = np.minimum(gaps.view(np.uint64), cells + 1).view(np.int64)  # of tiny p no integer may hold them
            gaps[0] += last
            at = np.cumsum(gaps, out=gaps)  # positions in the matrix, ascending
            last = int(at[-1])
            if last >= cells:
                at = at[: np.searchsorted(at, cells)]
            row = at // targets
            column = at - row * targets
            if not self.self_connections:
                keep = row != column
                row, column = row[keep], column[keep]
            if filled + row.size > indices.size:
                indices.resize(2 * indices.size, refcheck=False)
            indices[filled : filled + row.size] = column
            if row.size:
                ends = np.append(np.flatnonzero(row[1:] != row[:-1]), row.size - 1)  # of sources in this piece
                indptr[row[ends] + 1] = filled + ends + 1
            filled += row.size
        indices.resize(filled, refcheck=False)  # gives the rest back, without a second copy
        return Pairs(np.maximum.accumulate(indptr), indices)  # sources without synapses


@dataclasses.dataclass(frozen=True)
class FixedInDegree:
    """Every target has ``k`` different sources."""

    k: int
    self_connections: bool = True

    def pairs(self, sources: int, targets: int, generator: np.random.Generator) -> Pairs:
        """Draws without replacement."""
        available = sources if self.self_connections else sources - 1
        if not isinstance(self.k, int | np.integer) or isinstance(self.k, bool) or not 0 <= self.k <= available:
            raise ValueError(f"FixedInDegree needs a whole k between 0 and {available}, got {self.k}")
        chosen = np.empty((targets, self.k), np.int64)
        for j in range(targets):
            drawn = generator.choice(available, self.k, replace=False)
            chosen[j] = drawn if self.self_connections else drawn + (drawn >= j)
        row, column = chosen.ravel(), np.repeat(np.arange(targets), self.k)
        order = np.lexsort((column, row))
        return _rows(row[order], column[order], sources)


@dataclasses.dataclass(frozen=True, eq=False)
class Explicit:
    """The pairs ``sources[s] -> targets[s]``. Weights and delays given as arrays are in this order."""

    sources: ArrayLike
    targets: ArrayLike

    def pairs(self, sources: int, targets: int, generator: np.random.Generator) -> Pairs:
        """The pairs, ordered."""
        row = numbers(self.sources, "Explicit.sources", np.int64)
        column = numbers(self.targets, "Explicit.targets", np.int64)
        if row.shape != column.shape or row.ndim != 1:
            raise ValueError(f"Explicit needs two lists of equal length, got {row.shape} and {column.shape}")
        for name, found, size in (("sources", row, sources), ("targets", column, targets)):
            if found.size and (found.min() < 0 or found.max() >= size):
                raise ValueError(f"Explicit.{name} must lie between 0 and {size - 1}")
        order = self.order()
        return _rows(row[order], column[order], sources)

    def order(self) -> NDArray[np.int64]:
        """Where each synapse of :meth:`pairs` is in the lists."""
        return np.lexsort((np.asarray(self.targets), np.asarray(self.sources)))


@dataclasses.dataclass(frozen=True)
class Uniform:
    """Values drawn evenly from [low, high)."""

    low: float
    high: float

    def __call__(self, generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        """``size`` values."""
        return generator.uniform(self.low, self.high, size)


@dataclasses.dataclass(frozen=True)
class Normal:
    """Values drawn from a normal distribution, clipped to [low, high]."""

    mean: float
    deviation: float
    low: float = -np.inf
    high: float = np.inf

    def __call__(self, generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        """``size`` values."""
        return np.clip(generator.normal(self.mean, self.deviation, size), self.low, self.high)


Values = ArrayLike | Callable[[np.random.Generator, int], NDArray[np.float64]]


def drawn(
    values: Values, shape: tuple[int, ...], generator: np.random.Generator, where: str, dtype: Any = np.float64
) -> NDArray[Any]:
    """A number for all, an array of this shape, or one value for each from a distribution, as ``dtype``.

    Raises:
        NetworkError: wrong shape, or values that are not finite.
    """
    found = np.empty(shape, dtype)
    flat, bad = found.reshape(-1), 0
    if callable(values):
        # ours draw number after number, so that pieces have the bits of the whole and no second copy exists
        step = PIECE if isinstance(values, Uniform | Normal) else max(1, flat.size)
        for first in range(0, max(1, flat.size), step):
            piece = flat[first : first + step]
            try:
                own = numbers(values(generator, piece.size), where).reshape(piece.shape)
            except (TypeError, ValueError) as error:
                message = f"is not a distribution that draws {piece.size} numbers ({error})"
                remedy = "give a number, an array, or one such as Uniform(0, 1)"
                raise NetworkError(Problem(where, message, remedy)) from None
            bad += own.size - int(np.count_nonzero(np.isfinite(own)))
            piece[...] = own
    else:
        given = numbers(values, where)
        if given.shape not in ((), shape):
            raise NetworkError(Problem(where, f"has the shape {given.shape}, expected a number or {shape}"))
        bad = given.size - int(np.count_nonzero(np.isfinite(given)))
        found[...] = given
    if bad:
        raise NetworkError(Problem(where, f"has {bad} values that are not finite"))
    return found


def starts(sizes: Iterable[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of the pieces of these sizes begins, then where the last ends."""
    ends = np.cumsum(sizes if isinstance(sizes, np.ndarray) else list(sizes), dtype=np.int64)
    return np.concatenate([np.zeros(1, np.int64), ends])


def _rows(row: NDArray[np.int64], column: NDArray[np.int64], sources: int) -> Pairs:
    return Pairs(starts(np.bincount(row, minlength=sources)), column.astype(np.int32))
