import numpy as np
import pytest
import tensorflow as tf
from records import make_clip

from stmt_tf.data.schema import (
    SCHEMA_VERSION,
    Clip,
    decode_clip,
    decode_flow,
    decode_frame,
    decode_mask,
    encode_clip,
    parse_clip,
)


def test_round_trip_keeps_everything():
    clip = make_clip(steps=5, size=32)
    decoded = decode_clip(encode_clip(clip))
    for field in ("clip_id", "video_id", "fps", "pose_tool", "flow_tool"):
        assert getattr(decoded, field) == getattr(clip, field)
    np.testing.assert_array_equal(decoded.joints, clip.joints)
    np.testing.assert_array_equal(decoded.masks, clip.masks)
    np.testing.assert_allclose(decoded.flows, clip.flows, atol=0.51 / 64)
    np.testing.assert_allclose(decoded.frames.astype(int), clip.frames, atol=2)  # JPEG


def test_colours_stay_red_green_blue():
    clip = make_clip(steps=2)
    clip.frames[:] = (200, 100, 20)
    decoded = decode_clip(encode_clip(clip))
    np.testing.assert_allclose(decoded.frames.mean((0, 1, 2)), (200, 100, 20), atol=2)


def test_record_without_masks_has_none():
    serialized = encode_clip(make_clip(steps=3, masks=False))
    assert decode_clip(serialized).masks is None
    assert parse_clip(tf.constant(serialized))["masks"].shape == [0]


def test_flow_keeps_direction_and_a_64th_of_a_pixel():
    clip = make_clip(steps=2)
    clip.flows[0, :, :, 0], clip.flows[0, :, :, 1] = 1.25, -300.015625
    png = parse_clip(tf.constant(encode_clip(clip)))["flows"][0]
    np.testing.assert_array_equal(decode_flow(png)[0, 0], (1.25, -300.015625))


def test_flow_beyond_the_formats_range_is_clipped():
    clip = make_clip(steps=2)
    clip.flows[0] = (600.0, -600.0)
    flow = decode_clip(encode_clip(clip)).flows[0, 0, 0]
    np.testing.assert_allclose(flow, (512.0, -512.0), atol=1 / 64)


def test_decoders_give_the_networks_ranges():
    clip = make_clip(steps=2)
    clip.frames[0], clip.masks[0] = 255, 255
    steps = parse_clip(tf.constant(encode_clip(clip)))
    np.testing.assert_array_equal(decode_frame(steps["frames"][0]), np.ones([32, 32, 3]))
    np.testing.assert_array_equal(decode_mask(steps["masks"][0]), np.ones([32, 32, 1]))


def test_parsed_shapes():
    parsed = parse_clip(tf.constant(encode_clip(make_clip(steps=4))))
    assert parsed["frames"].shape == [4] and parsed["flows"].shape == [3]
    assert parsed["joints"].shape == [4, 14, 3]
    assert int(parsed["height"]) == int(parsed["width"]) == 32


@pytest.mark.parametrize(
    "field, value",
    [
        ("frames", np.zeros([4, 8, 8, 3], np.float32)),
        ("frames", np.zeros([4, 8, 8], np.uint8)),
        ("joints", np.zeros([3, 14, 3], np.float32)),
        ("flows", np.zeros([4, 8, 8, 2], np.float32)),
        ("masks", np.zeros([4, 8, 8, 1], np.uint8)),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(field, value):
    arrays = {
        "frames": np.zeros([4, 8, 8, 3], np.uint8),
        "joints": np.zeros([4, 14, 3], np.float32),
        "flows": np.zeros([3, 8, 8, 2], np.float32),
    }
    with pytest.raises(ValueError, match=f"^{field} must"):
        Clip("a", "b", 25.0, pose_tool="", flow_tool="", **{**arrays, field: value})


def test_other_bytes_are_refused():
    with pytest.raises(ValueError, match="not a clip record"):
        decode_clip(b"no record")


@pytest.mark.parametrize("name", ["frames", "flows", "masks"])
def test_images_that_cannot_be_decoded_are_refused(name):
    example = tf.train.SequenceExample.FromString(encode_clip(make_clip(steps=3)))
    image = example.feature_lists.feature_list[name].feature[1].bytes_list.value
    image[0] = image[0][: len(image[0]) // 2]
    with pytest.raises(ValueError, match="^an image cannot be decoded: "):
        decode_clip(example.SerializeToString())


def test_record_of_another_version_is_refused():
    example = tf.train.SequenceExample.FromString(encode_clip(make_clip(steps=2)))
    example.context.feature["schema_version"].int64_list.value[0] = SCHEMA_VERSION + 1
    with pytest.raises(ValueError, match=f"schema version {SCHEMA_VERSION + 1}"):
        decode_clip(example.SerializeToString())
