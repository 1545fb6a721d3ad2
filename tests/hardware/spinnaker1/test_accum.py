from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.hardware.spinnaker1 import accum
from tests.hardware.chip_cases import both


@pytest.mark.parametrize("path", both("spinnaker_primitives.npz"))
def test_primitives_equal_the_vendor_code(path: Path) -> None:
    mask = 0xFFFFFFFF
    functions = {
        0: lambda a, b: accum.multiply(a, b),
        1: lambda a, b: accum.expk(a),
        2: lambda a, b: accum.expulr(a),
        3: lambda a, b: accum.kdivk(a, b),
        4: lambda a, b: accum.decay_s1615(a, b & mask),
        5: lambda a, b: accum.wrap32(a + b),
        6: lambda a, b: mask - (a & mask),
        7: lambda a, b: (a * (b & mask)) >> 15,
    }
    case = np.load(path)
    columns = (case[name].tolist() for name in ("op", "a", "b", "result_bits"))
    wrong = [(op, a, b) for op, a, b, bits in zip(*columns, strict=True) if int(functions[op](a, b)) & mask != bits]
    assert not wrong


@settings(deadline=None)
@given(st.integers(-340000, 360000))
def test_expk_is_the_exponential(raw: int) -> None:
    exact = np.exp(raw / 32768) * 32768
    assert abs(accum.expk(raw) - exact) <= 1 + 1e-5 * exact


@settings(deadline=None)
@given(st.floats(-65000, 65000))
def test_encode_is_within_half_a_unit(value: float) -> None:
    assert abs(accum.encode(value) / 32768 - value) <= 0.5 / 32768
