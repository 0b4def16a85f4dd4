"""Finds, writes and reads record files, knows where each record lies, and can go on behind a damaged one.

`tf.data.TFRecordDataset` ends at the first damaged byte and does not say where. A file is a row of records, each of

    uint64 length    uint32 check of the length    bytes [length]    uint32 check of the bytes

in little endian; the check is CRC-32C (Castagnoli), turned right by 15 bits plus 0xa282ead8. While lengths are sound,
the next record can be found.

Reference:
    TensorFlow, `tensorflow/core/lib/io/record_writer.h` (the format).
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import google_crc32c
import tensorflow as tf

from stmt_tf import compat
from stmt_tf.files import whole_file

_HEADER, _CHECK = struct.Struct("<QI"), struct.Struct("<I")


@dataclasses.dataclass(frozen=True)
class Address:
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
        address: where it lies.
        reason: what is wrong with it.
        is_last: whether nothing behind it in the file can be found.
    """

    address: Address
    reason: str
    is_last: bool

    def __str__(self) -> str:
        rest = ", and what follows it cannot be found" if self.is_last else ""
        return f"{self.address} is damaged: {self.reason}{rest}"


def find_records(pattern: str, flag: str = "--records") -> list[str]:
    """The record files of a glob, sorted; errors name `flag`, which gave the glob.

    Names that begin with a dot are left out: they are of files that are not complete.

    Raises:
        FileNotFoundError: nothing matches.
        OSError: it cannot be read, or not by this TensorFlow.
    """
    if not pattern:
        raise FileNotFoundError(f"{flag} is required: a glob of record files")
    if "://" in pattern:
        compat.register_filesystems()
    try:
        found = tf.io.gfile.glob(pattern)
    except tf.errors.UnimplementedError as error:
        raise OSError(
            f"{flag}={pattern!r}: {error.message}; s3://, az:// and hdfs:// need tensorflow-io: pip install .[addons]"
        ) from error
    except tf.errors.OpError as error:
        raise OSError(f"{flag}={pattern!r} cannot be read: {error.message}") from error
    files = sorted(path for path in found if not os.path.basename(path).startswith("."))
    if not files:
        raise FileNotFoundError(
            f"no record file matches {flag}={pattern!r}; make some with tfrecords_tools.create_clips or "
            "tfrecords_tools.synthetic_dancers (where few videos leave none for validation, give those for training)"
        )
    return files


def scan(path: str) -> Iterator[tuple[Address, bytes] | Damage]:
    """The sound records of a file with their addresses, and what is damaged, in the file's order.

    Raises:
        OSError: the file cannot be read.
    """
    with _opened(path) as file:
        yield from _scan(Address(path, 0, 0), file)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            yield file
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be read: {error.message}") from error


def _scan(address: Address, file: Any) -> Iterator[tuple[Address, bytes] | Damage]:
    size = file.size()
    while (length := _length(address, file, size)) is not None:
        if isinstance(length, Damage):
            yield length
            return
        content = file.read(length)
        if file.read(_CHECK.size) == _CHECK.pack(masked_crc32c(content)):
            yield address, content
        else:
            yield Damage(address, f"its {length} bytes fail their check", is_last=False)
        address = Address(address.path, address.number + 1, address.offset + _HEADER.size + length + _CHECK.size)


def _length(address: Address, file: Any, size: int) -> int | Damage | None:
    """The length of the record that begins where the file stands, in a file of so many bytes; None at its end."""
    header = file.read(_HEADER.size)
    if not header:
        return None
    if len(header) < _HEADER.size:
        return Damage(address, "the file ends within its length", is_last=True)
    length, check = _HEADER.unpack(header)
    if masked_crc32c(header[:8]) != check:
        return Damage(address, "its length fails its check", is_last=True)
    # Known before anything is read: TensorFlow asks for the memory first, and ends the process where there is none.
    if address.offset + _HEADER.size + length + _CHECK.size > size:
        return Damage(address, f"the file ends within its {length} bytes", is_last=True)
    return length


def first(path: str) -> Address | Damage | None:
    """A file's first record, by a look at its length alone; None if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    with _opened(path) as file:
        address = Address(path, 0, 0)
        length = _length(address, file, file.size())
        return address if isinstance(length, int) else length


def read(address: Address) -> bytes:
    """One record whose address `scan` gave.

    Raises:
        OSError: the file cannot be read any more, or holds something else there now.
    """
    with _opened(address.path) as file:
        file.seek(address.offset)
        found = next(_scan(address, file), None)
    if found is None or isinstance(found, Damage):
        raise OSError(f"{address} is no longer there: the file was changed meanwhile. Start again")
    return found[1]


def write(path: str, records: Iterable[bytes]) -> None:
    """Writes a file of records, which appears when it is complete.

    Raises:
        OSError, tf.errors.OpError: it cannot be written.
    """
    with whole_file(path) as hidden, tf.io.TFRecordWriter(str(hidden)) as writer:
        for record in records:
            writer.write(record)


def count(path: str) -> int:
    """How many records a file has, by a look at their lengths alone.

    Raises:
        OSError: the file cannot be read, or ends within a record.
    """
    with _opened(path) as file:
        size, address = file.size(), Address(path, 0, 0)
        while address.offset < size:
            header = file.read(_HEADER.size)
            end = address.offset + _HEADER.size + _CHECK.size
            end += _HEADER.unpack(header)[0] if len(header) == _HEADER.size else 0
            if end > size:
                raise OSError(f"{address} is damaged: its length leads beyond the end of the file")
            address = Address(path, address.number + 1, end)
            file.seek(end)
        return address.number


def masked_crc32c(data: bytes) -> int:
    """The check of some bytes, as record files hold it."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
