import numpy as np
import tensorflow as tf

from stmt_tf import pixels

ALL = np.arange(256, dtype=np.uint8)


def test_every_colour_comes_back():
    colours = pixels.from_uint8(ALL)
    assert colours.dtype == tf.float32
    np.testing.assert_array_equal(colours, ALL.astype(np.float32) / 127.5 - 1.0)
    np.testing.assert_array_equal(pixels.to_uint8(colours), ALL)


def test_shares_are_rounded_and_cut_off():
    shares = np.float32([-0.2, 0.0, 0.4 / 255, 0.6 / 255, 0.5, 1.0, 1.3])
    np.testing.assert_array_equal(pixels.share_to_uint8(shares), [0, 0, 0, 1, 128, 255, 255])
    np.testing.assert_array_equal(pixels.to_uint8(2 * shares - 1), [0, 0, 0, 1, 128, 255, 255])
