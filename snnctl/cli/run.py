"""``snnctl run``: an agent drives its robot, and the statistics of its episodes."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snnctl import api
from snnctl.cli import console, post_mortems
from snnctl.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snnctl.agent.folder import Agent
    from snnctl.agent.fused_learner import FusedLearner
    from snnctl.agent.learner import Learner
    from snnctl.loop.episode import Episode, Observer
    from snnctl.loop.statistics import Summary
    from snnctl.robots.changes import Change

ALL_DIVERGED = 3


def run(
    agent: Annotated[str, typer.Argument(help="Name or folder of an agent, or a run folder (its best checkpoint).")],
    env: Annotated[str, typer.Option(metavar="ID", help="Environment, instead of the agent's own.")] = "",
    episodes: Annotated[int, typer.Option(min=1, max=100_000, help="Episodes to run.")] = 10,
    seed: Annotated[int, typer.Option(min=0, max=api.MAX_SEED, help="Seed of the episodes' seeds.")] = 0,
    change: Annotated[
        list[str] | None,
        typer.Option(metavar="C", help="Change the plant, again for more: length*=0.5, observation[3]+=0.3 ..."),
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="Cut episodes here (by default only the environment does).")
    ] = None,
    video: Annotated[Path | None, typer.Option(metavar="F", help="Film the episodes: F.gif or F.webp.")] = None,
    record: Annotated[Path | None, typer.Option(metavar="F", help="Record states, actions, spikes: F.h5.")] = None,
    view: Annotated[bool, typer.Option("--view", help="Watch in MuJoCo's viewer, in real time.")] = False,
    learn: Annotated[
        bool, typer.Option("--learn", help="Keep learning from rewards while it acts (agents with a rule).")
    ] = False,
    save: Annotated[Path | None, typer.Option(metavar="DIR", help="With --learn: save the agent it became.")] = None,
    weights: Annotated[
        str, typer.Option(metavar="W", help="float32, or int8: rounded to 8 bits, for large networks.")
    ] = "float32",
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Run an agent in closed loop and report returns, timing and spikes.

    A diverged episode (non-finite numbers, MuJoCo warnings, time running backwards) counts as a failure.
    --change sets, adds to or multiplies a number of the environment (an attribute; with MuJoCo also of its model, such
    as model.actuator_gear*=0.5 or model.body_mass[pole]=9), an observation or a continuous action.
    With --learn the agent's own rule goes on: it explores, and every weight stays within the rule's limits.
    How an episode diverged is kept in runs/post_mortem; `snnctl check FOLDER` replays it.
    Exit code 3 when every episode diverged.

    Example: snnctl run cartpole-ppo --episodes 20

    Example: snnctl run cartpole-rstdp --change 'length*=0.12' --learn --episodes 200 --save adapted
    """
    from snnctl.agent import controllers, learner
    from snnctl.loop import closed_loop, statistics
    from snnctl.loop.observers import Observers
    from snnctl.robots import changes

    loaded = api.agent(agent)
    plant = changes.parse(change or ())
    if save is not None and not learn:
        raise InputError(Problem("--save", "needs --learn", "without it the agent stays what it is"))
    if save is not None and save.exists():
        raise InputError(Problem(str(save), "is there already", "name a new folder"))
    if save is not None and not _is_writable(save):
        raise InputError(Problem(str(save), "cannot be written to", "name a folder that you may write to"))
    if weights not in ("float32", "int8") or (learn and weights != "float32"):
        only = "float32 with --learn" if learn else "float32 or int8"
        raise InputError(Problem("--weights", f"is {weights!r}", f"choose {only}"))
    learning = learner.make(loaded, seed) if learn else None
    controller = learning or controllers.make(loaded, "int8" if weights == "int8" else "float32")
    env_id = env or loaded.description.task.env_id
    console.compiling()
    with contextlib.ExitStack() as stack:
        observers = _observers(stack, env_id, seed, plant, video, record, view)
        bar = stack.enter_context(console.progress("run", episodes, "episodes"))
        keeper = stack.enter_context(post_mortems.kept(_failures(loaded, env_id), loaded, env_id, plant))
        finished: list[Episode] = []

        def follow(done: int, _: int, episode: Episode) -> None:
            finished.append(episode)
            bar.update(done, episode.diverged or f"return {episode.episode_return:.6g}")

        try:
            closed_loop.run_episodes(
                controller,
                env_id,
                closed_loop.episode_seeds(seed, episodes),
                {"render_mode": "rgb_array"} if video is not None else None,
                Observers(*observers) if observers else None,
                follow,
                max_steps=max_steps,
                changes=plant,
            )
        except KeyboardInterrupt:
            if save is not None and learning is not None:  # what it has learnt must not be lost
                _save(learning, save, _command(agent, env_id, plant, seed, max_steps, finished), finished)
                console.note(f"wrote {save}, what it has become in {len(finished)} episodes")
            raise
    post_mortems.tell(keeper, finished)
    for path in (video, record):
        if path is not None:
            console.note(f"wrote {path} ({path.stat().st_size / 1000:,.0f} kB)")
    if record is not None:
        console.note(f"try: snnctl plot {record}")
    if save is not None and learning is not None:
        _save(learning, save, _command(agent, env_id, plant, seed, max_steps, finished), finished)
        console.note(f"wrote {save}; without learning: snnctl run {save} {_where(env_id, plant)}")
    if learning is not None:
        _warn(loaded, learning, finished)
    if weights == "int8":
        console.note(f"8-bit weights: {_rounding(loaded)}")
    summary = statistics.summarise(finished)
    if as_json:
        console.json_result(_plain(loaded, env_id, plant, seed, finished, summary))
    else:
        parts = [text(loaded, env_id, plant, seed, finished, summary)]
        console.result("\n\n".join([*parts, _progress(finished)] if learn else parts))
    if summary.diverged == summary.n:
        raise typer.Exit(ALL_DIVERGED)


