"""``snnctl plot``: the figure that belongs to a run folder, a recording, an evaluation, an agent or a neuron model."""

from __future__ import annotations

import enum
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snnctl.cli import console, learning_figures, observations
from snnctl.cli.learning_figures import METRICS
from snnctl.errors import InputError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from snnctl.loop.recorder import Recorded, Recording
    from snnctl.report.figure import Plot
    from snnctl.report.learning_curve import Curve
    from snnctl.report.raster import Band, Frame, Signal

FRAMES = 6
MAX_SIGNALS = 4
WINDOW_STEPS = 150  # more decisions than these smear in a raster, unless asked for
MAX_JSON_BYTES = 50_000_000


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

    Of agents that learn by rstdp: RUN --figure learning draws return, dopamine, weights and value over a training,
    AGENT --figure value what the critic expects and the actor does over two observations. A recording of snnctl run
    --learn --record shows value and dopamine above the spikes.

    Example: snnctl plot episode.h5 --from 2s --to 4s

    Example: snnctl plot runs/cartpole-rstdp/RUN --figure learning

    Example: snnctl plot cartpole-rstdp --figure value --signals "pole angle,pole rate"
    """
    from snnctl.report import figure as pictures
    from snnctl.storage import ensure_writable, write_atomic

    first = paths[0]
    is_run = first.is_dir() and not (first / "agent.toml").is_file()
    is_neuron = figure == Choice.f_i or (not first.exists() and _is_neuron(str(first)))
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
        drawn = _f_i_curves([str(path) for path in paths], currents)
    elif figure == Choice.learning:
        drawn = learning_figures.traces(paths)
    elif figure == Choice.value:
        drawn = learning_figures.value_map([str(path) for path in paths], signals)
    elif is_run:
        drawn = _learning_curve(paths)
    elif len(paths) > 1:
        raise InputError(Problem(str(paths[1]), "is one file too many", "only run folders can be drawn together"))
    elif first.suffix == ".json":
        drawn = _cost(first, figure)
    else:
        drawn = _recording(first, figure, episode, start, stop, signals, frames)
    pictures.save(drawn, target)
    if data is not None:
        write_atomic(data, json.dumps(drawn.data) + "\n")
    console.result(str(target))


def _in_run(figure: Choice | None) -> str:
    names = {Choice.learning: "learning_traces.png", Choice.value: "value_map.png"}
    return "learning_curve.png" if figure is None else names.get(figure, "learning_curve.png")


def _beside(path: Path, figure: Choice | None) -> Path:
    stem = path.with_suffix("") if figure is None else path.with_name(f"{path.stem}-{figure.value}")
    return stem.with_name(stem.name + ".png")


# --------------------------------------------------------------------------- runs


def _learning_curve(paths: list[Path]) -> Plot:
    from snnctl.report import learning_curve

    runs = learning_figures.run_folders(paths)
    recipes = sorted({run.resolve().parent.name for run in runs})
    curves = [curve for curve in (_curve(run, len(recipes) > 1) for run in runs) if len(curve.steps)]
    if not curves:
        raise InputError(Problem(str(paths[0]), "has no finished training episode yet", "wait a little"))
    return learning_curve.draw(curves, " and ".join(recipes))


def _curve(run: Path, by_recipe: bool) -> Curve:
    """The curve of a run, in the group of its recipe or, where there is but one, of the name that it was given."""
    import numpy as np

    from snnctl.report.learning_curve import Curve

    rows = learning_figures.updates(run / METRICS)
    points = [(row["steps"], row["mean_return"]) for row in rows if row["mean_return"] is not None]
    selected = [(row["steps"], row["selection_return"]) for row in rows if row.get("selection_return") is not None]
    steps, returns = np.array(points, np.float64).reshape(-1, 2).T
    recipe, given = run.resolve().parent.name, re.sub(r"-seed\d+$", "", run.name)
    group = recipe if by_recipe or re.fullmatch(r"\d{8}-\d{6}", given) else given  # not the moment of its start
    return Curve(run.name, steps, returns, np.array(selected, np.float64).reshape(-1, 2), group)


# --------------------------------------------------------------------------- neuron models


def _is_neuron(name: str) -> bool:
    """Whether ``name``, which is no file, can only be a neuron model."""
    from snnctl.cli import vocabulary

    if ":" in name:
        return True
    return not Path(name).suffix and name in [word.name for word in vocabulary.words("neuron")]


def _f_i_curves(names: list[str], currents: str) -> Plot:
    """One curve for each name; ``name=value`` goes to the model before it."""
    import numpy as np

    from snnctl.cli import vocabulary
    from snnctl.report import f_i_curve

    chosen: list[tuple[str, list[str]]] = []
    for name in names:
        if "=" not in name:
            chosen.append((name, []))
        elif chosen:
            chosen[-1][1].append(name)
        else:
            raise InputError(Problem(name, "comes before any model", "write the model, then its parameters"))
    curves = []
    for name, assignments in chosen:
        word = vocabulary.find(name, "neuron")
        neuron, guessed = vocabulary.configured(word.cls, assignments)
        tick_s = f_i_curve.tick_of(neuron)
        given = np.linspace(*_range(currents), 61) if currents else f_i_curve.currents_of(neuron, tick_s)
        told = [*assignments, *(f"{key}={value:g}" for key, value in guessed.items())]
        title = name.rpartition(":")[2] + ("\n" + ", ".join(told) if told else "")
        curves.append(f_i_curve.f_i_curve(neuron, given, tick_s, name=title))
    return f_i_curve.draw(curves)


def _range(currents: str) -> tuple[float, float]:
    low, _, high = currents.partition(":")
    try:
        found = float(low), float(high)
    except ValueError:
        raise InputError(Problem("--currents", f"'{currents[:60]}' is no LOW:HIGH", "write e.g. 0:0.5")) from None
    if not -math.inf < found[0] < found[1] < math.inf:
        raise InputError(Problem("--currents", f"'{currents[:60]}' is no range", "the first must be the lower"))
    return found


# --------------------------------------------------------------------------- recordings


def _recording(path: Path, figure: Choice | None, number: int, start: str, stop: str, names: str, frames: bool) -> Plot:
    from snnctl.loop import recorder
    from snnctl.report import latency, raster

    recording = recorder.read(path)
    if number >= len(recording.episodes):
        raise InputError(Problem("--episode", f"is {number}", f"{path} has {len(recording.episodes)}, counted from 0"))
    episode = recording.episodes[number]
    head, dt_s = recording.attributes, float(recording.attributes["control_dt_s"])
    if not len(episode.columns["reward"]):
        raise InputError(Problem(str(path), f"episode {number} has no step", "choose another with --episode"))
    heading = f"{head['agent']} in {head['env_id']}"
    if figure == Choice.latency:
        times = latency.measured(episode.columns["decision_s"], "measured wall time on this computer")
        return latency.draw(times, dt_s, heading)
    if figure == Choice.energy:
        raise InputError(Problem(str(path), "holds no energy", "draw the eval.json of `snnctl evaluate`"))
    last = float(episode.columns["time_s"][-1])
    low = _time(start, 0.0, "--from")
    high = min(last, _time(stop, low + WINDOW_STEPS * dt_s, "--to"))
    if not 0 <= low < high:
        raise InputError(Problem("--from", f"{low:g} s is not before --to {high:g} s", f"the episode lasts {last:g} s"))
    shown = [*_signals(recording, episode, names), *_critic(episode), _actions(episode, dt_s)]
    pictures = _frames(recording, episode, low, high) if frames else []
    ended = episode.attributes.get("diverged") and f"DIVERGED: {episode.attributes['diverged']}"
    value = episode.attributes.get("episode_return")
    window = f"{last:g} s" if high - low >= last else f"{low:g} to {high:g} s of {last:g} s"
    below = f"episode {number} (seed {episode.attributes['seed']}), {window}" + (
        f", {ended}" if ended else "" if value is None else f", return {value:.5g}"
    )
    return raster.draw(shown, _bands(episode, dt_s), (low, high), heading, below, pictures)


def _time(text: str, default: float, option: str) -> float:
    from snnctl.config import quantity

    try:
        return quantity(text, "s") if text else default
    except ValueError as error:
        raise InputError(Problem(option, str(error))) from None


def _signals(recording: Recording, episode: Recorded, names: str) -> list[Signal]:
    """The chosen observations, by default the first few, in the robot's own quantities where they are known."""
    import numpy as np

    from snnctl.report.raster import Signal

    values: NDArray[Any] = episode.columns["observation"]  # (steps + 1, dims)
    known = observations.named(str(recording.attributes["env_id"]), values.shape[1], episode.labels)
    labels = [o.label for o in known]
    chosen = observations.choose(names, labels) if names else range(min(len(labels), MAX_SIGNALS))
    time_s = episode.columns["time_s"]
    shown = []
    for k in chosen:
        o = known[k]
        shown.append(Signal(o.label, o.unit, time_s, (values[:, k].astype(np.float64) - o.offset) / o.scale))
    return shown


