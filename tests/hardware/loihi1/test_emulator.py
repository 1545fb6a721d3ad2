from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snnctl.errors import InputError, NetworkError
from snnctl.hardware.loihi1 import emulator as loihi1
from tests.hardware.chip_cases import both, from_dense, loihi1_network, recordings


@pytest.mark.parametrize("path", both("loihi1_nengo_[0-9]*.npz"))
def test_equals_nengo_loihi(path: Path) -> None:
    case = np.load(path)
    network = loihi1_network(case, "nengo")
    _, record = loihi1.run(network, loihi1.initial_state(network), case["par_in_spk"])
    assert np.array_equal(record.q, case["out_q"])
    assert np.array_equal(record.u, case["out_u"])
    assert np.array_equal(record.v, case["out_v"])
    assert np.array_equal(record.spikes, case["out_s"])


@pytest.mark.parametrize("path", both("loihi1_brian2_[0-9]*.npz"))
def test_equals_brian2_loihi(path: Path) -> None:
    case = np.load(path)
    network = loihi1_network(case, "brian2")
    _, record = loihi1.run(network, loihi1.initial_state(network), case["par_in_spk"])
    assert np.array_equal(record.u, case["out_u"])
    assert np.array_equal(record.v, case["out_v"])
    assert np.array_equal(record.spikes, case["out_s"])


@pytest.mark.parametrize("path", both("loihi1_brian2_0[256]*.npz"))
def test_the_normative_arithmetic_fires_like_brian2_loihi(path: Path) -> None:
    case = np.load(path)
    network = loihi1_network(case, "nengo")
    _, record = loihi1.run(network, loihi1.initial_state(network), case["par_in_spk"])
    assert np.array_equal(record.u, case["out_u"])
    assert np.array_equal(record.spikes, case["out_s"])


@pytest.mark.parametrize("path", recordings("loihi1_nengo_popsan_halfcheetah.npz", complete=True))
def test_equals_nengo_loihi_on_a_trained_controller(path: Path) -> None:
    case = np.load(path)
    ends = case["layer_offsets"]
    n = int(ends[-1])
    inputs, recurrent = np.zeros((173, n), np.int64), np.zeros((n, n), np.int64)
    inputs[:170, : ends[1]] = case["W0"].T.astype(np.int64) << 6
    recurrent[: ends[1], ends[1] : ends[2]] = case["W1"].T.astype(np.int64) << 6
    recurrent[ends[1] : ends[2], ends[2] :] = case["W2"].T.astype(np.int64) << 6
    for layer in range(3):
        inputs[170 + layer, ends[layer] : ends[layer + 1]] = case[f"b{layer}"].astype(np.int64) << 6
    compartments = loihi1.from_registers(
        n,
        decay_u=int(case["decay_u_effective"]) - 1,
        decay_v=int(case["decay_v"]),
        vth_mantissa=np.repeat(case["vth_mant"], np.diff(ends)),
    )
    network = loihi1.Network(compartments, from_dense(inputs), from_dense(recurrent))
    for k in range(len(case["in_spk"])):
        spikes = np.concatenate([case["in_spk"][k], case["bias_spk"][k]], axis=1)
        _, record = loihi1.run(network, loihi1.initial_state(network), spikes)
        assert np.array_equal(record.u, case["out_u"][k])
        assert np.array_equal(record.v, case["out_v"][k])
        assert np.array_equal(record.spikes, case["out_s"][k])


@pytest.mark.parametrize("path", both("loihi1_weights_nengo.npz"))
def test_weight_table_equals_nengo_loihi(path: Path) -> None:
    table = np.load(path)
    for sign, code, exp in np.ndindex(table["w_eff"].shape[:3]):
        wanted = table["w_eff"][sign, code, exp]
        valid = wanted > -(1 << 39)
        bits, exponent = int(table["weight_bits_real"][code]), int(table["exp"][exp])
        if bits == 0 or not valid.any():
            continue
        mantissa = loihi1.round_mantissa(table["mantissa_in"], bits, exponent, mixed=sign == 0)
        assert np.array_equal(loihi1.effective_weight(mantissa, exponent)[valid], wanted[valid])


def test_effective_weight_floors_and_clips() -> None:
    assert loihi1.effective_weight(np.array([-3, 3]), -1).tolist() == [-2 << 6, 1 << 6]
    assert loihi1.effective_weight(np.array([-256, 254, 255]), 7).tolist() == [-(2**21) + 64, 254 << 13, 255 << 13]


