"""Makes the person of one video do the motion of another.

    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4

The result shows the source's person and place, and has the target's frame count, times and sound. Both
videos are decoded frame by frame: memory does not grow with their length.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from absl import app, logging
from absl import flags as absl_flags
from tqdm import tqdm

from stmt_tf import flags
from stmt_tf.assets import AssetError, shipped_model
from stmt_tf.compositing import Compositor, empty_place, side_by_side
from stmt_tf.config import TransferConfig
from stmt_tf.pose.estimators import PoseError, create_estimator
from stmt_tf.pose.retarget import retarget
from stmt_tf.pose.selection import select_source_frames
from stmt_tf.pose.tracking import follow_person
from stmt_tf.sheets import Motion, ResultSheet, Source, preview_sheet, read_chosen
from stmt_tf.video.crop import Crop
from stmt_tf.video.files import check_writable
from stmt_tf.video.reader import Frame, VideoError, probe, read_frames
from stmt_tf.video.sheet import write_png
from stmt_tf.video.writer import VideoWriter, check_output

if TYPE_CHECKING:
    from stmt_tf.inference import TransferModel

SHIPPED_MODEL = "dancers_128px"
_BATCH = 4  # target frames generated together; more gained nothing on a CPU
_RESULTS_OF_TOOLS = ("openpose", "alphapose")


def check(config: TransferConfig) -> None:
    """Finds what cannot work before anything slow begins; writes nothing.

    Raises:
        VideoError: an input is no video, or an output cannot be written.
        ValueError: flags do not go together.
    """
    check_output(config.output)
    taken = {os.path.realpath(path): path for path in (config.source, config.target)}
    for path in (config.output, config.preview, config.sheet):
        if path and os.path.realpath(path) in taken:
            raise ValueError(f"{path}: cannot be written, as another flag names it too. Give another name")
        taken[os.path.realpath(path)] = path
    for path in filter(None, (config.preview, config.sheet)):
        _check_picture(path)
    length = probe(config.source).num_frames
    probe(config.target)
    if length is not None and config.num_source_frames > length:
        raise ValueError(f"--num_source_frames={config.num_source_frames}, but {config.source} has {length} frames")
    if config.pose in _RESULTS_OF_TOOLS and not (config.source_poses and config.target_poses):
        raise ValueError(f"--pose={config.pose} needs its results: give --source_poses and --target_poses")


def _check_picture(path: str) -> None:
    if not path.lower().endswith(".png"):
        raise VideoError(f"{path}: pictures are written as PNG. Give a name that ends in .png.")
    check_writable(path)


def transfer(config: TransferConfig, model: TransferModel) -> None:
    """Writes `config.output`, and the pictures that were asked for.

    Raises:
        VideoError: a video cannot be read or written.
        PoseError: a video shows no person, or the pose estimator's model or results cannot be used.
        ValueError: the model cannot look at so many source frames.
        stmt_tf.assets.AssetError: the pose estimator's model cannot be had.
    """
    model.check_source_count(config.num_source_frames)
    source_track = estimate_track(config.source, "source poses", config.pose, config.source_poses or config.pose_model)
    chosen = select_source_frames(source_track, config.num_source_frames, config.source_selection, config.seed)
    logging.info("source frames: %s of %d", ", ".join(map(str, chosen)), len(source_track))
    target_track = estimate_track(config.target, "target poses", config.pose, config.target_poses or config.pose_model)
    retargeted = retarget(target_track, source_track, config.retarget)
    source_info, target_info = probe(config.source), probe(config.target)
    source = Source(
        frames=read_chosen(config.source, chosen),
        joints=source_track[chosen],
        # The motion may reach further than the source person ever did.
        crop=Crop.around(np.concatenate([source_track, retargeted]), (source_info.height, source_info.width)),
    )
    motion = Motion(target_track, retargeted, Crop.around(target_track, (target_info.height, target_info.width)))
    lost = ~_visible(target_track)
    if lost.any():
        logging.warning(
            "%s: no person in %d of %d frames; they show the place alone", config.target, lost.sum(), len(lost)
        )
    if config.preview:
        write_png(config.preview, preview_sheet(config.target, source, motion))
    write_video(config, model, source, motion)


def _visible(joints: np.ndarray) -> np.ndarray:
    """In which frames there is a person at all: bool `[T]` for joints `[T, 14, 3]`."""
    return (joints[..., 2] > 0.0).any(-1)


def estimate_track(path: str, label: str, pose_tool: str, pose_model: str) -> np.ndarray:
    """The joints `[T, 14, 3]` of the person in a video, in pixels of its frames."""
    info = probe(path)
    detections = []
    with create_estimator(pose_tool, pose_model or None) as estimator, _progress(label, info.num_frames) as progress:
        for frame in read_frames(path):
            detections.append(estimator.detect(frame.image, frame.index))
            progress.update()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            track = follow_person(detections, (info.height, info.width), max_gap=max(1, round(0.4 * float(info.fps))))
        except PoseError as error:
            raise PoseError(f"{path}: {error}") from error
    for warning in told:
        logging.warning("%s: %s", path, warning.message)
    return track


def _progress(label: str, total: int | None) -> tqdm:
    form = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}]"
    return tqdm(total=total, desc=label, unit=" frames", bar_format=form)


def write_video(config: TransferConfig, model: TransferModel, source: Source, motion: Motion) -> None:
    """Generates, lays out and encodes the result, a few frames at a time."""
    sheet = ResultSheet(source, motion)
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(_progress("result", len(motion.target)))
        writer = None
        for frame, result in results(config, model, source, motion.retargeted):
            sheet.add(frame, result)
            if config.layout == "side_by_side":
                result = side_by_side([source.frames[0], frame.image, result])
            if writer is None:
                size, fps = (result.shape[1], result.shape[0]), probe(config.target).fps
                writer = stack.enter_context(VideoWriter(config.output, size, fps, audio_from=config.target))
            writer.write(result, frame.time)
            progress.update()
    if config.sheet:
        write_png(config.sheet, sheet.picture())


def results(
    config: TransferConfig, model: TransferModel, source: Source, poses: np.ndarray
) -> Iterator[tuple[Frame, np.ndarray]]:
    """Yields each frame of the target with what becomes of it, uint8 `[H, W, 3]`.

    Args:
        config: which target, and whether its crop alone is wanted.
        model: what makes the frames.
        source: whom and where to show.
        poses: `[T, 14, 3]` in pixels of the source's frames; in a frame without a pose there is nobody.
    """
    encoded = model.encode_source(source.crops(model.size), source.crop.to_crop(source.joints, model.size))
    nobody = ~_visible(poses)
    poses = source.crop.to_crop(poses, model.size)
    compositor = None
    for batch in batches(read_frames(config.target), _BATCH):
        span = slice(batch[0].index, batch[-1].index + 1)
        made = model.generate(encoded, poses[span])
        made["mask"][nobody[span]] = 0
        made["frame"][nobody[span]] = made["background"][nobody[span]]
        if compositor is None:
            visible = encoded["background_mask"][0, : len(source.frames)].numpy()
            place = empty_place(source.frames, visible, made["background"][0], source.crop)
            compositor = Compositor(place, source.crop)
        for i, frame in enumerate(batch):
            if config.crop_only:
                yield frame, made["frame"][i]
            else:
                yield frame, compositor.compose(made["foreground"][i], made["mask"][i])


def batches(frames: Iterator[Frame], size: int) -> Iterator[list[Frame]]:
    """Groups an iterator's items by `size`; the last group may be shorter."""
    while batch := list(itertools.islice(frames, size)):
        yield batch


def _parse_flags(argv: Sequence[str]) -> list[str]:
    """Parses the command line; what is wrong with it is one line."""
    try:
        rest = absl_flags.FLAGS(argv)
    except absl_flags.Error as error:
        sys.exit(f"transfer: {' '.join(str(error).split())} (--help lists the flags)")
    if rest[1:]:
        sys.exit(f"transfer: takes --flags only, got {' '.join(rest[1:])} (--help lists them)")
    return rest


def main(argv: Sequence[str]) -> None:
    """Reads the flags and makes the video."""
    del argv  # nothing is left in it
    try:
        config = flags.read(TransferConfig)
        check(config)
        # TensorFlow takes its time to load, which a mistyped name need not wait for.
        from stmt_tf.inference import TransferModel

        transfer(config, TransferModel(config.model or str(shipped_model(SHIPPED_MODEL))))
    except (AssetError, PoseError, ValueError, VideoError) as error:
        sys.exit(f"transfer: {error}")
    logging.info("wrote %s", config.output)


def run() -> None:
    """The command."""
    flags.define(TransferConfig)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit("transfer: interrupted; no video was written"))
    app.run(main, flags_parser=_parse_flags)


if __name__ == "__main__":
    run()
