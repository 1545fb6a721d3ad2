"""A float layer as parameters of SpiNNaker's IF_curr_exp, and a chain of them as one network with windows.

With V_rest = 0 the chip computes V' = a V + (1 - a) R I, a = exp_TC, and adds ``input * init`` to the
synaptic state before it is used. One unit of v becomes ``scale`` millivolts when

    weight (nA) = scale W / ((1 - a) R init)        I_offset (nA) = scale b / ((1 - a) R)
    V_thresh = scale v_threshold + 2^-15            (the chip fires at V >= V_thresh, the model at v > v_threshold)
    tau_m = tau_mem_s / tick_s, tau_syn likewise    (in chip milliseconds: one model tick is one chip tick)
    t_refract = refractory_ticks                    held ticks

(1 - a), R and init are the values that the chip will really derive. Without synaptic time constant
the neuron is IF_curr_delta, whose ``init`` is 1. ``scale`` (a power of two) and R follow from the worst
case in a decision, so that neither V nor I can wrap; the ring buffers get the left shift at which the worst
case of one tick cannot saturate.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware import accum, spinnaker1
from snnctl.hardware.quantise import FloatLayer, Rounding, rounding
from snnctl.hardware.synapses import Integers, Synapses, from_table

_V_RANGE = 30000.0  # mV; alpha - V stays below 65536
_I_RANGE = 60000.0  # nA
_RING_RANGE = 16000.0  # nA; close below 2^14, so that the 16 bits of a ring buffer are used
_C_LARGEST = 60000.0  # nF
_R_SMALLEST = 2.0**-5  # MOhm; below, R would keep too few of its 15 fractional bits


class Layer(NamedTuple):
    """One layer as the chip holds it."""

    name: str
    scale: float  # mV per unit of v
    shift: tuple[int, int]  # ring-buffer left shift, excitatory and inhibitory
    weights: NDArray[np.int32]  # (sources, n) 16-bit words with the sign of their kind
    neurons: spinnaker1.Neurons
    parameters: dict[str, float]  # shared by the layer: mV, ms, nF
    rounding: tuple[Rounding, ...]


def choose_scale(layer: FloatLayer) -> tuple[float, float]:
    """(scale, c_m): mV per unit of v, and the capacitance that makes R."""
    leak, tau_m = 1 - layer.a_mem, -1 / math.log(layer.a_mem)
    largest = max(layer.largest_current / leak, layer.v_threshold, abs(layer.v_reset))
    scale = 2.0 ** math.floor(math.log2(_V_RANGE / largest))
    init = (1 - layer.a_syn) / -math.log(layer.a_syn) if layer.a_syn > 0 else 1.0
    resistance = max(  # MOhm; the ring buffers of one tick and the current of a decision, in nA
        scale * layer.largest_input / (leak * init) / _RING_RANGE,
        scale * layer.largest_current / leak / _I_RANGE,
        _R_SMALLEST,
        tau_m / _C_LARGEST,
    )
    return scale, tau_m / resistance


def quantise(layer: FloatLayer) -> Layer:
    """Parameters of one layer; the rules of the mapping have made sure that they exist."""
    n = layer.weights.shape[1]
    scale, c_m = choose_scale(layer)
    tau_syn = -1 / math.log(layer.a_syn) if layer.a_syn > 0 else 1.0
    shape: spinnaker1.SynapseShape = "exp" if layer.a_syn > 0 else "delta"
    parameters = {
        "v_rest": 0.0,
        "v_reset": scale * layer.v_reset,
        "v_thresh": (math.floor(scale * layer.v_threshold * accum.ONE) + 1) / accum.ONE,
        "i_offset": 0.0,
        "tau_m": -1 / math.log(layer.a_mem),
        "c_m": c_m,
        "t_refract": float(layer.refractory_ticks),
        "tau_syn_exc": tau_syn,
        "tau_syn_inh": tau_syn,
    }
    one = spinnaker1.derive(spinnaker1.Parameters(*([value] for value in parameters.values())), shape=shape)
    leak = 1 - int(one.exp_tc[0]) / accum.ONE
    gain = leak * int(one.r_membrane[0]) / accum.ONE  # mV per nA and tick
    init = int(one.init[0, 0]) / 2**32 if shape == "exp" else 1.0
    values = {name: [value] * n for name, value in parameters.items()}
    values["i_offset"] = (layer.bias * scale / gain).tolist()
    neurons = spinnaker1.derive(spinnaker1.Parameters(**values), shape=shape)
    nanoamperes = layer.weights * scale / (gain * init)  # (sources, n)
    shift = tuple(
        spinnaker1.ring_shift(float(np.maximum(sign * nanoamperes, 0).sum(axis=0).max(initial=0.0))) for sign in (1, -1)
    )
    words = spinnaker1.encode_weights(nanoamperes, (shift[0], shift[1]))
    back = np.where(words < 0, 2.0 ** (shift[1] - 15), 2.0 ** (shift[0] - 15)) * gain * init / scale
    largest_weight, th = float(np.abs(layer.weights).max(initial=0.0)), layer.v_threshold
    decay = int(neurons.decay[0, 0]) / 2**32
    report = (
        rounding(layer.name, "weight", layer.weights, words * back, largest_weight, "largest weight"),
        rounding(layer.name, "threshold", th, (int(neurons.v_thresh[0]) - 1) / accum.ONE / scale, th, "threshold"),
        rounding(layer.name, "bias", layer.bias, neurons.i_offset / accum.ONE * gain / scale, th, "threshold"),
        rounding(layer.name, "a_syn", layer.a_syn, decay if shape == "exp" else 0.0, 1.0, "1"),
        rounding(layer.name, "a_mem", layer.a_mem, 1 - leak, 1.0, "1"),
    )
    return Layer(layer.name, scale, (shift[0], shift[1]), words, neurons, parameters, report)


def network(layers: tuple[Layer, ...], ticks: int) -> list[tuple[spinnaker1.Network, Integers]]:
    """Each layer as a network of its own, as cores hold them, and its windows of active ticks.

    The input population is layer 0; a packet of tick k is consumed in tick k + 1, so layer l is active in
    ticks l .. l + ticks - 1. Left shifts belong to a core, hence one network a layer: feed the spikes of
    one as the packets of the next.
    """
    result = []
    for number, layer in enumerate(layers, start=1):
        source, target = np.nonzero(layer.weights)
        words = layer.weights[source, target]
        rows = from_table(layer.weights.shape[0], source, target, np.abs(words), 1, (words < 0).astype(np.int64))
        nobody = Synapses(np.zeros(layer.neurons.size + 1, np.int64), *(np.zeros(0, np.int64) for _ in range(4)))
        window = np.tile([number, number + ticks - 1], (layer.neurons.size, 1))  # (n, 2)
        result.append((spinnaker1.Network(layer.neurons, rows, nobody, layer.shift), window))
    return result
