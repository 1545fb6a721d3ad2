"""``snnctl fit``: how an agent, or any network, sits on a chip: cores, rules, quantisation. Nothing is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from snnctl.cli import console
from snnctl.errors import InputError, Problem

if TYPE_CHECKING:
    from snnctl.hardware import Fit

MISFIT = 1
_BAR = 12


def fit(
    network: Annotated[
        str,
        typer.Argument(
            metavar="AGENT",
            help="Agent or run folder; or a Network in Python, or a function that returns one, module:name.",
        ),
    ],
    chip: Annotated[str, typer.Option(metavar="C", help="Chip (`snnctl list chips`).")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Map an agent or a network onto a chip: what each core holds, every violated rule, rounding errors.

    Exit code 1 when the chip cannot hold or run it; 2 when the network has no spikes.

    Example: snnctl fit cartpole-ppo --chip loihi1
    """
    from snnctl import library

    if not chip:
        names = ", ".join(entry.name for entry in library.entries("chip"))
        raise InputError(Problem("--chip", "is missing", f"choose one of: {names}"))
    from snnctl import hardware
    from snnctl.cli import programs
    from snnctl.evaluation.mapping import describe
    from snnctl.hardware import chip as chips

    name, program = programs.load(network)
    found = hardware.fit(program, chips.load(chip))
    if as_json:
        console.json_result(describe(found))
    else:
        console.result(text(name, found))
    if not found.ok:
        raise typer.Exit(MISFIT)


def text(name: str, found: Fit) -> str:
    """The mapping as a page of plain text."""
    count = len(found.problems)
    verdict = "fits" if found.image is not None else f"does NOT fit: {count} {'problem' if count == 1 else 'problems'}"
    lines = [f"{name} on {found.chip.title}: {verdict}", ""]
    if found.cores:
        lines += [_cores(found), ""]
    for refusal in found.refusals:
        lines += [f"{refusal.where}: {refusal.message}", f"    remedy: {refusal.remedy}"]
    for v in found.violations:
        lines.append(f"{v.where}: {v.rule}: {v.message} (used {v.used:g}, limit {v.limit:g})")
        lines.append(f"    remedy: {v.remedy}")
    if found.rounding:
        rows = [
            [
                r.layer,
                r.quantity,
                f"{r.error:.2e}",
                f"{r.rms:.2e}",
                r.scale,
                f"{r.erased} of {r.nonzero}" if r.erased else "",
            ]
            for r in found.rounding
        ]
        lines.append(console.table(["layer", "rounded", "largest error", "rms", "relative to", "became 0"], rows))
    if found.image is not None:
        cores = len({(core.chip, core.number) for core in found.cores})
        used = f"{cores} {'core' if cores == 1 else 'cores'}, {found.chips} {'chip' if found.chips == 1 else 'chips'}"
        lines += ["", f"{used}; a decision takes {found.image.ticks} ticks"]
    return "\n".join(lines).rstrip()


def _cores(found: Fit) -> str:
    rows = []
    for core in found.cores:
        last = core.first + core.neurons - 1
        held = f"{core.population}[{core.first}..{last}]"
        for number, (resource, usage) in enumerate(core.usage.items()):
            place = [f"{core.chip}.{core.number}", held] if number == 0 else ["", ""]
            rows.append(
                [*place, resource.replace("_", " "), _bar(usage.used, usage.limit), f"{usage.used} / {usage.limit}"]
            )
    return console.table(["chip.core", "holds", "resource", "", "used / limit"], rows)


def _bar(used: int, limit: int) -> str:
    share = used / limit if limit else float(used > 0)
    full = min(_BAR, round(share * _BAR)) if share <= 1 else _BAR
    shown = f"{100 * share:.0f} %" if share >= 0.01 or used == 0 else "<1 %"
    return f"[{'#' * full}{'.' * (_BAR - full)}]{'!' if share > 1 else ' '}{shown:>5}"
