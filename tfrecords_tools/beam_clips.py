r"""Makes what `create_clips` makes, byte for byte, on any number of machines (Apache Beam).

    python -m tfrecords_tools.beam_clips --videos=gs://BUCKET/videos --output=gs://BUCKET/records \
        --runner=DataflowRunner --project=... --region=... --temp_location=gs://BUCKET/tmp
    python -m tfrecords_tools.beam_clips --videos=DIR --output=RECORDS --direct_num_workers=4 \
        --direct_running_mode=multi_processing

Flags of `create_clips` mean the same here; all others are the runner's (Dataflow, Flink, Spark, or Beam's own on this
machine). Videos and records may lie wherever TensorFlow finds files; results of pose and flow tools must lie where each
worker sees them under the same path. A worker makes a video's files in a place of its own and then copies them to the
output, where each gets its name when it is complete, so that a worker may die and its video be made again. A video that
cannot be used costs that video alone. Given again, the command makes what is missing. It ends with manifest and report.
What is a video in a remote directory is told by the names alone, and copies are not looked for there.
"""

from __future__ import annotations

from stmt_tf import flags
from tfrecords_tools.clips.settings import ClipSettings
from tfrecords_tools.settings import VideosConfig

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(
        __doc__, "tfrecords_tools.beam_clips", VideosConfig, ClipSettings, known_only=True, interrupted=flags.GOES_ON
    )

import argparse
import concurrent.futures
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import cv2
import tensorflow as tf
from absl import logging
from apache_beam.options.pipeline_options import PipelineOptions

from stmt_tf import compat
from stmt_tf.assets import AssetError
from stmt_tf.pose.estimators import PoseError
from tfrecords_tools.clip_report import REPORT, write_report
from tfrecords_tools.clips import listing, store
from tfrecords_tools.clips.process import unusable
from tfrecords_tools.clips.survey import check_estimator
from tfrecords_tools.kept_settings import check_settings

_COPIED_AT_ONCE = 16


class MakeVideo(beam.DoFn):
    """From the name of a video to its files in the output; yields its name and what was wrong with it, if anything."""

    def __init__(self, config: VideosConfig, settings: ClipSettings):
        self._config, self._settings = config, settings

    def setup(self) -> None:
        compat.register_filesystems()
        # Workers already share the cores: threads inside them would only get in each other's way.
        cv2.setNumThreads(1)

    def process(self, video_id: str) -> Iterator[tuple[str, str]]:
        with tempfile.TemporaryDirectory() as scratch:
            made = os.path.join(scratch, "made")
            os.mkdir(made)
            entry = self._make(video_id, scratch, made)
            for name in entry["files"]:
                _publish(made, name, self._config.output)
            # What an earlier try left of this video.
            for old in tf.io.gfile.glob(os.path.join(self._config.output, store.record_files_of(video_id))):
                if os.path.basename(old) not in entry["files"]:
                    tf.io.gfile.remove(old)
            # Last: with it the video counts as made.
            _publish(made, store.entry_name(video_id), self._config.output)
        yield video_id, store.problem_of(entry)

    def _make(self, video_id: str, scratch: str, made: str) -> dict[str, Any]:
        path = os.path.join(self._config.videos, video_id)
        if "://" in path:  # decoders read files of this machine
            remote, path = path, os.path.join(scratch, os.path.basename(video_id))
            try:
                tf.io.gfile.copy(remote, path)
            except tf.errors.OpError as error:
                return store.write_entry(made, video_id, [unusable(remote, video_id, OSError(error.message))])
        return store.write_video(path, video_id, self._settings, made, self._config.shard_megabytes * 1e6)


def _publish(folder: str, name: str, output: str) -> None:
    """Copies a file to the output, where it appears when it is complete."""
    final = os.path.join(output, name)
    tf.io.gfile.makedirs(os.path.dirname(final))
    hidden = os.path.join(os.path.dirname(final), f".{os.path.basename(name)}.{secrets.token_hex(4)}.part")
    tf.io.gfile.copy(os.path.join(folder, name), hidden, overwrite=True)
    tf.io.gfile.rename(hidden, final, overwrite=True)


