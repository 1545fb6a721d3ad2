"""Statistics of a set of episodes: how good, how certain, how bad at worst, how fast, how active.

    mean, std      over the scores; std with divisor n
    iqm            mean of the middle half: floor(n / 4) scores are cut from each end
    interval       95 % percentile bootstrap interval of the iqm, 2000 resamples of the episodes
    worst5         mean of the max(1, floor(n / 20)) lowest scores

**The score of an episode** is its return. A diverged episode has none: what its simulator paid before
or after the divergence is not evidence of control. It scores

    min(0, lowest return of the episodes that ended properly, what it had earned until then)

so it never scores better than the worst proper episode, nor better than having done nothing where
rewards are positive, nor better than what it had already lost where they are negative. When every
episode diverged there is no scale to score on: mean, std, iqm, interval, worst5, minimum and maximum
are all None. ``diverged`` counts these episodes and belongs beside every mean that is shown.

Sources: Agarwal et al., NeurIPS 2021 (iqm, bootstrap); NeuroBench closed-loop branch (worst 5 %).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.loop.episode import Episode

RESAMPLES = 2000
LEVEL = 0.95

Values = NDArray[np.float64]


class Rate(NamedTuple):
    """How active a population was."""

    neurons: int
    per_tick: float  # spikes / (neurons * ticks), 0 ... 1
    hz: float  # spikes / (neurons * simulated time): the robot's clock, not the network's


class Timing(NamedTuple):
    """Wall time of the decisions of all episodes, pooled."""

    p50_s: float
    p99_s: float
    max_s: float
    real_time_factor: float  # simulated time / wall time of decisions and environment steps


class Summary(NamedTuple):
    """Statistics of a set of episodes; None where every episode diverged (or there is only one, for interval)."""

    n: int
    diverged: int
    mean: float | None
    std: float | None
    iqm: float | None
    interval: tuple[float, float] | None  # of the iqm
    worst5: float | None
    minimum: float | None
    maximum: float | None
    mean_length: float  # control steps
    rates: dict[str, Rate]
    events_per_decision: float
    timing: Timing | None  # None when no decision was made
    limited_actions: int  # control steps whose action was clipped
    outlying_observations: int

    def to_json(self) -> dict[str, Any]:
        """Plain data with the same names."""
        data = self._asdict()
        data["interval"] = None if self.interval is None else list(self.interval)
        data["rates"] = {name: rate._asdict() for name, rate in self.rates.items()}
        data["timing"] = None if self.timing is None else self.timing._asdict()
        return data


def summarise(episodes: Sequence[Episode], seed: int = 0) -> Summary:
    """Summarise at least one episode; ``seed`` is that of the bootstrap's stream.

    Raises:
        ValueError: no episodes.
    """
    if not episodes:
        raise ValueError("no episodes were given to summarise")
    values = scores(episodes)
    known = values is not None
    x = np.zeros(1) if values is None else values
    return Summary(
        n=len(episodes),
        diverged=sum(e.diverged is not None for e in episodes),
        mean=float(x.mean()) if known else None,
        std=float(x.std()) if known else None,
        iqm=iqm(x) if known else None,
        interval=bootstrap(x, iqm_rows, seed) if known and len(x) > 1 else None,
        worst5=worst(x) if known else None,
        minimum=float(x.min()) if known else None,
        maximum=float(x.max()) if known else None,
        mean_length=float(np.mean([e.length for e in episodes])),
        rates=rates(episodes),
        events_per_decision=_ratio(sum(e.synaptic_events for e in episodes), sum(len(e.decision_s) for e in episodes)),
        timing=timing(episodes),
        limited_actions=sum(e.limited_actions for e in episodes),
        outlying_observations=sum(e.outlying_observations for e in episodes),
    )


def scores(episodes: Sequence[Episode]) -> Values | None:
    """The score of each episode, in order; None when all diverged.  # (episodes,)"""
    proper = [e.episode_return for e in episodes if e.diverged is None]
    if not proper:
        return None
    failure = min(0.0, *proper)
    values = [e.episode_return if e.diverged is None else min(failure, e.episode_return) for e in episodes]
    return np.array(values, np.float64)


def iqm(values: Values) -> float:
    """Interquartile mean: floor(n / 4) values are cut from each end."""
    return float(iqm_rows(values[None, :])[0])


def iqm_rows(rows: Values) -> Values:
    """The interquartile mean of each row of (rows, n).  # (rows,)"""
    n = rows.shape[1]
    cut = n // 4
    middle: Values = np.sort(rows, axis=1)[:, cut : n - cut].mean(axis=1)
    return middle


def worst(values: Values) -> float:
    """Mean of the lowest 5 %, at least of the lowest one."""
    return float(np.sort(values)[: max(1, len(values) // 20)].mean())


def bootstrap(values: Values, statistic: Callable[[Values], Values], seed: int = 0) -> tuple[float, float]:
    """Percentile interval at LEVEL of a statistic over RESAMPLES resamples with replacement.

    ``statistic`` maps (RESAMPLES, n) to (RESAMPLES,).
    """
    draws = streams.generator(seed, "bootstrap").integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(statistic(values[draws]), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def rates(episodes: Sequence[Episode]) -> dict[str, Rate]:
    """Firing rates per population, pooled over the episodes, inputs included."""
    names = {name: e.neurons[name] for e in episodes for name in e.spikes}
    found = {}
    for name, neurons in names.items():
        spikes = sum(e.spikes.get(name, 0) for e in episodes)
        neuron_ticks = sum(e.neuron_ticks.get(name, 0) for e in episodes)
        time_s = sum(len(e.decision_s) * e.control_dt_s for e in episodes if name in e.spikes)
        found[name] = Rate(neurons, _ratio(spikes, neuron_ticks), _ratio(spikes, neurons * time_s))
    return found


def timing(episodes: Sequence[Episode]) -> Timing | None:
    """Decision times of all episodes, pooled; None if no decision was made."""
    times = np.concatenate([e.decision_s for e in episodes])
    if not len(times):
        return None
    p50, p99 = np.quantile(times, [0.5, 0.99])
    factor = _ratio(sum(e.sim_s for e in episodes), sum(e.wall_s for e in episodes))
    return Timing(float(p50), float(p99), float(times.max()), factor)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
