"""The help page of the command, rendered beforehand for the widths that the parser writes at.

A terminal that is wide enough gets the page of 100 or of 80 columns; a narrower one what the parser makes of its width.
``python -m tests.cli.help_page`` renders them anew; a test compares. Imports nothing but what Python has loaded.
"""

from __future__ import annotations

import os
import sys

WIDTHS = (100, 80)  # columns
_HERE = __file__.removesuffix("help_page.py")


def page(terminal: int) -> str | None:
    """The page for a terminal of so many columns; None where it has to be made."""
    for width in WIDTHS:
        if terminal >= width:
            try:
                with open(f"{_HERE}help_{width}.txt", encoding="utf-8") as file:
                    return file.read()
            except OSError:  # a package that is not a folder
                return None
    return None


def columns() -> int:
    """Of the terminal, as :func:`shutil.get_terminal_size` says (its import takes longer): 80 where there is none."""
    try:
        wanted = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        wanted = 0
    if wanted > 0:
        return wanted
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):  # closed, or a pipe
        return 80
