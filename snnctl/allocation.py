"""Memory and work that a file asks for, counted before anything is allocated.

What allocates by the numbers of its configuration tells it as a :class:`Need`; the needs of all parts of an agent, a
recipe or a recording are added up and compared with the limit of this process. They are counted generously rather than
exactly: what matters is a number that nobody meant.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from snnctl.errors import InputError, Problem

MEMORY = "SNNCTL_MEMORY"  # environment variable that replaces MAX_BYTES, such as 8GB
MAX_BYTES = 10**9
MAX_OPERATIONS = 10**9  # additions of one decision: about a second

_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class Need(NamedTuple):
    """What one key of a configuration makes its part allocate, or compute in a decision."""

    where: str  # the key
    what: str  # the numbers that are multiplied
    bytes: int = 0
    operations: int = 0  # of a decision, or of looking at the description


def limit() -> int:
    """Bytes that what one file describes may take: ``$SNNCTL_MEMORY`` or MAX_BYTES.

    Raises:
        InputError: the variable is not a size.
    """
    text = os.environ.get(MEMORY, "")
    if not text:
        return MAX_BYTES
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([kMGT]B)", text)
    if match is None:
        raise InputError(Problem(f"${MEMORY}", f"is '{text[:40]}'", "write a size like 8GB"))
    return int(float(match[1]) * _UNITS[match[2]])


def problems(needs: Iterable[Need], where: str) -> list[Problem]:
    """One problem for the memory and one for the work that are more than allowed; each names the largest part."""
    known = list(needs)
    found = []
    used, most = sum(need.bytes for need in known), limit()
    if used > most:
        largest = max(known, key=lambda need: need.bytes)
        total = "" if used == largest.bytes else f", everything here {_size(used)}"
        message = f"{largest.what} take {_size(largest.bytes)}{total}; the limit is {_size(most)}"
        remedy = f"lower it, or allow more in the environment variable {MEMORY}, such as {MEMORY}=8GB"
        found.append(Problem(_place(where, largest), message, remedy))
    work = sum(need.operations for need in known)
    if work > MAX_OPERATIONS:
        largest = max(known, key=lambda need: need.operations)
        message = f"{largest.what} make {_short(work)} operations; the limit is {_short(MAX_OPERATIONS)}"
        found.append(Problem(_place(where, largest), message, "lower it"))
    return found


def _place(where: str, need: Need) -> str:
    return f"{where}:{need.where}" if need.where else where


def _size(count: int) -> str:
    unit = next((u for u, size in reversed(_UNITS.items()) if count >= size), "kB")
    return f"{count / _UNITS[unit]:.3g} {unit}" if count < 10**15 else f"{_short(count)} bytes"


def _short(count: int) -> str:
    """A whole number in few characters, however large."""
    return f"{count:,}" if count < 10**7 else f"10^{len(str(count)[:4000]) - 1}" if count < 10**4000 else "over 10^4000"
