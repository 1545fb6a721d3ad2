"""A network continues bit for bit: in pieces, after a copy, from a file, in another process; plastic and noisy too."""

from __future__ import annotations

import copy
import hashlib
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.errors import NetworkError
from snnctl.network import Explicit, FixedProbability, Network, Normal, SpikeArray, Uniform
from snnctl.network import network as module
from snnctl.neurons import EscapeLif, HodgkinHuxley, Lif, Poisson
from snnctl.neurons.currents import OrnsteinUhlenbeck, Step
from snnctl.plasticity import DopamineStdp, HomeostaticScaling, PairStdp, Resume, RewardStdp

TICKS = 30

RULES = (DopamineStdp(tonic=0.1), Resume())


def build(seed: int = 3, dtype: Any = np.float64) -> Network:
    """Noise, spikes at given times, stochastic neurons, delays that differ, recurrence, plasticity, noisy currents."""
    network = Network(tick_s=1e-3, seed=seed, dtype=dtype)
    network.population("given", 2)
    network.population("times", 2, SpikeArray([0.002, 0.011, 0.012, 0.02], [0, 1, 0, 1]))
    network.population("noise", 8, Poisson(rate_hz=200.0))
    network.population("cells", 6, Lif(tau_mem_s=1e-2), bias=Normal(0.05, 0.02), tau_mem_s=Uniform(5e-3, 2e-2))
    network.population("escape", 4, EscapeLif(), bias=13.0)
    rules = (PairStdp(a_plus=0.05), HomeostaticScaling(every_s=7e-3, beta=0.1))
    network.project("given", "cells", weight=0.7)
    network.project("times", "cells", weight=0.9, delay_s=2e-3)
    network.project(
        "noise", "cells", FixedProbability(0.6), weight=Uniform(0.1, 0.6), delay_s=Uniform(1e-3, 5e-3), plasticity=rules
    )
    network.project("cells", "escape", weight=Normal(2.0, 1.0, 0.0, 4.0), plasticity=RULES)
    network.project("escape", "cells", FixedProbability(0.5), weight=-0.3, delay_s=3e-3)
    network.inject("cells", OrnsteinUhlenbeck(mean=0.02, deviation=0.05, tau_s=5e-3))
    network.inject("cells", Step(amplitude=0.1, start_s=5e-3, stop_s=20e-3))
    for name in ("noise", "cells", "escape"):
        network.record(name)
    network.record("cells", "v", neurons=[4, 1])
    network.record("escape", "v", every_s=4e-3)
    for projection in learning(network):
        network.record(projection, "weight", every_s=6e-3)
    return network


def learning(network: Network) -> list[Any]:
    return [p for p in network._projections if p.plasticity]


def given(first: int, last: int) -> dict[str, Any]:
    """What ticks ``first`` ... are given."""
    rng = np.random.default_rng(8)
    spikes, currents = rng.random((TICKS, 2)) < 0.4, rng.normal(0, 0.1, (TICKS, 6))
    signal, teach = rng.normal(0, 1, TICKS), rng.normal(0, 1, (TICKS, 4))
    piece = slice(first, last)
    return {
        "spikes": {"given": spikes[piece]},
        "currents": {"cells": currents[piece]},
        "signal": signal[piece],
        "teach": {"escape": teach[piece]},
    }


def run(network: Network, first: int, last: int) -> Network:
    network.run((last - first) * 1e-3, **given(first, last))
    return network


def fingerprint(network: Network, recordings: bool = True) -> dict[str, bytes]:
    """Everything of it, bit by bit."""
    state = network.state()
    found: dict[str, Any] = dict(state.engine._asdict())
    for name, currents in state.currents.items():
        for k, one in enumerate(currents):
            found |= {f"{name}.{k}.{field}": value for field, value in one._asdict().items()}
    if recordings:
        for name in ("noise", "cells", "escape"):
            found[f"{name}.times"], found[f"{name}.neurons"] = network.spikes(name)
        for name in ("cells", "escape"):
            found[f"{name}.v.times"], found[f"{name}.v"] = network.trace(name, "v")
        for p in learning(network):
            found[f"{p.prefix}.times"], found[f"{p.prefix}.weights"] = network.trace(p, "weight")
            found[f"{p.prefix}.now"] = network.weights(p)
    return {name: np.ascontiguousarray(value).tobytes() for name, value in found.items()}


