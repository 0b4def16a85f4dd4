"""How strongly each loss pulls at the frames: `python -m benchmarks.loss_gradients --records='RECORDS/val-*'`.

Prints, for each loss of the paper's Eq. 3, the norm of its gradient by the made frames: as it is, and times the loss's
coefficient. A loss that pulls 10,000 times less than another trains nothing. The perceptual loss stands there twice:
with each layer's difference divided by the layer's own scale, as the training has it, and without (raw L1, a mean over
each layer's map). The frames are the model's; the discriminators learn to tell them from the true ones first.
"""

from __future__ import annotations

from benchmarks.quality_settings import LossGradientsConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.loss_gradients", LossGradientsConfig)

import itertools
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from stmt_tf.assets import AssetError
from stmt_tf.config import DataConfig
from stmt_tf.data.pipeline import training_dataset
from stmt_tf.evaluate.report import markdown
from stmt_tf.features.vgg import create_perceptual_features
from stmt_tf.models.axes import merge_axes
from stmt_tf.train import losses
from stmt_tf.train.checkpoints import load_generator
from stmt_tf.train.create import create_discriminators
from stmt_tf.train.settings import LossConfig
from stmt_tf.train.trainer import seen_by

_RANGES = (3, 5, 7)

Example = Mapping[str, tf.Tensor]


class Loss(NamedTuple):
    """A loss of made frames `[B, L, H, W, 3]` and their example, and its coefficient in the total."""

    coefficient: float
    function: Callable[[tf.Tensor, Example], tf.Tensor]


def raw_perceptual(features: Iterable[tf.Tensor], truth: Iterable[tf.Tensor]) -> tf.Tensor:
    """`sum_l mean |phi_l(O) - phi_l(I)|`, of maps as `losses.perceptual` takes them."""
    return tf.add_n([tf.reduce_mean(tf.abs(a - b)) for a, b in zip(features, truth)])


def content_losses(config: LossConfig, vgg19_weights: str) -> dict[str, Loss]:
    """The mean squared error, and the perceptual losses of those networks whose weights can be had."""
    found = {
        "MSE": Loss(
            config.mse_weight, lambda made, x: losses.mean_squared(merge_axes(made), merge_axes(x["target_frames"]))
        )
    }
    for network, weights in (("vgg19", vgg19_weights), ("vgg16", "")):
        try:
            features = create_perceptual_features(network, weights or None)
        except AssetError as error:
            logging.warning("no %s: %s", network, error)
            continue
        for name, loss in (("by its scale", losses.perceptual), ("raw L1", raw_perceptual)):
            found[f"{network.upper()}, {name}"] = Loss(
                config.vgg_weight,
                lambda made, x, features=features, loss=loss: loss(
                    features(merge_axes(made)), features(merge_axes(x["target_frames"]))
                ),
            )
    return found


def adversarial_losses(config: LossConfig, discriminators: Mapping[str, tf.keras.Model]) -> dict[str, Loss]:
    """That of each discriminator, by the name that the paper gives it."""
    return {
        "D_I" if name == "frame" else f"D_V^{name.rpartition('_')[2]}": Loss(
            config.gan_weight if name == "frame" else config.temporal_weight,
            lambda made, x, name=name, model=model: losses.lsgan_generator(model(*seen_by(name, made, x))),
        )
        for name, model in discriminators.items()
    }


def teach(discriminators: Mapping[str, tf.keras.Model], examples: Iterable[tuple[tf.Tensor, Example]]) -> None:
    """Updates the discriminators on made frames and their examples, as a training does."""
    variables = [v for model in discriminators.values() for v in model.trainable_variables]
    optimizer = tf.keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.999)
    optimizer.build(variables)

    @tf.function
    def update(made, example):
        with tf.GradientTape() as tape:
            loss = tf.add_n(
                [
                    losses.lsgan_discriminator(
                        model(*seen_by(name, example["target_frames"], example)), model(*seen_by(name, made, example))
                    )
                    for name, model in discriminators.items()
                ]
            )
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

    for made, example in examples:
        update(made, example)


def gradient_norms(
    found: Mapping[str, Loss], examples: Iterable[tuple[tf.Tensor, Example]]
) -> dict[str, float]:
    """The mean over the examples of each loss's gradient norm by the made frames, without its coefficient."""

    @tf.function
    def norms(made, example):
        values = []
        for loss in found.values():
            with tf.GradientTape() as tape:
                tape.watch(made)
                value = loss.function(made, example)
            values.append(tf.norm(tape.gradient(value, made)))
        return tf.stack(values)

    means = np.mean([norms(*each).numpy() for each in examples], axis=0)
    return dict(zip(found, means.tolist()))


def table(found: Mapping[str, Loss], norms: Mapping[str, float]) -> str:
    """Markdown: each loss's norm, its coefficient, their product, and that over the mean squared error's."""
    pulls = {name: loss.coefficient * norms[name] for name, loss in found.items()}
    cells = [["loss", "gradient norm", "coefficient", "product", "over MSE's"]]
    cells += [
        [name, f"{norms[name]:.2e}", f"{loss.coefficient:g}", f"{pulls[name]:.2e}", f"{pulls[name] / pulls['MSE']:.3g}"]
        for name, loss in found.items()
    ]
    return markdown(cells)


def main(config: LossGradientsConfig) -> None:
    tf.keras.utils.set_random_seed(config.seed)
    ranges = tuple(n for n in _RANGES if n <= config.targets)
    weights = LossConfig(temporal_ranges=ranges, discriminator_width=config.discriminator_width)
    try:
        generator, model = load_generator(config.model)
        sources = generator.num_source_frames or DataConfig.num_source_frames
        data = DataConfig(
            config.records, num_source_frames=sources, num_target_frames=config.targets, batch_size=1, seed=config.seed
        )
        dataset = training_dataset(data, sources, model.size, flows=True)
        found = content_losses(weights, config.vgg19_weights)
    except (AssetError, OSError, ValueError) as error:
        sys.exit(f"loss_gradients: {error}")
    discriminators = create_discriminators(weights, model.size)
    make = tf.function(lambda example: generator(example)["frame"])
    examples = ((make(example), example) for example in dataset.take(config.updates + config.examples))
    teach(discriminators, itertools.islice(examples, config.updates))
    found |= adversarial_losses(weights, discriminators)
    print(table(found, gradient_norms(found, examples)), end="")
