"""The run folder: one training and all that it leaves.

    runs/<recipe>/<time>-seed<k>/
      recipe.toml     the resolved recipe          command.txt   how it was started
      versions.json   packages, processor, threads run.lock      held while a training works here
      metrics.jsonl   one line per update          checkpoints/  best (the agent that evaluations chose),
      evaluations.jsonl  episodes of each one                    last (the agent of the moment + state),
      eval.json       final evaluation of the best               <name>.rows of an algorithm that keeps all
                                                                 it has seen
      figures/        learning curve               start/        the agent that it began with, if with one
                                                   post_mortem/  of the first episodes that failed

No ``.jsonl`` holds anything that depends on the clock: the same seed gives the same file.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import snnctl
from snnctl import config, kernel_folder, library, runtime, versions
from snnctl.errors import NotFoundError, OutputError, Problem, nearest
from snnctl.storage import PARTIAL, ensure_writable, read_text, tidy, write_atomic
from snnctl.training.metrics import METRICS
from snnctl.training.recipe import Recipe

RECIPE = "recipe.toml"
COMMAND = "command.txt"
VERSIONS = "versions.json"
LOCK = "run.lock"
EVALUATION = "eval.json"
CHECKPOINTS = "checkpoints"  # and files of the rows that an algorithm adds to
BEST = f"{CHECKPOINTS}/best"
LAST = f"{CHECKPOINTS}/last"
FIGURES = "figures"
START = "start"
CHIP = "chip.toml"  # as it was when the run began, whatever becomes of the file
POST_MORTEM = "post_mortem"

_BEFORE_A_RUN = frozenset(
    {COMMAND, VERSIONS, LOCK, START, CHIP}
)  # what there can be before RECIPE makes a folder a run


def create(base: Path, recipe_name: str, seed: int, name: str = "") -> Path:
    """Make a new run folder below ``base``, named by the time of day or by ``name``.

    Raises:
        OutputError: it cannot be written, or ``name`` is taken.
    """
    parent = ensure_writable(base / plain(recipe_name), "choose another folder with --out")
    if not name:
        return stamped(parent, f"{{time}}-seed{seed}")
    folder = parent / f"{plain(name)}-seed{seed}"
    if not _made(folder) and not _holds_no_run(folder):
        remedy = f"continue it with --resume {folder}, or choose another name"
        raise OutputError(Problem(str(folder), "exists already", remedy))
    return folder


def _holds_no_run(folder: Path) -> bool:
    """Whether it is empty but for what a training leaves that is killed before the recipe is written."""
    try:
        return all(path.name in _BEFORE_A_RUN or path.name.endswith(PARTIAL) for path in folder.iterdir())
    except OSError:
        return False


def opened(folder: Path) -> Path:
    """A run folder to be continued, or begun if it is not there; its parent must be.

    Raises:
        OutputError: it cannot be written.
    """
    _made(folder)
    return ensure_writable(folder)


def make_inner(folder: Path) -> None:
    """Make the folders that a training writes to. None is made later: one that is deleted meanwhile stays deleted."""
    for name in (CHECKPOINTS, FIGURES):
        _made(folder / name)


def discard(folder: Path) -> None:
    """Remove a run folder in which no training began, or a part of it."""
    shutil.rmtree(folder, ignore_errors=True)


def stamped(parent: Path, pattern: str) -> Path:
    """Make a new folder named by the time of day, which takes the place of ``{time}``; a number if it is taken.

    Raises:
        OutputError: it cannot be created.
    """
    stem = pattern.format(time=datetime.datetime.now().strftime("%Y%m%d-%H%M%S"))
    for attempt in range(1000):
        folder = parent / (f"{stem}-{attempt + 1}" if attempt else stem)
        if _made(folder):
            return folder
    raise OutputError(Problem(str(parent), "has too many runs that started in this second"))


def _made(folder: Path) -> bool:
    """Make a folder; False if it exists."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except OSError as error:
        remedy = "choose another folder with --out"
        raise OutputError(Problem(str(folder), f"cannot be created ({error.strerror})", remedy)) from None
    return True


