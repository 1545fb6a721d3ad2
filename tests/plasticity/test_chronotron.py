from pathlib import Path

import numpy as np
import pytest

from snnctl.plasticity.chronotron import ELearning, ILearning
from snnctl.spike_trains.schreiber import similarity
from snnctl.spike_trains.victor_purpura import align, quadratic_distance

from .one_neuron import OneNeuron

VECTOR = np.load(Path(__file__).parents[1] / "data/snn/supervised_rules.npz")
INPUTS_S = [1e-3 * train for train in np.split(VECTOR["pre_flat"], VECTOR["pre_off"][1:-1])]
UNIT = ELearning(learning_rate=1.0)


def test_alignment_is_the_recorded_one():
    edit = align(VECTOR["tgt"], VECTOR["act"], 10.0)
    assert np.array_equal(edit.added, VECTOR["elearn_add"])
    assert np.array_equal(edit.removed, VECTOR["elearn_rm"])
    assert np.array_equal(edit.moved[:, ::-1], VECTOR["elearn_mv"])
    assert quadratic_distance(VECTOR["tgt"], VECTOR["act"], 10.0) == pytest.approx(VECTOR["vp_sq_half"], abs=1e-12)


def test_e_learning_equals_the_recorded_change():
    change = UNIT.weight_change(INPUTS_S, 1e-3 * VECTOR["tgt"], 1e-3 * VECTOR["act"])
    assert change == pytest.approx(VECTOR["elearn_dw"], abs=1e-12)


def test_psp_peaks_at_1_and_is_causal():
    t = np.linspace(-0.02, 0.1, 120001)
    psp = UNIT.psp([0.0], t)
    assert psp.max() == pytest.approx(1.0, abs=1e-8)
    assert (psp[t <= 0] == 0).all()
    assert t[psp.argmax()] == pytest.approx(10e-3 * np.log(2), abs=2e-6)


@pytest.mark.parametrize(
    ("target", "actual", "sign"), [([20], [23], 1), ([20], [17], -1), ([20], [], 1), ([], [20], -1)]
)
def test_e_learning_moves_spikes_the_right_way(target, actual, sign):
    change = UNIT.weight_change([[12e-3]], 1e-3 * np.array(target), 1e-3 * np.array(actual))
    assert sign * change[0] > 0


def test_e_learning_does_nothing_on_target():
    assert (UNIT.weight_change(INPUTS_S, [0.03, 0.1], [0.03, 0.1]) == 0).all()


TICKS, TICK_S = 400, 5e-4
TARGET_S = np.array([0.04, 0.085, 0.13, 0.18])


def psps(inputs_s):
    """(inputs, TICKS)."""
    return np.array([UNIT.psp(train, TICK_S * np.arange(TICKS)) for train in inputs_s])


def run_srm(weight, psps):
    """Spikes in seconds of a neuron v = sum w lambda - sum exp(-s / tau_mem): soft reset, threshold 1."""
    v = weight @ psps
    decay, reset, fired = np.exp(-TICK_S / 10e-3), 0.0, []
    for k in range(TICKS):
        reset *= decay
        if v[k] - reset > 1.0:
            fired.append(k)
            reset += 1.0
    return TICK_S * np.array(fired)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_e_learning_learns_a_target_train(seed):
    random = np.random.default_rng(seed)
    inputs_s = [np.sort(random.uniform(0, 0.2, random.poisson(1.0))) for _ in range(300)]
    weight, curves = random.uniform(0, 0.02, 300), psps(inputs_s)
    rule = ELearning(learning_rate=0.005)
    found = []
    for _ in range(150):
        actual_s = run_srm(weight, curves)
        found.append(similarity(1e3 * TARGET_S, 1e3 * actual_s, 2.0))
        if found[-1] > 0.98:
            break
        weight = weight + rule.weight_change(inputs_s, TARGET_S, actual_s)
    assert found[0] < 0.7
    assert found[-1] > 0.98, found


