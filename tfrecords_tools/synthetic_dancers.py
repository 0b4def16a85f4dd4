"""Writes records of rendered dancers: an endless, licence-free training set with exact labels.

    python -m tfrecords_tools.synthetic_dancers --output=DIR --num_videos=1000 --seed=1

Video i of a seed depends on (seed, i) and the flags for size, frames and fps alone, whatever the
number of processes or videos. Its split depends on i alone: of every 20 videos, number 18 is for
validation, number 19 for testing, the others for training; so a larger set contains the smaller
one, split by split, and since no two videos share a person, a motion or a place, none of the
validation and test splits' occur in training.

Files are DIR/{train,val,test}-00000-of-0000N.tfrecord, written under a temporary name and renamed
when complete: after an interruption the same command goes on with the shards that are missing.
DIR/dancers.json holds the settings.
"""

from __future__ import annotations

from stmt_tf import flags
from tfrecords_tools.settings import SPLITS, DancersConfig

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "tfrecords_tools.synthetic_dancers", DancersConfig, interrupted=flags.GOES_ON)

import multiprocessing
import os
from collections.abc import Iterator, Sequence

import cv2
from absl import logging
from tqdm import tqdm

from stmt_tf.data import record_files
from stmt_tf.data.rendered import rendered_clip
from stmt_tf.data.schema import encode_clip
from tfrecords_tools.kept_settings import check_settings

# The settings that decide what is in the set.
_DECISIVE = ("num_videos", "seed", "size", "frames_per_video", "fps", "videos_per_shard")


def split_of(index: int) -> str:
    """The split that video `index` belongs to: 90% train, 5% val, 5% test."""
    return {18: "val", 19: "test"}.get(index % 20, "train")


def shards(
    num_videos: int, videos_per_shard: int, splits: Sequence[str] = SPLITS
) -> Iterator[tuple[str, list[int]]]:
    """Yields (file name, numbers of its videos) of all shards of these splits."""
    for split in splits:
        mine = [i for i in range(num_videos) if split_of(i) == split]
        parts = [mine[i : i + videos_per_shard] for i in range(0, len(mine), videos_per_shard)]
        for number, part in enumerate(parts):
            yield f"{split}-{number:05d}-of-{len(parts):05d}.tfrecord", part


def _serialized(job: tuple) -> bytes:
    # Processes already share the cores: threads inside them would only get in each other's way.
    cv2.setNumThreads(1)
    return encode_clip(rendered_clip(*job))


def write_dancers(config: DancersConfig) -> int:
    """Writes the shards that the output lacks.

    Returns:
        How many videos were written (0 if all were there).

    Raises:
        ValueError: the output holds a set of other settings.
        OSError: it cannot be written.
    """
    output = config.output
    os.makedirs(output, exist_ok=True)
    settings = {name: getattr(config, name) for name in _DECISIVE}
    check_settings(os.path.join(output, "dancers.json"), settings)
    missing = [
        (name, part)
        for name, part in shards(config.num_videos, config.videos_per_shard, config.splits)
        if not os.path.exists(os.path.join(output, name))
    ]
    jobs = [(config.seed, i, config.size, config.frames_per_video, config.fps) for _, part in missing for i in part]
    pool: multiprocessing.pool.Pool | None = None
    try:
        if config.processes > 1 and len(jobs) > 1:
            pool = multiprocessing.get_context("spawn").Pool(config.processes)
            results = pool.imap(_serialized, jobs, chunksize=2)
        else:
            results = map(_serialized, jobs)
        with tqdm(total=len(jobs), unit="video", disable=not jobs) as progress:
            for name, part in missing:
                records = (next(results) for _ in part)
                record_files.write(os.path.join(output, name), _counted(records, progress))
    finally:
        if pool is not None:
            pool.terminate()
            pool.join()
    return len(jobs)


def _counted(records: Iterator[bytes], progress: tqdm) -> Iterator[bytes]:
    for record in records:
        yield record
        progress.update()


def main(config: DancersConfig) -> None:
    """Writes the records."""
    # Workers inherit this: their small matrix products are faster on one thread.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        written = write_dancers(config)
    except (OSError, ValueError) as error:
        raise SystemExit(f"synthetic_dancers: {error}") from error
    logging.info("%d videos written to %s", written, config.output)
    empty = [split for split in config.splits if not list(shards(config.num_videos, 1, [split]))]
    if empty:
        logging.warning("no video is of the split %s: --num_videos=20 is the least for all three", ", ".join(empty))
