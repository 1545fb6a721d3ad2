"""Does an encoder or a decoder keep to what a controller expects of it?

Each expectation is one :class:`snnctl.network.model_check.Finding`; a code is sound if none has failed. Numbers of
observations and ticks are found by trying: a grid has its own number of dimensions, a phase its own period.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.coding.code import Decoder, Encoder, Shapes
from snnctl.network.description import TensorShape
from snnctl.network.model_check import Finding

TICKS = (8, 10, 16, 40, 100)  # of a decision, tried in turn
NUMBERS = (3, 2, 1, 4, 5, 6, 8)  # of observations or actions, tried in turn
TICK_S = 1e-3


def findings(code: Any, tick_s: float | None = None) -> Iterator[Finding]:
    """Check a configuration of an encoder or a decoder, in ticks of ``tick_s``."""
    try:
        yield from (_encoder if isinstance(code, Encoder) else _decoder)(code, tick_s or TICK_S)
    except Exception as error:  # whatever a user's code does
        what = " ".join(f"{type(error).__name__}: {error}".split())
        yield Finding("runs", "failed", what, "call it yourself for the whole traceback")


def _encoder(encoder: Encoder, tick_s: float) -> Iterator[Finding]:
    dims, ticks, problem = _trial(encoder)
    if problem:
        yield Finding("decision", "failed", problem)
        return
    n, shapes = encoder.size(dims), encoder.tensor_shapes(dims)
    tensors = encoder.initial(dims, streams.generator(0, "weights"))
    if (misfit := _misfit(tensors, shapes)) is not None:
        yield Finding("tensors", "failed", f"initial({dims}) gives {misfit}", f"tensor_shapes({dims}) has {shapes}")
        return
    yield Finding("tensors", "passed", f"{', '.join(shapes) or 'none'}, for {dims} observations")
    built = encoder.build(tensors, tick_s, np.float32)
    x = np.linspace(-0.7, 0.6, dims)
    if encoder.signal == "analog":
        values = built.values(x)
        sound = isinstance(values, np.ndarray) and values.shape == (n,) and bool(np.isfinite(values).all())
        yield _verdict("runs", sound, f"{n} finite numbers", f"values() gives {_shown(values)}, not numbers ({n},)")
        return
    rasters = []
    for _ in range(2):
        built.reset()
        rasters.append(np.array(built.encode(x, ticks, streams.kernel_state(0, "encoder"))))
    raster = rasters[0]
    sound = raster.shape == (ticks, n) and raster.dtype == np.uint8 and bool((raster <= 1).all())
    yield _verdict(
        "runs",
        sound,
        f"{int(raster.sum())} spikes of {n} neurons in {ticks} ticks",
        f"encode() gives {_shown(raster)}, not uint8 of 0 and 1 ({ticks}, {n})",
    )
    if not sound:
        return
    same = np.array_equal(rasters[0], rasters[1])
    yield _verdict("repeats", same, "after reset(), the same spikes again", "the same seed gives other spikes")
    if encoder.is_steady:
        again = np.array_equal(raster, built.encode(x, ticks, streams.kernel_state(1, "encoder")))
        yield _verdict("steady", again, "it neither draws nor remembers", "is_steady is True, yet the spikes differ")
    if hasattr(built, "active"):
        listed = np.zeros(n, np.uint8)
        listed[built.active(x)] = 1
        yield _verdict("active", bool((raster == listed).all()), "names its spikes", "active() names other neurons")


def _decoder(decoder: Decoder, tick_s: float) -> Iterator[Finding]:
    actions, ticks, problem = _trial(decoder)
    if problem:
        yield Finding("decision", "failed", problem)
        return
    n, shapes = decoder.size(actions), decoder.tensor_shapes(actions)
    continuous = decoder.action_kind == "continuous"
    limits = (np.full(actions, -1.0), np.full(actions, 2.0)) if continuous else None
    tensors = decoder.fixed(actions, limits)
    if tensors is None:  # they must be trained
        tensors = {name: np.full([s or 1 for s in shape], 0.5) for name, shape in shapes.items()}
        if limits is not None:
            tensors["decoder.low"], tensors["decoder.high"] = limits
    elif (misfit := _misfit(tensors, shapes)) is not None:
        yield Finding("tensors", "failed", f"fixed({actions}) gives {misfit}", f"tensor_shapes({actions}): {shapes}")
        return
    yield Finding("tensors", "passed", f"{', '.join(shapes) or 'none'}, for {actions} actions")
    built = decoder.build(tensors, tick_s, actions)
    raster = (streams.generator(0, "weights").random((ticks, n)) < 0.3).astype(np.uint8)
    v = np.linspace(-1.0, 1.0, n)
    given: dict[str, tuple[Any, Any]] = {
        "spikes": (raster, None),
        "membranes": (raster, np.tile(v, (ticks, 1))),
        "values": (None, v),
    }
    decoded = []
    for arguments in (given[decoder.reads], given[decoder.reads], (np.zeros_like(raster), given[decoder.reads][1])):
        built.reset()
        decoded.append(built.decode(*arguments))
    if limits is not None:
        sound = all(_within(action, *limits) for action in decoded)
        wanted = f"float64 ({actions},) within the limits"
    else:
        sound = all(isinstance(action, int) and 0 <= action < actions for action in decoded)
        wanted = f"an int below {actions}"
    told = f"decode() gives {_shown(decoded[0])}, and {_shown(decoded[2])} for silence, not {wanted}"
    yield _verdict("runs", sound, f"{wanted}, for {n} neurons", told)
    same = np.array_equal(decoded[0], decoded[1])
    yield _verdict("repeats", same, "after reset(), the same action again", "the same spikes give another action")


def _trial(code: Any) -> tuple[int, int, str]:
    """A number of observations or actions, and of ticks, that the code takes; and else why it takes none."""
    told = ""
    for number in NUMBERS:
        for ticks in TICKS:
            found = code.problems(number, ticks)
            if not found:
                return number, ticks, ""
            told = told or str(found[0])
    return 0, 0, told


def _misfit(tensors: dict[str, NDArray[Any]], shapes: Shapes) -> str | None:
    got = {name: array.shape for name, array in tensors.items()}
    fits = set(got) == set(shapes) and all(TensorShape(shape).fits(got[name]) for name, shape in shapes.items())
    return None if fits else str(got)


def _within(action: Any, low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    shaped = isinstance(action, np.ndarray) and action.shape == low.shape and action.dtype == np.float64
    return shaped and bool(((action >= low) & (action <= high)).all())


def _verdict(what: str, sound: bool, passed: str, failed: str, remedy: str = "") -> Finding:
    return Finding(what, "passed", passed) if sound else Finding(what, "failed", failed, remedy)


def _shown(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else f"{value!r:.60}"
