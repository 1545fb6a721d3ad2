"""The peer of critics.py, run by a Python that has torch: the same learning step, eager, as public code writes it.

Twin critics of two modules; Adam (foreach); rows of weights back to unit length; moving averages of the targets by
torch._foreach_lerp_. One line in (a form as JSON), one line out: milliseconds of processor time, the median of a block,
and the loss of the first step from the weights that came with the form.
"""

from __future__ import annotations

import copy
import json
import statistics
import sys
import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)


class Critic(nn.Module):
    """Hidden layers with what stands between them, linear outputs."""

    def __init__(self, form: dict[str, Any], weights: dict[str, Any]) -> None:
        super().__init__()
        self.kind, self.joint = form["kind"], form["kind"] == "batch_norm"
        sizes = form["sizes"]
        self.linear = nn.ModuleList()
        self.between = nn.ModuleList()
        hidden = len(sizes) - 2
        for layer in range(hidden + 1):
            biased = layer == hidden or self.kind == "relu"
            module = nn.Linear(sizes[layer], sizes[layer + 1], bias=biased)
            with torch.no_grad():
                module.weight.copy_(torch.from_numpy(weights[f"layer.{layer}.weight"]))
                if biased:
                    module.bias.zero_()
            self.linear.append(module)
        for layer in range(hidden):
            n = sizes[layer + 1]
            kinds = {"relu": nn.Identity, "layer_norm": nn.LayerNorm, "batch_norm": nn.BatchNorm1d}
            options = {"momentum": 0.01, "eps": 1e-3} if self.joint else {}
            self.between.append(kinds[self.kind](n, **options))
        self.inputs = nn.BatchNorm1d(sizes[0], momentum=0.01, eps=1e-3) if self.joint else nn.Identity()

    def forward(self, x: Any) -> Any:
        """Logits, or Q."""
        x = self.inputs(x)
        for layer, between in enumerate(self.between):
            x = functional.relu(between(self.linear[layer](x)))
        return self.linear[-1](x)


class Learner:
    """One learning step of both critics."""

    def __init__(self, form: dict[str, Any]) -> None:
        data = np.load(form["weights"])
        self.form, self.batch = form, form["batch"]
        self.joint = form["kind"] == "batch_norm"
        self.online = [
            Critic(form, {k.removeprefix(f"{i}."): data[k] for k in data.files if k.startswith(f"{i}.")})
            for i in range(2)
        ]
        self.target = [copy.deepcopy(critic) for critic in self.online]
        self.parameters = [p for critic in self.online for p in critic.parameters()]
        self.targets = [p for critic in self.target for p in critic.parameters()]
        self.adam = torch.optim.Adam(self.parameters, lr=form["lr"], eps=1e-8)
        self.rows = [] if form["kind"] == "relu" else [m.weight for c in self.online for m in c.linear]
        self.given = {
            k: torch.from_numpy(data[k]) for k in ("x", "a", "next_x", "next_a", "reward", "discount", "bonus")
        }
        self.atoms = torch.linspace(-5.0, 5.0, form["bins"]) if form["bins"] > 1 else None

    def step(self) -> Any:
        """Target, loss, gradient, Adam, rows, moving averages."""
        g, batch = self.given, self.batch
        here, there = torch.cat([g["x"], g["a"]], 1), torch.cat([g["next_x"], g["next_a"]], 1)
        joint = torch.cat([here, there]) if self.joint else None
        with torch.no_grad():
            out = [c(joint)[batch:] if self.joint else c(there) for c in self.target]
            y = self._target(*out)
        out = [c(joint)[:batch] if self.joint else c(here) for c in self.online]
        if self.atoms is None:
            loss = sum(0.5 * ((o[:, 0] - y) ** 2).mean() for o in out)
        else:
            loss = sum(-(y * functional.log_softmax(o, 1)).sum(1).mean() for o in out)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        with torch.no_grad():
            for weight in self.rows:
                weight.div_(weight.norm(dim=1, keepdim=True))
            torch._foreach_lerp_(self.targets, self.parameters, 0.005)
        return loss.item()

    def _target(self, first: Any, second: Any) -> Any:
        g = self.given
        if self.atoms is None:
            return g["reward"] + g["discount"] * (torch.minimum(first, second)[:, 0] - g["bonus"])
        p, q = functional.softmax(first, 1), functional.softmax(second, 1)
        chosen = torch.where(((p * self.atoms).sum(1) <= (q * self.atoms).sum(1))[:, None], p, q)
        bins = len(self.atoms)
        moved = g["reward"][:, None] + g["discount"][:, None] * (self.atoms - g["bonus"][:, None])
        place = (moved.clamp(-5.0, 5.0) + 5.0) * (bins - 1) / 10.0
        below = place.floor().clamp(max=bins - 2).long()
        share = place - below
        y = torch.zeros_like(chosen)
        y.scatter_add_(1, below, chosen * (1 - share))
        y.scatter_add_(1, below + 1, chosen * share)
        return y


def main() -> None:
    """Answer requests."""
    learner: Learner | None = None
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        loss = None
        if "form" in asked:
            learner = Learner(asked["form"])
            loss = learner.step()
        assert learner is not None
        times = []
        for _ in range(asked["repeats"]):
            start = time.thread_time()
            learner.step()
            times.append(time.thread_time() - start)
        print(json.dumps({"ms": 1e3 * statistics.median(times), "loss": loss}), flush=True)


if __name__ == "__main__":
    main()
