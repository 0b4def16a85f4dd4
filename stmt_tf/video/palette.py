"""Frames in 256 colours, for GIF.

All frames have the colours of the first one, so that what stands still is stored once. A frame that they do not suit,
such as one after a cut, brings colours of its own.
"""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
from av.filter import Graph

_WORSE = 1.5, 1.0  # times the error of the frame that the colours are of, and so much of 255 more: they do not suit
_LOOKED_AT = 8  # every so many pixels in either direction


class Palette:
    """Turns the frames of one video into 256 colours."""

    def __init__(self) -> None:
        self._most = -1.0

    def convert(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The next frame, of the same size as the others, dithered by a pattern that stays in place."""
        if self._most >= 0:
            reduced = self._reduce(frame)
            if _error(frame, reduced) <= self._most:
                return reduced
        self._take_colours(frame)
        reduced = self._reduce(frame)
        self._most = _WORSE[0] * _error(frame, reduced) + _WORSE[1]
        return reduced

    def _take_colours(self, frame: av.VideoFrame) -> None:
        choosing = Graph()
        # The encoder needs one colour that no pixel has, for pixels that stay as they were.
        given, chosen = _buffer(choosing, frame), choosing.add("palettegen", "max_colors=255:reserve_transparent=0")
        given.link_to(chosen)
        chosen.link_to(choosing.add("buffersink"))
        choosing.configure()
        choosing.push(frame)
        choosing.push(None)
        colours = choosing.pull()
        self._graph = Graph()
        self._given, palette = _buffer(self._graph, frame), _buffer(self._graph, colours)
        used, self._made = self._graph.add("paletteuse", "dither=bayer:bayer_scale=5"), self._graph.add("buffersink")
        self._given.link_to(used, 0, 0)
        palette.link_to(used, 0, 1)
        used.link_to(self._made)
        self._graph.configure()
        palette.push(_numbered(colours, 0))
        palette.push(None)
        self._count = 0

    def _reduce(self, frame: av.VideoFrame) -> av.VideoFrame:
        self._given.push(_numbered(frame, self._count))
        self._count += 1
        return self._made.pull()


def _buffer(graph: Graph, frame: av.VideoFrame) -> av.filter.context.FilterContext:
    return graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1))


def _numbered(frame: av.VideoFrame, number: int) -> av.VideoFrame:
    frame.pts, frame.time_base = number, Fraction(1)
    return frame


def _error(frame: av.VideoFrame, reduced: av.VideoFrame) -> float:
    """Mean difference of colours, of 255, with what dithers blurred."""
    one, other = (
        cv2.blur(each.to_ndarray(format="rgb24"), (4, 4))[::_LOOKED_AT, ::_LOOKED_AT].astype(np.int16)
        for each in (frame, reduced)
    )
    return float(np.abs(one - other).mean())
