import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from dancer import dance
from transfers import Layered

from stmt_tf.config import ModelConfig
from stmt_tf.models.create import create_generator
from stmt_tf.place.compositing import Compositor
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.skeleton import LEFT_HIP, NUM_PARTS, TORSO
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.serving.inference import TransferModel, save_model
from stmt_tf.transfer import renderer as renderers
from stmt_tf.transfer.renderer import Renderer
from stmt_tf.transfer.source import Source

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
    return Source(PosedVideo("a.mp4"), motion, frames, motion[::5], Crop(0, 0, SIZE), mattes, plate=frames[0])


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


@pytest.mark.parametrize("crop_only", [False, True])
def test_frames_that_are_begun_are_made_when_they_are_asked_for(source, motion, monkeypatch, crop_only):
    composed, owner, name = [], *((renderers, "_composed") if crop_only else (Compositor, "compose"))
    compose = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *given: composed.append(1) or compose(*given))
    model = FirstIsNearest()
    renderer = Renderer(model, source, crop_only)
    poses = np.concatenate([motion[:2], np.zeros([1, 14, 3])])
    begun = renderer.begin(poses, masks=True)
    assert model.shares.shape[0] == 3 and not composed  # the networks have run
    for number, (image, mask) in enumerate(begun):
        assert len(composed) == number + 1
        assert (mask == 255).all() if number < 2 else not mask.any()
        np.testing.assert_array_equal(image, 255 if number < 2 else source.frames[0])
    assert [mask for _, mask in renderer.begin(poses)] == [None] * 3


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


def test_nobody_is_in_chosen_frames_without_a_pose(source, motion):
    poses = np.concatenate([motion[:1], np.zeros([1, 14, 3]), motion[1:2]])
    nobody, somebody = Renderer(FirstIsNearest(), source).generate(poses, [1, 2])["frame"]
    np.testing.assert_array_equal(nobody, source.plate)
    assert (somebody == 255).all()


class Tinted(Layered):
    """A model of fixed size that paints foregrounds and backgrounds in the grey of the frames that it saw.

    Backgrounds are brighter the further right the head is, so that those of different poses differ.
    """

    size, takes_any_size = 32, False

    def encode_source(self, frames, joints, mattes=None):
        assert frames.shape == (4, 32, 32, 3) and mattes is None
        return {"grey": frames.mean()}

    def generate(self, source, joints, names=()):
        shape = (len(joints), 32, 32)
        grey = np.full((*shape, 3), source["grey"])
        made = {
            "foreground": grey,
            "mask": np.broadcast_to(np.linspace(0, 255, 32)[:, np.newaxis, np.newaxis], (*shape, 1)),
            "background": grey / 2 + 4 * joints[:, 0, 0].clip(0, 25)[:, None, None, None],
        }
        return {name: made[name].astype(np.uint8) for name in names or made}


def test_place_of_another_source_is_what_the_background_branch_makes_of_it_for_each_pose(source, motion):
    third = dataclasses.replace(source, frames=[np.full((SIZE, SIZE, 3), 40, np.uint8)] * 4, crop=Crop(4, 8, 48))
    renderer = Renderer(Tinted(), source, crop_only=True, place=third)
    heads = source.crop.to_crop(motion[:6], 32)[:, 0, 0]
    mask = np.stack(renderer.masks(motion[:6]))[..., np.newaxis] / 255
    assert 0.0 < mask.mean() < 1.0
    background = np.floor(20 + 4 * heads.clip(0, 25))[:, None, None, None]
    assert np.ptp(background) > 2
    expected = 120 * mask + background * (1 - mask)  # 120: the grey of the source's own frames
    expected = np.broadcast_to(expected, (6, 32, 32, 3))
    np.testing.assert_allclose(np.float64(renderer.render(motion[:6])), expected, atol=0.51)
    np.testing.assert_allclose(renderer.generate(motion[:6], [2, 5])["frame"], expected[[2, 5]], atol=0.51)


