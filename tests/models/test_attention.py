import functools

import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.models import attention
from stmt_tf.models.attention import SelfAttention, dense_attention, tiled_attention


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(scale=scale, size=shape), tf.float32)


def inputs(count: int, queries: int, keys: int, scale: float = 1.0) -> list[tf.Tensor]:
    return [normal(count, queries, 3, scale=scale), normal(count, keys, 3, seed=1), normal(count, keys, 5, seed=2)]


def value_and_gradients(attend, *tensors: tf.Tensor) -> list[tf.Tensor]:
    """Attended values, and the gradients of their squares' sum."""
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        attended = attend(*tensors)
        total = tf.reduce_sum(attended**2)
    return [attended, *tape.gradient(total, tensors)]


def blocks_of(block: int):
    return functools.partial(tiled_attention, block=block)


def assert_all_close(actual, expected):
    for a, b in zip(actual, expected):
        np.testing.assert_allclose(a, b, atol=1e-5)


def with_gamma(layer: SelfAttention, x: tf.Tensor, gamma: float = 1.0) -> SelfAttention:
    """The layer, built, its gamma no longer 0."""
    layer(x)
    layer.gamma.assign(gamma)
    return layer


@pytest.fixture
def always_tiled(monkeypatch):
    monkeypatch.setattr(attention, "_DENSE_SCORES", 0)
    monkeypatch.setattr(attention, "dense_attention", None)


@pytest.mark.parametrize("attend", [dense_attention, tiled_attention])
def test_equal_keys_give_the_mean_of_the_values(attend):
    value = normal(2, 6, 5)
    attended = attend(normal(2, 4, 3), tf.ones([2, 6, 3]), value)
    np.testing.assert_allclose(attended, np.repeat(np.mean(value, 1, keepdims=True), 4, axis=1), atol=1e-6)


@pytest.mark.parametrize("attend", [dense_attention, tiled_attention])
def test_scores_are_unscaled_products(attend):
    # Scores log 1, log 3: weights 1/4, 3/4.
    query, key, value = [[[1.0, 1.0]]], [[[0.0, 0.0], [np.log(3.0), 0.0]]], [[[0.0], [4.0]]]
    np.testing.assert_allclose(attend(*map(tf.constant, (query, key, value))), [[[3.0]]], atol=1e-6)


@pytest.mark.parametrize(("queries", "keys", "block"), [(1, 1, 4), (8, 8, 4), (13, 7, 4), (5, 30, 1), (9, 9, 64)])
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
def test_tiled_agrees_with_dense(queries, keys, block, wrap):
    tensors = inputs(2, queries, keys)
    expected = value_and_gradients(dense_attention, *tensors)
    assert_all_close(value_and_gradients(wrap(blocks_of(block)), *tensors), expected)


@pytest.mark.parametrize("attend", [dense_attention, blocks_of(4)], ids=["dense", "tiled"])
def test_large_scores_pick_the_best_key_and_stay_finite(attend):
    query, key, value = inputs(1, 6, 9, scale=1e4)
    attended, *gradients = value_and_gradients(attend, query, key, value)
    best = np.argmax(np.matmul(query, np.transpose(key, [0, 2, 1]))[0], axis=1)
    np.testing.assert_allclose(attended[0], value.numpy()[0, best], atol=1e-5)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_tiled_takes_sizes_that_are_known_only_at_run_time():
    specs = [tf.TensorSpec([None, None, channels]) for channels in (3, 3, 5)]
    tiled = tf.function(lambda *x: value_and_gradients(blocks_of(4), *x), input_signature=specs)
    for sizes in ((1, 3, 5), (2, 10, 6)):
        tensors = inputs(*sizes)
        assert_all_close(tiled(*tensors), value_and_gradients(dense_attention, *tensors))


def test_tiled_gradients_compile_with_xla():
    tensors = inputs(2, 10, 6)
    compiled = tf.function(lambda *x: value_and_gradients(blocks_of(4), *x), jit_compile=True)
    assert_all_close(compiled(*tensors), value_and_gradients(dense_attention, *tensors))


def graph_nodes(attend, positions: int) -> list:
    """All nodes of the graph of value and gradients, loop bodies included."""
    specs = [tf.TensorSpec([1, positions, channels]) for channels in (3, 3, 5)]
    step = tf.function(lambda *x: value_and_gradients(attend, *x), input_signature=specs)
    graph = step.get_concrete_function().graph.as_graph_def(add_shapes=True)
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


def largest_tensor(nodes) -> int:
    """Elements of the largest tensor whose shape is known."""
    shapes = [tf.TensorShape(shape) for node in nodes for shape in node.attr["_output_shapes"].list.shape]
    return max(shape.num_elements() or 0 for shape in shapes)


def test_tiled_holds_no_more_than_a_block_of_scores():
    assert largest_tensor(graph_nodes(dense_attention, 1000)) == 1000 * 1000
    nodes = graph_nodes(blocks_of(10), 1000)
    assert largest_tensor(nodes) == 10 * 1000
    # Where a loop is differentiated by itself, it keeps every block on stacks.
    assert not any(node.op == "TensorListPushBack" for node in nodes)


@pytest.mark.parametrize("shape", [(2, 8, 8, 16), (2, 3, 8, 8, 16)])
@pytest.mark.parametrize("stride", [1, 2])
def test_an_untrained_layer_is_the_identity(shape, stride):
    x = normal(*shape)
    np.testing.assert_array_equal(SelfAttention(stride)(x), x)


