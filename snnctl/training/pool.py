"""Trainings side by side, in a pool of processes of one thread each; a process does one training after the other.

A training that fails does not touch the others, even if it takes its process with it. Ctrl-C reaches every process
(a terminal sends it to the parent, which passes it on; so are other signals): each finishes its update, saves, and
can be resumed. What a training comes to depends neither on its process nor on the number of them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from snnctl.agent.folder import Agent
from snnctl.errors import SnnctlError
from snnctl.training.blueprint import build
from snnctl.training.interrupt import Interrupt
from snnctl.training.recipe import Recipe
from snnctl.training.run import Build, Moment, train
from snnctl.training.run_result import RunResult

START = "spawn"  # a fork would inherit the threads of numpy and numba half-way


class Job(NamedTuple):
    """One training that is to be done."""

    recipe: Recipe
    seed: int
    out: Path  # where its run folder is made, named by ``name`` or the time
    name: str = ""
    command: str = ""
    folder: Path | None = None  # instead: the run folder, to be begun or continued
    start: Agent | None = None  # what a new run begins with
    build: Build = build


class Outcome(NamedTuple):
    """What became of one training: a result, or the reasons why there is none."""

    seed: int
    result: RunResult | None
    reasons: tuple[str, ...]


Progress = Callable[[dict[int, Moment]], None]  # number of the job -> its latest moment
Finished = Callable[[int, Outcome], None]


class _Worker:
    """A process and what it works on."""

    def __init__(self, context: Any) -> None:
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs,))
        with _without_current_folder():
            self.process.start()
        theirs.close()
        self.job: int | None = None
        self.heard = False  # whether the training has said anything yet

    def give(self, number: int, job: Job) -> bool:
        """Begin a training; False when the process has ended."""
        try:
            self.pipe.send(job)
        except OSError:
            return False
        self.job, self.heard = number, False
        return True

    def signal(self, number: int) -> None:
        with contextlib.suppress(OSError):
            if self.process.pid is not None and self.process.is_alive():
                os.kill(self.process.pid, number)

    def end(self) -> None:
        """Let it go home, and wait until it has."""
        with contextlib.suppress(OSError):
            self.pipe.send(None)
        self.pipe.close()
        self.process.join()


@contextlib.contextmanager
def _without_current_folder() -> Iterator[None]:
    """Processes that start in the block do not search the current folder for modules, as ``python -c`` does."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def train_all(
    jobs: Sequence[Job],
    at_once: int | None = None,
    progress: Progress | None = None,
    finished: Finished | None = None,
    interrupt: Interrupt | None = None,
) -> dict[int, Outcome]:
    """Do every job, ``at_once`` of them at a time (default: one a core); the outcome of each by its number.

    ``interrupt`` asks to stop, where somebody listens to signals already.

    Jobs that had not begun when interrupted are left out.
    """
    context = multiprocessing.get_context(START)
    waiting, workers = [*range(len(jobs))], list[_Worker]()
    outcomes: dict[int, Outcome] = {}
    moments: dict[int, Moment] = {}
    passed_on = False
    with contextlib.nullcontext(interrupt) if interrupt else Interrupt() as interrupt:
        try:
            while any(w.job is not None for w in workers) or (waiting and not interrupt.asked):
                if not interrupt.asked:
                    _distribute(context, jobs, waiting, workers, at_once or cores())
                elif not passed_on:
                    passed_on = True
                    for worker in workers:
                        worker.signal(signal.SIGTERM)
                busy = [w for w in workers if w.job is not None]
                ready = connection.wait([w.pipe for w in busy], timeout=0.2)
                for worker in [w for w in busy if w.pipe in ready]:
                    number = worker.job
                    assert number is not None
                    outcome = _receive(worker, jobs[number].seed, moments, interrupt.asked)
                    if outcome is None:
                        continue
                    worker.job = None
                    if not worker.process.is_alive():
                        workers.remove(worker)
                        worker.end()
                    if outcome.result is not None or outcome.reasons:
                        outcomes[number] = outcome
                        if finished is not None:
                            finished(number, outcome)
                if progress is not None:
                    progress(dict(moments))
        finally:
            for worker in workers:
                if worker.job is not None:  # a second Ctrl-C: do not wait
                    worker.process.kill()
                worker.end()
    return outcomes


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _distribute(context: Any, jobs: Sequence[Job], waiting: list[int], workers: list[_Worker], at_once: int) -> None:
    """Give work to processes that have none, and start as many as are useful."""
    for worker in [w for w in workers if w.job is None]:
        if waiting and worker.give(waiting[0], jobs[waiting[0]]):
            waiting.pop(0)
        elif waiting:  # killed from outside while it had nothing to do
            worker.end()
            workers.remove(worker)
    while waiting and len(workers) < at_once:
        worker = _Worker(context)
        workers.append(worker)
        if worker.give(waiting[0], jobs[waiting[0]]):
            waiting.pop(0)


def _receive(worker: _Worker, seed: int, moments: dict[int, Moment], stopping: bool) -> Outcome | None:
    """Take what has come from a process; the outcome of its training once there is one, an empty one if not begun."""
    assert worker.job is not None
    try:
        while worker.pipe.poll():
            message = worker.pipe.recv()
            worker.heard = True
            if not isinstance(message, Moment):
                return Outcome(seed, *message)
            moments[worker.job] = message
    except (EOFError, ConnectionError):
        worker.process.join()
        if stopping and not worker.heard:  # the signal met it while it was still importing
            return Outcome(seed, None, ())
        return Outcome(seed, None, (f"ended with exit code {worker.process.exitcode}; resume it",))
    return None


def _work(pipe: Any) -> None:
    """In the child: train each task that comes and tell the parent, until it sends None or has ended."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # a terminal's Ctrl-C goes to the parent alone, which passes it on once
    with Interrupt() as interrupt, contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while not interrupt.asked:
            job: Job | None = pipe.recv()
            if job is None:
                break
            pipe.send((None, ()) if interrupt.asked else _train(job, pipe, interrupt))


def _train(job: Job, pipe: Any, interrupt: Interrupt) -> tuple[RunResult | None, tuple[str, ...]]:
    def tell(moment: Moment) -> None:
        try:
            pipe.send(moment)
        except OSError:  # nobody listens: the parent was killed
            if not interrupt.asked:
                interrupt.ask()

    try:
        result = train(
            job.recipe, job.seed, job.out, name=job.name, command=job.command, resume=job.folder,
            start=job.start, progress=tell, build=job.build, interrupt=interrupt,
        )  # fmt: skip
        return result, ()
    except SnnctlError as error:
        return None, tuple(str(p) for p in error.problems)
    except Exception as error:  # one training must not end the others, whatever is wrong with it
        return None, (f"internal error: {type(error).__name__}: {error}",)
    except KeyboardInterrupt:
        return None, ("stopped at once",)
