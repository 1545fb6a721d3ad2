"""Numbers given by population or projection, put side by side as the engine takes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import NetworkError, Problem, nearest
from snnctl.network.checks import numbers


class Columns:
    """The columns of some populations of a network, in their order.

    Args:
        what: is given, for messages: ``spikes``, ``currents`` or ``teach``
        sizes: of the populations, by name
        others: populations that take none of it
        dtype: of the array
    """

    def __init__(self, what: str, sizes: Mapping[str, int], others: Mapping[str, Any], dtype: Any) -> None:
        self.what = what
        self.dtype = dtype
        self.width = sum(sizes.values())
        self.of: dict[str, slice] = {}
        self.takers = set(sizes)  # of these, the ones that something can be given to
        self._others = set(others) - set(sizes)
        first = 0
        for name, size in sizes.items():
            self.of[name] = slice(first, first + size)
            first += size

    def array(self, given: Mapping[str, ArrayLike] | None, ticks: int) -> NDArray[Any] | None:
        """What is given to each population, (ticks, n), (n,) or a number, side by side (ticks, width).

        None if nothing is; 0 where a population is not named.

        Raises:
            NetworkError: a name or a shape does not fit, or it is not made of numbers.
        """
        if given is None or (isinstance(given, dict) and not given):
            return None
        if not isinstance(given, Mapping):
            raise NetworkError(Problem(self.what, f"is {type(given).__name__}", "give a mapping {population: values}"))
        together = np.zeros((ticks, self.width), self.dtype)
        for given_to, values in given.items():
            name = str(getattr(given_to, "name", given_to))  # a population stands for its name
            where = f"{self.what}.{name}"
            columns = self.of.get(name)
            if columns is None or name not in self.takers:
                raise NetworkError(Problem(where, "names no population that takes them", self._remedy(name)))
            if type(values) is not np.ndarray or values.dtype.kind not in "fiub":
                values = numbers(values, where)
            if self.what == "spikes" and ((values != 0) & (values != 1)).any():
                infinite = np.count_nonzero(~np.isfinite(values))
                others = np.count_nonzero((values != 0) & (values != 1))
                message = f"{infinite} values that are not finite" if infinite else f"{others} that are neither 0 nor 1"
                raise NetworkError(Problem(where, f"has {message}", "encode numbers with snnctl.coding first"))
            part = together[:, columns]
            if values.ndim > 2 or (values.ndim == 2 and values.shape[0] not in (1, ticks)):
                raise self._misshapen(where, values, part)
            try:
                part[...] = values
            except ValueError:
                raise self._misshapen(where, values, part) from None
        return together

    def where(self, column: int) -> tuple[str, int]:
        """The population of a column, and which of its neurons."""
        name = next(n for n, columns in self.of.items() if columns.start <= column < columns.stop)
        return name, column - int(self.of[name].start)

    def _remedy(self, name: str) -> str:
        if name in self.of:
            return (
                "no rule of the synapses onto it is taught: give one plasticity=Resume(...) or another with a teacher"
            )
        if name not in self._others:
            return nearest(name, self.of)
        return "spikes go to populations without a model" if self.what == "spikes" else "it has no neuron model"

    def _misshapen(self, where: str, values: NDArray[Any], part: NDArray[Any]) -> NetworkError:
        return NetworkError(Problem(where, f"has the shape {values.shape}, expected {part.shape}"))


class Signals:
    """The column of each projection with plasticity, in their order.

    Args:
        prefixes: of the projections
        listeners: those of them with a rule that reads a signal
        dtype: of the array
    """

    def __init__(self, prefixes: Sequence[str], listeners: Collection[str], dtype: Any) -> None:
        self.prefixes, self.dtype = list(prefixes), dtype
        self.listeners = [prefix for prefix in prefixes if prefix in listeners]

    def array(self, given: Any, ticks: int) -> NDArray[Any] | None:
        """A number or (ticks,) for all that read one, or by prefix, side by side (ticks, plastic); 0 for the others.

        None if nothing is given.

        Raises:
            NetworkError: nobody reads it, or a name, a shape or a value does not fit.
        """
        if given is None:
            return None
        remedy = "give one that does, such as plasticity=DopamineStdp()"
        if not self.listeners:
            raise NetworkError(Problem("signal", "is given, but no projection has a rule that reads it", remedy))
        together = np.zeros((ticks, len(self.prefixes)), self.dtype)
        by_prefix = given if isinstance(given, Mapping) else dict.fromkeys(self.listeners, given)
        for projection, values in by_prefix.items():
            prefix = str(getattr(projection, "prefix", projection))  # a projection stands for its prefix
            where = f"signal.{prefix}"
            if prefix not in self.prefixes:
                raise NetworkError(
                    Problem(where, "names no projection with plasticity", nearest(prefix, self.prefixes))
                )
            if prefix not in self.listeners:
                raise NetworkError(Problem(where, "goes to a rule that does not read it", remedy))
            column = numbers(values, where)
            if column.shape not in ((), (ticks,)):
                raise NetworkError(Problem(where, f"must be a number or ({ticks},), got the shape {column.shape}"))
            if not np.isfinite(column).all():
                raise NetworkError(Problem(where, "is not finite", "give finite numbers"))
            together[:, self.prefixes.index(prefix)] = column
        return together


@njit(cache=True, nogil=True)
def are_finite(values: Any) -> Any:
    """Whether all values are."""
    return np.isfinite(values).all()
