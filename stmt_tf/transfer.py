"""Makes the person of one video do the motion of another.

    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4

The result shows the source's person and place, and has the target's frame count, times and sound. Both
videos are decoded frame by frame: memory does not grow with their length.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import signal
import sys
from typing import Iterator, Sequence

import cv2
import numpy as np
from absl import app, logging
from absl import flags as absl_flags
from tqdm import tqdm

from stmt_tf import flags
from stmt_tf.assets import AssetError
from stmt_tf.compositing import Compositor
from stmt_tf.config import TransferConfig
from stmt_tf.inference import ModelError, TransferModel
from stmt_tf.pose.draw import draw_skeleton
from stmt_tf.pose.estimators import PoseError, create_estimator
from stmt_tf.pose.retarget import retarget
from stmt_tf.pose.selection import select_source_frames
from stmt_tf.pose.tracking import follow_person
from stmt_tf.video.crop import Crop
from stmt_tf.video.reader import Frame, VideoError, probe, read_frames
from stmt_tf.video.sheet import contact_sheet, write_png
from stmt_tf.video.writer import VideoWriter, check_output

_BATCH = 4  # target frames generated together; more gained nothing on a CPU
_SHEET_COLUMNS = 8


@dataclasses.dataclass(frozen=True)
class Source:
    """The chosen source frames.

    Attributes:
        frames: K whole frames, uint8 `[H, W, 3]`.
        joints: `[K, 14, 3]` in pixels of the whole frame.
        crop: where the model looks.
    """

    frames: list[np.ndarray]
    joints: np.ndarray
    crop: Crop

    def crops(self, size: int) -> np.ndarray:
        """The model's view: uint8 `[K, size, size, 3]`."""
        return np.stack([self.crop.extract(frame, size) for frame in self.frames])


def transfer(config: TransferConfig, model: TransferModel) -> None:
    """Writes `config.output`, and the pictures that were asked for.

    Raises:
        VideoError: a video cannot be read or written.
        PoseError: a video shows no person, or the pose estimator's model or results cannot be used.
    """
    check_output(config.output)
    source_track = estimate_track(
        config.source, "source poses", config.pose, config.source_poses or config.pose_model
    )
    target_track = estimate_track(
        config.target, "target poses", config.pose, config.target_poses or config.pose_model
    )
    info = probe(config.source)
    motion = retarget(target_track, source_track, config.retarget)
    chosen = select_source_frames(
        source_track, config.num_source_frames, config.source_selection, config.seed
    )
    source = Source(
        frames=read_chosen(config.source, chosen),
        joints=source_track[chosen],
        # The motion may reach further than the source person ever did.
        crop=Crop.around(np.concatenate([source_track, motion]), (info.height, info.width)),
    )
    if config.preview:
        write_png(config.preview, preview_sheet(config.target, target_track, motion, source))
    write_video(config, model, source, motion)


def estimate_track(path: str, label: str, pose_tool: str, pose_model: str) -> np.ndarray:
    """The joints `[T, 14, 3]` of the person in a video, in pixels of its frames."""
    info = probe(path)
    with create_estimator(pose_tool, pose_model or None) as estimator:
        frames = tqdm(read_frames(path), label, info.num_frames, unit=" frames", leave=False)
        detections = [estimator.detect(frame.image, frame.index) for frame in frames]
    return follow_person(
        detections, (info.height, info.width), max_gap=max(1, round(0.4 * float(info.fps)))
    )


def read_chosen(path: str, indices: Sequence[int]) -> list[np.ndarray]:
    """The frames of these numbers, in that order; a number may occur twice."""
    wanted, found = set(indices), {}
    for frame in read_frames(path):
        if frame.index in wanted:
            found[frame.index] = frame.image
            if len(found) == len(wanted):
                break
    return [found[index] for index in indices]


def write_video(config: TransferConfig, model: TransferModel, source: Source, motion: np.ndarray) -> None:
    """Generates, lays out and encodes the result, a few frames at a time."""
    crops = source.crops(model.size)
    encoded = model.encode_source(crops, source.crop.to_crop(source.joints, model.size))
    poses = source.crop.to_crop(motion, model.size)
    compositor = None
    shown = set(np.linspace(0, len(motion) - 1, _SHEET_COLUMNS).round().astype(int).tolist())
    sheet: dict[str, list[np.ndarray]] = {"source": list(crops), "target": [], "result": []}

    info = probe(config.target)
    with contextlib.ExitStack() as stack:
        writer = None
        progress = stack.enter_context(tqdm(total=len(motion), desc="frames made", unit=" frames"))
        for batch in batches(read_frames(config.target), _BATCH):
            first = batch[0].index
            made = model.generate(encoded, poses[first : first + len(batch)])
            if compositor is None:
                visible = encoded["background_mask"][0].numpy()
                compositor = Compositor(source.frames, visible, made["background"][0], source.crop)
            for i, frame in enumerate(batch):
                if config.crop_only:
                    result = made["frame"][i]
                else:
                    result = compositor.compose(made["foreground"][i], made["mask"][i])
                if frame.index in shown:
                    sheet["target"].append(frame.image)
                    sheet["result"].append(result)
                if config.layout == "side_by_side":
                    result = side_by_side([source.frames[0], frame.image, result])
                if writer is None:
                    height, width, _ = result.shape
                    writer = stack.enter_context(
                        VideoWriter(config.output, (width, height), info.fps, audio_from=config.target)
                    )
                writer.write(result, frame.time)
                progress.update()
    if config.sheet:
        write_png(config.sheet, contact_sheet(list(sheet.items())))


def batches(frames: Iterator[Frame], size: int) -> Iterator[list[Frame]]:
    """Groups an iterator's items by `size`; the last group may be shorter."""
    while batch := list(itertools.islice(frames, size)):
        yield batch


def side_by_side(images: Sequence[np.ndarray]) -> np.ndarray:
    """Puts images beside each other, all scaled to the last one's height."""
    height = images[-1].shape[0]
    return np.concatenate([_to_height(image, height) for image in images], axis=1)


def _to_height(image: np.ndarray, height: int) -> np.ndarray:
    if image.shape[0] == height:
        return image
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def preview_sheet(
    path: str, target_track: np.ndarray, motion: np.ndarray, source: Source
) -> np.ndarray:
    """Target frames with their skeletons, and the retargeted skeletons over the source person's place."""
    steps = np.linspace(0, len(motion) - 1, _SHEET_COLUMNS).round().astype(int).tolist()
    targets = [
        draw_skeleton(image, target_track[step])
        for image, step in zip(read_chosen(path, steps), steps)
    ]
    size = 256
    view = source.crop.extract(source.frames[0], size)
    poses = source.crop.to_crop(motion[steps], size)
    retargeted = [draw_skeleton(view, pose) for pose in poses]
    return contact_sheet([("target", targets), ("retargeted", retargeted)])


SHIPPED_MODEL = os.path.join(os.path.dirname(os.path.dirname(__file__)), "saved_models", "dancers_128px")


def main(argv: Sequence[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"takes flags only, got {argv[1:]}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("transfer: terminated"))
    try:
        config = flags.read(TransferConfig)
        transfer(config, TransferModel(config.model or SHIPPED_MODEL))
    except (AssetError, ModelError, PoseError, ValueError, VideoError) as error:
        sys.exit(f"transfer: {error}")
    except KeyboardInterrupt:
        sys.exit("transfer: interrupted, nothing was written")
    logging.info("wrote %s", config.output)


if __name__ == "__main__":
    flags.define(TransferConfig)
    app.run(main)
