"""All that a transfer needs before its first frame: the source, the motion by the source's body, and the place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from absl import logging

from stmt_tf.place.backdrop import read_background
from stmt_tf.pose.save import save_poses
from stmt_tf.pose.shots import Shot
from stmt_tf.pose.smoothing import smooth
from stmt_tf.pose.tracks import PosedVideo, estimate_shots, estimate_tracks, look_at
from stmt_tf.transfer.motion import Motion, fit_motion
from stmt_tf.transfer.people import number_people, posed
from stmt_tf.transfer.photos import photos_of, read_photos
from stmt_tf.transfer.renderer import frame_side
from stmt_tf.transfer.repair import whole_person
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.source import Source, choose_frames, make_room, read_source
from stmt_tf.video.reader import probe

if TYPE_CHECKING:
    from stmt_tf.serving.inference import TransferModel


def prepare(config: TransferConfig, model: TransferModel, source: Source | None = None) -> tuple[Source, Motion]:
    """The source, seen as widely as the motion reaches, and the motion.

    Args:
        config: what to transfer.
        model: what looks at the source.
        source: the source, if it is prepared already.

    Raises:
        VideoError: a video cannot be read, or the mattes given are not the source's.
        PoseError: a video shows no person, or the pose estimator's model or results cannot be used.
        stmt_tf.assets.AssetError: the pose estimator's model cannot be had.
    """
    videos = {"target": posed(config, "target")}
    if source is None and not photos_of(config.source):
        videos = {"source": posed(config, "source"), **videos}
    found = dict(zip(videos, look_at(list(videos.values()))))
    if config.people:  # before a number that nobody has ends all
        number_people(config, found)
    shots = {name: each.follow() for name, each in found.items()}
    target, of_target = videos["target"], shots["target"]
    _save(config.save_poses, target, of_target)
    if source is None:
        source = prepare_source(config, model, shots.get("source"))
    steady = smooth(of_target.joints, float(probe(target.path).fps), config.smooth_poses)
    motion = fit_motion(target.path, steady, source.track, config.retarget)
    if config.fps:
        motion = motion.at_rate(config.fps)
    return make_room(source, motion.retargeted), motion


def prepare_source(config: TransferConfig, model: TransferModel, shot: Shot | None = None) -> Source:
    """The source alone, whatever its person will do; raises as `prepare` does.

    Args:
        config: which video, and what is looked for in it.
        model: what looks at it.
        shot: its person and the shot that shows them, if they are known already.
    """
    video = posed(config, "source")
    own_place = not config.background and config.scene == "source"  # else nobody sees it
    if photos := photos_of(config.source):
        each = [dataclasses.replace(video, path=path) for path in photos]
        return read_photos(each, lambda track: _choose(config, model, track), own_place)
    if shot is None:
        (shot,) = estimate_shots([video])
    if config.source_person and own_place:
        logging.warning("%s: whoever else is in view stays in the place, and leaves traces where they move", video.path)
    _save(config.save_source_poses, video, shot)
    chosen = _choose(config, model, shot.joints)

    def repair(source: Source) -> Source:
        if config.held_objects:
            return source
        return whole_person(model, source, frame_side(model, source.crop.size, config.max_size))

    return read_source(video, shot.joints, chosen, config.source_mattes, own_place, shot.frames, repair)


def prepare_place(config: TransferConfig, model: TransferModel, source: Source) -> np.ndarray | Source | None:
    """The place to show the source's person in, as `Renderer` takes it."""
    if not config.background:
        return None
    video = posed(config, "background")
    if config.background_by == "plate":
        return read_background(video, model, source.frame_size)
    (track,) = estimate_tracks([video])
    return read_source(video, track, _choose(config, model, track), own_place=False)


def _choose(config: TransferConfig, model: TransferModel, track: np.ndarray) -> np.ndarray:
    """The frames that the model looks at, int `[N]`, of a video with these joints, `[T, 14, 3]`."""
    return choose_frames(
        track, model.num_source_frames, config.num_source_frames, config.source_selection, config.seed
    )


def _save(path: str, video: PosedVideo, shot: Shot) -> None:
    if path:
        save_poses(path, shot, probe(video.path), video.found_by)
