"""Decoding a video file into upright RGB frames, one at a time.

A frame comes out as a player would show it: turned by the file's rotation metadata (phones record
everything sideways and say so in a display matrix), stretched to square pixels, and converted to
8-bit RGB with the colour matrix that the file names. Where it names none, the usual guess is made:
BT.709 from 720 lines up, BT.601 below. High dynamic range is clipped to 8 bits, not tone-mapped.

Every frame carries the time at which it is shown, so that a variable frame rate survives a trip
through this package. Frames are decoded as they are asked for: memory does not grow with the length
of the video.

Only local files are opened, and a playlist in such a file cannot make the decoder reach out to a
network.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from stmt_tf.files import PathLike
from stmt_tf.video.files import VideoError

_UNKNOWN_COLORSPACE = 2
# Times that do not increase are a fault of the file; such frames are shown this far apart.
_SHORTEST_INTERVAL = 1e-3

__all__ = [
    "Frame",
    "VideoError",
    "VideoInfo",
    "display_size",
    "open_media",
    "probe",
    "read_chosen",
    "read_frames",
    "reason",
    "start_time",
    "to_rgb",
    "video_stream",
]


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
        has_audio: whether there is at least one audio track.
    """

    path: str
    width: int
    height: int
    fps: Fraction
    num_frames: int | None
    duration: float | None
    rotation: int
    has_audio: bool


@dataclasses.dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        image: uint8 `[H, W, 3]`, RGB, upright.
        time: seconds from the start of the file; increases from frame to frame.
        index: 0, 1, 2, ... in the order of presentation.
    """

    image: np.ndarray
    time: float
    index: int


def probe(path: PathLike) -> VideoInfo:
    """Returns what `path` holds, after decoding its first frame.

    Raises:
        VideoError: the file is missing, is not a video, or has no frame that can be decoded.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        first = next(_decode(container, stream, path), None)
        if first is None:
            raise _no_frames(path)
        width, height = display_size(first, stream)
        duration = None
        if stream.duration is not None:
            duration = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            duration = container.duration / av.time_base
        return VideoInfo(
            path=os.fspath(path),
            width=width,
            height=height,
            fps=_frame_rate(stream),
            num_frames=stream.frames or None,
            duration=duration,
            rotation=_rotation(first),
            has_audio=bool(container.streams.audio),
        )


def read_frames(path: PathLike) -> Iterator[Frame]:
    """Yields the frames of `path` in the order of presentation.

    Damaged packets before the first frame are skipped, as recordings of broadcasts begin with them.
    Damage after it, and so a file that was cut off within a frame, is an error: a video that
    silently ends early would be worse.

    Raises:
        VideoError: as for `probe`, and for damage; the message then tells the number of the frame
            that could not be decoded.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        interval = float(1 / _frame_rate(stream))
        start = start_time(container)
        size = None
        time = 0.0
        index = -1
        for index, frame in enumerate(_decode(container, stream, path)):
            size = size or display_size(frame, stream)
            shown = time + interval * (index > 0) if frame.time is None else frame.time - start
            time = shown if index == 0 else max(shown, time + _SHORTEST_INTERVAL)
            yield Frame(to_rgb(frame, size), time, index)
        if index < 0:
            raise _no_frames(path)


def read_chosen(path: PathLike, indices: Sequence[int]) -> list[np.ndarray]:
    """The frames of these numbers, in that order; a number may occur twice."""
    wanted, found = set(indices), {}
    for frame in read_frames(path):
        if frame.index in wanted:
            found[frame.index] = frame.image
            if len(found) == len(wanted):
                break
    return [found[index] for index in indices]


@contextlib.contextmanager
def open_media(path: PathLike) -> Iterator[av.container.InputContainer]:
    """Opens a local media file; failures of the decoder inside the block become VideoErrors."""
    if os.path.isdir(path):
        raise VideoError(f"{path}: is a directory. Give a video file.")
    if not os.path.exists(path):
        raise VideoError(f"{path}: no such file. Check the path.")
    try:
        # The explicit protocol keeps a colon in the name from being read as one.
        name = "file:" + os.fspath(path)
        options = {"protocol_whitelist": "file"}
        with av.open(name, options=options, metadata_errors="replace") as container:
            yield container
    except av.error.FFmpegError as error:
        raise VideoError(
            f"{path}: not a readable video ({reason(error)}). Try to play it, or convert it."
        ) from error


def start_time(container: av.container.InputContainer) -> float:
    """Seconds by which the clock of a file is ahead of its beginning (transport streams start anywhere)."""
    return max(0.0, (container.start_time or 0) / av.time_base)


def reason(error: OSError | av.error.FFmpegError) -> str:
    """The system's or the decoder's own words for an error, without numbers and file names."""
    return (error.strerror or type(error).__name__).rstrip(".")


def video_stream(container: av.container.InputContainer, path: PathLike) -> av.video.stream.VideoStream:
    """The track to show; `path` is named if there is none, which is a VideoError."""
    # A cover picture inside a music file is a video track of one frame to the decoder.
    for stream in container.streams.video:
        if stream.disposition & stream.disposition.attached_pic:
            continue
        if stream.codec_context is None:
            raise VideoError(f"{path}: no decoder for its video track. Convert it, say to H.264.")
        return stream
    kind = "only audio" if container.streams.audio else "no video track"
    raise VideoError(f"{path}: holds {kind}. Give a file with a video track.")


def _decode(container, stream, path: PathLike) -> Iterator[av.VideoFrame]:
    count = 0
    for packet in container.demux(stream):
        # A decoder that runs in several threads swallows the error of the half packet that ends a cut file.
        damage = "incomplete data" if packet.is_corrupt else ""
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            damage, frames = reason(error), []
        if damage and count:
            raise VideoError(
                f"{path}: frame {count} cannot be decoded ({damage}); the file is damaged or cut "
                "off. Use a whole copy."
            )
        for frame in frames:
            yield frame
            count += 1


def _no_frames(path: PathLike) -> VideoError:
    return VideoError(f"{path}: the video has no frames. Give one with at least one frame.")


def _frame_rate(stream) -> Fraction:
    return Fraction(stream.average_rate or stream.guessed_rate or 25)


def _rotation(frame: av.VideoFrame) -> int:
    # Angles that are not quarter turns would need a larger canvas; no camera writes them.
    return round(frame.rotation / 90) % 4 * 90


def display_size(frame: av.VideoFrame, stream) -> tuple[int, int]:
    """Width and height, upright, with square pixels."""
    width, height = frame.width, frame.height
    aspect = stream.sample_aspect_ratio
    if aspect is not None and aspect > 0:
        width = max(1, round(width * aspect))
    return (height, width) if _rotation(frame) % 180 else (width, height)


def to_rgb(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """A decoded frame as a player would show it, uint8 RGB; size is (width, height) upright."""
    turns = _rotation(frame) // 90
    width, height = size[::-1] if turns % 2 else size
    colorspace = frame.colorspace
    if colorspace == _UNKNOWN_COLORSPACE:
        high_definition = min(frame.width, frame.height) >= 720
        colorspace = Colorspace.ITU709 if high_definition else Colorspace.ITU601
    full_range = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    rgb = frame.reformat(
        width=width,
        height=height,
        format="rgb24",
        src_colorspace=colorspace,
        # RGB has no matrix, but PyAV 15 skips the conversion where both sides name the same one.
        dst_colorspace=Colorspace.ITU709 if colorspace != Colorspace.ITU709 else Colorspace.ITU601,
        src_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), turns))
