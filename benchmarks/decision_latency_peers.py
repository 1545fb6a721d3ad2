"""The peers of decision_latency.py, run by a Python that has torch and snntorch; it prints JSON lines.

- ``PopSAN-style torch``: written from the published equations (Tang et al., CoRL 2020) in the structure of the
  public code: one nn.Linear and one LIF update a layer, stepped tick by tick, eager.
- ``snnTorch``: nn.Linear and ``snntorch.Leaky`` layers (no synaptic current, so other actions), stepped tick by tick,
  as its tutorials do.
- ``torch.compile``: the PopSAN equations by hand: each layer's matrix product batched over all ticks, the LIF
  loop unrolled, everything traced into one compiled graph (inductor), inference mode.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from typing import Any

import numpy as np
import snntorch
import torch
from torch import nn

torch.set_num_threads(1)
CONSTANTS = json.loads(sys.argv[2])
DATA = np.load(sys.argv[1])
TICKS, A_SYN, A_MEM, THRESHOLD = (CONSTANTS[k] for k in ("ticks", "a_syn", "a_mem", "threshold"))
NAMES = ("input", "hidden1", "hidden2", "output")


def tensor(name: str) -> torch.Tensor:
    """One array of the actor."""
    return torch.from_numpy(DATA[name])


class Encoder(nn.Module):
    """Gaussian population code with soft reset."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.width = tensor("encoder.mean"), tensor("encoder.width")
        self.shift, self.scale = tensor("normaliser.mean"), tensor("normaliser.std")

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Spikes (ticks, 1, n)."""
        x = ((observation - self.shift) / self.scale).clamp(-3, 3)
        a = torch.exp(-0.5 * ((x[:, :, None] - self.mean) / self.width) ** 2).flatten(1)
        u, spikes = torch.zeros_like(a), []
        for _ in range(TICKS):
            u = u + a
            s = (u > CONSTANTS["encoder_threshold"]).float()
            u = u - s * CONSTANTS["encoder_threshold"]
            spikes.append(s)
        return torch.stack(spikes)


class Decoder(nn.Module):
    """Population rates to actions in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = tensor("decoder.weight"), tensor("decoder.bias")

    def forward(self, counts: torch.Tensor) -> torch.Tensor:
        """Action (1, actions) of the spike counts (1, n)."""
        rates = counts.view(counts.shape[0], *self.weight.shape) / TICKS
        return torch.tanh((rates * self.weight).sum(-1) + self.bias)


def linears() -> nn.ModuleList:
    """The layers' weights and biases."""
    layers = []
    for source, target in itertools.pairwise(NAMES):
        weight = tensor(f"projection.{source}.{target}.weight").T.contiguous()
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.data, layer.bias.data = weight, tensor(f"population.{target}.bias").clone()
        layers.append(layer)
    return nn.ModuleList(layers)


class PopSan(nn.Module):
    """Current-based LIF layers, tick by tick: c = c / 2 + W x, v = 0.75 v (1 - s) + c + b."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder, self.layers = Encoder(), Decoder(), linears()

    def neuron(self, layer: Any, x: Any, c: Any, v: Any, s: Any) -> Any:
        """One tick of one layer."""
        c = c * A_SYN + nn.functional.linear(x, layer.weight)
        v = v * A_MEM * (1.0 - s) + c + layer.bias
        s = (v > THRESHOLD).float()
        return c, v, s

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Action (1, actions)."""
        spikes = self.encoder(observation)
        state = [[torch.zeros(1, layer.out_features) for _ in range(3)] for layer in self.layers]
        counts = torch.zeros(1, self.layers[-1].out_features)
        for t in range(TICKS):
            x = spikes[t]
            for k, layer in enumerate(self.layers):
                state[k] = list(self.neuron(layer, x, *state[k]))
                x = state[k][2]
            counts = counts + x
        return self.decoder(counts)


class SnnTorch(nn.Module):
    """snntorch.Leaky layers: no synaptic current, reset to zero; the same shapes, weights and coding."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder, self.layers = Encoder(), Decoder(), linears()
        self.neurons = nn.ModuleList(
            snntorch.Leaky(beta=A_MEM, threshold=THRESHOLD, reset_mechanism="zero") for _ in self.layers
        )

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Action (1, actions)."""
        spikes = self.encoder(observation)
        membranes = [neuron.init_leaky() for neuron in self.neurons]
        output = []
        for t in range(TICKS):
            x = spikes[t]
            for k, (layer, neuron) in enumerate(zip(self.layers, self.neurons, strict=True)):
                x, membranes[k] = neuron(layer(x), membranes[k])
            output.append(x)
        return self.decoder(torch.stack(output).sum(0))


class ByHand(nn.Module):
    """The PopSAN equations for speed: one product a layer for all ticks, the loop over ticks unrolled."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder, self.layers = Encoder(), Decoder(), linears()

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Action (1, actions)."""
        x = self.encoder(observation)[:, 0]  # (ticks, n)
        for layer in self.layers:
            drive = x @ layer.weight.T  # (ticks, n)
            c, v, s = (torch.zeros_like(drive[0]) for _ in range(3))
            spikes = []
            for t in range(TICKS):
                c = c * A_SYN + drive[t]
                v = v * A_MEM * (1.0 - s) + c + layer.bias
                s = (v > THRESHOLD).float()
                spikes.append(s)
            x = torch.stack(spikes)
        return self.decoder(x.sum(0, keepdim=True))


def controller(model: nn.Module, context: Any) -> Any:
    """Numpy observation -> numpy action, as a control loop calls it."""

    def act(observation: np.ndarray) -> np.ndarray:
        with context():
            return model(torch.as_tensor(observation, dtype=torch.float32)[None])[0].numpy()

    return act


def fastest(model: nn.Module, observations: np.ndarray) -> Any:
    """The controller under no_grad or inference_mode, whichever is faster."""
    candidates = [controller(model, context) for context in (torch.no_grad, torch.inference_mode)]
    return min(candidates, key=lambda act: min(block_us(act, observations) for _ in range(3)))


def block_us(act: Any, observations: np.ndarray) -> float:
    """Microseconds a decision over one block."""
    count, start = 0, time.perf_counter()
    while True:
        for observation in observations:
            act(observation)
        count += len(observations)
        elapsed = time.perf_counter() - start
        if elapsed > CONSTANTS["block_s"]:
            return elapsed / count * 1e6


def main() -> None:
    """Greet with every peer's actions, then time one block of the peer that each input line names."""
    observations = DATA["observations"]
    peers = {
        "snnTorch": fastest(SnnTorch().eval(), observations),
        "PopSAN-style torch": fastest(PopSan().eval(), observations),
        "torch.compile": fastest(torch.compile(ByHand().eval(), fullgraph=True, mode="max-autotune"), observations),
    }
    actions = {name: [act(o).tolist() for o in observations] for name, act in peers.items()}
    versions = {"torch": torch.__version__, "snntorch": snntorch.__version__}
    print(json.dumps({"actions": actions, "versions": versions}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"us": block_us(peers[line.strip()], observations)}), flush=True)


if __name__ == "__main__":
    main()
