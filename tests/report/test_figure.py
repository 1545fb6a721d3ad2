from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy import stats

from snnctl.errors import OutputError
from snnctl.report import energy, figure, latency, learning_curve, returns
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
    svg = figure.inline_svg(learning_curve.draw([curve("s", 1.0)], "$a$ <heading>"), 'a "label"')
    assert svg == figure.inline_svg(learning_curve.draw([curve("s", 1.0)], "$a$ <heading>"), 'a "label"')
    root = ElementTree.fromstring(svg)
    assert root.attrib["aria-label"] == 'a "label"'
    assert "$a$ <heading>" in [node.text for node in root.iter("text")]


def test_an_embedded_figure_takes_its_colours_and_letters_from_the_page_and_nothing_from_elsewhere() -> None:
    svg = figure.inline_svg(learning_curve.draw([curve("s", 1.0)], "h"), "l")
    names = {name for name, _ in figure.VARIABLES.values()} | {"letters"}
    assert {"ink", "soft", "card", "blue", "letters"} <= set(re.findall(r"var\(--([a-z]+)\)", svg)) <= names
    drawn = re.findall(r"(?:fill|stroke): *(#[0-9a-f]+)", svg)
    assert drawn == []  # no colour that stays light where the page is dark
    assert "DejaVu" not in svg and "http" not in svg
    ids = re.findall(r' id="([^"]*)"', svg)
    assert len(ids) == len(set(ids))
    assert set(ids) == set(re.findall(r"#([\w.-]+)", svg))  # none that nothing refers to: a page has several figures


def test_every_colour_has_its_own_variable() -> None:
    names = [name for name, _ in figure.VARIABLES.values()]
    assert len(names) == len(set(names))
    assert {*figure.SERIES, figure.INK, figure.SOFT, figure.FAINT, figure.PAPER} <= set(figure.VARIABLES)


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


def test_a_budget_is_marked_in_the_latencies() -> None:
    plot = latency.draw(latency.measured(np.array([1e-3, 2e-3]), "measured"), 0.02, "", limit_s=0.01)
    axes = plot.figure.axes[0]
    assert "budget 10.0 ms" in [t.get_text() for t in axes.texts]
    assert axes.get_xlim()[1] > 0.01
    assert not plot.figure.texts  # no heading


def evaluation(boundary: str, **limits: float) -> dict[str, Any]:
    return {
        "budget": {"boundary": boundary, **{name: {"limit_w": value} for name, value in limits.items()}},
        "power": {"static_w": 0.03, "idle_w": 0.066, "dynamic_w": 6e-6, "board_static_w": 0.5, "board_idle_w": 0.25},
        "energy": {"dynamic_by_part_j": {"spikes": 2e-10, "synaptic_ops": 7e-8, "ticks": 0.0}},
    }


def texts(axes: Any) -> list[str]:
    return [t.get_text() for t in axes.texts]


def test_energy_shows_kinds_and_parts_apart_and_the_budget() -> None:
    plot = energy.draw(evaluation("chip", power=0.15), "h", "modelled")
    power, parts = plot.figure.axes
    kinds = [t.get_text() for t in power.get_legend().get_texts()]
    assert kinds == ["static 30.0 mW", "idle 66.0 mW", "dynamic 6.00 µW"]
    assert texts(power) == ["6.00 µW", "96.0 mW", "budget 150 mW"]
    assert power.get_xlim()[1] > 0.15
    assert [t.get_text() for t in parts.get_yticklabels()] == ["adding weights", "sending spikes"]  # the largest first
    assert texts(parts) == ["70.0 nJ", "200 pJ"]
    assert plot.data["power_w"]["whole chip"] == {"static": 0.03, "idle": 0.066, "dynamic": 6e-6}


def test_the_board_is_drawn_where_the_budget_counts_it() -> None:
    plot = energy.power(evaluation("board"), 5.0)
    assert list(plot.data["power_w"]) == ["dynamic", "whole chip", "whole board"]
    assert texts(plot.figure.axes[0]) == ["6.00 µW", "96.0 mW", "750 mW"]


def test_energy_of_a_network_that_does_nothing() -> None:
    silent = evaluation("chip") | {"energy": {"dynamic_by_part_j": {"spikes": 0.0}}}
    assert texts(energy.parts(silent, 5.0).figure.axes[0]) == ["0 J"]


def test_returns_are_pairs_and_those_that_are_unknown_are_left_out() -> None:
    plot = returns.draw([500.0, None], [480.0, 3.0], ("float", "chip"), 5.0)
    assert plot.data["chip"] == [480.0, 3.0]
    low, high = plot.figure.axes[0].get_ylim()
    assert low < 3 and high > 500
    assert returns.draw([None], [None], ("float", "chip"), 5.0).data["float"] == [None]
