"""Milliseconds of one learning step of twin critics, of its parts, and of its matrix products alone.

    python benchmarks/critics.py [--repeats 200]

Processor time of one thread, medians. "products" are the same matrix products with the same buffers and nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import snnctl  # noqa: F401  sets up BLAS before numpy is imported

import numpy as np  # isort: skip
from snnctl import runtime
from snnctl.surrogate import parameters, unit_rows
from snnctl.surrogate.critics import BatchNormalised, Critic, LayerNormalised, Relu
from snnctl.surrogate.twin_critics import TwinCritics

DIMS, ACTIONS, BATCH = 17, 6, 256
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    repeats = parser.parse_args().repeats
    runtime.single_threaded_blas()
    random = np.random.default_rng(0)
    x, next_x = random.standard_normal((2, BATCH, DIMS)).astype(np.float32)
    a, next_a = random.uniform(-1, 1, (2, BATCH, ACTIONS)).astype(np.float32)
    reward, bonus = random.standard_normal((2, BATCH)).astype(np.float32)
    discount = np.full(BATCH, 0.99, np.float32)
    print(f"{'form':28}  step  products  adam  target  head  dQ/da   (ms, {DIMS} observations, {ACTIONS} actions)")
    for name, form in FORMS.items():
        twins = form.build(DIMS, ACTIONS, BATCH, np.random.default_rng(0))
        step = median_ms(lambda: twins.learn(x, a, reward, discount, next_x, next_a, bonus, 3e-4), repeats)  # noqa: B023
        alone = median_ms(lambda: products(twins), repeats)  # noqa: B023
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
        print(f"{name:28} {step:5.2f}  {alone:8.2f} {adam:5.2f} {target:7.2f} {heads:5.2f} {acting:6.2f}")


if __name__ == "__main__":
    main()
