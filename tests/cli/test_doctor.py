"""``doctor --warm``: afterwards nothing is compiled; and what a trainer rehearses for it."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest

from snnctl import config
from snnctl.cli import kernels
from snnctl.errors import InputError
from snnctl.training import blueprint
from snnctl.training.recipe import Recipe
from tests.cli.conftest import Command
from tests.test_runtime import PACKAGE, run
from tests.training import small_tasks

AGENT = PACKAGE.parent / "agents" / "cartpole-ppo"


@pytest.mark.needs_compiler
def test_a_warmed_agent_runs_without_compiling(tmp_path: Path) -> None:
    arguments = ["doctor", "--warm", str(AGENT), "--json"]
    told = json.loads(run(f"from snnctl.cli import main; main.main({arguments})", tmp_path))
    (entry,) = told["entries"]
    assert (entry["kind"], entry["name"], entry["problems"]) == ("agent", "cartpole-ppo", [])
    assert entry["compiled"] > 20 and told["folder"].startswith(str(tmp_path))
    code = f"""
import sys
from snnctl.cli import kernels, main
with kernels.counted() as compiled:
    assert main.call(["run", {str(AGENT)!r}, "--episodes", "1"]) == 0
    assert main.call(["evaluate", {str(AGENT)!r}, "--chip", "loihi1", "--episodes", "1"]) == 0
print("compiled", *compiled)
"""
    assert run(code, tmp_path).splitlines()[-1] == "compiled"


@pytest.mark.needs_compiler
def test_functions_that_are_compiled_are_counted() -> None:
    from numba import njit

    inside = njit(lambda x: x + 1)
    outside = njit(lambda x: inside(x) * 2)
    with kernels.counted() as compiled:
        assert outside(1) == 4
    assert len(compiled) == 2
    with kernels.counted() as compiled:
        assert outside(1) == 4
    assert not compiled


@pytest.mark.parametrize("kind", ["sac", "td3"])
def test_a_rehearsal_trains_critics_and_actor_in_its_first_update(kind: str) -> None:
    recipe = config.resolve(Recipe, config.parse_toml(small_tasks.REACH + f'[trainer]\nkind = "{kind}"\n', "t"), "t")
    short = recipe.trainer.rehearsal()
    assert config.to_data(short) == config.to_data(recipe.trainer) | {
        "start_steps": 1,
        "report_every": short.report_every,
        "total_steps": short.total_steps,
    }
    rehearsed = blueprint.opened(dataclasses.replace(recipe, trainer=short))
    algorithm = blueprint.build(rehearsed, 0)
    try:
        metrics = algorithm.update().metrics
    finally:
        algorithm.close()
    assert algorithm.steps < 20
    learnt = (*type(algorithm).CRITIC, *type(algorithm).ACTOR)  # type: ignore[attr-defined]
    assert "critic/q" in learnt and all(math.isfinite(metrics[name]) for name in learnt)


def test_what_is_warmed() -> None:
    everything = {(entry.kind, entry.name) for entry in kernels.entries(())}
    assert {("agent", "cartpole-ppo"), ("recipe", "cartpole-ppo"), ("agent", "hopper-sac")} <= everything
    assert {kind for kind, _ in everything} == {"agent", "recipe"}
    named = kernels.entries(["cartpole-ppo", str(AGENT)])
    assert [(entry.kind, entry.name) for entry in named][:2] == [("agent", "cartpole-ppo"), ("recipe", "cartpole-ppo")]
    with pytest.raises(InputError, match="is neither an agent nor a recipe"):
        kernels.entries(["loihi1"])


def test_names_without_warm_are_refused(call: Command) -> None:
    code, _, err = call("doctor", "cartpole-ppo")
    assert code == 2 and "needs --warm" in err


def test_an_entry_that_cannot_be_warmed_is_told(call: Command, tmp_path: Path) -> None:
    text = (PACKAGE.parent / "configs" / "train" / "cartpole-ppo.toml").read_text().replace("CartPole-v1", "Nowhere-v1")
    (tmp_path / "nowhere.toml").write_text(text)
    code, out, err = call("doctor", "--warm", "nowhere.toml")
    assert code == 1 and "recipe nowhere: " in err and "Nowhere" in err
    assert out.splitlines()[2].split()[:3] == ["recipe", "nowhere", "0"]
