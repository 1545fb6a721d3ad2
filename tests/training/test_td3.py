"""TD3: its targets and gradients against plain numpy, its target actors, resuming, and a task that it learns."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snnctl import config, streams
from snnctl.agent import folder
from snnctl.agent.float_controller import FloatController
from snnctl.errors import ConfigError, DivergedError
from snnctl.training import run
from snnctl.training.actor import Tally
from snnctl.training.algorithm import Rows, State
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe
from snnctl.training.td3 import Td3
from tests.training import small_tasks

TOML = (
    small_tasks.REACH
    + """
[trainer]
kind = "td3"
total_steps = 1200
report_every = 100
start_steps = 200
batch = 32
lr = 3e-3
critic_lr = 3e-3
gamma = 0.5
exploration_noise = 0.1
replay_capacity = 250
[trainer.critic]
kind = "relu"
hidden = [32]
[trainer.target_actor]
kind = "proxy"
hidden = [16]
lr = 3e-3
updates = 2
"""
)
POLYAK = ('trainer.target_actor={kind="polyak",tau=0.05}',)
BATCH_NORM = ('trainer.critic={kind="batch_norm",hidden=[32],bins=21}',)
DENSE = ('network={kind="dense",hidden=[16]}', 'encoder={kind="analog"}', 'decoder={kind="analog"}')
FORMS = [(), POLYAK, BATCH_NORM, (*DENSE, *POLYAK)]
NAMES = ["proxy", "polyak", "batch_norm", "dense actor"]

Array = NDArray[Any]


def recipe(*overrides: str) -> Recipe:
    return config.resolve(Recipe, config.parse_toml(TOML, "small.toml"), "small.toml", overrides)


def make(*overrides: str, workers: int = 1, seed: int = 5) -> Td3:
    algorithm = build(opened(recipe(*overrides)), seed, workers)
    assert isinstance(algorithm, Td3)
    return algorithm


def filled(*overrides: str) -> Td3:
    """With a memory, and nothing learnt."""
    td3 = make("trainer.start_steps=301", "trainer.report_every=150", *overrides)
    td3.update()
    td3.update()
    return td3


def digest(td3: Td3) -> str:
    state = td3.state()
    tensors = dict(state.arrays) | {f"agent.{k}": v for k, v in td3.agent().tensors.items()}
    return folder.digest(tensors | {"ring": state.rows["replay"].ring})


def kept(state: State) -> State:
    """The state as a file of all rows would give it back."""
    total, ring = state.rows["replay"]
    whole = np.zeros((total, ring.shape[1]), ring.dtype)
    numbers = np.arange(max(0, total - len(ring)), total)
    whole[numbers] = ring[numbers % len(ring)]
    return State(state.arrays, state.values, {"replay": Rows(total, whole)})


def generators() -> tuple[np.random.Generator, np.random.Generator]:
    return streams.generator(1, "replay"), streams.generator(1, "batches")


# --------------------------------------------------------------------------- plain numpy, float64


def layers(tensors: dict[str, Array]) -> list[Array]:
    """Weights (n_in, n_out) and biases (n_out,) of dense layers, in order."""
    return [tensor.astype(float) for name, tensor in tensors.items() if name.startswith("dense.")]


def judge(tensors: dict[str, Array], critic: int, x: Array, a: Array) -> Array:
    """Q (batch,) of a ReLU critic of one hidden layer."""
    first, offset, last, bias = (
        tensors[f"{critic}.layer.{name}"].astype(float) for name in ("0.weight", "0.offset", "1.weight", "1.bias")
    )
    hidden = np.maximum(np.concatenate([x, a], axis=1) @ first.T + offset, 0)
    return (hidden @ last.T + bias)[:, 0]


def acted(weights: list[Array], x: Array) -> Array:
    """Actions (batch, 1) of dense ReLU layers, weights and biases in order."""
    *hidden, weight, bias = weights
    for w, b in zip(hidden[::2], hidden[1::2], strict=True):
        x = np.maximum(x @ w + b, 0)
    return np.tanh(x @ weight + bias)


def rows_of(td3: Td3, drawing: np.random.Generator) -> tuple[Array, ...]:
    """The columns of the next batch, observations normalised: x, a, r, ended, x'."""
    ring = td3.ring.astype(float)
    rows = ring[drawing.integers(min(td3.steps, len(ring)), size=td3.config.batch)]
    clip = td3.description.normaliser.clip

    def seen(o: Array) -> Array:
        return np.clip((o - td3.frozen.mean) / td3.frozen.std(), -clip, clip)

    return seen(rows[:, :1]), rows[:, 1:2], rows[:, 2], rows[:, 3], seen(rows[:, 4:])


