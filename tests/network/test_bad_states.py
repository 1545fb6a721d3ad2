"""States and their files: what is damaged or of another network is refused before a kernel follows it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.errors import NetworkError
from snnctl.neurons import CurrentLif, Lif
from snnctl.neurons.currents import OrnsteinUhlenbeck
from snnctl.plasticity import PairStdp
from tests.network.small_networks import learning, pair, ran


def test_the_state_of_another_network_is_refused() -> None:
    state = ran(pair()).state()
    with pytest.raises(NetworkError, match=r"state.values: .*\(4,\).*\(6,\)"):
        pair(CurrentLif(tau_mem_s=1e-2, tau_syn_s=1e-2)).restore(state)
    with pytest.raises(NetworkError, match="state: is int"):
        pair().restore(3)  # type: ignore[arg-type]
    noisy = pair()
    noisy.inject("cells", OrnsteinUhlenbeck(deviation=1.0, tau_s=0.1))
    with pytest.raises(NetworkError, match=r"state.currents: .*other current sources"):
        noisy.restore(state)


def test_a_damaged_state_is_refused_before_the_kernel_follows_it() -> None:
    network = ran(pair())
    for field, change in (("ring", 10**6), ("ring", -5), ("counts", 9), ("counts", -1)):
        state = network.state()
        getattr(state.engine, field)[:] += change
        with pytest.raises(NetworkError, match=f"state.{field}: .*damaged"):
            network.restore(state)


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "text": lambda data: b"hello\n",
    "cut early": lambda data: data[:300],
    "cut late": lambda data: data[:-30],
    "overwritten": lambda data: data[:200] + b"\x00\xff" * 20 + data[240:],
    "other arrays": lambda data: npz(a=np.zeros(3)),
    "one array": lambda data: npy(),
    "objects": lambda data: npz(**{"engine.tick": np.array([{}], object)}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_refused_and_changes_nothing(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    network = ran(pair(), spikes={"noise": 1})
    before = network.state().engine
    path = tmp_path / "state.npz"
    network.save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(NetworkError, match=r"state.npz: is not a state of this network"):
        network.load(path)
    for left, right in zip(before, network.state().engine, strict=True):
        assert left.tobytes() == right.tobytes()


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"nowhere.npz: is not a state of this network"):
        pair().load(tmp_path / "nowhere.npz")


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    ran(pair()).save(tmp_path / "state.npz")
    for other in (pair(weight=0.6), pair(Lif(tau_mem_s=2e-2)), pair(delay_s=1e-3, tick_s=0.5e-3)):
        with pytest.raises(NetworkError, match="is the state of another network"):
            other.load(tmp_path / "state.npz")
    ran(learning()).save(tmp_path / "plastic.npz")
    pair(plasticity=PairStdp(), weight=0.1).load(tmp_path / "plastic.npz")  # its weights are in the file
