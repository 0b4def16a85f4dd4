"""From videos to the joints of the persons in them, with a progress bar: the first half of every transfer."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import os
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from absl import logging
from tqdm import tqdm

from stmt_tf.pose.doubts import ImportedPoses, refuse_swapped
from stmt_tf.pose.estimators import RESULT_READERS, Estimator, PoseError, create_estimator
from stmt_tf.pose.estimators.imported import ImportedEstimator
from stmt_tf.pose.skeleton import NUM_JOINTS
from stmt_tf.pose.tracking import follow_person
from stmt_tf.pose.witness import Witness
from stmt_tf.video.reader import VideoInfo, probe, read_frames
from stmt_tf.video.threads import overlapped

_NOBODY = np.zeros((0, NUM_JOINTS, 3), np.float32)


@dataclasses.dataclass(frozen=True)
class PosedVideo:
    """A video of a person, and what finds their joints in it.

    Attributes:
        path: of the video.
        tool: name of the pose estimator, see `stmt_tf.pose.estimators`.
        poses: the tool's results for this video, or its model; empty for the tool's own model.
    """

    path: str
    tool: str = "mediapipe"
    poses: str = ""

    def estimator(self) -> Estimator:
        """A pose estimator for this video, to be closed by who uses it; raises as `create_estimator` does."""
        return create_estimator(self.tool, self.poses or None)


def check_poses(tool: str, model: str, results: Mapping[str, str], needed: Collection[str]) -> None:
    """Finds poses that cannot be had, before anything slow begins.

    Args:
        tool: name of the pose estimator.
        model: its model; empty for its own.
        results: its results by the names of their flags; empty where none are given.
        needed: those that a tool which reads results cannot do without.

    Raises:
        PoseError: the model or results do not exist, are not for this tool, or are missing.
    """
    for name, path in results.items():
        if path and tool not in RESULT_READERS:
            raise PoseError(
                f"--{name}={path} is for --pose={' or '.join(RESULT_READERS)}, got --pose={tool}: name the tool that "
                "made it, or leave it out"
            )
        if path and not os.path.exists(path):
            raise PoseError(f"--{name}={path}: no such file or directory. Check the path.")
    missing = [f"--{name}" for name in needed if not results[name]]
    if missing and tool in RESULT_READERS:
        raise PoseError(f"--pose={tool} needs its results: give {' and '.join(missing)}")
    handle = tool == "movenet" and "://" in model
    if model and not handle and not os.path.exists(model):
        raise PoseError(f"--pose_model={model}: no such file or directory. Check the path.")


def estimate_tracks(videos: Sequence[PosedVideo]) -> list[np.ndarray]:
    """The joints `[T, 14, 3]` of the person in each video, in pixels of its frames.

    The videos are looked at side by side, since a pose estimator keeps but one core busy.

    Raises:
        VideoError: a video cannot be read.
        NoPersonError: a video shows no person.
        PoseError: the pose estimator's model or results cannot be used.
        stmt_tf.assets.AssetError: the pose estimator's model cannot be had.
    """
    infos = [probe(video.path) for video in videos]
    lengths = [info.num_frames for info in infos]
    people: list[list[np.ndarray]] = [[] for _ in videos]
    witnesses = [Witness() for _ in videos]
    with contextlib.ExitStack() as stack:
        # Not in the threads: what the first one fetches, the second one finds.
        estimators = [stack.enter_context(video.estimator()) for video in videos]
        stages = [
            stack.enter_context(overlapped(_detections(video.path, estimator, witness), ahead=math.inf))
            for video, estimator, witness in zip(videos, estimators, witnesses)
        ]
        bar = stack.enter_context(progress("poses", None if None in lengths else sum(lengths)))
        for found in itertools.zip_longest(*stages):
            for each, detections in zip(people, found):
                if detections is not None:
                    each.append(detections)
                    bar.update()
    found = [
        ImportedPoses(estimator, video.path, len(each), (info.height, info.width), witness)
        if isinstance(estimator, ImportedEstimator)
        else each
        for video, estimator, each, info, witness in zip(videos, estimators, people, infos, witnesses)
    ]
    if len(found) == 2 and all(isinstance(each, ImportedPoses) for each in found):
        refuse_swapped(*found)
    return [_follow(info, each) for info, each in zip(infos, found)]


def _detections(path: str, estimator: Estimator, witness: Witness) -> Iterator[np.ndarray]:
    with overlapped(read_frames(path)) as frames:
        for frame in frames:
            if isinstance(estimator, ImportedEstimator):
                witness.see(frame.image)
                yield _NOBODY  # results are read when it is known how many frames there are
            else:
                yield estimator.detect(frame.image, frame.index)


def _follow(info: VideoInfo, found: Sequence[np.ndarray] | ImportedPoses) -> np.ndarray:
    max_gap = max(1, round(0.4 * float(info.fps)))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if isinstance(found, ImportedPoses):
            track = found.follow(max_gap)
        else:
            try:
                track = follow_person(found, (info.height, info.width), max_gap)
            except PoseError as error:
                raise type(error)(f"{info.path}: {error}") from error
    for warning in told:
        logging.warning("%s: %s", info.path, warning.message)
    return track


def progress(label: str, total: int | None) -> tqdm:
    """A bar that counts frames."""
    form = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}]"
    return tqdm(total=total, desc=label, unit=" frames", bar_format=form)
