"""``snnctl plot``: the figure that belongs to a run folder, a recording, an evaluation, an agent or a neuron model."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snnctl.cli import (
    agent_figures,
    console,
    evaluation_figures,
    neuron_figures,
    recording_figures,
    run_figures,
)
from snnctl.errors import InputError, Problem

if TYPE_CHECKING:
    from snnctl.report.figure import Plot


class Choice(enum.StrEnum):
    """Which figure, where an input has more than one."""

    raster = "raster"
    latency = "latency"
    energy = "energy"
    f_i = "f-i"
    learning = "learning"
    value = "value"


def plot(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Run folder(s), a recording, an eval.json or an agent; or neuron models, with name=value.",
        ),
    ],
    out: Annotated[Path | None, typer.Option(metavar="F", help="F.png, F.svg or F.pdf (default: beside PATH).")] = None,
    figure: Annotated[Choice | None, typer.Option(help="Which figure, where there are several.")] = None,
    episode: Annotated[int, typer.Option(min=0, help="Episode of a recording.")] = 0,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Begin of the raster, e.g. 2s.")] = "0s",
    stop: Annotated[
        str, typer.Option("--to", metavar="TIME", help="End of the raster (default: 150 decisions later).")
    ] = "",
    signals: Annotated[
        str, typer.Option(metavar="NAMES", help="Observations to show: names or numbers; two for a value map.")
    ] = "",
    frames: Annotated[bool, typer.Option("--frames", help="Pictures of the robot above a raster (MuJoCo).")] = False,
    currents: Annotated[
        str, typer.Option(metavar="LOW:HIGH", help="Currents of an f-I curve, in the model's unit.")
    ] = "",
    data: Annotated[Path | None, typer.Option(metavar="F", help="Write the figure's numbers as JSON, too.")] = None,
) -> None:
    """Draw learning curves of runs, spikes beside the robot's state of a recording, the cost on a chip, or f-I curves.

    Of agents that learn by reward: RUN --figure learning draws return, TD error, weights and value over a training,
    AGENT --figure value what the critic expects and the actor does over two observations. A recording of snnctl run
    --learn --record shows value and TD error above the spikes.

    Example: snnctl plot episode.h5 --from 2s --to 4s

    Example: snnctl plot runs/cartpole-rstdp/RUN --figure learning

    Example: snnctl plot cartpole-rstdp --figure value --signals "pole angle,pole rate"
    """
    from snnctl.report import figure as pictures
    from snnctl.storage import ensure_writable, write_atomic

    first = paths[0]
    is_run = first.is_dir() and not (first / "agent.toml").is_file()
    is_neuron = figure == Choice.f_i or (not first.exists() and neuron_figures.is_neuron(str(first)))
    if out is not None:
        target = out
    elif is_neuron:
        target = Path(f"{str(first).rpartition(':')[2]}-f-i.png")
    else:
        target = first / _in_run(figure) if is_run else _beside(first, figure)
    pictures.check_target(target)
    if data is not None:
        ensure_writable(data.parent)
    if is_neuron:
        drawn = neuron_figures.f_i_curves([str(path) for path in paths], currents)
    elif figure == Choice.learning:
        drawn = run_figures.traces(paths)
    elif figure == Choice.value:
        drawn = agent_figures.value_map([str(path) for path in paths], signals)
    elif is_run:
        drawn = run_figures.learning_curve(paths)
    elif len(paths) > 1:
        raise InputError(Problem(str(paths[1]), "is one file too many", "only run folders can be drawn together"))
    elif first.suffix == ".json":
        drawn = _of_evaluation(first, figure)
    elif figure == Choice.latency:
        drawn = recording_figures.latency(first, episode)
    elif figure == Choice.energy:
        raise InputError(Problem(str(first), "holds no energy", "draw the eval.json of `snnctl evaluate`"))
    else:
        drawn = recording_figures.raster(first, episode, start, stop, signals, frames)
    pictures.save(drawn, target)
    if data is not None:
        write_atomic(data, json.dumps(drawn.data) + "\n")
    console.result(str(target))


def _of_evaluation(path: Path, figure: Choice | None) -> Plot:
    if figure == Choice.raster:
        raise InputError(Problem(str(path), "holds no spikes", "draw the recording of `snnctl run --record`"))
    return evaluation_figures.latency(path) if figure == Choice.latency else evaluation_figures.energy(path)


def _in_run(figure: Choice | None) -> str:
    names = {Choice.learning: "learning_traces.png", Choice.value: "value_map.png"}
    return "learning_curve.png" if figure is None else names.get(figure, "learning_curve.png")


def _beside(path: Path, figure: Choice | None) -> Path:
    stem = path.with_suffix("") if figure is None else path.with_name(f"{path.stem}-{figure.value}")
    return stem.with_name(stem.name + ".png")
