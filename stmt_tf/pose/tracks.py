"""From videos to the joints of the persons in them, with a progress bar: the first half of every transfer."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from tqdm import tqdm

from stmt_tf.files import PathLike
from stmt_tf.pose import cache
from stmt_tf.pose.detections import Detections
from stmt_tf.pose.doubts import ImportedPoses, refuse_swapped
from stmt_tf.pose.estimators import RESULT_READERS, Estimator, PoseError, create_estimator
from stmt_tf.pose.estimators.imported import ImportedEstimator
from stmt_tf.pose.estimators.own import is_own, read_own, read_own_json
from stmt_tf.pose.shots import Cuts, Shot
from stmt_tf.pose.witness import Witness
from stmt_tf.video.excerpt import excerpt
from stmt_tf.video.reader import VideoInfo, frame_times, probe, read_frames
from stmt_tf.video.threads import overlapped

_MISCOUNTED, _MISCOUNTED_SHARE = 2, 0.02  # frames, of all, by which counts of containers may be wrong


@dataclasses.dataclass(frozen=True)
class PosedVideo:
    """A video of a person, and what finds their joints in it.

    Attributes:
        path: of the video.
        tool: name of the pose estimator, see `stmt_tf.pose.estimators`.
        model: that the tool runs; empty for its own.
        results: what a tool that reads results found in this video.
        one_shot: whether only one shot of it is taken, that which shows somebody longest.
        saved: poses of this video that `stmt_tf.pose.save` wrote; empty: they are looked for.
        person: whom to follow, by their number in the line-up (see `stmt_tf.pose.linking`); 0: the largest and most
            central person.
        cached: whether what was estimated is kept in the cache, and taken from there.
        everybody: whether those whom the tool overlooks beside a larger person are looked for, too, as where a
            person is chosen by number.
    """

    path: str
    tool: str = "mediapipe"
    model: str = ""
    results: str = ""
    one_shot: bool = False
    saved: str = ""
    person: int = 0
    everybody: bool = False
    cached: bool = False

    @property
    def is_cached(self) -> bool:
        """Whether the cache may have it: results that are read are as quickly read again."""
        return self.cached and self.tool not in RESULT_READERS

    @property
    def finds_everybody(self) -> bool:
        """Whether also those are looked for whom the tool overlooks."""
        return self.everybody or self.person > 0

    def estimator(self) -> Estimator:
        """A pose estimator for this video, to be closed by who uses it; raises as `create_estimator` does."""
        return create_estimator(self.tool, self.results or self.model or None)

    @classmethod
    def of_settings(cls, path: str, tool: str, model: str, results: str, **others) -> PosedVideo:
        """A video of which somebody may have given results, as `check_poses` takes them; and further attributes."""
        if tool not in RESULT_READERS and is_own(results):
            return cls(path, tool, model, saved=results, **others)
        return cls(path, tool, model, results, **others)

    @property
    def found_by(self) -> str:
        """Name of the pose estimator that found the person."""
        return read_own(self.saved).estimator if self.saved else self.tool


def check_poses(tool: str, model: str, results: Mapping[str, str], needed: Collection[str]) -> None:
    """Finds poses that cannot be had, before anything slow begins.

    Args:
        tool: name of the pose estimator.
        model: its model; empty for its own.
        results: its results, or poses that were saved, by the names of their flags; empty where none are given.
        needed: those that a tool which reads results cannot do without.

    Raises:
        PoseError: the model or results do not exist, are not for this tool, or are missing.
    """
    for name, path in results.items():
        if path and not os.path.exists(path):
            raise PoseError(f"--{name}={path}: no such file or directory. Check the path.")
        if path and tool not in RESULT_READERS and not is_own(path):
            if os.path.isfile(path):
                read_own_json(path)  # what was cut off
            raise PoseError(
                f"--{name}={path} holds no saved poses; results of a pose tool are for "
                f"--pose={' or '.join(RESULT_READERS)}, got --pose={tool}: name the tool that made it, or leave it out"
            )
    missing = [f"--{name}" for name in needed if not results[name]]
    if missing and tool in RESULT_READERS:
        raise PoseError(f"--pose={tool} needs its results: give {' and '.join(missing)}")
    handle = tool == "movenet" and "://" in model
    if model and not handle and not os.path.exists(model):
        raise PoseError(f"--pose_model={model}: no such file or directory. Check the path.")


def estimate_tracks(videos: Sequence[PosedVideo]) -> list[np.ndarray]:
    """The joints `[T, 14, 3]` of the person in each video, as `estimate_shots` finds them."""
    return [shot.joints for shot in estimate_shots(videos)]


def estimate_shots(videos: Sequence[PosedVideo]) -> list[Shot]:
    """The person in each video, in pixels of its frames, and where only one shot is to be taken, that.

    Raises:
        NoPersonError: a video shows no person.
        PoseError: a video has no person of the number asked for.
        Others as `look_at` does.
    """
    return [found.follow() for found in look_at(videos)]


def look_at(videos: Sequence[PosedVideo]) -> list[Detections]:
    """Finds the people in each video.

    Poses that were saved, or are in the cache, are taken as they are. The other videos are looked at side by side,
    since a pose estimator keeps but one core busy.

    Raises:
        VideoError: a video cannot be read.
        PoseError: the pose estimator's model or results cannot be used, or saved poses are of another video.
        stmt_tf.assets.AssetError: the pose estimator's model cannot be had.
    """
    keys = [_key_of(video) for video in videos]
    known = [read_saved(video) if video.saved else _recalled(video, key) for video, key in zip(videos, keys)]
    found = iter(_look_for_people([each for *each, had in zip(videos, keys, known) if had is None]))
    return [next(found) if each is None else each for each in known]


def read_saved(video: PosedVideo) -> Detections:
    """Poses that were saved of a video, or of the file that it is an excerpt of.

    Raises:
        PoseError: they cannot be read, or are of another video.
        VideoError: the video cannot be read.
    """
    own, info, meant = read_own(video.saved), probe(video.path), excerpt(video.path)
    length, count, name = len(own.joints), info.num_frames, video.path
    if meant.start or meant.end < math.inf:
        times = frame_times(meant.path)
        name = f"the excerpt of {name} that is meant"
        inside = [number for number, time in enumerate(times) if meant.holds(time)]
        if abs(length - len(times)) <= abs(length - len(inside)):
            own, count = own.excerpt(inside), len(times)
    if own.size != (info.width, info.height) or (
        count is not None and abs(length - count) > _MISCOUNTED + _MISCOUNTED_SHARE * count
    ):
        ours = f"{length} frames of {own.size[0]} x {own.size[1]} pixels"
        its = f"{count} of {info.width} x {info.height}"
        raise PoseError(f"{video.saved}: is of {ours}, but {name} has {its}. Give the poses of the same frames")
    if not own.shot:
        raise PoseError(f"{video.saved}: has no poses in the excerpt of {video.path} that is meant. Give other seconds")
    return Detections.of_saved(info, Shot(own.joints, own.shot), video.person)


def _recalled(video: PosedVideo, key: str) -> Detections | None:
    """What the cache has of a video under its key."""
    found = cache.recall(key) if key else None
    return found and Detections(
        probe(video.path), found.people, found.starts, one_shot=video.one_shot, person=video.person
    )


def _key_of(video: PosedVideo) -> str:
    """By what the cache has the people of a video; empty where it may not have them."""
    if video.saved or not video.is_cached:
        return ""
    return cache.key_of(video.path, video.tool, video.model, video.finds_everybody)


def _look_for_people(unknown: Sequence[tuple[PosedVideo, str]]) -> list[Detections]:
    """The people of videos, each given with its key of the cache."""
    if not unknown:
        return []
    videos = [video for video, _ in unknown]
    infos = [probe(video.path) for video in videos]
    lengths = [info.num_frames for info in infos]
    people: list[list[np.ndarray]] = [[] for _ in videos]
    starts: list[list[int]] = [[] for _ in videos]
    witnesses = [Witness() for _ in videos]
    with contextlib.ExitStack() as stack:
        # Not in the threads: what the first one fetches, the second one finds.
        estimators = [stack.enter_context(video.estimator()) for video in videos]
        stages = [
            stack.enter_context(overlapped(_detections(video, info, estimator, witness), ahead=math.inf))
            for video, info, estimator, witness in zip(videos, infos, estimators, witnesses)
        ]
        total = None if None in lengths else sum(lengths)
        bar = stack.enter_context(progress("poses", total, *(video.path for video in videos)))
        for found in itertools.zip_longest(*stages):
            for each, begun, looked in zip(people, starts, found):
                if looked is not None:
                    detections, cut = looked
                    begun += [len(each)] * cut
                    each.append(detections)
                    bar.update()
    for (video, key), each, begun in zip(unknown, people, starts):
        if key and key == _key_of(video):  # else the file was written anew meanwhile
            cache.keep(key, cache.Found(each, begun))
    imported = [
        ImportedPoses(estimator, video.path, len(each), (info.height, info.width), witness)
        if isinstance(estimator, ImportedEstimator)
        else None
        for video, estimator, each, info, witness in zip(videos, estimators, people, infos, witnesses)
    ]
    if len(imported) == 2 and all(imported):
        refuse_swapped(*imported)
    return [
        # What was imported is numbered anew, now that it is known how many frames there are.
        Detections(
            info, each if results is None else results.people(), begun, video.one_shot, results, person=video.person
        )
        for video, info, each, begun, results in zip(videos, infos, people, starts, imported)
    ]


def _detections(
    video: PosedVideo, info: VideoInfo, estimator: Estimator, witness: Witness
) -> Iterator[tuple[np.ndarray, bool]]:
    """The people of each frame, and whether another shot begins with it."""
    estimator.expect(info.num_frames)
    if video.finds_everybody:
        estimator.search()
    cuts = Cuts()
    with overlapped(read_frames(video.path)) as frames:
        for frame in frames:
            people = estimator.detect(frame.image, frame.index)
            if isinstance(estimator, ImportedEstimator):
                witness.see(frame.image)
            cut = cuts.begins(frame.image, people)
            if cut:
                people = estimator.detect_anew(frame.image, frame.index, people)
            yield people, cut


def progress(label: str, total: int | None, *paths: PathLike, unit: str = "frames") -> tqdm:
    """A bar that counts frames, or something else, and names the files that they are of."""
    form = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"
    bar = tqdm(total=total, desc=label, unit=f" {unit}", bar_format=form)
    bar.set_postfix_str(", ".join(os.path.basename(path) for path in paths), refresh=False)
    return bar
