"""Training for a chip: passes, agents and checkpoints with the numbers that it holds."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from snnctl import api, config, hardware
from snnctl.agent import folder
from snnctl.agent.program import program
from snnctl.errors import ConfigError, DivergedError, MappingError, NotFoundError
from snnctl.hardware import chip as chips
from snnctl.surrogate.derivatives import Rectangular
from snnctl.training import actor
from snnctl.training.blueprint import build, load, opened
from snnctl.training.recipe import Recipe, renamed
from snnctl.training.run import train
from tests.hardware.test_nearest import with_bits

from . import small_tasks
from .test_starting_agent import TRAINERS


def small(kind="ppo", chip="loihi1", **changed):
    data = config.parse_toml(small_tasks.REACH, "small") | {"trainer": TRAINERS[kind], "chip": chip}
    data["evaluation"] = {"episodes": 1, "final_episodes": 2}
    return config.validate(Recipe, data | changed, "small")


@pytest.fixture
def two_bits(tmp_path):
    path = tmp_path / "two_bits.toml"
    path.write_text(tomli_w.dumps(config.to_data(with_bits(2))))
    return str(path)


@pytest.mark.parametrize("kind", TRAINERS)
def test_the_agent_consists_of_numbers_that_the_chip_holds(kind, two_bits):
    algorithm = build(opened(small(kind, two_bits)), 0)
    for _ in range(2):
        algorithm.update()
    agent, fine = algorithm.agent(), algorithm.state()
    algorithm.close()
    weights = next(link.weight for link in program(agent).links)
    assert len(np.unique(np.round(weights.values, 9))) <= 3
    assert len(np.unique(fine.arrays["actor"])) > 100  # what is trained stays fine
    fit = hardware.fit(program(agent), chips.load(two_bits))
    assert max(r.error for r in fit.rounding if r.quantity == "weight") < 1e-6
    assert agent.description.provenance.chip.startswith("loihi1, file ")


def test_an_agent_for_xylo_has_its_decays_weights_and_thresholds():
    neuron = {"model": "current_lif", "tau_mem_s": 3.5e-3, "tau_syn_s": 1.5e-3, "reset": "subtract"}
    recipe = small("ppo", "xylo", network={"hidden": [16], "neuron": neuron})
    algorithm = build(opened(recipe), 0)
    algorithm.update()
    agent = algorithm.agent()
    algorithm.close()
    fit = hardware.fit(program(agent), chips.load("xylo"))
    assert {r.quantity for r in fit.rounding} >= {"weight", "bias", "threshold", "a_syn", "a_mem"}
    assert max(r.error for r in fit.rounding if r.quantity in ("a_syn", "a_mem")) < 1e-9
    assert max(r.error for r in fit.rounding) < 1e-5
    network = agent.description.network
    assert network.populations[1].neuron.constants(network.tick_s).a_mem == pytest.approx(0.75, rel=1e-9)


def test_a_pass_is_that_of_the_numbers_held_whatever_was_held_before(two_bits):
    blueprint = opened(small("ppo", two_bits))
    policy, plain = blueprint.policy(Rectangular()), actor.policy(blueprint.description, Rectangular())
    random = np.random.default_rng(0)
    tensors = {name: random.standard_normal(shape).astype(np.float32) for name, shape in policy.shapes.items()}
    x, keys = random.standard_normal((8, policy.dims)).astype(np.float32), np.zeros(8, np.uint64)
    gradients = [{name: np.zeros_like(t) for name, t in tensors.items()} for _ in range(2)]
    work, reference = policy.workspace(8), plain.workspace(8)
    for _ in range(2):
        held = blueprint.held(tensors)
        z, dz = work.forward(tensors, x, keys).copy(), np.ones((8, policy.actions), np.float32)
        np.testing.assert_array_equal(z, reference.forward(held, x, keys))
        work.backward(tensors, dz, gradients[0])
        reference.backward(held, dz, gradients[1])
        for name in tensors:
            np.testing.assert_array_equal(gradients[0][name], gradients[1][name])
        tensors[next(iter(tensors))][:] += 0.3  # in place, as optimisers write


@pytest.mark.parametrize("kind", ["ppo", "sac"])
def test_interrupted_and_resumed_it_goes_on_with_the_same_bits(kind, tmp_path, two_bits):
    recipe = small(kind, two_bits)
    whole = train(recipe, 0, tmp_path / "whole")
    algorithm = build(opened(recipe), 0)
    algorithm.update()
    state = algorithm.state()
    algorithm.close()
    second = build(opened(recipe), 0)
    second.restore(state)
    while second.steps < second.total_steps:
        second.update()
    agent = second.agent()
    second.close()
    last = folder.load(whole.folder / "checkpoints" / "last")
    for name, tensor in last.tensors.items():
        np.testing.assert_array_equal(agent.tensors[name], tensor, err_msg=name)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_a_training_that_diverges_says_so(tmp_path):
    with pytest.raises(DivergedError, match="is not finite"):
        train(small("ppo", trainer=TRAINERS["ppo"] | {"lr": 1e300}), 0, tmp_path)


def test_with_two_bits_it_learns_and_the_chip_earns_what_the_training_saw(tmp_path, two_bits):
    long = {"kind": "ppo", "total_steps": 12_288, "envs": 8, "rollout_steps": 64, "lr": 1e-3}
    judged = {"episodes": 10, "final_episodes": 30, "every_steps": 4096}
    recipe = small("ppo", two_bits, trainer=long, evaluation=judged)
    untrained = build(opened(recipe), 0)
    before = api.evaluate(untrained.agent(), chip=two_bits, episodes=30)
    untrained.close()
    after = api.evaluate(train(recipe, 0, tmp_path).folder / "checkpoints" / "best", chip=two_bits, episodes=30)
    assert after.chip_summary.mean > before.chip_summary.mean + 2
    assert after.chip_summary.mean == pytest.approx(after.float_summary.mean, rel=0.05)


def test_what_cannot_be_trained_for_a_chip_is_named(tmp_path, two_bits):
    with pytest.raises(ConfigError, match="dense network has none"):
        build(opened(small(network={"kind": "dense", "hidden": [8]}, encoder={"kind": "analog"},
                           decoder={"kind": "analog"})), 0)  # fmt: skip
    with pytest.raises(NotFoundError, match="loihi1"):
        opened(small(chip="loihi"))
    chip = chips.load("loihi1")
    few = dataclasses.replace(chip.limits["compartments_per_core"], value=4)
    one = dataclasses.replace(chip.limits["cores"], value=1)
    path = tmp_path / "tiny.toml"
    limits = chip.limits | {"compartments_per_core": few, "cores": one}
    path.write_text(tomli_w.dumps(config.to_data(dataclasses.replace(chip, limits=limits))))
    with pytest.raises(MappingError, match="cores_on_chip"):
        build(opened(small(chip=str(path))), 0)


def test_a_recipe_for_another_chip_has_another_name():
    data = {"name": "walk", "env": {"id": "A-v0"}}
    assert renamed(data, ['chip="some/where/mine.toml"'])[-1] == 'name="walk-mine"'
    assert renamed(data | {"chip": "mine"}, ['chip="mine"']) == ['chip="mine"']
    assert renamed(data, ['chip="mine"', "env.id=B-v0"])[-1] == 'name="walk-B-v0-mine"'


def test_a_run_keeps_the_chip_that_it_began_with(tmp_path, two_bits, monkeypatch):
    recipe = small("ppo", two_bits)
    whole = train(recipe, 0, tmp_path / "whole")
    part = train(dataclasses.replace(recipe, trainer=dataclasses.replace(recipe.trainer, total_steps=256)), 0, tmp_path)
    Path(two_bits).unlink()
    monkeypatch.chdir(tmp_path)
    longer = config.load(Recipe, part.folder / "recipe.toml", ["trainer.total_steps=512"])
    rest = train(longer, 0, resume=part.folder)
    assert rest.status == "finished" and (rest.folder / "chip.toml").is_file()
    first, second = (folder.load(r.folder / "checkpoints" / "last").description.provenance for r in (whole, rest))
    assert first.chip == second.chip


@pytest.mark.parametrize(
    ("named", "refused"), [("../outside.toml", True), ("/etc/other.toml", True), ("own.toml", False)]
)
def test_a_recipe_names_a_chip_beside_it_and_none_elsewhere(tmp_path, named, refused, two_bits):
    place = tmp_path / "recipes"
    place.mkdir()
    (place / "own.toml").write_bytes(Path(two_bits).read_bytes())
    data = config.to_data(small()) | {"chip": named}
    (place / "r.toml").write_text(tomli_w.dumps({"schema": 1, **without_none(data)}))
    if refused:
        with pytest.raises(ConfigError, match="outside of the recipe's folder"):
            load(place / "r.toml")
    else:
        assert load(place / "r.toml").chip == str(place / "own.toml")
    assert load(place / "r.toml", ["chip=loihi1"]).chip == "loihi1"


def without_none(node):
    return {k: without_none(v) for k, v in node.items() if v is not None} if isinstance(node, dict) else node
