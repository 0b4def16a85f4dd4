import pickle

import numpy as np
import pytest
import tensorflow as tf
from records import conv_ops

from stmt_tf import assets
from stmt_tf.features import vgg

NO_SHIFT, NO_SCALE = np.zeros(3, np.float32), np.ones(3, np.float32)


def constant_weights():
    """Two stages whose convolutions add up 3 x 3 x 3 ones, then take one ninth of a sum minus a bias."""
    return {
        "conv1_1": (np.ones([3, 3, 3, 1], np.float32), np.zeros(1, np.float32)),
        "conv1_2": (np.ones([3, 3, 1, 1], np.float32) / 9, np.full(1, -20, np.float32)),
        "conv2_1": (np.ones([3, 3, 1, 2], np.float32), np.array([1, -100], np.float32)),
    }


def test_maps_have_exact_values_after_the_relu():
    features = vgg.VGGFeatures(constant_weights(), ["conv1_1", "conv1_2", "conv2_1"], NO_SHIFT, NO_SCALE)
    first, second, third = features(tf.ones([1, 6, 6, 3]))
    assert first.shape == (1, 6, 6, 1) and third.shape == (1, 3, 3, 2)
    np.testing.assert_allclose(first[0, 0, :3, 0], [12, 18, 18])
    np.testing.assert_allclose(first[0, 2, :3, 0], [18, 27, 27])
    np.testing.assert_allclose(second[0, 0, :, 0], 0)  # (12 + 18 + 18 + 27) / 9 - 20 is less
    np.testing.assert_allclose(second[0, 1, :3, 0], [0, 12 / 9, 4], rtol=1e-5)
    np.testing.assert_allclose(second[0, 2, 2, 0], 7, rtol=1e-5)
    # The pool makes 4/3, 4, 4/3; 4, 7, 4; 4/3, 4, 4/3 of that.
    np.testing.assert_allclose(third[0, 1, 1], [1 + 7 + 4 * 4 + 4 * 4 / 3, 0], rtol=1e-5)


def test_images_are_shifted_and_scaled_per_channel():
    kernel = np.zeros([3, 3, 3, 3], np.float32)
    kernel[1, 1] = np.eye(3)
    features = vgg.VGGFeatures(
        {"conv1_1": (kernel, np.zeros(3, np.float32))},
        ["conv1_1"],
        shift=np.array([0.5, -1, 0], np.float32),
        scale=np.array([0.5, 2, 4], np.float32),
    )
    np.testing.assert_allclose(features(tf.ones([1, 1, 1, 3]))[0][0, 0, 0], [1, 1, 0.25])


def test_maps_come_in_the_order_asked_for():
    features = vgg.VGGFeatures(constant_weights(), ["conv2_1", "conv1_1"], NO_SHIFT, NO_SCALE)
    assert features.layers == ("conv2_1", "conv1_1")
    assert [maps.shape[-1] for maps in features(tf.ones([1, 4, 4, 3]))] == [2, 1]


def test_nothing_beyond_the_last_layer_is_computed():
    features = vgg.VGGFeatures(constant_weights(), ["conv1_1"], NO_SHIFT, NO_SCALE)
    graph = tf.function(features).get_concrete_function(tf.TensorSpec([1, 4, 4, 3])).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("Conv2D") == 1 and "MaxPool" not in kinds


def test_gradient_reaches_the_images_and_no_weight():
    features = vgg.VGGFeatures(constant_weights(), ["conv1_1"], NO_SHIFT, NO_SCALE)
    with tf.GradientTape() as tape:
        images = tf.ones([1, 3, 3, 3])
        tape.watch(images)
        total = tf.reduce_sum(features(images)[0])
    assert tape.watched_variables() == ()
    np.testing.assert_array_equal(tape.gradient(total, images)[0, :, :, 0], [[4, 6, 4], [6, 9, 6], [4, 6, 4]])


def maps_and_gradient(features):
    with tf.GradientTape() as tape:
        images = tf.random.stateless_uniform([2, 24, 24, 3], [0, 1], -1.0, 1.0)
        tape.watch(images)
        maps = features(images)
        total = tf.add_n([tf.reduce_mean(tf.square(x)) for x in maps])
    return [*maps, tape.gradient(total, images)]


def test_in_bfloat16_maps_and_gradients_are_nearly_those_of_float32(small_vgg16):
    exact, rounded = (
        maps_and_gradient(vgg.create_perceptual_features("vgg16", small_vgg16, dtype=dtype))
        for dtype in ("float32", "bfloat16")
    )
    # Rounding decides some ReLUs and pools otherwise, for which the gradient changes more than the maps do.
    for one, other, bound in zip(exact, rounded, (0.02, 0.02, 0.02, 0.02, 0.2)):
        assert one.dtype == other.dtype == tf.float32
        error = float(tf.norm(one - other) / tf.norm(one))
        assert 1e-4 < error < bound  # without any error, nothing would have been rounded


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_convolutions_compute_in_the_type_asked_for(monkeypatch, name, dtype):
    monkeypatch.setattr(vgg, f"load_{name}", lambda weights_file: constant_weights())
    features = vgg.create_perceptual_features(name, layers=["conv2_1"], **({"dtype": dtype} if dtype else {}))
    graph = tf.function(features).get_concrete_function(tf.TensorSpec([1, 4, 4, 3])).graph
    assert [op.get_attr("T") for op in conv_ops(graph)] == 3 * [tf.as_dtype(dtype or "float32")]


