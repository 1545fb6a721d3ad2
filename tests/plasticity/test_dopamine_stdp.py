from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from snnctl.network.connectivity import Explicit
from snnctl.network.network import Network
from snnctl.neurons.izhikevich import Izhikevich
from snnctl.plasticity.dopamine_stdp import DopamineStdp
from tests.reference import plastic, replay

from .recorded import selection_and_complete
from .replayed import replayed

SCRIPT = DopamineStdp(scheme="daspnet")
N, EXCITATORY, MS = 100, 80, 1e-3
ROWS = np.arange(N)


# --------------------------------------------------------------------------- the author's script


class Case:
    """The recorded run; its milliseconds 1, 2, ... are our ticks 0, 1, ..., and its fired are ours a tick before."""

    def __init__(self, path: Path) -> None:
        recorded = np.load(path)
        self.post = recorded["post"].astype(int)  # (N, 10), with duplicates
        self.current = 24 * (recorded["Iq"] / 65536 - 0.5)  # (ticks, N)
        self.ticks = len(self.current)
        self.spikes = recorded["spikes"] - [1, 1]  # rows (millisecond - 1, neuron)
        self.reward_delay = recorded["rew_delay"]
        self.recorded = recorded
        # Of synapses i -> j that exist twice, MATLAB's I(ind) = I(ind) + s delivers the last only. Both carry the same
        # s and sd from beginning to end, so that one synapse stands for them (n1's own, at 0, has no double).
        self.exists = np.zeros((N, N), bool)
        self.exists[ROWS[:, None], self.post] = True
        self.weight = self.exists * np.where(ROWS < EXCITATORY, 1.0, -1.0)[:, None]
        self.n1, self.n2 = 0, self.post[0, 0]
        self.weight[self.n1, self.n2] = 0.0
        assert np.count_nonzero(self.post[0] == self.n2) == 1

    @property
    def signal(self) -> Any:
        """What our caller gives: a release at the end of millisecond t acts from the next one on.  # (ticks,)"""
        signal = np.zeros(self.ticks)
        jumps = np.flatnonzero(np.diff(self.recorded["DA"], prepend=0.0) > 0.1)
        signal[jumps[jumps + 1 < self.ticks] + 1] = 0.5
        return signal


class Replica(NamedTuple):
    spikes: Any
    dopamine: Any
    chosen: Any  # (ticks, 2) s and sd of n1 -> n2
    membrane: Any
    s: Any  # (80, 10)
    sd: Any  # the script keeps an sd of inhibitory synapses too, which nothing reads


def script(case: Case) -> Replica:
    """The script's neurons, noise, sums and rewards around the hooks of the rule."""
    excitation = plastic(SCRIPT, MS, case.weight[:EXCITATORY], case.exists[:EXCITATORY])
    (rule,) = excitation.rules
    a, d = np.where(ROWS < EXCITATORY, 0.02, 0.1), np.where(ROWS < EXCITATORY, 8.0, 2.0)
    v = np.full(N, -65.0)
    u = 0.2 * v
    fired, rewards, delays, n1_fired, release = np.zeros(N, bool), set(), iter(case.reward_delay), -100, 0.0
    spikes, dopamine, chosen, membrane = [], [], [], []
    for t in range(case.ticks):
        spikes += [(t, i) for i in np.flatnonzero(fired)]
        weight = np.vstack([excitation.field("weight"), case.weight[EXCITATORY:]])  # as delivered
        excitation.begin(release)
        excitation.deliver(np.flatnonzero(fired[:EXCITATORY]).tolist(), np.zeros(N))
        current = case.current[t].copy()
        for i in np.flatnonzero(fired)[::-1]:  # the script's order of summation
            current[case.post[i]] = current[case.post[i]] + weight[i, case.post[i]]
        for _ in range(2):
            v = v + 0.5 * ((0.04 * v + 5) * v + 140 - u + current)
        u = u + a * (0.2 * v - u)
        membrane.append(v[[0, 49, 99]])
        peak = v >= 30
        peak &= t + 1 < case.ticks  # the recording ends before the next test of the thresholds
        v, u = np.where(peak, -65.0, v), np.where(peak, u + d, u)
        excitation.end(v, np.flatnonzero(peak).tolist())
        # sd of the recording is that before the potentiation of the next millisecond.
        fresh = rule.pre[case.n1].x if peak[case.n2] else 0.0
        eligibility = excitation.field("c")[case.n1, case.n2] - fresh
        chosen.append((excitation.field("weight")[case.n1, case.n2], eligibility))
        if fired[case.n1]:
            n1_fired = t
        if fired[case.n2] and 0 < t - n1_fired < 20:
            rewards.add(t + 1000 + int(next(delays)))
        release = 0.5 if t in rewards else 0.0
        dopamine.append(rule.shared.d + release)
        fired = peak
    each = ROWS[:EXCITATORY, None], case.post[:EXCITATORY]
    s, sd = (excitation.field(name)[each] for name in ("weight", "c"))
    return Replica(*map(np.array, (spikes, dopamine, chosen, membrane)), s, sd)


