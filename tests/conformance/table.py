"""The table of machines in docs/machines.md, from the cases of the suite: ``python -m tests.conformance.table``.

A cell says that the machine runs the network (and the suite that it runs it as the reference does), or is the number
of the sentence with which the machine refuses it.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.machines import MACHINES
from tests.conformance.programs import CASES

PAGE = Path(__file__).parents[2] / "docs" / "machines.md"
BEGIN, END = "<!-- table: python -m tests.conformance.table -->", "<!-- end of table -->"


def table() -> str:
    """Markdown: a row a network, a column a machine, then the sentences."""
    sentences: dict[str, int] = {}
    machines = [machine for machine in MACHINES if machine.shown]
    rows = []
    for name, case in CASES.items():
        program, cells = case.program, []
        for machine in machines:
            said = [f"{p.message}; {p.remedy}" for p in machine.refuses(program)]
            numbers = [sentences.setdefault(text, len(sentences) + 1) for text in dict.fromkeys(said)]
            cells.append(", ".join(map(str, numbers)) if numbers else "yes")
        rows.append(f"| {name} | {' | '.join(cells)} |")
    head = f"| network | {' | '.join(machine.name for machine in machines)} |"
    rule = "|---" * (1 + len(machines)) + "|"
    numbered = [f"{number}. {text}" for text, number in sentences.items()]
    return "\n".join([head, rule, *rows, "", *numbered])


def written(page: str) -> str:
    """The page with the table of today."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
