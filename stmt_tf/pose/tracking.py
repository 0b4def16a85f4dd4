"""From the people found in each frame to one person's joints over the whole video.

Detections are linked into tracks by how little a pose moves against the pose's own size; the
largest and most central track is the person, its pauses filled with tracks that do not overlap it
in time. Memory: the detections.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from stmt_tf.pose import skeleton
from stmt_tf.pose.body import mean_distance, visible
from stmt_tf.pose.estimators import PoseError

_MEMORY = 5  # detections from which a track's velocity is taken, and frames for which it holds
# In units of the person's size (see `_size`):
_SAME_POSE = 0.1  # two detections in one frame this close are the same person, found twice
_MAX_STEP = 0.5  # mean motion of a joint from one frame to the next that still links two detections
_MAX_JUMP = 2.0  # how far away a person may turn up again after a pause
# A bystander this much smaller than the person followed does not count as another person.
_MIN_RELATIVE_SIZE = 0.5
_FORGOTTEN = 30  # frames after which whoever is there is the person, in `LiveTracker`


class NoPersonError(PoseError):
    """A video in which (almost) no person was found."""


def follow_person(
    detections: Sequence[np.ndarray],
    frame_size: tuple[int, int],
    max_gap: int = 10,
    min_share: float = 0.2,
) -> np.ndarray:
    """Returns the joints of the largest and most central person of a video.

    Args:
        detections: for each of T frames float [N, 14, 3], the N people found in it, in pixels.
        frame_size: (height, width) of the frames in pixels.
        max_gap: a joint missing for at most this many frames, between frames in which it was found,
            is interpolated linearly; 0.4 s of frames is a good choice.
        min_share: least share of the frames, in [0, 1], in which a person must be found.

    Returns:
        float32 [T, 14, 3]; joints that are missing for longer are (0, 0, 0).

    Raises:
        NoPersonError: when people are found in fewer than `min_share` of the frames.
    """
    people = _distinct_people(detections)
    share = float(np.mean([len(found) > 0 for found in people])) if people else 0.0
    if share == 0.0 or share < min_share:
        raise NoPersonError(
            f"A person was found in {share:.0%} of {len(people)} frames, fewer than "
            f"{min_share:.0%}; use a video that shows one whole person, well lit and not too "
            "small, or another pose estimator."
        )
    tracks = sorted(_link(people, max_gap), key=lambda track: -_score(track, frame_size))
    person = dict(tracks[0])
    for track in tracks[1:]:
        if _continues(person, track):
            person.update(track)
    joints = np.zeros((len(people), skeleton.NUM_JOINTS, 3), np.float32)
    for frame, pose in person.items():
        joints[frame] = pose
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
    return _crowded(_distinct_people(detections), joints)


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
        seen = np.flatnonzero(visible(track))[-_MEMORY:]
        self._track = [(int(frame), track[frame]) for frame in seen]

    def follow(self, people: np.ndarray) -> np.ndarray:
        """Returns the person's joints in the next frame.

        Args:
            people: float [N, 14, 3], the people found in it, in pixels.

        Returns:
            float32 [14, 3]; zeros where the person is not found.
        """
        frame, self._frame = self._frame, self._frame + 1
        people = _distinct(np.asarray(people, np.float32).reshape(-1, skeleton.NUM_JOINTS, 3))
        pause = frame - self._track[-1][0]
        if pause > _FORGOTTEN:
            candidates = sorted(people, key=lambda pose: -_score({frame: pose}, self._frame_size))
        else:
            expected = _expected(self._track, frame)
            strains = [_strain(expected, pose, pause) for pose in people]
            candidates = [people[i] for i in np.argsort(strains) if strains[i] < 1.0]
        if not candidates:
            return np.zeros((skeleton.NUM_JOINTS, 3), np.float32)
        # Over a long pause the velocity means nothing.
        before = self._track[1 - _MEMORY :] if pause <= _FORGOTTEN else []
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


def _size(pose: np.ndarray) -> float:
    """Diagonal of the box around a pose's joints [14, 3], in pixels, at least 1."""
    points = pose[pose[:, 2] > 0.0, :2]
    return max(1.0, float(np.linalg.norm(np.ptp(points, axis=0)))) if len(points) else 1.0


def _distinct(poses: np.ndarray) -> np.ndarray:
    """Drops empty poses, and all but the surest of poses [N, 14, 3] that lie on one person."""
    kept: list[np.ndarray] = []
    for pose in sorted(poses, key=lambda pose: -float(pose[:, 2].sum())):
        new = all(mean_distance(pose, other) > _SAME_POSE * _size(other) for other in kept)
        if new and visible(pose):
            kept.append(pose)
    return np.array(kept, np.float32).reshape(-1, skeleton.NUM_JOINTS, 3)


