"""A network without spikes: dense layers of numbers, the ANN twin of a stack of spiking populations.

    h[0] = x ; h[l] = f(h[l-1] W[l] + b[l]) ; the last layer is linear        f in :mod:`activations`

One pass is one decision, without ticks or state. What its inputs are, and what becomes of its outputs, is for
the agent's encoder and decoder.

Tensors: ``dense.<l>.weight`` (n_in, n_out) and ``dense.<l>.bias`` (n_out,) for l = 0, 1, ...
"""

from __future__ import annotations

import itertools
from typing import Annotated, ClassVar, Literal

from annotated_types import Gt

from snnctl.config import schema
from snnctl.network.activations import Activation
from snnctl.network.description import TensorShape


@schema
class DenseNetwork:
    """Description of the network; the counterpart of a :class:`~snnctl.network.description.NetworkDescription`."""

    ticks: ClassVar[int] = 1  # encoders and decoders are asked for decisions of one tick
    tick_s: ClassVar[float] = 0.0  # of no duration

    kind: Literal["dense"] = "dense"
    inputs: Annotated[int, Gt(0)]
    hidden: tuple[Annotated[int, Gt(0)], ...]
    outputs: Annotated[int, Gt(0)]
    activation: Activation = "relu"  # of the hidden layers

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers in each layer, the inputs first."""
        return (self.inputs, *self.hidden, self.outputs)

    @property
    def multiplications(self) -> int:
        """Multiply-accumulates of one decision."""
        return sum(n_in * n_out for n_in, n_out in itertools.pairwise(self.sizes))

    @property
    def summary(self) -> str:
        """In a few words."""
        return f"{' → '.join(map(str, self.sizes))}, dense with {self.activation}, no spikes"

    def tensor_shapes(self) -> dict[str, TensorShape]:
        """Every tensor of the network, by name."""
        found: dict[str, TensorShape] = {}
        for (weight, bias), (n_in, n_out) in zip(self.tensor_names, itertools.pairwise(self.sizes), strict=True):
            found[weight], found[bias] = TensorShape((n_in, n_out)), TensorShape((n_out,))
        return found

    @property
    def tensor_names(self) -> tuple[tuple[str, str], ...]:
        """Of weight and bias of each layer."""
        return tuple((f"dense.{layer}.weight", f"dense.{layer}.bias") for layer in range(len(self.sizes) - 1))
