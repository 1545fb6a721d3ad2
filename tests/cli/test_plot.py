from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from snnctl.agent.controller import Activity
from snnctl.cli.main import call
from snnctl.loop import recorder
from snnctl.loop.episode import Episode, Step
from snnctl.neurons import CurrentLif
from snnctl.robots import environments
from tests import factories

STEPS = 8


class Told:
    """What the recorder asks of a controller."""

    def __init__(self, env_id: str) -> None:
        neuron = CurrentLif(tau_mem_s=0.004, tau_syn_s=0)
        self.description = factories.description(env_id, hidden=(6,), neuron=neuron)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Eight steps of InvertedPendulum-v5; neuron k of hidden1 spikes in tick 2 of step k."""
    env = environments.make("InvertedPendulum-v5")
    observation, _ = env.reset(seed=0)
    with recorder.Recorder(tmp_path / "e.h5", "InvertedPendulum-v5", 0) as taken:
        taken.start(Told("InvertedPendulum-v5"), env, 0, observation)  # type: ignore[arg-type]
        for k in range(STEPS):
            following, reward, *_ = env.step(np.zeros(1))
            raster = np.zeros((5, 6), np.uint8)
            if k < 6:
                raster[2, k] = 1
            activity = Activity({"input": np.zeros((5, 40), np.uint8), "hidden1": raster}, 0)
            taken.step(
                Step(k, observation, np.zeros(1), float(reward), following, False, False, activity, 1e-5 * (k + 1))
            )
            observation = following
        taken.finish(Episode(0, 8.0, STEPS, False, True, None, 0.04, np.zeros(8), 0.1, 0.32, {}, {}, {}, 0, 0, 0))
    env.close()
    return tmp_path / "e.h5"


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_recording_becomes_a_raster_beside_it(recording: Path, tmp_path: Path, capsys: Any) -> None:
    assert call(["plot", str(recording), "--data", str(tmp_path / "d.json")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "e.png")
    assert size(tmp_path / "e.png")[0] > 1000
    data = json.loads((tmp_path / "d.json").read_text())
    spikes = {s["population"]: s for s in data["spikes"]}
    assert spikes["hidden1"]["time_s"] == pytest.approx([(k + 2 / 5) * 0.04 for k in range(6)])
    assert spikes["hidden1"]["neuron"] == list(range(6))
    assert spikes["input"]["time_s"] == []
    labels = [s["label"] for s in data["signals"]]
    assert labels == ["cart position", "pole angle", "cart speed", "pole rate", "action"]


@pytest.mark.needs_gl
def test_frames_and_a_window_and_chosen_signals(recording: Path, tmp_path: Path) -> None:
    plain, framed, data = (str(tmp_path / name) for name in ("p.png", "f.png", "d.json"))
    chosen = ["--signals", "pole angle,0", "--from", "40ms", "--to", "0.2s", "--data", data]
    assert call(["plot", str(recording), "--out", plain, *chosen]) == 0
    assert call(["plot", str(recording), "--out", framed, "--frames", *chosen]) == 0
    assert size(Path(framed))[1] > size(Path(plain))[1]
    shown = json.loads(Path(data).read_text())
    assert shown["span_s"] == [0.04, 0.2]
    assert [s["label"] for s in shown["signals"]] == ["pole angle", "cart position", "action"]


def test_latency_of_a_recording(recording: Path, tmp_path: Path) -> None:
    assert call(["plot", str(recording), "--figure", "latency", "--data", str(tmp_path / "d.json")]) == 0
    assert (tmp_path / "e-latency.png").is_file()
    assert json.loads((tmp_path / "d.json").read_text())["max_s"] == pytest.approx(8e-5)


def test_runs_become_a_learning_curve(tmp_path: Path) -> None:
    for seed in (0, 1):
        run = tmp_path / "walk" / f"x-seed{seed}"
        run.mkdir(parents=True)
        rows = [{"update": 0, "steps": 50, "episodes": 0, "mean_return": None}]
        rows += [{"steps": 100 * k, "mean_return": k + seed, "evaluation/return": 2.0} for k in range(1, 6)]
        (run / "metrics.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    assert call(["plot", str(tmp_path / "walk" / "x-seed0")]) == 0
    assert (tmp_path / "walk" / "x-seed0" / "learning_curve.png").is_file()
    assert call(["plot", str(tmp_path / "walk"), "--out", str(tmp_path / "l.svg"), "--data", str(tmp_path / "d")]) == 0
    assert json.loads((tmp_path / "d").read_text())["over_seeds"]["x"]["mean"][-1] == pytest.approx(5.5)
    assert "walk" in (tmp_path / "l.svg").read_text()
    for name in ("20260101-120000-seed0", "20260102-120000-seed1", "x-seed5"):  # without a name, and with one
        shutil.copytree(tmp_path / "walk" / "x-seed1", tmp_path / "walk" / name)
    assert call(["plot", str(tmp_path / "walk"), "--out", str(tmp_path / "l.svg"), "--data", str(tmp_path / "d")]) == 0
    shown = json.loads((tmp_path / "d").read_text())
    assert {run["name"]: run["group"] for run in shown["runs"]} == {
        "20260101-120000-seed0": "walk",
        "20260102-120000-seed1": "walk",
        **{f"x-seed{seed}": "x" for seed in (0, 1, 5)},
    }
    assert set(shown["over_seeds"]) == {"walk", "x"}
    shutil.move(tmp_path / "walk" / "x-seed5", tmp_path / "run" / "x-seed5")
    paths = [str(tmp_path / "walk"), str(tmp_path / "run")]
    assert call(["plot", *paths, "--out", str(tmp_path / "l.svg"), "--data", str(tmp_path / "d")]) == 0
    assert {run["group"] for run in json.loads((tmp_path / "d").read_text())["runs"]} == {"walk", "run"}


def test_an_evaluation_becomes_an_energy_figure(tmp_path: Path) -> None:
    evaluation = {
        "agent": {"name": "a"},
        "chip": {"title": "Chip"},
        "env": {"id": "E", "control_dt_s": 0.02},
        "budget": {"boundary": "chip", "power": {"limit_w": 0.15}},
        "power": {"static_w": 0.03, "idle_w": 0.06, "dynamic_w": 1e-6, "board_static_w": 0.5, "board_idle_w": 0.2},
        "energy": {"dynamic_by_part_j": {"synaptic_ops": 1e-8, "spikes": 1e-9}},
        "latency": {
            "p50_s": 1e-3,
            "p99_s": 2e-3,
            "max_s": 2e-3,
            "histogram": {"counts": [1, 1], "edges_s": [0, 1e-3, 2e-3]},
        },
    }
    (tmp_path / "v.json").write_text(json.dumps(evaluation))
    assert call(["plot", str(tmp_path / "v.json"), "--data", str(tmp_path / "d")]) == 0
    assert json.loads((tmp_path / "d").read_text())["limit_w"] == 0.15
    assert call(["plot", str(tmp_path / "v.json"), "--figure", "latency"]) == 0
    assert (tmp_path / "v-latency.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.h5"], "does not exist"),
        (["REC", "--out", "x.bmp"], "none of .png"),
        (["REC", "--episode", "7"], "has 1"),
        (["REC", "--signals", "pole angel"], "did you mean 'pole angle'?"),
        (["REC", "--from", "5"], "has no unit"),
        (["REC", "--from", "9s"], "is not before"),
        (["REC", "--figure", "energy"], "holds no energy"),
        (["odd.json", "--figure", "raster"], "holds no spikes"),
        (["REC", "REC"], "one file too many"),
        (["none.json"], "cannot be read"),
        (["bad.json"], "is not JSON"),
        (["odd.json"], "is not an evaluation"),
        (["chipless.json"], "has no chip; evaluate with --chip"),
        (["."], "has no metrics.jsonl"),
        (["badrun"], "is not a line of training metrics"),
        (["newrun"], "no finished training episode"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    recording: Path, arguments: list[str], message: str, capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("{")
    Path("odd.json").write_text("[]")
    Path("chipless.json").write_text('{"agent": {"name": "a"}, "env": {"id": "CartPole-v1"}}')
    for name, text in (("badrun", "oops\n"), ("newrun", '{"steps": 1, "mean_return": null}\n')):
        Path(name).mkdir()
        (Path(name) / "metrics.jsonl").write_text(text)
    if arguments == ["."]:
        monkeypatch.chdir(tmp_path.parent)
        (tmp_path.parent / "empty").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path.parent / "empty")
    assert call(["plot", *(str(recording) if a == "REC" else a for a in arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err