def test_layer_is_self_attention_written_out():
    x = normal(2, 3, 4, 4, 16)
    layer = with_gamma(SelfAttention(), x, 0.5)
    query, key, value, result = (
        np.asarray(convolution.kernel)[0, 0] for convolution in (layer.query, layer.key, layer.value, layer.result)
    )
    assert (query.shape, key.shape, value.shape, result.shape) == ((16, 2), (16, 2), (16, 8), (8, 16))
    flat = x.numpy().reshape(2, 48, 16)
    scores = np.exp(np.einsum("npc,cd,nqe,ed->npq", flat, query, flat, key))
    attended = scores / scores.sum(-1, keepdims=True) @ (flat @ value)
    np.testing.assert_allclose(layer(x), x + 0.5 * (attended @ result).reshape(x.shape), atol=1e-5)


def test_3d_sees_across_frames_and_2d_does_not():
    x = normal(1, 2, 4, 4, 8)
    changed = tf.concat([x[:, :1], normal(1, 1, 4, 4, 8, seed=1)], axis=1)
    layer = with_gamma(SelfAttention(), x)
    assert np.abs(layer(x) - layer(changed))[:, 0].min() > 1e-6
    np.testing.assert_array_equal(layer(x[0])[0], layer(changed[0])[0])


def test_gradient_reaches_gamma_at_first():
    x = normal(1, 4, 4, 8)
    layer = SelfAttention()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    assert abs(float(tape.gradient(loss, layer.gamma))) > 0


def test_stride_attends_to_averages_and_upsamples():
    x = normal(2, 3, 8, 8, 16)
    strided = with_gamma(SelfAttention(stride=2), x)
    averages = tf.reduce_mean(tf.reshape(x, [2, 3, 4, 2, 4, 2, 16]), [3, 5])
    plain = with_gamma(SelfAttention(), averages)
    plain.set_weights(strided.get_weights())
    added = tf.reshape(plain(averages) - averages, [6, 4, 4, 16])
    expected = x + tf.reshape(tf.image.resize(added, [8, 8], "bilinear"), x.shape)
    np.testing.assert_allclose(strided(x), expected, atol=1e-5)


def test_pool_takes_the_largest_keys_and_values():
    x = normal(1, 4, 4, 16)
    layer = with_gamma(SelfAttention(pool=2), x)
    query, key, value = (
        convolution(x).numpy() for convolution in (layer.query, layer.key, layer.value)
    )
    key, value = (y.reshape(1, 2, 2, 2, 2, -1).max((2, 4)).reshape(1, 4, -1) for y in (key, value))
    attended = dense_attention(tf.constant(query.reshape(1, 16, 2)), tf.constant(key), tf.constant(value))
    expected = x + layer.result(tf.reshape(attended, [1, 4, 4, 8]))
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 8, 8, 16), (2, 3, 8, 8, 16)])
def test_tiled_layer_agrees_with_dense(shape, request):
    x = normal(*shape)
    layer = with_gamma(SelfAttention(stride=2, pool=2), x)
    expected = layer(x)
    request.getfixturevalue("always_tiled")
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


def test_size_that_stride_and_pool_do_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"multiples of stride \* pool = 4 \* 2, got 12 and 16"):
        SelfAttention(stride=4, pool=2)(normal(1, 12, 16, 8))


def test_few_channels_are_enough():
    assert SelfAttention()(normal(1, 2, 2, 1)).shape == [1, 2, 2, 1]


def test_saved_layer_gives_the_same_when_loaded(tmp_path, always_tiled):
    x = normal(2, 3, 8, 8, 16)
    module = tf.Module()
    module.layer = with_gamma(SelfAttention(stride=2), x)
    module.attend = tf.function(module.layer.__call__, input_signature=[tf.TensorSpec([None, 3, None, None, 16])])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(loaded.attend(x), module.layer(x), atol=1e-5)


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_bfloat16", 0.1), ("mixed_float16", 0.02)])
@pytest.mark.parametrize("stride", [1, 2])
def test_mixed_precision_comes_out_in_the_compute_dtype(stride, policy, tolerance, tiled, request):
    x = normal(2, 8, 8, 16)
    exact = with_gamma(SelfAttention(stride), x)
    if tiled:
        request.getfixturevalue("always_tiled")
    mixed = with_gamma(SelfAttention(stride, dtype=policy), x)
    mixed.set_weights(exact.get_weights())
    assert mixed.gamma.dtype == tf.float32
    with tf.GradientTape() as tape:
        y = mixed(x)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) ** 2)
    assert y.dtype == mixed.compute_dtype
    np.testing.assert_allclose(tf.cast(y, tf.float32), exact(x), atol=tolerance)
    assert all(np.isfinite(gradient).all() for gradient in tape.gradient(loss, mixed.trainable_variables))


def test_layer_trains_in_fit_on_replicas(always_tiled):
    with tf.distribute.MirroredStrategy(["cpu:0"]).scope():
        model = tf.keras.Sequential([tf.keras.Input([2, 4, 4, 8]), SelfAttention(stride=2)])
        model.compile(tf.keras.optimizers.SGD(0.1), "mse")
    x = normal(4, 2, 4, 4, 8)
    model.fit(x, tf.zeros_like(x), batch_size=2, epochs=1, verbose=0)
    assert float(model.layers[-1].gamma.numpy()) != 0.0
