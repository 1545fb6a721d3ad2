"""An evaluation report as one HTML file: no script, no font, no address outside itself.

``write`` takes the JSON of one or more evaluations (``docs/evaluation.md``) of one agent, each with
the spikes of its first decisions, and puts verdict, figures, tables, sources and the commands that
repeat it on a page that follows the reader's light or dark scheme and prints on white.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.report import energy, figure, latency, raster, returns
from snnctl.report.figure import Plot
from snnctl.report.raster import Band
from snnctl.report.style import COLOURS, STYLE
from snnctl.report.units import digits, part, percent, si
from snnctl.storage import ensure_writable, write_atomic

Data = Mapping[str, Any]
_SYMBOLS = {"power": "W", "latency": "s", "energy": "J"}
_LIMITS = {"power": "limit_w", "latency": "limit_s", "energy": "limit_j"}

_HALF_IN, _WHOLE_IN = 5.6, 11.5  # widths of figures whose letters have the size of the page's small ones


class Chapter(NamedTuple):
    """One chip: the evaluation's JSON, and per decision the spikes (ticks, n) of each population."""

    data: Data
    rasters: Sequence[Mapping[str, NDArray[np.uint8]]]


def write(path: Path, chapters: Sequence[Chapter], title: str = "") -> None:
    """Write the report.

    Raises:
        OutputError: the folder cannot be written to.
        StorageError: writing failed half-way; an older report is intact.
    """
    ensure_writable(path.parent)
    write_atomic(path, page(chapters, title))


def raster_file(chapter: Chapter) -> str:
    """The spike raster of a chapter as an SVG file of its own, in the reader's light or dark scheme."""
    drawing = figure.inline_svg(_raster(chapter), "spike raster")
    start = drawing.index(">") + 1
    head = drawing[:start].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{head}<style>{COLOURS}svg{{background:var(--card)}}</style>{drawing[start:]}\n"


def page(chapters: Sequence[Chapter], title: str = "") -> str:
    """The report as text."""
    first = chapters[0].data
    heading = title or f"{first['agent']['name']} on {' and '.join(c.data['chip']['name'] for c in chapters)}"
    body = [
        f"<header><p class='kicker'>snnctl evaluation</p><h1>{escape(heading)}</h1>{_facts(first)}</header>",
        *(_chapter(chapter) for chapter in chapters),
        _constants(chapters),
        _repeat(first),
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='color-scheme' content='light dark'>"
        f"<title>{escape(heading)}</title><style>{STYLE}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def _facts(data: Data) -> str:
    budget = data["budget"]
    limits = [f"{name} {si(budget[name][key], _SYMBOLS[name])}" for name, key in _LIMITS.items() if name in budget] or [
        "none"
    ]
    rows = [
        ("Robot's task", f"{data['env']['id']}, a decision every {si(data['env']['control_dt_s'], 's')}"),
        ("Budget", f"{budget['name']}: {', '.join(limits)}, counted at the {budget['boundary']}"),
        ("Of", budget["robot"]),
        ("Episodes", f"{len(data['returns']['chip'])} for each controller, the same seeds for all"),
        ("Evidence", "modelled: counted events times sourced constants; nothing here was measured on a chip"),
    ]
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows)
    return f"<dl>{items}</dl>"


def _chapter(chapter: Chapter) -> str:
    data = chapter.data
    verdicts = data["verdicts"]
    badge = ("pass", "fits the budget") if data["holds"] else ("fail", "does not fit the budget")
    if not verdicts:
        badge = ("none", "no budget given")
    name = data["chip"]["name"]
    return (
        f"<section id='{escape(name)}'><h2>{escape(data['chip']['title'])} "
        f"<span class='badge {badge[0]}'>{badge[1]}</span></h2>"
        + "".join(_verdict(v) for v in verdicts)
        + _tiles(data)
        + "<div class='figures'>"
        + _draw(data)
        + _figure("Time from observation to action", _latency(data), _latency_note(data))
        + _figure("Return of every episode", _returns(data), _returns_note(data))
        + (
            _figure("Spikes of the first decisions on the chip", _raster(chapter), _raster_note(chapter))
            if chapter.rasters
            else ""
        )
        + "</div></section>"
    )


def _verdict(verdict: Data) -> str:
    kind = "pass" if verdict["holds"] else "fail"
    source = f"limit: {verdict['status']}, {verdict['source']}"
    return (
        f"<div class='verdict {kind}'><strong>{'holds' if verdict['holds'] else 'fails'}</strong>"
        f"<p>{escape(verdict['sentence'])}<small>{escape(source)}</small></p></div>"
    )


def _tiles(data: Data) -> str:
    power, energy, latency = data["power"], data["energy"], data["latency"]
    compared = data["returns"]["comparison"]
    deadline = data["deadline"]
    chip = data["returns"]["chip_summary"]["mean"]
    kept = compared["retention"]
    tiles = [
        ("return on the chip", "-" if chip is None else digits(chip),
         f"{percent(kept)} of the float controller" if kept is not None else "float controller "
         + _number(data["returns"]["float_summary"]["mean"])),
        ("total power, chip", si(power["total_chip_w"], "W"), f"dynamic {si(power['dynamic_w'], 'W')}"),
        ("energy of a control step", si(energy["total_chip_j"], "J"), f"dynamic {si(energy['dynamic_j'], 'J')}"),
        ("latency p99", si(latency["p99_s"], "s"), f"p50 {si(latency['p50_s'], 's')}, max {si(latency['max_s'], 's')}"),
        ("missed deadlines", f"{deadline['misses']:,}", f"of {energy['decisions']:,} decisions"),
    ]  # fmt: skip
    return "<div class='tiles'>" + "".join(
        f"<div><span>{escape(name)}</span><b>{escape(value)}</b><small>{escape(note)}</small></div>"
        for name, value, note in tiles
    ) + "</div>"  # fmt: skip


