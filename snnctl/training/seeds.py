"""Several seeds of one recipe side by side, each a process of one thread.

A seed that fails does not touch the others. Ctrl-C reaches every process (a terminal sends it to all of
them; other signals are passed on): each finishes its update, saves, and can be resumed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, NamedTuple

from snnctl.errors import SnnctlError
from snnctl.training.interrupt import Interrupt
from snnctl.training.recipe import Recipe
from snnctl.training.run import Moment, RunResult, train


class Outcome(NamedTuple):
    """What became of one seed: a result, or the reasons why there is none."""

    seed: int
    result: RunResult | None
    reasons: tuple[str, ...]


Progress = Callable[[dict[int, Moment]], None]  # seed -> its latest moment


class _Child(NamedTuple):
    seed: int
    process: SpawnProcess
    pipe: connection.Connection


def train_seeds(
    recipe: Recipe,
    seeds: Sequence[int],
    out: Path,
    *,
    name: str = "",
    command: str = "",
    at_once: int | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Train every seed; the outcomes are in the order of ``seeds``. Seeds not begun when interrupted are left out."""
    context = multiprocessing.get_context("spawn")
    waiting, running = list(seeds), list[_Child]()
    outcomes: dict[int, Outcome] = {}
    moments: dict[int, Moment] = {}
    passed_on = False
    with Interrupt() as interrupt:
        try:
            while running or (waiting and not interrupt.asked):
                while waiting and len(running) < (at_once or cores()) and not interrupt.asked:
                    running.append(_start(context, recipe, waiting.pop(0), out, name, command))
                if interrupt.asked and not passed_on:
                    passed_on = True
                    for child in running:
                        _signal(child.process, signal.SIGTERM)
                for child in [c for c in running if c.pipe in connection.wait([r.pipe for r in running], timeout=0.2)]:
                    outcome = _receive(child, moments)
                    if outcome is not None:
                        outcomes[child.seed] = outcome
                        running.remove(child)
                if progress is not None:
                    progress(dict(moments))
        finally:
            for child in running:  # a second Ctrl-C: do not wait
                child.process.kill()
    return [outcomes[seed] for seed in seeds if seed in outcomes]


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start(context: Any, recipe: Recipe, seed: int, out: Path, name: str, command: str) -> _Child:
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(recipe, seed, out, name, command, theirs))
    process.start()
    theirs.close()
    return _Child(seed, process, mine)


def _receive(child: _Child, moments: dict[int, Moment]) -> Outcome | None:
    """Take what has come from a child; its outcome once there is one."""
    try:
        while child.pipe.poll():
            message = child.pipe.recv()
            if not isinstance(message, Moment):
                child.process.join()
                return Outcome(child.seed, *message)
            moments[child.seed] = message
    except EOFError:
        child.process.join()
        return Outcome(child.seed, None, (f"ended with exit code {child.process.exitcode}; resume it",))
    return None


def _work(recipe: Recipe, seed: int, out: Path, name: str, command: str, pipe: Any) -> None:
    """In the child: train one seed, tell the parent."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # a terminal's Ctrl-C goes to the parent alone, which passes it on once
    try:
        result = train(recipe, seed, out, name=name, command=command, progress=_Teller(pipe).tell)
        message: tuple[RunResult | None, tuple[str, ...]] = (result, ())
    except SnnctlError as error:
        message = (None, tuple(str(p) for p in error.problems))
    except Exception as error:  # one seed must not end the others, whatever is wrong with it
        message = (None, (f"internal error: {type(error).__name__}: {error}",))
    except KeyboardInterrupt:
        message = (None, ("stopped at once",))
    with contextlib.suppress(OSError):
        pipe.send(message)


class _Teller:
    """Sends moments; when nobody listens any more (the parent was killed), asks this process to stop."""

    def __init__(self, pipe: Any) -> None:
        self.pipe, self.lost = pipe, False

    def tell(self, moment: Moment) -> None:
        try:
            if not self.lost:
                self.pipe.send(moment)
        except OSError:
            self.lost = True
            os.kill(os.getpid(), signal.SIGTERM)


def _signal(process: SpawnProcess, number: int) -> None:
    with contextlib.suppress(OSError):
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, number)
