"""The contract of Gymnasium, held against somebody's environment at every reset and step.

    reset(seed=...)  -> observation, info
    step(action)     -> observation, reward, terminated, truncated, info

    observation   numbers of the shape that the observation space declares
    reward        a number, an array of one element too; it need not be finite (snnctl.robots.divergence)
    the two ends  true or false, an array of one element too
    info          a dict

Each step is watched for a divergence (snnctl.robots.divergence) as well.

What the environment raises, ``SystemExit`` included, is its mistake and named as such. A divergence is not one: it says
that the physics left the finite numbers, which an environment is free to do.

Source: Gymnasium ``Env.reset``, ``Env.step``, https://gymnasium.farama.org/api/env
"""

from __future__ import annotations

import contextlib
import math
import re
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from snnctl.errors import ContractError, Problem, SnnctlError, brief
from snnctl.robots.divergence import Watch
from snnctl.robots.trail import PostMortem, Trail

_OLD = "it follows the API before Gymnasium 0.26; port it, or wrap it with shimmy's GymV21Compatibility"
_MEND = "mend the environment; --debug shows where it failed"


class Transition(NamedTuple):
    """What a step gave."""

    observation: NDArray[Any]  # a copy: environments may hand out the same array again
    reward: float
    terminated: bool
    truncated: bool
    diverged: str | None  # why the step, and the episode with it, is worthless


_transition = tuple.__new__  # a third of the time of Transition(...), in every control step


