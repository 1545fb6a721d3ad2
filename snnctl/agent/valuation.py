"""What critic and actor of a learning agent say over a plane of observations: all but two are held still.

    V(o)       the critic's value, times the largest reward seen: expected reward per step, in the task's units
    action(o)  what the actor does without noise: the controller that an exported agent is

Nothing is learnt. The plane spans what normaliser and encoder tell apart:

    low = mean + std max(-clip, encoder.low),   high = mean + std min(clip, encoder.high)          (dims,)

where an encoder without a range counts as unbounded. The observations that are held still are in the middle of it.
Both are asked at the centres of points x points
cells. An encoder that draws its spikes draws the same at every point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.agent.fused_learner import FusedLearner
from snnctl.errors import AgentError, Problem

POINTS = 120


class Plane(NamedTuple):
    """Values and actions over observations x and y."""

    dims: tuple[int, int]  # numbers of the two observations
    middle: NDArray[np.float64]  # (all dims,) where the others are held
    span: tuple[tuple[float, float], tuple[float, float]]  # low and high of x and of y
    x: NDArray[np.float64]  # (points,) as the environment gives them
    y: NDArray[np.float64]  # (points,)
    values: NDArray[np.float64]  # (y, x) reward per step
    actions: NDArray[np.float64]  # (y, x) index, or first component of a continuous action
    reward_scale: float  # largest reward seen; 0: none yet, values are in parts of it


def span(agent: Agent) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper ends (dims,) of the observations that the input neurons tell apart."""
    encoder, clip = agent.description.encoder, float(agent.description.normaliser.clip)
    low, high = max(-clip, getattr(encoder, "low", -clip)), min(clip, getattr(encoder, "high", clip))
    mean = agent.tensors["normaliser.mean"].astype(np.float64)  # (dims,)
    std = agent.tensors["normaliser.std"].astype(np.float64)  # (dims,)
    return mean + std * low, mean + std * high


def require_plane(agent: Agent, where: str) -> None:
    """Raise AgentError if the agent has no critic, or nothing that a plane could be laid through."""
    description, found = agent.description, []
    if description.learning is None:
        message = "is missing: the agent has no critic, and therefore no values"
        found.append(Problem(f"{where}:learning", message, "name one with a rule, such as cartpole-rstdp"))
    if description.task.observation_size < 2:
        message = f"is {description.task.observation_size}"
        found.append(Problem(f"{where}:task.observation_size", message, "a value map needs two observations or more"))
    if found:
        raise AgentError(*found)


def plane(agent: Agent, x: int, y: int, points: int = POINTS) -> Plane:
    """Ask critic and actor at points x points observations.

    Args:
        agent: with a critic
        x: number of the observation to the right
        y: number of the observation upwards
        points: on each axis

    Raises:
        AgentError: the agent has no critic, fewer than two observations, or a network that the rule does not fit.
    """
    require_plane(agent, agent.description.name)
    critic, actor = FusedLearner(agent, 0), FloatController(agent)
    steady = agent.description.encoder.is_steady  # and the network forgets: no need of resets, which take time
    low, high = span(agent)
    observation = (low + high) / 2  # (dims,)
    middle = observation.copy()
    centres = (np.arange(points) + 0.5) / points  # (points,)
    values, actions = np.empty((points, points)), np.empty((points, points))
    xs, ys = (low[d] + centres * (high[d] - low[d]) for d in (x, y))
    for row in range(points):
        observation[y] = ys[row]
        for column in range(points):
            observation[x] = xs[column]
            if not steady:
                critic.reset(0)
                actor.reset(0)
            values[row, column] = critic.value_at(observation)
            actions[row, column] = np.ravel(actor.act(observation))[0]
    scale = critic.reward_scale
    ends = (float(low[x]), float(high[x])), (float(low[y]), float(high[y]))
    return Plane((x, y), middle, ends, xs, ys, values * (scale if scale > 0 else 1.0), actions, scale)
