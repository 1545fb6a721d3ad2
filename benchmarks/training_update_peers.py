"""The peers of training_update.py, run by a Python that has torch and snntorch; it prints JSON lines.

- ``PopSAN-style torch``: written from the published equations (Tang et al., CoRL 2020) in the structure of the
  public code: one nn.Linear and one LIF update a layer, stepped tick by tick, eager, a custom autograd spike.
- ``torch.compile``: the same equations by hand: each layer's matrix product batched over all ticks, the LIF loop
  of a layer and its written-out backward each compiled (inductor). Compiling the whole update was slower.
- ``snnTorch``: nn.Linear and ``snntorch.Leaky`` layers (no synaptic current, so another gradient), stepped
  tick by tick.

The gate of the reset is detached, as in snnctl. Each peer's Adam is torch's fused or default one, whichever is faster.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import snntorch
import torch
from torch import nn

torch.set_num_threads(1)
FOLDER = Path(sys.argv[1])
CONSTANTS = json.loads(sys.argv[2])
DATA = np.load(FOLDER / "actor.npz")
TICKS, A_SYN, A_MEM, THRESHOLD = (CONSTANTS[k] for k in ("ticks", "a_syn", "a_mem", "threshold"))
NAMES = ("input", "hidden1", "hidden2", "output")
WIDTH = 0.5  # of the rectangular surrogate


def tensor(name: str) -> torch.Tensor:
    """One array of the actor, a copy."""
    return torch.from_numpy(DATA[name].copy())


class Spike(torch.autograd.Function):
    """H(v - threshold) with the derivative 1 where |v - threshold| < WIDTH."""

    @staticmethod
    def forward(ctx: Any, v: Any) -> Any:
        """0 or 1."""
        ctx.save_for_backward(v)
        return (v > THRESHOLD).float()

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """Rectangular window."""
        (v,) = ctx.saved_tensors
        return gradient * ((v - THRESHOLD).abs() < WIDTH).float()


class Population(torch.autograd.Function):
    """Soft-reset integrators over all ticks; straight-through to the activity in every tick."""

    @staticmethod
    def forward(ctx: Any, activity: Any) -> Any:
        """Spikes (ticks, batch, n)."""
        u, spikes = torch.zeros_like(activity), []
        for _ in range(TICKS):
            u = u + activity
            s = (u > CONSTANTS["encoder_threshold"]).float()
            u = u - s * CONSTANTS["encoder_threshold"]
            spikes.append(s)
        return torch.stack(spikes)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """The sum over ticks."""
        return gradient.sum(0)


class Actor(nn.Module):
    """Encoder, linear layers and decoder; subclasses say how the layers are run."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.width = nn.Parameter(tensor("encoder.mean")), nn.Parameter(tensor("encoder.width"))
        self.weight, self.bias = nn.Parameter(tensor("decoder.weight")), nn.Parameter(tensor("decoder.bias"))
        layers = []
        for source, target in itertools.pairwise(NAMES):
            weight = tensor(f"projection.{source}.{target}.weight").T.contiguous()
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data, layer.bias.data = weight, tensor(f"population.{target}.bias")
            layers.append(layer)
        self.layers = nn.ModuleList(layers)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Spikes (ticks, batch, n)."""
        activity = torch.exp(-0.5 * ((x[:, :, None] - self.mean) / self.width) ** 2).flatten(1)
        return Population.apply(activity)

    def decode(self, counts: torch.Tensor) -> torch.Tensor:
        """Read-out (batch, actions)."""
        rates = counts.view(counts.shape[0], *self.weight.shape) / TICKS
        return (rates * self.weight).sum(-1) + self.bias

    def gradients(self) -> dict[str, np.ndarray]:
        """Under the names and in the layout of snnctl."""
        found = {"encoder.mean": self.mean, "encoder.width": self.width}
        found |= {"decoder.weight": self.weight, "decoder.bias": self.bias}
        result = {name: parameter.grad.numpy() for name, parameter in found.items()}
        for layer, (source, target) in zip(self.layers, itertools.pairwise(NAMES), strict=True):
            result[f"projection.{source}.{target}.weight"] = layer.weight.grad.numpy().T
            result[f"population.{target}.bias"] = layer.bias.grad.numpy()
        return result


class PopSan(Actor):
    """Current-based LIF layers, tick by tick: c = c / 2 + W x, v = 0.75 v (1 - s) + c + b."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read-out (batch, actions)."""
        spikes = self.encode(x)
        state = [[torch.zeros(len(x), layer.out_features) for _ in range(3)] for layer in self.layers]
        counts = torch.zeros(len(x), self.layers[-1].out_features)
        for t in range(TICKS):
            s = spikes[t]
            for k, layer in enumerate(self.layers):
                c, v, fired = state[k]
                c = c * A_SYN + nn.functional.linear(s, layer.weight)
                v = v * A_MEM * (1.0 - fired.detach()) + c + layer.bias
                s = Spike.apply(v)
                state[k] = [c, v, s]
            counts = counts + s
        return self.decode(counts)


