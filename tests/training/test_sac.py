from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snnctl import config
from snnctl.agent import folder
from snnctl.errors import ConfigError, DivergedError, InputError
from snnctl.training import run
from snnctl.training.algorithm import Rows, State
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe
from snnctl.training.sac import Sac
from tests.training import small_tasks

TOML = (
    small_tasks.REACH
    + """
[trainer]
kind = "sac"
total_steps = 2000
report_every = 100
start_steps = 200
batch = 32
lr = 3e-3
critic_lr = 3e-3
gamma = 0.5
actor_every = 2
std_hidden = [16]
replay_capacity = 250
[trainer.critic]
kind = "layer_norm"
hidden = [32]
bins = 21
"""
)
BATCH_NORM = ("trainer.critic.kind=batch_norm",)
RELU = ('trainer.critic={kind="relu",hidden=[32]}',)
DENSE = ('network={kind="dense",hidden=[16]}', 'encoder={kind="analog"}', 'decoder={kind="analog"}')


def recipe(*overrides: str) -> Recipe:
    return config.resolve(Recipe, config.parse_toml(TOML, "small.toml"), "small.toml", overrides)


def make(*overrides: str, workers: int = 1, seed: int = 5) -> Sac:
    algorithm = build(opened(recipe(*overrides)), seed, workers)
    assert isinstance(algorithm, Sac)
    return algorithm


def digest(sac: Sac) -> str:
    state = sac.state()
    tensors = dict(state.arrays) | {f"agent.{k}": v for k, v in sac.agent().tensors.items()}
    return folder.digest(tensors | {"ring": state.rows["replay"].ring})


def train(sac: Sac, reports: int) -> str:
    for _ in range(reports):
        sac.update()
    result = digest(sac)
    sac.close()
    return result


def kept(state: State) -> State:
    """The state as a file of all rows would give it back."""
    total, ring = state.rows["replay"]
    whole = np.zeros((total, ring.shape[1]), ring.dtype)
    numbers = np.arange(max(0, total - len(ring)), total)
    whole[numbers] = ring[numbers % len(ring)]
    return State(state.arrays, state.values, {"replay": Rows(total, whole)})


@pytest.mark.needs_compiler
@pytest.mark.parametrize(
    "overrides", [(), BATCH_NORM, RELU, DENSE], ids=["layer_norm", "batch_norm", "relu", "dense actor"]
)
def test_learns_a_trivial_task(overrides: tuple[str, ...]) -> None:
    sac = make("trainer.replay_capacity=10000", *overrides)
    while sac.steps < sac.total_steps:
        report = sac.update()
        if sac.steps == 200:
            first = report.mean_return
    assert first is not None and first < 8.0
    recent = np.array(sac.rollouts.recent)[-20:, 0].mean()
    assert recent > 13.0  # of 20; guessing gives 5, and exploration costs some
    assert {"loss/critic", "loss/actor", "policy/alpha", "policy/entropy", "rollout/ep_rew_mean"} <= set(report.metrics)
    assert set(report.metrics) <= set(sac.config.METRICS)
    sac.close()


@pytest.mark.parametrize("overrides", [(), BATCH_NORM], ids=["layer_norm", "batch_norm"])
def test_one_and_two_workers_give_the_same_bits(overrides: tuple[str, ...]) -> None:
    assert train(make(*overrides), 4) == train(make(*overrides, workers=2), 4)


def test_seeds_differ_and_repeat() -> None:
    assert train(make(seed=1), 3) == train(make(seed=1), 3) != train(make(seed=2), 3)


def test_another_process_gives_the_same_bits() -> None:
    code = "from tests.training.test_sac import make, train; print(train(make(), 4))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == train(make(), 4)


@pytest.mark.parametrize("overrides", [(), BATCH_NORM, RELU, DENSE], ids=["layer_norm", "batch_norm", "relu", "dense"])
def test_restoring_at_any_report_continues_bit_for_bit(overrides: tuple[str, ...]) -> None:
    reports = 6  # the ring of 250 transitions is full after the second
    whole = make(*overrides)
    states: dict[int, State] = {}
    for k in range(reports):
        if k in {1, 3, reports - 1}:
            states[k] = kept(whole.state())
        last = whole.update()
    for k, state in states.items():
        resumed = make(*overrides, workers=2)
        resumed.update()  # whatever it held before is replaced
        resumed.restore(state)
        assert resumed.steps == k * 100
        for _ in range(reports - k):
            report = resumed.update()
        assert report == last and digest(resumed) == digest(whole)
        resumed.close()
    whole.close()


def test_the_last_line_ends_at_the_planned_end_with_the_last_learning_rate() -> None:
    sac = make("trainer.total_steps=250", "trainer.lr=1e-3")
    reports = [sac.update() for _ in range(3)]
    assert [report.steps for report in reports] == [100, 200, 250]
    assert reports[-1].metrics["train/lr"] == pytest.approx(1e-4)
    sac.close()


