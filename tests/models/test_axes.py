import numpy as np
import tensorflow as tf

from stmt_tf.models.axes import merge_axes, split_axes


def test_axes_are_merged_in_their_order_and_split_again():
    x = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    merged = merge_axes(tf.constant(x))
    np.testing.assert_array_equal(merged, x.reshape(6, 4, 5))
    np.testing.assert_array_equal(split_axes(merged, [2, 3]), x)


def test_what_is_known_of_a_shape_stays_known():
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 8, 3])])
    def there_and_back(x):
        merged = merge_axes(x)
        split = split_axes(merged, tf.shape(x)[:2])
        seen.extend([merged.shape.as_list(), split.shape.as_list()])
        return split

    x = tf.random.stateless_uniform([2, 3, 4, 8, 3], [0, 0])
    np.testing.assert_array_equal(there_and_back(x), x)
    assert seen == [[None, None, 8, 3], [None, None, None, 8, 3]]
