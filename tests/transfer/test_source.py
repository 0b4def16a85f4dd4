"""What the model is shown of a source."""

import dataclasses

import numpy as np
import pytest

from stmt_tf.pose.crop import Crop
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.transfer.source import Source

HEIGHT, WIDTH = 10, 8


def source_with(mattes, crop):
    frames = [np.zeros([HEIGHT, WIDTH, 3], np.uint8)] * len(mattes)
    joints = np.zeros([len(mattes), 14, 3])
    return Source(PosedVideo("a.mp4"), joints, frames, joints, crop, np.float32(mattes))


@pytest.fixture
def beyond():
    """Two frames, of the first of which the matte is known, and a crop that reaches outside them on all sides."""
    return source_with([np.ones([HEIGHT, WIDTH]), -np.ones([HEIGHT, WIDTH])], Crop(-2, -3, 20))


def test_outside_the_frame_nobody_is_and_what_is_unknown_stays_so(beyond):
    known, unknown = beyond.matte_crops(20)
    np.testing.assert_array_equal(known, np.pad(np.ones([HEIGHT, WIDTH]), ((3, 7), (2, 10))))
    np.testing.assert_array_equal(unknown, -1)


def test_mattes_are_cut_as_the_frames_are(beyond):
    known, unknown = beyond.matte_crops(10)
    assert known.dtype == np.float32
    np.testing.assert_array_equal(known, np.pad(np.ones([6, 4]), ((1, 3), (1, 5))))
    np.testing.assert_array_equal(unknown, -1)


def test_enlarged_mattes_stay_in_their_range():
    matte = np.zeros([HEIGHT, WIDTH])
    matte[3:6, 2:5] = 1
    (found,) = source_with([matte], Crop(0, 0, 8)).matte_crops(32)
    # Below 0, the outline would be unknown.
    assert found.min() == 0.0 and found.max() == 1.0 and found[18, 14] == 1.0


def test_without_mattes_there_are_none_to_cut(beyond):
    assert dataclasses.replace(beyond, mattes=None).matte_crops(20) is None
