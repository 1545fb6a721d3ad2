"""What commands write."""

from __future__ import annotations

import json

import numpy as np
import pytest

from snnctl.cli import console


def test_numbers_are_numbers_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = (np.float16, np.float32, np.float64, np.int8, np.uint8, np.int64, np.uint64)
    console.json_result(
        {
            "kinds": [kind(3) for kind in kinds],
            "truth": np.bool_(True),
            "none": [np.float32("nan"), np.float64("inf"), float("-inf")],
            "array": np.array([[1.5, np.nan]]),
            "nested": ({"a": np.float32(0.5)},),
            "zero dimensions": np.array(2),
        }
    )
    assert json.loads(capsys.readouterr().out) == {
        "kinds": [3] * len(kinds),
        "truth": True,
        "none": [None] * 3,
        "array": [[1.5, None]],
        "nested": [{"a": 0.5}],
        "zero dimensions": 2,
    }
