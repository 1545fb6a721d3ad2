"""Eight firing patterns of the AdEx neuron as data: parameters, constant current, expected spikes.

Parameters of Naud, Marcille, Clopath & Gerstner, Biol. Cybern. 99:335 (2008), with the values that the Brian2 example
of this paper takes to match its figures. ``spikes`` in the first 600 ms and ``first_spike_ms`` are of the neuron that
starts at e_l with w = 0 and v_cut = 0 mV (Runge-Kutta, steps of 0.005 ms).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from snnctl.neurons.adex import AdEx

DURATION_S = 0.6


class AdExPattern(NamedTuple):
    """One pattern."""

    name: str
    c_m_pf: float
    g_l_ns: float
    e_l_mv: float
    v_t_mv: float
    delta_t_mv: float
    a_ns: float
    tau_w_ms: float
    b_pa: float
    v_reset_mv: float
    current_pa: float
    spikes: int
    first_spike_ms: float

    def neuron(self, scheme: Literal["euler", "exponential_euler", "rk4"] = "rk4", substeps: int = 1) -> AdEx:
        """The neuron of this pattern."""
        return AdEx(
            scheme=scheme,
            substeps=substeps,
            c_m_pf=self.c_m_pf,
            g_l_ns=self.g_l_ns,
            e_l_mv=self.e_l_mv,
            v_t_mv=self.v_t_mv,
            delta_t_mv=self.delta_t_mv,
            a_ns=self.a_ns,
            tau_w_s=self.tau_w_ms * 1e-3,
            b_pa=self.b_pa,
            v_reset_mv=self.v_reset_mv,
            v_cut_mv=0.0,
        )


# fmt: off
PATTERNS: tuple[AdExPattern, ...] = (
    #           name                        c_m  g_l  e_l  v_t delta_t a  tau_w  b  v_reset  I  spikes first
    AdExPattern("tonic",                    200, 10, -70, -50, 2,   2,   30,   0, -58, 500, 62, 14.22),
    AdExPattern("adaptation",               200, 12, -70, -50, 2,   2,  300,  60, -58, 500, 12, 14.91),
    AdExPattern("initial burst",            130, 18, -58, -50, 2,   4,  150, 120, -50, 400, 12, 5.46),
    AdExPattern("regular bursting",         200, 10, -58, -50, 2,   2,  120, 100, -46, 210, 11, 16.16),
    AdExPattern("delayed accelerating",     200, 12, -70, -50, 2, -10,  300,   0, -58, 300, 46, 33.58),
    AdExPattern("delayed regular bursting", 100, 10, -65, -50, 2, -10,   90,  30, -47, 110, 32, 57.18),
    AdExPattern("transient spiking",        100, 10, -65, -50, 2,  10,   90, 100, -47, 180,  1, 30.30),
    AdExPattern("irregular spiking",        100, 12, -60, -50, 2, -11,  130,  30, -48, 160, 33, 15.65),
)
# fmt: on