def _critic(episode: Recorded) -> list[Signal]:
    """Value and dopamine of a controller that learnt, else nothing.

    The value of a decision is drawn at the time of the decision, the error of a reward when it was released: one
    control step later, when the robot had got where the action led.
    """
    import numpy as np

    from snnctl.report import figure
    from snnctl.report.raster import Signal

    if "value" not in episode.columns:
        return []
    time_s = episode.columns["time_s"]
    dopamine = episode.columns["dopamine"]
    came = np.isfinite(dopamine)
    return [
        Signal("value", "max rewards", time_s[:-1], episode.columns["value"], colour=figure.GREEN),
        Signal("dopamine", "max rewards", time_s[1:][came], dopamine[came], colour=figure.PURPLE),
    ]


def _actions(episode: Recorded, dt_s: float) -> Signal:
    import numpy as np

    from snnctl.report.raster import Signal

    values = episode.columns["action"].astype(np.float64).reshape(len(episode.columns["reward"]), -1)
    held = np.append(values, values[-1:], axis=0)  # (steps + 1, actions): the last action holds until the end
    name = "action" if held.shape[1] == 1 else f"{held.shape[1]} actions"
    return Signal(name, "", np.arange(len(held), dtype=np.float64) * dt_s, held, steps=True)


def _bands(episode: Recorded, dt_s: float) -> list[Band]:
    """Populations from input to output: HDF5 sorts by name, the order of the tick does not."""
    import numpy as np

    from snnctl.report.raster import Band

    order = sorted(episode.spikes, key=lambda name: ({"input": 0, "output": 2}.get(name, 1), name))
    found = []
    for name in order:
        events = episode.spikes[name]
        time_s = (events.step + events.tick / events.ticks) * dt_s  # (spikes,)
        found.append(Band(name, events.neurons, time_s, events.index.astype(np.int64)))
    return found


