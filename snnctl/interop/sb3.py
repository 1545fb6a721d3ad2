"""Policies of stable-baselines3 and sb3-contrib: zips that ``model.save`` wrote.

    PPO, A2C, TRPO        mlp_extractor.policy_net, action_net; tanh      Gaussian: mean, clipped to the limits
                                                                          categorical: the largest
    SAC, TQC, CrossQ      actor.latent_pi, actor.mu; relu                 tanh(mu), scaled to the limits
    TD3, DDPG             actor.mu; relu                                  tanh, scaled to the limits
    DQN                   q_net.q_net; relu                               the largest
    gSDE                  the same; of SAC, TQC, CrossQ the means are clipped to +-clip_mean before tanh

The numbers are those of ``policy.pth``. Of ``data`` (JSON) the plain values are read, and of what it holds as pickles
the names and plain values in them (:mod:`snnctl.interop.pickled`): activation, policy class, limits of actions.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from typing import Any, NamedTuple

from snnctl.errors import SnnctlError
from snnctl.interop import layers, policy
from snnctl.interop.files import Zip, refusal, shown
from snnctl.interop.layers import Scaling, Tensors
from snnctl.interop.pickled import Instance, Machine, Named
from snnctl.interop.policy import Layer, Policy
from snnctl.interop.torch_file import TorchFile, state_dict
from snnctl.interop.vec_normalize import box_limits
from snnctl.network.activations import Activation
from snnctl.storage import parse_json

_MAX_DATA_BYTES = 8_000_000
_MAX_STEPS = 10**15
_CLIP_MEAN = 2.0  # of gSDE, by default
PREFIXES = ("actor.latent_pi.", "actor.mu.", "action_net.", "mlp_extractor.", "q_net.q_net.", "lstm_actor.")
_PICKLED = ":serialized:"
_IMAGES = "train it on numbers (MlpPolicy): a spiking controller here takes observations, not pictures"
_FLAT = "train it in an environment with FlattenObservation, which makes one Box of a Dict, and MlpPolicy"


class Saved(NamedTuple):
    """What a zip says, as far as it is needed."""

    where: str
    data: dict[str, Any]  # of JSON, pickles as the values that the machine made
    arguments: dict[str, Any]  # policy_kwargs
    tensors: Tensors


def is_saved(members: Zip) -> bool:
    """Whether a zip is one that stable-baselines3 saved."""
    return {"data", "policy.pth"} <= {*members.names}


def read(members: Zip) -> Policy:
    """The policy of a zip.

    Raises:
        PolicyError: it names what runs code, is damaged, or is of a kind that is not a dense network.
    """
    saved = _saved(members)
    found = _of(saved)
    return dataclasses.replace(
        found, limits=box_limits(saved.data.get("action_space")), steps=_steps(saved.data),
        versions=_versions(members), notes=_notes(saved.data),
    )  # fmt: skip


def of_tensors(tensors: Tensors, where: str) -> Policy:
    """The policy of a bare state dict, with the settings of its algorithm by default.

    Raises:
        PolicyError: it is of a kind that is not a dense network.
    """
    return _of(Saved(where, {}, {}, tensors))


def _of(saved: Saved) -> Policy:
    _require_flat(saved)
    names = saved.tensors
    if any(name.startswith("actor.") for name in names):
        return _squashed(saved)
    if any(name.startswith(("action_net.", "mlp_extractor.")) for name in names):
        return _on_policy(saved)
    if any(name.startswith("q_net.q_net.") for name in names):
        return _values(saved)
    message = f"has no policy of a known kind; its tensors begin with '{shown(next(iter(names)))}'"
    remedy = "import PPO, A2C, SAC, TD3, DDPG, TQC, CrossQ or DQN with MlpPolicy"
    raise refusal(saved.where, message, remedy)


# --------------------------------------------------------------------------- kinds of policies


def _on_policy(saved: Saved) -> Policy:
    """Of PPO, A2C and their like."""
    where, tensors = saved.where, saved.tensors
    modules = [module for part in ("shared_net", "policy_net") for module in _hidden(saved, f"mlp_extractor.{part}")]
    made = layers.folded([*modules, layers.linear(tensors, "action_net", where)], where)
    squashed = saved.arguments.get("squash_output") is True
    gaussian = "log_std" in tensors
    return Policy(
        source="an on-policy algorithm of stable-baselines3 (PPO, A2C)",
        layers=policy.chained(made, where),
        activation=_activation(saved, "tanh"),
        output=("tanh" if squashed else "none") if gaussian else "scores",
    )


def _squashed(saved: Saved) -> Policy:
    """Of SAC and its like, and of TD3 and DDPG: actions scaled from (-1, 1)."""
    where, tensors = saved.where, saved.tensors
    is_random = any(name.startswith("actor.log_std") for name in tensors)
    modules = _hidden(saved, "actor.latent_pi")
    with_sde = "actor.log_std" in tensors  # a matrix, beside means in a sequence with a Hardtanh
    if is_random and "actor.mu.weight" in tensors:
        modules = [*modules, layers.linear(tensors, "actor.mu", where)]
    else:
        modules = [*modules, *layers.sequential(tensors, "actor.mu", where)]
    clip = saved.arguments.get("clip_mean", _CLIP_MEAN)
    if with_sde and (isinstance(clip, bool) or not isinstance(clip, int | float)):
        raise refusal(where, "has a clip_mean that is not a number")
    return Policy(
        source="SAC, TQC or CrossQ of stable-baselines3" if is_random else "TD3 or DDPG of stable-baselines3",
        layers=policy.chained(layers.folded(modules, where), where),
        activation=_activation(saved, "relu"),
        output="tanh",
        bound=float(clip) if with_sde and 0 < clip < policy.UNCLIPPED else None,
    )


def _values(saved: Saved) -> Policy:
    """Of DQN: a value of each action."""
    modules = layers.sequential(saved.tensors, "q_net.q_net", saved.where)
    return Policy(
        source="DQN of stable-baselines3",
        layers=policy.chained(layers.folded(modules, saved.where), saved.where),
        activation=_activation(saved, "relu"),
        output="scores",
    )


def _hidden(saved: Saved, prefix: str) -> list[Layer | Scaling]:
    eps = saved.arguments.get("batch_norm_eps", layers.RENORMALISATION_EPS)
    if isinstance(eps, bool) or not isinstance(eps, int | float) or not 0 <= eps < 1:
        raise refusal(saved.where, "has a batch_norm_eps that is not a small number")
    return layers.sequential(saved.tensors, prefix, saved.where, float(eps))


def _activation(saved: Saved, default: str) -> Activation:
    named = saved.arguments.get("activation_fn")
    if named is None:
        return policy.known_activation(default, saved.where)
    if isinstance(named, Named) and named.module.startswith("torch.nn."):
        return policy.known_activation(named.name, saved.where)
    return policy.known_activation(str(named) if isinstance(named, Named) else "of its own", saved.where)


def _require_flat(saved: Saved) -> None:
    """Refuse pictures, several observations, memory and feature extractors, each by name."""
    where, names = saved.where, [*saved.tensors]
    if memory := next((name for name in names if "lstm" in name or ".rnn." in name or ".gru." in name), None):
        message = f"is recurrent ('{shown(memory)}'); a dense network keeps nothing between decisions"
        raise refusal(where, message, "train it with MlpPolicy, with frame_stack for a memory of a few steps")
    space = saved.data.get("observation_space")
    if isinstance(space, Instance) and space.of.name in ("Dict", "Tuple"):
        raise refusal(where, f"takes a {space.of.name} of observations", _FLAT)
    named = str(saved.data.get("policy_class")) + str(saved.arguments.get("features_extractor_class"))
    extractor = next((name for name in names if "features_extractor" in name), "")
    if "Cnn" in named or "CNN" in named or ".cnn." in extractor:
        raise refusal(where, "takes images (CnnPolicy)", _IMAGES)
    if "MultiInput" in named or ".extractors." in extractor:
        raise refusal(where, "takes a Dict of observations (MultiInputPolicy)", _FLAT)
    given = saved.arguments.get("features_extractor_class")
    if extractor or (given is not None and not (isinstance(given, Named) and given.name == "FlattenExtractor")):
        what = extractor or (str(given) if isinstance(given, Named) else "a class of its own")
        raise refusal(where, f"has a features extractor: '{shown(what)}'", policy.TRAIN_AGAIN)


# --------------------------------------------------------------------------- what the zip holds


def _saved(members: Zip) -> Saved:
    where = members.where
    try:
        text = members.read("data", _MAX_DATA_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise refusal(f"{where}:data", "is not text") from None
    try:
        data = parse_json(text, f"{where}:data")
    except SnnctlError:
        raise refusal(f"{where}:data", "is not JSON") from None
    if not isinstance(data, dict):
        raise refusal(f"{where}:data", "is not a table of JSON")
    values = {name: _value(item, f"{where}:data:{shown(name)}") for name, item in data.items()}
    for name in members.names:
        if name.endswith(".pth") and name != "policy.pth":  # not needed; what it names must be known all the same
            file = TorchFile(members.read(name), f"{where}:{shown(name)}")
            Machine(file.where, strict=False, persistent=_nothing).run(file.pickle)
    file = TorchFile(members.read("policy.pth"), f"{where}:policy.pth")
    arguments = values.get("policy_kwargs")
    arguments = (
        {key: item for key, item in arguments.items() if isinstance(key, str)} if isinstance(arguments, dict) else {}
    )
    return Saved(where, values, arguments, state_dict(file.read(), file.where))


def _value(item: Any, where: str) -> Any:
    """A value of ``data``; a pickled one as the data that the machine makes of it."""
    if not isinstance(item, dict) or _PICKLED not in item:
        return item
    try:
        raw = base64.b64decode(item[_PICKLED], validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise refusal(where, "has a pickle that is not in base64") from None
    return Machine(where, strict=False).run(raw)


def _nothing(identity: Any) -> None:
    """Instead of a storage that nobody needs."""


def _steps(data: dict[str, Any]) -> int:
    steps = data.get("num_timesteps")
    return steps if type(steps) is int and 0 <= steps < _MAX_STEPS else 0


def _versions(members: Zip) -> dict[str, str]:
    if "_stable_baselines3_version" not in members.names:
        return {}
    text = members.read("_stable_baselines3_version", 1000).decode("utf-8", "replace")
    return {"stable-baselines3": shown(text.strip())[:30]}


def _notes(data: dict[str, Any]) -> tuple[str, ...]:
    if data.get("_last_original_obs") is None:
        return ()
    return ("it was trained with VecNormalize, whose file is not inside: give it with --normaliser",)
