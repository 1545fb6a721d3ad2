"""Forms of critics for trainers that learn Q(x, a): configurations, which build what they configure.

- relu: two critics with ReLU layers, one value each, squared error. The baseline. Source: Haarnoja et al.,
  arXiv:1812.05905.
- layer_norm: layer norm before every ReLU, a distribution over values, unit rows, a constant beside the inputs. Looks
  at samples one by one, so it has no modes and needs no joint batch. Sources: Lee et al., arXiv:2502.15280 (unit rows,
  distributions, reward scaling, the constant); Nauman et al., NeurIPS 2024 (layer norm in critics).
- batch_norm: the same with batch norm over joint batches, of the inputs too. Source: Palenicek et al.,
  arXiv:2509.25174.

Distributions cover returns from ``low`` to ``high``: the trainer scales rewards to fit.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt, MinLen

from snnctl import slots
from snnctl.config import schema
from snnctl.surrogate import dense
from snnctl.surrogate.normalisation import BatchNorm, Bias, Kind, LayerNorm
from snnctl.surrogate.twin_critics import TwinCritics
from snnctl.surrogate.value_heads import Categorical, Scalar

Hidden = Annotated[tuple[Annotated[int, Gt(0)], ...], MinLen(1)]


class Critic:
    """Base of the configurations of critics."""

    def numbers(self, dims: int, actions: int, batch: int) -> int:
        """Numbers that both critics and their buffers take, about; 0 where nobody has counted them."""
        return 0

    def build(
        self,
        dims: int,
        actions: int,
        batch: int,
        random: np.random.Generator,
        workers: int = 1,
        dtype: Any = np.float32,
    ) -> TwinCritics:
        """Both critics before the first step."""
        raise NotImplementedError(f"{type(self).__name__} must define build(self, dims, actions, batch, random, ...)")


@schema
class Relu(Critic):
    """Two plain critics of one value each."""

    kind: Literal["relu"] = "relu"
    hidden: Hidden = (256, 256)
    tau: Annotated[float, Gt(0), Le(1)] = 0.005  # share of the way that target critics move in an update

    def numbers(self, dims: int, actions: int, batch: int) -> int:
        """Layers of both."""
        return 2 * dense.numbers((dims + actions, *self.hidden, 1), 2 * batch)

    def build(
        self,
        dims: int,
        actions: int,
        batch: int,
        random: np.random.Generator,
        workers: int = 1,
        dtype: Any = np.float32,
    ) -> TwinCritics:
        """Both critics before the first step."""
        return TwinCritics(
            Bias(), Scalar(), hidden=self.hidden, dims=dims, actions=actions, batch=batch, random=random, unit=False,
            tau=self.tau, workers=workers, dtype=dtype,
        )  # fmt: skip


@schema
class Distributional(Critic):
    """Two critics of distributions over values, with rows of unit length; what normalises is the subclass's."""

    kind: str
    hidden: Hidden = (256, 256)
    bins: Annotated[int, Ge(2)] = 101  # atoms of the distribution
    low: float = -5.0  # value of the first atom, in units of scaled returns
    high: float = 5.0  # of the last
    tau: Annotated[float, Gt(0), Le(1)] = 0.005  # share of the way that target critics move in an update

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"high must be above low = {self.low}, got {self.high}")

    @property
    def constant(self) -> float:
        """A further input, always the same; 0: none."""
        return 0.0

    def numbers(self, dims: int, actions: int, batch: int) -> int:
        """Layers of both."""
        return 2 * dense.numbers((dims + actions + 1, *self.hidden, self.bins), 2 * batch)

    def between(self) -> Kind:
        """What stands between the layers."""
        raise NotImplementedError(f"{type(self).__name__} must define between(self)")

    def build(
        self,
        dims: int,
        actions: int,
        batch: int,
        random: np.random.Generator,
        workers: int = 1,
        dtype: Any = np.float32,
    ) -> TwinCritics:
        """Both critics before the first step."""
        return TwinCritics(
            self.between(), Categorical(self.bins, self.low, self.high, dtype), hidden=self.hidden, dims=dims,
            actions=actions, batch=batch, random=random, unit=True, tau=self.tau, constant=self.constant,
            workers=workers, dtype=dtype,
        )  # fmt: skip


@schema
class LayerNormalised(Distributional):
    """Two critics with layer norm and distributions over values."""

    kind: Literal["layer_norm"] = "layer_norm"
    shift: float = 3.0  # a constant beside the inputs: layer norm sees their direction alone, with it their size, too

    @property
    def constant(self) -> float:
        """The shift."""
        return self.shift

    def between(self) -> Kind:
        """Layer norm."""
        return LayerNorm()


@schema
class BatchNormalised(Distributional):
    """Two critics with batch norm over joint batches and distributions over values."""

    kind: Literal["batch_norm"] = "batch_norm"
    hidden: Hidden = (256, 256, 256)
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.99  # how much of the running statistics an update keeps
    epsilon: Annotated[float, Gt(0)] = 1e-3  # added to variances

    def between(self) -> Kind:
        """Batch norm."""
        return BatchNorm(self.momentum, self.epsilon)


CRITICS: tuple[type, ...] = (Relu, LayerNormalised, BatchNormalised)  # the table of their slot


def defects(part: Any) -> list[str]:
    """Everything that keeps a class from being a form of critics."""
    if found := slots.schema_defects(part):
        return found
    if not issubclass(part, Critic):
        return [f"it is not derived from {Critic.__module__}.{Critic.__qualname__}"]
    return ["it does not define build()"] if part.build is Critic.build else []
