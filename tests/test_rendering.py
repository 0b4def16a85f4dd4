import numpy as np
import pytest
import tensorflow as tf
from dancer import dance

from stmt_tf.config import ModelConfig
from stmt_tf.inference import TransferModel, save_model
from stmt_tf.models.create import create_generator
from stmt_tf.rendering import Renderer
from stmt_tf.source import Source
from stmt_tf.video.crop import Crop

SIZE = 64


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    tf.keras.utils.set_random_seed(0)
    config = ModelConfig(size=32, width=0.05, fusion="parts")
    directory = str(tmp_path_factory.mktemp("parts") / "model")
    save_model(create_generator(config, num_source_frames=4), config, directory)
    return TransferModel(directory)


@pytest.fixture(scope="module")
def motion():
    poses = dance(frames=40)[::2]
    poses[..., :2] *= SIZE / 256
    return poses


@pytest.fixture(scope="module")
def source(motion):
    """Four frames, each in a colour of its own, whose person is all of the picture."""
    frames = [np.full((SIZE, SIZE, 3), level, np.uint8) for level in (30, 90, 150, 210)]
    mattes = np.ones((4, SIZE, SIZE), np.float32)
    return Source(frames, motion[::5], Crop(0, 0, SIZE), mattes, plate=frames[0])


def test_frames_do_not_depend_on_how_many_are_asked_for_at_a_time(model, source, motion):
    together = Renderer(model, source).render(motion)
    renderer = Renderer(model, source)
    some = [frame for first in range(0, 20, 3) for frame in renderer.render(motion[first : first + 3])]
    np.testing.assert_allclose(np.float32(some), np.float32(together), atol=1)


def test_poses_may_be_followed_without_making_their_frames(model, source, motion):
    together = Renderer(model, source).render(motion)
    renderer = Renderer(model, source)
    renderer.follow(motion[:11])
    np.testing.assert_allclose(np.float32(renderer.render(motion[11:12])[0]), np.float32(together[11]), atol=1)
    alone = Renderer(model, source).render(motion[11:12])[0]
    assert np.abs(alone.astype(int) - together[11]).max() > 5  # the poses before tell


def test_all_that_the_model_gives_is_that_of_the_frames(model, source, motion):
    rendered = Renderer(model, source, crop_only=True).render(motion)
    renderer = Renderer(model, source, crop_only=True)
    renderer.render(motion[15:])
    made = renderer.generate(motion, [4, 11])
    assert made["foreground_attention"].shape == (2, 4, 32, 32)
    for frame, foreground, mask in zip((rendered[4], rendered[11]), made["foreground"], made["mask"]):
        whole = mask[..., 0] == 255
        assert whole.any()
        np.testing.assert_allclose(frame[whole].astype(int), foreground[whole].astype(int), atol=1)
