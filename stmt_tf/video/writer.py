"""Encoding RGB frames to a video that browsers play, with the sound of another file.

The extension of the file tells how (`stmt_tf.video.encodings`). Colours are BT.709; the index of MP4 and QuickTime is
at the front (`+faststart`). Every frame keeps the time that it was given: WebM counts milliseconds, GIF hundredths of
a second.

Most ways of storing colour need even sizes: an odd width or height grows by one repeated column or row. A GIF's longer
side is 640 pixels at most.

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
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from stmt_tf.files import PathLike, hidden_beside
from stmt_tf.video.container import open_media, reason, warn
from stmt_tf.video.encodings import encoding_of
from stmt_tf.video.files import VideoError, check_writable
from stmt_tf.video.palette import Palette
from stmt_tf.video.sound import Sound, Way, find_sound

_TICKS_PER_SECOND = 90000
_BT709 = 1
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_output(path: PathLike, transparent: bool = False) -> None:
    """Raises VideoError if such a video cannot be written to `path`; worth calling before hours of work."""
    encoding_of(path, transparent)
    check_writable(path)


class VideoWriter:
    """Writes one video; a context manager.

    Example:
        >>> with VideoWriter("out.mp4", (640, 360), fps=25, audio_from="in.mp4") as video:
        ...     for frame in read_frames("in.mp4"):
        ...         video.write(frame.image, frame.time)

    Args:
        path: the file to make; it ends in .mp4, .m4v, .mov, .webm or .gif, and its directory exists.
        size: (width, height) of the frames in pixels.
        fps: rate of frames that come without times, and the rate that the file states.
        audio_from: a file whose sound is taken along, as far as the video reaches (`stmt_tf.video.sound`). None, or a
            file without sound: the video is silent, as a GIF always is.
        crf: quality of H.264, from 0 (lossless) to 51; at 15 no loss is visible. Other codecs have one of their own.
        transparent: whether frames come with an alpha channel; .webm and .mov can hold it.
        live: whether frames must not wait: H.264 then takes two thirds of the time, and more room.

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
        crf: int = 15,
        transparent: bool = False,
        live: bool = False,
    ):
        if min(size) < 1 or fps <= 0:
            raise ValueError(f"size and fps must be positive, got size={size}, fps={fps}")
        check_output(path, transparent)
        self._encoding = encoding_of(path, transparent, crf, live)
        self._channels = 4 if transparent else 3
        self._path = Path(path)
        self._size = tuple(size)
        even = [side + side % 2 for side in size]
        shrunk = min(1.0, (self._encoding.largest or max(even)) / max(even))
        self._stored = tuple(max(1, round(shrunk * side)) for side in even)
        self._palette = Palette()
        self._fps = Fraction(fps).limit_denominator(1001)
        # A frame of constant rate lasts a whole number of ticks, so that the rate is exact.
        self._ticks = self._fps.numerator * -(-_TICKS_PER_SECOND // self._fps.numerator)
        self._audio_from = audio_from
        self._temporary = hidden_beside(self._path)
        self._resources = contextlib.ExitStack()
        self._last = self._written = None

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
            image: uint8 RGB `[height, width, 3]`; of a transparent video RGBA `[height, width, 4]`, whose colours are
                not multiplied by alpha.
            time: when it is shown, in seconds, later than the frame before; None: 1 / fps later. A frame that comes too
                soon after the last one for a GIF, by less than 0.02 s, is left out.
        """
        width, height = self._size
        shape = (height, width, self._channels)
        if image.shape != shape or image.dtype != np.uint8:
            raise ValueError(f"expected uint8 {shape}, got {image.dtype} {image.shape}")
        if time is None:
            shown = 0 if self._last is None else self._last + self._interval()
        else:
            shown = round(time * self._ticks)
            if self._last is not None and shown <= self._last:
                raise ValueError(
                    f"times must increase, got {time} s after {self._last / self._ticks} s"
                )
        self._last = shown
        if self._written is not None and shown - self._written < self._encoding.shortest * self._ticks:
            return
        self._written = shown
        even = image
        if height % 2 or width % 2:  # `pad` copies in any case
            even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._encoding.largest:
            even = cv2.resize(even, self._stored, interpolation=cv2.INTER_AREA)
        frame = self._converted(av.VideoFrame.from_ndarray(even, format="rgba" if self._channels == 4 else "rgb24"))
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

    def _converted(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame in the pixels of the encoding."""
        if self._encoding.pixels == "pal8":
            return self._palette.convert(frame)
        return frame.reformat(
            format=self._encoding.pixels, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )

    def _open(self) -> None:
        sound = None if self._audio_from is None or not self._encoding.has_sound else find_sound(self._audio_from)
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
        encoding = self._encoding
        front = {"movflags": "+faststart"} if encoding.container in ("mp4", "mov") else {}
        self._container = self._resources.enter_context(
            av.open(f"file:{self._temporary}", "w", format=encoding.container, options=front)
        )
        self._stream = self._container.add_stream(encoding.codec, rate=self._fps, options=encoding.options)
        self._stream.width, self._stream.height = self._stored
        self._stream.pix_fmt = encoding.pixels
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