@pytest.mark.parametrize("rule", [(), PairStdp(), RewardStdp()], ids=["static", "plastic", "in another form"])
@pytest.mark.parametrize("delay_s", [1e-3, [3e-3, 1e-3, 2e-3, 1e-3, 3e-3]], ids=["one delay", "several"])
def test_synapses_are_read_in_the_order_in_which_they_were_given(rule: Any, delay_s: Any) -> None:
    network = Network(tick_s=1e-3)
    network.population("in", 3)
    network.population("out", 4, Lif(tau_mem_s=1e-2))
    sources, targets, weights = [2, 0, 1, 0, 0], [1, 3, 0, 0, 3], [0.5, 0.4, 0.3, 0.2, 0.1]  # 0 -> 3 twice
    given = network.project("in", "out", Explicit(sources, targets), weight=weights, delay_s=delay_s, plasticity=rule)
    if rule:
        network.record(given, "weight", every_s=2e-3)
    network.run(4e-3)  # nothing spikes: nothing changes
    assert network.weights(given).tolist() == weights
    assert [found.tolist() for found in network.synapses(given)] == [sources, targets]
    if rule:
        assert network.trace(given, "weight")[1].tolist() == [weights, weights]


def test_what_one_synapse_learns_is_read_where_it_was_given() -> None:
    network = Network(tick_s=1e-3)
    network.population("in", 2)
    network.population("out", 2, Lif(tau_mem_s=1e-2))
    rule = PairStdp(a_plus=0.1, a_minus=0.0)
    synapses = network.project("in", "out", Explicit([1, 0], [0, 1]), weight=[0.25, 0.75], plasticity=rule)
    network.record(synapses, "weight", every_s=3e-3)
    network.run(3e-3, spikes={"in": [[0, 1], [0, 0], [0, 0]]}, currents={"out": [[0, 0], [2, 0], [0, 0]]})
    first, second = network.weights(synapses)
    assert first > 0.3
    assert second == 0.75
    assert network.trace(synapses, "weight")[1].tolist() == [[first, second]]


