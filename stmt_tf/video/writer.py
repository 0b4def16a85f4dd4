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
import errno
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from stmt_tf.files import PathLike, hidden_beside
from stmt_tf.video.container import open_media, reason, warn
from stmt_tf.video.files import VideoError, check_writable
from stmt_tf.video.sound import Sound, Way, find_sound

_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
_TICKS_PER_SECOND = 90000
_BT709 = 1
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
        audio_from: a file whose sound is taken along, as far as the video reaches (`stmt_tf.video.sound`). None, or a
            file without sound: the video is silent.
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
        sound = None if self._audio_from is None else find_sound(self._audio_from)
        for way in sound.ways() if sound is not None else ():
            try:
                return self._begin(sound, way)
            except Exception as error:  # this video is worth more than its sound
                self._resources.close()
                failure = error
        if sound is not None:
            warn(f"{sound.path}: its sound is left out ({str(failure) or type(failure).__name__})")
        self._begin()

    def _begin(self, sound: Sound | None = None, way: Way | None = None) -> None:
        """Opens the hidden file and writes its header, which fails for sound that does not fit in."""
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
        if sound is not None:
            self._audio = way(self._resources.enter_context(open_media(sound.path)), self._container)
        self._next_audio = next(self._audio, None)
        self._container.start_encoding()

    def _mux_audio(self, until: float) -> None:
        while (packet := self._next_audio) is not None and packet.pts * packet.time_base < until:
            try:
                self._container.mux(packet)
            except av.error.FFmpegError as error:
                if error.errno in _NO_ROOM:
                    raise
                warn(f"{self._audio_from}: some of its sound is left out ({reason(error)})")
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
            advice = "Make room on its disk" if error.errno in _NO_ROOM else "Try another directory"
            raise VideoError(f"{self._path}: cannot be written ({reason(error)}). {advice}.") from error
