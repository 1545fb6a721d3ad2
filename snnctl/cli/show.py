"""``snnctl show``: one entry, resolved (defaults filled in) and explained."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from snnctl import config, library, slots
from snnctl.cli import console, entries, vocabulary
from snnctl.errors import InputError, NotFoundError, Problem
from snnctl.library import Entry
from snnctl.storage import read_json

_USES = {
    "env": "snnctl check {name}",
    "agent": "snnctl run {name}",
    "recipe": "snnctl train {name}",
    "chip": "snnctl evaluate AGENT --chip {name}",
    "budget": "snnctl evaluate AGENT --chip CHIP --budget {name}",
    "space": "snnctl sweep RECIPE --space {name}",
}


def show(
    name: Annotated[
        str,
        typer.Argument(help="Name or path of an entry, a run folder, or a part: a neuron model, code, trainer, ..."),
    ],
    kind: Annotated[
        str,
        typer.Option(
            help="Of an ambiguous name: env, agent, recipe, chip, budget, space, neuron, rule, code, encoder, decoder, "
            "derivative, critic, trainer, wrapper, family."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Show one entry with every default filled in; of a part its equation and parameters, of a trainer its metrics.

    Example: snnctl show loihi1
    """
    entry = _entry(name, kind)
    if entry is None:
        _word(vocabulary.find(name, kind), as_json)
        return
    with slots.unresolved():
        value = entries.load(entry)
    if as_json:
        data = {"kind": entry.kind, "name": entry.name, "path": str(entry.path), "from": entry.origin}
        console.json_result({**data, "value": config.to_data(value)})
        return
    called = shlex.quote(name) if entry.origin == "path" else entry.name
    lines = [
        f"# {entry.kind} {entry.name}, from {entry.origin}: {entry.path}",
        *(f"# {line}" for line in _explain(entry.kind, value, entry.path)),
        *(f"# {problem.where} {problem.message}" for problem in slots.untrusted(value)),
        f"# use it: {_USES[entry.kind].format(name=called)}",
        "",
        config.to_toml(value).rstrip(),
    ]
    console.result("\n".join(lines))


def _entry(name: str, kind: str) -> Entry | None:
    """The entry of this name; None if it has to be a part."""
    if kind in vocabulary.CHOICES or (":" in name and not library.as_path(name).exists()):
        return None
    try:
        return entries.find(name, kind)
    except NotFoundError as error:
        if kind:
            raise
        vocabulary.instead(name, error)
        return None


def _word(word: vocabulary.Word, as_json: bool) -> None:
    if not word.has_parameters and word.kind != "family":
        raise InputError(Problem(word.name, "is not a dataclass", f"see `snnctl check {word.name}`"))
    data: dict[str, Any] = {"kind": word.kind, "name": word.name, "class": word.place}
    data |= {"about": word.about, "text": word.text}
    blocks = [f"# {word.kind} {word.name}: {word.place}", word.text]
    if word.kind == "family":
        numbers = getattr(word.cls, "numbers", {})
        data["numbers"] = {name: section._asdict() for name, section in numbers.items()}
        lines = [f"  {name} ({', '.join(one.units)}): {', '.join(one.names)}" for name, one in numbers.items()]
        blocks.append("\n".join(["numbers of its chip files", *lines]))
    else:
        data["parameters"] = rows = vocabulary.parameters(word.cls)
        shown = [(r["name"], r["type"], "required" if r["required"] else _default(r["default"])) for r in rows]
        blocks.append(console.table(("parameter", "type", "default"), shown) if shown else "no parameters")
    if word.kind == "trainer":
        metrics = getattr(word.cls, "METRICS", {})
        data["metrics"] = {name: metric.meaning for name, metric in metrics.items()}
        blocks.append("\n".join(["metrics", *(f"  {name}: {metric.meaning}" for name, metric in metrics.items())]))
    console.json_result(data) if as_json else console.result("\n\n".join(blocks))


def _default(value: Any) -> str:
    if isinstance(value, dict):  # of a table
        return "{" + ", ".join(f"{key} = {_default(one)}" for key, one in value.items()) + "}"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _explain(kind: str, value: Any, path: Path) -> list[str]:
    """What the numbers below amount to."""
    if kind == "agent":
        evaluated = _evaluated(path)
        return [f"{value.network.summary}, for {value.task.env_id}", *evaluated]
    if kind == "recipe":
        return [f"{slots.TRAINERS.name_of(value.trainer)} in {value.env.id}; {value.network.summary}"]
    if kind == "space":
        return [f"varies {len(value.keys)} keys" + (f" of the recipe {value.recipe}" if value.recipe else "")]
    if kind == "env":
        return [f"a decision every {value.clock.control_dt_s:g} s, episodes of {value.max_episode_steps} steps"]
    if kind == "chip":
        counts: dict[str, int] = {}
        for constant in value.constants("limits", "energy", "time", "power"):
            counts[constant.status] = counts.get(constant.status, 0) + 1
        return ["numbers: " + ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))]
    return [f"for {value.robot}; compared at the boundary '{value.boundary}'"]


def _evaluated(path: Path) -> list[str]:
    try:
        summary = read_json(path / "eval.json")["summary"]
        return [f"evaluated: mean return {summary['mean']:.2f} over {summary['n']} episodes"]
    except (InputError, ValueError, KeyError, TypeError):
        return []
