"""Entries of any kind, as ``list``, ``show`` and ``check`` need them: find one, load it, list its problems."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snnctl import config, library, slots
from snnctl.errors import ConfigError, InputError, NotFoundError, Problem, SnnctlError, nearest
from snnctl.library import KINDS, Entry, Kind

_FOLDERS: dict[str, Kind] = {"train": "recipe", "chips": "chip", "budgets": "budget", "sweeps": "space"}
_TELLING_KEYS: dict[str, Kind] = {"trainer": "recipe", "family": "chip", "robot": "budget", "keys": "space"}


def find(name: str, kind: str = "") -> Entry:
    """The one entry that ``name`` (bare or a path) means.

    Raises:
        NotFoundError: none has this name.
        InputError: several kinds have it and ``kind`` is not given.
    """
    found = find_all(name, kind)
    if len(found) > 1:
        kinds = " or ".join(f"--kind {e.kind}" for e in found)
        raise InputError(Problem(f"'{name[:80]}'", f"is the name of {len(found)} things", f"add {kinds}"))
    return found[0]


def find_all(name: str, kind: str = "") -> list[Entry]:
    """Every entry that ``name`` (bare or a path) may mean: an agent and its recipe often share one.

    A run folder means its best checkpoint, as it does to the verbs that run an agent.

    Raises:
        NotFoundError: none has this name, or it is a run without a checkpoint yet.
    """
    path = library.as_path(name)
    if kind in ("", "agent") and path.is_dir():
        from snnctl.training import run_folder

        if (best := run_folder.best(path)) is not None:
            return [library.find("agent", str(best))]
    if kind:
        if kind not in KINDS:
            raise InputError(Problem("--kind", f"is '{kind[:40]}'", nearest(kind, KINDS)))
        return [library.find(kind, name)]
    if path.is_file() and path.suffix == ".toml":
        return [library.find(_kind_of_file(path), name)]
    found: list[Entry] = []
    for candidate in KINDS:
        with contextlib.suppress(NotFoundError):
            found.append(library.find(candidate, name))
    if found:
        return found
    known = [e.name for k in KINDS for e in library.entries(k)]
    raise NotFoundError(
        Problem(f"'{name[:80]}'", "is not an env, agent, recipe, chip, budget or space", nearest(name, known))
    )


def _kind_of_file(path: Path) -> Kind:
    if path.resolve().parent.name in _FOLDERS:
        return _FOLDERS[path.resolve().parent.name]
    data = config.read_toml(path)
    kinds = [kind for key, kind in _TELLING_KEYS.items() if key in data]
    if len(kinds) == 1:
        return kinds[0]
    raise InputError(Problem(str(path), "could be a recipe, a chip, a budget or a space", "add --kind"))


def load(entry: Entry) -> Any:
    """The entry's validated description. Raises SnnctlError with every mistake in it."""
    if entry.kind == "env":
        from snnctl.robots import task

        return task.load(entry.path)
    if entry.kind == "agent":
        from snnctl.agent import folder

        return folder.load(entry.path).description
    if entry.kind == "chip":
        from snnctl.hardware import chip

        return chip.load(str(entry.path))
    if entry.kind == "budget":
        from snnctl.evaluation import budget

        return budget.load(str(entry.path))
    if entry.kind == "space":
        from snnctl.training import space

        return space.load_alone(entry.path)
    from snnctl.training.recipe import Recipe

    return config.load(Recipe, entry.path)


def summary(entry: Entry) -> str:
    """One line about an entry, read without validating it; a damaged one says so."""
    try:
        if entry.kind == "agent":
            data = config.read_toml(entry.path / "agent.toml")
            made = data["provenance"]
            return f"{data['task']['env_id']}, recipe {made['recipe']}, seed {made['seed']}"
        path = entry.path / "task.toml" if entry.kind == "env" else entry.path
        data = config.read_toml(path)
        text = data.get("title") or data.get("description") or data.get("robot") or ""
        return str(text).split("\n")[0]
    except SnnctlError as error:
        return f"(damaged: {error.problems[0].message})"
    except (KeyError, TypeError):
        return "(damaged: see `snnctl check`)"


def problems(entry: Entry) -> list[Problem]:
    """Everything that is wrong with an entry, its contents tried out as far as that is quick.

    What it names of Python that nobody allowed is among it: nothing is imported, and what depends on it is not checked.

    Raises:
        ConfigError: its file cannot be read at all.
    """
    _require_readable(entry)
    try:
        with slots.unresolved():
            unchecked = slots.untrusted(load(entry))
    except SnnctlError as error:
        if entry.kind != "recipe":  # whose mistakes are told with what keeps it from being trained
            return list(error.problems)
        unchecked = []
    if unchecked and entry.kind != "env":  # of a robot all else can be checked
        path = _file(entry)
        return [p._replace(where=f"{path}:{p.where}") for p in unchecked]
    tries: dict[str, Callable[[Entry], None]] = {"env": _try_env, "agent": _try_agent, "recipe": _try_recipe}
    try:
        if entry.kind in tries:
            tries[entry.kind](entry)
    except SnnctlError as error:
        return list(error.problems)
    return []


def _file(entry: Entry) -> Path:
    """The file that describes an entry."""
    return entry.path / {"env": "task.toml", "agent": "agent.toml"}.get(entry.kind, "")


def _require_readable(entry: Entry) -> None:
    path = _file(entry)
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise ConfigError(
            Problem(str(path), f"cannot be read ({error.strerror})", "give a file that you may read")
        ) from None


def _try_env(entry: Entry) -> None:
    """Build the robot's environment and let the project's and Gymnasium's checks loose on it."""
    from snnctl.robots import check

    if found := check.problems(entry.path):
        raise InputError(*found)


def _try_agent(entry: Entry) -> None:
    """Load the agent, let it decide once, and connect it to its environment."""
    from snnctl.agent import controllers, folder
    from snnctl.loop.closed_loop import require_fit, warm_up
    from snnctl.robots import environments
    from snnctl.robots.contract import closed

    agent = folder.load(entry.path)
    warm_up(controllers.make(agent))
    made_for = agent.description.task
    env = environments.opened(made_for.env)
    try:
        require_fit(made_for, environments.task(env, made_for.env))
    finally:
        closed(env)


def _try_recipe(entry: Entry) -> None:
    """Make the recipe's environment and algorithm, up to its first update."""
    from snnctl.training import blueprint

    recipe = blueprint.load(entry.path)
    blueprint.build(blueprint.opened(recipe), recipe.seed).close()
