"""A policy that computes with the numbers that a chip holds, while those that are trained stay as fine as they are.

    w_held = nearest(w)                        in every forward and backward pass
    w <- w - lr dL/dw at w_held                straight-through: rounding has the derivative 1

Source: Bengio, Leonard and Courville, arXiv:1308.3432, 2013; Hubara et al., JMLR 18(187), 2018.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.training.actor import Floats, Policy, Tensors, Workspace

Hold = Callable[[Tensors], dict[str, NDArray[Any]]]


class ChipPolicy:
    """A :class:`~snnctl.training.actor.Policy` around another one."""

    def __init__(self, policy: Policy, hold: Hold) -> None:
        """``hold``: copies of the tensors as the chip holds them."""
        self._policy, self._hold = policy, hold
        self.dims, self.actions, self.shapes, self.decision_s = (
            policy.dims, policy.actions, policy.shapes, policy.decision_s,
        )  # fmt: skip
        self.initialise, self.constrain = policy.initialise, policy.constrain
        self._given: dict[str, NDArray[Any]] = {}  # the tensors that were rounded last, and what came of it
        self._held: dict[str, NDArray[Any]] = {}
        self._lock = threading.Lock()  # the halves of a batch ask for the same tensors at the same time

    def held(self, tensors: Tensors) -> dict[str, NDArray[Any]]:
        """The tensors as the chip holds them, rounded anew only when they changed; never written to again."""
        own = {name: tensors[name] for name in self.shapes}
        with self._lock:
            if not self._given or not all(np.array_equal(self._given[name], own[name]) for name in own):
                self._held = self._hold(own)
                self._given = {name: tensor.copy() for name, tensor in own.items()}
            return self._held

    def workspace(self, batch: int) -> Workspace:
        """Buffers for one batch size."""
        return _Pass(self, self._policy.workspace(batch))


class _Pass:
    def __init__(self, policy: ChipPolicy, work: Workspace) -> None:
        self._policy, self._work = policy, work

    @property
    def rasters(self) -> Sequence[Floats]:
        return self._work.rasters

    def forward(self, tensors: Tensors, x: Floats, keys: NDArray[np.uint64]) -> Floats:
        return self._work.forward(self._policy.held(tensors), x, keys)

    def backward(self, tensors: Tensors, z_gradient: Floats, gradients: Tensors) -> None:
        self._work.backward(self._policy.held(tensors), z_gradient, gradients)
