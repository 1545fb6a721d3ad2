"""The two portable neurons: f-I curve against its closed form, decays, threshold, reset, refractory."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.neurons import current_lif, lif
from snnctl.neurons.current_lif import CurrentLif, CurrentLifState
from snnctl.neurons.lif import Lif, LifState

TICK_S = 1e-3


def spike_ticks(model: Lif | CurrentLif, drive: float, ticks: int, bias: float = 0.0) -> list[int]:
    c = model.constants(TICK_S)
    s: LifState | CurrentLifState = (
        CurrentLifState(0.0, 0.0, 0.0) if isinstance(model, CurrentLif) else LifState(0.0, 0.0)
    )
    found = []
    for t in range(ticks):
        module = current_lif if isinstance(model, CurrentLif) else lif
        s, spike = module.step(c, s, drive, bias)  # type: ignore[arg-type]
        if spike:
            found.append(t)
    return found


@given(st.floats(2e-3, 5e-2), st.floats(0.05, 2.0), st.integers(0, 5), st.sampled_from(["drive", "bias"]))
def test_interspike_interval_is_the_closed_form_of_discrete_steps(
    tau_s: float, current: float, refractory: int, where: str
) -> None:
    """v[n] = I (1 - a^n) / (1 - a) from reset 0, so it passes 1 after n = floor(log(1 - (1 - a) / I) / log a) + 1."""
    a = math.exp(-TICK_S / tau_s)
    model = Lif(tau_mem_s=tau_s, refractory_ticks=refractory)
    found = spike_ticks(model, current if where == "drive" else 0.0, 400, current if where == "bias" else 0.0)
    rest = 1 - (1 - a) / current
    if rest <= 0:
        assert found == []
        return
    exact = math.log(rest) / math.log(a)
    if abs(exact - round(exact)) < 1e-6 or rest < 1e-6:
        return  # the threshold lies on a step: rounding decides
    steps = math.floor(exact) + 1
    if steps < 400:
        assert found[0] == steps - 1
        assert all(b - a_ == steps + refractory for a_, b in itertools.pairwise(found))


def test_rate_of_the_canonical_neuron() -> None:
    """tau 20 ms, threshold 15 mV over rest, 80 MOhm, 2 nA: 508 Hz in continuous time (t_ref 0)."""
    tick_s, tau_s, drive = 1e-5, 20e-3, 160.0 / 15.0
    c = Lif(tau_mem_s=tau_s).constants(tick_s)
    s, spikes, ticks = LifState(0.0, 0.0), 0, 100_000
    for _ in range(ticks):
        s, spike = lif.step(c, s, drive * (1 - c.a_mem), 0.0)
        spikes += spike
    assert spikes / (ticks * tick_s) == pytest.approx(507.92, rel=5e-3)


def test_decays_are_exponentials_of_the_time_constants() -> None:
    c = CurrentLif(tau_mem_s=20e-3, tau_syn_s=5e-3, v_threshold=1e9).constants(TICK_S)
    s = CurrentLifState(1.0, 0.0, 0.0)
    for _ in range(10):
        s, _ = current_lif.step(c, s, 0.0, 0.0)
    assert s.i == pytest.approx(math.exp(-10e-3 / 5e-3))
    a, b = c.a_mem, c.a_syn
    assert s.v == pytest.approx(b * (b**10 - a**10) / (b - a))  # difference of exponentials


def test_current_lif_without_synaptic_time_constant_is_the_lif() -> None:
    rng = np.random.default_rng(0)
    c, d = CurrentLif(tau_mem_s=1e-2, tau_syn_s=0.0).constants(TICK_S), Lif(tau_mem_s=1e-2).constants(TICK_S)
    s, r = CurrentLifState(0.0, 0.0, 0.0), LifState(0.0, 0.0)
    for drive in rng.normal(0.3, 1.0, 200):
        s, one = current_lif.step(c, s, drive, 0.1)
        r, other = lif.step(d, r, drive, 0.1)
        assert one == other and s.v == r.v


def test_the_threshold_is_strict() -> None:
    c = Lif(tau_mem_s=1e-2, v_threshold=0.5).constants(TICK_S)
    assert not lif.step(c, LifState(0.0, 0.0), 0.5, 0.0)[1]
    assert lif.step(c, LifState(0.0, 0.0), math.nextafter(0.5, 1.0), 0.0)[1]


@pytest.mark.parametrize(("reset", "after"), [("value", -0.25), ("subtract", 0.75)])
def test_resets(reset: str, after: float) -> None:
    c = Lif(tau_mem_s=1e-2, v_reset=-0.25, reset=reset).constants(TICK_S)  # type: ignore[arg-type]
    s, spike = lif.step(c, LifState(0.0, 0.0), 1.75, 0.0)
    assert spike and s.v == after


@pytest.mark.parametrize("ticks", [0, 1, 3])
def test_refractory_ticks_are_silent_and_hold_the_membrane(ticks: int) -> None:
    model = CurrentLif(tau_mem_s=1e-2, tau_syn_s=5e-3, refractory_ticks=ticks)
    assert np.diff(spike_ticks(model, 5.0, 20)).tolist() == [ticks + 1] * ((19) // (ticks + 1))
    c = model.constants(TICK_S)
    s, _ = current_lif.step(c, CurrentLifState(0.0, 0.0, 0.0), 5.0, 0.0)
    for k in range(ticks):
        i = s.i
        s, spike = current_lif.step(c, s, 5.0, 0.0)
        assert not spike and s.v == 0.0 and s.i == c.a_syn * i + 5.0
        assert s.silent == ticks - 1 - k
