"""tf.data over records of clips: K random source frames and L consecutive target frames an example.

An example (paper 3.5; frames float32 in [-1, 1]):

    source_frames  [K, H, W, 3]   source_joints [K, 14, 3]   source_masks [K, H, W, 1]
    target_frames  [L, H, W, 3]   target_joints [L, 14, 3]   target_masks [L, H, W, 1]
    source_mattes  [K, H, W, 1], the source masks as they would be found in the pictures
    target_flows   [L - 1, H, W, 2], in pixels, from frame t to t + 1; where they are asked for

Source and target frames of an example come from one clip and do not overlap. Masks are in [0, 1], or -1
everywhere if the record has none. Everything drawn depends on the seed and the number of the step alone, so that a
training that resumes, at an epoch's start or within it, sees what it would have seen.

An example is drawn, shuffled among others while its images are still encoded (`stmt_tf.data.order`), given to its
worker, decoded, and changed (`stmt_tf.data.augmentation`).
"""

from __future__ import annotations

import math

import tensorflow as tf

from stmt_tf.config import DataConfig
from stmt_tf.data import schema
from stmt_tf.data.augmentation import augment, disturbed_mattes, mirror
from stmt_tf.data.order import as_it_is, read_clips, shuffled_samples
from stmt_tf.data.record_files import find_records
from stmt_tf.pose.maps import scaled_joints

