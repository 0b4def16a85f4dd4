import functools

import cv2
import numpy as np
import pytest
import tensorflow as tf
from records import make_example, make_frames, make_joints

from stmt_tf.config import ModelConfig
from stmt_tf.models import part_generator
from stmt_tf.models.composition import background_base
from stmt_tf.models.create import create_generator
from stmt_tf.models.frame_size import Choice, Decided, as_carried, enlarged, foreground_at_frame_size, merge, shrunk
from stmt_tf.models.part_choice import nearest_frames, part_affinity, part_preference
from stmt_tf.models.unet import UNet
from stmt_tf.models.warp import affine_warp
from stmt_tf.pose.maps import joint_heatmaps, part_log_priors, scaled_joints
from stmt_tf.pose.skeleton import LEFT_ANKLE, NUM_PARTS, PARTS, RIGHT_WRIST
from stmt_tf.serving.frame_size import CARRIED_BY, foregrounds_at_frame_size, warped_parts

SIZE = 32
FOREARM = [part.name for part in PARTS].index("right_forearm")
CONFIG = ModelConfig(size=SIZE, width=0.05, fusion="parts", nearest_frames=2)


def create(seed=0):
    tf.keras.utils.set_random_seed(seed)
    return create_generator(CONFIG, num_source_frames=3, freeze_stage1=False)


@functools.cache
def shared():
    return create()


@pytest.fixture
def generator():
    return shared()


@pytest.fixture(scope="module")
def example():
    example = make_example(batch=2, sources=3, targets=2)
    return {**example, "source_mattes": example["source_masks"]}


def assert_same(one, two, atol=1e-5):
    for image in ("frame", "foreground", "background", "mask"):
        np.testing.assert_allclose(one[image], two[image], atol=atol, err_msg=image)


def at_any_size(generator):
    """What the generator makes of frames whose size is known only when they are there, as it is saved."""

    @tf.function(reduce_retracing=True)
    def make(frames, joints, mattes, targets):
        def of_any_size(x):
            side = tf.shape(frames)[2]
            return tf.reshape(x, tf.concat([tf.shape(x)[:2], [side, side], tf.shape(x)[4:]], 0))

        frames, mattes = of_any_size(frames), of_any_size(mattes)
        return generator.generate(generator.encode_source(frames, joints, mattes), targets)

    return make


def test_outputs_have_their_shapes(generator, example):
    outputs = generator(example)
    for image in ("frame", "foreground", "background"):
        assert outputs[image].shape == [2, 2, SIZE, SIZE, 3]
    assert outputs["mask"].shape == [2, 2, SIZE, SIZE, 1]
    assert outputs["background_mask"].shape == [2, 3, SIZE, SIZE, 1]
    assert outputs["part_attention"].shape == [2, 2, 2, NUM_PARTS, SIZE, SIZE]
    assert outputs["foreground_attention"].shape == [2, 2, 3, SIZE, SIZE]
    np.testing.assert_allclose(tf.reduce_sum(outputs["part_attention"], [2, 3]), 1.0, rtol=1e-5)
    np.testing.assert_allclose(tf.reduce_sum(outputs["foreground_attention"], 2), 1.0, rtol=1e-5)


def test_the_frame_is_composed_of_foreground_and_background(generator, example):
    made = generator(example)
    expected = made["foreground"] * made["mask"] + made["background"] * (1 - made["mask"])
    np.testing.assert_allclose(made["frame"], expected, atol=1e-6)


def test_a_frame_in_its_own_pose_shows_the_person_that_its_masks_do(generator, example):
    source = generator.encode_source(*(example[f"source_{name}"][:, :1] for name in ("frames", "joints", "mattes")))
    made = generator.generate(source, example["source_joints"][:, :1])
    person = np.clip(1.0 - source["background_mask"], 0.02, 0.98)
    np.testing.assert_allclose(made["mask"], person, atol=0.02)
    error = np.abs(made["foreground"] - example["source_frames"][:, :1])
    assert error[np.broadcast_to(person > 0.9, error.shape)].max() < 0.2  # a little is painted there


