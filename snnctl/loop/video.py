"""Videos of episodes as GIF or animated WebP, written with Pillow alone.

Frames are taken every ``stride`` control steps, the fewest that keep a frame at least MIN_FRAME_S on
the screen (browsers slow down shorter ones). GIF counts time in hundredths of a second, WebP in
thousandths: frame times are rounded, not durations, so that a video lasts as long as its episode.
A file above the size limit is made smaller until it fits: fewer pixels first, then fewer frames.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snnctl.agent.controller import Controller
from snnctl.errors import OutputError, Problem
from snnctl.loop.episode import Episode, Step
from snnctl.robots import environments, rendering
from snnctl.storage import ensure_writable, write_atomic

MIN_FRAME_S = 0.04
MAX_WIDTH_PX = 480
MIN_WIDTH_PX = 96
MAX_BYTES = 8_000_000
MAX_SECONDS = 60.0  # of video; what follows is left out
HOLD_S = 0.6  # the last frame of an episode stays a little
_TICK_S = {".gif": 0.01, ".webp": 0.001}


class Video:
    """An observer that films the environment; needs ``render_mode="rgb_array"``."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        """Prove that ``path`` can be written, before any work.

        Raises:
            OutputError: it cannot, or its name ends in neither .gif nor .webp.
        """
        if path.suffix.lower() not in _TICK_S:
            raise OutputError(Problem(str(path), "is neither a .gif nor a .webp", "end its name with .gif or .webp"))
        if path.is_dir():
            raise OutputError(Problem(str(path), "is a folder", "name a file, such as episode.gif"))
        ensure_writable(path.parent)
        self.path = path
        self._max_bytes = max_bytes
        self._stride, self._dt_s = 1, MIN_FRAME_S  # of the environment, known when an episode starts
        self._frames: list[Image.Image] = []
        self._lasts_s: list[float] = []
        self._env: gym.Env[Any, Any] | None = None

    def start(self, controller: Controller, env: gym.Env[Any, Any], seed: int, observation: NDArray[Any]) -> None:
        """Film the first state of an episode."""
        self._env = env
        self._dt_s = environments.control_dt_s(env)
        self._stride = max(1, math.ceil(MIN_FRAME_S / self._dt_s - 1e-9))
        self._shoot()

    def step(self, step: Step) -> None:
        """Film the state after a control step, if a frame is due."""
        if not self._full:
            self._lasts_s[-1] += self._dt_s
            if (step.number + 1) % self._stride == 0 or step.terminated or step.truncated:
                self._shoot()

    def finish(self, episode: Episode) -> None:
        """Hold the last frame."""
        if self._lasts_s and not self._full:
            self._lasts_s[-1] += HOLD_S

    def close(self) -> int:
        """Write the file and return its size in bytes (0 if nothing was filmed)."""
        if not self._frames:
            return 0
        # The last frame of a cut episode may have got no time at all.
        durations = [max(lasts, self._dt_s) for lasts in self._lasts_s]
        data = encode(self._frames, durations, self.path.suffix.lower(), self._max_bytes)
        write_atomic(self.path, data)
        return len(data)

    @property
    def _full(self) -> bool:
        return sum(self._lasts_s) >= MAX_SECONDS

    def _shoot(self) -> None:
        if self._env is None or self._full:
            return
        image = Image.fromarray(rendering.frame(self._env))
        if image.width > MAX_WIDTH_PX:
            image = _scale(image, MAX_WIDTH_PX / image.width)
        if self._lasts_s and 0.0 < self._lasts_s[-1] < MIN_FRAME_S / 2:
            self._frames[-1] = image  # the end of an episode, too soon after a frame that was due
            return
        self._frames.append(image)
        self._lasts_s.append(0.0)


def encode(frames: Sequence[Image.Image], durations_s: Sequence[float], suffix: str, max_bytes: int) -> bytes:
    """Animate ``frames``; shrink them until the file has at most ``max_bytes`` (or cannot get smaller)."""
    images, lasts = list(frames), list(durations_s)
    while True:
        data = _animate(images, _whole(lasts, _TICK_S[suffix]), suffix)
        wide = images[0].width > 2 * MIN_WIDTH_PX
        if len(data) <= max_bytes or (not wide and len(images) < 4):
            return data
        if wide:
            factor = max(0.7, min(0.95, (max_bytes / len(data)) ** 0.5))
            images = [_scale(image, factor) for image in images]
        else:
            lasts = [sum(lasts[k : k + 2]) for k in range(0, len(lasts), 2)]
            images = images[::2]


def _whole(durations_s: Sequence[float], tick_s: float) -> list[int]:
    """Durations in ms, whole ticks each, whose sum is the rounded sum."""
    edges = np.rint(np.concatenate([[0.0], np.cumsum(durations_s)]) / tick_s)
    return [int(round(1000 * tick_s) * ticks) for ticks in np.maximum(np.diff(edges), 1)]


def _animate(images: Sequence[Image.Image], durations_ms: list[int], suffix: str) -> bytes:
    out = io.BytesIO()
    if suffix == ".webp":
        first, *rest = images
        first.save(out, "WEBP", save_all=True, append_images=rest, duration=durations_ms, loop=0, quality=80, method=2)
    else:
        first, *rest = _quantised(images)
        first.save(out, "GIF", save_all=True, append_images=rest, duration=durations_ms, loop=0, disposal=1)
    return out.getvalue()


def _quantised(images: Sequence[Image.Image]) -> list[Image.Image]:
    """All frames on one palette of 256 colours, taken from up to 8 of them: backgrounds do not flicker."""
    picked = [images[k] for k in sorted(set(np.linspace(0, len(images) - 1, 8).astype(int).tolist()))]
    width, height = images[0].size
    sheet = Image.new("RGB", (width, height * len(picked)))
    for row, image in enumerate(picked):
        sheet.paste(image, (0, row * height))
    palette = sheet.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]


def _scale(image: Image.Image, factor: float) -> Image.Image:
    size = (max(2, round(image.width * factor) // 2 * 2), max(2, round(image.height * factor) // 2 * 2))
    return image.resize(size, Image.Resampling.LANCZOS)