def _figure(title: str, plot: Plot, note: str) -> str:
    drawing = figure.inline_svg(plot, title)
    return f"<figure><figcaption><b>{escape(title)}</b></figcaption>{drawing}<p>{note}</p></figure>"


def _draw(data: Data) -> str:
    """Power and energy, or why there is nothing to draw."""
    if data["power"]["total_chip_w"] is None:
        notes = " ".join(escape(f"{note[:1].upper()}{note[1:]}.") for note in data["notes"])
        return f"<figure><figcaption><b>Power and energy are not priced</b></figcaption><p>{notes}</p></figure>"
    return _figure("Power, the chip's whole draw", energy.power(data, _HALF_IN), _power_note(data)) + _figure(
        "Where the dynamic energy of a decision goes", energy.parts(data, _HALF_IN), _energy_note(data)
    )


def _power_note(data: Data) -> str:
    power = data["power"]
    kinds = ", ".join(f"{name} {si(power[name + '_w'], 'W')}" for name in ("static", "idle", "dynamic"))
    return (
        f"The chip: {kinds}. Static: what the powered chip draws before anything runs. Idle: what it draws on top when "
        "it is ready to run. Dynamic: what running the network adds."
    )


def _energy_note(data: Data) -> str:
    energy = data["energy"]
    return (
        f"Mean of {energy['decisions']:,} decisions: {si(energy['dynamic_j'], 'J')} dynamic, "
        f"{digits(energy['synaptic_events'])} synaptic events."
    )


def _latency(data: Data) -> Plot:
    limit_s = data["budget"].get("latency", {}).get("limit_s")
    return latency.draw(latency.modelled(data), data["env"]["control_dt_s"], "", limit_s, _HALF_IN)


def _latency_note(data: Data) -> str:
    times = data["latency"]
    parts = ", ".join(f"{escape(part(k))} {si(v, 's')}" for k, v in times["mean_by_part_s"].items() if v > 0)
    marks = f"p50 {si(times['p50_s'], 's')}, p99 {si(times['p99_s'], 's')}, max {si(times['max_s'], 's')}"
    return f"{marks}. Mean by part: {parts}."


def _returns(data: Data) -> Plot:
    found = data["returns"]
    return returns.draw(found["float"], found["chip"], ("float", data["chip"]["name"]), _HALF_IN)


def _returns_note(data: Data) -> str:
    compared = data["returns"]["comparison"]
    text = f"Worse on the chip in {compared['worse']}, better in {compared['better']}. "
    if compared["difference_interval"]:
        low, high = compared["difference_interval"]
        text += f"Mean difference {compared['difference']:+.3g}, 95 % interval {low:+.3g} to {high:+.3g} (paired)."
    failed = len(data["returns"]["diverged"])
    return text + (f" {failed} diverged episodes count as failures." if failed else "")


def _raster(chapter: Chapter) -> Plot:
    period = chapter.data["env"]["control_dt_s"]
    times: dict[str, list[float]] = {}
    indices: dict[str, list[int]] = {}
    sizes: dict[str, int] = {}
    for step, populations in enumerate(chapter.rasters):
        for name, spikes in populations.items():
            tick, neuron = np.nonzero(spikes)
            times.setdefault(name, []).extend((step + tick / spikes.shape[0]) * period)
            indices.setdefault(name, []).extend(neuron)
            sizes[name] = spikes.shape[1]
    bands = [Band(n, sizes[n], np.array(times[n]), np.array(indices[n], np.int64)) for n in sizes]
    return raster.draw([], bands, (0.0, len(chapter.rasters) * period), "", "", width_in=_WHOLE_IN)


def _raster_note(chapter: Chapter) -> str:
    return (
        f"{len(chapter.rasters)} decisions; the ticks of a decision are spread over its control period "
        "to be visible. Each dot is one spike; rates count the time of the robot."
    )


def _constants(chapters: Sequence[Chapter]) -> str:
    rows = []
    for chapter in chapters:
        name = escape(chapter.data["chip"]["name"])
        for c in chapter.data["constants"]:
            value = si(c["value"], c["unit"])
            rows.append(
                f"<tr><td>{name}</td><td>{escape(c['name'])}</td><td class='number'>{escape(value)}</td>"
                f"<td>{escape(c['status'])}</td><td>{escape(c['source'])}</td></tr>"
            )
    return (
        "<section><h2>Every constant and its source</h2><div class='scroll'>"
        "<table><thead><tr><th>chip</th><th>constant</th>"
        f"<th class='number'>value</th><th>status</th><th>source</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _repeat(data: Data) -> str:
    repro = data["repro"]
    versions = ", ".join(f"{escape(k)} {escape(v)}" for k, v in repro["versions"].items())
    command = f"<pre>{escape(repro['command'])}</pre>" if repro["command"] else ""
    return (
        f"<section><h2>Do it again</h2>{command}<p>Seed {repro['seed']}; weights SHA-256 "
        f"<code>{escape(data['agent']['weights_sha256'])}</code>; {versions}.</p></section>"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else digits(value)
