"""Encoders and decoders run on the host: which ones go with a chip."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.agent.coder import Coder
from snnctl.coding import DirectCurrent, Latency, MembraneDecoder, WinnerTakeAllDecoder
from snnctl.errors import MappingError
from snnctl.hardware import chip
from snnctl.hardware.controller import ChipController
from tests import factories


def test_chips_take_any_encoder_because_it_runs_on_the_host() -> None:
    agent = factories.coded(WinnerTakeAllDecoder(by="first_spike"), 3, encoder=Latency())
    emulated = ChipController(agent, chip.load("loihi1"))
    emulated.reset(3)
    observation = np.array([0.4, -0.2, 1.0])
    assert isinstance(emulated.act(observation), int)
    assert (emulated.activity().spikes["input"].sum(axis=0) == 1).all()  # one spike a neuron
    np.testing.assert_array_equal(emulated.activity().spikes["input"], Coder(agent).encode(observation))


@pytest.mark.parametrize("name", ["loihi1", "spinnaker1"])
def test_a_chip_passes_spikes_only(name: str) -> None:
    agent = factories.coded(MembraneDecoder(), 2, encoder=DirectCurrent())
    with pytest.raises(MappingError) as error:
        ChipController(agent, chip.load(name))
    found = [str(p) for p in error.value.problems]
    assert len(found) == 2 and "does not take analog input" in found[0] and "does not read membranes" in found[1]
