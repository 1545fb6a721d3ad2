"""Read mutated files of every kind and report what is not refused as it should be.

    python -m tests.mutation --cases 10000 --seed 0
    python -m tests.mutation --kinds agent,run --only 4711        one case again, with all that it says

A case is mutated as (seed, number) decide and read by a verb, in a child of at most 1 GB more than this process and
10 s of processor time. A fault is: an exception that is not the project's, a problem without place or remedy, a crash,
more memory or time. Exit code 1 where there was one. With NUMBA_DISABLE_JIT=1 the kernels are interpreted, and an index
out of range is an error.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.mutation import cases, entries


def outcomes(count: int, seed: int, kinds: tuple[str, ...], only: int | None = None, seconds: float = 1e9):
    """The outcomes of cases 0 ... count - 1, one kind after the other in turn."""
    with tempfile.TemporaryDirectory() as scratch:
        made: dict[str, list[entries.Subject]] = {}
        for subject in entries.subjects(Path(scratch) / "sound", kinds):
            verbs = dict.fromkeys(subject.verbs) if subject.kind not in made else subject.verbs[:1]
            made.setdefault(subject.kind, []).append(subject)
            for verb in verbs:
                if subject.kind != "robot":  # checking one draws, and OpenGL's threads do not survive a fork
                    _warm(subject, verb)
        began = time.monotonic()
        for number in range(count) if only is None else (only,):
            if time.monotonic() - began > seconds:
                break
            known = made[kinds[number % len(kinds)]]
            yield cases.run(known[number // len(kinds) % len(known)], number, seed, Path(scratch))


def _warm(subject: entries.Subject, verb: tuple[str, ...]) -> None:
    """Read the sound entry once in this process, so that children find all imported and compiled."""
    import os
    import shutil

    import snnctl.robots.check  # noqa: F401 - with MuJoCo

    with tempfile.TemporaryDirectory() as scratch:
        before = Path.cwd()
        shutil.copytree(subject.folder, Path(scratch) / "copy")
        os.chdir(Path(scratch) / "copy")
        try:
            found = cases.judged(verb)
        finally:
            os.chdir(before)
    if found["fault"]:
        print(f"sound {subject.folder.name}: {' '.join(verb)}: {found}", file=sys.stderr)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(entries.KINDS), help="of " + ", ".join(entries.KINDS))
    parser.add_argument("--only", type=int, help="number of the one case to run")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no further case after these")
    parser.add_argument("--out", type=Path, help="every outcome as a line of JSON")
    given = parser.parse_args()
    done, faults = 0, collections.Counter[str]()
    largest, longest = 0, 0.0
    rows = given.out.open("w", encoding="utf-8") if given.out else None
    for outcome in outcomes(given.cases, given.seed, tuple(given.kinds.split(",")), given.only, given.seconds):
        done += 1
        largest, longest = max(largest, outcome.memory_bytes), max(longest, outcome.cpu_s)
        if rows:
            rows.write(json.dumps(outcome._asdict()) + "\n")
            rows.flush()
        if outcome.fault or given.only is not None:
            faults[outcome.kind] += bool(outcome.fault)
            print(f"{outcome.kind} {outcome.number}: {outcome.verb}: {outcome.mutation}")
            print(f"    {outcome.fault or 'ok'}", flush=True)
        if given.only is not None:
            print(f"    {outcome.told}")
    print(f"{done} cases, {sum(faults.values())} faults {dict(faults)}")
    print(f"at most {longest:.1f} s of processor time and {largest >> 20} MB more")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
