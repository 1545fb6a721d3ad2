"""The files of a robot: its MJCF, what that includes, attaches and names, and none outside of its folder.

MuJoCo looks for a file below folders that ``<compiler>`` names (``assetdir``, ``meshdir``, ``texturedir``, the last one
counts), without its own folder where ``strippath`` says so, beside the main file or beside the one that names it.
Which of these it takes depends on its version. So all of them are looked at: no name may be absolute or have ``..``,
and nothing that one of them leads to may be a link to a file outside.

Source: MuJoCo 3 and 4, XML reference, ``compiler``, ``include`` and ``asset/model``; tried with ``strace``.
"""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from snnctl.errors import Problem, brief

MAX_XML_BYTES = 10_000_000  # of all XML files together
MAX_XML_ELEMENTS = 200_000
MAX_XML_LEVELS = 400
MAX_XML_FILES = 64
MAX_FOLDERS = 16  # that compilers name
MAX_LOOKUPS = 20_000  # names of files, times the places where each may lie
MAX_ASSET_BYTES = 32_000_000  # of one mesh, texture, height field or skin
_REMEDY = "put the file into the robot's folder and name it relative to robot.xml"
_FOLDERS = ("assetdir", "meshdir", "texturedir")


@dataclasses.dataclass
class Files:
    """What a robot is made of."""

    folder: Path  # with all links resolved
    main: Path
    documents: dict[Path, ElementTree.Element]  # by path, the main one first
    folders: list[str]  # in which files may lie, relative to an XML file; "" is its own
    size: int = 0  # bytes of all documents
    elements: int = 0  # of all documents

    def candidates(self, name: str) -> list[Path]:
        """All that MuJoCo might open for a name, whether it is there or not."""
        beside = dict.fromkeys(path.parent for path in self.documents)
        names = dict.fromkeys((name, re.split(r"[/\\]", name)[-1]))
        return [*dict.fromkeys(one / below / part for one in beside for below in self.folders for part in names)]

    def found(self, name: str) -> list[Path]:
        """Those that are there."""
        return [path for path in self.candidates(name) if path.is_file()]

    def where(self, document: Path, element: ElementTree.Element, key: str) -> str:
        """``file:element.key`` for messages."""
        return f"{document}:{element.tag}.{key}"


def gathered(folder: Path, name: str) -> tuple[Files, list[Problem]]:
    """All files that ``folder/name`` is made of, and their problems; MuJoCo has seen none of them yet."""
    main = folder / name
    files = Files(folder.resolve(), main, {}, [""])
    if found := _name_problems(name, str(main)) or _link_problems(files, main, str(main)):
        return files, found
    if not main.is_file():
        return files, [Problem(str(main), f"'{name[:80]}' does not exist", _REMEDY)]
    waiting = [main]
    while waiting:
        for path in waiting:
            if found := _read(files, path):
                return files, found
        # A folder that a later file names may hold what an earlier one includes.
        names = list[str]()
        named = [*references(files)]
        if len(named) * len(files.candidates("name")) > MAX_LOOKUPS:
            message = f"names {len(named)} files in {len(files.candidates('name'))} places"
            return files, [Problem(str(main), message, f"at most {MAX_LOOKUPS:,} look-ups are allowed; name fewer")]
        for path, element, key, value in named:
            if found := _name_problems(value, files.where(path, element, key)):
                return files, found
            names += [value] * (element.tag in ("include", "model"))
        waiting = [path for value in names for path in files.found(value) if path not in files.documents]
        waiting = [*dict.fromkeys(waiting)]
    found = [problem for reference in references(files) for problem in _reference_problems(files, *reference)]
    return files, found


def references(files: Files) -> Iterator[tuple[Path, ElementTree.Element, str, str]]:
    """Every attribute that names a file: its document, its element, its key and its value."""
    for path, root in files.documents.items():
        for element in root.iter():
            for key, value in element.attrib.items():
                if key.startswith("file"):
                    yield path, element, key, value


