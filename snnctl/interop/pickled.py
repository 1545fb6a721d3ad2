"""A pickle as data: a machine for its opcodes that imports nothing and calls nothing of what the file names.

A pickle is a program for a stack machine. Python's own machine imports each name of the program and calls it; this one
has a table of the few names whose meaning it knows and builds plain data for them: numbers, text, lists, dicts,
numpy arrays. A name is a :class:`Named`, and what the program would make of one that has no meaning here is an
:class:`Instance`: the name, its arguments and its state.

    strict       a name that is neither in ``meanings`` nor in ``opaque`` ends the reading, and is told
    not strict   every name may occur, except for those of modules that run commands (:data:`RUNNING`)

Bounds: bytes and opcodes are counted, containers hold what the program puts there one by one, arrays are views of bytes
that are in the file, keys are plain (a nested key would be hashed without end).
"""

from __future__ import annotations

import dataclasses
import pickletools
from collections.abc import Callable, Mapping, Set
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import PolicyError
from snnctl.interop.files import refusal, shown

MAX_BYTES = 64_000_000
MAX_OPCODES = 500_000
MAX_INTEGER_BYTES = 64

_RUNNING = (
    "os posix nt subprocess sys shutil socket pty runpy importlib ctypes commands popen2 webbrowser pdb bdb timeit "
    "code codeop platform multiprocessing asyncio threading signal pip ensurepip http urllib requests cffi cProfile "
    "profile trace pydoc doctest idlelib io tempfile marshal pickle _pickle dill imp zipimport pkgutil distutils "
    "setuptools"
)
_RUNNING_BUILTINS = (
    "eval exec execfile compile open __import__ input breakpoint getattr setattr delattr globals locals vars apply "
    "memoryview"
)
_REACHED = "os posix nt subprocess sys shutil socket ctypes importlib builtins __builtins__"  # through other modules
RUNNING = frozenset(_RUNNING.split())  # modules whose functions run commands, or load and run code
RUNNING_BUILTINS = frozenset(_RUNNING_BUILTINS.split())
_OF_CLOUDPICKLE = frozenset({"getattr"})  # which it calls by itself to name a method

_REMEDY = "do not load it in its own library, where it would run; take the policy from somebody you trust"


class Named(NamedTuple):
    """A class or function that a pickle names; nothing was imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return shown(f"{self.module}.{self.name}")


@dataclasses.dataclass(eq=False)
class Instance:
    """What a pickle would make of a name without a meaning here."""

    of: Named
    arguments: Any = ()
    state: Any = None

    def get(self, name: str) -> Any:
        """An attribute out of its state; None where it has no such."""
        return plain(self.state.get(name)) if isinstance(self.state, dict) else None


@dataclasses.dataclass(eq=False)
class Type:
    """A type of numbers, whose byte order is told after it was made."""

    code: str
    order: str = "="

    def resolved(self, where: str) -> np.dtype[Any]:
        """As numpy's. Raises PolicyError where it is not one of numbers."""
        if self.code not in _NUMBERS or self.order not in ("<", ">", "|", "="):
            raise refusal(where, f"has an array of type '{shown(self.code)}'", "arrays of a policy are numbers")
        order = self.order if self.order in "<>" else "="
        return np.dtype(order + self.code)


_NUMBERS = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")


@dataclasses.dataclass(eq=False)
class Array:
    """A numpy array, empty until its state is told."""

    value: NDArray[Any] | None = None


def plain(value: Any) -> Any:
    """The array of an :class:`Array`; all else as it is."""
    return value.value if isinstance(value, Array) else value


Meaning = Callable[[tuple[Any, ...], str], Any]  # arguments, where -> value


def _array(arguments: tuple[Any, ...], where: str) -> Array:
    return Array()


def _array_of_buffer(arguments: tuple[Any, ...], where: str) -> Array:
    made = Array()
    match arguments:
        case (bytes() | bytearray() as raw, Type() as dtype, tuple() as shape, "C" | "F" as order):
            made.value = _filled(bytes(raw), dtype, shape, order == "F", where)
            return made
    raise refusal(where, "has an array that is not made as numpy makes one")


def _type(arguments: tuple[Any, ...], where: str) -> Type:
    if not arguments or not isinstance(arguments[0], str):
        raise refusal(where, "has a type of numbers without a name")
    return Type(arguments[0])


def _scalar(arguments: tuple[Any, ...], where: str) -> Any:
    match arguments:
        case (Type() as dtype, bytes() as raw):
            return _filled(raw, dtype, (1,), False, where).item()
    raise refusal(where, "has a number that is not made as numpy makes one")


