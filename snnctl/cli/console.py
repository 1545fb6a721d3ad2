"""What the command line writes: results to stdout, progress and messages to stderr.

Results are plain text or JSON, so that they can be piped. Progress is a live line on a terminal and
an occasional line elsewhere. A closed stdout or stderr (``| head``, a lost terminal) never ends the work, nor does a
full disk below stderr; below stdout, where the result is lost, it is a StorageError.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Protocol

from snnctl.errors import Problem, StorageError

PLAIN_LINE_EVERY_S = 10.0


def safe(text: object) -> str:
    """``text`` with every control character made visible, so that no name can drive the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in str(text))


def result(text: str) -> None:
    """Write one result to stdout."""
    _write(sys.stdout, safe(text) + "\n")


def note(text: str) -> None:
    """Write one message to stderr."""
    _write(sys.stderr, safe(text) + "\n")


def compiling() -> None:
    """Say that this run compiles its kernels first, if it does."""
    from snnctl import kernel_folder

    if not kernel_folder.has_kernels():
        note("compiling kernels for this machine; later runs find them in the cache")


def json_result(value: Any) -> None:
    """Write ``value`` to stdout as JSON; numbers that JSON lacks (nan, inf) become null."""
    _write(sys.stdout, json.dumps(finite(value), indent=2, ensure_ascii=True, default=str) + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Left-aligned text columns, numbers right-aligned; a header and a rule above the rows."""
    cells = [[safe(c).replace("\n", " ") for c in row] for row in rows]
    widths = [max([len(name), *(len(row[k]) for row in cells)]) for k, name in enumerate(columns)]
    numeric = [
        all(isinstance(row[k], int | float) or _is_number(str(row[k])) for row in rows) for k in range(len(widths))
    ]

    def line(values: Sequence[str]) -> str:
        parts = [v.rjust(w) if n else v.ljust(w) for v, w, n in zip(values, widths, numeric, strict=True)]
        return "  ".join(parts).rstrip()

    return "\n".join([line(list(columns)), "  ".join("-" * w for w in widths), *(line(row) for row in cells)])


def duration(seconds: float) -> str:
    """``42 s``, ``3:05``, ``1:02:03``; ``-`` when it is not known."""
    if not math.isfinite(seconds) or seconds < 0:
        return "-"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress(Protocol):
    """Where long work says how far it is."""

    def update(self, done: float, text: str = "", *, total: float | None = None, unit: str | None = None) -> None:
        """``done`` of the total, and what there is to say about it (a return, a name).

        Another ``unit`` than before begins a new phase of the work with its own rate.
        """
        ...


@contextlib.contextmanager
def progress(label: str, total: float = 1, unit: str = "steps") -> Iterator[Progress]:
    """Show progress of ``total`` units on stderr with rate and time to go, until the block ends."""
    if _terminal(sys.stderr):
        from rich import progress as bars
        from rich.console import Console

        columns = (
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(bar_width=24),
            bars.TextColumn("{task.fields[text]}", markup=False),
        )
        live = bars.Progress(*columns, console=Console(stderr=True), transient=True)
        with live:
            yield _LiveBar(live, live.add_task(safe(label), total=total, text=""), _Clock(total, unit))
        return
    plain = _PlainLines(label, _Clock(total, unit))
    yield plain
    plain.close()


class _Clock:
    """Rate and time to go, from the work done since the first report of a phase."""

    def __init__(self, total: float, unit: str) -> None:
        self.total, self.unit = total, unit
        self.first: tuple[float, float] | None = None  # (done, time) when the phase was first heard of

    def describe(self, done: float, text: str, total: float | None, unit: str | None) -> str:
        if unit is not None and unit != self.unit:
            self.unit, self.first = unit, None
        self.total = self.total if total is None else total
        now = time.monotonic()
        self.first = (done, now) if self.first is None else self.first
        parts = [f"{done:,.0f}/{self.total:,.0f} {self.unit}"]
        if done > self.first[0]:
            rate = (done - self.first[0]) / (now - self.first[1])
            left = duration((self.total - done) / rate)
            parts += [f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s", f"ETA {left}"]
        return ", ".join([*parts, text] if text else parts)


class _LiveBar:
    def __init__(self, live: Any, task: Any, clock: _Clock) -> None:
        self.live, self.task, self.clock = live, task, clock

    def update(self, done: float, text: str = "", *, total: float | None = None, unit: str | None = None) -> None:
        shown = safe(self.clock.describe(done, text, total, unit))
        self.live.update(self.task, completed=done, total=self.clock.total, text=shown)


class _PlainLines:
    def __init__(self, label: str, clock: _Clock) -> None:
        self.label, self.clock = label, clock
        self.said_s, self.last, self.said = -math.inf, "", ""

    def update(self, done: float, text: str = "", *, total: float | None = None, unit: str | None = None) -> None:
        self.last = self.clock.describe(done, text, total, unit)
        if time.monotonic() - self.said_s >= PLAIN_LINE_EVERY_S:
            self._say()

    def close(self) -> None:
        if self.last and self.last != self.said:
            self._say()

    def _say(self) -> None:
        self.said_s, self.said = time.monotonic(), self.last
        note(f"{self.label}: {self.last}")


def _terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # closed
        return False


def _write(stream: IO[str], text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        stream.write(text.encode("ascii", "backslashreplace").decode("ascii"))
    except (BrokenPipeError, ValueError):
        drop(stream)
    except OSError as error:
        drop(stream)
        if stream is sys.stdout:  # messages are a convenience, the result is not
            remedy = "make room on its disk, or send it elsewhere"
            raise StorageError(Problem("standard output", f"cannot be written ({error.strerror})", remedy)) from None


def drop(stream: IO[str]) -> None:
    """Nobody reads ``stream`` any more: send the rest to the null device."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def finite(node: Any) -> Any:
    """``node`` as JSON data: nan and inf become null, keys strings, tuples and arrays lists."""
    if type(node).__module__ == "numpy":  # not imported here, where nothing needs it
        node = node.tolist()
    if isinstance(node, Mapping):
        return {str(k): finite(v) for k, v in node.items()}
    if isinstance(node, list | tuple):
        return [finite(v) for v in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").removesuffix("%"))
    except ValueError:
        return False
    return True
