"""Lists of spikes and sums of rows: vector code equals the plain form below it, on every processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

from snnctl.network import vector
from snnctl.network.vector import LANES, aligned, list_spikes, sum_rows
from tests.interpreted import INTERPRETED

compiled = pytest.mark.skipif(INTERPRETED, reason="vector code needs the compiler")
DENSITIES = (0.0, 0.05, 0.5, 1.0)


@njit
def _by_compress(spikes: Any, first: int, size: int, events: Any, start: int) -> int:
    return vector.compress_spikes(spikes, first, size, events, start)


@njit
def _by_table(spikes: Any, first: int, size: int, events: Any, start: int) -> int:
    return vector.table_spikes(spikes, first, size, events, start)


@njit
def _sums(weights: Any, base: int, width: int, events: Any, first: int, count: int, out: Any, target: int, more: bool):
    sum_rows(weights, base, width, events, first, count, out, target, more)


@compiled
@pytest.mark.parametrize("form", [_by_compress, _by_table], ids=["compress", "table"])
@pytest.mark.parametrize("density", DENSITIES)
def test_every_form_lists_the_spikes_that_the_plain_one_lists(form: Any, density: float) -> None:
    spikes = (np.random.default_rng(0).random(400) < density).astype(np.uint8)
    for first, size in ((0, 16), (7, 368), (16, 256)):
        plain, found = (np.full(500, -1, np.int32) for _ in range(2))
        count = list_spikes(spikes, first, size, plain, 3)
        assert form(spikes, first, size, found, 3) == count
        np.testing.assert_array_equal(found[: 3 + count], plain[: 3 + count])
        np.testing.assert_array_equal(found[3 + size + LANES :], -1)  # it writes nothing behind the room it asks for


@pytest.mark.parametrize("width", [16, 32, 64, 128])
@pytest.mark.parametrize("more", [False, True])
def test_sums_of_rows_are_float32_chains_in_the_order_of_the_list(width: int, more: bool) -> None:
    random = np.random.default_rng(width)
    weights, out = aligned(LANES + 40 * width), aligned(3 * 128)
    weights[:] = random.normal(size=weights.size)
    out[:] = random.normal(size=out.size)
    events = random.permutation(40).astype(np.int32)
    wanted = out.copy()
    part = wanted[128 : 128 + width]
    if not more:
        part[:] = 0
    for row in events[5:30]:
        part += weights[LANES + row * width : LANES + (row + 1) * width]
    _sums(weights, LANES, width, events, 5, 25, out, 128, more)
    np.testing.assert_array_equal(out, wanted)
