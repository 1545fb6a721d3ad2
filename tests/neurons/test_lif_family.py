"""What every integrate-and-fire model promises: both float types, parameters per neuron, errors, the interpreter."""

from __future__ import annotations

import dataclasses
import math
import typing
from typing import Any

import numba
import numpy as np
import pytest

from snnctl.config import to_data, validate
from snnctl.errors import ConfigError, NetworkError
from snnctl.network.isolated import simulate
from snnctl.network.population import receptors_of, step_of
from snnctl.neurons.alif import Alif
from snnctl.neurons.coba_lif import CobaLif
from snnctl.neurons.cuba_lif import CubaLif
from snnctl.neurons.current_lif import CurrentLif
from snnctl.neurons.delta_lif import DeltaLif
from snnctl.neurons.escape_lif import EscapeLif
from snnctl.neurons.integrate_and_fire import IntegrateAndFire
from snnctl.neurons.lif import Lif
from snnctl.neurons.poisson import Poisson

# a model, a current and weights for which it spikes, and a field with two values that change its rate
CASES: list[tuple[Any, float, float, str, tuple[float, float]]] = [
    (IntegrateAndFire(), 0.1, 0.3, "v_threshold", (1.0, 2.5)),
    (Lif(tau_mem_s=1e-2), 0.1, 0.4, "tau_mem_s", (1e-2, 2e-3)),
    (CurrentLif(tau_mem_s=1e-2, tau_syn_s=5e-3), 0.05, 0.1, "v_threshold", (1.0, 3.0)),
    (DeltaLif(), 0.25, 2.0, "refractory_s", (2e-3, 50e-3)),
    (CubaLif(), 0.25, 0.2, "v_threshold_mv", (-50.0, -40.0)),
    *((CobaLif(scheme=s), 250.0, 2.0, "refractory_s", (5e-3, 60e-3))
      for s in ("exponential_midpoint", "exponential_euler", "euler", "rk4")),
    (Alif(tau_mem_s=2e-2, tau_adapt_s=0.1, beta=0.1), 0.2, 0.2, "beta", (0.1, 3.0)),
    (EscapeLif(), 15.0, 3.0, "rho_0_hz", (200.0, 5.0)),
    (Poisson(rate_hz=80.0), 0.0, 0.0, "rate_hz", (80.0, 5.0)),
]  # fmt: skip
NAMES = [getattr(c[0], "scheme", c[0].model) for c in CASES]
STOCHASTIC = (EscapeLif, Poisson)  # the last two of them
DETERMINISTIC = pytest.mark.parametrize("case", CASES[:-2], ids=NAMES[:-2])
TICK_S, TICKS, SIZE = 1e-3, 400, 12


def inputs(case: Any) -> tuple[Any, Any]:
    neuron, current, weight, *_ = case
    receptors = len(receptors_of(type(neuron.constants(TICK_S))))
    rng = np.random.default_rng(1)
    drives = weight * (rng.random((TICKS, receptors, SIZE)) < 0.1)
    return np.full((TICKS, SIZE), current) * rng.uniform(0.9, 1.3, SIZE), drives


def run(case: Any, **options: Any) -> Any:
    currents, drives = inputs(case)
    return simulate(case[0], TICK_S, currents, drives, **options)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_float32_fires_as_float64_does(case: Any) -> None:
    wide, narrow = run(case), run(case, dtype=np.float32)
    assert narrow.traces["v"].dtype == np.float32
    assert wide.spikes.sum() > 50
    assert np.isfinite(narrow.traces["v"]).all()
    if isinstance(case[0], STOCHASTIC):  # the same uniform numbers
        assert abs(int(wide.spikes.sum()) - int(narrow.spikes.sum())) <= 2
        return
    # a spike on the threshold may fall one tick beside: until then membranes agree to the precision of float32
    same = np.cumprod(wide.spikes == narrow.spikes, axis=0).astype(bool)
    assert same.mean() > 0.9
    scale = np.abs(wide.traces["v"]).max()
    assert np.abs(wide.traces["v"] - narrow.traces["v"])[same].max() < 3e-5 * scale