@pytest.mark.parametrize("path", selection_and_complete("daspnet_small.npz"))
def test_the_hooks_reproduce_the_authors_script(path):
    case = Case(path)
    found, recorded = script(case), case.recorded
    assert np.array_equal(found.spikes, case.spikes)
    assert np.array_equal(found.dopamine, recorded["DA"])
    assert found.dopamine.max() > 0.4
    assert np.array_equal(found.chosen[:, 0], recorded["shist"][:, 0])
    assert found.chosen[:, 1] == pytest.approx(recorded["shist"][:, 1], abs=1e-12)
    stride = case.ticks // len(recorded["v_probe_n0_n49_n99"])
    assert np.array_equal(found.membrane[::stride], recorded["v_probe_n0_n49_n99"])
    if "s_final" in recorded:
        assert np.array_equal(found.s, recorded["s_final"][:EXCITATORY])
        assert np.array_equal(found.sd, recorded["sd_final"][:EXCITATORY])


@pytest.mark.needs_compiler
@pytest.mark.parametrize("path", selection_and_complete("daspnet_small.npz"))
def test_the_engine_reproduces_the_authors_script(path):
    case = Case(path)
    network = Network(MS)
    parameters = {"v_initial": -65.0, "u_initial": -13.0, "scheme": "spnet"}
    halves = (slice(0, EXCITATORY), slice(EXCITATORY, N))
    cells = [
        network.population("excitatory", EXCITATORY, Izhikevich(a=0.02, d=8.0, **parameters)),
        network.population("inhibitory", N - EXCITATORY, Izhikevich(a=0.1, d=2.0, **parameters)),
    ]
    projections = {}
    for i, rule in enumerate((SCRIPT, ())):
        for j in range(2):
            block = case.exists[halves[i], halves[j]]
            if block.any():
                rows, columns = np.nonzero(block)
                weight = case.weight[halves[i], halves[j]][rows, columns]
                made = network.project(cells[i], cells[j], Explicit(rows, columns), weight=weight, plasticity=rule)
                projections[i, j] = made, rows + halves[i].start, columns + halves[j].start
    for population in cells:
        network.record(population, "spikes")
    network.run(
        case.ticks * MS,
        currents={p.name: case.current[:, half] for p, half in zip(cells, halves, strict=True)},
        signal=case.signal,
    )
    spikes = np.vstack(
        [
            np.column_stack([np.rint(found.times_s / MS) + 1, found.neurons + half.start])
            for found, half in zip((network.spikes(p) for p in cells), halves, strict=True)
        ]
    )
    spikes = spikes[spikes[:, 0] < case.ticks]
    assert np.array_equal(spikes[np.lexsort(spikes.T[::-1])], case.spikes)
    if "s_final" in case.recorded:
        s = np.zeros((N, N))
        for made, rows, columns in projections.values():
            s[rows, columns] = network.weights(made)
        assert s[ROWS[:, None], case.post] == pytest.approx(case.recorded["s_final"], abs=1e-12)


# --------------------------------------------------------------------------- the equation


