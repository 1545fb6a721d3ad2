"""Find environments, agents, recipes, chips, budgets and spaces of sweeps by name.

A bare name is looked up in, first hit wins: ``$SNNCTL_PATH`` (folders separated by ``:``), the
current folder, the user's data folder, the source checkout, the bundle inside the wheel. Each of
these has the same three folders (``envs``, ``agents``, ``configs``). A path is taken as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from snnctl.errors import NotFoundError, Problem, nearest

Kind = Literal["env", "agent", "recipe", "chip", "budget", "space"]

# kind -> (folder below a root, file that makes a folder an entry, or the suffix of a one-file entry)
_PLACES: dict[str, tuple[str, str]] = {
    "env": ("envs", "task.toml"),
    "agent": ("agents", "agent.toml"),
    "recipe": ("configs/train", ".toml"),
    "chip": ("configs/chips", ".toml"),
    "budget": ("configs/budgets", ".toml"),
    "space": ("configs/sweeps", ".toml"),
}
KINDS: tuple[Kind, ...] = ("env", "agent", "recipe", "chip", "budget", "space")


class Entry(NamedTuple):
    """One named thing: a folder (env, agent) or a TOML file (recipe, chip, budget, space)."""

    kind: Kind
    name: str
    path: Path
    origin: str  # which root it came from: path, workspace, user, checkout, bundle


def user_folder() -> Path:
    """Where a user's own entries live: ``$XDG_DATA_HOME/snnctl`` or the platform's equivalent."""
    if base := os.environ.get("XDG_DATA_HOME"):
        return Path(base) / "snnctl"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "snnctl"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home())) / "snnctl"
    return Path.home() / ".local" / "share" / "snnctl"


def roots() -> list[tuple[str, Path]]:
    """(origin, folder) pairs in search order; folders that do not exist are left out."""
    package = Path(__file__).resolve().parent
    found: list[tuple[str, Path]] = []
    for part in os.environ.get("SNNCTL_PATH", "").split(os.pathsep):
        if part:
            found.append(("$SNNCTL_PATH", Path(part)))
    found += [("workspace", Path.cwd()), ("user", user_folder())]
    project = package.parent / "pyproject.toml"
    if project.is_file() and 'name = "snnctl"' in project.read_text(encoding="utf-8", errors="replace"):
        found.append(("checkout", package.parent))
    found.append(("bundle", package / "_bundle"))
    seen: set[Path] = set()
    result = []
    for origin, root in found:
        resolved = root.resolve()
        if resolved not in seen and resolved.is_dir():
            seen.add(resolved)
            result.append((origin, resolved))
    return result


def entries(kind: Kind) -> list[Entry]:
    """All entries of a kind, sorted by name; of two with one name, the one that ``find`` returns."""
    found: dict[str, Entry] = {}
    for origin, root in roots():
        for name, path in _scan(kind, root):
            found.setdefault(name, Entry(kind, name, path, origin))
    return [found[name] for name in sorted(found)]


def _scan(kind: Kind, root: Path) -> Iterator[tuple[str, Path]]:
    folder, marker = _PLACES[kind]
    try:
        children = sorted((root / folder).iterdir())
    except OSError:
        return
    for child in children:
        if marker.startswith("."):
            if child.suffix == marker and child.is_file():
                yield child.stem, child
        elif (child / marker).is_file():
            yield child.name, child


def as_path(name: str) -> Path:
    """The path that ``name`` would be; one that does not exist if no file system could have it."""
    try:
        path = Path(name).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError):  # too long, a home folder of nobody, a null character
        return Path(os.devnull) / "nothing"
    return path


def find(kind: Kind, name: str) -> Entry:
    """Resolve a bare name or a path.

    Raises:
        NotFoundError: nothing has this name; says the nearest name or lists what exists.
    """
    folder, marker = _PLACES[kind]
    path = as_path(name)
    if path.is_dir() and (path / marker).is_file() and not marker.startswith("."):
        return Entry(kind, path.resolve().name, path.resolve(), "path")
    if path.is_file() and marker.startswith(".") and path.suffix == marker:
        return Entry(kind, path.stem, path.resolve(), "path")
    known = {entry.name: entry for entry in entries(kind)}
    if name in known:
        return known[name]
    if path.exists():
        what = f"a folder with {marker}" if not marker.startswith(".") else f"a {marker} file"
        raise NotFoundError(Problem(f"{kind} {name}", f"is not {what}", f"see `snnctl list {kind}s`"))
    raise NotFoundError(Problem(f"{kind} '{name[:80]}'", f"does not exist in {folder}/", nearest(name, known)))
