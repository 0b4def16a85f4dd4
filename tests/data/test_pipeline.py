import itertools
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from records import make_clip, write_records

from stmt_tf.config import DataConfig
from stmt_tf.data import schema
from stmt_tf.data.augmentation import mirror
from stmt_tf.data.pipeline import (
    decode_example,
    draw_examples,
    training_dataset,
    validation_dataset,
)
from stmt_tf.data.schema import encode_clip
from stmt_tf.pose.skeleton import LEFT_WRIST, RIGHT_WRIST

SIZE = 32


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """A glob of two files of three clips each."""
    directory = tmp_path_factory.mktemp("records")
    for shard in range(2):
        clips = [make_clip(8, SIZE, seed=3 * shard + i, masks=i > 0) for i in range(3)]
        write_records(directory / f"clips-{shard}.tfrecord", clips)
    return str(directory / "*.tfrecord")


@pytest.fixture(scope="module")
def config(records):
    return DataConfig(
        train_records=records,
        val_records=records,
        num_target_frames=3,
        batch_size=2,
        shuffle_buffer=6,
        seed=5,
    )


def steps_of(frames) -> list[int]:
    """Which frames of `make_clip` these are, by their grey level."""
    grey = (np.asarray(frames).mean((-3, -2, -1)) + 1.0) * 127.5
    return np.rint((grey - 5) / 10).astype(int).tolist()


def draw(clip, seed, sources=3, targets=4, size=SIZE, flows=False):
    seed = tf.constant([0, seed], tf.int64)
    drawn = draw_examples(tf.constant(encode_clip(clip)), seed, sources, targets, flows)
    return decode_example({name: x[0] for name, x in drawn.items()}, size)


def equal(a, b) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in a)


def test_targets_are_consecutive_and_never_among_the_sources():
    clip, firsts = make_clip(8), set()
    for seed in range(25):
        example = draw(clip, seed)
        sources, targets = steps_of(example["source_frames"]), steps_of(example["target_frames"])
        assert targets == list(range(targets[0], targets[0] + 4))
        assert len({*sources, *targets}) == 7
        firsts.add(targets[0])
    assert firsts == {0, 1, 2, 3, 4}


def test_clip_of_exactly_k_plus_l_frames_is_used_whole():
    example = draw(make_clip(7), 0)
    steps = steps_of(example["source_frames"]) + steps_of(example["target_frames"])
    assert sorted(steps) == list(range(7))


def test_joints_and_masks_belong_to_their_frames():
    clip = make_clip(8)
    example = draw(clip, 1)
    for role in ("source", "target"):
        steps = steps_of(example[f"{role}_frames"])
        np.testing.assert_allclose(example[f"{role}_joints"], clip.joints[steps], atol=1e-5)
        np.testing.assert_array_equal(example[f"{role}_masks"][..., 0], clip.masks[steps] / 255)


def test_masks_are_minus_one_where_the_record_has_none():
    example = draw(make_clip(8, masks=False), 0)
    np.testing.assert_array_equal(example["source_masks"], -np.ones([3, SIZE, SIZE, 1]))


def test_resized_joints_stay_on_their_pixels():
    clip = make_clip(8, size=64)
    clip.frames[:] = 0
    y, x = 20, 45  # the pixel block of (22, 10) at half size
    clip.frames[:, y - 1 : y + 3, x - 1 : x + 3] = 255
    clip.joints[:, 0] = (x + 0.5, y + 0.5, 1.0)  # its centre
    example = draw(clip, 0, size=32)
    brightness = np.asarray(example["target_frames"])[0].mean(-1) + 1.0
    grid = np.arange(32)
    centre = (brightness.sum(0) @ grid, brightness.sum(1) @ grid) / brightness.sum()
    np.testing.assert_allclose(example["target_joints"][0, 0, :2], centre, atol=0.05)


def test_too_short_clip_is_a_clear_error():
    words = r"a record: clip clip has 6 frames, fewer than K \+ L = 7: cut"
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        draw(make_clip(6), 0)


