import numpy as np
import tensorflow as tf
from records import make_frames, make_joints

from stmt_tf.models.create import create_discriminator
from stmt_tf.models.discriminators import BLOCK_CHANNELS, ResidualBlock
from stmt_tf.pose.maps import joint_heatmaps


def inputs(seed: int = 0) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(make_frames(2, seed=seed)), joint_heatmaps(make_joints(2, seed=seed), 32)


def test_one_score_for_each_16_pixels():
    assert create_discriminator(32, 0.05)(*inputs()).shape == [2, 2, 2, 1]


def test_six_residual_blocks():
    discriminator = create_discriminator(32, 0.05)
    assert len(discriminator.blocks) == len(BLOCK_CHANNELS) == 6
    assert all(isinstance(block, ResidualBlock) for block in discriminator.blocks)


def test_score_depends_on_frame_and_pose():
    discriminator, (image, heatmaps) = create_discriminator(32, 0.05), inputs()
    other_image, other_heatmaps = inputs(seed=1)
    score = discriminator(image, heatmaps)
    assert not np.allclose(score, discriminator(other_image, heatmaps))
    assert not np.allclose(score, discriminator(image, other_heatmaps))


def test_every_variable_and_the_frame_have_a_gradient():
    discriminator, (image, heatmaps) = create_discriminator(32, 0.05), inputs()
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = tf.reduce_sum(tf.square(discriminator(image, heatmaps)))
    gradients = tape.gradient(loss, [*discriminator.trainable_variables, image])
    assert all(float(tf.norm(gradient)) > 0 for gradient in gradients)


def test_block_of_one_shape_adds_to_its_input():
    block = ResidualBlock(4)
    x = tf.random.stateless_normal([1, 8, 8, 4], [0, 0])
    block(x)
    assert block.shortcut is None
    block.set_weights([np.zeros_like(weight) for weight in block.get_weights()])
    np.testing.assert_array_equal(block(x), x)
