"""How an episode failed is kept, and fails again when it is replayed."""

from pathlib import Path

import gymnasium
import mujoco
import numpy as np
import pytest
from safetensors.numpy import save_file

from snnctl import config
from snnctl.agent import folder as agent_folder
from snnctl.agent.environment import EnvChoice
from snnctl.cli import main
from snnctl.errors import ContractError
from snnctl.loop.closed_loop import run_episodes
from snnctl.loop.side_by_side import run_side_by_side
from snnctl.robots import environments, post_mortem
from snnctl.robots.contract import Contract
from snnctl.robots.divergence import Watch
from snnctl.robots.trail import LENGTH, Trail


class Faulty(gymnasium.Wrapper):
    """CartPole that leaves the numbers, or fails, in a step."""

    def __init__(self, at: int, how: str) -> None:
        super().__init__(gymnasium.make("CartPole-v1").unwrapped)
        self.at, self.how, self.count = at, how, 0

    def reset(self, **given):
        self.count = 0
        return self.env.reset(**given)

    def step(self, action):
        self.count += 1
        observation, reward, _, *rest = self.env.step(action)
        if self.count == self.at and self.how == "raises":
            raise RuntimeError("motor on fire")
        if self.count == self.at and self.how == "diverges":
            observation = observation * np.nan
        return observation, reward, False, *rest


gymnasium.register("snnctl-test/Failing-v0", entry_point=Faulty, max_episode_steps=1000)


def choice(at=150, how="diverges"):
    return EnvChoice(id="snnctl-test/Failing-v0", kwargs={"at": at, "how": how})


def failed(chosen, actions, seed=7):
    """The trail of an episode of these actions that fails."""
    env = environments.opened(chosen)
    contract = Contract(env)
    contract.reset(seed)
    try:
        for action in actions:
            if (reason := contract.step(action).diverged) is not None:
                return contract.post_mortem(reason)
    except ContractError as error:
        return error.post_mortem
    finally:
        env.close()
    raise AssertionError("it did not fail")


ACTIONS = [0, 1, 1, 0] * 100


@pytest.mark.parametrize("at", [1, 5, LENGTH, LENGTH + 1, 250])
@pytest.mark.parametrize("how", ["diverges", "raises"])
def test_the_same_failure_in_the_same_step(tmp_path, at, how):
    found = failed(choice(at, how), ACTIONS)
    steps = at if how == "diverges" else at - 1  # what was observed
    assert len(found.actions) == at and list(found.actions) == ACTIONS[:at]
    assert len(found.rewards) == min(steps, LENGTH) == len(found.observations) - 1
    folder = post_mortem.save(found, tmp_path / "it", choice(at, how))
    again = post_mortem.replay(folder)
    assert (again.steps, again.different) == (at, None)
    assert again.why == found.why and again.failed is not None
    assert again.failed.split("; ")[0] == found.why
    assert not (folder / "model.mjb").exists()  # not a MuJoCo environment


def test_an_environment_that_was_mended_does_not_fail_and_another_one_shows_where_it_differs(tmp_path):
    found = failed(choice(20), ACTIONS)
    mended = post_mortem.replay(post_mortem.save(found, tmp_path / "mended", choice(900)))
    assert mended.failed is None and mended.steps == 20
    pushed = post_mortem.save(found, tmp_path / "pushed", choice(900), ["force_mag*=2"])
    assert post_mortem.replay(pushed).different == 1