@pytest.mark.parametrize("direction", ["depolarise", "magnitude"])
@pytest.mark.parametrize("weight", [0.4, -0.4])
def test_i_learning_is_proportional_to_the_synaptic_current(direction, weight):
    rule = ILearning(learning_rate=0.1, direction=direction)
    neuron = OneNeuron(rule, 1e-3, [weight, weight])
    neuron.tick([1, 0], 0)
    neuron.tick([0, 0], 0, teach=1.0)
    current = abs(weight) * np.exp(-1 / 5)
    sign = np.sign(weight) if direction == "magnitude" else 1.0
    assert neuron.field("weight")[:, 0][0] - weight == pytest.approx(0.1 * sign * current, rel=1e-12)
    assert neuron.field("weight")[:, 0][1] == weight
    taught = neuron.field("weight")[:, 0][0]
    neuron.tick([0, 0], 1)
    lowered = taught - neuron.field("weight")[:, 0][0]
    assert lowered == pytest.approx(0.1 * sign * abs(taught) * np.exp(-2 / 5), rel=1e-12)


@pytest.mark.parametrize("direction", ["depolarise", "magnitude"])
@pytest.mark.parametrize("weight", [0.5, -0.5, 1.0, -1.0])
def test_i_learning_does_nothing_on_target(direction, weight):
    random = np.random.default_rng(5)
    rule = ILearning(learning_rate=0.2, direction=direction, weight_min=-1.0, weight_max=1.0)
    neuron = OneNeuron(rule, 1e-3, np.full(4, weight))
    for _ in range(500):
        fired = random.random() < 0.1
        neuron.tick(random.random(4) < 0.2, fired, teach=float(fired))
    assert (neuron.field("weight") == weight).all()


def test_only_depolarise_moves_an_inhibitory_synapse_towards_the_target():
    moved = {}
    for direction in ("depolarise", "magnitude"):
        neuron = OneNeuron(ILearning(direction=direction), 1e-3, [-0.5])
        neuron.tick([1], 0, teach=1.0)
        moved[direction] = neuron.field("weight")[:, 0][0] + 0.5
    assert moved["depolarise"] > 0 > moved["magnitude"]


def test_i_learning_never_changes_a_sign_nor_a_weight_of_0():
    random = np.random.default_rng(4)
    first = np.concatenate([random.normal(0, 1, 20), [0.0]])
    neuron = OneNeuron(ILearning(learning_rate=0.05), 1e-3, first)
    for _ in range(300):
        neuron.tick(random.random(21) < 0.05, random.random() < 0.1, teach=float(random.random() < 0.1))
    assert np.array_equal(np.sign(neuron.field("weight")[:, 0]), np.sign(first))


def test_i_learning_learns_a_target_train():
    random = np.random.default_rng(0)
    inputs_s = [np.sort(random.uniform(0, 0.2, random.poisson(1.0))) for _ in range(300)]
    ticks = np.rint(np.concatenate([t / TICK_S for t in inputs_s])).astype(int)
    owner = np.repeat(np.arange(300), [t.size for t in inputs_s])
    raster = np.zeros((TICKS + 1, 300), np.uint8)
    raster[ticks, owner] = 1
    neuron = OneNeuron(ILearning(learning_rate=0.4), TICK_S, random.uniform(0, 0.02, 300))
    wanted, curves = np.rint(TARGET_S / TICK_S).astype(int), psps(inputs_s)
    found = []
    for _ in range(60):
        weight = neuron.field("weight")[:, 0]
        actual_s = run_srm(weight, curves)
        fired = np.rint(actual_s / TICK_S).astype(int)
        found.append(similarity(1e3 * TARGET_S, 1e3 * actual_s, 2.0))
        if found[-1] > 0.9:
            break
        neuron.rules[0].pre = [type(p)(0.0) for p in neuron.rules[0].pre]
        for k in range(TICKS):
            neuron.tick(raster[k], k in fired, teach=float(k in wanted))
    assert found[0] < 0.7
    assert found[-1] > 0.9, found


def test_time_constants_must_differ():
    with pytest.raises(ValueError, match="tau_syn_s"):
        ELearning(tau_syn_s=10e-3)
