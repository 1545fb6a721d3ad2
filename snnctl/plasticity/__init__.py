"""Learning rules, one file each: parameters, traces, and what a spike does to a synapse."""

from __future__ import annotations

from snnctl.plasticity.chronotron import ILearning
from snnctl.plasticity.dopamine_stdp import DopamineStdp
from snnctl.plasticity.eprop import Eprop
from snnctl.plasticity.homeostatic_scaling import HomeostaticScaling
from snnctl.plasticity.pair_stdp import PairStdp
from snnctl.plasticity.r_max import RMax
from snnctl.plasticity.resume import Resume
from snnctl.plasticity.reward_stdp import RewardStdp
from snnctl.plasticity.td_stdp import TdStdp
from snnctl.plasticity.triplet_stdp import TripletStdp

RULES: tuple[type, ...] = (
    PairStdp,
    TripletStdp,
    DopamineStdp,
    RewardStdp,
    HomeostaticScaling,
    Resume,
    ILearning,
    Eprop,
    RMax,
    TdStdp,
)

__all__ = [
    "RULES",
    "DopamineStdp",
    "Eprop",
    "HomeostaticScaling",
    "ILearning",
    "PairStdp",
    "RMax",
    "Resume",
    "RewardStdp",
    "TdStdp",
    "TripletStdp",
]
