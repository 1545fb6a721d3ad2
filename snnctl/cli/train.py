"""``snnctl train``: a recipe becomes an agent."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snnctl.api import MAX_SEED
from snnctl.cli import console
from snnctl.errors import ConfigError, InputError, Problem

if TYPE_CHECKING:
    from snnctl.agent.folder import Agent
    from snnctl.training.pool import Outcome
    from snnctl.training.recipe import Recipe
    from snnctl.training.run import Moment
    from snnctl.training.run_result import RunResult

INTERRUPTED = 130
LARGE_SHARE = 0.3  # of the time for evaluations: it is told which key lowers it
SHORT_S = 60.0  # where it does not matter


def train(
    recipe: Annotated[str, typer.Argument(help="Name or path of a recipe (`snnctl list recipes`).")] = "",
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Recipe overrides, e.g. trainer.lr=3e-4.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, instead of the recipe's.")] = None,
    seeds: Annotated[str, typer.Option(help="Several seeds side by side: 0..4 or 0,3,7.")] = "",
    resume: Annotated[
        str | None,
        typer.Option(help="Continue a run folder, or 'last'; longer than planned with trainer.total_steps=."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Agent, or run, whose weights training begins with, instead of random ones."),
    ] = None,
    chip: Annotated[
        str | None, typer.Option(help="Chip to train for: the agent learns with the numbers that it can hold.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where run folders are made.")] = Path("runs"),
    name: Annotated[str, typer.Option(help="Name of the run folder, instead of the time.")] = "",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Threads; the result does not depend on it.")] = 1,
    other_versions: Annotated[
        bool, typer.Option("--other-versions", help="Resume although versions differ (not bit-exact).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Train a spiking controller from a recipe.

    The run folder holds the resolved recipe, metrics.jsonl, evaluations.jsonl, the agents checkpoints/best
    (chosen by evaluations) and checkpoints/last, and the final evaluation of the best. Ctrl-C finishes the update
    or the step of an evaluation, saves, and prints how to continue; an update that takes more than 5 s longer is left
    between two steps, and the checkpoint before it stays.

    Example: snnctl train cartpole-ppo trainer.lr=1e-3 --seed 1

    Example: snnctl train cartpole-rstdp trainer.learning.learning_rate=1e-3 --seeds 0..4

    Example: snnctl train pendulum-ppo --from pendulum-ppo trainer.lr=1e-4

    Example: snnctl train cartpole-ppo --chip loihi1 --from cartpole-ppo

    Example: snnctl train --resume last trainer.total_steps=200_000
    """
    for option, given in (("--chip", chip), ("--from", start), ("--resume", resume)):
        if given is not None and not given.strip():
            raise InputError(Problem(option, "is empty", "give a name, or leave the option out"))
    if seeds and (resume or seed is not None):
        raise InputError(Problem("--seeds", "cannot be combined with --seed or --resume", "resume one run at a time"))
    if start and resume:
        raise InputError(Problem("--from", "cannot be combined with --resume", "the run goes on with its own weights"))
    if chip and resume:
        raise InputError(Problem("--chip", "cannot be combined with --resume", "the run goes on with its own chip"))
    if not recipe and not resume:
        raise InputError(Problem("RECIPE", "is missing", "see `snnctl list recipes`"))
    command = shlex.join(["snnctl", *sys.argv[1:]])
    overrides = [*(overrides or []), *([f"chip={json.dumps(chip)}"] if chip else [])]
    if seeds:
        numbers = parse_seeds(seeds)
        _side_by_side(_recipe(recipe, overrides), numbers, out, name, command, _start(start), as_json)
    else:
        _one(recipe, overrides, seed, resume, out, name, workers, other_versions, command, _start(start), as_json)


