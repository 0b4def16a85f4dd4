import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from records import make_frames, make_joints

from stmt_tf.models.discriminators import BLOCK_CHANNELS, PatchDiscriminator, temporal_windows
from stmt_tf.models.residual import ResidualBlock
from stmt_tf.pose.maps import joint_heatmaps
from stmt_tf.train.create import create_discriminators
from stmt_tf.train.settings import LossConfig


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


def test_each_score_looks_at_312_pixels():
    discriminator = PatchDiscriminator(0.05)
    image = tf.Variable(tf.random.stateless_normal([1, 352, 352, 1], [0, 0]))
    with tf.GradientTape() as tape:
        score = discriminator(image)[0, 11, 11, 0]
    seen = np.abs(tape.gradient(score, image)[0, ..., 0]) > 0
    for axis in (0, 1):
        places = np.flatnonzero(seen.any(axis))
        assert places[-1] - places[0] + 1 == 312


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


@pytest.mark.parametrize("n", [2, 3, 5])
def test_windows_hold_consecutive_frames_and_the_flows_between_them(n):
    frames = tf.range(5.0)[None, :, None, None, None] * tf.ones([2, 5, 4, 4, 3]) + [[[[[0.0]]]], [[[[100.0]]]]]
    flows = 20.0 * tf.range(10.0, 14.0)[None, :, None, None, None] * tf.ones([2, 4, 4, 4, 2])
    windows = temporal_windows(frames, flows, n)
    assert windows.shape == [2 * (6 - n), 4, 4, 3 * n + 2 * (n - 1)]
    for b in range(2):
        for t in range(6 - n):
            shown = np.repeat(100 * b + t + np.arange(n), 3), np.repeat(10 + t + np.arange(n - 1), 2)
            expected = np.concatenate(shown)
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


def test_every_spectral_norm_has_its_vector_among_the_variables():
    plain, normalised = create_discriminator(), create_discriminator(spectral_norm=True)
    kernels = [v.shape[-1] for v in plain.variables if len(v.shape) == 4]
    vectors = [v.shape for v in normalised.non_trainable_variables]
    assert len(kernels) == 1 + 6 * 2 + 4 + 1  # of the six blocks' shortcuts, four have a kernel
    assert sorted(map(tuple, vectors)) == sorted((1, channels) for channels in kernels)
    assert len(normalised.variables) == len(plain.variables) + len(vectors)


def test_spectral_norms_move_in_training_calls_alone():
    discriminator = create_discriminator(spectral_norm=True)
    moved = [v for v in discriminator.variables if len(v.shape) in (2, 4)]  # kernels and vectors
    states = []
    for training in (False, True):
        discriminator(*inputs(), training=training)
        states.append([np.array(v.numpy()) for v in moved])
    discriminator(*inputs())
    for before, after, now in zip(*states, moved):
        assert not np.array_equal(before, after)
        np.testing.assert_array_equal(after, now.numpy())


@pytest.mark.parametrize("spectral_norm", [False, True])
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_scores_about_the_same_in_float32(precision, spectral_norm):
    exact = create_discriminator(spectral_norm)
    tf.keras.mixed_precision.set_global_policy(precision)
    try:
        mixed = create_discriminator(spectral_norm)
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    mixed.set_weights(exact.get_weights())
    expected, scores = (discriminator(*inputs(), training=True) for discriminator in (exact, mixed))
    assert scores.dtype == tf.float32
    np.testing.assert_allclose(scores, expected, atol=0.05 * np.max(np.abs(expected)))
    # What the spectral norm writes into the kernels, and carries on, is not rounded to half precision.
    for a, b in zip(exact.get_weights(), mixed.get_weights()):
        np.testing.assert_allclose(b, a, atol=1e-6)


# Run by itself: the logical devices must be set before TensorFlow starts.
REPLICAS = """
import numpy as np, tensorflow as tf
from stmt_tf.train.settings import LossConfig
from stmt_tf.train.create import create_discriminators

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
windows = tf.random.stateless_normal([4, 32, 32, 8], [0, 0])
results = []
for devices in (["cpu:0"], ["cpu:0", "cpu:1"]):
    tf.keras.utils.set_random_seed(0)
    with tf.distribute.MirroredStrategy(devices).scope():
        config = LossConfig(discriminator_width=0.05, spectral_norm=True, gan_weight=0.0, temporal_ranges=(2,))
        model = create_discriminators(config, 32)["video_2"]
        model.compile(tf.keras.optimizers.SGD(0.1), "mse", jit_compile=False)
        model.optimizer.build(model.trainable_variables)
    before = model.get_weights()
    model.fit(windows, tf.ones([4, 2, 2, 1]), batch_size=4, epochs=1, verbose=0)
    results.append(model.get_weights())
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
for one, two in zip(*results):
    np.testing.assert_allclose(two, one, atol=1e-5)
for variable in model.variables:
    copies = getattr(variable, "value", variable)
    copies = (variable if callable(copies) else copies).values
    assert len(copies) == 2
    np.testing.assert_allclose(copies[0], copies[1], atol=1e-7)
print("the same")
"""


@pytest.mark.slow
def test_spectral_norm_trains_in_fit_on_two_devices_as_on_one():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", REPLICAS], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip().endswith("the same"), done.stderr[-3000:]
