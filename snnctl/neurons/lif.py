"""Leaky integrate-and-fire neuron driven by weighted spikes.

    v[k] = a_mem v[k-1] + W s[k] + b         a_mem = exp(-tick_s / tau_mem_s)
    spike where v[k] > v_threshold; then v = v_reset (reset "value") or v -= v_threshold ("subtract")

``v`` is dimensionless. After a spike the neuron is silent for ``refractory_ticks`` ticks.
Source: Gerstner, Kistler, Naud & Paninski, Neuronal Dynamics (2014), section 1.3.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt

from snnctl.config import Seconds, schema


@schema
class Lif:
    """Parameters of a leaky integrate-and-fire population."""

    model: Literal["lif"] = "lif"
    tau_mem_s: Annotated[Seconds, Gt(0)]
    v_threshold: Annotated[float, Gt(0)] = 1.0
    v_reset: float = 0.0
    reset: Literal["value", "subtract"] = "value"
    refractory_ticks: Annotated[int, Ge(0)] = 0