def _failures(agent: Agent, env_id: str) -> Path:
    """Where post-mortems go: a folder of its own for an agent in an environment."""
    own = re.sub(r"[^A-Za-z0-9._-]+", "_", f"{agent.description.name}-{env_id}")[:100]
    return Path("runs") / "post_mortem" / own


def _rounding(agent: Agent) -> str:
    """What rounding to 8 bits changes in each projection."""
    from snnctl.agent.int8 import relative_error

    network = agent.description.spiking_network
    names = [(p.weight_name, f"{p.source} to {p.target}") for p in network.projections]
    return ", ".join(f"{ends} {relative_error(agent.tensors[name]):.2%}" for name, ends in names) + " of the rms weight"


def _warn(before: Agent, learner: FusedLearner | Learner, episodes: Sequence[Episode]) -> None:
    """Say if nothing was learnt, or what was learnt is worse."""
    import numpy as np

    from snnctl.training.collapse import GAIN
    from snnctl.training.diagnosis import FEWEST

    after, name = learner.agent(), before.description.name
    if all(e.diverged is not None for e in episodes):
        return  # said already, and nothing is learnt from such an episode's end
    if all(np.array_equal(array, after.tensors[key]) for key, array in before.tensors.items() if "weight" in key):
        console.note(f"snnctl: {name}: it is not learning: no weight has moved; every reward was as expected, or")
        console.note("  the learning rates in its agent.toml are too low")
        return
    returns = np.array([e.episode_return for e in episodes if e.diverged is None])
    part = len(returns) // 5
    if part < FEWEST:
        return
    first, last = returns[:part], returns[-part:]
    fall, error = float(first.mean() - last.mean()), math.sqrt((first.var(ddof=1) + last.var(ddof=1)) / part)
    if fall > max(GAIN * abs(float(first.mean())), 2 * error):  # two standard errors: more than chance
        console.note(f"snnctl: {name}: it is not learning: the mean return fell from {first.mean():.4g} to")
        console.note(f"  {last.mean():.4g} (first and last fifth); lower the learning rates and the noise in its")
        console.note("  agent.toml")


def _progress(episodes: Sequence[Episode]) -> str:
    """Returns while it learnt, in up to ten parts."""
    import numpy as np

    parts = np.array_split(np.arange(len(episodes)), min(10, len(episodes)))
    rows = []
    for part in parts:
        returns = [episodes[k].episode_return for k in part if episodes[k].diverged is None]
        mean = _n(float(np.mean(returns))) if returns else "diverged"
        rows.append([f"{part[0] + 1} to {part[-1] + 1}", mean])
    return "while it learnt:\n" + console.table(["episodes", "return mean"], rows)


def _is_writable(path: Path) -> bool:
    try:
        path.mkdir(parents=True)
        path.rmdir()
    except OSError:
        return False
    return True


def _where(env_id: str, plant: Sequence[Change]) -> str:
    """The options that name this plant."""
    return " ".join([f"--env {shlex.quote(env_id)}", *(f"--change {shlex.quote(str(change))}" for change in plant)])


def _command(
    given: str, env_id: str, plant: Sequence[Change], seed: int, max_steps: int | None, episodes: Sequence[Episode]
) -> str:
    """What makes the adapted agent of the one that was given."""
    command = (
        f"snnctl run {shlex.quote(given)} {_where(env_id, plant)} --learn --seed {seed} --episodes {len(episodes)}"
    )
    return command if max_steps is None else f"{command} --max-steps {max_steps}"


