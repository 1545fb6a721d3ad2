"""What the analog decoder makes of the outputs of a network, and what the argmax decoder chooses."""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl.coding import ArgmaxDecoder, analog_decoder
from snnctl.report import figure

LOW, HIGH = np.array([-2.0]), np.array([2.0])


def main() -> None:
    """Decode, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/analog_codes.png")
    options = parser.parse_args()

    z = np.linspace(-3.0, 3.0, 241)
    actions = {
        kind: np.array([analog_decoder.decode(np.array([one]), LOW, HIGH, kind)[0] for one in z])
        for kind in ("tanh", "clip")
    }
    print(f"z = 0.5: tanh {np.interp(0.5, z, actions['tanh']):.3f}, clip {np.interp(0.5, z, actions['clip']):.3f}")
    decoder = ArgmaxDecoder().build({}, 1e-3, 3)
    times = np.linspace(0.0, 2.0 * np.pi, 200)
    logits = np.stack([np.sin(times + 2.0 * np.pi * a / 3.0) for a in range(3)], axis=1)  # (times, actions)
    chosen = np.array([decoder.decode(None, row) for row in logits])
    print(f"{np.count_nonzero(np.diff(chosen))} changes of the action in a period of three logits")
    with rc_context(figure.STYLE):
        canvas = Figure(figsize=(7.4, 2.8), layout="constrained")
        left, right = canvas.subplots(1, 2)
        for (kind, values), colour in zip(actions.items(), figure.SERIES, strict=False):
            left.plot(z, values, color=colour, label=kind)
        left.set(xlabel="output z", ylabel="action", title="analog, limits -2 ... 2")
        left.legend(frameon=False)
        for a in range(3):
            right.plot(times, logits[:, a], color=figure.SERIES[a], linewidth=1)
            right.fill_between(times, -1.3, -1.15, where=chosen == a, color=figure.SERIES[a], linewidth=0)
        right.set(xlabel="time", ylabel="logits", title="argmax: the bar is the action", xticks=())
        canvas.savefig(options.out, dpi=85)


if __name__ == "__main__":
    main()
