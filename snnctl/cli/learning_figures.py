"""Two figures of agents that learn: the traces of a training, and the map of what a critic expects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.cli import observations
from snnctl.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snnctl.agent.folder import Agent
    from snnctl.report.figure import Plot

METRICS = "metrics.jsonl"
MANY_OTHERS = 3  # more observations that are held still are counted, not listed


def traces(paths: Sequence[Path]) -> Plot:
    """Return, dopamine, weights and value of one training.

    Raises:
        InputError: not one run folder, or not of an rstdp recipe.
    """
    import numpy as np

    from snnctl.report import learning_traces
    from snnctl.training.rstdp import QUANTILES

    run = _one_run(paths)
    where = str(run / METRICS)
    rows = _rows(run / METRICS)
    quantiles = [f"rstdp/weight_q{100 * q:02.0f}" for q in QUANTILES]
    wanted = ["steps", "mean_return", "rstdp/dopamine_std", "rstdp/dopamine_mean", *quantiles, "rstdp/value_mean"]
    if not any(name.startswith("rstdp/") for row in rows for name in row):
        remedy = "this figure belongs to runs of rstdp recipes; without --figure the learning curve is drawn"
        raise InputError(Problem(where, "holds no dopamine and no value", remedy))
    if missing := [name for name in wanted if name not in rows[-1]]:
        raise InputError(Problem(where, f"holds no {missing[0]}", "it is of an earlier version: train again"))
    try:
        table = np.array([[row[name] for name in wanted] for row in rows], np.float64)  # (updates, columns)
        pairs = [(row["steps"], row["selection_return"]) for row in rows if row.get("selection_return") is not None]
        selected = np.array(pairs, np.float64).reshape(-1, 2)
    except (KeyError, TypeError, ValueError):
        raise InputError(Problem(where, "is not training metrics throughout", "train again")) from None
    first = len(wanted) - len(quantiles) - 1
    shown = learning_traces.Traces(
        steps=table[:, 0],
        returns=table[:, 1],
        dopamine_std=table[:, 2],
        dopamine_mean=table[:, 3],
        weights=table[:, first:-1],
        value=table[:, -1],
        selected=selected,
    )
    return learning_traces.draw(shown, run.resolve().parent.name, f"run {run.resolve().name}, {len(rows)} updates")


def _one_run(paths: Sequence[Path]) -> Path:
    runs = run_folders(paths)
    if len(runs) > 1:
        remedy = f"it draws one run, e.g. {runs[0]}; without --figure all are drawn"
        raise InputError(Problem("--figure learning", f"was given {len(runs)} runs", remedy))
    return runs[0]


def run_folders(paths: Sequence[Path]) -> list[Path]:
    """Run folders among ``paths`` and right inside them.

    Raises:
        InputError: a path is none and holds none.
    """
    runs: list[Path] = []
    for path in paths:
        found = [path] if (path / METRICS).is_file() else sorted(p.parent for p in path.glob(f"*/{METRICS}"))
        if not found:
            raise InputError(Problem(str(path), f"has no {METRICS}", "name a run folder or one that holds some"))
        runs += found
    return runs


def updates(path: Path) -> list[dict[str, Any]]:
    """The lines of a ``metrics.jsonl``, whose steps and returns are numbers or, for returns, None.

    Raises:
        InputError: a line is something else.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            row = json.loads(line)
            for value in (row["steps"], row["mean_return"] or 0, row.get("selection_return") or 0):
                float(value)
            found.append(row)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(Problem(f"{path}:{number}", "is not a line of training metrics")) from None
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    """Every update with a finished episode."""
    found = [row for row in updates(path) if row["mean_return"] is not None]
    if not found:
        raise InputError(Problem(str(path), "has no finished training episode yet", "wait a little"))
    return found


def value_map(names: Sequence[str], signals: str, points: int | None = None) -> Plot:
    """What critic and actor of one agent say over two observations.

    Args:
        names: one name of an agent, agent folder or run folder
        signals: two observations, or the default ones of the task
        points: on each axis, by default :data:`snnctl.agent.valuation.POINTS`

    Raises:
        InputError, NotFoundError, AgentError: several agents, none, or one without a critic.
    """
    from snnctl.agent import valuation
    from snnctl.cli.run import load
    from snnctl.report import value_map as picture
    from snnctl.report.value_map import Axis, Choices, Component

    if len(names) > 1:
        raise InputError(Problem("--figure value", f"was given {len(names)} agents", "it draws one"))
    agent = load(names[0])
    valuation.require_plane(agent, names[0])
    task = agent.description.task
    told = {} if observations.known(task.env_id) else _told(agent)
    known = observations.named(task.env_id, task.observation_size, told)
    x, y = observations.plane(signals, task.env_id, [o.label for o in known])
    found = valuation.plane(agent, x, y, points or valuation.POINTS)
    right, up = (
        Axis(o.label, o.unit, *((end - o.offset) / o.scale for end in ends))
        for o, ends in zip((known[x], known[y]), found.span, strict=True)
    )
    kind: Choices | Component
    if task.action_kind == "discrete":
        kind = Choices(observations.choices(task.env_id, task.action_size))
    else:
        limits = (float(agent.tensors[f"decoder.{end}"][0]) for end in ("low", "high"))
        kind = Component(observations.component(task.env_id, task.action_size), *limits)
    held = [
        f"{o.label} {(found.middle[k] - o.offset) / o.scale:.3g} {o.unit}".strip()
        for k, o in enumerate(known)
        if k not in (x, y)
    ]
    others = ", ".join(held) if len(held) <= MANY_OTHERS else f"the other {len(held)} in the middle of their ranges"
    unit = "reward per step" if found.reward_scale > 0 else "parts of the largest reward, per step"
    heading = f"{agent.description.name} in {task.env_id}"
    below = f"held still: {others}" if held else "it observes nothing else"
    return picture.draw(right, up, found.values, found.actions, kind, unit, heading, below)


def _told(agent: Agent) -> dict[str, Any]:
    """What a robot of the library says of its observations."""
    from snnctl.loop import recorder
    from snnctl.robots import environments

    task = agent.description.task
    env = environments.make(task.env_id, **task.env_kwargs)
    try:
        return recorder.labels(env)
    finally:
        env.close()
