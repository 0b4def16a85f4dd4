"""The training step of both stages: a Keras model whose `train_step` updates a transfer network and discriminators.

Stage 1 gives it a `SingleFrameTransfer`, stage 2 a `Generator`; both map an example's source frames, source
joints and target joints to frames (see `stmt_tf.data.pipeline` for the example). The step is the paper's Eq. 3:

    network          mse + vgg + gan(D_I) + sum_n gan(D_V^n), each with its weight in `LossConfig`
    discriminators   each its own least-squares loss

Both are updated from one forward pass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Callable

import tensorflow as tf

from stmt_tf import compat
from stmt_tf.models.axes import merge_axes
from stmt_tf.models.discriminators import temporal_windows
from stmt_tf.pose.maps import joint_heatmaps
from stmt_tf.train import losses
from stmt_tf.train.settings import LossConfig

PerceptualFeatures = Callable[[tf.Tensor], Sequence[tf.Tensor]]


@dataclasses.dataclass(frozen=True)
class ActiveLosses:
    """Which of the losses that may set in late are at work."""

    perceptual: bool
    adversarial: bool


class Trainer(tf.keras.Model):
    """Wraps a transfer network for `fit`.

    Args:
        network: the network to train; only its trainable variables are updated.
        discriminators: what `create_discriminators` gave; empty where no adversarial loss has a weight.
        perceptual_features: frames in [-1, 1] to feature maps, or None where that loss has weight 0.
        config: weights of the losses.
        seed: seed of the perceptual loss's windows.
        micro_batches: parts that a device's examples are worked through in, one after the other; their mean
            gradient is applied. Memory falls by about this factor, the result is the same.
    """

    def __init__(
        self,
        network: tf.keras.Model,
        discriminators: Mapping[str, tf.keras.Model],
        perceptual_features: PerceptualFeatures | None,
        config: LossConfig,
        seed: int = 0,
        micro_batches: int = 1,
    ):
        super().__init__()
        self.network = network
        self.discriminators = dict(discriminators)
        self.config = config
        self.active = ActiveLosses(perceptual_features is not None, bool(discriminators))
        self._perceptual_features = perceptual_features
        self._seed = seed
        self._micro_batches = micro_batches
        self._means: dict[str, tf.keras.metrics.Mean] = {}

    def compile(self, optimizer, discriminator_optimizer=None):
        """Takes one optimiser for the network and, if there are any, one for all discriminators."""
        # XLA made the step slower on CPUs, and Keras 3 would choose it.
        super().compile(optimizer=optimizer, jit_compile=False)
        # Results are means over all replicas already. Several workers would else report their sum.
        self.distribute_reduction_method = "first"
        self.discriminator_optimizer = discriminator_optimizer
        # Built here, in the strategy's scope: Keras 3 cannot make their variables inside a replica.
        self.optimizer.build(self.network.trainable_variables)
        if discriminator_optimizer is not None:
            discriminator_optimizer.build(self.discriminator_variables)
        everything = ActiveLosses(self._perceptual_features is not None, bool(self.discriminators))
        self._means = {name: tf.keras.metrics.Mean(name=name) for name in self._reported(everything)}

    @property
    def metrics(self):
        return list(self._means.values())

    @property
    def iteration(self) -> int:
        """Training steps done."""
        return int(tf.convert_to_tensor(self.optimizer.iterations))

    @property
    def discriminator_variables(self) -> list:
        """Trainable variables of all discriminators."""
        return [v for model in self.discriminators.values() for v in model.trainable_variables]

    def activate(self, active: ActiveLosses) -> None:
        """Changes which late losses are at work; the next `fit` traces its step anew."""
        if active != self.active:
            self.active = active
            self.train_function = None
            self.test_function = None

    def call(self, inputs):
        return self.network(inputs)

    def train_step(self, example):
        if self._micro_batches == 1:
            gradients, discriminator_gradients, results = self._gradients(example)
        else:
            gradients, discriminator_gradients, results = self._accumulated_gradients(example)
        if self.active.adversarial:
            self.discriminator_optimizer.apply_gradients(
                zip(discriminator_gradients, self.discriminator_variables)
            )
        self.optimizer.apply_gradients(zip(gradients, self.network.trainable_variables))
        return self._report(results)

    def test_step(self, example):
        def results_of(part):
            return self._content_losses(part, window=0)[1]

        if self._micro_batches == 1:
            return self._report(results_of(example))
        zeros = {name: tf.zeros([]) for name in self._reported(dataclasses.replace(self.active, adversarial=False))}
        return self._report(self._mean_over_parts(results_of, zeros, example))

    def _gradients(
        self, example: dict[str, tf.Tensor]
    ) -> tuple[list[tf.Tensor], list[tf.Tensor], dict[str, tf.Tensor]]:
        """Of the network's and of the discriminators' variables, and every scalar to report."""
        # Optimisers sum the replicas' gradients; the losses are means.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape, tf.GradientTape() as discriminator_tape:
            frames, results = self._content_losses(example, self.config.vgg_window)
            if self.active.adversarial:
                adversarial, discriminator_loss = self._adversarial_losses(example, frames)
                results.update(adversarial)
                results["discriminator"] = discriminator_loss
                for name in self.discriminators:
                    weight = self.config.gan_weight if name == "frame" else self.config.temporal_weight
                    results["total"] += weight * results[f"gan_{name}"]
                discriminator_objective = compat.scaled_loss(
                    self.discriminator_optimizer, discriminator_loss / replicas
                )
            objective = compat.scaled_loss(self.optimizer, results["total"] / replicas)
        gradients = tape.gradient(objective, self.network.trainable_variables)
        gradients = compat.unscaled_gradients(self.optimizer, gradients)
        discriminator_gradients = []
        if self.active.adversarial:
            discriminator_gradients = compat.unscaled_gradients(
                self.discriminator_optimizer,
                discriminator_tape.gradient(discriminator_objective, self.discriminator_variables),
            )
        return gradients, discriminator_gradients, results

    def _accumulated_gradients(self, example):
        """The same as `_gradients`, as means over the micro-batches."""
        discriminator_variables = self.discriminator_variables if self.active.adversarial else []
        zeros = (
            [tf.zeros(v.shape) for v in self.network.trainable_variables],
            [tf.zeros(v.shape) for v in discriminator_variables],
            {name: tf.zeros([]) for name in self._reported(self.active)},
        )
        return self._mean_over_parts(self._gradients, zeros, example)

    def _mean_over_parts(self, function, zeros, example):
        """The mean of a function's results, of the structure of `zeros`, over the micro-batches."""
        count = self._micro_batches
        parts = {name: tf.reshape(x, [count, -1, *x.shape[1:]]) for name, x in example.items()}

        def add_part(i, sums):
            added = function({name: part[i] for name, part in parts.items()})
            return i + 1, tf.nest.map_structure(lambda total, x: total + x / count, sums, added)

        # One part at a time, or their activations would be in memory together.
        _, means = tf.while_loop(lambda i, _: i < count, add_part, (0, zeros), parallel_iterations=1)
        return means

    def _content_losses(
        self, example: dict[str, tf.Tensor], window: int
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The made frames `[B, L, H, W, 3]`, and by its name every loss but the adversarial."""
        config = self.config
        outputs = self.network(example)
        frames, truth = merge_axes(outputs["frame"]), merge_axes(example["target_frames"])
        target_masks = merge_axes(example["target_masks"])
        weights = None
        if config.person_weight > 0:
            weights = 1.0 + config.person_weight * tf.maximum(target_masks, 0.0)
        results = {"mse": losses.mean_squared(frames, truth, weights)}
        total = config.mse_weight * results["mse"]
        if self.active.perceptual:
            results["vgg"] = self._perceptual_loss(frames, truth, window)
            total += config.vgg_weight * results["vgg"]
        if config.mask_weight > 0:
            source_masks = merge_axes(example["source_masks"])
            # 1 - person, but unknown stays unknown.
            background = tf.where(source_masks < 0.0, -1.0, 1.0 - source_masks)
            results["mask"] = losses.masked_cross_entropy(
                merge_axes(outputs["background_mask"]), background
            ) + losses.masked_cross_entropy(merge_axes(outputs["mask"]), target_masks)
            total += config.mask_weight * results["mask"]
        results["psnr"] = tf.reduce_mean(
            tf.image.psnr(tf.clip_by_value(frames, -1.0, 1.0), truth, max_val=2.0)
        )
        return outputs["frame"], {**results, "total": total}

    def _adversarial_losses(
        self, example: dict[str, tf.Tensor], frames: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """The network's loss and the mean scores of each discriminator, and the discriminators' summed loss."""
        results, total = {}, 0.0
        for name, discriminator in self.discriminators.items():
            made, real = (
                discriminator(*_seen(name, x, example), training=True)
                for x in (frames, example["target_frames"])
            )
            results[f"gan_{name}"] = losses.lsgan_generator(made)
            results[f"score_real_{name}"] = tf.reduce_mean(real)
            results[f"score_made_{name}"] = tf.reduce_mean(made)
            total += losses.lsgan_discriminator(real, made)
        return results, total

    def _perceptual_loss(self, frames: tf.Tensor, truth: tf.Tensor, window: int) -> tf.Tensor:
        size = frames.shape[1]
        if 0 < window < size:
            # Stateless, so that a resumed training looks where the uninterrupted one would have.
            seed = tf.stack([tf.cast(self._seed, tf.int64), tf.cast(self.optimizer.iterations, tf.int64)])
            top, left = tf.unstack(
                tf.random.stateless_uniform([2], seed, 0, size - window + 1, tf.int32)
            )
            frames, truth = (
                tf.ensure_shape(
                    x[:, top : top + window, left : left + window], [None, window, window, 3]
                )
                for x in (frames, truth)
            )
        return losses.perceptual(self._perceptual_features(frames), self._perceptual_features(truth))

    def _reported(self, active: ActiveLosses) -> list[str]:
        """Names of the scalars that a training step gives while these losses are at work."""
        names = ["total", "mse", "psnr"]
        names += ["vgg"] * active.perceptual
        names += ["mask"] * (self.config.mask_weight > 0)
        if active.adversarial:
            names.append("discriminator")
            for name in self.discriminators:
                names += [f"gan_{name}", f"score_real_{name}", f"score_made_{name}"]
        return names

    def _report(self, results: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        for name, value in results.items():
            self._means[name].update_state(value)
        return {name: self._means[name].result() for name in results}


def _seen(name: str, frames: tf.Tensor, example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
    """What the discriminator of this name sees of frames `[B, L, H, W, 3]`, real or made."""
    if name == "frame":
        return merge_axes(frames), joint_heatmaps(merge_axes(example["target_joints"]), frames.shape[2])
    return (temporal_windows(frames, example["target_flows"], int(name.rpartition("_")[2])),)