@pytest.mark.parametrize("ratio", [1, 2])
def test_parts_are_the_colours_times_their_masks_and_their_share_in_the_person(generator, ratio):
    """The share alone is for frames of another size than the network's."""
    example = make_example(batch=2, sources=3, targets=1, size=ratio * SIZE)
    frames, mattes = example["source_frames"], 0.5 * example["source_masks"]
    source = generator.encode_source(frames, example["source_joints"], mattes)
    colours, masks, *shares = tf.split(source["parts"], [3, 1] + [1] * (ratio - 1), axis=-1)
    person = 1.0 - source["background_mask"][:, :, None]
    assert tf.reduce_min(person) < 0.02 and tf.reduce_max(person) > 0.5
    np.testing.assert_allclose(tf.reduce_sum(masks, 2), person[:, :, 0], atol=1e-5)
    small = tf.reshape(shrunk(tf.reshape(frames, [-1, *frames.shape[2:]]), SIZE), [2, 3, 1, SIZE, SIZE, 3])
    np.testing.assert_allclose(colours, small * masks, atol=1e-6)
    for share in shares:
        np.testing.assert_allclose(share, masks / np.maximum(person, 0.1), atol=1e-5)


def test_the_place_is_as_the_frames_show_it_and_painted_where_none_does(example):
    generator = create()
    generator(example)
    kernel, _ = generator.background.get_weights()
    generator.background.set_weights([0 * kernel, np.arctanh([0.5, -0.5, 0.0])])
    frames = example["source_frames"]
    source = generator.encode_source(frames, example["source_joints"], 0.4 * example["source_mattes"])
    shown = np.maximum(2.0 * source["background_mask"] - 1.0, 0.0)
    visible = shown.max(1)
    assert visible.min() < 0.3 and visible.max() > 0.9
    merged = (frames * shown).numpy().sum(1) / np.maximum(shown.sum(1), 1e-4)
    filled = background_base(frames, source["background_mask"])[0] + (1.0 - visible) * [0.5, -0.5, 0.0]
    np.testing.assert_allclose(source["background"], visible * merged + (1.0 - visible) * filled, atol=1e-4)


def test_networks_see_the_frames_with_the_poses_and_the_place_without_any(generator, example, monkeypatch):
    seen, call = {}, UNet.call

    def spy(unet, image, heatmaps):
        seen[unet.name] = [image.numpy(), heatmaps.numpy()]
        return call(unet, image, heatmaps)

    monkeypatch.setattr(UNet, "call", spy)
    frames, joints = (example[f"source_{name}"][:, :1] for name in ("frames", "joints"))
    source = generator.encode_source(frames, joints)
    generator.generate(source, joints)
    heatmaps = joint_heatmaps(joints[:, 0], SIZE)
    place, visible = background_base(frames, source["background_mask"])
    # A part in its own pose stays where it is.
    parts = np.concatenate(np.moveaxis(source["parts"].numpy()[:, 0, ..., :3], 1, 0), -1)
    for name, expected in (
        ("mask_unet", [frames[:, 0], heatmaps]),
        ("background_unet", [tf.concat([place * visible, visible], -1), joint_heatmaps(0 * joints[:, 0], SIZE)]),
        ("foreground_unet", [parts, heatmaps]),
    ):
        for one, other in zip(seen[name], expected):
            np.testing.assert_allclose(one, other, atol=1e-3, err_msg=name)


def take_sources(example, order):
    turned = {name: tf.gather(value, order, axis=1) for name, value in example.items() if "source" in name}
    return {**example, **turned}


def test_order_of_the_source_frames_does_not_matter(generator, example):
    one, two = generator(example), generator(take_sources(example, [2, 0, 1]))
    assert_same(one, two, atol=1e-4)
    turned = tf.gather(one["foreground_attention"], [2, 0, 1], axis=2)
    np.testing.assert_allclose(turned, two["foreground_attention"], atol=1e-4)


def test_a_frame_given_twice_changes_nothing(generator, example):
    assert_same(*(generator(take_sources(example, order)) for order in ([1], [1, 1])))


def test_a_frame_in_another_pose_is_not_looked_at_where_nearer_ones_are(generator, example):
    far = example["source_joints"].numpy()
    far[:, 2] = far[:, 2] @ np.diag([0.1, 4.0, 1.0])
    moved = {**example, "source_joints": tf.constant(far, tf.float32)}
    assert tf.reduce_max(generator(moved)["foreground_attention"][:, :, 2]) < 1e-3


