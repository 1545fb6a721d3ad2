from __future__ import annotations

import pytest

from snnctl import library
from snnctl.errors import ConfigError, NotFoundError
from snnctl.evaluation import budget


def test_every_bundled_budget_loads_and_states_its_sources() -> None:
    names = [entry.name for entry in library.entries("budget")]
    assert {"nano-drone", "loihi-drone", "butterfly-esp32", "turtlebot3", "insect-robot"} <= set(names)
    for name in names:
        found = budget.load(name)
        limits = [part for part in (found.power, found.latency, found.energy) if part is not None]
        assert limits
        assert all(part.source.strip() and part.status != "given" for part in limits)


def test_nearest_name() -> None:
    with pytest.raises(NotFoundError, match="nano-drone"):
        budget.load("nano-dron")


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), -float("inf")])
def test_limits_must_be_positive_and_finite(value: float) -> None:
    with pytest.raises(ConfigError) as caught:
        budget.combine(None, power_w=value, latency_s=value, energy_j=value)
    assert [p.where for p in caught.value.problems] == ["--power", "--latency", "--energy"]


def test_given_limits_replace_those_of_a_named_budget() -> None:
    named = budget.load("nano-drone")
    mixed = budget.combine(named, power_w=0.1, boundary="board")
    assert mixed.power is not None and mixed.power.limit_w == 0.1 and mixed.power.status == "given"
    assert mixed.latency == named.latency
    assert mixed.boundary == "board"
    assert budget.combine(named) == named


def test_unknown_boundary() -> None:
    with pytest.raises(ConfigError, match="did you mean 'chip'"):
        budget.combine(None, boundary="chp")


def test_all_mistakes_of_a_file_at_once(tmp_path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        'schema = 1\nname = "x"\nrobot = "y"\n[power]\nlimit_w = "5ms"\nstatus = "guessed"\nsource = "z"\n[latncy]\n'
    )
    with pytest.raises(ConfigError) as caught:
        budget.load(str(path))
    assert {p.where.rpartition(":")[2] for p in caught.value.problems} == {"power.limit_w", "power.status", "latncy"}


def test_a_budget_without_limits_is_refused(tmp_path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text('schema = 1\nname = "x"\nrobot = "y"\n')
    with pytest.raises(ConfigError, match="limits nothing"):
        budget.load(str(path))
