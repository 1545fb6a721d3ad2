"""What a recipe amounts to in its environment: made once, before anything is built, and all that is wrong with it.

    recipe + opened environment -> task, limits, bounds, description of the agent -> problems, all at once

A blueprint holds no environment: it is read from one that the caller opened and closes, and :meth:`environments` opens
those of the training once nothing is wrong.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from snnctl import allocation, config, slots, stages, versions
from snnctl.agent.description import AgentDescription, Provenance, Task, problems
from snnctl.agent.folder import Agent
from snnctl.agent.needs import needs
from snnctl.agent.program import program as lowered
from snnctl.coding.code import Limits
from snnctl.errors import ConfigError, Problem, SnnctlError
from snnctl.hardware import chip as chips
from snnctl.hardware import family
from snnctl.hardware.chip import Chip
from snnctl.hardware.nearest import Nearest
from snnctl.network import program
from snnctl.network.dense import DenseNetwork
from snnctl.robots import environments
from snnctl.robots.contract import closed
from snnctl.robots.trail import PostMortem
from snnctl.surrogate.derivatives import Derivative
from snnctl.training import actor, starting_agent
from snnctl.training.algorithm import Algorithm
from snnctl.training.chip_policy import ChipPolicy
from snnctl.training.episodes import Environments
from snnctl.training.recipe import Recipe, renamed
from snnctl.training.running_statistics import RunningStatistics, nothing_seen

ENV_BYTES = 500_000  # of one environment: a small simulation


@dataclass(frozen=True)
class Blueprint:
    """A recipe in its environment."""

    recipe: Recipe
    task: Task
    limits: Limits | None  # of continuous actions; None for discrete ones
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]]  # (dims,) of observations, as the environment declares them
    description: AgentDescription  # of the agent, without a seed
    problems: tuple[Problem, ...]  # of the recipe, whatever trains it
    start: Agent | None = None  # what training begins with, instead of random first weights
    held: Nearest | None = None  # what the recipe's chip holds of the network's tensors
    before_step: Callable[[], None] = lambda: None  # called before every step of training; raises to leave it
    keep: Callable[[PostMortem], object] = lambda found: None  # told how the first ones diverged

    @classmethod
    def of(
        cls, recipe: Recipe, env: gymnasium.Env[Any, Any], start: Agent | None = None, chip: Chip | None = None
    ) -> Blueprint:
        """The blueprint of a recipe, read from its environment.

        Args:
            recipe: of the training.
            env: its environment, open.
            start: the agent that training begins with.
            chip: instead of the one that the recipe names.

        Raises:
            SpaceError: the environment's spaces cannot be connected to a controller.
        """
        if chip is None and recipe.chip is not None:
            chip = chips.load(recipe.chip)
        task = environments.task(env, recipe.env)
        box: Any = env.observation_space
        description = AgentDescription(
            name=recipe.name,
            task=task,
            normaliser=recipe.normaliser,
            encoder=recipe.encoder,
            network=recipe.network.build(
                recipe.encoder.size(task.observation_size), recipe.decoder.size(task.action_size)
            ),
            decoder=recipe.decoder,
            modulator=recipe.modulator,
            provenance=Provenance(
                recipe=recipe.name,
                seed=0,
                versions=versions.installed(),
                start="" if start is None else starting_agent.label(start),
                chip=""
                if chip is None
                else f"{chip.name}, file {sha256(config.to_toml(chip).encode()).hexdigest()[:16]}",
            ),
        )
        found = _problems(recipe, description, start)
        held = None
        if chip is not None and not found and not (found := _chip_problems(recipe, description)):
            network, encoder, decoder = description.spiking_network, description.encoder, description.decoder
            held = Nearest(program.structure(network, signal=encoder.signal, reads=decoder.reads), chip)
            description = dataclasses.replace(description, network=held.network(network))
        return cls(
            recipe=recipe,
            task=task,
            limits=environments.limits(env) if task.action_kind == "continuous" else None,
            bounds=(box.low.astype(np.float64), box.high.astype(np.float64)),
            description=description,
            problems=tuple(found),
            start=start,
            held=held,
        )

    @property
    def name(self) -> str:
        """Of the recipe; every ``where`` of a problem begins with it."""
        return self.recipe.name

    def described(self, seed: int) -> AgentDescription:
        """The description of the agent that a training with this seed makes."""
        provenance = dataclasses.replace(self.description.provenance, seed=seed)
        return dataclasses.replace(self.description, provenance=provenance)

    def policy(self, derivative: Derivative) -> actor.Policy:
        """The policy that gradients train: with a chip, it computes with the numbers that the chip holds."""
        made = actor.policy(self.description, derivative)
        return made if self.held is None else ChipPolicy(made, self.held)

    def agent(self, seed: int, steps: int, tensors: Mapping[str, NDArray[Any]], statistics: RunningStatistics) -> Agent:
        """The agent of copies of these tensors after ``steps`` steps, with the statistics they were trained with.

        With a chip, its numbers are those that the chip holds.
        """
        description = self.described(seed)
        provenance = dataclasses.replace(description.provenance, steps=steps)
        copies: dict[str, NDArray[Any]] = {name: tensor.copy() for name, tensor in tensors.items()}
        if self.held is not None:
            copies = self.held(copies)
        copies |= {"normaliser.mean": statistics.mean.copy(), "normaliser.std": statistics.std()}
        return Agent(dataclasses.replace(description, provenance=provenance), copies | self._limit_tensors)

    def begin(self, tensors: Mapping[str, NDArray[Any]]) -> RunningStatistics:
        """Write the weights of the starting agent into ``tensors``, and return its statistics of observations.

        Where there is none, the tensors stay as they are and nothing was seen.
        """
        if self.start is None:
            return nothing_seen(self.task.observation_size)
        return starting_agent.begin(self.start, tensors)

    @property
    def _limit_tensors(self) -> dict[str, NDArray[np.float64]]:
        """Limits of the actions as tensors of the agent, where its decoder keeps them."""
        if self.limits is None:
            return {}
        kept = self.recipe.decoder.tensor_shapes(self.task.action_size)
        found = zip(("decoder.low", "decoder.high"), self.limits, strict=True)
        return {name: limit.copy() for name, limit in found if name in kept}

    def environments(self, seed: int, count: int) -> Environments:
        """Open ``count`` environments to train in; whoever asks closes them."""
        return Environments(self.recipe.env, seed, count, self.before_step, self.keep)


def _problems(recipe: Recipe, description: AgentDescription, start: Agent | None) -> list[Problem]:
    found = problems(description, recipe.name)
    if start is None or found:
        return found
    if not recipe.trainer.STARTS:
        message = f"'{slots.TRAINERS.name_of(recipe.trainer)}' cannot begin with an agent"
        return [Problem(f"{recipe.name}:trainer.kind", message, "leave --from out, or choose another trainer")]
    return starting_agent.problems(start, description, recipe.name)


def _chip_problems(recipe: Recipe, description: AgentDescription) -> list[Problem]:
    """What keeps a trainer, or a network without spikes, from being trained for a chip."""
    if isinstance(description.network, DenseNetwork):
        remedy = "leave chip out, or choose a spiking network"
        return [Problem(f"{recipe.name}:chip", "needs spikes, and a dense network has none", remedy)]
    if not recipe.trainer.CHIPS:
        kind, able = slots.TRAINERS.name_of(recipe.trainer), [n for n, t in slots.TRAINERS.parts.items() if t.CHIPS]
        remedy = f"leave chip out, or choose one of {', '.join(able)}"
        return [Problem(f"{recipe.name}:trainer.kind", f"'{kind}' cannot train for a chip", remedy)]
    return []


def build(blueprint: Blueprint, seed: int, workers: int = 1) -> Algorithm:
    """The recipe's algorithm, ready for its first update.

    Raises:
        ConfigError: everything about the recipe that keeps it from being trained; nothing was opened.
        MappingError: its network does not fit its chip.
    """
    if found := _obstacles(blueprint):
        raise ConfigError(*dict.fromkeys(found))
    if blueprint.start is not None:
        starting_agent.tell_differences(blueprint.start, blueprint.description)
    algorithm: Algorithm = blueprint.recipe.trainer.build(blueprint, seed, workers)
    if blueprint.held is not None:
        try:
            family.fit(lowered(algorithm.agent()), blueprint.held.chip).loaded()
        except SnnctlError:
            algorithm.close()
            raise
    return algorithm


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Raises:
        ConfigError: one problem for every mistake in the file and the overrides; where there is one, also what would
            keep the rest of the recipe from being trained.
    """
    data = config.read_toml(path)
    return stages.load(Recipe, path, obstacles, [*_beside(data, path, overrides), *renamed(data, overrides)])


