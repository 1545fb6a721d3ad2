"""Injected currents: their values, continuation bit for bit, the statistics of the noise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from snnctl.config import validate
from snnctl.errors import ConfigError
from snnctl.neurons.currents import ArrayCurrent, OrnsteinUhlenbeck, Ramp, Step

TICK_S = 1e-3


def run(current: Any, ticks: int, n: int = 1, seed: int = 0, tick_s: float = TICK_S, first: int = 0) -> Any:
    return current.values(current.initial_state(n, seed), first, ticks, n, tick_s)[1]


KINDS = [
    Step(amplitude=(1.0, 2.0, -3.0), start_s=0.02, stop_s=0.07),
    Ramp(first=-1.0, last=(1.0, 2.0, 3.0), start_s=0.01, stop_s=0.09),
    OrnsteinUhlenbeck(mean=0.5, deviation=2.0, tau_s=5e-3),
    OrnsteinUhlenbeck(mean=0.5, deviation=2.0, tau_s=5e-3, start=0.0),
    ArrayCurrent(np.arange(60.0).reshape(20, 3), sample_s=2e-3, after="repeat"),
    ArrayCurrent(np.arange(60.0), after="hold"),
]


@pytest.mark.parametrize("current", KINDS, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("cuts", [[50, 50], [1] * 100, [33, 0, 67]])
def test_pieces_have_the_bits_of_the_whole(current: Any, cuts: list[int]) -> None:
    whole = run(current, 100, 3)
    assert whole.shape == (100, 3) and whole.dtype == np.float64
    state, tick, pieces = current.initial_state(3, 0), 0, []
    for ticks in cuts:
        state, values = current.values(state, tick, ticks, 3, TICK_S)
        pieces.append(values)
        tick += ticks
    assert np.array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("current", KINDS, ids=lambda c: type(c).__name__)
def test_a_state_is_not_changed_by_use(current: Any) -> None:
    state = current.initial_state(3, 0)
    first = current.values(state, 5, 20, 3, TICK_S)[1]
    assert np.array_equal(first, current.values(state, 5, 20, 3, TICK_S)[1])


def test_step() -> None:
    values = run(Step(amplitude=2.0, start_s=3e-3, stop_s=5e-3), 8)[:, 0]
    assert values.tolist() == [0, 0, 0, 2, 2, 0, 0, 0]
    assert run(Step(amplitude=2.0, start_s=3e-3), 5, first=2)[:, 0].tolist() == [0, 2, 2, 2, 2]
    # 0.3 / 0.1 is 2.9999999999999996 in floating point
    assert run(Step(amplitude=1.0, start_s=0.3), 5, tick_s=0.1)[:, 0].tolist() == [0, 0, 0, 1, 1]


def test_ramp_is_linear_between_two_levels() -> None:
    values = run(Ramp(first=1.0, last=3.0, start_s=2e-3, stop_s=6e-3), 9)[:, 0]
    assert values == pytest.approx([1, 1, 1, 1.5, 2, 2.5, 3, 3, 3], abs=1e-12)


@pytest.mark.parametrize("tick_s", [1e-4, 1e-3, 5e-3])
def test_noise_has_its_mean_deviation_and_correlation_for_any_tick(tick_s: float) -> None:
    """Exact discretisation: no bias that depends on tick / tau, even for tick = tau. 4 standard errors."""
    n, lags, tau_s = 40_000, 3, 5e-3
    values = run(OrnsteinUhlenbeck(mean=1.5, deviation=0.7, tau_s=tau_s), 1 + 4 * lags, n, 3, tick_s)
    for k in (0, 4 * lags):  # stationary from the first tick on
        assert values[k].mean() == pytest.approx(1.5, abs=4 * 0.7 / math.sqrt(n))
        assert values[k].var() == pytest.approx(0.49, abs=4 * 0.49 * math.sqrt(2 / n))
        assert stats.kstest((values[k] - 1.5) / 0.7, "norm").pvalue > 0.01
    for lag in (1, 2, 4 * lags):
        wanted = math.exp(-lag * tick_s / tau_s)
        found = np.corrcoef(values[0], values[lag])[0, 1]
        assert found == pytest.approx(wanted, abs=4 * (1 - wanted**2) / math.sqrt(n))


def test_noise_relaxes_from_a_given_start() -> None:
    values = run(OrnsteinUhlenbeck(mean=0.0, deviation=1.0, tau_s=5e-3, start=10.0), 21, 20_000, 1)
    assert np.all(values[0] == 10)
    assert values[20].mean() == pytest.approx(10 * math.exp(-4), abs=4 / math.sqrt(20_000))
    assert values[5].var() == pytest.approx(-math.expm1(-2), rel=0.05)


def test_noise_is_independent_between_neurons_seeds_and_indices() -> None:
    current = OrnsteinUhlenbeck(deviation=1.0, tau_s=1e-3)
    trains = [run(current, 20_000, 2, seed) for seed in (0, 1)]
    state = current.initial_state(2, 0, 7)
    trains.append(current.values(state, 0, 20_000, 2, TICK_S)[1])
    matrix = np.corrcoef(np.concatenate(trains, axis=1).T)
    effective = 20_000 * math.tanh(1.0)  # samples / (1 + 2 sum exp(-2k))
    assert np.abs(matrix[np.triu_indices(6, 1)]).max() < 4.5 / math.sqrt(effective)
    assert np.array_equal(trains[0], run(current, 20_000, 2, 0))


def test_arrays() -> None:
    assert run(ArrayCurrent([1.0, 2.0]), 4, 2).tolist() == [[1, 1], [2, 2], [0, 0], [0, 0]]
    assert run(ArrayCurrent([1.0, 2.0], after="hold"), 4)[:, 0].tolist() == [1, 2, 2, 2]
    assert run(ArrayCurrent([1.0, 2.0], after="repeat"), 5)[:, 0].tolist() == [1, 2, 1, 2, 1]
    assert run(ArrayCurrent([[1.0, 3.0], [2.0, 4.0]], sample_s=2e-3), 5, 2)[:, 1].tolist() == [3, 3, 4, 4, 0]


def test_arrays_are_copied_and_their_values_can_be_written_to() -> None:
    samples = np.ones(3)
    current = ArrayCurrent(samples)
    samples[:] = 9
    values = run(current, 3, 2)
    values += 1
    assert run(current, 3, 2).tolist() == [[1, 1]] * 3


@pytest.mark.parametrize(("call", "said"), [
    (lambda: ArrayCurrent([1.0, math.nan]), "samples are not finite in 1 places, first row 1"),
    (lambda: ArrayCurrent(np.zeros((2, 2, 2))), "expected .rows,. or .rows, n."),
    (lambda: ArrayCurrent([]), "expected .rows,. or .rows, n."),
    (lambda: ArrayCurrent([1.0], sample_s=-1.0), "sample_s must be a positive time"),
    (lambda: ArrayCurrent([1.0], after="loop"), "choose zero, hold or repeat"),  # type: ignore[arg-type]
    (lambda: run(ArrayCurrent(np.zeros((4, 3))), 4, 2), "samples are of 3 neurons, the population has 2"),
    (lambda: run(ArrayCurrent([1.0], sample_s=1.5e-3), 4), "whole number of ticks"),
    (lambda: run(Step(amplitude=(1.0, 2.0)), 4, 3), "amplitude has 2 values, the population has 3 neurons"),
    (lambda: run(Step(amplitude=math.nan), 4), "amplitude must be finite"),
    (lambda: Step(amplitude=1.0, start_s=2.0, stop_s=1.0), "stop_s 1 must be after start_s 2"),
    (lambda: Ramp(last=1.0, start_s=2.0, stop_s=2.0), "stop_s 2 must be after start_s 2"),
])  # fmt: skip
def test_mistakes(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


def test_a_state_of_another_population_is_refused() -> None:
    current = OrnsteinUhlenbeck(deviation=1.0, tau_s=1e-3)
    with pytest.raises(ValueError, match="state has 3 neurons, expected 4"):
        current.values(current.initial_state(3, 0), 0, 10, 4, TICK_S)


@pytest.mark.parametrize(("cls", "data", "said"), [
    (OrnsteinUhlenbeck, {"deviation": -1.0, "tau_s": 1e-3}, "deviation"),
    (OrnsteinUhlenbeck, {"deviation": 1.0, "tau_s": 0.0}, "tau_s"),
    (OrnsteinUhlenbeck, {"deviation": math.nan, "tau_s": "5ms"}, "deviation"),
    (Step, {"amplitude": math.inf}, "amplitude"),
    (Ramp, {"last": 1.0, "stop_s": 0.0}, "stop_s"),
])  # fmt: skip
def test_mistakes_in_files(cls: Any, data: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        validate(cls, data, "net.toml")


def test_files_take_units_and_a_number_a_neuron() -> None:
    assert validate(Step, {"amplitude": [1.0, 2.0], "start_s": "20ms"}, "x") == Step(amplitude=(1.0, 2.0), start_s=0.02)
