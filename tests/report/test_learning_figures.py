from __future__ import annotations

import json

import numpy as np
import pytest

from snnctl.report import learning_traces, value_map
from snnctl.report.figure import Plot
from snnctl.report.learning_traces import Traces
from snnctl.report.value_map import Axis, Choices, Component

UPDATES = 6
RANDOM = np.random.default_rng(0)
TRACES = Traces(
    steps=np.arange(1.0, UPDATES + 1) * 100,
    returns=RANDOM.random(UPDATES),
    td_error_std=RANDOM.random(UPDATES),
    td_error_mean=-RANDOM.random(UPDATES),
    weights=np.sort(RANDOM.random((UPDATES, 5)), axis=1),
    value=RANDOM.random(UPDATES),
    evaluated=np.array([[300.0, 0.5]]),
)
VALUES = np.arange(12.0).reshape(3, 4)
X, Y = Axis("angle", "rad", -0.2, 0.2), Axis("sin of angle", "", -1.0, 1.0)


def drawn(kind: Choices | Component, actions: np.ndarray) -> Plot:
    return value_map.draw(X, Y, VALUES, actions, kind, "reward per step", "a heading", "held still: nothing")


def test_lines_and_bands_are_the_traces() -> None:
    plot = learning_traces.draw(TRACES, "h", "b")
    returns, td_error, weights, value = plot.figure.axes
    assert returns.lines[0].get_ydata().tolist() == TRACES.returns.tolist()
    assert returns.lines[1].get_xydata().tolist() == [[300.0, 0.5]]
    assert td_error.lines[0].get_ydata().tolist() == TRACES.td_error_std.tolist()
    assert td_error.lines[1].get_ydata().tolist() == TRACES.td_error_mean.tolist()
    assert value.lines[0].get_ydata().tolist() == TRACES.value.tolist()
    assert weights.lines[0].get_ydata().tolist() == TRACES.weights[:, 2].tolist()
    for band, (low, high) in zip(weights.collections, ((0, 4), (1, 3)), strict=True):
        corners = {tuple(v) for v in band.get_paths()[0].vertices.tolist()}
        for side in (low, high):
            edge = zip(TRACES.steps.tolist(), TRACES.weights[:, side].tolist(), strict=True)
            assert set(edge) <= corners
    assert all(axes.lines[0].get_xdata().tolist() == TRACES.steps.tolist() for axes in plot.figure.axes)


def test_the_panels_share_one_axis_and_the_numbers_come_along() -> None:
    plot = learning_traces.draw(TRACES, "h", "b")
    assert {axes.get_xlim() for axes in plot.figure.axes} == {(0.0, 600.0)}
    data = json.loads(json.dumps(plot.data, allow_nan=False))
    assert data["weights"] == TRACES.weights.tolist()
    assert data["figure"] == "learning"


def test_one_update_is_drawn_too() -> None:
    one = Traces(*(values[:1] for values in TRACES[:-1]), evaluated=np.empty((0, 2)))
    assert learning_traces.draw(one, "h").data["steps"] == [100.0]


def test_the_map_shows_the_values_where_they_are() -> None:
    plot = drawn(Choices(["left", "right"]), np.arange(12.0).reshape(3, 4) % 2)
    left, right = (axes for axes in plot.figure.axes if axes.images)
    (image,) = left.images
    assert np.asarray(image.get_array()).tolist() == VALUES.tolist()
    assert list(image.get_extent()) == [-0.2, 0.2, -1.0, 1.0]
    assert image.origin == "lower"
    assert (left.get_xlabel(), left.get_ylabel()) == ("angle (rad)", "sin of angle")
    assert np.asarray(right.images[0].get_array()).tolist() == (VALUES % 2).tolist()


def test_bars_name_the_unit_and_the_actions() -> None:
    plot = drawn(Choices(["left", "right"]), VALUES % 2)
    bars = plot.figure.axes[2:]
    assert bars[0].get_ylabel() == "V (reward per step)"
    assert [t.get_text() for t in bars[1].get_yticklabels()] == ["left", "right"]
    assert json.loads(json.dumps(plot.data))["action"] == {"names": ["left", "right"]}


def test_no_label_lies_on_another_or_outside() -> None:
    y = Axis("car speed", "m/step", -0.07, 0.07)  # long ticks on both sides of the gap
    kind, unit = Component("push of the cart", -1.0, 1.0), "parts of the largest reward, per step"
    figure = value_map.draw(X, y, VALUES / 100 - 0.25, VALUES / 11, kind, unit, "h", "b").figure
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.width for box in boxes)


@pytest.mark.parametrize("count", [3, 9])
def test_every_action_has_a_colour_of_its_own(count: int) -> None:
    plot = drawn(Choices([str(k) for k in range(count)]), VALUES % count)
    image = plot.figure.axes[1].images[0]
    colours = {tuple(image.to_rgba(np.array([float(k)]))[0]) for k in range(count)}
    assert len(colours) == count


@pytest.mark.parametrize(("low", "high", "ends"), [(-1.0, 2.0, (-2.0, 2.0)), (0.0, 4.0, (0.0, 4.0))])
def test_a_continuous_action_diverges_from_doing_nothing(low: float, high: float, ends: tuple[float, float]) -> None:
    plot = drawn(Component("torque (N m)", low, high), VALUES / 11)
    image = plot.figure.axes[1].images[0]
    assert image.get_clim() == ends
    assert "torque (N m)" in [axes.get_ylabel() for axes in plot.figure.axes]
