"""Decoding a video file into upright RGB frames, one at a time.

A frame comes out as a player would show it (`stmt_tf.video.colour`). Every frame carries the time at which it is shown
(`stmt_tf.video.timeline`), so that a variable frame rate survives a trip through this package. Frames are decoded as
they are asked for: memory does not grow with the length of the video.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np

from stmt_tf.files import PathLike
from stmt_tf.video.colour import Screen
from stmt_tf.video.container import audio_stream, begin, open_media, packets, video_stream
from stmt_tf.video.decoding import Track
from stmt_tf.video.deinterlacing import deinterlaced
from stmt_tf.video.excerpt import excerpt
from stmt_tf.video.files import VideoError
from stmt_tf.video.orientation import Orientation
from stmt_tf.video.picture import is_picture, read_picture
from stmt_tf.video.timeline import Clock

__all__ = [
    "Frame", "VideoError", "VideoInfo", "frame_times", "length_of", "probe", "read_chosen", "read_chosen_frames",
    "read_frames",
]  # fmt: skip

# Packets of a video, for its frame rate, and megabytes of them.
_LOOKED_AT, _ENOUGH = 100, 50


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """What a file says about its video.

    Attributes:
        path: the file.
        width: of the frames that `read_frames` yields, in pixels.
        height: of those frames, in pixels.
        fps: average frame rate.
        num_frames: the container's frame count, or None where it has none; a damaged file may hold
            fewer.
        duration: seconds, or None where the container does not say.
        rotation: degrees by which stored frames are turned counterclockwise: 0, 90, 180 or 270.
        mirrored: whether they are mirrored before that.
        has_audio: whether there is at least one audio track.
    """

    path: str
    width: int
    height: int
    fps: Fraction
    num_frames: int | None
    duration: float | None
    rotation: int
    mirrored: bool
    has_audio: bool


@dataclasses.dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        image: uint8 `[H, W, 3]`, RGB, upright; black where it is hidden.
        time: seconds from the start of the file; increases from frame to frame.
        index: 0, 1, 2, ... in the order of presentation.
        alpha: uint8 `[H, W]`, from 0 where the picture is hidden to 255 where it is opaque; None if all of it is.
    """

    image: np.ndarray
    time: float
    index: int
    alpha: np.ndarray | None = None


def probe(path: PathLike) -> VideoInfo:
    """Returns what `path` holds, after decoding its first frame; of an `Excerpt`, what that holds, about.

    Raises:
        VideoError: the file is missing, is not a video, has no frame that can be decoded, or is a damaged picture; or
            the excerpt begins after its end.
    """
    if is_picture(path):
        read_picture(path)  # of half a picture the decoder would make a whole one, in silence
    with open_media(path) as container:
        stream = video_stream(container, path)
        track = Track(container, stream, path)
        first, _ = next(track.frames())
        size = 0.0
        for packet in itertools.islice(packets(container, stream), _LOOKED_AT):
            if packet is not None and size < _ENOUGH:
                track.clock.place(packet)
                size += packet.size / 1e6
        screen = Screen(stream, path)
        screen.show(first)
        width, height = screen.size
        orientation = Orientation.of(first)
        duration = None
        if stream.duration is not None:
            duration = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            duration = container.duration / av.time_base
        num_frames, part = _num_frames(stream, duration, track.clock.rate), excerpt(path)
        if part.start >= (duration or 0.0) and part.start >= length_of(path):
            raise _no_frame(path)
        if duration is not None and (part.start or part.end < duration):
            duration = max(0.0, min(part.end, duration) - part.start)
            num_frames = max(1, round(duration * track.clock.rate))
        return VideoInfo(
            path=os.fspath(path),
            width=width,
            height=height,
            fps=track.clock.rate,
            num_frames=num_frames,
            duration=duration,
            rotation=orientation.rotation,
            mirrored=orientation.mirrored,
            has_audio=audio_stream(container) is not None,
        )


def length_of(path: PathLike) -> float:
    """Seconds to the end of a file's last frame, by the times of its packets: not every file states its duration.

    Raises:
        VideoError: the file is no video.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        clock = Clock(container, stream, begin(container, stream))
        for packet in packets(container, stream):
            if packet is not None:
                clock.place(packet)
        return clock.end


def _num_frames(stream: av.video.stream.VideoStream, duration: float | None, rate: Fraction) -> int | None:
    # Of an AVI, this may be the number of its clock's ticks.
    plausible = duration is None or 0.5 * stream.frames < duration * rate + 1
    return stream.frames if stream.frames and plausible else None


def read_frames(path: PathLike) -> Iterator[Frame]:
    """Yields the frames of `path`, which may be an `Excerpt`, in the order of presentation.

    Damage is decoded as far as it goes, and a warning at the end tells what was lost. Damaged packets before the first
    frame are skipped without a word, as recordings of broadcasts begin with them.

    Raises:
        VideoError: as for `probe`, and at the end if most of the frames are lost, or none is in the excerpt.
    """
    part, index = excerpt(path), 0
    with open_media(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        screen = Screen(stream, path)
        for frame, time in deinterlaced(Track(container, stream, path).frames()):
            if part.over(time):
                break
            if part.before(time) and screen.size is not None:  # which the file's first frame tells
                continue
            image, alpha = screen.show(frame)
            if not part.before(time):
                yield Frame(image, max(0.0, time - part.start), index, alpha)
                index += 1
    if not index:
        raise _no_frame(path)


def _no_frame(path: PathLike) -> VideoError:
    part = excerpt(path)
    until = "on" if part.end == math.inf else f"to {part.end:g} s"
    return VideoError(f"{path}: has no frame from {part.start:g} s {until}. Give other seconds.")


def frame_times(path: PathLike) -> np.ndarray:
    """When each of the frames that `read_frames` yields is shown, float `[T]` in seconds, without their pictures."""
    part = excerpt(path)
    with open_media(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        times = [time for _, time in deinterlaced(Track(container, stream, path).frames())]
    return np.array([max(0.0, time - part.start) for time in times if part.holds(time)])


def read_chosen(path: PathLike, indices: Sequence[int]) -> list[np.ndarray]:
    """The pictures of the frames of these numbers, in that order; a number may occur twice."""
    return [frame.image for frame in read_chosen_frames(path, indices)]


def read_chosen_frames(path: PathLike, indices: Sequence[int]) -> list[Frame]:
    """As `read_chosen`, the frames with their times and alpha."""
    wanted, found = set(indices), {}
    for frame in read_frames(path):
        if frame.index in wanted:
            found[frame.index] = frame
            if len(found) == len(wanted):
                break
    return [found[index] for index in indices]
