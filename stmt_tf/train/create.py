"""What a training trains, with all its variables made."""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.features.vgg import create_perceptual_features
from stmt_tf.models.create import create_generator, create_single_frame
from stmt_tf.models.discriminators import PatchDiscriminator, temporal_windows
from stmt_tf.pose.skeleton import NUM_JOINTS
from stmt_tf.train.settings import LossConfig, TrainConfig
from stmt_tf.train.trainer import PerceptualFeatures, Trainer


def create_network(model: ModelConfig, training: TrainConfig, num_source_frames: int) -> tf.keras.Model:
    """What the stage trains: the single-frame model (1) or the generator (2)."""
    if training.stage == 1:
        return create_single_frame(model)
    return create_generator(model, num_source_frames, training.freeze_stage1)


def create_discriminators(config: LossConfig, size: int) -> dict[str, PatchDiscriminator]:
    """D_I under "frame", D_V^n under "video_n", untrained; none whose loss has weight 0."""
    discriminators = {}
    if config.discriminates_frames:
        model = PatchDiscriminator(config.discriminator_width, config.spectral_norm, name="frame")
        model(tf.zeros([1, size, size, 3]), tf.zeros([1, size // 2, size // 2, NUM_JOINTS]))
        discriminators["frame"] = model
    for n in config.discriminated_ranges:
        model = PatchDiscriminator(config.discriminator_width, config.spectral_norm, name=f"video_{n}")
        model(temporal_windows(tf.zeros([1, n, size, size, 3]), tf.zeros([1, n - 1, size, size, 2]), n))
        discriminators[f"video_{n}"] = model
    return discriminators


def create_trainer(
    model: ModelConfig,
    data: DataConfig,
    loss: LossConfig,
    training: TrainConfig,
    features: PerceptualFeatures | None = None,
) -> Trainer:
    """A compiled trainer with untrained networks; call it in the strategy's scope, the precision set.

    Args:
        model, data, loss, training: its settings.
        features: the perceptual loss's, instead of those of the network that `loss` names.
    """
    tf.keras.utils.set_random_seed(data.seed)
    discriminators = create_discriminators(loss, model.size)
    if loss.vgg_weight > 0 and features is None:
        features = create_perceptual_features(
            loss.vgg_network, loss.vgg_weights or None, dtype=training.perceptual_dtype
        )
    network = create_network(model, training, data.num_source_frames)
    trainer = Trainer(network, discriminators, features, loss, data.seed, training.micro_batches)
    trainer.compile(_optimizer(training), _optimizer(training) if discriminators else None)
    return trainer


def _optimizer(training: TrainConfig) -> tf.keras.optimizers.Optimizer:
    rate = training.learning_rate
    if training.learning_rate_decay and not decays_in_time(training):
        rate = tf.keras.optimizers.schedules.CosineDecay(rate, training.iterations)
    optimizer = tf.keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.999)
    if training.precision == "mixed_float16":
        # Small gradients would be 0 in float16.
        optimizer = tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def decays_in_time(training: TrainConfig) -> bool:
    """Whether the step size follows the clock, since the training ends by it."""
    return training.learning_rate_decay and training.minutes > 0
