"""Feeds damaged and made-up files to everything that reads files from elsewhere: a table in Markdown.

    python tests/faults/fuzz.py [--inputs=100000]

A reader has to take a file, or to refuse it by its own error. Anything else is a finding: another error, more than five
seconds, more memory than two GiB over what was there before. The inputs are sound files of each kind with bits flipped,
bytes put in, left out, repeated or cut off, and random bytes; of record files also spoiled records whose checks are
right, some with a length that is not. Input i of a reader is the same in every run.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import random
import resource
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from records import make_clip, make_joints, write_records  # noqa: E402
from tiny_model import CONFIG  # noqa: E402
from videos import numbered_frames, write_video  # noqa: E402

from stmt_tf.data import record_files, schema  # noqa: E402
from stmt_tf.data.checks import check_records  # noqa: E402
from stmt_tf.models.create import create_single_frame  # noqa: E402
from stmt_tf.models.weights import load_weights, save_weights  # noqa: E402
from stmt_tf.pose.estimators import PoseError, create_estimator  # noqa: E402
from stmt_tf.video.files import VideoError  # noqa: E402
from stmt_tf.video.flow import FlowError, read_flo, write_flo  # noqa: E402
from stmt_tf.video.reader import probe, read_frames  # noqa: E402

_SECONDS, _MEMORY = 5, 2 << 30
_FRAMES = 4  # at most, that are read of a video
# Too long for the file, for memory, for a number with a sign, and negative to who takes them for one.
_LYING_LENGTHS = (0, 1, 1 << 20, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 16, (1 << 64) - 1)


class Reader(NamedTuple):
    """What reads a kind of file.

    Attributes:
        name: of the kind.
        suffix: of such a file's name.
        make: a spoiled one, by chance.
        read: takes the path of one.
        errors: by which it refuses one.
        share: of the inputs.
    """

    name: str
    suffix: str
    make: Callable[[random.Random], bytes]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]
    share: float


def readers(folder: Path) -> list[Reader]:
    """All of them; their sound files are made in a folder."""
    clip = make_clip(3, size=16)
    records = Path(write_records(folder / "sound.tfrecord", [clip, clip])).read_bytes()
    write_flo(folder / "sound.flo", np.zeros((5, 7, 2), np.float32))
    video = Path(write_video(folder / "sound.mp4", numbered_frames(3))).read_bytes()
    model = create_single_frame(CONFIG)
    save_weights(model, str(folder / "sound.npz"))
    person = {"image_id": "0.jpg", "keypoints": make_joints(17).ravel().tolist()[: 17 * 3]}
    openpose = {"people": [{"pose_keypoints_2d": make_joints(2).ravel().tolist()[: 18 * 3]}]}

    def read_openpose(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=path.parent) as directory:
            (Path(directory) / "a_000000000000_keypoints.json").write_bytes(path.read_bytes())
            create_estimator("openpose", directory)

    def read_record_file(path: Path) -> None:
        for found in list(record_files.scan(str(path))):
            _ = str(found) if isinstance(found, record_files.Damage) else schema.decode_clip(found[1])
        check_records(str(path), "--records", 1, 1)

    def read_video(path: Path) -> None:
        probe(path)
        list(itertools.islice(read_frames(path), _FRAMES))

    def of(sound: bytes) -> Callable[[random.Random], bytes]:
        return functools.partial(spoiled, sound)

    return [
        Reader("record, decoded", ".record", functools.partial(spoiled_record, schema.encode_clip(clip)),
               lambda path: schema.decode_clip(path.read_bytes()), (ValueError,), 0.25),
        Reader("record file, gone through", ".tfrecord", functools.partial(spoiled_record_file, records),
               read_record_file, (OSError, ValueError), 0.2),
        Reader(".flo file", ".flo", of((folder / "sound.flo").read_bytes()), read_flo, (FlowError,), 0.2),
        Reader("AlphaPose's JSON", ".json", of(json.dumps([person]).encode()),
               lambda path: create_estimator("alphapose", str(path)), (PoseError,), 0.15),
        Reader("OpenPose's JSON", ".json", of(json.dumps(openpose).encode()), read_openpose, (PoseError,), 0.1),
        Reader("video, probed and read", ".mp4", of(video), read_video, (VideoError,), 0.08),
        Reader("weights", ".npz", of((folder / "sound.npz").read_bytes()),
               lambda path: load_weights(model, str(path)), (ValueError,), 0.02),
    ]  # fmt: skip


def spoiled(sound: bytes, chance: random.Random) -> bytes:
    """Something that has been such a file, or never was."""
    content = bytearray(sound)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 30))):
        place = chance.randrange(len(content) + 1)
        length = chance.choice((1, 1, 4, 64, 1000))
        kind = chance.randrange(6)
        if kind == 0 and place < len(content):
            content[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            content[place : place + length] = chance.randbytes(length)
        elif kind == 2:
            content[place:place] = chance.choice((b"\0", b"\xff", b"9", b"[", b"nan", b'"')) * length
        elif kind == 3:
            del content[place : place + length]
        elif kind == 4:
            content[place:place] = content[place : place + length]
        elif kind == 5 and chance.random() < 0.1:
            del content[place:]
    return bytes(content) if chance.random() > 0.03 else chance.randbytes(chance.randrange(4000))


def spoiled_record(sound: bytes, chance: random.Random) -> bytes:
    """A spoiled record; or one that can be parsed, with a spoiled image."""
    if chance.random() < 0.5:
        return spoiled(sound, chance)
    example = tf.train.SequenceExample.FromString(sound)
    images = example.feature_lists.feature_list[chance.choice(("frames", "flows", "masks"))].feature
    values = chance.choice(images).bytes_list.value
    values[0] = spoiled(values[0], chance)
    return example.SerializeToString(deterministic=True)


def spoiled_record_file(sound: bytes, chance: random.Random) -> bytes:
    """A spoiled file; or spoiled records one by one, whose checks are right and whose lengths are so mostly."""
    if chance.random() < 0.5:
        return spoiled(sound, chance)
    length = struct.unpack("<Q", sound[:8])[0]
    content = b""
    for _ in range(chance.choice((1, 1, 2))):
        record = spoiled_record(sound[12 : 12 + length], chance)
        header = struct.pack("<Q", chance.choice(_LYING_LENGTHS) if chance.random() < 0.3 else len(record))
        for part in (header, record):
            content += part + struct.pack("<I", record_files.masked_crc32c(part))
    return content


class TooSlow(BaseException):
    """Not caught by what is tried."""


def _too_slow(*_) -> None:
    raise TooSlow


def fuzz(reader: Reader, count: int, folder: Path) -> tuple[Counter, list[str], float]:
    """Feeds a reader.

    Returns:
        How many inputs were taken and how many refused; findings; the longest time in seconds.
    """
    outcomes, findings, longest = Counter(), [], 0.0
    path = folder / f"spoiled{reader.suffix}"
    for number in range(count):
        path.write_bytes(reader.make(random.Random(f"{reader.name} {number}")))
        start = time.monotonic()
        signal.alarm(_SECONDS)
        try:
            reader.read(path)
            outcomes["taken"] += 1
        except reader.errors:
            outcomes["refused"] += 1
        except (Exception, TooSlow) as error:
            findings.append(f"{reader.name}, input {number}: {type(error).__name__}: {str(error)[:200]}")
        finally:
            signal.alarm(0)
        longest = max(longest, time.monotonic() - start)
    return outcomes, findings, longest


def campaign(inputs: int) -> tuple[str, list[str]]:
    """All readers; returns the table, and what was found."""
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + _MEMORY, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, _too_slow)
    lines = ["| read | inputs | taken | refused | findings | longest [s] |", "|---|---:|---:|---:|---:|---:|"]
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for reader in readers(Path(scratch)):
            count = round(reader.share * inputs)
            outcomes, findings, longest = fuzz(reader, count, Path(scratch))
            found += findings
            counts = f"{outcomes['taken']} | {outcomes['refused']} | {len(findings)}"
            lines.append(f"| {reader.name} | {count} | {counts} | {longest:.2f} |")
    return "\n".join(lines), found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="of all readers together")
    table, findings = campaign(parser.parse_args().inputs)
    print(table, *findings, sep="\n")
    sys.exit(bool(findings))
