"""The style sheet of HTML reports: one column, system fonts, light, dark and print."""

STYLE = """
:root{--paper:#fbfaf7;--card:#ffffff;--ink:#1d2530;--soft:#667080;--line:#e2dfd8;--good:#1c7c54;--bad:#b3382c;
--s0:#b9c4d0;--s1:#7d93ad;--s2:#d9732b;--s3:#dcd5c4;--s4:#4b8f8c;--s5:#8a6fb0;--goodpaper:#e8f4ee;--badpaper:#fbebe8}
@media (prefers-color-scheme:dark){:root{--paper:#14181f;--card:#1b212b;--ink:#e7eaf0;--soft:#98a3b3;--line:#2d3542;
--good:#5fce9b;--bad:#ff8d7e;--s0:#4a5769;--s1:#7189a8;--s2:#f0924a;--s3:#3a4250;--s4:#63b3af;--s5:#ac92d4;
--goodpaper:#183127;--badpaper:#3a201e}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#111;--soft:#555;--line:#ccc;--good:#1c7c54;--bad:#b3382c;
--s0:#b9c4d0;
--s1:#7d93ad;--s2:#d9732b;--s3:#dcd5c4;--goodpaper:#fff;--badpaper:#fff}figure,.verdict,.tiles,tr{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:40px 28px 64px}
.kicker{margin:0;color:var(--s2);font-weight:600;letter-spacing:.09em;text-transform:uppercase;font-size:13px}
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
svg text{font-size:13px;fill:var(--ink)}svg .soft{fill:var(--soft);font-size:12px}svg .end{text-anchor:end}
svg .mid{text-anchor:middle}
svg .over{fill:var(--bad);font-weight:600;font-size:12px}svg .limit{stroke:var(--bad);stroke-width:1.6;
stroke-dasharray:5 4;fill:none}
svg .grid{stroke:var(--line);stroke-width:1;fill:none}svg .mark{stroke:var(--soft);stroke-width:1.2;fill:none}
svg .panel{fill:var(--paper)}svg .ring{fill:none;stroke:var(--s1);stroke-width:1.6}
.s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}.s5{fill:var(--s5)}
svg .dots{stroke-width:2.2;stroke-linecap:round;fill:none}
svg .c0{stroke:var(--s1)}svg .c1{stroke:var(--s2)}svg .c2{stroke:var(--s4)}svg .c3{stroke:var(--s5)}
svg .c4{stroke:var(--s2)}svg .c5{stroke:var(--s1)}
.keys{display:block;color:var(--ink)}.keys i{display:inline-block;width:11px;height:11px;border-radius:3px;
margin:0 6px 0 0;vertical-align:-1px}
.keys i:not(:first-child){margin-left:14px}
.k0{background:var(--s0)}.k1{background:var(--s1)}.k2{background:var(--s2)}.k3{background:var(--s3)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 16px;white-space:pre-wrap;
overflow-wrap:anywhere}
code{font-size:13px;overflow-wrap:anywhere}
"""
