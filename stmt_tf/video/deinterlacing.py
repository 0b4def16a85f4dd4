"""Frames out of two fields each, which were taken one after the other, become frames of one time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import av
from av.filter import Graph


def deinterlaced(frames: Iterable[tuple[av.VideoFrame, float]]) -> Iterator[tuple[av.VideoFrame, float]]:
    """Yields as many frames as there are, with their times; those that are not interlaced as they are (FFmpeg's bwdif).

    What is not interlaced at all passes by the filter.
    """
    graph, kind, waiting = None, None, deque()
    for frame, time in frames:
        if graph is not None and kind != _kind(frame):
            yield from _rest(graph, waiting)
            graph = None
        if graph is None and frame.interlaced_frame:
            graph, kind = _graph(frame), _kind(frame)
        if graph is None:
            yield frame, time
            continue
        waiting.append(time)
        graph.push(frame)
        yield from _ready(graph, waiting)
    if graph is not None:
        yield from _rest(graph, waiting)


def _kind(frame: av.VideoFrame) -> tuple:
    return frame.width, frame.height, frame.format.name


def _graph(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    width, height, name = _kind(frame)
    source = graph.add_buffer(width=width, height=height, format=name, time_base=frame.time_base)
    bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
    return graph


def _rest(graph: Graph, waiting: deque) -> Iterator[tuple[av.VideoFrame, float]]:
    graph.push(None)
    yield from _ready(graph, waiting)


def _ready(graph: Graph, waiting: deque) -> Iterator[tuple[av.VideoFrame, float]]:
    while waiting:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield frame, waiting.popleft()