def test_states_and_model_of_mujoco(tmp_path):
    chosen = EnvChoice(id="InvertedPendulum-v5")
    env = environments.opened(chosen)
    contract = Contract(env)
    first = contract.reset(3)
    actions = np.random.default_rng(0).uniform(-0.1, 0.1, (130, 1))
    for action in actions:
        following = contract.step(action).observation
    found = contract.post_mortem("a test")
    folder = post_mortem.save(found, tmp_path / "it", chosen)
    kind, inner = int(mujoco.mjtState.mjSTATE_INTEGRATION), env.unwrapped
    state = np.zeros(mujoco.mj_stateSize(inner.model, kind))
    mujoco.mj_getState(inner.model, inner.data, state, kind)
    assert found.states.shape == (LENGTH + 1, len(state))
    np.testing.assert_array_equal(found.states[-1], state)
    env.close()

    model = mujoco.MjModel.from_binary_path(str(folder / "model.mjb"))
    data = mujoco.MjData(model)
    for k in (0, 57, LENGTH - 1):  # from each state, its action leads to the next one
        mujoco.mj_setState(model, data, found.states[k], kind)
        data.ctrl[:] = found.actions[len(actions) - LENGTH + k]
        mujoco.mj_step(model, data, nstep=inner.frame_skip)
        reached = np.zeros(len(state))
        mujoco.mj_getState(model, data, reached, kind)
        np.testing.assert_allclose(reached, found.states[k + 1], rtol=1e-12, atol=1e-12)
    again = post_mortem.replay(folder)
    assert (again.steps, again.different, again.failed) == (130, None, None)
    assert first.shape == following.shape


def test_the_ring_keeps_the_last_states_in_their_order():
    env = environments.opened(EnvChoice(id="InvertedPendulum-v5"))
    contract, seen = Contract(env), []
    contract.reset(0)
    for _ in range(2 * LENGTH + 37):
        contract.step(np.zeros(1))
        seen.append(env.unwrapped.data.time)
    times = contract.post_mortem("").states[:, 0]  # time is the first entry of the state
    np.testing.assert_allclose(times, seen[-LENGTH - 1 :])
    contract.reset(1)
    contract.step(np.zeros(1))
    assert contract.post_mortem("").states.shape[0] == 2
    env.close()


def test_a_trail_of_nothing_is_empty():
    found = Trail().post_mortem("why")
    assert found.actions.size == found.observations.size == found.states.size == 0 and found.model == b""


def agent_for(at, how):
    """cartpole-ppo, made for the faulty environment."""
    agent = agent_folder.load(Path("agents") / "cartpole-ppo")
    data = config.to_data(agent.description)
    data["task"] |= {"env_id": "snnctl-test/Failing-v0", "env_kwargs": {"at": at, "how": how}}
    data["task"].pop("env_version", None)
    return agent_folder.Agent(config.validate(type(agent.description), data, "agent"), agent.tensors)


def test_episodes_carry_it_alone_and_side_by_side():
    from snnctl.agent import controllers
    from snnctl.agent.batch import make_batch

    agent = agent_for(3, "diverges")
    (alone,) = run_episodes(controllers.make(agent), "snnctl-test/Failing-v0", [11])
    env = environments.opened(agent.description.task.env)
    (beside,) = run_side_by_side(make_batch(agent, 1), [env], [11]) or ()
    env.close()
    for episode in (alone, beside):
        assert episode.post_mortem is not None and episode.post_mortem.why == episode.diverged
        assert len(episode.post_mortem.actions) == 3 and episode.post_mortem.seed == 11
    np.testing.assert_array_equal(alone.post_mortem.actions, beside.post_mortem.actions)


@pytest.mark.parametrize("how", ["diverges", "raises"])
def test_run_and_evaluate_write_it_and_check_replays_it(tmp_path, monkeypatch, capsys, how):
    folder = tmp_path / "faulty"
    agent_folder.save(agent_for(4, how), folder)
    monkeypatch.chdir(tmp_path)
    for arguments in (["run", str(folder), "--episodes", "5"], ["evaluate", str(folder), "--episodes", "5"]):
        assert main.call(arguments) == 3
        told = capsys.readouterr().err
        (place,) = {
            Path(word.rstrip(";")) for line in told.splitlines() for word in line.split()[-1:] if "seed" in word
        }
        assert f"snnctl check {place}" in told and post_mortem.is_one(place)
        assert len(list(place.parent.iterdir())) == (post_mortem.MAX_KEPT if how == "diverges" else 1)
        assert main.call(["check", str(place)]) == 1
        told = capsys.readouterr().out
        assert "4 steps with the recorded observations" in told and "fails again" in told


