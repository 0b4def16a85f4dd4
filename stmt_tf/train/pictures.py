"""What TensorBoard shows of a training, besides its curves: pictures of validation examples at each epoch's end.

    samples     one row an example: first source frame, first target frame, made frame, foreground, background, mask
    motion      the first examples moving: source frame, target frames, made frames
    attention   of fusions with attention, as in the paper's Fig. 7: where each source frame is trusted

The images are those of TensorBoard's image plugin; moving ones are animated PNG, which browsers play.
"""

from __future__ import annotations

import io

import av
import numpy as np
import tensorflow as tf
from tensorboard.plugins.image import metadata

from stmt_tf.pixels import share_to_uint8
from stmt_tf.train.trainer import Trainer

_MOVING_EXAMPLES = 2
_FPS = 8


class ShowPictures(tf.keras.callbacks.Callback):
    """Writes the module's pictures of some validation examples, at the epoch as Keras does its scalars.

    Args:
        example: a batch of the examples to show, as `stmt_tf.data.pipeline` gives it.
        directory: where the events go.
    """

    def __init__(self, example: dict[str, tf.Tensor], directory: str):
        super().__init__()
        self._example = example
        self._writer = tf.summary.create_file_writer(directory)

    def on_epoch_end(self, epoch, logs=None):
        show(self._writer, self.model, self._example, epoch)


def show(writer: tf.summary.SummaryWriter, trainer: Trainer, example: dict[str, tf.Tensor], step: int) -> None:
    """Writes the module's pictures once."""
    # One by one: a training whose batches are small has memory for no more.
    count = len(example["source_frames"])
    ones = [trainer.network({name: x[i : i + 1] for name, x in example.items()}) for i in range(count)]
    outputs = {name: tf.concat([one[name] for one in ones], axis=0) for name in ones[0]}
    with writer.as_default(step=step):
        tf.summary.image("samples", sample_sheet(example, outputs)[None])
        motion = share_to_uint8(motion_sheets(example, outputs)).numpy()
        tf.summary.write(
            "motion",
            # What the plugin reads: width, height and encoded images, all as strings.
            [str(motion.shape[2]), str(motion.shape[1]), animated_png(motion, _FPS)],
            metadata=metadata.create_summary_metadata("motion", "source frame, target, made"),
        )
        if "foreground_attention" in outputs:
            tf.summary.image("attention", attention_sheet(example, outputs)[None])


def sample_sheet(example: dict[str, tf.Tensor], outputs: dict[str, tf.Tensor]) -> tf.Tensor:
    """The picture "samples": float `[B * H, 6 * W, 3]` in [0, 1]."""
    columns = [example["source_frames"][:, 0], example["target_frames"][:, 0]]
    columns += [outputs[name][:, 0] for name in ("frame", "foreground", "background")]
    columns.append(_grey(outputs["mask"][:, 0]))
    return _shown(tf.concat(tf.unstack(tf.concat(columns, axis=2)), axis=0))


def motion_sheets(example: dict[str, tf.Tensor], outputs: dict[str, tf.Tensor]) -> tf.Tensor:
    """The frames of the picture "motion", of the first examples: float `[L, rows * H, 3 * W, 3]` in [0, 1]."""
    targets, made = example["target_frames"], outputs["frame"]
    source = tf.repeat(example["source_frames"][:, :1], targets.shape[1], axis=1)
    rows = tf.concat([source, targets, made], axis=3)[:_MOVING_EXAMPLES]
    return _shown(tf.concat(tf.unstack(rows), axis=1))


def attention_sheet(example: dict[str, tf.Tensor], outputs: dict[str, tf.Tensor]) -> tf.Tensor:
    """The picture "attention", of the first example's first target: float `[rows * H, (K + 1) * W, 3]` in [0, 1].

    Rows: the source frames and the target frame; the foreground's attention to each source frame, white for all of
    it, and the foreground; the background's, and the background, where it has attention.
    """
    frames = example["source_frames"][0]
    rows = [[*tf.unstack(frames), example["target_frames"][0, 0]]]
    for branch in ("foreground", "background"):
        if f"{branch}_attention" not in outputs:
            continue
        maps = outputs[f"{branch}_attention"][0, 0][..., None]
        maps = _grey(tf.image.resize(maps, frames.shape[1:3], "nearest"))
        rows.append([*tf.unstack(maps), outputs[branch][0, 0]])
    return _shown(tf.concat([tf.concat(row, axis=1) for row in rows], axis=0))


def animated_png(frames: np.ndarray, fps: int) -> bytes:
    """Encodes uint8 RGB frames `[T, H, W, 3]` as a PNG that plays in a loop."""
    file = io.BytesIO()
    with av.open(file, "w", format="apng", options={"plays": "0"}) as container:  # 0: for ever
        stream = container.add_stream("apng", rate=fps)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "rgb24"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def _grey(mask: tf.Tensor) -> tf.Tensor:
    """`[..., 1]` in [0, 1] to an image in [-1, 1]."""
    return tf.repeat(mask * 2.0 - 1.0, 3, axis=-1)


def _shown(image: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(image / 2.0 + 0.5, 0.0, 1.0)
