"""One video to clips: a pure function of the file's content, its name and the settings, without any output of its own.

Called twice, wherever it runs, it gives the same records, byte for byte; so a pool of processes on one machine or a
pipeline over many may call it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stmt_tf.data.schema import Clip, encode_clip
from stmt_tf.files import PathLike
from stmt_tf.pose import body
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.draw import draw_skeleton
from stmt_tf.pose.estimators import Estimator, PoseError
from stmt_tf.pose.mattes import clip_masks
from stmt_tf.video.files import VideoError
from stmt_tf.video.flow import FlowError, chain, dis_flow, read_flo
from stmt_tf.video.reader import Frame, read_frames
from stmt_tf.video.resample import at_rate
from tfrecords_tools.clips.settings import ClipSettings
from tfrecords_tools.clips.spans import Fault, Span, find_spans
from tfrecords_tools.clips.survey import Survey, open_estimator, survey

_THUMBNAIL_HEIGHT, _WIDEST_THUMBNAIL = 120, 240
_TURNED = 1 / 3  # of `body.facing`: less than this shows a side


@dataclasses.dataclass(frozen=True)
class Part:
    """What became of a part of a video.

    Attributes:
        start, stop: seconds from the video's first frame.
        measures: what was measured, by name: see `spans`.
        faults: the measures for which it is no clip.
        problem: what was wrong with the whole video, if that cannot be used.
        thumbnail: JPEG of the frame in its middle with the skeleton, or of those before and after a cut; may be empty.
        clip_id: of the clip that it became, or nothing.
        figures: of the clip: `frames`; `coverage`, the share of its joints that were found; `front`, `side` and `back`,
            shares of its frames by what the person shows.
        record: the clip, serialised.
    """

    start: float
    stop: float
    measures: Mapping[str, float]
    faults: tuple[Fault, ...] = ()
    problem: str = ""
    thumbnail: bytes = b""
    clip_id: str = ""
    figures: Mapping[str, float] = dataclasses.field(default_factory=dict)
    record: bytes | None = None

    def as_json(self) -> dict[str, Any]:
        """All but the pictures, as JSON can say it."""
        values = dataclasses.asdict(self)
        del values["thumbnail"], values["record"]
        return {name: value for name, value in values.items() if value or name in ("start", "stop")}


def process_video(path: PathLike, video_id: str, settings: ClipSettings) -> Iterator[Part]:
    """Yields what becomes of each part of a video, in the order of time; memory is that of one clip, at its final size.

    Args:
        path: where the video lies now; of it only the content counts.
        video_id: its name, which the clips bear.
        settings: how to cut it.

    Raises:
        VideoError, PoseError, FlowError: the video, its poses or its flow files cannot be used; what was yielded before
            is to be thrown away. `unusable` makes a part of it.
    """
    with open_estimator(video_id, settings) as estimator:
        found = survey(path, estimator, settings)
        steps = _Steps(at_rate(read_frames(path), settings.fps))
        video = _Video(video_id, found, steps, _flow_files(video_id, settings, found.indices), estimator, settings)
        clips = 0
        for span in find_spans(found, video_id, settings):
            part = Part(
                start=span.start / settings.fps,
                stop=span.stop / settings.fps,
                measures=span.measures,
                faults=span.faults,
            )
            if span.faults:
                yield dataclasses.replace(part, thumbnail=_thumbnail(span, found, steps))
                continue
            clip = video.clip(f"{video_id}#{clips}", span)
            clips += 1
            middle = len(clip.frames) // 2
            yield dataclasses.replace(
                part,
                thumbnail=_encoded([_small(clip.frames[middle], clip.joints[middle])]),
                clip_id=clip.clip_id,
                figures=figures(clip.joints),
                record=encode_clip(clip),
            )


def unusable(path: PathLike, video_id: str, error: Exception) -> Part:
    """The only part of a video that cannot be used, with its first frame where that can be decoded."""
    told = (str(error) or type(error).__name__).splitlines()[0]
    if not isinstance(error, (FlowError, PoseError, VideoError)):
        told = f"{type(error).__name__}: {told}"
    thumbnail = b""
    # Whatever was wrong may be wrong again.
    with contextlib.suppress(Exception), contextlib.closing(read_frames(path)) as frames:
        thumbnail = _encoded([_small(next(frames).image)])
    # Where the video lay says nothing later; and elsewhere it lies elsewhere.
    told = told.replace(os.fspath(path), video_id)
    if video_id not in told:
        told = f"{video_id}: {told}"
    return Part(0.0, 0.0, {}, problem=told, thumbnail=thumbnail)


def figures(joints: np.ndarray) -> dict[str, float]:
    """What is told of a clip with these joints `[T, 14, 3]`; see `Part.figures`."""
    facing = body.facing(joints)
    return {
        "frames": len(joints),
        "coverage": float((joints[..., 2] > 0).mean()),
        "front": float((facing > _TURNED).mean()),
        "side": float((np.abs(facing) <= _TURNED).mean()),
        "back": float((facing < -_TURNED).mean()),
    }


class _Steps:
    """The frames of a video's steps, asked for in rising order; the last may be asked for again."""

    def __init__(self, frames: Iterator[Frame]):
        self._frames = frames
        self._number = -1

    def image(self, number: int) -> np.ndarray:
        while self._number < number:
            self._image = next(self._frames).image
            self._number += 1
        return self._image


