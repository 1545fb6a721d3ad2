"""The modulator of actor and critic: the temporal-difference error of a spiking critic that learns beside the network.

    delta = (1 - gamma) r + gamma V' - V            V' = 0 where the task has ended, the critic's V where time ran out
    d     = gain clip(delta / sqrt(mean of delta^2), -signal_limit, signal_limit)

with r in parts of the largest reward seen. The critic, its rule and the units are those of
:mod:`snnctl.agent.actor_critic`, of which this is the case without actor neurons: the same compiled functions.

Tensors: ``critic.weight`` (inputs,), and ``critic.numbers`` (6,), which
:class:`~snnctl.agent.actor_critic.Numbers` names.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.actor_critic import (
    AT,
    Settings,
    Synapses,
    explore,
    forget,
    release,
    rescale,
    surprise,
    synapses,
    value,
)
from snnctl.agent.modulator import ModulatorConfig, Tensors, Volley
from snnctl.allocation import Need
from snnctl.config import schema
from snnctl.errors import AgentError, Problem
from snnctl.neurons.current_lif import CurrentLif, CurrentLifConstants
from snnctl.plasticity import three_factor

_RULE = three_factor.constants(  # of no synapses
    tick_s=1.0, tau_rise_s=0.0, tau_pre_s=0.0, tau_post_s=0.0, ticks=1, decay=0.0, score=True, a_minus=0.0,
    clears=True, limit=1.0, integer=False,
)  # fmt: skip
_NEURON = CurrentLifConstants(*map(np.float32, CurrentLif(tau_mem_s=1.0, tau_syn_s=0.0).constants(1.0)))  # of none


@schema
class Td(ModulatorConfig):
    """Configuration of critic and modulator; values are in largest rewards per step, as in ``Learning``."""

    NEEDS_SPIKES: ClassVar[bool] = True
    PREDICTS: ClassVar[bool] = True

    kind: Literal["td"] = "td"
    gain: Annotated[float, Ge(0)] = 1.0
    gamma: Annotated[float, Gt(0), Lt(1)] = 0.99  # discount of future rewards
    trace_lambda: Annotated[float, Ge(0), Le(1)] = 0.8  # the critic's eligibility decays by gamma trace_lambda
    critic_learning_rate: Annotated[float, Ge(0)] = 0.03
    critic_weight_limit: Annotated[float, Gt(0)] | None = None  # value_high - value_low by default
    critic_neurons: Annotated[int, Gt(0)] = 32
    value_low: Annotated[float, Ge(-1), Le(1)] = -1.0
    value_high: Annotated[float, Ge(-1), Le(1)] = 1.0
    value_baseline: float = 0.0
    reward_scale: Annotated[float, Ge(0)] = 0.0  # the largest reward to expect; larger ones replace it
    signal_limit: Annotated[float, Gt(0)] = 5.0  # in deviations of the error
    deviation_share: Annotated[float, Gt(0), Le(1)] = 1e-4  # of the newest error in its mean square

    def __post_init__(self) -> None:
        if not self.value_low < self.value_high:
            raise ValueError(f"value_low {self.value_low} must be below value_high {self.value_high}")
        if not self.value_low <= self.value_baseline <= self.value_high:
            raise ValueError(f"value_baseline {self.value_baseline} must be within value_low and value_high")

    def tensor_shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Weights of the critic, and its six numbers."""
        return {"critic.weight": (inputs,), "critic.numbers": (len(AT),)}

    def needs(self, ticks: int) -> list[Need]:
        """Membranes of the critic."""
        count = self.critic_neurons
        return [Need("critic_neurons", f"{count} neurons of the critic in {ticks} ticks", 16 * count, ticks * count)]

    def slowed(self, fraction: float) -> Td:
        """With this fraction of gain and critic_learning_rate."""
        rate = self.critic_learning_rate * fraction
        return dataclasses.replace(self, gain=self.gain * fraction, critic_learning_rate=rate)

    def build(self, inputs: int, ticks: int, tensors: Tensors) -> TdError:
        """The critic with these weights."""
        return TdError(self, inputs, ticks, tensors)

    @property
    def settings(self) -> Settings:
        """As the compiled functions take them."""
        decay = self.gamma * self.trace_lambda
        return Settings(
            rate=0.0,
            critic_rate=self.critic_learning_rate,
            noise=0.0,
            gamma=self.gamma,
            decay=decay,
            baseline=self.value_baseline,
            low=self.value_low,
            high=self.value_high,
            neurons=self.critic_neurons,
            most=self.signal_limit,
            share=self.deviation_share,
            td=1,
            horizon=three_factor.horizon(decay),
            value_limit=self.critic_weight_limit or self.value_high - self.value_low,
            value_step=0.0,
        )


