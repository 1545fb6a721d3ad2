from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.errors import InputError
from snnctl.loop import closed_loop, recorder, recordings, replay
from snnctl.robots import environments, rendering


class Shots:
    """Pictures taken while the episode runs."""

    def start(self, controller: Any, env: Any, seed: int, observation: Any) -> None:
        self.env, self.taken = env, [rendering.frame(env)]

    def step(self, step: Any) -> None:
        self.taken.append(rendering.frame(self.env))

    def finish(self, episode: Any) -> None:
        pass


@pytest.mark.needs_gl
def test_replayed_pictures_are_those_of_the_episode(pendulum: Any, tmp_path: Path) -> None:
    from snnctl.loop.observers import Observers

    shots = Shots()
    env = environments.make("InvertedPendulum-v5", render_mode="rgb_array")
    with recorder.Recorder(tmp_path / "e.h5", "InvertedPendulum-v5", 0) as taken:
        closed_loop.run_episode(pendulum(), env, 3, Observers(taken, shots), max_steps=6)
    env.close()
    (episode,) = recordings.read(tmp_path / "e.h5").episodes
    for row, picture in zip((0, 3, 6), replay.frames("InvertedPendulum-v5", episode, (0, 3, 6)), strict=True):
        assert np.abs(picture.astype(int) - shots.taken[row]).mean() < 0.5


def test_only_mujoco_recordings_of_the_same_robot_can_be_replayed(cartpole: Any, tmp_path: Path) -> None:
    with recorder.Recorder(tmp_path / "e.h5", "CartPole-v1", 0) as taken:
        closed_loop.run_episodes(cartpole(), "CartPole-v1", [0], observer=taken)
    (episode,) = recordings.read(tmp_path / "e.h5").episodes
    with pytest.raises(InputError, match="no recorded positions"):
        replay.frames("CartPole-v1", episode, [0])
    other = episode._replace(columns={**episode.columns, "qpos": np.zeros((1, 9)), "qvel": np.zeros((1, 9))})
    with pytest.raises(InputError, match="other joints"):
        replay.frames("InvertedPendulum-v5", other, [0])
