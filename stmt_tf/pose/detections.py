"""Who is in each frame of a video, before one of them is followed."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np
from absl import logging

from stmt_tf.pose.body import visible
from stmt_tf.pose.doubts import ImportedPoses
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.linking import LineUp
from stmt_tf.pose.shots import Shot, follow_longest, line_up_longest
from stmt_tf.pose.tracking import WANTED, NoPersonError
from stmt_tf.video.picture import is_picture
from stmt_tf.video.reader import VideoInfo

_GAP = 0.4  # seconds for which a joint may be missing, to be interpolated


@dataclasses.dataclass(frozen=True)
class Detections:
    """The people of a video.

    Attributes:
        info: of the video.
        people: for each of T frames float32 `[N, 14, 3]`, whoever is in it, in pixels.
        starts: frames, beside the first, with which another shot begins.
        one_shot: whether only that shot is to be taken which shows somebody longest.
        imported: where they were read from; None: an estimator found them here.
        saved: the one person there is, where that is known already.
        person: whom to follow, by their number in the line-up, from 1; 0: the largest and most central person.
    """

    info: VideoInfo
    people: Sequence[np.ndarray]
    starts: Sequence[int] = ()
    one_shot: bool = True
    imported: ImportedPoses | None = None
    saved: Shot | None = None
    person: int = 0

    @classmethod
    def of_saved(cls, info: VideoInfo, shot: Shot, person: int) -> Detections:
        """Of a video whose one person is known."""
        people = [pose[np.newaxis][: int(seen)] for pose, seen in zip(shot.joints, visible(shot.joints))]
        return cls(info, people, saved=shot, person=person)

    def line_up(self) -> LineUp:
        """The people by their numbers, in the shot that is taken."""
        return line_up_longest(self.people, self._apart, self._frame_size, self._max_gap)

    def follow(self) -> Shot:
        """The person to follow.

        Raises:
            NoPersonError: there is hardly anybody.
            PoseError: nobody has that number, or imported poses are not those of a person.
        """
        if self.saved is not None and self.person <= 1:
            return self.saved
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                shot = follow_longest(self.people, self._apart, self._frame_size, self._max_gap, self.person)
            except NoPersonError as error:
                if self.imported:
                    raise NoPersonError(self.imported.nobody(self.people)) from error
                photo = is_picture(self.info.path)
                reason = f"No person was found in this photo; use one {WANTED}" if photo else error
                raise NoPersonError(f"{self.info.path}: {reason}") from error
            except PoseError as error:
                raise PoseError(f"{self.info.path}: {error}") from error
        for warning in told:
            logging.warning("%s: %s `transfer --people` numbers all of them.", self.info.path, warning.message)
        if self.starts and not self.one_shot:
            logging.warning(
                "%s: has %d cuts, the first before frame %d, and is followed through all of them. Where the person or "
                "the camera is another one behind a cut, give the seconds of one shot",
                self.info.path, len(self.starts), self.starts[0],
            )  # fmt: skip
        elif self.starts:
            logging.warning(
                "%s: has %d cuts; only the shot that shows somebody longest is taken, frames %d to %d of %d",
                self.info.path, len(self.starts), shot.frames[0], shot.frames[-1], len(self.people),
            )  # fmt: skip
        if self.imported:
            self.imported.doubt(shot.joints)
        return shot

    @property
    def _apart(self) -> Sequence[int]:
        """The frames with which begins what is not taken together with what is before them."""
        return self.starts if self.one_shot else ()

    @property
    def _frame_size(self) -> tuple[int, int]:
        return self.info.height, self.info.width

    @property
    def _max_gap(self) -> int:
        return max(1, round(_GAP * float(self.info.fps)))
