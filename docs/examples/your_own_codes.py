"""An encoder and a decoder from outside the package hold a cart in its place: no spikes where nothing is to be done.

Four window neurons (position and speed, above and below) drive two antagonists; the weights are set by hand, as the
gains of a PD controller. The cart starts a metre away and is hit after three seconds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl import slots
from snnctl.agent import folder
from snnctl.agent.description import AgentDescription, Provenance, Task
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.coding import Normaliser
from snnctl.network.description import stack
from snnctl.neurons import CurrentLif
from snnctl.report import figure

sys.path.insert(0, str(Path(__file__).parent))  # where the package of the codes lies

from mylab.codes import Antagonists, Window

PERIOD_S, STEPS, HIT_AT, FORCE_N = 0.02, 300, 150, 8.0


def agent() -> Agent:
    """The description, and tensors that a trainer would have found."""
    encoder, decoder = Window(inner=0.04, outer=0.6), Antagonists()
    network = stack(
        inputs=encoder.size(2),
        hidden=(),
        outputs=decoder.size(1),
        neuron=CurrentLif(tau_mem_s=4e-3, tau_syn_s=2e-3),
        tick_s=1e-3,
        ticks=20,
    )
    description = AgentDescription(
        name="cart",
        task=Task(env_id="cart", observation_size=2, action_size=1, action_kind="continuous", control_dt_s=PERIOD_S),
        normaliser=Normaliser(),
        encoder=encoder,
        network=network,
        decoder=decoder,
        provenance=Provenance(recipe="by hand", seed=0),
    )
    push = np.array([-0.7, 0.7, -0.8, 0.8])  # of position above and below, speed above and below: upwards
    limits = np.array([-FORCE_N]), np.array([FORCE_N])
    tensors = {
        "normaliser.mean": np.zeros(2),
        "normaliser.std": np.array([1.0, 1.5]),  # m, m/s
        "projection.input.output.weight": np.stack([push, -push], axis=1),
        "population.output.bias": np.zeros(2),
        **(decoder.fixed(1, limits) or {}),
    }
    return Agent(description, tensors)


def run(made: Agent) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions (steps,) in m, forces (steps,) in N and input spikes (steps, 4)."""
    controller = FloatController(made)
    controller.reset(0)
    x, v = 1.0, 0.0
    positions, forces, spikes = np.empty(STEPS), np.empty(STEPS), np.empty((STEPS, 4))
    for k in range(STEPS):
        force = float(np.asarray(controller.act(np.array([x, v])))[0])
        positions[k], forces[k], spikes[k] = x, force, controller.activity().spikes["input"].sum(axis=0)
        v += PERIOD_S * force + (1.5 if k == HIT_AT else 0.0)  # of a cart of 1 kg, hit once
        x += PERIOD_S * v
    return positions, forces, spikes


def main() -> None:
    """Save, load, run, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/your_own_codes.png")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as base:
        folder.save(agent(), Path(base) / "cart")
        slots.trust("mylab")  # what --trust mylab says: agent.toml names code of this package
        made = folder.load(Path(base) / "cart")
    positions, forces, spikes = run(made)
    at_rest = slice(HIT_AT - 25, HIT_AT)
    way, rest = spikes[:25].sum() / 25, spikes[at_rest].sum() / 25
    print(f"input spikes of a decision: {way:.1f} on the way, {rest:.1f} at rest")
    print(f"position after 3 s {positions[HIT_AT - 1]:.2f} m, after 6 s {positions[-1]:.2f} m")
    times = np.arange(STEPS) * PERIOD_S
    with rc_context(figure.STYLE):
        canvas = Figure(figsize=(7.4, 3.6), layout="constrained")
        top, middle, below = canvas.subplots(3, 1, sharex=True)
        top.plot(times, positions, color=figure.BLUE)
        top.set(ylabel="position (m)", title="an encoder and a decoder: mylab.codes")
        middle.plot(times, forces, color=figure.VERMILION, linewidth=1)
        middle.set(ylabel="force (N)")
        for row, colour in enumerate((figure.BLUE, figure.VERMILION, figure.BLUE, figure.VERMILION)):
            below.scatter(times, np.full(STEPS, 3 - row), s=spikes[:, row], color=colour, linewidths=0)
        below.set(ylabel="input spikes", xlabel="time (s)", ylim=(-0.6, 3.6), yticks=range(4))
        below.set_yticklabels(["speed below", "speed above", "position below", "position above"])
        canvas.savefig(options.out, dpi=110)


if __name__ == "__main__":
    main()
