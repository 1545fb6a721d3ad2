"""The gradient against forward-mode differentiation, and the spikes against the rule, both in plain numpy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from snnctl.coding import ChoiceDecoder, GaussianPopulation
from snnctl.network.description import NetworkDescription, Population, Projection, stack
from snnctl.network.program import Program, lower
from snnctl.neurons import CurrentLif, Lif
from snnctl.surrogate import parameters
from snnctl.surrogate.derivatives import Derivative, FastSigmoid, Rectangular
from snnctl.surrogate.policy import Pass, SpikingPolicy, refuses
from tests.interpreted import INTERPRETED

TICK = 1e-3
DIMS, ACTIONS, K = 3, 2, 4
ENCODER = GaussianPopulation(neurons_per_dim=5)
DECODER = ChoiceDecoder(neurons_per_action=K)


def tau(decay: float) -> float:
    return -TICK / math.log(decay)


NEURONS = {
    "value": CurrentLif(tau_mem_s=tau(0.75), tau_syn_s=tau(0.5)),
    "value above zero": CurrentLif(tau_mem_s=tau(0.75), tau_syn_s=tau(0.5), v_reset=0.25),
    "subtract": CurrentLif(tau_mem_s=tau(0.9), tau_syn_s=tau(0.5), reset="subtract", v_threshold=0.5),
    "no synaptic state": CurrentLif(tau_mem_s=tau(0.75), tau_syn_s=0.0),
}
DERIVATIVES: dict[str, Derivative] = {"rectangular": Rectangular(width=0.6), "fast_sigmoid": FastSigmoid(slope=3.0)}


def make(neuron: CurrentLif, derivative: Derivative, dtype: type = np.float64, hidden=(7, 6)) -> SpikingPolicy:
    network = stack(
        inputs=ENCODER.size(DIMS),
        hidden=hidden,
        outputs=DECODER.size(ACTIONS),
        neuron=neuron,
        tick_s=TICK,
        ticks=5,
    )
    return policy_of(network, derivative, dtype)


def program_of(network: NetworkDescription) -> Program:
    shapes = {name: spec.shape for name, spec in network.tensor_shapes().items() if spec.required}
    return lower(network, {name: np.zeros([s or 0 for s in shape]) for name, shape in shapes.items()})


def policy_of(
    network: NetworkDescription, derivative: Derivative, dtype: type, encoder: GaussianPopulation = ENCODER
) -> SpikingPolicy:
    coding, decoding = encoder.gradient(DIMS, network.ticks, dtype), DECODER.gradient(ACTIONS)
    assert coding is not None
    program = program_of(network)
    return SpikingPolicy(program, coding, decoding, derivative, dims=DIMS, actions=ACTIONS, dtype=dtype)


def random_tensors(policy: SpikingPolicy, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    flat, tensors = parameters.allocate(policy.shapes, policy.dtype)
    random = np.random.default_rng(seed)
    policy.initialise(tensors, random, gain=2.0, decoder_gain=1.0)
    for name, tensor in tensors.items():
        if name.endswith(".bias"):
            tensor[:] = 0.2 * random.standard_normal(tensor.shape)
    return flat, tensors


def forward_mode(policy: SpikingPolicy, neuron: CurrentLif, t: dict, d: dict, x: np.ndarray):
    """Value and directional derivative of z, every spike's derivative being psi; also the flip margin."""
    a_syn = math.exp(-TICK / neuron.tau_syn_s) if neuron.tau_syn_s else 0.0
    a_mem = math.exp(-TICK / neuron.tau_mem_s)

    def psi(v: np.ndarray) -> np.ndarray:
        distance = np.abs(v - neuron.v_threshold)
        if isinstance(policy.derivative, Rectangular):
            return np.where(distance < policy.derivative.width, policy.derivative.height, 0.0)
        return policy.derivative.height / (1 + policy.derivative.slope * distance) ** 2

    z = (x[:, :, None] - t["encoder.mean"]) / t["encoder.width"]
    dz = (-d["encoder.mean"] - z * d["encoder.width"]) / t["encoder.width"]
    activity = np.exp(-z * z / 2).reshape(len(x), -1)
    slope = (-z * dz).reshape(len(x), -1) * activity
    u = np.zeros_like(activity)
    spikes, tangents = [], []
    for _ in range(policy.ticks):
        u = u + activity
        s = (u > ENCODER.threshold).astype(float)
        u = u - s * ENCODER.threshold
        spikes.append(s)
        tangents.append(slope)
    raster = [spikes]
    for a, b in itertools.pairwise(node.label for node in policy.program.nodes):
        w, dw = t[f"projection.{a}.{b}.weight"], d[f"projection.{a}.{b}.weight"]
        bias, dbias = t[f"population.{b}.bias"], d[f"population.{b}.bias"]
        i = di = v = dv = np.zeros((len(x), len(bias)))
        out, dout = [], []
        for s, ds in zip(spikes, tangents, strict=True):
            i, di = a_syn * i + s @ w, a_syn * di + ds @ w + s @ dw
            v, dv = a_mem * v + i + bias, a_mem * dv + di + dbias
            fired = v > neuron.v_threshold
            out.append(fired.astype(float))
            dout.append(psi(v) * dv)
            if neuron.reset == "value":
                v, dv = np.where(fired, neuron.v_reset, v), np.where(fired, 0.0, dv)
            else:
                v = v - fired * neuron.v_threshold
        spikes, tangents = out, dout
        raster.append(out)
    rate = np.mean(spikes, axis=0).reshape(len(x), ACTIONS, K)
    drate = np.mean(tangents, axis=0).reshape(len(x), ACTIONS, K)
    value = (rate * t["decoder.weight"]).sum(2) + t["decoder.bias"]
    tangent = (drate * t["decoder.weight"] + rate * d["decoder.weight"]).sum(2) + d["decoder.bias"]
    return value, tangent, [np.array(r) for r in raster]


