"""Mistakes of environments are named as theirs: by the contract, by every verb, and by ``check``."""

from __future__ import annotations

import decimal
import json
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from snnctl.agent import folder
from snnctl.agent.environment import EnvChoice
from snnctl.agent.float_controller import FloatController
from snnctl.cli import main
from snnctl.errors import ContractError
from snnctl.loop.closed_loop import run_episodes
from snnctl.robots import check, environments
from snnctl.robots.contract import Contract, closed, number
from snnctl.training.episodes import Environments
from tests import factories


class _LeaveError(BaseException):
    """Nothing that ``except Exception`` catches."""


class Faulty(gymnasium.Env[Any, Any]):
    """Sound but for one mistake, which is made in the third step or in the reset."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}
    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, mistake: str = "", dictionary: bool = False) -> None:
        self.mistake, self.dictionary = mistake, dictionary
        if dictionary:
            self.observation_space = spaces.Dict({"a": spaces.Box(-1, 1, (2,), np.float32)})

    def _observed(self, observation: Any) -> Any:
        return {"a": observation} if self.dictionary else observation

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.count = 0
        first = self._observed(np.zeros(2, np.float32))
        match self.mistake:
            case "no info":
                return first
            case "info None":
                return first, None
            case "reset exits":
                raise SystemExit(0)
            case "reset raises":
                raise KeyError("pose")
            case "first shape":
                return self._observed(np.zeros(3, np.float32)), {}
        return first, {}

    def step(self, action: Any) -> Any:
        self.count += 1
        observation, reward = np.zeros(2, np.float32), 1.0
        ended: Any = self.count == 6
        if self.count == 3:
            match self.mistake:
                case "four values":
                    return self._observed(observation), reward, False, {}
                case "one value":
                    return self._observed(observation)
                case "nothing":
                    return None
                case "info is a list":
                    return self._observed(observation), reward, False, False, []
                case "shape":
                    observation = np.zeros(3, np.float32)
                case "text":
                    observation = np.array(["a", "b"])
                case "objects":
                    observation = np.array([[], {}], object)
                case "no reward":
                    reward = None
                case "reward text":
                    reward = "1.0"
                case "two rewards":
                    reward = np.ones(2)
                case "end None":
                    ended = None
                case "exits":
                    raise SystemExit(0)
                case "leaves":
                    raise _LeaveError("by the back door")
                case "raises":
                    raise ZeroDivisionError("division by zero\nsecond line")
        return self._observed(observation), reward, ended, False, {}

    def close(self) -> None:
        if self.mistake == "close exits":
            raise SystemExit(0)


class Seedless(Faulty):
    """Its ``reset`` is of the years before seeds were arguments."""

    def reset(self) -> Any:  # type: ignore[override]
        return super().reset()


ID = "snnctl-test/Faulty-v0"
gymnasium.register(ID, entry_point=Faulty, max_episode_steps=10)
gymnasium.register("snnctl-test/FaultySeedless-v0", entry_point=Seedless, max_episode_steps=10)

IN_STEP = {
    "four values": "instead of",
    "one value": "instead of",
    "nothing": "instead of|cannot unpack",
    "info is a list": "instead of",
    "shape": r"shape|broadcast|reshape",
    "text": "observation of <U1|could not convert",
    "objects": "observation of object|float|number",
    "no reward": "a reward that is not one number but None",
    "reward text": "a reward that is not one number but '1.0'",
    "two rewards": r"a reward that is not one number but an array of shape \(2,\)",
    "end None": "terminated that is neither true nor false but None",
    "exits": "SystemExit",
    "leaves": "_LeaveError: by the back door, test_contract.py line",
    "raises": "ZeroDivisionError: division by zero, test_contract.py line",
}
IN_RESET = {
    "no info": "instead of",
    "info None": "instead of",
    "reset exits": "SystemExit",
    "reset raises": "KeyError: 'pose'",
    "first shape": "shape|broadcast|reshape",
}
MISTAKES = [*IN_STEP, *IN_RESET]


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made for the sound environment."""
    path = tmp_path_factory.mktemp("agents") / "sound"
    folder.save(factories.agent(ID, hidden=(4,), ticks=2), path, card="# sound\n")
    return path


def broken(agent: Path, mistake: str, tmp_path: Path) -> Path:
    """The agent, in an environment that has the mistake."""
    import shutil

    copy = shutil.copytree(agent, tmp_path / "agent")
    text = (copy / "agent.toml").read_text()
    (copy / "agent.toml").write_text(text.replace("[task.env_kwargs]", f'[task.env_kwargs]\nmistake = "{mistake}"'))
    return copy


