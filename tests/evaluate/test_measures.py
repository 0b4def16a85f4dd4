import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from records import make_clip, write_records

from stmt_tf.data.schema import encode_clip
from stmt_tf.evaluate.clips import index_clips
from stmt_tf.evaluate.measures import COLUMNS, Judges, measure
from stmt_tf.evaluate.pair_frames import load_pair
from stmt_tf.evaluate.pairs import Sampling, draw_cross, draw_same
from stmt_tf.metrics.image import psnr, sharpness
from stmt_tf.pose.estimators import Estimator

SIZE = 64


def moving_clip(steps=12, seed=0, clip_id="clip"):
    """A clip of a picture that moves to the left by a pixel a frame; the record lacks flows."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (1, 12, 32, 3))
    picture = tf.image.resize(coarse, [SIZE, 2 * SIZE], "bicubic").numpy()[0].clip(0, 255).astype(np.uint8)
    frames = np.stack([picture[:, t : t + SIZE] for t in range(steps)])
    return dataclasses.replace(make_clip(steps, SIZE, seed=seed, masks=False, clip_id=clip_id), frames=frames)


def without_flows(clip):
    record = tf.train.SequenceExample.FromString(encode_clip(clip, jpeg_quality=100))
    del record.feature_lists.feature_list["flows"].feature[:]
    return record.SerializeToString()


def load(tmp_path, *clips):
    path = str(tmp_path / "a.tfrecord")
    records = [without_flows(clip) for clip in clips]
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)
    choice = (draw_same if len(clips) == 1 else draw_cross)(*records, Sampling(3, 6))
    return load_pair(choice, index_clips([path], SIZE), SIZE)


@pytest.fixture
def pair(tmp_path):
    return load(tmp_path, moving_clip())


def by_method(made, pair, judges=Judges()):  # noqa: B008
    return {row["method"]: row for row in measure(made, pair, judges)}


def test_perfect_frames_are_as_good_as_the_truth(pair):
    rows = by_method({"perfect": pair.target_frames.copy()}, pair)
    perfect, truth = rows["perfect"], rows["truth"]
    assert pair.flows is None and perfect["frames"] == 6
    assert perfect["psnr"] == perfect["psnr_person"] == 100 and perfect["ssim"] == pytest.approx(1)
    for name in ("sharpness", "warping_error", "flicker"):
        assert perfect[name] == truth[name] > 0
    assert np.isnan(truth["psnr"]) and np.isnan(perfect["lpips"])


def test_frozen_frames_have_no_flicker_but_a_warping_error(pair):
    rows = by_method({"frozen": np.repeat(pair.target_frames[:1], 6, 0)}, pair)
    assert rows["frozen"]["flicker"] == 0 < rows["truth"]["flicker"]
    assert rows["frozen"]["warping_error"] > 3 * rows["truth"]["warping_error"]


def test_frames_that_come_late_are_told_by_psnr_and_not_by_temporal_measures(pair):
    truth = pair.target_frames
    late = np.concatenate([pair.earlier_frames[-1:], truth[:-1]])
    assert pair.choice.target_first == len(pair.earlier_frames)
    rows = by_method({"late": late}, pair)
    assert rows["late"]["psnr"] == pytest.approx(psnr(late, truth).mean()) and rows["late"]["psnr"] < 40
    assert rows["late"]["warping_error"] == pytest.approx(rows["truth"]["warping_error"], rel=0.3)
    assert rows["late"]["flicker"] == pytest.approx(rows["truth"]["flicker"], rel=0.3)


def test_restless_frames_flicker(pair):
    restless = np.clip(pair.target_frames, 20, 235)
    restless[::2] += 20
    rows = by_method({"restless": restless, "still": np.clip(pair.target_frames, 20, 235)}, pair)
    assert rows["restless"]["flicker"] > rows["still"]["flicker"] + 5
    assert rows["restless"]["warping_error"] > rows["still"]["warping_error"] + 10


def test_a_short_last_batch_counts_by_its_frames(tmp_path):
    clip = moving_clip(24)
    path = write_records(tmp_path / "a.tfrecord", [clip])
    pair = load_pair(draw_same(encode_clip(clip), Sampling(3, 11)), index_clips([path], SIZE), SIZE)
    seen = []

    class Numbered:
        def describe(self, images):
            seen.append(len(images))
            return len(images)

        def distance(self, made, truth):
            assert made == truth
            return np.arange(8) if made == 8 else np.arange(8, 8 + made)

    made = {"perfect": pair.target_frames, "another": pair.target_frames}
    rows = by_method(made, pair, Judges(perceptual=Numbered()))
    assert seen == [8, 8, 8, 3, 3, 3]  # the truth's are described once, whatever the number of methods
    assert rows["perfect"]["lpips"] == rows["another"]["lpips"] == np.arange(11).mean()


class Knowing(Estimator):
    """Finds nothing but joints that it was given, whatever it sees."""

    name = "knowing"

    def __init__(self, joints):
        self.joints = joints

    def detect(self, frame, index):
        return self.joints[index][None]


def mean_colour(frames, regions):
    """One vector a person: the region's mean colour, of length 1."""
    mean = np.stack([frame[region].mean(0) for frame, region in zip(frames.astype(float), regions)])
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


@pytest.fixture
def cross(tmp_path):
    return load(tmp_path, moving_clip(clip_id="a"), moving_clip(seed=1, clip_id="b"))


def test_without_truth_pose_and_person_are_judged(cross):
    judges = Judges(persons=mean_colour, create_estimator=lambda: Knowing(cross.target_joints))
    made = {"blank": np.full_like(cross.target_frames, 90)}
    rows = by_method(made, cross, judges)
    assert list(rows) == ["blank", "the source", "the target"]
    assert set(COLUMNS["cross"]) < set(rows["blank"]) and "psnr" not in rows["blank"]
    assert rows["blank"]["clip_id"] == "a as b" and rows["blank"]["video_id"] == "video_of_a"
    assert rows["blank"]["pck"] == 1 and rows["blank"]["pose_distance"] == 0
    assert rows["blank"]["sharpness"] == rows["blank"]["flicker"] == 0
    source = mean_colour(cross.source_frames, cross.source_regions)
    assert rows["blank"]["identity"] == pytest.approx((source.sum(-1) / np.sqrt(3)).mean())


def test_source_and_target_tell_what_to_compare_with(cross):
    judges = Judges(persons=mean_colour, create_estimator=lambda: Knowing(cross.seen_joints))
    rows = by_method({"source": np.repeat(cross.source_frames[:1], 6, 0)}, cross, judges)
    source, target = rows["the source"], rows["the target"]
    assert source["frames"] == 3 and target["frames"] == 6
    assert source["sharpness"] == pytest.approx(sharpness(cross.source_frames, cross.source_regions).mean())
    assert 0.9 < source["identity"] <= 1 and target["identity"] < source["identity"]
    assert np.isnan(source["pck"]) and np.isnan(source["flicker"])
    assert target["pck"] == 1 and target["pose_distance"] == 0 and target["flicker"] > 0
    # The others are judged by the poses asked for, not by those seen in the target.
    assert rows["source"]["pose_distance"] > 0


def test_without_judges_the_rest_is_measured(cross):
    rows = by_method({"blank": np.zeros_like(cross.target_frames)}, cross)
    assert all(np.isnan(row[name]) for row in rows.values() for name in ("pck", "pose_distance", "identity"))
    assert rows["blank"]["flicker"] == 0