def _save(learner: FusedLearner | Learner, path: Path, command: str, episodes: Sequence[Episode]) -> None:
    """Write the adapted agent, with the command that made it."""
    from snnctl.agent import folder
    from snnctl.agent.folder import Agent

    agent = learner.agent()
    before, name = agent.description.provenance, agent.description.name
    made = dataclasses.replace(before, command=command, steps=before.steps + sum(e.length for e in episodes))
    card = f"# {name}, adapted\n\nThe agent after {len(episodes)} episodes with learning on (`{command}`).\n"
    folder.save(Agent(dataclasses.replace(agent.description, provenance=made), agent.tensors), path, card=card)


def _observers(
    stack: contextlib.ExitStack,
    env_id: str,
    seed: int,
    plant: Sequence[Change],
    video: Path | None,
    record: Path | None,
    view: bool,
) -> list[Observer]:
    """What looks on, each closed (and so written) when the stack is left, an interrupt included."""
    found: list[Observer] = []
    if record is not None:
        from snnctl.loop.recorder import Recorder

        found.append(stack.enter_context(Recorder(record, env_id, seed, plant)))
    if video is not None:
        from snnctl.loop.video import Video

        film = Video(video)
        stack.callback(film.close)
        found.append(film)
    if view:
        from snnctl.loop.viewer import Viewer

        window = Viewer()
        stack.callback(window.close)
        found.append(window)
    return found


def text(
    agent: Agent, env_id: str, plant: Sequence[Change], seed: int, episodes: Sequence[Episode], summary: Summary
) -> str:
    """Returns, timing and spikes of episodes as tables."""
    where = f"{env_id} changed by {', '.join(map(str, plant))}" if plant else env_id
    parts = [f"{agent.description.name} in {where}: {summary.n} episodes of seed {seed}"]
    parts.append(console.table(["measure", "value", ""], _measures(summary)))
    rows = [[n, r.neurons, f"{r.per_tick:.4f}", f"{r.hz:.2f}"] for n, r in summary.rates.items()]
    if rows:
        parts.append(console.table(["population", "neurons", "spikes/neuron/tick", "Hz (robot's time)"], rows))
    if summary.diverged:
        lost = [f"  episode {k} (seed {e.seed}): {e.diverged}" for k, e in enumerate(episodes) if e.diverged]
        rule = "no return is known" if summary.mean is None else "scored as failures (snnctl.loop.statistics)"
        parts.append("\n".join([f"{summary.diverged} of {summary.n} episodes DIVERGED, {rule}:", *lost]))
    return "\n\n".join(parts)


def _measures(summary: Summary) -> list[list[object]]:
    interval = (
        "" if summary.interval is None else f"95 % interval {_n(summary.interval[0])} to {_n(summary.interval[1])}"
    )
    count = max(1, summary.n // 20)
    rows: list[list[object]] = [
        ["return mean", _n(summary.mean), f"standard deviation {_n(summary.std)}"],
        ["return IQM", _n(summary.iqm), interval],
        ["return worst 5 %", _n(summary.worst5), f"mean of the lowest {count}" if count > 1 else "the lowest one"],
        ["return range", _n(summary.minimum), f"to {_n(summary.maximum)}"],
        ["diverged", summary.diverged, f"of {summary.n} episodes"],
        ["length", _n(summary.mean_length), "control steps, mean"],
    ]
    if summary.timing is not None:
        t = summary.timing
        rows += [
            ["decision p50", f"{t.p50_s * 1e6:.1f}", "us, wall time of encode + network + decode"],
            ["decision p99", f"{t.p99_s * 1e6:.1f}", f"us, max {t.max_s * 1e6:.1f} us"],
            ["real-time factor", _n(t.real_time_factor), "simulated / wall time"],
            ["synaptic events", _n(summary.events_per_decision), "per decision"],
        ]
    if summary.limited_actions:
        rows.append(["clipped actions", summary.limited_actions, "control steps"])
    if summary.outlying_observations:
        rows.append(["outlying obs.", summary.outlying_observations, "outside the declared bounds"])
    return rows


def _plain(
    agent: Agent, env_id: str, plant: Sequence[Change], seed: int, episodes: Sequence[Episode], summary: Summary
) -> dict[str, Any]:
    rows = [
        {
            "seed": e.seed,
            "return": None if e.diverged else e.episode_return,
            "length": e.length,
            "terminated": e.terminated,
            "truncated": e.truncated,
            "diverged": e.diverged,
        }
        for e in episodes
    ]
    head = {"agent": agent.description.name, "weights_sha256": agent.description.provenance.weights_sha256}
    told = {"env_id": env_id, "changes": [str(change) for change in plant], "seed": seed}
    return {**head, **told, "summary": summary.to_json(), "episodes": rows}


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
