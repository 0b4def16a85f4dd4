import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.metrics.temporal import flicker, true_motion, warping_error
from stmt_tf.video.flow import dis_flow

SIZE = 64


def texture(seed=0, size=SIZE + 32):
    """A smooth random picture, uint8 [size, size, 3]."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (1, size // 4, size // 4, 3))
    return tf.image.resize(coarse, [size, size], "bicubic").numpy()[0].clip(0, 255).astype(np.uint8)


def moving(steps=4, speed=2):
    """A picture that moves to the left by `speed` pixels a frame, and its flow."""
    frames = np.stack([texture()[16 : 16 + SIZE, 16 + speed * t :][:, :SIZE] for t in range(steps)])
    flows = np.zeros((steps - 1, SIZE, SIZE, 2), np.float32)
    flows[..., 0] = -speed
    return frames, flows


def everywhere(flows):
    seen = np.ones(flows.shape[:3], bool)
    seen[:, :, :2] = False  # moves out of the frame
    return seen


def test_true_video_has_no_warping_error_along_its_motion():
    frames, flows = moving()
    np.testing.assert_array_equal(warping_error(frames, flows, everywhere(flows)), np.zeros(3))


def test_frozen_video_has_the_error_of_the_motion_it_lacks():
    frames, flows = moving()
    frozen = np.repeat(frames[:1], 4, 0)
    moved = np.abs(frozen[0, :, :-2].astype(float) - frozen[0, :, 2:]).mean()  # what is at x + 2 was to be at x
    np.testing.assert_allclose(warping_error(frozen, flows, everywhere(flows)), [moved] * 3, rtol=1e-5)


def test_delay_of_a_frame_changes_nothing_where_the_motion_is_even():
    frames, flows = moving(5)
    np.testing.assert_array_equal(warping_error(frames[:-1], flows[1:], everywhere(flows[1:])), np.zeros(3))


def test_video_that_brightens_has_that_error():
    frames, flows = moving()
    frames = np.clip(frames, 0, 200) + np.array([0, 10, 20, 40], np.uint8)[:, None, None, None]
    np.testing.assert_allclose(warping_error(frames, flows, everywhere(flows)), [10, 10, 20], rtol=1e-5)


def test_error_counts_in_both_frames_alone():
    frames, flows = moving(2)
    seen = everywhere(flows)
    frames[1, :, 32:] = 0
    seen[:, :, 32:] = False  # where they come from
    assert warping_error(frames, flows, seen) == [0]
    assert np.isnan(warping_error(frames, flows, np.zeros_like(seen))).all()


def test_pixels_that_leave_the_frame_or_are_covered_are_not_seen():
    back, front = texture(1)[:SIZE, :SIZE], texture(2)[:32, :32]
    frames = np.stack([back, back])
    frames[0, 16:48, 8:40] = front
    frames[1, 16:48, 12:44] = front  # moves to the right by 4, over what was seen
    flows = np.zeros((1, SIZE, SIZE, 2), np.float32)
    flows[0, 16:48, 8:40, 0] = 4
    given, seen = true_motion(frames, flows)
    assert given is flows
    # Computed flows are soft at borders.
    assert seen[0, 20:44, 40:44].mean() < 0.2  # covered
    assert seen[0, 20:44, 12:36].mean() > 0.8 and seen[0, :8].all()
    flows[0, :, -4:, 0] = 9
    assert not true_motion(frames, flows)[1][0, :, -4:].any()


def test_missing_flows_are_computed():
    frames, flows = moving()
    found, seen = true_motion(frames, None)
    np.testing.assert_array_equal(found[0], dis_flow(frames[0], frames[1]))
    assert seen[:, 8:-8, 8:-8].mean() > 0.9
    assert np.abs(found - flows)[seen].mean() < 0.3


def test_single_frame_has_no_step():
    frames, _ = moving(1)
    flows, seen = true_motion(frames, None)
    assert flows.shape == (0, SIZE, SIZE, 2) and seen.shape == (0, SIZE, SIZE)
    assert warping_error(frames, flows, seen).shape == flicker(frames, np.zeros((1, SIZE, SIZE), bool)).shape == (0,)


def test_frozen_background_has_no_flicker_whatever_the_person_does():
    frames = np.repeat(texture()[None, :SIZE, :SIZE], 3, 0)
    regions = np.zeros((3, SIZE, SIZE), bool)
    regions[:, 20:40, 20:40] = True
    frames[1, 19:41, 19:41] = 0  # hair that the region does not cover
    np.testing.assert_array_equal(flicker(frames, regions), [0, 0])


def test_flicker_is_the_deviation_of_two_frames():
    levels = np.array([100, 110, 110, 90], np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (4, SIZE, SIZE, 3))
    expected = [np.std(levels[t : t + 2], ddof=1) for t in range(3)]
    np.testing.assert_allclose(flicker(frames, np.zeros((4, SIZE, SIZE), bool)), expected, rtol=1e-6)


def test_places_that_the_person_enters_or_leaves_do_not_count():
    frames = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    regions = np.zeros((2, SIZE, SIZE), bool)
    frames[0, 10:20, 10:20] = frames[1, 40:50, 40:50] = 255
    regions[0, 10:20, 10:20] = regions[1, 40:50, 40:50] = True
    assert flicker(frames, regions) == [0]
    assert np.isnan(flicker(frames, np.ones((2, SIZE, SIZE), bool))).all()


@pytest.mark.parametrize("steps", [2, 5])
def test_one_number_a_step(steps):
    frames, flows = moving(steps)
    assert len(warping_error(frames, flows, everywhere(flows))) == steps - 1
    assert len(flicker(frames, np.zeros((steps, SIZE, SIZE), bool))) == steps - 1
