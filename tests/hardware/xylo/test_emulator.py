"""The emulator equals the recordings of the vendor's, integer for integer, and refuses what the chip has not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snnctl.errors import InputError, NetworkError
from snnctl.hardware.synapses import from_table
from snnctl.hardware.xylo import emulator
from tests.hardware.chip_cases import both, xylo_network


@pytest.mark.parametrize("path", both("xylo_v2_*.npz"))
def test_no_integer_differs_from_the_recording(path: Path) -> None:
    case = np.load(path)
    network = xylo_network(case)
    n = network.hidden.size
    state, record = emulator.run(network, emulator.initial_state(network), case["input"])
    for ours, theirs in (
        (record.spikes[:, :n], "hidden_spikes"),
        (record.spikes[:, n:], "out_spikes"),
        (record.v[:, :n], "v_mem"),
        (record.v[:, n:], "v_mem_out"),
        (record.i[:, 0, :n], "i_syn"),
        (record.i[:, 0, n:], "i_syn_out"),
    ):
        np.testing.assert_array_equal(ours, case[theirs], err_msg=theirs)
    if case["i_syn2"].size:
        np.testing.assert_array_equal(record.i[:, 1, :n], case["i_syn2"])
    assert state.tick == len(case["input"]) and case["hidden_spikes"].any()


def test_ticks_run_through_from_call_to_call() -> None:
    case = np.load(both("xylo_v2_11.npz")[0].values[0])
    network = xylo_network(case)
    whole_state, whole = emulator.run(network, emulator.initial_state(network), case["input"])
    state, parts = emulator.initial_state(network), []
    for rows in np.array_split(case["input"], 7):
        state, part = emulator.run(network, state, rows)
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate([part.spikes for part in parts]), whole.spikes)
    assert sum(part.overflows for part in parts) == whole.overflows > 0
    assert all(np.array_equal(a, b) for a, b in zip(state, whole_state, strict=True))


def plain(**changes: object) -> emulator.Network:
    """Two channels, two hidden neurons, one output, and what a test is about."""
    hidden = {"dash_mem": [3, 3], "dash_syn": [[2, 2], [0, 0]], "threshold": [50, 50], "bias": [0, 0]}
    registers = {name: np.array(values) for name, values in (hidden | changes).items() if name in hidden}
    output = emulator.Neurons(np.array([3]), np.array([[2], [0]]), np.array([50]), np.array([0]))
    inputs, inner, outer = (
        from_table(2, np.arange(2), target, np.array([90, 40])) for target in ([0, 1], [1, 0], [0, 0])
    )
    alias = np.array(changes.get("alias", [-1, -1]))
    return emulator.Network(emulator.Neurons(**registers), output, inputs, inner, outer, alias)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dash_mem": [3, 16]}, "xylo hidden.dash_mem: reaches from 3 to 16; must be 0 ... 15"),
        ({"dash_syn": [[2, -1], [0, 0]]}, "xylo hidden.dash_syn: reaches from -1 to 2"),
        ({"threshold": [50, 1 << 15]}, "xylo hidden.threshold: reaches from 50 to 32768; must be -32768 ... 32767"),
        ({"bias": [0, 0, 0]}, r"xylo hidden.bias: has the shape \(3,\); give \(2,\)"),
        ({"alias": [0, -1]}, "xylo alias: is not another hidden neuron; give -1 or 0 ... 1"),
        ({"alias": [2, -1]}, "xylo alias: is not another hidden neuron"),
        ({"alias": [1]}, r"xylo alias: has the shape \(1,\)"),
    ],
)
def test_registers_that_the_chip_has_not_are_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        emulator.initial_state(plain(**changes))


def test_inputs_of_another_width_or_below_zero_are_refused() -> None:
    network = plain()
    state = emulator.initial_state(network)
    with pytest.raises(InputError, match=r"xylo inputs: have the shape \(3, 4\), expected \(ticks, 2\)"):
        emulator.run(network, state, np.zeros((3, 4), np.int64))
    with pytest.raises(InputError, match="xylo inputs: have a count of -1"):
        emulator.run(network, state, np.full((3, 2), -1))


def test_more_than_fifteen_spikes_of_a_channel_are_fifteen() -> None:
    network = plain()
    runs = [emulator.run(network, emulator.initial_state(network), np.full((5, 2), n))[1] for n in (15, 16, 200)]
    assert all(np.array_equal(run.v, runs[0].v) for run in runs) and runs[0].spikes.max() > 1


def test_a_neuron_fires_at_its_threshold_and_several_times_a_tick() -> None:
    network = plain(threshold=[30, 30], dash_syn=[[1, 1], [0, 0]])
    _, record = emulator.run(network, emulator.initial_state(network), np.array([[2, 0]]))
    assert record.spikes[0].tolist() == [3, 0, 0]  # 180 halves to 90, which is 3 thresholds
    assert record.v[0].tolist() == [0, 0, 0]


def test_an_alias_of_a_higher_neuron_fires_in_the_same_tick_and_of_a_lower_one_counts() -> None:
    given = np.array([[2, 0], [0, 0]])
    for alias, counts in (([1, -1], [1, 1]), ([-1, 0], [1, 0])):
        network = plain(alias=alias, threshold=[100, 100])
        _, record = emulator.run(network, emulator.initial_state(network), given)
        assert record.spikes[0, :2].tolist() == counts


def test_windows_hold_a_neuron_at_zero() -> None:
    network = plain(bias=[60, 60])
    gates = np.array([[1, 2], [0, 3], [0, 3]])
    _, record = emulator.run(network, emulator.initial_state(network), np.zeros((4, 2), np.int64), gates)
    assert record.spikes[:, 0].tolist() == [0, 1, 2, 0] and record.v[3, 0] == 0


def test_saturation_at_the_top_is_counted_and_far_below_zero_is_not() -> None:
    up = plain(threshold=[1000, 32767], bias=[32767, 0], dash_mem=[15, 15])
    down = plain(bias=[-32768, 0], dash_mem=[15, 15])
    silence = np.zeros((4, 2), np.int64)
    _, record = emulator.run(up, emulator.initial_state(up), silence)
    assert record.overflows >= 3 and (record.v[1:, 0] == 32767 - 31000).all()
    _, record = emulator.run(down, emulator.initial_state(down), silence)
    assert record.overflows == 0 and (record.v[:, 0] == -32768).all()