def test_time_that_runs_out_is_not_an_end_but_ends_the_return() -> None:
    sac = make("trainer.report_every=20", "trainer.start_steps=1000")
    sac.update()
    rows = sac.ring[:20]
    assert rows[:, 3].max() == 0 and sac.returns.numbers[4] == 0
    np.testing.assert_array_equal(rows[1:, 0], rows[:-1, 4])  # what follows is what is acted on next
    ending = make('env={id="snnctl-test/Reach-v0",kwargs={ends=true}}', "trainer.report_every=20")
    ending.update()
    np.testing.assert_array_equal(np.flatnonzero(ending.ring[:20, 3]), [4, 9, 14, 19])
    for made in (sac, ending):
        made.close()


def test_actions_are_uniform_before_the_start_and_nothing_is_learnt() -> None:
    sac = make("trainer.start_steps=1000", "trainer.report_every=999")
    before = sac.mean.flat.copy(), sac.critics.online.flat.copy()
    report = sac.update()
    assert "loss/critic" not in report.metrics and "snn/rate_hz" not in report.metrics
    np.testing.assert_array_equal(sac.mean.flat, before[0])
    np.testing.assert_array_equal(sac.critics.online.flat, before[1])
    assert abs(sac.ring[:, 1].mean()) < 0.1 and sac.ring[:, 1].std() == pytest.approx(3**-0.5, abs=0.05)
    sac.close()


def test_the_temperature_moves_the_entropy_to_its_target() -> None:
    found = {}
    for target in (0.3, -1.5):
        sac = make(f"trainer.target_entropy={target}", "trainer.alpha=0.1", "trainer.gamma=0.0")
        for _ in range(10):
            report = sac.update()
        found[target] = report.metrics["policy/entropy"], report.metrics["policy/alpha"]
        sac.close()
    assert found[0.3][0] > found[-1.5][0] + 0.3 and found[0.3][1] > found[-1.5][1]
    assert make().target_entropy == -0.5


def test_the_agent_is_complete_and_acts_by_the_mean(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from snnctl.agent.float_controller import FloatController

    sac = make()
    for _ in range(5):
        sac.update()
    folder.save(sac.agent(), tmp_path / "agent")
    loaded = folder.load(tmp_path / "agent")
    assert not any("std" in name and "normaliser" not in name for name in loaded.tensors)
    controller = FloatController(loaded)
    controller.reset(0)
    observations = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    key = np.zeros(1, np.uint64)
    z = [sac._acting.forward(sac.mean.tensors, sac._normalise(o[None]), key)[0].copy() for o in observations]
    driven = np.array([controller.act(o) for o in observations])
    differing = np.abs(driven - sac.rollouts.to_environment(np.tanh(np.array(z, np.float64)))).max(axis=1) > 1e-5
    assert differing.mean() <= 0.02  # decisions with a spike that sat on its threshold
    sac.close()


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_weight_that_is_not_finite_is_named() -> None:
    sac = make("trainer.start_steps=1")
    sac.critics.online.tensors["1.layer.0.weight"][0, 0] = np.nan
    with pytest.raises(DivergedError, match=r"critic\.\d\.layer"):
        sac.update()
    sac.close()


def test_everything_that_it_cannot_train_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match="workers"):
        make(workers=0)
    with pytest.raises(ConfigError) as caught:
        make("env.id=snnctl-test/Choice-v0", "decoder.kind=choice", "encoder.spikes=latency")
    told = {problem.where: str(problem) for problem in caught.value.problems}
    assert {"small:trainer.kind", "small:encoder.kind"} <= set(told)
    with pytest.raises(ConfigError, match=r"trainer\.critic\.kind"):
        recipe("trainer.critic.kind=resnet")


SAME_FILES = ("metrics.jsonl", "eval.json", "checkpoints/last/state.safetensors", "checkpoints/replay.rows")


def hashes(result: Path) -> dict[str, str]:
    return {name: hashlib.sha256((result / name).read_bytes()).hexdigest() for name in SAME_FILES}


def attempt(base: Path) -> None:
    """Start the run ``base/small/k-seed0``, or continue it where it can be continued."""
    target = base / "small" / "k-seed0"
    made = recipe(
        "trainer.total_steps=600", "trainer.report_every=20", "evaluation.every_steps=150", "evaluation.episodes=1"
    )
    run.train(made, 0, base, name="k", resume=target if (target / "recipe.toml").exists() else None, save_every_s=0.0)


@pytest.mark.needs_compiler
def test_kill_9_at_random_moments_then_resume_equals_an_uninterrupted_run(tmp_path: Path) -> None:
    attempt(tmp_path / "whole")
    base, chance, killed = tmp_path / "killed", random.Random(3), 0
    for _ in range(6):
        child = multiprocessing.get_context("fork").Process(target=attempt, args=(base,))
        child.start()
        child.join(chance.uniform(0.05, 0.6))
        child.kill()  # nothing where it has just ended
        child.join()
        killed += child.exitcode == -signal.SIGKILL
    assert killed >= 3
    attempt(base)
    assert hashes(base / "small" / "k-seed0") == hashes(tmp_path / "whole" / "small" / "k-seed0")


@pytest.mark.needs_compiler
def test_a_run_whose_rows_are_shorter_than_its_checkpoint_is_refused(tmp_path: Path) -> None:
    attempt(tmp_path)
    rows = tmp_path / "small" / "k-seed0" / "checkpoints" / "replay.rows"
    os.truncate(rows, rows.stat().st_size - 1)
    with pytest.raises(InputError, match=r"replay\.rows"):
        attempt(tmp_path)
