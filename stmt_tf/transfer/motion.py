"""What the target's person does, as the source's body would do it."""

from __future__ import annotations

import dataclasses

import numpy as np
from absl import logging

from stmt_tf.pose.body import visible
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.retarget import Fit, fit
from stmt_tf.pose.selection import evenly_spread
from stmt_tf.video.reader import probe

_SHOWN = 8  # frames of a sheet


@dataclasses.dataclass(frozen=True)
class Motion:
    """What the target's person does, in T frames.

    Attributes:
        path: of the target video.
        target: joints `[T, 14, 3]` in pixels of the target's frames.
        retargeted: the same motion by the source's body, in pixels of the source's frames.
        view: the square of the target's frames that holds their person.
        fit: how the one became the other.
    """

    path: str
    target: np.ndarray
    retargeted: np.ndarray
    view: Crop
    fit: Fit = Fit()

    def sampled(self) -> list[int]:
        """Numbers of the frames that sheets show, evenly spread."""
        return evenly_spread(len(self.target), _SHOWN).tolist()


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
