"""Which neurons a projection connects, and how weights and delays are drawn.

Every pattern gives its synapses in the order of sources, then of targets: compressed sparse rows, or ``None`` for
a full matrix. What is drawn at random comes from the generator that the network passes in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import NetworkError, Problem
from snnctl.network.checks import numbers


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
        at = np.empty(0, np.int64)  # positions in the matrix, ascending
        last = -1
        while self.p > 0 and last < cells:
            expected = int((cells - last) * self.p)
            gaps = generator.geometric(self.p, expected + 4 * int(expected**0.5) + 16)
            gaps = np.where((gaps < 1) | (gaps > cells), cells + 1, gaps)  # of tiny p they exceed what an integer holds
            at = np.concatenate([at, last + np.cumsum(gaps)])
            last = int(at[-1])
        row, column = np.divmod(at[at < cells], targets)
        keep = slice(None) if self.self_connections else row != column
        return _rows(row[keep], column[keep], sources)


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


def drawn(values: Values, shape: tuple[int, ...], generator: np.random.Generator, where: str) -> NDArray[np.float64]:
    """A number for all, an array of this shape, or one value for each from a distribution.

    Raises:
        NetworkError: wrong shape, or values that are not finite.
    """
    size = int(np.prod(shape))
    if callable(values):
        try:
            given = numbers(values(generator, size), where).reshape(shape)
        except (TypeError, ValueError) as error:
            message = f"is no distribution that draws {size} numbers ({error})"
            raise NetworkError(
                Problem(where, message, "give a number, an array, or one such as Uniform(0, 1)")
            ) from None
    else:
        given = numbers(values, where)
    if given.shape not in ((), shape):
        raise NetworkError(Problem(where, f"has the shape {given.shape}, expected a number or {shape}"))
    if not np.isfinite(given).all():
        raise NetworkError(Problem(where, f"has {np.count_nonzero(~np.isfinite(given))} values that are not finite"))
    return np.broadcast_to(given, shape).astype(np.float64)


def _rows(row: NDArray[np.int64], column: NDArray[np.int64], sources: int) -> Pairs:
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=sources))])
    return Pairs(indptr.astype(np.int64), column.astype(np.int32))
