"""State dicts of torch, from safetensors or from files of ``torch.save``: tensors by name, no objects between them.

The layers of the actor are found by their names, activation and squashing are told by the user. Known names:

    actor.latent_pi, actor.mu, action_net, q_net.q_net      stable-baselines3 (:mod:`snnctl.interop.sb3`)
    actor_obs_normalizer, obs_normalizer, normalizer        rsl_rl: (x - _mean) / (_std + 0.01)
    PREFIX.<index>                                          the stack of linear layers that is the only one, or the one
                                                            whose name has actor, policy, pi, mu or mlp in it
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from snnctl.interop import layers, policy, sb3
from snnctl.interop.files import refusal, shown
from snnctl.interop.layers import Tensors
from snnctl.interop.policy import Normalisation, Policy
from snnctl.network.activations import Activation

_ACTORS = ("actor", "policy", "pi", "mu", "mlp")
_CRITICS = re.compile(r"critic|value|vf|qf|q_net|target|discriminator|teacher")
_RSL_EPS = 0.01  # of rsl_rl's EmpiricalNormalization


def read(tensors: Tensors, activation: Activation | None, where: str) -> Policy:
    """The policy of a state dict.

    Raises:
        PolicyError: its layers are not a stack, there are several, or its activation was not told.
    """
    if any(name.startswith(sb3.PREFIXES) for name in tensors):
        found_there = sb3.of_tensors(tensors, where)
        return found_there if activation is None else dataclasses.replace(found_there, activation=activation)
    prefixes = dict.fromkeys(m[1] for name in tensors if (m := re.fullmatch(r"(?:(.*)\.)?\d{1,4}\.weight", name)))
    found = [prefix or "" for prefix in sorted(prefixes, key=str) if not _CRITICS.search(prefix or "")]
    named = [prefix for prefix in found if {*re.split(r"[._]", prefix)} & {*_ACTORS}]
    chosen = named if len(found) > 1 else found
    if len(chosen) != 1:
        what = f"several stacks of layers: {', '.join(map(shown, found[:5]))}" if found else "no stack of linear layers"
        message = f"has {what}; its tensors begin with '{shown(min(tensors, default=''))}'"
        raise refusal(where, message, "save the actor alone: an nn.Sequential of linear layers and activations")
    of_stack = {name if chosen[0] else f".{name}": array for name, array in tensors.items()}
    made = layers.folded(layers.sequential(of_stack, chosen[0], where), where)
    if activation is None and len(made) > 1:
        remedy = "say it with --activation relu, tanh, elu ..., and compare with --check"
        raise refusal(where, "does not say which activation its hidden layers have", remedy)
    return Policy(
        source="a state dict of torch",
        layers=policy.chained(made, where),
        activation=activation or "relu",
        output="none",
        either=True,
        normalisation=_normaliser(tensors, where),
    )


def _normaliser(tensors: Tensors, where: str) -> Normalisation | None:
    """Of rsl_rl."""
    for prefix in ("actor_obs_normalizer", "obs_normalizer", "normalizer"):
        mean, std = tensors.get(f"{prefix}._mean"), tensors.get(f"{prefix}._std")
        if mean is not None and std is not None:
            mean, std = mean.astype(np.float64).ravel(), std.astype(np.float64).ravel() + _RSL_EPS
            if mean.shape != std.shape or not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
                raise refusal(where, "has a normaliser that is not of finite, positive numbers")
            return Normalisation(mean, std)
    return None
