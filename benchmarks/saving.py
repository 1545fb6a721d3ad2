"""What it costs a training to be safe from kills: the time in checkpoints and in its replay memory's file.

    python benchmarks/saving.py [half-cheetah-sac] [KEY=VALUE ...]

Trains in a temporary folder and prints seconds and shares of the whole: writing and syncing the rows of the memory,
replacing checkpoints, and everything else. Set TMPDIR to measure another disk.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snnctl import config, library
from snnctl.training import checkpoint, rows_file, run
from snnctl.training.recipe import Recipe

DEFAULT = ["half-cheetah-sac", "trainer.total_steps=8000", "trainer.start_steps=1000", "evaluation.final_episodes=1"]


def main() -> None:
    """Measure and print."""
    name, *overrides = sys.argv[1:] or DEFAULT
    recipe = config.load(Recipe, library.find("recipe", name).path, overrides)
    spent: dict[str, list[float]] = {}
    rows_file.append = _timed(rows_file.append, spent.setdefault("rows of the memory", []))
    checkpoint.save = _timed(checkpoint.save, spent.setdefault("checkpoints", []))
    with tempfile.TemporaryDirectory() as out:
        begin = time.monotonic()
        result = run.train(recipe, out=Path(out))
        total_s = time.monotonic() - begin
    print(f"{name}: {result.steps} steps in {total_s:.1f} s, a checkpoint every {run.SAVE_EVERY_S:.0f} s")
    for what, times in spent.items():
        print(f"{what:20} {len(times):4} times, {sum(times):7.3f} s, {sum(times) / total_s:.2%}")
    both = sum(map(sum, spent.values()))
    print(f"{'together':20} {'':11} {both:7.3f} s, {both / total_s:.2%}")


def _timed(call: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        begin = time.monotonic()
        found = call(*arguments)
        times.append(time.monotonic() - begin)
        return found

    return timed


if __name__ == "__main__":
    main()
