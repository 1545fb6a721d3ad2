"""What commands write."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from snnctl.cli import console
from snnctl.errors import StorageError


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


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_full_disk_below_the_result_is_an_error_and_below_messages_is_not(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, name, full)
        if name == "stdout":
            with pytest.raises(StorageError, match="standard output: cannot be written"):
                console.result("42")
        console.note("still here")  # and what is left in the buffer does not fail later


def test_what_an_encoding_lacks_is_written_as_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    console.result("1 \u00b1 2")
    sys.stdout.flush()
    assert raw.getvalue() == b"1 \\xb1 2\n"
