import math

import numpy as np
import pytest

from snnctl import config, streams
from snnctl.coding import PlaceCells
from snnctl.coding.place_cell_encoder import PlaceCellEncoder
from snnctl.errors import ConfigError


def encoder(cells: PlaceCells, dtype: type = np.float32) -> PlaceCellEncoder:
    centre, width = cells.fields()
    return PlaceCellEncoder(cells, {"encoder.centre": centre, "encoder.width": width}, dtype)


def test_grid_covers_the_range_last_dimension_fastest():
    cells = PlaceCells(grid=(3, 2), spread=0.5, low=-2.0, high=2.0)
    centre, width = cells.fields()
    assert cells.size(2) == 6
    assert cells.tensor_shapes(2) == {"encoder.centre": (6, 2), "encoder.width": (6, 2)}
    assert centre.tolist() == [[-2, -2], [-2, 2], [0, -2], [0, 2], [2, -2], [2, 2]]
    assert (width == [1.0, 2.0]).all()


def test_a_dimension_with_one_cell_has_it_in_the_middle():
    centre, _ = PlaceCells(grid=(1, 3)).fields()
    assert (centre[:, 0] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_deterministic_count_is_the_activity_within_one_spike(dtype):
    cells = PlaceCells(grid=(3, 4), spread=0.7)
    centre, width = cells.fields()
    x = np.array([0.3, -0.4])
    spikes = encoder(cells, dtype).encode(x, 50, streams.kernel_state(0, "encoder"))
    for k in range(12):
        activity = math.exp(-0.5 * sum(((x[d] - centre[k, d]) / width[k, d]) ** 2 for d in range(2)))
        assert spikes[:, k].sum() == pytest.approx(50 * activity / 0.999, abs=1.0)


def test_cell_at_the_observation_spikes_in_every_tick():
    spikes = encoder(PlaceCells(grid=(3, 3))).encode(np.zeros(2), 10, streams.kernel_state(0, "encoder"))
    assert (spikes[:, 4] == 1).all()


def test_poisson_cells_spike_with_probability_of_their_activity():
    cells = PlaceCells(grid=(5,), spread=1.0, spikes="poisson")
    centre, width = cells.fields()
    x, ticks = np.array([0.2]), 20_000
    spikes = encoder(cells).encode(x, ticks, streams.kernel_state(4, "encoder"))
    p = np.exp(-0.5 * ((x - centre[:, 0]) / width[:, 0]) ** 2)
    assert (np.abs(spikes.mean(axis=0) - p) < 4 * np.sqrt(p * (1 - p) / ticks) + 1e-9).all()
    again = encoder(cells).encode(x, ticks, streams.kernel_state(4, "encoder"))
    assert spikes.tobytes() == again.tobytes()


def test_a_grid_without_cells_is_refused():
    for grid in ([], [3, 0]):
        with pytest.raises(ConfigError, match=r"cells\.toml:grid"):
            config.resolve(PlaceCells, {"kind": "place_cells", "grid": grid}, "cells.toml")
