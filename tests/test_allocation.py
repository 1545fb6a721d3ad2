"""Sizes that nobody meant are refused before anything is allocated, with number, limit and key."""

import dataclasses
import re
import resource
from pathlib import Path

import numpy as np
import pytest

from snnctl import allocation, config
from snnctl.agent import description as descriptions
from snnctl.agent.learning import Learning
from snnctl.allocation import MAX_BYTES, Need
from snnctl.errors import ConfigError, InputError
from snnctl.training import blueprint
from snnctl.training.recipe import Recipe
from tests import factories

RECIPES = Path(__file__).parents[1] / "configs" / "train"
HUGE = 2**63 - 1

PPO = (
    "network.ticks=5000000", f"network.ticks={HUGE}", "network.hidden=[10000000]", f"network.hidden=[{HUGE}]",
    f"network.hidden=[{', '.join(['1000'] * 5000)}]", "encoder.neurons_per_dim=10000000",
    "decoder.neurons_per_action=10000000", f"decoder.neurons_per_action={10**30}",
    "trainer={kind='ppo', envs=1024, rollout_steps=5000000, minibatch=1024}",
    "trainer={kind='ppo', envs=1000, rollout_steps=1000, minibatch=1000000}",
    "trainer.critic_hidden=[1000000, 1000000]",
    'network={kind="dense", hidden=[100000, 100000]}',
)  # fmt: skip
SAC = (
    "trainer.batch=100000000", "trainer={kind='sac', replay_capacity=1000000000, total_steps=1000000000}",
    "trainer.critic={kind='layer_norm', bins=1000000000}", "trainer.critic={kind='relu', hidden=[1000000, 1000000]}",
    "trainer={kind='sac', report_every=1000000000, total_steps=1000000000}",
)  # fmt: skip
TD3 = ("trainer.target_actor.hidden=[1000000000]", "trainer.target_actor.hidden=[1000000, 1000000]")
RSTDP = (
    "encoder.layers=10000000", "encoder.cells=1000000000", f"encoder.cells={HUGE}", "network.ticks=100000000",
    "trainer.learning.critic_neurons=10000000000", "encoder={kind='place_cells', grid=[1000, 1000, 1000, 1000]}",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "override"),
    [
        (name, one)
        for name, all_ in (
            ("cartpole-ppo", PPO),
            ("pendulum-sac", SAC),
            ("half-cheetah-td3", TD3),
            ("cartpole-rstdp", RSTDP),
        )
        for one in all_
    ],
)
def test_a_recipe_that_would_take_too_much_is_refused(name, override):
    recipe = config.load(Recipe, RECIPES / f"{name}.toml", [override])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigError) as caught:
        blueprint.build(blueprint.opened(recipe), 0)
    told = [problem for problem in caught.value.problems if "the limit is" in problem.message]
    assert told and all(re.search(r":(network|trainer|encoder|decoder|learning)\b", p.where) and p.remedy for p in told)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


DESCRIPTION = factories.description(factories.task(3, 2))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"ticks": 10**8}, "ticks"),
        ({"populations": ((0, {"size": 10**9}),)}, r"populations\[0\]"),
        ({"populations": ((1, {"size": 10**12}),)}, r"populations\[1\]"),
        ({"projections": ((0, {"delay_ticks": 65_535}),), "populations": ((1, {"size": 10_000}),)}, "projections"),
        ({"task": {"observation_size": 10**12}}, "."),
        ({"task": {"action_size": 10**12}}, "."),
        ({"learning": Learning(critic_neurons=10**12)}, "critic_neurons"),
    ],
)
def test_an_agent_that_would_take_too_much_is_refused(change, key):
    network = DESCRIPTION.network
    for name in ("populations", "projections"):
        parts = list(getattr(network, name))
        for number, fields in change.pop(name, ()):
            parts[number] = dataclasses.replace(parts[number], **fields)
        network = dataclasses.replace(network, **{name: tuple(parts)})
    if "ticks" in change:
        network = dataclasses.replace(network, ticks=change.pop("ticks"))
    if "task" in change:
        change["task"] = dataclasses.replace(DESCRIPTION.task, **change["task"])
    found = descriptions.problems(dataclasses.replace(DESCRIPTION, network=network, **change), "agent.toml")
    assert found and all("the limit is" in p.message and p.remedy and re.search(key, p.where) for p in found)


def test_delays_of_a_file_count(tmp_path):
    from snnctl.agent import folder
    from snnctl.errors import AgentError

    agent = factories.agent(factories.task(3, 2), hidden=(1000,))
    name = agent.description.network.projections[0].delay_name
    shape = agent.tensors[agent.description.network.projections[0].weight_name].shape
    slow = folder.Agent(agent.description, {**agent.tensors, name: np.full(shape, 65_535, np.int32)})
    folder.save(slow, tmp_path / "a")  # 65535 ticks of 1050 neurons: a quarter of the limit
    wide = factories.agent(factories.task(3, 2), hidden=(5000,))
    shape = wide.tensors[wide.description.network.projections[0].weight_name].shape
    with pytest.raises(
        AgentError, match=r"under way for 65535 ticks take 1\.32 GB, everything here 1\.\d+ GB; the limit is 1 GB"
    ):
        folder.save(
            folder.Agent(wide.description, {**wide.tensors, name: np.full(shape, 65_535, np.int32)}), tmp_path / "b"
        )


def test_the_limit_is_the_users(monkeypatch):
    needs = [Need("a.b", "7 x 8 numbers", 2 * MAX_BYTES), Need("c", "2 numbers", 16)]
    (told,) = allocation.problems(needs, "f.toml")
    assert str(told) == (
        "f.toml:a.b: 7 x 8 numbers take 2 GB, everything here 2 GB; the limit is 1 GB; lower it, or allow more in the "
        "environment variable SNNCTL_MEMORY, such as SNNCTL_MEMORY=8GB"
    )
    monkeypatch.setenv(allocation.MEMORY, "3GB")
    assert allocation.problems(needs, "f.toml") == []
    monkeypatch.setenv(allocation.MEMORY, "lots")
    with pytest.raises(InputError, match=r"\$SNNCTL_MEMORY: is 'lots'; write a size like 8GB"):
        allocation.limit()
