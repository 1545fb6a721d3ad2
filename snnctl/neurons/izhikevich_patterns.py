"""The 20 firing patterns of Izhikevich's neuron as data: parameters, input current, expected spikes.

Each pattern is one panel of figure 1 of Izhikevich, IEEE Trans. Neural Networks 15:1063 (2004); parameters, step and
currents are those of the author's script figure1.m. Outside its pieces a current has the value ``baseline``; inside
the open interval (start, stop) it is ``height + slope (t - start)``.

``spikes`` counts the script's own scheme (:class:`Izhikevich` with scheme "figure1" at ``tick_s``); ``converged``
counts the differential equation itself (Runge-Kutta with steps of 0.005 ms, the current held over each ``tick_s``).
Where the two differ, the pattern belongs to the scheme and its step as much as to the equation; None: it
diverges, the neuron never stops spiking. A reset falls on the grid in every scheme, so still finer steps add a spike
to H and to Q.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.neurons.izhikevich import Izhikevich


class Piece(NamedTuple):
    """The current in (start, stop), in ms; slope is per ms."""

    start: float
    stop: float
    height: float
    slope: float = 0.0


class IzhikevichPattern(NamedTuple):
    """One pattern; times in ms, potentials in mV."""

    letter: str
    name: str
    a: float
    b: float
    c: float
    d: float
    v_initial: float
    tick_ms: float
    duration_ms: float
    pieces: tuple[Piece, ...]
    spikes: int
    converged: int | None
    baseline: float = 0.0
    k1: float = 5.0
    k0: float = 140.0
    v_u: float = 0.0
    leak_u: float = 1.0
    u_initial: float | None = None

    @property
    def tick_s(self) -> float:
        """The step of the author's script (s)."""
        return self.tick_ms * 1e-3

    def neuron(self, scheme: Literal["euler", "figure1", "spnet", "rk4"] = "figure1", substeps: int = 1) -> Izhikevich:
        """The neuron of this pattern."""
        return Izhikevich(
            scheme=scheme,
            substeps=substeps,
            a=self.a,
            b=self.b,
            c=self.c,
            d=self.d,
            k1=self.k1,
            k0=self.k0,
            v_u=self.v_u,
            leak_u=self.leak_u,
            v_initial=self.v_initial,
            u_initial=self.b * self.v_initial if self.u_initial is None else self.u_initial,
        )

    def times_ms(self) -> NDArray[np.float64]:
        """Start of each tick of the author's script, both ends of the duration included (ticks,)."""
        ticks: NDArray[np.float64] = np.arange(round(self.duration_ms / self.tick_ms) + 1, dtype=np.float64)
        return ticks * self.tick_ms

    def currents(self) -> NDArray[np.float64]:
        """The input current of each tick (ticks,)."""
        t = self.times_ms()
        current = np.full(len(t), self.baseline)
        for piece in self.pieces:
            inside = (t > piece.start) & (t < piece.stop)
            current[inside] = piece.height + piece.slope * (t[inside] - piece.start)
        return current


END = math.inf


def _pulses(width: float, height: float, *starts: float) -> tuple[Piece, ...]:
    return tuple(Piece(start, start + width, height) for start in starts)


_INHIBITED = (Piece(-1, 50, 80), Piece(250, END, 80))

_P = IzhikevichPattern

# fmt: off
PATTERNS: tuple[IzhikevichPattern, ...] = (
    #      name                       a     b     c    d     v    tick duration input                 spikes, converged
    _P("A", "tonic spiking",          0.02, 0.2,  -65, 6,    -70, 0.25, 100, (Piece(10, END, 14),), 5, 5),
    _P("B", "phasic spiking",         0.02, 0.25, -65, 6,    -64, 0.25, 200, (Piece(20, END, 0.5),), 1, 1),
    _P("C", "tonic bursting",         0.02, 0.2,  -50, 2,    -70, 0.25, 220, (Piece(22, END, 15),), 28, 29),
    _P("D", "phasic bursting",        0.02, 0.25, -55, 0.05, -64, 0.2,  200, (Piece(20, END, 0.6),), 6, 8),
    _P("E", "mixed mode",             0.02, 0.2,  -55, 4,    -70, 0.25, 160, (Piece(16, END, 10),), 6, 7),
    _P("F", "frequency adaptation",   0.01, 0.2,  -65, 8,    -70, 0.25, 85,  (Piece(8.5, END, 30),), 6, 6),
    _P("G", "class 1 excitable",      0.02, -0.1, -55, 6,    -60, 0.25, 300, (Piece(30, END, 0, 0.075),), 10, 10,
       k1=4.1, k0=108),
    _P("H", "class 2 excitable",      0.2,  0.26, -65, 0,    -64, 0.25, 300, (Piece(30, END, -0.5, 0.015),), 14, 17,
       baseline=-0.5),
    _P("I", "spike latency",          0.02, 0.2,  -65, 6,    -70, 0.2,  100, _pulses(3, 7.04, 10), 1, 0),
    _P("J", "subthreshold oscillation", 0.05, 0.26, -60, 0,  -62, 0.25, 200, _pulses(5, 2, 20), 1, 1),
    _P("K", "resonator",              0.1,  0.26, -60, -1,   -62, 0.25, 400, _pulses(4, 0.65, 40, 60, 280, 320), 1, 1),
    _P("L", "integrator",             0.02, -0.1, -55, 6,    -60, 0.25, 100,
       _pulses(2, 9, 100 / 11, 100 / 11 + 5, 70, 80), 1, 1, k1=4.1, k0=108),
    _P("M", "rebound spike",          0.03, 0.25, -60, 4,    -64, 0.2,  200, _pulses(5, -15, 20), 1, 1),
    _P("N", "rebound burst",          0.03, 0.25, -52, 0,    -64, 0.2,  200, _pulses(5, -15, 20), 7, 14),
    _P("O", "threshold variability",  0.03, 0.25, -60, 4,    -64, 0.25, 100,
       (*_pulses(5, 1, 10, 80), *_pulses(5, -6, 70)), 1, 1),
    _P("P", "bistability",            0.1,  0.26, -60, 0,    -61, 0.25, 300, _pulses(5, 1.24, 37.5, 216), 5, 7,
       baseline=0.24),
    _P("Q", "depolarizing after-potential", 1, 0.2, -60, -21, -70, 0.1, 50,  (Piece(9, 11, 20),), 1, 7),
    _P("R", "accommodation",          0.02, 1,    -55, 4,    -65, 0.5,  400,
       (Piece(0, 200, 0, 1 / 25), Piece(300, 312.5, 0, 4 / 12.5)), 1, 1, v_u=-65, leak_u=0, u_initial=-16),
    _P("S", "inhibition-induced spiking", -0.02, -1, -60, 8, -63.8, 0.5, 350, _INHIBITED, 3, 4, baseline=75),
    _P("T", "inhibition-induced bursting", -0.026, -1, -45, -2, -63.8, 0.5, 350, _INHIBITED, 12, None, baseline=75),
)
# fmt: on
