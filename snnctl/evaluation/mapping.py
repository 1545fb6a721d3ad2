"""A mapping as plain data: the contents and use of each core, broken rules, errors of rounding."""

from __future__ import annotations

from typing import Any

from snnctl.hardware.family import Fit


def describe(fit: Fit) -> dict[str, Any]:
    """The JSON of ``snnctl fit`` and of the ``mapping`` section of an evaluation."""
    return {
        "chip": fit.chip.name,
        "fits": fit.ok,
        "chips": fit.chips,
        "ticks": None if fit.image is None else fit.image.ticks,
        "cores": [
            {
                "number": core.number,
                "chip": core.chip,
                "population": core.population,
                "first": core.first,
                "neurons": core.neurons,
                "usage": {name: usage._asdict() for name, usage in core.usage.items()},
            }
            for core in fit.cores
        ],
        "refusals": [refusal._asdict() for refusal in fit.refusals],
        "violations": [violation._asdict() for violation in fit.violations],
        "rounding": [rounding._asdict() for rounding in fit.rounding],
    }
