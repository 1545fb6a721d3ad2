"""``snnctl new``: the start of a robot or of a recipe of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snnctl.cli import console
from snnctl.errors import InputError, Problem, nearest

_FOLDERS = {"env": Path("envs"), "recipe": Path("configs/train")}  # that new ones go into


def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What to make: env or recipe.")],
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits, hyphens.")],
    env: Annotated[
        str, typer.Option(metavar="ID", help="Of a recipe: a Gymnasium id, module:Env-v0 or a folder of envs/.")
    ] = "",
    trainer: Annotated[
        str, typer.Option(metavar="NAME", help="Of a recipe: ppo or sac (default: as its actions say).")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder that it goes into (default: envs, or configs/train).")
    ] = None,
) -> None:
    """Make a new robot folder, ready to be edited, or a recipe that trains in an environment at once.

    A recipe is chosen from the environment's spaces and time limit; the reasons are printed and stand in the file.

    Example: snnctl new env my-robot

    Example: snnctl new recipe my-walker --env Walker2d-v5
    """
    if kind not in _FOLDERS:
        raise InputError(Problem(f"'{kind[:40]}'", "cannot be made", nearest(kind, _FOLDERS)))
    folder = _FOLDERS[kind] if out is None else out
    if kind == "recipe":
        _recipe(name, env, trainer, folder)
    else:
        _env(name, folder, {"--env": env, "--trainer": trainer})


def _env(name: str, out: Path, of_recipes: dict[str, str]) -> None:
    given = [Problem(option, "is an option of recipes", "remove it") for option, value in of_recipes.items() if value]
    if given:
        raise InputError(*given)
    from snnctl.robots.scaffold import scaffold

    folder = scaffold(name, out)
    console.result(str(folder))
    console.note(f"next: edit {folder / 'robot.xml'} and {folder / 'task.toml'}, then: snnctl check {folder}")


def _recipe(name: str, env_id: str, trainer: str, out: Path) -> None:
    if not env_id:
        remedy = "name the environment, such as --env CartPole-v1; see `snnctl list envs`"
        raise InputError(Problem("--env", "is missing", remedy))
    from snnctl.training.scaffold import scaffold

    path, chosen = scaffold(name, env_id, out, trainer)
    console.result(str(path))
    for choice in chosen:
        if choice.reason:
            console.note(f"  {choice.key} = {choice.written}: {choice.reason}")
    console.note(f"next: snnctl train {path}")
