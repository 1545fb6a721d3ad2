"""A robot seen by an event camera: the wrapper on a drawn toy without OpenGL, and MuJoCo's pictures with it."""

import dataclasses

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium import spaces

from snnctl.coding import event_camera, event_frames, events
from snnctl.errors import InputError, OutputError
from snnctl.robots import environments, rendering
from snnctl.robots.event_camera import EventCameraEnv, ModelView

BALL = """
<mujoco><worldbody><light pos="0 0 3"/><geom type="plane" size="2 2 .1" rgba=".2 .2 .2 1"/>
<camera name="side" pos="0 -1.5 .5" xyaxes="1 0 0 0 0 1"/>
<body pos="0 0 .9"><freejoint/><geom type="sphere" size=".15" rgba="1 1 1 1"/></body></worldbody></mujoco>
"""


class Dot(gymnasium.Env):
    """A bright column that moves by the action; 20 ms a step."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 50}  # noqa: RUF012
    observation_space = spaces.Box(0, 16, (1,))
    action_space = spaces.Discrete(3)
    render_mode = "rgb_array"

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = 8
        return np.array([8.0], np.float32), {"mine": 1}

    def step(self, action):
        self.x = (self.x + int(action) - 1) % 16
        return np.array([self.x], np.float32), 1.5, False, False, {"mine": 2}

    def render(self):
        picture = np.full((4, 16, 3), 40, np.uint8)
        picture[:, self.x] = 200
        return picture


def test_events_follow_the_robot():
    env = EventCameraEnv(Dot(), event_camera.ideal(0.3, 0.3))
    observation, info = env.reset(seed=0)
    assert observation == 8
    assert info["mine"] == 1
    assert info["events"].size == 0
    assert env.sensor.shape == (4, 16)
    for k, (action, x) in enumerate([(2, 9), (2, 10), (0, 9)], start=1):
        observation, reward, _, _, info = env.step(action)
        assert (observation[0], reward, info["mine"]) == (x, 1.5, 2)
        seen = events.check(info["events"], (4, 16))
        off, on = event_frames.to_frame(seen, (4, 16))
        assert np.unique(np.argwhere(on)[:, 1]).tolist() == [x]
        assert np.unique(np.argwhere(off)[:, 1]).tolist() == [x + 1 - action + 0]
        assert seen["t_us"].min() > (k - 1) * 20_000
        assert seen["t_us"].max() == k * 20_000
    assert env.step(1)[4]["events"].size == 0  # nothing moved


def test_the_same_seeds_give_the_same_noise_and_resets_differ():
    camera = dataclasses.replace(event_camera.noisy(), shot_noise_hz=200.0)

    def episodes(seed, resets):
        env = EventCameraEnv(Dot(), camera, seed=seed)
        found = []
        for reset in resets:
            env.reset(seed=reset)
            found.append(np.concatenate([env.step(2)[4]["events"] for _ in range(10)]))
        return found

    first, second, third = episodes(3, [None, None, 11])
    again = episodes(3, [None, None, 11])
    assert all(np.array_equal(a, b) for a, b in zip((first, second, third), again, strict=True))
    assert not np.array_equal(first, second)
    assert not np.array_equal(episodes(4, [11])[0], third)  # another fixed pattern


def test_a_saved_state_continues_the_same():
    env = EventCameraEnv(Dot(), event_camera.noisy())
    env.reset(seed=1)
    for _ in range(5):
        env.step(2)
    saved, steps, x = env.state, env.steps, env.unwrapped.x
    expected = [env.step(2)[4]["events"] for _ in range(5)]
    env.state, env.steps, env.unwrapped.x = saved, steps, x
    for wanted in expected:
        assert np.array_equal(env.step(2)[4]["events"], wanted)


def test_misuse_is_refused():
    env = EventCameraEnv(Dot())
    with pytest.raises(InputError, match="before the first reset"):
        env.step(1)
    with pytest.raises(InputError, match="reset the environment first"):
        _ = env.sensor
    silent = Dot()
    silent.render_mode = None
    with pytest.raises(OutputError, match="rgb_array"):
        EventCameraEnv(silent).reset()
    model = mujoco.MjModel.from_xml_string(BALL)
    with pytest.raises(InputError, match="did you mean 'side'"):
        ModelView(model, mujoco.MjData(model), "sid")
    with pytest.raises(InputError, match="shape: is"):
        ModelView(model, mujoco.MjData(model), "side", (0, 64))


def test_a_machine_without_opengl_says_what_to_install(monkeypatch):
    monkeypatch.setattr(rendering, "works", lambda name: False)
    for name in ("MUJOCO_GL", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    model = mujoco.MjModel.from_xml_string(BALL)
    with pytest.raises(OutputError, match=r"cannot draw .*apt-get install libegl1"):
        ModelView(model, mujoco.MjData(model), "side")


@pytest.mark.needs_gl
def test_a_falling_ball_is_seen_falling():
    model = mujoco.MjModel.from_xml_string(BALL)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    view = ModelView(model, data, "side", (48, 48))
    eye = event_camera.sensor(event_camera.ideal(), (48, 48))
    state = event_camera.initial(eye, view(), data.time)
    rows = []
    for _ in range(12):
        mujoco.mj_step(model, data, 10)
        state, seen = event_camera.step(eye, state, view(), data.time)
        on, off = seen[seen["p"] == 1], seen[seen["p"] == 0]
        assert on["y"].mean() > off["y"].mean()  # the ball is brighter than what it covers, and comes from above
        rows.append(seen["y"].mean())
    view.close()
    assert rows[-1] > rows[0] + 3


@pytest.mark.needs_gl
def test_a_robot_of_the_library_through_its_own_camera_and_through_a_view():
    env = environments.make("balancer", render_mode="rgb_array")
    inner = env.unwrapped
    view = ModelView(inner.model, inner.data, "side", (64, 64))
    for watched, shape in ((EventCameraEnv(env), (480, 640)), (EventCameraEnv(env, view=view), (64, 64))):
        watched.reset(seed=0)
        assert watched.sensor.shape == shape
        seen = np.concatenate([watched.step(watched.action_space.high)[4]["events"] for _ in range(5)])
        events.check(seen, shape)
        assert seen.size > 20
        assert seen["t_us"].max() <= round(5e6 * inner.control_dt_s)
    # neither context disturbs the other
    large, small = env.render(), view()
    assert np.array_equal(env.render(), large)
    assert np.array_equal(view(), small)
    view.close()
    assert np.array_equal(env.render(), large)
    env.close()
