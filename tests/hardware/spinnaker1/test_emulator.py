from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import InputError, NetworkError
from snnctl.hardware.spinnaker1 import emulator as spinnaker1
from tests.hardware.chip_cases import both, from_dense, pair, spinnaker1_network


@pytest.mark.parametrize("path", both("spinnaker_lifcurr*.npz"))
def test_equals_the_vendor_code(path: Path) -> None:
    case = np.load(path)
    network = spinnaker1_network(case, "delta" if "delta" in path.name else "exp")
    m = network.neurons
    derived = {"R_membrane": m.r_membrane, "exp_TC": m.exp_tc, "T_refract": m.t_refract}
    derived |= {"exc_decay": m.decay[0], "inh_decay": m.decay[1], "exc_init": m.init[0], "inh_init": m.init[1]}
    for name, values in derived.items():
        assert np.array_equal(values, case[f"const_{name}"].astype(np.int64)), name
    state = spinnaker1.initial_state(
        network,
        v=case["parfix_V_init"],
        synapse=np.stack([case["parfix_isyn_exc"], case["parfix_isyn_inh"]]),
        refractory=case["par_refract_init"].astype(np.int64),
    )
    _, record = spinnaker1.run(network, state, int(case["T"]), case["spikes_in"])
    assert np.array_equal(record.v_before, case["out_v_pre"])
    assert np.array_equal(record.synapse[:, 0], case["out_gsyn_exc"])
    assert np.array_equal(record.synapse[:, 1], case["out_gsyn_inh"])
    assert np.array_equal(record.v, case["out_v_post"])
    assert np.array_equal(record.spikes, case["out_s"])
    if "out_saturations" in case:  # the shortened files cannot have these totals
        assert record.saturations == int(case["out_saturations"])
        assert record.synaptic_events == int(case["out_synaptic_events"])


def _network(n: int, delay: int, seed: int) -> spinnaker1.Network:
    draws = np.random.default_rng(seed)
    values = (0.0, 0.0, 8.0, 0.0, 4.0, 2.0, 1.0, 2.0, 2.0)
    neurons = spinnaker1.derive(spinnaker1.Parameters(*([value] * n for value in values)))
    inputs = from_dense(draws.integers(0, 30000, (10, n)), delay)
    return spinnaker1.Network(neurons, inputs, from_dense(draws.integers(0, 2000, (n, n)), delay), pair(n, 2, 2))


def test_a_run_in_pieces_equals_one_run() -> None:
    network = _network(12, 7, 0)
    spikes = (np.random.default_rng(1).random((60, 10)) < 0.2).astype(np.uint8)
    packets = spinnaker1.packets_of(spikes)
    _, whole = spinnaker1.run(network, spinnaker1.initial_state(network), 60, packets)
    early = packets[packets[:, 0] < 25]
    late = packets[packets[:, 0] >= 25] - [25, 0]
    middle, first = spinnaker1.run(network, spinnaker1.initial_state(network), 25, early)
    _, second = spinnaker1.run(network, middle, 35, late)
    assert whole.spikes.any()
    assert np.array_equal(whole.v, np.concatenate([first.v, second.v]))


@pytest.mark.parametrize("delay", [0, 16])
def test_delays_that_the_chip_lacks_are_refused(delay: int) -> None:
    with pytest.raises(NetworkError, match="1 to 15"):
        spinnaker1.initial_state(_network(3, delay, 0))


def test_parameters_that_do_not_fit_are_all_named() -> None:
    bad = spinnaker1.Parameters([0.0], [0.0], [7e4], [0.0], [0.0], [1.0], [0.0], [1e-9], [5.0])
    with pytest.raises(NetworkError) as caught:
        spinnaker1.derive(bad)
    assert {p.where.split()[-1] for p in caught.value.problems} == {"v_thresh", "tau_m", "tau_syn_exc"}


@settings(deadline=None)
@given(st.floats(1e-3, 1e5))
def test_the_ring_shift_holds_the_largest_weight(largest: float) -> None:
    shift = spinnaker1.ring_shift(largest)
    word = spinnaker1.encode_weights(np.array([largest]), (shift, shift))
    assert abs(int(word[0])) <= 1 << 15


@pytest.mark.parametrize("packet", [(0, 10), (0, -1), (0, 10**9), (5, 0), (-1, 0)])
def test_packets_of_rows_or_ticks_that_are_not_are_refused(packet: tuple[int, int]) -> None:
    network = _network(3, 1, 0)
    with pytest.raises(InputError, match=r"spinnaker1 packets: name the (tick|input row) -?[0-9]+, of (5|10)"):
        spinnaker1.run(network, spinnaker1.initial_state(network), 5, np.array([packet]))


@pytest.mark.parametrize("shape", ["exp", "delta"])
@pytest.mark.parametrize("offset", [0.0, 65000.0])
def test_wraps_of_the_current_and_the_offset_are_counted(shape: str, offset: float) -> None:
    values = (0.0, 0.0, 8.0, offset, 4.0, 4.0, 0.0, 2.0, 2.0)
    neurons = spinnaker1.derive(spinnaker1.Parameters(*([value] for value in values)), shape=shape)  # type: ignore[arg-type]
    weights, shift = np.full((1, 1), 32768), pair(1, 11, 11)  # 2048 nA a spike
    spikes = np.ones((5, 1), np.uint8)
    network = spinnaker1.Network(neurons, from_dense(weights, 1), from_dense(np.zeros((1, 1)), 1), shift)
    _, record = spinnaker1.run(network, spinnaker1.initial_state(network), 5, spinnaker1.packets_of(spikes))
    assert record.saturations == 0
    assert (record.wraps > 0) == (offset > 0)