class TdError:
    """Reward and spikes of the next observation -> signal, by a critic that learns from each."""

    def __init__(self, config: Td, inputs: int, ticks: int, tensors: Tensors) -> None:
        self.config, self._c = config, config.settings
        self._syn: Synapses = synapses(np.zeros((inputs, 0), np.float32))
        limit = config.settings.value_limit
        self._syn.value_weight[:] = np.clip(tensors["critic.weight"], -limit, limit)
        self._syn.numbers[:] = tensors["critic.numbers"]
        self._syn.numbers[AT.marked] = 0
        self._unused = streams.kernel_state(0, "exploration")  # nothing here is random
        self._slot = np.full(inputs, -1, np.int64)
        self._raster = np.zeros((ticks, 0), np.uint8)
        self._bias = np.zeros(0, np.float32)
        self._delta = np.zeros(1)

    @property
    def value(self) -> float:
        """V of the newest observation, in largest rewards per step."""
        return float(self._syn.numbers[AT.value])

    @property
    def delta(self) -> float:
        """TD error of the newest reward."""
        return float(self._delta[0])

    @property
    def reward_scale(self) -> float:
        """The largest reward so far."""
        return float(self._syn.numbers[AT.scale])

    def begin(self, observation: Volley) -> None:
        """Forget the episode before; V of the first observation."""
        self._c = self.config.settings
        forget(self._syn)
        self._delta[0] = 0.0
        self._syn.numbers[AT.scale] = max(self._syn.numbers[AT.scale], self.config.reward_scale)
        self._look(observation)

    def signal(self, reward: float, observation: Volley, terminated: bool, truncated: bool) -> float:
        """The critic learns from its error, and values the observation anew."""
        c, syn = self._c, self._syn
        rescale(c, syn, reward, self._unused)
        following = 0.0 if terminated else value(c, syn, *observation)
        self._delta[0] = surprise(c, syn, reward, following)
        d: float = release(c, _RULE, syn, float(self._delta[0]), self._unused)
        if terminated or truncated:
            forget(syn)
        else:
            self._look(observation)
        return self.config.gain * d

    def _look(self, observation: Volley) -> None:
        """V of an observation, whose inputs are marked."""
        c = self._c
        self._syn.numbers[AT.value] = value(c, self._syn, *observation)
        explore(
            c, _RULE, _NEURON, self._syn, self._bias, *observation, self._unused, self._slot, self._raster
        )  # fmt: skip

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Weights and numbers."""
        numbers = self._syn.numbers.copy()
        numbers[AT.marked] = numbers[AT.value] = 0
        return {"critic.weight": self._syn.value_weight.copy(), "critic.numbers": numbers}

    def state(self) -> dict[str, NDArray[Any]]:
        """Weights, marks and numbers."""
        kept = ("value_weight", "value_eligibility", "marked", "left", "numbers")
        return {name: getattr(self._syn, name).copy() for name in kept} | {"delta": self._delta.copy()}

    def restore(self, state: Tensors) -> None:
        """Continue from :meth:`state`.

        Raises:
            AgentError: marks of inputs that do not exist.
        """
        n, count = self._syn.marked.size, float(state["numbers"][AT.marked])
        if not (0 <= count <= n and ((state["marked"] >= 0) & (state["marked"] < max(n, 1))).all()):
            raise AgentError(Problem("state.modulator.marked", "names inputs that do not exist", "it is damaged"))
        for name, values in state.items():
            held = self._delta if name == "delta" else getattr(self._syn, name)
            held[:] = values
