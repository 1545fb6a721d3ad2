"""What a deterministic trainer takes the next actions of its targets from: an actor that changes slower than the actor.

polyak: the same network with weights theta' that follow those of the actor

    theta' <- theta' + tau (theta - theta')                       after every update of the actor
    a'(x) = tanh(mu(x; theta'))

proxy: dense ReLU layers f that imitate what the actor does, ``updates`` times before every update of the critics

    minimise over f     mean over batch and actions of (tanh(f(x)) - tanh(mu(x)))^2          by Adam
    a'(x) = tanh(f(x))

A spiking actor's action is piecewise constant in its weights, so that a small step of theta' changes nothing or much;
the proxy's changes continuously. Neither is a part of the agent.

Sources: Lillicrap et al., ICLR 2016 (polyak); Xu et al., NeurIPS 2025, arXiv:2505.24161 (proxy).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field

from snnctl.config import schema
from snnctl.surrogate import dense, parameters
from snnctl.training import actor
from snnctl.training.algorithm import Metric
from snnctl.training.trained import Trained

Floats = NDArray[np.floating[Any]]
Keys = NDArray[np.uint64]

METRICS: dict[str, Metric] = {  # of TargetActor.metrics
    "loss/proxy": Metric(
        "mean squared distance of the proxy's actions from the actor's, over the updates of the line; "
        "with target_actor.kind = 'proxy'",
        high=0.1,
        finding="the proxy does not follow the actor",
        remedy="raise trainer.target_actor.lr or updates, or lower trainer.lr",
    ),
}


class TargetActor(Protocol):
    """A target actor during training."""

    imitations: int  # batches that it wants to imitate the actor on before an update of the critics
    tensors: dict[str, Floats]

    def imitate(self, x: Floats, a: Floats, remaining: float) -> None:
        """Take in the actor's actions (batch, actions) at ``x``, with what remains of the learning rate."""
        ...

    def follow(self, weights: Floats) -> None:
        """Take in the actor's weights after their update."""
        ...

    def actions(self, x: Floats, keys: Keys) -> Floats:
        """Its actions (batch, actions) in (-1, 1) at ``x``; ``keys`` (batch,) name random streams of an encoder."""
        ...

    def metrics(self) -> dict[str, float]:
        """What there is to say since the last call."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that the next update depends on (the arrays themselves)."""
        ...


@schema
class Polyak:
    """The actor's own network, with weights that follow its weights."""

    kind: Literal["polyak"] = "polyak"
    tau: Annotated[float, Gt(0), Le(1)] = 0.005  # share of the way in an update of the actor

    def numbers(self, dims: int, actions: int, batch: int) -> int:
        """Numbers that it takes beside the actor's: none worth counting."""
        return 0

    def build(
        self, policy: actor.Policy, work: actor.Workspace, weights: Floats, batch: int, random: np.random.Generator
    ) -> TargetActor:
        """A target actor equal to the actor with these weights; it uses the work space while nobody else does."""
        return PolyakActor(policy, work, weights, self.tau)


@schema
class Proxy:
    """Dense layers that imitate the actor."""

    kind: Literal["proxy"] = "proxy"
    hidden: tuple[Annotated[int, Gt(0)], ...] = (512, 512)  # ReLU layers
    lr: Annotated[float, Gt(0)] = 1e-3  # at the start
    updates: Annotated[int, Ge(1)] = 3  # imitating updates before every update of the critics

    def numbers(self, dims: int, actions: int, batch: int) -> int:
        """Numbers that its layers, their gradients and moments, and its buffers take, about."""
        return dense.numbers((dims, *self.hidden, actions), batch)

    def build(
        self, policy: actor.Policy, work: actor.Workspace, weights: Floats, batch: int, random: np.random.Generator
    ) -> TargetActor:
        """A proxy with first weights of its own."""
        return ProxyActor((policy.dims, *self.hidden, policy.actions), batch, self.lr, self.updates, random)


TargetChoice = Annotated[Polyak | Proxy, Field(discriminator="kind")]


class PolyakActor:
    """The weights that follow."""

    imitations = 0

    def __init__(self, policy: actor.Policy, work: actor.Workspace, weights: Floats, tau: float) -> None:
        self.flat, self.tensors = parameters.allocate(policy.shapes, weights.dtype)
        self.flat[:] = weights
        self._work, self._tau = work, tau

    def imitate(self, x: Floats, a: Floats, remaining: float) -> None:
        """Nothing: it follows the weights."""

    def follow(self, weights: Floats) -> None:
        """Go a part of the way."""
        parameters.approach(self.flat, weights, self._tau)

    def actions(self, x: Floats, keys: Keys) -> Floats:
        """Those of the network with the weights that follow."""
        return np.tanh(self._work.forward(self.tensors, x, keys))

    def metrics(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights."""
        return {"target": self.flat}


class ProxyActor:
    """Dense layers and the moments of their optimiser."""

    def __init__(
        self, sizes: tuple[int, ...], batch: int, lr: float, updates: int, random: np.random.Generator
    ) -> None:
        self.imitations = updates
        self.trained = Trained(dense.shapes(sizes))
        self.tensors = self.trained.tensors
        dense.initialise(self.tensors, random)
        self._pass, self._lr = dense.Pass(sizes, batch, np.float32), lr
        self._loss, self._count = 0.0, 0  # since the last metrics

    def imitate(self, x: Floats, a: Floats, remaining: float) -> None:
        """One step towards the actor's actions."""
        own = np.tanh(self._pass.forward(self.tensors, x))
        error = own - a
        self._pass.backward(self.tensors, 2 / np.float32(error.size) * error * (1 - own * own), self.trained.gradients)
        self.trained.step(self._lr * remaining)
        self._loss += float(np.mean(error * error))
        self._count += 1

    def follow(self, weights: Floats) -> None:
        """Nothing: it imitates."""

    def actions(self, x: Floats, keys: Keys) -> Floats:
        """Those of the dense layers."""
        return np.tanh(self._pass.forward(self.tensors, x))

    def metrics(self) -> dict[str, float]:
        """The loss of imitation, where there was any."""
        found = {"loss/proxy": self._loss / self._count} if self._count else {}
        self._loss, self._count = 0.0, 0
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Weights and moments."""
        return self.trained.arrays("target")
