import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.models.unet import UNet, scaled


def inputs(size: int = 64, count: int = 2) -> tuple[tf.Tensor, tf.Tensor]:
    random = np.random.default_rng(0)
    image = random.normal(size=(count, size, size, 3)).astype(np.float32)
    heatmaps = random.uniform(size=(count, size // 2, size // 2, 14)).astype(np.float32)
    return tf.constant(image), tf.constant(heatmaps)


def test_output_has_the_images_size_and_scaled_channels():
    assert UNet(64, width=0.1)(*inputs()).shape == [2, 64, 64, 6]


def test_sixteen_convolutions_down_to_a_32nd():
    unet = UNet(32, width=0.05)
    unet(*inputs(32))
    kernels = [v.shape for v in unet.trainable_variables if len(v.shape) == 4]
    assert len(kernels) == 16
    assert sum(kernel[0] == 7 for kernel in kernels) == 1
    strided = [layer for layer in unet.downs if layer.strides == (2, 2)]
    assert len(strided) == 5


def test_every_variable_and_input_has_a_gradient():
    unet, tensors = UNet(32, width=0.05), inputs(32)
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        loss = tf.reduce_sum(tf.square(unet(*tensors)))
    gradients = tape.gradient(loss, [*unet.trainable_variables, *tensors])
    assert all(float(tf.norm(gradient)) > 0 for gradient in gradients)


@pytest.mark.parametrize("height, width", [(48, 64), (64, 80)])
def test_size_that_is_no_multiple_of_32_is_refused(height, width):
    with pytest.raises(ValueError, match=rf"multiples of 32, got \({height}, {width}\)"):
        UNet(32, 0.05)(tf.zeros([1, height, width, 3]), tf.zeros([1, height // 2, width // 2, 14]))


@pytest.mark.parametrize("channels, width, expected", [(64, 1, 64), (128, 0.25, 32), (64, 0.01, 4)])
def test_scaled_channels(channels, width, expected):
    assert scaled(channels, width) == expected
