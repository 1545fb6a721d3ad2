"""The numbers that a chip can hold, nearest to those of a network: what a controller for the chip is trained with.

    held = Nearest(structure, chip)
    held.network(description)      the description with the decays of the chip
    held(tensors)                  weights and biases as the chip holds them, in the units of the network

A gradient at the held numbers is taken for one at the numbers themselves (straight-through).
Source: Bengio, Leonard and Courville, arXiv:1308.3432, 2013; Hubara et al., JMLR 18(187), 2018.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import ConfigError, Problem
from snnctl.hardware import family
from snnctl.hardware.chip import Chip
from snnctl.hardware.family import Trainable
from snnctl.hardware.stages import FloatStage, float_stages
from snnctl.network.description import NetworkDescription
from snnctl.network.program import Program

Tensors = Mapping[str, NDArray[Any]]


class Nearest:
    """Rounds the tensors of one network to what one chip can hold."""

    def __init__(self, program: Program, chip: Chip) -> None:
        """Take the structure of ``program``; its tensors need not be trained yet.

        Raises:
            ConfigError: the chip lacks a feature of the network, or its family does not say which numbers it holds.
        """
        found = family.of(chip)
        if refusals := found.capability.refuses(program):
            raise ConfigError(*refusals)
        if not isinstance(found, Trainable):
            message = f"has the family '{found.name}', which does not say what numbers it holds"
            remedy = "train for another chip, or define nearest(program, stages, chip) of a family of yours"
            raise ConfigError(Problem(chip.name, message, remedy))
        self._family, self._program, self.chip = found, program, chip
        first = len(program.inputs)
        self._stages = float_stages(program)
        self._links = [program.into(first + k) for k in range(len(self._stages))]
        self._biases = [stage.bias.name for stage in program.stages]
        self._tick_s = program.tick_s

    def network(self, description: NetworkDescription) -> NetworkDescription:
        """The network with time constants that give the chip's decays."""
        some = tuple(s._replace(weights=s.weights + 1.0, bias=s.bias + 1.0) for s in self._stages)
        found = self._family.nearest(self._program, some, self.chip)
        decays = {stage.name: self._time_constants(stage) for stage in found}
        populations = [
            dataclasses.replace(p, neuron=_with(p.neuron, decays[p.name])) if p.name in decays else p
            for p in description.populations
        ]
        return dataclasses.replace(description, populations=tuple(populations))

    def __call__(self, tensors: Tensors) -> dict[str, NDArray[Any]]:
        """Copies of the tensors with weights and biases as the chip holds them, each in its own type.

        Where a number is not finite, plain copies: nothing is nearest to it, and the training tells.
        """
        held = {name: np.array(tensor) for name, tensor in tensors.items()}
        if not all(np.isfinite(tensor).all() for tensor in held.values()):
            return held
        own = []
        for stage, links, bias in zip(self._stages, self._links, self._biases, strict=True):
            parts = [np.zeros(0), *(tensors[link.weight.name].ravel() for link in links)]
            weights = np.concatenate(parts).astype(np.float64)
            own.append(stage._replace(weights=weights, bias=np.asarray(tensors[bias], np.float64)))
        found = self._family.nearest(self._program, tuple(own), self.chip)
        for stage, links, bias in zip(found, self._links, self._biases, strict=True):
            held[bias][:] = stage.bias
            begin = 0
            for link in links:
                tensor = held[link.weight.name]
                tensor[:] = stage.weights[begin : begin + tensor.size].reshape(tensor.shape)
                begin += tensor.size
        return held

    def _time_constants(self, stage: FloatStage) -> dict[str, float]:
        decays = {"tau_mem_s": stage.a_mem, "tau_syn_s": stage.a_syn}
        return {name: -self._tick_s / math.log(a) if a > 0 else 0.0 for name, a in decays.items() if a < 1}


def _with(neuron: Any, constants: Mapping[str, float]) -> Any:
    own = {name: value for name, value in constants.items() if hasattr(neuron, name)}
    return dataclasses.replace(neuron, **own)
