"""tf.data over records of clips: K random source frames and L consecutive target frames an example.

An example (paper 3.5; frames float32 in [-1, 1]):

    source_frames  [K, H, W, 3]   source_joints [K, 14, 3]   source_masks [K, H, W, 1]
    target_frames  [L, H, W, 3]   target_joints [L, 14, 3]   target_masks [L, H, W, 1]

Source and target frames of an example come from one clip and do not overlap. Masks are in [0, 1], or -1
everywhere if the record has none. Everything drawn depends on the seed and the epoch alone, so that a training
that resumes at an epoch's start sees what it would have seen.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf import compat
from stmt_tf.config import DataConfig
from stmt_tf.data import schema
from stmt_tf.pose.skeleton import MIRROR


def find_records(pattern: str, flag: str = "--records") -> list[str]:
    """The record files of a glob, sorted; `flag` is the one that the glob came by, for the error.

    Raises:
        FileNotFoundError: nothing matches.
    """
    if "://" in pattern:
        compat.register_filesystems()
    files = sorted(tf.io.gfile.glob(pattern))
    if not files:
        raise FileNotFoundError(
            f"no record file matches {flag}={pattern!r}; make some with "
            "tfrecords_tools.create_clips or tfrecords_tools.synthetic_dancers"
        )
    return files


def training_dataset(
    config: DataConfig, sources: int, size: int, steps_per_epoch: int, first_epoch: int = 0
) -> tf.data.Dataset:
    """Endless batches, shuffled, half of them mirrored.

    Args:
        config: what to read; batches have `config.batch_size` examples.
        sources: K.
        size: side of the frames in pixels; others are resized.
        steps_per_epoch: batches of an epoch; each epoch shuffles anew.
        first_epoch: epoch to begin with.
    """
    files = find_records(config.train_records, "--train_records")

    def epoch_of_examples(epoch: tf.Tensor) -> tf.data.Dataset:
        # Dataset.shuffle takes no seed that depends on the epoch, so files and then windows of clips are
        # shuffled statelessly.
        seed = tf.stack([tf.cast(config.seed, tf.int64), epoch])
        names = tf.data.Dataset.from_tensor_slices(tf.random.experimental.stateless_shuffle(files, seed))
        clips = names.interleave(tf.data.TFRecordDataset, cycle_length=4).repeat()
        windows = clips.batch(config.shuffle_buffer).enumerate()
        clips = windows.flat_map(
            lambda window, clips: tf.data.Dataset.from_tensor_slices(
                tf.random.experimental.stateless_shuffle(clips, seed + [window + 1, 0])
            )
        )
        examples_per_epoch = steps_per_epoch * config.batch_size
        clips = clips.take(examples_per_epoch).enumerate(epoch * examples_per_epoch)
        return clips.map(lambda index, clip: (tf.stack([seed[0], index]), clip))

    def draw(seed: tf.Tensor, clip: tf.Tensor) -> dict[str, tf.Tensor]:
        example = draw_example(clip, seed, sources, config.num_target_frames, size)
        mirrored = tf.random.stateless_uniform([], seed + [0, 1 << 40]) < 0.5
        return tf.cond(mirrored, lambda: mirror(example), lambda: example)

    epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)
    examples = epochs.flat_map(epoch_of_examples).map(draw, num_parallel_calls=tf.data.AUTOTUNE)
    return _batched(examples, config.batch_size, drop_remainder=True)


def evaluation_dataset(
    pattern: str, count: int, sources: int, targets: int, size: int, batch_size: int, seed: int = 0
) -> tf.data.Dataset:
    """`count` examples, the same every time, in the records' order; clips are drawn from again if few."""
    files = find_records(pattern, "--val_records")
    clips = tf.data.TFRecordDataset(files).repeat().take(count).enumerate()
    examples = clips.map(
        lambda index, clip: draw_example(
            clip, tf.stack([tf.cast(seed, tf.int64), index]), sources, targets, size
        ),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return _batched(examples, batch_size, drop_remainder=False)


def _batched(examples: tf.data.Dataset, batch_size: int, drop_remainder: bool) -> tf.data.Dataset:
    options = tf.data.Options()
    # One worker reads all; its batches are split over its replicas.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    batches = examples.batch(batch_size, drop_remainder=drop_remainder)
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def draw_example(
    serialized: tf.Tensor, seed: tf.Tensor, sources: int, targets: int, size: int
) -> dict[str, tf.Tensor]:
    """Draws one example from one record; only the frames drawn are decoded.

    Args:
        serialized: string scalar, a clip of at least `sources + targets` frames.
        seed: int64 `[2]`; the same seed draws the same frames.
        sources: K.
        targets: L.
        size: side of the frames in pixels.
    """
    clip = schema.parse_clip(serialized)
    steps = tf.shape(clip["frames"])[0]
    with tf.control_dependencies(
        [
            tf.debugging.assert_equal(
                clip["schema_version"],
                tf.constant(schema.SCHEMA_VERSION, tf.int64),
                f"a record is not of schema version {schema.SCHEMA_VERSION}: write the records anew",
            ),
            tf.debugging.assert_greater_equal(
                steps, sources + targets, f"a clip is shorter than K + L = {sources + targets} frames"
            ),
        ]
    ):
        first = tf.random.stateless_uniform([], seed, 0, steps - targets + 1, tf.int32)
    target_steps = first + tf.range(targets)
    # K of the other frames, without repetition: those of the K largest random numbers.
    score = tf.random.stateless_uniform([steps], seed + [1 << 41, 0])
    steps_range = tf.range(steps)
    others = (steps_range < first) | (steps_range >= first + targets)
    source_steps = tf.math.top_k(tf.where(others, score, -1.0), sources).indices
    return {
        **_gather(clip, source_steps, "source", sources, size),
        **_gather(clip, target_steps, "target", targets, size),
    }


def _gather(
    clip: dict[str, tf.Tensor], steps: tf.Tensor, role: str, count: int, size: int
) -> dict[str, tf.Tensor]:
    frames = tf.map_fn(
        schema.decode_frame, tf.gather(clip["frames"], steps), fn_output_signature=tf.float32
    )
    scale = tf.cast(size, tf.float32) / tf.cast(tf.shape(frames)[1], tf.float32)
    masks = tf.cond(
        tf.size(clip["masks"]) > 0,
        lambda: tf.map_fn(
            schema.decode_mask, tf.gather(clip["masks"], steps), fn_output_signature=tf.float32
        ),
        lambda: -tf.ones_like(frames[..., :1]),
    )
    joints = tf.gather(clip["joints"], steps)
    # A pixel's centre keeps its place in the frame: (x + 0.5) scales, x does not.
    position = (joints[..., :2] + 0.5) * scale - 0.5
    return {
        f"{role}_frames": tf.ensure_shape(_resized(frames, size), [count, size, size, 3]),
        f"{role}_joints": tf.ensure_shape(
            tf.concat([position, joints[..., 2:]], -1), [count, *joints.shape[1:]]
        ),
        f"{role}_masks": tf.ensure_shape(_resized(masks, size), [count, size, size, 1]),
    }


def _resized(images: tf.Tensor, size: int) -> tf.Tensor:
    return tf.cond(
        tf.reduce_all(tf.shape(images)[1:3] == size),
        lambda: images,
        lambda: tf.image.resize(images, [size, size], "area"),
    )


def mirror(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The example seen in a mirror: images flipped, left and right joints exchanged."""
    mirrored = {}
    for name, value in example.items():
        if name.endswith("_joints"):
            width = tf.cast(tf.shape(example["target_frames"])[-2], value.dtype)
            x, rest = width - 1.0 - value[..., :1], value[..., 1:]
            mirrored[name] = tf.gather(tf.concat([x, rest], -1), MIRROR, axis=-2)
        else:
            mirrored[name] = tf.reverse(value, axis=[-2])
    return mirrored
