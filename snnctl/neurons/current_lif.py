"""Current-based leaky integrate-and-fire neuron: the portable neuron that chips have too.

    i[k] = a_syn i[k-1] + W s[k]             a_syn = exp(-tick_s / tau_syn_s), 0 for tau_syn_s = 0
    v[k] = a_mem v[k-1] + i[k] + b           a_mem = exp(-tick_s / tau_mem_s)
    spike where v[k] > v_threshold; then v = v_reset (reset "value") or v -= v_threshold ("subtract")

``i`` and ``v`` are dimensionless; ``i`` goes on decaying while the neuron is refractory.
Source: Tang et al., CoRL 2020 (PopSAN), with the bias on the membrane, as Loihi and SpiNNaker have it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt

from snnctl.config import Seconds, schema


@schema
class CurrentLif:
    """Parameters of a current-based leaky integrate-and-fire population."""

    model: Literal["current_lif"] = "current_lif"
    tau_mem_s: Annotated[Seconds, Gt(0)]
    tau_syn_s: Annotated[Seconds, Ge(0)]
    v_threshold: Annotated[float, Gt(0)] = 1.0
    v_reset: float = 0.0
    reset: Literal["value", "subtract"] = "value"
    refractory_ticks: Annotated[int, Ge(0)] = 0
