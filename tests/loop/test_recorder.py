from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import gymnasium
import h5py
import numpy as np
import pytest

from snnctl import storage, versions
from snnctl.agent.controller import Activity
from snnctl.agent.fused_learner import FusedLearner
from snnctl.agent.learning import Learning
from snnctl.coding import ChoiceDecoder, HashedPlaceCells, Normaliser
from snnctl.errors import InputError, OutputError, StorageError
from snnctl.loop import closed_loop, recorder, recordings
from snnctl.loop.episode import Episode, Step
from snnctl.neurons import CurrentLif
from tests import factories


class Copy:
    """An observer that keeps what a recording must give back."""

    def __init__(self) -> None:
        self.episodes: list[list[Step]] = []
        self.first: list[Any] = []
        self.qpos: list[list[Any]] = []
        self.finished: list[Episode] = []

    def start(self, controller: Any, env: Any, seed: int, observation: Any) -> None:
        self.data = getattr(env.unwrapped, "data", None)
        self.first.append(np.array(observation))
        self.episodes.append([])
        self.qpos.append([self.data.qpos.copy()] if self.data is not None else [])

    def step(self, step: Step) -> None:
        self.episodes[-1].append(step)
        if self.data is not None:
            self.qpos[-1].append(self.data.qpos.copy())

    def finish(self, episode: Episode) -> None:
        self.finished.append(episode)


class Both:
    def __init__(self, *observers: Any) -> None:
        self.observers = observers

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: [getattr(o, name)(*arguments) for o in self.observers]


def record(path: Path, controller: Any, env_id: str, seeds: list[int], **options: Any) -> Copy:
    copy = Copy()
    with recorder.Recorder(path, env_id, 0) as taken:
        closed_loop.run_episodes(controller, env_id, seeds, observer=Both(taken, copy), **options)
    return copy


@pytest.mark.parametrize("robot", ["pendulum", "cartpole"])
def test_a_recording_gives_back_every_bit(request: Any, tmp_path: Path, robot: str) -> None:
    controller = request.getfixturevalue(robot)()
    copy = record(tmp_path / "e.h5", controller, controller.description.task.env_id, [1, 2], max_steps=60)
    recording = recordings.read(tmp_path / "e.h5")
    assert len(recording.episodes) == 2
    for first, steps, qpos, finished, episode in zip(
        copy.first, copy.episodes, copy.qpos, copy.finished, recording.episodes, strict=True
    ):
        columns = episode.columns
        expected = np.array([first, *(s.next_observation for s in steps)])
        assert columns["observation"].dtype == expected.dtype
        assert columns["observation"].tobytes() == expected.tobytes()
        assert columns["action"].tobytes() == np.array([s.action for s in steps]).tobytes()
        assert columns["reward"].tolist() == [s.reward for s in steps]
        assert columns["terminated"].tolist() == [s.terminated for s in steps]
        assert columns["time_s"] == pytest.approx(np.arange(len(steps) + 1) * finished.control_dt_s)
        assert columns["decision_s"].tolist() == finished.decision_s.tolist()
        if qpos:
            assert columns["qpos"].tobytes() == np.array(qpos).tobytes()
            assert columns["qvel"].shape == (len(steps) + 1, 2)
        for name, events in episode.spikes.items():
            dense = np.concatenate([s.activity.spikes[name] for s in steps])
            assert (recordings.rasters(events, len(steps)) == dense).all()
            assert len(events.index) == dense.sum() == finished.spikes[name]
        assert episode.attributes["seed"] == finished.seed
        assert episode.attributes["episode_return"] == finished.episode_return
        assert episode.attributes["diverged"] == ""
        assert episode.attributes["complete"] is True
    assert recording.attributes["agent"] == "scripted"
    assert json.loads(recording.attributes["versions"]) == versions.installed()
    assert recording.attributes["env_id"] == controller.description.task.env_id