def integrated(rule: DopamineStdp, pre: Any, post: Any, signal: Any, weight: float, substeps: int = 200) -> Any:
    """c' and s' by Runge-Kutta of order 4 between the events of ticks of 1 ms; weights at the start of ticks."""
    h, x, y, c, d, s, samples = 1.0 / substeps, 0.0, 0.0, 0.0, 0.0, weight, []
    tau_c, tau_d = rule.tau_c_s * 1e3, rule.tau_d_s * 1e3

    def slope(c: float, d: float) -> Any:
        return np.array([-c / tau_c, -d / tau_d, rule.gain_hz * 1e-3 * (rule.tonic + d) * c])

    for k in range(len(pre)):
        samples.append(s)
        d += signal[k]
        if pre[k]:
            c -= rule.depression * y
            x += rule.a_plus
        if post[k]:
            c += x
            y += rule.a_plus
        state = np.array([c, d, s])
        for _ in range(substeps):
            k1 = slope(*state[:2])
            k2 = slope(*(state + h / 2 * k1)[:2])
            k3 = slope(*(state + h / 2 * k2)[:2])
            k4 = slope(*(state + h * k3)[:2])
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        c, d, s = state
        x, y = x * np.exp(-1 / (rule.tau_pre_s * 1e3)), y * np.exp(-1 / (rule.tau_post_s * 1e3))
    return np.array(samples)


RECORDED = np.load(Path(__file__).parents[1] / "data/snn/reward_stdp.npz")
EULER = DopamineStdp(scheme="euler", pairing="all_to_all", gain_hz=1.0, tonic=0.0, weight_min=None, weight_max=None)


def test_euler_scheme_is_that_of_brian2():
    pre, post = RECORDED["pre"], RECORDED["post"]
    assert (pre.any(1) & post.any(1)).any()
    signal = np.zeros(len(pre))
    signal[RECORDED["release"]] = 0.5
    found = {
        rule.scheme: replay(rule, MS, RECORDED["w0"], pre, post, signal=signal, every=10).weights.reshape(-1, 12).T
        for rule in (EULER, dataclasses.replace(EULER, scheme="exact"))
    }
    assert np.ptp(RECORDED["s"], axis=1).min() > 1e-2
    assert np.abs(found["euler"] - RECORDED["s"]).max() < 1e-12
    assert 1e-5 < np.abs(found["exact"] - RECORDED["s"]).max() < 1e-3


def test_exact_scheme_solves_the_equation():
    random = np.random.default_rng(7)
    pre, post = random.random(300) < 0.05, random.random(300) < 0.05
    signal = np.where(random.random(300) < 0.03, 0.5, 0.0)
    rule = DopamineStdp(pairing="all_to_all", tau_c_s=0.1, tau_d_s=0.03, weight_min=None, weight_max=None)
    found = replay(rule, MS, [[0.3]], pre[:, None], post[:, None], signal=signal).weights[:, 0, 0]
    assert np.ptp(found) > 0.1
    assert found == pytest.approx(integrated(rule, pre, post, signal, 0.3, 4), abs=1e-11)


@pytest.mark.parametrize("tick_s", [1e-3, 5e-3, 20e-3])
def test_exact_scheme_does_not_depend_on_the_tick(tick_s):
    # pre at 0, post at 20 ms, dopamine at 400 ms, read at 2 s
    ticks = round(2.0 / tick_s)
    pre, post, signal = np.zeros((ticks, 1)), np.zeros((ticks, 1)), np.zeros(ticks)
    pre[0], post[round(20e-3 / tick_s)], signal[round(0.4 / tick_s)] = 1, 1, 0.5
    found = replay(DopamineStdp(), tick_s, [[1.0]], pre, post, signal=signal).final.field("weight")[0, 0]
    c = 0.1 * np.exp(-1)
    r = 1 / 1.0 + 1 / 0.2
    phasic = 0.5 * c * np.exp(-0.38) * (1 - np.exp(-1.6 * r)) / r
    tonic = 0.002 * c * (1 - np.exp(-1.98))
    assert found - 1.0 == pytest.approx(100 * (phasic + tonic), rel=1e-10)