def plain(name: str) -> str:
    """``name`` with everything but ``A-Za-z0-9._-`` replaced, as a folder name."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name).lstrip(".") or "run"


def runs(base: Path) -> list[Path]:
    """All run folders below ``base``, the one that worked last at the end."""
    found = [path.parent for path in base.glob(f"*/*/{RECIPE}")]
    return sorted(found, key=lambda f: (max(_changed(f / METRICS), _changed(f / RECIPE)), f.name))


def best(folder: Path) -> Path | None:
    """The agent that a run folder holds; None if ``folder`` is not a run folder.

    Raises:
        NotFoundError: it is one, without a checkpoint yet.
    """
    if (folder / BEST / "agent.toml").is_file():
        return folder / BEST
    if (folder / METRICS).is_file():
        remedy = "wait for the first evaluation, or until the training has ended"
        raise NotFoundError(Problem(f"run folder {folder}", "has no best checkpoint yet", remedy))
    return None


def find(name: str, base: Path) -> Path:
    """The run folder that ``name`` means: a path, ``<recipe>/<run>`` or ``<run>`` below ``base``, or ``last``.

    ``<run>`` is the name of the folder, or what ``--name`` gave it where only one seed has it.
    """
    known = runs(base)
    if name == "last":
        if not known:
            raise NotFoundError(
                Problem("run 'last'", f"does not exist: {base} holds no run", "start one with `snnctl train`")
            )
        return known[-1]
    path = library.as_path(name)
    for part in (path, path.parent.parent):  # a checkpoint inside a run folder means the run
        if (part / RECIPE).is_file():
            return part
    below = [f for f in known if name in {f.name, f"{f.parent.name}/{f.name}"}]
    if not below:
        below = [f for f in known if name in {_given(f), f"{f.parent.name}/{_given(f)}"}]
    if len(below) == 1:
        return below[0]
    if below:
        choices = ", ".join(f"{f.parent.name}/{f.name}" for f in below)
        raise NotFoundError(Problem(f"run '{name[:80]}'", f"is the name of {len(below)} runs", f"say which: {choices}"))
    if path.is_dir():
        raise NotFoundError(Problem(str(path), f"is not a run folder (it has no {RECIPE})", "see `snnctl list runs`"))

    raise NotFoundError(
        Problem(f"run '{name[:80]}'", f"does not exist in {base}", nearest(name, [f.name for f in known]))
    )


def _given(folder: Path) -> str:
    """The name of a run folder without its seed."""
    return folder.name.rpartition("-seed")[0]


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the run folder and remove what a killed process left in it.

    The kernel lets go of it when the process ends in whatever way.

    Raises:
        OutputError: another training works in it; says which.
    """
    import fcntl

    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(
            Problem(str(path), f"cannot be opened ({error.strerror})", "make it a file that you may write")
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 300).decode("utf-8", "replace").strip() or "another process"
            raise OutputError(
                Problem(str(folder), f"is in use by {holder}", "wait for it, or stop it with Ctrl-C first")
            ) from None
        started = datetime.datetime.now().isoformat(sep=" ", timespec="seconds")
        with contextlib.suppress(OSError):  # the words are a courtesy, the lock is what counts
            os.ftruncate(handle, 0)
            os.write(handle, f"process {os.getpid()} on {platform.node()} since {started}\n".encode())
        for place in (folder, folder / CHECKPOINTS, folder / FIGURES):
            tidy(place)
        yield
    finally:
        os.close(handle)


def require_space(folder: Path, checkpoint_bytes: int, rows_bytes: int = 0) -> None:
    """Refuse to start when the disk could not hold three checkpoints, and the rows of the whole training."""
    free, needed = shutil.disk_usage(folder).free, 3 * checkpoint_bytes + rows_bytes
    if free < needed:
        raise OutputError(
            Problem(str(folder), f"has {free} bytes free, training needs {needed}", "free some or use --out")
        )


def environment() -> dict[str, str]:
    """What the bits of a training depend on: versions, sources of the kernels, processor, BLAS settings."""
    settings = {k: v for k, v in runtime.report().items() if k.startswith("OPENBLAS")}
    flags = hashlib.sha256(" ".join(sorted(runtime.cpu_flags())).encode()).hexdigest()[:16]
    interpreted = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
    return {
        **versions.installed(),
        **settings,
        "machine": platform.machine(),
        "cpu_flags_sha256": flags,
        "kernels": "interpreted" if interpreted else "compiled",
        "sources": kernel_folder.kernel_hash(Path(snnctl.__file__).parent),
    }


def git_commit() -> str:
    """The commit of the checkout that the package runs from; empty outside one."""
    git = Path(snnctl.__file__).resolve().parent.parent / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text(encoding="utf-8").strip()
        packed = (git / "packed-refs").read_text(encoding="utf-8")
    except OSError:
        return ""
    return next((line.split()[0] for line in packed.splitlines() if line.endswith(f" {name}")), "")


def differences(before: Any, after: Any, prefix: str = "") -> list[tuple[str, Any, Any]]:
    """Dotted keys at which two nested tables differ, with both values (None: absent)."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return [] if before == after else [(prefix, before, after)]
    found = []
    for key in sorted({*before, *after}):
        found += differences(before.get(key), after.get(key), f"{prefix}.{key}" if prefix else str(key))
    return found


def load_recipe(folder: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The resolved recipe of a run folder, with overrides."""
    return config.load(Recipe, folder / RECIPE, overrides)


def command(folder: Path) -> str:
    """How the run was started."""
    return read_text(folder / COMMAND).strip()


def write_start(folder: Path, recipe: Any, command: str, environment: Mapping[str, str]) -> None:
    """Write recipe, command and versions before the first update; the recipe last, as it makes the folder a run."""
    write_atomic(folder / COMMAND, command + "\n")
    write_atomic(folder / VERSIONS, json.dumps(dict(environment), indent=2, sort_keys=True) + "\n")
    write_atomic(folder / RECIPE, config.to_toml(recipe))


def prolong(folder: Path, recipe: Any, recorded: str, command: str) -> str:
    """Write a recipe that ends later and how it was asked for, after what was; returns the whole command."""
    text = config.to_toml(recipe)
    if (folder / RECIPE).read_text(encoding="utf-8") == text:  # written before the run was interrupted again
        return recorded
    whole = recorded if not command or recorded.endswith(command) else f"{recorded} && {command}"
    write_atomic(folder / COMMAND, whole + "\n")
    write_atomic(folder / RECIPE, text)
    return whole


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
