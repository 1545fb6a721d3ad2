"""Cycles and latency of a decision on Xylo, as the vendor's software counts them; energy is not priced.

    cycles of a tick = channels c_channel + input spikes hidden c_input
                     + hidden c_synapses + (synapses that hidden spikes reach) c_hidden
                     + hidden spikes (c_source + outputs c_output)
                     + hidden c_neuron + hidden spikes c_fired + outputs c_out
    latency = sum over ticks of cycles / clock

A neuron that spikes several times in a tick counts once. The constants are those of rockpool, which gives no source for
them; no energy of an event has one, so there is no power to add up and none to compare with other chips.
"""

from __future__ import annotations

import math

import numpy as np

from snnctl.hardware.cost import Counts, DecisionCost
from snnctl.hardware.family import Fit, Rasters
from snnctl.hardware.xylo.quantise import outputs

UNKNOWN = (math.nan, math.nan)


class XyloCost:
    """Cost of decisions of one program on Xylo."""

    def __init__(self, fit: Fit) -> None:
        program = fit.program
        self._fit, self._ticks = fit, fit.loaded().ticks
        self._first, self._read = len(program.inputs), outputs(program)
        self._hidden = sum(s.size for k, s in enumerate(program.stages) if k not in self._read)
        self._outputs = sum(s.size for k, s in enumerate(program.stages) if k in self._read)
        self._channels = fit.cores[0].usage["input_channels"].used
        self._reached = [np.zeros(node.size, np.int64) for node in program.nodes]  # all synapses of each neuron
        self._recurrent = [np.zeros(node.size, np.int64) for node in program.nodes]  # those onto hidden neurons
        for link in program.links:
            synapses = link.synapses()
            fans = np.bincount(synapses.source[synapses.weight != 0], minlength=program.nodes[link.source].size)
            self._reached[link.source] += fans
            if link.source >= self._first and link.target - self._first not in self._read:
                self._recurrent[link.source] += fans
        self._cycle = {name: quantity.value for name, quantity in fit.chip.time.items()}
        self._constants = fit.chip.constants("time")

    def decision(self, rasters: Rasters, control_dt_s: float) -> DecisionCost:
        """Cost of one decision; ``rasters`` inputs first, each (ticks, n)."""
        c, first = self._cycle, self._first
        fired = [np.count_nonzero(raster, axis=0) for raster in rasters]  # (n,) ticks with a spike
        counts = [raster.sum(axis=0, dtype=np.int64) for raster in rasters]
        hidden = [node for node in range(first, len(rasters)) if node - first not in self._read]
        from_outside = sum(int(f.sum()) for f in fired[:first])
        from_hidden = sum(int(fired[node].sum()) for node in hidden)
        recurrent = sum(int(fired[node] @ self._recurrent[node]) for node in hidden)
        each_tick = (
            self._channels * c["cycles_input_channel"]
            + self._hidden * (c["cycles_hidden_synapses"] + c["cycles_hidden_neuron"])
            + self._outputs * c["cycles_output_neuron"]
        )
        cycles = (
            self._ticks * each_tick
            + from_outside * self._hidden * c["cycles_input_spike"]
            + recurrent * c["cycles_hidden_spike"]
            + from_hidden
            * (c["cycles_output_source"] + self._outputs * c["cycles_output_synapse"] + c["cycles_hidden_fired"])
        )
        latency = {"ticks": cycles * c["clock_period"]}
        neurons = self._hidden + self._outputs
        active = len(rasters[0]) * neurons
        synaptic = sum(int(n @ reached) for n, reached in zip(counts, self._reached, strict=True))
        return DecisionCost(
            evidence="modelled",
            chip=self._fit.chip.name,
            ticks=self._ticks,
            period_s=max(control_dt_s, latency["ticks"]),
            counts=Counts(
                sum(int(n.sum()) for n in counts), synaptic, active, self._ticks * neurons - active, from_hidden
            ),
            energy_j={"unpriced": math.nan},
            latency_s=latency,
            chip_w=UNKNOWN,
            board_w=UNKNOWN,
            constants=self._constants,
            notes=(
                f"{cycles:.0f} cycles in the last decision: vendor software, unsourced",
                "no energy of an event on this chip has a source: power and energy are not priced or ranked",
                "host I/O is not in any source that we found and is left out of the latency",
            ),
        )
