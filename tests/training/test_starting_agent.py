"""A training that begins with an agent, instead of random first weights."""

import dataclasses
import json
import signal

import numpy as np
import pytest

import snnctl
from snnctl import config
from snnctl.agent import folder as agent_folder
from snnctl.agent.controllers import make
from snnctl.errors import ConfigError, Notice
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe
from snnctl.training.run import train

from . import small_tasks
from .random_walk import RandomWalk
from .random_walk import recipe as random_walk

TRAINERS = {
    "ppo": {"kind": "ppo", "total_steps": 512, "envs": 4, "rollout_steps": 32},
    "sac": {"kind": "sac", "total_steps": 60, "report_every": 20, "start_steps": 20, "batch": 16},
    "td3": {"kind": "td3", "total_steps": 60, "report_every": 20, "start_steps": 20, "batch": 16},
}


def small(kind, **changed):
    data = config.parse_toml(small_tasks.REACH, "small") | {"trainer": TRAINERS[kind]}
    data["evaluation"] = {"episodes": 1, "final_episodes": 2} | changed.pop("evaluation", {})
    data["encoder"] |= changed.pop("encoder", {})
    return config.validate(Recipe, data | changed, "small")


def begun(recipe, start, seed=3):
    algorithm = build(dataclasses.replace(opened(recipe), start=start) if start is None else of(recipe, start), seed)
    agent = algorithm.agent()
    algorithm.close()
    return agent


def of(recipe, start):
    from snnctl.robots import environments
    from snnctl.training.blueprint import Blueprint

    env = environments.opened(recipe.env)
    try:
        return Blueprint.of(recipe, env, start)
    finally:
        env.close()


def trained(recipe):
    algorithm = build(opened(recipe), 0)
    algorithm.update()
    agent = algorithm.agent()
    algorithm.close()
    return agent


@pytest.mark.parametrize("kind", TRAINERS)
def test_before_its_first_update_the_agent_is_the_one_it_began_with(kind):
    start = trained(small("ppo"))
    agent = begun(small(kind), start)
    fresh = begun(small(kind), None)
    for name, tensor in start.tensors.items():
        np.testing.assert_allclose(agent.tensors[name], tensor, rtol=1e-15, err_msg=name)
    assert any(not np.array_equal(fresh.tensors[name], start.tensors[name]) for name in start.tensors)
    first, second = make(start), make(agent)
    for x in np.linspace(-1, 1, 7):
        first.reset(1), second.reset(1)
        assert first.act(np.array([x])) == pytest.approx(second.act(np.array([x])), rel=1e-12)
    assert agent.description.provenance.start.startswith("small, weights ")
    assert fresh.description.provenance.start == ""


def test_what_was_learnt_is_kept_and_the_statistics_go_on_from_the_steps_that_the_agent_saw():
    start = trained(small("ppo"))
    steps = start.description.provenance.steps
    algorithm = build(of(small("ppo"), start), 0)
    assert algorithm.seen.seen[0] == steps
    algorithm.update()
    assert algorithm.seen.seen[0] == steps + 128
    algorithm.close()


def test_a_local_rule_goes_on_with_weights_and_critic():
    recipe = snnctl.library.find("recipe", "cartpole-rstdp").path
    recipe = config.load(Recipe, recipe, ["trainer.episodes_per_update=2"])
    start = trained(recipe)
    agent = begun(recipe, start)
    assert set(agent.tensors) == set(start.tensors)
    for name, tensor in start.tensors.items():
        np.testing.assert_array_equal(agent.tensors[name], tensor, err_msg=name)
    assert np.abs(start.tensors["critic.weight"]).max() > 0


def test_an_agent_of_other_sizes_is_refused_with_every_tensor_and_what_the_agent_has():
    start = trained(small("ppo"))
    with pytest.raises(ConfigError) as caught:
        begun(small("ppo", encoder={"neurons_per_dim": 7}), start)
    text = str(caught.value)
    assert "small: start: encoder.mean: is (1, 6) in the agent 'small', the recipe needs (1, 7)" in text
    assert "encoder.neurons_per_dim = 6 (the recipe 7)" in text


