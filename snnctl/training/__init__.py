"""Training: one file a trainer; run folders, checkpoints and the run that ties them together.

``TRAINERS`` is the table of the slot: configurations, imported when they are asked for.
"""

from __future__ import annotations

from typing import Any

__all__ = ["TRAINERS"]


def __getattr__(name: str) -> Any:
    if name != "TRAINERS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from snnctl.training.ppo import PpoConfig
    from snnctl.training.rstdp import RstdpConfig
    from snnctl.training.sac import SacConfig
    from snnctl.training.td3 import Td3Config

    return (PpoConfig, RstdpConfig, SacConfig, Td3Config)
