"""Train the same few updates under other circumstances and compare every byte that does not depend on the clock.

    python benchmarks/determinism.py [RECIPE ...] [--blas Haswell ...]

The circumstances: again, two workers, another folder, another PYTHONHASHSEED, an empty folder of compiled kernels, and
with ``--blas`` other kernels of OpenBLAS, where a difference is told and is not a failure. Prints one line a recipe and
circumstance; exits 1 if anything else differs. Runs in a temporary folder.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from snnctl.errors import InputError

RECIPES = {  # a few updates of each
    "cartpole-ppo": ["trainer.total_steps=3072"],
    "cartpole-rstdp": ["trainer.total_steps=2000"],
    "balancer-ppo": ["trainer.total_steps=6144"],
    "pendulum-v1-sac": ["trainer.total_steps=1400"],
}
EVALUATION = ["evaluation.every_steps=1000", "evaluation.stop_return=none", "evaluation.final_episodes=5"]
COMPARED = (
    "metrics.jsonl",
    "evaluations.jsonl",
    "eval.json",
    "checkpoints/best/weights.safetensors",
    "checkpoints/last/weights.safetensors",
    "checkpoints/last/state.safetensors",
    "checkpoints/replay.rows",
)


class Circumstance(NamedTuple):
    """What is other than in the first training."""

    name: str
    variables: dict[str, str]
    arguments: tuple[str, ...] = ()
    folder: str = "."
    must_agree: bool = True


def main() -> int:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=list(RECIPES), help=", ".join(RECIPES))
    parser.add_argument("--blas", nargs="*", default=[], help="values of OPENBLAS_CORETYPE")
    options = parser.parse_args()
    unknown = sorted(set(options.recipes) - set(RECIPES))
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(RECIPES)}")
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        circumstances = [
            Circumstance("again", {}),
            Circumstance("two workers", {}, ("--workers", "2")),
            Circumstance("another folder", {}, ("--out", "some where/else"), "deeper"),
            Circumstance("another hash seed", {"PYTHONHASHSEED": "12345"}),
            Circumstance("empty cache of kernels", {"NUMBA_CACHE_DIR": f"{scratch}/kernels"}),
            *(Circumstance(f"OpenBLAS for {n}", {"OPENBLAS_CORETYPE": n}, must_agree=False) for n in options.blas),
        ]
        for recipe in options.recipes:
            base = Path(scratch) / recipe
            first = _train(base / "first", recipe, Circumstance("first", {"PYTHONHASHSEED": "0"}))
            for number, circumstance in enumerate(circumstances):
                got = _train(base / str(number), recipe, circumstance)
                different = sorted(name for name in first if first[name] != got.get(name))
                verdict = f"DIFFERS in {', '.join(different)}" if different else "identical"
                failures += bool(different) and circumstance.must_agree
                print(f"{recipe:16} {circumstance.name:24} {verdict}", flush=True)
    print(f"{failures} differences that must not be")
    return int(failures > 0)


def _train(base: Path, recipe: str, circumstance: Circumstance) -> dict[str, str]:
    """Train below ``base`` and give the hashes of what was left."""
    folder = base / circumstance.folder
    folder.mkdir(parents=True)
    command = ["train", recipe, *RECIPES[recipe], *EVALUATION, "--seed", "3", "--name", "k", *circumstance.arguments]
    done = subprocess.run(
        [sys.executable, "-m", "snnctl", *command], cwd=folder, env={**os.environ, **circumstance.variables},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise InputError(f"`snnctl {' '.join(command)}` ended with {done.returncode}: {done.stderr[-500:]}")
    (run,) = (path.parent for path in base.rglob("recipe.toml"))
    return {n: hashlib.sha256((run / n).read_bytes()).hexdigest() for n in COMPARED if (run / n).exists()}


if __name__ == "__main__":
    sys.exit(main())
