"""One video of a person to clips: poses, one crop a clip, frames at a constant rate, optical flow."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from stmt_tf.config import setting
from stmt_tf.data.schema import Clip
from stmt_tf.pose import estimators
from stmt_tf.pose.estimators import create_estimator
from stmt_tf.pose.tracking import follow_person
from stmt_tf.video.crop import Crop
from stmt_tf.video.flow import FlowError, chain, dis_flow, read_flo
from stmt_tf.video.reader import read_frames
from stmt_tf.video.resample import at_rate

# Estimators that look up results made before, and how those lie in --pose_results for a video's name.
RESULT_TOOLS = {"openpose": "", "alphapose": ".json"}
MIN_SECONDS = 1.0
_MAX_GAP_SECONDS = 0.4  # a joint missing for longer is not made up


@dataclasses.dataclass(frozen=True)
class ClipsConfig:
    """What to make clips from, and how."""

    videos: str = setting("", "Directory of the videos; those in directories below it count too.")
    output: str = setting("", "Directory of the records, made if it does not exist.")
    size: int = setting(128, "Side of the square frames in pixels.")
    fps: float = setting(25.0, "Frames per second.")
    seconds: float = setting(10.0, "Longest clip.")
    pose: str = setting("mediapipe", "Pose estimator.", estimators.NAMES)
    pose_model: str = setting("", "The estimator's model (mediapipe, movenet); empty: its default.")
    pose_results: str = setting("", "Directory of the tool's results (openpose, alphapose).")
    flow_dir: str = setting("", "Directory of .flo files; empty: flow is computed with OpenCV's DIS.")
    processes: int = setting(os.cpu_count() or 1, "Videos worked on at once.")

    def __post_init__(self):
        for name in ("videos", "output"):
            if not getattr(self, name):
                raise ValueError(f"--{name} is required")
        if self.size < 16 or self.processes < 1 or min(self.fps, self.seconds) <= 0:
            raise ValueError(
                "--size must be at least 16, --processes at least 1, --fps and --seconds positive; got "
                f"{self.size}, {self.processes}, {self.fps} and {self.seconds}"
            )
        if self.pose in RESULT_TOOLS and not self.pose_results:
            raise ValueError(f"--pose={self.pose} needs --pose_results, the directory of its results")

    def settings(self) -> dict[str, object]:
        """What decides the content of the records."""
        values = {name: getattr(self, name) for name in ("size", "fps", "seconds", "pose", "pose_model")}
        return {**values, "flow": "flo" if self.flow_dir else "dis"}


def make_clips(video_id: str, config: ClipsConfig) -> Iterator[Clip]:
    """Yields the clips of one video; memory is that of one clip, at its final size.

    Raises:
        VideoError, PoseError, FlowError: the video, its poses or its flow files cannot be used.
    """
    path = os.path.join(config.videos, video_id)
    tool, indices, joints = _estimate(path, video_id, config)
    flows = _flow_files(video_id, config, indices)
    steps = at_rate(read_frames(path), config.fps)
    done = 0
    for number, (start, stop) in enumerate(_spans(joints, config)):
        frames, crop = [], None
        for frame in itertools.islice(steps, start - done, stop - done):
            crop = crop or Crop.around(joints[start:stop], frame.image.shape[:2])
            frames.append(crop.extract(frame.image, config.size))
        done = stop
        inside = crop.to_crop(joints[start:stop], config.size)
        inside[inside[..., 2] == 0] = 0
        if flows is None:
            between = [dis_flow(a, b) for a, b in zip(frames, frames[1:])]
        else:
            between = [
                crop.extract_flow(_flow_between(flows, a, b, frame.image.shape[:2]), config.size)
                for a, b in zip(indices[start:stop], indices[start + 1 : stop])
            ]
        yield Clip(
            clip_id=f"{video_id}#{number}",
            video_id=video_id,
            fps=config.fps,
            frames=np.stack(frames),
            joints=inside,
            flows=np.stack(between),
            pose_tool=tool,
            flow_tool="dis" if flows is None else "flo",
        )


def _estimate(path: str, video_id: str, config: ClipsConfig) -> tuple[str, list[int], np.ndarray]:
    """The pose tool's name, and for every step the frame's index and the person's joints `[14, 3]`."""
    model = config.pose_model or None
    if config.pose in RESULT_TOOLS:
        model = os.path.join(config.pose_results, os.path.splitext(video_id)[0] + RESULT_TOOLS[config.pose])
    indices: list[int] = []
    people: list[np.ndarray] = []
    with create_estimator(config.pose, model) as estimator:
        for frame in at_rate(read_frames(path), config.fps):
            repeated = indices and frame.index == indices[-1]
            people.append(people[-1] if repeated else estimator.detect(frame.image, frame.index))
            indices.append(frame.index)
    max_gap = max(1, round(_MAX_GAP_SECONDS * config.fps))
    return estimator.name, indices, follow_person(people, frame.image.shape[:2], max_gap)


def _spans(joints: np.ndarray, config: ClipsConfig) -> list[tuple[int, int]]:
    """Cuts the steps in which the person is seen into (start, stop) of at most one clip's length."""
    seen = np.concatenate([[False], (joints[..., 2] > 0).any(-1), [False]])
    edges = np.flatnonzero(seen[1:] != seen[:-1]).tolist()
    longest = max(2, round(config.seconds * config.fps))
    shortest = max(2, round(MIN_SECONDS * config.fps))
    cuts = [
        (start, min(start + longest, stop))
        for first, stop in zip(edges[::2], edges[1::2])
        for start in range(first, stop, longest)
    ]
    return [(start, stop) for start, stop in cuts if stop - start >= shortest]


def _flow_files(video_id: str, config: ClipsConfig, indices: Sequence[int]) -> list[Path] | None:
    if not config.flow_dir:
        return None
    directory = Path(config.flow_dir, os.path.splitext(video_id)[0])
    files = sorted(directory.glob("*.flo"))
    if len(files) < indices[-1]:
        raise FlowError(
            f"{directory}: {len(files)} .flo files for {indices[-1] + 1} frames. Give one for each "
            "pair of successive frames, or leave out --flow_dir."
        )
    return files


def _flow_between(files: Sequence[Path], first: int, last: int, shape: tuple[int, int]) -> np.ndarray:
    flow = np.zeros((*shape, 2), np.float32)
    for path in files[first:last]:
        step = read_flo(path)
        if step.shape[:2] != shape:
            raise FlowError(
                f"{path}: is {step.shape[1]} x {step.shape[0]}, the video {shape[1]} x {shape[0]} "
                "pixels. Compute flow at the video's full size."
            )
        flow = chain(flow, step)
    return flow
