"""An imported policy as an agent of its environment: the slots that hold what the policy computes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import versions
from snnctl.agent import folder
from snnctl.agent.description import AgentDescription, Provenance, Task
from snnctl.agent.environment import EnvChoice
from snnctl.agent.folder import Agent
from snnctl.coding import Analog, AnalogDecoder, ArgmaxDecoder, Normaliser
from snnctl.coding.code import Limits
from snnctl.errors import Problem, SpaceError
from snnctl.interop.policy import UNCLIPPED, Layer, Normalisation, Policy
from snnctl.network.dense import DenseNetwork
from snnctl.robots import environments
from snnctl.robots.contract import closed

RECIPE = "import"  # what the provenance of an imported agent names in place of a recipe
_SAME_LIMITS = 1e-6  # relative difference of limits that are called equal: float32


def agent(policy: Policy, env: EnvChoice, name: str, command: str = "") -> Agent:
    """The agent that does what the policy does in this environment.

    Raises:
        SpaceError: the policy does not fit it: numbers of observations or actions, their kind, or their limits.
        AgentError: it would take more memory than is allowed.
    """
    opened = environments.opened(env)
    try:
        task = environments.task(opened, env)
        limits = environments.limits(opened) if task.action_kind == "continuous" else None
    finally:
        closed(opened)
    if policy.either and task.action_kind == "discrete":
        policy = dataclasses.replace(policy, output="scores")
    layers = _with_both_scores(policy, task)
    normalisation = policy.normalisation or _identity(task.observation_size)
    if found := _problems(policy, layers, normalisation, task, limits):
        raise SpaceError(*found)
    network = DenseNetwork(
        inputs=task.observation_size,
        hidden=tuple(layer.weight.shape[1] for layer in layers[:-1]),
        outputs=task.action_size,
        activation=policy.activation,
    )
    tensors: dict[str, NDArray[Any]] = {"normaliser.mean": normalisation.mean, "normaliser.std": normalisation.std}
    for (weight, bias), layer in zip(network.tensor_names, layers, strict=True):
        tensors[weight], tensors[bias] = layer.weight, layer.bias
    decoder: AnalogDecoder | ArgmaxDecoder = ArgmaxDecoder()
    if policy.output != "scores":
        decoder = AnalogDecoder(squash=policy.output, bound=policy.bound)
        limits = policy.limits if policy.own_limits else limits
        tensors |= decoder.fixed(task.action_size, limits) or {}
    description = AgentDescription(
        name=name,
        task=task,
        normaliser=Normaliser(clip=normalisation.clip, learnable=False),
        encoder=Analog(),
        network=network,
        decoder=decoder,
        provenance=Provenance(
            recipe=RECIPE, seed=0, steps=policy.steps, command=command, versions=versions.installed() | policy.versions
        ),
    )
    made = Agent(description, tensors)
    folder.require_sound(made, name, name)
    return made


def card(made: Agent, policy: Policy, file: str, checked: str) -> str:
    """Markdown for the README.md of its folder."""
    description = made.description
    weights = sum(int(t.size) for t in made.tensors.values())
    lines = [
        f"# {description.name}",
        "",
        f"A policy of {policy.source}, imported from `{file}`.",
        "",
        f"- environment: `{description.task.env_id}`, a decision every {description.task.control_dt_s:g} s",
        f"- network: {description.network.summary}, {weights} parameters",
        f"- {checked}",
        *(f"- note: {note}" for note in policy.notes),
        "",
        f"Run it: `snnctl run {description.name} --episodes 10`",
    ]
    return "\n".join(lines) + "\n"


def _identity(dims: int) -> Normalisation:
    return Normalisation(np.zeros(dims), np.ones(dims), UNCLIPPED)


def _with_both_scores(policy: Policy, task: Task) -> tuple[Layer, ...]:
    """For choices between 0 and 1 that have one output each, the score of 1 beside that of 0, which is 0."""
    last = policy.layers[-1]
    switches = len(task.action_choices)
    if policy.output != "scores" or {*task.action_choices} != {2} or last.bias.size != switches:
        return policy.layers
    weight, bias = np.zeros((last.weight.shape[0], 2 * switches), np.float32), np.zeros(2 * switches, np.float32)
    weight[:, 1::2], bias[1::2] = last.weight, last.bias
    return (*policy.layers[:-1], Layer(weight, bias))


def _problems(
    policy: Policy, layers: tuple[Layer, ...], normalisation: Normalisation, task: Task, limits: Limits | None
) -> list[Problem]:
    found = []
    env, sizes = task.env_id, (layers[0].weight.shape[0], layers[-1].weight.shape[1])
    if sizes[0] != task.observation_size:
        message = f"the policy takes {sizes[0]} observations, the environment gives {task.observation_size}"
        remedy = "name the environment that it was trained in; frames that were stacked need one that stacks them"
        found.append(Problem(f"{env}:observation_space", message, remedy))
    if normalisation.mean.size != task.observation_size:
        message = f"the normaliser takes {normalisation.mean.size} observations, the environment gives {sizes[0]}"
        found.append(Problem(f"{env}:observation_space", message, "give the normaliser that was saved with the policy"))
    kind = "discrete" if policy.output == "scores" else "continuous"
    if kind != task.action_kind:
        message = f"the policy gives {kind} actions, the environment takes {task.action_kind} ones"
        found.append(Problem(f"{env}:action_space", message, "name the environment that it was trained in"))
    elif sizes[1] != task.action_size:
        message = f"the policy gives {sizes[1]} actions, the environment takes {task.action_size}"
        found.append(Problem(f"{env}:action_space", message, "name the environment that it was trained in"))
    elif limits is not None:
        for told in (policy.limits, normalisation.limits):
            if told is not None and not policy.own_limits and not _are_same(told, limits):
                message = f"the policy was trained with actions in {_text(told)}, here they are in {_text(limits)}"
                found.append(Problem(f"{env}:action_space", message, "name the environment that it was trained in"))
                break
    return found


def _are_same(one: Limits, other: Limits) -> bool:
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=_SAME_LIMITS, atol=0.0) for a, b in zip(one, other, strict=True)
    )


def _text(limits: Limits) -> str:
    low, high = limits
    shown = ", ".join(f"[{a:g}, {b:g}]" for a, b in list(zip(low, high, strict=False))[:3])
    return shown + (", ..." if low.size > 3 else "")