def _read(files: Files, path: Path) -> list[Problem]:
    """Read one document; the links of its name and of the folders that it names are looked at before."""
    where = str(path)
    if found := _link_problems(files, path, where):
        return found
    if len(files.documents) >= MAX_XML_FILES:
        return [Problem(where, f"is one of more than {MAX_XML_FILES} included files", "merge some")]
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_XML_BYTES - files.size + 1)
    except OSError as error:
        return [Problem(where, f"cannot be read ({error.strerror})", "put the file there")]
    files.size += len(raw)
    if files.size > MAX_XML_BYTES:
        message = f"is larger than {MAX_XML_BYTES} bytes, with all files before it"
        return [Problem(where, message, "move meshes into files of their own")]
    root = _parsed(raw, where)
    if isinstance(root, Problem):
        return [root]
    files.documents[path] = root
    files.elements += sum(1 for _ in root.iter())
    if files.elements > MAX_XML_ELEMENTS:
        return [Problem(where, f"brings the robot to more than {MAX_XML_ELEMENTS} elements", "use a simpler model")]
    for compiler in root.iter("compiler"):
        for key in _FOLDERS:
            value = compiler.get(key, "")
            place = files.where(path, compiler, key)
            if found := _name_problems(value, place):
                return found
            if value not in files.folders:
                files.folders.append(value)
            if len(files.folders) > MAX_FOLDERS:
                return [Problem(place, f"is one of more than {MAX_FOLDERS} folders", "remove some")]
    return []


def _parsed(raw: bytes, where: str) -> ElementTree.Element | Problem:
    """The root of an MJCF document.

    It is read as UTF-8 whatever it declares, because MuJoCo does so: two readings of one file could differ.
    """
    if raw.count(b"<") > 2 * MAX_XML_ELEMENTS:
        return Problem(where, f"has more than {MAX_XML_ELEMENTS} elements", "move meshes into files of their own")
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", raw, re.IGNORECASE):
        return Problem(where, "declares a DOCTYPE or an entity", "MJCF needs neither; remove it")
    try:
        parser: Any = ElementTree.XMLPullParser(("start", "end"))
        parser.feed(raw.decode("utf-8-sig"))
        parser.close()
        level = 0
        root: ElementTree.Element | None = None
        for event, element in parser.read_events():
            level += 1 if event == "start" else -1
            root = element if root is None else root
            if level > MAX_XML_LEVELS:
                return Problem(where, f"is nested deeper than {MAX_XML_LEVELS} levels", "flatten it")
            if "{" in element.tag or any("{" in key for key in element.attrib):
                return Problem(where, f"has an XML namespace at <{element.tag[:60]}>", "MJCF has none; remove it")
    except UnicodeDecodeError as error:
        return Problem(where, f"is not XML: byte {error.start} is not UTF-8", "save it as UTF-8")
    except ElementTree.ParseError as error:
        return Problem(where, f"is not XML: {brief(error)}", "correct it there")
    except ValueError as error:
        return Problem(where, f"cannot be read as XML ({brief(error)})", "save it as UTF-8")
    if root is None or root.tag not in {"mujoco", "mujocoinclude"}:
        tag = "" if root is None else root.tag[:40]
        return Problem(where, f"is <{tag}>, not MJCF", "the root element must be <mujoco>")
    plugins = next((element for element in root.iter() if element.tag in {"plugin", "extension"}), None)
    if plugins is not None:
        message = "plugins run native code and are refused"
        return Problem(f"{where}:{plugins.tag}", message, f"remove <{plugins.tag}>")
    return root


def _reference_problems(
    files: Files, document: Path, element: ElementTree.Element, key: str, value: str
) -> list[Problem]:
    where = files.where(document, element, key)
    for path in files.candidates(value):
        if found := _link_problems(files, path, where):
            return found
    there = files.found(value)
    if value and not there:
        return [Problem(where, f"'{value[:80]}' does not exist", _REMEDY)]
    if any(path.stat().st_size > MAX_ASSET_BYTES for path in there):
        return [Problem(where, f"'{value[:80]}' is larger than {MAX_ASSET_BYTES} bytes", "use a lighter mesh")]
    return []


def _name_problems(name: str, where: str) -> list[Problem]:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if "\0" in name or posix.is_absolute() or windows.is_absolute() or windows.drive or ":" in name:
        return [Problem(where, f"names the absolute path '{name[:80]}'", _REMEDY)]
    if ".." in posix.parts or ".." in windows.parts or "\\" in name:
        return [Problem(where, f"leaves its folder by '{name[:80]}'", _REMEDY)]
    return []


def _link_problems(files: Files, path: Path, where: str) -> list[Problem]:
    try:
        inside = path.resolve().is_relative_to(files.folder)
    except (OSError, RuntimeError):  # a name that is too long, or links in a circle
        return [Problem(where, f"'{path.name[:80]}' cannot be looked up", _REMEDY)]
    return [] if inside else [Problem(where, f"'{path.name[:80]}' is a link to a file outside the folder", _REMEDY)]
