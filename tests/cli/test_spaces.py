"""Environments of any spaces on the command line: trained, checked, shown and evaluated, in wrappers and late."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from snnctl import config
from tests import odd_environment
from tests.cli.conftest import Command
from tests.cli.test_train import TINY

ODD = "snnctl-test/Odd-v0"


def trained(call: Command, *overrides: str) -> Path:
    """The agent that a few updates make."""
    code, out, err = call("train", "cartpole-ppo", *TINY, "trainer.total_steps=128", *overrides, "--json")
    assert code == 0, err
    return Path(json.loads(out)["folder"]) / "checkpoints" / "best"


def test_a_dict_of_observations_and_several_choices_are_trained_and_run(call: Command) -> None:
    agent = trained(call, f"env.id={ODD}")
    assert config.read_toml(agent / "agent.toml")["task"]["action_choices"] == [2, 3]
    code, out, _ = call("run", str(agent), "--episodes", "2", "--json")
    assert code == 0 and json.loads(out)["summary"]["diverged"] == 0
    code, out, _ = call("check", str(agent))
    assert code == 0 and "ok" in out


@pytest.mark.parametrize(
    ("observe", "act"), [("image", "several"), ("small image", "several"), ("mission", "several"), ("box", "unbounded")]
)
def test_the_remedy_of_a_refused_space_works_as_it_is_printed(call: Command, observe: str, act: str) -> None:
    decoder = () if act == "several" else ("decoder={kind='rate'}",)
    env = (f"env.id={ODD}", f"env.kwargs={{observe='{observe}',act='{act}'}}")
    code, _, err = call("train", "cartpole-ppo", *TINY, *env, *decoder)
    assert code == 2
    (table,) = re.findall(r"append (\{.*\}) to env.wrappers", " ".join(err.split()))
    agent = trained(call, *env, *decoder, f"env.wrappers=[{table}]")
    assert call("evaluate", str(agent), "--episodes", "2")[0] == 0


def test_wrappers_and_delays_are_kept_shown_and_applied(call: Command, tmp_path: Path) -> None:
    late = ("env.wrappers=[{name='time_limit',steps=7},{name='hide_observation',indices=[1]}]", "env.delay={action=2}")
    agent = trained(call, f"env.id={ODD}", *late)
    shown = call("show", str(agent))[1]
    assert 'name = "hide_observation"' in shown and "[task.env_delay]" in shown
    code, out, err = call("evaluate", str(agent), "--episodes", "2", "--json")
    assert code == 0, err
    code, out, _ = call("run", str(agent), "--episodes", "2", "--json")
    assert {episode["length"] for episode in json.loads(out)["episodes"]} == {7}
    (tmp_path / "plain.toml").write_text((agent / "agent.toml").read_text().replace("indices = [", "indices = [ 0, "))
    (agent / "agent.toml").write_text((tmp_path / "plain.toml").read_text())
    code, out, _ = call("check", str(agent))
    assert code == 1 and "nothing is left to observe" in out


def test_any_environment_is_checked_by_its_id(call: Command) -> None:
    code, out, _ = call("check", "snnctl-test/Odd-v0", "--json")
    (row,) = json.loads(out)["entries"]
    told = {finding["what"]: finding["message"] for finding in row["findings"]}
    assert code == 0 and told["observation"] == "2 numbers, of a Dict"
    assert told["action"] == "5 choices, 2 at once: [2, 3], of a MultiDiscrete"
    assert call("check", "Cart-v1")[0] == 2
    code, out, _ = call("check", "time_limit", "steps=5")
    assert code == 0 and "wrapper time_limit: ok" in out


def test_environments_that_draw_from_elsewhere_are_told(call: Command) -> None:
    import gymnasium
    import numpy as np

    class Drifting(odd_environment.Odd):
        def _draw(self) -> object:
            return {name: np.random.default_rng().uniform(size=1).astype(np.float32) for name in "ab"}

    gymnasium.register("snnctl-test/Drifting-v0", entry_point=Drifting)
    try:
        code, out, _ = call("check", "snnctl-test/Drifting-v0")
    finally:
        del gymnasium.registry["snnctl-test/Drifting-v0"]
    assert code == 1 and "two resets with seed 0 differ" in out
