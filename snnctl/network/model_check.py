"""Does a neuron model or a plasticity rule keep to what the engine expects of it?

Every expectation is one :class:`Finding`; a model is sound if none has failed. The numbers given to a model are found
by trying: its unit of current is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.coding.xoshiro import uniforms
from snnctl.errors import DivergedError, SnnctlError
from snnctl.models import HOOK_ARGUMENTS, value_defects
from snnctl.network import trial
from snnctl.network.connectivity import Uniform
from snnctl.network.interpreted import PlasticSynapses
from snnctl.network.isolated import simulate
from snnctl.network.network import Network
from snnctl.network.population import drive_of, is_stochastic, receptors_of, step_of
from snnctl.network.rules import hook, is_signalled, is_taught, observed, weight_limits
from snnctl.neurons import EscapeLif, Lif

TICKS = (1e-3, 1e-4, 2.5e-5, 1e-5)  # s, tried in turn until the model takes one
_AT_ONCE, _AT_REST, _SIZE = 200, 1000, 8  # ticks of the comparisons, ticks at rest, neurons
_SCALES = 10.0 ** np.arange(-3, 7)  # currents that are tried


class Finding(NamedTuple):
    """One expectation and what became of it."""

    what: str
    status: Literal["passed", "failed", "note"]
    message: str = ""
    remedy: str = ""


def neuron_findings(neuron: Any, tick_s: float | None = None) -> Iterator[Finding]:
    """Check a configuration of a neuron model, for ticks of ``tick_s`` or the longest of :data:`TICKS` it takes."""
    tick_s, first = _interface(neuron, "model", tick_s)
    yield first
    if first.status == "failed":
        return
    constants = neuron.constants(tick_s)
    yield (ran := _trial(constants))
    if ran.status == "failed":
        return
    yield _narrow(constants)
    scale, quiet = _probe(neuron, tick_s)
    yield quiet
    yield _strong(neuron, tick_s, scale)
    yield _rest(neuron, tick_s)
    yield _same_neurons(neuron, tick_s, scale)


def rule_findings(rule: Any, tick_s: float | None = None) -> Iterator[Finding]:
    """Check a configuration of a plasticity rule, as :func:`neuron_findings`."""
    tick_s, first = _interface(rule, "rule", tick_s)
    yield first
    if first.status == "failed":
        return
    constants = rule.constants(tick_s)
    cls: Any = type(constants)
    own = [name for name in HOOK_ARGUMENTS if hook(cls, name) is not None]
    yield Finding("functions", "passed", f"{', '.join(own)}: their names and arguments are right")
    yield (ran := _trial(constants))
    if ran.status == "failed":
        return
    yield _narrow(constants)
    yield from _learning(rule, constants, tick_s)


def _interface(value: Any, key: str, tick_s: float | None) -> tuple[float, Finding]:
    """Methods, classes, functions and numbers; and the tick to go on with."""
    last = ""
    for tick in TICKS if tick_s is None else (tick_s,):
        if found := value_defects(value, key, tick):
            return tick, Finding("interface", "failed", "; ".join(found))
        try:
            value.constants(tick)
        except ValueError as error:
            last = str(error)
            continue
        steps = "constants, state and step" if key == "model" else "constants and traces"
        return tick, Finding("interface", "passed", f"{steps} are there; constants({tick:g} s) are finite numbers")
    return TICKS[-1], Finding("interface", "failed", last, "give another --tick")


def _trial(constants: Any) -> Finding:
    """As Python, and compiled for both types of numbers."""
    for dtype, compiled in ((np.float64, False), (np.float64, True), (np.float32, True)):
        for function, arguments in trial.calls(constants, dtype):
            if said := trial.mistake(function, arguments, compiled):
                how = f"compiled for {np.dtype(dtype)}" if compiled else "as plain Python"
                return Finding("compiles", "failed", f"{how}, {said}", "use numbers, math and other such functions")
    return Finding("compiles", "passed", "runs as plain Python, and compiled for float64 and float32")


def _narrow(constants: Any) -> Finding:
    found = [
        f"{function.__name__} returns {', '.join(wide)}"
        for function, arguments in trial.calls(constants, np.float32)
        if (wide := trial.widened(function, arguments))
    ]
    if found:
        remedy = "put its literal numbers into the constants: 0.5 is a float64, c.half is of the engine's type"
        return Finding("float type", "failed", f"given float32, {'; '.join(found)}", remedy)
    return Finding("float type", "passed", "given float32, the results are float32")


def _class(value: Any, tick_s: float) -> Any:
    return type(value.constants(tick_s))


# --------------------------------------------------------------------------- neurons


def _probe(neuron: Any, tick_s: float) -> tuple[float, Finding]:
    """The smallest power of ten of current that makes a neuron spike, 1 if none does."""
    ticks = min(20_000, round(1.0 / tick_s))
    ran = simulate(neuron, tick_s, np.broadcast_to(_SCALES, (ticks, _SCALES.size)), record=())
    spikes = ran.spikes.sum(0)
    if not spikes.any():
        return 1.0, Finding("spikes", "note", f"no spike in {ticks * tick_s:g} s at currents up to {_SCALES[-1]:g}")
    first = int(spikes.argmax() if is_stochastic(_class(neuron, tick_s)) else (spikes > 0).argmax())
    rate = spikes[first] / (ticks * tick_s)
    return float(_SCALES[first]), Finding("spikes", "passed", f"at a current of {_SCALES[first]:g}: {rate:.3g} Hz")


def _strong(neuron: Any, tick_s: float, scale: float) -> Finding:
    """Ten times the current that makes it spike, of either sign, and input by synapses, in both types."""
    levels = scale * np.array([-10.0, -1.0, 0.0, 1.0, 10.0])
    currents = np.broadcast_to(levels, (1000, levels.size))
    receptors = len(receptors_of(_class(neuron, tick_s)))
    drives = np.zeros((1000, receptors, levels.size))
    drives[::10] = 10 * scale
    for dtype in (np.float64, np.float32):
        for given in (None, drives):
            state = simulate(neuron, tick_s, currents, given, dtype=dtype, record=()).state
            for field, values in state._asdict().items():
                if not np.isfinite(values).all():
                    at = levels[~np.isfinite(values)][0]
                    by = f"a current of {at:g}" + ("" if given is None else f" and synaptic input of {10 * scale:g}")
                    message = f"{field} leaves the finite numbers ({np.dtype(dtype)}) at {by}"
                    return Finding("strong input", "failed", message, "bound it, or shorten the steps")
    return Finding("strong input", "passed", f"all of the state stays finite at currents of +-{10 * scale:g}")


def _rest(neuron: Any, tick_s: float) -> Finding:
    """No input."""
    ran = simulate(neuron, tick_s, np.zeros((_AT_REST, 1)), record=neuron.initial()._fields)
    for field, trace in ran.traces.items():
        if not np.isfinite(trace).all():
            return Finding("rest", "failed", f"{field} leaves the finite numbers without input")
    if count := int(ran.spikes.sum()):
        return Finding("rest", "note", f"it spikes without input, {count} times in {_AT_REST} ticks")
    moved = {
        field: abs(float(trace[-1, 0]) - float(start))
        for (field, trace), start in zip(ran.traces.items(), neuron.initial(), strict=True)
    }
    drift = {f: d for f, d in moved.items() if d > 1e-3 * max(1.0, abs(getattr(neuron.initial(), f)))}
    if drift:
        told = ", ".join(f"{field} by {d:.3g}" for field, d in drift.items())
        remedy = "let initial() return the resting state, if that is not meant"
        return Finding("rest", "note", f"in {_AT_REST} ticks without input the state moves: {told}", remedy)
    return Finding("rest", "passed", f"silent and where it began after {_AT_REST} ticks without input")


def _same_neurons(neuron: Any, tick_s: float, scale: float) -> Finding:
    """Random currents and synaptic input: the compiled neurons against the Python function."""
    generator = np.random.default_rng(0)
    constants = neuron.constants(tick_s)
    cls: Any = type(constants)
    receptors = drive_of(cls)
    shape = (_AT_ONCE, len(receptors_of(cls)), _SIZE)
    currents = scale * generator.normal(1.0, 2.0, (_AT_ONCE, _SIZE))
    drives = scale * generator.random(shape) * (generator.random(shape) < 0.1)
    ran = simulate(neuron, tick_s, currents, drives, record=neuron.initial()._fields, seed=1)
    c = cls(*(np.float64(x) for x in constants))
    states = [type(neuron.initial())(*(np.float64(x) for x in neuron.initial()))] * _SIZE
    random, step = streams.kernel_state(1, "neurons"), step_of(cls)
    numbers = np.zeros(_SIZE)
    for t in range(_AT_ONCE):
        uniforms(random, numbers)
        for j in range(_SIZE):
            drive = drives[t, 0, j] if receptors is None else receptors(*drives[t, :, j])
            noise = (numbers[j],) if is_stochastic(cls) else ()
            with np.errstate(all="ignore"):
                states[j], spike = step(c, states[j], drive, currents[t, j], *noise)
            if spike not in (0, 1):
                return Finding("interpreted", "failed", f"the spike of tick {t} is {spike!r}, neither 0 nor 1")
            if int(spike) != ran.spikes[t, j]:
                return _unequal(f"tick {t}: the spike is {int(spike)} as Python and {ran.spikes[t, j]} compiled")
            for field, value in states[j]._asdict().items():
                compiled = ran.traces[field][t, j]
                if value != compiled and not (np.isnan(value) and np.isnan(compiled)):
                    return _unequal(f"tick {t}: {field} is {value!r} as Python and {compiled!r} compiled")
    count = int(ran.spikes.sum())
    same = f"{_AT_ONCE} ticks of {_SIZE} neurons ({count} spikes)"
    return Finding("interpreted", "passed", f"plain Python and compiled code agree bit for bit over {same}")


def _unequal(message: str) -> Finding:
    remedy = "write x * x for x**2 and use functions of math: numpy's and powers are rounded otherwise when compiled"
    return Finding("interpreted", "failed", message, remedy)


# --------------------------------------------------------------------------- rules


def _learning(rule: Any, constants: Any, tick_s: float) -> Iterator[Finding]:
    """A small network with the rule, and the same spikes given to its Python functions."""
    generator = np.random.default_rng(0)
    n, m, ticks = 5, 3, 400
    least, most = weight_limits(rule)

    def within(random: np.random.Generator, size: int) -> NDArray[np.float64]:
        return np.clip(Uniform(0.2, 0.8)(random, size), least, most)

    net = Network(tick_s, seed=1)
    source = net.population("pre", n)
    reads = observed(_class(rule, tick_s)) or "v"
    neuron = EscapeLif() if reads == "expected" else Lif(tau_mem_s=20 * tick_s, refractory_ticks=2)
    target = net.population("post", m, neuron)
    synapses = net.project(source, target, weight=within, plasticity=rule)
    net.record(target, "spikes")
    net.record(target, reads)
    before = net.weights(synapses)
    arrivals = (generator.random((ticks, n)) < 0.1).astype(np.uint8)
    signal = np.where(generator.random(ticks) < 0.05, generator.normal(size=ticks), 0.0)
    teach = np.where(generator.random((ticks, m)) < 0.05, 1.0, 0.0)
    taught = {"post": teach} if is_taught(_class(rule, tick_s)) else None
    signalled = signal if is_signalled(_class(rule, tick_s)) else None
    currents = 0.2 * generator.random((ticks, m))
    diverged: DivergedError | None = None
    try:
        net.run(ticks * tick_s, spikes={"pre": arrivals}, currents={"post": currents}, signal=signalled, teach=taught)
    except DivergedError as error:  # of the neurons, because of weights that are looked at below
        diverged = error
    except SnnctlError as error:
        yield Finding("learns", "failed", str(error))
        return
    after = net.engine.synapses(net.state().engine, net.engine.program.links[0].label)
    remedy = "bound it, or check the constants"
    for field, values in after.items():
        if not np.isfinite(values).all():
            yield Finding("finite", "failed", f"{field} leaves the finite numbers in {ticks} ticks", remedy)
            return
    if diverged is not None:
        yield Finding("finite", "failed", str(diverged), remedy)
        return
    weight = after["weight"]
    yield Finding(
        "finite", "passed", f"synapses stay finite; weights end between {weight.min():.3g} and {weight.max():.3g}"
    )
    if np.array_equal(before, weight):
        yield Finding("learns", "note", "no weight has changed in the trial; does it need a signal of its own?")
    fired = np.zeros((ticks, m), np.uint8)
    recorded = net.spikes(target)
    fired[np.rint(recorded.times_s / tick_s).astype(int), recorded.neurons] = 1
    late = np.vstack([np.zeros((1, n), np.uint8), arrivals[:-1]])  # the delay of one tick
    expected = _replayed(rule, tick_s, before, late, fired, net.trace(target, reads)[1], signal, teach)
    for field, values in after.items():
        if field == "weight" and hook(_class(rule, tick_s), "weight") is not None:
            continue  # kept in another form
        own = expected[field]
        if not np.array_equal(values, own, equal_nan=True):
            i, j = np.argwhere(values != own)[0]
            yield _unequal(
                f"after {ticks} ticks {field}[{i}, {j}] is {own[i, j]!r} as Python, {values[i, j]!r} compiled"
            )
            return
    same = f"{ticks} ticks of {n} x {m} synapses, {int(late.sum())} and {int(fired.sum())} spikes"
    yield Finding("interpreted", "passed", f"plain Python and compiled code agree bit for bit over {same}")


def _replayed(
    rule: Any,
    tick_s: float,
    weights: NDArray[Any],
    arrivals: NDArray[Any],
    fired: NDArray[Any],
    membranes: NDArray[Any],
    signal: NDArray[Any],
    teach: NDArray[Any],
) -> dict[str, NDArray[Any]]:
    """The fields of the synapses (n, m) after the same spikes as plain Python."""
    source, target = np.indices(weights.shape).reshape(2, -1)
    loop = PlasticSynapses((rule,), tick_s, weights.shape, source, target, weights.ravel(), np.float64)
    with np.errstate(all="ignore"):
        for t in range(len(arrivals)):
            loop.begin(signal[t])
            loop.deliver(np.flatnonzero(arrivals[t]).tolist())
            loop.end(membranes[t], np.flatnonzero(fired[t]).tolist(), teach[t])
    return {name: loop.field(name) for name in loop.rules[0].fields}
