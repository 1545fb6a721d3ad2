"""The agent card: what it is, how it was made, how good it is, how to run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snnctl.agent.folder import Agent
from snnctl.training.recipe import Recipe


def card(agent: Agent, recipe: Recipe, evaluation: Mapping[str, Any] | None, *, bit_exact: bool = True) -> str:
    """Markdown for the README.md of an agent folder; without ``evaluation`` it says that there is none yet."""
    description = agent.description
    made = description.provenance
    weights = sum(int(t.size) for t in agent.tensors.values())
    versions = ", ".join(f"{name} {version}" for name, version in sorted(made.versions.items()))
    lines = [
        f"# {description.name}",
        "",
        recipe.description or f"A controller for {description.task.env_id}.",
        "",
        f"- environment: `{description.task.env_id}`, a decision every {description.task.control_dt_s:g} s",
        f"- network: {description.network.summary}, {weights} parameters",
        f"- recipe: `{made.recipe}`, seed {made.seed}, {made.steps} environment steps",
        *([f"- training began with: `{made.start}`"] if made.start else []),
        *([f"- trained by: `{made.command}`"] if made.command else []),
        f"- versions: {versions}",
        *([] if bit_exact else ["- not bit-exact: training was resumed with other versions or another processor"]),
        "",
        *_result(evaluation),
        "",
        f"Run it: `snnctl run {description.name} --episodes 10`",
    ]
    return "\n".join(lines) + "\n"


def _result(evaluation: Mapping[str, Any] | None) -> list[str]:
    if evaluation is None:
        return ["Not evaluated yet: training goes on."]
    s = evaluation["summary"]
    if s["mean"] is None:
        return [f"All {s['n']} evaluation episodes diverged."]
    interval = "" if s["interval"] is None else f", 95 % interval {s['interval'][0]:.2f} … {s['interval'][1]:.2f}"
    return [
        f"Return over {s['n']} evaluation episodes (seed {evaluation['seed']}, float engine): "
        f"mean {s['mean']:.2f} ± {s['std']:.2f}, interquartile mean {s['iqm']:.2f}{interval}, "
        f"worst 5 % {s['worst5']:.2f}, diverged {s['diverged']}.",
    ]
