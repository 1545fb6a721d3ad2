"""One whole decision of a feed-forward chain as one compiled call: observation in, action out.

    normalise, encode -> spikes (ticks, n) of the input
    for each layer:
        for each strip of its neurons: for each block of its sources: for each tick:
            drive += the weight rows of the spiking sources, ascending
        for each tick: step the neurons
    count the output spikes, decode
    add the spikes of each population to what it has counted since the last reset

A layer is finished for all ticks before the next one begins: the same result as tick by tick, because no
spike goes back and every delay is 0. It equals coder and engine bit for bit: the same step function, the
same exponential, the same order of additions. float32 only.

Weights lie source-major in strips of at most 128 targets (one strip is contiguous), so that the sums of a strip
stay in registers; a block of sources serves all ticks before the next is touched. Everything is passed in seven flat
arrays because each array argument costs about 45 ns.
"""

from __future__ import annotations

import functools
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.agent.coder import misfit
from snnctl.agent.int8 import quantise
from snnctl.coding.code import Action, LinearReadout, ReceptiveFields, Tensors
from snnctl.coding.readout import choose, choose_each, linear, normalise, squash
from snnctl.coding.receptive_fields import activation, deterministic_spikes, poisson_spikes
from snnctl.network.capability import Capability
from snnctl.network.population import step
from snnctl.network.program import Program
from snnctl.network.vector import LANES, STRIP, aligned, list_spikes, sum_rows, sum_rows_int8
from snnctl.neurons.current_lif import CurrentLifConstants, CurrentLifState, portable

CAPABILITY = Capability(
    "the fused decision",
    neurons=("lif", "current_lif"),
    parameters=(),
    initial=("rest",),
    connectivity=("dense",),
    shape=("chain",),
    delays=("none",),
    decisions=("reset",),
    plasticity=("none",),
    inputs=("spikes",),
    readouts=("spikes",),
    populations=("one",),
)
refuses = CAPABILITY.refuses

BLOCK = 256  # sources; their weights in a strip, 128 KB, stay in the second cache while all ticks pass them
Weights = Literal["float32", "int8"]
_EXTERNAL, _DETERMINISTIC, _POISSON = 0, 1, 2  # who makes the input spikes


class _Layout(NamedTuple):
    """First words of the layout; then one :class:`_LayerLayout` a layer."""

    dims: int
    repeats: int  # encoder neurons of one dimension
    ticks: int
    layers: int
    encoder: int
    squashed: int  # 1: actions squashed to their limits, 0: the index of the largest
    actions: int
    n_in: int
    n_in_padded: int
    work: int  # first element of the work space in the float32 array


class _LayerLayout(NamedTuple):
    size: int
    padded: int
    spikes: int  # first element of the layer's spikes (ticks, padded)
    constants: int  # places in the float32 array
    bias: int
    weight: int
    scale: int  # of weights of 8 bits, which lie in the bytes from ``weight`` on; 0: weights of float32


@njit(cache=True, nogil=True, error_model="numpy")
def strip_width(rest: int) -> int:
    """Width of the next strip when ``rest`` targets (a multiple of 16) are left: 128, 64, 32 or 16."""
    width = STRIP
    while width > rest:
        width //= 2
    return width


@njit(cache=True, nogil=True, error_model="numpy")
def _encode(data: Any, border: Any, layout: Any, spikes: Any, random: Any) -> None:
    """Normalise and encode the observation at the start of ``border`` into ``spikes``."""
    dims, repeats, ticks, _, encoder, _, _, n_in, padded, work = layout[:10]
    x = border[3 * dims : 4 * dims]
    normalise(border[:dims], border[dims : 2 * dims], border[2 * dims : 3 * dims], border[4 * dims], x)
    wide = data[work : work + padded]
    k = 0
    for d in range(dims):
        rounded = np.float32(x[d])
        for _ in range(repeats):
            wide[k] = rounded
            k += 1
    a = data[work + padded : work + 2 * padded]
    activation(wide, data[:padded], data[padded : 2 * padded], a)
    a[n_in:] = 0  # the padding must not fire: its rows would be read, and add nothing
    raster = spikes[: ticks * padded].reshape(ticks, padded)
    if encoder == _POISSON:
        poisson_spikes(a[:n_in], random, raster)
    else:
        u = data[work + 2 * padded : work + 3 * padded]
        deterministic_spikes(a, data[2 * padded], u, raster)


