from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from snnctl import config
from snnctl.agent import folder
from snnctl.agent.fused_learner import FusedLearner
from snnctl.cli import run as command
from snnctl.cli.main import call
from snnctl.loop import recordings
from snnctl.robots.divergence import Watch
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe
from tests import factories

ROOT = Path(__file__).parents[2]


def make(path: Path, env_id: str) -> Path:
    """An untrained agent of the environment."""
    folder.save(factories.agent(env_id, name="untrained"), path)
    return path


@pytest.fixture(scope="module")
def pendulum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("agents") / "pendulum", "InvertedPendulum-v5")


@pytest.fixture(scope="module")
def cartpole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("agents") / "cartpole", "CartPole-v1")


def test_the_table_says_everything(cartpole: Path, capsys: Any) -> None:
    assert call(["run", str(cartpole), "--episodes", "3"]) == 0
    out = capsys.readouterr().out
    for word in ("return mean", "IQM", "95 % interval", "worst 5 %", "decision p50", "p99", "real-time factor", "Hz"):
        assert word in out
    for population in ("input", "hidden1", "output"):
        assert population in out
    assert "DIVERGED" not in out


def test_weights_of_8_bits_tell_what_rounding_changes(cartpole: Path, capsys: Any) -> None:
    assert call(["run", str(cartpole), "--episodes", "1", "--weights", "int8"]) == 0
    assert "8-bit weights: input to hidden1 0." in capsys.readouterr().err


def test_json_is_the_result_alone_and_the_same_for_the_same_seed(cartpole: Path, capsys: Any) -> None:
    def play(seed: int) -> Any:
        assert call(["run", str(cartpole), "--episodes", "2", "--seed", str(seed), "--json"]) == 0
        data = json.loads(capsys.readouterr().out)
        del data["summary"]["timing"]  # wall time
        return data

    assert play(3) == play(3)
    assert play(3)["episodes"] != play(4)["episodes"]


@pytest.mark.needs_gl
def test_a_recording_and_a_video_of_the_same_run(pendulum: Path, tmp_path: Path, capsys: Any) -> None:
    files = [tmp_path / "e.h5", tmp_path / "e.gif"]
    arguments = ["--episodes", "2", "--record", str(files[0]), "--video", str(files[1]), "--json"]
    assert call(["run", str(pendulum), *arguments]) == 0
    episodes = json.loads(capsys.readouterr().out)["episodes"]
    recording = recordings.read(files[0])
    assert [e.attributes["episode_return"] for e in recording.episodes] == [e["return"] for e in episodes]
    with Image.open(files[1]) as image:
        assert image.n_frames >= 2


def test_the_best_checkpoint_of_a_run_folder_is_an_agent(cartpole: Path, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "best").symlink_to(cartpole)
    assert call(["run", str(tmp_path / "run"), "--episodes", "1"]) == 0
    assert "untrained in CartPole-v1" in capsys.readouterr().out


def test_all_diverged_is_exit_3_and_no_mean(pendulum: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watch, "reason", lambda *_: "the state is not finite")
    assert call(["run", str(pendulum), "--episodes", "2"]) == 3
    out = capsys.readouterr().out
    assert "2 of 2 episodes DIVERGED, no return is known" in out
    assert "episode 1 (seed" in out
    assert call(["run", str(pendulum), "--episodes", "2", "--json"]) == 3
    data = json.loads(capsys.readouterr().out)
    assert data["summary"]["mean"] is None
    assert [e["return"] for e in data["episodes"]] == [None, None]


