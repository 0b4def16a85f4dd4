"""From a decoded frame to the picture that a player shows.

It is turned by the file's rotation metadata (phones record everything sideways and say so in a display matrix),
stretched to square pixels, and converted to 8-bit RGB with the colour matrix that the file names. Where it names none,
the usual guess is made: BT.709 from 720 lines up, BT.601 below.
"""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

_UNKNOWN_COLORSPACE = 2


def rotation(frame: av.VideoFrame) -> int:
    """Degrees by which a frame is turned counterclockwise: 0, 90, 180 or 270."""
    # Angles that are not quarter turns would need a larger canvas; no camera writes them.
    return round(frame.rotation / 90) % 4 * 90


def display_size(frame: av.VideoFrame, stream) -> tuple[int, int]:
    """Width and height, upright, with square pixels."""
    width, height = frame.width, frame.height
    aspect = stream.sample_aspect_ratio
    if aspect is not None and aspect > 0:
        width = max(1, round(width * aspect))
    return (height, width) if rotation(frame) % 180 else (width, height)


def to_rgb(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """A decoded frame as a player would show it, uint8 RGB; size is (width, height) upright."""
    turns = rotation(frame) // 90
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
