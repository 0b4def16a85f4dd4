"""Encoding RGB frames to an H.264 video that browsers play, with the sound of another file.

The file is yuv420p in BT.709, its index at the front (`+faststart`). Every frame keeps the time that
it was given. There are no B-frames: with them, containers lose the exact times of a variable frame
rate, and they would save but a few percent of the size.

This way of storing colour needs even sizes: an odd width or height grows by one repeated column or
row.

The file appears under its name when it is complete, or never: frames go to a hidden file beside it,
which is renamed at the end and removed on any exception, an interrupt from the keyboard included.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from stmt_tf.files import PathLike, hidden_beside
from stmt_tf.video.files import VideoError, check_writable
from stmt_tf.video.reader import open_media, reason, start_time

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
_COPIED_AUDIO = ("aac", "mp3", "mp3float")
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_AAC_FRAME = 1024
_TICKS_PER_SECOND = 90000
_BT709 = 1


def check_output(path: PathLike) -> None:
    """Raises VideoError if a video cannot be written to `path`; worth calling before hours of work."""
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise VideoError(f"{path}: unsupported extension {path.suffix!r}. Use one of {', '.join(_FORMATS)}.")
    check_writable(path)


class VideoWriter:
    """Writes one video; a context manager.

    Example:
        >>> with VideoWriter("out.mp4", (640, 360), fps=25, audio_from="in.mp4") as video:
        ...     for frame in read_frames("in.mp4"):
        ...         video.write(frame.image, frame.time)

    Args:
        path: the file to make; it ends in .mp4, .m4v or .mov, and its directory exists.
        size: (width, height) of the frames in pixels.
        fps: rate of frames that come without times, and the rate that the file states.
        audio_from: a file whose first audio track is taken along, as far as the video reaches:
            copied if it is AAC or MP3, else encoded as AAC, and cut short where it is damaged.
            None, or a file without sound: the video is silent.
        crf: quality of H.264, from 0 (lossless) to 51; at 18 no loss is visible.

    Raises:
        VideoError: on construction, if `path` cannot be written; in the block, if writing fails; at
            its end, if there was no frame.
    """

    def __init__(
        self,
        path: PathLike,
        size: tuple[int, int],
        fps: Fraction | float,
        audio_from: PathLike | None = None,
        crf: int = 18,
    ):
        if min(size) < 1 or fps <= 0:
            raise ValueError(f"size and fps must be positive, got size={size}, fps={fps}")
        check_output(path)
        self._path = Path(path)
        self._size = tuple(size)
        self._fps = Fraction(fps).limit_denominator(1001)
        # A frame of constant rate lasts a whole number of ticks, so that the rate is exact.
        self._ticks = self._fps.numerator * -(-_TICKS_PER_SECOND // self._fps.numerator)
        self._audio_from = audio_from
        self._crf = crf
        self._temporary = hidden_beside(self._path)
        self._resources = contextlib.ExitStack()
        self._last = None

    def __enter__(self) -> VideoWriter:
        try:
            with self._failures():
                self._open()
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, image: np.ndarray, time: float | None = None) -> None:
        """Appends a frame.

        Args:
            image: uint8 RGB `[height, width, 3]`.
            time: when it is shown, in seconds, later than the frame before; None: 1 / fps later.
        """
        width, height = self._size
        if image.shape != (height, width, 3) or image.dtype != np.uint8:
            raise ValueError(
                f"expected uint8 ({height}, {width}, 3), got {image.dtype} {image.shape}"
            )
        if time is None:
            shown = 0 if self._last is None else self._last + self._interval()
        else:
            shown = round(time * self._ticks)
            if self._last is not None and shown <= self._last:
                raise ValueError(
                    f"times must increase, got {time} s after {self._last / self._ticks} s"
                )
        self._last = shown
        even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(even, format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.pts, frame.time_base = shown, Fraction(1, self._ticks)
        with self._failures():
            self._container.mux(self._stream.encode(frame))
            self._mux_audio(until=shown / self._ticks)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                with self._failures():
                    self._finish()
        finally:
            self._discard()

    def _open(self) -> None:
        self._container = self._resources.enter_context(
            av.open(
                f"file:{self._temporary}",
                "w",
                format=_FORMATS[self._path.suffix.lower()],
                options={"movflags": "+faststart"},
            )
        )
        options = {"crf": str(self._crf), "preset": "fast", "bf": "0"}
        self._stream = self._container.add_stream("libx264", rate=self._fps, options=options)
        self._stream.width, self._stream.height = (side + side % 2 for side in self._size)
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, self._ticks)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = ColorRange.MPEG
        self._audio: Iterator[av.Packet] = iter(())
        if self._audio_from is not None:
            source = self._resources.enter_context(open_media(self._audio_from))
            if source.streams.audio:
                self._audio = _audio_packets(source, self._container)
        self._next_audio = next(self._audio, None)

    def _mux_audio(self, until: float) -> None:
        while (packet := self._next_audio) is not None and packet.pts * packet.time_base < until:
            self._container.mux(packet)
            self._next_audio = next(self._audio, None)

    def _finish(self) -> None:
        if self._last is None:
            raise VideoError(f"{self._path}: no frames to write.")
        self._container.mux(self._stream.encode(None))
        self._mux_audio(until=(self._last + self._interval()) / self._ticks)
        self._container.close()
        os.replace(self._temporary, self._path)

    def _discard(self) -> None:
        """Closes everything, and removes the hidden file where it was not renamed."""
        with contextlib.suppress(av.error.FFmpegError):
            self._resources.close()
        self._temporary.unlink(missing_ok=True)

    def _interval(self) -> int:
        return round(self._ticks / self._fps)

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(
                f"{self._path}: cannot be written ({reason(error)}). Check the disk's free space."
            ) from error


def _audio_packets(
    source: av.container.InputContainer, output: av.container.OutputContainer
) -> Iterator[av.Packet]:
    """Adds an audio track to `output` at once; its packets come later, from the iterator."""
    track = source.streams.audio[0]
    if track.codec_context.name in _COPIED_AUDIO:
        return _copied(source, track, output.add_stream_from_template(track))
    rate = track.rate if track.rate in _AAC_RATES else 48000
    layout = "mono" if track.channels == 1 else "stereo"
    return _encoded(source, track, output.add_stream("aac", rate=rate, layout=layout))


def _copied(source, track, stream) -> Iterator[av.Packet]:
    ahead = round(start_time(source) / track.time_base)
    for packet in _demuxed(source, track):
        if packet.pts is None or packet.dts is None:
            continue
        packet.pts -= ahead
        packet.dts -= ahead
        packet.stream = stream
        yield packet


def _encoded(source, track, stream) -> Iterator[av.Packet]:
    context = stream.codec_context
    resampler = av.AudioResampler(
        context.format, context.layout, context.rate, frame_size=_AAC_FRAME
    )
    ahead = round(start_time(source) / track.time_base)
    for packet in _demuxed(source, track):
        with contextlib.suppress(av.error.FFmpegError):
            for frame in packet.decode():
                if frame.pts is not None:
                    frame.pts -= ahead
                for part in resampler.resample(frame):
                    yield from stream.encode(part)
    for part in resampler.resample(None):
        yield from stream.encode(part)
    yield from stream.encode(None)


def _demuxed(source, track) -> Iterator[av.Packet]:
    # Damaged sound is no reason to lose a video that is worth hours of work.
    with contextlib.suppress(av.error.FFmpegError):
        yield from source.demux(track)
