import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from snnctl.plasticity.resume import Resume, weight_change

from .one_neuron import OneNeuron

VECTOR = np.load(Path(__file__).parents[1] / "data/snn/supervised_rules.npz")
INPUTS_S = [1e-3 * train for train in np.split(VECTOR["pre_flat"], VECTOR["pre_off"][1:-1])]
TARGET_S, ACTUAL_S = 1e-3 * VECTOR["tgt"], 1e-3 * VECTOR["act"]
UNIT = Resume(learning_rate=1.0)


def raster(random, ticks, n, p=0.1):
    return (random.random((ticks, n)) < p).astype(np.uint8)


def test_the_trial_form_equals_the_recorded_one():
    assert weight_change(UNIT, INPUTS_S, TARGET_S, ACTUAL_S) == pytest.approx(VECTOR["resume_dw"], abs=1e-12)


def test_the_hooks_equal_the_recorded_change_from_event_to_event():
    # Decays are exact, so a tick may be as long as the time between two events.
    events = [(t, "pre", i) for i, train in enumerate(INPUTS_S) for t in train]
    events += [(t, "fire", 0) for t in ACTUAL_S] + [(t, "instruct", 0) for t in TARGET_S]
    neuron, now = OneNeuron(UNIT, 1.0, np.zeros(len(INPUTS_S))), 0.0
    for t, kind, i in sorted(events):
        neuron.rules[0].c, now = UNIT.constants(t - now), t
        arrivals = np.arange(len(INPUTS_S)) == i if kind == "pre" else np.zeros(len(INPUTS_S))
        neuron.tick(arrivals, kind == "fire", teach=float(kind == "instruct"))
    assert neuron.field("weight")[:, 0] == pytest.approx(VECTOR["resume_dw"], abs=1e-12)


def test_the_hooks_equal_the_trial_form_on_a_grid_with_coincidences():
    random = np.random.default_rng(1)
    pre, fired, wanted = raster(random, 300, 6), raster(random, 300, 1)[:, 0], raster(random, 300, 1)[:, 0]
    assert (fired & wanted).any()
    assert (pre.any(1) & fired.astype(bool)).any()
    rule = Resume(tau_s=7e-3, a=0.1, amplitude=2.0, learning_rate=0.3)
    neuron = OneNeuron(rule, 1e-3, np.zeros(6))
    for t in range(300):
        neuron.tick(pre[t], fired[t], teach=float(wanted[t]))
    times = [1e-3 * np.flatnonzero(column) for column in pre.T]
    trial = weight_change(rule, times, 1e-3 * np.flatnonzero(wanted), 1e-3 * np.flatnonzero(fired))
    assert neuron.field("weight")[:, 0] == pytest.approx(trial, abs=1e-12)


@pytest.mark.parametrize("lag", [0, 1, 5, 30])
def test_window_is_exponential_and_counts_a_coincident_input(lag):
    neuron = OneNeuron(UNIT, 1e-3, [0.0])
    neuron.tick([1], 0, teach=float(lag == 0))
    for k in range(1, lag + 1):
        neuron.tick([0], 0, teach=float(k == lag))
    assert neuron.field("weight")[:, 0][0] == pytest.approx(0.05 + math.exp(-lag / 5), rel=1e-14)


def test_an_input_after_the_spike_changes_nothing_but_the_constant_a():
    neuron = OneNeuron(UNIT, 1e-3, [0.0])
    for arrival, fired in ((0, 1), (1, 0), (0, 0)):
        neuron.tick([arrival], fired)
    assert neuron.field("weight")[:, 0][0] == -0.05


@pytest.mark.parametrize("weight", [0.5, -0.1, 1.0], ids=["within", "lowest", "highest"])
def test_learning_stops_when_output_is_target(weight):
    random = np.random.default_rng(2)
    pre, fired = raster(random, 500, 4), raster(random, 500, 1)[:, 0]
    neuron = OneNeuron(Resume(weight_min=-0.1, weight_max=1.0), 1e-3, np.full(4, weight))
    for t in range(500):
        neuron.tick(pre[t], fired[t], teach=float(fired[t]))
    assert (neuron.field("weight") == weight).all()


def test_weights_keep_their_limits():
    neuron = OneNeuron(Resume(learning_rate=1.0, weight_min=-0.1, weight_max=0.2), 1e-3, [0.0, 0.0])
    neuron.tick([1, 0], 0, teach=1.0)
    assert list(neuron.field("weight")[:, 0]) == [0.2, 0.05]
    neuron.tick([1, 0], 1)
    neuron.tick([1, 0], 1)
    assert list(neuron.field("weight")[:, 0]) == [-0.1, pytest.approx(-0.05)]
    with pytest.raises(ValueError, match="weight_min"):
        Resume(weight_min=1.0, weight_max=1.0)


@pytest.mark.needs_compiler
def test_a_neuron_learns_its_target_train_in_at_least_22_of_24_trials():
    path = Path(__file__).parents[2] / "benchmarks/resume_convergence.py"
    spec = importlib.util.spec_from_file_location("resume_convergence", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    trials = [benchmark.learn(rate_hz, seed, epochs=150, stop=0.98) for rate_hz in (20, 50, 100) for seed in range(8)]
    assert max(trial.similarity[0] for trial in trials) < 0.8
    assert sum(trial.similarity[-1] >= 0.98 for trial in trials) >= 22
