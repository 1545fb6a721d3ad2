"""The command ``snnctl``: its help page and its version at once, all else by the parser of :mod:`snnctl.cli.main`.

Importing the parser takes several times as long as starting Python, so an answer imports next to nothing.
"""

from __future__ import annotations

import sys

import snnctl
from snnctl.cli import help_page

_HELP = ((), ("-h",), ("--help",))


def main() -> None:
    """Answer or run what the command line asks for, and leave with the exit code."""
    arguments = (*sys.argv[1:],)
    text = None
    if arguments in _HELP:
        text = help_page.page(help_page.columns())
    elif arguments == ("--version",):
        text = f"snnctl {snnctl.__version__}\n"
    if text is not None and _written(text):
        sys.exit(0 if arguments else 2)
    from snnctl.cli import main as parser

    parser.main()


def _written(text: str) -> bool:
    """Whether stdout took it; if not, the parser tries again and tells."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (AttributeError, ValueError, OSError):
        return False
    return True
