"""One way to an agent for tests: a sound chain with random weights of a fixed seed; a test names what it is about."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.description import AgentDescription, Provenance, Task, tensor_shapes
from snnctl.agent.environment import EnvChoice
from snnctl.agent.folder import Agent
from snnctl.agent.learning import Learning
from snnctl.coding import ChoiceDecoder, GaussianPopulation, Normaliser, RateDecoder
from snnctl.network.description import NetworkDescription, stack
from snnctl.neurons import CurrentLif, Lif

NEURON = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002)


def task(
    observations: int = 3,
    actions: int = 2,
    kind: Literal["continuous", "discrete"] = "discrete",
    *,
    env_id: str = "none",
    control_dt_s: float = 0.02,
) -> Task:
    """A task of these sizes; the environment need not exist."""
    return Task(
        env_id=env_id,
        observation_size=observations,
        action_size=actions,
        action_kind=kind,
        control_dt_s=control_dt_s,
    )


def description(
    env: str | Task = "CartPole-v1",
    *,
    name: str = "random",
    normaliser: Normaliser | None = None,
    encoder: Any = None,
    network: NetworkDescription | None = None,
    hidden: tuple[int, ...] = (16,),
    neuron: CurrentLif | Lif = NEURON,
    ticks: int = 5,
    decoder: Any = None,
    learning: Learning | None = None,
    recipe: str = "none",
    seed: int = 0,
    steps: int = 0,
) -> AgentDescription:
    """An agent of an environment or task; ``network`` replaces the chain of ``hidden``, ``neuron`` and ``ticks``.

    Encoder and decoder are by default the plain ones that fit the task: Gaussian populations, rates or choices.
    """
    wanted = env if isinstance(env, Task) else _made(env)[0]
    encoder = encoder or GaussianPopulation()
    decoder = decoder or (ChoiceDecoder() if wanted.action_kind == "discrete" else RateDecoder())
    network = network or stack(
        inputs=encoder.size(wanted.observation_size),
        hidden=hidden,
        outputs=decoder.size(wanted.action_size),
        neuron=neuron,
        tick_s=1e-3,
        ticks=ticks,
    )
    return AgentDescription(
        name=name,
        task=wanted,
        normaliser=normaliser or Normaliser(),
        encoder=encoder,
        network=network,
        decoder=decoder,
        provenance=Provenance(recipe=recipe, seed=seed, steps=steps),
        learning=learning,
    )


def agent(
    env: str | Task = "CartPole-v1",
    *,
    tensors: Mapping[str, NDArray[Any]] | None = None,
    gain: float = 2.0,
    seed: int = 0,
    **parts: Any,
) -> Agent:
    """A controller whose weights are drawn from ``seed``, ``tensors`` put in their place; ``parts`` as `description`.

    The actions of a named environment keep its limits, those of a bare task lie in [-1, 1].
    """
    described = description(env, seed=seed, **parts)
    drawn = random_tensors(described, seed=seed, gain=gain)
    if isinstance(env, str) and "decoder.low" in drawn:
        drawn |= dict(zip(("decoder.low", "decoder.high"), _made(env)[1], strict=True))
    return Agent(described, drawn | dict(tensors or {}))


def coded(decoder: Any, actions: int, encoder: Any = None) -> Agent:
    """Three observations, a chain of eight hidden neurons, six ticks, and these codes; actions lie in [-0.4, 0.4].

    No tensor is 0, so that it shows if one is not read.
    """
    described = description(
        task(actions=actions, kind=decoder.action_kind),
        encoder=encoder or GaussianPopulation(neurons_per_dim=4),
        hidden=(8,),
        ticks=6,
        decoder=decoder,
    )
    draws = np.random.default_rng(0)
    tensors = {
        name: draws.normal(0.3, 0.5, [s or 0 for s in spec.shape]).astype(np.float32)
        for name, spec in tensor_shapes(described).items()
        if spec.required
    }
    tensors |= {name: np.abs(tensors[name]) + 0.2 for name in ("normaliser.std", "encoder.width") if name in tensors}
    if "decoder.low" in tensors:
        tensors["decoder.low"], tensors["decoder.high"] = np.full(actions, -0.4), np.full(actions, 0.4)
    return Agent(described, tensors)


def random_tensors(
    description: AgentDescription, *, seed: int = 0, gain: float = 2.0
) -> dict[str, NDArray[np.float32]]:
    """What the description names: weights uniform in +-``gain`` / sqrt(inputs), encoder fields that cover [-3, 3]."""
    draws = np.random.default_rng(seed)
    tensors = {}
    for name, spec in tensor_shapes(description).items():
        if not spec.required:
            continue
        size = tuple(s or 0 for s in spec.shape)
        match name.split(".")[0], name.split(".")[-1]:
            case "projection", _:
                tensor = draws.uniform(-gain, gain, size) / np.sqrt(size[0])
            case "population", _:
                tensor = draws.uniform(-0.1, 0.3, size)
            case "encoder", "mean":
                tensor = np.tile(np.linspace(-3, 3, size[1]), (size[0], 1))
            case _, "std" | "width":
                tensor = np.full(size, 1.0 if name.endswith("std") else 0.4)
            case _, "low":
                tensor = np.full(size, -1.0)
            case _, "high":
                tensor = np.full(size, 1.0)
            case "decoder", "weight":
                tensor = draws.normal(size=size)
            case _:
                tensor = np.zeros(size)
        tensors[name] = tensor.astype(np.float32)
    return tensors


@functools.cache
def _made(env_id: str) -> tuple[Task, tuple[NDArray[np.float32], ...]]:
    """Task of a registered environment, and the lowest and the highest of its actions where they are continuous."""
    from snnctl.robots import environments

    env = environments.make(env_id)
    made = environments.task(env, EnvChoice(id=env_id))
    limits = () if made.action_kind == "discrete" else environments.limits(env)
    env.close()
    return made, tuple(limit.astype(np.float32) for limit in limits)
