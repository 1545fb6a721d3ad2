"""The verbs of the command line as functions, the same names at the top of the package.

    snnctl.load(name)                        an agent as a controller: .act(observation) -> action
    snnctl.train(recipe, "trainer.lr=1e-3")  a recipe becomes an agent
    snnctl.evaluate(agent, chip, budget)     return, energy, latency and verdict on an emulated chip; no chip: returns
    snnctl.compile(network, chip)            how a network sits on a chip: cores, rules, rounding, and the image

Each imports what it needs when it is called. Errors are :class:`snnctl.errors.SnnctlError`, with one problem for
everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from snnctl.errors import InputError, Problem

MAX_SEED = 2**32 - 1

if TYPE_CHECKING:
    from snnctl.agent.controller import Controller
    from snnctl.agent.folder import Agent
    from snnctl.evaluation.budget import Budget
    from snnctl.evaluation.evaluate import Evaluation
    from snnctl.evaluation.returns import Returns
    from snnctl.hardware.chip import Chip
    from snnctl.hardware.family import Fit
    from snnctl.network.program import Program
    from snnctl.training.recipe import Recipe
    from snnctl.training.run import Progress
    from snnctl.training.run_result import RunResult


def load(name: str | Path | Agent) -> Controller:
    """A controller of an agent, ready for its first decision: ``load("balancer-ppo").act(observation)``.

    Args:
        name: of an agent, its folder, a run folder (its best checkpoint), or an agent

    Raises:
        NotFoundError: the agent does not exist, or the run has no checkpoint yet.
        AgentError, ConfigError: its files are damaged.
    """
    from snnctl.agent import controllers

    made = controllers.make(agent(name))
    made.reset(0)
    return made


def train(
    recipe: str | Path | Recipe,
    *overrides: str,
    seed: int | None = None,
    out: str | Path = "runs",
    name: str = "",
    workers: int = 1,
    start: str | Path | Agent | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Train an agent; ``result.folder / "checkpoints/best"`` is the agent.

    Args:
        recipe: name or path of a recipe, or a recipe
        overrides: dotted keys, such as ``"trainer.lr=1e-3"``
        seed: of every random stream; by default the recipe's
        out: where the run folder is made
        name: of the run folder, instead of the time
        workers: threads; the result does not depend on it
        start: an agent, its name or its folder: what training begins with, instead of random first weights
        progress: told after every update, and while selecting and evaluating

    Raises:
        NotFoundError: the recipe does not exist.
        ConfigError: everything about the recipe that keeps it from being trained.
        DivergedError, StorageError: the training failed; the last checkpoint is whole.
    """
    from snnctl import config, library, stages
    from snnctl.training import blueprint, run

    if seed is not None:
        _require_count("seed", seed, 0, MAX_SEED)
    from snnctl.training.recipe import Recipe, renamed

    if isinstance(recipe, Recipe):
        data = config.to_data(recipe)
        made = stages.resolve(Recipe, data, recipe.name, blueprint.obstacles, renamed(data, overrides))
    else:
        made = blueprint.load(library.find("recipe", str(recipe)).path, overrides)
    first = None if start is None else agent(start)
    return run.train(made, seed, Path(out), workers=workers, name=name, start=first, progress=progress)