def parse_seeds(text: str) -> list[int]:
    """``0..4``, ``0,3,7`` or both mixed, without repetition.

    Raises:
        ConfigError: anything else, or a seed above 2**32 - 1.
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,10})(?:\.\.(\d{1,10}))?\s*", part)
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else -1
        if not 0 <= first <= last <= MAX_SEED or last - first >= 1000:
            raise ConfigError(Problem("--seeds", f"'{text[:60]}' is not a list of seeds", "write 0..4 or 0,3,7"))
        found += range(first, last + 1)
    return list(dict.fromkeys(found))


def _recipe(name: str, overrides: list[str]) -> Recipe:
    from snnctl import library
    from snnctl.training import blueprint

    if "=" in name:
        raise InputError(Problem(f"'{name[:60]}'", "stands where the recipe belongs", "write: train RECIPE key=value"))
    return blueprint.load(library.find("recipe", name).path, overrides)


def _start(name: str | None) -> Agent | None:
    """The agent of ``--from``."""
    from snnctl import api

    return api.agent(name) if name else None


def _one(
    name: str,
    overrides: list[str],
    seed: int | None,
    resume: str | None,
    out: Path,
    run_name: str,
    workers: int,
    other_versions: bool,
    command: str,
    start: Agent | None,
    as_json: bool,
) -> None:
    if seed is not None and not 0 <= seed <= MAX_SEED:
        raise InputError(Problem("--seed", f"is {seed}", f"write an integer from 0 to {MAX_SEED}"))
    from snnctl.training import run, run_folder
    from snnctl.training.interrupt import Interrupt

    folder = run_folder.find(resume, out) if resume else None
    if folder is None:
        recipe = _recipe(name, overrides)
    else:
        keys = [name, *overrides] if "=" in name else overrides  # RECIPE may be left out
        recipe = _recipe(name, overrides) if name and "=" not in name else run_folder.load_recipe(folder, keys)
        seed = run_folder.load_recipe(folder).seed if seed is None else seed
    chosen = recipe.seed if seed is None else seed
    # Signals are listened to before the first line of output: whoever reads that may count on a run to resume.
    with Interrupt() as interrupt, console.progress(f"{recipe.name} seed {chosen}", 1) as bar:
        console.compiling()
        result = run.train(
            recipe,
            seed,
            out,
            workers=workers,
            resume=folder,
            name=run_name,
            command=command,
            other_versions=other_versions,
            start=start,
            progress=_Follower(bar).follow,
            interrupt=interrupt,
        )
    if as_json:
        console.json_result(_plain(result))
    elif result.status == "finished":
        _say_finished(result)
    if result.status == "interrupted":
        console.note(f"interrupted after {result.steps:,} steps; continue with: {_resume_command(result)}")
        raise typer.Exit(INTERRUPTED)
    _warn(result)
    if _useless(result):
        console.note(
            f"snnctl: {result.folder}: every evaluation episode diverged: numbers stopped being finite; check "
            "what the environment returns, then lower the learning rate"
        )
        raise typer.Exit(3)


def _useless(result: RunResult) -> bool:
    """Whether the finished agent diverged in every evaluation episode."""
    return result.evaluation is not None and result.evaluation["summary"]["mean"] is None


def _side_by_side(
    recipe: Recipe, seeds: list[int], out: Path, name: str, command: str, start: Agent | None, as_json: bool
) -> None:
    from snnctl.training.interrupt import Interrupt
    from snnctl.training.seeds import train_seeds

    with Interrupt() as interrupt, console.progress(f"{recipe.name} seeds {seeds[0]}..{seeds[-1]}", 1) as bar:
        console.compiling()
        outcomes = train_seeds(
            recipe,
            seeds,
            out,
            name=name,
            command=command,
            start=start,
            progress=_Followers(bar, len(seeds)).follow,
            interrupt=interrupt,
        )
    results = [o.result for o in outcomes if o.result is not None]
    spread = _spread([r for r in results if r.status == "finished"])
    if as_json:
        rows = [{"seed": o.seed, "reasons": o.reasons, **(_plain(o.result) if o.result else {})} for o in outcomes]
        console.json_result({"recipe": recipe.name, "seeds": rows, "over_seeds": spread})
    else:
        columns = ["seed", "status", "steps", "best", "return", "iqm", "worst 5%", "wall", "folder"]
        console.result(console.table(columns, [_row(o) for o in outcomes]))
        if spread is not None:
            console.result(
                f"\nover {spread['n']} seeds: mean return {spread['mean']:.2f}, "
                f"interquartile mean {spread['iqm']:.2f}, lowest {spread['minimum']:.2f}"
            )
    for outcome in outcomes:
        for reason in outcome.reasons:
            console.note(f"snnctl: seed {outcome.seed}: {reason}")
        if outcome.result is not None:
            _warn(outcome.result, f"seed {outcome.seed}: ")
    if any(o.result is None or _useless(o.result) for o in outcomes):
        raise typer.Exit(3)
    interrupted = [r for r in results if r.status == "interrupted"]
    for result in interrupted:
        console.note(f"seed {result.seed} interrupted; continue with: {_resume_command(result)}")
    if interrupted or len(outcomes) < len(seeds):
        raise typer.Exit(INTERRUPTED)


def _row(outcome: Outcome) -> list[object]:
    r = outcome.result
    if r is None:
        return [outcome.seed, "failed", *["-"] * 7]
    summary = (r.evaluation or {}).get("summary", {})
    shown = [_number(summary.get(key)) for key in ("mean", "iqm", "worst5")]
    return [r.seed, r.status, r.steps, _number(r.best), *shown, console.duration(r.wall_s), r.folder]


def _spread(results: list[RunResult]) -> dict[str, Any] | None:
    """Mean, interquartile mean and minimum over the seeds' mean evaluation returns."""
    import numpy as np

    from snnctl.loop.statistics import iqm

    means = [r.evaluation["summary"]["mean"] for r in results if r.evaluation is not None]
    values = np.array([m for m in means if m is not None])  # (seeds,)
    if not len(values):
        return None
    return {"n": len(values), "mean": values.mean().item(), "iqm": iqm(values), "minimum": values.min().item()}


