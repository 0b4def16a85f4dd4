"""From a decoded frame to the picture that a player shows.

It is turned and mirrored as the file says, stretched to square pixels, and converted to 8-bit RGB of BT.709 with the
colour matrix that the file names. Where it names none, the usual guess is made: BT.709 from 720 lines up, BT.601 below.
High dynamic range and wide gamuts are mapped (`stmt_tf.video.hdr`). Behind what is transparent it is black.
"""

from __future__ import annotations

import functools

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from stmt_tf.files import PathLike
from stmt_tf.video import hdr
from stmt_tf.video.files import VideoError
from stmt_tf.video.orientation import Orientation

# Matrices by their numbers in ITU-T H.273.
_UNKNOWN = (0, 2, 3)  # of RGB, which YUV may name by mistake; not told; reserved
_CONVERTED = (1, 4, 5, 6, 7, 9)
_OF_PRIMARIES, _BT2020 = 12, 9  # a matrix that follows from the primaries
_OTHERS = {
    8: "YCgCo", 10: "BT.2020 with constant luminance", 11: "SMPTE 2085", 13: "of constant luminance", 14: "ICtCp",
    15: "IPT-C2", 16: "YCgCo-R", 17: "YCgCo-R",
}  # fmt: skip


class Screen:
    """Shows the frames of one track, all in the size that the first one has upright.

    Args:
        stream: the track.
        path: named in what is told.

    Attributes:
        size: (width, height) upright, with square pixels; None before the first frame.
    """

    def __init__(self, stream: av.video.stream.VideoStream, path: PathLike):
        self._stream, self._path = stream, path
        self.size: tuple[int, int] | None = None
        self._orientation = Orientation()
        self._is_padding: bool | None = None  # what is called alpha

    def show(self, frame: av.VideoFrame) -> tuple[np.ndarray, np.ndarray | None]:
        """Converts a frame.

        Returns:
            uint8 RGB `[H, W, 3]`, and how opaque it is, uint8 `[H, W]`, 255 where nothing shines through; None if that
            is so everywhere.

        Raises:
            VideoError: its colour matrix is none that can be converted.
        """
        if self.size is None or frame.key_frame:
            self._orientation = Orientation.of(frame)
        orientation = self._orientation
        if self.size is None:
            self.size = orientation.size(*self._square(frame))
        width, height = orientation.size(*self.size)
        context = self._stream.codec_context
        # PyAV 15 knows them of the track alone.
        transfer = getattr(frame, "color_trc", context.color_trc)
        primaries = getattr(frame, "color_primaries", context.color_primaries)
        wide = hdr.is_wide(transfer, primaries)
        names = ("rgb48le", "rgba64le") if wide else ("rgb24", "rgba")
        matrix = self._matrix(frame, primaries)
        full_range = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        stored = frame.reformat(
            width=width,
            height=height,
            format=names[_has_alpha(frame.format.name)],
            src_colorspace=matrix,
            # RGB has no matrix, but PyAV 15 skips the conversion where both sides name the same one.
            dst_colorspace=Colorspace.ITU709 if matrix != Colorspace.ITU709 else Colorspace.ITU601,
            src_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
        ).to_ndarray()
        image, alpha = stored[..., :3], stored[..., 3:]
        if wide:
            image = hdr.to_bt709(np.ascontiguousarray(image), transfer, primaries)
            alpha = (alpha >> 8).astype(np.uint8)
        if self._is_padding is None:
            # Of AVIs with 32 bits a pixel, nobody sets the last eight.
            self._is_padding = context.name == "rawvideo" and alpha.size > 0 and not alpha.any()
        if self._is_padding or not alpha.size or alpha.min() == 255:
            return orientation.apply(image), None
        image = (image * (alpha / np.float32(255)) + 0.5).astype(np.uint8)
        return orientation.apply(image), orientation.apply(alpha[..., 0])

    def _square(self, frame: av.VideoFrame) -> tuple[int, int]:
        aspect = self._stream.sample_aspect_ratio
        stretch = aspect if aspect is not None and aspect > 0 else 1
        return max(1, round(frame.width * stretch)), frame.height

    def _matrix(self, frame: av.VideoFrame, primaries: int) -> int:
        matrix = frame.colorspace
        if matrix == _OF_PRIMARIES:
            matrix = {1: 1, 5: 5, 6: 6, 7: 7, 9: _BT2020}.get(primaries, 2)
        if matrix in _UNKNOWN:
            return Colorspace.ITU709 if min(frame.width, frame.height) >= 720 else Colorspace.ITU601
        if matrix not in _CONVERTED and not frame.format.is_rgb:
            name = _OTHERS.get(matrix, f"number {matrix} of ITU-T H.273")
            raise VideoError(
                f"{self._path}: its colours are stored in a way that is not supported (matrix {name}). Convert it to "
                "BT.709."
            )
        return matrix


@functools.lru_cache(maxsize=256)
def _has_alpha(name: str) -> bool:
    kind = av.VideoFormat(name)
    return kind.has_palette or any(component.is_alpha for component in kind.components)
