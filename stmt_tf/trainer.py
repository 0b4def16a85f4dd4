"""The training step of both stages: a Keras model whose `train_step` updates a transfer network and D_I.

Stage 1 gives it a `SingleFrameTransfer`, stage 2 a `Generator`; both map an example's source frames, source
joints and target joints to frames (see `stmt_tf.data.pipeline` for the example).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Callable

import tensorflow as tf

from stmt_tf import losses
from stmt_tf.config import LossConfig
from stmt_tf.pose.maps import joint_heatmaps

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
        discriminator: D_I, or None where its loss has weight 0.
        perceptual_features: frames in [-1, 1] to feature maps, or None where that loss has weight 0.
        config: weights of the losses.
        seed: seed of the perceptual loss's windows.
    """

    def __init__(
        self,
        network: tf.keras.Model,
        discriminator: tf.keras.Model | None,
        perceptual_features: PerceptualFeatures | None,
        config: LossConfig,
        seed: int = 0,
    ):
        super().__init__()
        self.network = network
        self.discriminator = discriminator
        self.config = config
        self.active = ActiveLosses(perceptual_features is not None, discriminator is not None)
        self._perceptual_features = perceptual_features
        self._seed = seed
        self._means: dict[str, tf.keras.metrics.Mean] = {}

    def compile(self, optimizer, discriminator_optimizer=None):
        """Takes one optimiser for the network and, if there is one, one for the discriminator."""
        super().compile(optimizer=optimizer)
        self.discriminator_optimizer = discriminator_optimizer
        # Built here, in the strategy's scope: Keras 3 cannot make their variables inside a replica.
        self.optimizer.build(self.network.trainable_variables)
        if discriminator_optimizer is not None:
            discriminator_optimizer.build(self.discriminator.trainable_variables)
        names = ["total", "mse", "psnr"]
        names += ["vgg"] * (self._perceptual_features is not None)
        names += ["mask"] * (self.config.mask_weight > 0)
        if self.discriminator is not None:
            names += ["gan", "discriminator", "score_real", "score_made"]
        self._means = {name: tf.keras.metrics.Mean(name=name) for name in names}

    @property
    def metrics(self):
        return list(self._means.values())

    @property
    def iteration(self) -> int:
        """Training steps done."""
        return int(tf.convert_to_tensor(self.optimizer.iterations))

    def activate(self, active: ActiveLosses) -> None:
        """Changes which late losses are at work; the next `fit` traces its step anew."""
        if active != self.active:
            self.active = active
            self.train_function = None
            self.test_function = None

    def call(self, inputs):
        return self.network(inputs)

    def train_step(self, example):
        made, truth, heatmaps = None, _merge(example["target_frames"]), None
        use_gan = self.active.adversarial
        with tf.GradientTape() as tape, tf.GradientTape() as discriminator_tape:
            made = self._content_losses(example, truth, self.config.vgg_window)
            if use_gan:
                heatmaps = joint_heatmaps(_merge(example["target_joints"]), truth.shape[1])
                score_made = self.discriminator(made["frame"], heatmaps)
                score_real = self.discriminator(truth, heatmaps)
                made["gan"] = losses.lsgan_generator(score_made)
                made["discriminator"] = losses.lsgan_discriminator(score_real, score_made)
                made["total"] += self.config.gan_weight * made["gan"]
                made["score_real"] = tf.reduce_mean(score_real)
                made["score_made"] = tf.reduce_mean(score_made)
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            objective = made["total"] / replicas
            if use_gan:
                discriminator_objective = made["discriminator"] / replicas
        variables = self.network.trainable_variables
        gradients = tape.gradient(objective, variables)
        if use_gan:
            discriminator_variables = self.discriminator.trainable_variables
            discriminator_gradients = discriminator_tape.gradient(
                discriminator_objective, discriminator_variables
            )
            self.discriminator_optimizer.apply_gradients(
                zip(discriminator_gradients, discriminator_variables)
            )
        self.optimizer.apply_gradients(zip(gradients, variables))
        return self._report(made, truth)

    def test_step(self, example):
        truth = _merge(example["target_frames"])
        return self._report(self._content_losses(example, truth, window=0), truth)

    def _content_losses(
        self, example: dict[str, tf.Tensor], truth: tf.Tensor, window: int
    ) -> dict[str, tf.Tensor]:
        """The made frames `[N, H, W, 3]` under "frame", and every loss but the adversarial by its name."""
        config = self.config
        outputs = self.network(example)
        frames = _merge(outputs["frame"])
        target_masks = _merge(example["target_masks"])
        weights = None
        if config.person_weight > 0:
            weights = 1.0 + config.person_weight * tf.maximum(target_masks, 0.0)
        results = {"frame": frames, "mse": losses.mean_squared(frames, truth, weights)}
        total = config.mse_weight * results["mse"]
        if self.active.perceptual:
            results["vgg"] = self._perceptual_loss(frames, truth, window)
            total += config.vgg_weight * results["vgg"]
        if config.mask_weight > 0:
            source_masks = _merge(example["source_masks"])
            # 1 - person, but unknown stays unknown.
            background = tf.where(source_masks < 0.0, -1.0, 1.0 - source_masks)
            results["mask"] = losses.masked_cross_entropy(
                _merge(outputs["background_mask"]), background
            ) + losses.masked_cross_entropy(_merge(outputs["mask"]), target_masks)
            total += config.mask_weight * results["mask"]
        return {**results, "total": total}

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

    def _report(self, results: dict[str, tf.Tensor], truth: tf.Tensor) -> dict[str, tf.Tensor]:
        frames = tf.clip_by_value(results["frame"], -1.0, 1.0)
        results["psnr"] = tf.reduce_mean(tf.image.psnr(frames, truth, max_val=2.0))
        count = tf.shape(truth)[0]  # a short last batch must not count as a whole one
        for name, mean in self._means.items():
            if name in results:
                # Of a short last batch a replica may get nothing, whose mean is NaN, even times 0.
                value = tf.where(count > 0, results[name], 0.0)
                mean.update_state(value, sample_weight=tf.cast(count, tf.float32))
        return {name: mean.result() for name, mean in self._means.items() if name in results}


def _merge(x: tf.Tensor) -> tf.Tensor:
    """`[B, L, ...]` to `[B * L, ...]`."""
    return tf.reshape(x, [-1, *x.shape[2:]])
