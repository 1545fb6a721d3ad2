from __future__ import annotations

import json

import numpy as np
import pytest

from snnctl.report import figure, raster
from snnctl.report.raster import Band, Frame, Signal


def drawn(**options: object) -> figure.Plot:
    time_s = np.arange(11) * 0.02
    return raster.draw(
        [Signal("angle", "rad", time_s, np.sin(time_s)), Signal("action", "", time_s, np.ones((11, 2)), steps=True)],
        [Band("input", 4, np.array([0.0, 0.1]), np.array([3, 1])), Band("output", 2, np.array([0.05]), np.array([0]))],
        (0.0, 0.2),
        "a heading",
        "what is shown",
        **options,  # type: ignore[arg-type]
    )


def test_dots_are_the_spikes() -> None:
    plot = drawn()
    paths = [patch.get_path() for axes in plot.figure.axes for patch in axes.patches]
    assert [path.vertices[::2].tolist() for path in paths] == [[[0.0, 3.0], [0.1, 1.0]], [[0.05, 0.0]]]


def test_the_numbers_come_along() -> None:
    data = json.loads(json.dumps(drawn().data, allow_nan=False))
    assert data["spikes"][0] == {"population": "input", "neurons": 4, "time_s": [0.0, 0.1], "neuron": [3, 1]}
    assert data["signals"][0]["unit"] == "rad"
    assert data["signals"][0]["values"] == pytest.approx(np.sin(np.arange(11) * 0.02))


def test_rates_stand_beside_the_populations() -> None:
    texts = [t.get_text() for axes in drawn().figure.axes for t in axes.texts]
    assert "2.5 Hz" in texts  # 2 spikes / (4 neurons x 0.2 s), by hand


def test_frames_carry_their_times() -> None:
    plot = drawn(frames=[Frame(t, np.zeros((48, 64, 3), np.uint8)) for t in (0.04, 0.12)])
    texts = [t.get_text() for axes in plot.figure.axes for t in axes.texts]
    assert {"0.04 s", "0.12 s"} <= set(texts)
    assert sum(len(axes.images) for axes in plot.figure.axes) == 2


def test_a_frame_is_cropped_around_its_middle() -> None:
    picture = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    assert (raster._crop(picture, 0.5) == picture[:, 2:5]).all()
    assert (raster._crop(picture, 4.0) == picture[2:4]).all()


def test_an_empty_population_is_drawn_as_silent() -> None:
    band = Band("output", 2, np.array([]), np.array([], np.int64))
    plot = raster.draw([], [band], (0.0, 1.0), "h", "b")
    assert "0.0 Hz" in [t.get_text() for axes in plot.figure.axes for t in axes.texts]
