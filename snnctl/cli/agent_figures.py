"""``snnctl plot`` of an agent that learns: the map of what its critic expects and its actor does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from snnctl import api
from snnctl.cli import observations
from snnctl.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snnctl.agent.folder import Agent
    from snnctl.report.figure import Plot

MANY_OTHERS = 3  # more observations that are held still are counted, not listed


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
    from snnctl.report import value_map as picture
    from snnctl.report.value_map import Axis, Choices, Component

    if len(names) > 1:
        raise InputError(Problem("--figure value", f"was given {len(names)} agents", "it draws one"))
    agent = api.agent(names[0])
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
        kind = Choices(observations.choices(task.env_id, task.choices[0]))
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
    from snnctl.robots.contract import closed

    task = agent.description.task
    env = environments.opened(task.env)
    try:
        return recorder.labels(env)
    finally:
        closed(env)