def test_targets_together_equal_each_alone(generator, example):
    source = generator.encode_source(example["source_frames"], example["source_joints"])
    together = generator.generate(source, example["target_joints"])
    for i in range(2):
        alone = generator.generate(source, example["target_joints"][:, i : i + 1])
        np.testing.assert_allclose(together["frame"][:, i], alone["frame"][:, 0], atol=1e-5)


def test_without_parts_the_painted_colours_show_where_the_mask_lets_them(example):
    generator = create()
    kernel, bias = generator.attention.head.get_weights()
    bias[NUM_PARTS:] = np.arctanh(0.5), 0.0, 0.0, 9.0
    generator.attention.head.set_weights([0 * kernel, bias])
    nobody = {**example, "source_joints": 0 * example["source_joints"], "target_joints": 0 * example["target_joints"]}
    mattes = tf.zeros_like(example["source_masks"])  # nowhere a person
    made = generator({**nobody, "source_mattes": mattes})
    middle = made["foreground"].numpy()
    assert np.abs(middle - [0.5, 0, 0]).mean() < 0.2
    assert made["mask"].numpy().mean() > 0.98


def test_gradients_reach_all_that_is_trained(example):
    generator = create()
    with tf.GradientTape() as tape:
        made = generator(example)
        loss = tf.reduce_mean(tf.square(made["frame"] - example["target_frames"]))
    variables = generator.trainable_variables
    lacking = [v.name for v, g in zip(variables, tape.gradient(loss, variables)) if g is None or not np.any(g)]
    assert not lacking
    frozen = create_generator(CONFIG, num_source_frames=3)
    assert len(frozen.trainable_variables) == 5  # two kernels, two biases, one weight
    assert len(variables) == 5 + len(generator.single_frame.trainable_variables)


# Which frames, and how sure it is that they show the parts.


def with_confidence(joints, confidence):
    """The poses with this confidence of the right wrist."""
    changed = joints.numpy()
    changed[..., RIGHT_WRIST, 2] = confidence
    return tf.constant(changed)


def with_less_of_the_forearm(shares, factor):
    """Shares `[.., .., P, ...]`, which sum to 1 over P, once the right forearm has so many times its odds."""
    weighted = shares.copy()
    weighted[:, :, FOREARM] *= factor
    return weighted / weighted.sum(2, keepdims=True)


def masks_of(generator, example, joints):
    """Masks `[B, N, P, n, n]` of the parts."""
    return generator.encode_source(example["source_frames"], joints)["parts"][..., 3].numpy() + 1e-9


def test_a_part_that_a_source_frame_hardly_shows_has_far_less_of_the_mask(generator, example):
    joints = example["source_joints"]
    sure, unsure = (masks_of(generator, example, with_confidence(joints, confidence)) for confidence in (1.0, 0.2))
    shown = np.minimum(sure.sum(2), unsure.sum(2)) > 0.01
    assert (sure[:, :, FOREARM] > 0.1)[shown].any()
    expected, found = with_less_of_the_forearm(sure, 0.2**3), with_less_of_the_forearm(unsure, 1.0)
    np.testing.assert_allclose(np.moveaxis(found, 2, -1)[shown], np.moveaxis(expected, 2, -1)[shown], atol=1e-3)


def test_parts_share_the_person_sharply(generator, example):
    """Of a pixel that is a torso's to two thirds and a head's to one, the torso has 8 / 9."""
    logits = np.full([1, 1, 1, 1 + NUM_PARTS], -50.0, np.float32)
    logits[..., [0, 1, 10]] = np.log([0.4, 0.2, 0.4])
    masks = np.concatenate(part_generator._sharp_masks(tf.constant(logits)), -1)[0, 0, 0]
    np.testing.assert_allclose(masks[[0, 1, 10]], [0.4, 0.6 / 9, 0.6 * 8 / 9], rtol=1e-4)
    np.testing.assert_allclose(masks.sum(), 1.0, rtol=1e-5)


def test_a_part_that_the_target_hardly_shows_has_as_much_less_attention(generator, example):
    source = generator.encode_source(example["source_frames"], with_confidence(example["source_joints"], 0.5))
    sure, unsure = (
        generator.generate(source, with_confidence(example["target_joints"], confidence))["part_attention"].numpy()
        for confidence in (1.0, 0.2)
    )
    summed, found = sure.sum(2), unsure.sum(2)  # over the frames
    np.testing.assert_allclose(found, with_less_of_the_forearm(summed, 0.2), rtol=1e-3, atol=1e-6)


