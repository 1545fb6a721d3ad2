"""Pictures of a recorded MuJoCo episode: the recorded states are set, nothing is simulated again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import InputError, Problem
from snnctl.loop.recordings import Recorded
from snnctl.robots import environments, rendering
from snnctl.robots.contract import Contract, closed


def frames(env_id: str, episode: Recorded, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
    """One picture of the environment for each of ``rows`` of the recording.

    Raises:
        InputError: the recording has no positions (not a MuJoCo environment), or those of another model.
        OutputError: this machine cannot draw.
    """
    if "qpos" not in episode.columns or "qvel" not in episode.columns:
        raise InputError(Problem(env_id, "has no recorded positions to draw", "leave out --frames"))
    import mujoco

    env = environments.make(env_id, render_mode="rgb_array")
    try:
        Contract(env).reset(0)
        robot: Any = env.unwrapped
        qpos, qvel = episode.columns["qpos"], episode.columns["qvel"]
        if qpos.shape[1:] != robot.data.qpos.shape or qvel.shape[1:] != robot.data.qvel.shape:
            raise InputError(Problem(env_id, "has other joints than the recording", "leave out --frames"))
        pictures = []
        for row in rows:
            robot.data.qpos[:], robot.data.qvel[:] = qpos[row], qvel[row]
            mujoco.mj_forward(robot.model, robot.data)
            pictures.append(rendering.frame(env))
    finally:
        closed(env)
    return pictures
