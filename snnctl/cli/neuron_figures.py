"""``snnctl plot`` of neuron models: their rate over the current."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from snnctl.cli import vocabulary
from snnctl.errors import InputError, Problem

if TYPE_CHECKING:
    from snnctl.report.figure import Plot


def is_neuron(name: str) -> bool:
    """Whether ``name``, which is not a file, can only be a neuron model."""
    if ":" in name:
        return True
    return not Path(name).suffix and name in [word.name for word in vocabulary.words("neuron")]


def f_i_curves(names: list[str], currents: str) -> Plot:
    """One curve for each name; ``name=value`` goes to the model before it.

    Raises:
        InputError, NotFoundError, ConfigError: a name, a value or ``currents`` (LOW:HIGH) cannot be used.
    """
    import numpy as np

    from snnctl.report import f_i_curve

    chosen: list[tuple[str, list[str]]] = []
    for name in names:
        if "=" not in name:
            chosen.append((name, []))
        elif chosen:
            chosen[-1][1].append(name)
        else:
            raise InputError(Problem(name, "comes before any model", "write the model, then its parameters"))
    curves = []
    for name, assignments in chosen:
        word = vocabulary.find(name, "neuron")
        neuron, guessed = vocabulary.configured(word.cls, assignments)
        tick_s = f_i_curve.tick_of(neuron)
        given = np.linspace(*_range(currents), 61) if currents else f_i_curve.currents_of(neuron, tick_s)
        told = [*assignments, *(f"{key}={value:g}" for key, value in guessed.items())]
        title = name.rpartition(":")[2] + ("\n" + ", ".join(told) if told else "")
        curves.append(f_i_curve.f_i_curve(neuron, given, tick_s, name=title))
    return f_i_curve.draw(curves)


def _range(currents: str) -> tuple[float, float]:
    low, _, high = currents.partition(":")
    try:
        found = float(low), float(high)
    except ValueError:
        raise InputError(Problem("--currents", f"'{currents[:60]}' is not LOW:HIGH", "write e.g. 0:0.5")) from None
    if not -math.inf < found[0] < found[1] < math.inf:
        raise InputError(Problem("--currents", f"'{currents[:60]}' is not a range", "the first must be the lower"))
    return found