def _say_finished(result: RunResult) -> None:
    summary = (result.evaluation or {}).get("summary", {})
    console.result(
        f"return {_number(summary.get('mean'))} ± {_number(summary.get('std'))} over {summary.get('n')} evaluation "
        f"episodes (iqm {_number(summary.get('iqm'))}, worst 5% {_number(summary.get('worst5'))}, "
        f"diverged {summary.get('diverged')})\n"
        f"{result.steps:,} steps in {console.duration(result.wall_s)}, {result.evaluation_share:.0%} of it for "
        f"evaluations ({result.evaluations} while training, {result.collapsed} collapsed)\n"
        f"weights {result.weights_sha256[:16]}\n"
        f"run    {result.folder}\n"
        f"agent  {result.folder / 'checkpoints' / 'best'}"
    )
    console.note(f"try: snnctl run {shlex.quote(str(result.folder / 'checkpoints' / 'best'))}")


def _warn(result: RunResult, prefix: str = "") -> None:
    from snnctl.training import diagnosis

    if result.status != "finished":
        return
    for sentence in diagnosis.of_run(result.folder):
        console.note(f"warning: {prefix}{sentence}")
    if result.evaluation_share > LARGE_SHARE and result.wall_s > SHORT_S:
        during = result.evaluation_s >= result.final_evaluation_s
        key = "raise evaluation.every_steps" if during else "lower evaluation.final_episodes"
        console.note(f"note: {prefix}{result.evaluation_share:.0%} of the time went into evaluations: {key}")


def _plain(result: RunResult) -> dict[str, Any]:
    return {**result._asdict(), "folder": str(result.folder), "evaluation_share": result.evaluation_share}


def _resume_command(result: RunResult) -> str:
    return f"snnctl train --resume {shlex.quote(str(result.folder))}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


class _Follower:
    """Shows one training on a progress bar."""

    def __init__(self, bar: console.Progress) -> None:
        self.bar = bar

    def follow(self, moment: Moment) -> None:
        unit = "episodes" if moment.phase == "evaluate the best" else "steps"
        self.bar.update(moment.done, _describe(moment), total=moment.total, unit=unit)


class _Followers:
    """Shows several trainings on one progress bar."""

    def __init__(self, bar: console.Progress, seeds: int) -> None:
        self.bar, self.seeds = bar, seeds

    def follow(self, moments: dict[int, Moment]) -> None:
        if not moments:
            return
        parts = [m.done / m.total if m.phase != "evaluate the best" else 1.0 for m in moments.values()]
        text = " ".join(f"{seed}:{_short(m)}" for seed, m in sorted(moments.items()))
        self.bar.update(100 * sum(parts) / self.seeds, text, total=100, unit="%")


def _describe(moment: Moment) -> str:
    best = "" if moment.best is None else f", best {moment.best:.1f}"
    mean = "no episode yet" if moment.mean_return is None else f"return {moment.mean_return:.1f}"
    evaluating = f"evaluating, {moment.episodes} episodes, "
    what = {"train": "", "evaluate": evaluating, "evaluate the best": "evaluating the best, "}[moment.phase]
    return what + mean + best


def _short(moment: Moment) -> str:
    return "-" if moment.mean_return is None else f"{moment.mean_return:.0f}"
