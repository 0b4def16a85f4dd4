"""What attention looks at: `python -m benchmarks.attended --model=DIR --records='RECORDS/val-*'`.

Prints, for each branch of a trained model, the share of the source frame that is looked at most, mean over the places
of the attention maps ("RB6" of the paper); evenly it would be 1 / K. And of self-attention ("SA2D" or "SA3D"): gamma,
which starts at 0; how much the layer adds to the features; how far it looks, in pixels of the features, and how far it
would look if it looked everywhere alike; and, over source frames, the share of its own frame.
"""

from __future__ import annotations

from benchmarks.quality_settings import AttendedConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.attended", AttendedConfig)

import contextlib
import sys
from collections.abc import Iterator
from typing import NamedTuple
from unittest import mock

import numpy as np
import tensorflow as tf

from stmt_tf.config import DataConfig
from stmt_tf.data.pipeline import training_dataset
from stmt_tf.evaluate.report import markdown
from stmt_tf.models.attention import SelfAttention
from stmt_tf.train.checkpoints import load_generator

_BRANCHES = ("foreground", "background")
_TARGETS = 4  # of an example


class Attended(NamedTuple):
    """What a layer looks at, means over positions.

    Attributes:
        added: norm of what is added, over that of the features.
        distance: in pixels of the features, to what is looked at.
        distance_evenly: the same if all were looked at alike.
        own_frame: share of the position's own frame.
        own_frame_evenly: the same if all were looked at alike: 1 / K.
    """

    added: float
    distance: float
    distance_evenly: float
    own_frame: float
    own_frame_evenly: float


def layers_of(generator: tf.keras.Model) -> dict[str, SelfAttention]:
    """The self-attention layers of an attention fusion by the names of their branches; of RB6 there are none."""
    fusions = {branch: getattr(generator, f"{branch}_fusion") for branch in _BRANCHES}
    layers = {branch: fusion.over_frames or fusion.over_space for branch, fusion in fusions.items()}
    return {branch: layer for branch, layer in layers.items() if layer is not None}


@contextlib.contextmanager
def inputs_of(layers: dict[str, SelfAttention]) -> Iterator[dict[str, list[tf.Tensor]]]:
    """Within it, what the layers are given is collected, by their names."""
    seen: dict[str, list[tf.Tensor]] = {name: [] for name in layers}
    with contextlib.ExitStack() as stack:
        for name, layer in layers.items():

            def call(x, name=name, call=layer.call):
                seen[name].append(x)
                return call(x)

            stack.enter_context(mock.patch.object(layer, "call", call))
        yield seen


def attended(layer: SelfAttention, x: tf.Tensor) -> Attended:
    """What a layer looks at in features `[N, H, W, C]`, or `[N, K, H, W, C]` of K source frames."""
    *_, height, width, channels = x.shape
    count, frames = len(x), x.shape[1] if len(x.shape) == 5 else 1
    images = tf.nn.avg_pool2d(tf.reshape(x, [-1, height, width, channels]), layer.stride, layer.stride, "VALID")
    key = tf.nn.max_pool2d(layer.key(images), layer.pool, layer.pool, "VALID")
    query, key = (tf.reshape(y, [count, -1, layer.query.filters]) for y in (layer.query(images), key))
    weights = tf.nn.softmax(tf.matmul(query, key, transpose_b=True))

    # All positions by all, of several frames, are gigabytes: only the weights are held so.
    keys = _places(height, width, layer.stride * layer.pool)
    apart = np.linalg.norm(_places(height, width, layer.stride)[:, np.newaxis] - keys, axis=-1)
    weights = tf.reshape(weights, [count, frames, len(apart), frames, len(keys)])
    distance = tf.reduce_sum(tf.reduce_sum(weights, 3) * tf.constant(apart, tf.float32), -1)
    own_frame = [tf.reduce_sum(weights[:, number, :, number], -1) for number in range(frames)]
    return Attended(
        added=float(tf.norm(layer(x) - x) / tf.norm(x)),
        distance=float(tf.reduce_mean(distance)),
        distance_evenly=float(apart.mean()),
        own_frame=float(tf.reduce_mean(own_frame)),
        own_frame_evenly=1 / frames,
    )


def _places(height: int, width: int, stride: int) -> np.ndarray:
    """(y, x) of each position's middle, in pixels of the features: `[rows * columns, 2]`."""
    steps = ((np.arange(side // stride) + 0.5) * stride for side in (height, width))
    return np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 2)


def largest_share(maps: tf.Tensor) -> float:
    """The share of the source frame that is looked at most, of maps `[N, T, K, h, w]`, mean over their places."""
    return float(tf.reduce_mean(tf.reduce_max(maps, 2)))


def table(layers: dict[str, SelfAttention], looks: dict[str, list[Attended]]) -> str:
    """Markdown: what each layer looks at, means over all that it was given."""
    cells = [["branch", "gamma", "added / features", "distance", "evenly", "own frame", "evenly"]]
    for name, layer in layers.items():
        mean = Attended(*np.mean(looks[name], axis=0))
        cells.append([name, f"{float(layer.gamma):.4f}", f"{mean.added:.4f}", *(f"{value:.3g}" for value in mean[1:])])
    return markdown(cells)


def main(config: AttendedConfig) -> None:
    try:
        generator, model = load_generator(config.model)
        if generator.num_source_frames is None:
            sys.exit(f"attended: {config.model}: --fusion={model.fusion} has no attention over source frames")
        data = DataConfig(config.records, num_target_frames=_TARGETS, batch_size=1, seed=config.seed)
        dataset = training_dataset(data, generator.num_source_frames, model.size)
    except (OSError, ValueError) as error:
        sys.exit(f"attended: {error}")
    layers = layers_of(generator)
    looks: dict[str, list[Attended]] = {name: [] for name in layers}
    shares: dict[str, list[float]] = {name: [] for name in _BRANCHES}
    for example in dataset.take(config.examples):
        with inputs_of(layers) as seen:
            made = generator(example)
        for name, given in seen.items():
            looks[name] += [attended(layers[name], x) for x in given]
        for name, found in shares.items():
            found.append(largest_share(made[f"{name}_attention"]))
    evenly = f"{1 / generator.num_source_frames:.2f}"
    cells = [["branch", "largest share of a frame", "evenly"]]
    cells += [[name, f"{np.mean(found):.2f}", evenly] for name, found in shares.items()]
    print(markdown(cells))
    if layers:
        print(table(layers, looks), end="")
