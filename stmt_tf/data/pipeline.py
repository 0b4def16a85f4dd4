"""tf.data over records of clips: K random source frames and L consecutive target frames an example.

An example (paper 3.5; frames float32 in [-1, 1]):

    source_frames  [K, H, W, 3]   source_joints [K, 14, 3]   source_masks [K, H, W, 1]
    target_frames  [L, H, W, 3]   target_joints [L, 14, 3]   target_masks [L, H, W, 1]
    target_flows   [L - 1, H, W, 2], in pixels, from frame t to t + 1; where they are asked for

Source and target frames of an example come from one clip and do not overlap. Masks are in [0, 1], or -1
everywhere if the record has none. Everything drawn depends on the seed and the epoch alone, so that a training
that resumes at an epoch's start sees what it would have seen.

An example is drawn, shuffled among others while its images are still encoded, given to its worker, and decoded.
"""

from __future__ import annotations

import math

import tensorflow as tf

from stmt_tf import compat
from stmt_tf.config import DataConfig
from stmt_tf.data import schema
from stmt_tf.pose.skeleton import MIRROR

_EPOCH_STRIDE = 1 << 32  # more than an epoch has examples: no two examples of a training share a seed


def find_records(pattern: str, flag: str = "--records") -> list[str]:
    """The record files of a glob, sorted; `flag` is the one that the glob came by, for the error.

    Raises:
        FileNotFoundError: nothing matches.
    """
    if not pattern:
        raise FileNotFoundError(f"{flag} is required: a glob of record files")
    if "://" in pattern:
        compat.register_filesystems()
    files = sorted(tf.io.gfile.glob(pattern))
    if not files:
        raise FileNotFoundError(
            f"no record file matches {flag}={pattern!r}; make some with "
            "tfrecords_tools.create_clips or tfrecords_tools.synthetic_dancers"
        )
    return files


def _find_clips(pattern: str, flag: str) -> list[str]:
    files = find_records(pattern, flag)
    # Endless epochs of no examples would be looked through for ever.
    if next(iter(tf.data.TFRecordDataset(files)), None) is None:
        raise ValueError(f"{flag}={pattern!r}: there is no clip in these files; name others or write them anew")
    return files


