import dataclasses

import numpy as np
import pytest

from snnctl.plasticity.eprop import Eprop, gradients, output_gradients
from tests.reference import plastic

TICK_S = 1e-3
LIF = Eprop(v_threshold=0.6, per_threshold=False)
ALIF = dataclasses.replace(LIF, beta=0.15, tau_adaptation_s=50e-3)
REFRACTORY = dataclasses.replace(LIF, refractory_ticks=3)


class Network:
    """v[t+1] = alpha v[t] + z[t] Wrec + x[t] Win - thr z[t];  z = 1[v > A];  y[t+1] = kappa y[t] + z[t+1] Wout."""

    def __init__(self, rule, seed=0, ticks=40, trials=2, inputs=5, hidden=7, outputs=3):
        random = np.random.default_rng(seed)
        self.rule, self.c = rule, rule.constants(TICK_S)
        self.x = (random.random((ticks, trials, inputs)) < 0.3).astype(float)
        self.w_in = random.normal(0, 0.6, (inputs, hidden))
        self.w_rec = random.normal(0, 0.35, (hidden, hidden))
        self.w_out = random.normal(0, 0.5, (hidden, outputs))
        self.target = random.normal(0, 1, (ticks, trials, outputs))
        self.v, self.z, self.y = (np.zeros((ticks, trials, n)) for n in (hidden, hidden, outputs))
        c, a, silent = self.c, np.zeros((trials, hidden)), np.zeros((trials, hidden))
        for t in range(ticks):
            if t:
                z = self.z[t - 1]
                self.v[t] = c.alpha * self.v[t - 1] + z @ self.w_rec + self.x[t - 1] @ self.w_in - c.v_threshold * z
            self.z[t] = (self.v[t] > c.v_threshold + c.beta * a) & (silent <= 0)
            self.y[t] = (c.kappa * self.y[t - 1] if t else 0.0) + self.z[t] @ self.w_out
            a = c.rho * a + self.z[t]
            silent = np.where(self.z[t] > 0, c.refractory, np.maximum(silent - 1, 0))
        self.error = self.y - self.target
        self.signal = self.error @ self.w_out.T  # symmetric feedback
        late = np.concatenate([self.x, self.z], axis=2)
        self.arrivals = np.concatenate([np.zeros_like(late[:1]), late[:-1]])  # (ticks, trials, inputs + hidden)
        self.inputs = inputs

    def sensitivities(self, detach):
        """dE/dw of all weights (inputs + hidden, hidden), forward mode: each weight carries d v, d z, d a, d y.

        With ``detach`` the spikes in the recurrent and the reset term are constants.
        """
        c = self.c
        ticks, trials, n = self.arrivals.shape
        hidden, outputs = self.z.shape[2], self.y.shape[2]
        dv, dz, da = (np.zeros((trials, n, hidden, hidden)) for _ in range(3))  # last axis: the neuron
        dy = np.zeros((trials, n, hidden, outputs))
        own = np.eye(hidden)
        a, silent, gradient = np.zeros((trials, hidden)), np.zeros((trials, hidden)), np.zeros((n, hidden))
        for t in range(ticks):
            da = c.rho * da + dz
            through = 0.0 if detach else dz @ self.w_rec - c.v_threshold * dz
            dv = c.alpha * dv + self.arrivals[t][:, :, None, None] * own + through
            psi = c.height * np.maximum(0, 1 - abs(self.v[t] - c.v_threshold - c.beta * a) / c.v_threshold)
            psi = np.where(silent > 0, 0.0, psi)
            dz = psi[:, None, None, :] * (dv - c.beta * da)
            dy = c.kappa * dy + dz @ self.w_out
            gradient += np.einsum("bnmo,bo->nm", dy, self.error[t])
            a = c.rho * a + self.z[t]
            silent = np.where(self.z[t] > 0, c.refractory, np.maximum(silent - 1, 0))
        return gradient

    def eprop(self):
        return gradients(self.rule, TICK_S, self.arrivals, self.v, self.z, self.signal)


def cosine(a, b):
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


@pytest.mark.parametrize("rule", [LIF, ALIF, REFRACTORY, dataclasses.replace(LIF, tau_out_s=0.0)])
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_the_gradient_with_recurrent_spikes_and_reset_held_constant(rule, seed):
    network = Network(rule, seed)
    assert 0.02 < network.z.mean() < 0.9
    reference = network.sensitivities(detach=True)
    assert abs(network.eprop() - reference).max() <= 1e-13 * abs(reference).max()


def test_is_not_the_full_gradient_but_points_its_way():
    network = Network(LIF)
    eprop, full = network.eprop(), network.sensitivities(detach=False)
    assert abs(eprop - full).max() > 1e-2 * abs(full).max()
    assert 0.5 < cosine(eprop, full) < 0.9999


def test_without_recurrence_and_reset_it_is_the_full_gradient():
    network = Network(LIF)
    network.w_rec = network.c.v_threshold * np.eye(7)  # the recurrent path then cancels that of the reset
    assert network.eprop() == pytest.approx(network.sensitivities(detach=False), rel=1e-12, abs=1e-13)