@pytest.mark.parametrize("dictionary", [False, True], ids=["plain", "in wrappers"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_environment_call_and_step(mistake, dictionary):
    env = environments.make(ID, mistake=mistake, dictionary=dictionary)
    contract = Contract(env)
    with pytest.raises(ContractError, match=(IN_STEP | IN_RESET)[mistake]) as caught:
        contract.reset(7)
        for _ in range(6):
            contract.step(0)
    (problem,) = caught.value.problems
    assert problem.where == ID and problem.remedy and "\n" not in str(problem)
    assert problem.message.startswith(
        "its step number 2 with seed 7" if mistake in IN_STEP else "its reset with seed 7"
    )


def test_a_reset_without_seeds_is_named():
    with pytest.raises(ContractError, match="takes no seed; declare reset"):
        Contract(environments.make("snnctl-test/FaultySeedless-v0")).reset(0)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_training_and_running_name_it_too(mistake):
    choice = EnvChoice(id=ID, kwargs={"mistake": mistake})
    with pytest.raises(ContractError, match=ID):
        training = Environments(choice, 0, 1)
        for _ in range(6):
            training.step(np.zeros(1, int))
    controller = FloatController(factories.agent(ID, hidden=(4,), ticks=2))
    with pytest.raises(ContractError, match=ID):
        run_episodes(controller, ID, [0], {"mistake": mistake})


@pytest.mark.parametrize("mistake", [*MISTAKES, "close exits"])
def test_check_names_it(mistake):
    found = check.examined(EnvChoice(id=ID, kwargs={"mistake": ""}))[1]
    assert found == []
    if mistake == "close exits":
        assert check.examined(EnvChoice(id=ID, kwargs={"mistake": mistake}))[1] == []
        return
    told, (problem,) = check.examined(EnvChoice(id=ID, kwargs={"mistake": mistake}))
    assert told["observation"] and problem.where == ID and "seed 0" in problem.message


@pytest.mark.parametrize("mistake", ["exits", "leaves", "no reward", "four values", "reset exits"])
@pytest.mark.parametrize(
    "verb", [("run", "--episodes", "2"), ("evaluate", "--chip", "loihi1", "--power", "1nW", "--episodes", "2")]
)
def test_no_verb_passes_over_it(agent, mistake, verb, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = main.call([verb[0], str(broken(agent, mistake, tmp_path)), *verb[1:]])
    err = capsys.readouterr().err
    assert code == 3 and ID in err and "internal error" not in err


def test_train_names_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = main.call(["train", "cartpole-ppo", f"env.id={ID}", 'env.kwargs={mistake="exits"}', "network.hidden=[4]"])
    assert code == 3 and "SystemExit" in capsys.readouterr().err


def test_an_exit_that_reaches_the_door_is_not_taken_for_success(monkeypatch, capsys):
    monkeypatch.setattr(main, "parser", lambda verbs: lambda *_, **__: (_ for _ in ()).throw(SystemExit(0)))
    assert main.call(["list"]) == 3 and "exit(0)" in capsys.readouterr().err


def test_check_reports_every_entry(tmp_path, monkeypatch, capsys):
    names = ["nothing-of-this-name", "snnctl-test/FaultySeedless-v0", "CartPole-v1"]
    monkeypatch.chdir(tmp_path)
    assert main.call(["check", *names]) == 2
    told = capsys.readouterr()
    assert "takes no seed" in told.out and "env CartPole-v1: ok" in told.out and "nothing-of-this-name" in told.err
    monkeypatch.setattr(check, "examined", lambda choice: 1 / 0)
    assert main.call(["check", "CartPole-v1", "cartpole-ppo", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)["entries"]
    assert "ZeroDivisionError" in rows[0]["problems"][0]["message"] and len(rows) > 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1, 1.0), (True, 1.0), (np.float32(0.5), 0.5), (np.int64(-3), -3.0), (np.array(2.0), 2.0),
        (np.array([2.5]), 2.5), (np.array([[7]]), 7.0), ([0.5], 0.5), (decimal.Decimal("0.25"), 0.25),
        (np.nan, np.nan), (np.array([np.inf]), np.inf), (10**400, np.inf),
        (None, None), ("1.0", None), (b"1", None), (np.array([1.0, 2.0]), None), ([], None), ({}, None),
        (1j, None), (np.array(["1"]), None), ([[1.0], [2.0, 3.0]], None), (np.array([None]), None),
    ],
)  # fmt: skip
def test_a_reward_is_a_number_or_one_element(given, expected):
    found = number(given)
    assert (found is None) == (expected is None)
    if expected is not None:
        assert isinstance(found, float) and np.array_equal(found, expected, equal_nan=True)


def test_an_array_that_the_environment_uses_again_does_not_change_what_was_observed():
    class Reusing(Faulty):
        def step(self, action: Any) -> Any:
            self.state = getattr(self, "state", np.zeros(2, np.float32))
            self.state += 0.125
            return self.state, 0.0, False, False, {}

    contract = Contract(Reusing())
    contract.reset(0)
    before = contract.step(0).observation
    contract.step(0)
    assert before.tolist() == [0.125, 0.125]
    closed(Reusing("close exits"))
