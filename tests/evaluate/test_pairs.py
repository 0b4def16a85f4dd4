import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from records import make_clip, make_joints, write_records

from stmt_tf.data.schema import encode_clip
from stmt_tf.evaluate.clips import index_clips
from stmt_tf.evaluate.pair_frames import load_pair, sound_pairs
from stmt_tf.evaluate.pairs import Sampling, UnusableClip, draw_cross, draw_pairs, draw_same
from stmt_tf.metrics.regions import person_region
from stmt_tf.pose.retarget import retarget


def steps_of(frames):
    """The frame numbers of `make_clip`'s frames, by their grey levels."""
    return [(int(level) - 5) // 10 for level in frames.mean((1, 2, 3)).round()]


def targets_of(choice):
    return list(range(choice.target_first, choice.target_first + choice.target_count))


def draw(clip, sources=3, targets=4, seed=0, **filters):
    return draw_same(encode_clip(clip), Sampling(sources, targets, seed, **filters))


@pytest.fixture
def load(tmp_path):
    """Draws a pair of the clips, of the first alone or of the first as the second, and decodes it."""

    def load(*clips, size=32, **settings):
        index = index_clips([write_records(tmp_path / "a.tfrecord", clips)], size)
        if len(clips) == 1:
            return load_pair(draw(clips[0], **settings), index, size)
        records = [encode_clip(clip) for clip in clips]
        return load_pair(draw_cross(*records, Sampling(sources=3, targets=4)), index, size)

    return load


@pytest.mark.parametrize("seed", range(3))
def test_sources_are_of_the_first_half_and_targets_are_all_of_the_second(seed, load):
    clip = make_clip(12)
    pair = load(clip, sources=4, targets=6, seed=seed)
    sources, targets = steps_of(pair.source_frames), steps_of(pair.target_frames)
    assert len(set(sources)) == 4 and max(sources) < 6 and tuple(sources) == pair.choice.source_frames
    assert targets == [6, 7, 8, 9, 10, 11]
    np.testing.assert_allclose(pair.source_joints, clip.joints[sources], rtol=1e-6)
    np.testing.assert_allclose(pair.target_joints, clip.joints[targets], rtol=1e-6)
    np.testing.assert_array_equal(pair.regions, clip.masks[targets] >= 128)
    np.testing.assert_array_equal(pair.source_regions, clip.masks[sources] >= 128)
    np.testing.assert_allclose(pair.flows, clip.flows[6:11], atol=1 / 64)
    assert steps_of(pair.earlier_frames) == [0, 1, 2, 3, 4, 5]
    assert 0 <= pair.choice.single < 4 and pair.has_masks


def test_targets_are_a_run_anywhere_in_the_second_half():
    runs = [targets_of(draw(make_clip(14), targets=3, seed=seed)) for seed in range(20)]
    assert {tuple(run) for run in runs} == {(7 + i, 8 + i, 9 + i) for i in range(5)}


def test_no_number_of_targets_takes_them_all():
    assert targets_of(draw(make_clip(14), targets=0)) == list(range(7, 14))


def test_a_short_clip_gives_its_first_frames_to_the_sources():
    choice = draw(make_clip(5), sources=4, targets=4)
    assert choice.source_frames == (0, 1, 2, 3) and targets_of(choice) == [4]


def test_the_draw_depends_on_the_seed_and_the_clip():
    clip = make_clip(20)
    drawn = [draw(clip, seed=seed).source_frames for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1] and len(set(drawn)) > 1
    other = dataclasses.replace(clip, clip_id="another")
    assert [draw(other, seed=seed).source_frames for seed in (1, 2, 3)] != drawn[1:]


def turned(joints, back):
    """The poses, those of these steps seen from behind."""
    joints = joints.copy()
    joints[back, :, 0] = joints[..., 0].max() - joints[back, :, 0]
    return joints


def test_opposite_sides_are_never_mixed():
    clip = make_clip(16, size=64)
    back = [0, 1, 2, 3, 10, 11]
    clip = dataclasses.replace(clip, joints=turned(clip.joints, back))
    choice = draw(clip, targets=8, sides="opposite")
    # Four of the first eight frames show each side; of the last eight, six show the front, four of them in a row.
    assert set(choice.source_frames) < {0, 1, 2, 3}
    assert targets_of(choice) == [12, 13, 14, 15]


def test_clip_that_shows_one_side_alone_has_no_opposite_sides():
    with pytest.raises(UnusableClip, match="clip clip has no 3 source frames of one side with target frames of"):
        draw(make_clip(16), targets=8, sides="opposite")


@pytest.mark.parametrize("targets, expected", [(3, [9, 10, 11]), (6, [9, 10, 11]), (0, [9, 10, 11])])
def test_a_run_has_no_frames_without_a_person(targets, expected):
    clip = make_clip(12)
    clip.joints[[7, 8]] = 0
    assert targets_of(draw(clip, targets=targets)) == expected


def test_a_run_may_have_frames_without_a_person_where_that_is_asked_for():
    clip = make_clip(12)
    clip.joints[[7, 8]] = 0
    assert targets_of(draw(clip, targets=6, seen_targets=False)) == [6, 7, 8, 9, 10, 11]
    runs = {tuple(targets_of(draw(clip, targets=3, seed=seed, seen_targets=False))) for seed in range(20)}
    assert runs == {(6 + i, 7 + i, 8 + i) for i in range(4)}
    records = [encode_clip(dataclasses.replace(clip, clip_id=name)) for name in "ab"]
    assert targets_of(draw_cross(*records, Sampling(3, 12, seen_targets=False))) == list(range(12))


@pytest.mark.parametrize("method", ["same", "cross"])
def test_sources_may_be_any_frames_where_that_is_asked_for(method):
    clip = make_clip(12)
    clip.joints[[1, 4]] = 0
    records = [encode_clip(dataclasses.replace(clip, clip_id=name)) for name in "ab"]

    def drawn(**filters):
        samplings = [Sampling(3, 4, seed, **filters) for seed in range(30)]
        choices = [
            draw_same(records[0], sampling) if method == "same" else draw_cross(*records, sampling)
            for sampling in samplings
        ]
        return {step for choice in choices for step in choice.source_frames}

    frames = set(range(6 if method == "same" else 12))
    assert drawn(complete_sources=False) == frames
    assert drawn() == frames - {1, 4}


def test_filters_of_sources_leave_targets_as_they_are():
    clip = make_clip(20)
    clip.joints[2] = 0
    for seed in range(5):
        one, other = (draw(clip, targets=3, seed=seed, complete_sources=on) for on in (True, False))
        assert (one.target_first, one.single) == (other.target_first, other.single)


def test_a_clip_of_fewer_frames_than_sources_is_unusable_without_filters():
    records = [encode_clip(make_clip(2, clip_id="a")), encode_clip(make_clip(8, clip_id="b"))]
    with pytest.raises(UnusableClip, match="clip a has 2 frames, too few for 3 sources"):
        draw_cross(*records, Sampling(3, 4, complete_sources=False, seen_targets=False))


def test_resized_frames_keep_joints_regions_and_flows_on_the_person(load):
    joints = make_joints(8, size=64)
    clip = dataclasses.replace(make_clip(8, size=64), joints=joints, flows=np.full((7, 64, 64, 2), 3.0, np.float32))
    pair = load(clip, targets=4, size=32)
    assert pair.source_frames.shape == (3, 32, 32, 3) and pair.regions.shape == (4, 32, 32)
    np.testing.assert_allclose(pair.target_joints[..., :2], (joints[4:, :, :2] + 0.5) / 2 - 0.5, rtol=1e-5)
    np.testing.assert_array_equal(pair.flows, np.full((3, 32, 32, 2), 1.5))
    assert steps_of(pair.target_frames) == [4, 5, 6, 7]


def test_without_masks_the_region_is_drawn_around_the_joints(load):
    clip = make_clip(8, size=64, masks=False)
    pair = load(clip, size=64)
    assert not pair.has_masks
    np.testing.assert_array_equal(pair.regions, person_region(clip.joints, 64)[4:])


def test_motion_of_another_clip_is_carried_over_to_the_source(load):
    source = make_clip(10, seed=1, clip_id="a")
    target = make_clip(20, seed=2, clip_id="b")
    target.joints[..., :2] *= 0.5  # a child in the corner
    pair = load(source, target)
    assert pair.choice.is_cross and pair.choice.name == "a as b" and pair.video_id == "video_of_a"
    targets = targets_of(pair.choice)
    assert steps_of(pair.target_frames) == targets and len(targets) == 4
    np.testing.assert_allclose(pair.seen_joints, target.joints[targets], rtol=1e-6)
    expected = retarget(target.joints, source.joints)
    np.testing.assert_allclose(pair.target_joints, expected[targets], rtol=1e-5)
    np.testing.assert_array_equal(pair.regions, person_region(expected, 32)[targets])
    # All regions are of one kind, so that what is measured in them can be compared; a pose nobody took has no mask.
    np.testing.assert_array_equal(pair.seen_regions, person_region(target.joints, 32)[targets])
    sources = list(pair.choice.source_frames)
    np.testing.assert_array_equal(pair.source_regions, person_region(source.joints, 32)[sources])
    assert not pair.has_masks


@pytest.mark.parametrize("steps, sources", [(4, 4), (1, 1)])
def test_a_clip_without_room_for_a_target_is_unusable(steps, sources):
    with pytest.raises(UnusableClip, match=f"clip clip has {steps} frames"):
        draw(make_clip(steps), sources=sources)


@pytest.mark.parametrize("half", [slice(0, 4), slice(4, 8)])
def test_a_clip_with_a_half_without_a_person_is_unusable(half):
    clip = make_clip(8)
    clip.joints[half] = 0
    with pytest.raises(UnusableClip, match="clip clip"):
        draw(clip)


@pytest.mark.parametrize("role", [0, 1])
def test_a_clip_without_a_person_is_neither_source_nor_target(role):
    clips = [make_clip(8, clip_id=name) for name in "ab"]
    clips[role].joints[:] = 0
    with pytest.raises(UnusableClip, match=f"clip {'ab'[role]}"):
        draw_cross(*map(encode_clip, clips), Sampling(3, 4))


@pytest.fixture
def index(tmp_path):
    files = [
        write_records(tmp_path / f"{shard}.tfrecord", [make_clip(4, clip_id=f"{shard}{i}") for i in range(3)])
        for shard in "ab"
    ]
    return index_clips(files, 32)


def test_pairs_of_one_clip_are_drawn_by_the_seed_each_clip_once(index):
    names = [[x.source_clip for x in draw_pairs(index, "same", 4, Sampling(1, 2, seed))[0]] for seed in (0, 0, 1, 2)]
    assert names[0] == names[1] and len({tuple(x) for x in names}) > 1
    assert all(len(set(x)) == 4 for x in names)
    everything, left_out = draw_pairs(index, "same", 99, Sampling(1, 2))
    assert sorted(x.source_clip for x in everything) == list(index.clips) and left_out == []


def test_pairs_of_two_clips_use_each_about_equally_often(index):
    drawn, _ = draw_pairs(index, "cross", 12, Sampling(2, 2))
    assert len({(x.source_clip, x.target_clip) for x in drawn}) == 12
    assert all(x.source_clip != x.target_clip for x in drawn)
    for role in ("source_clip", "target_clip"):
        names = [getattr(x, role) for x in drawn]
        assert {names.count(name) for name in index.clips} == {2}
    assert len(draw_pairs(index, "cross", 99, Sampling(2, 2))[0]) == 30


def test_clips_of_one_video_are_no_pair(tmp_path):
    clips = [dataclasses.replace(make_clip(4, clip_id=name), video_id="one") for name in "ab"]
    index = index_clips([write_records(tmp_path / "a.tfrecord", clips)], 32)
    with pytest.raises(ValueError, match="all of one video; give clips of at least two"):
        draw_pairs(index, "cross", 1, Sampling(1, 1))


def test_unusable_clips_are_replaced_by_others(tmp_path):
    clips = [make_clip(8, clip_id="long"), make_clip(2, clip_id="short")]
    index = index_clips([write_records(tmp_path / "a.tfrecord", clips)], 32)
    drawn = [draw_pairs(index, "same", 1, Sampling(3, 2, seed)) for seed in range(8)]
    assert all([x.source_clip for x in pairs] == ["long"] for pairs, _ in drawn)
    assert {len(left_out) for _, left_out in drawn} == {0, 1}


def test_frame_that_cannot_be_decoded_is_named_or_its_pair_left_out(tmp_path):
    record = tf.train.SequenceExample.FromString(encode_clip(make_clip(8)))
    record.feature_lists.feature_list["frames"].feature[5].bytes_list.value[0] = b"no picture"
    path = str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(record.SerializeToString())
        writer.write(encode_clip(make_clip(8, clip_id="sound")))
    index = index_clips([path], 32)
    choices = [draw_same(index.clips[name].read(), Sampling(3, 0)) for name in ("clip", "sound")]
    with pytest.raises(ValueError, match="clip clip: frames 5 cannot be decoded .*write the records anew") as error:
        load_pair(choices[0], index, 32)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="frames 5 .* or give --skip_corrupt"):
        sound_pairs(choices, index, 32)
    kept, left_out = sound_pairs(choices, index, 32, skip_corrupt=True)
    assert kept == choices[1:] and left_out == [str(error.value)]
    with pytest.raises(ValueError, match="no pair can be decoded: clip clip"):
        sound_pairs(choices[:1], index, 32, skip_corrupt=True)
