"""The first look at a video: its person and its background, at every step of a constant rate."""

from __future__ import annotations

import dataclasses
import os
import warnings

import numpy as np

from stmt_tf.files import PathLike
from stmt_tf.pose import skeleton
from stmt_tf.pose.doubts import ImportedPoses
from stmt_tf.pose.estimators import RESULT_READERS, Estimator, create_estimator
from stmt_tf.pose.estimators.imported import ImportedEstimator
from stmt_tf.pose.tracking import NoPersonError, crowded, follow_person
from stmt_tf.pose.witness import Witness
from stmt_tf.video.background import CHANGED, Background, Step
from stmt_tf.video.reader import probe, read_frames
from stmt_tf.video.resample import at_rate
from tfrecords_tools.clips.settings import ClipSettings

_MAX_GAP_SECONDS = 0.4  # a joint missing for longer is not made up
_LOOK_SECONDS = 1.0  # between two looks around for others
# Somebody else, in such a look: at least this much of the person's size, this sure, and this far from being the same.
_LEAST_SIZE, _LEAST_CONFIDENCE, _MOST_OVERLAP = 0.4, 0.5, 0.3


@dataclasses.dataclass(frozen=True)
class Survey:
    """What there is at each of T steps, 1 / fps seconds apart.

    Attributes:
        pose_tool: name of the pose estimator.
        frame_size: (height, width) in pixels.
        indices: int `[T]`, numbers of the frames shown.
        joints: float32 `[T, 14, 3]`, in pixels, of the person followed in each shot; zeros where there is none.
        others: bool `[T]`, whether there is somebody else of a like size; now and then looked for all over the frame.
        frozen: bool `[T]`, whether the picture is that of the step before.
        places: float `[T, 3, 3]`, `cuts`, `fades`: `[T]`, what the background did: see `background.Step`.
    """

    pose_tool: str
    frame_size: tuple[int, int]
    indices: np.ndarray
    joints: np.ndarray
    others: np.ndarray
    frozen: np.ndarray
    places: np.ndarray
    cuts: np.ndarray
    fades: np.ndarray

    def shots(self) -> list[tuple[int, int]]:
        """(start, stop) of the steps between two cuts."""
        edges = [0, *np.flatnonzero(self.cuts > CHANGED).tolist(), len(self.cuts)]
        return list(zip(edges, edges[1:]))


def check_estimator(settings: ClipSettings) -> None:
    """Tries the pose estimator once: a model that is fetched on first use, or cannot be, is not every video's business.

    Raises:
        AssetError, PoseError: it cannot be had.
    """
    if settings.pose not in RESULT_READERS:
        create_estimator(settings.pose, settings.pose_model or None).close()


def open_estimator(video_id: str, settings: ClipSettings) -> Estimator:
    """The pose estimator for a video, to be closed.

    Raises:
        AssetError, PoseError: its model or results cannot be had.
    """
    model = settings.pose_model or None
    if settings.pose in RESULT_READERS:
        model = os.path.join(settings.pose_results, os.path.splitext(video_id)[0] + RESULT_READERS[settings.pose])
    return create_estimator(settings.pose, model)


def survey(path: PathLike, estimator: Estimator, settings: ClipSettings) -> Survey:
    """Looks at all of a video; memory is that of its poses.

    Raises:
        VideoError, PoseError: the video or its poses cannot be used.
    """
    indices: list[int] = []
    people: list[np.ndarray] = []
    around: list[np.ndarray] = []
    steps: list[Step] = []
    background, witness = None, Witness()
    num_frames = probe(path).num_frames
    estimator.expect(num_frames)
    every = max(1, round(_LOOK_SECONDS * settings.fps))
    for frame in at_rate(read_frames(path), settings.fps):
        background = background or Background(frame.image.shape[:2], settings.fps)
        repeated = indices and frame.index == indices[-1]
        people.append(people[-1] if repeated else estimator.detect(frame.image, frame.index))
        if (len(people) - 1) % every == 0:
            around.append(estimator.look_around(frame.image))
        steps.append(background.step(frame.image, people[-1]))
        if steps[-1].cut > CHANGED:
            people[-1] = estimator.detect_anew(frame.image, frame.index, people[-1])
        witness.see(frame.image)
        indices.append(frame.index)
    found = Survey(
        pose_tool=estimator.name,
        frame_size=frame.image.shape[:2],
        indices=np.array(indices),
        joints=np.zeros((len(people), skeleton.NUM_JOINTS, 3), np.float32),
        others=np.zeros(len(people), bool),
        frozen=np.array([step.frozen for step in steps]),
        places=np.stack([step.place for step in steps]),
        cuts=np.array([step.cut for step in steps]),
        fades=np.array([step.fade for step in steps]),
    )
    max_gap = max(1, round(_MAX_GAP_SECONDS * settings.fps))
    for start, stop in found.shots():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other people: they are measured
            try:
                joints = follow_person(people[start:stop], found.frame_size, max_gap, min_share=0.0)
            except NoPersonError:
                continue
        found.joints[start:stop] = joints
        found.others[start:stop] = crowded(people[start:stop], joints)
    for start, stop in found.shots():
        for step in range(start + (-start) % every, stop, every):
            beside = any(is_beside(other, found.joints[step]) for other in around[step // every])
            found.others[step : min(step + every, stop)] |= beside
    if isinstance(estimator, ImportedEstimator):
        length = max(frame.index + 1, num_frames or 0)  # the last frames may be in no step
        poses = ImportedPoses(estimator, os.fspath(path), length, found.frame_size, witness)
        poses.compare()
        poses.doubt(found.joints)
    return found


def is_beside(other: np.ndarray, person: np.ndarray) -> bool:
    """Whether a pose `[14, 3]` is surely of somebody else than the person `[14, 3]`, and not much smaller."""
    seen, seen_other = person[:, 2] > 0, other[:, 2] > 0
    if not seen.any() or not seen_other.any() or other[:, 2].mean() < _LEAST_CONFIDENCE:
        return False
    low, high = person[seen, :2].min(0), person[seen, :2].max(0)
    other_low, other_high = other[seen_other, :2].min(0), other[seen_other, :2].max(0)
    sides, other_sides = high - low, other_high - other_low
    if np.linalg.norm(other_sides) < _LEAST_SIZE * np.linalg.norm(sides):
        return False
    shared = np.prod((np.minimum(high, other_high) - np.maximum(low, other_low)).clip(0))
    return bool(shared <= _MOST_OVERLAP * min(np.prod(sides), np.prod(other_sides)))
