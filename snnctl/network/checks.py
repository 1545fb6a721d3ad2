"""What is given to a network, as numbers; anything else is refused with the name of where it was given."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import NetworkError, Problem
from snnctl.network.description import MAX_DELAY_TICKS


def numbers(given: Any, where: str, dtype: Any = np.float64) -> NDArray[Any]:
    """``given`` as an array of numbers.

    Raises:
        NetworkError: it is not made of numbers, or not of whole ones for an integer ``dtype``.
    """
    try:
        found = np.asarray(given)
        if found.dtype == object:
            raise TypeError  # None would become nan
        as_wanted = found.astype(dtype) if found.size else np.zeros(found.shape, dtype)
    except (TypeError, ValueError):
        raise NetworkError(Problem(where, f"is neither a number nor an array of numbers: {given!r:.60}")) from None
    if dtype is np.int64 and found.dtype == np.bool_:  # as numbers of neurons; a raster may be made of booleans
        raise NetworkError(Problem(where, "is a mask of booleans", "give numbers: np.flatnonzero(mask)"))
    if np.issubdtype(dtype, np.integer) and (as_wanted != found).any():
        raise NetworkError(Problem(where, "must be whole numbers"))
    return as_wanted


def duration(given: Any, where: str, least: float = 0.0) -> float:
    """``given`` as a time in seconds, at least ``least``.

    Raises:
        NetworkError: it is not a finite number, or is shorter.
    """
    seconds = numbers(given, where)
    if seconds.ndim or not np.isfinite(seconds) or seconds < least:
        allowed = "of 0 or more" if least == 0 else f"of at least {least:g}"
        raise NetworkError(Problem(where, f"is {given!r:.60}", f"give a finite number of seconds {allowed}"))
    return float(seconds)


def whole(given: Any, where: str, least: int) -> int:
    """``given`` as a whole number of at least ``least``.

    Raises:
        NetworkError: it is something else.
    """
    if not isinstance(given, int | np.integer) or isinstance(given, bool) or given < least:
        raise NetworkError(Problem(where, f"is {given!r:.60}", f"give a whole number of at least {least}"))
    return int(given)


def no_model(given: Any, key: str) -> tuple[str, str] | None:
    """Why ``given`` is not a neuron model (key "model") or plasticity rule ("rule"), and the remedy; else None."""
    noun, example = ("neuron model", "Lif(tau_mem_s=0.02)") if key == "model" else ("plasticity rule", "PairStdp()")
    if isinstance(given, type):
        return f"is the class {given.__name__}", f"give an instance, {given.__name__}(...)"
    if not callable(getattr(given, "constants", None)):
        return f"is not a {noun}: {given!r:.60}", f"give one such as {example}"
    if hasattr(sys.modules[type(given).__module__], "Synapse") != (key == "rule"):
        other = "plasticity rule" if key == "model" else "neuron model"
        return f"is a {other}: {type(given).__name__}", f"give a {noun} such as {example}"
    return None


def require_delays(ticks: NDArray[np.float64], tick_s: float, where: str) -> None:
    """Raise NetworkError unless these delays, in ticks, are none or can be had with this tick."""
    if not ticks.size:
        return
    if ticks.min() < 0:
        raise NetworkError(Problem(where, "is negative", "a spike cannot arrive before it is sent"))
    if ticks.max() > MAX_DELAY_TICKS:
        longest = MAX_DELAY_TICKS * tick_s
        raise NetworkError(Problem(where, f"is longer than {MAX_DELAY_TICKS} ticks", f"give at most {longest:g} s"))
    if ((ticks > 0) & (np.rint(ticks) == 0)).any():
        remedy = "write 0 for no delay, or shorten the tick"
        raise NetworkError(Problem(where, f"vanishes in ticks of {tick_s:g} s", remedy))
