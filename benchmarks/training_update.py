"""One gradient update of a PopSAN-sized actor: snnctl against PopSAN-style PyTorch, torch.compile and snnTorch.

    python benchmarks/training_update.py --peers-python PATH_TO_A_PYTHON_WITH_TORCH_AND_SNNTORCH

Actor: 17 observations x 10 encoder neurons, 256, 256, 6 x 10 output neurons, T = 5 ticks, 256 observations a batch,
one thread, encoder and decoder learnt too. One update: forward, loss = mean over the batch of |z - target|^2 / 2,
backward through time with the rectangular surrogate, clipping of the gradient's norm, Adam. The learning rate is tiny,
so that the activity stays as stated; it has no part in the cost. All contenders start from the same weights and see
the same batch. Blocks of the contenders alternate; the table gives medians over blocks, and processor time beside
wall time. A preset OPENBLAS_CORETYPE is ignored: the library chooses, as it does for its users. Without the
peers' Python only our own times are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
preset = os.environ.pop("OPENBLAS_CORETYPE", None)
ENVIRONMENT = dict(os.environ)  # of the peers' process

from decision_latency import (  # noqa: E402
    A_MEM,
    A_SYN,
    ENCODER_THRESHOLD,
    THRESHOLD,
    Size,
    cpu_model,
    make_agent,
)

BATCH = 256
LR, MAX_NORM, EPSILON = 1e-7, 0.5, 1e-5
BLOCKS, BLOCK_S = 21, 0.1
PEERS = Path(__file__).with_name("training_update_peers.py")


class Block(NamedTuple):
    """Milliseconds an update over one block."""

    wall: float
    cpu: float


class Ours:
    """The update as snnctl.training.ppo makes it, with another loss."""

    def __init__(self, agent: Any, x: Any, target: Any) -> None:
        import numpy as np

        from snnctl.surrogate import adam, parameters
        from snnctl.surrogate.derivatives import Rectangular
        from snnctl.training import actor

        policy = actor.policy(agent.description, Rectangular())
        self.adam = adam
        self.flat, self.tensors = parameters.allocate(policy.shapes, np.float32)
        for name, tensor in self.tensors.items():
            tensor[:] = agent.tensors[name]
        self.gradient, self.gradients = parameters.allocate(policy.shapes, np.float32)
        self.moments = adam.moments(self.flat)
        self.batch = policy.workspace(BATCH)
        self.x, self.target = x, target
        self.keys = np.zeros(BATCH, np.uint64)

    def backpropagate(self) -> None:
        """Forward, loss and the gradient."""
        z = self.batch.forward(self.tensors, self.x, self.keys)
        self.batch.backward(self.tensors, (z - self.target) / BATCH, self.gradients)

    def update(self) -> None:
        """One whole update."""
        import numpy as np

        self.backpropagate()
        norm = float(np.sqrt(np.sum(self.gradient * self.gradient, dtype=np.float64)))
        if norm > MAX_NORM:
            self.gradient *= np.float32(MAX_NORM / norm)
        self.adam.update(self.flat, self.gradient, self.moments, LR, epsilon=EPSILON)

    def activity(self) -> float:
        """Share of hidden neurons and ticks that spiked in the last forward pass."""
        hidden = self.batch.spikes[1:-1]
        return float(sum(raster.sum() for raster in hidden) / sum(raster.size for raster in hidden))


def block(update: Callable[[], None]) -> Block:
    """Time one block."""
    count, start, used = 0, time.perf_counter(), time.process_time()
    while True:
        update()
        count += 1
        elapsed = time.perf_counter() - start
        if elapsed > BLOCK_S:
            return Block(elapsed / count * 1e3, (time.process_time() - used) / count * 1e3)


class Peers:
    """The peers' process: one line in, one line out, so that its blocks alternate with ours."""

    def __init__(self, python: str, agent: Any, x: Any, target: Any) -> None:
        import numpy as np

        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name)
        np.savez(self.path / "actor.npz", x=x, target=target, **agent.tensors)
        constants = {
            "ticks": Size().ticks, "a_syn": A_SYN, "a_mem": A_MEM, "threshold": THRESHOLD, "block_s": BLOCK_S, "lr": LR,
            "encoder_threshold": ENCODER_THRESHOLD, "max_norm": MAX_NORM, "epsilon": EPSILON,
        }  # fmt: skip
        self._process = subprocess.Popen(
            [python, str(PEERS), str(self.path), json.dumps(constants)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        self.hello = self.ask(None)

    def ask(self, name: str | None) -> dict[str, Any]:
        """The answer to one request; None only waits for the greeting."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if name is not None:
            self._process.stdin.write(name + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the peers' process ended; its message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def errors(self, gradients: Any) -> dict[str, float]:
        """Largest difference of any tensor's gradient from ours, relative to the tensor's largest entry."""
        import numpy as np

        found = {}
        for name in self.hello["same equations"]:
            theirs = np.load(self.path / f"{name}.npz")
            found[name] = max(
                float(np.abs(theirs[key] - ours).max() / np.abs(ours).max()) for key, ours in gradients.items()
            )
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-python", default=os.environ.get("SNNCTL_PEERS_PYTHON"))
    options = parser.parse_args()

    from snnctl import runtime  # first: it chooses the BLAS kernels before numpy is loaded

    import numpy as np  # isort: skip

    random = np.random.default_rng(2)
    x = random.normal(size=(BATCH, Size().dims)).astype(np.float32)
    target = random.normal(size=(BATCH, Size().actions)).astype(np.float32)
    updates: dict[str, Callable[[], None]] = {}
    reference, agent, gradients = "", None, {}
    for level in (0.05, 0.2, 0.5):
        candidate, _ = make_agent(level)
        ours = Ours(candidate, x, target)
        ours.backpropagate()
        name = f"snnctl, {ours.activity():.0%} activity"
        updates[name] = ours.update
        if level == 0.2:
            reference, agent = name, candidate
            gradients = {key: value.copy() for key, value in ours.gradients.items()}
    times: dict[str, list[Block]] = {name: [] for name in updates}
    for update in updates.values():
        block(update)
    peers, errors = None, {}
    if options.peers_python and Path(options.peers_python).exists():
        peers = Peers(options.peers_python, agent, x, target)
        errors = peers.errors(gradients)
        times |= {name: [] for name in peers.hello["peers"]}
    else:
        print("no --peers-python (or SNNCTL_PEERS_PYTHON): peers skipped", file=sys.stderr)
    for _ in range(BLOCKS):
        for name, update in updates.items():
            times[name].append(block(update))
        if peers is not None:
            for name in peers.hello["peers"]:
                times[name].append(Block(**peers.ask(name)))
    if peers is not None:
        peers.close()

    wall = {name: statistics.median(b.wall for b in blocks) for name, blocks in times.items()}
    fastest = {name: min(b.wall for b in blocks) for name, blocks in times.items()}
    used = {name: statistics.median(b.cpu for b in blocks) for name, blocks in times.items()}
    print(
        f"{cpu_model()}, {os.cpu_count()} CPUs seen, one thread; "
        f"Python {platform.python_version()}, numpy {np.__version__}"
    )
    if peers is not None:
        print(", ".join(f"{k} {v}" for k, v in peers.hello["versions"].items()))
    ignored = f" (a preset {preset} was ignored)" if preset else ""
    print(f"OPENBLAS_CORETYPE {runtime.report()['OPENBLAS_CORETYPE']}{ignored}, OPENBLAS_NUM_THREADS 1\n")
    print("| contender | ms per update (median) | fastest block | processor ms (median) "
          "| times ours: median | fastest | processor | gradient differs by |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for name in times:
        error = f"{errors[name]:.0e}" if name in errors else ""
        ratios = " | ".join(f"{of[name] / of[reference]:.1f}" for of in (wall, fastest, used))
        print(f"| {name} | {wall[name]:.2f} | {fastest[name]:.2f} | {used[name]:.2f} | {ratios} | {error} |")


if __name__ == "__main__":
    main()