def test_mirror_twice_is_the_identity():
    example = draw(make_clip(8), 0)
    assert not equal(example, mirror(example))
    twice = mirror(mirror(example))
    for name, value in example.items():
        np.testing.assert_allclose(twice[name], value, atol=1e-5)


def test_mirror_swaps_left_and_right():
    example = draw(make_clip(8), 0)
    mirrored = mirror(example)
    before, after = example["target_joints"][:, RIGHT_WRIST], mirrored["target_joints"][:, LEFT_WRIST]
    np.testing.assert_allclose(after[:, 0], SIZE - 1 - before[:, 0], atol=1e-5)
    np.testing.assert_array_equal(after[:, 1:], before[:, 1:])
    np.testing.assert_array_equal(mirrored["target_masks"], example["target_masks"][:, :, ::-1])


def test_training_batches_have_static_shapes(config):
    spec = training_dataset(config, sources=2, size=SIZE).element_spec
    assert spec["source_frames"].shape == [2, 2, SIZE, SIZE, 3]
    assert spec["target_joints"].shape == [2, 3, 14, 3]
    assert spec["target_masks"].shape == [2, 3, SIZE, SIZE, 1]


@pytest.mark.parametrize("augment", [False, True])
def test_training_goes_on_at_any_step_with_the_batches_that_were_to_come(config, augment):
    data = replace(config, samples_per_clip=2, augment=augment)

    def batches(first_step, count):
        return list(itertools.islice(training_dataset(data, 2, SIZE, first_step), count))

    whole = batches(0, 9)
    for step in (2, 7):
        assert all(equal(a, b) for a, b in zip(whole[step:], batches(step, 2)))
    assert not any(equal(a, b) for a, b in itertools.combinations(whole, 2))


def test_several_samples_of_a_clip_are_drawn_apart():
    clip = make_clip(8)
    seed = tf.constant([0, 3], tf.int64)
    drawn = draw_examples(tf.constant(encode_clip(clip)), seed, 2, 3, True, count=12)
    examples = [decode_example({name: x[i] for name, x in drawn.items()}, SIZE) for i in range(12)]
    assert len({(*steps_of(x["source_frames"]), *steps_of(x["target_frames"])) for x in examples}) > 9
    for example in examples:
        first = steps_of(example["target_frames"])[0]
        np.testing.assert_allclose(example["target_flows"], clip.flows[first : first + 2], atol=1 / 64)


def test_seed_decides_what_is_drawn(config):
    def first(seed):
        data = DataConfig(train_records=config.train_records, num_target_frames=3, shuffle_buffer=6, seed=seed)
        return next(iter(training_dataset(data, 2, SIZE)))

    assert equal(first(1), first(1))
    assert not equal(first(1), first(2))


def test_every_clip_is_seen_equally_often(config):
    dataset = training_dataset(config, 1, SIZE)
    with_masks = [
        bool(mask >= 0)
        for batch in itertools.islice(dataset, 6)
        for mask in batch["target_masks"][:, 0, 0, 0, 0]
    ]
    assert sorted(with_masks[:6]) == sorted(with_masks[6:]) == [False] * 2 + [True] * 4


def test_augmentation_changes_the_pictures_and_not_the_order(config):
    plain, changed = (
        next(iter(training_dataset(replace(config, augment=augment), 1, SIZE))) for augment in (False, True)
    )
    for one, other in zip(plain["target_frames"], changed["target_frames"]):  # grey throughout
        contrast = np.mean(other, (1, 2, 3)) / np.mean(one, (1, 2, 3))
        np.testing.assert_allclose(contrast, np.repeat(contrast[0], 3), rtol=1e-4)
        assert 0 < abs(contrast[0] - 1.0) < 0.05
    moved = np.abs(plain["target_joints"] - changed["target_joints"])[..., :2].max((1, 2, 3))
    assert (moved > 0.05).all() and (moved < 0.15 * SIZE).all()
    assert not np.allclose(moved[0], moved[1])  # each example in its own way


