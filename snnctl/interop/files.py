"""Bytes of a stranger's file and of the members of a stranger's zip, counted before they are read.

A file may have MAX_FILE_BYTES; what a zip says that its members unpack to is added up and compared with
MAX_UNPACKED_BYTES, and a member is unpacked no further than it says. Members are stored or deflated: other methods
unpack without bounds.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from snnctl.errors import PolicyError, Problem

MAX_FILE_BYTES = 200_000_000  # a policy of 256 x 256 with its critics and optimisers has 2 MB
MAX_UNPACKED_BYTES = 250_000_000
MAX_MEMBERS = 10_000

AGAIN = "save the policy, or copy the file, again"
_ENCRYPTED = 0x1  # bit of a member's flags
_BROKEN = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError, OSError, ValueError, OverflowError,
    struct.error, IndexError, KeyError,
)  # fmt: skip


def refusal(where: str, message: str, remedy: str = AGAIN) -> PolicyError:
    """The error of a file that cannot be imported."""
    return PolicyError(Problem(where, message, remedy))


def shown(text: object) -> str:
    """A name out of a stranger's file, short and on one line."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:100])


def read(path: Path) -> bytes:
    """The bytes of a regular file.

    Raises:
        PolicyError: absent, a folder, a device, or larger than MAX_FILE_BYTES.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise refusal(str(path), "is not a regular file", "give the file of a policy")
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a null byte
        raise refusal(
            str(path), f"cannot be read ({error})", "give a file that is there and that you may read"
        ) from None
    if len(raw) > MAX_FILE_BYTES:
        raise refusal(str(path), f"is larger than {MAX_FILE_BYTES} bytes", "import a smaller policy")
    return raw


def is_zip(raw: bytes) -> bool:
    """Whether the bytes begin as those of a zip do."""
    return raw[:4] == b"PK\x03\x04"


class Zip:
    """The members of a zip."""

    def __init__(self, raw: bytes, where: str) -> None:
        """Read the list of members; ``where`` names the zip in errors.

        Raises:
            PolicyError: it is not a zip, has too many members or two of one name, or says that it unpacks to too much.
        """
        self.where = where
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(raw))
            members = self._zip.infolist()
        except _BROKEN as error:
            raise refusal(where, f"is not a whole zip ({shown(error)})") from None
        self._of = {member.filename: member for member in members}
        if len(members) > MAX_MEMBERS or len(self._of) != len(members):
            raise refusal(where, f"has {len(members)} members, or two of one name")
        if (total := sum(member.file_size for member in members)) > MAX_UNPACKED_BYTES:
            message = f"says that it unpacks to {total} bytes; at most {MAX_UNPACKED_BYTES} are read"
            raise refusal(where, message, "import a smaller policy")

    @property
    def names(self) -> list[str]:
        """Of its members, in their order."""
        return list(self._of)

    def read(self, name: str, most: int = MAX_UNPACKED_BYTES) -> bytes:
        """The bytes of a member.

        Raises:
            PolicyError: it is absent, damaged, encrypted, packed by another method, or has more than ``most`` bytes.
        """
        where = f"{self.where}:{shown(name)}"
        member = self._of.get(name)
        if member is None:
            raise refusal(self.where, f"has no member '{shown(name)}'")
        if member.flag_bits & _ENCRYPTED or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refusal(where, "is encrypted, or packed by a method that is not read", "pack it by deflation")
        if member.file_size > most:
            raise refusal(where, f"says that it has {member.file_size} bytes; at most {most} are read")
        try:
            with self._zip.open(member) as file:
                raw = file.read(member.file_size + 1)
        except _BROKEN as error:
            raise refusal(where, f"is damaged ({shown(error)})") from None
        if len(raw) != member.file_size:
            raise refusal(where, "is not as long as it says")
        return raw
