import pytest
import tensorflow as tf

from stmt_tf.models.attention import tiled_attention
from stmt_tf.train.flops import count_flops


def traced_flops(function, *shapes) -> int:
    count = count_flops(tf.function(function).get_concrete_function(*map(tf.TensorSpec, shapes)).graph)
    assert count.faults == ()
    return count.flops


def test_convolutions_are_counted_as_by_hand():
    kernels = [tf.Variable(tf.ones([3, 3, a, b])) for a, b in ((3, 16), (16, 16), (16, 8))]
    frozen = tf.Variable(tf.ones([3, 3, 8, 16]), trainable=False)

    def step(x):
        with tf.GradientTape() as tape:
            for kernel in (*kernels, frozen):
                x = tf.nn.conv2d(x, kernel, 1, "SAME")
            loss = tf.reduce_sum(tf.square(x))
        return tape.gradient(loss, kernels)

    flops = [2 * 2 * 16 * 16 * 9 * a * b for a, b in ((3, 16), (16, 16), (16, 8), (8, 16))]
    # Forward, to each trained kernel, and to every input but the image.
    by_hand = sum(flops) + sum(flops[:3]) + sum(flops[1:])
    assert traced_flops(step, [2, 16, 16, 3]) == by_hand


@pytest.mark.parametrize("times", [1, 5])
def test_body_of_a_loop_counts_as_often_as_it_runs(times):
    def loop(x):
        count = tf.shape(tf.zeros([times, 2]))[0]
        return tf.while_loop(lambda i, _: i < count, lambda i, y: (i + 1, tf.matmul(y, x)), (0, x))[1]

    def inner(x):
        return tf.map_fn(lambda y: tf.matmul(y, y), tf.stack([x] * times))

    assert traced_flops(loop, [64, 64]) == times * 2 * 64**3
    assert traced_flops(inner, [64, 64]) == times * 2 * 64**3


def test_loop_of_unknown_length_is_told_of():
    def loop(x):
        return tf.while_loop(lambda y: tf.reduce_sum(y) < 9.0, lambda y: (tf.matmul(y, y),), (x,))

    count = count_flops(tf.function(loop).get_concrete_function(tf.TensorSpec([8, 8])).graph)
    assert count.flops == 2 * 8**3
    assert len(count.faults) == 1 and "counts once" in count.faults[0]


@pytest.mark.parametrize("one, other", [(False, False), (True, False), (False, True), (True, True)])
def test_products_are_counted_as_by_hand_whichever_side_is_transposed(one, other):
    def shape(*sides, transposed):
        return sides[::-1] if transposed else sides

    def product(a, b):
        return tf.matmul(a, b, transpose_a=one, transpose_b=other)

    a, b = shape(3, 5, transposed=one), shape(5, 7, transposed=other)
    assert traced_flops(product, a, b) == 2 * 3 * 5 * 7
    assert traced_flops(product, [4, *a], [4, *b]) == 4 * 2 * 3 * 5 * 7


def test_tiled_attention_is_counted_as_by_hand():
    count, positions, keys, channels, values, block = 2, 128, 96, 4, 6, 32
    by_score, by_value = (2 * count * positions * keys * width for width in (channels, values))
    shapes = [count, positions, channels], [count, keys, channels], [count, keys, values]

    def attend(*inputs):
        return tiled_attention(*inputs, block=block)

    def gradient(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            attended = attend(*inputs)
        return tape.gradient(attended, inputs)

    assert traced_flops(attend, *shapes) == by_score + by_value
    # The weights are made anew; then come the gradients by query and key, and two products as large as by the values.
    assert traced_flops(gradient, *shapes) == by_score + by_value + 3 * by_score + 2 * by_value