def training_dataset(
    config: DataConfig,
    sources: int,
    size: int,
    steps_per_epoch: int,
    first_epoch: int = 0,
    flows: bool = False,
    worker: int = 0,
    num_workers: int = 1,
) -> tf.data.Dataset:
    """Endless batches, shuffled, half of them mirrored.

    Args:
        config: what to read; all workers' batches together have `config.batch_size` examples.
        sources: K.
        size: side of the frames in pixels; others are resized.
        steps_per_epoch: batches of an epoch; each epoch shuffles anew.
        first_epoch: epoch to begin with.
        flows: whether examples hold flows.
        worker: index of the worker whose part of each batch this is.
        num_workers: how many there are; their parts side by side are the batches of a single worker.

    Raises:
        FileNotFoundError: no file matches.
        ValueError: there is no record in the files.
    """
    files = _find_clips(config.train_records, "--train_records")

    def epoch_of_examples(epoch: tf.Tensor) -> tf.data.Dataset:
        # Dataset.shuffle takes no seed that depends on the epoch, so files and then windows of examples are
        # shuffled statelessly.
        seed = tf.stack([tf.cast(config.seed, tf.int64), epoch])
        names = tf.data.Dataset.from_tensor_slices(tf.random.experimental.stateless_shuffle(files, seed))
        clips = names.interleave(tf.data.TFRecordDataset, cycle_length=4).repeat()
        examples_per_epoch = steps_per_epoch * config.batch_size
        examples = clips.enumerate(epoch * _EPOCH_STRIDE).map(
            lambda index, clip: draw_example(
                clip, tf.stack([seed[0], index]), sources, config.num_target_frames, flows
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        windows = examples.batch(config.shuffle_buffer).enumerate()
        examples = windows.flat_map(lambda window, drawn: _shuffled(drawn, seed + [window + 1, 0]))
        examples = examples.take(examples_per_epoch).enumerate()
        examples = _worker_part(examples, config.batch_size, worker, num_workers)
        return examples.map(lambda index, example: (tf.stack([seed[0], epoch * _EPOCH_STRIDE + index]), example))

    def decode(seed: tf.Tensor, drawn: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        example = decode_example(drawn, size)
        mirrored = tf.random.stateless_uniform([], seed + [0, 1 << 40]) < 0.5
        return tf.cond(mirrored, lambda: mirror(example), lambda: example)

    epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)
    examples = epochs.flat_map(epoch_of_examples).map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return _batched(examples, config.batch_size // num_workers)


def evaluation_dataset(
    pattern: str,
    count: int,
    sources: int,
    targets: int,
    size: int,
    batch_size: int,
    seed: int = 0,
    worker: int = 0,
    num_workers: int = 1,
) -> tf.data.Dataset:
    """`count` examples rounded up to whole batches, the same every time; clips are drawn from again if few."""
    files = _find_clips(pattern, "--val_records")
    count = math.ceil(count / batch_size) * batch_size
    clips = tf.data.TFRecordDataset(files).repeat().take(count).enumerate()
    clips = _worker_part(clips, batch_size, worker, num_workers)
    examples = clips.map(
        lambda index, clip: decode_example(
            draw_example(clip, tf.stack([tf.cast(seed, tf.int64), index]), sources, targets), size
        ),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return _batched(examples, batch_size // num_workers)


def _shuffled(drawn: dict[str, tf.Tensor], seed: tf.Tensor) -> tf.data.Dataset:
    """The examples of a window, shuffled."""
    count = tf.shape(drawn["source_joints"])[0]
    order = tf.random.experimental.stateless_shuffle(tf.range(count), seed)
    return tf.data.Dataset.from_tensor_slices({name: tf.gather(x, order) for name, x in drawn.items()})


def _worker_part(examples: tf.data.Dataset, batch_size: int, worker: int, num_workers: int) -> tf.data.Dataset:
    """Of numbered examples those that this worker has of each batch."""
    share = batch_size // num_workers
    return examples.filter(lambda index, _: index % batch_size // share == worker)


def _batched(examples: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    options = tf.data.Options()
    # Each worker reads its own part already; its batches are split over its replicas.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    batches = examples.batch(batch_size, drop_remainder=True)
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def draw_example(
    serialized: tf.Tensor, seed: tf.Tensor, sources: int, targets: int, flows: bool = False
) -> dict[str, tf.Tensor]:
    """Draws one example from one record; images stay encoded, an absent mask is an empty string.

    Args:
        serialized: string scalar, a clip of at least `sources + targets` frames.
        seed: int64 `[2]`; the same seed draws the same frames.
        sources: K.
        targets: L.
        flows: whether to take the flows between the target frames; for L > 1.
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
    masks = tf.cond(tf.size(clip["masks"]) > 0, lambda: clip["masks"], lambda: tf.fill([steps], ""))
    drawn = {}
    for role, chosen, count in (("source", source_steps, sources), ("target", target_steps, targets)):
        for name, values in (("frames", clip["frames"]), ("joints", clip["joints"]), ("masks", masks)):
            drawn[f"{role}_{name}"] = tf.ensure_shape(tf.gather(values, chosen), [count, *values.shape[1:]])
    if flows:
        drawn["target_flows"] = tf.ensure_shape(tf.gather(clip["flows"], target_steps[:-1]), [targets - 1])
    return drawn


def decode_example(drawn: dict[str, tf.Tensor], size: int) -> dict[str, tf.Tensor]:
    """Decodes what `draw_example` drew, to frames of `size` x `size` pixels."""
    example = {}
    for role in ("source", "target"):
        frames = _decoded(schema.decode_frame, drawn[f"{role}_frames"])
        scale = size / tf.shape(frames)[1]
        joints = drawn[f"{role}_joints"]
        # A pixel's centre keeps its place in the frame: (x + 0.5) scales, x does not.
        position = (joints[..., :2] + 0.5) * tf.cast(scale, tf.float32) - 0.5
        masks = tf.cond(
            drawn[f"{role}_masks"][0] == "",
            lambda frames=frames: -tf.ones_like(frames[..., :1]),
            lambda encoded=drawn[f"{role}_masks"]: _decoded(schema.decode_mask, encoded),
        )
        example[f"{role}_frames"] = _resized(frames, size)
        example[f"{role}_joints"] = tf.concat([position, joints[..., 2:]], -1)
        example[f"{role}_masks"] = _resized(masks, size)
    if "target_flows" in drawn:
        flows = _decoded(schema.decode_flow, drawn["target_flows"])
        example["target_flows"] = _resized(flows, size) * tf.cast(scale, tf.float32)
    return example


def _decoded(decode, encoded: tf.Tensor) -> tf.Tensor:
    return tf.map_fn(decode, encoded, fn_output_signature=tf.float32)


def _resized(images: tf.Tensor, size: int) -> tf.Tensor:
    resized = tf.cond(
        tf.reduce_all(tf.shape(images)[1:3] == size),
        lambda: images,
        lambda: tf.image.resize(images, [size, size], "area"),
    )
    return tf.ensure_shape(resized, [images.shape[0], size, size, images.shape[-1]])


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
    if "target_flows" in mirrored:
        mirrored["target_flows"] *= [-1.0, 1.0]
    return mirrored
