"""``snnctl demo``: train, drive, evaluate and report, in one command."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snnctl.cli import console

if TYPE_CHECKING:
    from snnctl.agent.folder import Agent
    from snnctl.evaluation.evaluate import Evaluation
    from snnctl.loop.episode import Episode
    from snnctl.training.run import Moment
    from snnctl.training.run_result import RunResult

INTERRUPTED = 130
RECIPE, BUDGET = "cartpole-ppo", "nano-drone"
EPISODES = 10
_WIDTH = 78


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where everything is written.")] = Path("runs") / "demo",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the training and of the episodes.")] = 0,
) -> None:
    """Train a spiking controller, drive a robot with it, and see which chip could run it.

    Takes a minute or two. Writes the trained agent, a figure and a report. Exit code 0, whatever the
    verdict on the chips.

    Example: snnctl demo --out my-demo
    """
    from snnctl.agent import folder
    from snnctl.storage import ensure_writable

    ensure_writable(out)
    begin = time.monotonic()
    console.note("A network of spiking neurons learns to balance a pole on a cart; then emulated")
    console.note("neuromorphic chips run it, and a budget of power and time says which of them would do.")
    result = _train(out, seed)
    trained = folder.load(result.folder / "checkpoints" / "best")
    agent = folder.save(trained, out / "agent", card=_card(result.folder))
    episodes = _drive(agent, seed)
    found = _evaluate(agent, seed, episodes)
    page, figure = _report(out, found)
    _summary(found, result, out, page, figure, time.monotonic() - begin)


def _card(run: Path) -> str:
    card = run / "checkpoints" / "best" / "README.md"
    return card.read_text(encoding="utf-8") if card.is_file() else ""


def _train(out: Path, seed: int) -> RunResult:
    """Step 1: reward and trial and error, from random weights."""
    from snnctl import config, kernel_folder, library
    from snnctl.training import run
    from snnctl.training.recipe import Recipe

    recipe = config.load(Recipe, library.find("recipe", RECIPE).path)
    words = f"a network ({recipe.network.summary}) learns {recipe.env.id} by trial and error, from random weights"
    _step(1, "Train", words)
    if not kernel_folder.has_kernels():
        _detail("first run on this machine: the fast code is compiled once, which takes a moment")
    with console.progress("     training", 1) as bar:

        def follow(moment: Moment) -> None:
            if moment.phase == "evaluate the best":
                bar.update(moment.done, "examination", total=moment.total, unit="episodes")
                return
            text = "first attempts" if moment.mean_return is None else f"balances {moment.mean_return:.0f} of 500 steps"
            bar.update(moment.done, text, total=moment.total, unit="steps")

        command = shlex.join(["snnctl", *sys.argv[1:]])
        result = run.train(recipe, seed, out, workers=1, command=command, progress=follow)
    if result.status == "interrupted":
        console.note(f"interrupted; continue with: {_program()} train --resume {shlex.quote(str(result.folder))}")
        raise typer.Exit(INTERRUPTED)
    summary = (result.evaluation or {}).get("summary", {})
    mean = summary.get("mean")
    score = "-" if mean is None else f"{mean:.0f}"
    _detail(
        f"learned in {console.duration(result.wall_s)} from {result.steps:,} steps; in {summary.get('n', 0)} fresh "
        f"episodes it scores {score} of 500"
    )
    return result


def _drive(agent: Agent, seed: int) -> tuple[Episode, ...]:
    """Step 2: the trained controller in closed loop."""
    from snnctl.agent import controllers
    from snnctl.loop.closed_loop import episode_seeds, run_episodes
    from snnctl.loop.statistics import summarise

    task = agent.description.task
    _step(
        2, "Drive", f"{EPISODES} more episodes, a decision every {task.control_dt_s * 1e3:.0f} ms of the robot's time"
    )
    with console.progress("     driving", EPISODES, "episodes") as bar:
        episodes = run_episodes(
            controllers.make(agent),
            task.env_id,
            episode_seeds(seed, EPISODES),
            progress=lambda done, total, e: bar.update(done, f"return {e.episode_return:.0f}"),
        )
    summary = summarise(episodes, seed)
    if summary.mean is not None and summary.timing is not None:
        _detail(
            f"mean return {summary.mean:.0f}, worst {summary.minimum:.0f}; this computer decides in "
            f"{summary.timing.p50_s * 1e6:.0f} µs and runs {summary.timing.real_time_factor:.0f} times faster than life"
        )
    return episodes


def _evaluate(agent: Agent, seed: int, episodes: tuple[Episode, ...]) -> list[Evaluation]:
    """Step 3: the same episodes on emulated chips."""
    from snnctl.evaluation import budget as budgets
    from snnctl.evaluation import evaluate as engine
    from snnctl.report.units import percent, si

    budget = budgets.load(BUDGET)
    _step(3, "Evaluate", "the same episodes on emulated chips, with their integer arithmetic and their clocks")
    assert budget.power is not None and budget.latency is not None
    _detail(f"budget: {budget.robot} can spare {si(budget.power.limit_w, 'W')}")
    _detail(f"and waits {si(budget.latency.limit_s, 's')} for a decision (99 of 100 must be that quick)")
    found = []
    for chip in _chips(agent):
        with console.progress(f"     {chip}", EPISODES, "episodes") as bar:
            evaluation = engine.evaluate(
                agent,
                chip,
                episodes=EPISODES,
                seed=seed,
                progress=lambda done, total, name, bar=bar: bar.update(done - EPISODES),  # type: ignore[misc]
                budget=budget,
                command=f"{_program()} demo --seed {seed}",
                float_episodes=episodes,
            )
        found.append(evaluation)
        kept = percent(evaluation.comparison.retention)
        word = "PASS" if evaluation.holds else "FAIL"
        console.note(f"     {word}  {evaluation.chip.title}, {kept} of the return kept")
        for verdict in evaluation.verdicts:
            for line in _wrap(verdict.sentence):
                _detail(f"      {line}")
    return found


def _chips(agent: Agent) -> list[str]:
    """The chips of the package's own families that hold the agent; those of strangers are not opened."""
    from snnctl import config, hardware, library, slots
    from snnctl.agent.program import program
    from snnctl.hardware import chip

    own = (e for e in library.entries("chip") if config.read_toml(e.path).get("family") in slots.FAMILIES.parts)
    return [e.name for e in own if hardware.fit(program(agent), chip.load(str(e.path))).ok]


