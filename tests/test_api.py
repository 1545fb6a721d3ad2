"""The Python API: what it refuses in a sentence, and that a network runs on a chip as it runs here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snnctl
from snnctl.errors import InputError, NetworkError, SnnctlError, SpaceError
from snnctl.library import find
from snnctl.network import Network
from snnctl.neurons import CurrentLif
from snnctl.neurons.currents import Step

LEANING = Path(__file__).parent / "data" / "agents" / "leaning"
TICKS = 40


def chain(delay_s: float = 1e-3) -> Network:
    net = Network(tick_s=1e-3, seed=0)
    cell = CurrentLif(tau_mem_s=0.05, tau_syn_s=0.01)
    sensor, hidden, output = (net.population(*p) for p in (("s", 1), ("h", 1, cell), ("o", 1, cell)))
    net.project(sensor, hidden, weight=0.3, delay_s=delay_s)
    net.project(hidden, output, weight=0.5)
    return net


@pytest.mark.parametrize("chip", ["loihi1", "spinnaker1"])
def test_a_network_keeps_its_state_on_a_chip_as_it_does_here(chip: str) -> None:
    net = chain()
    net.record("o")
    net.run(TICKS * 1e-3, spikes={"s": np.ones((TICKS, 1), np.uint8)})
    here = len(net.spikes("o").neurons)
    fit = snnctl.compile(chain(), chip)
    assert fit.image is not None
    state, there = fit.image.start(), 0
    for _ in range(TICKS):
        state, rasters, _ = fit.image.run(state, np.ones((1, 1), np.uint8))
        there += int(rasters[-1].sum())
    assert here > 20 and abs(there - here) <= 2  # integers differ a little


def test_what_would_be_another_network_there_is_refused() -> None:
    with pytest.raises(NetworkError, match=r"s\.h\.delay_s: is 0, but the network keeps its state"):
        snnctl.compile(chain(delay_s=0.0), "loihi1")
    assert chain(delay_s=0.0).program(ticks=10).decision == "reset"
    net = chain()
    net.inject("h", Step(amplitude=0.5))
    with pytest.raises(NetworkError, match=r"population\.h\.current: is a source that no machine has"):
        snnctl.compile(net, "loihi1")


@pytest.mark.parametrize(
    "spikes",
    [np.ones((5, 39), np.uint8), np.ones((4, 40), np.uint8), np.ones((5, 40)), np.full((5, 40), 3, np.uint8)],
    ids=["columns", "rows", "float", "three"],
)
@pytest.mark.parametrize("chip", ["loihi1", "spinnaker1"])
def test_spikes_of_another_shape_do_not_reach_the_registers(chip: str, spikes: Any) -> None:
    fit = snnctl.compile("cartpole-ppo", chip)
    assert fit.image is not None
    with pytest.raises(InputError, match=r"give uint8 of 0 and 1, \(5, 40\)"):
        fit.image.run(fit.image.start(), spikes)


@pytest.mark.parametrize("name", ["cartpole-ppo", "cartpole-rstdp"])  # the encoder inside the kernel, and before it
def test_an_observation_of_another_size_is_refused(name: str) -> None:
    controller = snnctl.load(name)
    for observation in (0.1, np.array([0.1]), np.zeros(3), np.zeros((4, 4)), "four"):
        with pytest.raises(SpaceError, match=r"observation: is .* this agent was made for \(4,\)"):
            controller.act(observation)  # type: ignore[arg-type]


def test_names_may_be_paths() -> None:
    chip = find("chip", "loihi1").path
    assert snnctl.compile(LEANING, chip).ok
    found = snnctl.evaluate(LEANING, chip, find("budget", "nano-drone").path, episodes=1)
    assert found.chip.name == "loihi1"


@pytest.mark.parametrize(
    ("verb", "arguments", "options", "said"),
    [
        (snnctl.load, (3,), {}, "agent: is int; give the name"),
        (snnctl.load, ("cartpole-pp",), {}, "did you mean 'cartpole-ppo'"),
        (snnctl.compile, ("cartpole-ppo", "loihi"), {}, "did you mean 'loihi1'"),
        (snnctl.compile, (3, "loihi1"), {}, "network: is int; give a Network"),
        (snnctl.evaluate, ("cartpole-ppo", "loihi1"), {"episodes": 0}, "episodes: is 0; give an integer from 1"),
        (snnctl.evaluate, ("cartpole-ppo",), {"seed": -1}, "seed: is -1; give an integer from 0"),
        (snnctl.evaluate, ("cartpole-ppo",), {"power_w": 1.0}, "chip: is missing: a budget is held on a chip"),
        (snnctl.train, ("cartpole-ppo",), {"seed": -1}, "seed: is -1; give an integer from 0"),
        (snnctl.train, ("cartpole-ppo", "trainer.lrr=1"), {}, "did you mean 'lr'"),
    ],
)
def test_bad_arguments_are_told_in_a_sentence(verb: Any, arguments: Any, options: Any, said: str, tmp_path) -> None:
    if verb is snnctl.train:
        options = {**options, "out": tmp_path / "runs"}
    with pytest.raises(SnnctlError) as caught:
        verb(*arguments, **options)
    assert said in str(caught.value)
    assert not (tmp_path / "runs").exists()
