"""Where compiled code made of users' models is kept.

A kernel is compiled once for each combination of models, and numba keeps the code on disk under the types of its
arguments. The types name a model's class and not what its functions do, so an edited model would silently run its old
code; and a cache that names a user's class cannot be read where that class cannot be imported. So a kernel whose types
hold a class from outside the package is kept in a folder named by a hash of

- the sources of the module of that class, and of the modules that it imports, but for the standard library and
  installed packages other than the user's own, and
- the code and the numbers that these modules hold in this process, which differ from the sources if a file was edited
  after it was imported.

Kernels with classes that another process could not import (of ``__main__``, or local to a function) are not kept.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import itertools
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from numba import types
from numba.core import bytecode, caching
from numba.core import config as numba_config

from snnctl import kernel_folder
from snnctl.models import functions
from snnctl.network.model_kernel import ModelType
from snnctl.slots import is_users

_config: Any = numba_config  # without types
_function_cache: Any = caching.FunctionCache  # snnctl.kernel_files: none where the folder cannot be written to
_PLAIN = (bool, int, float, str, bytes, tuple, type(None))


def _number_functions() -> None:
    """Begin numba's numbers of functions anywhere.

    They are part of the names of machine code. With numbers from 1, two kernels that two processes compiled may hold
    functions of one name, say of a model before and after an edit; a third process that loads both from the cache
    would use the code of the first for both.
    """
    _identity._unique_ids = itertools.count(secrets.randbits(48))


_identity: Any = bytecode.FunctionIdentity
_number_functions()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_number_functions)


def distinct(cls: type) -> None:
    """Give a user's class a name of its own, before a kernel sees it.

    numba tells the NamedTuples that a kernel is called with apart by the names of their classes alone, without the
    module: of two models whose constants are called ``Constants``, or of one that was edited and imported again, the
    second would run the code of the first.
    """
    if is_users(cls) and "#" not in cls.__name__:
        cls.__name__ = f"{cls.__name__}#{next(_numbers)}"


_numbers = itertools.count(1)


def separated(kernel: Any) -> Any:
    """Decorator: ``kernel`` keeps what it compiles for users' models apart (see above)."""
    if hasattr(kernel, "enable_caching"):  # not without a compiler
        kernel._cache = _ByOrigin(kernel.py_func, kernel._cache)
    return kernel


class _ByOrigin(caching._Cache):
    """The cache of a kernel; it chooses the folder by the signature."""

    def __init__(self, function: Any, package: Any) -> None:
        self._function = function
        self._package = package
        self._users: dict[str, Any] = {}

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        return self._of(sig).load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        self._of(sig).save_overload(sig, data)

    @property
    def cache_path(self) -> Any:
        return self._package.cache_path

    def enable(self) -> None:
        self._package.enable()

    def disable(self) -> None:
        self._package.disable()

    def flush(self) -> None:
        self._package.flush()

    def _of(self, sig: Any) -> Any:
        own = {cls for one in getattr(sig, "args", sig) for cls in _classes(one) if is_users(cls)}
        if not own:
            return self._package
        if not all(_is_importable(cls) for cls in own):
            return caching.NullCache()
        tags = sorted({source_hash(cls) for cls in own})
        tag = tags[0] if len(tags) == 1 else hashlib.blake2b("".join(tags).encode(), digest_size=12).hexdigest()
        if tag not in self._users:
            self._users[tag] = self._in_folder(tag)
        return self._users[tag]

    def _in_folder(self, tag: str) -> Any:
        folder, before = kernel_folder.user_kernels(tag), _config.CACHE_DIR
        if folder is None:
            return caching.NullCache()
        _config.CACHE_DIR = str(folder)
        try:
            return _function_cache(self._function)
        finally:
            _config.CACHE_DIR = before


def _classes(numba_type: Any) -> Iterator[type]:
    """The classes of models and of NamedTuples in a type."""
    if isinstance(numba_type, types.NamedTuple | types.NamedUniTuple | ModelType):
        yield numba_type.instance_class
    if isinstance(numba_type, types.BaseTuple):
        parts: Any = numba_type
        for part in parts.types:
            yield from _classes(part)


def _is_importable(cls: type) -> bool:
    value: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        value = getattr(value, part, None)
    return value is cls and cls.__module__ != "__main__"


# --------------------------------------------------------------------------- what a model is made of


@functools.cache
def source_hash(cls: type) -> str:
    """Hash of the code that the model of this class is made of."""
    digest = hashlib.blake2b(digest_size=12)
    for name, module in sorted(_modules(cls.__module__).items()):
        digest.update(f"|{name}|".encode())
        digest.update(_source(module))
        for function in sorted(functions(module), key=lambda f: f.__qualname__):
            digest.update(repr(_code(function.__code__)).encode())
        numbers = {k: v for k, v in vars(module).items() if isinstance(v, _PLAIN) and not k.startswith("__")}
        digest.update(repr(sorted(numbers.items())).encode())
    return digest.hexdigest()


def _modules(name: str) -> dict[str, ModuleType]:
    """The module ``name`` and the user's modules that it imports, and so on."""
    found: dict[str, ModuleType] = {}
    waiting = [name]
    while waiting:
        name = waiting.pop()
        module = sys.modules.get(name)
        if module is not None and name not in found:
            found[name] = module
            waiting += [n for n in _imports(module) if n in sys.modules and _may_change(n, found)]
    return found


def _imports(module: ModuleType) -> Iterator[str]:
    """Names of what the source of ``module`` imports; of ``from a import b`` both a and a.b."""
    try:
        tree = ast.parse(_source(module))
    except (SyntaxError, ValueError):  # edited, and not finished
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = importlib.util.resolve_name("." * node.level + base, module.__package__ or "")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _may_change(name: str, beside: dict[str, ModuleType]) -> bool:
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top == "snnctl":
        return False
    file = Path(getattr(sys.modules[name], "__file__", None) or "")
    installed = {"site-packages", "dist-packages"} & set(file.parts)
    return not installed or top in {n.partition(".")[0] for n in beside}


def _source(module: ModuleType) -> bytes:
    try:
        return Path(getattr(module, "__file__", None) or "").read_bytes()
    except OSError:
        return b""


def _code(code: CodeType) -> tuple[Any, ...]:
    """What a function does, without the lines that it is on."""
    constants = [_code(c) if isinstance(c, CodeType) else c for c in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, constants
