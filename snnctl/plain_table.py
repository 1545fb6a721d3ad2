"""Tables of a file that somebody else reads, such as the arguments of an environment: plain values, not too many."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Annotated, Any

MAX_VALUES = 10_000  # of one table, all levels together
MAX_LEVELS = 8
MAX_CHARS = 100_000  # of all text in it


def plain(table: dict[str, Any]) -> dict[str, Any]:
    """``table`` as it is: tables and arrays, in each other, of text, whole numbers, finite numbers, true and false.

    Raises:
        ValueError: it has anything else, more than MAX_LEVELS levels or more than MAX_VALUES values.
    """
    level, count, chars = list[tuple[str, Any]](table.items()), 0, 0
    for _ in range(MAX_LEVELS):
        below = list[tuple[str, Any]]()
        for place, value in level:
            if isinstance(value, dict):
                below += [(f"{place}.{key}", item) for key, item in value.items()]
            elif isinstance(value, list | tuple):
                below += [(f"{place}[{number}]", item) for number, item in enumerate(value)]
            elif not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
                raise ValueError(
                    f"{place} is {value!r:.60}; allowed are tables, arrays, text, truth and finite numbers"
                )
        count += len(level)
        chars += sum(len(value) for _, value in level if isinstance(value, str))
        if chars > MAX_CHARS:
            raise ValueError(f"has more than {MAX_CHARS} characters of text; write large data to a file of its own")
        if count > MAX_VALUES:
            raise ValueError(f"has more than {MAX_VALUES} values; write large data to a file of its own")
        if not below:
            return table
        level = below
    raise ValueError(f"is nested deeper than {MAX_LEVELS} levels; flatten it")


@dataclasses.dataclass(frozen=True)
class _Plain:
    """Annotation marker of a table of :func:`plain` values."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(plain, handler(source))


Table = Annotated[dict[str, Any], _Plain()]
