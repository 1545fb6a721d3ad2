"""``snnctl sweep``: a recipe with many settings of some of its keys, each trained on the same seeds."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snnctl.cli import console
from snnctl.cli.train import INTERRUPTED, parse_seeds
from snnctl.errors import InputError, Problem, nearest

if TYPE_CHECKING:
    from snnctl.training.space import Search
    from snnctl.training.sweep import Plan, Standing, Trial

TRIALS = 20
SEARCHES = ("grid", "random")
MAX_TRIALS = 2000  # as in snnctl.training.space, which is too heavy for --help


def sweep(
    recipe: Annotated[str, typer.Argument(help="Name or path of a recipe (`snnctl list recipes`).")] = "",
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Recipe overrides, e.g. trainer.lr=3e-4.")
    ] = None,
    space: Annotated[
        str, typer.Option(metavar="S", help="Which keys vary, and how: name or path (`snnctl list spaces`).")
    ] = "",
    trials: Annotated[
        int | None, typer.Option(min=1, max=MAX_TRIALS, help=f"Settings that random search tries (default {TRIALS}).")
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="Each setting is trained on these; report results on others.")
    ] = "100..101",
    search: Annotated[str, typer.Option(metavar="grid|random", help="Default: grid, or random with --trials.")] = "",
    jobs: Annotated[int | None, typer.Option(min=1, max=256, help="Trainings at a time (default: one a core).")] = None,
    resume: Annotated[str, typer.Option(metavar="SWEEP", help="Continue a sweep folder, or 'last'.")] = "",
    out: Annotated[Path, typer.Option(help="Where sweeps/ is made.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Write the table as JSON.")] = False,
) -> None:
    """Find good settings of a recipe: train it with many, on a few seeds each.

    The sweep folder holds a run folder for each training, sweep.json (the trials, best first) and sweep.png. Ctrl-C
    finishes the updates, saves, and prints how to continue. A trial that fails is listed with its reason.

    Example: snnctl sweep cartpole-rstdp --space cartpole-rstdp --trials 20
    """
    _require_consistent(recipe, overrides, space, trials, search, resume)
    numbers = parse_seeds(seeds)
    from snnctl.training import sweep as sweeps
    from snnctl.training.interrupt import Interrupt

    if resume:
        folder = sweeps.find(resume, out)
        plan = sweeps.load(folder)
    else:
        chosen: Search = "random" if search == "random" or trials is not None else "grid"
        plan = sweeps.plan(recipe, overrides or [], space, chosen, trials or TRIALS, numbers)
        folder = sweeps.begin(plan, out)
    name = plan.recipe.get("name")
    with Interrupt() as interrupt, console.progress(f"{name}: {len(plan.trials)} trials", 1, "runs") as bar:
        console.compiling()
        found = sweeps.sweep(folder, jobs, _Follower(bar).follow, interrupt=interrupt)
    _report(folder, plan, found, as_json)


def _require_consistent(
    recipe: str, overrides: list[str] | None, space: str, trials: int | None, search: str, resume: str
) -> None:
    """Raise InputError with everything that is wrong with the choice of options."""
    found = []
    if resume and (recipe or overrides or space or search or trials is not None):
        found.append(Problem("--resume", "goes on with what the sweep began with", "leave out all but --jobs, --out"))
    if not resume and not recipe:
        found.append(Problem("RECIPE", "is missing", "see `snnctl list recipes`"))
    if "=" in recipe:
        found.append(Problem(f"'{recipe[:60]}'", "stands where the recipe belongs", "write: sweep RECIPE key=value"))
    if not resume and not space:
        found.append(Problem("--space", "is missing", "see `snnctl list spaces`"))
    if search and search not in SEARCHES:
        found.append(Problem("--search", f"is '{search[:40]}'", nearest(search, SEARCHES)))
    if search == "grid" and trials is not None:
        found.append(Problem("--trials", "belongs to random search; a grid tries all", "add --search random"))
    if found:
        raise InputError(*found)


def _report(folder: Path, plan: Plan, trials: list[Trial], as_json: bool) -> None:
    best = trials[0] if trials[0].score is not None else None
    if as_json:
        rows = [{**t._asdict(), "runs": [r._asdict() for r in t.runs]} for t in trials]
        console.json_result({"folder": str(folder), "search": plan.search, "seeds": plan.seeds, "trials": rows})
    else:
        columns = ["trial", "status", "score", "worst", "steps", "wall", *_short(plan.keys)]
        console.result(console.table(columns, [_row(plan, trial) for trial in trials]))
        console.result(f"\nsweep  {folder}")
    for trial in trials:
        for run in trial.runs:
            for reason in run.reasons:
                console.note(f"snnctl: trial {trial.trial} seed {run.seed}: {reason}")
    for number, idle in _not_learning(folder, trials).items():
        console.note(f"snnctl: trial {number} seed {', '.join(map(str, idle))}: it is not learning")
    if any(trial.status == "unfinished" for trial in trials):
        runs = [run for trial in trials for run in trial.runs]
        done = sum(run.status == "finished" for run in runs)
        command = f"snnctl sweep --resume {shlex.quote(str(folder))}"
        console.note(f"interrupted after {done} of {len(runs)} runs; continue with: {command}")
        raise typer.Exit(INTERRUPTED)
    if best is None:
        console.note(f"snnctl: {folder}: every trial failed")
        raise typer.Exit(3)
    from snnctl.training.sweep import command as training

    console.note(f"best: trial {best.trial}; train it with: {shlex.join(training(plan, best.trial))} --seeds 0..4")


def _not_learning(folder: Path, trials: list[Trial]) -> dict[int, list[int]]:
    """Seeds of finished runs that have learnt nothing, by trial, in the order of the table."""
    from snnctl.training import diagnosis

    seeds = {t.trial: [r.seed for r in t.runs if r.status == "finished" and diagnosis.of_run(folder / r.folder)]
             for t in trials}  # fmt: skip
    return {trial: idle for trial, idle in seeds.items() if idle}


def _row(plan: Plan, trial: Trial) -> list[object]:
    numbers = [_number(trial.score), _number(trial.worst)]
    values = [_value(trial.values[key]) for key in plan.keys]
    return [trial.trial, trial.status, *numbers, trial.steps, console.duration(trial.wall_s), *values]


def _short(keys: tuple[str, ...]) -> list[str]:
    """The last part of each key where it tells them apart."""
    last = [key.rpartition(".")[2] for key in keys]
    return [name if last.count(name) == 1 else key for name, key in zip(last, keys, strict=True)]


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


class _Follower:
    """Shows a sweep on a progress bar."""

    def __init__(self, bar: console.Progress) -> None:
        self.bar = bar

    def follow(self, standing: Standing) -> None:
        parts = [] if standing.best is None else [f"best {standing.best[1]:.1f} (trial {standing.best[0]})"]
        for (trial, seed), moment in sorted(standing.moments.items()):
            mean = "-" if moment.mean_return is None else f"{moment.mean_return:.0f}"
            parts.append(f"{trial}/{seed}:{mean}")
        self.bar.update(standing.done, " ".join(parts), total=standing.runs)