def test_every_dataset_says_its_unit(pendulum: Any, tmp_path: Path) -> None:
    record(tmp_path / "e.h5", pendulum(), "InvertedPendulum-v5", [1], max_steps=3)
    datasets: list[Any] = []
    with h5py.File(tmp_path / "e.h5") as file:
        file.visititems(lambda _, node: datasets.append(node) if isinstance(node, h5py.Dataset) else None)
        assert len(datasets) == 9 + 3 * 3
        assert all(d.attrs["unit"] for d in datasets)
        assert file["episode_000/time_s"].attrs["unit"] == b"s"


def test_a_text_may_be_longer_than_an_object_header(tmp_path: Path) -> None:
    env_id = "somewhere-" + "far" * 30_000
    with recorder.Recorder(tmp_path / "e.h5", env_id, 0) as taken:
        closed_loop.run_episode(Silent(("in", "out")), Walk("terminated"), 0, taken)
    assert recordings.read(tmp_path / "e.h5").attributes["env_id"] == env_id


def test_spikes_are_stored_sparse(cartpole: Any, tmp_path: Path) -> None:
    copy = record(tmp_path / "e.h5", cartpole(), "CartPole-v1", [1])
    with h5py.File(tmp_path / "e.h5") as file:
        assert file["episode_000/spikes/hidden1/index"].shape == (copy.finished[0].spikes["hidden1"],)


def test_a_diverged_episode_says_why(pendulum: Any, tmp_path: Path) -> None:
    controller = pendulum(lambda o, k: np.array([np.nan if k == 2 else 0.0]))
    record(tmp_path / "e.h5", controller, "InvertedPendulum-v5", [0])
    (episode,) = recordings.read(tmp_path / "e.h5").episodes
    assert episode.attributes["diverged"].startswith("action[0] is nan")
    assert len(episode.columns["reward"]) == 2


def test_an_interrupt_keeps_what_was_seen(pendulum: Any, tmp_path: Path) -> None:
    path = tmp_path / "e.h5"
    controller = pendulum()

    class Interrupt(Copy):
        def step(self, step: Step) -> None:
            super().step(step)
            if len(self.episodes) == 2 and step.number == 20:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), recorder.Recorder(path, "InvertedPendulum-v5", 0) as taken:
        closed_loop.run_episodes(controller, "InvertedPendulum-v5", [1, 2], observer=Both(taken, Interrupt()))
    whole, cut = recordings.read(path).episodes
    assert whole.attributes["complete"] is True
    assert cut.attributes["complete"] is False
    assert len(cut.columns["reward"]) == 21
    assert [p.name for p in tmp_path.iterdir()] == ["e.h5"]


def test_nothing_appears_before_the_end_and_an_older_file_survives_a_failure(
    pendulum: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "e.h5"
    record(path, pendulum(), "InvertedPendulum-v5", [1], max_steps=3)
    before = path.read_bytes()
    taken = recorder.Recorder(path, "InvertedPendulum-v5", 0)
    closed_loop.run_episodes(pendulum(), "InvertedPendulum-v5", [2], observer=taken, max_steps=3)
    assert path.read_bytes() == before

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "replace", full)
    with pytest.raises(StorageError, match="the old file is intact"):
        taken.close()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["e.h5"]


