"""A float stage as parameters of SpiNNaker's IF_curr_exp.

With V_rest = 0 the chip computes V' = a V + (1 - a) R I, a = exp_TC, and adds ``input * init`` to the
synaptic state before it is used. One unit of v becomes ``scale`` millivolts when

    weight (nA) = scale W / ((1 - a) R init)        I_offset (nA) = scale b / ((1 - a) R)
    V_thresh = scale v_threshold + 2^-15            (the chip fires at V >= V_thresh, the model at v > v_threshold)
    tau_m = tau_mem_s / tick_s, tau_syn likewise    (in chip milliseconds: one model tick is one chip tick)
    t_refract = refractory_ticks                    held ticks

(1 - a), R and init are the values that the chip will really derive. Without synaptic time constant
the neuron is IF_curr_delta, whose ``init`` is 1. ``scale`` (a power of two) and R follow from the worst
case in a decision (in a streaming network, without end), so that neither V nor I can wrap; the ring buffers get the
left shift at which the worst case of one tick cannot saturate.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware.spinnaker1 import accum, emulator
from snnctl.hardware.stages import FloatStage, Integers, Rounding, rms, rounding

_V_RANGE = 30000.0  # mV; alpha - V stays below 65536
_I_RANGE = 60000.0  # nA
_RING_RANGE = 16000.0  # nA; close below 2^14, so that the 16 bits of a ring buffer are used
_C_LARGEST = 60000.0  # nF
_R_SMALLEST = 2.0**-5  # MOhm; below, R would keep too few of its 15 fractional bits


class Quantised(NamedTuple):
    """One stage as the chip holds it."""

    shift: Integers  # (2, n) ring-buffer left shift, excitatory and inhibitory: one pair for all neurons
    weights: NDArray[np.int32]  # (synapses,) 16-bit words with the sign of their kind
    neurons: emulator.Neurons
    held: FloatStage  # the same numbers in a unit in which v_threshold is the stage's own
    rounding: tuple[Rounding, ...]


def choose_scale(stage: FloatStage) -> tuple[float, float]:
    """(scale, c_m): mV per unit of v, and the capacitance that makes R."""
    leak, tau_m = 1 - stage.a_mem, -1 / math.log(stage.a_mem)
    largest_current, largest_input = stage.largest_current, stage.largest_input
    largest = max(largest_current / leak, float(stage.v_threshold.max()), abs(stage.v_reset))
    scale = 2.0 ** math.floor(math.log2(_V_RANGE / largest))
    init = (1 - stage.a_syn) / -math.log(stage.a_syn) if stage.a_syn > 0 else 1.0
    resistance = max(  # MOhm; the ring buffers of one tick and the current of a decision, in nA
        scale * largest_input / (leak * init) / _RING_RANGE,
        scale * largest_current / leak / _I_RANGE,
        _R_SMALLEST,
        tau_m / _C_LARGEST,
    )
    return scale, tau_m / resistance


def quantise(stage: FloatStage) -> Quantised:
    """Parameters of one stage; the rules have made sure that they exist."""
    n = stage.size
    scale, c_m = choose_scale(stage)
    tau_syn = -1 / math.log(stage.a_syn) if stage.a_syn > 0 else 1.0
    shape: emulator.SynapseShape = "exp" if stage.a_syn > 0 else "delta"
    thresholds = [(math.floor(scale * th * accum.ONE) + 1) / accum.ONE for th in stage.v_threshold.tolist()]
    parameters = {
        "v_rest": 0.0,
        "v_reset": scale * stage.v_reset,
        "v_thresh": thresholds[0],
        "i_offset": 0.0,
        "tau_m": -1 / math.log(stage.a_mem),
        "c_m": c_m,
        "t_refract": float(stage.refractory_ticks),
        "tau_syn_exc": tau_syn,
        "tau_syn_inh": tau_syn,
    }
    one = emulator.derive(emulator.Parameters(*([value] for value in parameters.values())), shape=shape)
    leak = 1 - int(one.exp_tc[0]) / accum.ONE
    gain = leak * int(one.r_membrane[0]) / accum.ONE  # mV per nA and tick
    init = int(one.init[0, 0]) / 2**32 if shape == "exp" else 1.0
    values = {name: [value] * n for name, value in parameters.items()}
    values["v_thresh"] = thresholds
    values["i_offset"] = (stage.bias * scale / gain).tolist()
    neurons = emulator.derive(emulator.Parameters(**values), shape=shape)
    nanoamperes = stage.weights * scale / (gain * init)  # (synapses,)
    arriving = stage._replace(weights=nanoamperes)
    pair = [emulator.ring_shift(float(arriving.arriving(sign).max(initial=0.0))) for sign in (1, -1)]
    words = emulator.encode_weights(nanoamperes, (pair[0], pair[1]))
    back = np.where(words < 0, 2.0 ** (pair[1] - 15), 2.0 ** (pair[0] - 15)) * gain * init / scale
    th = float(stage.v_threshold.max())
    decay = int(neurons.decay[0, 0]) / 2**32
    threshold = (neurons.v_thresh - 1) / accum.ONE / scale
    a_syn, bias = decay if shape == "exp" else 0.0, neurons.i_offset / accum.ONE * gain / scale
    unit = stage.v_threshold / threshold  # (n,)
    held = stage._replace(weights=words * back * unit[stage.targets], bias=bias * unit, a_syn=a_syn, a_mem=1 - leak)
    report = (
        rounding(stage.name, "weight", stage.weights, words * back, stage.largest_weight, "largest weight"),
        rounding(stage.name, "weight", stage.weights, words * back, rms(stage.weights), "rms weight"),
        rounding(stage.name, "threshold", stage.v_threshold, threshold, th, "threshold"),
        rounding(stage.name, "bias", stage.bias, bias, th, "threshold"),
        rounding(stage.name, "a_syn", stage.a_syn, a_syn, 1.0, "1"),
        rounding(stage.name, "a_mem", stage.a_mem, 1 - leak, 1.0, "1"),
    )
    shift = np.ascontiguousarray(np.broadcast_to(np.array(pair, np.int64)[:, None], (2, n)))
    return Quantised(shift, words, neurons, held, report)