def test_affinity_is_of_each_target_pose_at_the_networks_size(generator):
    frames, joints = make_frames(2, 3, size=2 * SIZE), make_joints(2, 3, size=2 * SIZE)
    targets = make_joints(2, 2, size=2 * SIZE, seed=1)
    joints[..., RIGHT_WRIST, 2] = 0.5
    source = generator.encode_source(tf.constant(frames), tf.constant(joints))
    found = generator.affinity(source, tf.constant(targets))
    small = scaled_joints(tf.constant(targets), 0.5)
    for i in range(2):
        expected = part_affinity(source["joints"], small[:, i], SIZE) + source["preference"][:, 0]
        np.testing.assert_allclose(found[:, i], expected, rtol=1e-4, atol=1e-3)


def test_frames_are_preferred_for_how_wholly_their_masks_show_a_part(generator, example):
    source = generator.encode_source(example["source_frames"], example["source_joints"])
    masks = tf.transpose(source["parts"][..., 3], [0, 1, 3, 4, 2])
    expected = part_preference(part_log_priors(example["source_joints"], SIZE), masks)
    assert tf.reduce_min(expected) < -1
    np.testing.assert_allclose(source["preference"], expected, atol=1e-3)


@pytest.mark.parametrize("targets", [1, 2], ids=["for_all_targets", "for_each_target"])
def test_preference_is_added_to_the_affinity(generator, example, targets):
    source = generator.encode_source(example["source_frames"], example["source_joints"])
    preference = np.random.default_rng(0).uniform(-9, 9, [2, targets, 3, NUM_PARTS]).astype(np.float32)
    found = generator.affinity({**source, "preference": preference}, example["target_joints"])
    expected = generator.affinity(source, example["target_joints"]) + preference - source["preference"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


def test_frames_are_taken_by_their_affinity_and_the_preference(generator, example):
    # Of frames that are all the same, attention is their share.
    source = generator.encode_source(*(example[f"source_{name}"][:, :1] for name in ("frames", "joints")))
    source = {
        name: x if name in ("background", "preference") else tf.repeat(x, 3, axis=1) for name, x in source.items()
    }
    own = generator.affinity(source, example["target_joints"])
    wanted = np.array([[[0.75, 0.25, 0], [0, 0.75, 0.25]], [[0.25, 0, 0.75], [0.5, 0, 0.5]]])
    preference = np.log(np.maximum(wanted, 1e-30))[..., np.newaxis] - own
    made = generator.generate({**source, "preference": preference}, example["target_joints"])
    expected = np.broadcast_to(wanted[..., np.newaxis, np.newaxis], [2, 2, 3, SIZE, SIZE])
    np.testing.assert_allclose(made["foreground_attention"], expected, atol=1e-4)


# Mattes.


def person_mask(generator, example, mattes):
    source = generator.encode_source(example["source_frames"], example["source_joints"], mattes)
    return 1.0 - source["background_mask"]


def test_an_unknown_matte_is_as_none(generator, example):
    unknown = -tf.ones_like(example["source_masks"])
    np.testing.assert_array_equal(
        person_mask(generator, example, unknown), person_mask(generator, example, None)
    )


def test_a_matte_is_a_prior_of_the_part_masks(generator, example):
    without = person_mask(generator, example, None)
    odds = without / (1 - without)
    for matte, factor in ((0.9, 9.0), (0.1, 1 / 9), (0.5, 1.0), (1.0, 49.0), (0.0, 1 / 49)):
        found = person_mask(generator, example, tf.fill(example["source_masks"].shape, matte))
        np.testing.assert_allclose(found, odds * factor / (1 + odds * factor), rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("ratio", [1, 2])
def test_the_person_is_no_more_opaque_than_a_known_matte_and_as_the_masks_where_none_is(generator, ratio):
    side = ratio * SIZE
    frames, joints = make_frames(1, 2, size=side), make_joints(1, 2, size=side)
    mattes = np.random.default_rng(0).uniform(0, 1, [1, 2, side, side, 1]).astype(np.float32)
    mattes[:, :, ::2] = 0.0
    mattes[:, 1] = -1.0  # not known
    source = generator.encode_source(*map(tf.constant, (frames, joints, mattes)))
    colours, opacity = tf.split(tf.cast(source["frames"], tf.float32) / 255.0, [3, 1], axis=-1)
    byte = 1.01 / 255.0
    np.testing.assert_allclose(colours, (frames / 2 + 0.5) * opacity, atol=byte)
    person = 1.0 - source["background_mask"][0]
    taken = enlarged(tf.minimum(person - shrunk(mattes[0], SIZE), 0.0), side)[0]
    assert tf.reduce_min(mattes[0, 0] + taken) < -0.01 or ratio == 1
    np.testing.assert_allclose(opacity[0, 0], np.maximum(mattes[0, 0] + taken, 0.0), atol=byte)
    np.testing.assert_allclose(opacity[0, 1], enlarged(person, side)[1], atol=byte)


# Frame size.


def test_smaller_images_are_averages():
    image = np.random.default_rng(0).uniform(-1, 1, [1, 8, 8, 2]).astype(np.float32)
    expected = image.reshape(1, 2, 4, 2, 4, 2).mean((2, 4))
    np.testing.assert_allclose(shrunk(tf.constant(image), 2), expected, atol=1e-6)


def test_larger_images_are_interpolated_between_pixel_centres():
    image = tf.tile(tf.constant([0.0, 4.0])[None, None, :, None], [1, 2, 1, 1])
    np.testing.assert_allclose(enlarged(image, 4)[0, :, :, 0], [[0, 1, 3, 4]] * 4, atol=1e-6)


def test_frames_of_the_networks_size_are_made_alike_where_that_is_not_known_before(generator, example):
    arguments = [example[name] for name in ("source_frames", "source_joints", "source_mattes", "target_joints")]
    dynamic = at_any_size(generator)(*arguments)
    # The product of two interpolated pictures is not the interpolated product.
    static = generator(example)
    for image, bound in (("frame", 0.05), ("mask", 0.05), ("background", 1e-5)):
        difference = np.abs(dynamic[image] - static[image])
        assert difference.mean() < bound, image
    np.testing.assert_allclose(dynamic["part_attention"], static["part_attention"], atol=1e-4)


def test_larger_frames_keep_their_detail(generator):
    ratio, count = 4, 3
    side = ratio * SIZE
    # Stripes of two pixels, which the network's size cannot show.
    stripes = np.where(np.arange(side) // 2 % 2, 0.8, -0.8).astype(np.float32)
    frames = np.broadcast_to(stripes[None, None, :, None, None], (1, count, side, side, 3)).copy()
    joints = np.repeat(make_joints(1, 1, size=side), count, axis=1)
    mattes = np.ones([1, count, side, side, 1], np.float32)
    made = at_any_size(generator)(frames, joints, mattes, joints[:, :1])
    foreground = made["foreground"].numpy()[0, 0]
    assert foreground.shape == (side, side, 3)
    covered = made["mask"].numpy()[0, 0, ..., 0] > 0.9
    assert covered.mean() > 0.05
    # The same pose: every part stays where it was, pixel for pixel.
    error = np.abs(foreground - frames[0, 0])[covered]
    assert error.mean() < 0.05


def carried(colour, cover, seen, chosen, transforms, drawn):
    """What is chosen and decided of what is carried over."""
    choice = Choice(None, tf.constant(chosen), None, tf.constant(transforms))
    return choice, Decided(None, None, None, *map(tf.constant, (colour, cover, seen, drawn)))


def by_graph(frames, choice, parts):
    """The foregrounds and masks that the graph makes of frames uint8 `[B, N, S, S, 4]`."""
    foregrounds, masks = foreground_at_frame_size(tf.constant(frames), choice, parts)
    return np.clip(foregrounds, -1, 1), masks.numpy()


def by_opencv(frames, choice, parts):
    """The same by OpenCV."""
    targets = len(parts.seen) // len(frames)
    decided = {name: getattr(parts, name).numpy() for name in CARRIED_BY}
    choice = {"frames": choice.frames.numpy(), "transforms": choice.transforms.numpy()}
    made = []
    for number, each in enumerate(frames):
        some = [
            {name: value[number * targets : (number + 1) * targets] for name, value in values.items()}
            for values in (choice, decided)
        ]
        made += foregrounds_at_frame_size(each, *some)
    foregrounds, masks = zip(*made)
    return np.stack(foregrounds) / np.float32(127.5) - 1, np.stack(masks) / np.float32(255)


def test_frames_are_carried_as_bytes_times_the_opacity():
    frames = tf.constant([-1.0, 0.0, 1.0, 0.6])[None, :, None, None] * tf.ones([1, 4, 1, 3])
    opacity = tf.constant([1.0, 0.5, 0.25, 0.0])[None, :, None, None]
    carried_over = as_carried(frames, opacity).numpy()[0, :, 0]
    np.testing.assert_array_equal(carried_over[:, 1:], [[0, 0, 255], [64, 64, 128], [64, 64, 64], [0, 0, 0]])


def test_opencv_warps_the_parts_that_count_as_the_graph_does():
    random, n = np.random.default_rng(0), 8
    parts = random.uniform(0, 1, [3, NUM_PARTS, n, n, 5]).astype(np.float32)
    chosen = random.integers(0, 3, [2, 2, NUM_PARTS]).astype(np.int32)
    shares = np.ones(chosen.shape, np.float32)
    shares[0, 1], shares[1, 1] = 2e-3, 1e-4
    transforms = np.tile(np.float32([0.9, 0.2, 0.5, -0.2, 0.9, 0.3]), [2, 2, NUM_PARTS, 1])
    transforms[..., 2] += random.uniform(-2, 2, chosen.shape)
    warped = warped_parts(parts, {"frames": chosen, "shares": shares, "transforms": transforms})
    each = parts[chosen, np.arange(NUM_PARTS)].reshape(-1, n, n, 5)
    expected = affine_warp(tf.constant(each), tf.constant(transforms.reshape(-1, 6))).numpy().reshape(warped.shape)
    assert (warped[1, NUM_PARTS:] == 0).all() and (expected[1, NUM_PARTS:] > 0.1).any()
    expected[1, NUM_PARTS:] = 0
    # OpenCV's warp interpolates in steps of 1 / 32 of a pixel.
    np.testing.assert_allclose(warped, expected, atol=0.04)
    assert np.abs(warped - expected).mean() < 0.01


@pytest.mark.parametrize("make", [by_graph, by_opencv])
def test_a_pixel_of_a_part_goes_where_the_transform_says(make):
    n, ratio = 16, 3
    side = n * ratio
    random = np.random.default_rng(0)
    opacity = random.uniform(0.2, 1, [2, 4, side, side, 1])
    frames = np.rint(255 * opacity * np.append(random.uniform(0, 1, [2, 4, side, side, 3]), np.ones_like(opacity), -1))
    frames = frames.astype(np.uint8)
    masks = cv2.GaussianBlur(random.uniform(-2, 2, [n, n, 3 * 2 * NUM_PARTS]), (0, 0), 2).clip(0, 1)
    masks = masks.transpose(2, 0, 1).reshape(3, 2, NUM_PARTS, n, n).astype(np.float32)
    masks = np.concatenate([masks, masks[:1]])  # two targets of each of two sources
    attention = random.uniform(0.2, 1, masks.shape).astype(np.float32)
    shares = random.uniform(0.2, 1, masks.shape[:3]).astype(np.float32)
    chosen = random.integers(0, 4, masks.shape[:3]).astype(np.int32)
    angle = random.uniform(-0.5, 0.5, masks.shape[:3])
    scale = random.uniform(0.7, 1.4, masks.shape[:3])
    a, b, (c, f) = scale * np.cos(angle), scale * np.sin(angle), random.uniform(-3, 3, (2, *masks.shape[:3]))
    transforms = np.stack([a, -b, c, b, a, f], -1).astype(np.float32)
    drawn = random.uniform(-1, 1, [4, n, n, 4]).astype(np.float32)
    cover = masks * shares[..., None, None]
    foreground, mask = make(frames, *carried(attention * masks, cover, masks > 0, chosen, transforms, drawn))
    # Colours in [-1, 1] times the opacity, and the opacity.
    premultiplied = np.concatenate([frames[..., :3] / 127.5 - frames[..., 3:] / 255, frames[..., 3:] / 255], -1)

    def enlarged(x):
        return cv2.resize(x, (side, side), interpolation=cv2.INTER_LINEAR)

    for m in range(4):
        colours, cover = np.zeros([side, side, 4], np.float32), np.zeros([side, side, 1], np.float32)
        for k in range(2):
            for p in range(NUM_PARTS):
                linear = transforms[m, k, p].reshape(2, 3)[:, :2]
                shift = transforms[m, k, p].reshape(2, 3)[:, 2]
                # x -> r (A ((x + .5) / r - .5) + b + .5) - .5
                moved = ratio * (linear @ np.full(2, 0.5 / ratio - 0.5) + shift + 0.5) - 0.5
                warped = cv2.warpAffine(
                    np.float32(premultiplied[m // 2, chosen[m, k, p]]),
                    np.column_stack([linear, moved]),
                    (side, side),
                    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                )
                seen = masks[m, k, p]
                colours += warped * enlarged(seen * attention[m, k, p])[..., None]
                cover += warped[..., 3:] * enlarged(seen * shares[m, k, p])[..., None]
        painted = enlarged(drawn[m])
        expected, expected_mask = merge(*map(tf.constant, (colours, cover, painted[..., :3], painted[..., 3:])))
        # OpenCV's warp interpolates in steps of 1 / 32 of a pixel.
        expected_mask = np.clip((expected_mask - 0.15) / 0.6, 0, 1)
        expected_mask = expected_mask**2 * (3 - 2 * expected_mask)
        shown = mask[m][..., 0] > 0
        assert shown.mean() > 0.5
        np.testing.assert_allclose(foreground[m][shown], np.clip(expected[shown], -1, 1), atol=0.15)
        np.testing.assert_allclose(mask[m][shown], expected_mask[shown], atol=0.15)
        assert np.abs(foreground[m] - np.clip(expected, -1, 1))[shown].mean() < 0.01
        assert np.abs(mask[m] - expected_mask)[shown].mean() < 0.01


def test_parts_are_carried_to_where_the_target_pose_has_them(generator):
    frames, joints = make_frames(2, 1, size=2 * SIZE), make_joints(2, 1, size=2 * SIZE)
    source = generator.encode_source(tf.constant(frames), tf.constant(joints))
    choice = generator.choose(source, tf.constant(joints + np.float32([8, 0, 0])))
    np.testing.assert_allclose(choice.joints, source["joints"][:, 0] + np.float32([4, 0, 0]), atol=1e-4)
    warped = generator.warped_parts(source, choice, affine_warp)
    np.testing.assert_allclose(warped[:, :, :, 4:], source["parts"][:, 0, :, :, :-4], atol=1e-3)


def test_a_part_is_seen_where_its_attention_or_its_share_says(generator):
    """And where its mask does: behind another part, too, as the mask counts it."""
    frames, joints = make_frames(1, 3, size=2 * SIZE), make_joints(1, 3, size=2 * SIZE)
    source = generator.encode_source(tf.constant(frames), tf.constant(joints))
    targets = tf.constant(joints[:, :2])
    choice = generator.choose(source, targets)
    decided = generator.decide(choice, generator.warped_parts(source, choice, affine_warp))
    shares = nearest_frames(generator.affinity(source, targets)[0], CONFIG.nearest_frames)[1][..., None, None]
    alphas = tf.reshape(decided.images[..., 3], decided.attention.shape)
    expected = tf.maximum(decided.attention, shares) * alphas > 0.08
    assert 0.02 < np.mean(expected) < 0.98
    np.testing.assert_array_equal(decided.seen, expected)
    np.testing.assert_allclose(decided.colour * shares, decided.cover * decided.attention, atol=1e-6)
    assert tf.reduce_max(decided.cover) > 0.5


@pytest.mark.parametrize("make", [by_graph, by_opencv])
def test_parts_are_carried_over_within_a_pixel_of_where_they_are_seen(make):
    seen = np.zeros([1, 1, NUM_PARTS, 8, 8], bool)
    seen[0, 0, FOREARM, 2:5, 3:6] = True
    ones, chosen = tf.ones(seen.shape), tf.zeros([1, 1, NUM_PARTS], tf.int32)
    stay = tf.tile(tf.constant([1.0, 0, 0, 0, 1, 0])[None, None, None], [1, 1, NUM_PARTS, 1])
    parts = carried(ones, ones, seen, chosen, stay, tf.ones([1, 8, 8, 4]))
    _, mask = make(np.full([1, 1, 16, 16, 4], 255, np.uint8), *parts)
    expected = np.zeros([16, 16])
    expected[2:12, 4:14] = 1.0
    np.testing.assert_allclose(mask[0, ..., 0], expected, atol=1e-5)


@pytest.mark.parametrize("make, painted", [(by_graph, 1), (by_opencv, 0)])
def test_where_nobody_is_seen_nothing_is_carried_over(make, painted):
    blank, chosen = tf.zeros([1, 2, NUM_PARTS, 8, 8]), tf.zeros([1, 2, NUM_PARTS], tf.int32)
    parts = carried(blank, blank, blank > 0, chosen, tf.zeros([1, 2, NUM_PARTS, 6]), tf.ones([1, 8, 8, 4]))
    foreground, mask = make(np.full([1, 3, 16, 16, 4], 255, np.uint8), *parts)
    # The graph's box is of one pixel at least, which shows what is painted there.
    np.testing.assert_allclose(foreground[0, :2, :2], painted, atol=0.01)
    np.testing.assert_allclose(foreground[0, 2:], 0, atol=0.01)
    np.testing.assert_array_equal(mask, np.zeros([1, 16, 16, 1]))


@pytest.mark.parametrize("make", [by_graph, by_opencv])
def test_the_network_may_be_as_sure_of_the_mask_as_it_can(make):
    ones, chosen = tf.ones([1, 1, NUM_PARTS, 8, 8]), tf.zeros([1, 1, NUM_PARTS], tf.int32)
    stay = tf.tile(tf.constant([1.0, 0, 0, 0, 1, 0])[None, None, None], [1, 1, NUM_PARTS, 1])
    drawn = np.zeros([1, 8, 8, 4], np.float32)
    drawn[..., :4, 3], drawn[..., 4:, 3] = 1000, -1000
    parts = carried(0.05 * ones, 0.05 * ones, ones > 0, chosen, stay, drawn)
    _, mask = make(np.full([1, 1, 16, 16, 4], 255, np.uint8), *parts)
    np.testing.assert_array_equal(mask[0, :, :7], 1)
    np.testing.assert_array_equal(mask[0, :, 9:], 0)


def test_the_mask_at_frame_size_is_of_the_persons_opacity(generator):
    frames, joints = make_frames(1, 1, size=2 * SIZE), make_joints(1, 1, size=2 * SIZE)
    mattes = np.ones([1, 1, 2 * SIZE, 2 * SIZE, 1], np.float32)
    source = generator.encode_source(*map(tf.constant, (frames, joints, mattes)))
    made = generator.generate(source, tf.constant(joints))
    outline = np.clip((np.clip(source["frames"][..., 3:] / 255, 0.02, 0.98) - 0.15) / 0.6, 0, 1)
    expected = outline**2 * (3 - 2 * outline)
    shown = np.any(made["foreground"] != 0, -1)
    between = shown & (expected[..., 0] > 0.3) & (expected[..., 0] < 0.9)
    assert between.sum() > 50
    assert np.abs(made["mask"] - expected)[between].mean() < 0.03


def test_joints_are_in_pixels_of_the_frames(generator):
    frames, joints = make_frames(1, 2, size=2 * SIZE), make_joints(1, 2, size=2 * SIZE)
    source = generator.encode_source(tf.constant(frames), tf.constant(joints))
    np.testing.assert_allclose(source["joints"][..., :2], (joints[..., :2] + 0.5) / 2 - 0.5, atol=1e-5)
    assert source["frames"].shape == [1, 2, 2 * SIZE, 2 * SIZE, 4]
    assert source["parts"].shape == [1, 2, NUM_PARTS, SIZE, SIZE, 5]


@pytest.mark.parametrize("any_size", [False, True])
def test_a_part_that_the_target_pose_lacks_is_not_shown(generator, any_size):
    """All frames show one person in one pose, white on black; then the pose to show has no left ankle."""
    joints = np.repeat(make_joints(1, 1, size=SIZE), 2, axis=1)
    frames, mattes = np.ones([1, 2, SIZE, SIZE, 3], np.float32), np.ones([1, 2, SIZE, SIZE, 1], np.float32)
    without = joints[:, :1].copy()
    without[..., LEFT_ANKLE, :] = 0.0
    shin = [part.name for part in PARTS].index("left_shin")

    def attention_to_shin(target):
        if any_size:
            made = at_any_size(generator)(frames, joints, mattes, target)
        else:
            made = generator.generate(generator.encode_source(frames, joints, mattes), target)
        return tf.reduce_sum(made["part_attention"][0, 0], 0)[shin].numpy().max()

    assert attention_to_shin(joints[:, :1]) > 0.3
    assert attention_to_shin(without) < 0.2
