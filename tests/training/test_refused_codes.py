"""Trainers take every code that offers what they need, and refuse the others by name."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from snnctl import config
from snnctl.coding import (
    DirectCurrent,
    FirstSpikeDecoder,
    GaussianPopulation,
    Latency,
    PlaceCells,
    Poisson,
    WinnerTakeAllDecoder,
)
from snnctl.errors import ConfigError
from snnctl.training.algorithm import Algorithm
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe

RECIPES = Path(__file__).resolve().parents[2] / "configs" / "train"


def built(name: str, *overrides: str, **changed: Any) -> Algorithm:
    recipe = config.load(Recipe, RECIPES / f"{name}.toml", overrides)
    return build(opened(dataclasses.replace(recipe, **changed)), seed=0)


@pytest.mark.parametrize(
    ("section", "changed", "message"),
    [
        ("encoder", Latency(), "encoder.kind: 'latency' has no gradient;"),
        ("encoder", GaussianPopulation(spikes="latency"), "'gaussian_population' has no gradient as it is configured"),
        ("decoder", FirstSpikeDecoder(), "decoder.kind: 'first_spike' has no gradient"),
        ("decoder", WinnerTakeAllDecoder(), "decoder.kind: 'winner_take_all' has no gradient"),
    ],
)
def test_ppo_refuses_what_has_no_gradient(section: str, changed: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        built("cartpole-ppo", **{section: changed})


def test_rstdp_refuses_currents_and_tensors_that_would_have_to_be_trained() -> None:
    with pytest.raises(ConfigError, match=r"(?s)encoder\.kind: is 'direct_current', which makes no spikes"):
        built("cartpole-rstdp", encoder=DirectCurrent())
    with pytest.raises(ConfigError, match=r"decoder\.kind: is 'rate', whose tensors .*: population_vector"):
        built("pendulum-v1-rstdp", 'decoder={kind="rate"}')
    with pytest.raises(ConfigError, match=r"decoder\.kind: is 'winner_take_all', which reads membranes"):
        built("cartpole-rstdp", decoder=WinnerTakeAllDecoder(by="membrane"))


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [
        (Poisson(), WinnerTakeAllDecoder()),
        (PlaceCells(grid=(2, 3, 4, 3)), WinnerTakeAllDecoder()),
        (GaussianPopulation(neurons_per_dim=4), WinnerTakeAllDecoder(by="first_spike")),
    ],
)
def test_rstdp_takes_every_encoder_of_spikes_and_every_fixed_decoder(encoder: Any, decoder: Any) -> None:
    algorithm = built("cartpole-rstdp", "trainer.episodes_per_update=1", encoder=encoder, decoder=decoder)
    report = algorithm.update()
    assert report.episodes == 1 and report.metrics["snn/input_rate_hz"] > 0
    algorithm.close()
