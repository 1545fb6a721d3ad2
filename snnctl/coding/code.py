"""What a code is: the contract that every encoder and decoder keeps, of the package or of a user.

A code is a dataclass (:func:`snnctl.config.schema`) derived from :class:`Encoder` or :class:`Decoder`: the
configuration that an agent or a recipe writes down. It builds what it configures; nobody else asks which code it is.

    encoder.build(tensors, tick_s, dtype) -> SpikeEncoder      normalised observation -> spikes of one decision
    decoder.build(tensors, tick_s, actions) -> SpikeDecoder    what the output population did -> action

Two things are offered by some codes and None for others: ``fused``, the numbers with which the fused decision kernel
runs the code inside, and ``gradient``, the code over a batch for training by surrogate gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from snnctl import slots
from snnctl.errors import Problem

Tensors = Mapping[str, NDArray[Any]]
Shapes = dict[str, tuple[int | None, ...]]
Limits = tuple[NDArray[np.float64], NDArray[np.float64]]  # lowest and highest action (actions,) each
Action = NDArray[np.float64] | NDArray[np.int64] | int  # numbers, an index for each of several choices, an index


class SpikeEncoder(Protocol):
    """What turns a normalised observation into spikes, tensors and memory of the episode included.

    One of few, steady spikes may also have ``active(x)``: numbers of the neurons (any,), ascending, that spike in every
    tick of a decision for ``x`` (dims,); the array may be overwritten by the next call.
    One that keeps something from decision to decision also has ``memory() -> arrays by name`` and ``recall(memory)``,
    so that an episode can be continued in another process; a decoder may have them, too.
    """

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) of 0 and 1 for ``x`` (dims,); draws from the generator ``state`` (4,) if it needs to."""
        ...

    def reset(self) -> None:
        """Forget the episode so far."""
        ...


