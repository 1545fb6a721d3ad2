"""Chips: what they hold, what a network costs on them, and the emulators that run it. One folder a family.

fit(program, chip) -> Fit          placement, rules, quantisation; the image that runs it, or all that keeps it out
FAMILIES                           the table of their slot: the families of the package, imported when asked for
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnctl.hardware.family import Fit as Fit
    from snnctl.hardware.family import fit as fit

FAMILIES = {
    "loihi1": "snnctl.hardware.loihi1:FAMILY",
    "spinnaker1": "snnctl.hardware.spinnaker1:FAMILY",
    "truenorth": "snnctl.hardware.truenorth:FAMILY",
    "xylo": "snnctl.hardware.xylo:FAMILY",
}
_LAZY = {"Fit": "snnctl.hardware.family", "fit": "snnctl.hardware.family"}

__all__ = ["FAMILIES", "Fit", "fit"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