@dataclasses.dataclass(frozen=True)
class _Video:
    """A video that was looked at, of which clips are cut in the order of time."""

    video_id: str
    found: Survey
    steps: _Steps
    flows: Sequence[Path] | None
    estimator: Estimator
    settings: ClipSettings

    def clip(self, clip_id: str, span: Span) -> Clip:
        found, size, during = self.found, self.settings.size, slice(span.start, span.stop)
        crop = Crop.around(found.joints[during], found.frame_size)
        frames, mattes = [], []
        for step in range(span.start, span.stop):
            image = self.steps.image(step)
            matte = self.estimator.matte(image, found.joints[step])
            frames.append(crop.extract(image, size))
            mattes.append(None if matte is None else crop.extract(matte, size))
        joints = crop.to_crop(found.joints[during], size)
        joints[joints[..., 2] == 0] = 0
        if self.flows is None:
            between = [dis_flow(a, b) for a, b in zip(frames, frames[1:])]
        else:
            indices = found.indices[during].tolist()
            between = [
                crop.extract_flow(_flow_between(self.flows, a, b, found.frame_size), size)
                for a, b in zip(indices, indices[1:])
            ]
        return Clip(
            clip_id=clip_id,
            video_id=self.video_id,
            fps=self.settings.fps,
            frames=np.stack(frames),
            joints=joints,
            flows=np.stack(between),
            pose_tool=found.pose_tool,
            flow_tool="dis" if self.flows is None else "flo",
            masks=None if mattes[0] is None else clip_masks(np.stack(mattes), joints),
        )


def _flow_files(video_id: str, settings: ClipSettings, indices: np.ndarray) -> list[Path] | None:
    if not settings.flow_dir:
        return None
    directory = Path(settings.flow_dir, os.path.splitext(video_id)[0])
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


def _thumbnail(span: Span, found: Survey, steps: _Steps) -> bytes:
    is_cut = span.start == span.stop
    shown = (span.start - 1, span.start) if is_cut else ((span.start + span.stop) // 2,)
    return _encoded([_small(steps.image(step), found.joints[step]) for step in shown])


def _small(image: np.ndarray, joints: np.ndarray | None = None) -> np.ndarray:
    scale = min(_THUMBNAIL_HEIGHT / image.shape[0], _WIDEST_THUMBNAIL / image.shape[1])
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return small if joints is None else draw_skeleton(small, joints * (scale, scale, 1))


def _encoded(pictures: Sequence[np.ndarray]) -> bytes:
    beside = np.concatenate(pictures, axis=1)[..., ::-1]
    return cv2.imencode(".jpg", beside, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
