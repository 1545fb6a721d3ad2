from __future__ import annotations

import numpy as np
import pytest

from snnctl.network.network import Network
from snnctl.neurons.coba_lif import CobaLif
from snnctl.neurons.poisson import Poisson
from snnctl.plasticity.homeostatic_scaling import HomeostaticScaling
from snnctl.plasticity.pair_stdp import PairStdp
from tests.reference import replay

from .recorded import selection_and_complete
from .replayed import replayed

FREE = {"weight_min": None, "weight_max": None}
MULTIPLICATIVE = {"dependence": "multiplicative", "a_plus": 0.02, "a_minus": 0.02}
RECORDED = {
    "add_all": PairStdp(),
    "add_all_noclip": PairStdp(**FREE),
    "add_all_bigclip": PairStdp(a_plus=0.1, a_minus=0.105),
    "add_nnsym": PairStdp(pairing="nearest"),
    "mult_all": PairStdp(**MULTIPLICATIVE),
    "guetig_mu02": PairStdp(dependence="guetig", mu=0.2),
    "add_all_nocoinc": PairStdp(),
}


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("path", selection_and_complete("stdp.npz"))
def test_equals_brian2_at_every_millisecond(path, name):
    case = np.load(path)
    post = case["post_nocoinc" if name.endswith("nocoinc") else "post"]
    found = replay(RECORDED[name], 1e-4, case["w0"], case["pre"], post, every=10)
    weights = found.weights.reshape(len(found.weights), -1).T
    assert np.abs(weights - case[f"{name}_w"]).max() <= 1e-12
    if f"{name}_w_final" in case:
        assert np.abs(found.final.field("weight").ravel() - case[f"{name}_w_final"]).max() <= 1e-12
    assert np.ptp(weights, axis=1).max() > 0.05


def pair(lag_ticks: int, tick_s: float = 1e-3, **parameters) -> float:
    """Change of the weight by one pair; t_post - t_pre = lag."""
    ticks = abs(lag_ticks) + 1
    pre, post = np.zeros((ticks, 1)), np.zeros((ticks, 1))
    pre[max(-lag_ticks, 0)] = post[max(lag_ticks, 0)] = 1
    rule = PairStdp(**{**FREE, **parameters})
    return float(replay(rule, tick_s, [[0.5]], pre, post).final.field("weight")[0, 0] - 0.5)


def test_window():
    case = np.load(selection_and_complete("stdp.npz")[0].values[0])
    found = [pair(int(lag)) for lag in case["window_lags_ms"]]
    assert found == pytest.approx(case["window_dw"], abs=1e-12)
    assert pair(10) == pytest.approx(0.006065, abs=5e-7)
    assert pair(-10) == pytest.approx(-0.006369, abs=5e-7)


@pytest.mark.parametrize("tick_s", [1e-4, 1e-3, 5e-3])
def test_the_window_does_not_depend_on_the_tick(tick_s):
    ticks = round(20e-3 / tick_s)
    assert pair(ticks, tick_s, tau_pre_s=15e-3) == pytest.approx(0.01 * np.exp(-20 / 15), rel=1e-12)
    assert pair(-ticks, tick_s, tau_post_s=30e-3) == pytest.approx(-0.0105 * np.exp(-20 / 30), rel=1e-12)


def test_coincident_spikes_count_as_pre_before_post():
    assert pair(0) == pytest.approx(0.01, rel=1e-12)


def test_nearest_pairs_only_with_the_last_spike():
    pre, post = np.ones((3, 1)), np.zeros((3, 1))
    post[2] = 1
    free = {**FREE, "a_minus": 0.0}
    near = replay(PairStdp(pairing="nearest", **free), 1e-3, [[0.0]], pre, post).final.field("weight")[0, 0]
    every = replay(PairStdp(**free), 1e-3, [[0.0]], pre, post).final.field("weight")[0, 0]
    assert near == pytest.approx(0.01, rel=1e-12)
    assert every == pytest.approx(0.01 * (1 + np.exp(-1 / 20) + np.exp(-2 / 20)), rel=1e-12)


