"""The policies of tests/data/policies, and ways to make damaged or hostile ones of them."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from snnctl.agent.environment import EnvChoice
from snnctl.agent.folder import Agent
from snnctl.interop import dense_agent, importing

DATA = Path(__file__).parents[1] / "data" / "policies"

BOX = spaces.Box(np.array([-2.0, -0.5], np.float32), np.array([1.0, 3.0], np.float32))
ENVIRONMENTS = {"ppo-box": "InteropBox-v0", "multi-binary": "InteropSwitches-v0"} | dict.fromkeys(
    ("a2c-cartpole", "dqn", "ppo-cartpole", "softmax"), "CartPole-v1"
)


class Actions(gymnasium.Env[Any, Any]):
    """Three observations and a space of actions, which the policies of the tests were made for."""

    def __init__(self, action_space: spaces.Space[Any]) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float32)
        self.action_space = action_space

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros(3, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return np.zeros(3, np.float32), 0.0, False, True, {}


for name, space in (("InteropBox-v0", BOX), ("InteropSwitches-v0", spaces.MultiBinary(3))):
    if name not in gymnasium.registry:
        gymnasium.register(name, lambda space=space: Actions(space))


def agent(path: Path, said: importing.Told | None = None) -> Agent:
    """A policy of the folder as an agent, with its VecNormalize file where there is one."""
    normaliser = path.with_suffix(".pkl")
    policy = importing.read(path, normaliser if normaliser.exists() else None, said)
    return dense_agent.agent(policy, EnvChoice(id=ENVIRONMENTS.get(path.stem, "Pendulum-v1")), path.stem)


def repacked(source: Path, target: Path, changed: Mapping[str, bytes | None]) -> Path:
    """A zip with other members; None: without it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        members = {name: old.read(name) for name in old.namelist()} | changed
        for name, raw in members.items():
            if raw is not None:
                new.writestr(name, raw)
    return target


def with_data(source: Path, target: Path, **values: Any) -> Path:
    """A zip of stable-baselines3 with other values in its JSON; bytes are written as the pickle that they are."""
    with zipfile.ZipFile(source) as old:
        data = json.loads(old.read("data"))
    for key, value in values.items():
        raw = isinstance(value, bytes)
        data[key] = {":type:": "x", ":serialized:": base64.b64encode(value).decode()} if raw else value
    return repacked(source, target, {"data": json.dumps(data).encode()})


def with_pickle(source: Path, target: Path, change: Callable[[bytes], bytes], member: str = "policy.pth") -> Path:
    """A zip of stable-baselines3 in which the pickle of a torch file is another one."""
    with zipfile.ZipFile(source) as old:
        inner = old.read(member)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(inner)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            raw = old.read(name)
            new.writestr(name, change(raw) if name.endswith("data.pkl") else raw)
    return repacked(source, target, {member: made.getvalue()})
