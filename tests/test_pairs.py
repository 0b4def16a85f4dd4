import dataclasses

import numpy as np
import pytest
from records import make_clip, make_joints, write_records

from stmt_tf.data.schema import encode_clip
from stmt_tf.metrics.pairs import UnusableClip, choose_clips, draw_pair, read_clips
from stmt_tf.metrics.regions import person_region
from stmt_tf.pose.skeleton import NECK, RIGHT_WRIST


def steps_of(frames):
    """The frame numbers of `make_clip`'s frames, by their grey levels."""
    return [(int(level) - 5) // 10 for level in frames.mean((1, 2, 3)).round()]


def draw(clip, sources=3, targets=4, size=32, seed=0):
    return draw_pair(encode_clip(clip), sources, targets, size, seed)


@pytest.mark.parametrize("seed", range(3))
def test_sources_are_of_the_first_half_and_targets_are_all_of_the_second(seed):
    clip = make_clip(12)
    pair = draw(clip, sources=4, targets=6, seed=seed)
    sources, targets = steps_of(pair.source_frames), steps_of(pair.target_frames)
    assert len(set(sources)) == 4 and max(sources) < 6
    assert targets == [6, 7, 8, 9, 10, 11]
    np.testing.assert_allclose(pair.source_joints, clip.joints[sources], rtol=1e-6)
    np.testing.assert_allclose(pair.target_joints, clip.joints[targets], rtol=1e-6)
    np.testing.assert_array_equal(pair.regions, clip.masks[targets] >= 128)
    assert 0 <= pair.single < 4 and pair.has_masks


def test_fewer_targets_are_spread_over_the_second_half():
    assert steps_of(draw(make_clip(14), targets=3).target_frames) == [7, 10, 13]


def test_a_short_clip_gives_its_first_frames_to_the_sources():
    pair = draw(make_clip(5), sources=4, targets=4)
    assert steps_of(pair.source_frames) == [0, 1, 2, 3]
    assert steps_of(pair.target_frames) == [4]


def test_the_draw_depends_on_the_seed_and_the_clip():
    clip = make_clip(20)
    drawn = [steps_of(draw(clip, seed=seed).source_frames) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1] and len({tuple(steps) for steps in drawn}) > 1
    other = dataclasses.replace(clip, clip_id="another")
    assert [steps_of(draw(other, seed=seed).source_frames) for seed in (1, 2, 3)] != drawn[1:]


def turned(joints, back):
    """The poses, those of these steps seen from behind."""
    joints = joints.copy()
    joints[back, :, 0] = joints[..., 0].max() - joints[back, :, 0]
    return joints


def test_opposite_sides_are_never_mixed():
    clip = make_clip(16, size=64)
    back = [0, 1, 2, 3, 10, 11]
    clip = dataclasses.replace(clip, joints=turned(clip.joints, back))
    pair = draw_pair(encode_clip(clip), 3, 8, 64, 0, "opposite")
    # Four of the first eight frames show each side; six of the last eight show the front.
    assert set(steps_of(pair.source_frames)) < {0, 1, 2, 3}
    assert steps_of(pair.target_frames) == [8, 9, 12, 13, 14, 15]


def test_clip_that_shows_one_side_alone_has_no_opposite_sides():
    with pytest.raises(UnusableClip, match="clip clip has no 3 source frames of one side with target frames of"):
        draw_pair(encode_clip(make_clip(16)), 3, 8, 32, 0, "opposite")


def test_frames_without_a_person_are_no_targets():
    clip = make_clip(12)
    clip.joints[[7, 8]] = 0
    assert steps_of(draw(clip, targets=6).target_frames) == [6, 9, 10, 11]


def test_resized_frames_keep_joints_and_regions_on_the_person():
    joints = make_joints(8, size=64)
    clip = dataclasses.replace(make_clip(8, size=64), joints=joints)
    pair = draw(clip, targets=4, size=32)
    assert pair.source_frames.shape == (3, 32, 32, 3) and pair.regions.shape == (4, 32, 32)
    np.testing.assert_allclose(pair.target_joints[..., :2], (joints[4:, :, :2] + 0.5) / 2 - 0.5, rtol=1e-5)
    assert steps_of(pair.target_frames) == [4, 5, 6, 7]


def test_without_masks_the_region_is_drawn_around_the_joints():
    clip = make_clip(8, size=64, masks=False)
    pair = draw(clip, size=64)
    assert not pair.has_masks
    np.testing.assert_array_equal(pair.regions, person_region(clip.joints, 64)[4:])


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


def test_what_is_no_clip_is_refused():
    with pytest.raises(ValueError, match="not a clip record"):
        draw_pair(b"something else", 1, 1, 32, 0)


@pytest.fixture
def shards(tmp_path):
    return [
        write_records(
            tmp_path / f"{shard}.tfrecord", [make_clip(2, clip_id=f"{shard}{i}") for i in range(5)]
        )
        for shard in "ab"
    ]


def ids(records):
    return [draw_pair(record, 1, 1, 32, 0).clip_id for record in records]


def test_clips_are_chosen_by_the_seed_over_all_files(shards):
    chosen = [choose_clips(shards, 4, seed).tolist() for seed in (0, 0, 1, 2)]
    assert chosen[0] == chosen[1] and len({tuple(c) for c in chosen}) > 1
    assert all(sorted(set(c)) == c and len(c) == 4 for c in chosen)
    expected = [f"{'ab'[i // 5]}{i % 5}" for i in chosen[0]]
    assert ids(read_clips(shards, np.array(chosen[0]))) == expected


def test_all_clips_are_chosen_where_more_are_asked_for(shards):
    assert choose_clips(shards, 99, 0).tolist() == list(range(10))


def test_a_file_that_holds_no_records_is_named(tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_text("These are words and no records.")
    with pytest.raises(ValueError, match=r"a\.tfrecord is not a sound record file"):
        choose_clips([str(path)], 1, 0)


def test_an_empty_file_is_named(tmp_path):
    path = tmp_path / "a.tfrecord"
    path.touch()
    with pytest.raises(ValueError, match=r"no record in .*a\.tfrecord"):
        choose_clips([str(path)], 1, 0)


def test_a_region_covers_the_bones_and_not_the_corners():
    joints = make_joints(3, size=64)
    region = person_region(joints, 64)
    for pose, drawn in zip(joints, region):
        x, y = np.rint(pose[:, :2]).astype(int).T
        assert drawn[y, x].all()
        assert not drawn[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert 0.05 < region.mean() < 0.5


def test_a_region_leaves_missing_joints_out():
    joints = make_joints(1, size=64)
    wrist = np.rint(joints[0, RIGHT_WRIST, :2]).astype(int)
    joints[0, RIGHT_WRIST] = 0
    region = person_region(joints, 64)
    assert not region[0, wrist[1], wrist[0]] and not region[0, 0, 0]
    neck = np.rint(joints[0, NECK, :2]).astype(int)
    assert region[0, neck[1], neck[0]]


def test_nobody_has_an_empty_region():
    assert not person_region(np.zeros((2, 14, 3), np.float32), 16).any()