@njit(cache=True, nogil=True, error_model="numpy")
def _step(c: Any, drive: Any, bias: Any, i: Any, v: Any, silent: Any, spikes: Any) -> None:
    for j in range(drive.size):
        state, spike = step(c, CurrentLifState(i[j], v[j], silent[j]), drive[j], bias[j])
        i[j], v[j], silent[j] = state
        spikes[j] = np.uint8(1) if spike else np.uint8(0)


@njit(cache=True, nogil=True, error_model="numpy")
def _decode(border: Any, first: Any, actions: Any, squashed: Any, spikes: Any, ticks: Any) -> int:
    """Action from the output spikes; ``border`` has low, high, bias, weight, counts and action from ``first`` on."""
    padded = spikes.size // ticks
    low, high = border[first : first + actions], border[first + actions : first + 2 * actions]
    bias = border[first + 2 * actions : first + 3 * actions]
    rest = border[first + 3 * actions :]
    n_out = (rest.size - actions) // 2
    counts = rest[n_out : 2 * n_out]
    counts[:] = 0
    for t in range(ticks):
        fired = spikes[t * padded : t * padded + n_out]
        for j in range(n_out):
            counts[j] += fired[j]
    y = rest[2 * n_out :]
    linear(counts, ticks, rest[:n_out], bias, y)
    if squashed:
        squash(y, low, high)
        return 0
    return choose(y)


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(data: Any, border: Any, layout: Any, spikes: Any, events: Any, random: Any, counts: Any) -> int:
    """One decision; the action is written to the end of ``border``, a choice is returned.

    The spikes of each population are added to ``counts``; padding never fires, since a threshold is above 0.
    """
    dims, _, ticks, n_layers, encoder, squashed, actions, _, n_in, work = layout[:10]
    if encoder != _EXTERNAL:
        _encode(data, border, layout, spikes, random)
    source, source_size = 0, n_in
    row = layout[10:]
    for layer in range(n_layers):
        padded, target, constants, bias, weight, scale = row[1:7]
        blocks = -(-source_size // BLOCK)
        room = blocks + 1 + source_size + LANES  # of a tick: where each list begins and ends, the lists
        for t in range(ticks):
            mark, place = t * room, t * room + blocks + 1
            events[mark] = place
            for k in range(blocks):
                first = k * BLOCK
                size = min(BLOCK, source_size - first)
                place += list_spikes(spikes, source + t * source_size + first, size, events, place)
                events[mark + k + 1] = place
            counts[layer] += place - events[mark]
        drives, done = work + 3 * padded, 0  # (ticks, padded)
        place = weight if scale == 0 else 4 * weight
        while done < padded:
            width = strip_width(padded - done)
            for k in range(blocks):
                for t in range(ticks):
                    first, end = events[t * room + k], events[t * room + k + 1]
                    sums = drives + t * padded + done
                    if scale == 0:
                        sum_rows(data, place, width, events, first, end - first, data, sums, k > 0)
                    else:
                        sum_rows_int8(data, place, width, events, first, end - first, data, sums, k > 0)
                place += width * min(BLOCK, source_size - k * BLOCK)
            done += width
        c = CurrentLifConstants(
            data[constants],
            data[constants + 1],
            data[constants + 2],
            data[constants + 3],
            data[constants + 4],
            data[constants + 5],
            data[constants + 6],
            data[constants + 7],
        )
        data[work : work + 3 * padded] = c.zero
        i = data[work : work + padded]
        v = data[work + padded : work + 2 * padded]
        silent = data[work + 2 * padded : work + 3 * padded]
        for t in range(ticks):
            drive = data[drives + t * padded : drives + (t + 1) * padded]
            if scale != 0:
                drive *= data[scale : scale + padded]
            fired = spikes[target + t * padded : target + (t + 1) * padded]
            _step(c, drive, data[bias : bias + padded], i, v, silent, fired)
        source, source_size = target, padded
        row = row[7:]
    for j in range(source, source + ticks * source_size):
        counts[n_layers] += spikes[j]
    return _decode(border, 4 * dims + 1, actions, squashed, spikes[source : source + ticks * source_size], ticks)


@njit(cache=True, nogil=True, error_model="numpy")
def _decide_rows(
    rows: Any, data: Any, borders: Any, layout: Any, spikes: Any, events: Any, randoms: Any, choices: Any, counts: Any
) -> None:
    """:func:`_decide` for each of ``rows``, one after another; also its choice."""
    for row in rows:
        choices[row] = _decide(data, borders[row], layout, spikes[row], events, randoms[row], counts[row])


class Decision:
    """The decision kernel of one program with its coding; holds the laid-out tensors and the work space."""

    def __init__(
        self,
        program: Program,
        tensors: Tensors,
        clip: float,
        fields: ReceptiveFields | None,
        readout: LinearReadout,
        choices: tuple[int, ...] = (),
        weights: Weights = "float32",
    ) -> None:
        """Lay everything out.

        Args:
            program: one that :func:`refuses` takes
            tensors: the normaliser's
            clip: of the normaliser
            fields: of the encoder; None when the input spikes are given to :meth:`decide_spikes`
            readout: of the decoder
            choices: of several choices at once, how many each has
            weights: float32, or rounded to 8 bits (:mod:`snnctl.agent.int8`)
        """
        chain = program.chain
        assert chain is not None  # refuses() has been asked
        ticks, n_in = program.ticks, program.inputs[0].size
        mean = tensors["normaliser.mean"]
        floats = _Floats()
        encoded = fields or ReceptiveFields(np.zeros(n_in), np.zeros(n_in), 1, 1.0, False)
        floats.add(encoded.centre)
        floats.add(encoded.slope)
        floats.add(np.array([encoded.threshold]))
        padded_in = padded_size(n_in)
        self._places = {program.inputs[0].label: (0, n_in, padded_in)}  # label -> first spike, size, padded size
        end = ticks * padded_in
        rows: list[_LayerLayout] = []
        source_padded = padded_in
        for node in chain[1:]:
            stage, (link,) = program.stages[node - 1], program.into(node)
            padded = padded_size(stage.size)
            neuron = portable(stage.neuron)
            assert neuron is not None
            constants, biases = floats.add(np.array(neuron.constants(program.tick_s))), floats.add(stage.bias.values)
            weight, scale = link.weight.values, 0
            if weights == "int8":
                weight, scales = quantise(weight)
                scale = floats.add(np.pad(scales, (0, padded - stage.size)))
            place = floats.add(strips(weight, source_padded, padded).view(np.float32))
            rows.append(_LayerLayout(stage.size, padded, end, constants, biases, place, scale))
            self._places[stage.label] = (end, stage.size, padded)
            end += ticks * padded
            source_padded = padded
        work = floats.add(np.zeros(max(3 * padded_in, *((3 + ticks) * row.padded for row in rows))))
        self._data = floats.array()
        kind = _EXTERNAL if fields is None else _POISSON if fields.poisson else _DETERMINISTIC
        squashed = readout.limits is not None
        bias = readout.bias
        head = _Layout(
            mean.size, encoded.repeats, ticks, len(rows), kind, int(squashed), bias.size, n_in, padded_in, work
        )
        self._layout = np.array([*head, *(word for row in rows for word in row)], np.int64)
        low, high = (bias, bias) if readout.limits is None else readout.limits
        weight = readout.weight.ravel()
        parts = [mean, mean, tensors["normaliser.std"], mean, [clip], low, high, bias, weight, weight, bias]
        # observation, mean, std, x, clip, low, high, bias, weight, counts, action: float64 at the border to the robot
        self._border = np.concatenate([np.asarray(p, np.float64) for p in parts])
        self._observation = self._border[: mean.size]  # (dims,)
        self._action = self._border[-bias.size :]  # (actions,)
        self._discrete = not squashed and not choices  # the kernel's own choice
        self._told = functools.partial(choose_each, self._action, choices) if choices else self._action.copy
        self._spikes = np.zeros(end, np.uint8)
        widest = max(padded for _, _, padded in self._places.values())
        self._events = np.zeros(ticks * (-(-widest // BLOCK) + 1 + widest + LANES), np.int32)
        self._random = np.zeros(4, np.uint64)
        self.populations = {name: (size, ticks * size) for name, (_, size, _) in self._places.items()}
        self.counts = np.zeros(len(self._places), np.int64)  # (populations,) spikes since the last reset

    def reset(self, state: NDArray[np.uint64]) -> None:
        """Take over the state (4,) of the encoder's random stream, and count from zero."""
        self._random[:] = state
        self.counts[:] = 0

    def decide(self, observation: NDArray[Any]) -> Action:
        """The action for an observation (dims,): an array within the limits, an index, or an index a choice."""
        try:
            if len(observation) != len(self._observation):  # one number would be given to all
                raise misfit(observation, len(self._observation))
            self._observation[:] = observation
        except (TypeError, ValueError):
            raise misfit(observation, len(self._observation)) from None
        choice = _decide(self._data, self._border, self._layout, self._spikes, self._events, self._random, self.counts)
        return choice if self._discrete else self._told()

    def decide_spikes(self, inputs: NDArray[np.uint8]) -> Action:
        """The action for input spikes (ticks, n_in) that another encoder made."""
        _, n_in, padded = next(iter(self._places.values()))
        self._spikes[: inputs.shape[0] * padded].reshape(-1, padded)[:, :n_in] = inputs
        choice = _decide(self._data, self._border, self._layout, self._spikes, self._events, self._random, self.counts)
        return choice if self._discrete else self._told()

    def spikes(self) -> dict[str, NDArray[np.uint8]]:
        """Spikes of the last decision: population -> (ticks, n), the input included."""
        ticks = int(self._layout[2])
        return {
            name: self._spikes[first : first + ticks * padded].reshape(ticks, padded)[:, :size].copy()
            for name, (first, size, padded) in self._places.items()
        }


class Decisions:
    """The decision kernel for several observations in one call, each row with its own border, spikes and generator.

    A row has the bits that :class:`Decision` gives it alone: both run the same kernel on the same numbers.
    """

    def __init__(self, decision: Decision, rows: int) -> None:
        """Room for ``rows`` rows; layout and weights are those of ``decision``."""
        self._decision = decision
        self._borders = np.tile(decision._border, (rows, 1))  # (rows, words)
        self._spikes = np.zeros((rows, decision._spikes.size), np.uint8)
        self._randoms = np.zeros((rows, 4), np.uint64)
        self._choices = np.zeros(rows, np.int64)
        places = decision._places
        ticks, (_, n_in, padded) = int(decision._layout[2]), next(iter(places.values()))
        self.populations = decision.populations
        self.counts = np.zeros((rows, len(places)), np.int64)  # (rows, populations) spikes since the row's last reset
        self.observations = self._borders[:, : decision._observation.size]  # (rows, dims), to be written
        self.inputs = self._spikes[:, : ticks * padded].reshape(rows, ticks, padded)[:, :, :n_in]  # where given
        actions = self._borders[:, -decision._action.size :]  # (rows, actions)
        self.actions = self._choices if decision._discrete else actions

    def reset(self, row: int, state: NDArray[np.uint64]) -> None:
        """Take over the state (4,) of the encoder's random stream of a row, and count from zero."""
        self._randoms[row] = state
        self.counts[row] = 0

    def decide(self, rows: NDArray[np.int64]) -> None:
        """Write ``actions`` of ``rows`` and add to their ``counts``.

        From their ``observations`` or, without encoder, ``inputs``.
        """
        one = self._decision
        _decide_rows(
            rows, one._data, self._borders, one._layout, self._spikes, one._events, self._randoms, self._choices,
            self.counts,
        )  # fmt: skip


def padded_size(size: int) -> int:
    """The next multiple of the vector length."""
    return -(-size // LANES) * LANES


def strips(weight: NDArray[Any], sources: int, targets: int) -> NDArray[Any]:
    """The weights (n_source, n_target) padded with zeros and cut into strips, each source-major, laid end to end."""
    full = np.zeros((sources, targets), np.int8 if weight.dtype == np.int8 else np.float32)  # (sources, targets)
    full[: weight.shape[0], : weight.shape[1]] = weight
    parts: list[NDArray[Any]] = []
    done = 0
    while done < targets:
        width = strip_width(targets - done)
        parts.append(full[:, done : done + width].ravel())
        done += width
    return np.concatenate(parts)


class _Floats:
    """Float32 parts laid end to end, each beginning on a boundary of 16 elements."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, NDArray[Any]]] = []
        self._end = 0

    def add(self, part: NDArray[Any]) -> int:
        place = self._end
        self._parts.append((place, part))
        self._end += padded_size(part.size)
        return place

    def array(self) -> NDArray[np.float32]:
        whole: NDArray[np.float32] = aligned(self._end)
        for place, part in self._parts:
            whole[place : place + part.size] = part
        return whole
