"""The bundled balancer falls by itself, can be balanced through the shoves, and is a sound Gymnasium environment."""

import os
import pickle
import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from snnctl.robots import environments, rendering
from snnctl.robots.divergence import Watch

# Linear-quadratic regulator on pitch (rad), pitch rate, mean wheel angle and mean wheel speed.
GAINS = np.array([-3.624, -0.5636, -0.04807, -0.0872])


def regulate(observation):
    pitch, pitch_rate, _, left, right, left_speed, right_speed = observation / [4.0, 0.5, 0.5, 0.2, 0.2, 0.1, 0.1]
    forward = -GAINS @ [pitch, pitch_rate, (left + right) / 2, (left_speed + right_speed) / 2]
    turn = 0.06 * (left - right) + 0.01 * (left_speed - right_speed)
    return np.array([forward - turn, forward + turn])


def episode(env, seed, controller):
    """Return, steps, largest pitch in degrees and the names of what ended it."""
    observation, _ = env.reset(seed=seed)
    watch = Watch(env)
    watch.start()
    total, steps, pitch = 0.0, 0, 0.0
    while True:
        action = controller(observation)
        observation, reward, terminated, truncated, info = env.step(action)
        assert watch.reason(observation, reward) is None
        total, steps, pitch = total + reward, steps + 1, max(pitch, abs(observation[0]) / 4)
        if terminated or truncated:
            return total, steps, np.degrees(pitch), info.get("termination")


@pytest.fixture(scope="module")
def balancer():
    env = environments.make("balancer")
    yield env
    env.close()


def test_without_action_it_falls_within_two_seconds(balancer):
    for seed in range(100):
        _, steps, _, why = episode(balancer, seed, lambda _: np.zeros(2))
        assert steps * 0.02 < 2.0 and why == "fell", seed


def test_a_linear_controller_stands_twenty_seconds_through_shoves_that_matter(balancer):
    for seed in range(8):
        total, steps, pitch, why = episode(balancer, seed, regulate)
        assert steps == 1000 and why is None and total > 980, seed
        assert 4 < pitch < 15  # several degrees, and recoverable


def test_the_shoves_are_what_task_toml_declares(balancer):
    observation, _ = balancer.reset(seed=3)
    data = balancer.unwrapped.data
    impulse = []
    for _ in range(1000):
        observation, *_ = balancer.step(regulate(observation))
        impulse.append(data.xfrc_applied[1].copy() * 0.02)
    impulse = np.array(impulse)  # (steps, 6) N s
    assert not impulse[:, 1:].any()
    on = np.flatnonzero(impulse[:, 0])
    assert on.tolist() == [k + j for k in range(50, 1000, 100) for j in (0, 1)]
    sums = impulse[on, 0].reshape(-1, 2).sum(axis=1)
    np.testing.assert_allclose(sums, [0.25, -0.25] * 5, rtol=1e-12)
    balancer.reset(seed=3)
    assert not data.xfrc_applied.any()


def test_gymnasium_s_checker_passes_without_warnings_for_both_names():
    for name in ("snnctl.robots:snnctl/Balancer-v0", "snnctl/Balancer-v0"):
        env = gymnasium.make(name)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(env.unwrapped, skip_render_check=True)
        env.close()


def test_the_id_works_in_a_process_that_never_heard_of_snnctl(tmp_path):
    code = "import gymnasium; e = gymnasium.make('snnctl.robots:snnctl/Balancer-v0'); print(e.reset(seed=0)[0].shape)"
    environment = {k: v for k, v in os.environ.items() if k != "SNNCTL_PATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "(7,)", done.stderr


def test_same_seed_and_actions_give_the_same_bits_in_two_environments(balancer):
    other = environments.make("snnctl/Balancer-v0")
    generator = np.random.default_rng(0)
    for seed in range(3):
        a, b = balancer.reset(seed=seed)[0], other.reset(seed=seed)[0]
        assert a.tobytes() == b.tobytes()
        for _ in range(120):
            action = regulate(a) + 0.1 * generator.standard_normal(2)
            first, second = balancer.step(action), other.step(action)
            a = first[0]
            assert a.tobytes() == second[0].tobytes() and first[1:] == second[1:]
            if first[2]:
                break


def test_reward_terms_are_reported_and_multiply_to_the_reward(balancer):
    observation, _ = balancer.reset(seed=0)
    for _ in range(60):
        observation, reward, _, _, info = balancer.step(regulate(observation))
        product = info["reward/upright"] * info["reward/near_start"] * info["reward/heading"]
        assert reward == product and 0 <= reward <= 1


def test_the_watch_sees_a_nan_action(balancer):
    balancer.reset(seed=0)
    watch = Watch(balancer)
    watch.start()
    observation, reward, *_ = balancer.step(np.array([np.nan, 0.0]))
    assert np.isfinite(observation).all()
    assert "mjWARN_BADCTRL" in watch.reason(observation, reward)


def test_it_can_be_drawn_or_says_which_package_is_missing():
    env = environments.make("balancer", render_mode="rgb_array")
    env.reset(seed=0)
    if any(rendering.works(name) for name in rendering.CANDIDATES):
        picture = rendering.frame(env)
        assert picture.shape == (480, 640, 3) and picture.dtype == np.uint8
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100  # a scene, not a blank
    env.close()


def test_an_environment_can_be_pickled_and_refuses_actions_of_another_shape(balancer):
    copy = pickle.loads(pickle.dumps(balancer.unwrapped))
    assert copy.reset(seed=5)[0].tobytes() == balancer.unwrapped.reset(seed=5)[0].tobytes()
    with pytest.raises(ValueError, match="shape"):
        copy.step(np.zeros(1))