def test_half_of_the_training_examples_are_mirrored(tmp_path):
    clip = make_clip(4)
    clip.joints[:, RIGHT_WRIST, 0], clip.joints[:, LEFT_WRIST, 0] = 3.0, 20.0
    data = DataConfig(
        train_records=write_records(tmp_path / "one", [clip]), num_target_frames=1, batch_size=40
    )
    batch = next(iter(training_dataset(data, 1, SIZE)))
    right_wrist = np.asarray(batch["target_joints"])[:, 0, RIGHT_WRIST, 0]
    assert set(np.rint(right_wrist)) == {3, SIZE - 1 - 20}
    assert 8 <= (np.rint(right_wrist) == 3).sum() <= 32


def test_flows_belong_to_their_frames():
    clip = make_clip(8)
    example = draw(clip, 1, flows=True)
    first = steps_of(example["target_frames"])[0]
    np.testing.assert_allclose(example["target_flows"], clip.flows[first : first + 3], atol=1 / 64)


def test_resized_flows_are_in_pixels_of_the_resized_frames():
    clip = make_clip(8, size=64)
    clip.flows[:] = (8.0, -2.0)
    flows = draw(clip, 0, size=32, flows=True)["target_flows"]
    np.testing.assert_allclose(flows, np.broadcast_to([4.0, -1.0], [3, 32, 32, 2]), atol=1 / 32)


def test_mirrored_flows_point_the_other_way():
    clip = make_clip(8)
    clip.flows[:] = 0.0
    clip.flows[:, 3, 5] = (2.0, 1.0)
    flows = np.asarray(mirror(draw(clip, 0, flows=True))["target_flows"])
    np.testing.assert_array_equal(flows[:, 3, SIZE - 1 - 5], np.tile([-2.0, 1.0], (3, 1)))
    assert np.count_nonzero(flows) == 6


def test_flows_are_there_only_where_they_are_asked_for(config):
    assert "target_flows" not in training_dataset(config, 2, SIZE).element_spec
    spec = training_dataset(config, 2, SIZE, flows=True).element_spec
    assert spec["target_flows"].shape == [2, 2, SIZE, SIZE, 2]


def test_workers_parts_side_by_side_are_the_whole_batches(config):
    def training(*worker):
        return list(itertools.islice(training_dataset(config, 2, SIZE, 0, True, *worker), 4))

    def validation(*worker):
        return list(validation_dataset(config, 1, SIZE, 5, *worker))

    for batches in (training, validation):
        whole, parts = batches(), [batches(worker, 2) for worker in range(2)]
        assert len(whole) == len(parts[0]) == len(parts[1])
        for batch, *shares in zip(whole, *parts):
            assert equal(batch, {name: tf.concat([share[name] for share in shares], 0) for name in batch})


def test_worker_does_not_decode_the_others_examples(tmp_path, monkeypatch):
    sound, broken = make_clip(3, clip_id="sound"), make_clip(3, clip_id="broken")
    path = tmp_path / "two"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(encode_clip(sound))
        monkeypatch.setattr(schema, "_image", lambda *_: b"no image")
        writer.write(encode_clip(broken))

    config = DataConfig(val_records=str(path), num_target_frames=2, batch_size=2)

    def share(worker):
        return list(validation_dataset(config, 1, SIZE, 4, worker, num_workers=2))

    assert [len(batch["source_frames"]) for batch in share(0)] == [1, 1]
    with pytest.raises(tf.errors.InvalidArgumentError):
        share(1)


def test_files_without_a_record_are_refused_and_not_waited_for(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="--train_records=.*empty.*there is no clip in these files"):
        training_dataset(DataConfig(train_records=str(tmp_path / "empty")), 1, SIZE)
    with pytest.raises(ValueError, match="--val_records=.*empty.*there is no clip in these files"):
        validation_dataset(DataConfig(val_records=str(tmp_path / "empty")), 1, SIZE, 1)


def test_validation_is_fixed_and_made_of_whole_batches(config):
    def batches():
        return list(validation_dataset(config, 1, SIZE, 5))

    first, second = batches(), batches()
    assert [len(batch["source_frames"]) for batch in first] == [2, 2, 2]
    assert all(equal(a, b) for a, b in zip(first, second))


def test_validation_draws_anew_from_few_clips(config):
    batches = list(validation_dataset(replace(config, batch_size=6), 1, SIZE, 12))
    assert not equal(*batches)