@pytest.mark.parametrize("derivative", DERIVATIVES)
@pytest.mark.parametrize("kind", NEURONS)
def test_gradient_equals_forward_mode_in_every_tensor(kind: str, derivative: str) -> None:
    neuron = NEURONS[kind]
    policy = make(neuron, DERIVATIVES[derivative])
    _, tensors = random_tensors(policy, 1)
    random = np.random.default_rng(2)
    x = random.normal(size=(16, DIMS))
    weights = random.normal(size=(16, ACTIONS))  # loss = sum(weights * z)
    passing = Pass(policy, 16)
    z = passing.forward(tensors, x, np.zeros(16, np.uint64)).copy()
    _, gradients = parameters.allocate(policy.shapes, np.float64)
    passing.backward(tensors, weights, gradients)
    for name in policy.shapes:
        direction = {n: np.zeros(s) for n, s in policy.shapes.items()}
        direction[name] = random.normal(size=policy.shapes[name])
        value, tangent, _ = forward_mode(policy, neuron, tensors, direction, x)
        np.testing.assert_allclose(z, value, rtol=1e-12)
        wanted = float((weights * tangent).sum())
        assert abs(wanted) > 1e-6, name  # a direction that matters
        assert float((gradients[name] * direction[name]).sum()) == pytest.approx(wanted, rel=1e-9), name


@pytest.mark.parametrize("kind", NEURONS)
def test_float32_spikes_equal_the_float64_rule_but_for_ties(kind: str) -> None:
    policy = make(NEURONS[kind], Rectangular(), np.float32, hidden=(64, 64))
    _, tensors = random_tensors(policy, 3)
    x = np.random.default_rng(4).normal(size=(512, DIMS)).astype(np.float32)
    passing = Pass(policy, 512)
    passing.forward(tensors, x, np.zeros(512, np.uint64))
    wide = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    still = {name: np.zeros_like(tensor) for name, tensor in wide.items()}
    _, _, raster = forward_mode(policy, NEURONS[kind], wide, still, x.astype(np.float64))
    flips = [float((mine != theirs).mean()) for mine, theirs in zip(passing.spikes, raster, strict=True)]
    assert max(flips) <= 1e-4
    assert all(0.02 < layer.mean() < 0.9 for layer in passing.spikes)


