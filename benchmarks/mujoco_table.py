"""Train the runs of a table, keep every evaluation of every seed, and print the table from what was kept.

    python benchmarks/mujoco_table.py train TABLE [RUN ...] [--out runs/tables]
    python benchmarks/mujoco_table.py collect TABLE RUN SEED FOLDER
    python benchmarks/mujoco_table.py print [TABLE ...]

TABLE is a file of benchmarks/tables. ``train`` takes its runs one after the other: it begins new ones,
continues interrupted ones (Ctrl-C, kill, power) and skips finished ones. ``collect`` takes over a run folder
that was trained elsewhere. Rows go to benchmarks/results/TABLE/RUN-seedSEED.jsonl, one line an evaluation,

    {"env", "algorithm", "actor", "seed", "steps", "returns", "episode_seeds"}

and what the run was to RUN-seedSEED.json beside it. ``print`` needs nothing else.

    last ten      mean over the returns of the last ten evaluations of a seed
    IQM           interquartile mean of these evaluations' means over all seeds, with its 95 % bootstrap interval
    collapsed     evaluations after 60 % of the steps that fell below half of the seed's best so far
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from snnctl import config, library
from snnctl.errors import SnnctlError
from snnctl.loop.statistics import bootstrap, iqm, iqm_rows
from snnctl.training import checkpoint, evaluations, run, run_folder
from snnctl.training.collapse import collapse_share
from snnctl.training.recipe import Recipe

import numpy as np  # isort: skip

HERE = Path(__file__).parent
LAST, LATE = 10, 0.6


class Entry(NamedTuple):
    """One run of a table with one seed."""

    table: str
    name: str
    recipe: str
    overrides: tuple[str, ...]
    seed: int

    @property
    def key(self) -> str:
        """Of its files."""
        return f"{self.name}-seed{self.seed}"

    @property
    def rows(self) -> Path:
        """Its evaluations."""
        return HERE / "results" / self.table / f"{self.key}.jsonl"

    def resolved(self) -> Recipe:
        """The recipe with its overrides."""
        path = library.find("recipe", self.recipe).path
        return config.resolve(Recipe, config.read_toml(path), str(path), list(self.overrides))


def entries(table: str) -> list[Entry]:
    """The runs of a table in their order, seed by seed."""
    data = read(table)
    return [
        Entry(table, one["name"], one["recipe"], tuple(one.get("overrides", ())), seed)
        for one in data["runs"]
        for seed in one["seeds"]
    ]


def read(table: str) -> dict[str, Any]:
    """The file of a table."""
    return tomllib.loads((HERE / "tables" / f"{table}.toml").read_text(encoding="utf-8"))


def collect(entry: Entry, folder: Path) -> None:
    """Keep the rows of a run folder, and what the run was."""
    recipe = run_folder.load_recipe(folder)
    told = {
        "env": recipe.env.id,
        "algorithm": recipe.trainer.kind,
        "actor": "dense" if getattr(recipe.network, "kind", "") == "dense" else "spiking",
        "seed": recipe.seed,
    }
    lines = [
        {**told, "steps": row["steps"], "returns": row["returns"], "episode_seeds": row["episode_seeds"]}
        for row in evaluations.read(folder)
    ]
    entry.rows.parent.mkdir(parents=True, exist_ok=True)
    entry.rows.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    kept = checkpoint.newest(folder / run_folder.LAST)
    about = {
        "recipe": entry.recipe,
        "overrides": entry.overrides,
        "seed": entry.seed,
        "total_steps": recipe.trainer.total_steps,
        "steps": kept.values["steps"] if kept is not None else 0,
        "wall_s": kept.values["wall_s"] if kept is not None else 0.0,
        "bit_exact": kept.values["bit_exact"] if kept is not None else True,
        "versions": kept.values["environment"] if kept is not None else {},
    }
    entry.rows.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def train(entry: Entry, out: Path) -> bool:
    """Begin or continue a run; False when it was interrupted."""
    folder = out / entry.table / entry.key
    about = entry.rows.with_suffix(".json")
    if about.exists() and (found := json.loads(about.read_text()))["steps"] >= found["total_steps"]:
        return True
    folder.mkdir(parents=True, exist_ok=True)
    seen = 0

    def progress(moment: run.Moment) -> None:
        nonlocal seen
        file = folder / evaluations.EVALUATIONS
        size = file.stat().st_size if file.exists() else 0
        if size != seen:
            seen = size
            row = evaluations.read(folder)[-1]
            print(f"{entry.key} {row['steps']:9,} steps  {np.mean(row['returns']):9.1f}", flush=True)

    command = f"python benchmarks/mujoco_table.py train {entry.table} {entry.name}"
    try:
        result = run.train(entry.resolved(), entry.seed, resume=folder, command=command, progress=progress)
    except SnnctlError as error:
        raise SystemExit(f"{entry.key}: {error}") from None
    collect(entry, folder)
    return result.status == "finished"


def rows_of(entry: Entry) -> list[dict[str, Any]]:
    """What was kept of a run."""
    if not entry.rows.exists():
        return []
    return [json.loads(line) for line in entry.rows.read_text(encoding="utf-8").splitlines()]


def table_lines(table: str) -> list[str]:
    """The table in Markdown, from the rows that were kept."""
    found: dict[str, list[Entry]] = {}
    for entry in entries(table):
        if entry.rows.exists():
            found.setdefault(entry.name, []).append(entry)
    lines = [
        "| run | environment | actor | steps | last ten, by seed | IQM [95 %] | best | collapsed | hours |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, seeds in found.items():
        kept = [rows_of(entry) for entry in seeds]
        about = [json.loads(entry.rows.with_suffix(".json").read_text(encoding="utf-8")) for entry in seeds]
        means = [np.array([np.mean(row["returns"]) for row in rows]) for rows in kept]
        last = np.concatenate([m[-LAST:] for m in means])
        low, high = bootstrap(last, iqm_rows)
        shares = [
            collapse_share([r["steps"] for r in rows], list(m), LATE) for rows, m in zip(kept, means, strict=True)
        ]
        steps = " / ".join(
            f"{rows[-1]['steps'] // 1000} k" + ("" if rows[-1]["steps"] >= one["total_steps"] else " so far")
            for rows, one in zip(kept, about, strict=True)
        )
        cells = [
            name,
            kept[0][0]["env"],
            kept[0][0]["actor"],
            steps,
            " / ".join(f"{m[-LAST:].mean():.0f}" for m in means),
            f"{iqm(last):.0f} [{low:.0f}, {high:.0f}]",
            " / ".join(f"{m.max():.0f}" for m in means),
            " / ".join(f"{share:.0%}" for share in shares),
            " / ".join(f"{one['wall_s'] / 3600:.1f}" for one in about),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    training = verbs.add_parser("train")
    training.add_argument("table")
    training.add_argument("runs", nargs="*")
    training.add_argument("--out", type=Path, default=Path("runs/tables"))
    taking = verbs.add_parser("collect")
    for name in ("table", "run"):
        taking.add_argument(name)
    taking.add_argument("seed", type=int)
    taking.add_argument("folder", type=Path)
    verbs.add_parser("print").add_argument("tables", nargs="*")
    options = parser.parse_args()
    if options.verb == "print":
        for table in options.tables or sorted(path.stem for path in (HERE / "tables").glob("*.toml")):
            print(f"## {read(table)['title']}\n")
            print("\n".join(table_lines(table)) + "\n")
        return
    known = entries(options.table)
    if options.verb == "collect":
        matching = [e for e in known if (e.name, e.seed) == (options.run, options.seed)]
        if not matching:
            raise SystemExit(f"table {options.table} has no run {options.run} with seed {options.seed}")
        collect(matching[0], options.folder)
        return
    for entry in known:
        if (not options.runs or entry.name in options.runs) and not train(entry, options.out):
            return


if __name__ == "__main__":
    main()
