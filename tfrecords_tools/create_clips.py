"""Makes records for training from videos of people.

    python -m tfrecords_tools.create_clips --videos=DIR --output=RECORDS

Every video found in DIR or below it, links followed, is resampled to a constant 25 frames per second (nearest frame)
and cut into clips of up to 10 seconds, each square around the person (one crop a clip) and resized, with poses and
optical flow. Clips are taken where the camera is still, one person is whole in view for most of the time, and the shot
does not change. With --cut=random they are 3 to 4 random ones of a video, all of full length, as the paper's Dance-500
was made.

RECORDS gets, for each video, its clips in SPLIT-NAME-00.tfrecord and following files of bounded size; manifest.json,
their checksums, which `tfrecords_tools.validate` compares; report.html, a page for a browser without network, and
report.json: all clips in figures, and all that became none, with the reason, what was measured, and a picture.

The split depends on the video's path below DIR alone: 80% train, 10% val, 10% test; of copies of one video, all but one
are left out. Files appear when they are complete; after an interruption, or when videos were added, the same command
makes what is missing. clips.json holds the settings. Videos that cannot be used at all are told at the end and tried
again next time; the exit status is 1 if there were any. A video without any clip is none of these: the report tells
why. Records stay when their video is removed; to take one out of the set, remove both.

Poses of OpenPose or AlphaPose are read from --pose_results, where the video DIR/a/b.mp4 has a/b (OpenPose's
directory) or a/b.json (AlphaPose's file). Flow from .flo files is read from --flow_dir/a/b/*.flo: sorted by
name, file i takes frame i of the video to frame i + 1, at the video's full size.
"""

from __future__ import annotations

from stmt_tf import flags
from tfrecords_tools.clips.settings import ClipSettings
from tfrecords_tools.settings import CreateConfig

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "tfrecords_tools.create_clips", CreateConfig, ClipSettings, interrupted=flags.GOES_ON)

import concurrent.futures
import contextlib
import ctypes
import functools
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import cv2
from tqdm import tqdm

from stmt_tf.assets import AssetError
from stmt_tf.pose.estimators import PoseError
from tfrecords_tools.clip_report import write_report
from tfrecords_tools.clips import listing, store
from tfrecords_tools.clips.process import Part
from tfrecords_tools.clips.survey import check_estimator
from tfrecords_tools.kept_settings import check_settings

_PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>


def create_clips(config: CreateConfig, settings: ClipSettings) -> list[dict[str, Any]]:
    """Makes the records that are missing, then manifest and report anew.

    Returns:
        What became of each video that was tried, as `store.write_video` tells it, in the order of their names.

    Raises:
        ValueError: there are no videos, or the output holds records of other settings.
        AssetError, PoseError: the pose estimator cannot be had.
        OSError: the output cannot be written.
    """
    if not os.path.isdir(config.videos):
        raise ValueError(f"--videos={config.videos} is no directory: give one with videos in it, or below")
    names = listing.find_videos(config.videos)
    if not names:
        raise ValueError(f"no videos below {config.videos!r}")
    names = listing.without_copies(config.videos, names, functools.partial(store.is_done, config.output))
    try:
        os.makedirs(config.output, exist_ok=True)
    except OSError as error:
        raise OSError(f"--output={config.output} cannot be made a directory ({error.strerror})") from error
    check_settings(os.path.join(config.output, store.SETTINGS), settings.content())
    store.remove_unfinished(config.output)
    store.remove_gone(config.output, names)
    missing = [name for name in names if not store.is_done(config.output, name)]
    if missing:
        check_estimator(settings)
    tried = []
    try:
        with tqdm(total=len(names), initial=len(names) - len(missing), unit="video") as progress:
            with contextlib.closing(_run(missing, config, settings)) as running:
                for entry in running:
                    tried.append(entry)
                    progress.set_postfix_str(entry["video_id"], refresh=False)
                    progress.update()
    finally:
        # What an interruption leaves is a whole set, too, of fewer videos.
        entries = store.read_entries(config.output)
        store.write_manifest(config.output, entries, settings.content())
        write_report(config.output, entries, settings)
    return sorted(tried, key=lambda entry: entry["video_id"])


