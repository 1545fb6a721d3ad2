"""A training algorithm for tests: the weights take a random walk; nothing is learnt, everything is exact."""

from __future__ import annotations

import time

import numpy as np

from snnctl import streams
from snnctl.agent.description import tensor_shapes
from snnctl.agent.folder import Agent
from snnctl.coding import ChoiceDecoder, GaussianPopulation
from snnctl.errors import DivergedError, Problem
from snnctl.training.algorithm import Report, State
from snnctl.training.ppo import PpoConfig
from snnctl.training.recipe import EnvChoice, Evaluation, Recipe, Stack
from tests import factories

STEPS_PER_UPDATE = 10


def recipe(updates=20, **evaluation):
    chosen = {"every_steps": 50, "steps_limit": 1e9, "episodes": 2, "confirm_episodes": 3, **evaluation}
    return Recipe(
        name="walk",
        env=EnvChoice(id="CartPole-v1"),
        encoder=GaussianPopulation(neurons_per_dim=3),
        network=Stack(hidden=(4,), ticks=3, neuron=factories.NEURON),
        decoder=ChoiceDecoder(neurons_per_action=2),
        trainer=PpoConfig(total_steps=updates * STEPS_PER_UPDATE),
        evaluation=Evaluation(**chosen),
    )


def description(name="walk", seed=0, steps=0):
    return factories.description(
        factories.task(4, 2, env_id="CartPole-v1"),
        name=name,
        encoder=GaussianPopulation(neurons_per_dim=3),
        hidden=(4,),
        ticks=3,
        decoder=ChoiceDecoder(neurons_per_action=2),
        recipe="walk",
        seed=seed,
        steps=steps,
    )


def random_tensors(agent, seed=0):
    random = np.random.default_rng(seed)
    tensors = {}
    for name, (shape, required, _) in tensor_shapes(agent).items():
        if not required:
            continue
        values = random.normal(0.0, 0.5, shape)
        tensors[name] = (np.abs(values) + 0.5 if name.endswith((".std", ".width")) else values).astype(np.float32)
    return tensors


def agent(seed=0):
    made = description(seed=seed)
    return Agent(made, random_tensors(made, seed))


class RandomWalk:
    """An Algorithm whose every update adds normal numbers to every weight."""

    def __init__(self, blueprint, seed, workers, *, pause_s=0.0, diverge_at=None, forget_generator=False):
        self.seed, self.workers = seed, workers
        self.pause_s, self.diverge_at, self.forget_generator = pause_s, diverge_at, forget_generator
        self.total_steps = blueprint.recipe.trainer.total_steps
        self.steps = 0
        self.tensors = random_tensors(description(), seed)
        self.random = streams.generator(seed, "exploration")

    def update(self):
        time.sleep(self.pause_s)
        self.steps += STEPS_PER_UPDATE
        if self.steps == self.diverge_at:
            raise DivergedError(Problem("weights", "are not finite"))
        for name, tensor in self.tensors.items():
            if name.startswith(("projection", "population")):
                tensor += self.random.normal(0.0, 0.2, tensor.shape).astype(np.float32)
        total = float(sum(np.abs(t).sum() for t in self.tensors.values()))
        return Report(self.steps, self.steps // 5, total, {"size": total})

    def agent(self):
        return Agent(description(seed=self.seed, steps=self.steps), {k: v.copy() for k, v in self.tensors.items()})

    def state(self):
        generator = None if self.forget_generator else self.random.bit_generator.state
        return State(dict(self.tensors), {"steps": self.steps, "generator": generator})

    def restore(self, state):
        self.tensors = {k: v.copy() for k, v in state.arrays.items()}
        self.steps = state.values["steps"]
        if state.values["generator"] is not None:
            self.random.bit_generator.state = state.values["generator"]

    def close(self):
        pass
