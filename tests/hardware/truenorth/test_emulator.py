"""The emulator equals the recordings integer for integer, and its draws, modes and limits are those of its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.errors import InputError, NetworkError
from snnctl.hardware.synapses import from_table
from snnctl.hardware.truenorth import emulator
from tests.hardware.chip_cases import both, truenorth_ranc


@pytest.mark.parametrize("path", both("truenorth_ranc_*.npz"))
def test_no_integer_differs_from_the_recordings_of_ranc(path: Path) -> None:
    case = np.load(path)
    network, inputs = truenorth_ranc(case)
    _, record = emulator.run(network, emulator.initial_state(network), inputs)
    np.testing.assert_array_equal(record.spikes, case["out_s"].reshape(len(inputs), -1))
    np.testing.assert_array_equal(record.v, case["out_v"].reshape(len(inputs), -1))
    assert record.spikes.any() and record.overflows == 0


@pytest.mark.parametrize("path", both("truenorth_nemo_modes.npz"))
def test_no_integer_differs_from_the_modes_of_nemo(path: Path) -> None:
    case = np.load(path)
    given = case["par_net_input"].astype(np.int64)  # (ticks, n): the sum of 7 axons of each sign
    ticks, n = given.shape
    powers = np.concatenate([1 << np.arange(7), -(1 << np.arange(7))])
    bits = (np.maximum(given * np.sign(powers)[:, None, None], 0) >> np.tile(np.arange(7), 2)[:, None, None]) & 1
    inputs = bits.transpose(1, 2, 0).reshape(ticks, n * 14).astype(np.uint8)
    axons = np.arange(n * 14)
    registers = emulator.neurons(
        n,
        leak=case["par_lam"] * case["par_sig"],
        alpha=case["par_alpha"],
        beta=case["par_beta"],
        reset=case["par_R"],
        gamma=case["par_gamma"],
        kappa=case["par_kappa"],
        reversal=case["par_eps"],
        v_initial=case["par_v0"],
    )
    network = emulator.Network(
        registers,
        from_table(n * 14, axons, axons // 14, np.tile(powers, n)),
        from_table(n * 14, axons, axons, np.ones(n * 14)),
        np.full(n, emulator.NOWHERE),
        np.ones(n, np.int64),
        ringing=True,
    )
    _, record = emulator.run(network, emulator.initial_state(network), inputs)
    np.testing.assert_array_equal(record.v, case["out_v"])
    np.testing.assert_array_equal(record.spikes, case["out_s"])


def random_network(seed: int) -> tuple[emulator.Network, np.ndarray, emulator.Draws]:
    """Two cores of 6 axons and 5 neurons in all modes, stochastic ones among them."""
    r = np.random.default_rng(seed)
    n, axons, ticks = 10, 12, 60
    crossbar = r.random((2, 6, 5)) < 0.5
    core, axon, neuron = np.nonzero(crossbar)
    weight, kinds = r.integers(-90, 110, (n, 4)), r.random((n, 4)) < 0.3
    types, target = r.integers(0, 4, axons), core * 5 + neuron
    source = core * 6 + axon
    table = from_table(axons, source, target, weight[target, types[source]], 0, kinds[target, types[source]])
    registers = emulator.neurons(
        n,
        leak=r.integers(-9, 10, n),
        alpha=r.integers(30, 200, n),
        beta=r.integers(0, 200, n),
        reset=r.integers(-10, 10, n),
        gamma=r.integers(0, 3, n),
        kappa=r.integers(0, 2, n),
        reversal=r.integers(0, 2, n),
        stochastic_leak=r.integers(0, 2, n),
        mask=r.choice([0, 7, 31], n),
        v_initial=r.integers(-20, 20, n),
    )
    entries = from_table(5, np.arange(5), r.integers(0, axons, 5), np.ones(5), r.integers(0, 16, 5))
    axon_of = np.where(r.random(n) < 0.8, r.integers(0, axons, n), emulator.NOWHERE)
    made = emulator.Network(registers, table, entries, axon_of, r.integers(1, 16, n), bool(seed % 2), bool(seed % 3))
    draws = emulator.Draws(
        r.integers(0, 128, (ticks, table.target.size)),
        r.integers(0, 10, (ticks, n)),
        r.integers(0, 1 << 16, (ticks, n)),
    )
    return made, (r.random((ticks, 5)) < 0.3).astype(np.uint8), draws


def in_python(
    net: emulator.Network, inputs: np.ndarray, draws: emulator.Draws
) -> tuple[list[list[int]], list[list[int]]]:
    """The docstring, with sets of (tick, axon) for the packets."""
    m: Any = net.neurons
    v, due, vs, spikes = m.v_initial.tolist(), set(), [], []
    sign = lambda x: int(x > 0) - int(x < 0)  # noqa: E731
    for t, row in enumerate(inputs):
        for s in np.flatnonzero(row):
            for j in range(net.entries.indptr[s], net.entries.indptr[s + 1]):
                due.add((t + int(net.entries.delay[j]), int(net.entries.target[j])))
        for axon in range(net.crossbar.sources):
            if (t, axon) in due:
                for j in range(net.crossbar.indptr[axon], net.crossbar.indptr[axon + 1]):
                    s = int(net.crossbar.weight[j])
                    if net.crossbar.kind[j]:
                        s = sign(s) * (abs(s) >= draws.synapse[t, j])
                    v[net.crossbar.target[j]] += s
        fired = []
        for n in range(m.size):
            leak = int(m.leak[n])
            if m.stochastic_leak[n]:
                leak = sign(leak) * (abs(leak) >= draws.leak[t, n])
            omega = sign(v[n]) if m.reversal[n] else 1
            new = v[n] + omega * leak
            if m.reversal[n] and net.ringing and new * v[n] < 0:
                new = 0
            eta = int(draws.threshold[t, n]) & int(m.mask[n])
            alpha, beta, kappa = int(m.alpha[n]), int(m.beta[n]), int(m.kappa[n])
            low = -(beta * kappa + (beta + eta) * (1 - kappa))
            spike = new >= alpha + eta
            if spike:
                new = (int(m.reset[n]), new - alpha - eta, new)[m.gamma[n]]
            elif new < low or (net.symmetric and new == low):
                new = -beta * kappa + (-int(m.reset[n]), new + beta + eta, new)[m.gamma[n]] * (1 - kappa)
            v[n] = new
            fired.append(int(spike))
            if spike and net.axon[n] >= 0:
                due.add((t + int(net.delay[n]), int(net.axon[n])))
        vs.append(list(v))
        spikes.append(fired)
    return vs, spikes


@pytest.mark.parametrize("seed", range(24))
def test_all_modes_with_given_draws_equal_the_docstring(seed: int) -> None:
    network, inputs, draws = random_network(seed)
    _, record = emulator.run(network, emulator.initial_state(network), inputs, draws)
    vs, spikes = in_python(network, inputs, draws)
    np.testing.assert_array_equal(record.v, vs)
    np.testing.assert_array_equal(record.spikes, spikes)
    assert record.spikes.any()


def test_a_stochastic_network_without_draws_is_refused_and_told_their_shape() -> None:
    network, inputs, draws = random_network(0)
    state = emulator.initial_state(network)
    with pytest.raises(InputError, match=r"draws.synapse: are missing; give \(60, .*not public"):
        emulator.run(network, state, inputs)
    with pytest.raises(InputError, match=r"truenorth draws.leak: have the shape \(59, 10\); give \(60, 10\)"):
        emulator.run(network, state, inputs, draws._replace(leak=draws.leak[:-1]))
    with pytest.raises(InputError, match=r"truenorth inputs: have the shape \(60, 4\)"):
        emulator.run(network, state, inputs[:, :4], draws)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"leak": 256}, "truenorth leak: reaches from 256 to 256; must be -256 ... 255"),
        ({"alpha": -1}, "truenorth alpha: reaches from -1"),
        ({"gamma": 3}, "truenorth gamma: reaches from 3 to 3; must be 0 ... 2"),
    ],
)
def test_registers_that_the_chip_has_not_are_named(change: dict[str, int], said: str) -> None:
    network, *_ = random_network(0)
    with pytest.raises(NetworkError, match=said):
        emulator.initial_state(network._replace(neurons=emulator.neurons(10, **change)))


def test_weights_delays_and_axons_that_the_chip_has_not_are_named() -> None:
    network, *_ = random_network(0)
    wrong = network._replace(
        crossbar=network.crossbar._replace(weight=network.crossbar.weight * 0 + 256),
        delay=np.full(10, 16),
        axon=np.full(10, 12),
    )
    said = " ".join(map(str, emulator.problems(wrong)))
    for part in ("weight: reaches from 256", "delay of a spike: reaches from 16", "axon: reaches from 12 to 12"):
        assert part in said