class AnalogEncoder(Protocol):
    """What turns a normalised observation into numbers that are injected, the same in every tick of a decision."""

    def values(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers (n,) for ``x`` (dims,). Raises ValueError where one is not finite."""
        ...

    def reset(self) -> None:
        """Forget the episode so far."""
        ...


class SpikeDecoder(Protocol):
    """What turns the signal of the output population that it reads into an action.

    One whose configuration ``has_scores`` also has ``scores(raster, v)``: a number for each choice (actions,), of which
    the highest is decoded. With them it serves actions of several choices at once.
    """

    def decode(self, raster: Any, v: NDArray[Any] | None) -> Action:
        """The action of one decision.

        Args:
            raster: spikes (ticks, n_out); None if it reads values
            v: membranes after the last tick (n_out,) or after each (ticks, n_out), or the values (n_out,) of a network
                without spikes; None if it reads spikes
        """
        ...

    def reset(self) -> None:
        """Forget the episode so far."""
        ...


class ReceptiveFields(NamedTuple):
    """An encoder as the fused decision runs it: A = exp(slope (x - centre)^2), then spikes from A."""

    centre: NDArray[Any]  # (n,)
    slope: NDArray[Any]  # (n,) -1 / (2 width^2)
    repeats: int  # neurons of one dimension; n = dims * repeats
    threshold: float  # of the soft-reset integration of A
    poisson: bool  # a spike with probability A instead


class LinearReadout(NamedTuple):
    """A decoder as the fused decision runs it: y = weight . counts / ticks + bias, squashed or the largest chosen."""

    weight: NDArray[Any]  # (actions, k)
    bias: NDArray[Any]  # (actions,)
    limits: Limits | None  # squashed into these by tanh; None: the index of the largest


class EncoderGradient(Protocol):
    """An encoder over a batch, and its gradient; ``work`` is what :meth:`workspace` allocated."""

    learnable: bool  # whether its tensors are trained
    shapes: dict[str, tuple[int, ...]]  # of its tensors

    def initialise(self, tensors: Tensors) -> None:
        """Fill its tensors for the start of a training."""
        ...

    def constrain(self, tensors: Tensors) -> None:
        """Bring its tensors back into their range after an update."""
        ...

    def workspace(self, batch: int) -> Any:
        """Buffers for one batch size."""
        ...

    def forward(self, tensors: Tensors, x: Any, keys: NDArray[np.uint64], spikes: Any, work: Any) -> None:
        """Write ``spikes`` (ticks, batch, n), 0 and 1, of observations (batch, dims).

        ``keys`` (batch,) name the random stream of each observation.
        """
        ...

    def backward(self, tensors: Tensors, da: Any, x: Any, work: Any, gradients: Tensors) -> None:
        """Write the gradients of its tensors from ``da`` (batch, n), the gradient of its spikes summed over all ticks.

        The sum suffices because the gradient is straight-through: d spike / d activity is 1 in every tick.
        """
        ...


class DecoderGradient(Protocol):
    """A decoder's read-out ``z`` (batch, actions) over a batch, and its gradient."""

    shapes: dict[str, tuple[int, ...]]  # of its trained tensors

    def initialise(self, tensors: Tensors, random: np.random.Generator, gain: float) -> None:
        """Fill its tensors for the start of a training."""
        ...

    def workspace(self, batch: int, size: int, dtype: Any) -> Any:
        """Buffers for one batch size and ``size`` output neurons."""
        ...

    def forward(self, tensors: Tensors, spikes: Any, work: Any, z: Any) -> None:
        """Write ``z`` from the output spikes (ticks, batch, n)."""
        ...

    def backward(self, tensors: Tensors, dz: Any, work: Any, ds: Any, gradients: Tensors) -> None:
        """Write ``ds`` (ticks, batch, n) and the gradients of its tensors from ``dz`` (batch, actions)."""
        ...


class Encoder:
    """Base of the configurations of encoders; the methods here are those of a code without tensors."""

    signal: ClassVar[Literal["spikes", "analog"]] = "spikes"  # analog: build() gives an AnalogEncoder
    positive: ClassVar[tuple[str, ...]] = ()  # tensors whose numbers must be above 0

    @property
    def is_steady(self) -> bool:
        """Whether it neither draws nor remembers: one observation, one raster."""
        return False

    def size(self, dims: int) -> int:
        """Input neurons (or analog inputs) for ``dims`` observations."""
        raise NotImplementedError(f"{type(self).__name__} must define size(self, dims)")

    def tensor_shapes(self, dims: int) -> Shapes:
        """Tensors of this encoder for ``dims`` observations; None is a size that the file decides."""
        return {}

    def tensor_problems(self, tensors: Tensors) -> list[Problem]:
        """Values of its tensors, sound in shape and finite, that lead out of an array; ``where`` is a tensor's name."""
        return []

    def problems(self, dims: int, ticks: int) -> list[Problem]:
        """Why ``dims`` observations or decisions of ``ticks`` cannot be encoded; ``where`` is a key of this table."""
        return []

    def initial(self, dims: int, generator: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Tensors before any training."""
        return {}

    def build(self, tensors: Tensors, tick_s: float, dtype: type) -> Any:
        """A :class:`SpikeEncoder` or :class:`AnalogEncoder` with these tensors."""
        raise NotImplementedError(f"{type(self).__name__} must define build(self, tensors, tick_s, dtype)")

    def fused(self, tensors: Tensors) -> ReceptiveFields | None:
        """The numbers with which the fused decision kernel runs it inside; None: it runs outside, before the kernel."""
        return None

    def gradient(self, dims: int, ticks: int, dtype: Any) -> EncoderGradient | None:
        """The code over a batch, for training by gradient; None if it has no gradient."""
        return None


class Decoder:
    """Base of the configurations of decoders."""

    action_kind: ClassVar[Literal["continuous", "discrete"]]
    has_scores: ClassVar[bool] = False  # whether what it builds has scores()

    @property
    def reads(self) -> Literal["spikes", "membranes", "values"]:
        """Which signal of the output population it needs; values are those of a network without spikes."""
        return "spikes"

    def size(self, actions: int) -> int:
        """Neurons of the output population for ``actions`` actions."""
        raise NotImplementedError(f"{type(self).__name__} must define size(self, actions)")

    def tensor_shapes(self, actions: int) -> Shapes:
        """Tensors of this decoder for ``actions`` actions."""
        return {}

    def problems(self, actions: int, ticks: int) -> list[Problem]:
        """Why decisions of ``ticks`` cannot be decoded; ``where`` is a key of this table."""
        return []

    def fixed(self, actions: int, limits: Limits | None) -> dict[str, NDArray[Any]] | None:
        """Tensors with which it decodes without training; None if its tensors must be trained.

        ``limits`` of continuous actions are finite; None for discrete ones.
        """
        return None if self.tensor_shapes(actions) else {}

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> SpikeDecoder:
        """What decodes with these tensors."""
        raise NotImplementedError(f"{type(self).__name__} must define build(self, tensors, tick_s, actions)")

    def fused(self, tensors: Tensors) -> LinearReadout | None:
        """The numbers with which the fused decision kernel runs it inside; None: it runs outside."""
        return None

    def gradient(self, actions: int) -> DecoderGradient | None:
        """The read-out over a batch, for training by gradient; None if it has none."""
        return None


def required(v: NDArray[Any] | None, what: str = "membranes") -> NDArray[Any]:
    """``v``, for a decoder that reads it. Raises ValueError if the controller does not give it."""
    if v is None:
        raise ValueError(f"the decoder reads {what}, which this controller does not give")
    return v


def encoder_defects(part: Any) -> list[str]:
    """Everything that keeps a class from being an encoder."""
    return slots.schema_defects(part) or _own(part, Encoder, ("size", "build"))


def decoder_defects(part: Any) -> list[str]:
    """Everything that keeps a class from being a decoder."""
    if found := slots.schema_defects(part):
        return found
    found = _own(part, Decoder, ("size", "build"))
    if issubclass(part, Decoder) and getattr(part, "action_kind", None) not in ("continuous", "discrete"):
        found.append("it has no action_kind: ClassVar = 'continuous' or 'discrete'")
    return found


def _own(part: type, base: type, methods: tuple[str, ...]) -> list[str]:
    if not issubclass(part, base):
        return [f"it is not derived from {base.__module__}.{base.__qualname__}"]
    return [f"it does not define {name}()" for name in methods if getattr(part, name) is getattr(base, name)]
