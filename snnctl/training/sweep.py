"""Sweeps: a recipe trained with many settings of some of its keys, each on the same seeds; resumable.

    runs/sweeps/<recipe>-<time>/
      sweep.toml            the plan: recipe, seeds, and the values of each trial      versions.json
      trial-<k>/seed<s>/    one run folder each
      sweep.json            the trials, best first; holds nothing that depends on the clock
      sweep.png             score against each varied key

    score of a trial = mean over the seeds of the mean return of the final evaluation

A run counts as finished once it has its ``eval.json``. All that is known of it is read from its folder, so a sweep
that was interrupted, killed and resumed comes to the same ``sweep.json`` as one that was not. A trial with a seed that
failed has no score; resuming the sweep tries the seed again from its last checkpoint.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from snnctl import config, library
from snnctl.config import schema
from snnctl.errors import ConfigError, InputError, NotFoundError, Problem, SnnctlError, nearest
from snnctl.report import figure, scores
from snnctl.storage import ensure_writable, read_json, write_atomic
from snnctl.training import blueprint, checkpoint, resumption, run_folder
from snnctl.training import space as spaces
from snnctl.training.interrupt import Interrupt
from snnctl.training.metrics import is_number
from snnctl.training.pool import Job, Outcome, train_all
from snnctl.training.recipe import Recipe, renamed
from snnctl.training.run import Build, Moment
from snnctl.training.space import Search

FOLDER = "sweeps"
PLAN = "sweep.toml"
RESULT = "sweep.json"
FIGURE = "sweep.png"

Status = Literal["finished", "unfinished", "failed"]


@schema
class Plan:
    """``sweep.toml``: everything that the result depends on."""

    schema: Literal[1] = 1
    source: str  # name or path of the recipe, as it was given
    overrides: tuple[str, ...] = ()
    space: str
    search: Search
    seed: int  # of random search
    seeds: tuple[int, ...]  # of training
    keys: tuple[str, ...]
    recipe: dict[str, Any]  # the recipe's file, with the overrides
    trials: tuple[dict[str, Any], ...]  # key -> value


class Run(NamedTuple):
    """One seed of a trial."""

    seed: int
    status: Status
    mean: float | None  # return of the final evaluation
    steps: int
    stopped: str  # why training ended
    weights_sha256: str
    folder: str  # below the sweep's
    reasons: tuple[str, ...]
    wall_s: float  # of training


class Trial(NamedTuple):
    """One setting of the varied keys and what it came to."""

    trial: int
    status: Status
    score: float | None
    worst: float | None  # mean return of the worst seed
    worst_seed: int | None
    steps: int  # of all seeds, as wall_s
    wall_s: float
    values: dict[str, Any]
    runs: tuple[Run, ...]


class Standing(NamedTuple):
    """How far a sweep is."""

    done: float  # runs, parts of them included
    runs: int
    best: tuple[int, float] | None  # number and score of the best trial that is complete
    moments: dict[tuple[int, int], Moment]  # (trial, seed) -> latest moment, of those at work


Progress = Callable[[Standing], None]


def plan(
    recipe: str,
    overrides: Sequence[str],
    space: str,
    search: Search,
    trials: int,
    seeds: Sequence[int],
) -> Plan:
    """Decide what every trial is; ``trials`` counts in random search only.

    Raises:
        NotFoundError: no recipe or space has this name.
        ConfigError: one problem for every mistake in the recipe, the space, or a combination of values.
    """
    source, place = library.find("recipe", recipe).path, library.find("space", space).path
    blueprint.load(source, overrides)
    given = config.read_toml(source)
    merged, _ = config.apply_overrides(given, renamed(given, overrides))
    data = config.without_none(merged)
    chosen = spaces.load(place, data, search)
    made = Plan(
        source=recipe, overrides=tuple(overrides), space=space, search=search, seed=chosen.seed, seeds=tuple(seeds),
        keys=tuple(chosen.keys), recipe=data, trials=tuple(spaces.settings(chosen, search, trials)),
    )  # fmt: skip
    recipes(made, str(place))
    return made


def recipes(plan: Plan, where: str) -> list[Recipe]:
    """The recipe of every trial. Raises ConfigError: values that contradict each other, with the trials named."""
    found: list[Recipe] = []
    refused: dict[Problem, list[int]] = {}
    for number, values in enumerate(plan.trials):
        try:
            found.append(config.resolve(Recipe, plan.recipe, where, spaces.overrides(values)))
        except ConfigError as error:
            for problem in error.problems:
                refused.setdefault(problem, []).append(number)
    if refused:
        raise ConfigError(
            *(
                Problem(where, f"trial {', '.join(map(str, ks[:5]))}{' ...' if ks[5:] else ''}: {p.where}: {p.message}",
                        p.remedy or "leave out one of the values that contradict each other")
                for p, ks in refused.items()
            )
        )  # fmt: skip
    return found


def begin(plan: Plan, out: Path) -> Path:
    """Make the folder of a new sweep below ``out``.

    Raises:
        OutputError: it cannot be written.
    """
    name = run_folder.plain(str(plan.recipe.get("name", "")))
    parent = ensure_writable(out / FOLDER, "choose another folder with --out")
    folder = run_folder.stamped(parent, f"{name}-{{time}}")
    environment = json.dumps(run_folder.environment(), indent=2, sort_keys=True)
    write_atomic(folder / run_folder.VERSIONS, environment + "\n")
    write_atomic(folder / PLAN, config.to_toml(plan))  # the last, as it makes the folder a sweep
    return folder


def find(name: str, out: Path) -> Path:
    """The sweep that ``name`` means: a path, a name below ``out``, or ``last``.

    Raises:
        NotFoundError: there is none.
    """
    known = sorted((path.parent for path in out.glob(f"{FOLDER}/*/{PLAN}")), key=lambda f: (f.stat().st_mtime, f.name))
    if name == "last" and known:
        return known[-1]
    path = library.as_path(name)
    if (path / PLAN).is_file():
        return path
    below = [folder for folder in known if folder.name == name]
    if below:
        return below[0]
    raise NotFoundError(
        Problem(f"sweep '{name[:80]}'", f"does not exist in {out / FOLDER}", nearest(name, [f.name for f in known]))
    )


def load(folder: Path) -> Plan:
    """The plan of a sweep."""
    return config.load(Plan, folder / PLAN)


def sweep(
    folder: Path,
    at_once: int | None = None,
    progress: Progress | None = None,
    build: Build = blueprint.build,
    interrupt: Interrupt | None = None,
) -> list[Trial]:
    """Train the trials that remain, ``at_once`` runs at a time (default: one a core); the trials, best first.

    Raises:
        InputError: versions or the processor differ from those that the sweep began with.
        OutputError: another sweep works in the folder.
    """
    chosen = load(folder)
    with run_folder.lock(folder):
        _require_same_versions(folder)
        made = recipes(chosen, str(folder / PLAN))
        for number in range(len(made)):  # now, so that a sweep whose folder is deleted does not make parts of it again
            run_folder.opened(folder / f"trial-{number}")
        jobs = {
            (k, seed): Job(recipe, seed, folder, command=_command(chosen, k, seed), folder=folder / _place(k, seed),
                           build=build)
            for k, recipe in enumerate(made) for seed in chosen.seeds
        }  # fmt: skip
        finished = {key: run for key in jobs if (run := _finished(folder, *key)) is not None}
        waiting = [key for key in jobs if key not in finished]
        follower = _Follower(chosen, waiting, finished, progress)
        outcomes = train_all([jobs[key] for key in waiting], at_once, follower.follow, follower.finished, interrupt)
        failed = {waiting[n]: outcome.reasons for n, outcome in outcomes.items() if outcome.reasons}
        trials = ranked(folder, chosen, failed)
        write(folder, chosen, trials)
    return trials


def ranked(folder: Path, plan: Plan, failed: Mapping[tuple[int, int], tuple[str, ...]]) -> list[Trial]:
    """The trials by descending score, those without one behind them."""
    trials = []
    for number, values in enumerate(plan.trials):
        runs = []
        for seed in plan.seeds:
            run = _finished(folder, number, seed)
            if run is None:
                # Reasons name files; where the sweep lies must not show in its result.
                reasons = tuple(r.replace(f"{folder}/", "") for r in failed.get((number, seed), ()))
                status: Status = "failed" if reasons else "unfinished"
                run = Run(seed, status, None, 0, "", "", _place(number, seed), reasons, 0.0)
            runs.append(run)
        trials.append(_trial(number, values, runs))
    return sorted(trials, key=lambda t: (t.score is None, -(t.score or 0.0), t.status, t.trial))


def write(folder: Path, plan: Plan, trials: Sequence[Trial]) -> None:
    """Write ``sweep.json`` and ``sweep.png``."""
    write_atomic(folder / RESULT, json.dumps(result(plan, trials), indent=2) + "\n")
    points = [scores.Point(t.trial, t.values, t.score, tuple(r.mean for r in t.runs if r.mean is not None))
              for t in trials if t.status != "unfinished"]  # fmt: skip
    if points:
        plot = scores.draw(points, plan.keys, folder.resolve().name, len(plan.seeds))
        write_atomic(folder / FIGURE, figure.encode(plot.figure, ".png"))


def result(plan: Plan, trials: Sequence[Trial]) -> dict[str, Any]:
    """The content of ``sweep.json``."""
    rows = []
    for trial in trials:
        runs = [{name: value for name, value in run._asdict().items() if name != "wall_s"} for run in trial.runs]
        rows.append({**{k: v for k, v in trial._asdict().items() if k != "wall_s"}, "runs": runs})
    head = {"source": plan.source, "overrides": [*plan.overrides], "space": plan.space, "search": plan.search}
    return {"schema": 1, **head, "seed": plan.seed, "seeds": [*plan.seeds], "keys": [*plan.keys], "trials": rows}


def command(plan: Plan, trial: int) -> list[str]:
    """The command that trains a trial alone, without its seed."""
    return ["snnctl", "train", plan.source, *plan.overrides, *spaces.overrides(plan.trials[trial])]


def _command(plan: Plan, trial: int, seed: int) -> str:
    return shlex.join([*command(plan, trial), "--seed", str(seed)])


def _place(trial: int, seed: int) -> str:
    return f"trial-{trial}/seed{seed}"


def _trial(number: int, values: dict[str, Any], runs: Sequence[Run]) -> Trial:
    states = {run.status for run in runs}
    status: Status = "failed" if "failed" in states else "unfinished" if "unfinished" in states else "finished"
    means = {run.seed: run.mean for run in runs if run.mean is not None}
    complete = status == "finished"
    worst = min(means, key=lambda seed: means[seed]) if complete else None
    return Trial(
        trial=number, status=status, score=sum(means.values()) / len(means) if complete else None,
        worst=None if worst is None else means[worst], worst_seed=worst, steps=sum(run.steps for run in runs),
        wall_s=sum(run.wall_s for run in runs), values=values, runs=tuple(runs),
    )  # fmt: skip


def _finished(folder: Path, trial: int, seed: int) -> Run | None:
    """A run as its folder tells; None while it has no whole evaluation."""
    place = folder / _place(trial, seed)
    try:
        evaluation = read_json(place / run_folder.EVALUATION)
        mean, sha256 = evaluation["summary"]["mean"], evaluation["weights_sha256"]
        kept = checkpoint.newest(place / run_folder.LAST)
        if kept is not None:
            resumption.require_values(kept, str(place))
    except (KeyError, TypeError, SnnctlError):
        return None
    if kept is None or not (mean is None or is_number(mean)):
        return None
    values = kept.values
    reasons = () if mean is not None else ("every evaluation episode diverged",)
    return Run(
        seed, "finished" if mean is not None else "failed", mean, values["steps"], values["stopped"], sha256,
        _place(trial, seed), reasons, values["wall_s"],
    )  # fmt: skip


def _require_same_versions(folder: Path) -> None:
    """Raise InputError unless the rest of the sweep would be made with what its beginning was made with."""
    path = folder / run_folder.VERSIONS
    before = read_json(path)
    remedy = "install what it was made with, or start a new sweep"
    changes = run_folder.differences(before, run_folder.environment())
    if changes:
        raise InputError(
            *(Problem(f"{path}:{k}", f"is {new!r:.60} now and was {old!r:.60}", remedy) for k, old, new in changes)
        )


class _Follower:
    """Sums up what the runs say."""

    def __init__(
        self,
        plan: Plan,
        waiting: Sequence[tuple[int, int]],
        finished: Mapping[tuple[int, int], Run],
        progress: Progress | None,
    ) -> None:
        self.plan, self.waiting, self.progress = plan, waiting, progress
        self.means = {key: run.mean for key, run in finished.items()}  # of the runs that are over

    def finished(self, number: int, outcome: Outcome) -> None:
        evaluation = outcome.result.evaluation if outcome.result is not None else None
        self.means[self.waiting[number]] = evaluation["summary"]["mean"] if evaluation is not None else None

    def follow(self, moments: dict[int, Moment]) -> None:
        if self.progress is None:
            return
        working = {self.waiting[n]: m for n, m in moments.items() if self.waiting[n] not in self.means}
        parts = [m.done / m.total if m.phase != "evaluate" else 1.0 for m in working.values()]
        runs = len(self.plan.trials) * len(self.plan.seeds)
        self.progress(Standing(len(self.means) + sum(parts), runs, self._best(), working))

    def _best(self) -> tuple[int, float] | None:
        best: tuple[int, float] | None = None
        for number in range(len(self.plan.trials)):
            means = [self.means.get((number, seed)) for seed in self.plan.seeds]
            known = [mean for mean in means if mean is not None]
            if len(known) == len(means) and (best is None or sum(known) / len(known) > best[1]):
                best = (number, sum(known) / len(known))
        return best