def _run(names: Sequence[str], config: CreateConfig, settings: ClipSettings) -> Iterator[dict[str, Any]]:
    processes = min(config.processes, len(names))
    if processes <= 1:
        yield from (_make(name, config, settings) for name in names)
        return
    waiting = list(names)
    while waiting:
        try:
            for entry in _in_pool(waiting, processes, config, settings):
                waiting.remove(entry["video_id"])
                yield entry
        except BrokenProcessPool:
            # One of those at hand ended its process, and with it all others: alone, each shows whether it was that.
            for name in waiting[:processes]:
                waiting.remove(name)
                yield _alone(name, config, settings)


def _alone(name: str, config: CreateConfig, settings: ClipSettings) -> dict[str, Any]:
    try:
        (entry,) = _in_pool([name], 1, config, settings)
    except BrokenProcessPool:
        problem = f"{name}: the process that read it died (out of memory?)"
        return store.write_entry(config.output, name, [Part(0.0, 0.0, {}, problem=problem)])
    return entry


def _in_pool(
    names: Sequence[str], processes: int, config: CreateConfig, settings: ClipSettings
) -> Iterator[dict[str, Any]]:
    pool = concurrent.futures.ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), _prepare_process
    )
    try:
        jobs = [pool.submit(_work, name, config, settings) for name in names]
        for job in concurrent.futures.as_completed(jobs):
            yield job.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown()


def _make(video_id: str, config: CreateConfig, settings: ClipSettings) -> dict[str, Any]:
    path = os.path.join(config.videos, video_id)
    return store.write_video(path, video_id, settings, config.output, config.shard_megabytes * 1e6)


def _work(video_id: str, config: CreateConfig, settings: ClipSettings) -> dict[str, Any]:
    try:
        return _make(video_id, config, settings)
    except SystemExit:
        # The half-written files are gone; the pool's loop would go on with the next video.
        os._exit(1)


def _prepare_process() -> None:
    # As an exception, a signal lets a half-written file be removed. An interrupt from the keyboard reaches all
    # processes, and is the main one's to tell of.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    if sys.platform.startswith("linux"):
        # Nor must they outlive the main process, if that is killed.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # Processes already share the cores: threads inside them would only get in each other's way.
    cv2.setNumThreads(1)


def summary(tried: Sequence[Mapping[str, Any]], config: CreateConfig) -> str:
    """What to tell at the end: what was made, what the output holds, what could not be used and why."""
    readable = [entry for entry in tried if not store.problem_of(entry)]
    used = [entry for entry in readable if store.clips_of(entry)]
    clips = sum(len(store.clips_of(entry)) for entry in used)
    rejected = sum(len(entry["parts"]) for entry in readable) - clips
    counts = {split: 0 for split in store.SPLITS}
    for entry in store.read_entries(config.output):
        counts[entry["split"]] += len(store.clips_of(entry))
    lines = [
        f"{clips} clips made from {len(used)} of {len(tried)} videos into {config.output}; {rejected} other parts of "
        "them were left out",
        "clips there: " + ", ".join(f"{count} {split}" for split, count in counts.items()),
        f"why, and all figures: {os.path.join(config.output, 'report.html')}",
    ]
    lines += [f"skipped: {problem}" for entry in tried if (problem := store.problem_of(entry))]
    return "\n".join(lines)


def main(config: CreateConfig, settings: ClipSettings) -> None:
    """Makes the records and tells of them."""
    try:
        tried = create_clips(config, settings)
    except (AssetError, OSError, PoseError, ValueError) as error:
        sys.exit(f"create_clips: {error}")
    print(summary(tried, config))
    sys.exit(int(any(store.problem_of(entry) for entry in tried)))
