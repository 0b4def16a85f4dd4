"""What cannot work is found before anything slow begins; nothing is written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection

from absl import logging

from stmt_tf.place.backdrop import TRANSPARENT, check_background, has_person
from stmt_tf.pose.estimators import NAMES, RESULT_READERS
from stmt_tf.pose.save import check_save
from stmt_tf.pose.tracks import check_poses, read_saved
from stmt_tf.transfer.live import has_display
from stmt_tf.transfer.people import posed as posed_video
from stmt_tf.transfer.photos import check_photos, photos_of
from stmt_tf.transfer.settings import PICTURES, TransferConfig
from stmt_tf.transfer.source import check_source
from stmt_tf.video.capture import capture, shown
from stmt_tf.video.excerpt import Excerpt
from stmt_tf.video.picture import is_picture
from stmt_tf.video.reader import VideoError, probe
from stmt_tf.video.sheet import check_picture
from stmt_tf.video.sound import find_sound
from stmt_tf.video.writer import check_output

_NOT_LIVE = (
    "matte", *PICTURES, "source_poses", "target_poses", "background_poses", "save_poses", "smooth_poses", "start",
    "end", "target_person", "fps",
)  # fmt: skip


def check(config: TransferConfig, prepared: bool = False) -> None:
    """Checks a transfer between videos.

    Args:
        config: its settings.
        prepared: whether the source's poses are known already.

    Raises:
        VideoError: an input is no video, or an output cannot be written.
        PoseError: the pose estimator's model or results do not exist, or are not its own.
        ValueError: flags are missing or do not go together.
    """
    if not config.target:
        raise ValueError("--target is required")
    for name in ("sheet", "matte"):
        if getattr(config, name) and not config.output:
            raise ValueError(f"--{name}={getattr(config, name)} shows frames of --output, which is not given")
    if config.scene == "target" and config.background:
        raise ValueError(f"--scene=target goes without --background={config.background}: leave one of them out")
    if config.background == TRANSPARENT and config.layout == "side_by_side":
        raise ValueError(f"--background={TRANSPARENT} goes without --layout={config.layout}: leave one of them out")
    check_outputs(config)
    check_alone(config, ("target",) if prepared else ("source", "target"))
    probe(config.video("target"))
    if is_picture(config.target):
        logging.warning("%s: is a picture, so the result has one frame", config.target)
    if config.output:
        find_sound(config.target)


def check_live(config: TransferConfig) -> None:
    """Checks a transfer of what happens; the stream is opened, and closed again.

    Raises:
        VideoError: the source is no video, the stream gives no frame, or the output cannot be written.
        PoseError: the pose estimator's model does not exist.
        ValueError: flags are missing or do not go together.
    """
    if config.target:
        raise ValueError(f"--live={config.live} takes the place of --target={config.target}: give one of them")
    for name in _NOT_LIVE:
        if getattr(config, name):
            raise ValueError(f"--live goes without --{name}={getattr(config, name)}: leave it out")
    if config.scene == "target":
        raise ValueError("--live goes without --scene=target: leave it out")
    if config.background == TRANSPARENT:
        raise ValueError(f"--live goes without --background={TRANSPARENT}: give a colour, such as green")
    if config.pose in RESULT_READERS:
        running = ", ".join(name for name in NAMES if name not in RESULT_READERS)
        raise ValueError(f"--live needs an estimator that runs here: --pose={running}; got {config.pose}")
    check_outputs(config)
    check_alone(config, ())
    if not config.output and not has_display():
        raise ValueError("--live has nowhere to show frames, as no window can be opened here: give --output")
    with contextlib.closing(capture(config.live)) as frames:
        if next(frames, None) is None:
            raise VideoError(f"{shown(config.live)}: ended without a frame. Check that the stream is on.")


def check_people(config: TransferConfig) -> None:
    """Checks a look at who is in view.

    Raises:
        VideoError: an input is no video, or the picture cannot be written.
        PoseError: the pose estimator's model or results do not exist.
        ValueError: neither video is given, or two flags name one file.
    """
    posed = [name for name in ("source", "target") if getattr(config, name)]
    if not posed:
        raise ValueError("--source or --target is required")
    check_outputs(config)
    if photos := photos_of(config.source):
        check_photos(config, photos)
    for name in posed:
        probe(config.video(name))
    _check_poses(config, posed)


def check_alone(config: TransferConfig, posed: tuple[str, ...] = ("source",)) -> None:
    """Checks the source and the other place, whatever the motion.

    Args:
        config: the settings.
        posed: the videos, beside one of another place, whose poses must be given where the pose tool reads results.

    Raises:
        As `check` does.
    """
    if not config.source:
        raise ValueError("--source is required")
    if photos := photos_of(config.source):
        check_photos(config, photos)
        for path in photos:
            probe(path)
    else:
        check_source(config.video("source"), config.num_source_frames, config.source_mattes)
    if config.save_source_poses:
        check_save(config.save_source_poses)
    of_video = has_person(config.background)
    if config.background_by == "model" and not (of_video and config.crop_only):
        raise ValueError(
            "--background_by=model makes the model's square view of a video: give a video as --background, got "
            f"{config.background or 'none'}, and --crop_only"
        )
    if config.background:
        check_background(config.background)
        if of_video:
            posed = (*posed, "background")
    _check_poses(config, posed)


def _check_poses(config: TransferConfig, posed: Collection[str]) -> None:
    results = {f"{name}_poses": getattr(config, f"{name}_poses") for name in ("source", "target", "background")}
    check_poses(config.pose, config.pose_model, results, [f"{name}_poses" for name in posed])
    for video in (posed_video(config, name) for name in posed):
        if video.saved and not isinstance(video.path, Excerpt):  # whose frames can be counted by decoding it alone
            read_saved(video)


def check_outputs(config: TransferConfig) -> None:
    """Checks that all that is to be written can be, and over no input.

    Raises:
        VideoError: an output cannot be written.
        ValueError: two flags name one file.
    """
    if config.output:
        check_output(config.output, transparent=config.background == TRANSPARENT)
    if config.matte:
        check_output(config.matte)
    inputs = filter(None, (config.source, *photos_of(config.source), config.target, config.live, config.background))
    taken = {os.path.realpath(path) for path in inputs}
    for path in config.outputs():
        if os.path.realpath(path) in taken:
            raise ValueError(f"{path}: cannot be written, as another flag names it too. Give another name")
        taken.add(os.path.realpath(path))
    for path in filter(None, (getattr(config, name) for name in PICTURES)):
        check_picture(path)
    if config.save_poses:
        check_save(config.save_poses)
