"""The Python on the pages runs, block after block, and prints the text that stands under it."""

import ast
import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
PAGES = [
    page
    for page in sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
    if BLOCK.search(page.read_text()) and not page.name.startswith("your_own")  # files, which their own tests compare
]
MODELS = {"neurons/your_own.md": "quadratic", "plasticity/your_own.md": "offset_stdp", "coding/your_own.md": "codes"}


def test_the_pages_on_networks_have_python():
    assert {ROOT / "README.md", ROOT / "docs" / "networks.md"} <= set(PAGES)


@pytest.mark.parametrize("page", MODELS)
def test_a_model_on_a_page_is_its_file(page):
    block = BLOCK.search((ROOT / "docs" / page).read_text())
    file = ast.parse((ROOT / "docs" / "examples" / "mylab" / f"{MODELS[page]}.py").read_text())
    for node in ast.walk(file):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    assert ast.unparse(file) == ast.unparse(ast.parse(block[1]))


@pytest.mark.needs_compiler
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_python_blocks_of_a_page_run_in_their_order(page):
    names = {"__name__": f"page_{page.stem}"}
    text = page.read_text()
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * line + block[1], page, "exec"), names)
        if block[2] is not None:
            assert printed.getvalue() == block[2], f"{page}:{line}"
