"""``snnctl check``: everything that is wrong with an entry, or a part such as a neuron model or a code, at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from snnctl import library
from snnctl.cli import console, entries, vocabulary
from snnctl.errors import InputError, NotFoundError, Problem, SnnctlError
from snnctl.library import Entry

FAILED = 1
_GYMNASIUM = re.compile(r"([\w.]+:)?([\w.-]+/)?[\w.-]+-v\d+")  # an id with its version; entries have none


def check(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME... [PARAMETER=VALUE...]",
            help="Names or paths of entries of any kind, run folders, post-mortems; names or import paths "
            "(module:Class) of neuron models, rules, codes, derivatives, critics, trainers, wrappers and chip "
            "families, with parameters for all that have them; Gymnasium ids (CartPole-v1, module:Env-v0).",
        ),
    ],
    kind: Annotated[
        str,
        typer.Option(
            help="env, agent, recipe, chip, budget, space, neuron, rule, code, encoder, decoder, derivative, critic, "
            "trainer, wrapper or family: only that."
        ),
    ] = "",
    tick: Annotated[str, typer.Option(metavar="TIME", help="Tick of a model, e.g. 0.1ms (default: it is tried).")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Check entries: schema, contradictions, spaces, a first decision; models: interface, compilation, equal results.

    A name that an agent and a recipe share is checked as both. Of derivatives, critics, trainers, wrappers and families
    the interface is all that is looked at. Of a Gymnasium id it says what a controller would observe and do, and
    whether the same seed and actions give the same episode. A post-mortem's actions are replayed.

    What a file names of Python is not imported unless you trust it (--trust mylab); what is left unchecked is told.

    Exit code 1 when something is wrong with one or left unchecked, 2 when one does not exist or cannot be read.

    Example: snnctl check balancer cartpole-ppo mylab.neurons:Resonator frequency_hz=5
    """
    assignments = [name for name in names if "=" in name and not Path(name).exists()]
    rows: list[dict[str, Any]] = []
    chosen: list[Entry | vocabulary.Word | str | Path] = []
    refused: list[SnnctlError] = []  # told at the end: the others are checked all the same
    for name in names:
        try:
            chosen += _chosen(name, kind) if name not in assignments else ()
        except SnnctlError as error:
            refused.append(error)
    words = [one for one in chosen if isinstance(one, vocabulary.Word)]
    given = iter(vocabulary.shared_out(words, assignments))
    for one in chosen:
        try:
            if isinstance(one, str):
                row = _environment(one)
            elif isinstance(one, Path):
                row = _replayed(one)
            else:
                row = _word(one, next(given), tick) if isinstance(one, vocabulary.Word) else _entry(one)
        except SnnctlError as error:
            refused.append(error)
            continue
        except (Exception, SystemExit) as error:  # of an entry's own code; it must not hide the entries after it
            row = _failed(one, error)
        rows.append(row)
        if not as_json:
            _show(row)
    if as_json and rows:
        console.json_result({"ok": not refused and not any(row["problems"] for row in rows), "entries": rows})
    if refused:
        raise type(refused[0])(*(problem for error in refused for problem in error.problems))
    if any(row["problems"] for row in rows):
        raise typer.Exit(FAILED)


def _chosen(name: str, kind: str) -> Sequence[Entry | vocabulary.Word | str | Path]:
    """What is meant; a string is an environment that is not an entry, a path is a post-mortem."""
    folder = library.as_path(name)
    if not kind and (folder / "post_mortem.toml").is_file():
        return [folder]
    if kind in ("", "env") and _GYMNASIUM.fullmatch(name) and not library.as_path(name).exists():
        return [name]
    if kind in vocabulary.CHOICES or (":" in name and not library.as_path(name).exists()):
        return [vocabulary.find(name, kind)]
    try:
        return entries.find_all(name, kind)
    except NotFoundError as error:
        if kind:
            raise
        vocabulary.instead(name, error)
    return [vocabulary.find(name)]


def _failed(one: Entry | vocabulary.Word | str | Path, error: BaseException) -> dict[str, Any]:
    """The row of something whose own code failed while it was checked."""
    kind, name = ("env", str(one)) if isinstance(one, str | Path) else (one.kind, one.name)
    problem = Problem(name, f"fails when it is checked ({type(error).__name__}: {error})", "mend its code")
    return {"kind": kind, "name": name, "path": "", "problems": [problem._asdict()]}


