"""Kill trainings with SIGKILL, resume them, compare every byte with uninterrupted ones.

    python benchmarks/kill_and_resume.py --kills 10                a real training at random moments
    python benchmarks/kill_and_resume.py --points ppo sac          small works once at every point of writing

Prints one line a training, or a work and a fault, and exits 1 if anything differs. Runs in a temporary folder. The
points and the works (``ppo``, ``rstdp``, ``sac``, ``sweep``) are those of the tests (``tests/training``).
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SNNCTL = [sys.executable, "-m", "snnctl"]
RECIPE = ["cartpole-ppo", "--seed", "3", "trainer.total_steps=24576"]
EVALUATION = ["evaluation.every_steps=6144", "evaluation.stop_return=501.0"]  # never stops early
COMPARED = (
    "checkpoints/best/weights.safetensors",
    "checkpoints/last/weights.safetensors",
    "metrics.jsonl",
    "evaluations.jsonl",
    "eval.json",
)
KILLS_A_TRAINING = 3


def main() -> int:
    """Kill, resume, compare; the number of trainings that ended differently decides the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--points", nargs="+", help="works to kill at every point of writing")
    options = parser.parse_args()
    if options.points:
        return max(_every_point(name) for name in options.points)
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        _train(Path(scratch), "warm-up", None)  # compiles, so that the next one shows the usual time
        begin = time.monotonic()
        whole = _train(Path(scratch), "uninterrupted", None)
        usual_s = time.monotonic() - begin
        wanted, kills, different, number = _digests(whole), 0, 0, 0
        while kills < options.kills:
            number += 1
            kills_before = kills
            for _ in range(KILLS_A_TRAINING):
                kills += _train(Path(scratch), f"killed{number}", moments.uniform(0.2, 0.9) * usual_s) is None
            same = _digests(_train(Path(scratch), f"killed{number}", None)) == wanted
            different += not same
            verdict = "identical" if same else "DIFFERENT"
            print(f"training {number}: {kills - kills_before} kills, {verdict}", flush=True)
    print(f"{kills} kills in {number} trainings, {different} of them ended differently")
    return 1 if different else 0


def _every_point(name: str) -> int:
    """Kill a work once at each of its points; 1 if anything was wrong."""
    from tests.training import small_works, write_points

    small_works.prepare()
    work = small_works.WORKS[name]
    with tempfile.TemporaryDirectory() as scratch:
        work(Path(scratch) / "warm")
        labels = write_points.labels(work, Path(scratch) / "told")
        faults = 0
        for number, fault in write_points.faults(work, Path(scratch), range(len(labels))):
            faults += 1
            print(f"{name}, point {number}, {labels[number]}: {fault}", flush=True)
    print(f"{name}: killed at {len(labels)} points of writing, {faults} faults", flush=True)
    return int(faults > 0)


def _train(scratch: Path, name: str, kill_after_s: float | None) -> Path | None:
    """Start the training called ``name`` or go on with it; None if it was killed, else its finished folder."""
    found = next((scratch / "runs" / RECIPE[0]).glob(f"{name}-*"), None)
    started = found is not None and any((found / "checkpoints").glob("*"))
    arguments = ["--resume", str(found)] if started else [*RECIPE, *EVALUATION, "--name", name]
    if found is not None and not started:  # killed before the first checkpoint: nothing to go on from
        found.rename(scratch / f"{name}-{time.monotonic_ns()}")
    process = subprocess.Popen(
        [*SNNCTL, "train", *arguments], cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _, said = process.communicate(timeout=kill_after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    if process.returncode:
        raise SystemExit(f"snnctl train ended with {process.returncode}: {said[-500:]}")
    return next((scratch / "runs" / RECIPE[0]).glob(f"{name}-*"))


def _digests(folder: Path | None) -> list[str]:
    assert folder is not None
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in COMPARED]


if __name__ == "__main__":
    sys.exit(main())
