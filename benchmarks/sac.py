"""Milliseconds of one step of a soft actor-critic recipe and of its parts, beside the matrix products of these parts.

    python benchmarks/sac.py [hopper-sac] [KEY=VALUE ...]

Processor time of one thread, medians. A critics' update bears 1 / actor_every of the actor's. "products" of the
actor are its forward and backward pass with the kernels of neurons, encoder and decoder replaced by nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import snnctl  # noqa: F401  sets up BLAS before numpy is imported

import numpy as np  # isort: skip
from critics import median_ms  # beside this script

from snnctl import config, library, streams
from snnctl.training import actor
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe
from snnctl.training.sac import Sac

REPEATS = 60


def spiking_products(work: Any, tensors: Any, gradients: Any, *, back: bool) -> None:
    """The products of a spiking policy's pass, forward or backward."""
    program = work.policy.program
    for node in reversed(program.order) if back else program.order:
        for link in program.into(node):
            weight, name = tensors[link.weight.name], link.weight.name
            below, here = (a.reshape(-1, a.shape[2]) for a in (work.spikes[link.source], work.gradients[node]))
            if back:
                np.dot(below.T, here, out=gradients[name])
                np.dot(here, weight.T, out=work.gradients[link.source].reshape(below.shape))
            else:
                np.dot(below, weight, out=here)


def main() -> None:
    """Measure and print."""
    name, *overrides = sys.argv[1:] or ["hopper-sac"]
    path = library.find("recipe", name).path
    overrides = ["trainer.start_steps=300", "trainer.report_every=400", *overrides]
    recipe = config.resolve(Recipe, config.read_toml(path), str(path), overrides)
    sac = build(opened(recipe), 0, 1)
    assert isinstance(sac, Sac)
    sac.update()
    drawing, noise = streams.generator(0, "replay", 9), streams.generator(0, "batches", 9)
    tally = actor.Tally(sac._acting, sac.policy.decision_s)
    x = sac._update_critics(drawing, noise, np.zeros(3)).copy()
    a = sac._policy(x, noise).actions.astype(np.float32)
    observation = sac.rollouts.environments.observations
    work, tensors, gradients = sac._learning, sac.mean.tensors, sac.mean.gradients
    dz = np.full_like(work.forward(tensors, x, np.zeros(len(x), np.uint64)), 1e-3)
    parts: dict[str, Callable[[], object]] = {
        "act and environment": lambda: sac._step(observation[0].copy(), noise, tally),
        "next actions": lambda: sac._policy(x, noise),
        "draw, next actions, critics": lambda: sac._update_critics(drawing, noise, np.zeros(3)),
        "dQ/da": lambda: sac.critics.action_gradient(x, a),
        "actor backward": lambda: work.backward(tensors, dz, gradients),
        "actor update": lambda: sac._update_actor(x, noise, np.zeros(5)),
    }
    if hasattr(work, "spikes"):
        parts["products of actor forward"] = lambda: spiking_products(work, tensors, gradients, back=False)
        parts["products of actor backward"] = lambda: spiking_products(work, tensors, gradients, back=True)
    found = {part: median_ms(job, REPEATS) for part, job in parts.items()}
    update = found["draw, next actions, critics"] + found["actor update"] / recipe.trainer.actor_every
    found["a step, all in all"] = found["act and environment"] + recipe.trainer.updates_per_step * update
    for part, ms in found.items():
        print(f"{part:30} {ms:7.2f} ms")
    sac.close()


if __name__ == "__main__":
    main()
