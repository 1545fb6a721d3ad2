"""Observation normaliser: running mean and deviation at training time, fixed in the agent.

    x = clip((obs - mean) / std, -clip, clip)

Tensors: ``normaliser.mean`` and ``normaliser.std`` (dims,), std > 0.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt

from snnctl.config import schema


@schema
class Normaliser:
    """Configuration of the normaliser."""

    clip: Annotated[float, Gt(0)] = 3.0
    learnable: bool = True  # false: mean and deviation stay what the trainer starts with
