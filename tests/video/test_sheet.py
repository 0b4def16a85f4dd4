import numpy as np
import pytest

from stmt_tf.video.files import is_picture
from stmt_tf.video.sheet import to_height


@pytest.mark.parametrize(("name", "expected"), [("a.PNG", True), ("b.jpeg", True), ("c.mp4", False), ("png", False)])
def test_pictures_are_told_by_their_names(name, expected):
    assert is_picture(name) is expected


def test_images_are_scaled_to_a_height_and_keep_their_shape():
    image = np.full((40, 61, 3), 90, np.uint8)
    for height in (10, 40, 100):
        scaled = to_height(image, height)
        assert scaled.shape == (height, round(61 * height / 40), 3) and (scaled == 90).all()
    assert to_height(image[:, :1], 2).shape == (2, 1, 3)