def test_output_gradient_is_that_of_the_loss():
    network = Network(LIF)
    step, w = 1e-6, (3, 1)
    change = np.zeros_like(network.w_out)
    change[w] = step
    kernel = np.zeros_like(network.y)
    for t in range(40):
        kernel[t] = (network.c.kappa * kernel[t - 1] if t else 0) + network.z[t] @ change
    up, down = (0.5 * ((network.error + sign * kernel) ** 2).sum() for sign in (1, -1))
    found = output_gradients(LIF, TICK_S, network.z, network.error)[w]
    assert found == pytest.approx((up - down) / (2 * step), rel=1e-7)


def looped(network, rule, trial, signal, ticks):
    """The hooks over one trial; the engine's v is the membrane after its reset."""
    n, m = network.arrivals.shape[2], network.z.shape[2]
    loop = plastic(rule, TICK_S, np.zeros((n, m)))
    after = network.v[:, trial] - loop.rules[0].c.reset * network.z[:, trial]
    for t in range(ticks):
        loop.begin()
        loop.deliver(np.flatnonzero(network.arrivals[t, trial]).tolist() if t < len(after) else [], np.zeros(m))
        v, z = (after[t], network.z[t, trial]) if t < len(after) else (np.zeros(m), np.zeros(m))
        loop.end(v, np.flatnonzero(z).tolist(), signal[t])
    return loop


@pytest.mark.parametrize("rule", [LIF, ALIF, REFRACTORY, dataclasses.replace(LIF, reset=0.0)])
def test_the_hooks_equal_the_trial_form(rule):
    network = Network(rule, trials=1)
    loop = looped(network, rule, 0, network.signal[:, 0], 40)
    trial = network.eprop()
    assert abs(loop.field("g") - trial).max() <= 1e-13 * abs(trial).max()
    assert (loop.field("weight") == 0).all()


def test_a_signal_one_tick_late_meets_its_own_eligibility():
    rule = dataclasses.replace(LIF, signal_delay=1)
    network = Network(rule, trials=1)
    late = np.concatenate([np.zeros((1, 7)), network.signal[:, 0]])
    loop = looped(network, rule, 0, late, 41)
    trial = network.eprop()
    assert abs(loop.field("g") - trial).max() <= 1e-13 * abs(trial).max()


def test_weights_follow_the_gradient_at_every_update():
    rule = dataclasses.replace(LIF, update_ticks=10, learning_rate=0.1)
    network = Network(rule, trials=1)
    total = network.eprop()
    assert looped(network, rule, 0, network.signal[:, 0], 39).field("weight") != pytest.approx(-0.1 * total, rel=1e-3)
    loop = looped(network, rule, 0, network.signal[:, 0], 40)
    assert loop.field("weight") == pytest.approx(-0.1 * total, rel=1e-12, abs=1e-14)
    assert (loop.field("g") == 0).all()


def test_pseudo_derivative_is_a_triangle_around_the_threshold():
    for v, psi in ((1.0, 0.3), (0.5, 0.15), (1.5, 0.15), (0.0, 0.0), (-3.0, 0.0), (2.0, 0.0)):
        loop = plastic(Eprop(), TICK_S, np.zeros((1, 1)))
        loop.begin()
        loop.end([v - (v > 1)], [0] if v > 1 else [])  # a soft reset takes the threshold off
        assert loop.rules[0].post[0].psi == pytest.approx(psi)
    assert Eprop(v_threshold=2.0).constants(TICK_S).height == 0.15
    assert Eprop(v_threshold=2.0, per_threshold=False).constants(TICK_S).height == 0.3


def test_agrees_with_torch_where_it_is_installed():
    torch = pytest.importorskip("torch")
    network = Network(LIF)
    c = network.c

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, v):
            ctx.save_for_backward(v)
            return (v > c.v_threshold).double()

        @staticmethod
        def backward(ctx, grad):
            (v,) = ctx.saved_tensors
            return grad * c.height * torch.clamp(1 - (v - c.v_threshold).abs() / c.v_threshold, min=0)

    w = torch.tensor(np.concatenate([network.w_in, network.w_rec]), requires_grad=True)
    w_out, x = torch.tensor(network.w_out), torch.tensor(network.x)
    v = z = torch.zeros(network.z.shape[1:], dtype=torch.float64)
    y, loss = torch.zeros(network.y.shape[1:], dtype=torch.float64), 0.0
    for t in range(40):
        if t:
            before = z.detach()
            v = c.alpha * v + torch.cat([x[t - 1], before], 1) @ w - c.v_threshold * before
        z = Spike.apply(v)
        y = c.kappa * y + z @ w_out
        loss = loss + 0.5 * ((y - torch.tensor(network.target[t])) ** 2).sum()
    loss.backward()
    reference = w.grad.numpy()
    assert abs(network.eprop() - reference).max() <= 1e-13 * abs(reference).max()
