from __future__ import annotations

import numpy as np

from stmt_tf.place.compositing import Compositor, empty_place, surely_seen
from stmt_tf.pose.crop import Crop

SIZE = 16
CROP = Crop(left=20, top=10, size=64)


def grey(level, height=96, width=128):
    return np.full((height, width, 3), level, np.uint8)


def everywhere(value):
    return np.full((SIZE, SIZE, 1), value, np.float32)


def compose(frames, visible, people=None, foreground=200, mask=0, crop=CROP):
    nobody = np.zeros((len(frames), *frames[0].shape[:2]), bool)
    place = empty_place(frames, np.stack(visible), nobody if people is None else people, crop)
    return Compositor(place, crop).compose(grey(foreground, SIZE, SIZE), np.full((SIZE, SIZE, 1), mask, np.uint8))


def test_without_a_foreground_the_source_stays_as_it_is():
    frame = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    np.testing.assert_array_equal(compose([frame], [everywhere(1.0)]), frame)


def test_outside_the_crop_the_first_frame_is_shown_whatever_the_foreground():
    frame = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    result = compose([frame, grey(0)], [everywhere(0.0)] * 2, mask=255)
    inside = np.zeros((96, 128), bool)
    inside[10:74, 20:84] = True
    np.testing.assert_array_equal(result[~inside], frame[~inside])
    assert (result[30:54, 40:64] == 200).all()


def test_half_a_mask_is_half_the_foreground():
    assert compose([grey(100)], [everywhere(1.0)], mask=51)[42, 52, 0] == 120


def test_what_one_frame_hides_another_one_shows():
    hidden = everywhere(1.0)
    hidden[4:12, 4:12] = 0.0
    result = compose([grey(100), grey(90)], [hidden, everywhere(1.0)])
    assert (result[38:46, 48:56] == 90).all()
    assert (result[:15] == 100).all() and (result[70:] == 100).all()


def test_the_first_frame_that_shows_a_place_is_taken():
    assert (compose([grey(100), grey(90), grey(80)], [everywhere(1.0)] * 3) == 100).all()


def somebody(rows, columns, level=0):
    """A grey frame with somebody of another grey, and where they are, bool `[1, H, W]`."""
    frame, person = grey(100), np.zeros((1, 96, 128), bool)
    person[0, rows, columns] = True
    frame[person[0]] = level
    return frame, person


def test_nothing_is_left_of_somebody_who_never_leaves_the_spot():
    frame, person = somebody(slice(30, 60), slice(40, 50))
    visible = everywhere(1.0)
    visible[5:12, 5:7] = 0.0  # what the model saw of them
    np.testing.assert_array_equal(compose([frame] * 2, [visible] * 2, np.repeat(person, 2, 0)), grey(100))


def test_what_the_model_did_not_see_of_the_person_is_not_the_place():
    frame, person = somebody(slice(30, 60), slice(40, 50))
    result = compose([frame, grey(90)], [everywhere(1.0)] * 2, np.concatenate([person, ~person & False]))
    assert (result[30:60, 40:50] == 90).all() and (result[:, 55:] == 100).all()


def test_half_visible_is_hidden():
    frame, _ = somebody(slice(30, 60), slice(40, 50))
    visible = everywhere(1.0)
    visible[4:14, 3:9] = 0.5
    np.testing.assert_array_equal(compose([frame], [visible]), grey(100))
    assert (surely_seen(everywhere(0.95)) == 1.0).all()


def test_the_outline_of_the_person_is_hidden_too():
    visible = everywhere(1.0)
    visible[:, :8] = 0.0
    seen = surely_seen(visible)[8, :, 0]
    np.testing.assert_allclose(seen, [0.0] * 8 + [1 / 3, 2 / 3] + [1.0] * 6, atol=1e-6)


def test_a_crop_that_reaches_outside_the_frame_is_pasted_inside_it():
    result = compose([grey(100)], [everywhere(1.0)], mask=255, crop=Crop(-20, -30, 160))
    assert result.shape == (96, 128, 3)
    assert (result == 200).all()


def test_the_person_lies_where_the_mask_is_and_fades_at_the_crops_edges():
    random = np.random.default_rng(0)
    place, foreground = (random.integers(0, 256, shape, np.uint8) for shape in ((96, 128, 3), (48, 48, 3)))
    mask = np.zeros((48, 48, 1), np.uint8)
    mask[5:30, 20:] = random.integers(1, 256, (25, 28, 1), np.uint8)
    crop, before = Crop(60, -10, 48), place.copy()  # beyond the frame's top; its other sides are within
    made = Compositor(place, crop).compose(foreground, mask)
    opacity = mask[10:] / 255 * crop.softness(place.shape[:2])[10:, :, np.newaxis]
    expected = place.astype(float)
    expected[:38, 60:108] += opacity * (foreground[10:] - expected[:38, 60:108])
    np.testing.assert_allclose(made, expected, atol=1)
    np.testing.assert_array_equal(place, before)
    assert (made[5, 60:108] != place[5, 60:108]).any() and np.abs(opacity[:, -1]).max() < 0.1
    np.testing.assert_array_equal(Compositor(place, Crop(200, 0, 48)).compose(foreground, mask), place)
