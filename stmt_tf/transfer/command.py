"""Makes the person of one video do the motion of another.

    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4
    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4 --background=place.jpg
    python -m stmt_tf.transfer --source=A.mp4 --live=0   (a camera or stream as the target, see stmt_tf.transfer.live)

The result shows the source's person and place (or another place), and has the target's frame count, times and
sound. Both videos are decoded frame by frame: memory does not grow with their length.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from absl import logging

from stmt_tf import flags
from stmt_tf.assets import SHIPPED_MODEL, AssetError, shipped_model
from stmt_tf.place.backdrop import check_background, read_background
from stmt_tf.place.compositing import side_by_side
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.estimators import RESULT_READERS, PoseError
from stmt_tf.pose.retarget import retarget
from stmt_tf.pose.tracks import check_poses, estimate_tracks, progress, visible
from stmt_tf.transfer import live
from stmt_tf.transfer.renderer import Renderer, frame_side
from stmt_tf.transfer.repair import whole_person
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.sheets import Motion, ResultSheet, attention_sheet, preview_sheet
from stmt_tf.transfer.source import Source, check_source, choose_source, make_room
from stmt_tf.video.reader import Frame, VideoError, probe, read_frames
from stmt_tf.video.sheet import check_picture, write_png
from stmt_tf.video.threads import overlapped
from stmt_tf.video.writer import VideoWriter, check_output

if TYPE_CHECKING:
    from stmt_tf.serving.inference import TransferModel

_BATCH = 4  # target frames generated together; more gained nothing on a CPU


def check(config: TransferConfig) -> None:
    """Finds what cannot work before anything slow begins; writes nothing.

    Raises:
        VideoError: an input is no video, or an output cannot be written.
        PoseError: the pose estimator's model or results do not exist, or are not its own.
        ValueError: flags do not go together.
    """
    check_output(config.output)
    taken = {os.path.realpath(path): path for path in filter(None, (config.source, config.target, config.background))}
    for path in (config.output, config.preview, config.sheet, config.attention):
        if path and os.path.realpath(path) in taken:
            raise ValueError(f"{path}: cannot be written, as another flag names it too. Give another name")
        taken[os.path.realpath(path)] = path
    for path in filter(None, (config.preview, config.sheet, config.attention)):
        check_picture(path)
    check_source(config)
    probe(config.target)
    if config.background:
        check_background(config)
    check_poses(config)
    if config.pose in RESULT_READERS and not (config.source_poses and config.target_poses):
        raise ValueError(f"--pose={config.pose} needs its results: give --source_poses and --target_poses")


def transfer(config: TransferConfig, model: TransferModel) -> None:
    """Writes `config.output`, and the pictures that were asked for.

    Raises:
        VideoError: a video cannot be read or written.
        PoseError: a video shows no person, or the pose estimator's model or results cannot be used.
        ValueError: the model cannot look at so many source frames.
        stmt_tf.assets.AssetError: the pose estimator's model cannot be had.
    """
    model.check_source_count(config.num_source_frames)
    videos = (config.source, config.source_poses), (config.target, config.target_poses)
    source_track, target_track = estimate_tracks(
        [(path, results or config.pose_model) for path, results in videos], config.pose
    )
    retargeted = retarget(target_track, source_track, config.retarget)
    source = choose_source(config, source_track, model.num_source_frames)
    if not config.held_objects:
        source = whole_person(model, source, frame_side(model, source.crop.size, config.max_size))
    source = make_room(source, source_track, retargeted)
    target_info = probe(config.target)
    motion = Motion(target_track, retargeted, Crop.around(target_track, (target_info.height, target_info.width)))
    lost = ~visible(target_track)
    if lost.any():
        logging.warning(
            "%s: no person in %d of %d frames; they show the place alone", config.target, lost.sum(), len(lost)
        )
    laid = ((retargeted[..., 2] > 0) & (target_track[..., 2] == 0)).any(-1)
    if laid.any():
        logging.warning(
            "%s: not all of the body is in view in %d of %d frames; what is missing is laid straight on",
            config.target, laid.sum(), len(laid),
        )  # fmt: skip
    if config.preview:
        write_png(config.preview, preview_sheet(config.target, source, motion))
    place = read_background(config, model, source.frames[0].shape[:2]) if config.background else None
    if config.personalize:
        from stmt_tf.personalize.command import personalized  # all that trains, which few transfers need

        model = personalized(config, source_track)
    write_video(config, model, source, motion, place)


def write_video(
    config: TransferConfig, model: TransferModel, source: Source, motion: Motion, place: np.ndarray | None
) -> None:
    """Decodes, generates and encodes side by side, a few frames at a time; `place` as `Renderer` takes it."""
    sheet = ResultSheet(source, motion, place)
    with contextlib.ExitStack() as stack:
        bar = stack.enter_context(progress("result", len(motion.target)))
        renderer = Renderer(model, source, config.crop_only, place, config.max_size)
        made = stack.enter_context(overlapped(results(config.target, renderer, motion.retargeted), ahead=_BATCH))
        writer = None
        for frame, result in made:
            sheet.add(frame, result)
            if config.layout == "side_by_side":
                result = side_by_side([source.frames[0], frame.image, result])
            if writer is None:
                size, fps = (result.shape[1], result.shape[0]), probe(config.target).fps
                writer = stack.enter_context(VideoWriter(config.output, size, fps, audio_from=config.target))
            writer.write(result, frame.time)
            bar.update()
    if config.sheet:
        write_png(config.sheet, sheet.picture())
    if config.attention:
        write_attention(config.attention, renderer, source, motion)


def write_attention(path: str, renderer: Renderer, source: Source, motion: Motion) -> None:
    """Writes the sheet of attention maps; for a model without attention, a warning instead."""
    made = renderer.generate(motion.retargeted, motion.sampled())
    if "foreground_attention" in made:
        write_png(path, attention_sheet(source, made))
    else:
        logging.warning("--attention=%s: not written, as this model has no attention (see --fusion of train)", path)


def results(target: str, renderer: Renderer, poses: np.ndarray) -> Iterator[tuple[Frame, np.ndarray]]:
    """Yields each frame of the target with what becomes of it, uint8 `[H, W, 3]`.

    Args:
        target: the target video.
        renderer: makes the frames.
        poses: `[T, 14, 3]`, one for each frame, as `Renderer.render` takes them.
    """
    with overlapped(read_frames(target), ahead=_BATCH) as frames:
        for batch in batches(frames, _BATCH):
            yield from zip(batch, renderer.render(poses[batch[0].index : batch[-1].index + 1]))


def batches(frames: Iterator[Frame], size: int) -> Iterator[list[Frame]]:
    """Groups an iterator's items by `size`; the last group may be shorter."""
    while batch := list(itertools.islice(frames, size)):
        yield batch


def main(argv: Sequence[str]) -> None:
    """Reads the flags and makes the video."""
    del argv  # nothing is left in it
    try:
        config = flags.read(TransferConfig)
        (live.check if config.live else check)(config)
        # TensorFlow takes its time to load, which a mistyped name need not wait for.
        from stmt_tf.serving.inference import TransferModel

        model = TransferModel(config.model or str(shipped_model(SHIPPED_MODEL)))
        if config.personalize:
            from stmt_tf.personalize.command import check_start

            check_start(config.model)
        (live.perform if config.live else transfer)(config, model)
    except (AssetError, OSError, PoseError, ValueError, VideoError) as error:
        sys.exit(f"transfer: {error}")
    if config.output:
        logging.info("wrote %s", config.output)


def run() -> None:
    """The command."""
    flags.define(TransferConfig)
    flags.run(main, "transfer", interrupted="what was not complete was not written")
