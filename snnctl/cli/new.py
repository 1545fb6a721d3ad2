"""``snnctl new``: the start of a robot of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snnctl.cli import console
from snnctl.errors import InputError, Problem, nearest

_KINDS = ("env",)


def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What to make: env.")],
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits, hyphens.")],
    out: Annotated[Path, typer.Option(help="Folder that the new one goes into.")] = Path("envs"),
) -> None:
    """Make a new robot folder, ready to be edited.

    Example: snnctl new env my-robot
    """
    if kind not in _KINDS:
        raise InputError(Problem(f"'{kind[:40]}'", "cannot be made", nearest(kind, _KINDS)))
    from snnctl.robots.scaffold import scaffold

    folder = scaffold(name, out)
    console.result(str(folder))
    console.note(f"next: edit {folder / 'robot.xml'} and {folder / 'task.toml'}, then: snnctl check {folder}")
