"""Messages of protocol buffers as numbers of fields and their values; what they mean is for others to say.

A message is a sequence of (key, value), key = field << 3 | wire type: 0 varint, 1 eight bytes, 2 a length and as many
bytes, 5 four bytes. Groups (3, 4) are refused. Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct

from snnctl.interop.files import refusal

Value = int | bytes  # the latter of wire types 1, 2 and 5
Fields = dict[int, list[Value]]

MAX_FIELDS = 200_000  # of a file, all messages together
_MAX_VARINT_BYTES = 10


class Reader:
    """Reads messages of one file and counts their fields."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._count = 0

    def fields(self, raw: bytes) -> Fields:
        """Field -> its values, in the order of the message.

        Raises:
            PolicyError: it is truncated, has groups, or the file has more than MAX_FIELDS fields.
        """
        found: Fields = {}
        place = 0
        while place < len(raw):
            self._count += 1
            if self._count > MAX_FIELDS:
                raise refusal(self.where, f"has more than {MAX_FIELDS} fields", "export the policy alone")
            key, place = self._varint(raw, place)
            kind, value = key & 7, b""
            if kind == 0:
                number, place = self._varint(raw, place)
                found.setdefault(key >> 3, []).append(number)
                continue
            if kind == 2:
                length, place = self._varint(raw, place)
            elif kind in (1, 5):
                length = 8 if kind == 1 else 4
            else:
                raise refusal(self.where, "is not a message of protocol buffers")
            value = raw[place : place + length]
            if len(value) != length:
                raise refusal(self.where, "ends within a message")
            place += length
            found.setdefault(key >> 3, []).append(value)
        return found

    def numbers(self, values: list[Value]) -> list[int]:
        """Whole numbers of a repeated field, packed or not, with their sign."""
        found: list[int] = []
        for value in values:
            if isinstance(value, int):
                found.append(_signed(value))
                continue
            place = 0
            while place < len(value):
                number, place = self._varint(value, place)
                found.append(_signed(number))
                self._count += 1
                if self._count > MAX_FIELDS:
                    raise refusal(self.where, f"has more than {MAX_FIELDS} fields", "export the policy alone")
        return found

    def _varint(self, raw: bytes, place: int) -> tuple[int, int]:
        number = 0
        for shift in range(_MAX_VARINT_BYTES):
            if place >= len(raw):
                raise refusal(self.where, "ends within a number")
            byte = raw[place]
            place += 1
            number |= (byte & 0x7F) << (7 * shift)
            if byte < 0x80:
                return number & (2**64 - 1), place
        raise refusal(self.where, "has a number of more than ten bytes")


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def text(fields: Fields, field: int) -> str:
    """A text, the last one of its field; empty where there is none."""
    value = fields.get(field, [b""])[-1]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def number(fields: Fields, field: int, default: int = 0) -> int:
    """A whole number, the last one of its field."""
    value = fields.get(field, [default])[-1]
    return _signed(value) if isinstance(value, int) else default


def real(fields: Fields, field: int, default: float = 0.0) -> float:
    """A float32, the last one of its field."""
    value = fields.get(field, [b""])[-1]
    return float(struct.unpack("<f", value)[0]) if isinstance(value, bytes) and len(value) == 4 else default


def messages(fields: Fields, field: int) -> list[bytes]:
    """The messages, or texts, of a repeated field."""
    return [value for value in fields.get(field, []) if isinstance(value, bytes)]