def test_one_diverged_is_exit_0_and_named(pendulum: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    count = iter(range(10_000))
    monkeypatch.setattr(Watch, "reason", lambda *_: "it broke" if next(count) == 0 else None)
    assert call(["run", str(pendulum), "--episodes", "3"]) == 0
    out = capsys.readouterr().out
    assert "1 of 3 episodes DIVERGED, scored as failures" in out
    assert "it broke at step 0" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "nobody"),
        (["AGENT", "--env", "CartPole-v1"], "the agent was made for"),
        (["AGENT", "--env", "NoSuchEnv-v0"], "does not exist"),
        (["AGENT", "--video", "e.mp4"], ".gif or .webp"),
        (["AGENT", "--record", "."], "is a folder"),
        (["AGENT", "--record", "/proc/none/e.h5"], "cannot be written"),
        (["AGENT", "--episodes", "0"], "--episodes"),
        (["AGENT", "--seed", "-1"], "--seed"),
        (["AGENT", "--view"], "needs a screen"),
        (["AGENT", "--weights", "int4"], "choose float32 or int8"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    pendulum: Path, arguments: list[str], message: str, capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert call(["run", *(str(pendulum) if a == "AGENT" else a for a in arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_a_readable_recording(
    pendulum: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "reason", interrupt)
    assert call(["run", str(pendulum), "--record", str(tmp_path / "e.h5")]) == 130
    assert [e.attributes["complete"] for e in recordings.read(tmp_path / "e.h5").episodes] == [False]


def test_an_agent_goes_on_learning_and_is_saved(tmp_path, capsys):
    algorithm = build(opened(config.load(Recipe, ROOT / "configs" / "train" / "cartpole-rstdp.toml")), 0)
    young = folder.save(algorithm.agent(), tmp_path / "young")  # one that still falls: its errors are not 0
    algorithm.close()
    changed = tmp_path / "adapted"
    words = ["run", str(tmp_path / "young"), "--learn", "--episodes", "2", "--max-steps", "100", "--save", str(changed)]
    assert call(words) == 0
    said = capsys.readouterr()
    assert "while it learnt" in said.out and "adapted" in said.err
    name = "projection.input.output.weight"
    assert (folder.load(changed).tensors[name] != young.tensors[name]).any()
    assert call(words) == 2  # the folder is there already
    assert "name a new folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("returns", "says"),
    [
        ([500.0, 480.0] * 6 + [100.0, 130.0] * 6, ""),  # fifths of four: too few
        ([500.0, 480.0] * 8 + [100.0, 130.0] * 7, "the mean return fell from 490 to 115"),
        ([500.0, 480.0] * 8 + [450.0, 480.0] * 7, ""),  # less than a tenth
        ([500.0, 10.0] * 8 + [200.0, 30.0] * 7, ""),  # could be chance
        ([10.0] * 15 + [500.0] * 15, ""),
    ],
)
def test_a_return_that_falls_while_it_learns_is_told(returns, says, capsys):
    agent = folder.load(ROOT / "agents" / "cartpole-rstdp")
    learner = FusedLearner(agent, 0)
    learner.weight[0] += 0.5
    command._warn(agent, learner, [SimpleNamespace(episode_return=r, diverged=None) for r in returns])
    said = " ".join(capsys.readouterr().err.split())
    assert says in said and bool(says) == bool(said)


def test_a_changed_plant_is_told_wherever_the_run_is(tmp_path, capsys):
    plant = ["--change", "length*=0.12", "--change", "observation[3]+=0.3"]
    words = ["run", "cartpole-rstdp", *plant, "--max-steps", "100", "--episodes", "3"]
    assert call(words) == 0
    assert "CartPole-v1 changed by length*=0.12, observation[3]+=0.3: 3 episodes" in capsys.readouterr().out
    assert call([*words, "--json", "--record", str(tmp_path / "e.h5")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["changes"] == ["length*=0.12", "observation[3]+=0.3"]
    assert told["summary"]["mean"] < 100  # it falls, which it never does in the plant that it was made for
    assert recordings.read(tmp_path / "e.h5").attributes["changes"] == "length*=0.12 observation[3]+=0.3"
    adapted = tmp_path / "adapted"
    assert call([*words, "--learn", "--save", str(adapted)]) == 0
    where = "--env CartPole-v1 --change 'length*=0.12' --change 'observation[3]+=0.3'"
    assert f"snnctl run {adapted} {where}" in capsys.readouterr().err
    made = folder.load(adapted).description.provenance.command
    assert made == f"snnctl run cartpole-rstdp {where} --learn --seed 0 --episodes 3 --max-steps 100"
    assert call([*words[:2], "--change", "lenght*=2"]) == 2
    assert "did you mean 'length'?" in capsys.readouterr().err


def learning_agent(path, **change):
    """The bundled agent with other numbers to learn by."""
    agent = folder.load(ROOT / "agents" / "cartpole-rstdp")
    learning = dataclasses.replace(agent.description.learning, **change)
    folder.save(folder.Agent(dataclasses.replace(agent.description, learning=learning), agent.tensors), path)
    return str(path)


def test_a_run_that_does_not_learn_says_so(tmp_path, capsys):
    words = ["--learn", "--change", "length*=0.12", "--episodes", "25", "--max-steps", "50"]
    still = learning_agent(tmp_path / "still", learning_rate=0.0, critic_learning_rate=0.0)
    assert call(["run", still, *words]) == 0
    assert "it is not learning: no weight has moved" in capsys.readouterr().err
    assert call(["run", "cartpole-rstdp", *words]) == 0
    assert "not learning" not in capsys.readouterr().err


def test_a_run_that_has_no_best_agent_yet_says_so(tmp_path, capsys):
    (tmp_path / "metrics.jsonl").write_text("")
    for words in (["run", str(tmp_path)], ["plot", str(tmp_path), "--figure", "value"]):
        assert call(words) == 2
        assert "has no best checkpoint yet; wait for the first evaluation" in capsys.readouterr().err


def test_an_interrupt_keeps_what_was_learnt(tmp_path, capsys, monkeypatch):
    steps = 0
    reason = Watch.reason

    def interrupt(*arguments):
        nonlocal steps
        steps += 1
        if steps == 40:
            raise KeyboardInterrupt
        return reason(*arguments)

    monkeypatch.setattr(Watch, "reason", interrupt)
    changed = tmp_path / "adapted"
    words = ["run", "cartpole-rstdp", "--learn", "--max-steps", "15", "--episodes", "5", "--save", str(changed)]
    assert call(words) == 130
    assert f"wrote {changed}, what it has become in 2 episodes" in capsys.readouterr().err
    made = folder.load(changed).description.provenance
    assert made.command == "snnctl run cartpole-rstdp --env CartPole-v1 --learn --seed 0 --episodes 2 --max-steps 15"
    assert made.steps == folder.load(ROOT / "agents" / "cartpole-rstdp").description.provenance.steps + 30


def test_a_place_that_cannot_be_written_to_is_refused_at_the_start(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert call(["run", "cartpole-rstdp", "--learn", "--save", str(tmp_path / "file" / "adapted")]) == 2
    assert "cannot be written to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["run", "cartpole-ppo", "--learn"], "no rule to learn by"),
        (["run", "cartpole-rstdp", "--save", "x"], "--learn"),
    ],
)
def test_what_cannot_learn_says_so_in_one_line(words, what, capsys):
    assert call(words) == 2
    said = capsys.readouterr().err.strip()
    assert what in said and len(said.splitlines()) == 1
