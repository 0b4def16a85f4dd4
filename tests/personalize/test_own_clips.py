"""Records of one video's own frames: what is trained on, what is held out, and where the joints are."""

from __future__ import annotations

import numpy as np
import pytest
from records import make_joints
from videos import number_of, numbered_frames, write_video

from stmt_tf.data.schema import decode_clip, encode_clip
from stmt_tf.personalize import own_clips
from stmt_tf.personalize.own_clips import clips_all_over, read_own_frames
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.estimators import Estimator

LENGTH = 50


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "numbers.mp4", numbered_frames(LENGTH), crf="10")


@pytest.fixture
def track():
    """A person in all frames but the first ten and the one numbered 20."""
    joints = make_joints(LENGTH, size=48)
    joints[:10] = joints[20] = 0
    return joints


def numbers(own):
    return [number_of(frame, LENGTH) for frame in own.frames]


def test_the_last_fifth_of_what_shows_the_person_is_held_out(video, track):
    training, held_out = read_own_frames(video, track, 32, fewest=4)
    assert numbers(training) == [*range(10, 20), *range(21, 42)]
    assert numbers(held_out) == list(range(42, 50))
    assert training.frames.shape[1:] == held_out.frames.shape[1:] == (32, 32, 3)


def test_joints_are_those_of_the_frames_in_the_crops_pixels(video, track):
    track[30, 4] = 0
    crop = Crop.around(track, (48, 64))
    training, held_out = read_own_frames(video, track, 32, fewest=4)
    np.testing.assert_allclose(held_out.joints[3], crop.to_crop(track[45], 32), atol=1e-4)
    joints = training.joints[numbers(training).index(30)]
    assert not joints[4].any() and (joints[[3, 5], 2] == 1).all()


class Boxes(Estimator):
    """Takes the box of the joints for the person; finds nobody in the frames of these numbers."""

    name = "boxes"

    def __init__(self, lost=()):
        self._lost = lost

    def detect(self, frame, index):
        raise AssertionError("the track is known")

    def matte(self, frame, joints):
        matte = np.zeros(frame.shape[:2], np.uint8)
        if number_of(frame, LENGTH) not in self._lost:
            (left, top), (right, bottom) = joints[:, :2].min(0).astype(int), joints[:, :2].max(0).astype(int) + 1
            matte[top:bottom, left:right] = 255
        return matte


def test_mattes_become_masks_of_the_frames_in_the_crop(video, track):
    crop = Crop.around(track, (48, 64))
    training, held_out = read_own_frames(video, track, 32, fewest=4, estimator=Boxes(lost=[30]))
    masks = dict(zip([*numbers(training), *numbers(held_out)], [*training.masks, *held_out.masks]))
    np.testing.assert_array_equal(masks.pop(30), masks[29])  # of those that are known, the nearest
    for number, mask in masks.items():
        box = Boxes().matte(np.zeros((48, 64, 3), np.uint8), track[number])
        np.testing.assert_array_equal(mask, crop.extract(box, 32))


def test_clips_of_chosen_frames_have_their_masks(video, track, monkeypatch):
    monkeypatch.setattr(own_clips, "_CLIP_FRAMES", 6)
    training, held_out = read_own_frames(video, track, 32, fewest=4, estimator=Boxes())
    of_number = dict(zip(numbers(training), training.masks))
    for clip in map(encode_clip, clips_all_over(training, count=3)):
        clip = decode_clip(clip)
        np.testing.assert_array_equal(clip.masks, [of_number[number_of(f, LENGTH)] for f in clip.frames])
    np.testing.assert_array_equal(decode_clip(encode_clip(held_out.clip("held-out"))).masks, held_out.masks)


def test_without_mattes_there_are_no_masks(video, track):
    training, held_out = read_own_frames(video, track, 32, fewest=4)
    assert training.masks is None and held_out.clip("held-out").masks is None
    lost = read_own_frames(video, track, 32, fewest=4, estimator=Boxes(lost=range(10, 20)))
    assert lost[0].masks is None and lost[1].masks is not None


def test_of_a_long_video_frames_are_spread_evenly(video, track, monkeypatch):
    monkeypatch.setattr(own_clips, "_MOST_TRAINING_FRAMES", 4)
    monkeypatch.setattr(own_clips, "_MOST_HELD_OUT_FRAMES", 3)
    training, held_out = read_own_frames(video, track, 32, fewest=4)
    assert numbers(training) == [10, 21, 31, 41] and numbers(held_out)[::2] == [42, 49]


def test_too_few_frames_are_refused(video, track):
    with pytest.raises(ValueError, match=r"numbers\.mp4: shows its person in 39 frames; .* there must be 45"):
        read_own_frames(video, track, 32, fewest=9)


def test_clips_are_of_frames_from_all_over_in_their_order(video, track, monkeypatch):
    monkeypatch.setattr(own_clips, "_CLIP_FRAMES", 6)
    training, held_out = read_own_frames(video, track, 32, fewest=4)
    clips = list(clips_all_over(training, count=5))
    shown = [[number_of(frame, LENGTH) for frame in clip.frames] for clip in clips]
    assert len(shown) == 5 and all(len(each) == len(set(each)) == 6 and each == sorted(each) for each in shown)
    assert len({tuple(each) for each in shown}) == 5 and set().union(*shown) <= set(numbers(training))
    of_number = dict(zip(numbers(training), training.joints))
    for clip, each in zip(clips, shown):
        np.testing.assert_allclose(clip.joints, [of_number[i] for i in each], atol=1e-4)
        read_again = decode_clip(encode_clip(clip))
        assert read_again.frames.shape == clip.frames.shape and not read_again.flows.any()
    assert numbers(held_out.clip("held-out")) == numbers(held_out)
