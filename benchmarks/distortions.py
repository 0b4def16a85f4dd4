"""True frames, made worse in known ways and grades; all uint8 `[T, H, W, 3]`, as many as there were.

Each of the first ones changes frames by themselves, so that their order stays; the last three show true frames, at
other times than theirs.
"""

from __future__ import annotations

import cv2
import numpy as np

UNDISTORTED = "undistorted"


def distort(frames: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Every distortion in each of its grades, by name; the frames as they are come first.

    Args:
        frames: the truth.
        random: draws the noise and the order of shuffled frames.
    """
    everything = len(frames)
    return {
        UNDISTORTED: frames,
        **{f"blurred, sigma {sigma:g} px": blur(frames, sigma) for sigma in (0.5, 1, 2)},
        **{f"noise, sd {sd}": add_noise(frames, sd, random) for sd in (2, 8, 24)},
        **{f"noise, sd {sd}, same in all frames": add_still_noise(frames, sd, random) for sd in (8, 24)},
        **{f"brighter by {levels}": brighten(frames, levels) for levels in (2, 8, 24)},
        **{f"moved by {pixels} px": move(frames, pixels) for pixels in (1, 2, 4)},
        **{f"delayed by {steps}": delay(frames, steps) for steps in (1, 2, 4)},
        **{f"frozen, {hold} frames each": freeze(frames, hold) for hold in (2, 4)},
        "frozen, all": freeze(frames, everything),
        **{f"shuffled, windows of {window}": shuffle(frames, window, random) for window in (2, 4)},
        "shuffled, all": shuffle(frames, everything, random),
    }


def blur(frames: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur, sigma in pixels."""
    return _to_uint8(np.stack([cv2.GaussianBlur(frame.astype(np.float32), (0, 0), sigma) for frame in frames]))


def add_noise(frames: np.ndarray, sd: float, random: np.random.Generator) -> np.ndarray:
    """Gaussian noise of this standard deviation in grey levels, another one in each frame and colour."""
    return _to_uint8(frames + random.normal(0, sd, frames.shape))


def add_still_noise(frames: np.ndarray, sd: float, random: np.random.Generator) -> np.ndarray:
    """The same noise in all frames, as a dirty lens would give."""
    return _to_uint8(frames + random.normal(0, sd, frames.shape[1:]))


def brighten(frames: np.ndarray, levels: float) -> np.ndarray:
    """All colours higher by so many grey levels, up to white."""
    return _to_uint8(frames + np.float64(levels))


def move(frames: np.ndarray, pixels: int) -> np.ndarray:
    """The picture further to the right, by at least a pixel; the left edge is repeated."""
    return np.concatenate([np.repeat(frames[:, :, :1], pixels, axis=2), frames[:, :, :-pixels]], axis=2)


def delay(frames: np.ndarray, steps: int) -> np.ndarray:
    """At t the frame of t - steps; the first is repeated until then."""
    return frames[np.maximum(np.arange(len(frames)) - steps, 0)]


def freeze(frames: np.ndarray, hold: int) -> np.ndarray:
    """Every hold-th frame alone, each shown that many times."""
    return frames[np.arange(len(frames)) // hold * hold]


def shuffle(frames: np.ndarray, window: int, random: np.random.Generator) -> np.ndarray:
    """Another order within each window of so many frames; none keeps its place, but for one alone in the last."""
    order = np.arange(len(frames))
    for start in range(0, len(frames), window):
        ring = random.permutation(order[start : start + window])  # each frame takes the place of the next in the ring
        order[ring] = np.roll(ring, 1)
    return frames[order]


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)
