"""The console entry: which verbs there are, and what happens when one fails.

Exit codes: 0 ok, 1 a check or a budget failed, 2 bad input or usage, 3 the run itself failed,
130 interrupted. Errors are one line per problem on stderr; ``--debug`` shows the traceback.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

import snnctl
from snnctl import slots
from snnctl.cli import console, help_page
from snnctl.errors import Notice, SnnctlError

# In the order of --help: what the tool exists for comes first.
VERBS = ("train", "run", "evaluate", "import", "sweep", "demo", "list", "show", "new", "check", "fit", "plot", "doctor")
_FUNCTIONS = {"import": "import_"}  # a word of Python cannot be a function's name

INTERRUPTED = 130


def _show_version(wanted: bool) -> None:
    if wanted:
        console.result(f"snnctl {snnctl.__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (works anywhere).")] = False,
    trust: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE", help="Python that files may name, e.g. mylab (works anywhere, again for more)."),
    ] = None,
) -> None:
    """Options that come before a verb; ``call`` has already taken ``--debug`` and ``--trust`` out."""


def parser(verbs: Sequence[str] = VERBS) -> typer.Typer:
    """The command with these verbs, whose modules are imported."""
    # Plain help text: rich's panels cost 0.1 s at every --help.
    app = typer.Typer(
        name="snnctl",
        help="Train spiking controllers for robots, run them in closed loop, evaluate them on emulated chips.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _width()},
    )
    app.callback()(options)
    for verb in verbs:
        name = _FUNCTIONS.get(verb, verb)
        app.command(verb)(getattr(importlib.import_module(f"snnctl.cli.{name}"), name))
    return app


def _width() -> int:
    """The widest of the widths of help pages that the terminal has, or the smallest, below which it is made to fit."""
    return next((width for width in help_page.WIDTHS if help_page.columns() >= width), help_page.WIDTHS[-1])


def main(arguments: list[str] | None = None) -> None:
    """Run one verb and leave with its exit code."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - closed by the caller (>&-)
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    atexit.register(_ignore_signals)
    sys.exit(call(sys.argv[1:] if arguments is None else arguments))


def _ignore_signals() -> None:
    """While Python leaves: all is done and told, so that Ctrl-C changes nothing any more, nor does a termination."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def call(arguments: list[str]) -> int:
    """Run one verb and return its exit code; nothing but ``--debug`` ever shows a traceback."""
    debug = "--debug" in arguments
    with warnings.catch_warnings():
        if not debug:  # warnings of dependencies are not messages to a user
            warnings.showwarning = _say_notices
        with _terminable():
            return _call([a for a in arguments if a != "--debug"], debug)


def _trusted(arguments: list[str]) -> list[str]:
    """The arguments without ``--trust MODULE``; what it names, and every import path that was typed, is trusted."""
    if not any(":" in word or word.startswith("--trust") for word in arguments):
        return arguments
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name, equals, module = word.partition("=")
        if name != "--trust":
            rest.append(word)
            continue
        module = module if equals else next(words, "")
        slots.trust(*module.split(","))
    slots.trust_typed(rest)
    return rest


def _call(arguments: list[str], debug: bool) -> int:
    try:
        arguments = _trusted(arguments)
        # Without a verb: the help, which the parser would raise as an error of one long line.
        asked = [word for word in arguments[:1] if word in VERBS]  # another word before it: an option, or a mistake
        code = parser(asked or VERBS)(arguments or ["--help"], prog_name="snnctl", standalone_mode=False)
        return (code if isinstance(code, int) else 0) if arguments else 2
    except SnnctlError as error:
        _explain(debug)
        for problem in error.problems:
            console.note(f"snnctl: {_one_line(str(problem))}")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        console.note("snnctl: interrupted")
        return INTERRUPTED
    except (
        SystemExit
    ) as error:  # no verb raises it: somebody's module or environment would end this one as if all were well
        _explain(debug)
        console.note(f"snnctl: code that this command imported called exit({error.code}); run again with --debug")
        return 3
    except MemoryError:
        _explain(debug)
        console.note("snnctl: out of memory; use a smaller network, batch or number of workers")
        return 3
    except Exception as error:
        _explain(debug)
        if hasattr(error, "format_message"):  # a usage error of typer's parser
            context = getattr(error, "ctx", None)
            command = context.command_path if context is not None else "snnctl"
            console.note(f"snnctl: {_one_line(error.format_message()).rstrip('.')}; see `{command} --help`")
            return 2
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        console.note(f"snnctl: internal error: {_one_line(what)[:300]}; run again with --debug")
        return 3


def _say_notices(message: Warning | str, *_: object, **__: object) -> None:
    """Stand in for ``warnings.showwarning``."""
    if isinstance(message, Notice):
        console.note(f"note: {message}")


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Take a termination or a lost terminal for Ctrl-C: files are closed and what was learnt is kept."""
    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    previous = {}
    for name in names:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores a lost terminal
            previous[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _explain(debug: bool) -> None:
    if debug:
        console.note(traceback.format_exc())


def _one_line(text: str) -> str:
    return " ".join(text.split())
