import numpy as np

from stmt_tf.video.sheet import to_height


def test_images_are_scaled_to_a_height_and_keep_their_shape():
    image = np.full((40, 61, 3), 90, np.uint8)
    for height in (10, 40, 100):
        scaled = to_height(image, height)
        assert scaled.shape == (height, round(61 * height / 40), 3) and (scaled == 90).all()
    assert to_height(image[:, :1], 2).shape == (2, 1, 3)
