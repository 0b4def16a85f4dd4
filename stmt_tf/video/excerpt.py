"""An excerpt of a video, which is read as if it were a video of its own."""

from __future__ import annotations

import dataclasses
import math
import os

from stmt_tf.files import PathLike

_TOLERANCE = 1e-3  # seconds; times of files are rounded


@dataclasses.dataclass(frozen=True)
class Excerpt(os.PathLike):
    """The path of a video file of which only an excerpt is meant.

    What reads frames, facts or sound of a video reads those of the excerpt; its first frame has the number 0.

    Attributes:
        path: the file.
        start, end: seconds from the file's beginning. A frame at `start` belongs to it, one at `end` does not.
    """

    path: str
    start: float = 0.0
    end: float = math.inf

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.path

    def before(self, time: float) -> bool:
        """Whether the excerpt begins later."""
        return time < self.start - _TOLERANCE

    def holds(self, time: float) -> bool:
        """Whether a frame of this time belongs to the excerpt."""
        return not (self.before(time) or self.over(time))

    def over(self, time: float) -> bool:
        """Whether the excerpt has ended."""
        return time >= self.end - _TOLERANCE


def excerpt(path: PathLike) -> Excerpt:
    """The excerpt that a path means: without further words the whole file."""
    return path if isinstance(path, Excerpt) else Excerpt(os.fspath(path))