def require_differences(gradients: list[Array], weights: list[Array], loss: Callable[[list[Array]], float]) -> None:
    """Gradients are the central differences of the loss of two dense layers."""
    for number, gradient in enumerate(gradients):
        for place in np.ndindex(gradient.shape):
            above, below = ([array.copy() for array in weights] for _ in range(2))
            above[number][place] += 1e-6
            below[number][place] -= 1e-6
            assert gradient[place] == pytest.approx((loss(above) - loss(below)) / 2e-6, rel=1e-3, abs=1e-6)
    assert max(np.abs(gradient).max() for gradient in gradients) > 1e-3


@pytest.mark.parametrize("target", [POLYAK, ('trainer.target_actor={kind="proxy",hidden=[7,6],updates=2}',)])
@pytest.mark.parametrize("scaled", [False, True])
def test_the_target_of_the_critics_is_that_of_plain_numpy(
    target: tuple[str, ...], scaled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise_keys = ("trainer.target_noise=0.4", "trainer.target_noise_clip=0.3")
    ending = 'env={id="snnctl-test/Reach-v0",kwargs={ends=true}}'
    td3 = filled(*DENSE, *target, *noise_keys, ending, f"trainer.scale_rewards={str(scaled).lower()}")
    td3.target.follow(1.5 * td3.mean.flat)  # a target that is not the actor
    drawing, noise = generators()
    given, learn, target_critics = {}, td3.critics.learn, td3.critics.target.flat.copy()

    def spied(*args: Any) -> Any:
        given.update(zip(("x", "a", "reward", "discount", "next_x", "next_a", "bonus", "lr"), args, strict=True))
        return learn(*args)

    monkeypatch.setattr(td3.critics, "learn", spied)
    td3._update_critics(drawing, noise, np.zeros(3))

    drawing, noise = generators()
    for _ in range(td3.target.imitations):
        rows_of(td3, drawing)
        noise.integers(0, 2**64, size=32, dtype=np.uint64)
    x, a, reward, ended, next_x = rows_of(td3, drawing)
    noise.integers(0, 2**64, size=32, dtype=np.uint64)
    smoothing = np.clip(0.4 * noise.standard_normal((32, 1)), -0.3, 0.3)
    next_a = np.clip(acted(layers(td3.target.tensors), next_x) + smoothing, -1, 1)
    reward = reward / td3.returns.scale if scaled else reward
    discount = 0.5 * (1 - ended)
    expected = {"x": x, "a": a, "reward": reward, "discount": discount, "next_x": next_x, "next_a": next_a}
    for name, array in expected.items():
        np.testing.assert_allclose(given[name], array, rtol=1e-4, atol=1e-5, err_msg=name)
    assert not given["bonus"].any() and ended.any() and (np.abs(smoothing) == 0.3).any()

    td3.critics.target.flat[:] = target_critics
    smaller = np.minimum(*(judge(td3.critics.target.tensors, i, next_x, next_a) for i in (0, 1)))
    np.testing.assert_allclose(td3.critics._y[:, 0], reward + discount * smaller, rtol=1e-4, atol=1e-5)
    td3.close()


def test_the_gradient_of_the_actor_is_that_of_the_first_critic() -> None:
    td3 = filled(*DENSE, *POLYAK)
    td3.critics.online.tensors["0.layer.1.bias"][:] = 9.0  # the second is the smaller one everywhere
    _, noise = generators()
    x = np.random.default_rng(0).uniform(-1, 1, (32, 1)).astype(np.float32)
    weights = layers(td3.mean.tensors)
    sums = np.zeros(2)
    td3._update_actor(x, noise, sums)

    def loss(w: list[Array]) -> float:
        return -float(judge(td3.critics.online.tensors, 0, x, acted(w, x)).mean())

    assert sums[1] == pytest.approx(-loss(weights), rel=1e-5)
    require_differences(layers(td3.mean.gradients), weights, loss)
    td3.close()


# --------------------------------------------------------------------------- schedule and target actors


def test_the_actor_is_updated_in_every_other_update_and_its_polyak_target_follows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    td3 = make("trainer.start_steps=1000", "trainer.report_every=999", "trainer.total_steps=1010", *POLYAK)
    td3.update()
    before, target = td3.mean.flat.copy(), td3.target.arrays()["target"].copy()
    np.testing.assert_array_equal(before, target)
    updated, moved = td3._update_actor, []

    def counted(*args: Any) -> None:
        moved.append(int(td3.critics.moments.steps[0]))
        updated(*args)

    monkeypatch.setattr(td3, "_update_actor", counted)
    td3.update()
    assert moved == [1, 3, 5, 7, 9, 11]
    assert int(td3.critics.moments.steps[0]) == 11 and int(td3.mean.moments.steps[0]) == 6
    following = td3.target.arrays()["target"]
    assert 0 < np.abs(following - before).sum() < 0.3 * np.abs(td3.mean.flat - before).sum()
    td3.close()


def test_a_polyak_target_takes_the_share_tau_of_the_way() -> None:
    td3 = filled('trainer.target_actor={kind="polyak",tau=0.25}')
    before = td3.mean.flat.copy()
    _, noise = generators()
    td3._update_actor(np.zeros((32, 1), np.float32), noise, np.zeros(2))
    np.testing.assert_allclose(td3.target.arrays()["target"], before + 0.25 * (td3.mean.flat - before), atol=1e-7)
    td3.close()


def test_the_proxy_comes_to_imitate_an_actor_that_stays() -> None:
    td3 = filled('trainer.target_actor={kind="proxy",hidden=[32],lr=1e-2,updates=1}')
    x = np.linspace(-1.7, 1.7, 32, dtype=np.float32)[:, None]
    _, noise = generators()
    td3.mean.tensors["decoder.weight"][:] *= 4  # actions that differ
    a = td3._actions(x, noise)
    losses = []
    for _ in range(300):
        td3.target.imitate(x, a, 1.0)
        losses.append(td3.target.metrics()["loss/proxy"])
    assert losses[0] > 0.05 and losses[-1] < 0.1 * losses[0]
    assert losses[-1] == pytest.approx(
        float(np.mean((td3.target.actions(x, np.zeros(32, np.uint64)) - a) ** 2)), rel=0.2
    )
    td3.close()


def test_the_gradient_of_imitation_equals_central_differences() -> None:
    td3 = filled('trainer.target_actor={kind="proxy",hidden=[5],updates=1}')
    x = np.random.default_rng(0).uniform(-1, 1, (32, 1)).astype(np.float32)
    a = np.random.default_rng(1).uniform(-1, 1, (32, 1)).astype(np.float32)
    td3.target.tensors["dense.1.weight"][:] *= 20  # actions near their limits, where tanh bends
    weights = layers(td3.target.tensors)
    td3.target.imitate(x, a, 0.0)  # no step

    def loss(w: list[Array]) -> float:
        return float(np.mean((acted(w, x) - a) ** 2))

    require_differences(layers(td3.target.trained.gradients), weights, loss)  # type: ignore[attr-defined]
    td3.close()


def test_exploration_is_noise_on_the_actions_and_uniform_before_the_start() -> None:
    td3 = make("trainer.start_steps=400", "trainer.report_every=400", "trainer.exploration_noise=0.2")
    td3.update()
    guessed = td3.ring[:250, 1]
    assert abs(guessed.mean()) < 0.15 and guessed.std() == pytest.approx(3**-0.5, abs=0.06)
    td3.mean.tensors["decoder.weight"][:] = 0
    td3.mean.tensors["decoder.bias"][:] = np.arctanh(0.4)
    chance = np.random.default_rng(0)
    tally = Tally(td3._acting, td3.policy.decision_s)
    drawn = np.array([td3._explore(np.zeros(1), chance, tally) for _ in range(400)])
    assert drawn.mean() == pytest.approx(0.4, abs=0.04) and drawn.std() == pytest.approx(0.2, abs=0.03)
    td3.mean.tensors["decoder.bias"][:] = 3.0
    assert max(td3._explore(np.zeros(1), chance, tally)[0] for _ in range(50)) == 1.0
    td3.close()


# --------------------------------------------------------------------------- contracts of a trainer


@pytest.mark.needs_compiler
@pytest.mark.parametrize("overrides", FORMS, ids=NAMES)
def test_learns_a_trivial_task(overrides: tuple[str, ...]) -> None:
    td3 = make("trainer.replay_capacity=10000", *overrides)
    while td3.steps < td3.total_steps:
        report = td3.update()
        if td3.steps == 200:
            first = report.mean_return
    assert first is not None and first < 8.0
    recent = np.array(td3.rollouts.recent)[-20:, 0].mean()
    assert recent > 13.0  # of 20; guessing gives 5, and exploration costs some
    assert {"loss/critic", "critic/q", "rollout/ep_rew_mean"} <= set(report.metrics)
    assert ("loss/proxy" in report.metrics) == (td3.target.imitations > 0)
    assert set(report.metrics) <= set(td3.config.METRICS)
    td3.close()


@pytest.mark.parametrize("overrides", [(), BATCH_NORM], ids=["relu", "batch_norm"])
def test_one_and_two_workers_give_the_same_bits(overrides: tuple[str, ...]) -> None:
    found = set()
    for workers in (1, 2):
        td3 = make(*overrides, workers=workers)
        for _ in range(4):
            td3.update()
        found.add(digest(td3))
        td3.close()
    assert len(found) == 1


@pytest.mark.parametrize("overrides", FORMS, ids=NAMES)
def test_restoring_at_any_report_continues_bit_for_bit(overrides: tuple[str, ...]) -> None:
    reports = 5  # the ring of 250 transitions is full after the second
    whole = make(*overrides)
    states: dict[int, State] = {}
    for k in range(reports):
        if k in {1, 3}:
            states[k] = kept(whole.state())
        last = whole.update()
    for k, state in states.items():
        resumed = make(*overrides, seed=5)
        resumed.update()  # whatever it held before is replaced
        resumed.restore(state)
        for _ in range(reports - k):
            report = resumed.update()
        assert report == last and digest(resumed) == digest(whole)
        resumed.close()
    whole.close()


def test_the_agent_is_complete_and_acts_by_the_mean(tmp_path: Path) -> None:
    td3 = make()
    for _ in range(4):
        td3.update()
    folder.save(td3.agent(), tmp_path / "agent")
    loaded = folder.load(tmp_path / "agent")
    assert not any(name.startswith(("dense", "target")) for name in loaded.tensors)  # the proxy stays behind
    controller = FloatController(loaded)
    controller.reset(0)
    observations = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    key = np.zeros(1, np.uint64)
    z = [td3._acting.forward(td3.mean.tensors, td3._normalise(o[None]), key)[0].copy() for o in observations]
    driven = np.array([controller.act(o) for o in observations])
    differing = np.abs(driven - td3.rollouts.to_environment(np.tanh(np.array(z, np.float64)))).max(axis=1) > 1e-5
    assert differing.mean() <= 0.02  # decisions with a spike that sat on its threshold
    td3.close()


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_weight_of_the_proxy_that_is_not_finite_is_named() -> None:
    td3 = make("trainer.start_steps=1")
    td3.target.tensors["dense.0.weight"][0, 0] = np.nan
    with pytest.raises(DivergedError, match=r"critic\.|target\."):
        td3.update()
    td3.close()


def test_everything_that_it_cannot_train_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        make("env.id=snnctl-test/Choice-v0", "decoder.kind=choice", "encoder.spikes=latency")
    told = {problem.where: str(problem) for problem in caught.value.problems}
    assert "'td3'" in told["small:trainer.kind"] and "small:encoder.kind" in told
    with pytest.raises(ConfigError, match=r"trainer\.target_actor.*'proxi'.*proxy"):
        recipe('trainer.target_actor={kind="proxi"}')
    with pytest.raises(ConfigError, match=r"trainer\.target_actor\.tau"):
        recipe('trainer.target_actor={kind="proxy",tau=0.1}')


SAME_FILES = ("metrics.jsonl", "eval.json", "checkpoints/last/state.safetensors", "checkpoints/replay.rows")


def hashes(result: Path) -> dict[str, str]:
    return {name: hashlib.sha256((result / name).read_bytes()).hexdigest() for name in SAME_FILES}


def attempt(base: Path) -> None:
    """Start the run ``base/small/k-seed0``, or continue it where it can be continued."""
    target = base / "small" / "k-seed0"
    if target.exists() and not (target / "recipe.toml").exists():
        shutil.rmtree(target)  # killed before it was a run
    made = recipe("trainer.total_steps=600", "trainer.report_every=20", "evaluation.episodes=1")
    run.train(made, 0, base, name="k", resume=target if target.exists() else None, save_every_s=0.0)


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
