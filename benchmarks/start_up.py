"""What it costs to start a command: help, version, a short run with compiled kernels and without.

    python benchmarks/start_up.py                      the table, medians of --runs runs of each in turn
    python benchmarks/start_up.py --beside ~/older     the same of another checkout, in turn with this one

Times are of whole processes, in wall time and in processor time (which others on the machine disturb less). Modules
have to be compiled to bytecode beforehand, as `pip` does: `python -m compileall -q snnctl`. `cold` runs with an empty
folder of kernels, once a round.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
RUN = ("-m", "snnctl", "run", "cartpole-ppo", "--episodes", "1")
COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "snnctl --version": ("-m", "snnctl", "--version"),
    "snnctl --help": ("-m", "snnctl", "--help"),
    "snnctl run --help": ("-m", "snnctl", "run", "--help"),
    "snnctl run cartpole-ppo --episodes 1": RUN,
}
COLD = "the same, cold"


def timed(arguments: tuple[str, ...], tree: Path, cache: Path) -> tuple[float, float]:
    """Wall and processor seconds of one process."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "XDG_CACHE_HOME": str(cache)}
    for name in ("NUMBA_CACHE_DIR", "SNNCTL_KERNEL_CACHE"):
        environment.pop(name, None)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, cwd=cache, capture_output=True, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--cold", type=int, default=3, help="runs of them with an empty folder of kernels")
    parser.add_argument("--beside", type=Path, help="another checkout")
    options = parser.parse_args()
    trees = {"here": HERE} | ({"beside": options.beside.resolve()} if options.beside else {})
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        caches = {name: Path(folder) / name for name in trees}
        for name, tree in trees.items():
            caches[name].mkdir()
            timed(RUN, tree, caches[name])
        for round_ in range(options.runs):
            for command, arguments in COMMANDS.items():
                for name, tree in trees.items():
                    found.setdefault((command, name), []).append(timed(arguments, tree, caches[name]))
            for name, tree in trees.items() if round_ < options.cold else ():
                with tempfile.TemporaryDirectory() as empty:
                    found.setdefault((COLD, name), []).append(timed(RUN, tree, Path(empty)))
    print("| command | tree | wall s: median | least | processor s: median | least |\n|---|---|---|---|---|---|")
    for (command, name), times in found.items():
        cells = [f"{f(column):.3f}" for column in zip(*times, strict=True) for f in (statistics.median, min)]
        print(f"| `{command}` | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