@pytest.mark.parametrize("weight", [1.0, 1.5, 2.9])
@pytest.mark.parametrize(("mu", "dependence"), [(0.0, "additive"), (0.2, "guetig"), (1.0, "multiplicative")])
def test_dependence_on_the_weight(weight, mu, dependence):
    rule = PairStdp(
        dependence=dependence, mu=mu if dependence == "guetig" else None, weight_min=1.0, weight_max=3.0, a_minus=0.0
    )
    up = replay(rule, 1e-3, [[weight]], [[1]], [[1]]).final.field("weight")[0, 0] - weight
    assert up == pytest.approx(min(0.01 * ((3 - weight) / 2) ** mu, 3 - weight), rel=1e-12)
    rule = PairStdp(
        dependence=dependence, mu=mu if dependence == "guetig" else None, weight_min=1.0, weight_max=3.0, a_plus=0.0
    )
    down = replay(rule, 1e-3, [[weight]], [[0], [1]], [[1], [0]]).final.field("weight")[0, 0] - weight
    expected = -min(0.0105 * np.exp(-1 / 20) * ((weight - 1) / 2) ** mu, weight - 1)
    assert down == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("mu", [0.0, 1.0])
def test_guetig_spans_additive_and_multiplicative(mu):
    random = np.random.default_rng(0)
    pre, post = random.random((300, 4)) < 0.1, random.random((300, 2)) < 0.1
    weight = random.random((4, 2))
    other = PairStdp(dependence="additive" if mu == 0 else "multiplicative", a_plus=0.1, a_minus=0.1)
    found = replay(PairStdp(dependence="guetig", mu=mu, a_plus=0.1, a_minus=0.1), 1e-3, weight, pre, post)
    assert np.array_equal(found.final.field("weight"), replay(other, 1e-3, weight, pre, post).final.field("weight"))


@pytest.mark.parametrize("name", RECORDED)
def test_the_engine_equals_the_reference_loop(name):
    found = replayed(RECORDED[name])
    assert found.spikes > 20
    assert np.abs(found.engine - found.reference).max() <= (1e-12 if "guetig" in name else 0)
    assert np.abs(found.engine - found.first).max() > 0.01


def test_two_rules_on_one_projection_equal_the_reference_loop():
    scaling = HomeostaticScaling(target_hz=30.0, tau_s=0.1, beta=0.05, gamma=0.1, every_s=7e-3)
    found = replayed((PairStdp(), scaling))
    alone = replayed(PairStdp())
    assert np.abs(found.engine - found.reference).max() <= 1e-12
    assert np.abs(found.engine - alone.engine).max() > 0.01


def weights_after_poisson_input(**parameters) -> np.ndarray:
    """In units of the limit: 250 Poisson inputs of 20 Hz and inhibition on one neuron after 60 s, after Song et al."""
    limit = 0.6  # nS
    # Lag 0 counts as potentiation: with ticks of h the balance of all lags is A+ : A- exp(-h / tau).
    amplitudes = {"a_plus": 0.02 * limit, "a_minus": 1.05 * np.exp(1e-3 / 20e-3) * 0.02 * limit}
    network = Network(1e-3, seed=3)
    excitation = network.population("excitation", 250, Poisson(rate_hz=20.0))
    inhibition = network.population("inhibition", 200, Poisson(rate_hz=10.0))
    neuron = CobaLif(
        v_rest_mv=-70.0,
        e_inhibitory_mv=-70.0,
        tau_inhibitory_s=5e-3,
        v_threshold_mv=-54.0,
        v_reset_mv=-60.0,
        refractory_s=0.0,
    )
    cell = network.population("cell", 1, neuron)
    rule = PairStdp(weight_max=limit, **amplitudes, **parameters)
    learning = network.project(excitation, cell, weight=0.5 * limit, receptor="excitatory", plasticity=rule)
    network.project(inhibition, cell, weight=0.5, receptor="inhibitory")
    network.run(60.0)
    return network.weights(learning)[:, 0] / limit


@pytest.mark.needs_compiler
def test_additive_weights_become_bimodal_and_multiplicative_ones_do_not():
    additive = weights_after_poisson_input()
    assert np.mean(additive < 0.2) > 0.3
    assert np.mean(additive > 0.8) > 0.1
    assert np.mean((additive > 0.4) & (additive < 0.6)) < 0.15
    multiplicative = weights_after_poisson_input(dependence="multiplicative")
    assert np.ptp(multiplicative) < 0.2
    assert multiplicative.mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"mu": 0.5}, "mu 0.5"),
        ({"dependence": "guetig"}, "mu None"),
        ({"dependence": "multiplicative", "weight_max": None}, "needs weight_min and weight_max"),
        ({"weight_min": 1.0}, "must be below weight_max"),
    ],
)
def test_refuses(parameters, message):
    with pytest.raises(ValueError, match=message):
        PairStdp(**parameters)
