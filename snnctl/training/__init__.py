"""Training: one file a trainer; run folders, checkpoints and the run that ties them together.

``TRAINERS`` is the table of the slot: configurations, imported when they are asked for.
"""

from __future__ import annotations

TRAINERS = {
    "modulated": "snnctl.training.modulated:ModulatedConfig",
    "ppo": "snnctl.training.ppo:PpoConfig",
    "rstdp": "snnctl.training.rstdp:RstdpConfig",
    "sac": "snnctl.training.sac:SacConfig",
    "td3": "snnctl.training.td3:Td3Config",
}

__all__ = ["TRAINERS"]