def eligibility(lag: int, **parameters: Any) -> float:
    ticks = abs(lag) + 1
    pre, post = np.zeros((ticks, 1)), np.zeros((ticks, 1))
    pre[max(-lag, 0)] = post[max(lag, 0)] = 1
    rule = DopamineStdp(tau_c_s=1e9, **parameters)
    return float(replay(rule, MS, [[1.0]], pre, post).final.field("c")[0, 0])


@pytest.mark.parametrize("lag", [-30, -10, -1, 0, 1, 10, 30])
def test_window(lag):
    expected = 0.1 * np.exp(-lag / 20) if lag >= 0 else -0.15 * np.exp(lag / 20)
    assert eligibility(lag) == pytest.approx(expected, rel=1e-9)
    late = 0.1 * 0.95**lag if lag >= 0 else -0.15 * 0.95 ** (-lag - 1)
    assert eligibility(lag, scheme="daspnet") == pytest.approx(late, rel=1e-9)


def test_reward_two_seconds_late_still_selects_the_pair_that_came_before():
    pre, post, signal = np.zeros((3000, 2)), np.zeros((3000, 2)), np.zeros(3000)
    pre[[100, 110], [0, 1]] = 1  # synapse 0 -> 0 sees pre-post, 1 -> 1 post-pre
    post[[110, 100], [0, 1]] = 1
    signal[2100] = 0.5
    rewarded = replay(DopamineStdp(), MS, np.ones((2, 2)), pre, post, signal=signal).final.field("weight")
    control = replay(DopamineStdp(), MS, np.ones((2, 2)), pre, post).final.field("weight")
    c = 0.1 * np.exp(-0.5) * np.exp(-1.99)
    assert rewarded[0, 0] - control[0, 0] == pytest.approx(100 * 0.5 * c * (1 - np.exp(-0.9 * 6)) / 6, rel=1e-9)
    assert rewarded[1, 1] < control[1, 1] < 1.0


def test_limits_hold_and_eligibility_goes_on_at_them():
    rule = DopamineStdp(tonic=1.0, gain_hz=1000.0)
    pre = post = np.ones((50, 1))
    up = replay(dataclasses.replace(rule, depression=0.5), MS, [[3.9]], pre, post)
    assert up.final.field("weight")[0, 0] == up.weights.max() == 4.0
    assert up.final.field("c")[0, 0] == pytest.approx(50 * 0.1 - 49 * 0.05 * np.exp(-1 / 20), rel=0.05)
    down = replay(dataclasses.replace(rule, depression=2.0), MS, [[0.1]], pre, post)
    assert down.final.field("weight")[0, 0] == 0.0
    assert down.final.field("c")[0, 0] == pytest.approx(50 * 0.1 - 49 * 0.2 * np.exp(-1 / 20), rel=0.05)


@pytest.mark.parametrize("rule", [DopamineStdp(), DopamineStdp(pairing="all_to_all"), EULER, SCRIPT], ids=str)
def test_the_engine_equals_the_reference_loop(rule):
    found = replayed(rule, high=4.0)
    assert found.spikes > 20
    assert np.array_equal(found.engine, found.reference)
    assert np.abs(found.engine - found.first).max() > 0.01


@pytest.mark.parametrize(
    ("rule", "tick_s", "message"),
    [
        (SCRIPT, 20e-3, "every_s 0.01 must be whole ticks"),
        (SCRIPT, 3e-3, "every_s 0.01 must be whole ticks"),
        (dataclasses.replace(SCRIPT, tau_d_s=1e-3), 1e-3, "tau_d_s must be longer"),
        (dataclasses.replace(SCRIPT, tau_c_s=5e-3), 1e-3, "tau_c_s must be longer"),
        (dataclasses.replace(EULER, tau_c_s=1e-3), 1e-3, 'tau_c_s must be longer than 0.001 s in scheme "euler"'),
        (EULER, 0.2, "tau_d_s must be longer"),
    ],
)
def test_refuses_ticks_that_break_the_scheme(rule, tick_s, message):
    with pytest.raises(ValueError, match=message):
        rule.constants(tick_s)
