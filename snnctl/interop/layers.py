"""Dense layers out of the tensors of a torch module, by their names: ``prefix.<index>.weight`` and ``.bias``.

The indices are those of an ``nn.Sequential``, in which modules without parameters leave gaps: an activation between two
linear layers is a gap of one. Batch renormalisation (CrossQ) before a linear layer is folded into it:

    x' = scale (x - ra_mean) / sqrt(ra_var + eps) + bias        W' = diag(g) W,  b' = b + (bias - g ra_mean) W
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.interop.files import refusal, shown
from snnctl.interop.policy import TRAIN_AGAIN, Layer

Tensors = Mapping[str, NDArray[Any]]

_LINEAR = {"weight", "bias"}
_RENORMALISATION = {"scale", "bias", "ra_mean", "ra_var", "steps"}
RENORMALISATION_EPS = 0.001  # of sb3_contrib's BatchRenorm


class Scaling(NamedTuple):
    """x' = gain x + offset, each (n,): what was before a linear layer and is folded into it."""

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]


def linear(tensors: Tensors, prefix: str, where: str) -> Layer:
    """The linear layer of this name. Raises PolicyError where it is none."""
    weight, bias = tensors.get(f"{prefix}.weight"), tensors.get(f"{prefix}.bias")
    if weight is None or weight.ndim != 2:
        shape = "absent" if weight is None else f"of shape {weight.shape}"
        message = f"'{shown(prefix)}.weight' is {shape}; a linear layer has a matrix"
        raise refusal(where, message, TRAIN_AGAIN)
    for array in (weight, bias):
        if array is not None and array.dtype.kind != "f":
            raise refusal(where, f"'{shown(prefix)}' is of {array.dtype}, not of floating point", TRAIN_AGAIN)
    if bias is not None and bias.shape != weight.shape[:1]:
        raise refusal(where, f"'{shown(prefix)}.bias' has shape {bias.shape} beside weights {weight.shape}")
    return Layer(weight.T, np.zeros(weight.shape[0], weight.dtype) if bias is None else bias)


def sequential(tensors: Tensors, prefix: str, where: str, eps: float = RENORMALISATION_EPS) -> list[Layer | Scaling]:
    """The modules with parameters of the ``nn.Sequential`` ``prefix``, in their order; empty where there is none.

    Raises:
        PolicyError: one is neither linear nor a batch renormalisation, or there is something other than one activation
            between two linear layers.
    """
    modules: dict[int, set[str]] = {}
    for name in tensors:
        if name.startswith(f"{prefix}."):
            match = re.fullmatch(r"(\d{1,4})\.([A-Za-z_]+)", name[len(prefix) + 1 :])
            if match is None:
                message = f"'{shown(name)}' is not a tensor of a stack of linear layers"
                raise refusal(where, message, TRAIN_AGAIN)
            modules.setdefault(int(match[1]), set()).add(match[2])
    found: list[Layer | Scaling] = []
    before = -1
    for index in sorted(modules):
        name = f"{prefix}.{index}"
        after_linear = bool(found) and isinstance(found[-1], Layer)
        if index - before != (2 if after_linear else 1):
            message = f"has something other than one activation before '{shown(name)}'"
            raise refusal(where, message, TRAIN_AGAIN)
        if modules[index] <= _LINEAR:
            found.append(linear(tensors, name, where))
        elif modules[index] == _RENORMALISATION:
            found.append(_scaling(tensors, name, eps, where))
        else:
            message = f"'{shown(name)}' has {', '.join(sorted(map(shown, modules[index])))}: it is not a linear layer"
            raise refusal(where, message, TRAIN_AGAIN)
        before = index
    return found


def folded(modules: list[Layer | Scaling], where: str) -> list[Layer]:
    """The linear layers, each with what stands before it inside."""
    found: list[Layer] = []
    scaling: Scaling | None = None
    for module in modules:
        if isinstance(module, Scaling):
            if scaling is not None:
                raise refusal(where, "has two normalisations one after the other", TRAIN_AGAIN)
            scaling = module
            continue
        if scaling is not None:
            if scaling.gain.size != module.weight.shape[0]:
                message = f"has a normalisation of {scaling.gain.size} before a layer of {module.weight.shape[0]}"
                raise refusal(where, message)
            weight = module.weight.astype(np.float64)
            module = Layer(scaling.gain[:, None] * weight, module.bias + scaling.offset @ weight)
            scaling = None
        found.append(module)
    if scaling is not None:
        raise refusal(where, "ends with a normalisation", TRAIN_AGAIN)
    return found


def _scaling(tensors: Tensors, name: str, eps: float, where: str) -> Scaling:
    parts = [tensors[f"{name}.{part}"].astype(np.float64) for part in ("scale", "bias", "ra_mean", "ra_var")]
    scale, bias, mean, var = parts
    if any(part.shape != scale.shape or part.ndim != 1 for part in parts) or not (var + eps > 0).all():
        raise refusal(where, f"'{shown(name)}' is not a batch normalisation of numbers")
    gain = scale / np.sqrt(var + eps)
    return Scaling(gain, bias - gain * mean)
