import struct

import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.data.record_files import Damage, Place, count, crc32c, find_damage, first, masked_crc32c, read, scan

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


@pytest.mark.parametrize(
    "data, expected",
    [
        (b"", 0),
        (b"a", 0xC1D04330),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # these three: RFC 3720, appendix B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_checksum_has_its_published_values(data, expected):
    assert crc32c(data) == expected


@pytest.mark.parametrize("length", [1, 3, 4, 511, 512, 513, 100_000])
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
    assert [place for place, _ in found] == [Place(path, i, offset) for i, offset in enumerate(OFFSETS)]
    assert [read(place) for place, _ in reversed(found)] == RECORDS[::-1]


def test_reading_goes_on_behind_a_damaged_record(path):
    flip(path, OFFSETS[2] + 12 + 1000)
    first, second, damage, last = scan(path)
    assert (first[1], second[1], last[1]) == (b"first", b"", b"last")
    assert damage == Damage(Place(path, 2, OFFSETS[2]), "its 5120 bytes fail their check", is_last=False)
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
    assert len(sound) == 3 and damage.place.number == 3 and reason in damage.reason


@pytest.mark.parametrize("length", [4, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_length_that_lies_is_damage_whatever_its_check_says(tmp_path, length):
    path = str(tmp_path / "a.tfrecord")
    header = struct.pack("<Q", length)
    with open(path, "wb") as file:
        file.write(header + struct.pack("<I", masked_crc32c(header)) + b"end")
    damage = Damage(Place(path, 0, 0), f"the file ends within its {length} bytes", is_last=True)
    assert list(scan(path)) == [damage] and first(path) == damage
    with pytest.raises(OSError, match="its length leads beyond the end of the file"):
        count(path)


def test_first_record_is_known_by_its_length_alone(path, tmp_path):
    flip(path, 12)  # in its content
    assert first(path) == Place(path, 0, 0)
    flip(path, 0)
    assert first(path) == Damage(Place(path, 0, 0), "its length fails its check", is_last=True)
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
    place = list(scan(path))[-1][0]
    with open(path, "r+b") as file:
        file.truncate(place.offset)
    with pytest.raises(OSError, match="changed meanwhile"):
        read(place)


def test_records_are_counted_by_their_lengths(path, tmp_path):
    (tmp_path / "empty").touch()
    assert count(path) == 4 and count(str(tmp_path / "empty")) == 0
    flip(path, OFFSETS[2] + 12 + 1000)  # contents are not looked at
    assert count(path) == 4
    with open(path, "r+b") as file:
        file.truncate(OFFSETS[3] + 19)
    with pytest.raises(OSError, match="record 3 .* is damaged: its length leads beyond the end of the file"):
        count(path)


@pytest.mark.parametrize("changed, told", [(1000, 12), (3, 0)], ids=["content", "length"])
def test_damage_is_found_by_what_tensorflow_tells_of_it(path, tmp_path, changed, told):
    other = str(tmp_path / "0.tfrecord")
    with tf.io.TFRecordWriter(other) as writer:
        for record in RECORDS:
            writer.write(record)
    flip(path, OFFSETS[2] + changed)
    with pytest.raises(tf.errors.DataLossError, match=f"corrupted record at {OFFSETS[2] + told}"):
        list(tf.data.TFRecordDataset(path))
    damage = find_damage([other, path], OFFSETS[2] + told)
    assert damage.place == Place(path, 2, OFFSETS[2])
    assert find_damage([other], OFFSETS[2] + told) is None
    assert find_damage([other, path], OFFSETS[2] + 1) is None
