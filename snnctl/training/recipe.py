"""Recipes: everything a training depends on, in one TOML file of ``configs/train``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import Discriminator, Tag

from snnctl import config, slots
from snnctl.agent.description import Decoder, Encoder, Modulator
from snnctl.agent.environment import EnvChoice
from snnctl.coding import Normaliser
from snnctl.config import Seconds, schema
from snnctl.network.dense import DenseNetwork
from snnctl.network.description import NetworkDescription, Neuron, stack


@schema
class Stack:
    """A feed-forward chain of spiking populations of one model, from the encoder to the decoder."""

    kind: Literal["stack"] = "stack"
    hidden: tuple[Annotated[int, Gt(0)], ...] = (64,)
    ticks: Annotated[int, Gt(0)] = 5
    tick_s: Annotated[Seconds, Gt(0)] = 1e-3
    neuron: Neuron

    @property
    def summary(self) -> str:
        """In a few words."""
        return f"hidden neurons {' → '.join(map(str, self.hidden)) or 'none'}, {self.ticks} ticks a decision"

    def build(self, inputs: int, outputs: int) -> NetworkDescription:
        """The network between ``inputs`` neurons of an encoder and ``outputs`` of a decoder."""
        return stack(
            inputs=inputs,
            hidden=self.hidden,
            outputs=outputs,
            neuron=self.neuron,
            tick_s=self.tick_s,
            ticks=self.ticks,
        )


@schema
class Dense:
    """The ANN twin of a stack: dense layers of numbers without spikes or ticks."""

    kind: Literal["dense"] = "dense"
    hidden: tuple[Annotated[int, Gt(0)], ...] = (64,)
    activation: Literal["relu", "tanh"] = "relu"  # those with a gradient here

    @property
    def summary(self) -> str:
        """In a few words."""
        return f"dense layers {' → '.join(map(str, self.hidden)) or 'none'} with {self.activation}, no spikes"

    def build(self, inputs: int, outputs: int) -> DenseNetwork:
        """The network between ``inputs`` numbers of an encoder and ``outputs`` of a decoder."""
        return DenseNetwork(inputs=inputs, hidden=self.hidden, outputs=outputs, activation=self.activation)


@schema
class Whole(NetworkDescription):
    """A whole network with its populations and projections, written as in an ``agent.toml``."""

    def build(self, inputs: int, outputs: int) -> NetworkDescription:
        """The network as it is written; whether it fits encoder and decoder is told with the problems of the agent."""
        return NetworkDescription(
            tick_s=self.tick_s,
            ticks=self.ticks,
            decision=self.decision,
            carry=self.carry,
            populations=self.populations,
            projections=self.projections,
        )


def kind(network: Any) -> str:
    """Which of the three a table, or a network, is; the word is what the key ``kind`` says where it says something."""
    if isinstance(network, Whole):
        return "Whole"
    if not isinstance(network, Mapping):
        return str(getattr(network, "kind", "stack"))
    if {"populations", "projections"} & set(network):
        return "Whole"
    return str(network.get("kind", "stack"))


Network = Annotated[
    Annotated[Stack, Tag("stack")] | Annotated[Dense, Tag("dense")] | Annotated[Whole, Tag("Whole")],
    Discriminator(kind),
]


@schema
class Evaluation:
    """How a training is judged: when, in how many episodes, which agent is kept, and when training may stop.

    The episodes are greedy, in environments of their own, and of seeds that neither training nor the final evaluation
    uses; those of an evaluation are always the same, so that agents are compared in the same ones.
    """

    every_steps: Annotated[int, Gt(0)] = 5000  # environment steps; the update that reaches a multiple, and the last one
    steps_limit: Annotated[float, Gt(0)] = 1.0  # evaluation steps so far, for each training step: what is due waits
    episodes: Annotated[int, Gt(0)] = 10  # of each evaluation, never fewer
    envs: Annotated[int, Gt(0), Le(1024)] = 10  # copies of the environment side by side; the result is the same
    stop_return: float | None = None  # stop training once the mean over ``confirm_episodes`` reaches this
    stop_worst: float | None = None  # ... and the worst of these episodes reaches this (no fall among them)
    confirm_episodes: Annotated[int, Gt(0)] = 30  # others than ``episodes``; given up early when they cannot confirm
    give_up_error: Annotated[float, Ge(0), Lt(1)] = 0.05  # chance to give up an agent that would have stopped; 0: never
    final_episodes: Annotated[int, Gt(0)] = 100  # of the figure that is reported, never fewer


def renamed(data: Mapping[str, Any], overrides: Sequence[str]) -> list[str]:
    """``overrides``, with a name of its own for a recipe whose environment or chip they replace.

    Agents, run folders and reports are called after the recipe: those of another one would take their place.

    Args:
        data: of the file
        overrides: ``key=value``
    """
    merged, _ = config.apply_overrides(data, overrides)
    before, after = (node["env"].get("id") if isinstance(node.get("env"), Mapping) else None for node in (data, merged))
    chip, name = merged.get("chip"), data.get("name")
    new = [after] if isinstance(after, str) and after != before else []
    if isinstance(chip, str) and chip != data.get("chip"):
        new.append(PurePath(chip).stem)
    if not new or not isinstance(name, str) or merged.get("name") != name:
        return list(overrides)
    own = "-".join([name, *(re.sub(r"[^A-Za-z0-9._-]+", "_", part) for part in new)])
    return [*overrides, f"name={json.dumps(own)}"]


@schema
class Recipe:
    """One training: task, controller, trainer, evaluation."""

    schema: Literal[1] = 1
    name: str
    description: str = ""
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] = 0
    env: Annotated[EnvChoice, slots.TRUSTED]
    normaliser: Normaliser = Normaliser()
    encoder: Encoder
    network: Network
    decoder: Decoder
    modulator: Modulator | None = None  # what gives the rules of its projections their signal
    chip: str | None = None  # name or path of the chip that the agent is trained for
    trainer: Annotated[Any, slots.TRAINERS]  # of snnctl.training.algorithm.Trainer
    evaluation: Evaluation = Evaluation()
