"""The style sheet of HTML reports: one column, system fonts, light, dark and print."""

from __future__ import annotations

from collections.abc import Mapping

from snnctl.report import figure

# Variable: in the light, in the dark, in print; beside those of the figures.
_OWN = {
    "paper": ("#fbfaf7", "#14181f", "#fff"),
    "line": ("#e2dfd8", "#2d3542", "#ccc"),
    "good": ("#1c7c54", "#5fce9b", "#1c7c54"),
    "bad": ("#b3382c", "#ff8d7e", "#b3382c"),
    "goodpaper": ("#e8f4ee", "#183127", "#fff"),
    "badpaper": ("#fbebe8", "#3a201e", "#fff"),
}
_FIGURES = {name: (light, dark, light) for light, (name, dark) in figure.VARIABLES.items()}


def _root(scheme: int) -> str:
    """The variables of a scheme: light, dark or print."""
    values: Mapping[str, tuple[str, str, str]] = {**_FIGURES, **_OWN}
    return ":root{" + ";".join(f"--{name}:{shades[scheme]}" for name, shades in values.items()) + "}"


COLOURS = (
    ":root{--letters:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\n"
    f"{_root(0)}\n@media (prefers-color-scheme:dark){{{_root(1)}}}\n@media print{{{_root(2)}}}\n"
)

STYLE = (
    COLOURS
    + """
@media print{figure,.verdict,.tiles,tr{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 var(--letters)}
main{max-width:1180px;margin:0 auto;padding:40px 28px 64px}
.kicker{margin:0;color:var(--vermilion);font-weight:600;letter-spacing:.09em;text-transform:uppercase;font-size:13px}
h1{font-size:34px;line-height:1.15;margin:.15em 0 .5em;letter-spacing:-.015em;overflow-wrap:anywhere}
h2{font-size:22px;margin:52px 0 14px;padding-top:22px;border-top:1px solid var(--line)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 20px;margin:0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.badge{font-size:13px;font-weight:600;padding:3px 11px;border-radius:99px;vertical-align:3px;margin-left:8px;
white-space:nowrap}
.badge.pass{background:var(--goodpaper);color:var(--good)}.badge.fail{background:var(--badpaper);color:var(--bad)}
.badge.none{color:var(--soft);border:1px solid var(--line)}
.verdict{display:flex;gap:16px;border-left:4px solid;border-radius:4px;padding:10px 16px;margin:10px 0}
.verdict p{margin:0}.verdict small{display:block;color:var(--soft);overflow-wrap:anywhere}
.verdict strong{min-width:3.2em}
.verdict.pass{border-color:var(--good);background:var(--goodpaper)}.verdict.pass strong{color:var(--good)}
.verdict.fail{border-color:var(--bad);background:var(--badpaper)}.verdict.fail strong{color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:12px;margin:22px 0}
.tiles div,figure{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tiles div{padding:14px 16px}.tiles span,.tiles small{display:block;color:var(--soft);font-size:13.5px}
.tiles b{font-size:26px;font-weight:650;letter-spacing:-.01em;line-height:1.3}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:14px;align-items:start}
figure{margin:0;padding:16px 18px}figure p{margin:8px 0 0;color:var(--soft);font-size:14px}
figure:last-child:nth-child(odd){grid-column:1/-1}
svg{display:block;width:100%;height:auto;margin-top:6px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 16px;white-space:pre-wrap;
overflow-wrap:anywhere}
code{font-size:13px;overflow-wrap:anywhere}
"""
)
