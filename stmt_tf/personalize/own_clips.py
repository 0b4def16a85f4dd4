"""Clips of one video's own frames, to fine-tune on them: many from its beginning to train on, one from its end.

What is held out is one stretch at the end: frames in between would have neighbours in the training that look the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from stmt_tf.data.schema import Clip
from stmt_tf.pose.body import visible
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.estimators import Estimator
from stmt_tf.pose.mattes import clip_masks
from stmt_tf.pose.selection import evenly_spread
from stmt_tf.video.excerpt import Excerpt
from stmt_tf.video.reader import read_frames

_HELD_OUT = 0.2  # of the frames that show the person
_MOST_TRAINING_FRAMES, _MOST_HELD_OUT_FRAMES = 600, 100  # kept in memory, at the model's size
_CLIP_FRAMES = 24


@dataclasses.dataclass(frozen=True)
class OwnFrames:
    """Some of a video's frames, as a model sees them.

    Attributes:
        frames: uint8 `[N, size, size, 3]`.
        joints: float32 `[N, 14, 3]` in pixels of these.
        masks: uint8 `[N, size, size]`, 255 on the person, or None.
    """

    frames: np.ndarray
    joints: np.ndarray
    masks: np.ndarray | None = None

    def at(self, steps: Sequence[int]) -> OwnFrames:
        """Those of these numbers, in this order."""
        return OwnFrames(self.frames[steps], self.joints[steps], None if self.masks is None else self.masks[steps])

    def clip(self, name: str) -> Clip:
        """They as a clip, without flows: what fine-tunes on it has no losses over time."""
        steps, size = self.frames.shape[:2]
        return Clip(
            clip_id=name,
            video_id=name,
            fps=1.0,  # unevenly spaced
            frames=self.frames,
            joints=self.joints,
            flows=np.zeros((steps - 1, size, size, 2), np.float32),
            pose_tool="estimated",
            flow_tool="none",
            masks=self.masks,
        )


def require_enough(path: str | Excerpt, count: int, fewest: int) -> None:
    """Raises ValueError if a video shows its person in too few frames to train on `fewest` and to hold out as many."""
    held_out = round(_HELD_OUT * count)
    if min(held_out, count - held_out) < fewest:
        raise ValueError(
            f"{path}: shows its person in {count} frame{'s' * (count != 1)}; to fine-tune on them there must be "
            f"{round(fewest / _HELD_OUT)}. Give a longer video"
        )


def read_own_frames(
    path: str, track: np.ndarray, size: int, fewest: int, estimator: Estimator | None = None
) -> tuple[OwnFrames, OwnFrames]:
    """Reads what to train on and what to hold out, evenly spread over their stretches of the video.

    Args:
        path: the video.
        track: `[T, 14, 3]`, the joints of its person in pixels of its frames.
        size: side of the model's frames in pixels.
        fewest: frames that either of the two must have.
        estimator: makes their masks, if it has mattes; None for no masks.

    Raises:
        VideoError: the video cannot be read.
        ValueError: it shows its person in too few frames.
    """
    seen = np.flatnonzero(visible(track))
    require_enough(path, len(seen), fewest)
    cut = len(seen) - round(_HELD_OUT * len(seen))
    stretches = ((seen[:cut], _MOST_TRAINING_FRAMES), (seen[cut:], _MOST_HELD_OUT_FRAMES))
    spread = [steps[evenly_spread(len(steps), most)] for steps, most in stretches]
    wanted = set(np.concatenate(spread).tolist())
    crop: Crop | None = None
    frames: dict[int, np.ndarray] = {}
    mattes: dict[int, np.ndarray] = {}
    for frame in read_frames(path):
        if frame.index in wanted:
            crop = crop or Crop.around(track, frame.image.shape[:2])
            frames[frame.index] = crop.extract(frame.image, size)
            matte = estimator.matte(frame.image, track[frame.index]) if estimator else None
            if matte is not None:
                mattes[frame.index] = crop.extract(matte, size)
    joints = crop.to_crop(track, size).astype(np.float32)
    joints[joints[..., 2] == 0] = 0

    def own_frames(steps: np.ndarray) -> OwnFrames:
        masks = clip_masks(np.stack([mattes[i] for i in steps]), joints[steps]) if mattes else None
        return OwnFrames(np.stack([frames[i] for i in steps]), joints[steps], masks)

    training, held_out = map(own_frames, spread)
    return training, held_out


def clips_all_over(own: OwnFrames, count: int) -> Iterator[Clip]:
    """Yields clips of a few frames each, from all over the stretch, in their order."""
    rng = np.random.default_rng(0)
    for number in range(count):
        steps = np.sort(rng.choice(len(own.frames), min(_CLIP_FRAMES, len(own.frames)), replace=False))
        yield own.at(steps).clip(f"own-{number}")
