"""``snnctl plot`` of a recording: spikes beside the robot's state, or the time that decisions took."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.cli import observations
from snnctl.errors import InputError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from snnctl.loop.recordings import Recorded, Recording
    from snnctl.report.figure import Plot
    from snnctl.report.raster import Band, Frame, Signal

FRAMES = 6
MAX_SIGNALS = 4
WINDOW_STEPS = 150  # more decisions than these smear in a raster, unless asked for


def raster(path: Path, number: int, start: str, stop: str, names: str, frames: bool) -> Plot:
    """Observations, actions and spikes of an episode between two times, below pictures of the robot if asked for.

    Raises:
        InputError: no such recording, episode, time or observation.
    """
    from snnctl.report import raster as picture

    recording, episode = _episode(path, number)
    dt_s, last = _period_s(recording), float(episode.columns["time_s"][-1])
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
    return picture.draw(shown, _bands(episode, dt_s), (low, high), _heading(recording), below, pictures)


def latency(path: Path, number: int) -> Plot:
    """How long the decisions of an episode took on this computer.

    Raises:
        InputError: no such recording or episode.
    """
    from snnctl.report import latency as picture

    recording, episode = _episode(path, number)
    times = picture.measured(episode.columns["decision_s"], "measured wall time on this computer")
    return picture.draw(times, _period_s(recording), _heading(recording))


def _episode(path: Path, number: int) -> tuple[Recording, Recorded]:
    from snnctl.loop import recordings

    recording = recordings.read(path)
    if number >= len(recording.episodes):
        raise InputError(Problem("--episode", f"is {number}", f"{path} has {len(recording.episodes)}, counted from 0"))
    if not len(recording.episodes[number].columns["reward"]):
        raise InputError(Problem(str(path), f"episode {number} has no step", "choose another with --episode"))
    return recording, recording.episodes[number]


def _period_s(recording: Recording) -> float:
    return float(recording.attributes["control_dt_s"])


def _heading(recording: Recording) -> str:
    return f"{recording.attributes['agent']} in {recording.attributes['env_id']}"


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
    """Value and TD error of a controller that learnt, else nothing.

    The value of a decision is drawn at the time of the decision, the error of a reward when it was released: one
    control step later, when the robot had got where the action led.
    """
    import numpy as np

    from snnctl.report import figure
    from snnctl.report.raster import Signal

    if "value" not in episode.columns:
        return []
    time_s = episode.columns["time_s"]
    td_error = episode.columns["td_error"]
    came = np.isfinite(td_error)
    return [
        Signal("value", "max rewards", time_s[:-1], episode.columns["value"], colour=figure.GREEN),
        Signal("TD error", "max rewards", time_s[1:][came], td_error[came], colour=figure.PURPLE),
    ]


def _actions(episode: Recorded, dt_s: float) -> Signal:
    import numpy as np

    from snnctl.report.raster import Signal

    values = episode.columns["action"].astype(np.float64).reshape(len(episode.columns["reward"]), -1)
    held = np.append(values, values[-1:], axis=0)  # (steps + 1, actions): the last action holds until the end
    name = "action" if held.shape[1] == 1 else f"{held.shape[1]} actions"
    return Signal(name, "", np.arange(len(held), dtype=np.float64) * dt_s, held, steps=True)


def _bands(episode: Recorded, dt_s: float) -> list[Band]:
    import numpy as np

    from snnctl.report.raster import Band

    found = []
    for name, events in episode.spikes.items():
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