# Added to the seed, so that what is drawn of an example shares no random numbers.
_SOURCES, _MIRROR, _AUGMENT, _MATTES = 1 << 41, 1 << 44, 1 << 45, 1 << 46


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
    first_step: int = 0,
    flows: bool = False,
    worker: int = 0,
    num_workers: int = 1,
) -> tf.data.Dataset:
    """Endless batches, shuffled, half of them mirrored; every clip is drawn from equally often.

    Args:
        config: what to read; all workers' batches together have `config.batch_size` examples.
        sources: K.
        size: side of the frames in pixels; others are resized.
        first_step: number of the training step to begin with; what comes before is as good as over.
        flows: whether examples hold flows.
        worker: index of the worker whose share of each batch this is.
        num_workers: how many there are; their shares side by side are the batches of a single worker.

    Raises:
        FileNotFoundError: no file matches.
        ValueError: there is no record in the files.
        OSError: `first_step` is not 0, and a file ends within a record.
    """
    files = _find_clips(config.train_records, "--train_records")
    first = first_step * config.batch_size

    @as_it_is
    def draw(clip: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
        address, record = clip
        return draw_examples(record, seed, sources, config.num_target_frames, flows, config.samples_per_clip, address)

    @as_it_is
    def finish(index: tf.Tensor, drawn: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        seed = tf.stack([tf.constant(config.seed, tf.int64), index])
        example = _with_mattes(decode_example(drawn, size), seed)
        mirrored = tf.random.stateless_uniform([], seed + [_MIRROR, 0]) < 0.5
        example = tf.cond(mirrored, lambda: mirror(example), lambda: example)
        return augment(example, seed + [_AUGMENT, 0]) if config.augment else example

    drawn = shuffled_samples(files, draw, config.samples_per_clip, config.shuffle_buffer, config.seed, first)
    examples = _worker_share(drawn.enumerate(first), config.batch_size, worker, num_workers)
    examples = examples.map(finish, num_parallel_calls=tf.data.AUTOTUNE)
    return _batched(examples, config.batch_size // num_workers)


def validation_dataset(
    config: DataConfig, sources: int, size: int, count: int, worker: int = 0, num_workers: int = 1
) -> tf.data.Dataset:
    """`count` examples rounded up to whole batches, the same every time; clips are drawn from again if few.

    Args:
        config: what to read; its seed does not count.
        sources, size, worker, num_workers: as for `training_dataset`, which raises likewise.
        count: how many examples.
    """
    files = _find_clips(config.val_records, "--val_records")
    count = math.ceil(count / config.batch_size) * config.batch_size
    clips = tf.data.Dataset.from_tensor_slices(files).flat_map(read_clips).repeat().take(count).enumerate()
    clips = _worker_share(clips, config.batch_size, worker, num_workers)

    @as_it_is
    def finish(index: tf.Tensor, clip: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        address, record = clip
        seed = tf.stack([tf.zeros([], tf.int64), index])
        drawn = draw_examples(record, seed, sources, config.num_target_frames, address=address)
        return _with_mattes(decode_example({name: x[0] for name, x in drawn.items()}, size), seed)

    return _batched(clips.map(finish, num_parallel_calls=tf.data.AUTOTUNE), config.batch_size // num_workers)


def _worker_share(examples: tf.data.Dataset, batch_size: int, worker: int, num_workers: int) -> tf.data.Dataset:
    """Of numbered examples those that are this worker's in each batch."""
    share = batch_size // num_workers
    return examples.filter(lambda index, _: index % batch_size // share == worker)


def _batched(examples: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    options = tf.data.Options()
    # Each worker reads its own share already; its batches are split over its replicas.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    batches = examples.batch(batch_size, drop_remainder=True)
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def draw_examples(
    serialized: tf.Tensor,
    seed: tf.Tensor,
    sources: int,
    targets: int,
    flows: bool = False,
    count: int = 1,
    address: tf.Tensor | str = "a record",
) -> dict[str, tf.Tensor]:
    """Draws examples from one record; images stay encoded, an absent mask is an empty string.

    Args:
        serialized: string scalar, a clip of at least `sources + targets` frames.
        seed: int64 `[2]`; the same seed draws the same frames.
        sources: K.
        targets: L.
        flows: whether to take the flows between the target frames; for L > 1.
        count: of examples, each drawn for itself.
        address: string scalar; where the record lies, for the error if it cannot be drawn from.

    Returns:
        Tensors `[count, K, ...]` and `[count, L, ...]`.
    """
    clip = schema.parse_clip(serialized)
    steps = tf.shape(clip["frames"])[0]
    right_version = tf.debugging.Assert(
        clip["schema_version"] == schema.SCHEMA_VERSION,
        [tf.strings.join([address, f" is not of schema version {schema.SCHEMA_VERSION}: write the records anew"])],
    )
    advice = "cut longer clips, or give a smaller --num_source_frames or --num_target_frames"
    few = f" frames, fewer than K + L = {sources + targets}: {advice}"
    long_enough = tf.debugging.Assert(
        steps >= sources + targets,
        [tf.strings.join([address, ": clip ", clip["clip_id"], " has ", tf.strings.as_string(steps), few])],
    )
    with tf.control_dependencies([right_version, long_enough]):
        first = tf.random.stateless_uniform([count, 1], seed, 0, steps - targets + 1, tf.int32)
    target_steps = first + tf.range(targets)
    # K of the other frames, without repetition: those of the K largest random numbers.
    score = tf.random.stateless_uniform([count, steps], seed + [_SOURCES, 0])
    others = (tf.range(steps) < first) | (tf.range(steps) >= first + targets)
    source_steps = tf.math.top_k(tf.where(others, score, -1.0), sources).indices
    masks = tf.cond(tf.size(clip["masks"]) > 0, lambda: clip["masks"], lambda: tf.fill([steps], ""))
    drawn = {}
    for role, chosen, length in (("source", source_steps, sources), ("target", target_steps, targets)):
        for name, values in (("frames", clip["frames"]), ("joints", clip["joints"]), ("masks", masks)):
            drawn[f"{role}_{name}"] = tf.ensure_shape(tf.gather(values, chosen), [count, length, *values.shape[1:]])
    if flows:
        drawn["target_flows"] = tf.ensure_shape(tf.gather(clip["flows"], target_steps[:, :-1]), [count, targets - 1])
    return drawn


def decode_example(drawn: dict[str, tf.Tensor], size: int) -> dict[str, tf.Tensor]:
    """Decodes one of the examples that `draw_examples` drew, to frames of `size` x `size` pixels."""
    example = {}
    for role in ("source", "target"):
        frames = _decoded(schema.decode_frame, drawn[f"{role}_frames"])
        scale = size / tf.shape(frames)[1]
        masks = tf.cond(
            drawn[f"{role}_masks"][0] == "",
            lambda frames=frames: -tf.ones_like(frames[..., :1]),
            lambda encoded=drawn[f"{role}_masks"]: _decoded(schema.decode_mask, encoded),
        )
        example[f"{role}_frames"] = _resized(frames, size)
        example[f"{role}_joints"] = scaled_joints(drawn[f"{role}_joints"], scale)
        example[f"{role}_masks"] = _resized(masks, size)
    if "target_flows" in drawn:
        flows = _decoded(schema.decode_flow, drawn["target_flows"])
        example["target_flows"] = _resized(flows, size) * tf.cast(scale, tf.float32)
    return example


def _with_mattes(example: dict[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
    mattes = disturbed_mattes(example["source_masks"], example["source_joints"], seed + [_MATTES, 0])
    return {**example, "source_mattes": mattes}


def _decoded(decode, encoded: tf.Tensor) -> tf.Tensor:
    return tf.map_fn(decode, encoded, fn_output_signature=tf.float32)


def _resized(images: tf.Tensor, size: int) -> tf.Tensor:
    resized = tf.cond(
        tf.reduce_all(tf.shape(images)[1:3] == size),
        lambda: images,
        lambda: tf.image.resize(images, [size, size], "area"),
    )
    return tf.ensure_shape(resized, [images.shape[0], size, size, images.shape[-1]])