@pytest.mark.parametrize("path", both("loihi1_primitives_nengo.npz"))
def test_primitives_equal_nengo_loihi(path: Path) -> None:
    case = np.load(path)
    for decay, u, v in zip(case["decay"].tolist(), case["decayed_u"], case["decayed_v"], strict=True):
        assert [loihi1._decay(x, decay + 1) for x in case["x"].tolist()] == u.tolist()
        assert [loihi1._decay(x, decay) for x in case["x"].tolist()] == v.tolist()
    for bits in (21, 23):
        wrapped = [loihi1._wrap(x, bits) for x in case["ovf_in"].tolist()]
        assert wrapped == case[f"ovf_out_{bits}"].tolist()


def test_refractory_register_r_leaves_r_minus_1_silent_ticks() -> None:
    compartments = loihi1.from_registers(
        63, decay_u=4095, decay_v=0, vth_mantissa=1, refractory=np.arange(1, 64), bias_mantissa=100
    )
    network = loihi1.Network(compartments, from_dense(np.zeros((1, 63))), from_dense(np.zeros((63, 63))))
    _, record = loihi1.run(network, loihi1.initial_state(network), np.zeros((400, 1), np.uint8))
    for i in range(63):
        assert set(np.diff(np.flatnonzero(record.spikes[:, i]))) == {i + 1}


def test_accumulator_and_current_wrap() -> None:
    compartments = loihi1.from_registers(1, decay_u=0, decay_v=0, vth_mantissa=131071)
    network = loihi1.Network(compartments, from_dense(np.full((3, 1), (1 << 21) - 64)), from_dense(np.zeros((1, 1))))
    _, record = loihi1.run(network, loihi1.initial_state(network), np.ones((1, 3), np.uint8))
    total = 3 * ((1 << 21) - 64)
    assert record.q[0, 0] == (total + (1 << 21)) % (1 << 22) - (1 << 21)


def test_a_run_in_pieces_equals_one_run() -> None:
    draws = np.random.default_rng(0)
    n = 40
    network = loihi1.Network(
        loihi1.from_registers(n, decay_u=400, decay_v=100, vth_mantissa=300, refractory=2),
        from_dense(draws.integers(-100, 120, (10, n)) << 6, delay=3),
        from_dense(draws.integers(-80, 70, (n, n)) << 6, delay=5),
    )
    spikes = (draws.random((80, 10)) < 0.2).astype(np.uint8)
    _, whole = loihi1.run(network, loihi1.initial_state(network), spikes)
    middle, first = loihi1.run(network, loihi1.initial_state(network), spikes[:33])
    _, second = loihi1.run(network, middle, spikes[33:])
    assert whole.spikes.any()
    assert np.array_equal(whole.v, np.concatenate([first.v, second.v]))


def test_every_register_out_of_range_is_named() -> None:
    with pytest.raises(NetworkError) as caught:
        loihi1.from_registers(2, decay_u=4096, decay_v=-1, vth_mantissa=131072, refractory=0, bias_exponent=8)
    assert {p.where.split()[-1] for p in caught.value.problems} == {
        "decay_u", "decay_v", "vth_mantissa", "refractory", "bias_exponent",
    }  # fmt: skip


@pytest.mark.parametrize("columns", [0, 2, 4, 4000])
def test_columns_that_are_not_the_sources_are_refused(columns: int) -> None:
    compartments = loihi1.from_registers(2, decay_u=0, decay_v=0, vth_mantissa=100)
    network = loihi1.Network(compartments, from_dense(np.ones((3, 2))), from_dense(np.zeros((2, 2))))
    spikes = np.ones((5, columns), np.uint8)
    with pytest.raises(InputError, match=rf"loihi1 inputs: have the shape \(5, {columns}\), expected \(ticks, 3\)"):
        loihi1.run(network, loihi1.initial_state(network), spikes)


def test_a_wrap_of_u_and_bias_is_counted_where_u_itself_does_not_wrap() -> None:
    compartments = loihi1.from_registers(
        2, decay_u=0, decay_v=0, vth_mantissa=131071, bias_mantissa=[4095, 0], bias_exponent=7
    )
    weights = np.full((1, 2), (1 << 21) - 64)  # u rises to 4 of them, just below 2^23
    network = loihi1.Network(compartments, from_dense(weights), from_dense(np.zeros((2, 2))))
    spikes = np.ones((4, 1), np.uint8)
    _, record = loihi1.run(network, loihi1.initial_state(network), spikes)
    wraps = int((record.u + compartments.bias >= 1 << 23).sum())
    assert wraps > 0
    assert record.wraps == wraps
