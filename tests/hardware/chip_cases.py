"""Recorded cases: which files there are, and how one becomes a network of an emulator."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.agent.folder import Agent
from snnctl.hardware.loihi1 import emulator as loihi1
from snnctl.hardware.spinnaker1 import emulator as spinnaker1
from snnctl.hardware.synapses import Synapses, from_table
from snnctl.hardware.truenorth import emulator as truenorth
from snnctl.hardware.xylo import emulator as xylo
from snnctl.neurons import CurrentLif, Lif
from tests import factories

REPOSITORY = Path(__file__).resolve().parents[2]
SELECTION = REPOSITORY / "tests" / "data" / "hardware"
COMPLETE = Path(os.environ.get("SNNCTL_VECTORS", REPOSITORY.parent / "shared" / "vectors"))


def recordings(pattern: str, complete: bool) -> list[Any]:
    """Files as pytest parameters: the selection in tests/data, or the complete set where it exists."""
    found = sorted(COMPLETE.glob(f"*/{pattern}")) if complete else sorted(SELECTION.glob(pattern))
    if not found:
        reason = f"no recordings {pattern} in {COMPLETE}: set SNNCTL_VECTORS to a folder that has them"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="absent")]
    return [pytest.param(path, id=f"{'complete' if complete else 'selection'}-{path.stem}") for path in found]


def both(pattern: str) -> list[Any]:
    """The selection, then the complete set."""
    return recordings(pattern, complete=False) + recordings(pattern, complete=True)


def from_dense(weights: np.ndarray, delay: int = 0) -> Synapses:
    """Rows of a ``weights`` (sources, targets) matrix of signed integers, without the zeros."""
    source, target = np.nonzero(weights)
    return from_table(weights.shape[0], source, target, weights[source, target], delay)


def loihi1_network(case: Any, third_party: str) -> loihi1.Network:
    n = int(case["par_N"])
    decay_v = case["par_decay_v_used"] if "par_decay_v_used" in case else case["par_decay_v"]
    compartments = loihi1.from_registers(
        n,
        decay_u=np.maximum(case["par_decay_u"], 0),  # brian2-loihi knows decay 0, which no register holds
        decay_v=np.minimum(decay_v, 4095),
        vth_mantissa=case["par_vth_mant"],
        refractory=case["par_refract"],
        bias_mantissa=case["par_bias_mant"],
        bias_exponent=case["par_bias_exp"],
        v_min=case["par_vmin"],
        v_max=case["par_vmax"],
    )
    if third_party == "brian2":  # effective decays, no wrap, unbounded v, no bias
        compartments = dataclasses.replace(
            compartments,
            decay_u=np.asarray(case["par_decay_I"], np.int64),
            decay_v=np.asarray(decay_v, np.int64),
            bias=np.zeros(n, np.int64),
            v_min=np.full(n, -loihi1.UNBOUNDED),
            v_max=np.full(n, loihi1.UNBOUNDED),
            q_bits=0,
            u_bits=0,
        )
    delays = [int(case[key]) if key in case else 0 for key in ("par_delay_in", "par_delay_rec")]
    recurrent = case["par_w_rec_eff"] if case["par_has_rec"] else np.zeros((n, n), np.int64)
    return loihi1.Network(compartments, from_dense(case["par_w_in_eff"], delays[0]), from_dense(recurrent, delays[1]))


def spinnaker1_network(case: Any, shape: spinnaker1.SynapseShape) -> spinnaker1.Network:
    n = int(case["N"])
    names = ("V_rest", "V_reset", "V_thresh", "I_offset", "tau_m", "c_m", "T_refract", "tau_syn_E", "tau_syn_I")
    parameters = spinnaker1.Parameters(*(case[f"par_{name}"].tolist() for name in names))
    neurons = spinnaker1.derive(
        parameters, time_step_ms=float(case["par_time_step"][0]), steps=int(case["n_steps"]), shape=shape
    )
    table, first_own = case["syn_table"], int(case["rec_row0"])
    rows = max(int(table[:, 0].max(initial=-1)), int(case["spikes_in"][:, 1].max(initial=-1))) + 1
    inputs = from_table(max(rows, first_own + n), *(table[:, k] for k in (0, 4, 1, 2, 3)))
    own = inputs.indptr[first_own : first_own + n + 1] if case["recurrent"] else np.zeros(n + 1, np.int64)
    shift = [int(x) for x in case["ring_buffer_shift"]]
    return spinnaker1.Network(neurons, inputs, Synapses(own, *inputs[1:]), pair(n, *shift))


def pair(n: int, excitatory: int, inhibitory: int) -> np.ndarray:
    """The same ring-buffer shifts for n neurons."""
    return np.repeat(np.array([[excitatory], [inhibitory]], np.int64), n, axis=1)


def random_agent(
    hidden: tuple[int, ...] = (32,),
    *,
    ticks: int = 5,
    seed: int = 0,
    neuron: CurrentLif | Lif = factories.NEURON,
    gain: float = 2.0,
) -> Agent:
    """A continuous controller with random weights: 3 observations, 2 actions."""
    return factories.agent(
        factories.task(3, 2, "continuous"), hidden=hidden, neuron=neuron, ticks=ticks, gain=gain, seed=seed
    )


def xylo_network(case: Any) -> xylo.Network:
    """A recorded network; each plane of weights is a synapse."""

    def rows(shift: int, *planes: np.ndarray) -> Synapses:
        source, target = (np.concatenate(columns) for columns in zip(*map(np.nonzero, planes), strict=True))
        weight = np.concatenate([plane[plane != 0].astype(np.int64) << shift for plane in planes])
        kind = np.repeat(np.arange(len(planes)), [np.count_nonzero(plane) for plane in planes])
        return from_table(planes[0].shape[0], source, target, weight, 0, kind)

    def neurons(end: str) -> xylo.Neurons:
        dash_syn = np.zeros((2, len(case[f"v_th{end}"])), np.int64)
        dash_syn[: case[f"dash_syn{end}"].shape[1]] = case[f"dash_syn{end}"].T
        bias = case[f"bias{end}"] * bool(case["has_bias"])
        return xylo.Neurons(case[f"dash_mem{end}"], dash_syn, case[f"v_th{end}"], bias)

    shifts = [int(shift) for shift in case["shift"]]
    return xylo.Network(
        neurons(""),
        neurons("_out"),
        rows(shifts[0], case["w_in"], case["w_in2"]),
        rows(shifts[1], case["w_rec"]),
        rows(shifts[2], case["w_out"]),
        case["alias"],
    )


def truenorth_ranc(case: Any) -> tuple[truenorth.Network, np.ndarray]:
    """A recorded network of RANC, and its input as one source for each (axon of core 0, delay), (ticks, sources)."""
    cores, n, axons = case["par_crossbar"].shape
    core, neuron, axon = np.nonzero(case["par_crossbar"])
    weight = case["par_weights"][core, neuron, case["par_axon_type"][core, axon]]
    crossbar = from_table(cores * axons, core * axons + axon, core * n + neuron, weight)
    registers = truenorth.neurons(
        cores * n,
        leak=case["par_leak"].ravel(),
        alpha=case["par_pos_threshold"].ravel(),
        beta=-case["par_neg_threshold"].ravel().astype(np.int64),
        reset=case["par_reset_potential"].ravel(),
        gamma=case["par_reset_mode"].ravel(),
        v_initial=case["par_v0"].ravel(),
    )
    to_core = np.arange(cores)[:, None] + case["par_dest_core_dx"]
    to_axon = np.where(to_core < cores, to_core * axons + case["par_dest_axon"], truenorth.NOWHERE).ravel()
    ticks = len(case["out_s"])
    source, tick = case["ext_spikes"][:, 2] * 16 + case["ext_spikes"][:, 1], case["ext_spikes"][:, 0]
    inputs = np.zeros((ticks, axons * 16), np.uint8)
    inputs[tick, source] = 1
    outside = np.arange(axons * 16)
    entries = from_table(axons * 16, outside, outside // 16, np.ones(axons * 16), outside % 16)
    delay = case["par_dest_tick"].ravel().astype(np.int64) + 1
    symmetric = bool(case["reset_type"])
    return truenorth.Network(registers, crossbar, entries, to_axon.astype(np.int64), delay, symmetric), inputs
