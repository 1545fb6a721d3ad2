"""Milliseconds of one learning step of twin critics, of its parts, of its matrix products alone, and of eager torch.

    python benchmarks/critics.py [--repeats 200] [--peers-python PATH_TO_A_PYTHON_WITH_TORCH]

Processor time of one thread, medians. "products" are the same matrix products with the same buffers and nothing else;
"speed" is what the whole step reaches of the speed of these products. Blocks of the step, its products and the peer
alternate; ratios are medians over the blocks. The peer starts from the same weights, and its first loss has to be ours.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import snnctl  # noqa: F401  sets up BLAS before numpy is imported

import numpy as np  # isort: skip
from snnctl import runtime
from snnctl.surrogate import parameters, unit_rows
from snnctl.surrogate.critics import BatchNormalised, Critic, LayerNormalised, Relu
from snnctl.surrogate.twin_critics import TwinCritics

DIMS, ACTIONS, BATCH, LR = 17, 6, 256, 3e-4
BLOCKS = 10
FORMS: dict[str, Critic] = {
    "relu 2x256": Relu(),
    "layer norm 2x256, 51 bins": LayerNormalised(bins=51),
    "layer norm 2x256, 101 bins": LayerNormalised(),
    "layer norm 2x512, 101 bins": LayerNormalised(hidden=(512, 512)),
    "batch norm 2x256, 101 bins": BatchNormalised(hidden=(256, 256)),
    "batch norm 3x256, 101 bins": BatchNormalised(),
}


def median_ms(job: Callable[[], object], repeats: int) -> float:
    """Of the calls after the first."""
    job()
    found = []
    for _ in range(repeats):
        start = time.thread_time()
        job()
        found.append(time.thread_time() - start)
    return 1e3 * statistics.median(found)


def products(twins: TwinCritics) -> None:
    """Forward twice, backward once: what a learning step multiplies, for both critics."""
    for i in range(2):
        passing, layers, gradients = twins._passes[i], twins.online.layers[i], twins.gradients.layers[i]
        count = len(layers.weights)
        for _ in range(2):
            for layer in range(count - 1):
                np.dot(passing.y[layer], layers.weights[layer].T, out=passing.h[layer + 1])
            np.dot(passing.y[-1], layers.weights[-1].T, out=twins._outs[i])
        above = twins._out_gradients[i]
        for layer in range(count - 1, -1, -1):
            np.dot(above.T, passing.y[layer], out=gradients.weights[layer])
            if layer > 0 or passing.inputs is not None:
                np.dot(above, layers.weights[layer], out=passing.gradients[layer])
                above = passing.gradients[layer]


class Peer:
    """The peer's process: one line in, one line out."""

    def __init__(self, python: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.weights = Path(self._folder.name) / "weights.npz"
        script = Path(__file__).with_name("critics_peers.py")
        self._process = subprocess.Popen(
            [python, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
        )
        self.hello = self._answer()

    def ask(self, repeats: int, **form: Any) -> dict[str, Any]:
        """Milliseconds of a block; of a new form, after its first step."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"repeats": repeats, **form}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the peer's process ended; its message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--peers-python", default=os.environ.get("SNNCTL_PEERS_PYTHON"))
    options = parser.parse_args()
    repeats = options.repeats
    runtime.single_threaded_blas()
    peer = Peer(options.peers_python) if options.peers_python else None
    random = np.random.default_rng(0)
    x, next_x = random.standard_normal((2, BATCH, DIMS)).astype(np.float32)
    a, next_a = random.uniform(-1, 1, (2, BATCH, ACTIONS)).astype(np.float32)
    reward, bonus = random.standard_normal((2, BATCH)).astype(np.float32)
    discount = np.full(BATCH, 0.99, np.float32)
    given = {"x": x, "a": a, "next_x": next_x, "next_a": next_a, "reward": reward, "bonus": bonus, "discount": discount}
    if peer is not None:
        print(f"torch {peer.hello['torch']}, eager, one thread")
    print(f"milliseconds; {DIMS} observations, {ACTIONS} actions, {BATCH} samples")
    print(f"{'form':28}  step  products  speed  torch  ratio   adam  target  head  dQ/da")
    for name, form in FORMS.items():
        twins = form.build(DIMS, ACTIONS, BATCH, np.random.default_rng(0))
        theirs = math.nan
        if peer is not None:
            np.savez(peer.weights, **given, **twins.online.tensors)
            told = {
                "kind": form.kind, "sizes": [DIMS + ACTIONS, *form.hidden, twins.head.outputs], "batch": BATCH,
                "bins": twins.head.outputs, "lr": LR, "weights": str(peer.weights),
            }  # fmt: skip
            theirs = peer.ask(1, form=told)["loss"]

        def learn(twins: TwinCritics = twins) -> float:
            return twins.learn(x, a, reward, discount, next_x, next_a, bonus, LR).loss

        loss = learn()
        if peer is not None and not math.isclose(loss, theirs, rel_tol=1e-4):
            raise SystemExit(f"{name}: the peer's loss is {theirs}, ours {loss}")
        blocks = []
        for _ in range(BLOCKS):
            step = median_ms(learn, repeats // BLOCKS)
            alone = median_ms(lambda: products(twins), repeats // BLOCKS)  # noqa: B023
            blocks.append((step, alone, peer.ask(repeats // BLOCKS)["ms"] if peer is not None else math.nan))
        step, alone, torch = np.median(blocks, axis=0)
        speed, ratio = np.median([(b[1] / b[0], b[2] / b[0]) for b in blocks], axis=0)
        moments, parts = twins.moments, twins._parts
        flat, gradient = twins.online.flat, twins.gradients.flat
        adam = median_ms(lambda: unit_rows.update(flat, gradient, moments, parts, 0.0), repeats)  # noqa: B023
        target = median_ms(lambda: parameters.approach(twins.target.flat, flat, 0.005), repeats)  # noqa: B023

        def head(twins: TwinCritics = twins) -> None:
            out, following = twins._outs, twins._next
            twins.head.target(out[0][following], out[1][following], reward, discount, bonus, twins._y)
            for i in range(2):
                twins.head.loss(out[i][:BATCH], twins._y, twins._out_gradients[i][:BATCH])

        heads = median_ms(head, repeats)
        acting = median_ms(lambda: twins.action_gradient(x, a), repeats)  # noqa: B023
        print(
            f"{name:28} {step:5.2f}  {alone:8.2f} {speed:6.0%} {torch:6.2f} {ratio:6.2f}  {adam:5.2f} {target:7.2f}"
            f" {heads:5.2f} {acting:6.2f}",
            flush=True,
        )
    if peer is not None:
        peer.close()


if __name__ == "__main__":
    main()