class FirstIsNearest(Layered):
    """Stands in for a model, and remembers what it is given.

    The first source frame is nearest by 10, none shows the place at the top, and whoever is made is white and all of
    the picture.
    """

    size, takes_any_size = 32, True
    nearness = -10 * np.minimum(np.arange(4, dtype=np.float32), 1)[:, np.newaxis]

    def __init__(self):
        self.followed = []

    def encode_source(self, frames, joints, mattes):
        self.frames, self.mattes = frames, mattes
        shown = np.ones([1, 4, 32, 32, 1], np.float32)
        shown[:, :, :8] = 0.0
        return {"preference": tf.zeros([1, 1, 4, NUM_PARTS]), "background_mask": tf.constant(shown)}

    def affinity(self, source, joints):
        self.followed.extend(joints)
        return self.nearness + np.repeat(source["preference"].numpy()[0], len(joints), axis=0)

    def generate(self, source, joints, names=()):
        self.shares = np.exp(self.nearness + source["preference"].numpy()[0])
        white = np.full([len(joints), SIZE, SIZE, 3], 255, np.uint8)
        return {"foreground": white, "mask": white[..., :1].copy()}


def test_what_something_hid_comes_from_other_frames(source, motion):
    hidden = np.zeros([4, NUM_PARTS], np.float32)
    hidden[0, 1] = 1.0
    model = FirstIsNearest()
    Renderer(model, dataclasses.replace(source, hidden=hidden)).render(motion[:1])
    first = np.ones(NUM_PARTS)
    first[1] = 0
    np.testing.assert_allclose(model.shares[0, :2], [first, 1 - first], atol=1e-4)


def test_each_pose_is_followed_once_in_pixels_of_the_crop(source, motion):
    model = FirstIsNearest()
    renderer = Renderer(model, dataclasses.replace(source, crop=Crop(8, 4, SIZE)))
    renderer.render(motion[:3])
    renderer.follow(motion[3:5])
    renderer.generate(motion, [2, 5])
    expected = np.concatenate([motion[:5], motion[:6]])[..., :2] - [8, 4]
    np.testing.assert_allclose(np.stack(model.followed)[..., :2], expected, atol=1e-4)


def test_what_the_mattes_tell_to_be_the_person_is_no_place(source):
    mattes = np.ones((4, SIZE, SIZE), np.float32)
    mattes[1, :, 32:] = 0.0
    mattes[2] = -1.0  # unknown
    unposed = np.zeros_like(source.joints)
    renderer = Renderer(FirstIsNearest(), dataclasses.replace(source, joints=unposed, mattes=mattes, plate=None))
    place = renderer.render(np.zeros([1, 14, 3]))[0]  # nobody
    assert (place[26:, :26] == 150).all() and (place[26:, 40:] == 90).all()
    assert place[:12].min() > 85 and place[:12].max() < 155  # made of what is seen


def test_a_plate_is_the_place(source):
    place = Renderer(FirstIsNearest(), source).render(np.zeros([1, 14, 3]))[0]
    np.testing.assert_array_equal(place, source.plate)


class Holed(Layered):
    """A model whose mask is empty, wherever the person is."""

    takes_any_size, size, num_source_frames = False, SIZE, None

    def encode_source(self, frames, joints, mattes=None):
        return {"background_mask": tf.ones([1, len(frames), SIZE, SIZE, 1])}

    def generate(self, source, target_joints, names=()):
        blank = np.zeros((len(target_joints), SIZE, SIZE, 3), np.uint8)
        return {name: blank[..., :1] if name == "mask" else blank for name in ("foreground", "background", "mask")}


def test_the_trunk_has_no_hole(source, motion):
    renderer, pose = Renderer(Holed(), source, crop_only=True), motion[0].copy()
    corners = [(20.0, 10.0), (44.0, 10.0), (24.0, 50.0), (40.0, 50.0)]
    pose[list(TORSO), :2] = corners
    unknown = pose.copy()
    unknown[LEFT_HIP, 2] = 0.0
    whole, of_unknown, nobody = renderer.masks(np.stack([pose, unknown, np.zeros_like(pose)]))
    assert (whole[12:48, 26:38] == 255).all()
    outside = np.ones((SIZE, SIZE), bool)
    outside[9:52, 19:46] = False
    assert not whole[outside].any() and not whole[35:50, :21].any()  # it is narrower at the hips
    assert not of_unknown.any() and not nobody.any()
    generated = renderer.generate(pose[np.newaxis], np.array([0]))
    assert (generated["frame"][0, 12:48, 26:38] == 0).all() and generated["frame"][0, :5].any()
