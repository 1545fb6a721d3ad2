"""One agent, one environment, one emulated chip, one budget: return, energy, latency, verdict.

1. the float controller drives the robot through ``episodes`` seeded episodes
2. the emulated chip drives it through the same ones; the cost of each decision is read from the
   spikes that really occurred
3. returns are compared pair by pair, costs are summed up and held against the budget

Energy, power and latency are *modelled*: events times sourced constants. Every constant that
enters is in the result with its source. ``to_json`` is described in ``docs/evaluation.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl import config
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.errors import DivergedError, Problem
from snnctl.evaluation import costs, mapping, pairs, returns
from snnctl.evaluation.budget import Budget, combine
from snnctl.evaluation.costs import Meter, Record
from snnctl.evaluation.pairs import Comparison
from snnctl.evaluation.returns import EPISODES, SCHEMA, Progress, finite
from snnctl.evaluation.verdict import Verdict, judge
from snnctl.hardware import chip as chips
from snnctl.hardware.chip import Chip
from snnctl.hardware.controller import ChipController
from snnctl.loop.closed_loop import episode_seeds, run_episodes
from snnctl.loop.episode import Episode
from snnctl.loop.statistics import Summary, summarise

FROZEN = "The agent learns, but not on the chip: its weights are those that it was written with, without exploration."
_BINS = 60


class Evaluation(NamedTuple):
    """The result of one evaluation."""

    agent: Agent
    chip: Chip
    env_id: str
    seed: int
    budget: Budget
    float_episodes: tuple[Episode, ...]
    chip_episodes: tuple[Episode, ...]
    float_summary: Summary
    chip_summary: Summary
    comparison: Comparison
    record: Record
    verdicts: tuple[Verdict, ...]
    rasters: list[dict[str, NDArray[np.uint8]]]  # first decisions of the first episode on the chip
    mapping: dict[str, Any]
    command: str

    @property
    def holds(self) -> bool:
        """Whether every limit of the budget holds (true when there is none)."""
        return all(verdict.holds for verdict in self.verdicts)

    @property
    def frozen(self) -> tuple[str, ...]:
        """What of the agent does not change on the chip, though it could in a Learner; nothing for most agents."""
        description = self.agent.description
        return (FROZEN,) if description.learning is not None or description.modulator is not None else ()

    def to_json(self) -> dict[str, Any]:
        """Everything but the raster, as plain data in SI units; a number that is not finite is None."""
        data: dict[str, Any] = finite(self._sections())
        return data

    def _sections(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "evidence": "modelled",
            "holds": self.holds,
            "agent": returns.agent_data(self.agent),
            "env": {"id": self.env_id, "control_dt_s": self.record.control_dt_s},
            "chip": {"name": self.chip.name, "title": self.chip.title},
            "budget": config.to_data(self.budget),
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "returns": {
                "float": [e.episode_return for e in self.float_episodes],
                "chip": [e.episode_return for e in self.chip_episodes],
                "float_summary": self.float_summary.to_json(),
                "chip_summary": self.chip_summary.to_json(),
                "comparison": self.comparison.to_json(),
                "diverged": [
                    *returns.diverged("float", self.float_episodes),
                    *returns.diverged("chip", self.chip_episodes),
                ],
            },
            "latency": _latency_data(self.record),
            "power": _power_data(self.record),
            "energy": _energy_data(self.record, self.chip_summary),
            "deadline": deadline(self.record, self.chip_episodes),
            "notes": [*self.record.notes, *self.frozen],
            "mapping": self.mapping,
            "constants": [constant._asdict() for constant in self.chip.constants("energy", "time", "power")],
            "repro": returns.repro(self.command, self.seed, self.chip_episodes),
        }


def evaluate(
    agent: Agent,
    chip: str | Chip,
    env_id: str | None = None,
    power_w: float | None = None,
    latency_s: float | None = None,
    energy_j: float | None = None,
    boundary: str | None = None,
    episodes: int = EPISODES,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    budget: Budget | None = None,
    command: str = "",
    float_episodes: Sequence[Episode] | None = None,
) -> Evaluation:
    """Evaluate ``agent`` on the emulated chip.

    Args:
        agent: what to evaluate.
        chip: file of ``configs/chips``, a path, or a chip.
        env_id: by default the environment that the agent was made for.
        power_w: most mean power; this and the next three replace what ``budget`` says.
        latency_s: most p99 latency.
        energy_j: most mean energy of a control step.
        boundary: chip, board or dynamic.
        episodes: of each of the two controllers.
        seed: of the episodes' seeds; the same for both controllers.
        progress: told after each episode.
        budget: a named budget.
        command: what the user typed, for the result.
        float_episodes: episodes of the float controller with the same seeds, to save running them again.

    Raises:
        ConfigError: a limit is not positive and finite.
        NotFoundError: no such chip or environment.
        MappingError: the agent does not fit the chip.
        SpaceError: the environment is not one for this agent.
    """
    limits = combine(budget, power_w, latency_s, energy_j, boundary)
    chip = chips.load(chip) if isinstance(chip, str) else chip
    where = env_id or agent.description.task.env_id
    controller = ChipController(agent, chip)
    seeds = episode_seeds(seed, episodes)
    say = _Teller(progress, episodes)
    if float_episodes is None or [e.seed for e in float_episodes] != list(seeds):
        float_episodes = run_episodes(FloatController(agent), where, seeds, progress=say.part("float", 0))
    meter = Meter(controller, float_episodes[0].control_dt_s)
    chip_episodes = run_episodes(controller, where, seeds, observer=meter, progress=say.part(chip.name, 1))
    record = meter.record()
    if record is None:
        raise DivergedError(Problem(where, f"no decision was made ({chip_episodes[0].diverged})", "check the robot"))
    return Evaluation(
        agent=agent,
        chip=chip,
        env_id=where,
        seed=seed,
        budget=limits,
        float_episodes=tuple(float_episodes),
        chip_episodes=chip_episodes,
        float_summary=summarise(float_episodes, seed),
        chip_summary=summarise(chip_episodes, seed),
        comparison=pairs.compare(float_episodes, chip_episodes, seed),
        record=record,
        verdicts=judge(limits, record),
        rasters=meter.rasters,
        mapping=mapping.describe(controller.fit),
        command=command,
    )


def deadline(record: Record, episodes: Sequence[Episode]) -> dict[str, Any]:
    """Decisions that took longer than the control period, and the longest run of them in one episode."""
    late = costs.latency(record) > record.control_dt_s  # (decisions,)
    longest, start = 0, 0
    for episode in episodes:
        run = 0
        for missed in late[start : start + len(episode.decision_s)]:
            run = run + 1 if missed else 0
            longest = max(longest, run)
        start += len(episode.decision_s)
    misses = int(late.sum())
    return {"period_s": record.control_dt_s, "misses": misses, "rate": misses / len(late), "longest_run": longest}


def _latency_data(record: Record) -> dict[str, Any]:
    times = costs.latency(record)
    counts, edges = np.histogram(times, _BINS, (0.0, float(times.max())))  # (_BINS,), (_BINS + 1,)
    return {
        "p50_s": float(np.quantile(times, 0.5)),
        "p99_s": costs.p99(times),
        "max_s": float(times.max()),
        "mean_by_part_s": {name: float(values.mean()) for name, values in record.latency_s.items()},
        "histogram": {"counts": counts.tolist(), "edges_s": edges.tolist()},
    }


def _power_data(record: Record) -> dict[str, Any]:
    mean = costs.power(record)
    return {
        "static_w": mean.chip_w[0],
        "idle_w": mean.chip_w[1],
        "dynamic_w": mean.dynamic_w,
        "board_static_w": mean.board_w[0],
        "board_idle_w": mean.board_w[1],
        "total_chip_w": mean.at("chip"),
        "total_board_w": mean.at("board"),
    }


def _energy_data(record: Record, summary: Summary) -> dict[str, Any]:
    mean, seconds = costs.power(record), costs.step_s(record)
    dynamic = costs.dynamic_energy(record)
    return {
        "decisions": len(dynamic),
        "dynamic_j": float(dynamic.mean()),
        "dynamic_max_j": float(dynamic.max()),
        "dynamic_by_part_j": {name: float(values.mean()) for name, values in record.energy_j.items()},
        "total_chip_j": mean.at("chip") * seconds,
        "total_board_j": mean.at("board") * seconds,
        "control_step_s": seconds,
        "synaptic_events": summary.events_per_decision,
    }


class _Teller:
    """Turns the progress of two runs into one count."""

    def __init__(self, progress: Progress | None, episodes: int) -> None:
        self._progress, self._episodes = progress, episodes

    def part(self, name: str, number: int) -> Callable[[int, int, Episode], None]:
        def tell(done: int, total: int, episode: Episode) -> None:
            if self._progress is not None:
                self._progress(number * self._episodes + done, 2 * self._episodes, name)

        return tell
