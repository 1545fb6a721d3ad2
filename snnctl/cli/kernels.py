"""The kernels of agents and recipes, compiled before they are needed: ``snnctl doctor --warm``.

    agent     what `run`, `run --learn`, a training's evaluations and `evaluate` on every chip compile for it
    recipe    what the first update of its training compiles, and the agent that comes of it

Each is done once, as those verbs do it, for two steps. Compiled code does not depend on sizes, so little is enough.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from snnctl.errors import Problem, SnnctlError

if TYPE_CHECKING:
    from snnctl.agent.controller import Controller
    from snnctl.agent.folder import Agent
    from snnctl.library import Entry

STEPS = 2


class Warmed(NamedTuple):
    """What was compiled for one entry."""

    kind: str
    name: str
    compiled: int  # functions that no earlier process and no entry before had compiled
    wall_s: float
    problems: tuple[Problem, ...] = ()  # why not


def warm(entry: Entry) -> Warmed:
    """Compile what the verbs compile for an agent or a recipe."""
    start = time.monotonic()
    found: tuple[Problem, ...] = ()
    with counted() as compiled:
        try:
            _agent(entry) if entry.kind == "agent" else _recipe(entry)
        except SnnctlError as error:  # a package of its environment is not installed, say
            found = error.problems
    return Warmed(entry.kind, entry.name, len(compiled), time.monotonic() - start, found)


@contextlib.contextmanager
def counted() -> Iterator[Sequence[str]]:
    """Names of the functions that are compiled within the block; those that are found in the cache are not among them.

    Functions that a kernel calls are counted by themselves.
    """
    from numba.core import event

    compiled: list[str] = []

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            compiled.append(event.data["dispatcher"].py_func.__qualname__)

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Listener()):
        yield compiled


def _agent(entry: Entry) -> None:
    from snnctl.agent import folder

    agent = folder.load(entry.path)
    for make in (_controllers, _learners, _on_chips):
        for controller in make(agent):
            _drive(controller, agent)
    _side_by_side(agent)


def _drive(controller: Controller, agent: Agent) -> None:
    from snnctl.loop import closed_loop

    closed_loop.run_episodes(controller, agent.description.task.env_id, [0], max_steps=STEPS)


def _controllers(agent: Agent) -> Iterator[Controller]:
    from snnctl.agent import controllers

    yield controllers.make(agent)


def _learners(agent: Agent) -> Iterator[Controller]:
    from snnctl.agent import learner

    if not learner.problems(agent.description, agent.description.name):
        yield learner.make(agent, 0)


def _on_chips(agent: Agent) -> Iterator[Controller]:
    """The agent on every chip that holds it."""
    from snnctl import library
    from snnctl.errors import MappingError
    from snnctl.hardware import chip as chips
    from snnctl.hardware.controller import ChipController

    for entry in library.entries("chip"):
        with contextlib.suppress(MappingError):
            controller = ChipController(agent, chips.load(str(entry.path)))
            yield controller
            controller.cost()  # which an evaluation asks for after every decision


def _side_by_side(agent: Agent) -> None:
    from snnctl.agent.batch import make_batch

    make_batch(agent, 2)  # makes a decision


def _recipe(entry: Entry) -> None:
    from snnctl.training import blueprint

    recipe = blueprint.load(entry.path)
    short = dataclasses.replace(recipe, trainer=recipe.trainer.rehearsal())
    algorithm = blueprint.build(blueprint.opened(short), short.seed)
    try:
        algorithm.update()
        agent = algorithm.agent()
    finally:
        algorithm.close()
    _side_by_side(agent)


def entries(names: Sequence[str]) -> list[Entry]:
    """The agents and recipes of these names, or paths; all that are found, where none is named.

    Raises:
        NotFoundError: neither an agent nor a recipe has one of the names.
        InputError: it is the name of something else.
    """
    from snnctl import library
    from snnctl.cli import entries as all_kinds
    from snnctl.errors import InputError

    if not names:
        return [*library.entries("agent"), *library.entries("recipe")]
    found: list[Entry] = []
    for name in names:
        own = [entry for entry in all_kinds.find_all(name) if entry.kind in ("agent", "recipe")]
        if not own:
            raise InputError(Problem(f"'{name[:80]}'", "is neither an agent nor a recipe", "see `snnctl list`"))
        found += own
    return list(dict.fromkeys(found))


Progress = Callable[[int, str], None]


def warm_all(found: Sequence[Entry], progress: Progress) -> list[Warmed]:
    """Warm one after the other; ``progress`` is told (entries done, which is next)."""
    done: list[Warmed] = []
    for entry in found:
        progress(len(done), f"{entry.kind} {entry.name}")
        done.append(warm(entry))
    progress(len(done), "done")
    return done
