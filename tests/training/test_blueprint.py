"""A recipe that cannot be trained: everything is told at once, and no environment stays open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gymnasium
import pytest

from snnctl import config, slots
from snnctl.errors import ConfigError, DivergedError, Problem, SnnctlError
from snnctl.training.blueprint import Blueprint, build, opened
from snnctl.training.recipe import Recipe
from snnctl.training.run import train

RECIPES = Path(__file__).parents[2] / "configs" / "train"


def recipe(name: str, *overrides: str) -> Recipe:
    return config.load(Recipe, RECIPES / f"{name}.toml", overrides)


@pytest.fixture
def environments(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many environments were made and closed."""
    count, make, close = {"made": 0, "closed": 0}, gymnasium.make, gymnasium.Wrapper.close
    outermost: list[object] = []

    def closed(self):  # type: ignore[no-untyped-def]
        count["closed"] += any(self is env for env in outermost)
        close(self)

    def counted(*args, **kwargs):  # type: ignore[no-untyped-def]
        outermost.append(make(*args, **kwargs))
        count["made"] += 1
        return outermost[-1]

    monkeypatch.setattr(gymnasium.Wrapper, "close", closed)
    monkeypatch.setattr(gymnasium, "make", counted)
    return count


MISTAKEN = {
    "cartpole-ppo": (
        ("encoder.spikes=latency", "decoder.kind=first_spike", "network.neuron.refractory_ticks=2"),
        {"encoder.kind", "decoder.kind", "network.population.hidden1.refractory_ticks"},
    ),
    "cartpole-rstdp": (
        (
            "encoder.fields=[3,3]",
            "network.hidden=[4]",
            "trainer.observation_low=[1.0]",
            "network.neuron.refractory_ticks=2",
        ),
        {"encoder.fields", "network", "trainer.observation_low", "network.neuron.refractory_ticks"},
    ),
}


@pytest.mark.parametrize("name", MISTAKEN)
def test_everything_is_told_and_nothing_stays_open(name: str, tmp_path: Path, environments: dict[str, int]) -> None:
    overrides, expected = MISTAKEN[name]
    mistaken = recipe(name, *overrides)
    with pytest.raises(ConfigError) as caught:
        train(mistaken, out=tmp_path)
    assert {problem.where for problem in caught.value.problems} >= {f"{name}:{key}" for key in expected}
    assert environments == {"made": 1, "closed": 1}


def test_environments_that_cannot_all_be_opened_are_closed(
    monkeypatch: pytest.MonkeyPatch, environments: dict[str, int]
) -> None:
    blueprint = opened(recipe("cartpole-ppo"))
    counted = gymnasium.make

    def third_fails(*args, **kwargs):  # type: ignore[no-untyped-def]
        if environments["made"] == 3:
            raise RuntimeError("no more")
        return counted(*args, **kwargs)

    monkeypatch.setattr(gymnasium, "make", third_fails)
    with pytest.raises(SnnctlError, match="no more"):
        build(blueprint, 0)
    assert environments == {"made": 3, "closed": 3}


def test_a_blueprint_knows_task_limits_and_bounds() -> None:
    discrete, continuous = opened(recipe("cartpole-ppo")), opened(recipe("pendulum-v1-rstdp"))
    assert discrete.limits is None and discrete.task.action_size == 2 and discrete.bounds[0].shape == (4,)
    assert continuous.limits is not None and continuous.limits[0].tolist() == [-2.0]
    assert discrete.problems == continuous.problems == ()
    assert discrete.described(7).provenance.seed == 7
    assert isinstance(discrete, Blueprint)


def test_trainers_are_read_when_they_are_asked_for() -> None:
    code = "import sys, snnctl.training; print([m for m in sys.modules if m.startswith('snnctl.training.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    code = "import sys, snnctl.training.recipe; print([m for m in sys.modules if m.startswith('snnctl.training.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "['snnctl.training.recipe']"


def test_an_unknown_trainer_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.kind: is 'poo'; did you mean 'ppo'"):
        recipe("cartpole-ppo", "trainer.kind=poo")
    with pytest.raises(ConfigError, match=r"trainer\.lrr: is not a known key; did you mean 'lr'"):
        recipe("cartpole-ppo", "trainer.lrr=1")


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (3, "not a class"),
        (DivergedError, "not a dataclass"),
        (Blueprint, "plain dataclass"),
        (config.schema(type("Bare", (), {})), "not derived from"),
    ],
)
def test_what_is_not_a_trainer(part: object, reason: str) -> None:
    assert any(reason in defect for defect in slots.TRAINERS.defects(part))


def test_problems_have_one_shape() -> None:
    assert all(isinstance(problem, Problem) for problem in opened(recipe("cartpole-ppo", "decoder.kind=rate")).problems)
