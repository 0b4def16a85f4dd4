"""From videos to the joints of the persons in them, with a progress bar: the first half of every transfer."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from absl import logging
from tqdm import tqdm

from stmt_tf.personalize.settings import PersonalizeConfig
from stmt_tf.pose.estimators import RESULT_READERS, Estimator, PoseError, create_estimator
from stmt_tf.pose.tracking import follow_person
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.reader import probe, read_frames
from stmt_tf.video.threads import overlapped


def check_poses(config: TransferConfig | PersonalizeConfig) -> None:
    """Raises PoseError if the pose estimator's model or results do not exist, or are not for it."""
    for name in ("source_poses", "target_poses", "background_poses"):
        path = getattr(config, name, "")
        if path and config.pose not in RESULT_READERS:
            raise PoseError(
                f"--{name}={path} is for --pose={' or '.join(RESULT_READERS)}, got --pose={config.pose}: name the tool "
                "that made it, or leave it out"
            )
        if path and not os.path.exists(path):
            raise PoseError(f"--{name}={path}: no such file or directory. Check the path.")
    handle = config.pose == "movenet" and "://" in config.pose_model
    if config.pose_model and not handle and not os.path.exists(config.pose_model):
        raise PoseError(f"--pose_model={config.pose_model}: no such file or directory. Check the path.")


def estimate_tracks(videos: Sequence[tuple[str, str]], pose_tool: str) -> list[np.ndarray]:
    """The joints `[T, 14, 3]` of the person in each video, in pixels of its frames.

    The videos are looked at side by side, since a pose estimator keeps but one core busy.

    Args:
        videos: path of each, and the pose estimator's model, or results, for it; empty for the default.
        pose_tool: name of the estimator.

    Raises:
        VideoError: a video cannot be read.
        NoPersonError: a video shows no person.
        PoseError: the pose estimator's model or results cannot be used.
        stmt_tf.assets.AssetError: the pose estimator's model cannot be had.
    """
    lengths = [probe(path).num_frames for path, _ in videos]
    people: list[list[np.ndarray]] = [[] for _ in videos]
    with contextlib.ExitStack() as stack:
        # Not in the threads: what the first one fetches, the second one finds.
        estimators = [stack.enter_context(create_estimator(pose_tool, model or None)) for _, model in videos]
        stages = [
            stack.enter_context(overlapped(_detections(path, estimator), ahead=math.inf))
            for (path, _), estimator in zip(videos, estimators)
        ]
        bar = stack.enter_context(progress("poses", None if None in lengths else sum(lengths)))
        for found in itertools.zip_longest(*stages):
            for each, detections in zip(people, found):
                if detections is not None:
                    each.append(detections)
                    bar.update()
    for (path, results), each, estimator in zip(videos, people, estimators):
        # One too many is a frame counted from 1.
        if estimator.last_frame is not None and estimator.last_frame > len(each):
            raise PoseError(
                f"{results}: has poses of frame {estimator.last_frame}, but {path} has {len(each)} frames. Give the "
                "results of this video"
            )
    return [_follow(path, each) for (path, _), each in zip(videos, people)]


def _detections(path: str, estimator: Estimator) -> Iterator[np.ndarray]:
    with overlapped(read_frames(path)) as frames:
        for frame in frames:
            yield estimator.detect(frame.image, frame.index)


def _follow(path: str, people: Sequence[np.ndarray]) -> np.ndarray:
    info = probe(path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            track = follow_person(people, (info.height, info.width), max_gap=max(1, round(0.4 * float(info.fps))))
        except PoseError as error:
            raise type(error)(f"{path}: {error}") from error
    for warning in told:
        logging.warning("%s: %s", path, warning.message)
    return track


def visible(joints: np.ndarray) -> np.ndarray:
    """In which frames there is a person at all: bool `[T]` for joints `[T, 14, 3]`."""
    return (joints[..., 2] > 0.0).any(-1)


def progress(label: str, total: int | None) -> tqdm:
    """A bar that counts frames."""
    form = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}]"
    return tqdm(total=total, desc=label, unit=" frames", bar_format=form)
