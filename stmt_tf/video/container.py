"""Opening a media file, choosing its tracks, and reading packets past its damage.

Only local files are opened, and a playlist in such a file cannot make the decoder reach out to a network.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterator
from typing import Optional

import av
from absl import logging
from av.stream import Disposition

from stmt_tf.files import PathLike
from stmt_tf.video.files import VideoError

# Covers, preview pictures and tiles of one picture are video tracks to the decoder.
_NO_VIDEO = (
    Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image | Disposition.dependent
)
TIMES_MAY_LEAP, NO_TIMES = 0x0200, 0x0080  # flags of formats
_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)$")
_TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_MOST_FAILURES = 100_000  # at a stretch; a demuxer that fails for ever is left
_FARTHEST_SOUND = 10.0  # seconds between the beginnings of picture and sound, of which the earlier one counts


@contextlib.contextmanager
def open_media(path: PathLike) -> Iterator[av.container.InputContainer]:
    """Opens a local media file; failures of the decoder inside the block become VideoErrors."""
    if os.path.isdir(path):
        raise VideoError(f"{path}: is a directory. Give a video file.")
    if not os.path.exists(path):
        raise VideoError(f"{path}: no such file. Check the path.")
    if _is_animated_webp(path):
        raise VideoError(f"{path}: animated WebP is not supported. Convert it, say to MP4.")
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


def _is_animated_webp(path: PathLike) -> bool:
    try:
        with open(path, "rb") as file:
            head = file.read(21)
    except OSError:  # which the decoder tells
        return False
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) == 21 and bool(head[20] & 2)


def reason(error: OSError | av.error.FFmpegError) -> str:
    """The system's or the decoder's own words for an error, without numbers and file names."""
    return (error.strerror or type(error).__name__).rstrip(".")


def video_stream(container: av.container.InputContainer, path: PathLike) -> av.video.stream.VideoStream:
    """The track to show, the default one of several; `path` is named if there is none, which is a VideoError."""
    tracks = [stream for stream in container.streams.video if not stream.disposition & _NO_VIDEO]
    decodable = [stream for stream in tracks if stream.codec_context is not None]
    if decodable:
        # One frame is a still picture, if there is more.
        return _default([stream for stream in decodable if stream.frames != 1] or decodable)
    if tracks:
        raise VideoError(f"{path}: no decoder for its video track. Convert it, say to H.264.")
    kind = "only audio" if container.streams.audio else "no video track"
    raise VideoError(f"{path}: holds {kind}. Give a file with a video track.")


def decoder_of(stream: av.video.stream.VideoStream) -> av.video.codeccontext.VideoCodecContext:
    """The decoder of a track; of VP8 and VP9 that are transparent, the one that decodes this too."""
    name = _TRANSPARENT.get(stream.codec_context.name)
    if stream.metadata.get("alpha_mode") == "1" and name in av.codecs_available:
        return av.CodecContext.create(name, "r")
    return stream.codec_context


def audio_stream(container: av.container.InputContainer) -> av.audio.stream.AudioStream | None:
    """The track to hear, the default one of those that can be decoded; None if there is none."""
    decodable = [stream for stream in container.streams.audio if stream.codec_context is not None]
    return _default(decodable) if decodable else None


def _default(streams: list):
    return next((stream for stream in streams if stream.disposition & Disposition.default), streams[0])


def begin(container: av.container.InputContainer, stream: av.video.stream.VideoStream | None) -> float:
    """Seconds that the clock of a file shows at its beginning (transport streams start anywhere).

    It is that of the picture, or of the sound, if this begins before; sound that begins before 0 is to be cut.
    """
    audio = audio_stream(container)
    starts = [float(s.start_time * s.time_base) for s in (stream, audio) if s is not None and s.start_time is not None]
    if not starts:
        return 0.0
    if starts[0] - starts[-1] > _FARTHEST_SOUND:
        return starts[0]
    return min(starts[0], max(0.0, min(starts)))


def packets(container: av.container.InputContainer, *streams: av.stream.Stream) -> Iterator[Optional[av.Packet]]:
    """Yields the packets of these tracks in the order of the file, and None for each that cannot be read.

    The last ones are empty, and flush a decoder.
    """
    failures = 0
    while failures < _MOST_FAILURES:
        try:
            for packet in container.demux(*streams):
                failures = 0
                yield packet
            return
        except av.error.FFmpegError:
            failures += 1
            yield None


@functools.lru_cache(maxsize=1024)
def warn(message: str) -> None:
    """Logs a warning once: a file is read several times."""
    logging.warning("%s", message)


def stated_length(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> float | None:
    """Seconds that a video has by its file's header, or None; MP4 is left to `beyond_end`, for its edit lists."""
    if container.format.flags & (TIMES_MAY_LEAP | NO_TIMES) or _is_mp4(container):
        return None
    if stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    if match := _DURATION.match(stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = match.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    # That of the longest track.
    return container.duration / av.time_base if container.duration and len(container.streams) == 1 else None


def beyond_end(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> tuple[int, int]:
    """Of a file that was cut off: how many frames an MP4 lists that begin behind its end, and that begin before it."""
    if not _is_mp4(container):
        return 0, 0
    index = getattr(stream, "index_entries", ())  # since PyAV 16
    behind = sum(entry.pos >= container.size for entry in index)
    return behind, sum(entry.pos + entry.size > container.size for entry in index) - behind


def _is_mp4(container: av.container.InputContainer) -> bool:
    return "mp4" in container.format.name.split(",")
