"""What a robot's MJCF asks of memory and processor, added up before MuJoCo allocates any of it.

A few bytes of XML can ask for gigabytes: a texture by its sides, a replicate by its count, a sensor by its dimension.
Each element counts as often as it is copied: once for each copy of all ``replicate`` around it, times the times that
its model is attached. With these counts

    bytes     of textures, height fields, user data, sensors, keyframes, ... and the arena
    elements  bodies, joints, geoms, sites and all else
    bodies    that move: their contacts grow with their square
    pairs     of geoms, one of which moves
    inertia   sum over the degrees of freedom of the depth of each, the size of MuJoCo's ``qM``

and so on are added up, and each sum has its budget (``_BUDGETS``). A number that cannot be read is refused. The
estimates are upper bounds where files set defaults.

Source: MuJoCo 4.0.0, measured: bytes of ``MjModel`` and ``MjData`` for each attribute; ``mjmodel.h`` for the arrays.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

from snnctl.errors import Problem
from snnctl.robots.mjcf_files import MAX_XML_FILES, Files, references

MAX_BYTES = 256 << 20  # of a model and its data

# What is added up: how much is allowed, and what it is.
_BUDGETS = {
    "bytes": (MAX_BYTES, "bytes of memory"),
    "elements": (20_000, "elements, those of replicates and attached models included"),
    "bodies": (500, "moving bodies"),
    "pairs": (1_000_000, "pairs of geoms that could touch"),
    "inertia": (500_000, "entries of the inertia matrix"),
    "points": (2_500, "points of flexible bodies"),
    "vertices": (50_000, "vertices of meshes that MuJoCo makes itself"),
    "rays": (100_000, "rays of rangefinders"),
    "files": (128_000_000, "bytes of meshes, textures and other files"),
}

# Limits of single attributes: of time, where MuJoCo repeats something, and of what a picture takes.
_LIMITS = {
    "option": {
        "iterations": 10_000, "ls_iterations": 1000, "noslip_iterations": 10_000, "ccd_iterations": 10_000,
        "sdf_iterations": 1000, "sdf_initpoints": 1000,
    },
    "global": {"offwidth": 4096, "offheight": 4096},
    "quality": {"offsamples": 16, "shadowsize": 8192, "numslices": 256, "numstacks": 256, "numquads": 256},
}  # fmt: skip
_PIECE = 1 << 20  # bytes of a picture that are unpacked at a time
_MAX_PACKED = 1 << 16  # bytes of a text or profile in a picture: 68 MB when it is unpacked
_MAX_STEPS = 10_000  # of the simulation by which the range of an actuator is found
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50, "E": 1 << 60}
_USERS = {
    "body": "body", "joint": "jnt", "geom": "geom", "site": "site", "camera": "cam",
    "tendon": "tendon", "actuator": "actuator", "sensor": "sensor",
}  # fmt: skip
_FREEDOM = {"free": 6, "ball": 3, "slide": 1, "hinge": 1}
_KINDS = ("tendon", "actuator", "sensor")  # sections whose elements have many names
_CONTACT_NUMBERS = 20  # of one contact in a sensor
_RAY_NUMBERS = 16  # of one ray of a rangefinder
_BYTES_A_CONTACT = 640
_BYTES_A_SAMPLE = 200  # of a height field, drawn


class _Place(NamedTuple):
    """Where in the tree of bodies an element is."""

    times: float  # how often it is there
    moving: bool
    depth: float  # degrees of freedom above it


class _Sizes:
    """What is counted on the way through the documents."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.problems: list[Problem] = []
        self.asked = dict.fromkeys(_BUDGETS, 0.0)
        self.most = dict.fromkeys(_BUDGETS, (0.0, str(files.main)))  # who asks for most, and where
        self.counts: Counter[str] = Counter()  # elements by tag, copies included
        self.pairs: Counter[bool] = Counter()  # geoms, by whether they move
        self.freedom = 0.0  # degrees of freedom
        self.activations = 0.0  # of actuators
        self.users: dict[str, float] = {}  # numbers of users' own, for each kind of object
        self.keys = 0.0
        self.visits = 0
        roots = files.documents.values()
        elements = [element for root in roots for default in root.iter("default") for element in default]
        self.defaults: dict[tuple[str, str], set[str]] = {}  # by tag and key, of any class
        self.numbers: dict[tuple[str, str], float] = {}  # the largest of them, or what stands for none, once asked for
        for element in elements:
            for key, text in element.attrib.items():
                self.defaults.setdefault((element.tag, key), set()).add(text)
        types = self.defaults.get(("joint", "type"), {"hinge"})
        self.joint = max(_FREEDOM.get(one, 6) for one in types)  # where a joint says no type
        cameras = [camera for root in roots for camera in root.iter("camera")]
        self.resolution = max((self.product(files.main, one, "resolution") for one in cameras), default=1.0)

    # ------------------------------------------------------------------ numbers of attributes

    def number(self, document: Path, element: Element, key: str, otherwise: float = 0.0) -> float:
        """One number; the largest of the defaults of such elements where it says none."""
        if text := element.get(key):
            return self._read(document, element, key, text)[0]
        which = element.tag, key
        if which not in self.numbers:  # actuators of all kinds take the defaults of ``general``
            texts = self.defaults.get(which, set()) | self.defaults.get(("general", key), set())
            self.numbers[which] = max((self._read(document, element, key, one)[0] for one in texts), default=otherwise)
        return self.numbers[which]

    def product(self, document: Path, element: Element, key: str, otherwise: float = 1.0) -> float:
        """The product of all its numbers, none of which counts below 1."""
        text = element.get(key)
        return math.prod(max(1.0, one) for one in self._read(document, element, key, text)) if text else otherwise

    def _read(self, document: Path, element: Element, key: str, text: str) -> list[float]:
        try:
            numbers = [float(part) for part in text.split()]
        except ValueError:
            numbers = []
        if not numbers or not all(math.isfinite(one) for one in numbers):
            where = self.files.where(document, element, key)
            self.problems.append(Problem(where, f"is '{text[:40]}'", "write finite numbers"))
            return [0.0]
        return numbers

    def ask(self, budget: str, amount: float, where: str) -> None:
        """Take something from a budget."""
        self.asked[budget] += amount
        self.most[budget] = max(self.most[budget], (amount, where))

    def take(self, size: float, document: Path, element: Element, key: str) -> None:
        """Take bytes."""
        self.ask("bytes", size, self.files.where(document, element, key))

    # ------------------------------------------------------------------ the tree

    def visit(self, document: Path, place: _Place) -> None:
        """Count a model: one document with all that it includes, and then the models that it attaches."""
        models, attached = list[Element](), dict[str, list[_Place]]()
        self._walk(document, place, "", models, attached)
        for element in models:
            names = [element.get("name", "")] if element.get("name") else [*attached]
            places = [one for name in names for one in attached.get(name, ())]
            # What is not attached is read all the same.
            times = max(1.0, sum(one.times for one in places))
            depth = max((one.depth for one in places), default=0.0)
            for path in self._documents(element):
                self.visit(path, _Place(times, any(one.moving for one in places), depth))

    def _walk(
        self, document: Path, place: _Place, section: str, models: list[Element], attached: dict[str, list[_Place]]
    ) -> None:
        self.visits += 1
        if self.visits > MAX_XML_FILES:
            if self.visits == MAX_XML_FILES + 1:
                self.problems.append(
                    Problem(str(document), f"is read in more than {MAX_XML_FILES} places", "merge some")
                )
            return
        root = self.files.documents[document]
        own = sum(1 for element in root.iter("attach") if element.get("model") is None)
        # A body that is attached to its own model may hold copies of itself, each of which doubles it.
        place = place._replace(times=place.times * 2.0 ** min(own, 1000))
        waiting = [(element, place, section) for element in root]
        while waiting:
            element, place, section = waiting.pop()
            if element.tag == "model" and section == "asset":
                models.append(element)
            elif element.tag == "include":
                for path in self._documents(element):
                    self._walk(path, place, section, models, attached)
            else:
                if element.tag == "attach":
                    attached.setdefault(element.get("model", ""), []).append(place)
                self._count(document, element, place, section)
                below = self._below(document, element, place)
                waiting += [(child, below, section or element.tag) for child in element]

    def _documents(self, element: Element) -> list[Path]:
        found = self.files.found(element.get("file", ""))
        return [path for path in found if path in self.files.documents]

    def _below(self, document: Path, element: Element, place: _Place) -> _Place:
        """The place of an element's content."""
        if element.tag == "replicate":
            return place._replace(times=place.times * max(1.0, self.number(document, element, "count", 1.0)))
        if element.tag != "body":
            return place
        joints = [child for child in element if child.tag in ("joint", "freejoint")]
        freedom = sum(6 if one.tag == "freejoint" else _FREEDOM.get(one.get("type", ""), self.joint) for one in joints)
        moving = place.moving or bool(joints) or element.get("mocap") == "true"
        self.ask("bodies", place.times * moving, f"{document}:body")
        self._chain(place.times, place.depth, freedom, f"{document}:body")
        return _Place(place.times, moving, place.depth + freedom)

    def _chain(self, times: float, depth: float, freedom: float, where: str) -> None:
        """Degrees of freedom, one below the other."""
        self.freedom += times * freedom
        self.ask("inertia", times * (freedom * depth + freedom * (freedom + 1) / 2), where)

    def _count(self, document: Path, element: Element, place: _Place, section: str) -> None:
        """Count one element."""
        tag, times = element.tag, place.times
        if section == "default":
            self._user(section, element)
            return
        self.counts[section if section in _KINDS else tag] += int(min(times, 1e12))
        self.ask("elements", times, f"{document}:{tag}")
        self._user(section, element)
        for key, limit in _LIMITS.get(tag, {}).items():
            if key in element.attrib and self.number(document, element, key) > limit:
                message = f"is {element.get(key)}, at most {limit} is allowed"
                self.problems.append(Problem(self.files.where(document, element, key), message, "lower it"))
        if tag == "geom":
            self.pairs[place.moving] += int(min(times, 1e12))
        counting = {
            "composite": self._composite, "flexcomp": self._flexcomp, "texture": self._texture, "mesh": self._mesh,
            "hfield": self._hfield, "size": self._size, "numeric": self._numeric, "lengthrange": self._lengthrange,
        }  # fmt: skip
        if tag in counting:
            counting[tag](document, element, place)
        elif section in ("actuator", "sensor"):
            self._signal(document, element, place)

    def _user(self, section: str, element: Element) -> None:
        kind = _USERS.get(section if section in _KINDS else element.tag)
        if kind and (text := element.get("user")):
            self.users[kind] = max(self.users.get(kind, 0.0), len(text.split()))

    def _composite(self, document: Path, element: Element, place: _Place) -> None:
        count = self.product(document, element, "count")
        where = self.files.where(document, element, "count")
        self.ask("elements", 6 * count * place.times, where)
        self.ask("bodies", count * place.times, where)
        self.pairs[True] += int(min(count * place.times, 1e12))
        self._chain(place.times, place.depth, 3 * count, where)

    def _flexcomp(self, document: Path, element: Element, place: _Place) -> None:
        count = self.product(document, element, "count", 10.0)
        if text := element.get("point"):
            count = max(count, len(text.split()) / 3)
        for path in self.files.found(element.get("file", "")) if element.get("file") else ():
            count = max(count, _points(path))
        where = self.files.where(document, element, "count")
        self.ask("points", count * place.times, where)
        self._chain(3 * count * place.times, place.depth, 1, where)

    def _texture(self, document: Path, element: Element, place: _Place) -> None:
        channels = self.number(document, element, "nchannel", 3.0)
        width, height = (self.number(document, element, key) for key in ("width", "height"))
        sides = 1 if element.get("type") == "2d" else 6
        area = max(1.0, width) * max(1.0, height, width * (sides > 1))
        self.take(place.times * area * channels * sides, document, element, "width")
        for key, value in element.attrib.items():
            if key.startswith("file"):
                pixels = max((_pixels(path) for path in self.files.found(value)), default=0)
                self.take(place.times * pixels * channels * sides, document, element, key)

    def _mesh(self, document: Path, element: Element, place: _Place) -> None:
        if element.get("builtin", "none") == "none":
            return
        numbers = sorted(self._read(document, element, "params", element.get("params", "1")), reverse=True)
        largest = [max(1.0, one) for one in numbers[:2]]
        vertices = 3000 if len(largest) < 2 else largest[0] ** 2
        self.ask("vertices", place.times * vertices, self.files.where(document, element, "params"))

    def _hfield(self, document: Path, element: Element, place: _Place) -> None:
        count = math.prod(max(1.0, self.number(document, element, key)) for key in ("nrow", "ncol"))
        self.take(_BYTES_A_SAMPLE * place.times * count, document, element, "nrow")
        if value := element.get("file"):
            pixels = max((_pixels(path) for path in self.files.found(value)), default=0)
            self.take(_BYTES_A_SAMPLE * place.times * pixels, document, element, "file")

    def _size(self, document: Path, element: Element, place: _Place) -> None:
        if text := element.get("memory"):
            match = re.fullmatch(r"\s*(-?\d{1,18})\s*([KMGTPE]?)\s*", text, re.IGNORECASE)
            arena = int(match[1]) * _UNITS[match[2].upper()] if match else math.inf
            self.take(arena, document, element, "memory")
        for key, each in (("nuserdata", 8.0), ("nstack", 8.0), ("nconmax", _BYTES_A_CONTACT)):
            self.take(each * max(0.0, self.number(document, element, key)), document, element, key)
        rows = max(0.0, self.number(document, element, "njmax"))
        self.take(8 * 7 * rows**2, document, element, "njmax")
        self.keys = max(self.keys, self.number(document, element, "nkey"))
        for kind in _USERS.values():
            self.users[kind] = max(self.users.get(kind, 0.0), self.number(document, element, f"nuser_{kind}"))

    def _numeric(self, document: Path, element: Element, place: _Place) -> None:
        self.take(24 * place.times * max(0.0, self.number(document, element, "size")), document, element, "size")

    def _lengthrange(self, document: Path, element: Element, place: _Place) -> None:
        steps = self.number(document, element, "inttotal", 10.0)
        step = self.number(document, element, "timestep", 0.01)
        if not steps <= _MAX_STEPS * step:
            where = self.files.where(document, element, "inttotal")
            message = f"asks for {steps:g} s in steps of {step:g} s, at most {_MAX_STEPS} steps are allowed"
            self.problems.append(Problem(where, message, "ask for less, or for longer steps"))

    def _signal(self, document: Path, element: Element, place: _Place) -> None:
        """An actuator or a sensor: numbers of its own, and a history of them."""
        tag, width, key = element.tag, 4.0, "nsample"
        if tag == "user":
            width, key = self.number(document, element, "dim"), "dim"
        elif tag == "contact":
            width, key = _CONTACT_NUMBERS * max(1.0, self.number(document, element, "num", 1.0)), "num"
        elif tag == "rangefinder" and element.get("camera"):
            rays = self.resolution
            self.ask("rays", place.times * rays, self.files.where(document, element, "camera"))
            width, key = _RAY_NUMBERS * rays, "camera"
        elif (activations := self.number(document, element, "actdim")) > 1:
            self.activations += place.times * activations
            width, key = 25 * activations, "actdim"
        history = 1 + 2 * max(0.0, self.number(document, element, "nsample"))
        self.take(8 * place.times * max(0.0, width) * history, document, element, key)

    # ------------------------------------------------------------------ the verdict

    def verdict(self) -> list[Problem]:
        """One problem for each budget that is exceeded."""
        main = str(self.files.main)
        for tag, kind in _USERS.items():
            objects = self.counts[tag] + 1 + (self.asked["points"] if tag == "body" else 0)
            self.ask("bytes", 16 * self.users.get(kind, 0.0) * objects, f"{main}:size.nuser_{kind}")
        state = 1 + 3 * self.freedom + 2 * self.counts["actuator"] + self.activations + 10 * self.counts["body"]
        self.ask("bytes", 8 * max(self.keys, self.counts["key"]) * state, f"{main}:size.nkey")
        self.ask("elements", self.keys, f"{main}:size.nkey")
        self.ask("bytes", 8 * (self.counts["tendon"] + self.counts["actuator"]) * self.freedom, f"{main}:tendon")
        self.ask("pairs", self.pairs[True] * (self.pairs[True] / 2 + self.pairs[False]), f"{main}:geom")
        for document, element, key, value in references(self.files):
            if element.tag not in ("include", "model"):
                size = max((path.stat().st_size for path in self.files.found(value)), default=0)
                self.ask("files", size, self.files.where(document, element, key))
        found = list[Problem]()
        for budget, (limit, noun) in _BUDGETS.items():
            if not self.asked[budget] <= limit:
                amount, where = self.most[budget]
                message = f"asks for {_written(amount)} of {_written(self.asked[budget])} {noun}"
                found.append(Problem(where, message, f"at most {limit:,} are allowed in a robot"))
        return [*self.problems, *found]