class SnnTorch(Actor):
    """snntorch.Leaky layers: no synaptic current, reset to zero; the same shapes, weights and coding."""

    def __init__(self) -> None:
        super().__init__()
        self.neurons = nn.ModuleList(
            snntorch.Leaky(beta=A_MEM, threshold=THRESHOLD, reset_mechanism="zero") for _ in self.layers
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read-out (batch, actions)."""
        spikes = self.encode(x)
        membranes = [neuron.init_leaky() for neuron in self.neurons]
        output = []
        for t in range(TICKS):
            s = spikes[t]
            for k, (layer, neuron) in enumerate(zip(self.layers, self.neurons, strict=True)):
                s, membranes[k] = neuron(layer(s), membranes[k])
            output.append(s)
        return self.decode(torch.stack(output).sum(0))


@torch.compile(dynamic=False)
def lif_forward(drive: torch.Tensor, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes and pre-reset membranes, both (ticks, batch, n), of the drive of all ticks."""
    c, v, s = (torch.zeros_like(drive[0]) for _ in range(3))
    spikes, membranes = [], []
    for t in range(TICKS):
        c = c * A_SYN + drive[t]
        v = v * A_MEM * (1.0 - s) + c + bias
        s = (v > THRESHOLD).float()
        spikes.append(s)
        membranes.append(v)
    return torch.stack(spikes), torch.stack(membranes)


@torch.compile(dynamic=False)
def lif_backward(gradient: torch.Tensor, membranes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of the drive (ticks, batch, n) and of the bias (n,) from that of the spikes."""
    di, dv = torch.zeros_like(gradient[0]), torch.zeros_like(gradient[0])
    drive, bias = [], torch.zeros_like(gradient[0])
    for t in range(TICKS - 1, -1, -1):
        v = membranes[t]
        dv = gradient[t] * ((v - THRESHOLD).abs() < WIDTH).float() + A_MEM * (v <= THRESHOLD).float() * dv
        di = dv + A_SYN * di
        bias = bias + dv
        drive.insert(0, di)
    return torch.stack(drive), bias.sum(0)


class Layer(torch.autograd.Function):
    """A LIF layer over all ticks with the backward pass written out."""

    @staticmethod
    def forward(ctx: Any, drive: Any, bias: Any) -> Any:
        """Spikes (ticks, batch, n)."""
        spikes, membranes = lif_forward(drive, bias)
        ctx.save_for_backward(membranes)
        return spikes

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """Gradients of drive and bias."""
        return lif_backward(gradient, *ctx.saved_tensors)


class ByHand(Actor):
    """The PopSAN equations for speed: one product a layer for all ticks, one compiled loop over them each way."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Read-out (batch, actions)."""
        s = self.encode(x)  # (ticks, batch, n)
        for layer in self.layers:
            drive = (s.flatten(0, 1) @ layer.weight.T).view(TICKS, len(x), -1)
            s = Layer.apply(drive, layer.bias)
        return self.decode(s.sum(0))


class Contender:
    """One update of an actor."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        x, target = tensor("x"), tensor("target")

        def loss() -> torch.Tensor:
            return ((actor(x) - target) ** 2).sum() / (2 * len(x))

        self.loss = loss
        self.loss().backward()
        self.gradients = {name: value.copy() for name, value in actor.gradients().items()}
        candidates = [self._updater(fused) for fused in (False, True)]
        self.update = min(candidates, key=lambda update: min(block(update)["wall"] for _ in range(3)))

    def _updater(self, fused: bool) -> Any:
        parameters = list(self.actor.parameters())
        optimiser = torch.optim.Adam(parameters, lr=CONSTANTS["lr"], eps=CONSTANTS["epsilon"], fused=fused)

        def update() -> None:
            optimiser.zero_grad(set_to_none=True)
            self.loss().backward()
            nn.utils.clip_grad_norm_(parameters, CONSTANTS["max_norm"])
            optimiser.step()

        return update


def block(update: Any) -> dict[str, float]:
    """Milliseconds an update over one block."""
    count, start, used = 0, time.perf_counter(), time.process_time()
    while True:
        update()
        count += 1
        elapsed = time.perf_counter() - start
        if elapsed > CONSTANTS["block_s"]:
            return {"wall": elapsed / count * 1e3, "cpu": (time.process_time() - used) / count * 1e3}


def main() -> None:
    """Greet after writing every gradient, then time one block of the peer that each input line names."""
    peers = {
        "PopSAN-style torch": Contender(PopSan()),
        "torch.compile": Contender(ByHand()),
        "snnTorch": Contender(SnnTorch()),
    }
    same = ["PopSAN-style torch", "torch.compile"]
    for name in same:
        np.savez(FOLDER / f"{name}.npz", **peers[name].gradients)
    versions = {"torch": torch.__version__, "snntorch": snntorch.__version__}
    print(json.dumps({"peers": list(peers), "same equations": same, "versions": versions}), flush=True)
    for line in sys.stdin:
        print(json.dumps(block(peers[line.strip()].update)), flush=True)


if __name__ == "__main__":
    main()