@overload
def evaluate(
    agent_: str | Path | Agent,
    chip: str | Path | Chip,
    budget: str | Path | Budget | None = None,
    *,
    power_w: float | None = None,
    latency_s: float | None = None,
    energy_j: float | None = None,
    boundary: str | None = None,
    env_id: str | None = None,
    episodes: int = 20,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Evaluation: ...


@overload
def evaluate(
    agent_: str | Path | Agent,
    *,
    env_id: str | None = None,
    episodes: int = 20,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Returns: ...


def evaluate(
    agent_: str | Path | Agent,
    chip: str | Path | Chip | None = None,
    budget: str | Path | Budget | None = None,
    *,
    power_w: float | None = None,
    latency_s: float | None = None,
    energy_j: float | None = None,
    boundary: str | None = None,
    env_id: str | None = None,
    episodes: int = 20,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Evaluation | Returns:
    """An agent on an emulated chip, in closed loop, against a budget; ``result.holds`` is the verdict.

    Without a chip the controller alone runs, spiking or not, and the result is its returns.

    Args:
        agent_: name, folder, run folder, or an agent
        chip: name or path of a chip file, or a chip; budget and limits need one
        budget: name or path of a robot's budget, or a budget
        power_w: most mean power; this and the next two replace what ``budget`` says
        latency_s: most p99 latency of a decision
        energy_j: most mean energy of a control step
        boundary: chip, board or dynamic
        env_id: environment, instead of the agent's own
        episodes: of the float controller and of the chip each
        seed: of the episodes' seeds
        progress: told (episodes done, episodes in all, which controller)

    Raises:
        MappingError: the agent does not fit the chip; every reason.
        NotFoundError, ConfigError, SpaceError: a name or a limit is wrong, or the environment is not one for the agent.
    """
    from snnctl.evaluation import budget as budgets
    from snnctl.evaluation import evaluate as engine
    from snnctl.evaluation.returns import returns

    _require_count("episodes", episodes, 1, 100_000)
    _require_count("seed", seed, 0, MAX_SEED)
    if chip is None:
        if boundary is not None or budget is not None or (power_w, latency_s, energy_j) != (None, None, None):
            raise InputError(Problem("chip", "is missing: a budget is held on a chip", "see `snnctl list chips`"))
        return returns(agent(agent_), env_id, episodes, seed, progress)
    named = budgets.load(str(budget)) if isinstance(budget, str | Path) else budget
    chip = str(chip) if isinstance(chip, Path) else chip
    return engine.evaluate(
        agent(agent_), chip, env_id, power_w, latency_s, energy_j, boundary, episodes, seed, progress, budget=named
    )


def compile(network: Any, chip: str | Path | Chip) -> Fit:
    """How a network sits on a chip; ``fit.ok``, ``fit.problems``, ``fit.cores``, ``fit.image`` to run it.

    Args:
        network: a :class:`snnctl.network.Network`, a program, a description with its tensors, an agent, or its name
        chip: name or path of a chip file, or a chip

    Raises:
        NotFoundError, ConfigError: the chip or the agent does not exist or its file is wrong.
        NetworkError: the network is not sound.
    """
    from snnctl import hardware
    from snnctl.hardware import chip as chips

    return hardware.fit(program(network), chip if isinstance(chip, chips.Chip) else chips.load(str(chip)))


def agent(name: str | Path | Agent) -> Agent:
    """The agent of a name, an agent folder, or a run folder (then its best checkpoint).

    Raises:
        NotFoundError: the agent does not exist, or the run has no checkpoint yet.
        AgentError, ConfigError: its files are damaged.
    """
    from snnctl import library
    from snnctl.agent import folder
    from snnctl.training import run_folder

    if isinstance(name, folder.Agent):
        return name
    if not isinstance(name, str | Path):
        remedy = "give the name or folder of an agent, a run folder, or an agent"
        raise InputError(Problem("agent", f"is {type(name).__name__}", remedy))
    best = run_folder.best(Path(name).expanduser())
    return folder.load(library.find("agent", str(name)).path if best is None else best)


def program(network: Any) -> Program:
    """Any form of a network as a program.

    Raises:
        InputError: it is not a network.
        NetworkError: it is not sound.
    """
    from snnctl.agent import folder
    from snnctl.agent import program as of_agent
    from snnctl.network.description import NetworkDescription
    from snnctl.network.network import Network
    from snnctl.network.program import Program, lower

    match network:
        case Program():
            return network
        case Network():
            return network.program()
        case folder.Agent() | str() | Path():
            return of_agent.program(agent(network))
        case (NetworkDescription() as description, dict() as tensors):
            return lower(description, tensors)
    remedy = "give a Network, a Program, (NetworkDescription, tensors), an agent or its name"
    raise InputError(Problem("network", f"is {type(network).__name__}", remedy))


def _require_count(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(Problem(name, f"is {value!r:.40}", f"give an integer from {low} to {high}"))
