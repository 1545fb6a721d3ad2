"""Every point at which a process changes files, numbered, so that a work can be killed once at each.

A point is before or after a call of :data:`CALLS` (rename, exchange, sync, unlink, link, make, remove, truncate), and
before, in the middle of or after a write to a regular file. Calls are counted over all processes that the work forks.

    labels(work, base)        "checkpoints/.last.RANDOM.partial/state.json: write, half-way", ... of a work left alone
    faults(work, base, kills) what is wrong after each of some kills, ``AtPoint`` or ``After``, or after the resume

This is for Linux, and for works that write the same files in the same order whenever they begin anew.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import shutil
import signal
import stat
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from snnctl import storage
from snnctl.agent import folder as agent_folder
from snnctl.errors import SnnctlError
from snnctl.training import checkpoint

CALLS = ("replace", "rename", "link", "unlink", "rmdir", "mkdir", "fsync", "truncate", "ftruncate")
CLOCK = ("wall_s", "evaluation_s")  # values of a checkpoint that depend on it
Work = Callable[[Path], object]  # writes below a folder, and goes on where it was


def labels(work: Work, base: Path) -> list[str]:
    """What is at each point of ``work(base)``, which a child process does.

    Raises:
        RuntimeError: it failed, or there is a point at which ``best`` or ``last`` is not there any more.
    """
    with tempfile.NamedTemporaryFile() as told:
        code = _in_child(lambda: work(base), _Told(told.fileno(), base))
        found = Path(told.name).read_text(encoding="utf-8").splitlines()
    if code != 0:
        raise RuntimeError(f"{work.__name__} ended with {code} after: {found[-1] if found else 'nothing'}")
    return found


def faults(work: Work, scratch: Path, kills: Iterable[Kill]) -> Iterator[tuple[int, str]]:
    """Kill ``work(folder)`` once in each way, then let it finish; what is wrong is told with the number of the kill.

    Right is: after the kill every ``best`` and ``last`` loads; after the resume the folder has the names and contents
    of ``scratch/whole``, where nothing was killed, and hence no temporary file.
    """
    work(scratch / "whole")
    wanted = contents(scratch / "whole")
    for number, kill in enumerate(kills):
        base = scratch / "killed"
        _in_child(lambda base=base: work(base), kill)
        if not kill.reached():
            yield number, "was not killed"
        yield from ((number, f"{place}: {reason}") for place in _kept(base) for reason in _damage(place))
        if _in_child(lambda base=base: work(base)) != 0:
            yield number, "cannot be resumed"
        got = contents(base)
        different = sorted(name for name in wanted.keys() | got.keys() if wanted.get(name) != got.get(name))
        if different:
            yield number, f"ends with other {', '.join(different)}"
        shutil.rmtree(base)


def contents(folder: Path) -> dict[str, str]:
    """Name -> hash of every file below ``folder``, without what depends on the clock."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        raw = b"" if path.name == "run.lock" else path.read_bytes()
        if path.name == checkpoint.VALUES:
            state = json.loads(json.loads(raw)["values"])
            raw = json.dumps({k: v for k, v in state["values"].items() if k not in CLOCK}).encode()
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(raw).hexdigest()
    return found


def _kept(base: Path) -> set[Path]:
    """Every ``best`` and ``last`` below a folder."""
    return {path for name in ("best", "last") for path in base.glob(f"**/checkpoints/{name}")}


def _damage(folder: Path) -> Iterator[str]:
    try:
        agent_folder.load(folder)
        if folder.name == "last":
            checkpoint.load(folder)
    except SnnctlError as error:
        yield str(error)


def _in_child(work: Callable[[], object], points: _Points | Kill | None = None) -> int:
    """Do ``work`` in a fork; its exit code, negative where a signal ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if points is not None:
                points.install()
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


class _Points:
    """Counts points."""

    def __init__(self) -> None:
        self.shared = mmap.mmap(-1, 8)  # by all forks of the work

    @property
    def count(self) -> int:
        return int(struct.unpack("<q", self.shared[:8])[0])

    def install(self) -> None:
        """Let every call of this process and its forks pass the points."""
        self.write = os.write
        for name in CALLS:
            setattr(os, name, self.around(name, getattr(os, name)))
        os.write = self.around_write  # type: ignore[assignment]
        exchange = self.around("exchange", storage._exchange())
        storage._exchange = lambda: exchange  # type: ignore[assignment]

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def passing(*arguments: Any, **options: Any) -> Any:
            if name in ("fsync", "ftruncate") and not _is_kept(arguments[0]):
                return call(*arguments, **options)
            label = f"{_place(arguments[0])}: {name}"
            self.at(f"{label}, before")
            result = call(*arguments, **options)
            self.at(f"{label}, after")
            return result

        return passing

    def around_write(self, handle: int, data: Any) -> int:
        if not _is_kept(handle, regular=True):
            return self.write(handle, data)
        view = memoryview(data)
        label = f"{_place(handle)}: write"
        self.at(f"{label}, before")
        done = self.write(handle, view[: len(view) // 2])
        self.at(f"{label}, half-way")
        done += self.write(handle, view[done:])
        self.at(f"{label}, after")
        return done

    def at(self, label: str) -> None:
        self.shared[:8] = struct.pack("<q", self.count + 1)


class _Told(_Points):
    """Writes labels to an open file."""

    def __init__(self, handle: int, base: Path) -> None:
        super().__init__()
        self.handle, self.base, self.kept = handle, base, set[Path]()

    def at(self, label: str) -> None:
        super().at(label)
        self.write(self.handle, f"{label}\n".encode())
        found = _kept(self.base)
        if not self.kept <= found:
            raise RuntimeError(f"{self.kept - found} is gone")
        self.kept = found


class Kill(Protocol):
    """A way to be killed."""

    def install(self) -> None:
        """In the process of the work, before it begins."""

    def reached(self) -> bool:
        """Afterwards: whether that process or one of its forks was killed."""


class AtPoint(_Points):
    """Kills the process that comes to a point."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def reached(self) -> bool:
        return self.count > self.number

    def at(self, label: str) -> None:
        super().at(label)
        if self.count == self.number + 1:
            os.kill(os.getpid(), signal.SIGKILL)


class After(NamedTuple):
    """Kills the process after some time; one that has ended before counts as killed after its end."""

    seconds: float

    def install(self) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends a process as SIGKILL does: nothing of it runs any more
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def reached(self) -> bool:
        return True


def _is_kept(handle: int, regular: bool = False) -> bool:
    """Whether this is an open file or folder: no pipe, terminal or memory."""
    mode = os.fstat(handle).st_mode
    return stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and not regular)


def _place(target: Any) -> str:
    """The last two parts of a path or of an open file, without what is random in it."""
    path = Path(f"/proc/self/fd/{target}").readlink() if isinstance(target, int) else Path(os.fsdecode(target))
    short = "/".join(path.parts[-2:])
    return re.sub(r"\.[a-z0-9_]{8}\.partial", ".RANDOM.partial", short)
