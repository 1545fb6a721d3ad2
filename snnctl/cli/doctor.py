"""``snnctl doctor``: what this machine and this installation look like, and what to mend."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

import snnctl
from snnctl.cli import console
from snnctl.errors import InputError, Problem

PACKAGES = (
    "numpy", "scipy", "numba", "llvmlite", "gymnasium", "mujoco", "matplotlib", "pydantic", "typer", "rich",
    "safetensors", "h5py", "PIL", "tomli_w",
)  # fmt: skip
_REINSTALL = "reinstall with `python -m pip install --force-reinstall snnctl`"
_ENOUGH_BYTES = 200_000_000


class Finding(NamedTuple):
    """One thing that was looked at."""

    about: str
    value: str
    ok: bool = True
    remedy: str = ""


def doctor(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="With --warm: agents and recipes, instead of all that are found."),
    ] = None,
    warm: Annotated[
        bool, typer.Option("--warm", help="Compile what agents and recipes need, so that nothing waits for it later.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
) -> None:
    """Show what this installation runs on, and what to fix.

    Works when packages are missing or broken. Exit code 1 when something needs fixing.
    --warm compiles, once for a user and a processor, what `run`, `evaluate` and `train` compile at their first use.

    Example: snnctl doctor --json

    Example: snnctl doctor --warm cartpole-ppo
    """
    if warm:
        return _warm(names or [], as_json)
    if names:
        raise InputError(Problem(f"'{names[0][:60]}'", "needs --warm", "write: snnctl doctor --warm NAME"))
    return _examine(as_json)


def _warm(names: list[str], as_json: bool) -> None:
    from snnctl import kernel_folder
    from snnctl.cli import kernels

    found = kernels.entries(names)
    with console.progress("compile", len(found), "entries") as bar:
        done = kernels.warm_all(found, lambda count, text: bar.update(count, text))
    for one in done:
        for problem in one.problems:
            console.note(f"snnctl: {one.kind} {one.name}: {problem}")
    if as_json:
        rows = [one._asdict() | {"problems": [str(p) for p in one.problems]} for one in done]
        console.json_result({"folder": kernel_folder.choose(), "entries": rows})
    else:
        cells = [[one.kind, one.name, one.compiled, f"{one.wall_s:.1f}"] for one in done]
        console.result(console.table(["kind", "name", "compiled", "s"], cells))
        console.result(f"\n{sum(one.compiled for one in done)} functions compiled, kept in {kernel_folder.choose()}")
    if names and any(one.problems for one in done):
        raise typer.Exit(1)


def _examine(as_json: bool) -> None:
    found: list[Finding] = []
    for examine in (_python, _packages, _processor, _blas, _kernels, _rendering, _folders, _entries):
        found += _survive(examine)
    if as_json:
        console.json_result({"ok": all(f.ok for f in found), "findings": [f._asdict() for f in found]})
    else:
        console.result(console.table(["", "", "value"], [[f.about, "ok" if f.ok else "FIX", f.value] for f in found]))
        for finding in found:
            if not finding.ok:
                console.result(f"fix {finding.about}: {finding.remedy}")
    if not all(f.ok for f in found):
        raise typer.Exit(1)


def _survive(examine: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return examine()
    except Exception as error:  # whatever is broken here, the other findings still help
        return [Finding(examine.__name__.strip("_"), f"{type(error).__name__}: {error}"[:200], False, _REINSTALL)]


def _python() -> list[Finding]:
    ok = sys.version_info >= (3, 11)
    return [
        Finding("snnctl", f"{snnctl.__version__} in {Path(snnctl.__file__).parent}"),
        Finding("python", f"{platform.python_version()}, {sys.executable}", ok, "use Python 3.11 or newer"),
        Finding("system", platform.platform()),
    ]


def _packages() -> list[Finding]:
    found = []
    for name in PACKAGES:
        try:
            module = importlib.import_module(name)
            found.append(Finding(name, str(getattr(module, "__version__", "present"))))
        except Exception as error:  # a broken binary package can raise anything
            what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            found.append(Finding(name, what, False, _REINSTALL))
    return found


def _processor() -> list[Finding]:
    from snnctl import runtime

    known = ("avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl")
    flags = runtime.cpu_flags()
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [
        Finding("cores", f"{here} usable of {os.cpu_count()}"),
        Finding("cpu features", " ".join(f for f in known if f in flags) or "not listed by this system"),
    ]


def _blas() -> list[Finding]:
    from snnctl import runtime

    settings = runtime.report()
    threads = settings["OPENBLAS_NUM_THREADS"]
    return [
        Finding("BLAS core type", settings["OPENBLAS_CORETYPE"]),
        Finding("BLAS threads", threads, threads == "1", "unset OPENBLAS_NUM_THREADS; more threads are slower here"),
    ]


def _kernels() -> list[Finding]:
    from snnctl import kernel_folder

    folder = kernel_folder.choose()
    state = "compiled" if kernel_folder.has_kernels() else "to be compiled at first use, or by --warm"
    ok = folder is not None and os.access(folder, os.W_OK)
    return [
        Finding(
            "kernel cache", f"{folder or 'none'} ({state})", ok, "set XDG_CACHE_HOME to a folder that can be written to"
        )
    ]


def _rendering() -> list[Finding]:
    from snnctl.robots import rendering

    chosen = rendering.choose_gl()
    default = sys.platform != "linux"
    remedy = "only --video and --view of MuJoCo robots need it: apt-get install libegl1 libgl1-mesa-dri"
    return [Finding("OpenGL", chosen or ("the system's own" if default else "none"), default or bool(chosen), remedy)]


def _folders() -> list[Finding]:
    from snnctl import library

    here = Path.cwd()
    free = shutil.disk_usage(here).free
    writable = os.access(here, os.W_OK)
    found = [
        Finding("current folder", str(here), writable, "change to a folder of yours, or give --out"),
        Finding("disk free", f"{free / 1e9:.1f} GB", free > _ENOUGH_BYTES, "free some space; runs need about 0.2 GB"),
    ]
    return found + [Finding(f"entries from {origin}", str(path)) for origin, path in library.roots()]


def _entries() -> list[Finding]:
    from snnctl import library

    counts: dict[str, Any] = {f"{kind}s": len(library.entries(kind)) for kind in library.KINDS}
    remedy = "run in a checkout, or reinstall: the bundle is missing"
    return [Finding("entries", ", ".join(f"{n} {k}" for k, n in counts.items()), any(counts.values()), remedy)]
