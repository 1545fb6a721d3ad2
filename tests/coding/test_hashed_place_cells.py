from collections import Counter

import numpy as np
import pytest

from snnctl import streams
from snnctl.coding import HashedPlaceCells
from snnctl.coding.hashed_place_cells import HashedPlaceCellEncoder


def encoder(config: HashedPlaceCells, seed: int = 0) -> HashedPlaceCellEncoder:
    fields, shift = config.grids(streams.generator(seed, "weights"))
    return HashedPlaceCellEncoder(config, {"encoder.fields": fields, "encoder.shift": shift})


@pytest.mark.parametrize(("fields", "cells"), [((8, 8), 128), ((3, 3, 3, 3, 6, 6), 64), ((4,), 3)])
def test_one_cell_of_every_grid_spikes_in_every_tick(fields, cells):
    config = HashedPlaceCells(layers=7, cells=cells, fields=fields)
    own, random = encoder(config), np.random.default_rng(0)
    for _ in range(200):
        x = random.uniform(-1.5, 1.5, len(fields))
        spikes = own.encode(x, 3, np.zeros(4, np.uint64))
        assert spikes.shape == (3, config.size(len(fields)))
        assert (spikes.reshape(3, 7, cells).sum(axis=2) == 1).all()
        assert (spikes == spikes[0]).all()
        assert (np.flatnonzero(spikes[0]) == own.active(x)).all()


def test_near_places_share_cells_in_proportion_to_how_near_they_are():
    config = HashedPlaceCells(layers=64, cells=128, fields=(8, 8))
    own, random = encoder(config), np.random.default_rng(1)
    field = 2 / 8
    for part in (0.25, 0.5, 1.0, 2.0):
        shared = []
        for _ in range(300):
            x = random.uniform(-0.7, 0.2, 2)
            shared.append(np.mean(own.active(x).copy() == own.active(x + np.array([part * field, 0.0]))))
        assert np.mean(shared) == pytest.approx(max(0.0, 1 - part), abs=0.03)


def test_where_all_fields_have_a_cell_no_two_share_it():
    own = encoder(HashedPlaceCells(layers=1, cells=9 * 9, fields=(8, 8)))
    grid = np.linspace(-0.999, 0.999, 200)
    cells = {(int(own.active(np.array([a, b]))[0])) for a in grid for b in grid}
    assert len(cells) == 81


def test_far_places_seldom_share_hashed_cells():
    config = HashedPlaceCells(layers=32, cells=256, fields=(6,) * 6)
    own, random = encoder(config), np.random.default_rng(2)
    shared = [
        np.mean(own.active(random.uniform(-1, 0, 6)).copy() == own.active(random.uniform(0, 1, 6) + 0.2))
        for _ in range(500)
    ]
    assert np.mean(shared) == pytest.approx(1 / 256, rel=0.5)


def test_a_subset_looks_at_so_many_dimensions_and_at_no_other():
    config = HashedPlaceCells(layers=20, cells=64, fields=(4,) * 5, subset=2)
    fields, _ = config.grids(streams.generator(0, "weights"))
    assert ((fields > 0).sum(axis=1) == 2).all()
    looks = Counter(tuple(np.flatnonzero(row)) for row in fields)
    assert len(looks) == 10 and set(looks.values()) == {2}  # each of the 10 pairs, twice
    own = encoder(config)
    x = np.zeros(5)
    before = own.active(x).copy()
    x[3] = 0.9
    assert ((before != own.active(x)) <= (fields[:, 3] > 0)).all()


def test_an_ignored_observation_changes_nothing():
    for subset in (None, 2):
        config = HashedPlaceCells(layers=6, cells=64, fields=(4, 0, 4, 4), subset=subset)
        own, random = encoder(config), np.random.default_rng(0)
        for _ in range(20):
            x = random.uniform(-1, 1, 4)
            before = own.active(x).copy()
            x[1] = random.uniform(-1, 1)
            assert (before == own.active(x)).all()


def test_what_cannot_be_is_refused():
    for bad, what in (
        ({"low": 1.0, "high": 1.0}, "low"),
        ({"subset": 3}, "subset 3"),
        ({"fields": (4, 0), "subset": 2}, "subset 2 is more than the 1 dimensions"),
        ({"fields": (0, 0)}, "ignored"),
    ):
        with pytest.raises(ValueError, match=what):
            HashedPlaceCells(**({"fields": (4, 4)} | bad))


@pytest.mark.parametrize("fields", [1000, 2**24])
def test_cells_stay_in_their_grid_where_the_number_of_fields_leaves_64_bits(fields):
    built = encoder(HashedPlaceCells(layers=4, cells=64, fields=(fields,) * 30))
    draws = np.random.default_rng(1)
    for x in (*draws.uniform(-1, 1, (50, 30)), np.full(30, 1e300), np.full(30, -np.inf), np.full(30, np.nan)):
        assert (built.active(x) // 64 == np.arange(4)).all()