def _distinct_people(detections: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [_distinct(np.asarray(found, np.float32).reshape(-1, skeleton.NUM_JOINTS, 3)) for found in detections]


def _link(people: Sequence[np.ndarray], max_gap: int) -> list[dict[int, np.ndarray]]:
    """Links detections into tracks {frame: pose}, nearest first, over gaps up to `max_gap`."""
    tracks: list[list[tuple[int, np.ndarray]]] = []
    active: list[list[tuple[int, np.ndarray]]] = []
    for frame, poses in enumerate(people):
        active = [track for track in active if frame - track[-1][0] <= max_gap + 1]
        pairs = []
        for i, track in enumerate(active):
            expected = _expected(track, frame)
            for k, pose in enumerate(poses):
                cost = _strain(expected, pose, frame - track[-1][0])
                if cost < 1.0:
                    pairs.append((cost, i, k))
        linked_tracks, linked_poses = set(), set()
        for _, i, k in sorted(pairs):
            if i not in linked_tracks and k not in linked_poses:
                active[i].append((frame, poses[k]))
                linked_tracks.add(i)
                linked_poses.add(k)
        for k in set(range(len(poses))) - linked_poses:
            active.append([(frame, poses[k])])
            tracks.append(active[-1])
    return [dict(track) for track in tracks]


def _strain(expected: np.ndarray, pose: np.ndarray, pause: int) -> float:
    """How far a pose is from the expected one, over how far it may be after `pause` frames."""
    return mean_distance(expected, pose) / (_MAX_STEP * max(_size(expected), _size(pose)) * pause**0.5)


def _expected(track: Sequence[tuple[int, np.ndarray]], frame: int) -> np.ndarray:
    """Where a track's pose [14, 3] should be in a frame if it moves on as in its last frames."""
    (before, start), (last, pose) = track[-_MEMORY:][0], track[-1]
    both = (start[:, 2] > 0.0) & (pose[:, 2] > 0.0)
    expected = pose.copy()
    if last > before and both.any():
        velocity = (pose[both, :2] - start[both, :2]).mean(0) / (last - before)
        expected[:, :2] += velocity * min(frame - last, _MEMORY)
    return expected


def _score(track: dict[int, np.ndarray], frame_size: tuple[int, int]) -> float:
    """Sum over a track's frames of size times centrality times mean confidence."""
    height, width = frame_size
    score = 0.0
    for pose in track.values():
        points = pose[pose[:, 2] > 0.0, :2]
        offset = (points.mean(0) - (width / 2, height / 2)) / (width / 2, height / 2)
        score += _size(pose) * float(np.exp(-((offset**2).sum()))) * float(pose[:, 2].mean())
    return score


def _continues(person: dict[int, np.ndarray], track: dict[int, np.ndarray]) -> bool:
    """Whether a track may be the same person: never at the same time, and nearby."""
    if person.keys() & track.keys():
        return False
    ours, theirs = np.array(sorted(person)), np.array(sorted(track))
    after = np.searchsorted(ours, theirs).clip(max=len(ours) - 1)
    before = (after - 1).clip(min=0)
    # Of all pairs of frames, the nearest has one of ours next to one of theirs in time.
    pauses = np.abs(ours[[before, after]] - theirs)
    side, i = np.unravel_index(np.argmin(pauses), pauses.shape)
    near, pose = person[int(ours[(before, after)[side][i]])], track[int(theirs[i])]
    return mean_distance(near, pose) < _MAX_JUMP * max(_size(near), _size(pose))


def _warn_of_others(people: Sequence[np.ndarray], joints: np.ndarray) -> None:
    """Warns when somebody else of a like size is there in more than a tenth of the frames."""
    count = _crowded(people, joints).sum()
    if count > 0.1 * len(people):
        warnings.warn(
            f"More than one person in {count} of {len(people)} frames; the largest and most "
            "central one is followed. Crop the video if that is the wrong one.",
            stacklevel=3,
        )


def _crowded(people: Sequence[np.ndarray], joints: np.ndarray) -> np.ndarray:
    """Where somebody is followed and somebody else is of a like size, bool [T]; each of `people` is `_distinct`."""
    return np.array(
        [
            visible(person)
            and sum(_size(pose) > _MIN_RELATIVE_SIZE * _size(person) for pose in found) > 1
            for found, person in zip(people, joints)
        ],
        bool,
    )
