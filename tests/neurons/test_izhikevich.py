"""Izhikevich's neuron: recorded runs of each scheme, the 20 patterns, order of convergence, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.network.isolated import simulate
from snnctl.neurons import izhikevich
from snnctl.neurons.izhikevich import Izhikevich
from snnctl.neurons.izhikevich_patterns import PATTERNS, IzhikevichPattern

from .recorded_neurons import SELECTION, both, order, recorded_spikes, spike_times, steady_hz

SCHEMES = {  # scheme, tick in ms
    "euler_dt05": ("euler", 0.5),
    "euler_dt025": ("euler", 0.25),
    "euler_dt01": ("euler", 0.1),
    "rk4_dt001": ("rk4", 0.01),
    "fig1_dt025": ("figure1", 0.25),
    "spnet_dt1": ("spnet", 1.0),
}


@pytest.mark.parametrize("path", both("neurons_izhikevich.npz"))
@pytest.mark.parametrize("key", SCHEMES)
def test_equals_recorded_runs(path: Path, key: str) -> None:
    case = np.load(path)
    scheme, tick_ms = SCHEMES[key]
    parameters = dict(zip("abcd", case["params"].T, strict=True))
    currents = case["I"][::2] if tick_ms == 1 else np.repeat(case["I"], round(0.5 / tick_ms), axis=0)
    neuron = Izhikevich(scheme=scheme)  # type: ignore[arg-type]
    start = {"v": -65.0, "u": -65 * parameters["b"]}
    run = simulate(neuron, tick_ms * 1e-3, currents, parameters=parameters, record=("v", "u"), initial=start)

    # the resonator at I = 5 multiplies rounding by 1e12 within 220 ms: no two orders of additions agree after that
    chaotic = (case["params"] == (0.1, 0.25, -65, 2)).all(axis=1) & (case["I"].max(axis=0) == 5.0)
    for j, (found, wanted) in enumerate(zip(spike_times(run.spikes, tick_ms), recorded_spikes(case, key), strict=True)):
        upto = wanted[wanted < 220] if key == "rk4_dt001" and chaotic[j] else wanted
        assert len(found) == len(wanted)
        assert found[: len(upto)] == pytest.approx(upto, abs=1e-9)
        assert found == pytest.approx(wanted, abs=0.1)

    every = 1 if key in ("fig1_dt025", "spnet_dt1") else round(0.5 / tick_ms)
    recorded_v, recorded_u = (case[f"{key}_{name}"].T[1:] for name in "vu")
    peaked = recorded_v >= 30  # spnet resets at the start of the next millisecond
    v = np.where(peaked, parameters["c"], recorded_v)
    u = recorded_u + np.where(peaked, parameters["d"], 0)
    off_v, off_u = (
        np.abs(run.traces[name][every - 1 :: every][: len(wanted)] - wanted) for name, wanted in (("v", v), ("u", u))
    )
    first_80_ms = round(80 / (every * tick_ms))
    assert off_v[:first_80_ms].max() < 1e-6 and off_u[:first_80_ms].max() < 1e-6
    assert off_v[:, ~chaotic].max() < 0.05 and off_u[:, ~chaotic].max() < 0.05


def spikes_of_the_equation(pattern: IzhikevichPattern) -> int:
    fine = np.repeat(pattern.currents(), round(pattern.tick_ms / 0.005))
    return int(simulate(pattern.neuron("rk4"), 5e-6, fine, record=()).spikes.sum())


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.letter)
def test_patterns_in_the_scheme_of_the_paper_and_in_the_equation(pattern: IzhikevichPattern) -> None:
    run = simulate(pattern.neuron(), pattern.tick_s, pattern.currents())
    assert int(run.spikes.sum()) == pattern.spikes
    if pattern.converged is None:
        assert spikes_of_the_equation(pattern) > 10_000  # it diverges: a spike in almost every step of its end
    else:
        assert spikes_of_the_equation(pattern) == pattern.converged


def test_ten_patterns_belong_to_the_scheme() -> None:
    assert "".join(p.letter for p in PATTERNS) == "ABCDEFGHIJKLMNOPQRST"
    assert "".join(p.letter for p in PATTERNS if p.spikes != p.converged) == "CDEHINPQST"


@pytest.mark.needs_compiler
@pytest.mark.parametrize("cell", ["RS", "FS"])
def test_f_i_curves(cell: str) -> None:
    case = np.load(SELECTION / "fi_curves_biophysical.npz")
    own = {"a": 0.02, "d": 8.0} if cell == "RS" else {"a": 0.1, "d": 2.0}
    for scheme, key, tick_s in (("euler", "euler05", 5e-4), ("rk4", "rk4_005", 5e-5)):
        currents = np.tile(case["izh_I"], (round(2 / tick_s), 1))
        neuron = Izhikevich(scheme=scheme, v_initial=-70.0, u_initial=-14.0, **own)  # type: ignore[arg-type]
        spikes = simulate(neuron, tick_s, currents, record=()).spikes
        count = spikes.sum(axis=0).astype(int)
        wanted, wanted_hz = case[f"izh_{cell}_{key}_count2s"], case[f"izh_{cell}_{key}_ss_hz"]
        off = np.abs(steady_hz(spikes, tick_s) - wanted_hz) / np.maximum(wanted_hz, 1e-9)
        if (cell, scheme) == ("FS", "euler"):  # rounding decides: twelve orders of additions miss it by 1 or 2 spikes
            assert np.abs(count - wanted).max() <= 2
            assert off.max() < 0.08 and np.count_nonzero(off > 5e-3) <= 0.2 * off.size
        else:
            assert np.array_equal(count, wanted)
            assert off.max() < 5e-3


def test_the_step_changes_the_rate() -> None:
    """Euler at 0.5 ms is 2 to 3 % slow for the regular spiking cell and 13 to 20 % for the fast spiking one."""
    counts = {}
    for scheme, tick_s in (("euler", 5e-4), ("rk4", 5e-5)):
        currents = np.tile([10.0, 20.0, 10.0, 20.0], (round(2 / tick_s), 1))
        cells = {"a": [0.02, 0.02, 0.1, 0.1], "d": [8.0, 8.0, 2.0, 2.0]}
        neuron = Izhikevich(scheme=scheme)  # type: ignore[arg-type]
        spikes = simulate(neuron, tick_s, currents, parameters=cells).spikes
        counts[scheme] = spikes.sum(axis=0).astype(float)
        steady = steady_hz(spikes, tick_s)
        assert steady[:2] == pytest.approx([22.30, 43.57] if scheme == "rk4" else [21.74, 42.55], rel=1e-3)
        if scheme == "rk4":
            assert steady[2:] == pytest.approx([134.8, 312.5], rel=2e-3)
    slow = 1 - counts["euler"] / counts["rk4"]
    assert (slow[:2] > 0.01).all() and (slow[:2] < 0.05).all()
    assert (slow[2:] > 0.13).all() and (slow[2:] < 0.21).all()


def test_onset_of_repetitive_firing_lies_between_3_5_and_4() -> None:
    currents = np.tile([3.5, 4.0, 3.5, 4.0], (20_000, 1))
    cells = {"a": [0.02, 0.02, 0.1, 0.1], "d": [8.0, 8.0, 2.0, 2.0]}
    spikes = simulate(Izhikevich(scheme="rk4"), 1e-4, currents, parameters=cells).spikes.sum(axis=0)
    assert spikes.tolist() == [1, 15, 1, 50]  # the step itself may make one spike; below the onset none follow


@pytest.mark.parametrize(("scheme", "slope"), [("euler", 1), ("figure1", 1), ("rk4", 4)])
def test_order_of_convergence(scheme: str, slope: int) -> None:
    """Error of (v, u) after 20 ms below the threshold."""

    def end(scheme: str, tick_ms: float) -> Any:
        neuron = Izhikevich(scheme=scheme, v_initial=-75.0, u_initial=-5.0)  # type: ignore[arg-type]
        state = simulate(neuron, tick_ms * 1e-3, np.full(round(20 / tick_ms), 3.0)).state
        return np.array([state.v[0], state.u[0]])  # type: ignore[attr-defined]

    exact = end("rk4", 0.001)
    steps = [0.1, 0.05, 0.025]
    errors = [float(np.abs(end(scheme, dt) - exact).max()) for dt in steps]
    assert order(errors, steps) == pytest.approx(slope, abs=0.15)


def test_substeps_are_shorter_ticks() -> None:
    currents = np.tile([5.0, 10.0, 20.0], (300, 1))
    coarse = simulate(Izhikevich(scheme="rk4", substeps=20), 1e-3, currents)
    fine = simulate(Izhikevich(scheme="rk4"), 5e-5, np.repeat(currents, 20, axis=0))
    assert np.array_equal(coarse.spikes, fine.spikes.reshape(300, 20, 3).sum(axis=1))
    assert np.abs(coarse.traces["v"] - fine.traces["v"][19::20]).max() < 1e-9


def test_rest_is_a_fixed_point() -> None:
    assert Izhikevich().initial() == pytest.approx((-70.0, -14.0, 0.0))
    for b in (0.2, 0.25, 0.26):
        still = simulate(Izhikevich(b=b), 1e-4, np.zeros(1000))
        assert np.ptp(still.traces["v"]) < 1e-8 and not still.spikes.any()


def test_spikes_carry_the_same_charge_in_every_tick() -> None:
    """A weight of 2 moves the membrane by 2 mV, at once or with the time constant of the synapse."""
    quiet = {"k2": 1e-12, "k1": 0.0, "k0": 0.0, "a": 0.0, "v_initial": 0.0, "u_initial": 0.0, "c": -1.0}
    for tick_ms in (0.1, 0.25, 0.5):
        ticks = round(50 / tick_ms)
        drives = np.zeros((ticks, 1))
        drives[3] = 2.0
        for tau_s, moved in ((0.0, 2.0), (5e-3, 10.0)):  # 2 mV/ms for 1 ms; 2 mV/ms decaying in 5 ms
            neuron = Izhikevich(tau_syn_s=tau_s, **quiet)  # type: ignore[arg-type]
            run = simulate(neuron, tick_ms * 1e-3, np.zeros(ticks), drives)
            assert run.state.v[0] == pytest.approx(moved, rel=1e-4)  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["euler", "spnet"])
def test_float32_agrees_with_float64_before_rounding_matters(scheme: str) -> None:
    currents = np.tile([4.0, 10.0, 15.0], (60, 1))
    neuron = Izhikevich(scheme=scheme)  # type: ignore[arg-type]
    tick_s = 1e-3 if scheme == "spnet" else 5e-4
    wide, narrow = (simulate(neuron, tick_s, currents, dtype=t) for t in (np.float64, np.float32))
    assert narrow.traces["v"].dtype == np.float32
    assert np.array_equal(wide.spikes, narrow.spikes) and wide.spikes.any()
    assert np.abs(wide.traces["v"] - narrow.traces["v"]).max() < 0.1


def test_step_runs_interpreted_like_compiled() -> None:
    neuron = Izhikevich(scheme="rk4", substeps=5)
    c, s = neuron.constants(5e-4), neuron.initial()
    run = simulate(neuron, 5e-4, np.full(100, 10.0))
    for t in range(100):
        s, spike = izhikevich.step_rk4(c, s, 0.0, 10.0)  # type: ignore[arg-type]
        assert spike == run.spikes[t, 0] and s.v == pytest.approx(run.traces["v"][t, 0], abs=1e-9)


@pytest.mark.parametrize(
    ("fields", "tick_s", "said"),
    [
        ({"scheme": "spnet"}, 5e-4, "spnet.*1 ms"),
        ({"scheme": "euler"}, 1e-3, "euler.*0.5 ms"),
        ({"scheme": "figure1"}, 1e-3, "figure1.*0.5 ms"),
        ({"scheme": "rk4"}, 1e-3, "at least 10"),
        ({"scheme": "euler", "k1": 10.0}, 5e-4, "at most 0.25 ms with these a, k1 and k2"),
        ({"scheme": "figure1", "a": 4.0}, 5e-4, "at most 0.25 ms"),
        ({"scheme": "euler", "substeps": 2}, 1e-4, "substeps"),
        ({"c": 30.0}, 1e-4, "v_peak"),
    ],
)
def test_ticks_that_break_the_scheme_are_refused(fields: dict[str, Any], tick_s: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Izhikevich(**fields).constants(tick_s)


# --------------------------------------------------------------------------- the author's order of operations

CELLS = {
    "regular spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "low-threshold": (0.02, 0.25, -65.0, 2.0),
}


def scripted(scheme: str, cell: tuple[float, float, float, float], current: float, ticks: int) -> tuple[Any, Any]:
    """Membranes and spikes with the products of figure1.m, ``0.04*V^2``, and of spnet.m, ``(0.04*v+5).*v``."""
    a, b, c, d = cell
    v, u = -65.0, b * -65.0
    membranes, spikes = np.zeros(ticks), np.zeros(ticks, bool)
    for k in range(ticks):
        if scheme == "figure1":
            v = v + 0.25 * (0.04 * (v * v) + 5 * v + 140 - u + current)
            u = u + 0.25 * a * (b * v - u)
            spikes[k] = v > 30
        else:
            v = v + 0.5 * ((0.04 * v + 5) * v + 140 - u + current)
            v = v + 0.5 * ((0.04 * v + 5) * v + 140 - u + current)
            u = u + a * (b * v - u)
            spikes[k] = v >= 30
        if spikes[k]:
            v, u = c, u + d
        membranes[k] = v
    return membranes, spikes


@pytest.mark.parametrize(("scheme", "tick_ms", "same"), [("figure1", 0.25, 9), ("spnet", 1.0, 3)])
def test_the_author_s_order_of_products_gives_other_bits_and_late_other_spikes(
    scheme: str, tick_ms: float, same: int
) -> None:
    ticks, equal = round(1000 / tick_ms), 0
    for cell in CELLS.values():
        for current in (5.0, 10.0, 15.0):
            a, b, c, d = cell
            neuron = Izhikevich(scheme=scheme, a=a, b=b, c=c, d=d)  # type: ignore[arg-type]
            start = {"v": -65.0, "u": b * -65.0}
            run = simulate(neuron, tick_ms * 1e-3, np.full((ticks, 1), current), record=("v",), initial=start)
            membranes, spikes = scripted(scheme, cell, current, ticks)
            off = np.abs(run.traces["v"][:, 0] - membranes)
            assert off.max() > 0  # never the same bits
            assert off[:80].max() < 1e-7
            assert abs(int(run.spikes.sum()) - int(spikes.sum())) <= 2
            equal += np.array_equal(run.spikes[:, 0], spikes)
    assert equal == same  # trains of a second, of 12
