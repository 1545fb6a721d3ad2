"""The command answers --help and --version without its parser, and as its parser would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import snnctl
from snnctl.cli import help_page, main
from tests.cli.help_page import rendered

RUN = [sys.executable, "-m", "snnctl"]


def answer(*arguments: str, columns: int | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS" and not k.startswith("COV")} | variables
    if columns is not None:
        environment["COLUMNS"] = str(columns)
    return subprocess.run([*RUN, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("columns", [80, 81, 99, 100, 101, 250])
def test_the_page_is_the_one_that_the_parser_makes(columns: int) -> None:
    page = help_page.page(columns)
    assert page == rendered(columns), "run `python -m tests.cli.help_page`"
    assert max(map(len, page.splitlines())) < columns


@pytest.mark.parametrize(  # columns None: no terminal
    ("arguments", "code", "columns"), [([], 2, None), (["-h"], 0, 60), (["--help"], 0, 120)]
)
def test_the_help_page_fits_the_terminal(arguments: list[str], code: int, columns: int | None) -> None:
    done = answer(*arguments, columns=columns)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout == rendered(columns or 80)


def test_the_version() -> None:
    done = answer("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"snnctl {snnctl.__version__}\n", "")
    assert main.call(["--version"]) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_an_answer_that_cannot_be_written_is_an_error_of_one_line(argument: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*RUN, argument], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3 and "No space left on device" in done.stderr
    assert done.stderr.startswith("snnctl: ") and len(done.stderr.splitlines()) == 1


def loaded(code: str) -> set[str]:
    """The modules of a process that runs ``code``, when it ends."""
    code = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {code}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")} | {"COLUMNS": "100"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return set(done.stderr.split())


def of_command(*arguments: str) -> set[str]:
    return loaded(f"sys.argv[1:] = {[*arguments]}; from snnctl.cli import command; command.main()")


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_nothing_is_imported_for_an_answer(argument: str) -> None:
    own = {f"snnctl.{name}" for name in ("search_path", "compiler", "runtime", "cli", "cli.command", "cli.help_page")}
    assert of_command(argument) - loaded("pass") == {"__future__", "snnctl", *own}


def test_a_verb_imports_no_other_verb() -> None:
    modules = of_command("list", "--help")
    assert "snnctl.cli.list" in modules
    assert not {f"snnctl.cli.{verb}" for verb in main.VERBS} - {"snnctl.cli.list"} & modules
