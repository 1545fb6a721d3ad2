"""The arguments of an environment, ``env.kwargs``, which may come from a stranger's file: what they name is looked at.

An argument that names Python (``module:name``) needs the user's word, as any other such name. One that names a file of
MJCF, as ``xml_file`` of Gymnasium's MuJoCo environments, gets the checks of a robot: the folder that it lies in is its
folder. Gymnasium looks for a file as it is written, below the home folder (``~``) or among its own assets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from snnctl import slots
from snnctl.errors import Problem
from snnctl.robots import mjcf
from snnctl.robots.task import MAX_SUBSTEPS

_ENDINGS = {".xml", ".mjcf", ".urdf", ".mjb"}
_MAX_CHARS = 1000


def problems(env_id: str, kwargs: Mapping[str, Any]) -> list[Problem]:
    """Everything in the arguments of an environment that must not reach it."""
    found = [*slots.PYTHON.untrusted(dict(kwargs), f"{env_id}:env.kwargs")]
    skipped = kwargs.get("frame_skip")
    if isinstance(skipped, int) and skipped > MAX_SUBSTEPS:
        message = f"is {skipped}, physics steps of one control step"
        found.append(Problem(f"{env_id}:env.kwargs.frame_skip", message, f"at most {MAX_SUBSTEPS} are allowed"))
    for key, text in _texts(kwargs, ""):
        for path in _files(text):
            if _is_model(path):
                found += [
                    p._replace(where=f"{env_id}:env.kwargs{key}: {p.where}")
                    for p in mjcf.problems(path.parent, path.name)
                ]
    return found


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _texts(one, f"{key}[{number}]")


def _files(text: str) -> list[Path]:
    """The files that a text may mean."""
    if not text or len(text) > _MAX_CHARS or "\0" in text:
        return []
    candidates = [Path(text)]
    try:
        candidates.append(Path(text).expanduser())
        if (spec := find_spec("gymnasium.envs.mujoco")) is not None and spec.origin is not None:
            candidates.append(Path(spec.origin).parent / "assets" / text)
        return [path for path in dict.fromkeys(candidates) if path.is_file()]
    except (OSError, RuntimeError):  # a name that is too long, or a user without a home folder
        return []


def _is_model(path: Path) -> bool:
    """Whether MuJoCo might read a file as a model: by its name, or because it begins as XML does."""
    if path.suffix.lower() in _ENDINGS:
        return True
    with path.open("rb") as file:
        return file.read(256).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
