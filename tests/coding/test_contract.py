"""Every code of the package keeps the contract that a user's code keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snnctl import slots
from snnctl.coding import GaussianPopulation, PlaceCells, RateDecoder, WinnerTakeAllDecoder
from snnctl.coding.code import Decoder, Encoder
from snnctl.config import schema

DIMS, ACTIONS, TICKS = 2, 3, 40
REQUIRED = {"place_cells": {"grid": (3, 4)}, "hashed_place_cells": {"fields": (2, 3)}}
LIMITS = np.full(ACTIONS, -1.0), np.full(ACTIONS, 2.0)


def encoder_of(cls: Any) -> Encoder:
    made: Encoder = cls(**REQUIRED.get(slots.literal(cls, "kind"), {}))
    return made


@pytest.mark.parametrize("cls", slots.ENCODERS.parts.values(), ids=lambda cls: cls.__name__)
def test_an_encoder_makes_its_tensors_and_runs_with_them(cls: Any) -> None:
    assert slots.ENCODERS.defects(cls) == []
    encoder = encoder_of(cls)
    assert encoder.problems(DIMS, TICKS) == []
    tensors = encoder.initial(DIMS, np.random.default_rng(0))
    assert {name: array.shape for name, array in tensors.items()} == encoder.tensor_shapes(DIMS)
    assert all(array.dtype == np.float32 for array in tensors.values())
    built = encoder.build(tensors, 1e-3, np.float32)
    x = np.array([0.3, -0.4])
    if encoder.signal == "analog":
        assert built.values(x).shape == (encoder.size(DIMS),)
        return
    rasters = []
    for _ in range(2):
        built.reset()
        rasters.append(built.encode(x, TICKS, np.arange(1, 5, dtype=np.uint64)))
    assert rasters[0].shape == (TICKS, encoder.size(DIMS)) and rasters[0].dtype == np.uint8
    np.testing.assert_array_equal(*rasters)
    if encoder.is_steady:
        np.testing.assert_array_equal(rasters[0], built.encode(x, TICKS, np.full(4, 9, np.uint64)))
    if hasattr(built, "active"):
        assert (rasters[0] == np.isin(np.arange(encoder.size(DIMS)), built.active(x))).all()


@pytest.mark.parametrize("cls", slots.DECODERS.parts.values(), ids=lambda cls: cls.__name__)
def test_a_decoder_runs_with_its_tensors(cls: Any) -> None:
    assert slots.DECODERS.defects(cls) == []
    decoder: Decoder = cls()
    assert decoder.problems(ACTIONS, TICKS) == []
    continuous = decoder.action_kind == "continuous"
    fixed = decoder.fixed(ACTIONS, LIMITS if continuous else None)
    shapes = decoder.tensor_shapes(ACTIONS)
    if fixed is not None:
        assert {name: array.shape for name, array in fixed.items()} == shapes
    tensors = fixed or {name: np.full([s or 0 for s in shape], 0.5) for name, shape in shapes.items()}
    if continuous:
        tensors |= {"decoder.low": LIMITS[0], "decoder.high": LIMITS[1]}
    built = decoder.build(tensors, 1e-3, ACTIONS)
    n = decoder.size(ACTIONS)
    raster = np.random.default_rng(0).integers(0, 2, (TICKS, n), np.uint8)
    given = {"spikes": (raster, None), "membranes": (raster, np.linspace(-1, 1, n)), "values": (None, np.ones(n))}
    action = built.decode(*given[decoder.reads])
    if continuous:
        assert isinstance(action, np.ndarray) and ((action >= LIMITS[0]) & (action <= LIMITS[1])).all()
    else:
        assert isinstance(action, int) and 0 <= action < ACTIONS


@pytest.mark.parametrize("cls", slots.ENCODERS.parts.values(), ids=lambda cls: cls.__name__)
def test_a_gradient_trains_tensors_of_the_encoder(cls: Any) -> None:
    encoder = encoder_of(cls)
    gradient = encoder.gradient(DIMS, TICKS, np.float32)
    if gradient is None:
        return
    assert gradient.shapes == encoder.tensor_shapes(DIMS)
    tensors = {name: np.zeros(shape, np.float32) for name, shape in gradient.shapes.items()}
    gradient.initialise(tensors)
    start = encoder.initial(DIMS, np.random.default_rng(0))
    for name, array in tensors.items():
        np.testing.assert_array_equal(array, start[name])
    x = np.random.default_rng(1).normal(size=(5, DIMS)).astype(np.float32)
    spikes = np.empty((TICKS, 5, encoder.size(DIMS)), np.float32)
    gradient.forward(tensors, x, np.arange(5, dtype=np.uint64), spikes, gradient.workspace(5))
    built = encoder.build(tensors, 1e-3, np.float32)
    if encoder.signal == "analog":
        deployed = [np.tile(built.values(row.astype(float)), (TICKS, 1)) for row in x]
    else:
        deployed = [built.encode(row.astype(float), TICKS, np.ones(4, np.uint64)) for row in x]
    np.testing.assert_array_equal(spikes, np.stack(deployed, axis=1))


def test_the_drawing_variants_are_not_steady_and_the_latency_variant_runs_outside() -> None:
    assert GaussianPopulation().is_steady and not GaussianPopulation(spikes="poisson").is_steady
    assert PlaceCells(grid=(2,)).is_steady and not PlaceCells(grid=(2,), spikes="poisson").is_steady
    tensors = GaussianPopulation().initial(DIMS, np.random.default_rng(0))
    assert GaussianPopulation(spikes="poisson").fused(tensors) is not None
    latency = GaussianPopulation(spikes="latency")
    assert latency.fused(tensors) is None and latency.gradient(DIMS, TICKS, np.float32) is None
    assert latency.is_steady and WinnerTakeAllDecoder(by="membrane").reads == "membranes"


def test_a_grid_must_have_an_entry_for_each_observation() -> None:
    (problem,) = PlaceCells(grid=(2, 3)).problems(3, TICKS)
    assert str(problem) == "grid: has 2 entries; give one for each of 3 observations"


def test_what_is_not_a_code_is_told_all_that_it_lacks() -> None:
    @schema
    class Loose(Encoder):
        pass

    @schema
    class Decodes(Decoder):
        def size(self, actions: int) -> int:
            return actions

    assert slots.ENCODERS.defects(Loose) == ["it does not define size()", "it does not define build()"]
    found = slots.DECODERS.defects(Decodes)
    assert len(found) == 2 and "build()" in found[0] and "action_kind" in found[1]
    assert "not derived from snnctl.coding.code.Encoder" in slots.ENCODERS.defects(RateDecoder)[0]
