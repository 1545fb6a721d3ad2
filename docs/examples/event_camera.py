"""What an event camera sees of a robot: the picture, the events, and the spikes that a network would get.

The balancer of the library falls in front of its camera. Without OpenGL a moving bar takes its place.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl.coding import event_camera, event_frames, events
from snnctl.errors import OutputError
from snnctl.robots import environments
from snnctl.robots.event_camera import EventCameraEnv, ModelView

SHAPE, STEPS = (64, 64), 16
CAMERA = dataclasses.replace(event_camera.EventCamera(), refractory_s=1e-3, shot_noise_hz=0.5)


def robot() -> tuple[str, NDArray[np.uint8], events.Events, float]:
    """Title, last picture, events, seconds of a balancer that falls. Raises OutputError where nothing can be drawn."""
    env = environments.make("balancer", render_mode="rgb_array")
    inner: Any = env.unwrapped
    view = ModelView(inner.model, inner.data, "side", SHAPE)
    watched = EventCameraEnv(env, CAMERA, view=view, seed=1)
    watched.reset(seed=3)
    found = []
    for k in range(STEPS):
        info = watched.step(np.full(2, 0.3 if k < 8 else -0.3, np.float32))[4]
        found.append(info["events"])
    picture, seconds = view(), watched.steps * inner.control_dt_s
    view.close()
    watched.close()
    return "balancer, 64 x 64", picture, np.concatenate(found), seconds


def bar() -> tuple[str, NDArray[np.uint8], events.Events, float]:
    """The same of a bright bar that moves to the right, two columns in 20 ms."""
    sensor = event_camera.sensor(CAMERA, SHAPE, seed=1)

    def frame(k: int) -> NDArray[np.uint8]:
        picture = np.full(SHAPE, 60, np.uint8)
        picture[16:48, 8 + 2 * k : 16 + 2 * k] = 200
        return picture

    state, found = event_camera.initial(sensor, frame(0), seed=3), []
    for k in range(1, STEPS + 1):
        state, some = event_camera.step(sensor, state, frame(k), 0.02 * k)
        found.append(some)
    return "moving bar, 64 x 64", frame(STEPS), np.concatenate(found), 0.02 * STEPS


def main() -> None:
    """Film and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/event_camera.png")
    options = parser.parse_args()

    try:
        title, picture, found, seconds = robot()
    except OutputError as error:
        print(f"no OpenGL here, a moving bar instead of the robot ({error})")
        title, picture, found, seconds = bar()

    tick_s, ticks = 1e-3, round(seconds / 1e-3)
    raster = event_frames.to_raster(found, SHAPE, tick_s, ticks)  # (ticks, 2 * 64 * 64)
    on = int(found["p"].sum())
    print(f"{title}: {found.size} events in {seconds:.2f} s ({on} ON, {found.size - on} OFF)")
    print(f"{found.size / seconds / SHAPE[0] / SHAPE[1]:.2f} events per pixel and second; ", end="")
    print(f"as spikes in ticks of 1 ms: {raster.sum()}, {100 * raster.mean():.3f} % of the raster")

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained", width_ratios=(1, 1, 1.6))
    axes[0].imshow(picture, cmap="gray", vmin=0, vmax=255)
    axes[0].set_title(title)
    window = round(0.125 * seconds * 1e6)
    last = events.crop(found, t_us=(round(seconds * 1e6) - window, round(seconds * 1e6) + 1))
    off_on = event_frames.to_frame(last, SHAPE)
    limit = max(1, int(off_on.max()))
    axes[1].imshow(off_on[1] - off_on[0], cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes[1].set_title(f"ON - OFF, last {window / 1e3:.0f} ms")
    for p, colour, name in ((1, "tab:red", "ON"), (0, "tab:blue", "OFF")):
        own = found[found["p"] == p]
        axes[2].scatter(own["t_us"] / 1e3, own["x"], s=0.4, c=colour, label=name, rasterized=True)
    axes[2].set(xlabel="time (ms)", ylabel="column", title="events", xlim=(0, seconds * 1e3), ylim=(0, SHAPE[1]))
    axes[2].legend(markerscale=8, frameon=False, loc="upper left")
    for axis in axes[:2]:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
