"""The order that a training sees its clips in: pass after pass over all of them, each pass in an order of its own.

A pass shuffles the files, reads a few of them at a time, from their first record to their last and a record of each in
turn, and draws samples of every clip. A window of clips is held, drawn and still encoded, until all its samples are
given out: first one of each clip, in random order, then another of each, in another order. So a pass has every clip
equally often, however long an epoch is, and samples of one clip keep apart.

All is decided by the seed and the number of the pass or window. So a row of samples can be entered anywhere: of the
passes before only the number matters, of the pass that is entered the files before are not opened at all, and of the
few that are being read what lies before is passed over. For that the records are counted, by a look at the length of
each; a training that begins at its beginning does not need to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from stmt_tf.data import record_files

Drawn = dict[str, tf.Tensor]

as_it_is = tf.autograph.experimental.do_not_convert  # none has Python's `if` of tensors; looking for it takes a second

_FILES_AT_ONCE = 4
_READ_AHEAD = 1 << 22  # bytes of each file that is being read: a disk far away is asked seldom
_COUNTED_AT_ONCE = 16  # such a disk answers many questions in the time of one
_PASS_STRIDE = 1 << 32  # more than a pass has clips: no two clips of a training are drawn from by the same seed
_FILES, _WINDOWS = 1 << 42, 1 << 43  # added to the seed, so that they share no random numbers with the clips


class _Start(NamedTuple):
    """Where a row of samples is entered.

    Attributes:
        number: of the pass.
        groups: of files read at once that lie before, in this pass.
        clips_in_group: that lie before, in the group that is being read.
        windows: that lie before, in this pass.
        clips: that lie before, in this pass.
        samples: that lie before, in the window.
    """

    number: int = 0
    groups: int = 0
    clips_in_group: int = 0
    windows: int = 0
    clips: int = 0
    samples: int = 0


def read_clips(path: tf.Tensor | str) -> tf.data.Dataset:
    """The records of a file, each as (where it lies, for errors; the record), two string scalars."""

    @as_it_is
    def with_place(number: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.strings.join([path, ": record ", tf.strings.as_string(number), " (from 0)"]), record

    return tf.data.TFRecordDataset(path, buffer_size=_READ_AHEAD).enumerate().map(with_place)


def shuffled_samples(
    files: Sequence[str],
    draw: Callable[[tuple[tf.Tensor, tf.Tensor], tf.Tensor], Drawn],
    samples_per_clip: int,
    shuffle_buffer: int,
    seed: int,
    first: int = 0,
) -> tf.data.Dataset:
    """The endless row of samples.

    Args:
        files: with at least one record among them.
        draw: takes a clip as `read_clips` gives it and a seed, int64 `[2]`; returns tensors `[samples_per_clip, ...]`.
        samples_per_clip: of each pass.
        shuffle_buffer: samples of a window; while one is given out, the next is filled.
        seed: of the order, and of the seeds that `draw` gets.
        first: number of the sample to begin with.

    Returns:
        Of what `draw` returns a sample each.

    Raises:
        OSError: records have to be counted and a file ends within one.
    """
    clips_of_window = max(1, shuffle_buffer // samples_per_clip)
    start = _find_start(files, seed, first, clips_of_window, samples_per_clip)

    @as_it_is
    def windows_of_pass(number: tf.Tensor) -> tf.data.Dataset:
        entered = tf.cast(number == start.number, tf.int64)  # later passes are read from their beginnings
        names = tf.data.Dataset.from_tensor_slices(tf.gather(files, _file_order(len(files), seed, number)))
        groups = names.batch(_FILES_AT_ONCE).skip(entered * start.groups)
        clips = groups.flat_map(
            lambda group: tf.data.Dataset.from_tensor_slices(group).interleave(
                read_clips, cycle_length=_FILES_AT_ONCE
            )
        )
        clips = clips.skip(entered * start.clips_in_group).enumerate(number * _PASS_STRIDE + entered * start.clips)
        drawn = clips.map(lambda index, clip: draw(clip, _seed(seed, index)), num_parallel_calls=tf.data.AUTOTUNE)
        return drawn.batch(clips_of_window).enumerate(number * _PASS_STRIDE + entered * start.windows)

    passes = tf.data.Dataset.range(start.number, tf.int64.max)
    windows = passes.flat_map(windows_of_pass).prefetch(1)
    samples = windows.flat_map(lambda index, drawn: _given_out(drawn, samples_per_clip, _seed(seed, index, _WINDOWS)))
    return samples.skip(start.samples)


def _find_start(files: Sequence[str], seed: int, first: int, clips_of_window: int, samples_per_clip: int) -> _Start:
    if not first:
        return _Start()
    with ThreadPoolExecutor(_COUNTED_AT_ONCE) as threads:
        counts = np.array(list(threads.map(record_files.count, files)))
    number, samples = divmod(first, int(counts.sum()) * samples_per_clip)
    windows, samples = divmod(samples, clips_of_window * samples_per_clip)
    clips = windows * clips_of_window
    order = _file_order(len(files), seed, number).numpy()
    ends = np.add.reduceat(counts[order], np.arange(0, len(files), _FILES_AT_ONCE)).cumsum()
    groups = int(np.searchsorted(ends, clips, side="right"))
    clips_in_group = clips - (int(ends[groups - 1]) if groups else 0)
    return _Start(number, groups, clips_in_group, windows, clips, samples)


def _file_order(count: int, seed: int, number: tf.Tensor | int) -> tf.Tensor:
    """A permutation of the files for a pass."""
    return tf.random.experimental.stateless_shuffle(tf.range(count), _seed(seed, number, _FILES))


def _given_out(drawn: Drawn, samples_per_clip: int, seed: tf.Tensor) -> tf.data.Dataset:
    """The samples of a window, tensors `[clips, samples_per_clip, ...]`: one of each clip, another of each, ..."""
    clips = tf.shape(tf.nest.flatten(drawn)[0])[0]
    order = tf.argsort(tf.random.stateless_uniform([samples_per_clip, clips], seed))
    order = tf.reshape(order * samples_per_clip + tf.range(samples_per_clip)[:, None], [-1])
    return tf.data.Dataset.from_tensor_slices(
        {name: tf.gather(tf.reshape(x, [-1, *x.shape[2:]]), order) for name, x in drawn.items()}
    )


def _seed(seed: int, number: tf.Tensor | int, kind: int = 0) -> tf.Tensor:
    return tf.stack([tf.constant(seed, tf.int64) + kind, tf.cast(number, tf.int64)])