@pytest.mark.parametrize("how", ["diverges", "raises"])
def test_a_training_keeps_the_first_ones_in_its_run_folder(tmp_path, how):
    from snnctl.training.recipe import Recipe
    from snnctl.training.run import train

    path = Path("configs/train/cartpole-ppo.toml")
    quick = [f"evaluation.{key}=1" for key in ("episodes", "final_episodes")]
    env = f'env={{id="snnctl-test/Failing-v0",kwargs={{at=30,how="{how}"}}}}'
    recipe = config.load(Recipe, path, [env, "trainer.total_steps=512", *quick, "name=faulty"])
    if how == "raises":
        with pytest.raises(ContractError) as caught:
            train(recipe, 0, tmp_path, name="k")
        assert "snnctl check" in str(caught.value) and "motor on fire" in str(caught.value)
    else:
        train(recipe, 0, tmp_path, name="k")
    kept = sorted((tmp_path / "faulty" / "k-seed0" / "post_mortem").iterdir())
    assert len(kept) == (post_mortem.MAX_KEPT if how == "diverges" else 1)
    assert all(post_mortem.replay(one).failed is not None for one in kept)


CRAFTED = {
    "no array": {"actions": np.float64(3.0)},
    "observations of no step": {"observations": np.float64(3.0)},
    "fewer actions than it says": {"actions": np.zeros(2)},
    "more observations than steps": {"observations": np.zeros((500, 4))},
    "not finite": {"actions": np.full(20, np.nan)},
    "of another shape": {"actions": np.zeros((20, 3))},
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_trail_that_is_not_as_it_is_described_is_refused(tmp_path, name, capsys):
    folder = post_mortem.save(failed(choice(20), ACTIONS), tmp_path / "it", choice(20))
    path = folder / "trail.safetensors"
    save_file({**agent_folder.read_tensors(path), **{key: np.array(a) for key, a in CRAFTED[name].items()}}, path)
    assert main.call(["check", str(folder)]) == 2
    told = capsys.readouterr().err
    assert "take a whole post-mortem" in told or "has actions of shape" in told


def test_a_replay_ends_in_time(tmp_path, monkeypatch):
    folder = post_mortem.save(failed(choice(20), ACTIONS), tmp_path / "it", choice(20))
    monkeypatch.setattr(post_mortem, "MAX_REPLAY_S", -1.0)
    again = post_mortem.replay(folder)
    assert (again.steps, again.recorded, again.failed) == (0, 20, None)


def test_a_deleted_run_is_not_made_again_by_what_it_would_keep(tmp_path):
    keeper = post_mortem.Keeper(tmp_path / "run" / "post_mortem", choice(20), inside=tmp_path / "run")
    assert keeper.keep(failed(choice(20), ACTIONS)) is None and not (tmp_path / "run").exists()


class Renamed(gymnasium.Wrapper):
    """An environment whose ``data`` are MuJoCo's, without a model, or whose ``data`` cannot be asked for."""

    def __init__(self, raises: bool) -> None:
        super().__init__(gymnasium.make("CartPole-v1").unwrapped)
        self.raises, self._own = raises, mujoco.MjData(mujoco.MjModel.from_xml_string("<mujoco/>"))

    @property
    def unwrapped(self):
        return self

    @property
    def data(self):
        if self.raises:
            raise RuntimeError("not connected")
        return self._own


@pytest.mark.parametrize("raises", [False, True])
def test_an_attribute_of_that_name_need_not_be_mujocos(raises):
    env = Renamed(raises)
    contract = Contract(env, "renamed")
    contract.reset(0)
    contract.step(0)
    assert contract.post_mortem("").states.size == 0 and Watch(env).reason(np.zeros(4), 1.0) is None