def _mapping(arguments: tuple[Any, ...], where: str) -> dict[Any, Any]:
    match arguments:
        case ():
            return {}
        case (list() as pairs,):
            found: dict[Any, Any] = {}
            for pair in pairs:
                if not isinstance(pair, list | tuple) or len(pair) != 2:
                    raise refusal(where, "has an OrderedDict that is not made of pairs")
                found[_key(pair[0], where)] = pair[1]
            return found
    raise refusal(where, "has an OrderedDict that is not made of pairs")


def _bare(arguments: tuple[Any, ...], where: str) -> Instance:
    """An instance as protocols 0 and 1 make it."""
    match arguments:
        case (Named() as of, Named(_, "object"), None):
            return Instance(of)
    raise refusal(where, "has an object that is not made as pickle makes one")


def _encoded(arguments: tuple[Any, ...], where: str) -> bytes:
    """Bytes as protocol 2 writes them."""
    match arguments:
        case (str() as text, "latin1" | "latin-1"):
            try:
                return text.encode("latin-1")
            except UnicodeEncodeError:
                pass
    raise refusal(where, "has bytes that are not written as pickle writes them")


COMMON: Mapping[Named, Meaning] = {
    Named("collections", "OrderedDict"): _mapping,
    Named("_codecs", "encode"): _encoded,
    Named("copyreg", "_reconstructor"): _bare,
    Named("copy_reg", "_reconstructor"): _bare,
    Named("numpy", "dtype"): _type,
    **{
        Named(f"numpy.{core}.{module}", name): meaning
        for core in ("core", "_core")
        for module, name, meaning in (
            ("multiarray", "_reconstruct", _array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _array_of_buffer),
        )
    },
}
COMMON_OPAQUE: Set[Named] = {
    Named("numpy", "ndarray"), Named("builtins", "object"), Named("__builtin__", "object"),
}  # fmt: skip


class Machine:
    """Runs one pickle.

    Args:
        where: names the pickle in errors
        meanings: name -> what becomes of a call of it
        opaque: names that may occur without a meaning, in a strict machine
        strict: whether other names end the reading
        persistent: persistent id -> value; None: they end the reading
    """

    def __init__(
        self,
        where: str,
        meanings: Mapping[Named, Meaning] = COMMON,
        opaque: Set[Named] = COMMON_OPAQUE,
        strict: bool = True,
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        self.where = where
        self._meanings, self._opaque, self._strict, self._persistent = meanings, opaque, strict, persistent

    def run(self, raw: bytes) -> Any:
        """The value of the pickle.

        Raises:
            PolicyError: it names what it must not, is damaged, too large, or of a kind that policies are not.
        """
        if len(raw) > MAX_BYTES:
            raise refusal(self.where, f"has {len(raw)} bytes; at most {MAX_BYTES} are read", "import a smaller policy")
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._stopped = False
        try:
            for count, (opcode, argument, _) in enumerate(pickletools.genops(raw)):
                if count > MAX_OPCODES:
                    raise refusal(self.where, f"has more than {MAX_OPCODES} opcodes", "import a smaller policy")
                self._do(opcode.name, argument)
            return plain(self._stack[-1])
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError, RecursionError) as error:
            raise refusal(self.where, f"is not a whole pickle ({type(error).__name__})") from None

    # ----------------------------------------------------------------- opcodes

    def _do(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in _LITERALS:
            if isinstance(argument, int) and argument.bit_length() > 8 * MAX_INTEGER_BYTES:
                raise refusal(self.where, f"has a number of more than {MAX_INTEGER_BYTES} bytes")
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _IGNORED:
            pass
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif name == "MARK":
            self._marks.append(stack)
            self._stack = []
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name == "POP":
            if stack:
                stack.pop()
            else:
                self._to_mark()
        elif name == "POP_MARK":
            self._to_mark()
        elif name == "DUP":
            stack.append(stack[-1])
        elif name in _OF_MARK:
            items = self._to_mark()
            self._stack.append(_OF_MARK[name](items))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            n = int(name[-1])
            if len(stack) < n:
                raise IndexError
            stack[-n:] = [tuple(stack[-n:])]
        elif name in ("APPEND", "APPENDS", "ADDITEMS"):
            items = [stack.pop()] if name == "APPEND" else self._to_mark()
            if isinstance(self._stack[-1], list):
                self._stack[-1].extend(items)
            elif self._strict:
                raise TypeError
        elif name in ("SETITEM", "SETITEMS", "DICT"):
            items = [stack.pop(-2), stack.pop()] if name == "SETITEM" else self._to_mark()
            if name == "DICT":
                self._stack.append({})
            self._set_items(self._stack[-1], items)
        elif name in ("GLOBAL", "STACK_GLOBAL", "INST"):
            self._name(name, argument)
        elif name in ("REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ"):
            self._call(name)
        elif name == "BUILD":
            state = stack.pop()
            self._set_state(stack[-1], state)
        elif name in ("PERSID", "BINPERSID"):
            identity = argument if name == "PERSID" else stack.pop()
            if self._persistent is None:
                raise refusal(self.where, "refers to something outside of it", "give the file of a policy")
            self._stack.append(self._persistent(identity))
        else:
            raise refusal(self.where, f"has the opcode {name}, which no policy needs", _REMEDY)

    def _to_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._marks.pop()
        return items

    def _set_items(self, target: Any, items: list[Any]) -> None:
        if len(items) % 2 or not isinstance(target, dict | Instance):
            raise TypeError
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, _KEYS) and isinstance(target, dict):
                target[key] = value
            elif self._strict:
                _key(key, self.where)
                raise TypeError

    # ----------------------------------------------------------------- names

    def _name(self, opcode: str, argument: Any) -> None:
        if opcode == "STACK_GLOBAL":
            name, module = self._stack.pop(), self._stack.pop()
            if not isinstance(name, str) or not isinstance(module, str):
                raise TypeError
        else:
            module, _, name = argument.partition(" ")
        named = Named(module, name)
        self._require(named)
        if opcode == "INST":
            arguments = tuple(self._to_mark())
            self._stack.append(self._made(named, arguments))
        else:
            self._stack.append(named)

    def _require(self, named: Named) -> None:
        """Refuse a name that must not occur."""
        if named in self._meanings or named in self._opaque:
            return
        if self._strict:
            message = f"names {named}, which is not known of such files; nothing of it was imported or run"
            raise refusal(self.where, message, _REMEDY)
        if runs(named):
            message = f"names {named}, which runs commands or code; nothing of it was imported or run"
            raise refusal(self.where, message, _REMEDY)

    def _call(self, opcode: str) -> None:
        if opcode == "OBJ":
            items = self._to_mark()
            function, arguments = items[0], tuple(items[1:])
        else:
            if opcode == "NEWOBJ_EX":
                self._stack.pop()  # keyword arguments
            arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(arguments, tuple):
            raise TypeError
        if isinstance(function, Named):
            self._stack.append(self._made(function, arguments))
        elif self._strict:
            raise TypeError
        else:  # a function that the pickle itself has made
            self._stack.append(Instance(Named("", ""), arguments))

    def _made(self, named: Named, arguments: tuple[Any, ...]) -> Any:
        meaning = self._meanings.get(named)
        if meaning is not None:
            try:
                return meaning(arguments, self.where)
            except PolicyError:
                if self._strict:
                    raise
        return Instance(named, arguments)

    def _set_state(self, target: Any, state: Any) -> None:
        if isinstance(target, Type):
            match state:
                case (int(), str() as order, *_):
                    target.order = order
                    return
        elif isinstance(target, Array):
            match state:
                case (int(), tuple() as shape, Type() as dtype, bool() | int() as fortran, bytes() as raw):
                    if self._strict or dtype.code in _NUMBERS:
                        target.value = _filled(raw, dtype, shape, bool(fortran), self.where)
                    return
            if not self._strict:  # an array of objects: stays empty
                return
        elif isinstance(target, Instance):
            target.state = state[0] if isinstance(state, tuple) and len(state) == 2 and state[1] is None else state
            return
        elif isinstance(target, dict) or not self._strict:  # attributes of an OrderedDict are left out
            return
        raise TypeError


