"""Load a robot's MJCF, refusing files that reach outside their folder or ask for unreasonable amounts.

A robot folder may come from a stranger. MJCF can include any file of the disk, load native plugins and,
in a few bytes, ask for gigabytes; all of that is looked for in the XML before MuJoCo sees it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snnctl.errors import Problem, RobotError
from snnctl.robots import mjcf_files, mjcf_size
from snnctl.robots.divergence import silence_simulator


def load(folder: Path, name: str) -> Any:
    """Compile ``folder/name`` into an ``MjModel``.

    Raises:
        RobotError: the file is absent, not MJCF, hostile, or MuJoCo refuses it.
    """
    import mujoco

    where = str(folder / name)
    if found := problems(folder, name):
        raise RobotError(*found)
    silence_simulator()  # before it compiles: it warns into a file in the current folder
    try:
        model = mujoco.MjModel.from_xml_path(where)
        if model.narena > mjcf_size.MAX_BYTES:  # MuJoCo's own guess grows with the square of bodies and constraints
            spec = mujoco.MjSpec.from_file(where)
            spec.memory = mjcf_size.MAX_BYTES
            model = spec.compile()
        return model
    except (ValueError, mujoco.FatalError, mujoco.UnexpectedError, MemoryError) as error:
        message = " ".join(str(error).split())[:300]
        raise RobotError(Problem(where, f"MuJoCo refuses it: {message}", "mend the file there")) from error


def problems(folder: Path, name: str) -> list[Problem]:
    """Everything in the file, and in the files that it includes, that is not safe to load."""
    files, found = mjcf_files.gathered(folder, name)
    return found or mjcf_size.problems(files)
