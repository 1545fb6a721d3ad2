"""Recordings of episodes in HDF5: written whole or not at all, spikes as events, units beside the numbers.

    /                                 format, schema, agent, weights_sha256, env_id, changes (of the plant),
                                      seed, control_dt_s, tick_s, versions (JSON)
    /episode_000                      seed, episode_return, length, terminated, truncated, diverged, complete
      observation (steps + 1, dims)   row k is what decision k saw; the last row follows the last action
      time_s      (steps + 1,)        simulated time of these rows
      action      (steps, actions)    what the controller said, or (steps,) an index
      reward, terminated, truncated   (steps,)
      decision_s  (steps,)            wall time of each decision
      value       (steps,)            V of decision k, which had learnt from reward k - 1    a controller that learns
      td_error    (steps,)            TD error delta of reward k, nan where it never came       a controller that learns
      qpos, qvel  (steps + 1, ...)    MuJoCo environments
      spikes/<population>             neurons, ticks (per decision), place (in the order of the network)
        step, tick, index (spikes,)   control step, tick in the decision, neuron; in this order of time

Texts are attributes of fixed length in UTF-8. Each dataset has an attribute ``unit``. The observations of a robot of
ours also carry ``labels`` and ``units``, a line each, ``scale`` and ``offset``: quantity = (observation - offset) /
scale, up to noise and clipping. Numbers
keep the type that they had, so reading returns them bit for bit. The file appears under its name when
the recorder is closed, an interrupt included: an unfinished episode is kept and has ``complete = False``.

A learning controller computes the error of reward k when it sees where action k led: while it makes decision k + 1, or
at the end of the episode. Row k of ``td_error`` is that error, so a row has one action and all that became of it:

    td_error[k] = (1 - gamma) reward[k] / scale + gamma V - value[k]

with the largest reward seen as ``scale`` and V the value of observation k + 1 before anything is learnt from this
error, 0 where the task ended (:mod:`snnctl.agent.actor_critic`). It was released at ``time_s[k + 1]``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
from numpy.typing import NDArray

from snnctl import versions
from snnctl.agent.controller import Controller, ValuingController
from snnctl.errors import OutputError, Problem
from snnctl.loop.episode import Episode, Step
from snnctl.loop.recordings import EPISODE, FORMAT, SCHEMA, Events, text
from snnctl.network.description import NetworkDescription
from snnctl.robots import environments
from snnctl.robots.changes import Change
from snnctl.storage import ensure_writable, write_atomic

_UNITS = {
    "observation": "the environment's",
    "action": "the environment's",
    "reward": "1",
    "terminated": "1",
    "truncated": "1",
    "time_s": "s",
    "decision_s": "s",
    "value": "largest reward seen, per step",
    "td_error": "largest reward seen, per step",
    "qpos": "m, rad or quaternion, by joint",
    "qvel": "m/s or rad/s, by joint",
    "step": "control step",
    "tick": "network tick",
    "index": "neuron",
}

# Units of a robot folder's quantities, where the kind alone decides them.
_QUANTITY_UNITS = {"body_angle": "rad", "body_distance": "m"}


class Recorder:
    """An observer that writes every episode; use it as a context manager or call :meth:`close`."""

    def __init__(self, path: Path, env_id: str, seed: int, plant: Sequence[Change] = ()) -> None:
        """Prove that ``path`` can be written, before any work.

        Raises:
            OutputError: it cannot.
        """
        self.path = path
        if path.is_dir():
            raise OutputError(Problem(str(path), "is a folder", "name a file, such as episode.h5"))
        ensure_writable(path.parent)
        # In memory until closed: HDF5 writing to a disk that fills up can take the process down with it.
        # From HDF5 1.8 on attributes may be longer than 64 kB.
        self._file = h5py.File(uuid.uuid4().hex, "w", driver="core", backing_store=False, libver=("v108", "latest"))
        self._closed = False
        changes = " ".join(map(str, plant))
        _tell(self._file, {"format": FORMAT, "schema": SCHEMA, "env_id": env_id, "changes": changes, "seed": seed})
        self._count = 0
        self._order: list[str] = []  # of the network's populations
        self._episode: _Columns | None = None

    def start(self, controller: Controller, env: gym.Env[Any, Any], seed: int, observation: NDArray[Any]) -> None:
        """Begin an episode."""
        description = controller.description
        if self._count == 0:
            _tell(
                self._file,
                {
                    "agent": description.name,
                    "weights_sha256": description.provenance.weights_sha256,
                    "control_dt_s": environments.control_dt_s(env),
                    "tick_s": description.network.tick_s,
                    "versions": json.dumps(versions.installed()),
                },
            )
        network = description.network
        self._order = [p.name for p in network.populations] if isinstance(network, NetworkDescription) else []
        critic = controller if isinstance(controller, ValuingController) else None
        self._episode = _Columns(env, seed, environments.control_dt_s(env), observation, critic)

    def step(self, step: Step) -> None:
        """Keep a step."""
        if self._episode is not None:
            self._episode.append(step)

    def finish(self, episode: Episode) -> None:
        """Write the episode."""
        if self._episode is not None and (episode.terminated or episode.truncated):
            self._episode.learnt()
        self._write(
            {
                "seed": episode.seed,
                "episode_return": episode.episode_return,
                "length": episode.length,
                "terminated": episode.terminated,
                "truncated": episode.truncated,
                "diverged": episode.diverged or "",
                "complete": True,
            }
        )

    def close(self) -> None:
        """Write an unfinished episode, then put the file under its name. Safe to call twice.

        Raises:
            StorageError: the disk is full or the folder is gone; an older file is untouched.
        """
        if self._closed:
            return
        self._closed = True
        if self._episode is not None:
            self._write({"seed": self._episode.seed, "length": len(self._episode.reward), "complete": False})
        self._file.flush()
        image = self._file.id.get_file_image()
        self._file.close()
        if self._count:  # where nothing happened, leave nothing, and an older file alone
            write_atomic(self.path, image)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _write(self, attributes: dict[str, Any]) -> None:
        columns, self._episode = self._episode, None
        if columns is None:
            return
        group = self._file.create_group(f"{EPISODE}{self._count:03d}")
        self._count += 1
        _tell(group, attributes)
        for name, array in columns.arrays().items():
            _dataset(group, name, array)
        _tell(group["observation"], columns.labels)
        recorded, spikes = columns.events(), group.create_group("spikes")
        for place, name in enumerate(sorted(recorded, key=self._order.index)):
            events, population = recorded[name], spikes.create_group(name)
            _tell(population, {"neurons": events.neurons, "ticks": events.ticks, "place": place})
            for column in ("step", "tick", "index"):
                _dataset(population, column, getattr(events, column))


class _Columns:
    """What one episode has given so far."""

    def __init__(
        self,
        env: gym.Env[Any, Any],
        seed: int,
        dt_s: float,
        observation: NDArray[Any],
        critic: ValuingController | None,
    ) -> None:
        self.seed, self._dt_s, self._critic = seed, dt_s, critic
        self._data = getattr(env.unwrapped, "data", None)  # MuJoCo's mjData
        self._bodies = all(hasattr(self._data, name) for name in ("qpos", "qvel"))
        self.labels = labels(env)
        self._observation = [np.array(observation)]
        self._qpos: list[NDArray[np.float64]] = []
        self._qvel: list[NDArray[np.float64]] = []
        self._action: list[Any] = []
        self.reward: list[float] = []
        self._terminated: list[bool] = []
        self._truncated: list[bool] = []
        self._decision_s: list[float] = []
        self._value: list[float] = []
        self._td_error: list[float] = []
        self._spikes: dict[str, list[tuple[int, NDArray[np.intp], NDArray[np.intp]]]] = {}
        self._shapes: dict[str, tuple[int, int]] = {}
        self._body()

    def append(self, step: Step) -> None:
        self._observation.append(np.array(step.next_observation))
        self._body()
        self._action.append(np.array(step.action))
        self.reward.append(step.reward)
        self._terminated.append(step.terminated)
        self._truncated.append(step.truncated)
        self._decision_s.append(step.decision_s)
        if self._critic is not None:  # it has decided, and is told the reward of this step only after this
            if self._value:
                self.learnt()
            self._value.append(self._critic.value)
        for name, raster in step.activity.spikes.items():  # (ticks, n)
            tick, index = np.nonzero(raster)
            self._spikes.setdefault(name, []).append((step.number, tick, index))
            self._shapes[name] = (raster.shape[0], raster.shape[1])

    def learnt(self) -> None:
        """The controller has learnt from the reward before the newest step, or from the last of the episode."""
        if self._critic is not None:
            self._td_error.append(self._critic.delta)

    def _body(self) -> None:
        if self._bodies:
            assert self._data is not None
            self._qpos.append(np.array(self._data.qpos))
            self._qvel.append(np.array(self._data.qvel))

    def arrays(self) -> dict[str, NDArray[Any]]:
        found = {
            "observation": np.array(self._observation),  # (steps + 1, dims)
            "time_s": np.arange(len(self._observation)) * self._dt_s,  # (steps + 1,)
            "action": np.array(self._action),  # (steps, actions) or (steps,)
            "reward": np.array(self.reward, np.float64),  # (steps,)
            "terminated": np.array(self._terminated, np.bool_),  # (steps,)
            "truncated": np.array(self._truncated, np.bool_),  # (steps,)
            "decision_s": np.array(self._decision_s, np.float64),  # (steps,)
        }
        if self._critic is not None:
            unknown = [np.nan] * (len(self.reward) - len(self._td_error))
            found |= {"value": np.array(self._value, np.float64), "td_error": np.array(self._td_error + unknown)}
        if self._bodies:
            found |= {"qpos": np.array(self._qpos), "qvel": np.array(self._qvel)}  # (steps + 1, nq), (steps + 1, nv)
        return found

    def events(self) -> dict[str, Events]:
        found = {}
        for name, decisions in self._spikes.items():
            ticks, neurons = self._shapes[name]
            step = np.concatenate([np.full(len(tick), number, np.uint32) for number, tick, _ in decisions])
            tick = np.concatenate([tick for _, tick, _ in decisions]).astype(np.uint32)
            index = np.concatenate([index for _, _, index in decisions]).astype(np.uint32)
            found[name] = Events(neurons, ticks, step, tick, index)  # (spikes,) each
        return found


def labels(env: gym.Env[Any, Any]) -> dict[str, Any]:
    """What a robot folder says of its observations; nothing for other environments, or where wrappers change them."""
    robot: Any = getattr(env.unwrapped, "task", None)
    parts = getattr(robot, "observation", ())
    if not parts or env.observation_space != env.unwrapped.observation_space:
        return {}
    return {
        "labels": [part.quantity for part in parts],
        "units": [_QUANTITY_UNITS.get(robot.quantities[part.quantity].kind, "") for part in parts],
        "scale": np.array([part.scale for part in parts], np.float64),
        "offset": np.array([part.offset for part in parts], np.float64),
    }


def _dataset(group: Any, name: str, array: NDArray[Any]) -> None:
    packed = {"compression": "gzip", "shuffle": True} if array.nbytes > 4096 else {}
    _tell(group.create_dataset(name, data=array, **packed), {"unit": _UNITS[name]})


def _tell(node: Any, attributes: Mapping[str, Any]) -> None:
    """Attach attributes: texts as :func:`~snnctl.loop.recordings.text`, of several texts a line each."""
    for name, value in attributes.items():
        whole = "\n".join(value) if isinstance(value, list) else value
        node.attrs[name] = text(whole) if isinstance(whole, str) else whole
