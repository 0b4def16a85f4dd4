"""What the target's person does, as the source's body would do it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from absl import logging

from stmt_tf.pose.body import visible
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.resampling import moments_at_rate, nearest, poses_at
from stmt_tf.pose.retarget import Fit, fit
from stmt_tf.pose.selection import evenly_spread
from stmt_tf.video.reader import Frame, frame_times, probe, read_frames

_SHOWN = 8  # frames of a sheet


@dataclasses.dataclass(frozen=True)
class Motion:
    """What the target's person does, in T frames, and in the T' frames of the result.

    Attributes:
        path: of the target video.
        target: joints `[T, 14, 3]` in pixels of the target's frames.
        retargeted: the same motion by the source's body, `[T', 14, 3]` in pixels of the source's frames.
        view: the square of the target's frames that holds their person.
        fit: how the one became the other.
        rate: frames per second of the result, where it is not the target's own; T' is T where it is.
        times: `[T']`, when each frame of the result is shown, in seconds; None: when the target's frames are.
        steps: int `[T']`, which frame of the target belongs to each; None: the one of the same number.
    """

    path: str
    target: np.ndarray
    retargeted: np.ndarray
    view: Crop
    fit: Fit = Fit()
    rate: float = 0.0
    times: np.ndarray | None = None
    steps: np.ndarray | None = None

    def sampled(self) -> list[int]:
        """Numbers of the result's frames that sheets show, evenly spread."""
        return evenly_spread(len(self.retargeted), _SHOWN).tolist()

    def step_of(self, number: int) -> int:
        """The number of the target's frame that belongs to one of the result's."""
        return number if self.steps is None else int(self.steps[number])

    def frames(self) -> Iterator[Frame]:
        """The target's frames, each as often as the result shows it, with the result's numbers and times."""
        frames = read_frames(self.path)
        if self.steps is None:
            yield from frames
            return
        for frame in frames:
            for number in range(*np.searchsorted(self.steps, (frame.index, frame.index + 1))):
                yield dataclasses.replace(frame, index=number, time=float(self.times[number]))

    def at_rate(self, fps: float) -> Motion:
        """The same in so many frames per second, for as long; poses lie between those of the target's frames."""
        times = frame_times(self.path)[: len(self.retargeted)]  # poses that were saved may be fewer
        moments = moments_at_rate(times, 1 / float(probe(self.path).fps), fps)
        retargeted = poses_at(self.retargeted[: len(times)], times, moments)
        steps = nearest(times, moments)
        return dataclasses.replace(self, retargeted=retargeted, rate=fps, times=moments, steps=steps)


def fit_motion(path: str, target: np.ndarray, source: np.ndarray, how: str) -> Motion:
    """Fits a target's motion to the source's body, and warns of what it does not show.

    Args:
        path: of the target video.
        target: `[T, 14, 3]`, the joints of its person in pixels of its frames.
        source: `[S, 14, 3]`, those of the source.
        how: see `stmt_tf.pose.retarget`.
    """
    fitted = fit(target, source, how)
    retargeted = fitted.apply(target)
    _warn(path, (~visible(target)).sum(), len(target), "no person", "they show the place alone")
    laid = ((retargeted[..., 2] > 0) & (target[..., 2] == 0)).any(-1)
    _warn(path, laid.sum(), len(target), "not all of the body is in view", "what is missing is laid straight on")
    info = probe(path)
    return Motion(path, target, retargeted, Crop.around(target, (info.height, info.width)), fitted)


def _warn(path: str, count: int, total: int, what: str, so: str) -> None:
    if count:
        logging.warning("%s: %s in %d of %d frames; %s", path, what, count, total, so)
