"""Policy folders of LeRobot: why one is not a dense network, from its ``config.json``.

Its policies (ACT, diffusion, VQ-BeT, pi0, SmolVLA ...) are transformers or convolutions, most of them of images; the
folder says which, and nothing else of it is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snnctl.errors import PolicyError
from snnctl.interop import files
from snnctl.interop.files import refusal, shown
from snnctl.storage import parse_json

CONFIG = "config.json"
_MAX_CONFIG_BYTES = 1_000_000


def refused(folder: Path) -> PolicyError:
    """Why the policy of a folder is not imported, with what it is and what it takes."""
    where = str(folder)
    if not (folder / CONFIG).is_file():
        return refusal(where, f"is a folder without {CONFIG}", "give the file of a policy")
    raw = files.read(folder / CONFIG)
    text = raw[:_MAX_CONFIG_BYTES].decode("utf-8", "replace")
    config = parse_json(text, f"{where}/{CONFIG}")
    features = config.get("input_features") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(features, dict):
        return refusal(f"{where}/{CONFIG}", "names no input_features", "give a policy folder of LeRobot, or a file")
    kind = shown(config.get("type"))
    if pictures := sorted(shown(name) for name, feature in features.items() if _is_visual(feature)):
        message = f"is a LeRobot policy '{kind}' of images: {', '.join(pictures[:5])}"
        return refusal(where, message, "train a policy of numbers (observation.state) whose actor is linear layers")
    message = f"is a LeRobot policy '{kind}', which is not known to be a stack of linear layers"
    return refusal(where, message, "if it is one, give model.safetensors with --activation, and compare with --check")


def _is_visual(feature: Any) -> bool:
    return isinstance(feature, dict) and feature.get("type") == "VISUAL"
