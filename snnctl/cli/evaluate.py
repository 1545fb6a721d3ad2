"""``snnctl evaluate``: an agent on an emulated chip, in closed loop, against a budget."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snnctl import api
from snnctl.cli import console, post_mortems
from snnctl.errors import ConfigError, InputError, OutputError, Problem
from snnctl.storage import read_json

if TYPE_CHECKING:
    from snnctl.agent.folder import Agent
    from snnctl.evaluation.evaluate import Evaluation

FAILED = 1
ALL_DIVERGED = 3
EVALUATIONS = Path("runs") / "evaluations"
_UNITS = {"power": "W", "latency": "s", "energy": "J"}


def evaluate(
    agent: Annotated[str, typer.Argument(help="Name or folder of an agent, or a run folder (its best checkpoint).")],
    chip: Annotated[
        str, typer.Option(metavar="C", help="Emulated chip (`snnctl list chips`); without one, returns alone.")
    ] = "",
    power: Annotated[str, typer.Option(metavar="P", help="Most mean power, e.g. 150mW.")] = "",
    latency: Annotated[str, typer.Option(metavar="T", help="Most p99 latency of a decision, e.g. 10ms.")] = "",
    energy: Annotated[str, typer.Option(metavar="E", help="Most mean energy of a control step, e.g. 2mJ.")] = "",
    budget: Annotated[str, typer.Option(metavar="NAME", help="A robot's budget (`snnctl list budgets`).")] = "",
    boundary: Annotated[
        str, typer.Option(help="What counts: chip (default), board, or dynamic (the network's work alone).")
    ] = "",
    episodes: Annotated[int, typer.Option(min=1, max=100_000, help="Episodes of each controller.")] = 20,
    seed: Annotated[int, typer.Option(min=0, max=api.MAX_SEED, help="Seed of the episodes' seeds.")] = 0,
    env: Annotated[str, typer.Option(metavar="ID", help="Environment, instead of the agent's own.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="F", help="JSON file (runs/evaluations/AGENT-CHIP.json).")] = None,
    html: Annotated[Path | None, typer.Option(metavar="F", help="HTML report (beside the JSON file).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the result to stdout as JSON.")] = False,
) -> None:
    """Evaluate an agent on an emulated chip: return, power, latency, energy, verdict.

    The float controller and the chip run the same episodes. Every cost is modelled from the spikes that
    occurred. Exit code 0 when the budget holds, 1 when it does not (the report is written all the same).
    Without --chip the controller alone runs, spiking or not, and the result is its returns.

    Example: snnctl evaluate cartpole-ppo --chip loihi1 --power 150mW --latency 10ms
    """
    limits = quantities(power=power, latency=latency, energy=energy)
    from snnctl import library
    from snnctl.evaluation import budget as budgets

    if not chip:
        if html is not None or boundary or budget or any(limits.values()):
            names = ", ".join(entry.name for entry in library.entries("chip"))
            raise InputError(
                Problem("--chip", "is missing: budget and report are of a chip", f"choose one of: {names}")
            )
        _returns(agent, env, episodes, seed, out, as_json)
        return
    library.find("chip", chip)
    named = budgets.load(budget) if budget else None
    budgets.combine(named, limits["power"], limits["latency"], limits["energy"], boundary or None)

    from snnctl.evaluation import evaluate as engine
    from snnctl.report import html as report
    from snnctl.storage import write_atomic

    loaded = api.agent(agent)
    data_file, page_file = _targets(_stem(loaded, Path(chip).stem, env), out, html)
    console.compiling()
    failures = data_file.with_suffix(".post_mortem")
    with (
        console.progress("evaluate", 2 * episodes, "episodes") as bar,
        post_mortems.kept(failures, loaded, env) as keeper,
    ):
        found = engine.evaluate(
            loaded,
            chip,
            env or None,
            limits["power"],
            limits["latency"],
            limits["energy"],
            boundary or None,
            episodes,
            seed,
            lambda done, _, name: bar.update(done, name),
            budget=named,
            command=shlex.join(["snnctl", *sys.argv[1:]]),
        )
    post_mortems.tell(keeper, (*found.float_episodes, *found.chip_episodes))
    data = found.to_json()
    write_atomic(data_file, json.dumps(data, indent=2) + "\n")
    report.write(page_file, [report.Chapter(data, found.rasters)])
    if as_json:
        console.json_result(data)
    else:
        console.result(text(found))
    console.note(f"wrote {page_file} and {data_file}")
    if found.chip_summary.diverged == found.chip_summary.n:
        raise typer.Exit(ALL_DIVERGED)
    if not found.holds:
        raise typer.Exit(FAILED)


def _returns(agent: str, env: str, episodes: int, seed: int, out: Path | None, as_json: bool) -> None:
    """The evaluation without a chip."""
    from snnctl.cli import run
    from snnctl.evaluation.returns import returns
    from snnctl.storage import write_atomic

    loaded = api.agent(agent)
    data_file, _ = _targets(_stem(loaded, "", env), out, None)
    console.compiling()
    failures = data_file.with_suffix(".post_mortem")
    with (
        console.progress("evaluate", episodes, "episodes") as bar,
        post_mortems.kept(failures, loaded, env) as keeper,
    ):
        found = returns(
            loaded,
            env or None,
            episodes,
            seed,
            lambda done, _, name: bar.update(done, name),
            command=shlex.join(["snnctl", *sys.argv[1:]]),
        )
    post_mortems.tell(keeper, found.episodes)
    data = found.to_json()
    write_atomic(data_file, json.dumps(data, indent=2) + "\n")
    if as_json:
        console.json_result(data)
    else:
        console.result(run.text(loaded, found.env_id, (), seed, found.episodes, found.summary))
        if found.host is not None:
            console.result(found.host.sentence)
    console.note(f"wrote {data_file}; add --chip for power, latency and energy")
    if found.summary.diverged == found.summary.n:
        raise typer.Exit(ALL_DIVERGED)


def quantities(**given: str) -> dict[str, float | None]:
    """Limits in SI units, None where nothing was given.

    Raises:
        ConfigError: one problem for every text that is not a positive finite quantity of its unit.
    """
    from snnctl import config

    values: dict[str, float | None] = {}
    problems = []
    for name, text_ in given.items():
        values[name] = None
        if text_ == "":
            continue
        try:
            value = config.quantity(text_, _UNITS[name])
        except ValueError as error:
            problems.append(Problem(f"--{name}", str(error)))
            continue
        if value <= 0:
            problems.append(Problem(f"--{name}", f"is {text_.strip()}", "it must be greater than zero"))
        values[name] = value
    if problems:
        raise ConfigError(*problems)
    return values


def text(found: Evaluation) -> str:
    """The result as a page of plain text."""
    from snnctl.evaluation.verdict import UNPRICED
    from snnctl.report.units import digits, percent, si

    data = found.to_json()
    power, energy, latency, late = data["power"], data["energy"], data["latency"], data["deadline"]
    compared, name = found.comparison, found.chip.name
    spread = ""
    if compared.difference is not None and compared.difference_interval is not None:
        low, high = compared.difference_interval
        spread = f"difference {compared.difference:+.3g}, 95 % interval {low:+.3g} to {high:+.3g}"
    kept = f"{percent(compared.retention)} kept; " if compared.retention is not None else ""
    apart = [si(power[f"{name}_w"], "W") for name in ("static", "idle", "dynamic")]
    costs = [
        ("power, whole chip", si(power["total_chip_w"], "W"),
         f"static {apart[0]} + idle {apart[1]} + dynamic {apart[2]}; board {si(power['total_board_w'], 'W')}"),
        ("power, dynamic", si(power["dynamic_w"], "W"), "what the network's work adds"),
        ("energy of a step", si(energy["total_chip_j"], "J"), f"whole chip; dynamic {si(energy['dynamic_j'], 'J')}"),
    ]  # fmt: skip
    if power["total_chip_w"] is None:
        costs = [("power and energy", "not priced", UNPRICED)]
    rows = [
        ("return, float", _number(found.float_summary.mean), f"{found.float_summary.n} episodes"),
        (f"return, {name}", _number(found.chip_summary.mean), f"{kept}{spread}"),
        *costs,
        ("latency p99", si(latency["p99_s"], "s"), f"p50 {si(latency['p50_s'], 's')}, max {si(latency['max_s'], 's')}"),
        ("missed deadlines", f"{late['misses']:,}",
         f"of {energy['decisions']:,} decisions, one every {si(late['period_s'], 's')}"),
        ("synaptic events", digits(energy["synaptic_events"]), "of a decision"),
    ]  # fmt: skip
    lines = [
        f"{found.agent.description.name} on {found.chip.title}, emulated, in {found.env_id} (seed {found.seed})",
        "",
        console.table(["measure", "value", ""], rows),
        "",
    ]
    if found.chip_summary.diverged or found.float_summary.diverged:
        lines += [
            f"DIVERGED: {found.float_summary.diverged} float and {found.chip_summary.diverged} chip episodes, "
            "scored as failures",
            "",
        ]
    if not found.verdicts:
        lines.append("no budget given: add --budget NAME, --power, --latency or --energy")
    lines += [f"{'PASS' if v.holds else 'FAIL'}  {v.sentence}" for v in found.verdicts]
    lines += [
        "",
        *found.frozen,
        "All costs are modelled: counted events times constants, which the report lists with their sources.",
        *(f"Note: {note}." for note in found.record.notes if power["total_chip_w"] is None),
    ]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _stem(agent: Agent, chip: str, env: str) -> str:
    """A name for the files of an evaluation: that of agent and chip, or a longer one where it is of another agent."""
    from snnctl.agent import folder

    env_id, digest = env or agent.description.task.env_id, folder.digest(agent.tensors)
    longer = [agent.description.name[:60], digest[:8], env_id]
    for parts in range(1, len(longer) + 1):
        stem = _plain("-".join([*longer[:parts], *([chip] if chip else [])]))
        if _is_of(EVALUATIONS / f"{stem}.json", digest, env_id):
            break
    return stem


def _is_of(path: Path, digest: str, env_id: str) -> bool:
    """Whether a report may be written there: no file yet, or one of this agent in this environment."""
    try:
        data = read_json(path) if path.exists() else None
        return data is None or bool(data["agent"]["weights_sha256"] == digest and data["env"]["id"] == env_id)
    except (InputError, KeyError, TypeError):
        return False


def _plain(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", stem)[:100]


def _targets(name: str, out: Path | None, html: Path | None) -> tuple[Path, Path]:
    """Where the two files go, proven writable."""
    from snnctl.storage import ensure_writable

    for path, option in ((out, "--out"), (html, "--html")):
        if path is not None and path.is_dir():
            raise OutputError(Problem(str(path), "is a folder", f"give {option} a file name"))
    data = out or (html.with_suffix(".json") if html is not None else EVALUATIONS / f"{name}.json")
    beside = data if data.is_file() or not data.exists() else EVALUATIONS / f"{name}.json"  # not beside a device
    page = html or beside.with_suffix(".html")
    if data.resolve() == page.resolve():
        raise OutputError(Problem(str(data), "would be both the JSON file and the report", "use two names"))
    for path in (data, page):
        ensure_writable(path.parent)
        if path.is_dir():
            raise OutputError(Problem(str(path), "is a folder", "give --out and --html file names"))
    return data, page
