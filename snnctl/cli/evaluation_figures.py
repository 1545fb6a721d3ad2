"""``snnctl plot`` of an evaluation's JSON: power and energy on the chip, or the time of its decisions."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.errors import InputError, Problem
from snnctl.storage import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snnctl.report.figure import Plot

MAX_JSON_BYTES = 50_000_000


def energy(path: Path) -> Plot:
    """Power of the chip and energy of a decision by part.

    Raises:
        InputError: the file is not an evaluation, or its chip is not priced.
    """
    from snnctl.report import energy as picture

    data = _evaluation(path)
    with _refused(path):
        if data["power"]["static_w"] is None:
            message = "holds no energy: no energy of an event on its chip has a source"
            raise InputError(Problem(str(path), message, "draw its latency"))
        below = f"modelled from sourced constants, in {data['env']['id']}"
        return picture.draw(data, _heading(data), below)


def latency(path: Path) -> Plot:
    """The time that decisions took on the emulated chip.

    Raises:
        InputError: the file is not an evaluation.
    """
    from snnctl.report import latency as picture

    data = _evaluation(path)
    with _refused(path):
        limit = data["budget"].get("latency")
        shown = picture.modelled(data)
        return picture.draw(
            shown, float(data["env"]["control_dt_s"]), _heading(data), limit and float(limit["limit_s"])
        )


def _heading(data: Any) -> str:
    return f"{data['agent']['name']} on {data['chip']['title']}"


@contextlib.contextmanager
def _refused(path: Path) -> Iterator[None]:
    """InputError where the keys or numbers of an evaluation are missing."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(Problem(str(path), f"is not an evaluation (at {error})", "make one with evaluate")) from None


def _evaluation(path: Path) -> Any:
    data = read_json(path)
    if isinstance(data, dict) and "agent" in data and data.get("chip") is None:
        raise InputError(Problem(str(path), "has no chip", "evaluate with --chip"))
    return data
