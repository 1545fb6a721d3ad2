"""Kill trainings with SIGKILL, resume them, compare every byte with uninterrupted ones.

    python benchmarks/kill_and_resume.py --kills 10                a real training at random moments
    python benchmarks/kill_and_resume.py --points ppo sac          small works once at every point of writing
    python benchmarks/kill_and_resume.py --moments 30 ppo sac      small works at random moments

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

from tests.training import small_works, write_points

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
    parser.add_argument("--points", nargs="+", default=[], metavar="WORK", help="kill works at every point of writing")
    parser.add_argument("--every", type=int, default=1, help="only every n-th point")
    parser.add_argument(
        "--moments", nargs="+", default=[], metavar=("N", "WORK"), help="kill works at N random moments"
    )
    options = parser.parse_args()
    if options.points or options.moments:
        count, *names = options.moments or ["0"]
        found = [_at_points(name, options.every) for name in options.points]
        found += [_at_moments(name, int(count), options.seed) for name in names]
        return int(any(found))
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


def _at_points(name: str, every: int) -> int:
    """Kill a work once at each of its points; the number of faults."""
    work = _work(name)
    with tempfile.TemporaryDirectory() as scratch:
        work(Path(scratch) / "warm")
        labels = write_points.labels(work, Path(scratch) / "told")
        numbers, faults = range(0, len(labels), every), 0
        for k, fault in write_points.faults(work, Path(scratch), map(write_points.AtPoint, numbers)):
            faults += 1
            print(f"{name}, point {numbers[k]}, {labels[numbers[k]]}: {fault}", flush=True)
    print(f"{name}: killed at {len(numbers)} of {len(labels)} points of writing, {faults} faults", flush=True)
    return faults


def _at_moments(name: str, count: int, seed: int) -> int:
    """Kill a work at random moments of its usual time; the number of faults."""
    work, moments = _work(name), random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        work(Path(scratch) / "warm")
        begin = time.monotonic()
        work(Path(scratch) / "usual")
        usual_s = time.monotonic() - begin
        kills = [write_points.After(moments.uniform(0.001, usual_s)) for _ in range(count)]
        faults = 0
        for k, fault in write_points.faults(work, Path(scratch), kills):
            faults += 1
            print(f"{name}, after {kills[k].seconds:.3f} s: {fault}", flush=True)
    print(f"{name}: killed at {count} random moments, {faults} faults", flush=True)
    return faults


def _work(name: str) -> write_points.Work:
    if name not in small_works.WORKS:
        raise SystemExit(f"{name} is none of {', '.join(small_works.WORKS)}")
    small_works.prepare()
    return small_works.WORKS[name]


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
