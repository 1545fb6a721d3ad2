from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from snnctl.errors import OutputError
from snnctl.report import energy, figure, latency, learning_curve
from snnctl.report.learning_curve import Curve


def curve(name: str, slope: float, last: int = 10) -> Curve:
    steps = np.arange(1.0, last + 1)
    return Curve(name, steps, slope * steps, np.array([[2.0, 3.0]]))


@pytest.mark.parametrize("suffix", figure.FORMATS)
def test_the_same_figure_is_the_same_file(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        figure.save(learning_curve.draw([curve("s", 1.0)], "h"), tmp_path / (name + suffix))
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert (tmp_path / f"a{suffix}").stat().st_size > 1000


def test_figures_can_be_embedded() -> None:
    plot = learning_curve.draw([curve("s", 1.0)], "a heading")
    svg = figure.inline_svg(plot)
    assert svg.startswith("<svg")
    assert svg.rstrip().endswith("</svg>")
    assert "a heading" in svg
    head, _, body = figure.data_uri(plot).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body)[:4] == b"\x89PNG"


def test_targets_are_checked(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"none of \.png, \.svg, \.pdf"):
        figure.check_target(tmp_path / "f.bmp")
    (tmp_path / "d.png").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        figure.check_target(tmp_path / "d.png")


def test_mean_and_interval_over_seeds_by_hand() -> None:
    band = learning_curve.over_seeds([curve("a", 1.0), curve("b", 2.0), curve("c", 3.0, last=6)])
    assert (band.steps[0], band.steps[-1]) == (1.0, 6.0)  # only as far as all came
    assert band.mean == pytest.approx(2.0 * band.steps)
    half = stats.t.ppf(0.975, 2) * band.steps / np.sqrt(3)  # std of (1, 2, 3) is 1
    assert band.high - band.mean == pytest.approx(half)
    assert band.mean - band.low == pytest.approx(half)


def test_learning_curves_carry_their_numbers() -> None:
    plot = learning_curve.draw([curve("a", 1.0), curve("b", 2.0)], "h")
    assert [run["name"] for run in plot.data["runs"]] == ["a", "b"]
    assert len(plot.data["over_seeds"][""]["mean"]) == learning_curve.POINTS


def test_groups_that_are_compared_have_their_own_mean_and_no_name_hides_another() -> None:
    groups = [curve(f"{name}{seed}", slope + 0.01 * seed)._replace(group=name)
              for name, slope in (("fast", 1.0), ("slow", 0.5), ("as slow", 0.5)) for seed in (0, 1)]  # fmt: skip
    plot = learning_curve.draw([*groups, curve("alone", 0.8)._replace(group="alone")], "h")
    assert plot.data["over_seeds"]["slow"]["mean"][-1] == pytest.approx(0.505 * 10)
    assert list(plot.data["over_seeds"]) == ["fast", "slow", "as slow"]
    texts = {text.get_text().partition("\n")[0]: text for text in plot.figure.axes[0].texts}
    assert {"fast", "slow", "as slow", "alone"} <= set(texts)
    heights = sorted(texts[name].get_position()[1] for name in ("fast", "slow", "as slow", "alone"))
    assert min(np.diff(heights)) > 0.11
    assert len({texts[name].get_color() for name in ("fast", "slow", "as slow", "alone")}) == 4


def test_latency_histogram_holds_every_decision() -> None:
    times = np.random.default_rng(0).gamma(4.0, 1e-5, 3000)
    shown = latency.measured(times, "measured")
    assert shown.counts.sum() == 3000
    assert shown.p99_s == np.quantile(times, 0.99)
    plot = latency.draw(shown, 0.02, "h")
    texts = " ".join(t.get_text() for t in plot.figure.axes[0].texts)
    assert "median" in texts
    assert plot.data["max_s"] == times.max()


def test_latency_of_one_decision() -> None:
    assert latency.draw(latency.measured(np.array([1e-3]), "measured"), 0.02, "h").data["counts"]


def test_energy_shows_kinds_apart_and_the_budget() -> None:
    plot = energy.draw(
        {"static": 0.03, "idle": 0.066, "dynamic": 6e-6}, {"synapses": 7e-8, "spikes": 2e-10}, 0.15, "h", "modelled"
    )
    labels = [t.get_text() for axes in plot.figure.axes for t in axes.get_legend().get_texts()]
    assert labels == ["static 30.0 mW", "idle 66.0 mW", "dynamic 6.00 µW", "synapses 70.0 nJ", "spikes 200 pJ"]
    assert any("budget 150 mW" in t.get_text() for t in plot.figure.axes[0].texts)
    assert plot.figure.axes[0].get_xlim()[1] > 0.15