def test_something_happens() -> None:
    network = run(build(), 0, TICKS)
    for name in ("noise", "cells", "escape"):
        assert network.spikes(name).neurons.size > 10
    for p in learning(network):
        assert (network.weights(p).ravel() != build()._tensors[f"{p.prefix}.weight"].ravel()).any()
    times, weights = network.trace(learning(network)[0], "weight")
    np.testing.assert_allclose(times, 6e-3 * np.arange(1, 6))
    np.testing.assert_array_equal(weights[-1], network.weights(learning(network)[0]))  # 30 ticks are 5 intervals
    times, values = network.trace("escape", "v")
    np.testing.assert_allclose(times, 4e-3 * np.arange(1, 8))
    assert values.shape == (7, 4)
    np.testing.assert_array_equal(network.trace("cells", "v")[1][-1], network.read("cells")[[4, 1]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("cut", [1, 12, TICKS - 1])
def test_two_runs_are_one(cut: int, dtype: type) -> None:
    assert fingerprint(run(run(build(dtype=dtype), 0, cut), cut, TICKS)) == fingerprint(
        run(build(dtype=dtype), 0, TICKS)
    )


def test_steps_are_a_run() -> None:
    whole, stepped = run(build(), 0, TICKS), build()
    rasters: dict[str, list[Any]] = {"noise": [], "cells": [], "escape": []}
    for t in range(TICKS):
        row = given(t, t + 1)
        fired = stepped.step(
            spikes={"given": row["spikes"]["given"][0]},
            currents={"cells": row["currents"]["cells"][0]},
            signal=float(row["signal"][0]),
            teach={"escape": row["teach"]["escape"][0]},
        )
        for name, rows in rasters.items():
            rows.append(fired[name])
    assert fingerprint(stepped) == fingerprint(whole)
    for name, rows in rasters.items():
        ticks, neurons = np.nonzero(np.array(rows))
        times, recorded = whole.spikes(name)
        np.testing.assert_array_equal(neurons, recorded)
        np.testing.assert_array_equal(ticks, np.rint(times / 1e-3))


def bare(dtype: Any) -> Network:
    """Without sources and recordings of its own: what :meth:`Network.step` passes to the kernel by address."""
    network = Network(tick_s=1e-3, seed=3, dtype=dtype)
    network.population("given", 2)
    network.population("noise", 8, Poisson(rate_hz=200.0))
    network.population("cells", 6, Lif(tau_mem_s=1e-2), bias=Normal(0.05, 0.02))
    network.population("escape", 4, EscapeLif(), bias=13.0)
    network.project("given", "cells", weight=0.7)
    network.project("noise", "cells", FixedProbability(0.6), weight=Uniform(0.1, 0.6), delay_s=Uniform(1e-3, 5e-3))
    network.project("cells", "escape", weight=Normal(2.0, 1.0, 0.0, 4.0), plasticity=RULES)
    return network


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_steps_from_python_are_a_run(dtype: type) -> None:
    whole, stepped = run(bare(dtype), 0, TICKS), bare(dtype)
    for t in range(TICKS):
        row = given(t, t + 1)
        how = (np.asarray, np.ndarray.tolist)[t % 5 == 4]  # lists are looked at more closely
        stepped.step(
            spikes={"given": how(row["spikes"]["given"][0])},
            currents={"cells": how(row["currents"]["cells"][0])},
            signal=float(row["signal"][0]),
            teach={"escape": how(row["teach"]["escape"][0])},
        )
    for one, other in zip(whole.state().engine, stepped.state().engine, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_a_step_is_not_given_is_zero() -> None:
    whole, stepped = bare(np.float64), bare(np.float64)
    zeros = {"given": np.zeros(2, np.uint8)}, {"cells": np.zeros(6), "escape": np.zeros(4)}
    for t in range(TICKS):
        row = given(t, t + 1)
        spikes, currents = row["spikes"]["given"][0], row["currents"]["cells"][0]
        now = {} if t % 3 else {"spikes": {"given": spikes}, "currents": {"cells": currents}, "signal": 1}
        stepped.step(**now)
        full = (zeros[0] | now.get("spikes", {}), zeros[1] | now.get("currents", {}))
        whole.step(spikes=full[0], currents=full[1], signal=float(now.get("signal", 0)), teach={"escape": np.zeros(4)})
    assert whole.read("cells").any()
    for one, other in zip(whole.state().engine, stepped.state().engine, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"currents": {"cells": np.array([0, np.nan, 0, 0, 0, 0])}},
        {"currents": {"cells": np.zeros(5)}},
        {"currents": {"given": np.zeros(2)}},
        {"currents": np.zeros(6)},
        {"spikes": {"given": np.array([2, 0], np.uint8)}},
        {"spikes": {"given": np.array([0.5, 0])}},
        {"signal": np.inf},
        {"teach": {"escape": np.full(4, -np.inf)}},
    ],
    ids=repr,
)
def test_a_refused_step_changes_nothing(wrong: dict[str, Any]) -> None:
    network = bare(np.float64)
    for _ in range(3):
        network.step()
    before = network.state()
    with pytest.raises(NetworkError):
        network.step(**wrong)
    for one, other in zip(before.engine, network.state().engine, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_recording_begun_between_steps_sees_them() -> None:
    network = bare(np.float64)
    for _ in range(3):
        network.step()
    network.record("noise")
    fired = [np.flatnonzero(network.step()["noise"]) for _ in range(10)]
    assert network.spikes("noise").neurons.tolist() == np.concatenate(fired).tolist()


@pytest.mark.parametrize("size", [1, 7])
def test_the_size_of_a_chunk_changes_nothing(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = fingerprint(run(build(), 0, TICKS))
    monkeypatch.setattr(module, "_TICKS_A_CHUNK", size)
    assert fingerprint(run(build(), 0, TICKS)) == whole


def test_a_restored_state_continues_and_stays_as_it_was() -> None:
    network = run(build(), 0, 12)
    kept = network.state()
    run(network, 12, TICKS)
    end = fingerprint(network, recordings=False)
    for other in (network, build(), run(build(), 0, 5)):  # back, into a fresh one, over another past
        other.restore(kept)
        assert other.tick == 12
        assert fingerprint(run(other, 12, TICKS), recordings=False) == end
    assert kept.engine.tick[0] == 12


def test_a_copy_goes_on_by_itself(tmp_path: Path) -> None:
    network = bare(np.float64)
    for _ in range(5):
        network.step()
    copied = copy.deepcopy(network)
    path = tmp_path / "network.pickle"
    path.write_bytes(pickle.dumps(network))
    copied.step()
    assert (network.tick, copied.tick) == (5, 6)
    code = (
        "import pickle, sys; net = pickle.load(open(sys.argv[1], 'rb')); net.step(); net.step();"
        "print(net.tick, net.read('cells').tobytes().hex())"
    )
    other = subprocess.run([sys.executable, "-c", code, str(path)], check=False, capture_output=True, text=True)
    network.step()
    network.step()
    assert other.stdout.split() == ["7", network.read("cells").tobytes().hex()], other.stderr


def test_recordings_forget_what_comes_after_a_restored_tick() -> None:
    network = run(build(), 0, 12)
    kept = network.state()
    straight = fingerprint(run(network, 12, TICKS))
    network.restore(kept)
    assert fingerprint(run(network, 12, TICKS)) == straight


def test_a_file_continues(tmp_path: Path) -> None:
    network = run(build(), 0, 12)
    network.save(tmp_path / "state.npz")
    other = build()
    other.load(tmp_path / "state.npz")
    assert fingerprint(run(other, 12, TICKS), recordings=False) == fingerprint(
        run(network, 12, TICKS), recordings=False
    )


def test_seeds() -> None:
    one, same, other = (run(build(seed), 0, TICKS) for seed in (3, 3, 4))
    assert fingerprint(one) == fingerprint(same)
    assert fingerprint(one)["noise.neurons"] != fingerprint(other)["noise.neurons"]
    assert not np.array_equal(one._tensors["population.cells.bias"], other._tensors["population.cells.bias"])


def digest() -> str:
    parts = fingerprint(run(build(), 0, TICKS))
    return hashlib.sha256(b"".join(parts[name] for name in sorted(parts))).hexdigest()


def test_another_process_gives_the_same_bits() -> None:
    code = "import runpy, sys; print(runpy.run_path(sys.argv[1])['digest']())"
    command = [sys.executable, "-c", code, str(Path(__file__))]
    other = subprocess.run(command, check=False, capture_output=True, text=True)
    assert other.returncode == 0, other.stderr
    assert other.stdout.strip() == digest()


def test_recording_changes_nothing() -> None:
    recorded, silent = build(), build()
    silent._recordings.clear()
    for network in (recorded, silent):
        run(network, 0, TICKS)
    assert fingerprint(recorded, recordings=False) == fingerprint(silent, recordings=False)


def test_given_times_are_the_ticks_they_begin() -> None:
    network = Network(tick_s=1e-3)
    network.population("times", 2, SpikeArray.from_trains([[0.0, 0.004], [0.0021]]))
    network.population("cells", 2, Lif(tau_mem_s=1e-2))
    network.project("times", "cells", Explicit([0, 1], [0, 1]), weight=2.0)
    network.record("cells")
    network.run(0.01)
    times, neurons = network.spikes("cells")
    np.testing.assert_allclose(times, [0.001, 0.003, 0.005])
    np.testing.assert_array_equal(neurons, [0, 1, 0])


@pytest.mark.parametrize("delay", [0, 1, 4])
def test_a_spike_acts_its_delay_later(delay: int) -> None:
    network = Network(tick_s=1e-3)
    network.population("in", 1)
    network.population("out", 1, Lif(tau_mem_s=1e-2))
    network.project("in", "out", weight=2.0, delay_s=delay * 1e-3)
    fired = [int(network.step(spikes={"in": [t == 1]})["out"][0]) for t in range(8)]
    assert np.flatnonzero(fired).tolist() == [1 + delay]


def test_progress_rises_to_the_whole() -> None:
    seen: list[float] = []
    build().run(1.2, progress=seen.append)
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_the_spikes_that_a_population_without_a_model_is_given_are_recorded() -> None:
    net = Network(1e-3)
    given, listed = net.population("given", 2), net.population("listed", 3, SpikeArray([0.0, 2e-3], [2, 0]))
    net.project(given, net.population("cells", 1, Lif(tau_mem_s=1e-2)), weight=0.1)
    net.record(given)
    net.record(listed)
    for _ in range(2):
        net.run(3e-3, spikes={"given": np.array([[1, 0], [0, 0], [1, 1]])})
    spikes = net.spikes(given)
    np.testing.assert_allclose(spikes.times_s, [0.0, 2e-3, 2e-3, 3e-3, 5e-3, 5e-3])
    np.testing.assert_array_equal(spikes.neurons, [0, 0, 1, 0, 0, 1])
    np.testing.assert_array_equal(net.spikes(listed).neurons, [2, 0])


def test_where_a_neuron_begins_may_differ_from_neuron_to_neuron() -> None:
    net = Network(25e-6)
    cells = net.population("axons", 2, HodgkinHuxley(), v_initial_mv=np.array([-65.0, -60.0]))
    net.run(0.0)
    np.testing.assert_array_equal(net.read(cells), [-65.0, -60.0])
