"""The graph of an ONNX file as dense layers: what its operators do to one observation, step by step.

Every value of the graph is a constant or a chain of steps from the input: a matrix, a gain and an offset for each
number, an activation, a clip. Operators on constants are computed; matrices and gains that follow each other become one
layer; a gain and offset before the first layer are the normaliser. Operators that the chosen output does not need are
not looked at.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.interop import policy
from snnctl.interop.files import refusal, shown
from snnctl.interop.onnx_file import Graph, Node
from snnctl.interop.policy import TRAIN_AGAIN, Layer, Normalisation, Policy
from snnctl.network.activations import Activation

Array = NDArray[Any]

_ACTIVATIONS: dict[str, Activation] = {
    "Relu": "relu", "Tanh": "tanh", "Elu": "elu", "LeakyRelu": "leaky_relu", "Selu": "selu", "Sigmoid": "sigmoid",
    "Softplus": "softplus", "Softsign": "softsign", "Gelu": "gelu", "Mish": "mish", "Swish": "silu",
}  # fmt: skip
_ALPHAS = {"Elu": 1.0, "LeakyRelu": 0.01, "Swish": 1.0}  # the only value that an activation here has
_PASSING = ("Identity", "Dropout", "Cast", "Flatten")
_REMEMBERING = ("LSTM", "GRU", "RNN", "Scan", "Loop")
_LOOKING = ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool")
_ACTION_NAMES = ("action", "actions", "mean", "mu")
_MAX_FOLDED = 10_000_000  # numbers of a computed constant


class Matrix(NamedTuple):
    """x -> x weight + bias."""

    weight: Array  # (n_in, n_out)
    bias: Array  # (n_out,)


class Scale(NamedTuple):
    """x -> gain x + offset, each (n,) or one number for all."""

    gain: Array
    offset: Array


class Function(NamedTuple):
    """An activation, or "erf" on the way to one; "softmax", "argmax" at the end."""

    name: str


class Clip(NamedTuple):
    """x -> min(max(x, low), high)."""

    low: float
    high: float


Step = Matrix | Scale | Function | Clip


@dataclasses.dataclass(frozen=True, eq=False)
class Chain:
    """A value: the last step and what it was done to; without a step the input."""

    step: Step | None = None
    before: Chain | None = None

    def then(self, step: Step) -> Chain:
        """One step more."""
        return Chain(step, self)

    def steps(self) -> list[Step]:
        """From the input on."""
        found: list[Step] = []
        chain: Chain | None = self
        while chain is not None and chain.step is not None:
            found.append(chain.step)
            chain = chain.before
        return found[::-1]


def read(graph: Graph, where: str) -> Policy:
    """The policy of a graph.

    Raises:
        PolicyError: an operator is not one of dense layers, an activation is not known, or activations differ.
    """
    if not graph.outputs:
        raise refusal(where, "has no output", "export it with one output, the action")
    output = next((name for name in graph.outputs if name.lower() in _ACTION_NAMES), graph.outputs[0])
    chain = _Interpreter(graph, where).value(output)
    if not isinstance(chain, Chain):
        raise refusal(where, f"its output '{shown(output)}' does not depend on an observation")
    found = _policy(chain.steps(), where)
    notes = found.notes
    if graph.metadata:
        told = f"metadata that the environment must apply itself: {', '.join(sorted(graph.metadata))[:200]}"
        notes = (*notes, told)
    source = f"an ONNX file of {graph.producer or 'an unnamed exporter'}"
    return dataclasses.replace(found, source=source, notes=notes)


class _Interpreter:
    """Values of a graph by name."""

    def __init__(self, graph: Graph, where: str) -> None:
        self._graph, self._where = graph, where
        self._values: dict[str, Array | Chain] = dict(graph.constants)
        self._input = ""

    def value(self, output: str) -> Array | Chain:
        """Of one output, after the nodes that it needs."""
        maker = {name: number for number, node in enumerate(self._graph.nodes) for name in node.outputs}
        needed, waiting = set[int](), [output]
        while waiting:
            number = maker.get(waiting.pop())
            if number is not None and number not in needed:
                needed.add(number)
                waiting += self._graph.nodes[number].inputs
        for number in needed:
            self._require_dense(self._graph.nodes[number].op)
        for number in sorted(needed):
            node = self._graph.nodes[number]
            given = [self._given(name, node) if name else None for name in node.inputs]
            made = self._done(node, given)
            if node.outputs:
                self._values[node.outputs[0]] = made
        return self._given(output, Node("output", [], [], {}))

    def _require_dense(self, op: str) -> None:
        """Refuse what has another name than an unknown operator."""
        where = self._where
        if op in _REMEMBERING:
            message = f"is recurrent (operator '{op}'); a dense network keeps nothing between decisions"
            raise refusal(where, message, "train it without memory, with frame_stack for a few steps of it")
        if op in _LOOKING:
            message = f"takes images (operator '{op}')"
            raise refusal(where, message, "train it on numbers: a controller here takes observations, not pictures")

    def _given(self, name: str, node: Node) -> Array | Chain:
        if name in self._values:
            return self._values[name]
        if name not in self._graph.inputs:
            message = f"'{shown(node.op)}' takes '{shown(name)}', which nothing before it gives"
            raise refusal(self._where, message)
        if self._input:
            message = f"takes several inputs: '{shown(self._input)}' and '{shown(name)}'"
            raise refusal(self._where, message, "export it with one input, the observation")
        self._input = name
        self._values[name] = Chain()
        return self._values[name]

    def _done(self, node: Node, given: list[Array | Chain | None]) -> Array | Chain:
        op, where = node.op, self._where
        if op == "Constant":
            value = next((node.attributes[k] for k in node.attributes if k.startswith("value")), None)
            if value is None or isinstance(value, str):
                raise refusal(where, "has a constant without numbers")
            return np.asarray(value)
        if not given or given[0] is None:
            raise refusal(where, f"'{shown(op)}' has no input")
        chains = [value for value in given if isinstance(value, Chain)]
        if not chains:
            return self._folded(node, [value for value in given if value is not None and not isinstance(value, Chain)])
        if op in ("Add", "Sub", "Mul", "Div") and len(given) == 2:
            return self._arithmetic(op, given[0], given[1])
        first, rest = given[0], given[1:]
        if not isinstance(first, Chain) or any(isinstance(value, Chain) for value in rest):
            raise self._unknown(node)
        return self._step(node, first, [None if value is None else np.asarray(value) for value in rest])

    def _step(self, node: Node, x: Chain, rest: list[Array | None]) -> Chain:
        """An operator on one value and constants."""
        op, attributes, where = node.op, node.attributes, self._where
        if op in _PASSING or (op == "Concat" and not rest):
            if op == "Flatten" and attributes.get("axis", 1) not in (1, -1):
                raise self._unknown(node)
            return x
        if op == "Reshape" and rest and rest[0] is not None and rest[0].size == 2:
            return x  # to rows of numbers, which it has already
        if op == "Neg":
            return x.then(Scale(np.array(-1.0), np.array(0.0)))
        if op in _ACTIVATIONS:
            alpha = attributes.get("alpha", _ALPHAS.get(op))
            if op in _ALPHAS and not (isinstance(alpha, float) and math.isclose(alpha, _ALPHAS[op], rel_tol=1e-6)):
                raise refusal(where, f"has '{op}' with alpha {alpha}, not {_ALPHAS[op]}", TRAIN_AGAIN)
            if attributes.get("approximate", "none") != "none":
                raise refusal(where, "has a Gelu that is approximated", TRAIN_AGAIN)
            return x.then(Function(_ACTIVATIONS[op]))
        if op == "Erf":
            return x.then(Function("erf"))
        if op in ("Softmax", "LogSoftmax", "ArgMax") and attributes.get("axis", -1) in (-1, 1):
            return x.then(Function("argmax" if op == "ArgMax" else "softmax"))
        if op == "Clip":
            ends = [attributes.get("min"), attributes.get("max")]
            for number, value in enumerate(rest[:2]):
                if value is not None and value.size == 1:
                    ends[number] = float(value.ravel()[0])
            low, high = (e if isinstance(e, float) else d for e, d in zip(ends, (-math.inf, math.inf), strict=True))
            return x.then(Clip(low, high))
        if op in ("Gemm", "MatMul") and rest and rest[0] is not None:
            return x.then(self._matrix(node, rest[0], rest[1] if len(rest) > 1 else None))
        raise self._unknown(node)

    def _matrix(self, node: Node, weight: Array, bias: Array | None) -> Matrix:
        attributes = node.attributes
        if weight.ndim != 2 or weight.dtype.kind != "f" or attributes.get("transA", 0):
            raise self._unknown(node)
        if node.op == "Gemm":
            alpha, beta = (float(attributes.get(name, 1.0) or 0.0) for name in ("alpha", "beta"))
            weight = (weight.T if attributes.get("transB", 0) else weight) * weight.dtype.type(alpha)
            bias = None if bias is None else bias * bias.dtype.type(beta)
        n = weight.shape[1]
        if bias is not None and (bias.dtype.kind != "f" or bias.size not in (1, n) or bias.ndim > 2):
            raise refusal(self._where, f"'{node.op}' adds {bias.shape} to {n} numbers")
        return Matrix(weight, np.zeros(n, weight.dtype) if bias is None else np.broadcast_to(bias.ravel(), (n,)))

    def _arithmetic(self, op: str, a: Array | Chain | None, b: Array | Chain | None) -> Chain:
        if isinstance(a, Chain) and isinstance(b, Chain):
            made = (_gated(a, b) or _gated(b, a)) if op == "Mul" else None
            if made is None:
                message = f"'{op}' joins two values that depend on the observation"
                raise refusal(self._where, message, TRAIN_AGAIN)
            return made
        x, constant = (a, b) if isinstance(a, Chain) else (b, a)
        if not isinstance(x, Chain) or constant is None or isinstance(constant, Chain):
            raise refusal(self._where, f"'{op}' lacks an input")
        c = np.asarray(constant)
        if c.dtype.kind not in "fiu" or c.ndim > 2 or (c.ndim == 2 and c.shape[0] != 1):
            raise refusal(self._where, f"'{op}' has a constant {c.shape} where one for each number is expected")
        c = c.astype(np.float64).reshape(()) if c.size == 1 else c.astype(np.float64).ravel()
        one, none = np.array(1.0), np.array(0.0)
        if op == "Div" and x is not a:
            raise refusal(self._where, "'Div' divides by a value that depends on the observation", TRAIN_AGAIN)
        sign = -1.0 if op == "Sub" else 1.0
        with np.errstate(all="ignore"):
            made_step = {
                "Add": Scale(one, c),
                "Sub": Scale(one, -c) if x is a else Scale(np.array(sign), c),
                "Mul": Scale(c, none),
                "Div": Scale(1.0 / c, none),
            }[op]
        return x.then(made_step)

    def _folded(self, node: Node, given: list[Array]) -> Array:
        """An operator on constants."""
        functions: dict[str, Callable[..., Any]] = {
            "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.true_divide, "Sqrt": np.sqrt,
            "Neg": np.negative, "Identity": np.asarray, "Cast": np.asarray, "Exp": np.exp, "Reciprocal": np.reciprocal,
        }  # fmt: skip
        try:
            if node.op in functions and len(given) == (2 if node.op in ("Add", "Sub", "Mul", "Div") else 1):
                if math.prod(np.broadcast_shapes(*(array.shape for array in given))) > _MAX_FOLDED:
                    raise refusal(self._where, f"'{node.op}' makes a constant of more than {_MAX_FOLDED} numbers")
                with np.errstate(all="ignore"):
                    return np.asarray(functions[node.op](*given))
            if node.op == "Transpose":
                return given[0].transpose(node.attributes.get("perm"))
            if node.op in ("Reshape", "Unsqueeze", "Squeeze", "Flatten"):
                return given[0].reshape(-1) if given[0].ndim < 2 or 1 in given[0].shape else given[0]
        except (ValueError, TypeError):
            raise refusal(self._where, f"'{node.op}' does not fit its constants") from None
        raise self._unknown(node)

    def _unknown(self, node: Node) -> Exception:
        message = f"has the operator '{shown(node.op)}' where a dense network has none, or with unusual settings"
        return refusal(self._where, message, "export the actor alone: linear layers, one activation, a normaliser")


def _gated(x: Chain, gate: Chain) -> Chain | None:
    """The product of x and a function of x, where that is an activation: silu, mish, gelu as exporters write them."""
    match gate:
        case Chain(Function("sigmoid"), before) if before is x:
            return x.then(Function("silu"))
        case Chain(Function("tanh"), Chain(Function("softplus"), before)) if before is x:
            return x.then(Function("mish"))
        case Chain(Scale(gain, offset), Chain(Function("erf"), Chain(Scale(inner, zero), before))):
            scaled = before is x and gain.size == offset.size == inner.size == zero.size == 1
            if scaled and gain == offset and not zero and math.isclose(float(inner), 1 / math.sqrt(2), rel_tol=1e-6):
                return x.then(Function("gelu")).then(Scale(2.0 * gain, np.array(0.0)))
        case Chain(Scale(outer, no), Chain() as inside) if not np.any(no) and outer.size == 1:
            made = _gated(x, inside)
            return None if made is None else made.then(Scale(outer, no))
    return None


# --------------------------------------------------------------------------- steps to a policy


def _policy(steps: list[Step], where: str) -> Policy:
    matrices = [number for number, step in enumerate(steps) if isinstance(step, Matrix)]
    if not matrices:
        raise refusal(where, "has no dense layer", "export the actor")
    head, steps = steps[: matrices[0]], steps[matrices[0] :]
    normalisation, pending = _normaliser(head, where)
    made: list[Layer] = []
    used: list[str] = []
    tail: list[Step] = []
    for step in steps:
        if isinstance(step, Matrix):
            if made:
                if len(tail) != 1 or not isinstance(tail[0], Function):
                    raise refusal(where, "has something other than one activation between two layers", TRAIN_AGAIN)
                used.append(tail.pop().name)  # type: ignore[union-attr]
            made.append(_scaled_inputs(step, pending, where))
            pending = None
        elif isinstance(step, Scale) and not tail:
            made[-1] = _scaled_outputs(made[-1], step, where)
        elif isinstance(step, Scale) and len(tail) == 1 and isinstance(tail[0], Function):
            pending = step if pending is None else _joined(pending, step, where)
        else:
            tail.append(step)
    if len({*used}) > 1:
        raise refusal(where, f"has several activations: {', '.join(sorted({*used}))}", TRAIN_AGAIN)
    if unknown := [name for name in used if name not in _ACTIVATIONS.values()]:
        raise refusal(where, f"has the activation '{unknown[0]}' between layers", TRAIN_AGAIN)
    layers = policy.chained(made, where)
    if normalisation is not None:
        normalisation = _widened(normalisation, layers[0].weight.shape[0], where)
    found = Policy(
        source="", layers=layers, activation=used[0] if used else "relu", output="none", normalisation=normalisation  # type: ignore[arg-type]
    )  # fmt: skip
    return _finished(found, tail, pending, where)


def _finished(found: Policy, tail: list[Step], scaled: Scale | None, where: str) -> Policy:
    """With what becomes of the outputs of the last layer."""
    n = found.sizes[-1]
    is_choice = all(isinstance(step, Function) and step.name in ("softmax", "argmax") for step in tail)
    if tail and is_choice and scaled is None:
        return dataclasses.replace(found, output="scores")
    match tail:
        case [] if scaled is None:
            return dataclasses.replace(found, either=True)
        case [Clip(low, high)] if scaled is None and -policy.UNCLIPPED < low < high < policy.UNCLIPPED:
            return dataclasses.replace(found, limits=(np.full(n, low), np.full(n, high)), own_limits=True)
        case [Function("tanh")] if scaled is None:
            note = "its actions end in tanh and are scaled to the limits; --squash unit leaves them in (-1, 1)"
            return dataclasses.replace(found, output="tanh", notes=(note,))
        case [Clip(low, high), Function("tanh")] if scaled is None and 0 < high == -low < policy.UNCLIPPED:
            return dataclasses.replace(found, output="tanh", bound=high)
        case [Function("tanh")] if scaled is not None and (scaled.gain > 0).all():
            gain, offset = (np.broadcast_to(part, (n,)) for part in _fitting(scaled, n, where))
            limits = (offset - gain, offset + gain)
            return dataclasses.replace(found, output="tanh", limits=limits, own_limits=True)
    raise refusal(
        where, "does something to its outputs that no decoder here does", "export it up to tanh, or the means"
    )


def _normaliser(head: list[Step], where: str) -> tuple[Normalisation | None, Scale | None]:
    """What stands before the first layer: a normaliser, or gains that go into the layer."""
    total: Scale | None = None
    clip = policy.UNCLIPPED
    for step in head:
        if isinstance(step, Scale) and clip == policy.UNCLIPPED:
            total = step if total is None else _joined(total, step, where)
        elif isinstance(step, Clip) and 0 < step.high == -step.low < policy.UNCLIPPED:
            clip = min(clip, step.high)
        else:
            raise refusal(
                where, "does something to observations that no normaliser here does", "export the actor alone"
            )
    if total is None and clip == policy.UNCLIPPED:
        return None, None
    total = total or Scale(np.array(1.0), np.array(0.0))
    if not (np.isfinite(total.gain).all() and np.isfinite(total.offset).all() and (total.gain != 0).all()):
        raise refusal(where, "has a normaliser that is not of finite numbers")
    if (total.gain > 0).all():
        return Normalisation(-total.offset / total.gain, 1.0 / total.gain, clip), None
    if clip != policy.UNCLIPPED:
        raise refusal(where, "has a normaliser that is negative and clips", "export the actor alone")
    return None, total


def _widened(found: Normalisation, dims: int, where: str) -> Normalisation:
    """With a number for each observation."""
    mean, std = _fitting(Scale(found.mean, found.std), dims, where)
    return Normalisation(np.broadcast_to(mean, (dims,)).copy(), np.broadcast_to(std, (dims,)).copy(), found.clip)


def _fitting(step: Scale, n: int, where: str) -> Scale:
    if any(part.size not in (1, n) for part in step):
        raise refusal(where, f"scales {max(part.size for part in step)} numbers where there are {n}")
    return step


def _joined(first: Scale, then: Scale, where: str) -> Scale:
    sizes = {part.size for part in (*first, *then)} - {1}
    if len(sizes) > 1:
        raise refusal(where, f"scales {min(sizes)} numbers as {max(sizes)}")
    return Scale(then.gain * first.gain, then.gain * first.offset + then.offset)


def _scaled_inputs(step: Matrix, pending: Scale | None, where: str) -> Layer:
    if pending is None:
        return Layer(step.weight, step.bias)
    gain, offset = _fitting(pending, step.weight.shape[0], where)
    weight = step.weight.astype(np.float64)
    return Layer(
        weight * (gain if gain.ndim == 0 else gain[:, None]),
        step.bias + np.broadcast_to(offset, weight.shape[:1]) @ weight,
    )


def _scaled_outputs(layer: Layer, step: Scale, where: str) -> Layer:
    gain, offset = _fitting(step, layer.weight.shape[1], where)
    return Layer(layer.weight.astype(np.float64) * gain, layer.bias.astype(np.float64) * gain + offset)
