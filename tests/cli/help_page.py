"""Render the help page of `snnctl.cli.help_page`: python -m tests.cli.help_page"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from snnctl.cli import help_page, main


def rendered(columns: int) -> str:
    """What the parser prints on a terminal of so many columns."""
    out, before = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        with contextlib.redirect_stdout(out):
            assert main.call(["--help"]) == 0
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return out.getvalue()


if __name__ == "__main__":
    for width in help_page.WIDTHS:
        (Path(help_page.__file__).parent / f"help_{width}.txt").write_text(rendered(width), encoding="ascii")
