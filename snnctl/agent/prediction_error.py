"""The modulator of R-max: the reward less its running mean, in its deviations.

    delta = r - mean;   mean = mean + mean_share delta          r in parts of the largest reward seen
    d     = gain clip(delta / sqrt(mean of delta^2), -signal_limit, signal_limit)

The equations are the compiled ones of :mod:`snnctl.agent.actor_critic` for ``td = 0``; ``mean_share`` is
:data:`~snnctl.agent.actor_critic.MEAN_SHARE`. Tensor: ``modulator.numbers`` (6,),
:class:`~snnctl.agent.actor_critic.Numbers`.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.actor_critic import AT, rescale, surprise, synapses
from snnctl.agent.actor_critic import release as _release
from snnctl.agent.modulator import ModulatorConfig, Tensors, Volley
from snnctl.agent.td import _RULE, Td
from snnctl.config import schema


@schema
class PredictionError(ModulatorConfig):
    """Configuration."""

    kind: Literal["prediction_error"] = "prediction_error"
    gain: Annotated[float, Ge(0)] = 1.0
    reward_scale: Annotated[float, Ge(0)] = 0.0  # the largest reward to expect; larger ones replace it
    signal_limit: Annotated[float, Gt(0)] = 5.0  # in deviations of the error
    deviation_share: Annotated[float, Gt(0), Le(1)] = 1e-4  # of the newest error in its mean square

    def tensor_shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Scale, means and count."""
        return {"modulator.numbers": (len(AT),)}

    def slowed(self, fraction: float) -> PredictionError:
        """With this fraction of the gain."""
        return dataclasses.replace(self, gain=self.gain * fraction)

    def build(self, inputs: int, ticks: int, tensors: Tensors) -> RewardError:
        """With the means so far."""
        return RewardError(self, tensors)


class RewardError:
    """Reward -> signal, by means of what came before."""

    def __init__(self, config: PredictionError, tensors: Tensors) -> None:
        self.config = config
        alike = Td(signal_limit=config.signal_limit, deviation_share=config.deviation_share)
        self._c = alike.settings._replace(td=0)
        self._syn = synapses(np.zeros((0, 0), np.float32))
        self._syn.numbers[:] = tensors["modulator.numbers"]
        self._syn.numbers[AT.marked] = 0
        self._unused = streams.kernel_state(0, "exploration")

    def begin(self, observation: Volley) -> None:
        """The scale is at least that of the configuration."""
        self._syn.numbers[AT.scale] = max(self._syn.numbers[AT.scale], self.config.reward_scale)

    def signal(self, reward: float, observation: Volley, terminated: bool, truncated: bool) -> float:
        """The error of this reward, which goes into the means."""
        c = self._c
        rescale(c, self._syn, reward, self._unused)
        delta = surprise(c, self._syn, reward, 0.0)
        return self.config.gain * float(_release(c, _RULE, self._syn, delta, self._unused))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Its numbers."""
        return {"modulator.numbers": self._syn.numbers.copy()}

    def state(self) -> dict[str, NDArray[Any]]:
        """Its numbers."""
        return {"numbers": self._syn.numbers.copy()}

    def restore(self, state: Tensors) -> None:
        """Continue from :meth:`state`."""
        self._syn.numbers[:] = state["numbers"]
        self._syn.numbers[AT.marked] = 0
