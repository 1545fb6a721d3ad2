"""Codes from outside the package in an agent's file: by import path, with trust, and not without."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl import config, slots
from snnctl.agent import folder
from snnctl.agent.description import AgentDescription, problems
from snnctl.agent.float_controller import FloatController, Fused
from snnctl.agent.folder import Agent
from snnctl.errors import ConfigError
from tests import factories

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    monkeypatch.setenv("SNNCTL_TRUST", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import mylab.codes

    yield mylab.codes
    for name in ("mylab.codes", "mylab"):
        sys.modules.pop(name, None)


@pytest.fixture
def agent(codes: Any) -> Agent:
    return factories.coded(codes.Antagonists(tau_s=5e-3), 2, encoder=codes.Window(inner=0.05, outer=0.5))


def test_a_window_is_silent_inside_and_even_outside(codes: Any) -> None:
    built = codes.Window(inner=0.2, outer=1.0).build({}, 1e-3, np.float32)
    raster = built.encode(np.array([0.1, 0.6, -1.0, -0.2]), 8, np.zeros(4, np.uint64))
    np.testing.assert_array_equal(raster.sum(axis=0), [0, 0, 4, 0, 0, 8, 0, 0])
    np.testing.assert_array_equal(np.flatnonzero(raster[:, 2]), [1, 3, 5, 7])
    with pytest.raises(ConfigError, match="inner 2: must be below outer"):
        config.validate(codes.Window, {"inner": 2.0}, "encoder")


def test_the_sooner_antagonist_pulls_and_the_pull_fades(codes: Any) -> None:
    limits = np.array([-4.0]), np.array([4.0])
    built = codes.Antagonists(tau_s=1e-3).build({"decoder.low": limits[0], "decoder.high": limits[1]}, 1e-3, 1)
    raster = np.zeros((10, 2), np.uint8)
    raster[2, 0] = raster[6, 1] = 1
    np.testing.assert_allclose(built.decode(raster, None), 4 * (0.8 - 0.4), rtol=1e-4)
    for _ in range(3):
        fading = built.decode(np.zeros((10, 2), np.uint8), None)
    assert abs(fading[0]) < 1e-9


def test_an_agent_with_them_survives_its_folder_if_they_are_trusted(agent: Agent, tmp_path: Path) -> None:
    folder.save(agent, tmp_path / "a")
    text = (tmp_path / "a" / folder.DESCRIPTION).read_text()
    assert 'kind = "mylab.codes:Window"' in text and 'kind = "mylab.codes:Antagonists"' in text
    slots.trust("mylab")
    again = folder.load(tmp_path / "a")
    assert again.description.encoder == agent.description.encoder
    one, other = FloatController(agent), FloatController(again)
    assert not isinstance(one.path, Fused)
    observations = np.random.default_rng(0).normal(size=(8, 3))
    actions = np.array([one.act(o) for o in observations])
    np.testing.assert_array_equal(actions, [other.act(o) for o in observations])
    assert np.ptp(actions) > 0 and (np.abs(actions) <= 0.4).all()
    one.reset(0)
    np.testing.assert_array_equal(one.act(observations[0]), actions[0])  # the pull is forgotten
    assert one.activity().spikes["input"].shape == (6, 6)


def test_without_trust_each_is_refused_with_the_remedy(agent: Agent, tmp_path: Path) -> None:
    folder.save(agent, tmp_path / "a")
    with pytest.raises(ConfigError) as error:
        folder.load(tmp_path / "a")
    told = [str(problem) for problem in error.value.problems]
    assert len(told) == 2
    for problem, part in zip(told, ("encoder", "decoder"), strict=True):
        assert f"agent.toml:{part}.kind" in problem and "add --trust mylab" in problem
    slots.trust("another")
    with pytest.raises(ConfigError, match="--trust mylab"):
        folder.load(tmp_path / "a")


def test_it_can_be_shown_without_being_imported(agent: Agent, tmp_path: Path) -> None:
    folder.save(agent, tmp_path / "a")
    sys.modules.pop("mylab.codes")
    with slots.unresolved():
        shown = folder.load(tmp_path / "a").description
    assert "mylab.codes" not in sys.modules
    assert [part.name for part in slots.left_unresolved(shown)] == ["mylab.codes:Window", "mylab.codes:Antagonists"]
    assert config.to_toml(shown) == (tmp_path / "a" / folder.DESCRIPTION).read_text()


def test_its_own_problems_are_told_under_its_keys(agent: Agent) -> None:
    network = dataclasses.replace(agent.description.network, ticks=1)
    description: AgentDescription = dataclasses.replace(agent.description, network=network)
    (problem,) = problems(description, "a.toml")
    assert str(problem) == "a.toml:decoder.kind: reads when spikes come; give a decision 2 ticks or more"