def test_a_trainer_that_cannot_begin_with_an_agent_says_so():
    class Fresh(type(small("ppo").trainer)):
        STARTS = False

    recipe = small("ppo")
    recipe = dataclasses.replace(recipe, trainer=Fresh(**dataclasses.asdict(recipe.trainer)))
    with pytest.raises(ConfigError, match="cannot begin with an agent"):
        begun(recipe, trained(small("ppo")))


def test_a_change_that_keeps_the_shapes_is_told():
    start = trained(small("ppo"))
    changed = small("ppo")
    changed = dataclasses.replace(changed, network=dataclasses.replace(changed.network, ticks=3))
    with pytest.warns(Notice, match=r"the agent 'small' had network.ticks = 5 \(the recipe 3\)"):
        begun(changed, start)


def test_the_run_folder_keeps_the_agent_so_that_a_run_cut_off_before_its_first_checkpoint_can_be_resumed(tmp_path):
    start = trained(small("ppo"))
    whole = train(small("ppo"), 0, tmp_path / "whole", start=start)

    def cut_off(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(small("ppo"), 0, tmp_path / "part", start=start, build=cut_off, name="k")
    folder = tmp_path / "part" / "small" / "k-seed0"
    rest = train(small("ppo"), 0, resume=folder)
    assert rest.weights_sha256 == whole.weights_sha256
    assert agent_folder.load(folder / "start").tensors.keys() == start.tensors.keys()
    assert "training began with: `small, weights" in (folder / "checkpoints" / "best" / "README.md").read_text()


def test_a_run_without_an_agent_has_no_such_folder(tmp_path):
    assert not (train(random_walk(), 0, tmp_path, build=RandomWalk).folder / "start").exists()


def test_what_a_killed_training_left_does_not_begin_the_next_one(tmp_path):
    start = trained(small("ppo"))
    left = tmp_path / "small" / "k-seed0" / "start"
    left.parent.mkdir(parents=True)
    agent_folder.save(start, left)  # killed before recipe.toml made it a run
    fresh = train(small("ppo"), 0, tmp_path, name="k")
    assert fresh.weights_sha256 == train(small("ppo"), 0, tmp_path / "other").weights_sha256
    assert not left.exists()


def test_the_best_is_never_worse_than_the_agent_that_it_began_with(tmp_path):
    start = train(small("ppo"), 0, tmp_path / "first").folder / "checkpoints" / "best"
    spoilt = small("ppo", trainer=TRAINERS["ppo"] | {"lr": 1.0}, evaluation={"episodes": 5, "every_steps": 128})
    result = train(spoilt, 1, tmp_path / "second", start=agent_folder.load(start))
    rows = [json.loads(line) for line in (result.folder / "evaluations.jsonl").read_text().splitlines()]
    assert [row["steps"] for row in rows] == [0, 128, 256, 384, 512]
    assert result.best == max(np.mean(row["returns"]) for row in rows) == np.mean(rows[0]["returns"])
    best = agent_folder.load(result.folder / "checkpoints" / "best")
    for name, tensor in agent_folder.load(start).tensors.items():
        np.testing.assert_allclose(best.tensors[name], tensor, rtol=1e-15, err_msg=name)
    whole = (result.folder / "evaluations.jsonl").read_bytes()

    def interrupt(moment):
        if (moment.phase, moment.episodes) == phase:
            signal.raise_signal(signal.SIGINT)

    for phase in (("evaluate", 0), ("train", 0)):
        base = tmp_path / phase[0]
        part = train(spoilt, 1, base, start=agent_folder.load(start), progress=interrupt)
        assert part.status == "interrupted"
        assert (train(spoilt, 1, resume=part.folder).folder / "evaluations.jsonl").read_bytes() == whole
