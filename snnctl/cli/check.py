"""``snnctl check``: everything that is wrong with an entry, at once."""

from __future__ import annotations

from typing import Annotated

import typer

from snnctl.cli import console, entries

FAILED = 1


def check(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names or paths of entries of any kind.")],
    kind: Annotated[str, typer.Option(help="env, agent, recipe, chip or budget, to check only that.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Check entries: schema, contradictions, spaces, a first decision.

    A name that an agent and a recipe share is checked as both.

    Exit code 1 when something is wrong with one, 2 when one does not exist or cannot be read.

    Example: snnctl check balancer cartpole-ppo
    """
    chosen = [entry for name in names for entry in entries.find_all(name, kind)]
    found = [(entry, entries.problems(entry)) for entry in chosen]
    if as_json:
        rows = [
            {"kind": e.kind, "name": e.name, "path": str(e.path), "problems": [p._asdict() for p in problems]}
            for e, problems in found
        ]
        console.json_result({"ok": not any(problems for _, problems in found), "entries": rows})
    else:
        for entry, problems in found:
            verdict = "ok" if not problems else f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            console.result(f"{entry.kind} {entry.name}: {verdict}")
            for problem in problems:
                console.result("  " + " ".join(str(problem).split()))
    if any(problems for _, problems in found):
        raise typer.Exit(FAILED)
