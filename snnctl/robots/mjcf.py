"""Load a robot's MJCF, refusing files that reach outside their folder or ask for unreasonable amounts.

A robot folder may come from a stranger. MJCF can include any file of the disk, load native plugins and,
in a few bytes, ask for gigabytes; all of that is looked for in the XML before MuJoCo sees it.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from snnctl.errors import Problem, RobotError

MAX_XML_BYTES = 10_000_000
MAX_ASSET_BYTES = 200_000_000
MAX_INCLUDES = 64
MAX_COPIES = 10_000  # bodies or geoms that one replicate, composite or flexcomp may make
MAX_SIDE = 8192  # pixels of a texture, rows of a height field
MAX_ARENA_BYTES = 4 << 30
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50, "E": 1 << 60}


def load(folder: Path, name: str) -> Any:
    """Compile ``folder/name`` into an ``MjModel``.

    Raises:
        RobotError: the file is absent, not MJCF, hostile, or MuJoCo refuses it.
    """
    import mujoco

    where = str(folder / name)
    if found := problems(folder, name):
        raise RobotError(*found)
    try:
        return mujoco.MjModel.from_xml_path(where)
    except (ValueError, mujoco.FatalError, mujoco.UnexpectedError, MemoryError) as error:
        message = " ".join(str(error).split())[:300]
        raise RobotError(Problem(where, f"MuJoCo refuses it: {message}")) from error


def problems(folder: Path, name: str) -> list[Problem]:
    """Everything in the file, and in the files that it includes, that is not safe to load."""
    found = _path_problems(folder, "", name, str(folder / name))
    return found or _file_problems(folder.resolve(), name, set())


def _file_problems(folder: Path, name: str, seen: set[Path]) -> list[Problem]:
    path = folder / name
    where = str(path)
    if path in seen:
        return []  # MuJoCo itself refuses to include a file twice
    seen.add(path)
    if len(seen) > MAX_INCLUDES:
        return [Problem(where, f"is one of more than {MAX_INCLUDES} included files")]
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_XML_BYTES + 1)
    except OSError as error:
        return [Problem(where, f"cannot be read ({error.strerror})")]
    if len(raw) > MAX_XML_BYTES:
        return [Problem(where, f"is larger than {MAX_XML_BYTES} bytes", "move meshes into files of their own")]
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", raw, re.IGNORECASE):
        return [Problem(where, "declares a DOCTYPE or an entity", "MJCF needs neither; remove it")]
    try:
        root = ElementTree.fromstring(raw)
    except ElementTree.ParseError as error:
        return [Problem(where, f"is not XML: {error}")]
    except (ValueError, LookupError, RecursionError) as error:
        return [Problem(where, f"cannot be read as XML ({error})", "save it as UTF-8")]
    if root.tag not in {"mujoco", "mujocoinclude"}:
        return [Problem(where, f"is <{str(root.tag)[:40]}>, not MJCF", "the root element must be <mujoco>")]
    folders = {
        kind: next((c.get(kind, "") for c in root.iter("compiler") if c.get(kind)), "")
        for kind in ("assetdir", "meshdir", "texturedir")
    }
    found: list[Problem] = []
    for element in root.iter():
        found += _element_problems(element, where)
        for key, value in element.attrib.items():
            if key.endswith("dir") and element.tag == "compiler":
                found += _path_problems(folder, "", value, f"{where}:compiler.{key}", must_exist=False)
            elif key.startswith("file"):
                base = _base(str(element.tag), folders)
                wrong = _path_problems(folder, base, value, f"{where}:{element.tag}.{key}")
                found += wrong
                if not wrong and element.tag in {"include", "model"}:
                    found += _file_problems(folder, str(PurePosixPath(base) / value), seen)
    return found


def _base(tag: str, folders: dict[str, str]) -> str:
    """Folder, relative to the MJCF, in which MuJoCo looks for the file of this element."""
    if tag in {"mesh", "hfield", "skin", "flexcomp"}:
        return folders["meshdir"] or folders["assetdir"]
    return (folders["texturedir"] or folders["assetdir"]) if tag == "texture" else ""


def _path_problems(folder: Path, base: str, name: str, where: str, must_exist: bool = True) -> list[Problem]:
    remedy = "put the file into the robot's folder and name it relative to robot.xml"
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if "\0" in name or posix.is_absolute() or windows.is_absolute() or windows.drive or "://" in name:
        return [Problem(where, f"names the absolute path '{name[:80]}'", remedy)]
    if ".." in posix.parts or ".." in windows.parts or "\\" in name:
        return [Problem(where, f"leaves its folder by '{name[:80]}'", remedy)]
    path = (folder / base / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        return [Problem(where, f"'{name[:80]}' is a link to a file outside the folder", remedy)]
    if must_exist and not path.is_file():
        return [Problem(where, f"'{name[:80]}' does not exist", remedy)]
    if must_exist and path.stat().st_size > MAX_ASSET_BYTES:
        return [Problem(where, f"'{name[:80]}' is larger than {MAX_ASSET_BYTES} bytes", "use a lighter mesh")]
    return []


def _element_problems(element: ElementTree.Element, where: str) -> list[Problem]:
    tag = str(element.tag)
    if tag in {"plugin", "extension"}:
        return [Problem(f"{where}:{tag}", "plugins run native code and are refused", f"remove <{tag}>")]
    limits = {"count": MAX_COPIES, "nrow": MAX_SIDE, "ncol": MAX_SIDE, "width": MAX_SIDE, "height": MAX_SIDE}
    found = []
    for key, limit in limits.items():
        numbers = _numbers(element.get(key))
        product = 1.0
        for number in numbers:
            product *= max(number, 1.0)
        if numbers and not product <= limit:
            found.append(Problem(f"{where}:{tag}.{key}", f"asks for {product:g}, more than {limit}"))
    if tag == "size" and (text := element.get("memory")):
        match = re.fullmatch(r"\s*(-?\d+)([KMGTPE]?)\s*", text, re.IGNORECASE)
        if match is None or int(match[1]) * _UNITS[match[2].upper()] > MAX_ARENA_BYTES:
            found.append(Problem(f"{where}:size.memory", f"'{text[:40]}' is more than {MAX_ARENA_BYTES >> 30}G"))
    return found


def _numbers(text: str | None) -> list[float]:
    try:
        return [float(part) for part in (text or "").split()]
    except ValueError:
        return []  # MuJoCo says what is wrong with it
