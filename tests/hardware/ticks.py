"""One tick of one neuron of each chip in plain Python integers, from what its image holds."""

from __future__ import annotations

from snnctl.hardware.loihi1.compiler import LoihiImage
from snnctl.hardware.spinnaker1 import accum
from snnctl.hardware.spinnaker1.compiler import SpiNNakerImage
from snnctl.hardware.truenorth.compiler import TrueNorthImage
from snnctl.hardware.xylo.compiler import XyloImage
from tests.hardware.programs import Tick


def loihi_tick(image: LoihiImage) -> Tick:
    """The docstring of the emulator, in Python's integers."""
    state = [{"u": [0] * s.compartments.size, "v": [0] * s.compartments.size, "c": [0] * s.compartments.size}
             for s in image.stages]  # fmt: skip

    def wrap(x: int, bits: int) -> int:
        return (x + (1 << bits)) % (2 << bits) - (1 << bits)

    def decay(x: int, register: int) -> int:
        kept = (abs(x) * (4096 - register)) >> 12
        return kept if x >= 0 else -kept

    def tick(stage: int, i: int, arriving: list[tuple[int, int]]) -> bool:
        c, s = image.stages[stage].compartments, state[stage]
        q = wrap(sum(int(image.stages[stage].weights[j]) * n for j, n in arriving), 21)
        s["u"][i] = wrap(decay(s["u"][i], int(c.decay_u[i])) + q, 23)
        x = wrap(s["u"][i] + int(c.bias[i]), 23)
        v = min(max(decay(s["v"][i], int(c.decay_v[i])) + x, int(c.v_min[i])), int(c.v_max[i]))
        v = 0 if s["c"][i] > 0 else v
        spike = v > int(c.threshold[i])
        if spike:
            v, s["c"][i] = 0, int(c.refractory[i])
        s["v"][i], s["c"][i] = v, max(s["c"][i] - 1, 0)
        return spike

    return tick


def spinnaker_tick(image: SpiNNakerImage) -> Tick:
    """The docstring of the emulator, in Python's integers."""
    state = [{"v": [0] * len(s.neurons.v_rest), "syn": [[0] * len(s.neurons.v_rest) for _ in range(2)],
              "r": [0] * len(s.neurons.v_rest)} for s in image.stages]  # fmt: skip
    wrap = accum.signed32

    def multiply(a: int, b: int) -> int:
        return wrap((a * b) >> 15)

    def tick(stage: int, i: int, arriving: list[tuple[int, int]]) -> bool:
        held, s = image.stages[stage], state[stage]
        m = held.neurons
        words = [int(held.weights[j]) for j, n in arriving for _ in range(n)]
        for kind, sign in ((0, 1), (1, -1)):
            w = min(sum(sign * word for word in words if sign * word > 0), 65535)
            value = wrap(w << int(held.shift[kind, i]))
            value = (value * int(m.init[kind, i])) >> 32 if m.exponential[i] else value
            s["syn"][kind][i] = wrap(s["syn"][kind][i] + value)
        exc, inh = s["syn"][0][i], s["syn"][1][i]
        if s["r"][i] <= 0:
            current = exc - inh if m.exponential[i] else multiply(exc, m.scale) - multiply(inh, m.scale)
            alpha = wrap(multiply(wrap(current + int(m.i_offset[i])), int(m.r_membrane[i])) + int(m.v_rest[i]))
            s["v"][i] = wrap(alpha - multiply(int(m.exp_tc[i]), wrap(alpha - s["v"][i])))
        else:
            s["r"][i] -= 1
        spike = s["v"][i] >= int(m.v_thresh[i])
        if spike:
            s["v"][i], s["r"][i] = int(m.v_reset[i]), int(m.t_refract[i])
        for kind in range(2):
            s["syn"][kind][i] = (s["syn"][kind][i] * int(m.decay[kind, i])) >> 32 if m.exponential[i] else 0
        return spike

    return tick


def xylo_tick(image: XyloImage) -> Tick:
    """The docstring of the emulator, in Python's integers: how often a neuron spikes."""
    state = [{"i": [0] * s.neurons.size, "v": [0] * s.neurons.size} for s in image.stages]

    def sat(x: int) -> int:
        return min(max(x, -(2**15)), 2**15 - 1)

    def fall(x: int, dash: int) -> int:
        return x // 2**dash or (1 if x > 0 else 0)

    def tick(stage: int, i: int, arriving: list[tuple[int, int]]) -> int:
        held, s = image.stages[stage], state[stage]
        m = held.neurons
        current = s["i"][i]
        for j, count in arriving:
            for _ in range(count):
                current = sat(current + int(held.weights[j]))
        current -= fall(current, int(m.dash_syn[0, i]))
        v = s["v"][i]
        v = sat(v + sat(sat(current - fall(v, int(m.dash_mem[i]))) + int(m.bias[i])))
        count = 0
        while v >= int(m.threshold[i]) and count < held.most:
            v, count = v - int(m.threshold[i]), count + 1
        s["i"][i], s["v"][i] = current, v
        return count

    return tick


def truenorth_tick(image: TrueNorthImage) -> Tick:
    """The registers that its neurons have, and a weight as the sum of the types that its axons have."""
    state = [s.neurons.v_initial.tolist() for s in image.stages]

    def weight(stage: int, i: int, synapse: int) -> int:
        held = image.stages[stage]
        p, value = held.precision, int(held.multiples[synapse])
        base, total = p.copies + 1, 0
        last = base ** (p.types - 1)
        negative = -(value // last) if value < 0 else 0
        rest = value + negative * last
        for g in range(p.types - 1):
            total += (rest % base) * int(held.unit[i]) * base**g
            rest //= base
        assert rest == 0 and negative <= p.copies
        return total - negative * int(held.unit[i]) * last

    def tick(stage: int, i: int, arriving: list[tuple[int, int]]) -> int:
        m, v = image.stages[stage].neurons, state[stage]
        v[i] += sum(weight(stage, i, j) for j, _ in arriving) + int(m.leak[i])
        v[i] = min(max(v[i], -(2**19)), 2**19 - 1)
        if v[i] >= int(m.alpha[i]):
            v[i] = v[i] - int(m.alpha[i]) if m.gamma[i] == 1 else int(m.reset[i])
            return 1
        v[i] = max(v[i], -int(m.beta[i]))
        return 0

    return tick
