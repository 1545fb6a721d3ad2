"""A kernel with fastmath calls no other kernel: numba would compile, and cache, that one with the same licence."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import snnctl

SOURCES = sorted(p for p in Path(snnctl.__file__).parent.rglob("*.py") if "fastmath" in p.read_text(encoding="utf-8"))
BUILT_IN = {"range", "len", "min", "max", "abs", "int", "float"}


def licensed(tree: ast.Module) -> list[ast.FunctionDef]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and any(keyword.arg == "fastmath" for keyword in decorator.keywords)
    ]


def foreign(function: ast.FunctionDef) -> set[str]:
    """What it calls besides numpy, scalar types and built-in functions."""
    calls = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)} - BUILT_IN
    return {
        name for name in calls if not name.startswith(("np.", "math.", "njit")) and not name.endswith(".dtype.type")
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_functions_with_fastmath_call_no_kernel(path: Path) -> None:
    for function in licensed(ast.parse(path.read_text(encoding="utf-8"))):
        assert not foreign(function), function.name


def test_the_test_sees_a_call() -> None:
    source = "@njit(fastmath=True)\ndef f(x):\n    return np.sqrt(x) + exp_nonpositive(x) + x.dtype.type(1)\n"
    (function,) = licensed(ast.parse(source))
    assert foreign(function) == {"exp_nonpositive"}
