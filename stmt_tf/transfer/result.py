"""The result of a transfer, whose frames are made when they are asked for."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from absl import logging

from stmt_tf.files import PathLike
from stmt_tf.place.backdrop import TRANSPARENT
from stmt_tf.pose.tracks import progress
from stmt_tf.transfer.checks import check_outputs
from stmt_tf.transfer.keywords import as_config
from stmt_tf.transfer.motion import Motion
from stmt_tf.transfer.panels import Loop, side_by_side
from stmt_tf.transfer.renderer import Renderer
from stmt_tf.transfer.sheets import ResultSheet, attention_sheet
from stmt_tf.transfer.source import Source
from stmt_tf.video.reader import Frame, probe
from stmt_tf.video.sheet import write_png
from stmt_tf.video.threads import overlapped
from stmt_tf.video.writer import VideoWriter

_BATCH = 4  # target frames generated together; more gained nothing on a CPU


class Images:
    """T images, made anew, a few at a time, whenever they are iterated over; `np.asarray` holds them all.

    Args:
        make: makes the images of some poses `[t, 14, 3]` that follow each other from the first one on.
        poses: `[T, 14, 3]`.
    """

    def __init__(self, make: Callable[[], Callable[[np.ndarray], Sequence[np.ndarray]]], poses: np.ndarray):
        self._make, self._poses = make, poses

    def __len__(self) -> int:
        return len(self._poses)

    def __iter__(self) -> Iterator[np.ndarray]:
        make = self._make()
        for first in range(0, len(self), _BATCH):
            yield from make(self._poses[first : first + _BATCH])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.stack(list(self)).astype(dtype or np.uint8, copy=False)


class Result:
    """The source's person in the target's motion.

    Args:
        renderer: makes the frames.
        source: whom and where to show.
        motion: what they do.
        place: the place that they are shown in, uint8 `[H, W, 3]`, where that is not their own.

    Attributes:
        frames: the T frames, uint8 `[H, W, 3]`, as many as the target's unless another rate was asked for; made
            whenever they are iterated over. Before a transparent background RGBA `[H, W, 4]`, colours not multiplied by
            alpha.
        masks: where the person is in them, uint8 `[H, W]`, 255 on the person; made likewise.
        poses: `[T, 14, 3]`, the motion by the source's body in pixels of the source's frames.
        background: the place without the person, uint8 `[H, W, 3]`; black if it is transparent.
    """

    def __init__(self, renderer: Renderer, source: Source, motion: Motion, place: np.ndarray | None = None):
        self._renderer, self._source, self._motion, self._place = renderer, source, motion, place
        self.poses, self.background = motion.retargeted, renderer.place
        self.frames = Images(lambda: renderer.anew().render, motion.retargeted)
        self.masks = Images(lambda: renderer.anew().masks, motion.retargeted)

    def write(
        self, output: PathLike, layout: str = "result", sheet: PathLike = "", matte: PathLike = ""
    ) -> None:
        """Writes the video, with the target's times and sound; decodes, decides, warps and encodes side by side.

        Args:
            output: the video, .mp4, .m4v, .mov, .webm or .gif.
            layout: `result`, or `side_by_side` with source and target.
            sheet: PNG of source frames, target frames and result; empty: none.
            matte: video of the masks; empty: none.

        Raises:
            VideoError: the target cannot be read, or an output cannot be written.
            ValueError: there is no such layout, or two of output, matte, sheet, source and target are one file.
        """
        written = {"output": output, "layout": layout, "sheet": sheet, "matte": matte}
        background = TRANSPARENT if self._renderer.transparent else ""
        files = {"source": self._source.video.path, "target": self._motion.path, "background": background, **written}
        check_outputs(as_config(files, files))
        place = None if self._renderer.transparent else self._place
        collected = ResultSheet(self._source, self._motion, self._renderer.view, place)
        playing = Loop(self._source.video.path) if layout == "side_by_side" else None
        fps = self._motion.rate or probe(self._motion.path).fps
        with contextlib.ExitStack() as stack:
            bar = stack.enter_context(progress("result", len(self.frames), output))
            made = stack.enter_context(overlapped(self._with_targets(bool(matte)), ahead=_BATCH))
            writers: dict[str, VideoWriter] = {}

            def write(path: str, image: np.ndarray, time: float, **options) -> None:
                if path not in writers:
                    size = image.shape[1], image.shape[0]
                    writers[path] = stack.enter_context(VideoWriter(path, size, fps, **options))
                writers[path].write(image, time)

            for frame, (result, mask) in made:
                collected.add(frame, result)
                if layout == "side_by_side":
                    result = side_by_side([playing.at(frame.time), frame.image, result])
                sound, alpha = self._motion.path, self._renderer.transparent
                write(output, result, frame.time, audio_from=sound, transparent=alpha)
                if matte:
                    write(matte, mask[..., np.newaxis].repeat(3, -1), frame.time)
                bar.update()
        if sheet:
            write_png(sheet, collected.picture())

    def write_attention(self, path: PathLike) -> None:
        """Writes the sheet of attention maps as PNG; for a model without attention, a warning instead."""
        made = self._renderer.generate(self.poses, self._motion.sampled())
        if "foreground_attention" in made:
            write_png(path, attention_sheet(self._source, made))
        else:
            logging.warning("--attention=%s: not written, as this model has no attention (see --fusion of train)", path)

    def _with_targets(self, masks: bool) -> Iterator[tuple[Frame, tuple[np.ndarray, np.ndarray | None]]]:
        """Each frame of the target with what becomes of it, and, if asked for, where the person is in that."""
        with overlapped(self._begun(masks)) as batches:
            for frames, images in batches:
                yield from zip(frames, images)

    def _begun(self, masks: bool) -> Iterator[tuple[list[Frame], Iterator[tuple[np.ndarray, np.ndarray | None]]]]:
        """Some frames of the target after the other, with what `Renderer.begin` gives for them."""
        renderer = self._renderer.anew()
        with overlapped(self._motion.frames(), ahead=_BATCH) as frames:
            while batch := list(itertools.islice(frames, _BATCH)):
                yield batch, renderer.begin(self.poses[batch[0].index : batch[-1].index + 1], masks)