class Contract:
    """Calls an environment with flat spaces, and refuses every breach."""

    def __init__(self, env: gymnasium.Env[Any, Any], name: str = "") -> None:
        """``name``: of the environment in messages; by default its id."""
        self._env, self._name = env, name
        self._shape, self._dtype = env.observation_space.shape, env.observation_space.dtype
        self._seed = 0
        self.trail, self._watch = Trail(), Watch(env)  # of the episode that is under way

    def reset(self, seed: int) -> NDArray[Any]:
        """Begin an episode; the first observation.

        Raises:
            ContractError: the environment fails or returns something else.
        """
        self._seed = seed
        self.trail.start(seed, None)
        try:
            given: Any = self._env.reset(seed=seed)
        except (SnnctlError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise self._failure("reset", error) from error
        if not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[1], dict):
            raise self._broken("reset", f"gives {_described(given)} instead of (observation, info)", _OLD)
        observation = self._observation("reset", given[0])
        self.trail.start(seed, observation)
        self._watch.start()
        return observation

    def step(self, action: Any) -> Transition:
        """Do an action.

        Raises:
            ContractError: the environment fails or returns something else.
        """
        trail = self.trail
        trail.actions.append(action.copy() if type(action) is np.ndarray else np.array(action))
        try:
            given: Any = self._env.step(action)
        except (SnnctlError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise self._failure("step", error) from error
        if not isinstance(given, tuple) or len(given) != 5 or not isinstance(given[4], dict):
            message = f"gives {_described(given)} instead of (observation, reward, terminated, truncated, info)"
            raise self._broken("step", message, _OLD)
        observation, reward, terminated, truncated, _ = given
        # what most environments give is told by its type, the rest is looked at closely
        if type(observation) is np.ndarray and observation.dtype is self._dtype and observation.shape == self._shape:
            observation = observation.copy()
        else:
            observation = self._observation("step", observation)
        reward = float(reward) if isinstance(reward, float) else self._reward(reward)
        if type(terminated) is not bool:
            terminated = self._end("terminated", terminated)
        if type(truncated) is not bool:
            truncated = self._end("truncated", truncated)
        trail.saw(observation, reward)
        diverged = self._watch.reason(observation, reward)
        return _transition(Transition, (observation, reward, terminated, truncated, diverged))

    def post_mortem(self, why: str) -> PostMortem:
        """Of the episode that is under way."""
        return self.trail.post_mortem(why, self._watch.simulation)

    def _reward(self, given: Any) -> float:
        reward = number(given)
        if reward is None:
            message = f"gives a reward that is not one number but {_described(given)}"
            raise self._broken("step", message, "return a float")
        return reward

    def _end(self, name: str, value: Any) -> bool:
        flag = _flag(value)
        if flag is None:
            message = f"gives {name} that is neither true nor false but {_described(value)}"
            raise self._broken("step", message, "return a bool")
        return flag

    def _observation(self, call: str, given: Any) -> NDArray[Any]:
        try:
            observation = np.array(given)
        except Exception as error:  # a ragged list, or an __array__ of somebody's own
            message = f"gives an observation that is not an array ({brief(error)})"
            raise self._broken(call, message, "return what observation_space declares") from error
        if observation.shape != self._shape:
            message = f"gives an observation of shape {observation.shape}, its observation_space declares {self._shape}"
            raise self._broken(call, message, "mend one of them")
        if observation.dtype.kind not in "fiub":
            message = f"gives an observation of {observation.dtype}, its observation_space declares numbers"
            raise self._broken(call, message, "mend one of them")
        return observation

    def _failure(self, call: str, error: BaseException) -> ContractError:
        """Of an exception; one by which a wrapper says how many values came is told as that."""
        text = brief(error)
        if isinstance(error, TypeError) and "unexpected keyword argument 'seed'" in text:
            return self._broken(call, "takes no seed", f"declare reset(self, *, seed=None, options=None); {_OLD}")
        if isinstance(error, ValueError) and (
            counts := re.search(r"to unpack \(expected (\d+)(?:, got (\d+))?\)", text)
        ):
            came = f"{counts[2]} values" if counts[2] else "more values"
            if counts[1] == ("5" if call == "step" else "2"):
                return self._broken(call, f"gives {came} instead of {counts[1]}", _OLD)
        frames = traceback.extract_tb(error.__traceback__)
        place = f", {Path(frames[-1].filename).name} line {frames[-1].lineno}" if frames else ""
        return self._broken(call, f"fails ({type(error).__name__}: {brief(error)}{place})", _MEND)

    def _broken(self, call: str, message: str, remedy: str) -> ContractError:
        name = self._name or named(self._env)
        when = f"with seed {self._seed}" if call == "reset" else f"number {self.trail.observed} with seed {self._seed}"
        problem = Problem(name, f"its {call} {when} {message}", remedy)
        error = ContractError(problem)
        error.post_mortem = self.post_mortem(f"{problem.where}: {problem.message}")
        return error


def named(env: gymnasium.Env[Any, Any]) -> str:
    """The id of an environment, else its class."""
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


def number(reward: Any) -> float | None:
    """A reward as a number, which an array of one element is, too; None where it is something else."""
    if isinstance(reward, float):
        return float(reward)
    try:
        values = np.asarray(reward)
        one = values.item() if values.size == 1 else None
        return None if isinstance(one, str | bytes | complex) or one is None else float(one)
    except OverflowError:  # a whole number beyond all floats
        return math.inf
    except Exception:  # a value that is not a number raises in its own way
        return None


def closed(env: gymnasium.Env[Any, Any]) -> None:
    """Close an environment. One that fails then has done its work, and whatever it raises changes no result."""
    with contextlib.suppress(Exception, SystemExit):
        env.close()


def _flag(value: Any) -> bool | None:
    try:
        values = np.asarray(value)
    except Exception:  # a ragged list, or an __array__ of somebody's own
        return None
    return bool(values.item()) if values.size == 1 and values.dtype.kind in "biuf" else None


def _described(given: Any) -> str:
    if isinstance(given, tuple):
        return f"({', '.join(type(one).__name__ for one in given)})"
    if isinstance(given, np.ndarray):
        return f"an array of shape {given.shape} and type {given.dtype}"
    try:
        shown = " ".join(repr(given).split())
    except Exception:  # somebody's own class
        shown = "something"
    return f"{shown:.40} ({type(given).__name__})"
