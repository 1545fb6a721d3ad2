"""``snnctl plot`` of agents that learn: traces of a training, value map, value and TD error of a recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from snnctl import config
from snnctl.agent import folder, valuation
from snnctl.cli.main import call
from snnctl.loop import recordings
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe

ROOT = Path(__file__).parents[2]
REWARD, PARTS = "reward per step", "parts of the largest reward, per step"  # the latter if none is known yet
QUANTILES = ("05", "25", "50", "75", "95")


@pytest.fixture(autouse=True)
def few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valuation, "POINTS", 4)


def run_folder(path: Path, rstdp: bool = True) -> Path:
    path.mkdir(parents=True)
    rows: list[dict[str, Any]] = [{"steps": 1, "mean_return": None}]
    for k in range(1, 5):
        rows.append({"steps": 100 * k, "mean_return": 2.0 * k, "evaluation/return": 7.0 if k == 4 else None})
        if rstdp:
            rows[-1] |= {"rstdp/td_error_std": 1 / k, "rstdp/td_error_mean": -0.1 / k, "rstdp/value_mean": 0.2 * k}
            rows[-1] |= {f"rstdp/weight_q{q}": int(q) * 0.01 * k for q in QUANTILES}
    (path / "metrics.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return path


def untrained(path: Path, recipe: str) -> Path:
    algorithm = build(opened(config.load(Recipe, ROOT / "configs" / "train" / f"{recipe}.toml", [])), 0)
    folder.save(algorithm.agent(), path)
    algorithm.close()
    return path


def numbers(arguments: list[str], tmp_path: Path) -> Any:
    assert call(["plot", *arguments, "--data", str(tmp_path / "d.json")]) == 0
    return json.loads((tmp_path / "d.json").read_text())


def test_traces_of_a_run_are_its_metrics(tmp_path: Path, capsys: Any) -> None:
    run = run_folder(tmp_path / "walk" / "x-seed0")
    data = numbers([str(run), "--figure", "learning"], tmp_path)
    assert capsys.readouterr().out.strip() == str(run / "learning_traces.png")
    with Image.open(run / "learning_traces.png") as image:
        assert image.size[0] > 1000
    assert data["steps"] == [100, 200, 300, 400]
    assert data["returns"] == [2, 4, 6, 8]
    assert data["td_error_std"] == [1 / k for k in range(1, 5)]
    assert data["td_error_mean"] == [-0.1 / k for k in range(1, 5)]
    assert data["value"] == [0.2 * k for k in range(1, 5)]
    assert data["weights"] == [[int(q) * 0.01 * k for q in QUANTILES] for k in range(1, 5)]
    assert data["evaluated"] == [[400, 7]]


def test_a_training_leaves_everything_that_its_traces_need(tmp_path: Path) -> None:
    short = [
        "trainer.total_steps=40",
        "trainer.episodes_per_update=1",
        "evaluation.episodes=1",
        "evaluation.final_episodes=1",
    ]
    assert call(["train", "cartpole-rstdp", *short, "--out", str(tmp_path), "--name", "x"]) == 0
    (metrics,) = tmp_path.rglob("metrics.jsonl")
    data = numbers([str(metrics.parent), "--figure", "learning"], tmp_path)
    rows = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert data["value"] == [row["rstdp/value_mean"] for row in rows]
    value = numbers([str(metrics.parent), "--figure", "value"], tmp_path)
    assert (metrics.parent / "value_map.png").is_file()
    assert value["x"]["label"] == "pole angle"


def test_the_map_of_the_bundled_agent(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = numbers(["cartpole-rstdp", "--figure", "value"], tmp_path)
    assert capsys.readouterr().out.strip() == "cartpole-rstdp-value.png"
    assert Path("cartpole-rstdp-value.png").read_bytes().startswith(b"\x89PNG")
    assert (data["x"]["label"], data["x"]["unit"]) == ("pole angle", "rad")
    assert (data["x"]["low"], data["x"]["high"]) == pytest.approx((-0.21, 0.21))  # of its recipe
    assert (data["y"]["label"], data["y"]["high"]) == ("pole rate", pytest.approx(2.5))
    assert np.shape(data["values"]) == np.shape(data["actions"]) == (4, 4)
    assert data["unit"] == "reward per step"  # 1 a step: nothing is worth more
    assert 0 <= np.min(data["values"]) <= np.max(data["values"]) <= 1
    assert len(data["action"]["names"]) == 2
    other = numbers(["cartpole-rstdp", "--figure", "value", "--signals", "pole_rate,0", "--out", "o.svg"], tmp_path)
    assert (other["x"]["label"], other["y"]["label"]) == ("pole rate", "cart position")
    assert "cart speed 0 m/s" in Path("o.svg").read_text()


@pytest.mark.parametrize(
    ("recipe", "x", "y", "action", "unit"),
    [
        ("mountaincar-continuous-rstdp", ("car position", "m"), ("car speed", "m/step"), "push of the car", REWARD),
        ("pendulum-v1-rstdp", ("cos of angle", ""), ("sin of angle", ""), "torque (N m)", PARTS),
    ],
)
def test_the_map_of_a_continuous_action(
    recipe: str, x: tuple[str, str], y: tuple[str, str], action: str, unit: str, tmp_path: Path
) -> None:
    agent = untrained(tmp_path / "a", recipe)
    data = numbers([str(agent), "--figure", "value"], tmp_path)
    assert (tmp_path / "a-value.png").is_file()
    assert (data["x"]["label"], data["x"]["unit"]) == x
    assert (data["y"]["label"], data["y"]["unit"]) == y
    assert data["action"]["label"] == action
    assert data["action"]["low"] <= np.min(data["actions"]) <= np.max(data["actions"]) <= data["action"]["high"]
    assert data["unit"] == unit


def test_a_learning_run_records_value_and_td_error(tmp_path: Path) -> None:
    path = tmp_path / "e.h5"
    arguments = ["run", "cartpole-rstdp", "--episodes", "1", "--max-steps", "12", "--record", str(path)]
    assert call(arguments) == 0
    assert "value" not in recordings.read(path).episodes[0].columns
    shown = numbers([str(path)], tmp_path)["signals"]
    assert [s["label"] for s in shown][-1] == "action" and "value" not in [s["label"] for s in shown]
    assert call([*arguments, "--learn"]) == 0
    (episode,) = recordings.read(path).episodes
    assert episode.columns["value"].shape == episode.columns["td_error"].shape == (12,)
    assert np.isfinite(episode.columns["td_error"]).all()
    shown = {s["label"]: s for s in numbers([str(path)], tmp_path)["signals"]}
    assert list(shown)[-3:] == ["value", "TD error", "action"]
    assert shown["value"]["values"] == episode.columns["value"].tolist()
    assert shown["value"]["time_s"] == episode.columns["time_s"][:-1].tolist()
    assert shown["TD error"]["values"] == episode.columns["td_error"].tolist()
    assert shown["TD error"]["time_s"] == episode.columns["time_s"][1:].tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUNS", "--figure", "learning"], "draws one run"),
        (["RUNS/x-seed0", "RUNS/x-seed1", "--figure", "learning"], "draws one run"),
        (["PPO", "--figure", "learning"], "belongs to trainers of rewards and TD errors"),
        (["OLD", "--figure", "learning"], "holds no weight_q05"),
        (["NEW", "--figure", "learning"], "no finished training episode"),
        (["EMPTY", "--figure", "learning"], "has no metrics.jsonl"),
        (["BROKEN", "--figure", "learning"], "is not a line of training metrics"),
        (["cartpole-ppo", "--figure", "value"], "has no critic"),
        (["cartpole-rstd", "--figure", "value"], "did you mean 'cartpole-rstdp'?"),
        (["cartpole-rstdp", "cartpole-ppo", "--figure", "value"], "draws one"),
        (["cartpole-rstdp", "--figure", "value", "--signals", "pole angel,0"], "did you mean 'pole angle'?"),
        (["cartpole-rstdp", "--figure", "value", "--signals", "pole angle,7"], "0 to 3"),
        (["cartpole-rstdp", "--figure", "value", "--signals", "pole angle"], "is not two observations"),
        (["cartpole-rstdp", "--figure", "value", "--signals", "2,pole angle"], "is not two observations"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    arguments: list[str], message: str, capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("RUNS/x-seed0", "RUNS/x-seed1"):
        run_folder(Path(name))
    run_folder(Path("PPO"), rstdp=False)
    Path("EMPTY").mkdir()
    old = '{"steps": 1, "mean_return": 2.0, "rstdp/td_error_std": 1.0, "rstdp/td_error_mean": 0.0}\n'
    for name, text in (("OLD", old), ("NEW", '{"steps": 1, "mean_return": null}\n'), ("BROKEN", "oops\n")):
        Path(name).mkdir()
        (Path(name) / "metrics.jsonl").write_text(text)
    assert call(["plot", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in " ".join(said.err.split())
    assert "Traceback" not in said.err


def test_help_names_the_figures(capsys: Any) -> None:
    assert call(["plot", "--help"]) == 0
    said = capsys.readouterr().out
    assert "--figure learning" in said and "--figure value" in " ".join(said.split())
