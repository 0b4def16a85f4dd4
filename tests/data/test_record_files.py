import struct

import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.data.record_files import Address, Damage, count, find_records, first, masked_crc32c, read, scan

RECORDS = [b"first", b"", bytes(range(256)) * 20, b"last"]
OFFSETS = [0, 5 + 16, 5 + 32, 5 + 5120 + 48]


@pytest.fixture
def path(tmp_path):
    name = str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(name) as writer:
        for record in RECORDS:
            writer.write(record)
    return name


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("length", [1, 4, 100_000])
def test_checks_are_those_that_tensorflow_writes(tmp_path, length):
    data = np.random.default_rng(length).bytes(length)
    path = str(tmp_path / "one.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(data)
    with open(path, "rb") as file:
        content = file.read()
    assert struct.unpack("<I", content[8:12])[0] == masked_crc32c(content[:8])
    assert struct.unpack("<I", content[-4:])[0] == masked_crc32c(data)


def test_sound_records_come_with_their_places(path):
    found = list(scan(path))
    assert [record for _, record in found] == RECORDS
    assert [address for address, _ in found] == [Address(path, i, offset) for i, offset in enumerate(OFFSETS)]
    assert [read(address) for address, _ in reversed(found)] == RECORDS[::-1]


def test_reading_goes_on_behind_a_damaged_record(path):
    flip(path, OFFSETS[2] + 12 + 1000)
    first, second, damage, last = scan(path)
    assert (first[1], second[1], last[1]) == (b"first", b"", b"last")
    assert damage == Damage(Address(path, 2, OFFSETS[2]), "its 5120 bytes fail their check", is_last=False)
    assert str(damage) == f"{path}: record 2 (from 0; at byte 37) is damaged: its 5120 bytes fail their check"


def test_damaged_length_ends_the_file(path):
    flip(path, OFFSETS[2] + 3)
    *sound, damage = scan(path)
    assert [record for _, record in sound] == [b"first", b""]
    assert damage.is_last and str(damage).endswith("its length fails its check, and what follows it cannot be found")


@pytest.mark.parametrize("missing, reason", [(1, "within its 4 bytes"), (19, "within its length")])
def test_truncated_file_is_damaged_at_its_end(path, missing, reason):
    with open(path, "r+b") as file:
        file.truncate(OFFSETS[3] + 20 - missing)
    *sound, damage = scan(path)
    assert len(sound) == 3 and damage.address.number == 3 and reason in damage.reason


@pytest.mark.parametrize("length", [4, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_length_that_lies_is_damage_whatever_its_check_says(tmp_path, length):
    path = str(tmp_path / "a.tfrecord")
    header = struct.pack("<Q", length)
    with open(path, "wb") as file:
        file.write(header + struct.pack("<I", masked_crc32c(header)) + b"end")
    damage = Damage(Address(path, 0, 0), f"the file ends within its {length} bytes", is_last=True)
    assert list(scan(path)) == [damage] and first(path) == damage
    with pytest.raises(OSError, match="its length leads beyond the end of the file"):
        count(path)


def test_first_record_is_known_by_its_length_alone(path, tmp_path):
    flip(path, 12)  # in its content
    assert first(path) == Address(path, 0, 0)
    flip(path, 0)
    assert first(path) == Damage(Address(path, 0, 0), "its length fails its check", is_last=True)
    (tmp_path / "empty").touch()
    assert first(str(tmp_path / "empty")) is None
    with pytest.raises(OSError, match="none"):
        first(str(tmp_path / "none"))


def test_words_are_no_records(tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_text("These are words and no records.")
    assert [damage.is_last for damage in scan(str(path))] == [True]


def test_missing_file_is_an_error_naming_it(tmp_path):
    with pytest.raises(OSError, match="none"):
        list(scan(str(tmp_path / "none")))


def test_changed_file_is_an_error(path):
    address = list(scan(path))[-1][0]
    with open(path, "r+b") as file:
        file.truncate(address.offset)
    with pytest.raises(OSError, match="changed meanwhile"):
        read(address)


def test_records_are_counted_by_their_lengths(path, tmp_path):
    (tmp_path / "empty").touch()
    assert count(path) == 4 and count(str(tmp_path / "empty")) == 0
    flip(path, OFFSETS[2] + 12 + 1000)  # contents are not looked at
    assert count(path) == 4
    with open(path, "r+b") as file:
        file.truncate(OFFSETS[3] + 19)
    with pytest.raises(OSError, match="record 3 .* is damaged: its length leads beyond the end of the file"):
        count(path)


def test_files_that_are_not_yet_written_are_left_out(tmp_path):
    for name in (".abcd.part.tfrecord", "b.tfrecord", "a.tfrecord"):
        (tmp_path / name).touch()
    assert find_records(f"{tmp_path}/*.tfrecord") == [f"{tmp_path}/a.tfrecord", f"{tmp_path}/b.tfrecord"]
    with pytest.raises(FileNotFoundError, match="no record file matches"):
        find_records(f"{tmp_path}/.*.tfrecord")


def test_place_that_this_tensorflow_cannot_read_is_a_clear_error():
    with pytest.raises(OSError, match=r"^--val_records='foo://a/\*': .*'foo' not implemented.*; s3://.*\[addons\]$"):
        find_records("foo://a/*", "--val_records")


def test_no_records_is_a_clear_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no record file matches .*none"):
        find_records(str(tmp_path / "none*"))