def _frames(recording: Recording, episode: Recorded, low: float, high: float) -> list[Frame]:
    import numpy as np

    from snnctl.loop import replay
    from snnctl.report.raster import Frame

    time_s = episode.columns["time_s"]
    wanted = low + (np.arange(FRAMES) + 0.5) / FRAMES * (high - low)  # each above the time that it shows
    rows = [int(np.abs(time_s - t).argmin()) for t in wanted]
    pictures = replay.frames(str(recording.attributes["env_id"]), episode, rows)
    return [Frame(float(time_s[row]), picture) for row, picture in zip(rows, pictures, strict=True)]


# --------------------------------------------------------------------------- evaluations


def _cost(path: Path, figure: Choice | None) -> Plot:
    import numpy as np

    from snnctl.report import energy, latency

    data = _evaluation(path)
    try:
        chip, heading = data["chip"]["title"], f"{data['agent']['name']} on {data['chip']['title']}"
        if figure == Choice.latency:
            times, bars = data["latency"], data["latency"]["histogram"]
            marks = [float(times[name]) for name in ("p50_s", "p99_s", "max_s")]
            counts, edges = np.array(bars["counts"], np.int64), np.array(bars["edges_s"], np.float64)
            shown = latency.Latency(counts, edges, marks[0], marks[1], marks[2], f"modelled: {chip}")
            return latency.draw(shown, float(data["env"]["control_dt_s"]), heading)
        if figure == Choice.raster:
            raise InputError(Problem(str(path), "holds no spikes", "draw the recording of `snnctl run --record`"))
        power = {name: float(data["power"][f"{name}_w"]) for name in ("static", "idle", "dynamic")}
        parts = {name.replace("_", " "): float(v) for name, v in data["energy"]["dynamic_by_part_j"].items()}
        asked = data["budget"].get("power") if data["budget"]["boundary"] == "chip" else None
        limit_w = float(asked["limit_w"]) if asked else None
        return energy.draw(power, parts, limit_w, heading, f"modelled from sourced constants, in {data['env']['id']}")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(Problem(str(path), f"is not an evaluation (at {error})", "make one with evaluate")) from None


def _evaluation(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(Problem(str(path), "is too large for an evaluation"))
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(Problem(str(path), f"cannot be read ({error.strerror})")) from None
    except (ValueError, RecursionError):
        raise InputError(Problem(str(path), "is not JSON", "name the eval.json of `snnctl evaluate`")) from None
