"""The neurons of one population without a network: for f-I curves, spike patterns and fits.

Tick ``k`` drives every neuron with row ``k`` of the currents and of the synaptic drive.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from snnctl import streams
from snnctl.network.parameters import constants_table, initial_values
from snnctl.network.population import advance, population_kernels, receptors_of, state_of
from snnctl.network.trial import explained, require


@dataclasses.dataclass(frozen=True)
class Isolated:
    """What :func:`simulate` returns."""

    spikes: NDArray[np.uint8]  # (ticks, n)
    traces: dict[str, NDArray[Any]]  # recorded fields of the state after each tick (ticks, n)
    state: NamedTuple  # after the last tick, fields (n,)


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    models: Any,
    pool: Any,
    is_shared: Any,
    values: Any,
    currents: Any,
    drives: Any,
    random: Any,
    probes: Any,
    spikes: Any,
    samples: Any,
) -> None:
    size = spikes.shape[1]
    for t in range(spikes.shape[0]):
        advance(models, 0, pool, 0, is_shared, values, 0, drives[t], currents[t], random, spikes[t])
        for k in range(probes.size):
            first = probes[k] * size
            samples[k, t] = values[first : first + size]


def simulate(
    neuron: Any,
    tick_s: float,
    currents: ArrayLike,
    drives: ArrayLike | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    dtype: Any = np.float64,
    record: Sequence[str] = ("v",),
    seed: int = 0,
    initial: Mapping[str, ArrayLike] | None = None,
) -> Isolated:
    """Run the neurons of one model side by side.

    Args:
        neuron: configuration of the model
        tick_s: duration of a tick (s)
        currents: injected current, in the unit of the model (ticks, n) or (ticks,)
        drives: summed weights of the spikes that arrive (ticks, n), or (ticks, receptors, n); none by default
        parameters: fields of the configuration that differ from neuron to neuron, each (n,)
        dtype: float64 or float32
        record: fields of the state to keep
        seed: of the random stream of a stochastic model
        initial: fields of the state before the first tick, each (n,) or a number; the model's own by default

    Raises:
        NetworkError: a parameter is unknown, of wrong shape or refused by the model, or the model is unsound.
    """
    given = np.atleast_1d(np.asarray(currents, dtype))
    given = np.ascontiguousarray(given[:, None] if given.ndim == 1 else given)  # (ticks, n)
    ticks, size = given.shape
    require(neuron, "model", tick_s, "neuron")
    model, pool, is_shared = constants_table(neuron, tick_s, size, parameters or {}, "neuron", dtype)
    state_class, receptors = state_of(type(model)), receptors_of(type(model))
    values = initial_values(neuron, size, parameters or {}, dtype)  # field-major
    for field, value in (initial or {}).items():
        first = state_class._fields.index(field) * size
        values[first : first + size] = value
    arrived = np.zeros((ticks, len(receptors) * size), dtype)
    if drives is not None:
        arrived[:] = np.asarray(drives, dtype).reshape(ticks, -1)
    spikes = np.zeros((ticks, size), np.uint8)
    samples = np.zeros((len(record), ticks, size), dtype)
    probes = np.array([state_class._fields.index(field) for field in record], np.int64)
    random = streams.kernel_state(seed, "neurons")
    try:
        kernels = population_kernels((model,), dtype)
    except Exception as error:  # of a user's model that does not compile
        raise explained(error, (model,)) from None
    _run(kernels, pool, is_shared, values, given, arrived, random, probes, spikes, samples)
    return Isolated(spikes, dict(zip(record, samples, strict=True)), state_class(*values.reshape(-1, size)))
