"""One look for every figure, and the ways out: a file, an SVG element for a page, the data itself.

Light background, Okabe and Ito's colours (told apart with any colour vision and in grey), names beside
the lines instead of legends where they fit, units in brackets, no frames around what needs none.
The functions of this package that draw return a :class:`Plot`: the figure and the numbers in it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from snnctl.errors import OutputError, Problem
from snnctl.storage import ensure_writable, write_atomic

INK, SOFT, FAINT, PAPER, EDGE, PANEL = "#1d2530", "#667080", "#e4e6ea", "#ffffff", "#b4bac4", "#f7f8fa"
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
STATIC, IDLE, DYNAMIC = "#9aa5b4", "#cfd5dd", VERMILION  # power by its kind

# On a page a colour is a variable of its style sheet: the variable, and what it is where the page is dark.
VARIABLES = {
    INK: ("ink", "#e7eaf0"),
    SOFT: ("soft", "#98a3b3"),
    FAINT: ("faint", "#323b49"),
    PAPER: ("card", "#1b212b"),
    EDGE: ("edge", "#566072"),
    PANEL: ("panel", "#151a22"),
    BLUE: ("blue", "#56b4e9"),
    VERMILION: ("vermilion", "#f28c45"),
    GREEN: ("green", "#4cc7a0"),
    PURPLE: ("purple", "#d685c8"),
    ORANGE: ("orange", "#f0b840"),
    SKY: ("sky", "#4d94c4"),
    STATIC: ("static", "#5d6b80"),
    IDLE: ("idle", "#8d9aae"),
}
FORMATS = (".png", ".svg", ".pdf")
DPI = 160
_HEAD_IN, _MARGIN_IN = 0.72, 0.12  # above the first panel, with and without a heading

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12.0,
    "axes.labelsize": 9.0,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": EDGE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "text.parse_math": False,  # names are shown as they are
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


def inline_svg(plot: Plot, label: str) -> str:
    """The figure as an ``<svg>`` element for a page or a file, called ``label`` by screen readers.

    Colours are :data:`VARIABLES` of the page, letters are those of the page, lengths have two decimals; nothing in it
    is an address outside itself.
    """
    text = encode(plot.figure, ".svg").decode("utf-8")
    view = re.search(r'viewBox="[^"]*"', text)
    assert view is not None
    body = text[text.index(">", text.index("<svg")) + 1 :].strip()
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL).replace("xlink:href", "href")
    for colour, (name, _) in VARIABLES.items():
        body = body.replace(colour, f"var(--{name})")
    body = body.replace("'DejaVu Sans'", "var(--letters)")
    body = re.sub(r'(?<= )(?:d|x|y|width|height|transform)="[^"]*"', _rounded, body)
    wanted = set(re.findall(r"#([\w.-]+)", body))
    body = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in wanted else "", body)
    body = re.sub(r"\s*\n\s*", "\n", body)
    return f'<svg {view[0]} role="img" aria-label="{escape(label, quote=True)}">{body}'


def _rounded(attribute: re.Match[str]) -> str:
    text = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), attribute[0])
    return re.sub(r"M (\S+) (\S+)\s+L \1 \2\s+", r"M\1 \2h0", text)  # a dot


def stacked(
    heights_in: Sequence[float],
    heading: str,
    width_in: float,
    left_in: float,
    right_in: float = 0.35,
    gap_in: float = 0.15,
    bottom_in: float = 0.5,
) -> tuple[Figure, list[Axes]]:
    """Panels from top to bottom, with room for a :func:`title` if there is a heading; all lengths in inches."""
    top_in = _HEAD_IN if heading else _MARGIN_IN
    total = top_in + sum(heights_in) + gap_in * (len(heights_in) - 1) + bottom_in
    canvas = Figure(figsize=(width_in, total))
    places, top = [], total - top_in
    for height in heights_in:
        box = (left_in / width_in, (top - height) / total, 1 - (left_in + right_in) / width_in, height / total)
        places.append(canvas.add_axes(box))
        top -= height + gap_in
    return canvas, places


def title(figure: Figure, axes: Axes, text: str, below: str) -> None:
    """A bold title over ``axes`` and one soft line under it that describes the figure; nothing without a text."""
    if not text:
        return
    height = figure.get_size_inches()[1] * 72
    x, y = axes.get_position().x0, 1 - 22 / height
    figure.text(x, y, text, fontsize=12, fontweight="bold", va="center", color=INK)
    figure.text(x, y - 17 / height, below, fontsize=8.5, va="center", color=SOFT)
