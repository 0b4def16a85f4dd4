"""The people of a video: what an estimator found in each frame, linked into one track for each person.

Detections are linked by how little a pose moves against the pose's own size; then tracks that do not overlap in time
are joined, each to the person that it begins or ends nearest to. People are told apart by their numbers in a line-up:
from left to right in a frame that shows most of them. Memory: the detections.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stmt_tf.pose import skeleton
from stmt_tf.pose.body import mean_distance, visible

Track = dict[int, np.ndarray]  # poses `[14, 3]` by the numbers of their frames

MEMORY = 5  # detections from which a track's velocity is taken, and frames for which it holds
# In units of the person's size (see `size_of`):
_SAME_POSE = 0.1  # two detections in one frame this close are the same person, found twice
_MAX_STEP = 0.5  # mean motion of a joint from one frame to the next that still links two detections
_MAX_JUMP = 2.0  # how far away a person may turn up again after a pause
_PASSING = 0.1  # share of the frames: who is seen in fewer has no number, and may be nobody at all


class LineUp(NamedTuple):
    """Where the people of a video can be told apart.

    Attributes:
        frame: a frame that shows most of them.
        people: the tracks of those in it, from left to right; the first one is person 1.
    """

    frame: int
    people: list[Track]

    @property
    def poses(self) -> np.ndarray:
        """The people in that frame, float32 `[N, 14, 3]`."""
        poses = [track[self.frame] for track in self.people]
        return np.array(poses, np.float32).reshape(-1, skeleton.NUM_JOINTS, 3)


def find_people(people: Sequence[np.ndarray], frame_size: tuple[int, int], max_gap: int) -> list[Track]:
    """The track of each person, the largest and most central one first.

    Args:
        people: for each of T frames `[N, 14, 3]`, whoever is in it, each once (see `distinct`).
        frame_size: (height, width) of the frames in pixels.
        max_gap: frames for which a track may pause.
    """
    tracks = _link(people, max_gap)
    # In the order of time, so that each person goes on where they were seen last. Short tracks may be nobody's: nothing
    # goes on from them that could go on from others.
    solid = sorted((track for track in tracks if len(track) >= MEMORY), key=min)
    short = sorted((track for track in tracks if len(track) < MEMORY), key=lambda track: -score(track, frame_size))
    found: list[Track] = []
    for track in (*solid, *short):
        jumps = [_jump(person, track) for person in found]
        if min(jumps, default=np.inf) < 1.0:
            found[int(np.argmin(jumps))].update(track)
        else:
            found.append(dict(track))
    return sorted(found, key=lambda track: -score(track, frame_size))


def line_up(people: Sequence[Track], length: int) -> LineUp:
    """Numbers the people of a video of so many frames; nobody is in the line-up where there is nobody."""
    lasting = [track for track in people if len(track) >= _PASSING * length]
    if not lasting:
        return LineUp(0, [])
    # Of the frames that show most people, the one that shows them best.
    shown = [(sum(frame in track for track in lasting), frame) for frame in range(length)]
    most = max(shown)[0]
    frame = max(
        (frame for count, frame in shown if count == most),
        key=lambda frame: sum(float(track[frame][:, 2].sum()) for track in lasting if frame in track),
    )
    there = [track for track in lasting if frame in track]
    return LineUp(frame, sorted(there, key=lambda track: float(_points(track[frame])[:, 0].mean())))


def distinct(poses: np.ndarray) -> np.ndarray:
    """Drops empty poses, and all but the surest of poses `[N, 14, 3]` that lie on one person."""
    poses = np.asarray(poses, np.float32).reshape(-1, skeleton.NUM_JOINTS, 3)
    kept: list[np.ndarray] = []
    for pose in sorted(poses, key=lambda pose: -float(pose[:, 2].sum())):
        new = all(mean_distance(pose, other) > _SAME_POSE * size_of(other) for other in kept)
        if new and visible(pose):
            kept.append(pose)
    return np.array(kept, np.float32).reshape(-1, skeleton.NUM_JOINTS, 3)


def size_of(pose: np.ndarray) -> float:
    """Diagonal of the box around a pose's joints `[14, 3]`, in pixels, at least 1."""
    points = _points(pose)
    return max(1.0, float(np.linalg.norm(np.ptp(points, axis=0)))) if len(points) else 1.0


def strain(expected: np.ndarray, pose: np.ndarray, pause: int) -> float:
    """How far a pose is from the expected one, over how far it may be after `pause` frames."""
    return mean_distance(expected, pose) / (_MAX_STEP * max(size_of(expected), size_of(pose)) * pause**0.5)


def expected_pose(track: Sequence[tuple[int, np.ndarray]], frame: int) -> np.ndarray:
    """Where a track's pose `[14, 3]` should be in a frame if it moves on as in its last frames."""
    (before, start), (last, pose) = track[-MEMORY:][0], track[-1]
    both = (start[:, 2] > 0.0) & (pose[:, 2] > 0.0)
    expected = pose.copy()
    if last > before and both.any():
        velocity = (pose[both, :2] - start[both, :2]).mean(0) / (last - before)
        expected[:, :2] += velocity * min(frame - last, MEMORY)
    return expected


def score(track: Track, frame_size: tuple[int, int]) -> float:
    """Sum over a track's frames of size times centrality times mean confidence."""
    height, width = frame_size
    total = 0.0
    for pose in track.values():
        offset = (_points(pose).mean(0) - (width / 2, height / 2)) / (width / 2, height / 2)
        total += size_of(pose) * float(np.exp(-((offset**2).sum()))) * float(pose[:, 2].mean())
    return total


def _link(people: Sequence[np.ndarray], max_gap: int) -> list[Track]:
    """Links detections into tracks, nearest first, over gaps up to `max_gap`."""
    tracks: list[list[tuple[int, np.ndarray]]] = []
    active: list[list[tuple[int, np.ndarray]]] = []
    for frame, poses in enumerate(people):
        active = [track for track in active if frame - track[-1][0] <= max_gap + 1]
        pairs = []
        for i, track in enumerate(active):
            expected = expected_pose(track, frame)
            for k, pose in enumerate(poses):
                cost = strain(expected, pose, frame - track[-1][0])
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


def _jump(person: Track, track: Track) -> float:
    """How far a track begins or ends from a person, over how far it may; infinite where both are seen at once."""
    if person.keys() & track.keys():
        return np.inf
    ours, theirs = np.array(sorted(person)), np.array(sorted(track))
    after = np.searchsorted(ours, theirs).clip(max=len(ours) - 1)
    before = (after - 1).clip(min=0)
    # Of all pairs of frames, the nearest has one of ours next to one of theirs in time.
    pauses = np.abs(ours[[before, after]] - theirs)
    side, i = np.unravel_index(np.argmin(pauses), pauses.shape)
    near, pose = person[int(ours[(before, after)[side][i]])], track[int(theirs[i])]
    return mean_distance(near, pose) / (_MAX_JUMP * max(size_of(near), size_of(pose)))


def _points(pose: np.ndarray) -> np.ndarray:
    """The places `[n, 2]` of the joints that a pose `[14, 3]` has."""
    return pose[pose[:, 2] > 0.0, :2]
