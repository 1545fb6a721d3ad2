"""A training from recipe to evaluated agent: update, evaluate, log, save; resumable at every update.

    repeat  report = algorithm.update()
            every ``evaluation.every_steps``: judge the agent, keep the best; one line in evaluations.jsonl
            one line in metrics.jsonl
            every ``save_every_s``, when interrupted, and at the end: checkpoint
    until   total_steps are done, or an agent with ``stop_return`` is confirmed
    then    ``final_episodes`` episodes of the best agent: eval.json, card, learning curve

An evaluation is due when the steps have reached another multiple of ``every_steps``, and waits while evaluations have
played more than ``steps_limit`` steps for each training step; so what judging costs does not grow with the length of
episodes. One that is interrupted is played again on resume, from its first episode.

A resumed run is bit-identical to an uninterrupted one: same weights, same ``metrics.jsonl`` and
``evaluations.jsonl``, same ``eval.json``. What depends on the clock (when to save) has no part in them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import gymnasium as gym

from snnctl import config, versions
from snnctl.agent import folder as agent_folder
from snnctl.agent.folder import Agent
from snnctl.errors import ContractError, DivergedError, InputError, Problem, SnnctlError
from snnctl.hardware import chip as chips
from snnctl.loop.episode import Episode
from snnctl.loop.side_by_side import Going
from snnctl.robots import environments
from snnctl.robots.post_mortem import Keeper
from snnctl.storage import replace_folder, require_own, write_atomic
from snnctl.surrogate import parameters
from snnctl.training import (
    checkpoint,
    evaluations,
    learning_curve,
    prolongation,
    resumption,
    rows_file,
    run_folder,
)
from snnctl.training.algorithm import Algorithm, Report, State
from snnctl.training.blueprint import Blueprint, build
from snnctl.training.card import card
from snnctl.training.checkpoint import Checkpoint
from snnctl.training.evaluations import EVALUATIONS
from snnctl.training.evaluator import Evaluator
from snnctl.training.final_evaluation import evaluate
from snnctl.training.interrupt import Interrupt, LeftError
from snnctl.training.json_lines import JsonLines
from snnctl.training.judgement import Judgement
from snnctl.training.metrics import METRICS
from snnctl.training.recipe import Recipe
from snnctl.training.run_result import RunResult
from snnctl.training.selection import judge

SAVE_EVERY_S = 10.0

Work = Literal["train", "evaluate", "evaluate the best"]
Build = Callable[[Blueprint, int, int], Algorithm]


class Moment(NamedTuple):
    """How far a training is."""

    phase: Work
    done: int  # training steps; episodes while the best agent is evaluated at the end
    total: int
    mean_return: float | None  # of the last 100 training episodes
    best: float | None  # evaluation score of the best agent so far
    episodes: int = 0  # played in the evaluation that is under way


Progress = Callable[[Moment], None]


def train(
    recipe: Recipe,
    seed: int | None = None,
    out: Path = Path("runs"),
    *,
    workers: int = 1,
    resume: Path | None = None,
    name: str = "",
    command: str = "",
    other_versions: bool = False,
    progress: Progress | None = None,
    save_every_s: float = SAVE_EVERY_S,
    start: Agent | None = None,
    build: Build = build,
    interrupt: Interrupt | None = None,
) -> RunResult:
    """Train, or continue the run folder ``resume``.

    Args:
        recipe: everything the result depends on, besides ``seed``.
        seed: of every random stream; by default the recipe's.
        out: where run folders are made.
        workers: threads; the result does not depend on it.
        resume: a run folder, to be continued with the same seed and a recipe that may end later (see prolongation);
            begun if it holds no run yet.
        name: of the new run folder, instead of the time.
        command: recorded as it is; of a run that is continued, where its end changes.
        other_versions: continue although package versions or the processor differ; marked not bit-exact.
        progress: told after every update, and after every episode of an evaluation.
        save_every_s: seconds between checkpoints; 0 saves after every update.
        start: the agent that a new run begins with, instead of random first weights; kept in the run folder.
        build: makes the algorithm.
        interrupt: asks the training to stop, where somebody listens to signals already; by default it does so itself.

    Raises:
        InputError: recipe, seed or versions of the run to resume differ.
        OutputError: the folder cannot be written or another training works in it.
        DivergedError: a weight or loss is not finite; the last checkpoint is from before that.
        StorageError: the disk is full, and the last checkpoint is intact; or the run folder was deleted.
    """
    seed = recipe.seed if seed is None else seed
    recipe = dataclasses.replace(recipe, seed=seed)
    chip = chips.load(recipe.chip) if recipe.chip is not None and resume is None else None
    folder = run_folder.create(out, recipe.name, seed, name) if resume is None else run_folder.opened(resume)
    require_own(folder)  # a new one is empty
    with run_folder.lock(folder), contextlib.nullcontext(interrupt) if interrupt else Interrupt() as interrupt:
        if not (folder / run_folder.RECIPE).is_file():
            run_folder.discard(folder / run_folder.START)  # of a training that was killed before it was a run
            if start is not None:
                agent_folder.save(start, folder / run_folder.START)
            if chip is not None:
                write_atomic(folder / run_folder.CHIP, config.to_toml(chip))
            run_folder.write_start(folder, recipe, command, run_folder.environment())
        run_folder.make_inner(folder)
        try:
            run = _Run(recipe, folder, workers, command, other_versions, progress, build, interrupt)
        except SnnctlError:
            if resume is None:
                run_folder.discard(folder)  # it holds nothing but the refused recipe, and its name is free again
            raise
        try:
            return run.go(interrupt, save_every_s)
        except ContractError as error:
            raise run.keeper.explained(error) from error
        finally:
            run.close()


class _Run:
    """One session of a training in its locked run folder."""

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        workers: int,
        command: str,
        other_versions: bool,
        progress: Progress | None,
        build: Build,
        interrupt: Interrupt,
    ) -> None:
        self.recipe, self.folder, self.progress = recipe, folder, progress
        self.command = run_folder.command(folder)
        self.environment = run_folder.environment()
        self.start_s = time.monotonic()
        self.update, self.wall_s, self.bit_exact, self.prolonged = 0, 0.0, True, False
        self.stopped = ""
        self.report: Report | None = None  # of an update whose evaluation and line are still due
        self.judgement = Judgement()
        self.evaluation_s = 0.0  # of earlier sessions
        self.final_evaluation_s = 0.0  # of this one
        self.best: Agent | None = None
        self.best_score: float | None = None
        self.mean_return: float | None = None
        self.saved = 0, 0  # steps and updates of the newest checkpoint
        self.saved_rows: dict[str, int] = {}
        kept = checkpoint.newest(folder / run_folder.LAST)
        self.state_place = str(folder / run_folder.LAST / checkpoint.VALUES)
        if kept is not None:
            resumption.require_values(kept, self.state_place)
            self._require_same(kept.values, other_versions)
        with contextlib.ExitStack() as opened:

            def make() -> gym.Env[Any, Any]:
                return environments.opened(recipe.env)

            env = make()
            self.evaluator = Evaluator(env, make, recipe.evaluation.envs)
            opened.callback(self.evaluator.close)
            first = folder / run_folder.START
            start = agent_folder.load(first) if first.is_dir() else None
            self.begins_with_agent = start is not None
            kept_chip = folder / run_folder.CHIP
            blueprint = Blueprint.of(recipe, env, start, chips.load(str(kept_chip)) if kept_chip.is_file() else None)
            self.keeper = Keeper(folder / run_folder.POST_MORTEM, recipe.env, inside=folder)
            blueprint = dataclasses.replace(blueprint, before_step=interrupt.between_steps, keep=self.keeper.keep)
            self.algorithm = build(blueprint, recipe.seed, workers)
            opened.callback(self.algorithm.close)
            log_bytes = evaluations_bytes = 0
            if kept is not None:
                log_bytes, evaluations_bytes = kept.values["log_bytes"], kept.values["evaluations_bytes"]
                self._restore(kept, command)
            else:
                state = self.algorithm.state()
                row_bytes = sum(rows.ring[0].nbytes for rows in state.rows.values())  # a row a step, never rewritten
                run_folder.require_space(
                    folder,
                    sum(a.nbytes for a in state.arrays.values()) + 1_000_000,
                    self.algorithm.total_steps * row_bytes,
                )
            self.log = JsonLines(folder / METRICS, log_bytes)
            opened.callback(self.log.close)
            self.evaluations = JsonLines(folder / EVALUATIONS, evaluations_bytes)
            opened.callback(self.evaluations.close)
            self.close = opened.pop_all().close

    def go(self, interrupt: Interrupt, save_every_s: float) -> RunResult:
        saved_s = time.monotonic()
        if self.begins_with_agent and not self.judgement.evaluations and self._evaluate(0, interrupt) is None:
            return self._interrupted()
        while not self.stopped:
            if self.report is None:
                if interrupt.asked:  # before the first update of this session
                    return self._interrupted()
                try:
                    self.report = self._update()
                except LeftError:
                    return self._interrupted()._replace(steps=self.saved[0], updates=self.saved[1])
            row = self._row(self.report, interrupt)
            if row is not None:
                self.log.append(row)
                self.report = None
                self._tell("train", self.algorithm.steps, self.algorithm.total_steps)
            due = time.monotonic() - saved_s >= save_every_s
            if due or interrupt.asked or self.stopped:
                self._save()
                saved_s = time.monotonic()
            if interrupt.asked and not self.stopped:
                return self._interrupted()
        return self._finish(interrupt)

    def _update(self) -> Report:
        try:
            report = self.algorithm.update()
        except DivergedError as error:
            last = self.folder / run_folder.LAST
            hint = f"the checkpoint of an earlier update is in {last}" if last.exists() else ""
            raise DivergedError(*error.problems, Problem(str(self.folder), "training diverged", hint)) from None
        self.update += 1
        self.mean_return = report.mean_return
        return report

    def _row(self, report: Report, interrupt: Interrupt) -> dict[str, Any] | None:
        """The line of this update, after the evaluation where one is due; None if that was interrupted."""
        row: dict[str, Any] = {
            "update": self.update,
            "steps": report.steps,
            "episodes": report.episodes,
            "mean_return": report.mean_return,
            **report.metrics,
        }
        complete = report.steps >= self.algorithm.total_steps
        if complete or self.judgement.due(report.steps, self.recipe.evaluation):
            found = self._evaluate(report.steps, interrupt)
            if found is None:
                return None
            row |= found
        if complete:
            self.stopped = self.stopped or "total_steps"
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}

    def _evaluate(self, steps: int, interrupt: Interrupt) -> dict[str, Any] | None:
        """Judge the agent as it is now and keep it if it is the best; its metrics, or None if interrupted.

        One that training begins with is judged to be compared: it neither ends the training nor delays evaluations.
        """
        agent, total, evaluation = self.algorithm.agent(), self.algorithm.total_steps, self.recipe.evaluation
        if not steps:
            evaluation = dataclasses.replace(evaluation, stop_return=None)
        going = _going(interrupt, lambda done: self._tell("evaluate", steps, total, done))
        verdict = judge(agent, evaluation, self.recipe.seed, self._play, going)
        if verdict is None:
            return None
        self.evaluations.append(evaluations.row(self.update, steps, verdict.episodes, verdict.confirmation))
        played = sum(e.length for e in (*verdict.episodes, *verdict.confirmation)) if steps else 0
        fell, self.judgement = self.judgement.fell(verdict.score), self.judgement.add(steps, verdict.score, played)
        if self.best_score is None or verdict.score >= self.best_score:
            self.best, self.best_score = self._signed(agent), verdict.score
            self._keep_best(self.best, card(self.best, self.recipe, None))
        if verdict.stop:
            self.stopped = "stop_return"
        return {
            "evaluation/return": verdict.score,
            "evaluation/episodes": len(verdict.episodes) + len(verdict.confirmation),
            "evaluation/collapsed": int(fell),
        }

    def _play(self, agent: Agent, seeds: Sequence[int], going: Going) -> tuple[Episode, ...] | None:
        """Episodes of the evaluator; how one diverged is kept."""
        played = self.evaluator.play(agent, seeds, going)
        for episode in played or ():
            self.keeper.keep(episode.post_mortem)
        return played

    def _finish(self, interrupt: Interrupt) -> RunResult:
        assert self.best is not None  # the last update evaluates
        agent, episodes = self.best, self.recipe.evaluation.final_episodes
        going = _going(interrupt, lambda done: self._tell("evaluate the best", done, episodes, done))
        before_s = self.evaluator.seconds
        evaluation = evaluate(agent, self.recipe.seed, episodes, self._play, going)
        self.final_evaluation_s = self.evaluator.seconds - before_s
        if evaluation is None:
            return self._interrupted()
        text = card(agent, self.recipe, evaluation, bit_exact=self.bit_exact)
        self._keep_best(agent, text, evaluation)
        learning_curve.write(self.folder)
        # The last, as it makes the run a finished one, which a sweep does not touch again.
        write_atomic(self.folder / run_folder.EVALUATION, json.dumps(evaluation, indent=2, sort_keys=True) + "\n")
        return self._result("finished", evaluation)

    def _keep_best(self, agent: Agent, text: str, evaluation: dict[str, Any] | None = None) -> None:
        folder = self.folder / run_folder.BEST
        replace_folder(folder, agent_folder.files(agent, str(folder), card=text, evaluation=evaluation)[0])

    def _save(self) -> None:
        inner = self.algorithm.state()
        arrays = {f"algorithm.{k}": v for k, v in inner.arrays.items()}
        best: dict[str, Any] | None = None
        if self.best is not None:
            arrays |= {f"best.{k}": v for k, v in self.best.tensors.items()}
            best = {"description": config.to_data(self.best.description), "score": self.best_score}
        values: dict[str, Any] = {
            "update": self.update,
            "steps": self.algorithm.steps,
            "log_bytes": self.log.sync(),
            "evaluations_bytes": self.evaluations.sync(),
            "judgement": self.judgement._asdict(),
            "report": None if self.report is None else self.report._asdict(),
            "stopped": self.stopped,
            "best": best,
            "mean_return": self.mean_return,
            "recipe": config.to_data(self.recipe),
            "environment": self.environment,
            "bit_exact": self.bit_exact,
            "wall_s": self._wall_s(),
            "evaluation_s": self._evaluation_s(),
            "algorithm": inner.values,
            "rows": {},
        }
        for name, rows in inner.rows.items():
            rows_file.append(self._rows(name), rows, self.saved_rows.get(name, 0))
            self.saved_rows[name] = rows.total
            values["rows"][name] = {"total": rows.total, "width": rows.ring.shape[1], "dtype": rows.ring.dtype.str}
        agent = self._signed(self.algorithm.agent())
        checkpoint.save(Checkpoint(agent, arrays, values), self.folder / run_folder.LAST)
        self.saved = self.algorithm.steps, self.update

    def _restore(self, kept: Checkpoint, command: str) -> None:
        values, arrays = kept.values, kept.arrays
        resumption.require_state(kept, self.algorithm.state(), self.state_place)
        rows = {name: rows_file.cut(self._rows(name), **kept) for name, kept in values.get("rows", {}).items()}
        self.algorithm.restore(State(parameters.below(arrays, "algorithm."), values["algorithm"], rows))
        if self.prolonged:
            prolongation.require_more(self.algorithm.steps, self.algorithm.total_steps, self.recipe)
            self.command = run_folder.prolong(self.folder, self.recipe, self.command, command)
        self.saved = values["steps"], values["update"]
        self.saved_rows = {name: kept.total for name, kept in rows.items()}
        self.update, self.wall_s = values["update"], values["wall_s"]
        self.stopped = "" if self.prolonged else values["stopped"]
        self.evaluation_s, self.judgement = values["evaluation_s"], Judgement(**values["judgement"])
        self.report = None if values["report"] is None else Report(**values["report"])
        self.mean_return = values["mean_return"]
        self.bit_exact = self.bit_exact and values["bit_exact"]
        if values["best"] is not None:
            description = config.validate(
                type(kept.agent.description), values["best"].get("description"), f"{self.state_place}:best.description"
            )
            best = Agent(description, parameters.below(arrays, "best."))
            agent_folder.require_sound(best, f"{self.state_place}:best", self.state_place)
            self.best, self.best_score = best, values["best"]["score"]
            # The folder may hold a later one, selected after this checkpoint.
            self._keep_best(self.best, card(self.best, self.recipe, None))

    def _rows(self, name: str) -> Path:
        return self.folder / run_folder.CHECKPOINTS / f"{name}.rows"

    def _require_same(self, values: dict[str, Any], other_versions: bool) -> None:
        changes = run_folder.differences(values["recipe"], config.to_data(self.recipe))
        prolongation.require_prolongation(changes, self.recipe, str(self.folder / run_folder.RECIPE))
        self.prolonged = bool(changes)
        changes = run_folder.differences(values["environment"], self.environment)
        if changes and not other_versions:
            remedy = "install what it was made with, or add --other-versions (the result is then not bit-exact)"
            where = str(self.folder / run_folder.VERSIONS)
            raise InputError(
                *(Problem(f"{where}:{k}", f"is {new!r:.60} now and was {old!r:.60}", remedy) for k, old, new in changes)
            )
        self.bit_exact = not changes

    def _signed(self, agent: Agent) -> Agent:
        """``agent`` with the command and versions that it was made with."""
        provenance = dataclasses.replace(
            agent.description.provenance,
            command=self.command,
            git=run_folder.git_commit(),
            versions=versions.installed(),
        )
        return Agent(dataclasses.replace(agent.description, provenance=provenance), agent.tensors)

    def _tell(self, phase: Work, done: int, total: int, episodes: int = 0) -> None:
        if self.progress is not None:
            self.progress(Moment(phase, done, total, self.mean_return, self.best_score, episodes))

    def _wall_s(self) -> float:
        return self.wall_s + time.monotonic() - self.start_s

    def _evaluation_s(self) -> float:
        return self.evaluation_s + self.evaluator.seconds - self.final_evaluation_s

    def _interrupted(self) -> RunResult:
        """What there is to go on from. Raises StorageError: nothing, as the folder is gone."""
        self.log.sync()
        return self._result("interrupted", None)

    def _result(self, status: Literal["finished", "interrupted"], evaluation: dict[str, Any] | None) -> RunResult:
        weights = "" if self.best is None else agent_folder.digest(self.best.tensors)
        return RunResult(
            self.folder, status, self.stopped, self.recipe.seed, self.algorithm.steps, self.update, self.best_score,
            self.judgement.evaluations, self.judgement.collapsed, evaluation, weights, self._wall_s(),
            self._evaluation_s(), self.final_evaluation_s,
        )  # fmt: skip


def _going(interrupt: Interrupt, tell: Callable[[int], None]) -> Going:
    """Tell of every episode once; go on until asked to stop."""
    told = -1

    def going(done: int) -> bool:
        nonlocal told
        if done != told:
            told = done
            tell(done)
        return not interrupt.asked

    return going
