"""What a checkpoint must hold for a training to go on from it: compared with a fresh training of the same recipe.

Values and arrays have the names, types and shapes that they have before the first update; arrays without rows then may
have any number of them. So nothing in a file becomes an index, a size or the name of a file that was not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from snnctl.errors import AgentError, Problem
from snnctl.training.algorithm import Report, State
from snnctl.training.checkpoint import Checkpoint
from snnctl.training.judgement import Judgement

LARGEST = 2**62  # of counters
LARGEST_WORD = 2**128  # of the states of generators
REMEDY = "restore the checkpoint, or train anew"

_COUNTERS = ("update", "steps", "log_bytes", "evaluations_bytes")
_SECONDS = ("wall_s", "evaluation_s")
_TABLES = ("recipe", "environment", "algorithm", "rows", "judgement")


def require_values(kept: Checkpoint, where: str) -> None:
    """Refuse a checkpoint whose own values, those of any training, are not what a run writes.

    Raises:
        AgentError: one problem for every value.
    """
    _refuse([Problem(f"{where}:{name}", message, REMEDY) for name, message in _of_run(kept.values)])


def require_state(kept: Checkpoint, fresh: State, where: str) -> None:
    """Refuse a checkpoint whose state is not one of the algorithm that begins with ``fresh``.

    Raises:
        AgentError: one problem for every value, array or file of rows.
    """
    found = [*_differing(kept.values["algorithm"], fresh.values, "algorithm")]
    arrays = {name.removeprefix("algorithm."): a for name, a in kept.arrays.items() if name.startswith("algorithm.")}
    found += _arrays(arrays, fresh.arrays)
    rows = {name: {"width": r.ring.shape[1], "dtype": r.ring.dtype.str} for name, r in fresh.rows.items()}
    told = kept.values["rows"]
    if {name: {k: v for k, v in row.items() if k != "total"} for name, row in told.items()} != rows:
        found.append(("rows", f"are not those of this training: {', '.join(rows) or 'none'}"))
    _refuse([Problem(f"{where}:{name}", message, REMEDY) for name, message in found])


def _refuse(found: list[Problem]) -> None:
    if found:
        raise AgentError(*found)


def _of_run(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in _COUNTERS:
        if not _is_counter(values.get(name)):
            yield name, "is not a whole number that counts"
    for name in _SECONDS:
        if not _is_number(values.get(name)):
            yield name, "is not a number of seconds"
    for name in _TABLES:
        if not isinstance(values.get(name), dict):
            yield name, "is not a table"
    if values.get("stopped") not in ("", "total_steps", "stop_return"):
        yield "stopped", "is not a reason to stop"
    if not isinstance(values.get("bit_exact"), bool):
        yield "bit_exact", "is not true or false"
    if values.get("mean_return") is not None and not _is_number(values["mean_return"]):
        yield "mean_return", "is not a number"
    yield from _judgement(values.get("judgement"))
    report = values.get("report")
    if report is not None and not _is_report(report):
        yield "report", "is not a report of an update"
    best = values.get("best")
    if best is not None and not (isinstance(best, dict) and isinstance(best.get("score"), int | float)):
        yield "best", "has no description and score"
    if values.get("stopped") and best is None:
        yield "best", "is missing from a training that has ended"
    rows = values.get("rows")
    for name, row in rows.items() if isinstance(rows, dict) else ():
        if not (isinstance(row, dict) and set(row) == {"total", "width", "dtype"} and _is_counter(row["total"])):
            yield f"rows.{name[:40]}", "is not a number of rows, their width and type"


def _judgement(told: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(told, dict):
        return
    if set(told) != set(Judgement._fields):
        yield "judgement", f"has other keys than {', '.join(Judgement._fields)}"
        return
    for name, default in Judgement()._asdict().items():
        sound = _is_counter(told[name]) if default is not None else told[name] is None or _is_number(told[name])
        if not sound:
            yield f"judgement.{name}", "is not a number"


def _is_report(report: Any) -> bool:
    if not isinstance(report, dict) or set(report) != set(Report._fields) or not isinstance(report["metrics"], dict):
        return False
    mean = report["mean_return"]
    counted = _is_counter(report["steps"]) and _is_counter(report["episodes"])
    numbers = all(isinstance(v, float) or _is_number(v) for v in report["metrics"].values())
    return counted and numbers and (mean is None or _is_number(mean))


def _is_counter(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _differing(found: Any, like: Any, where: str) -> Iterator[tuple[str, str]]:
    """Where nested values have another form than those of a fresh training."""
    if isinstance(like, dict):
        if not isinstance(found, dict) or set(found) != set(like):
            yield where, f"has other keys than {', '.join(like) or 'none'}"
            return
        for name in like:
            yield from _differing(found[name], like[name], f"{where}.{name}")
    elif isinstance(like, list):
        if not isinstance(found, list) or (like and len(found) != len(like)):
            yield where, f"is not a list of {len(like)}"
            return
        for number, (one, other) in enumerate(zip(found, like, strict=False)):
            yield from _differing(one, other, f"{where}[{number}]")
    elif isinstance(like, bool) or like is None or isinstance(like, str):
        if like is not None and type(found) is not type(like):
            yield where, f"is not {type(like).__name__}"
    elif isinstance(like, int):
        if (
            not isinstance(found, int)
            or isinstance(found, bool)
            or not (0 if like >= 0 else -1) <= found < LARGEST_WORD
        ):
            yield where, "is not a whole number that counts"
    elif not _is_number(found):
        yield where, "is not a finite number"


def _arrays(found: Mapping[str, NDArray[Any]], like: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, str]]:
    for name in sorted(set(found) ^ set(like)):
        yield f"array {name[:80]}", "is missing" if name in like else "does not belong to this training"
    for name in sorted(set(found) & set(like)):
        array, other = found[name], like[name]
        grows = other.ndim > 0 and len(other) == 0
        shape = other.shape if not grows or array.ndim == 0 else (len(array), *other.shape[1:])
        if array.dtype != other.dtype or array.shape != shape:
            yield f"array {name}", f"is {array.dtype} {array.shape}, this training has {other.dtype} {shape}"
