"""The tables of metrics of docs/training.md are what the trainers say; run this file to print them."""

from __future__ import annotations

import dataclasses
import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from snnctl import slots
from snnctl.training.algorithm import EPISODE_METRICS, RUN_METRICS, Metric

DOCS = Path(__file__).resolve().parents[2] / "docs"


def healthy(metric: Metric) -> str:
    if metric.low == metric.high:
        return f"{metric.low:g}"
    if math.isinf(metric.low) and math.isinf(metric.high):
        return ""
    if math.isinf(metric.high):
        return f"{metric.low:g} or more"
    return f"{metric.high:g} or less" if math.isinf(metric.low) else f"{metric.low:g} to {metric.high:g}"


def table(metrics: Mapping[str, Metric]) -> str:
    rows = ["| metric | meaning | healthy | if not |", "|---|---|---|---|"]
    for name, metric in metrics.items():
        otherwise = f"{metric.finding}: {metric.remedy}" if metric.finding else ""
        rows.append(f"| `{name}` | {metric.meaning} | {healthy(metric)} | {otherwise} |")
    return "\n".join(rows)


def tables() -> dict[str, str]:
    """Title -> table."""
    own = {
        f"Of `{name}`": table({n: m for n, m in part.METRICS.items() if n not in EPISODE_METRICS})
        for name, part in slots.TRAINERS.parts.items()
    }
    return {"Of every training": table(RUN_METRICS | EPISODE_METRICS), **own}


@pytest.mark.parametrize("title", tables())
def test_the_page_has_the_table_of_what_the_trainers_say(title: str) -> None:
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    assert f"### {title}\n\n{tables()[title]}\n" in page, "print the tables by `python tests/docs/test_metrics.py`"


@pytest.mark.parametrize("part", slots.TRAINERS.parts.values(), ids=str)
def test_what_is_not_healthy_has_a_sentence_and_a_remedy_that_can_be_followed(part: type) -> None:
    metrics: dict[str, Metric] = part.METRICS  # type: ignore[attr-defined]
    fields: list[str] = [f.name for f in dataclasses.fields(part)]  # type: ignore[arg-type]
    for name, metric in metrics.items():
        ranged = not (math.isinf(metric.low) and math.isinf(metric.high))
        assert ranged == bool(metric.finding) == bool(metric.remedy), name
        for key in re.findall(r"trainer\.(\w+)", metric.remedy):
            assert key in fields, f"{name} advises trainer.{key}"


def test_blocks_of_the_page_on_your_own_trainer_are_of_its_file() -> None:
    file = (DOCS / "examples" / "mylab" / "trainer.py").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "your_own_trainer.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        assert block.strip() in file


if __name__ == "__main__":
    sys.stdout.write("\n\n".join(f"### {title}\n\n{text}" for title, text in tables().items()) + "\n")
