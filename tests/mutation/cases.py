"""One case: a sound entry, mutated in a folder of its own and read by a verb in a child process with limits.

The child is a fork of a process that has imported and compiled all, so a case costs what reading it costs, and a crash
ends nothing but the case.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import select
import shutil
import signal
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.mutation.entries import Subject
from tests.mutation.mutations import mutate, pick

MEMORY_BYTES = 1 << 30  # above the idle size of the process
CPU_S = 10
TRAIN_S = 6  # a run that was read goes on as long as it says; it is interrupted then, and must end by itself
WALL_S = 120  # a hang that takes no processor time


class Outcome(NamedTuple):
    """What came of a case."""

    kind: str
    number: int
    verb: str
    mutation: str
    fault: str  # empty: it was read, or refused as it should be
    told: str  # what the user was told
    cpu_s: float
    memory_bytes: int  # largest size above that of the process before


def run(subject: Subject, number: int, seed: int, base: Path, memory_bytes: int = MEMORY_BYTES) -> Outcome:
    """Mutate a copy of ``subject`` as (seed, number) decide, let a verb read it, and judge what came of it."""
    draw = np.random.default_rng([seed, number])
    folder = base / f"case-{number}"
    shutil.copytree(subject.folder, folder)
    try:
        try:
            mutation = mutate(folder, subject.files, draw)
        except Exception as error:  # a file that can no longer be mutated so, as after a deleted table
            mutation = f"none ({type(error).__name__}: {error})"
        verb = pick(draw, subject.verbs)
        result, cpu_s, memory = _in_child(verb, folder, memory_bytes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(subject.kind, number, " ".join(verb), mutation, result["fault"], result["told"], cpu_s, memory)


def _in_child(verb: tuple[str, ...], folder: Path, memory_bytes: int) -> tuple[dict[str, str], float, int]:
    """What the verb did in a fork of this process, its processor time, and its memory above that of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(verb, folder, memory_bytes, writing)
    os.close(writing)
    before = _size("VmRSS")
    told = b""
    end = time.monotonic() + WALL_S
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([reading], [], [], left)
        chunk = os.read(reading, 1 << 16) if ready else b""
        if not chunk:
            break
        told += chunk
    os.close(reading)
    if time.monotonic() >= end:
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    cpu_s, memory = used.ru_utime + used.ru_stime, max(0, used.ru_maxrss * 1024 - before)
    if told:
        return json.loads(told), cpu_s, memory
    ended = os.waitstatus_to_exitcode(status)
    name = signal.Signals(-ended).name if ended < 0 else f"exit {ended}"
    fault = f"took more than {CPU_S} s" if ended in (-signal.SIGXCPU, -signal.SIGKILL) else f"ended by {name}"
    return {"fault": fault, "told": ""}, cpu_s, memory


def _child(verb: tuple[str, ...], folder: Path, memory_bytes: int, writing: int) -> None:
    """Work of the child; never returns."""
    try:
        size = _size("VmSize") + memory_bytes
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
        os.chdir(folder)
        if verb[0] == "train":
            signal.signal(signal.SIGPROF, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
            signal.setitimer(signal.ITIMER_PROF, TRAIN_S)
        found = judged(verb)
        os.write(writing, json.dumps(found).encode())
    finally:
        os._exit(0)


def _size(what: str) -> int:
    """VmSize or VmRSS of this process in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) * 1024
    return 0


def judged(verb: tuple[str, ...]) -> dict[str, str]:
    """Run a verb in this process and say what is wrong with how it ended; ``fault`` is empty if nothing is."""
    import typer

    from snnctl.errors import SnnctlError

    out, err = io.StringIO(), io.StringIO()
    fault, told = "", ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _act(verb)
    except SnnctlError as error:
        told = str(error)
        fault = "; ".join(dict.fromkeys(filter(None, (_lack(p._asdict()) for p in error.problems))))
    except MemoryError:
        fault = f"MemoryError: {_place()}"
    except (typer.Exit, SystemExit):
        pass
    except BaseException as error:
        if not hasattr(error, "format_message"):  # a usage error of the command line
            fault = f"{type(error).__name__}: {error!s:.200}: {_place()}"
    if not fault and verb[0] == "check" and out.getvalue():
        for entry in json.loads(out.getvalue())["entries"]:
            told += " ".join(problem["message"] for problem in entry["problems"])
            fault = fault or "; ".join(dict.fromkeys(filter(None, map(_lack, entry["problems"]))))
    return {"fault": fault, "told": told[:2000]}


def _act(verb: tuple[str, ...]) -> None:
    from snnctl.cli import main

    name, *words = verb
    if name == "decide":
        _decide(Path(words[0]))
    elif name == "replay":
        _replay(Path(words[0]))
    elif name == "plan":
        _plan(words[0])
    else:
        main.parser()([name, *words], prog_name="snnctl", standalone_mode=False)


def _decide(folder: Path) -> None:
    """Some decisions of an agent, in floating point and while it learns; extreme observations are among them."""
    from snnctl.agent import controllers, fused_learner
    from snnctl.agent import folder as agents

    agent = agents.load(folder)
    dims = agent.description.task.observation_size
    running = [controllers.make(agent)]
    if agent.description.learning is not None:
        running.append(fused_learner.FusedLearner(agent, 0))
    for controller in running:
        controller.reset(0)
        observations = (np.zeros(dims), np.full(dims, 1e9), np.full(dims, -1e9), np.linspace(-1, 1, dims))
        for k, observation in enumerate(observations):
            controller.act(observation)
            if isinstance(controller, fused_learner.FusedLearner):
                controller.feedback(1.0, observation, k == 3, False)


def _replay(path: Path) -> None:
    """All that a program gets out of a recording."""
    from snnctl.loop import recordings

    for episode in recordings.read(path).episodes:
        for events in episode.spikes.values():
            recordings.rasters(events, len(episode.columns["reward"]))


def _plan(path: str) -> None:
    """The trials of a sweep over a space."""
    from snnctl.training import sweep

    for search in ("grid", "random"):
        sweep.plan("cartpole-ppo", (), path, search, 5, (0,))  # type: ignore[arg-type]


def _lack(problem: dict[str, Any]) -> str:
    """What a problem does not say."""
    if "fails when it is checked" in problem["message"] or "internal error" in problem["message"]:
        return f"foreign: {problem['message'][:300]}"
    if len(problem["message"]) + len(problem["where"]) > 1500:
        return f"{len(problem['message']) + len(problem['where'])} characters: {problem['message'][:60]}"
    lacking = [name for name in ("where", "message", "remedy") if not problem[name].strip()]
    if lacking == ["remedy"] and "; " in problem["message"]:
        lacking = []
    return f"no {' and no '.join(lacking)}: {problem['where'][-60:]}: {problem['message'][:80]}" if lacking else ""


def _place() -> str:
    """The last lines of the package in the traceback."""
    import sys

    frames = traceback.extract_tb(sys.exc_info()[2])
    inside = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames if "snnctl" in f.filename]
    return " < ".join(inside[::-1][:4])
