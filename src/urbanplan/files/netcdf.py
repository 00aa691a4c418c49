"""The head of a classic NetCDF, walked before a library sees it: what it counts must lie in the file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

#: Bytes of a head that are looked at; the library reads no more of it than is judged here.
_MAX_HEAD = 16 * 2**20
#: Most dimensions, attributes of one thing, and variables, as the library itself bounds what it writes.
_MOST = 8192
#: Tags of lists: absent, dimensions, variables, attributes.
_ABSENT, _DIMENSIONS, _VARIABLES, _ATTRIBUTES = 0, 10, 11, 12
#: Bytes of a value by its type.
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}


def judge_netcdf(path: Path) -> None:
    """Raise `ValueError` if a NetCDF of the classic kind counts more than its bytes hold.

    The library takes memory for what is counted before it looks whether it is there.

    References
    ----------
    The NetCDF Classic Format Specification (CDF-1, CDF-2, CDF-5).
    """
    with open(path, "rb") as file:
        data = file.read(_MAX_HEAD)
    if data[:3] != b"CDF":
        # HDF5, which keeps its own books.
        return
    version = data[3] if len(data) > 3 else 0
    if version not in (1, 2, 5):
        raise ValueError
    head = _Head(data, 8 if version == 5 else 4, 4 if version == 1 else 8)
    at = 4 + head.width
    count, at = head.list(at, _DIMENSIONS)
    for _ in range(count):
        at = head.name(at) + head.width
    at = head.attributes(at)
    count, at = head.list(at, _VARIABLES)
    for _ in range(count):
        of, at = head.number(head.name(at), head.width)
        at = head.attributes(at + of * head.width) + 4 + head.width + head.offset
    if at > len(data):
        raise ValueError


class _Head(NamedTuple):
    """Bytes, and how wide counts and offsets in them are."""

    data: bytes
    width: int
    offset: int

    def number(self, at: int, width: int) -> tuple[int, int]:
        """A number, and where it ends."""
        raw = self.data[at : at + width]
        if len(raw) < width:
            raise ValueError
        return int.from_bytes(raw, "big"), at + width

    def list(self, at: int, wanted: int) -> tuple[int, int]:
        """How many members a list has, and where they begin."""
        tag, at = self.number(at, 4)
        count, at = self.number(at, self.width)
        if count > _MOST or (tag != wanted and (tag, count) != (_ABSENT, 0)):
            raise ValueError
        return count, at

    def name(self, at: int) -> int:
        """Where a name ends."""
        size, at = self.number(at, self.width)
        return at + (size + 3) // 4 * 4

    def attributes(self, at: int) -> int:
        """Where a list of attributes ends."""
        count, at = self.list(at, _ATTRIBUTES)
        for _ in range(count):
            kind, at = self.number(self.name(at), 4)
            values, at = self.number(at, self.width)
            at += (values * _BYTES.get(kind, 1) + 3) // 4 * 4
        return at
