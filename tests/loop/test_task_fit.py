"""An agent runs in its environment as it was made: same keyword arguments, same version."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from snnctl.agent import folder
from snnctl.agent.description import Task
from snnctl.agent.environment import EnvChoice
from snnctl.agent.float_controller import FloatController
from snnctl.errors import SpaceError
from snnctl.loop.closed_loop import require_fit, run_episodes
from snnctl.robots import environments

ROOT = Path(__file__).parents[2]
TASK = Task(
    env_id="robot", observation_size=3, action_size=1, action_kind="continuous", control_dt_s=0.02, env_version=0
)


def test_another_version_of_the_same_environment_is_refused() -> None:
    with pytest.raises(SpaceError, match="is version 1, the agent was made for version 0"):
        require_fit(TASK, dataclasses.replace(TASK, env_version=1))


def test_another_environment_may_have_any_version() -> None:
    require_fit(TASK, dataclasses.replace(TASK, env_id="other", env_version=1))
    require_fit(dataclasses.replace(TASK, env_version=None), dataclasses.replace(TASK, env_version=1))


def test_more_arguments_come_on_top_of_the_agents_own() -> None:
    agent = folder.load(ROOT / "agents" / "cartpole-ppo")
    kwargs = {"sutton_barto_reward": True}  # 0 a step, -1 for a fall
    task = dataclasses.replace(agent.description.task, env_kwargs=kwargs)
    controller = FloatController(folder.Agent(dataclasses.replace(agent.description, task=task), agent.tensors))
    for more in (None, {"render_mode": "rgb_array"}):
        assert run_episodes(controller, "CartPole-v1", [0], more, max_steps=5)[0].episode_return == 0


def test_a_task_remembers_how_its_environment_was_made() -> None:
    kwargs = {"reset_noise_scale": 0.02}
    env = environments.make("InvertedPendulum-v5", **kwargs)
    task = environments.task(env, EnvChoice(id="InvertedPendulum-v5", kwargs=kwargs))
    env.close()
    assert (task.env_version, task.env_kwargs) == (5, kwargs)
