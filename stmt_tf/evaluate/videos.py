"""What each method made, as videos to look at or to show to people (`stmt_tf.study`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stmt_tf.evaluate.pair_frames import Pair
from stmt_tf.files import PathLike
from stmt_tf.video.writer import VideoWriter

_CRF = 12  # lossless to the eye


def write_videos(directory: PathLike, number: int, made: Mapping[str, np.ndarray], pair: Pair) -> None:
    """Writes one video a method, METHOD/same/01.mp4 or METHOD/cross/01.mp4, in the target's frame rate.

    Args:
        directory: where to; folders in it are made.
        number: of the pair, from 0 on; names count from 1.
        made: what each method made, uint8 `[L, size, size, 3]`.
        pair: of what.

    Raises:
        OSError, VideoError: a video cannot be written.
    """
    for method, frames in made.items():
        folder = Path(directory) / method.replace("/", "_") / ("cross" if pair.choice.is_cross else "same")
        folder.mkdir(parents=True, exist_ok=True)
        size = frames.shape[2], frames.shape[1]
        with VideoWriter(folder / f"{number + 1:02d}.mp4", size, pair.fps, crf=_CRF) as video:
            for frame in frames:
                video.write(frame)
