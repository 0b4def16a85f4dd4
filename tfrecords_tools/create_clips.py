"""Makes records for training from videos of people.

    python -m tfrecords_tools.create_clips --videos=DIR --output=RECORDS

Every video found in DIR or below it becomes one file, RECORDS/{train,val,test}-NAME.tfrecord, with one record
for each clip of up to 10 seconds: resampled to a constant 25 frames per second (nearest frame), cut square
around the person (one crop a clip) and resized, with poses and optical flow. Stretches without a person are
left out, and so is what remains of a video where it is shorter than a second.

The split depends on the video's path below DIR alone: 80% train, 10% val, 10% test. A file appears when it is
complete; after an interruption, or when videos were added, the same command makes what is missing.
RECORDS/clips.json holds the settings. Videos that cannot be used are reported at the end and tried again next
time; the exit status is 1 if there were any, 0 if every video has its records.

Poses of OpenPose or AlphaPose are read from --pose_results, where the video DIR/a/b.mp4 has a/b (OpenPose's
directory) or a/b.json (AlphaPose's file). Flow from .flo files is read from --flow_dir/a/b/*.flo: sorted by
name, file i takes frame i of the video to frame i + 1, at the video's full size.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import hashlib
import multiprocessing
import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import cv2
import tensorflow as tf
from absl import app
from tqdm import tqdm

from stmt_tf import flags
from stmt_tf.assets import AssetError
from stmt_tf.data.schema import encode_clip
from stmt_tf.pose.estimators import PoseError, create_estimator
from stmt_tf.video.files import VideoError, whole_file
from stmt_tf.video.flow import FlowError
from tfrecords_tools.clips import MIN_SECONDS, RESULT_TOOLS, ClipsConfig, make_clips
from tfrecords_tools.settings import check_settings

EXTENSIONS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv")
SPLITS = ("train",) * 8 + ("val", "test")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one video: its clips, or the problem that left it without a file."""

    video_id: str
    clips: int = 0
    problem: str = ""
    remarks: tuple[str, ...] = ()


def find_videos(directory: str) -> list[str]:
    """Names of the videos below a directory: sorted paths relative to it, with forward slashes."""
    found = (path for path in Path(directory).rglob("*") if path.suffix.lower() in EXTENSIONS)
    # Hidden files are no videos: some systems put a small "._a.mp4" beside each "a.mp4".
    return sorted(p.relative_to(directory).as_posix() for p in found if p.is_file() and p.name[0] != ".")


def split_of(video_id: str) -> str:
    """The split that a video belongs to, from its name alone."""
    return SPLITS[int(_digest(video_id), 16) % len(SPLITS)]


def record_name(video_id: str) -> str:
    """The name of a video's record file; no two videos share one."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", video_id)[:100]
    return f"{split_of(video_id)}-{readable}-{_digest(video_id)[:8]}.tfrecord"


def write_video_records(video_id: str, config: ClipsConfig) -> Outcome:
    """Makes the record file of one video; every failure is an Outcome, since others are waiting."""
    count = 0
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with whole_file(os.path.join(config.output, record_name(video_id))) as hidden:
                with tf.io.TFRecordWriter(str(hidden)) as writer:
                    for clip in make_clips(video_id, config):
                        writer.write(encode_clip(clip))
                        count += 1
                if not count:
                    raise PoseError(f"no stretch of {MIN_SECONDS:g} s shows a person")
    # Whatever is wrong with one video of thousands, it must not end the others.
    except Exception as error:
        told = (str(error) or type(error).__name__).splitlines()[0]
        known = isinstance(error, (FlowError, PoseError, VideoError))
        return Outcome(video_id, problem=told if known else f"{type(error).__name__}: {told}")
    remarks = tuple(str(warning.message) for warning in caught if warning.category is UserWarning)
    return Outcome(video_id, count, remarks=remarks)


def create_clips(config: ClipsConfig) -> list[Outcome]:
    """Makes the record files that are missing; one Outcome for each video tried, in order.

    Raises:
        ValueError: there are no videos, or the output holds records of other settings.
        AssetError, PoseError: the pose estimator cannot be had.
        OSError: the output cannot be written.
    """
    names = find_videos(config.videos)
    if not names:
        raise ValueError(f"no videos below {config.videos!r} (by extension: {' '.join(EXTENSIONS)})")
    os.makedirs(config.output, exist_ok=True)
    check_settings(os.path.join(config.output, "clips.json"), config.settings())
    missing = [n for n in names if not os.path.exists(os.path.join(config.output, record_name(n)))]
    if missing and config.pose not in RESULT_TOOLS:
        # Once here: a model that is fetched on first use, or cannot be, is not every process's business.
        create_estimator(config.pose, config.pose_model or None).close()
    with tqdm(total=len(names), initial=len(names) - len(missing), unit="video") as progress:
        outcomes = []
        with contextlib.closing(_run(missing, config)) as running:
            for outcome in running:
                outcomes.append(outcome)
                progress.update()
    return sorted(outcomes, key=lambda outcome: outcome.video_id)


def _run(names: Sequence[str], config: ClipsConfig) -> Iterator[Outcome]:
    processes = min(config.processes, len(names))
    if processes <= 1:
        yield from (write_video_records(name, config) for name in names)
        return
    pool = concurrent.futures.ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), _prepare_process
    )
    try:
        jobs = {pool.submit(_work, name, config): name for name in names}
        for job in concurrent.futures.as_completed(jobs):
            try:
                yield job.result()
            except BrokenProcessPool:
                yield Outcome(jobs[job], problem="a process died (out of memory?); try fewer --processes")
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown()


def _work(video_id: str, config: ClipsConfig) -> Outcome:
    try:
        return write_video_records(video_id, config)
    except SystemExit:
        # The half-written file is gone; the pool's loop would go on with the next video.
        os._exit(1)


def _prepare_process() -> None:
    # As an exception, a signal lets a half-written file be removed. An interrupt from the keyboard reaches all
    # processes, and is the main one's to tell of.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    # Processes already share the cores: threads inside them would only get in each other's way.
    cv2.setNumThreads(1)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def summary(outcomes: Sequence[Outcome], config: ClipsConfig) -> str:
    """What to tell at the end: what was made, what the output holds, what could not be used and why."""
    made = [outcome for outcome in outcomes if not outcome.problem]
    lines = [f"{sum(o.clips for o in made)} clips made from {len(made)} videos into {config.output}"]
    names = os.listdir(config.output)
    counts = {s: sum(n.startswith(f"{s}-") and n.endswith(".tfrecord") for n in names) for s in SPLITS}
    lines.append("files there: " + ", ".join(f"{count} {split}" for split, count in counts.items()))
    lines += [f"note, {o.video_id}: {remark}" for o in made for remark in o.remarks]
    lines += [f"skipped, {o.video_id}: {o.problem}" for o in outcomes if o.problem]
    return "\n".join(lines)


def main(argv: Sequence[str]) -> None:
    """Reads the flags, makes the records and tells of them."""
    if len(argv) > 1:
        raise app.UsageError(f"takes flags only, got {argv[1:]}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("create_clips: terminated; run it again to go on"))
    try:
        config = flags.read(ClipsConfig)
        outcomes = create_clips(config)
    except (AssetError, OSError, PoseError, ValueError) as error:
        sys.exit(f"create_clips: {error}")
    except KeyboardInterrupt:
        sys.exit("create_clips: interrupted; run it again to go on")
    print(summary(outcomes, config))
    sys.exit(int(any(outcome.problem for outcome in outcomes)))


if __name__ == "__main__":
    flags.define(ClipsConfig)
    app.run(main)
