"""Imported poses that make no sense are refused, or doubted in one line with the numbers.

What holds in nearly all frames refuses them, what holds in most is a warning. Bars are set so that people who bend,
turn away, are only partly in view or were found badly are not doubted.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np
from absl import logging

from stmt_tf.pose import anatomy
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.estimators.imported import ImportedEstimator
from stmt_tf.pose.tracking import NoPersonError, follow_person
from stmt_tf.pose.witness import MOST_FRAMES, Witness

_NEARLY_ALL, _MOST = 0.8, 0.5  # of the frames or joints
_ENOUGH = 5  # of them, to refuse: in a single picture somebody may look strange
_FEW_PIXELS = 10.0  # across a whole person: too small to be one
_WHOLE = 10  # joints that a pose must have, for its limbs to be judged
_TOO_SHORT = 0.95  # of the video's frames, of which results of every frame must tell
_OTHER_SHAPE = 1.1  # times as wide as the frame, or as high
_DISAGREEING, _AGREEING = 0.1, 0.25  # see `Witness.agreement`


@dataclasses.dataclass(frozen=True)
class ImportedPoses:
    """Results of a pose tool, and the video that they are given for.

    Attributes:
        results: what was read.
        path: of the video.
        length: the number of its frames.
        frame_size: their (height, width) in pixels.
        witness: has seen the frames.
    """

    results: ImportedEstimator
    path: str
    length: int
    frame_size: tuple[int, int]
    witness: Witness

    @property
    def name(self) -> str:
        """Where they were read from."""
        return self.results.path

    def people(self) -> list[np.ndarray]:
        """The people of each frame, `[N, 14, 3]` in its pixels.

        Raises:
            PoseError: they are not of this video.
        """
        self.results.expect(self.length)
        self.compare()
        return [self.results.people(index, self.frame_size) for index in range(self.length)]

    def nobody(self, people: Sequence[np.ndarray]) -> str:
        """What is wrong where these show too few people to follow one."""
        count = sum(bool((each[..., 2] > 0).any()) for each in people)
        where = f"{count} of the {self.length} frames of {self.path}"
        return f"{self.name}: shows somebody in {where}. Give the results of this video"

    def agreement(self, other: ImportedPoses) -> float:
        """How well these results move as another one's video does; 0 where that cannot be said."""
        self.results.expect(other.length)
        people = [self.results.people(index, other.frame_size) for index in range(min(other.length, MOST_FRAMES))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                track = follow_person(people, other.frame_size)
            except NoPersonError:
                return 0.0
        return other.witness.agreement(track, other.frame_size) or 0.0

    def compare(self) -> None:
        """Compares the results with what the video is.

        Raises:
            PoseError: they are not of this video.
        """
        height, width = self.frame_size
        frames = self.results.frames
        # One too many is a decoder that gives up before the last frame.
        if len(frames) and frames[-1] > self.length:
            raise PoseError(
                f"{self.name}: has poses of frame {frames[-1]}, but {self.path} has {self.length} frames. Give the "
                "results of this video"
            )
        if self.results.complete and len(frames) < _TOO_SHORT * self.length:
            self._warn(f"tells of {len(frames)} frames, but {self.path} has {self.length}")
        canvas = self.results.canvas()
        if canvas and not 1 / _OTHER_SHAPE < canvas[0] / canvas[1] * height / width < _OTHER_SHAPE:
            frames = f"the frames of {self.path} have another shape, {width} x {height}"
            self._warn(f"is of a canvas of {canvas[0]:g} x {canvas[1]:g} pixels, but {frames}")
        outside, (x, y) = self.results.outside(self.frame_size)
        where = f"the frame of {width} x {height} pixels, as far as ({x:.0f}, {y:.0f})"
        share = outside.sum() / max(1, len(outside))
        self._judge(outside, f"{share:.0%} of the joints lie outside {where}")

    def doubt(self, track: np.ndarray) -> None:
        """Looks whether joints `[T, 14, 3]` can be a person's, and move as the frames do that the witness has seen.

        Raises:
            PoseError: no.
        """
        shown = track[(track[..., 2] > 0).any(-1)]
        if not len(shown):
            return
        shown = np.where(anatomy.sure(shown)[..., np.newaxis], shown, 0)
        shown = shown[(shown[..., 2] > 0).any(-1)]
        sizes = np.array([np.linalg.norm(np.ptp(pose[pose[:, 2] > 0, :2], axis=0)) for pose in shown])
        tiny = sizes < _FEW_PIXELS
        self._judge(tiny, f"all joints lie within {np.median(sizes):.1f} pixels in {_of(tiny)} frames")
        whole = (shown[..., 2] > 0).sum(1) >= _WHOLE
        strained = whole & (anatomy.strain(shown) > anatomy.IMPOSSIBLE)
        if strained.any():
            bone, ratio = anatomy.longest_bone(shown[strained])
            why = f"the {bone} is {ratio:.1f} times as long as the others say"
            self._judge(strained, f"limbs have impossible lengths ({why}) in {_of(strained)} frames")
        crossed = anatomy.crossed(shown)
        self._judge(crossed, f"left and right are crossed between shoulders and hips in {_of(crossed)} frames")
        agreement = self.witness.agreement(track, self.frame_size)
        if agreement is not None and agreement < _DISAGREEING:
            self._warn(
                f"its joints move where {self.path} does not (correlation {agreement:.2f}, of right ones 0.2 to "
                "0.8), as those of another video would"
            )

    def _judge(self, wrong: np.ndarray, what: str) -> None:
        """Refuses or doubts where most are wrong, of poses or joints: bool `[N]`."""
        share = wrong.mean() if len(wrong) else 0.0
        if share > _NEARLY_ALL and len(wrong) >= _ENOUGH:
            raise PoseError(f"{self.name}: {what}. Give the results of {self.path}, in a known layout")
        if share > _MOST:
            self._warn(what)

    def _warn(self, what: str) -> None:
        logging.warning("%s: %s; look at --preview before you believe it", self.name, what)


def refuse_swapped(one: ImportedPoses, other: ImportedPoses) -> None:
    """Refuses results of two videos, each of which moves as the other video does.

    Raises:
        PoseError: they are swapped.
    """
    if one.agreement(one) >= _DISAGREEING or other.agreement(other) >= _DISAGREEING:
        return
    crosswise = one.agreement(other), other.agreement(one)
    if min(crosswise) > _AGREEING:
        raise PoseError(
            f"{one.name} and {other.name} are swapped: they move as {other.path} and {one.path} do (correlations "
            f"{crosswise[0]:.2f} and {crosswise[1]:.2f}). Give them the other way round"
        )


def _of(frames: np.ndarray) -> str:
    return f"{frames.sum()} of {len(frames)}"
