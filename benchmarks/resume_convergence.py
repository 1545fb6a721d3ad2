"""How many trials of ReSuMe learn their target train, and after how many epochs.

A leaky neuron (tau_mem 10 ms, tau_syn 5 ms, threshold 1, 2 ms refractory) has 400 inputs that repeat the same 400 ms
of 5 Hz Poisson spikes each epoch. The target is a Poisson train with intervals of at least 5 ms. A trial has learned
when C (Schreiber, Gaussian of 2 ms) reaches 0.98. Weights are in thresholds: an input spike over a weight of 1 would
lift the resting membrane just to the threshold. Prints 3 target rates x 8 seeds.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.neurons import current_lif
from snnctl.plasticity import resume
from snnctl.spike_trains.schreiber import similarity

TICK_S = 1e-4
TICKS = 4000
INPUTS = 400
INPUT_HZ = 5.0
SHORTEST_MS = 5.0
SIGMA_MS = 2.0
ENOUGH = 0.98
RATES_HZ = (20.0, 50.0, 100.0)
NEURON = current_lif.CurrentLif(tau_mem_s=10e-3, tau_syn_s=5e-3, refractory_ticks=20)

_step = njit(current_lif.step)
_relax, _mark = njit(resume.relax_pre), njit(resume.mark_pre)
_observe, _fire, _instruct = njit(resume.observe), njit(resume.fire), njit(resume.instruct)


class Trial(NamedTuple):
    """One pattern and what learning it gave."""

    target_ms: NDArray[np.float64]
    actual_ms: NDArray[np.float64]  # of the last epoch
    similarity: NDArray[np.float64]  # (epochs,)
    weights: NDArray[np.float64]  # (INPUTS,) in thresholds

    @property
    def first(self) -> int | None:
        """The epoch, counted from 1, in which C was enough."""
        learned = np.flatnonzero(self.similarity >= ENOUGH)
        return int(learned[0]) + 1 if learned.size else None


@njit(error_model="numpy")
def _epoch(
    neuron: Any, rest: Any, rule: Any, raster: NDArray[np.uint8], target: NDArray[np.uint8], weight: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """One presentation; learns in place, returns the spikes (ticks,)."""
    shared, post = resume.Shared(0.0), resume.Post(0.0, 0.0)
    trace = np.zeros(weight.size)
    spikes = np.zeros(raster.shape[0], np.uint8)
    state = rest
    for t in range(raster.shape[0]):
        drive = 0.0
        for i in range(weight.size):
            pre = _relax(rule, resume.Pre(trace[i]))
            if raster[t, i]:
                drive += weight[i]
                pre = _mark(rule, shared, pre)
            trace[i] = pre.x
        state, spike = _step(neuron, state, drive, 0.0)
        post = _observe(rule, shared, post, state.v, 1.0 * spike, 1.0 * target[t])
        if spike:
            spikes[t] = 1
            for i in range(weight.size):
                weight[i] = _fire(rule, shared, resume.Synapse(weight[i]), resume.Pre(trace[i]), post).weight
        if target[t]:
            for i in range(weight.size):
                synapse = resume.Synapse(weight[i])
                weight[i] = _instruct(rule, shared, synapse, resume.Pre(trace[i]), post, 1.0).weight
    return spikes


def psp_peak() -> float:
    """Highest membrane after one input spike of drive 1, in closed form without the spike that it would cause."""
    c = NEURON.constants(TICK_S)
    k = np.arange(500)
    return float(((c.a_mem ** (k + 1) - c.a_syn ** (k + 1)) / (c.a_mem - c.a_syn)).max())


def poisson_target(rate_hz: float, random: np.random.Generator) -> NDArray[np.uint8]:
    """Intervals of SHORTEST_MS plus an exponential one, with the mean of ``rate_hz``.  # (TICKS,)"""
    target = np.zeros(TICKS, np.uint8)
    t_ms = 0.0
    while (t_ms := t_ms + SHORTEST_MS + random.exponential(1e3 / rate_hz - SHORTEST_MS)) < 1e3 * TICKS * TICK_S:
        target[int(t_ms / (1e3 * TICK_S))] = 1
    return target


def learn(rate_hz: float, seed: int, epochs: int = 400, learning_rate: float = 0.02, stop: float = 2.0) -> Trial:
    """One trial; ends when C reaches ``stop`` or after ``epochs``."""
    random = np.random.default_rng([seed, int(rate_hz)])
    raster = (random.random((TICKS, INPUTS)) < -np.expm1(-INPUT_HZ * TICK_S)).astype(np.uint8)
    target = poisson_target(rate_hz, random)
    while not target.any():
        target = poisson_target(rate_hz, random)
    unit = 1 / psp_peak()
    weight = unit * random.uniform(0.0, 0.04, INPUTS)
    rule = resume.Resume(learning_rate=learning_rate * unit).constants(TICK_S)
    neuron, rest = NEURON.constants(TICK_S), NEURON.initial()
    target_ms = np.flatnonzero(target) * TICK_S * 1e3
    found: list[float] = []
    actual_ms = np.empty(0)
    while len(found) < epochs and (not found or found[-1] < stop):
        actual_ms = np.flatnonzero(_epoch(neuron, rest, rule, raster, target, weight)) * TICK_S * 1e3
        found.append(similarity(target_ms, actual_ms, SIGMA_MS))
    return Trial(target_ms, actual_ms, np.array(found), weight / unit)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=400)
    options = parser.parse_args()
    began, learned, total = time.perf_counter(), 0, 0
    print("target  spikes  trials learned  epochs to C >= 0.98        best C, worst trial ... best")
    for rate_hz in RATES_HZ:
        trials = [learn(rate_hz, seed, options.epochs) for seed in range(options.seeds)]
        firsts = sorted(trial.first for trial in trials if trial.first)
        best = [float(trial.similarity.max()) for trial in trials]
        spikes = [trial.target_ms.size for trial in trials]
        learned, total = learned + len(firsts), total + len(trials)
        middle = f"{firsts[0]}-{firsts[-1]}, median {np.median(firsts):g}" if firsts else "-"
        print(
            f"{rate_hz:3g} Hz  {min(spikes):2d}-{max(spikes):2d}   {len(firsts)} of {len(trials)}          {middle:25s}"
            f"  {min(best):.4f} ... {max(best):.4f}"
        )
    print(f"{learned} of {total} trials learned; {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
