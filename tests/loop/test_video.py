from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from PIL import Image, ImageSequence

from snnctl.errors import MissingExtraError, OutputError
from snnctl.loop import closed_loop, video
from snnctl.loop.video import Video


class Drawn(gym.Env[Any, Any]):
    """Eleven steps; a square that moves one place a step. No OpenGL needed."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
    render_mode = "rgb_array"

    def __init__(self, dt: float, noise: bool = False) -> None:
        self.observation_space = gym.spaces.Box(-1.0, 1.0, (4,), np.float64)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.dt, self._noise = dt, noise

    def reset(self, **_: Any) -> Any:
        self._k = 0
        return np.zeros(4), {}

    def step(self, action: Any) -> Any:
        self._k += 1
        return np.zeros(4), 1.0, self._k == 11, False, {}

    def render(self) -> Any:
        picture = np.full((120, 160, 3), 240, np.uint8)
        if self._noise:
            picture[:] = np.random.default_rng(self._k).integers(0, 255, picture.shape)
        picture[40:60, 10 * self._k : 10 * self._k + 10] = (200, 30, 30)
        return picture


def film(path: Path, controller: Any, env: Any, **options: Any) -> list[tuple[Any, int]]:
    taken = Video(path, **options)
    closed_loop.run_episode(controller, env, 0, taken)
    assert taken.close() == path.stat().st_size
    with Image.open(path) as image:
        return [(frame.convert("RGB"), frame.info["duration"]) for frame in ImageSequence.Iterator(image)]


@pytest.mark.parametrize("name", ["e.gif", "e.webp"])
def test_one_frame_a_step_lasting_as_long_as_the_step(tmp_path: Path, pendulum: Any, name: str) -> None:
    frames = film(tmp_path / name, pendulum(), Drawn(0.04))
    assert len(frames) == 12  # 11 steps and the start
    assert [ms for _, ms in frames[:-1]] == [40] * 11
    assert frames[-1][1] == 1000 * video.HOLD_S
    assert frames[0][0].size == (160, 120)


@pytest.mark.parametrize("name", ["e.gif", "e.webp"])
def test_frames_are_the_environments_pictures(tmp_path: Path, pendulum: Any, name: str) -> None:
    for k, (frame, _) in enumerate(film(tmp_path / name, pendulum(), Drawn(0.04))):
        red, green, _ = frame.getpixel((10 * k + 5, 50))
        assert red > 150
        assert green < 90


@pytest.mark.parametrize("dt", [0.008, 0.02, 0.033, 0.05])
def test_a_video_lasts_as_long_as_its_episode(tmp_path: Path, pendulum: Any, dt: float) -> None:
    frames = film(tmp_path / "e.gif", pendulum(), Drawn(dt))
    assert sum(ms for _, ms in frames) == pytest.approx(1000 * (11 * dt + video.HOLD_S), abs=10)
    assert all(ms >= 20 for _, ms in frames)  # shorter ones are slowed down by browsers


def test_rounding_does_not_add_up() -> None:
    assert sum(video._whole([0.033] * 100, 0.01)) == 3300


def test_the_size_limit_holds(tmp_path: Path, pendulum: Any) -> None:
    frames = film(tmp_path / "e.gif", pendulum(), Drawn(0.04, noise=True), max_bytes=100_000)
    assert (tmp_path / "e.gif").stat().st_size <= 100_000
    assert sum(ms for _, ms in frames) == pytest.approx(440 + 600, abs=10)  # smaller, not shorter


def test_several_episodes_follow_each_other(tmp_path: Path, pendulum: Any) -> None:
    taken, env = Video(tmp_path / "e.gif"), Drawn(0.04)
    closed_loop.run_episode(pendulum(), env, 0, taken)
    closed_loop.run_episode(pendulum(), env, 1, taken)
    taken.close()
    with Image.open(tmp_path / "e.gif") as image:
        assert image.n_frames == 24


def test_a_long_video_is_cut(tmp_path: Path, pendulum: Any) -> None:
    frames = film(tmp_path / "e.webp", pendulum(), Drawn(20.0))
    assert sum(ms for _, ms in frames) <= 1000 * (video.MAX_SECONDS + 20)


@pytest.mark.needs_gl
def test_a_mujoco_robot_is_filmed_without_a_screen(tmp_path: Path, pendulum: Any) -> None:
    taken = Video(tmp_path / "e.gif")
    closed_loop.run_episodes(pendulum(), "InvertedPendulum-v5", [0], {"render_mode": "rgb_array"}, taken, max_steps=5)
    taken.close()
    with Image.open(tmp_path / "e.gif") as image:
        assert image.n_frames == 6
        assert image.width == video.MAX_WIDTH_PX
        assert len(np.unique(np.asarray(image.convert("L")))) > 10


def test_targets_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.gif or \.webp"):
        Video(tmp_path / "e.mp4")
    (tmp_path / "d.gif").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        Video(tmp_path / "d.gif")


def test_what_cannot_be_drawn_says_what_to_install(tmp_path: Path, pendulum: Any) -> None:
    env = Drawn(0.04)

    def absent() -> Any:
        raise gym.error.DependencyNotInstalled("pygame is not installed, run `pip install x`")

    env.render = absent  # type: ignore[method-assign]
    with pytest.raises(MissingExtraError, match="pip install"):
        closed_loop.run_episode(pendulum(), env, 0, Video(tmp_path / "e.gif"))
    assert list(tmp_path.iterdir()) == []


def test_nothing_filmed_nothing_written(tmp_path: Path) -> None:
    assert Video(tmp_path / "e.gif").close() == 0
    assert list(tmp_path.iterdir()) == []
