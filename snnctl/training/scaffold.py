"""The start of a recipe of one's own: chosen from what an environment declares, each choice with its reason.

What is read: the number of observations and their bounds, the kind and number of actions, the steps of an episode
(Gymnasium's time limit) and the return at which the environment's authors call it solved.

    algorithm   continuous actions: sac, which learns from fewer steps; discrete: ppo
    gamma       1 - 5 / steps of an episode, within [0.95, 0.99]
    encoder     10 neurons an observation, 5 from 50 observations on: the first layer is then most of the work
    normaliser  running statistics; none where every observation is bounded to a span between 1 and 4

Source of gamma: Lee et al., arXiv:2502.15280, with 0.99 as the upper end, which the recipes of this package have.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from snnctl import config
from snnctl.agent.environment import EnvChoice
from snnctl.errors import InputError, OutputError, Problem, nearest
from snnctl.robots import environments
from snnctl.storage import ensure_writable, write_atomic
from snnctl.training.blueprint import Blueprint, build
from snnctl.training.recipe import Recipe

TRAINERS = ("ppo", "sac")  # those that a recipe can be started for
FEW_OBSERVATIONS, FEW_ACTIONS = 8, 2  # small networks up to here
MANY_OBSERVATIONS = 50  # half the neurons for each from here on
SCALED_SPAN = (1.0, 4.0)  # of a bounded observation that needs no normaliser
PRECISION = 4  # digits of numbers that are computed


class Choice(NamedTuple):
    """A key of the recipe."""

    key: str  # with the names of its tables, such as trainer.gamma
    value: Any
    reason: str = ""  # a sentence without its full stop; "" where there is nothing to choose

    @property
    def written(self) -> str:
        """The value as TOML."""
        return json.dumps(self.value)  # which is TOML, too, for words, numbers, truth values and lists of them


class _Declared(NamedTuple):
    """What an environment says about itself."""

    env_id: str
    observations: int
    low: float  # of all observations
    high: float
    scaled: bool  # every observation is bounded to a span of SCALED_SPAN
    action_kind: str
    actions: int
    steps: int | None  # of an episode
    solved_at: float | None  # mean return

    @property
    def small(self) -> bool:
        """Little to observe and to do."""
        return self.observations <= FEW_OBSERVATIONS and self.actions <= FEW_ACTIONS

    @property
    def title(self) -> str:
        """In a few words."""
        actions = f"{self.actions} {'actions to choose from' if self.discrete else 'continuous actions'}"
        steps = "no time limit" if self.steps is None else f"at most {self.steps} steps an episode"
        return f"{self.env_id}: {self.observations} observations, {actions}, {steps}"

    @property
    def discrete(self) -> bool:
        """Actions are choices."""
        return self.action_kind == "discrete"


def scaffold(name: str, env_id: str, out: Path, trainer: str = "") -> tuple[Path, tuple[Choice, ...]]:
    """Write ``out/name.toml``; return the file and the choices in it.

    Args:
        name: of the recipe and of the agents that it trains.
        env_id: what ``[env]`` will say.
        out: a folder, made where it does not exist.
        trainer: one of TRAINERS; by default as the actions say.

    Raises:
        InputError: the name or the trainer cannot be taken.
        OutputError: the file exists already or cannot be written.
        SnnctlError: the environment cannot be made, or not be connected to a controller.
    """
    if not re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", name) or len(name) > 64:
        remedy = "take lower-case letters, digits and single hyphens, such as my-robot-sac"
        raise InputError(Problem(f"name '{name[:80]}'", "cannot name a recipe", remedy))
    if trainer not in ("", *TRAINERS):
        raise InputError(Problem(f"--trainer '{trainer[:40]}'", "cannot be started with", nearest(trainer, TRAINERS)))
    path = out / f"{name}.toml"
    if path.exists():
        raise OutputError(Problem(str(path), "exists already", "choose another name, or remove it first"))
    env = environments.make(env_id)
    try:
        declared = _read(env, env_id)
        chosen = choices(name, declared, trainer)
        text = _toml(declared, chosen)
        recipe = config.validate(Recipe, config.parse_toml(text, str(path)), str(path))
        blueprint = Blueprint.of(recipe, env)
    finally:
        env.close()
    build(blueprint, recipe.seed).close()  # what could not be trained is refused before it is written
    ensure_writable(out)
    write_atomic(path, text)
    return path, chosen


def _read(env: gymnasium.Env[Any, Any], env_id: str) -> _Declared:
    task = environments.task(env, EnvChoice(id=env_id))
    box: Any = env.observation_space
    low, high = np.asarray(box.low, np.float64), np.asarray(box.high, np.float64)
    least, most = SCALED_SPAN
    scaled = bool(np.isfinite([low, high]).all() and (high - low >= least).all() and (high - low <= most).all())
    spec = env.spec
    steps, stated = environments.max_steps(env)
    return _Declared(
        env_id=env_id,
        observations=task.observation_size,
        low=float(low.min()),
        high=float(high.max()),
        scaled=scaled,
        action_kind=task.action_kind,
        actions=task.action_size,
        steps=steps if stated else None,
        solved_at=None if spec is None else spec.reward_threshold,
    )


def choices(name: str, declared: _Declared, trainer: str = "") -> tuple[Choice, ...]:
    """Every key that is written, in the order of the file."""
    kind = trainer or ("ppo" if declared.discrete else "sac")
    chosen = [
        Choice("name", name),
        Choice("env.id", declared.env_id),
        *_coding(declared),
        *_network(declared, kind),
        *(_ppo if kind == "ppo" else _sac)(declared),
        *_evaluation(declared),
    ]
    return tuple(chosen)


def _coding(declared: _Declared) -> list[Choice]:
    many = declared.observations >= MANY_OBSERVATIONS
    neurons = 5 if many else 10
    if declared.scaled:
        low, high = declared.low, declared.high
        reason = f"every observation is bounded to a span between {SCALED_SPAN[0]:g} and {SCALED_SPAN[1]:g}"
        normaliser = [Choice("normaliser.learnable", False, f"{reason}, so it is taken as it is")]
        fields = [
            Choice("encoder.low", round(low, PRECISION), "the receptive fields span the bounds of the observations"),
            Choice("encoder.high", round(high, PRECISION)),
            Choice(
                "encoder.width",
                round(0.75 * (high - low) / (neurons - 1), PRECISION),
                "three quarters of their spacing",
            ),
        ]
    else:
        normaliser = [
            Choice(
                "normaliser.clip", 3.0,
                "observations are normalised by running statistics, and the receptive fields span three deviations",
            )
        ]  # fmt: skip
        fields = []
    reason = (
        f"{declared.observations} observations: the first layer is most of the work, so 5 in place of 10"
        if many
        else "as published for PopSAN; 5 halve the work of the first layer"
    )
    return [
        *normaliser,
        Choice("encoder.kind", "gaussian_population"),
        Choice("encoder.neurons_per_dim", neurons, reason),
        *fields,
    ]


def _network(declared: _Declared, kind: str) -> list[Choice]:
    if declared.small:
        hidden, reason = [64], f"at most {FEW_OBSERVATIONS} observations and {FEW_ACTIONS} actions: one layer"
    elif kind == "ppo":
        hidden, reason = [64, 64], "two layers; PPO uses every sample often, so width costs time"
    else:
        hidden, reason = [256, 256], "two layers, as published for MuJoCo's locomotion tasks"
    return [
        Choice("network.hidden", hidden, reason),
        Choice("network.ticks", 5, "as published for PopSAN; fewer are faster and coarser"),
        Choice("network.tick_s", 1e-3),
        Choice("network.neuron.model", "current_lif", "the neuron that every chip has"),
        Choice("network.neuron.tau_mem_s", 3.476059496782207e-3, "a_mem = 0.75 a tick"),
        Choice("network.neuron.tau_syn_s", 1.4426950408889634e-3, "a_syn = 0.5 a tick"),
        Choice("network.neuron.v_threshold", 1.0 if kind == "ppo" else 0.5),
        Choice("network.neuron.v_reset", 0.0),
        Choice("network.neuron.reset", "value"),
        Choice(
            "decoder.kind",
            "choice" if declared.discrete else "rate",
            "the most active group of neurons is the action" if declared.discrete else "rates within finite limits",
        ),
        Choice("decoder.neurons_per_action", 10),
    ]


def _gamma(declared: _Declared) -> Choice:
    steps = declared.steps
    if steps is None:
        return Choice("trainer.gamma", 0.99, "no time limit is stated: look 100 steps ahead")
    gamma = round(min(max(1.0 - 5.0 / steps, 0.95), 0.99), PRECISION)
    ahead = round(1.0 / (1.0 - gamma))
    return Choice("trainer.gamma", gamma, f"an episode has at most {steps} steps: look {ahead} steps ahead")


def _ppo(declared: _Declared) -> list[Choice]:
    reason = "actions are choices" if declared.discrete else "asked for; sac learns from fewer steps"
    return [
        Choice("trainer.kind", "ppo", reason),
        Choice("trainer.total_steps", 200_000 if declared.small else 500_000, "the learning rates fall until then"),
        _gamma(declared),
    ]


def _sac(declared: _Declared) -> list[Choice]:
    chosen = [
        Choice("trainer.kind", "sac", "actions are continuous: sac learns from fewer steps than ppo"),
    ]
    if declared.small:
        return [
            *chosen,
            Choice("trainer.total_steps", 50_000, "a small task; the learning rates fall until then"),
            Choice("trainer.start_steps", 1000, "random actions before anything is learnt"),
            Choice("trainer.lr", 1e-3, "small networks bear large steps"),
            Choice("trainer.critic_lr", 1e-3),
            _gamma(declared),
            Choice("trainer.critic.kind", "layer_norm"),
            Choice("trainer.critic.hidden", [128, 128]),
            Choice("trainer.critic.bins", 51),
        ]
    return [
        *chosen,
        Choice("trainer.total_steps", 500_000, "the learning rates fall until then"),
        _gamma(declared),
        Choice("trainer.critic.kind", "layer_norm"),
        Choice("trainer.critic.hidden", [256, 256]),
        Choice("trainer.critic.bins", 101),
    ]


def _evaluation(declared: _Declared) -> list[Choice]:
    if declared.solved_at is None:
        return []
    reason = "the environment's authors call it solved there; without this line all steps are trained"
    return [Choice("evaluation.stop_return", float(declared.solved_at), reason)]


def _toml(declared: _Declared, chosen: tuple[Choice, ...]) -> str:
    """The file: tables in the order of the choices, every reason a comment above its key."""
    lines, table = [f"# {declared.title}.", "schema = 1"], ""
    for choice in chosen:
        head, _, key = choice.key.rpartition(".")
        if head != table:
            lines += ["", f"[{head}]"]
            table = head
        if choice.reason:
            lines.append(f"# {choice.reason}")
        lines.append(f"{key} = {choice.written}")
    return "\n".join(lines) + "\n"
