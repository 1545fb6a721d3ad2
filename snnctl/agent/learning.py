"""How an agent's synapses go on learning while it acts: the rule, its dopamine and its critic, as data."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from snnctl.config import Seconds, schema


@schema
class Learning:
    """Configuration of a learning agent; the equations are in :mod:`snnctl.agent.actor_critic`.

    ``rule`` and ``dopamine`` are slots: score with td is the actor-critic, score with prediction_error is R-max, pair
    with prediction_error is plain reward-modulated STDP.
    """

    rule: Literal["score", "pair"] = "score"
    dopamine: Literal["td", "prediction_error"] = "td"
    gamma: Annotated[float, Gt(0), Lt(1)] = 0.99  # discount of future rewards
    trace_lambda: Annotated[float, Ge(0), Le(1)] = 0.8  # eligibility decays by gamma trace_lambda a decision
    learning_rate: Annotated[float, Ge(0)] = 6e-4  # of the actor's weights
    critic_learning_rate: Annotated[float, Ge(0)] = 0.03
    noise: Annotated[float, Gt(0)] = 0.5  # width of the escape noise, in units of the membrane
    weight_limit: Annotated[float, Gt(0)] = 4.0  # the actor's weights stay within +-limit
    critic_weight_limit: Annotated[float, Gt(0)] | None = None  # of the critic; value_high - value_low by default
    critic_neurons: Annotated[int, Gt(0)] = 32
    value_low: Annotated[float, Ge(-1), Le(1)] = -1.0  # what a silent critic says, in largest rewards per step
    value_high: Annotated[float, Ge(-1), Le(1)] = 1.0  # what one says that spikes in every tick
    value_baseline: float = 0.0  # where nothing is learnt; hopeful is better than right, see docs/rstdp.md
    reward_scale: Annotated[float, Ge(0)] = 0.0  # the largest reward to expect; larger ones replace it
    dopamine_limit: Annotated[float, Gt(0)] = 5.0  # in deviations of the error
    dopamine_share: Annotated[float, Gt(0), Le(1)] = 1e-4  # of the newest error in its mean square
    tau_post_s: Annotated[Seconds, Ge(0)] = 20e-3  # of pair STDP
    a_minus: Annotated[float, Ge(0)] = 1.05  # of pair STDP; its a_plus is 1
    arithmetic: Literal["float", "integer"] = "float"  # integer: 8-bit weights, 7- and 9-bit traces

    def __post_init__(self) -> None:
        if not self.value_low < self.value_high:
            raise ValueError(f"value_low {self.value_low} must be below value_high {self.value_high}")
        if not self.value_low <= self.value_baseline <= self.value_high:
            raise ValueError(
                f"value_baseline {self.value_baseline} must be within value_low {self.value_low} "
                f"and value_high {self.value_high}"
            )
