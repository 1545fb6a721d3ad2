"""``snnctl import``: a policy of another library as an agent."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from snnctl.cli import console
from snnctl.errors import OutputError, Problem

AGENTS = Path("agents")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Zip of stable-baselines3, .onnx, .safetensors or .pt.")],
    env: Annotated[str, typer.Option(metavar="ID", help="Environment that it was trained in (its name there).")],
    normaliser: Annotated[
        Path | None, typer.Option(metavar="F", help="VecNormalize file that was saved with the policy.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option(metavar="F", help="Recorded obs and action (.npz) that it must repeat.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="New agent folder (default: agents/NAME).")] = None,
    activation: Annotated[
        str, typer.Option(metavar="A", help="Of the hidden layers, where the file does not say: relu, tanh, elu ...")
    ] = "",
    squash: Annotated[
        str,
        typer.Option(
            metavar="S", help="Of the outputs, instead of what the file says: tanh, unit, clip, none, scores."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write the result to stdout as JSON.")] = False,
) -> None:
    """Import a policy of stable-baselines3, rsl_rl, torch or ONNX.

    The file is read as data: no code that it names is imported or run, and no other library is needed. The result
    is a dense agent, which run, evaluate, show and check take as any other. With --check its actions are compared with
    recorded ones first: beyond 1e-5 nothing is written and the exit code is 1.

    Example: snnctl import sac.zip --env Pendulum-v1 --normaliser vecnormalize.pkl --check recorded.npz
    """
    from snnctl.agent import folder
    from snnctl.agent.environment import EnvChoice
    from snnctl.interop import dense_agent, importing, recorded

    target = out if out is not None else AGENTS / _name(file.stem)
    if target.exists():
        raise OutputError(Problem(str(target), "is there already", "name a new folder with --out"))
    policy = importing.read(file, normaliser, importing.told(activation, squash))
    command = shlex.join(["snnctl", *sys.argv[1:]])
    made = dense_agent.agent(policy, EnvChoice(id=env), _name(target.name), command)
    checked, found = "not compared with recorded actions", None
    if check is not None:
        found = recorded.difference(made, recorded.read(check), str(check))
        recorded.require_close(found, str(check))
        checked = f"largest difference from {found.decisions} recorded decisions: {found.largest:.3g}"
    made = folder.save(made, target, card=dense_agent.card(made, policy, file.name, checked))
    network = made.description.network
    if as_json:
        console.json_result(
            {
                "agent": str(target), "source": policy.source, "network": network.summary, "notes": list(policy.notes),
                "largest_difference": None if found is None else found.largest,
                "decisions": 0 if found is None else found.decisions,
            }
        )  # fmt: skip
    else:
        console.result(str(target))
    console.note(f"{policy.source}: {network.summary}; {checked}")
    for note in policy.notes:
        console.note(f"note: {note}")
    if check is None:
        console.note("next: compare it with recorded actions (--check), docs/bring_your_policy.md says how")
    console.note(f"next: snnctl run {target} --episodes 10")


def _name(text: str) -> str:
    """A name of an agent out of that of a file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "imported"
