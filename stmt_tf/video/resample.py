"""Frames at a constant rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stmt_tf.video.reader import Frame


def at_rate(frames: Iterable[Frame], fps: float) -> Iterator[Frame]:
    """Yields, for the times 0, 1 / fps, 2 / fps, ... after the first frame, the frame nearest to each.

    The times end with the last frame's. A frame may come several times or never; each keeps its own
    index and time.
    """
    earlier, start, count = None, 0.0, 0
    for later in frames:
        if earlier is None:
            earlier, start = later, later.time
        # The margin keeps rounding from losing the last frame of a video that has this rate already.
        while (time := start + count / fps) <= later.time + 1e-6:
            yield earlier if time - earlier.time <= later.time - time else later
            count += 1
        earlier = later
