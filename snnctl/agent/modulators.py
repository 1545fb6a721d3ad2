"""The table of modulators: a file each, imported when it is named."""

from __future__ import annotations

MODULATORS = {
    "td": "snnctl.agent.td:Td",
    "prediction_error": "snnctl.agent.prediction_error:PredictionError",
    "reward": "snnctl.agent.reward:Reward",
}