def test_a_sample_does_not_depend_on_its_batch() -> None:
    policy = make(NEURONS["value"], Rectangular())
    _, tensors = random_tensors(policy, 5)
    x = np.random.default_rng(6).normal(size=(8, DIMS))
    keys = np.zeros(8, np.uint64)
    together = Pass(policy, 8).forward(tensors, x, keys).copy()
    alone = Pass(policy, 1)
    for row in range(8):
        np.testing.assert_allclose(alone.forward(tensors, x[row : row + 1], keys[:1])[0], together[row], rtol=1e-12)


def test_poisson_spikes_have_the_rate_of_the_activity_and_repeat_with_their_key() -> None:
    encoder = GaussianPopulation(neurons_per_dim=5, spikes="poisson")
    description = stack(inputs=15, hidden=(4,), outputs=8, neuron=NEURONS["value"], tick_s=TICK, ticks=20)
    policy = policy_of(description, Rectangular(), np.float32, encoder)
    _, tensors = random_tensors(policy, 7)
    n = 50 if INTERPRETED else 2000
    passing = Pass(policy, n)
    x = np.tile(np.array([0.3, -1.0, 2.0]), (n, 1))
    keys = np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    passing.forward(tensors, x, keys)
    first = passing.spikes[0].copy()
    rate = first.mean(axis=(0, 1))
    z = (x[0, :, None] - tensors["encoder.mean"]) / tensors["encoder.width"]
    np.testing.assert_allclose(rate, np.exp(-z * z / 2).ravel(), atol=5 * 0.5 / math.sqrt(first[:, :, 0].size))
    passing.forward(tensors, x, keys)
    np.testing.assert_array_equal(first, passing.spikes[0])
    passing.forward(tensors, x, keys + np.uint64(1))
    assert (first != passing.spikes[0]).mean() > 0.1


def test_a_plain_lif_is_trained_as_a_current_that_lasts_one_tick() -> None:
    plain, current = Lif(tau_mem_s=tau(0.75)), CurrentLif(tau_mem_s=tau(0.75), tau_syn_s=0.0)
    x = np.random.default_rng(9).normal(size=(16, DIMS))
    answers = []
    for neuron in (plain, current):
        network = stack(inputs=15, hidden=(7,), outputs=8, neuron=neuron, tick_s=TICK, ticks=5)
        policy = policy_of(network, Rectangular(), np.float64)
        answers.append(Pass(policy, 16).forward(random_tensors(policy, 9)[1], x, np.zeros(16, np.uint64)).copy())
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            stack(
                inputs=15,
                hidden=(4,),
                outputs=8,
                neuron=CurrentLif(tau_mem_s=0.01, tau_syn_s=0.01, refractory_ticks=1),
                tick_s=TICK,
                ticks=5,
            ),
            "surrogate training does not have refractory ticks",
        ),
        (
            NetworkDescription(
                tick_s=TICK,
                ticks=5,
                populations=(
                    Population(name="input", size=15),
                    Population(name="output", size=8, neuron=NEURONS["value"]),
                ),
                projections=(
                    Projection(source="input", target="output"),
                    Projection(source="output", target="output", delay_ticks=1),
                ),
            ),
            "surrogate training does not run recurrent networks",
        ),
    ],
    ids=["refractory", "recurrent"],
)
def test_what_cannot_be_trained_is_refused_by_name(network: NetworkDescription, message: str) -> None:
    assert any(message in str(problem) for problem in refuses(program_of(network)))


def test_constrain_keeps_weights_and_widths_in_range() -> None:
    policy = make(NEURONS["value"], Rectangular())
    flat, tensors = random_tensors(policy, 8)
    flat *= 100
    tensors["encoder.width"][0, 0] = -1
    policy.constrain(tensors, 1.5)
    assert tensors["encoder.width"].min() == pytest.approx(0.05)
    assert max(np.abs(t).max() for n, t in tensors.items() if n.startswith("projection.")) == 1.5
