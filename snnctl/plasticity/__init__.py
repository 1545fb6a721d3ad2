"""Learning rules, one file each: parameters, traces, and what a spike does to a synapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl import slots

if TYPE_CHECKING:
    from snnctl.plasticity.chronotron import ILearning
    from snnctl.plasticity.dopamine_stdp import DopamineStdp
    from snnctl.plasticity.eprop import Eprop
    from snnctl.plasticity.homeostatic_scaling import HomeostaticScaling
    from snnctl.plasticity.pair_stdp import PairStdp
    from snnctl.plasticity.r_max import RMax
    from snnctl.plasticity.resume import Resume
    from snnctl.plasticity.reward_stdp import RewardStdp
    from snnctl.plasticity.score import Score
    from snnctl.plasticity.td_stdp import TdStdp
    from snnctl.plasticity.triplet_stdp import TripletStdp

RULES = {
    "pair_stdp": "snnctl.plasticity.pair_stdp:PairStdp",
    "triplet_stdp": "snnctl.plasticity.triplet_stdp:TripletStdp",
    "dopamine_stdp": "snnctl.plasticity.dopamine_stdp:DopamineStdp",
    "reward_stdp": "snnctl.plasticity.reward_stdp:RewardStdp",
    "homeostatic_scaling": "snnctl.plasticity.homeostatic_scaling:HomeostaticScaling",
    "resume": "snnctl.plasticity.resume:Resume",
    "i_learning": "snnctl.plasticity.chronotron:ILearning",
    "eprop": "snnctl.plasticity.eprop:Eprop",
    "r_max": "snnctl.plasticity.r_max:RMax",
    "score": "snnctl.plasticity.score:Score",
    "td_stdp": "snnctl.plasticity.td_stdp:TdStdp",
}

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
    "Score",
    "TdStdp",
    "TripletStdp",
]

__getattr__ = slots.exports(__name__, RULES)
