"""Blocks of an ``.osm.pbf`` looked through before libosmium decodes them: what they would take, in which order they are.

A few bytes of a block may stand for gigabytes: a tag is two numbers that name texts of a table, a
point of a way one byte. Every object is counted here as libosmium would keep it, without keeping it.

References
----------
OpenStreetMap wiki, PBF Format; protobuf.dev, Encoding.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from urbanplan.files.compiled import njit

#: Largest block, head of a block, and block of the file's header, in bytes.
#: Source: OpenStreetMap wiki, PBF Format (32 MiB and 64 KiB); headers take some hundred bytes.
_MAX_BLOCK, _MAX_HEAD, _MAX_HEADER = 32 * 2**20, 64 * 2**10, 2**20
#: Most tags of an object, points of a way or members of a relation.
#: OpenStreetMap's own server takes 5,000, 2,000 and 32,000; older data has longer ways.
_MAX_TAGS, _MAX_MEMBERS = 5_000, 100_000
#: Most bytes that a block may take in memory once it is decoded: libosmium holds some 20 at a time.
_MAX_DECODED = 64 * 2**20
#: Bytes that libosmium takes for an object, a point of a way or a member, a text of a table.
_OBJECT, _MEMBER, _TEXT = 72, 24, 16
#: What may be wrong with a block.
_BROKEN, _TOO_MUCH = 1, 2
#: What the state of a walk holds: kind and id of the last object, whether one came too early, bytes
#: of this block, whether an object is deleted.
_KIND, _ID, _EARLY, _BYTES, _DELETED = range(5)


class Walked(NamedTuple):
    """Whether objects come in ascending order, bytes that they take decoded, whether some are deleted."""

    ordered: bool
    decoded: int
    deleted: bool


def walk(file: io.BufferedIOBase, most_bytes: int) -> Walked:
    """Look through the blocks of an ``.osm.pbf``.

    Parameters
    ----------
    file : binary file
    most_bytes : int
        What its objects may take in memory.

    Raises
    ------
    ValueError
        If the file is damaged.
    MemoryError
        If a block or an object is larger than a map has, or all of it takes more than `most_bytes`.
    """
    state, decoded = np.zeros(5, np.int64), 0
    for kind, raw in blocks(file):
        if kind == b"OSMHeader" and len(raw) > _MAX_HEADER:
            raise MemoryError
        if kind != b"OSMData":
            continue
        state[_BYTES] = 0
        fault = _block(np.frombuffer(raw, np.uint8), state)
        decoded += int(state[_BYTES])
        if fault == _BROKEN:
            raise ValueError("a block is broken")
        if fault or decoded > most_bytes:
            raise MemoryError
    return Walked(not state[_EARLY], decoded, bool(state[_DELETED]))


def blocks(file: io.BufferedIOBase) -> Iterator[tuple[bytes, bytes]]:
    """Kind and bytes of each block, none of them larger than the format allows."""
    while length := file.read(4):
        size = struct.unpack(">I", length)[0] if len(length) == 4 else 0
        if not 0 < size <= _MAX_HEAD:
            raise ValueError("it is no .osm.pbf, or cut off")
        head = _fields(file.read(size))
        kind, size = head.get(1, b""), head.get(3, 0)
        if not isinstance(size, int) or not 0 < size <= _MAX_BLOCK:
            raise ValueError("a block is larger than the format allows")
        data = file.read(size)
        if len(data) < size:
            raise ValueError("it is cut off")
        yield kind, _inflated(_fields(data))


def _inflated(blob: dict[int, Any]) -> bytes:
    if isinstance(blob.get(1), bytes):
        return blob[1]
    size = blob.get(2, 0)
    if not isinstance(blob.get(3), bytes):
        raise ValueError("its blocks are not compressed with zlib")
    if not isinstance(size, int) or size > _MAX_BLOCK:
        raise ValueError("a block is larger than the format allows")
    try:
        raw = zlib.decompressobj().decompress(blob[3], size + 1)
    except zlib.error:
        raise ValueError("a block is broken") from None
    if len(raw) != size:
        raise ValueError("a block has another size than it states")
    return raw


def _fields(data: bytes) -> dict[int, Any]:
    """Numbers and byte strings of a small protobuf message."""
    found: dict[int, Any] = {}
    at = 0
    try:
        while at < len(data):
            tag, at = _number(data, at)
            if tag >> 3 in found:
                raise IndexError  # readers differ in which of the two they take
            if tag & 7 == 0:
                found[tag >> 3], at = _number(data, at)
            elif tag & 7 == 2:
                size, at = _number(data, at)
                if at + size > len(data):
                    raise IndexError
                found[tag >> 3], at = data[at : at + size], at + size
            else:
                raise IndexError
    except IndexError:
        raise ValueError("it is no .osm.pbf, or cut off") from None
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise IndexError


@njit(nogil=True, cache=True)
def _varint(raw, at, end):
    # Value and place behind it; behind the end if the number is broken.
    value = np.uint64(0)
    shift = np.uint64(0)
    while at < end and shift < np.uint64(70):
        byte = np.uint64(raw[at])
        at += 1
        value |= (byte & np.uint64(127)) << shift
        if byte < np.uint64(128):
            return np.int64(value), at
        shift += np.uint64(7)
    return np.int64(0), end + 1


@njit(nogil=True, cache=True)
def _field(raw, at, end):
    # Number and type of a field, where its content begins and ends; content of a number is its value.
    tag, at = _varint(raw, at, end)
    if at > end:
        return np.int64(0), at, at, at
    kind = tag & 7
    if kind == 0:
        value, after = _varint(raw, at, end)
        return tag, value, after, after
    if kind == 2:
        size, at = _varint(raw, at, end)
        if at > end or size < 0 or size > end - at:
            return np.int64(0), at, end, end + 1
        return tag, at, at + size, at + size
    size = 8 if kind == 1 else 4 if kind == 5 else end + 1 - at
    return tag, at, at + size, at + size


@njit(nogil=True, cache=True)
def _is_text(raw, at, end):
    # RFC 3629, section 4; and no NUL, behind which libosmium would take what follows for the next text.
    while at < end:
        lead = raw[at]
        at += 1
        if lead == 0:
            return False
        if lead < 0x80:
            continue
        low, high, more = 0x80, 0xBF, 1
        if 0xE0 <= lead < 0xF0:
            more = 2
            low = 0xA0 if lead == 0xE0 else 0x80
            high = 0x9F if lead == 0xED else 0xBF
        elif 0xF0 <= lead < 0xF5:
            more = 3
            low = 0x90 if lead == 0xF0 else 0x80
            high = 0x8F if lead == 0xF4 else 0xBF
        elif not 0xC2 <= lead < 0xE0:
            return False
        if at + more > end or not low <= raw[at] <= high:
            return False
        for i in range(at + 1, at + more):
            if not 0x80 <= raw[i] < 0xC0:
                return False
        at += more
    return True


@njit(nogil=True, cache=True)
def _strings(raw, lengths):
    # Number of strings of the block's table; their lengths go where there is room.
    count, at, end = 0, 0, len(raw)
    while at < end:
        tag, begin, stop, at = _field(raw, at, end)
        if at > end:
            return -1
        if tag != 1 << 3 | 2:
            continue
        inner = begin
        while inner < stop:
            tag, first, last, inner = _field(raw, inner, stop)
            if inner > stop:
                return -1
            if tag == 1 << 3 | 2:
                if count < len(lengths):
                    if not _is_text(raw, first, last):
                        return -1
                    lengths[count] = last - first
                count += 1
    return count


@njit(nogil=True, cache=True)
def _texts(raw, at, end, lengths):
    # How many texts a list names, and their length in all; -1 if it is broken.
    count, total = 0, 0
    while at < end:
        index, at = _varint(raw, at, end)
        if at > end or index < 0 or index >= len(lengths):
            return -1, 0
        total += lengths[index] + 1
        count += 1
    return count, total


@njit(nogil=True, cache=True)
def _passed(state, kind, number):
    # An object comes by: is it behind the last one?
    if number <= 0 or kind < state[_KIND] or (kind == state[_KIND] and number <= state[_ID]):
        state[_EARLY] = 1
    state[_KIND] = kind
    state[_ID] = number


@njit(nogil=True, cache=True)
def _dense(raw, at, end, state, lengths):
    number, count = np.int64(0), 0
    while at < end:
        tag, begin, stop, at = _field(raw, at, end)
        if at > end:
            return _BROKEN
        if tag == 1 << 3 | 2:
            inner = begin
            while inner < stop:
                value, inner = _varint(raw, inner, stop)
                if inner > stop:
                    return _BROKEN
                number += np.int64(np.uint64(value) >> np.uint64(1)) ^ -(value & 1)
                _passed(state, 0, number)
                count += 1
            state[_BYTES] += count * _OBJECT
        elif tag == 5 << 3 | 2:
            inner = begin
            while inner < stop:
                tag, first, last, inner = _field(raw, inner, stop)
                if inner > stop:
                    return _BROKEN
                if tag == 5 << 3 | 2:
                    # Names of users are steps from one to the next.
                    index = np.int64(0)
                    while first < last:
                        value, first = _varint(raw, first, last)
                        if first > last:
                            return _BROKEN
                        index += np.int64(np.uint64(value) >> np.uint64(1)) ^ -(value & 1)
                        if index < 0 or index >= len(lengths):
                            return _BROKEN
                        state[_BYTES] += lengths[index]
                elif tag == 6 << 3 | 2:
                    for i in range(first, last):
                        if raw[i] == 0:
                            state[_DELETED] = 1
        elif tag == 10 << 3 | 2:
            inner, tags = begin, 0
            while inner < stop:
                index, inner = _varint(raw, inner, stop)
                if inner > stop or index < 0 or index >= len(lengths):
                    return _BROKEN
                if index == 0:
                    tags = 0
                    continue
                state[_BYTES] += lengths[index] + 1
                tags += 1
                if tags > 2 * _MAX_TAGS:
                    return _TOO_MUCH
    return 0


@njit(nogil=True, cache=True)
def _object(raw, at, end, kind, state, lengths):
    number = np.int64(0)
    state[_BYTES] += _OBJECT
    while at < end:
        tag, begin, stop, at = _field(raw, at, end)
        if at > end:
            return _BROKEN
        if tag == 1 << 3:
            number = begin
            if kind == 0:
                number = np.int64(np.uint64(begin) >> np.uint64(1)) ^ -(begin & 1)
        elif tag == 2 << 3 | 2 or tag == 3 << 3 | 2 or (kind == 2 and tag == 8 << 3 | 2):
            count, total = _texts(raw, begin, stop, lengths)
            if count < 0:
                return _BROKEN
            if count > (_MAX_MEMBERS if tag == 8 << 3 | 2 else _MAX_TAGS):
                return _TOO_MUCH
            state[_BYTES] += total
        elif tag == 4 << 3 | 2:
            inner = begin
            while inner < stop:
                tag, first, _, inner = _field(raw, inner, stop)
                if inner > stop:
                    return _BROKEN
                if tag == 5 << 3:
                    if first < 0 or first >= len(lengths):
                        return _BROKEN
                    state[_BYTES] += lengths[first]
                elif tag == 6 << 3 and first == 0:
                    state[_DELETED] = 1
        elif (kind == 1 and tag == 8 << 3 | 2) or (kind == 2 and tag == 9 << 3 | 2):
            members = 0
            for i in range(begin, stop):
                members += raw[i] < 128
            if members > _MAX_MEMBERS:
                return _TOO_MUCH
            state[_BYTES] += members * _MEMBER
    _passed(state, kind, number)
    return 0


@njit(nogil=True, cache=True)
def _block(raw, state):
    """What is wrong with a block (0: nothing); the state is carried on."""
    count = _strings(raw, np.zeros(0, np.int32))
    if count < 0:
        return _BROKEN
    state[_BYTES] += _TEXT * count
    if state[_BYTES] > _MAX_DECODED:
        return _TOO_MUCH
    lengths = np.zeros(count, np.int32)
    if _strings(raw, lengths) < 0:
        return _BROKEN
    at, end = 0, len(raw)
    while at < end:
        tag, begin, stop, at = _field(raw, at, end)
        if at > end:
            return _BROKEN
        if tag != 2 << 3 | 2:
            continue
        inner = begin
        while inner < stop:
            tag, first, last, inner = _field(raw, inner, stop)
            if inner > stop:
                return _BROKEN
            fault = 0
            if tag == 2 << 3 | 2:
                fault = _dense(raw, first, last, state, lengths)
            elif tag == 1 << 3 | 2 or tag == 3 << 3 | 2 or tag == 4 << 3 | 2:
                kind = 0 if tag == 1 << 3 | 2 else (tag >> 3) - 2
                fault = _object(raw, first, last, kind, state, lengths)
            if fault == 0 and state[_BYTES] > _MAX_DECODED:
                fault = _TOO_MUCH
            if fault:
                return fault
    return 0