def test_checkpoint_of_a_model_leaves_the_features_out(tmp_path):
    class Trainer(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.features = vgg.VGGFeatures(constant_weights(), ["conv1_1"], NO_SHIFT, NO_SCALE)

    trainer = Trainer()
    assert trainer.weights == []
    path = tf.train.Checkpoint(trainer).save(str(tmp_path / "checkpoint"))
    assert not any("features" in name for name, _ in tf.train.list_variables(path))


@pytest.mark.parametrize("layers", [[], ["conv9_9"], ["conv1_1", "block1_conv1"]])
def test_unknown_layers_are_an_error_naming_them(layers):
    with pytest.raises(ValueError, match="conv1_1, conv1_2, conv2_1. Received"):
        vgg.VGGFeatures(constant_weights(), layers, NO_SHIFT, NO_SCALE)


def test_unknown_network_is_an_error():
    with pytest.raises(ValueError, match="Received: name='vgg11'"):
        vgg.create_perceptual_features("vgg11")


def test_vgg16_gives_the_papers_layers(small_vgg16):
    features = vgg.create_perceptual_features("vgg16", small_vgg16)
    maps = features(tf.zeros([2, 16, 24, 3]))
    assert features.layers == ("conv1_1", "conv2_1", "conv3_1", "conv4_1")
    assert [tuple(x.shape) for x in maps] == [(2, 16, 24, 2), (2, 8, 12, 3), (2, 4, 6, 4), (2, 2, 3, 2)]


def test_vgg19_that_cannot_be_had_is_one_line_with_what_to_do(monkeypatch):
    def unreachable(**_):
        raise Exception("URL fetch failure on https://example.org/vgg19.h5")

    monkeypatch.setattr(tf.keras.applications, "VGG19", unreachable)
    with pytest.raises(assets.AssetError, match=r"URL fetch failure .* --vgg_weights, or take --vgg_network=vgg16"):
        vgg.create_perceptual_features("vgg19")
    with pytest.raises(assets.AssetError, match="mine.h5 does not hold VGG19's weights"):
        vgg.create_perceptual_features("vgg19", "mine.h5")


def test_pickle_of_other_weights_is_an_error(tmp_path):
    (tmp_path / "other").write_bytes(pickle.dumps({"params": {}}))
    with pytest.raises(assets.AssetError, match="other does not hold the weights of the asset 'vgg16': 'VGG16_0'"):
        vgg.create_perceptual_features("vgg16", tmp_path / "other")


@pytest.mark.slow
def test_vgg19_computes_what_keras_does(tmp_path):
    network = tf.keras.applications.VGG19(include_top=False, weights=None)
    for variable in network.weights[1::2]:  # fresh biases are zero, which would hide a wrong order
        variable.assign(tf.random.stateless_uniform(variable.shape, [0, 1], -0.1, 0.1))
    network.save_weights(str(tmp_path / "vgg19.weights.h5"))
    layers = ["conv1_1", "conv2_2", "conv3_4", "conv4_1"]
    pixels = np.random.default_rng(0).uniform(0, 255, size=[1, 32, 32, 3]).astype(np.float32)
    expected = tf.keras.Model(
        network.input, [network.get_layer(f"block{name[4]}_conv{name[6]}").output for name in layers]
    )(tf.keras.applications.vgg19.preprocess_input(pixels.copy()))
    features = vgg.create_perceptual_features("vgg19", tmp_path / "vgg19.weights.h5", layers)
    for actual, wanted in zip(features(pixels / 127.5 - 1), expected):
        np.testing.assert_allclose(actual, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.asset("vgg16")
def test_trained_vgg16_sees_a_shift_as_smaller_than_a_shuffle():
    features = vgg.create_perceptual_features("vgg16")
    rows = np.sin(np.arange(66) / 3)
    picture = np.broadcast_to((rows[:, None] * rows)[:, :, None], [66, 66, 3])
    shuffled = np.random.default_rng(0).permutation(picture[1:65, 1:65].reshape(-1, 3)).reshape(64, 64, 3)
    maps = features(np.stack([picture[1:65, 1:65], picture[:64, 1:65], shuffled]))
    for x in maps:
        shift, shuffle = (float(tf.reduce_mean(tf.abs(x[i] - x[0]))) for i in (1, 2))
        assert 0 < shift < 0.5 * shuffle
