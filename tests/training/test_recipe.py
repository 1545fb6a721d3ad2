"""The three kinds of network of a recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from snnctl import config
from snnctl.errors import ConfigError
from snnctl.network.dense import DenseNetwork
from snnctl.network.description import NetworkDescription
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Dense, Recipe, Stack, Whole, renamed

CARTPOLE = Path(__file__).parents[2] / "configs" / "train" / "cartpole-ppo.toml"
DENSE = 'network={kind="dense",hidden=[8],activation="tanh"}'
NEURON = 'neuron={model="lif",tau_mem_s="4ms"}'
WHOLE = (
    f'network={{tick_s="1ms",ticks=4,populations=[{{name="in",size=40}},{{name="a",size=6,{NEURON}}},'
    f'{{name="out",size=20,{NEURON}}}],'
    'projections=[{source="in",target="a"},{source="a",target="out"},{source="in",target="out"}]}'
)


def recipe(*overrides: str) -> Recipe:
    return config.load(Recipe, CARTPOLE, overrides)


@pytest.mark.parametrize(
    ("override", "cls", "built"),
    [
        ("seed=0", Stack, NetworkDescription),
        (DENSE, Dense, DenseNetwork),
        (WHOLE, Whole, NetworkDescription),
    ],
)
def test_each_kind_is_read_written_and_built(override: str, cls: type, built: type) -> None:
    made = recipe(override)
    assert type(made.network) is cls
    assert config.resolve(Recipe, config.parse_toml(config.to_toml(made), "x"), "x") == made
    network = made.network.build(40, 20)
    assert type(network) is built
    assert network.summary and made.network.summary


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.hiden=[3]", r"network\.hiden: is not a known key; did you mean 'hidden'"),
        ("network.hidden=[0]", r"network\.hidden\.0: .*greater than 0"),
        ("network.kind=densee", r"network: is 'densee'; did you mean 'dense'"),
        ('network={kind="dense",activation="relo"}', r"network\.activation: is 'relo'; did you mean 'relu'"),
        ('network={kind="dense",ticks=4}', r"network\.ticks: is not a known key"),
        ("network={populations=[{name=3}],projections=[]}", r"(?s)network\.tick_s.*network\.populations\.0\.name"),
    ],
)
def test_mistakes_are_told_with_their_keys(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        recipe(override)


def test_a_whole_network_must_fit_encoder_and_decoder() -> None:
    with pytest.raises(ConfigError, match=r"cartpole-ppo:network\.populations: must have one input population of 28"):
        build(opened(recipe(WHOLE, "encoder.neurons_per_dim=7")), 0)


def test_a_whole_network_with_a_skipping_projection_is_trained() -> None:
    small = ("trainer.total_steps=64", "trainer.envs=2", "trainer.rollout_steps=32", "trainer.minibatch=32")
    algorithm = build(opened(recipe(WHOLE, *small, "trainer.epochs=1")), 0)
    before = {name: tensor.copy() for name, tensor in algorithm.agent().tensors.items()}
    algorithm.update()
    after = algorithm.agent().tensors
    for name in ("projection.in.a.weight", "projection.a.out.weight", "projection.in.out.weight"):
        assert (after[name] != before[name]).any()
    algorithm.close()


@pytest.mark.parametrize("key", ["stop_return", "stop_worst"])
def test_an_optional_number_is_switched_off(key: str) -> None:
    assert getattr(recipe(f"evaluation.{key}=3.5").evaluation, key) == 3.5
    made = recipe("evaluation.stop_return=5", f"evaluation.{key}=none")
    assert getattr(made.evaluation, key) is None
    assert config.resolve(Recipe, config.parse_toml(config.to_toml(made), "r"), "r") == made


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["env.id=Acrobot-v1"], "cartpole-ppo-Acrobot-v1"),
        (["seed=3", "env={id='mylab/Walker-v0'}"], "cartpole-ppo-mylab_Walker-v0"),
        (["env.id=CartPole-v1"], "cartpole-ppo"),
        (["env.id=Acrobot-v1", "name=mine"], "mine"),
        (["seed=3", "trainer.lr=1e-3"], "cartpole-ppo"),
    ],
)
def test_a_recipe_of_another_environment_has_a_name_of_its_own(overrides: list[str], name: str) -> None:
    data = config.read_toml(CARTPOLE)
    merged, _ = config.apply_overrides(data, renamed(data, overrides))
    assert merged["name"] == name
