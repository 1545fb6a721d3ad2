"""Two critics of the same form that learn the same target, and the moving averages that give it.

One step of learning, for a batch of (x, a, reward, discount, x') and the actor's next actions a' with their bonus:

    y      = head's target from both target critics at (x', a')
    loss   = sum over both critics of the head's loss at (x, a)
    Adam, then rows of weights back to unit length             (surrogate.unit_rows; the plain form has no such rows)
    target <- target + tau (critic - target)

Which statistics a batch norm takes:

    forward                              mode       what it changes
    target critics on [(x, a); (x', a')]   batch      running statistics of the target critics, which are their own
    critics on [(x, a); (x', a')]          batch      running statistics of the critics
    critics on (x, pi(x)), for the actor   running    nothing

Samples and next samples go through as one joint batch where the normalisation asks for it, so that both see the same
statistics; the loss is over the first half, its gradient passes through the statistics of both. Other normalisations
look at samples one by one: critics see (x, a), target critics (x', a').

Both critics may run in two threads; the results are the same bits.

Sources: Fujimoto et al., ICML 2018 (twin critics); Bhatt et al., ICLR 2024 (joint batches); Palenicek et al.,
arXiv:2509.25174 (batch norm, distributions and unit rows together, with target critics).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.surrogate import adam, parameters, unit_rows
from snnctl.surrogate.critic_network import CriticNetwork, Layers, Pass
from snnctl.surrogate.halves import Halves
from snnctl.surrogate.normalisation import Kind, Mode
from snnctl.surrogate.value_heads import Head

Floats = NDArray[np.floating[Any]]


class Learnt(NamedTuple):
    """What a step of learning saw."""

    loss: float  # over both critics
    clipped: float  # share of the target distribution beyond its outermost atoms


class _Parameters(NamedTuple):
    """Both critics in one vector."""

    flat: Floats
    tensors: dict[str, Floats]
    layers: tuple[Layers, Layers]


class TwinCritics:
    """Weights, moments, target weights and running statistics.

    Args:
        kind: what stands between layers
        head: what the outputs mean
        hidden: sizes of the hidden layers
        dims: observations
        actions: numbers of an action
        batch: samples of a step
        random: for the first weights
        unit: whether rows of weights are kept at unit length
        constant: a further input of both critics, always the same; 0: none
        tau: share of the way that the targets move in a step
        workers: threads, 1 or 2
        dtype: float32, or float64 to compare gradients
    """

    def __init__(
        self,
        kind: Kind,
        head: Head,
        *,
        hidden: tuple[int, ...],
        dims: int,
        actions: int,
        batch: int,
        random: np.random.Generator,
        unit: bool,
        tau: float,
        constant: float = 0.0,
        workers: int = 1,
        dtype: Any = np.float32,
    ) -> None:
        self.head, self.dims, self.actions, self.batch, self.tau = head, dims, actions, batch, tau
        inputs = dims + actions + (constant != 0)
        self.network = network = CriticNetwork(kind, (inputs, *hidden, head.outputs))
        self.online, self.gradients, self.target = (_pair(network, network.shapes, dtype) for _ in range(3))
        self.running, self.target_running = (_pair(network, network.buffers, dtype) for _ in range(2))
        for critic in ("0.", "1."):
            weights, running = (parameters.below(of.tensors, critic) for of in (self.online, self.running))
            network.initialise(weights, running, random)
        self._parts = np.concatenate([unit_rows.segments(network.shapes)] * 2)
        if unit:
            unit_rows.project(self.online.flat, self._parts)
        else:
            self._parts[:, 2] = 0
        self.target.flat[:], self.target_running.flat[:] = self.online.flat, self.running.flat
        self.moments = adam.moments(self.online.flat)

        self.joint = kind.joint
        rows = 2 * batch if self.joint else batch
        self._next = slice(batch, 2 * batch) if self.joint else slice(0, batch)  # rows of (x', a') in a pass
        self._inputs = np.full((2 * batch, inputs), constant, dtype=dtype)
        self._outs = [np.zeros((rows, head.outputs), dtype=dtype) for _ in range(2)]
        self._out_gradients = [np.zeros((rows, head.outputs), dtype=dtype) for _ in range(2)]  # zero beyond the batch
        self._y = np.zeros((batch, head.outputs), dtype=dtype)
        self._passes = [Pass(network, rows, dtype) for _ in range(2)]
        self._acting = [Pass(network, batch, dtype) for _ in range(2)] if self.joint else self._passes
        self._q = [np.zeros(batch, dtype=dtype) for _ in range(2)]
        self._halves = Halves(workers)  # one critic each

    def learn(
        self,
        x: Floats,
        a: Floats,
        reward: Floats,
        discount: Floats,
        next_x: Floats,
        next_a: Floats,
        bonus: Floats,
        lr: float,
    ) -> Learnt:
        """One step of both critics and their targets; actions are in [-1, 1], everything else as the head has it."""
        batch, rows = self.batch, slice(0, self.batch)
        self._put(x, a, rows)
        self._put(next_x, next_a, slice(batch, 2 * batch))
        here = self._inputs if self.joint else self._inputs[:batch]
        following = self._inputs if self.joint else self._inputs[batch:]

        def judge(i: int) -> None:
            self._forward(i, self.target, self.target_running, following, "batch")

        def descend(i: int) -> float:
            self._forward(i, self.online, self.running, here, "batch")
            loss = self.head.loss(self._outs[i][rows], self._y, self._out_gradients[i][rows])
            self._passes[i].backward(self.online.layers[i], self._out_gradients[i], self.gradients.layers[i])
            return loss

        self._halves.run(judge)
        clipped = self.head.target(
            self._outs[0][self._next], self._outs[1][self._next], reward, discount, bonus, self._y
        )
        loss = sum(self._halves.run(descend))
        unit_rows.update(self.online.flat, self.gradients.flat, self.moments, self._parts, lr)
        parameters.approach(self.target.flat, self.online.flat, self.tau)
        return Learnt(loss, clipped)

    def action_gradient(self, x: Floats, a: Floats) -> tuple[Floats, Floats]:
        """The smaller Q of both critics (batch,) and its gradient dQ / da (batch, actions); nothing is learnt."""
        batch = self.batch
        self._put(x, a, slice(0, batch))
        self._halves.run(self._value)
        first = self._q[0] <= self._q[1]
        self._out_gradients[0][:batch][~first] = 0
        self._out_gradients[1][:batch][first] = 0
        slopes = self._halves.run(self._slope)
        return np.where(first, self._q[0], self._q[1]), slopes[0] + slopes[1]

    def first_action_gradient(self, x: Floats, a: Floats) -> tuple[Floats, Floats]:
        """Q of the first critic (batch,) and its gradient dQ / da (batch, actions), buffers; nothing is learnt."""
        self._put(x, a, slice(0, self.batch))
        self._value(0)
        return self._q[0], self._slope(0)

    def arrays(self) -> dict[str, Floats]:
        """Everything that the next step depends on (the arrays themselves)."""
        return {
            "critics": self.online.flat,
            "critics.target": self.target.flat,
            "critics.running": self.running.flat,
            "critics.target.running": self.target_running.flat,
            **self.moments.arrays("critics"),
        }

    def close(self) -> None:
        """Close the second thread."""
        self._halves.close()

    def _put(self, x: Floats, a: Floats, rows: slice) -> None:
        """Samples, into these rows of the inputs."""
        inputs, dims = self._inputs[rows], self.dims
        inputs[:, :dims], inputs[:, dims : dims + self.actions] = x, a

    def _value(self, i: int) -> None:
        """Q of a critic of them, and its derivative by the outputs."""
        out = self._outs[i][: self.batch]
        inputs = self._inputs[: self.batch]
        self._acting[i].forward(self.online.layers[i], self.running.layers[i], inputs, out, "running")
        self.head.value(out, self._q[i], self._out_gradients[i][: self.batch])

    def _slope(self, i: int) -> Floats:
        """Its derivative by the actions."""
        out_gradient = self._out_gradients[i][: self.batch]
        found = self._acting[i].input_gradient(self.online.layers[i], out_gradient, self.dims)
        return found[:, : self.actions]

    def _forward(self, i: int, weights: _Parameters, running: _Parameters, x: Floats, mode: Mode) -> None:
        self._passes[i].forward(weights.layers[i], running.layers[i], x, self._outs[i], mode)


def _pair(network: CriticNetwork, shapes: dict[str, tuple[int, ...]], dtype: Any) -> _Parameters:
    flat, tensors = parameters.allocate(
        {f"{critic}.{name}": shape for critic in (0, 1) for name, shape in shapes.items()}, dtype
    )
    first, second = (network.layers(parameters.below(tensors, critic)) for critic in ("0.", "1."))
    return _Parameters(flat, tensors, (first, second))
