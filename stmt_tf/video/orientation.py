"""How a frame is turned and mirrored before it is shown: phones record everything sideways and say so."""

from __future__ import annotations

import dataclasses
import struct

import av
import numpy as np


@dataclasses.dataclass(frozen=True)
class Orientation:
    """Exchanges the axes of a stored picture, then flips the picture that this gives.

    Attributes:
        swapped: whether columns become rows.
        flipped: whether left and right are exchanged then.
        upended: whether top and bottom are exchanged then.
    """

    swapped: bool = False
    flipped: bool = False
    upended: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """That of a frame's display matrix, which may come from the container or from the codec."""
        for data in frame.side_data.keys():
            if data.type.name == "DISPLAYMATRIX":
                return cls.of_matrix(struct.unpack("=9i", bytes(data)))
        return cls()

    @classmethod
    def of_matrix(cls, matrix: tuple[int, ...]) -> Orientation:
        """That of a matrix of 3 x 3 as MP4 has it: a point (x, y), y down, moves to (x a + y c, x b + y d)."""
        a, b, _, c, d = matrix[:5]
        # Angles that are not quarter turns would need a larger canvas; no camera writes them.
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    @property
    def rotation(self) -> int:
        """Degrees by which the picture is turned counterclockwise, after it was mirrored if it is."""
        turns = {(False, False): 0, (True, True): 2} if not self.swapped else {(False, True): 1, (True, False): 3}
        if self.mirrored:
            turns = {(True, False): 0, (False, True): 2} if not self.swapped else {(False, False): 1, (True, True): 3}
        return 90 * turns[self.flipped, self.upended]

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged."""
        return self.swapped ^ self.flipped ^ self.upended

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height as shown, of a stored picture's; and of a stored one's, as shown."""
        return (height, width) if self.swapped else (width, height)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """The picture `[H, W]` or `[H, W, C]` as it is shown."""
        if self.swapped:
            image = image.swapaxes(0, 1)
        if self.flipped:
            image = image[:, ::-1]
        if self.upended:
            image = image[::-1]
        return np.ascontiguousarray(image)