def _entry(entry: Entry) -> dict[str, Any]:
    found = [problem._asdict() for problem in entries.problems(entry)]
    return {"kind": entry.kind, "name": entry.name, "path": str(entry.path), "problems": found}


def _replayed(folder: Path) -> dict[str, Any]:
    """Findings of a post-mortem: what its environment does when it is given the recorded actions again."""
    from snnctl.network.model_check import Finding
    from snnctl.robots import post_mortem

    found = post_mortem.replay(folder)
    told = [Finding("recorded", "note", " ".join(found.why.split()))]
    same = "with the recorded observations"
    if found.different is not None:
        same = f"with other observations from step {found.different} on"
    told.append(Finding("replay", "note", f"{found.steps} steps {same}"))
    problems = list[Problem]()
    if found.failed is None and found.steps < found.recorded:
        said = f"not known: the other {found.recorded - found.steps} steps would take too long"
        told.append(Finding("failure", "note", said))
    elif found.failed is None:
        told.append(Finding("failure", "passed", "it does not fail any more"))
    else:
        said = f"fails again: {' '.join(found.failed.split())}"
        problems.append(Problem(str(folder), said, "mend the environment, or what drives it"))
        told.append(Finding("failure", "failed", problems[0].message))
    return {
        "kind": "post-mortem",
        "name": folder.name,
        "path": str(folder),
        "findings": [finding._asdict() for finding in told],
        "problems": [problem._asdict() for problem in problems],
    }


def _environment(env_id: str) -> dict[str, Any]:
    """Findings of an environment by its id."""
    from snnctl.agent.environment import EnvChoice
    from snnctl.network.model_check import Finding
    from snnctl.robots import check as robots

    found, problems = list[Finding](), list[Problem]()
    try:
        told, problems = robots.examined(EnvChoice(id=env_id))
        found = [Finding(what, "note", said) for what, said in told.items()]
    except NotFoundError:
        raise
    except SnnctlError as error:
        problems = list(error.problems)
    found += [Finding("problem", "failed", " ".join(str(problem).split())) for problem in problems]
    row: dict[str, Any] = {"kind": "env", "name": env_id, "path": ""}
    return {
        **row,
        "findings": [finding._asdict() for finding in found],
        "problems": [problem._asdict() for problem in problems],
    }


def _word(word: vocabulary.Word, assignments: list[str], tick: str) -> dict[str, Any]:
    """Findings of a model; each that failed is a problem, too."""
    from snnctl.agent import code_check
    from snnctl.network.model_check import Finding, neuron_findings, rule_findings

    row: dict[str, Any] = {"kind": word.kind, "name": word.name, "path": word.place}
    found = [Finding("interface", "failed", defect) for defect in word.slot.defects(word.cls)]
    if not found and word.kind in ("derivative", "critic", "trainer", "wrapper", "family"):
        if word.has_parameters:
            vocabulary.configured(word.cls, assignments)
        found.append(Finding("interface", "passed", f"all that a {word.slot.noun} has; it was not run"))
    elif not found:
        value, guessed = vocabulary.configured(word.cls, assignments)
        if guessed:
            told = ", ".join(
                f"{name}={guess:g}" if isinstance(guess, float) else f"{name}={guess}"
                for name, guess in guessed.items()
            )
            found.append(Finding("parameters", "note", f"tried with {told}", "give others as name=value"))
        if word.kind == "code":
            found += code_check.findings(value, _seconds(tick))
        else:
            console.compiling()
            findings = neuron_findings if word.kind == "neuron" else rule_findings
            found += findings(value, _seconds(tick))
    row["findings"] = [finding._asdict() for finding in found]
    row["problems"] = [Problem(f.what, f.message, f.remedy)._asdict() for f in found if f.status == "failed"]
    return row


def _seconds(tick: str) -> float | None:
    from snnctl.config import quantity

    try:
        return quantity(tick, "s") if tick else None
    except ValueError as error:
        raise InputError(Problem("--tick", str(error))) from None


def _show(row: dict[str, Any]) -> None:
    count = len(row["problems"])
    verdict = "ok" if not count else f"{count} problem{'s' if count > 1 else ''}"
    console.result(f"{row['kind']} {row['name']}: {verdict}")
    for finding in row.get("findings", []):
        rest = "; ".join(" ".join(finding[part].split()) for part in ("message", "remedy") if finding[part])
        console.result(f"  {finding['status']:<7} {finding['what']:<13} {rest}")
    for problem in row["problems"] if "findings" not in row else []:
        console.result("  " + " ".join(str(Problem(**problem)).split()))
