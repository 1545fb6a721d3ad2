"""The modules of the package import each other without a circle, imports inside functions included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import snnctl

PACKAGE = Path(snnctl.__file__).parent


def modules() -> dict[str, Path]:
    """Name to file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("snnctl", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below ``node`` but what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield from (other, *statements(other))
        else:
            yield from (child, *statements(child))


def imports(source: str, known: set[str]) -> set[str]:
    """Modules among ``known`` that a source imports."""
    found = set()
    for node in statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "the package names its modules in full"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in names}
    return found & known


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The strongly connected components of more than one module: those that reach each other."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            fresh = graph[waiting.pop()] - seen
            seen |= fresh
            waiting += fresh
        reached[start] = seen
    return {frozenset(m for m in reached[n] if n in reached[m]) for n in graph if n in reached[n]}


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": set()}
    assert circles(graph) == {frozenset("abc")}
    known = {"snnctl.a", "snnctl.b", "snnctl.c", "snnctl.d", "snnctl.e"}
    source = """
from typing import TYPE_CHECKING
from snnctl import a
from snnctl.b import name
if TYPE_CHECKING:
    import snnctl.e
else:
    import snnctl.c
def f():
    import snnctl.d
"""
    assert imports(source, known) == known - {"snnctl.e"}


def test_no_module_imports_itself_by_way_of_others() -> None:
    files = modules()
    graph = {name: imports(path.read_text(encoding="utf-8"), set(files)) - {name} for name, path in files.items()}
    assert sum(map(len, graph.values())) > 500  # it has looked
    assert not circles(graph)