def _report(out: Path, found: list[Evaluation]) -> tuple[Path, Path]:
    """Step 4: everything on one page, and one figure apart."""
    from snnctl.report import html
    from snnctl.storage import write_atomic

    _step(4, "Report", "all numbers with their sources, and figures, on one page")
    chapters = [html.Chapter(evaluation.to_json(), evaluation.rasters) for evaluation in found]
    page, figure = out / "report.html", out / "spikes.svg"
    html.write(page, chapters, f"A spiking controller for CartPole on {len(found)} chips")
    write_atomic(figure, html.raster_file(chapters[0]))
    return page, figure


def _summary(found: list[Evaluation], result: RunResult, out: Path, page: Path, figure: Path, seconds: float) -> None:
    from snnctl.report.units import si

    rows = []
    for evaluation in found:
        data = evaluation.to_json()
        rows.append(
            (
                evaluation.chip.name,
                "fits" if evaluation.holds else "does not fit",
                "-" if evaluation.chip_summary.mean is None else f"{evaluation.chip_summary.mean:.0f}",
                si(data["power"]["total_chip_w"], "W"),
                si(data["power"]["dynamic_w"], "W"),
                si(data["latency"]["p99_s"], "s"),
            )
        )
    budget = found[0].budget
    table = console.table(["chip", f"budget '{budget.name}'", "return", "power", "of it dynamic", "latency p99"], rows)
    agent = shlex.quote(str(out / "agent"))
    program = _program()
    lines = [
        "",
        "=" * _WIDTH,
        table,
        "",
        "Power and latency are modelled: counted events times sourced constants.",
        "Dynamic power is what the network's own work adds to a chip that is switched on.",
        "-" * _WIDTH,
        f"report   {page}",
        f"figure   {figure}",
        f"agent    {out / 'agent'}   (training log: {result.folder})",
        f"took     {console.duration(seconds)}",
        "-" * _WIDTH,
        "Try next:",
        f"  {program} run {agent} --episodes 5",
        f"  {program} evaluate {agent} --chip {found[0].chip.name} --power 100mW --latency 5ms",
        f"  {program} fit {agent} --chip {found[-1].chip.name}",
        "=" * _WIDTH,
    ]
    console.result("\n".join(lines))


def _program() -> str:
    """How this program is called from here, so that printed commands work as they stand."""
    on_path = shutil.which("snnctl")
    for called in (Path(sys.argv[0]), Path(sys.executable).with_name("snnctl")):
        if called.name == "snnctl" and called.is_file():
            short = on_path is not None and Path(on_path).samefile(called)
            return "snnctl" if short else shlex.quote(str(called))
    return "snnctl"


def _step(number: int, name: str, text: str) -> None:
    console.note(f"\n{number}/4  {name}: {text}")


def _detail(text: str) -> None:
    console.note(f"     {text}")


def _wrap(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, _WIDTH - 11)
