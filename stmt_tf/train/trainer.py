"""The training step of both stages: a Keras model whose `train_step` updates a transfer network and discriminators.

Stage 1 gives it a `SingleFrameTransfer`, stage 2 a `Generator`; both map an example's source frames, source
joints and target joints to frames (see `stmt_tf.data.pipeline` for the example). The step is the paper's Eq. 3:

    network          mse + vgg + gan(D_I) + sum_n gan(D_V^n), each with its weight in `LossConfig`
    discriminators   each its own least-squares loss

They are updated alternately (paper 4): first the discriminators, then the network, whose gradient comes from the
updated ones. Both see the same made frames.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
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
        micro_batches: into how many a device's examples are split, which are computed one after the other; their mean
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
        names = self._content_names(ActiveLosses(self._perceptual_features is not None, bool(self.discriminators)))
        if self.discriminators:
            names += [*(f"gan_{name}" for name in self.discriminators), *self._discriminator_names()]
        self._means = {name: tf.keras.metrics.Mean(name=name) for name in names}

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

    # Nothing in a step is Python's `if` or `for` of tensors; converting it all the same would take seconds.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, example):
        if self._micro_batches == 1:
            gradients, results = self._network_gradients(example, self._update_discriminators)
        else:
            gradients, results = self._accumulated_gradients(example)
        self.optimizer.apply_gradients(zip(gradients, self.network.trainable_variables))
        return self._report(results)

    @tf.autograph.experimental.do_not_convert
    def test_step(self, example):
        def results_of(part):
            return self._content_losses(part, window=0)[1]

        if self._micro_batches == 1:
            return self._report(results_of(example))
        return self._report(self._mean_over_parts(results_of, _zeros(self._content_names(self.active)), example))

    def _network_gradients(
        self, example: dict[str, tf.Tensor], before_adversarial: Callable[..., dict[str, tf.Tensor]] | None = None
    ) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
        """Of the network's variables, and scalars to report.

        `before_adversarial` takes the example and the made frames before the discriminators see them for the network;
        what it gives is reported too.
        """
        # Optimisers sum the replicas' gradients; the losses are means.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            frames, results = self._content_losses(example, self.config.vgg_window)
            if self.active.adversarial:
                if before_adversarial:
                    with tape.stop_recording():
                        results.update(before_adversarial(example, frames))
                for name, discriminator in self.discriminators.items():
                    made = discriminator(*seen_by(name, frames, example), training=True)
                    results[f"gan_{name}"] = losses.lsgan_generator(made)
                    weight = self.config.gan_weight if name == "frame" else self.config.temporal_weight
                    results["total"] += weight * results[f"gan_{name}"]
            objective = compat.scaled_loss(self.optimizer, results["total"] / replicas)
        gradients = tape.gradient(objective, self.network.trainable_variables)
        return compat.unscaled_gradients(self.optimizer, gradients), results

    def _discriminator_gradients(
        self, example: dict[str, tf.Tensor], frames: tf.Tensor
    ) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
        """Of all discriminators' variables, their summed loss and the mean scores that each gives."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        results = {"discriminator": 0.0}
        with tf.GradientTape() as tape:
            for name, discriminator in self.discriminators.items():
                made, real = (
                    discriminator(*seen_by(name, x, example), training=True)
                    for x in (frames, example["target_frames"])
                )
                results["discriminator"] += losses.lsgan_discriminator(real, made)
                results[f"score_real_{name}"] = tf.reduce_mean(real)
                results[f"score_made_{name}"] = tf.reduce_mean(made)
            objective = compat.scaled_loss(self.discriminator_optimizer, results["discriminator"] / replicas)
        gradients = tape.gradient(objective, self.discriminator_variables)
        return compat.unscaled_gradients(self.discriminator_optimizer, gradients), results

    def _update_discriminators(self, example: dict[str, tf.Tensor], frames: tf.Tensor) -> dict[str, tf.Tensor]:
        gradients, results = self._discriminator_gradients(example, frames)
        self.discriminator_optimizer.apply_gradients(zip(gradients, self.discriminator_variables))
        return results

    def _accumulated_gradients(self, example: dict[str, tf.Tensor]) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
        """As `_network_gradients` of updated discriminators, as means over the micro-batches.

        The network makes its frames once for the discriminators and once more for itself: their activations are not
        kept.
        """
        of_discriminators = {}
        if self.active.adversarial:
            gradients, of_discriminators = self._mean_over_parts(
                lambda part: self._discriminator_gradients(part, self.network(part)["frame"]),
                ([tf.zeros(v.shape) for v in self.discriminator_variables], _zeros(self._discriminator_names())),
                example,
            )
            self.discriminator_optimizer.apply_gradients(zip(gradients, self.discriminator_variables))
        names = self._content_names(self.active)
        if self.active.adversarial:
            names += [f"gan_{name}" for name in self.discriminators]
        zeros = [tf.zeros(v.shape) for v in self.network.trainable_variables], _zeros(names)
        gradients, of_network = self._mean_over_parts(self._network_gradients, zeros, example)
        return gradients, {**of_network, **of_discriminators}

    def _mean_over_parts(self, function, zeros, example):
        """The mean of a function's results, of the structure of `zeros`, over the micro-batches."""
        count = self._micro_batches
        parts = {name: tf.reshape(x, [count, -1, *x.shape[1:]]) for name, x in example.items()}

        def add_part(i, sums):
            added = function({name: part[i] for name, part in parts.items()})
            return i + 1, tf.nest.map_structure(lambda total, x: total + x / count, sums, added)

        # One micro-batch at a time, or their activations would be in memory together.
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

    def _content_names(self, active: ActiveLosses) -> list[str]:
        """What `_content_losses` gives while these losses are at work."""
        return ["total", "mse", "psnr"] + ["vgg"] * active.perceptual + ["mask"] * (self.config.mask_weight > 0)

    def _discriminator_names(self) -> list[str]:
        """What `_discriminator_gradients` gives beside the gradients."""
        return ["discriminator", *(f"score_{x}_{name}" for name in self.discriminators for x in ("real", "made"))]

    def _report(self, results: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        for name, value in results.items():
            self._means[name].update_state(value)
        return {name: self._means[name].result() for name in results}


def seen_by(name: str, frames: tf.Tensor, example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
    """What the discriminator of this name sees of frames `[B, L, H, W, 3]`, real or made."""
    if name == "frame":
        return merge_axes(frames), joint_heatmaps(merge_axes(example["target_joints"]), frames.shape[2])
    return (temporal_windows(frames, example["target_flows"], int(name.rpartition("_")[2])),)


def _zeros(names: Iterable[str]) -> dict[str, tf.Tensor]:
    return {name: tf.zeros([]) for name in names}
