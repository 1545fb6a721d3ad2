"""Float controller against emulated chip on the same episodes.

Episode k of both has the same seed: the robot starts in the same state. With scores f[k] and c[k]:

    difference = mean(c - f)
    retention  = mean(c) / mean(f)      where mean(f) > 0; a ratio of negative returns means nothing

Both with a 95 % percentile bootstrap interval that resamples pairs. A diverged episode scores as in
:mod:`snnctl.loop.statistics`, on the scale of both controllers together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from snnctl import streams
from snnctl.loop.episode import Episode
from snnctl.loop.statistics import LEVEL, RESAMPLES, scores

Interval = tuple[float, float]


class Comparison(NamedTuple):
    """What the chip keeps of the float controller's return; None where it cannot be said."""

    difference: float | None
    difference_interval: Interval | None
    retention: float | None
    retention_interval: Interval | None
    worse: int  # episodes in which the chip scored less
    better: int

    def to_json(self) -> dict[str, Any]:
        """Plain data with the same names."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in self._asdict().items()}


def compare(floats: Sequence[Episode], chips: Sequence[Episode], seed: int) -> Comparison:
    """Compare episode by episode; ``seed`` is that of the bootstrap's stream.

    Raises:
        ValueError: the episodes are not paired.
    """
    if not floats or [e.seed for e in floats] != [e.seed for e in chips]:
        raise ValueError("the episodes of the two controllers do not have the same seeds")
    together = scores([*floats, *chips])
    if together is None:
        return Comparison(None, None, None, None, 0, 0)
    n = len(floats)
    f, c = together[:n], together[n:]  # (n,)
    draws = streams.generator(seed, "bootstrap").integers(0, n, (RESAMPLES, n))
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    differences = (c - f)[draws].mean(axis=1)  # (RESAMPLES,)
    means = f[draws].mean(axis=1)  # (RESAMPLES,)
    retention = retained = None
    if f.mean() > 0:
        retention = float(c.mean() / f.mean())
    if n > 1 and retention is not None and (means > 0).all():
        low, high = np.quantile(c[draws].mean(axis=1) / means, ends)
        retained = (float(low), float(high))
    low, high = np.quantile(differences, ends)
    interval = (float(low), float(high)) if n > 1 else None
    worse, better = int((c < f).sum()), int((c > f).sum())
    return Comparison(float((c - f).mean()), interval, retention, retained, worse, better)
