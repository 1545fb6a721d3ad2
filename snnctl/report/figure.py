"""One look for every figure, and the ways out: a file, inline SVG, a PNG data URI, the data itself.

Light background, Okabe and Ito's colours (told apart with any colour vision and in grey), names beside
the lines instead of legends where they fit, units in brackets, no frames around what needs none.
The functions of this package that draw return a :class:`Plot`: the figure and the numbers in it.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from snnctl.errors import OutputError, Problem
from snnctl.storage import ensure_writable, write_atomic

INK, SOFT, FAINT, PAPER = "#1d2530", "#667080", "#e4e6ea", "#ffffff"
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
FORMATS = (".png", ".svg", ".pdf")
DPI = 160

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12.0,
    "axes.labelsize": 9.0,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": "#b4bac4",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "snnctl",  # the same figure is the same file
    "pdf.fonttype": 42,
}


class Plot(NamedTuple):
    """A figure and its numbers."""

    figure: Figure
    data: dict[str, Any]  # JSON


def styled() -> Any:
    """Context manager in which figures take this package's look."""
    return rc_context(STYLE)


def encode(figure: Figure, suffix: str) -> bytes:
    """The figure as a file of the type ``.png``, ``.svg`` or ``.pdf``; the same figure gives the same bytes."""
    stamp: dict[str, dict[str, Any]] = {
        ".png": {"Software": None},
        ".svg": {"Date": None, "Creator": None},
        ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    out = io.BytesIO()
    with styled():
        figure.savefig(out, format=suffix.removeprefix("."), dpi=DPI, metadata=stamp[suffix])
    return out.getvalue()


def save(plot: Plot, path: Path) -> None:
    """Write the figure.

    Raises:
        OutputError: the name ends in none of .png, .svg, .pdf, or the folder cannot be written.
    """
    check_target(path)
    write_atomic(path, encode(plot.figure, path.suffix.lower()))


def check_target(path: Path) -> None:
    """Raise OutputError now, if :func:`save` would later."""
    if path.suffix.lower() not in FORMATS:
        raise OutputError(Problem(str(path), f"is none of {', '.join(FORMATS)}", "end its name with .png"))
    if path.is_dir():
        raise OutputError(Problem(str(path), "is a folder", "name a file, such as figure.png"))
    ensure_writable(path.parent)


def inline_svg(plot: Plot) -> str:
    """The figure as an ``<svg>`` element for an HTML page (no XML prologue)."""
    text = encode(plot.figure, ".svg").decode("utf-8")
    return text[text.index("<svg") :]


def data_uri(plot: Plot) -> str:
    """The figure as a PNG in a ``data:`` address, for figures with very many marks."""
    return "data:image/png;base64," + base64.b64encode(encode(plot.figure, ".png")).decode("ascii")


def title(figure: Figure, axes: Axes, text: str, below: str) -> None:
    """A bold title over ``axes`` and one soft line under it that says what is shown."""
    height = figure.get_size_inches()[1] * 72
    x, y = axes.get_position().x0, 1 - 22 / height
    figure.text(x, y, text, fontsize=12, fontweight="bold", va="center", color=INK)
    figure.text(x, y - 17 / height, below, fontsize=8.5, va="center", color=SOFT)
