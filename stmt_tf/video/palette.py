"""Frames in 256 colours, for GIF."""

from __future__ import annotations

from fractions import Fraction

import av
from av.filter import Graph


def in_palette(frame: av.VideoFrame) -> av.VideoFrame:
    """A frame in the 256 colours that suit it best, dithered by a pattern that stays in place from frame to frame."""
    graph = Graph()
    given = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1))
    split = graph.add("split")
    chosen = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    used = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=3")
    given.link_to(split)
    split.link_to(chosen, 0, 0)
    split.link_to(used, 1, 0)
    chosen.link_to(used, 0, 1)
    used.link_to(graph.add("buffersink"))
    graph.configure()
    graph.push(frame)
    graph.push(None)
    return graph.pull()
