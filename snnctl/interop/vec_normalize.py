"""VecNormalize files of stable-baselines3: how observations were normalised while a policy was trained.

    x = clip((obs - mean) / sqrt(var + epsilon), -clip_obs, clip_obs)

A file is a pickle of the whole wrapper; its statistics and limits are read, all else is left as names.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from snnctl.coding.code import Limits
from snnctl.interop import files
from snnctl.interop.files import refusal
from snnctl.interop.pickled import COMMON_OPAQUE, Instance, Machine, Named, plain
from snnctl.interop.policy import UNCLIPPED, Normalisation

_SPACES = {
    "box": "Box", "discrete": "Discrete", "multi_discrete": "MultiDiscrete", "multi_binary": "MultiBinary",
    "dict": "Dict", "tuple": "Tuple",
}  # fmt: skip
_OPAQUE = COMMON_OPAQUE | {
    Named("stable_baselines3.common.vec_env.vec_normalize", "VecNormalize"),
    Named("stable_baselines3.common.running_mean_std", "RunningMeanStd"),
    *(Named(f"{gym}.spaces.{module}", name) for gym in ("gymnasium", "gym") for module, name in _SPACES.items()),
    *(Named(f"{gym}.utils.seeding", "RandomNumberGenerator") for gym in ("gymnasium", "gym")),
    *(Named("numpy.random._pickle", f"__{what}_ctor") for what in ("generator", "bit_generator", "randomstate")),
    Named("numpy.random._pcg64", "PCG64"), Named("numpy.random._mt19937", "MT19937"),
    Named("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"),
    Named("numpy.random.bit_generator", "SeedSequence"),
}  # fmt: skip
REMEDY = "give the file that VecNormalize.save wrote"


def read(path: Path) -> Normalisation:
    """The normaliser of a VecNormalize file, the identity where it normalises rewards alone.

    Raises:
        PolicyError: it names anything but the classes of such a file, is damaged, or is of images or a Dict.
    """
    where = str(path)
    wrapper = Machine(where, opaque=_OPAQUE).run(files.read(path))
    if not isinstance(wrapper, Instance) or wrapper.of.name != "VecNormalize":
        raise refusal(where, "is not a VecNormalize file", REMEDY)
    statistics, space = wrapper.get("obs_rms"), wrapper.get("observation_space")
    if isinstance(statistics, dict) or wrapper.get("norm_obs_keys") or _name(space) == "Dict":
        message = "normalises a Dict of observations"
        raise refusal(where, message, "train with gymnasium.wrappers.FlattenObservation inside, which gives one Box")
    limits = box_limits(wrapper.get("action_space"))
    if wrapper.get("norm_obs") is False:
        shape = space.get("_shape") if isinstance(space, Instance) else None
        if not isinstance(shape, tuple) or not all(type(n) is int and 0 < n < 10**6 for n in shape):
            raise refusal(where, "does not normalise observations and does not say how many there are", "leave it out")
        dims = min(math.prod(shape), 10**6)
        return Normalisation(np.zeros(dims), np.ones(dims), UNCLIPPED, limits)
    if not isinstance(statistics, Instance):
        raise refusal(where, "has no statistics of observations", REMEDY)
    mean, var = (_numbers(statistics.get(name), name, where) for name in ("mean", "var"))
    clip, epsilon = (_number(wrapper.get(name), name, where) for name in ("clip_obs", "epsilon"))
    if mean.shape != var.shape:
        raise refusal(where, f"has means {mean.shape} and variances {var.shape}")
    if mean.ndim > 2:
        raise refusal(where, f"normalises images {mean.shape}", "give the policy numbers: sensors instead of pixels")
    with np.errstate(all="ignore"):
        std = np.sqrt(var + epsilon).ravel()
    if not (np.isfinite(std).all() and (std > 0).all() and clip > 0):
        raise refusal(where, "has a variance or a clip_obs that is not positive")
    return Normalisation(mean.ravel(), std, min(clip, UNCLIPPED), limits)


def box_limits(space: Any) -> Limits | None:
    """Lowest and highest values (n,) of a Box as its pickle tells them; None of all else."""
    if not isinstance(space, Instance) or space.of.name != "Box":
        return None
    found = []
    for name in ("low", "high"):
        array = space.get(name)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            return None
        found.append(array.astype(np.float64).ravel())
    return found[0], found[1]


def _name(space: Any) -> str:
    return space.of.name if isinstance(space, Instance) else ""


def _numbers(value: Any, name: str, where: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    array = plain(value)
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or not array.size or not np.isfinite(array).all():
        raise refusal(where, f"has no finite {name} of observations", REMEDY)
    return array.astype(np.float64)


def _number(value: Any, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise refusal(where, f"has a {name} that is not a number from 0", REMEDY)
    return float(min(value, UNCLIPPED))