def problems(files: Files) -> list[Problem]:
    """Every budget that a robot exceeds: how much it asks for, how much is allowed, and where it asks."""
    sizes = _Sizes(files)
    sizes.visit(files.main, _Place(1.0, False, 0.0))
    return sizes.verdict()


def _written(count: float) -> str:
    return f"{count:,.0f}" if count < 1e15 else f"{count:.1e}"


def _points(path: Path) -> float:
    """The most points that a mesh file may hold."""
    raw = path.read_bytes()
    if path.suffix.lower() == ".obj":
        return len(re.findall(rb"^\s*v\s", raw, re.MULTILINE))
    return len(raw) / 8


def _pixels(path: Path) -> float:
    """Pixels of a PNG, by its header; of any other file its bytes, which it does not unpack.

    A PNG that holds more than its header says has infinitely many.
    """
    raw = path.read_bytes()
    if raw[:8] != b"\x89PNG\r\n\x1a\n" or len(raw) < 24:
        return float(len(raw))
    width, height = struct.unpack(">II", raw[16:24])
    depth = raw[24] if len(raw) > 24 else 16  # bits of a number
    row = 1 + 4 * width * (depth + 7) // 8  # bytes of four channels, and the filter's
    return float(width) * float(height) if _unpacks_to(raw, 2 * height * row) else math.inf


def _unpacks_to(raw: bytes, most: int) -> bool:
    """Whether all that is packed in a PNG comes to at most so many bytes; only as much is unpacked."""
    packed, place = bytearray(), 8
    while place + 12 <= len(raw):
        (size,) = struct.unpack(">I", raw[place : place + 4])
        kind = raw[place + 4 : place + 8]
        if kind in (b"zTXt", b"iTXt", b"iCCP") and size > _MAX_PACKED:  # packed by themselves
            return False
        if kind == b"IDAT":
            packed += raw[place + 8 : place + 8 + size]
        place += 12 + size
    unpack, data, total = zlib.decompressobj(), bytes(packed), 0
    try:
        while data and total <= most:
            total += len(unpack.decompress(data, _PIECE))
            data = unpack.unconsumed_tail
    except zlib.error:
        return True  # MuJoCo refuses it, having read as much
    return total <= most
