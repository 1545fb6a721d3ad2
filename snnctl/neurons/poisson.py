"""Source of Poisson spike trains, independent from neuron to neuron and from tick to tick.

    P(spike in a tick) = 1 - exp(-(rate_hz + I) tick_s)

This is the probability of at least one event of a Poisson process, for any rate; rates beyond 1 / tick_s saturate
at a spike in every tick. The injected current I is an additional rate (Hz): it makes the process inhomogeneous; a
negative sum is silence. Synapses onto a source are refused. Counts have the Fano factor exp(-rate tick_s), 1 in the
limit of short ticks, and the intervals have CV sqrt(exp(-rate tick_s)).
Source: Dayan & Abbott, Theoretical Neuroscience (2001), section 1.4.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge

from snnctl.config import Hertz, schema


@schema
class Poisson:
    """Parameters of a Poisson source."""

    model: Literal["poisson"] = "poisson"
    rate_hz: Annotated[Hertz, Ge(0)]

    def constants(self, tick_s: float) -> PoissonConstants:
        """What one step needs, for ticks of ``tick_s``."""
        silence = math.exp(-self.rate_hz * tick_s)
        return PoissonConstants(
            probability=-math.expm1(-self.rate_hz * tick_s), silence=silence, tick=tick_s, one=1.0, zero=0.0
        )

    def initial(self) -> PoissonState:
        """Nothing to remember."""
        return PoissonState(v=0.0)


class PoissonConstants(NamedTuple):
    """Constants of one step."""

    probability: Any  # of a spike without current
    silence: Any  # of none
    tick: Any  # s
    one: Any
    zero: Any


class PoissonState(NamedTuple):
    """State of one neuron: a source has no membrane, its ``v`` stays 0."""

    v: Any


def step(c: PoissonConstants, s: PoissonState, _drive: Any, current: Any, uniform: Any) -> tuple[PoissonState, Any]:
    """One tick of one source: whether it spikes. ``current`` in Hz."""
    probability = c.probability
    if current != c.zero:  # a branch: the exponential is only paid for where the rate is modulated
        probability = c.one - c.silence * math.exp(-current * c.tick)
    return s, uniform < probability
