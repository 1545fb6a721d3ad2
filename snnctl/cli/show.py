"""``snnctl show``: one entry, resolved (defaults filled in) and explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from snnctl import library, slots
from snnctl.cli import console, entries, vocabulary
from snnctl.errors import InputError, NotFoundError, Problem
from snnctl.library import Entry

_USES = {
    "env": "snnctl check {name}",
    "agent": "snnctl run {name}",
    "recipe": "snnctl train {name}",
    "chip": "snnctl evaluate AGENT --chip {name}",
    "budget": "snnctl evaluate AGENT --chip CHIP --budget {name}",
    "space": "snnctl sweep RECIPE --space {name}",
}


def show(
    name: Annotated[str, typer.Argument(help="Name or path of an entry, or a neuron model, rule or code.")],
    kind: Annotated[
        str,
        typer.Option(
            help="Of an ambiguous name: env, agent, recipe, chip, budget, space, neuron, rule, code, encoder, decoder."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Show one entry with every default filled in; of a neuron model, rule or code its equation and parameters.

    Example: snnctl show loihi1
    """
    from snnctl import config, slots

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
    lines = [
        f"# {entry.kind} {entry.name}, from {entry.origin}: {entry.path}",
        *(f"# {line}" for line in _explain(entry.kind, value, entry.path)),
        *(f"# names Python code that was not imported: {part.name}" for part in slots.left_unresolved(value)),
        f"# use it: {_USES[entry.kind].format(name=entry.name)}",
        "",
        config.to_toml(value).rstrip(),
    ]
    console.result("\n".join(lines))


def _entry(name: str, kind: str) -> Entry | None:
    """The entry of this name; None if it has to be a model, a rule or a code."""
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
    import dataclasses

    if not dataclasses.is_dataclass(word.cls):
        raise InputError(Problem(word.name, "is not a dataclass", f"see `snnctl check {word.name}`"))
    rows = vocabulary.parameters(word.cls)
    place = f"{word.cls.__module__}:{word.cls.__qualname__}"
    if as_json:
        data = {"kind": word.kind, "name": word.name, "class": place, "about": word.about}
        console.json_result({**data, "text": vocabulary.text(word.cls), "parameters": rows})
        return
    columns = ("parameter", "type", "default")
    shown = [(r["name"], r["type"], "required" if r["required"] else _default(r["default"])) for r in rows]
    table = console.table(columns, shown) if shown else "no parameters"
    console.result(f"# {word.kind} {word.name}: {place}\n\n{vocabulary.text(word.cls)}\n\n{table}")


def _default(value: Any) -> str:
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
    import json

    try:
        summary = json.loads((path / "eval.json").read_text(encoding="utf-8"))["summary"]
        return [f"evaluated: mean return {summary['mean']:.2f} over {summary['n']} episodes"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