def runs(named: Named) -> bool:
    """Whether a name is of a module that runs commands or code."""
    module, *below = f"{named.module}.{named.name}".split(".")
    if {*_REACHED.split()} & {*below[:-1]}:  # a module by way of another one that imports it
        return True
    if module in ("builtins", "__builtin__"):
        return named.name.partition(".")[0] in RUNNING_BUILTINS - _OF_CLOUDPICKLE
    return module in RUNNING


_KEYS = (str, int, float, bytes, type(None))


def _key(key: Any, where: str) -> Any:
    if not isinstance(key, _KEYS):
        raise refusal(where, f"has a key that is a {type(key).__name__}", "keys of a policy are text or numbers")
    return key


def _filled(raw: bytes, dtype: Type, shape: Any, fortran: bool, where: str) -> NDArray[Any]:
    """An array of bytes that are there."""
    kind = dtype.resolved(where)
    if not isinstance(shape, tuple) or len(shape) > 8 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise refusal(where, "has an array of a shape that is not one")
    count = 1
    for n in shape:
        count *= n
    if count * kind.itemsize != len(raw):
        raise refusal(where, f"has an array of {len(raw)} bytes where its shape takes {count * kind.itemsize}")
    return np.frombuffer(raw, kind).reshape(shape, order="F" if fortran else "C")


_LITERAL = (
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 "
    "BYTEARRAY8 UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 FLOAT BINFLOAT"
)
_LITERALS = frozenset(_LITERAL.split())
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict, "EMPTY_SET": list}
_OF_MARK: dict[str, Callable[[list[Any]], Any]] = {"LIST": list, "TUPLE": tuple, "FROZENSET": list}
