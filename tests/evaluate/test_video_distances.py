import numpy as np
import pytest
import tensorflow as tf
from records import make_clip, write_records

from stmt_tf.data.schema import encode_clip
from stmt_tf.evaluate.clips import index_clips
from stmt_tf.evaluate.pair_frames import load_pair
from stmt_tf.evaluate.pairs import Sampling, draw_same
from stmt_tf.evaluate.video_distances import EARLIER, pair_features, video_distances
from stmt_tf.features.i3d import VideoNetwork, load_i3d
from stmt_tf.metrics.frechet import distance_of_features


def mean_colour(videos):
    """A stand-in whose features are a video's mean colour, and that twice."""
    mean = tf.cast(tf.reduce_mean(tf.cast(videos, tf.float64), [1, 2, 3]), tf.float32)
    return {"pooled": mean, "logits": tf.concat([mean, mean], -1)}


@pytest.fixture
def stand_in():
    return VideoNetwork("mean colour", mean_colour, None)


@pytest.fixture
def i3d(stand_in):
    stand_in.is_i3d = True  # as far as names go
    return stand_in


def features(seed, count=4, shift=0.0):
    """What `pair_features` might give of pairs: a perfect method, one off by `shift`, and the true frames."""
    random = np.random.default_rng(seed)
    pairs = []
    for _ in range(count):
        truth = {"pooled": random.normal(size=3), "logits": random.normal(size=6)}
        off = {output: x + shift for output, x in truth.items()}
        other = {output: x[::-1] for output, x in truth.items()}
        pairs.append({"perfect": truth, "off": off, "truth": truth, EARLIER: other})
    return pairs


def test_features_are_of_methods_truth_and_earlier_frames(tmp_path, stand_in):
    clip = make_clip(24)
    path = write_records(tmp_path / "a.tfrecord", [clip])
    pair = load_pair(draw_same(encode_clip(clip), Sampling(3, 0)), index_clips([path], 32), 32)
    found = pair_features(stand_in, {"black": np.zeros_like(pair.target_frames)}, pair)
    assert list(found) == ["black", "truth", EARLIER]
    level = (10 * np.arange(24) + 5) / 127.5 - 1
    for name, expected in (("black", -1), ("truth", level[12:].mean()), (EARLIER, level[:12].mean())):
        np.testing.assert_allclose(found[name]["pooled"], [expected] * 3, atol=1e-3)


def test_perfect_videos_have_no_distance(i3d):
    found = video_distances(i3d, features(0, shift=2.0), [16] * 4)
    assert found.values["perfect"] == {"VFID": pytest.approx(0, abs=1e-9), "FVD": pytest.approx(0, abs=1e-9)}
    assert found.values["off"] == {"VFID": pytest.approx(3 * 4), "FVD": pytest.approx(6 * 4)}
    interval = found.intervals["off"]["VFID"]
    assert interval == {"low": pytest.approx(12), "high": pytest.approx(12)}  # the same for every choice of videos
    assert "truth" not in found.values


def test_real_against_real_is_the_distance_of_other_true_frames(i3d):
    pairs = features(1)
    found = video_distances(i3d, pairs, [16] * 4)
    earlier, truth = (np.stack([pair[name]["pooled"] for pair in pairs]) for name in (EARLIER, "truth"))
    assert found.values[EARLIER]["VFID"] == pytest.approx(distance_of_features(earlier, truth))
    assert any(note.startswith("real against real, the row 'truth, earlier frames'") for note in found.notes)
    del pairs[2][EARLIER]
    without = video_distances(i3d, pairs, [16] * 4)
    assert EARLIER not in without.values
    assert any(note.startswith("no row of real against real") for note in without.notes)


def test_notes_tell_how_many_videos_of_how_many_frames(i3d):
    notes = video_distances(i3d, features(0), [16, 16, 9, 16]).notes
    assert notes[0].startswith("VFID of 3, FVD of 6 features a video by mean colour; windows of 64 frames")
    assert notes[0].endswith("4 videos of 9 to 16 frames") and "resized to 224x224" in notes[0]
    for note, name in zip(notes[1:], ("VFID", "FVD")):
        assert note.startswith(f"{name}, 95% bootstrap interval over the videos (200 resamples): perfect 0.00 to 0.00,")
    assert notes[-1].startswith("4 videos are no more than the features' dimensions (FVD: 6)")
    assert not any("dimensions" in note for note in video_distances(i3d, features(0, 7), [16] * 7).notes)


def test_stand_ins_do_not_bear_the_names(stand_in):
    found = video_distances(stand_in, features(0), [16] * 4)
    assert list(found.values["off"]) == [
        "Frechet distance (pooled of a stand-in for I3D)", "Frechet distance (logits of a stand-in for I3D)",
    ]
    assert not any("VFID" in note for note in found.notes)


def test_one_video_has_no_distance(i3d):
    found = video_distances(i3d, features(0, 1), [16])
    assert found.values == found.intervals == {} and "at least two videos" in found.notes[-1]


@pytest.mark.slow
@pytest.mark.asset("i3d")
def test_i3d_itself_gives_vfid_and_fvd(tmp_path):
    network = load_i3d()
    clips = [make_clip(18, seed=i, clip_id=str(i)) for i in range(2)]
    index = index_clips([write_records(tmp_path / "a.tfrecord", clips)], 32)
    pairs = [load_pair(draw_same(encode_clip(clip), Sampling(3, 9)), index, 32) for clip in clips]
    features = [pair_features(network, {"perfect": pair.target_frames}, pair) for pair in pairs]
    assert features[0]["perfect"]["pooled"].shape == (1024,)
    found = video_distances(network, features, [9, 9])
    assert found.values["perfect"] == {"VFID": pytest.approx(0, abs=1e-3), "FVD": pytest.approx(0, abs=1e-3)}
    assert found.values[EARLIER]["VFID"] > 0.1
