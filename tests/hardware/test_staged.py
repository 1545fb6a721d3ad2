"""Stage by stage in 32 bits, with registers up to their limits: what is not refused equals the general way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from snnctl.hardware.layers import Layer
from snnctl.hardware.loihi1 import decision as loihi1_decision
from snnctl.hardware.loihi1 import emulator as loihi1
from snnctl.hardware.spinnaker1 import decision as spinnaker1_decision
from snnctl.hardware.spinnaker1 import emulator as spinnaker1
from snnctl.hardware.synapses import from_table
from snnctl.network.description import stack
from snnctl.network.program import Program, lower
from tests.factories import NEURON
from tests.hardware.chip_cases import from_dense
from tests.interpreted import INTERPRETED

EXAMPLES = 10 if INTERPRETED else 100


def _program(sources: int, n: int, ticks: int) -> Program:
    """One stage; its numbers do not matter."""
    network = stack(inputs=sources, hidden=(), outputs=n, neuron=NEURON, tick_s=1e-3, ticks=ticks)
    (projection,), (population,) = network.projections, network.driven
    return lower(
        network,
        {
            projection.weight_name: np.zeros((sources, n), np.float32),
            population.bias_name: np.zeros(n, np.float32),
        },
    )


def _register(draws: np.random.Generator, low: int, high: int) -> int:
    """At either end, or anywhere."""
    return int(draws.choice([low, high, draws.integers(low, high + 1)]))


def _loihi(draws: np.random.Generator) -> bool:
    """Whether a random stage is taken, and then equals the general way."""
    load = draws.uniform(0, 8)
    sources, n, ticks = int(draws.integers(1, 40)), int(draws.integers(1, 20)), int(draws.integers(1, 8))
    exponent = int(draws.integers(0, 8))
    largest = min(254, load * (1 << 21) / sources / (1 << (6 + exponent)))
    mantissas = 2 * np.round(draws.uniform(-largest, largest, (sources, n)) / 2)
    weights = loihi1.effective_weight(mantissas, exponent)
    compartments = loihi1.from_registers(
        n,
        decay_u=_register(draws, 0, 4095),
        decay_v=_register(draws, 0, 4095),
        vth_mantissa=_register(draws, 0, int(draws.choice([200, 131071]))),
        refractory=_register(draws, 1, 5),
        bias_mantissa=draws.integers(-4096, 4096, n),
        bias_exponent=int(draws.integers(0, 8)),
    )
    layer = Layer(0, ((0, 0),), weights.astype(np.int32))
    made = loihi1_decision.staged(_program(sources, n, ticks), [layer], [compartments])
    spikes = (draws.random((ticks, sources)) < draws.random()).astype(np.uint8)
    network = loihi1.Network(compartments, from_dense(weights), from_dense(np.zeros((n, n))))
    _, record = loihi1.run(network, loihi1.initial_state(network), spikes)
    if made is not None:
        rasters = made.run(spikes)
        assert rasters is not None
        assert record.wraps == 0
        assert np.array_equal(rasters[1], record.spikes)
    return made is not None


def _spinnaker(draws: np.random.Generator) -> bool:
    """Whether a random stage is taken, and then equals the general way."""
    load, shape = draws.uniform(0, 1.5), str(draws.choice(["exp", "delta"]))
    sources, n, ticks = int(draws.integers(1, 40)), int(draws.integers(1, 20)), int(draws.integers(1, 8))
    largest = min(65535, 2 * load * 65535 / sources)
    words = np.round(draws.uniform(-largest, largest, (sources, n))).astype(np.int64)
    tau_m = np.full(n, draws.uniform(0.2, 50))
    values = {
        "v_rest": np.full(n, draws.uniform(-70, 0)),
        "v_reset": np.full(n, draws.uniform(-90, -10)),
        "v_thresh": draws.uniform(0, 30, n),
        "i_offset": draws.uniform(-1, 1, n) * draws.choice([1, 1000]),
        "tau_m": tau_m,
        "c_m": tau_m / draws.choice([0.5, 2.0, 20.0]),
        "t_refract": np.full(n, draws.integers(0, 4)),
        "tau_syn_exc": np.full(n, draws.uniform(0.2, 20)),
        "tau_syn_inh": np.full(n, draws.uniform(0.2, 20)),
    }
    neurons = spinnaker1.derive(
        spinnaker1.Parameters(**{name: array.tolist() for name, array in values.items()}), shape=shape
    )
    shift = draws.integers(0, 16, (2, 1)).repeat(n, axis=1)
    layer = Layer(0, ((0, 0),), words.astype(np.int32))
    made = spinnaker1_decision.staged(_program(sources, n, ticks), [layer], [(neurons, shift)])
    spikes = (draws.random((ticks, sources)) < draws.random()).astype(np.uint8)
    source, target = np.nonzero(words)
    weight = words[source, target]
    rows = from_table(sources, source, target, np.abs(weight), 1, weight < 0)
    network = spinnaker1.Network(neurons, rows, from_dense(np.zeros((n, n)), 1), shift)
    window = np.tile(np.array([1, ticks]), (n, 1))  # a packet arrives in the next tick
    _, record = spinnaker1.run(
        network, spinnaker1.initial_state(network), ticks + 1, spinnaker1.packets_of(spikes), window
    )
    if made is not None:
        rasters = made.run(spikes)
        assert rasters is not None
        assert record.wraps == record.saturations == 0
        assert np.array_equal(rasters[1], record.spikes[1:])
    return made is not None


@pytest.mark.parametrize("case", [_loihi, _spinnaker])
def test_stages_in_32_bits_equal_the_general_way(case: Callable[[np.random.Generator], bool]) -> None:
    taken = [case(np.random.default_rng(seed)) for seed in range(EXAMPLES)]
    assert 0.2 < np.mean(taken) < 0.9
