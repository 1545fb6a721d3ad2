"""Agents with rules on their projections, and a small world to learn in, for the tests of learners."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from snnctl.agent.folder import Agent
from snnctl.coding import ChoiceDecoder, GaussianPopulation
from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.neurons import CurrentLif, EscapeLif, NoisyLif
from snnctl.plasticity import Eprop, PairStdp, RewardStdp, RMax, Score
from tests import factories

ENCODER, DECODER = GaussianPopulation(neurons_per_dim=4), ChoiceDecoder(neurons_per_action=3)
LIF = CurrentLif(tau_mem_s=8e-3, tau_syn_s=2e-3)
NOISY = EscapeLif(tau_mem_s=8e-3, tau_syn_s=2e-3, v_threshold_mv=1.0, delta_u_mv=0.3, v_reset_mv=0.0)
REWARD = RewardStdp(tau_eligibility_s=0.05, tau_modulator_s=2e-3, weight_min=-4.0, learning_rate=50.0)
R_MAX = RMax(tau_mem_s=8e-3, tau_syn_s=2e-3, v_threshold_mv=1.0, delta_u_mv=0.3, learning_rate=0.02)
SCORE = Score(decision="reset", decision_ticks=4, decay=0.6, learning_rate=0.05)
SCORE_ON = Score(decision="streaming", decision_ticks=4, decay=0.6, learning_rate=0.05)
EPROP = Eprop(tau_mem_s=8e-3, update_ticks=1, learning_rate=0.02, signal_delay=1, reset=0.0)
N_IN, N_OUT = ENCODER.size(4), DECODER.size(2)


def network(decision: str, *projections: tuple[str, str, Any], neuron: Any = LIF) -> NetworkDescription:
    """Input, hidden and output with (source, target, rule or rules) between them, 4 ticks a decision."""
    sizes, delay = {"input": N_IN, "hidden": 5, "output": N_OUT}, 1 if decision == "streaming" else 0
    names = [name for name in sizes if any(name in ends for ends in projections)]
    return NetworkDescription(
        tick_s=1e-3,
        ticks=4,
        decision=decision,  # type: ignore[arg-type]
        populations=tuple(
            Population(name=n, size=sizes[n], neuron=None if n == "input" else neuron if n == "output" else LIF)
            for n in names
        ),
        projections=tuple(
            Projection(
                source=source,
                target=target,
                delay_ticks=max(delay, int(source == target)),
                plasticity=rule if isinstance(rule, tuple) else (rule,) if rule else (),
            )
            for source, target, rule in projections
        ),
    )


NETWORKS = {
    "one layer": network("reset", ("input", "output", REWARD)),
    "two plastic layers": network("reset", ("input", "hidden", REWARD), ("hidden", "output", REWARD)),
    "two layers, streaming": network("streaming", ("input", "hidden", REWARD), ("hidden", "output", REWARD)),
    "recurrent": network(
        "streaming", ("input", "hidden", PairStdp()), ("hidden", "hidden", REWARD), ("hidden", "output", REWARD)
    ),
    "noisy output": network("reset", ("input", "hidden", None), ("hidden", "output", R_MAX), neuron=NOISY),
    "score": network("reset", ("input", "output", SCORE), neuron=NoisyLif()),
    "score of escape noise, streaming": network(
        "streaming", ("input", "hidden", PairStdp()), ("hidden", "output", SCORE_ON), neuron=NOISY
    ),
    "rules of three kinds": network(
        "streaming", ("input", "hidden", EPROP), ("input", "output", REWARD), ("hidden", "output", R_MAX), neuron=NOISY
    ),
}


def agent(net: NetworkDescription, modulator: Any, seed: int = 0) -> Agent:
    """With weights that make it spike; the modulator has learnt nothing."""
    described = factories.description("CartPole-v1", encoder=ENCODER, decoder=DECODER, network=net)
    described = dataclasses.replace(described, modulator=modulator)
    tensors: dict[str, Any] = factories.random_tensors(described, seed=seed)
    for p in net.projections:
        tensors[p.weight_name] = np.abs(tensors[p.weight_name]) + np.float32(0.2)
    return Agent(described, tensors)


class World:
    """A body that actions push; it rewards being near the middle."""

    def __init__(self, seed: int) -> None:
        self.random, self.x = np.random.default_rng(seed), np.zeros(4)

    def step(self, action: Any) -> tuple[float, Any]:
        push = 0.4 if action == 1 else -0.4
        self.x = 0.8 * self.x + push + self.random.normal(0, 0.3, 4)
        return 1.0 - float(np.abs(self.x).mean()), self.x.copy()