def _beside(data: Mapping[str, Any], path: Path, overrides: Sequence[str]) -> list[str]:
    """The override that finds a chip file beside the recipe, where the recipe itself names a file.

    Raises:
        ConfigError: it names one elsewhere; whoever types a command may.
    """
    named = data.get("chip")
    if not isinstance(named, str) or any(word.startswith("chip=") for word in overrides):
        return []
    if not named.endswith(".toml") and "/" not in named and "\\" not in named:
        return []
    folder = path.resolve().parent
    found = (folder / named[:1000]).resolve()
    if not found.is_relative_to(folder):
        remedy = "name a chip of `snnctl list chips`, a file beside the recipe, or give it with --chip"
        raise ConfigError(Problem(f"{path}:chip", f"'{named[:60]}' lies outside of the recipe's folder", remedy))
    return [f"chip={json.dumps(str(found))}"]


def obstacles(recipe: Recipe) -> list[Problem]:
    """Everything that keeps a recipe from being trained. Raises SnnctlError: its environment cannot be made."""
    return _obstacles(opened(recipe))


def _obstacles(blueprint: Blueprint) -> list[Problem]:
    trainer, evaluation = blueprint.recipe.trainer, blueprint.recipe.evaluation
    envs = allocation.Need("evaluation.envs", f"{evaluation.envs} environments", ENV_BYTES * evaluation.envs)
    wanted = [*needs(blueprint.description), envs, *(() if blueprint.problems else trainer.needs(blueprint))]
    return allocation.problems(wanted, blueprint.name) or [*blueprint.problems, *trainer.problems(blueprint)]


def opened(recipe: Recipe) -> Blueprint:
    """The blueprint of a recipe, read from an environment that is opened for it and closed again.

    Raises:
        SnnctlError: the environment cannot be made, or not be connected to a controller.
    """
    env = environments.opened(recipe.env)
    try:
        return Blueprint.of(recipe, env)
    finally:
        closed(env)
