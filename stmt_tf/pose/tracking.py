"""From the people found in each frame to one person's joints over the whole video.

The person is the largest and most central one, or the one of a number; see `stmt_tf.pose.linking`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from stmt_tf.pose import skeleton
from stmt_tf.pose.body import mean_distance, visible
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.linking import MEMORY, distinct, expected_pose, find_people, line_up, score, size_of, strain

# A bystander this much smaller than the person followed does not count as another person.
_MIN_RELATIVE_SIZE = 0.5
WANTED = "that shows one whole person, well lit and not too small, or another pose estimator."
_FORGOTTEN = 30  # frames after which whoever is there is the person, in `LiveTracker`


class NoPersonError(PoseError):
    """A video in which (almost) no person was found."""


def follow_person(
    detections: Sequence[np.ndarray],
    frame_size: tuple[int, int],
    max_gap: int = 10,
    min_share: float = 0.2,
    number: int = 0,
) -> np.ndarray:
    """Returns the joints of one person of a video.

    Args:
        detections: for each of T frames float [N, 14, 3], the N people found in it, in pixels.
        frame_size: (height, width) of the frames in pixels.
        max_gap: a joint missing for at most this many frames, between frames in which it was found,
            is interpolated linearly; 0.4 s of frames is a good choice.
        min_share: least share of the frames, in [0, 1], in which a person must be found.
        number: of the person in the line-up, from 1; 0: the largest and most central person.

    Returns:
        float32 [T, 14, 3]; joints that are missing for longer are (0, 0, 0).

    Raises:
        NoPersonError: when people are found in fewer than `min_share` of the frames.
        PoseError: when nobody has that number.
    """
    people = [distinct(found) for found in detections]
    share = float(np.mean([len(found) > 0 for found in people])) if people else 0.0
    if share == 0.0 or share < min_share:
        raise NoPersonError(
            f"A person was found in {share:.0%} of {len(people)} frames, fewer than {min_share:.0%}; "
            f"use a video {WANTED}"
        )
    everybody = find_people(people, frame_size, max_gap)
    person = everybody[0]
    if number:
        numbered = line_up(everybody, len(people)).people
        if number > len(numbered):
            count = f"{len(numbered)} {'person is' if len(numbered) == 1 else 'people are'} seen"
            raise PoseError(f"has no person {number}, as {count}. Give a number that somebody has")
        person = numbered[number - 1]
    joints = np.zeros((len(people), skeleton.NUM_JOINTS, 3), np.float32)
    for frame, pose in person.items():
        joints[frame] = pose
    if not number:
        _warn_of_others(people, joints)
    return fill_gaps(mend_swaps(joints), max_gap)


def crowded(detections: Sequence[np.ndarray], joints: np.ndarray) -> np.ndarray:
    """Returns in which frames there is, besides the person followed, somebody else of a like size.

    Args:
        detections: as for `follow_person`.
        joints: float [T, 14, 3], what `follow_person` made of them.

    Returns:
        bool [T]; false where the person followed is not seen.
    """
    return _crowded([distinct(found) for found in detections], joints)


class LiveTracker:
    """Follows a person on from a track, frame by frame, without a look ahead.

    What needs later frames is not done: gaps are not filled, mixed-up sides not mended. Someone who was not found for
    long may be anywhere: then the largest and most central person is followed.

    Args:
        track: float [T, 14, 3], what `follow_person` gave for the frames so far.
        frame_size: (height, width) of the frames in pixels.
    """

    def __init__(self, track: np.ndarray, frame_size: tuple[int, int]):
        self._frame_size = frame_size
        self._frame = len(track)
        seen = np.flatnonzero(visible(track))[-MEMORY:]
        self._track = [(int(frame), track[frame]) for frame in seen]

    def follow(self, people: np.ndarray) -> np.ndarray:
        """Returns the person's joints in the next frame.

        Args:
            people: float [N, 14, 3], the people found in it, in pixels.

        Returns:
            float32 [14, 3]; zeros where the person is not found.
        """
        frame, self._frame = self._frame, self._frame + 1
        people = distinct(people)
        pause = frame - self._track[-1][0]
        if pause > _FORGOTTEN:
            candidates = sorted(people, key=lambda pose: -score({frame: pose}, self._frame_size))
        else:
            expected = expected_pose(self._track, frame)
            strains = [strain(expected, pose, pause) for pose in people]
            candidates = [people[i] for i in np.argsort(strains) if strains[i] < 1.0]
        if not candidates:
            return np.zeros((skeleton.NUM_JOINTS, 3), np.float32)
        # Over a long pause the velocity means nothing.
        before = self._track[1 - MEMORY :] if pause <= _FORGOTTEN else []
        self._track = [*before, (frame, candidates[0])]
        return candidates[0]


def fill_gaps(joints: np.ndarray, max_gap: int) -> np.ndarray:
    """Interpolates each joint linearly over gaps of at most `max_gap` frames.

    Args:
        joints: float32 [T, 14, 3].
        max_gap: longest gap to fill, in frames.

    Returns:
        float32 [T, 14, 3]; filled joints have the lower confidence of the gap's two ends.
    """
    filled = joints.copy()
    for j in range(joints.shape[1]):
        found = np.flatnonzero(joints[:, j, 2] > 0.0)
        for before, after in zip(found[:-1], found[1:]):
            if 1 < after - before <= max_gap + 1:
                weight = (np.arange(before + 1, after) - before)[:, np.newaxis] / (after - before)
                ends = joints[[before, after], j]
                filled[before + 1 : after, j] = ends[0] + weight * (ends[1] - ends[0])
                filled[before + 1 : after, j, 2] = ends[:, 2].min()
    return filled


def mend_swaps(joints: np.ndarray) -> np.ndarray:
    """Swaps left and right back in single frames where the estimator mixed them up.

    A frame is mended when its mirror image lies less than half as far from both neighbours, as they
    are, as the frame itself.

    Args:
        joints: float32 [T, 14, 3].

    Returns:
        float32 [T, 14, 3].
    """
    mended = joints.copy()
    for t in range(1, len(joints) - 1):
        neighbours = (mended[t - 1], mended[t + 1])
        mirrored = mended[t, list(skeleton.MIRROR)]
        if all(2.0 * mean_distance(mirrored, n) < mean_distance(mended[t], n) < np.inf for n in neighbours):
            mended[t] = mirrored
    return mended


def _warn_of_others(people: Sequence[np.ndarray], joints: np.ndarray) -> None:
    """Warns when somebody else of a like size is there in more than a tenth of the frames."""
    count = _crowded(people, joints).sum()
    if count > 0.1 * len(people):
        warnings.warn(
            f"More than one person in {count} of {len(people)} frames; the largest and most central one is followed.",
            stacklevel=3,
        )


def _crowded(people: Sequence[np.ndarray], joints: np.ndarray) -> np.ndarray:
    """Where somebody is followed and somebody else is of a like size, bool [T]; each of `people` is `distinct`."""
    return np.array(
        [
            visible(person) and sum(size_of(pose) > _MIN_RELATIVE_SIZE * size_of(person) for pose in found) > 1
            for found, person in zip(people, joints)
        ],
        bool,
    )
