"""A file to a policy: which reader takes it, and what the user adds to it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

import numpy as np

from snnctl.agent.folder import read_tensors
from snnctl.interop import files, lerobot, onnx_graph, sb3, state_dict, torch_file, vec_normalize
from snnctl.interop.files import Zip, refusal
from snnctl.interop.onnx_file import OnnxFile
from snnctl.interop.policy import Policy, known_activation
from snnctl.network.activations import Activation

FORMATS = "a zip of stable-baselines3, a state dict of torch (.safetensors, .pt, .pth) or an ONNX file"

Squash = Literal["tanh", "unit", "clip", "none", "scores"]
SQUASHES: tuple[Squash, ...] = ("tanh", "unit", "clip", "none", "scores")


@dataclasses.dataclass(frozen=True)
class Told:
    """What the user says of a policy whose file does not say it, or says otherwise."""

    activation: Activation | None = None
    squash: Squash | None = None


def told(activation: str, squash: str) -> Told:
    """Checked words of a user; empty: nothing is said.

    Raises:
        PolicyError: one is not known.
    """
    if squash and squash not in SQUASHES:
        raise refusal("--squash", f"is '{files.shown(squash)}'", f"choose one of {', '.join(SQUASHES)}")
    known = known_activation(activation, "--activation") if activation else None
    return Told(known, next((output for output in SQUASHES if output == squash), None))


def read(path: Path, normaliser: Path | None = None, said: Told | None = None) -> Policy:
    """The policy of a file.

    Args:
        path: of the policy
        normaliser: a VecNormalize file
        said: what the user adds

    Raises:
        PolicyError: it is of no known format, damaged, of a kind that is not a dense network, or names what runs code.
    """
    said = said or Told()
    found = _policy(path, said)
    if said.squash is not None:
        found = _squashed(found, said.squash)
    if normaliser is not None:
        if found.normalisation is not None:
            message = "is given, and the policy holds a normaliser of its own"
            raise refusal("--normaliser", message, "leave it out")
        notes = tuple(note for note in found.notes if "--normaliser" not in note)
        found = dataclasses.replace(found, normalisation=vec_normalize.read(normaliser), notes=notes)
    return found


def _policy(path: Path, said: Told) -> Policy:
    where = str(path)
    if path.is_dir():
        raise lerobot.refused(path)
    if path.suffix == ".safetensors":
        return state_dict.read(read_tensors(path), said.activation, where)
    raw = files.read(path)
    if files.is_zip(raw):
        members = Zip(raw, where)
        if sb3.is_saved(members):
            found = sb3.read(members)
            return found if said.activation is None else dataclasses.replace(found, activation=said.activation)
        file = torch_file.TorchFile(raw, where)
        return state_dict.read(torch_file.state_dict(file.read(), where), said.activation, where)
    if path.suffix == ".onnx":
        return onnx_graph.read(OnnxFile(path).read(raw), where)
    raise refusal(where, "is of no known format", f"give {FORMATS}")


def _squashed(found: Policy, squash: Squash) -> Policy:
    """With the user's word for what becomes of the outputs."""
    if found.output == "tanh" and squash not in ("tanh", "unit"):
        message = f"is '{squash}', and the actions of the policy end in tanh"
        raise refusal("--squash", message, "choose tanh, which scales them to the limits, or unit, which does not")
    if squash == "unit":
        ones = np.ones(found.sizes[-1])
        return dataclasses.replace(found, output="tanh", either=False, limits=(-ones, ones), own_limits=True, notes=())
    return dataclasses.replace(found, output=squash, either=False, notes=())
