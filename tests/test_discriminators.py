import numpy as np
import pytest
import tensorflow as tf
from records import make_frames, make_joints

from stmt_tf.config import LossConfig
from stmt_tf.models.create import create_discriminators
from stmt_tf.models.discriminators import BLOCK_CHANNELS, PatchDiscriminator, temporal_windows
from stmt_tf.models.residual import ResidualBlock
from stmt_tf.pose.maps import joint_heatmaps


def create_discriminator(spectral_norm: bool = False) -> PatchDiscriminator:
    config = LossConfig(discriminator_width=0.05, spectral_norm=spectral_norm)
    return create_discriminators(config, 32)["frame"]


def inputs(seed: int = 0) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(make_frames(2, seed=seed)), joint_heatmaps(make_joints(2, seed=seed), 32)


def test_there_is_one_discriminator_for_each_loss_with_a_weight():
    def names(**weights):
        return list(create_discriminators(LossConfig(discriminator_width=0.05, **weights), 32))

    assert names(temporal_ranges=(3, 5, 7)) == ["frame", "video_3", "video_5", "video_7"]
    assert names(gan_weight=0.0, temporal_ranges=(3,)) == ["video_3"]
    assert names(temporal_weight=0.0, temporal_ranges=(3, 5, 7)) == ["frame"]
    assert names(gan_weight=0.0) == []


def test_one_score_for_each_16_pixels():
    assert create_discriminator()(*inputs()).shape == [2, 2, 2, 1]


def test_six_residual_blocks():
    discriminator = create_discriminator()
    assert len(discriminator.blocks) == len(BLOCK_CHANNELS) == 6
    assert all(isinstance(block, ResidualBlock) for block in discriminator.blocks)


def test_score_depends_on_frame_and_pose():
    discriminator, (image, heatmaps) = create_discriminator(), inputs()
    other_image, other_heatmaps = inputs(seed=1)
    score = discriminator(image, heatmaps)
    assert not np.allclose(score, discriminator(other_image, heatmaps))
    assert not np.allclose(score, discriminator(image, other_heatmaps))


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_every_variable_and_the_frame_have_a_gradient(spectral_norm):
    discriminator, (image, heatmaps) = create_discriminator(spectral_norm), inputs()
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = tf.reduce_sum(tf.square(discriminator(image, heatmaps, training=True)))
    gradients = tape.gradient(loss, [*discriminator.trainable_variables, image])
    assert all(float(tf.norm(gradient)) > 0 for gradient in gradients)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_windows_hold_consecutive_frames_and_the_flows_between_them(n):
    frames = tf.range(5.0)[None, :, None, None, None] * tf.ones([2, 5, 4, 4, 3]) + [[[[[0.0]]]], [[[[100.0]]]]]
    flows = 20.0 * tf.range(10.0, 14.0)[None, :, None, None, None] * tf.ones([2, 4, 4, 4, 2])
    windows = temporal_windows(frames, flows, n)
    assert windows.shape == [2 * (6 - n), 4, 4, 3 * n + 2 * (n - 1)]
    for b in range(2):
        for t in range(6 - n):
            expected = np.repeat(100 * b + t + np.arange(n), 3).tolist() + np.repeat(10 + t + np.arange(n - 1), 2).tolist()
            np.testing.assert_allclose(windows[b * (6 - n) + t, 1, 2], expected)


@pytest.mark.parametrize("n", [1, 6])
def test_window_that_cannot_be_is_refused(n):
    with pytest.raises(ValueError, match=f"n must be from 2 to the number of frames, 5; got {n}"):
        temporal_windows(tf.zeros([1, 5, 4, 4, 3]), tf.zeros([1, 4, 4, 4, 2]), n)


def test_temporal_score_depends_on_the_order_of_the_frames():
    config = LossConfig(discriminator_width=0.05, gan_weight=0.0, temporal_ranges=(3,))
    discriminator = create_discriminators(config, 32)["video_3"]
    frames, flows = tf.constant(make_frames(1, 3)), tf.zeros([1, 2, 32, 32, 2])
    forth, back = (discriminator(temporal_windows(x, flows, 3)) for x in (frames, frames[:, ::-1]))
    assert not np.allclose(forth, back)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_saved_weights_give_the_same_scores_in_a_fresh_discriminator(spectral_norm, tmp_path):
    one, two = create_discriminator(spectral_norm), create_discriminator(spectral_norm)
    one(*inputs(), training=True)
    one.save_weights(str(tmp_path / "d.weights.h5"))
    two.load_weights(str(tmp_path / "d.weights.h5"))
    np.testing.assert_allclose(one(*inputs()), two(*inputs()), atol=1e-6)
