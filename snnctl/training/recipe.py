"""Recipes: everything a training depends on, in one TOML file of ``configs/train``."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import Field

from snnctl.agent.description import Decoder, Encoder
from snnctl.coding import Normaliser
from snnctl.config import Seconds, schema
from snnctl.network.description import Neuron
from snnctl.training.algorithm import Algorithm
from snnctl.training.ppo import Ppo, PpoConfig
from snnctl.training.rstdp import Rstdp, RstdpConfig


@schema
class EnvChoice:
    """Which environment: a Gymnasium id, ``module:Env-v0``, or the name of a folder in ``envs/``."""

    id: str
    kwargs: dict[str, bool | int | float | str] = field(default_factory=dict)


@schema
class Stack:
    """A feed-forward chain of hidden populations and the clock of a decision."""

    hidden: tuple[Annotated[int, Gt(0)], ...] = (64,)
    ticks: Annotated[int, Gt(0)] = 5
    tick_s: Annotated[Seconds, Gt(0)] = 1e-3
    neuron: Neuron


@schema
class Selection:
    """How the best agent is chosen: evaluation episodes that no reported figure uses."""

    every_updates: Annotated[int, Gt(0)] = 10
    episodes: Annotated[int, Gt(0)] = 20
    stop_return: float | None = None  # stop early once the mean over ``confirm_episodes`` reaches this
    stop_worst: float | None = None  # ... and the worst of these episodes reaches this (no fall among them)
    confirm_episodes: Annotated[int, Gt(0)] = 100


@schema
class Recipe:
    """One training: task, controller, algorithm, selection."""

    schema: Literal[1] = 1
    name: str
    description: str = ""
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] = 0
    env: EnvChoice
    normaliser: Normaliser = Normaliser()
    encoder: Encoder
    network: Stack
    decoder: Decoder
    trainer: Annotated[PpoConfig | RstdpConfig, Field(discriminator="kind")]
    selection: Selection = Selection()


def build(recipe: Recipe, seed: int, workers: int = 1) -> Algorithm:
    """Make the recipe's algorithm, ready for its first update."""
    if isinstance(recipe.trainer, PpoConfig):
        return Ppo(recipe, recipe.trainer, seed, workers)
    return Rstdp(recipe, recipe.trainer, seed)