@pytest.mark.needs_compiler
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_step_computes_in_float32_only(case: Any) -> None:
    """No literal and no function widens the arithmetic: the compiled step returns a state of float32."""
    neuron = case[0]
    constants, state, one = neuron.constants(TICK_S), neuron.initial(), np.float32(0.125)
    step, receptors = step_of(type(constants)), receptors_of(type(constants))
    drive = one if len(receptors) == 1 else typing.get_type_hints(step)["drive"](*[one] * len(receptors))
    given = [type(constants)(*map(np.float32, constants)), type(state)(*map(np.float32, state)), drive, one]
    compiled = numba.njit(step)
    compiled(*given, *([one] if isinstance(neuron, STOCHASTIC) else []))
    (signature,) = compiled.nopython_signatures
    assert set(signature.return_type[0].types) == {numba.float32}
    assert signature.return_type[1] == numba.boolean


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_parameters_per_neuron_equal_separate_populations(case: Any) -> None:
    neuron, _, _, field, values = case
    if isinstance(neuron, STOCHASTIC):
        chosen = np.repeat(values, SIZE // 2)
        mixed = run(case, parameters={field: chosen}).spikes.sum(axis=0)
        assert mixed[: SIZE // 2].min() > mixed[SIZE // 2 :].max()
        return
    chosen = np.resize(values, SIZE)
    mixed = run(case, parameters={field: chosen})
    for k, value in enumerate(values):
        alone = run((dataclasses.replace(neuron, **{field: value}), *case[1:]))
        assert np.array_equal(mixed.spikes[:, k::2], alone.spikes[:, k::2])
        assert np.array_equal(mixed.traces["v"][:, k::2], alone.traces["v"][:, k::2])
    assert mixed.spikes[:, 0::2].sum() > 1.5 * mixed.spikes[:, 1::2].sum()


@DETERMINISTIC
def test_compiled_equals_interpreted(case: Any) -> None:
    neuron = case[0]
    currents, drives = inputs(case)
    compiled = run(case)
    step = step_of(type(neuron.constants(TICK_S)))
    drive_class = typing.get_type_hints(step)["drive"]
    c, s = neuron.constants(TICK_S), neuron.initial()
    for t in range(TICKS):
        parts = [float(x) for x in drives[t, :, 0]]
        s, spike = step(c, s, parts[0] if len(parts) == 1 else drive_class(*parts), float(currents[t, 0]))
        assert spike == compiled.spikes[t, 0]
        assert s.v == pytest.approx(compiled.traces["v"][t, 0], abs=1e-12 * max(1, abs(s.v)))


@DETERMINISTIC
def test_a_run_can_be_continued(case: Any) -> None:
    neuron, (currents, drives) = case[0], inputs(case)
    whole = simulate(neuron, TICK_S, currents, drives)
    first = simulate(neuron, TICK_S, currents[:150], drives[:150])
    second = simulate(neuron, TICK_S, currents[150:], drives[150:], initial=first.state._asdict())
    assert np.array_equal(np.concatenate([first.spikes, second.spikes]), whole.spikes)
    assert np.array_equal(second.traces["v"], whole.traces["v"][150:])


@pytest.mark.parametrize("case", CASES[:-1], ids=NAMES[:-1])
def test_silent_without_input(case: Any) -> None:
    quiet = simulate(case[0], TICK_S, np.zeros((50, 1)))
    assert np.all(quiet.traces["v"] == case[0].initial().v)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_bad_numbers_name_their_field(case: Any) -> None:
    neuron = case[0]
    data = to_data(neuron)
    for name, value in data.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        with pytest.raises(ConfigError, match=rf"net.toml:{name}"):
            validate(type(neuron), {**data, name: math.nan}, "net.toml")
        if name.startswith(
            ("tau", "refractory", "resistance", "rate", "capacitance", "g_leak", "rho", "delta_u", "epsilon")
        ):
            with pytest.raises(ConfigError, match=rf"net.toml:{name}"):
                validate(type(neuron), {**data, name: -1}, "net.toml")


@pytest.mark.parametrize("neuron", [DeltaLif(), CubaLif(), CobaLif(), EscapeLif(refractory_s=2e-3)])
def test_a_refractory_period_that_vanishes_is_refused(neuron: Any) -> None:
    with pytest.raises(NetworkError, match=r"refractory_s 0\.00\d vanishes in ticks of 0\.02 s"):
        simulate(neuron, 20e-3, np.zeros((3, 1)))


@pytest.mark.parametrize(("cls", "data"), [
    (DeltaLif, {"v_reset_mv": -40.0}), (CubaLif, {"v_reset_mv": -50.0}), (CobaLif, {"v_threshold_mv": -60.0}),
    (IntegrateAndFire, {"reset": "value", "v_reset": 1.0}),
    (Alif, {"tau_mem_s": 1e-2, "tau_adapt_s": 0.1, "beta": 0.1, "reset": "value", "v_reset": 2.0}),
])  # fmt: skip
def test_a_reset_above_the_threshold_is_refused(cls: Any, data: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"v_reset\w* .* must be below v_threshold"):
        validate(cls, data, "net.toml")
