"""``snnctl list``: the entries, and where each was found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from snnctl import library
from snnctl.cli import console, entries, vocabulary
from snnctl.errors import InputError, Problem, nearest

_PLURALS = {f"{kind}s": kind for kind in library.KINDS}
_WIDTHS = dict.fromkeys(vocabulary.PLURALS, 120)  # of a column; definitions are whole lines


def list(  # the verb is the word a user types
    kind: Annotated[
        str,
        typer.Argument(
            help="envs, agents, recipes, chips, budgets, spaces, runs (all these by default); neurons, rules, codes, "
            "derivatives, critics, trainers, wrappers, families."
        ),
    ] = "",
    out: Annotated[Path, typer.Option(help="Where run folders are.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """List environments, agents, recipes, chips, budgets, spaces and runs; or parts of one kind (neurons, rules, ...).

    Example: snnctl list recipes
    """
    kinds = {"", "runs", *_PLURALS, *vocabulary.PLURALS}
    wanted = kind.lower() if kind.lower() in kinds else f"{kind.lower()}s"
    if wanted not in kinds:
        raise InputError(Problem(f"'{kind[:40]}'", "is not a kind of entry", nearest(kind, sorted(kinds - {""}))))
    found: dict[str, Any] = {}
    if wanted in vocabulary.PLURALS:
        chosen = vocabulary.words(vocabulary.PLURALS[wanted])
        found[wanted] = [{"name": w.name, "about": w.about, "path": w.place} for w in chosen]
    for plural, one in _PLURALS.items():
        if wanted in {"", plural}:
            found[plural] = [
                {"name": e.name, "about": entries.summary(e), "from": e.origin, "path": str(e.path)}
                for e in library.entries(one)
            ]
    if wanted in {"", "runs"}:
        found["runs"] = _runs(out)
    if as_json:
        console.json_result(found)
        return
    blocks = []
    for plural, rows in found.items():
        if rows:
            columns = [c for c in rows[0] if c != "path"] if plural != "runs" else [*rows[0]]
            blocks.append(
                f"{plural}\n"
                + console.table(columns, [[str(r[c])[: _WIDTHS.get(plural, 90)] for c in columns] for r in rows])
            )
        elif wanted:
            blocks.append(f"{plural}\nnone" + (f" in {out}" if plural == "runs" else ""))
    console.result("\n\n".join(blocks))


def _runs(base: Path) -> Any:
    from snnctl.storage import read_json
    from snnctl.training import run_folder
    from snnctl.training.metrics import is_number

    rows = []
    for folder in run_folder.runs(base):
        try:
            mean = read_json(folder / run_folder.EVALUATION)["summary"]["mean"]
            state = "finished"
        except (InputError, KeyError, TypeError):
            mean, state = None, "unfinished"
        shown = f"{mean:.2f}" if is_number(mean) else "-"
        name = f"{folder.parent.name}/{folder.name}"
        rows.append({"run": name, "state": state, "return": shown, "path": str(folder)})
    return rows