def test_unwritable_targets_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        recorder.Recorder(tmp_path, "CartPole-v1", 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        recorder.Recorder(tmp_path / "file" / "e.h5", "CartPole-v1", 0)


def test_reading_what_is_no_recording(pendulum: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        recordings.read(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(InputError, match="not a whole HDF5"):
        recordings.read(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="not a recording"):
        recordings.read(tmp_path / "other.h5")
    record(tmp_path / "e.h5", pendulum(), "InvertedPendulum-v5", [1], max_steps=3)
    raw = (tmp_path / "e.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(InputError, match="not a whole HDF5"):
        recordings.read(tmp_path / "cut.h5")


def test_a_recording_cannot_pull_in_other_files(pendulum: Any, tmp_path: Path) -> None:
    record(tmp_path / "e.h5", pendulum(), "InvertedPendulum-v5", [1], max_steps=3)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["reward"] = np.ones(3)
    with h5py.File(tmp_path / "e.h5", "a") as file:
        del file["episode_000/reward"]
        file["episode_000/reward"] = h5py.ExternalLink("secret.h5", "reward")
    with pytest.raises(InputError, match="another file"):
        recordings.read(tmp_path / "e.h5")


def test_a_robot_of_ours_tells_what_its_observations_are(pendulum: Any, tmp_path: Path) -> None:
    from snnctl.robots import environments

    controller = pendulum(lambda o, k: np.zeros(2))
    env = environments.make("balancer")
    with recorder.Recorder(tmp_path / "e.h5", "balancer", 0) as taken:
        closed_loop.run_episode(controller, env, 0, taken, max_steps=5)
    (episode,) = recordings.read(tmp_path / "e.h5").episodes
    pitch = list(episode.labels["labels"]).index("pitch")
    assert episode.labels["units"][pitch] == "rad"
    observed = (episode.columns["observation"][:, pitch] - episode.labels["offset"][pitch]) / episode.labels["scale"][
        pitch
    ]
    w, x, y, z = episode.columns["qpos"][:, 3:7].T  # the chassis' quaternion
    assert observed == pytest.approx(np.arcsin(2 * (w * y - z * x)), abs=0.02)  # up to the sensor's noise, 0.0025 rad
    env.close()


class Silent:
    """A controller of a chain of populations with these names, which never spikes."""

    def __init__(self, names: tuple[str, ...]) -> None:
        plain = factories.description(factories.task(1, 2), hidden=(3,) * (len(names) - 2), ticks=4)
        chain = plain.network
        new = dict(zip((p.name for p in chain.populations), names, strict=True))
        network = dataclasses.replace(
            chain,
            populations=tuple(dataclasses.replace(p, name=new[p.name]) for p in chain.populations),
            projections=tuple(
                dataclasses.replace(p, source=new[p.source], target=new[p.target]) for p in chain.projections
            ),
        )
        self.description = dataclasses.replace(plain, network=network)

    def reset(self, seed: int) -> None:
        pass

    def act(self, observation: Any) -> int:
        return 0

    def activity(self) -> Activity:
        populations = reversed(self.description.network.populations)
        return Activity({p.name: np.zeros((4, p.size), np.uint8) for p in populations}, 0)


@pytest.mark.parametrize(
    "names",
    [
        ("input", *(f"hidden{k}" for k in range(1, 11)), "output"),
        ("retina", "output", "input", "cortex", "muscles"),
    ],
)
def test_populations_are_read_in_the_order_of_the_network(tmp_path: Path, names: tuple[str, ...]) -> None:
    with recorder.Recorder(tmp_path / "e.h5", "none", 0) as taken:
        closed_loop.run_episode(Silent(names), Walk("terminated"), 0, taken)
    (episode,) = recordings.read(tmp_path / "e.h5").episodes
    assert tuple(episode.spikes) == names


def test_places_that_leave_one_out_are_damage(pendulum: Any, tmp_path: Path) -> None:
    record(tmp_path / "e.h5", pendulum(), "InvertedPendulum-v5", [1], max_steps=3)
    with h5py.File(tmp_path / "e.h5", "a") as file:
        file["episode_000/spikes/output"].attrs["place"] = 5
    with pytest.raises(InputError, match="places of its populations"):
        recordings.read(tmp_path / "e.h5")


def test_episodes_are_read_in_the_order_of_their_numbers(pendulum: Any, tmp_path: Path) -> None:
    record(tmp_path / "e.h5", pendulum(), "InvertedPendulum-v5", [5, 6, 7], max_steps=2)
    with h5py.File(tmp_path / "e.h5", "a") as file:
        for old, new in (("000", "999"), ("001", "1000"), ("002", "1001")):
            file.move(f"episode_{old}", f"episode_{new}")
    assert [e.attributes["seed"] for e in recordings.read(tmp_path / "e.h5").episodes] == [5, 6, 7]


class Walk(gymnasium.Env[Any, Any]):
    """Observations -1, 0, 1, 0, one after the other; rewards 1, -2, 0.5."""

    control_dt_s = 0.1

    def __init__(self, ends: str) -> None:
        self.observation_space, self.action_space = gymnasium.spaces.Box(-1, 1, (1,)), gymnasium.spaces.Discrete(2)
        self.ends, self.metadata = ends, {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.at = 0
        return np.array([-1.0]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.at += 1
        last = self.at == 3
        observation = np.nan if last and self.ends == "diverged" else (-1.0, 0.0, 1.0, 0.0)[self.at]
        reward = (1.0, -2.0, 0.5)[self.at - 1]
        return (
            np.array([observation]),
            reward,
            last and self.ends == "terminated",
            last and self.ends == "truncated",
            {},
        )


def critic_by_hand() -> FusedLearner:
    """Rates are 0: V stays 0.2, 0.5 and -0.4 at the observations -1, 0 and 1. The largest reward is 2."""
    tensors = {
        "normaliser.mean": np.zeros(1),
        "normaliser.std": np.ones(1),
        "encoder.fields": np.array([[2]], np.float32),
        "encoder.shift": np.array([[0.5]], np.float32),
        "projection.input.output.weight": np.full((3, 2), 0.3, np.float32),
        "population.output.bias": np.zeros(2, np.float32),
        "decoder.weight": np.ones((2, 1)),
        "decoder.bias": np.zeros(2),
        "critic.weight": np.array([0.2, 0.5, -0.4]),
        "critic.numbers": np.zeros(6),
    }
    agent = factories.agent(
        factories.task(1, 2, control_dt_s=0.1),
        normaliser=Normaliser(clip=1.0),
        encoder=HashedPlaceCells(layers=1, cells=3, fields=(2,)),
        hidden=(),
        neuron=CurrentLif(tau_mem_s=8e-3, tau_syn_s=2e-3),
        ticks=4,
        decoder=ChoiceDecoder(neurons_per_action=1),
        learning=Learning(gamma=0.9, learning_rate=0.0, critic_learning_rate=0.0, critic_neurons=100, reward_scale=2.0),
        tensors=tensors,
    )
    return FusedLearner(agent, 0)


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        ("terminated", 0.1 * 0.25 + 0.9 * 0.0 + 0.4),  # the task has ended: nothing follows
        ("truncated", 0.1 * 0.25 + 0.9 * 0.5 + 0.4),  # time ran out: the value of the last observation
        ("diverged", np.nan),
        ("interrupted", np.nan),
    ],
)
def test_td_error_stands_beside_the_reward_that_it_is_the_error_of(tmp_path: Path, ends: str, last: float) -> None:
    learner, env = critic_by_hand(), Walk(ends)
    with recorder.Recorder(tmp_path / "e.h5", "none", 0) as taken:
        if ends == "interrupted":
            with pytest.raises(KeyboardInterrupt):
                closed_loop.run_episode(learner, env, 0, Both(taken, Interrupting(2)))
        else:
            closed_loop.run_episode(learner, env, 0, taken)
            closed_loop.run_episode(learner, env, 0, taken)  # nothing of an episode is left in the next
    for episode in recordings.read(tmp_path / "e.h5").episodes:
        columns = episode.columns
        assert columns["reward"].tolist() == [1.0, -2.0, 0.5]
        assert columns["value"] == pytest.approx([0.2, 0.5, -0.4])
        # (1 - gamma) r / 2 + gamma V' - V, by hand
        expected = [0.1 * 0.5 + 0.9 * 0.5 - 0.2, 0.1 * -1 + 0.9 * -0.4 - 0.5, last]
        assert columns["td_error"] == pytest.approx(expected, nan_ok=True)


class Interrupting:
    """An observer that is interrupted after step ``at``."""

    def __init__(self, at: int) -> None:
        self.at = at

    def start(self, *_: Any) -> None:
        pass

    def step(self, step: Step) -> None:
        if step.number == self.at:
            raise KeyboardInterrupt
