"""What a policy is, whatever file it came from: a normaliser, dense layers, and what becomes of their outputs."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.code import Limits
from snnctl.interop.files import refusal, shown
from snnctl.network.activations import FUNCTIONS, Activation

Floats = NDArray[np.float64]

UNCLIPPED = 1e30  # of a normaliser that does not clip: a description holds finite numbers

Output = Literal["tanh", "clip", "none", "scores"]

TRAIN_AGAIN = "train it with hidden layers of one activation (net_arch), or teach an agent to imitate it"


class Layer(NamedTuple):
    """h = x W + b."""

    weight: NDArray[Any]  # (n_in, n_out)
    bias: NDArray[Any]  # (n_out,)


class Normalisation(NamedTuple):
    """x = clip((obs - mean) / std, -clip, clip)."""

    mean: Floats  # (dims,)
    std: Floats  # (dims,)
    clip: float = UNCLIPPED
    limits: Limits | None = None  # of actions, where the file tells them


@dataclasses.dataclass(frozen=True, kw_only=True)
class Policy:
    """Observations to actions.

    ``output`` says what becomes of the last layer's z:

        tanh      action = limits by tanh(clip(z, -bound, bound))
        clip      action = limits by clip(z, -1, 1)
        none      action = clip(z, limits)
        scores    action = the index of the largest, of each choice
    """

    source: str  # library and algorithm
    layers: tuple[Layer, ...]
    activation: Activation  # of all but the last layer
    output: Output
    bound: float | None = None
    normalisation: Normalisation | None = None
    limits: Limits | None = None  # of actions, where the file tells them
    own_limits: bool = False  # whether they are part of the network, not those of the environment
    either: bool = False  # the outputs are scores where the environment takes choices, numbers elsewhere
    steps: int = 0  # of its training
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what its user should know

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers in each layer, the inputs first."""
        return (self.layers[0].weight.shape[0], *(layer.weight.shape[1] for layer in self.layers))


def chained(layers: list[Layer], where: str) -> tuple[Layer, ...]:
    """The layers in float32, after a look at whether each fits the one before.

    Raises:
        PolicyError: there is none, one does not fit, or a number is not finite.
    """
    if not layers:
        raise refusal(where, "has no dense layer", "give the file of a policy")
    for number, layer in enumerate(layers):
        if layer.weight.ndim != 2 or layer.bias.shape != layer.weight.shape[1:] or 0 in layer.weight.shape:
            message = f"layer {number} has weights {layer.weight.shape} and biases {layer.bias.shape}"
            raise refusal(where, message, "a dense layer has a matrix and a bias for each output")
        if number and layers[number - 1].weight.shape[1] != layer.weight.shape[0]:
            n = layers[number - 1].weight.shape[1]
            message = f"layer {number} takes {layer.weight.shape[0]} numbers, the one before gives {n}"
            raise refusal(where, message, TRAIN_AGAIN)
    with np.errstate(over="ignore"):
        made = tuple(Layer(*(np.ascontiguousarray(part, np.float32) for part in layer)) for layer in layers)
    for number, layer in enumerate(made):
        if not all(np.isfinite(part).all() for part in layer):
            raise refusal(where, f"layer {number} has a number that is not finite")
    return made


def known_activation(name: str, where: str) -> Activation:
    """The activation of a name, as torch or as this project writes it.

    Raises:
        PolicyError: it is not one of a dense network.
    """
    plain_name = name.replace("_", "").lower()
    for known in FUNCTIONS:
        if plain_name == known.replace("_", "") or (plain_name, known) == ("swish", "silu"):
            return known
    message = f"has the activation '{shown(name)}', which is not known"
    raise refusal(where, message, f"train it with one of {', '.join(FUNCTIONS)}")
