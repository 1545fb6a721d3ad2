from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from snnctl.agent import folder
from snnctl.cli import evaluate as evaluate_command
from snnctl.errors import DivergedError, MappingError, SpaceError
from snnctl.evaluation import budget
from snnctl.evaluation.evaluate import FROZEN, Evaluation, evaluate
from snnctl.report import html

LEANING = Path(__file__).parents[1] / "data" / "agents" / "leaning"

SECTIONS = {
    "schema", "evidence", "holds", "agent", "env", "chip", "budget", "verdicts", "returns", "latency", "power",
    "energy", "deadline", "notes", "mapping", "constants", "repro",
}  # fmt: skip


@pytest.fixture(scope="module", params=["loihi1", "spinnaker1"])
def found(request) -> Evaluation:
    return evaluate(
        folder.load(LEANING), request.param, episodes=3, seed=5, budget=budget.load("nano-drone"), command="snnctl ..."
    )


@pytest.fixture(scope="module")
def data(found: Evaluation) -> dict:
    return json.loads(json.dumps(found.to_json(), allow_nan=False))


def test_an_agent_that_learns_is_said_to_run_frozen(found: Evaluation) -> None:
    learner = folder.load(Path(__file__).parents[2] / "agents" / "cartpole-rstdp")
    assert not any("learns" in note for note in found.to_json()["notes"])
    assert FROZEN not in evaluate_command.text(found)
    learning = found._replace(agent=learner)
    assert learning.to_json()["notes"][-1] == FROZEN
    assert FROZEN in evaluate_command.text(learning)


def test_both_controllers_see_the_same_seeds(found: Evaluation) -> None:
    assert [e.seed for e in found.float_episodes] == [e.seed for e in found.chip_episodes]
    assert len({e.seed for e in found.chip_episodes}) == 3


def test_the_schema(data: dict) -> None:
    assert set(data) == SECTIONS
    assert data["evidence"] == "modelled"
    assert {c["name"] for c in data["constants"]} >= {"power.chip_idle"}
    assert all(c["source"] and c["status"] for c in data["constants"])
    assert len(data["repro"]["episode_seeds"]) == 3
    assert len(data["agent"]["weights_sha256"]) == 64
    assert sum(data["latency"]["histogram"]["counts"]) == data["energy"]["decisions"]
    assert data["mapping"]["fits"] is True


def test_parts_add_up(data: dict) -> None:
    energy, power = data["energy"], data["power"]
    assert sum(energy["dynamic_by_part_j"].values()) == pytest.approx(energy["dynamic_j"], rel=1e-12)
    total = power["static_w"] + power["idle_w"] + power["dynamic_w"]
    assert total == pytest.approx(power["total_chip_w"], rel=1e-12)
    assert energy["total_chip_j"] == pytest.approx(total * energy["control_step_s"], rel=1e-12)
    assert energy["dynamic_j"] == pytest.approx(power["dynamic_w"] * energy["control_step_s"], rel=1e-12)


def test_one_chip_passes_and_the_other_fails(found: Evaluation) -> None:
    power, latency = found.verdicts
    assert latency.holds
    assert power.holds is (found.chip.name == "loihi1")
    assert found.holds is power.holds


def test_the_same_seed_gives_the_same_result(found: Evaluation) -> None:
    again = evaluate(found.agent, found.chip.name, episodes=3, seed=5, budget=found.budget).to_json()
    before = found.to_json()
    for section in ("power", "energy", "deadline", "verdicts", "mapping", "latency"):
        assert again[section] == before[section]
    assert again["returns"]["chip"] == before["returns"]["chip"]


def test_float_episodes_are_reused_only_when_paired(found: Evaluation) -> None:
    same = evaluate(found.agent, found.chip.name, episodes=3, seed=5, float_episodes=found.float_episodes)
    assert same.float_episodes is found.float_episodes
    assert same.verdicts == () and same.holds
    other = evaluate(found.agent, found.chip.name, episodes=1, seed=6, float_episodes=found.float_episodes)
    assert len(other.float_episodes) == 1


def test_progress_counts_both_runs() -> None:
    said = []
    evaluate(folder.load(LEANING), "loihi1", episodes=2, progress=lambda done, total, name: said.append((done, total)))
    assert said == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_another_environment_is_refused() -> None:
    with pytest.raises(SpaceError):
        evaluate(folder.load(LEANING), "loihi1", env_id="Pendulum-v1", episodes=1)


def test_a_misfit_names_every_violation(tmp_path: Path) -> None:
    from snnctl.hardware import chip

    text = (Path(__file__).parents[2] / "configs" / "chips" / "loihi1.toml").read_text()
    path = tmp_path / "tiny.toml"
    path.write_text(text.replace("value = 128\n", "value = 1\n").replace("value = 4096\n", "value = 16\n"))
    assert chip.load(str(path)).limit("cores") == 1
    with pytest.raises(MappingError) as caught:
        evaluate(folder.load(LEANING), str(path), episodes=1)
    assert len(caught.value.problems) >= 2


class _Resources(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.add(tag)
        self.addresses += [v or "" for k, v in attributes if k in {"src", "href", "xlink:href", "srcset", "action"}]


def test_the_report_is_one_file(found: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    html.write(path, [html.Chapter(found.to_json(), found.rasters)])
    page = path.read_text()
    parser = _Resources()
    parser.feed(page)
    assert all(address.startswith("#") for address in parser.addresses)
    assert not parser.tags & {"script", "link", "img", "iframe", "object"}
    assert "http://" not in page and "https://" not in page and "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert page.count("<svg") == 5
    assert len(page) < 300_000
    for verdict in found.verdicts:
        assert verdict.sentence.replace("'", "&#x27;") in page
    assert "prefers-color-scheme:dark" in page and "@media print" in page


def test_names_cannot_inject_markup(found: Evaluation) -> None:
    data = found.to_json()
    data["agent"]["name"] = data["env"]["id"] = data["repro"]["command"] = "<script>alert(1)</script>"
    page = html.page([html.Chapter(data, found.rasters)])
    assert "<script" not in page


def test_a_report_of_failures_only(found: Evaluation) -> None:
    lost = [e._replace(diverged="not a number") for e in found.chip_episodes]
    from snnctl.evaluation import pairs
    from snnctl.loop.statistics import summarise

    bad = found._replace(
        chip_episodes=tuple(lost),
        chip_summary=summarise(lost),
        comparison=pairs.compare(found.float_episodes, lost, 0),
    )
    data = bad.to_json()
    assert len(data["returns"]["diverged"]) == 3
    assert "3 diverged episodes count as failures" in html.page([html.Chapter(data, [])])


def test_no_decision_is_an_error(monkeypatch) -> None:
    import gymnasium as gym
    import numpy as np

    class Broken(gym.ObservationWrapper):
        def observation(self, observation):
            return np.full_like(observation, np.nan)

    from snnctl.loop import closed_loop

    plain = closed_loop.environments.opened
    monkeypatch.setattr(closed_loop.environments, "opened", lambda choice, **kw: Broken(plain(choice, **kw)))
    with pytest.raises(DivergedError, match="no decision"):
        evaluate(folder.load(LEANING), "loihi1", episodes=1)
