"""Reads record files record by record, knows where each lies, and can go on behind a damaged one.

`tf.data.TFRecordDataset` ends at the first damaged byte and names no place. A file is a row of records, each of

    uint64 length    uint32 check of the length    bytes [length]    uint32 check of the bytes

in little endian; the check is CRC-32C (Castagnoli), turned right by 15 bits plus 0xa282ead8. While lengths are sound,
the next record can be found.

Reference:
    TensorFlow, `tensorflow/core/lib/io/record_writer.h` (the format).
"""

from __future__ import annotations

import dataclasses
import functools
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

_HEADER, _CHECK = struct.Struct("<QI"), struct.Struct("<I")
_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF
_ROW = 512  # bytes that are worked through one after the other, many such rows side by side


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a record lies.

    Attributes:
        path: the file.
        number: of the record in it, from 0.
        offset: of its first byte.
    """

    path: str
    number: int
    offset: int

    def __str__(self) -> str:
        return f"{self.path}: record {self.number} (from 0; at byte {self.offset})"


@dataclasses.dataclass(frozen=True)
class Damage:
    """A damaged record.

    Attributes:
        place: where it lies.
        reason: what is wrong with it.
        is_last: whether nothing behind it in the file can be found.
    """

    place: Place
    reason: str
    is_last: bool

    def __str__(self) -> str:
        rest = ", and what follows it cannot be found" if self.is_last else ""
        return f"{self.place} is damaged: {self.reason}{rest}"


def scan(path: str) -> Iterator[tuple[Place, bytes] | Damage]:
    """The sound records of a file with their places, and what is damaged, in the file's order.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            yield from _scan(Place(path, 0, 0), file)
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be read: {error.message}") from error


def _scan(place: Place, file: Any) -> Iterator[tuple[Place, bytes] | Damage]:
    size = file.size()
    while (length := _length(place, file, size)) is not None:
        if isinstance(length, Damage):
            yield length
            return
        content = file.read(length)
        if file.read(_CHECK.size) == _CHECK.pack(masked_crc32c(content)):
            yield place, content
        else:
            yield Damage(place, f"its {length} bytes fail their check", is_last=False)
        place = Place(place.path, place.number + 1, place.offset + _HEADER.size + length + _CHECK.size)


def _length(place: Place, file: Any, size: int) -> int | Damage | None:
    """The length of the record that begins where the file stands, in a file of so many bytes; None at its end."""
    header = file.read(_HEADER.size)
    if not header:
        return None
    if len(header) < _HEADER.size:
        return Damage(place, "the file ends within its length", is_last=True)
    length, check = _HEADER.unpack(header)
    if masked_crc32c(header[:8]) != check:
        return Damage(place, "its length fails its check", is_last=True)
    # Known before anything is read: TensorFlow asks for the memory first, and ends the process where there is none.
    if place.offset + _HEADER.size + length + _CHECK.size > size:
        return Damage(place, f"the file ends within its {length} bytes", is_last=True)
    return length


def first(path: str) -> Place | Damage | None:
    """A file's first record, by a look at its length alone; None if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            place = Place(path, 0, 0)
            length = _length(place, file, file.size())
            return place if isinstance(length, int) else length
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be read: {error.message}") from error


def read(place: Place) -> bytes:
    """One record whose place `scan` gave.

    Raises:
        OSError: the file cannot be read any more, or holds something else there now.
    """
    found = _at(place)
    if found is None or isinstance(found, Damage):
        raise OSError(f"{place} is no longer there: the file was changed meanwhile. Start again")
    return found[1]


def _at(place: Place) -> tuple[Place, bytes] | Damage | None:
    try:
        with tf.io.gfile.GFile(place.path, "rb") as file:
            file.seek(place.offset)
            return next(_scan(place, file), None)
    except tf.errors.OpError as error:
        raise OSError(f"{place.path} cannot be read: {error.message}") from error


def count(path: str) -> int:
    """How many records a file has, by a look at their lengths alone.

    Raises:
        OSError: the file cannot be read, or ends within a record.
    """
    return sum(1 for _ in _places(path))


def find_damage(paths: Iterable[str], byte: int) -> Damage | None:
    """The damaged record whose length, or whose content, begins at this byte: so much TensorFlow tells of one.

    Args:
        paths: the files that it may lie in.
        byte: the place in its file.

    Raises:
        OSError: a file cannot be read, or ends within a record.
    """
    for path in paths:
        for place in _places(path):
            if place.offset + _HEADER.size >= byte:
                if byte in (place.offset, place.offset + _HEADER.size):
                    found = _at(place)
                    if isinstance(found, Damage):
                        return found
                break
    return None


def _places(path: str) -> Iterator[Place]:
    """Where the records of a file lie, if their lengths are right; their contents are passed over."""
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            size, place = file.size(), Place(path, 0, 0)
            while place.offset < size:
                yield place
                header = file.read(_HEADER.size)
                end = place.offset + _HEADER.size + _CHECK.size
                end += _HEADER.unpack(header)[0] if len(header) == _HEADER.size else 0
                if end > size:
                    raise OSError(f"{place} is damaged: its length leads beyond the end of the file")
                place = Place(path, place.number + 1, end)
                file.seek(end)
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be read: {error.message}") from error


def masked_crc32c(data: bytes) -> int:
    """The check of some bytes, as record files hold it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & _ONES


def crc32c(data: bytes) -> int:
    """CRC-32C; some 60 MB/s, since rows of the bytes are worked through side by side.

    Without its ones at start and end the checksum is linear, zeros in front do not change it, and zeros behind change
    it linearly: so rows of equal length have theirs on their own, to be joined afterwards.
    """
    if len(data) < _ROW:  # such as each length: rows would take a thousand times as long
        state = functools.reduce(lambda crc, byte: crc >> 8 ^ int(_bytes()[(crc ^ byte) & 255]), data, _ONES)
        return state ^ _ONES
    padded = np.zeros(-(-len(data) // _ROW) * _ROW, np.uint8)
    padded[-len(data) :] = np.frombuffer(data, np.uint8)
    padded[len(padded) - len(data) :][:4] ^= 255  # the same as a start from ones
    rows = padded.reshape(-1, _ROW).T.astype(np.uint32)
    crcs = np.zeros(rows.shape[1], np.uint32)
    for column in rows:
        crcs = _step(crcs, column)
    state, behind = 0, _zeros_behind()
    for crc in crcs.tolist():
        state = (
            behind[0][state & 255] ^ behind[1][state >> 8 & 255] ^ behind[2][state >> 16 & 255] ^ behind[3][state >> 24]
        ) ^ crc
    return state ^ _ONES


def _step(crcs: np.ndarray, column: np.ndarray | int) -> np.ndarray:
    """The checksums uint32 `[N]` after one more byte each."""
    return crcs >> 8 ^ _bytes()[(crcs ^ column) & 255]


@functools.cache
def _bytes() -> np.ndarray:
    """The checksum of each byte, uint32 `[256]`."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


@functools.cache
def _zeros_behind() -> list[list[int]]:
    """What each value of each of a checksum's four bytes becomes when a row of zeros follows: 4 lists of 256."""
    crcs = (np.arange(256, dtype=np.uint32)[None] << np.arange(0, 32, 8, dtype=np.uint32)[:, None]).ravel()
    for _ in range(_ROW):
        crcs = _step(crcs, np.uint32(0))
    return crcs.reshape(4, 256).tolist()