def find_videos(directory: str) -> list[str]:
    """What `listing.find_videos` gives; of a remote directory, by the names alone."""
    if "://" not in directory:
        return listing.find_videos(directory)
    found = []
    for place, _, names in tf.io.gfile.walk(directory):
        below = place[len(directory) :].strip("/")
        found += [os.path.join(below, name) for name in names]
    videos = sorted(name for name in found if listing.is_named_video(name) and listing.is_text(name))
    logging.info("%s: %d of %d files are videos by their names", directory, len(videos), len(found))
    return videos


def make_all(config: VideosConfig, settings: ClipSettings, options: PipelineOptions) -> list[dict[str, Any]]:
    """Runs the pipeline for the videos that are missing, then writes manifest and report.

    Returns:
        What became of every video, as `store.read_entries` gives it.

    Raises:
        ValueError: there are no videos, or the output holds records of other settings.
        AssetError, PoseError: the pose estimator cannot be had.
        OSError, tf.errors.OpError: the output cannot be read or written.
        RuntimeError: the runner gave up.
    """
    names = find_videos(config.videos)
    if not names:
        raise ValueError(f"no videos below {config.videos!r}")
    with tempfile.TemporaryDirectory() as scratch:
        _fetch_entries(config.output, scratch)
        original = os.path.join(config.output, store.SETTINGS)
        check_settings(os.path.join(scratch, store.SETTINGS), settings.content(), original)
        _publish(scratch, store.SETTINGS, config.output)
        there = set(tf.io.gfile.listdir(config.output))
        done = {
            entry["video_id"]
            for entry in store.read_entries(scratch)
            if not store.problem_of(entry) and there.issuperset(entry["files"])
        }
        if "://" not in config.videos:
            names = listing.without_copies(config.videos, names, done.__contains__)
        missing = [name for name in names if name not in done]
        if missing:
            check_estimator(settings)
            with beam.Pipeline(options=options) as pipeline:
                videos = pipeline | "videos" >> beam.Create(missing) | beam.Reshuffle()
                videos | "records" >> beam.ParDo(MakeVideo(config, settings))
        _fetch_entries(config.output, scratch)
        entries = store.read_entries(scratch)
        store.write_manifest(scratch, entries, settings.content())
        write_report(scratch, entries, settings)
        for name in (store.MANIFEST, *REPORT):
            _publish(scratch, name, config.output)
    return entries


def _fetch_entries(output: str, folder: str) -> None:
    """Copies to a folder of this machine what the output tells of its settings and videos."""
    os.makedirs(os.path.join(folder, store.ENTRIES), exist_ok=True)
    copies = {
        path: os.path.join(folder, os.path.dirname(pattern), os.path.basename(path))
        for pattern in (store.SETTINGS, os.path.join(store.ENTRIES, "*.json"))
        for path in tf.io.gfile.glob(os.path.join(output, pattern))
    }
    # Side by side: a remote file keeps one waiting, and there is one for each video.
    with concurrent.futures.ThreadPoolExecutor(_COPIED_AT_ONCE) as pool:
        for copied in [pool.submit(tf.io.gfile.copy, *names, overwrite=True) for names in copies.items()]:
            copied.result()


def runner_options(arguments: Sequence[str]) -> PipelineOptions:
    """Beam's options of the flags that are not ours.

    Raises:
        ValueError: some are not Beam's either, which would leave them aside.
    """
    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    _, unknown = parsers[0].parse_known_args(arguments)
    if unknown:
        raise ValueError(f"neither this command nor Beam knows {' '.join(unknown)} (--help lists the flags)")
    return PipelineOptions(list(arguments))


def main(config: VideosConfig, settings: ClipSettings, others: Sequence[str]) -> None:
    """Runs the pipeline, on the runner that the other flags tell of, and tells what it made."""
    compat.register_filesystems()
    try:
        entries = make_all(config, settings, runner_options(others))
    except (AssetError, OSError, PoseError, RuntimeError, ValueError, tf.errors.OpError) as error:
        # A runner that gives up tells of each worker's way there first.
        sys.exit(f"beam_clips: {(str(error).strip() or repr(error)).splitlines()[-1]}")
    problems = [problem for entry in entries if (problem := store.problem_of(entry))]
    clips = [len(store.clips_of(entry)) for entry in entries]
    print(f"{sum(clips)} clips from {sum(map(bool, clips))} of {len(entries)} videos")
    print(f"why, and all figures: {os.path.join(config.output, REPORT[0])}")
    for problem in problems:
        print(f"skipped: {problem}")
    sys.exit(int(bool(problems)))
