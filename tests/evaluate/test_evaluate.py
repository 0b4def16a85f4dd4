import json
import os
import sys

import cv2
import numpy as np
import pytest
import tensorflow as tf
from evaluations import NOBODY, OUTPUTS, SIZE, Oracle, config_for, make_clips, pairs, results, rows
from records import make_clip, write_records

from stmt_tf.assets import AssetError
from stmt_tf.config import ModelConfig
from stmt_tf.evaluate.clips import index_clips
from stmt_tf.evaluate.command import check, evaluate, load_judges, main
from stmt_tf.evaluate.comparison import Other, parse_others, run_methods
from stmt_tf.evaluate.examples import attention_picture
from stmt_tf.evaluate.measures import Judges
from stmt_tf.evaluate.pair_frames import load_pair
from stmt_tf.evaluate.pairs import Sampling, draw_same
from stmt_tf.evaluate.settings import EvaluateConfig
from stmt_tf.features.i3d import VideoNetwork
from stmt_tf.pose.estimators import PoseError
from stmt_tf.serving.manifest import write_manifest


def test_a_perfect_model_gets_full_marks(tmp_path):
    clips = make_clips()
    model = Oracle(clips)
    text = evaluate(config_for(tmp_path, clips), model, NOBODY)
    assert sorted(os.listdir(tmp_path / "out")) == OUTPUTS
    found = results(tmp_path)
    assert found["pairs"] == found["pairs_with_masks"] == 3 and found["left_out"] == []
    assert list(found["means"]) == [
        "model K=1", "mean of K=1", "model K=4", "warped", "nearest pose", "source median", "truth",
    ]
    for name in ("model K=1", "model K=4"):
        assert found["means"][name]["psnr"] == found["means"][name]["psnr_person"] == 100.0
        assert found["means"][name]["ssim"] == pytest.approx(1.0)
        assert found["means"][name]["lpips"] is None
        margins = found["margins_over_better_baseline_db"][name]
        assert margins["psnr"]["least"] > 50
    assert model.sources_seen == [4, 1, 1, 1, 1] * 3
    assert text == (tmp_path / "out" / "table.md").read_text()


def test_every_figure_is_the_mean_over_frames_then_clips(tmp_path):
    clips = make_clips(2)
    evaluate(config_for(tmp_path, clips, num_target_frames=5), Oracle(clips, error=5), NOBODY)
    expected = 20 * np.log10(255 / 5)
    assert results(tmp_path)["means"]["model K=4"]["psnr"] == pytest.approx(expected)
    targets = {pair["target_clip"]: pair["target_first"] for pair in pairs(tmp_path)}
    for row in rows(tmp_path):
        assert row["frames"] == "5"
        if row["method"] == "model K=1":
            assert float(row["psnr"]) == float(row["psnr_person"]) == pytest.approx(expected)
        elif row["method"] == "warped":
            first = targets[row["clip_id"]]
            steps = np.arange(first, first + 5)  # black against 10 t + 5
            grey = 20 * np.log10(255 / (10 * steps + 5))
            assert float(row["psnr"]) == pytest.approx(grey.mean())
    assert {row["video_id"] for row in rows(tmp_path)} == {"video_of_clip0", "video_of_clip1"}


def test_real_records_need_no_masks(tmp_path):
    clips = make_clips(1, masks=False)
    evaluate(config_for(tmp_path, clips), Oracle(clips, error=5), NOBODY)
    found = results(tmp_path)
    assert found["pairs_with_masks"] == 0
    assert found["means"]["model K=4"]["psnr_person"] == pytest.approx(20 * np.log10(51))


def test_more_source_frames_than_the_model_takes_leave_nothing_behind(tmp_path):
    clips = make_clips(1)
    with pytest.raises(ValueError, match="5 source frames are too many"):
        evaluate(config_for(tmp_path, clips, num_source_frames=5), Oracle(clips), NOBODY)
    assert not (tmp_path / "out").exists()


def test_one_source_frame_gives_one_line_of_the_model(tmp_path):
    clips = make_clips(1)
    evaluate(config_for(tmp_path, clips, num_source_frames=1), Oracle(clips), NOBODY)
    assert [name for name in results(tmp_path)["means"] if "model" in name] == ["model K=1"]


def test_the_perceptual_metric_sees_frames_about_zero(tmp_path):
    clips = make_clips(1)

    class LargestDifference:
        def describe(self, images):
            images = np.asarray(images)
            assert images.dtype == np.float32 and -1 <= images.min() and images.max() <= 1
            return images

        def distance(self, a, b):
            return np.abs(a - b).max((1, 2, 3))

    evaluate(config_for(tmp_path, clips), Oracle(clips, error=51), Judges(LargestDifference()))
    assert results(tmp_path)["means"]["model K=4"]["lpips"] == pytest.approx(51 / 127.5, rel=1e-4)


def test_the_sheet_has_a_column_a_clip_and_a_row_a_picture(tmp_path):
    clips = make_clips(3)
    evaluate(config_for(tmp_path, clips), Oracle(clips), NOBODY)
    height, width, _ = cv2.imread(str(tmp_path / "out" / "sheet.png")).shape
    assert height >= (4 + 1 + 5) * SIZE and width >= 3 * SIZE


class Attentive(Oracle):
    """All attention on the last source frame; layers are in the grey of the first one that it sees."""

    def encode_source(self, frames, joints, mattes=None):
        self.seen = frames[0]
        return super().encode_source(frames, joints, mattes)

    def generate(self, source, target_joints):
        outputs = super().generate(source, target_joints)
        maps = np.zeros((len(target_joints), 4, 8, 8), np.float32)
        maps[:, 3] = 1.0
        layer = np.broadcast_to(self.seen, outputs["frame"].shape)
        images = {"foreground": layer, "background": 255 - layer}
        return {**outputs, **images, "foreground_attention": maps, "background_attention": maps}


def test_attention_sheet_shows_each_source_frame_and_its_share(tmp_path):
    clips = make_clips(1)
    config = config_for(tmp_path, clips)
    evaluate(config, Attentive(clips), NOBODY)
    assert sorted(os.listdir(tmp_path / "out")) == ["attention.png", *OUTPUTS]
    index = index_clips([str(tmp_path / "test-0.tfrecord")], SIZE)
    pair = load_pair(draw_same(index.clips["clip0"].read(), Sampling(4, 8)), index, SIZE)
    _, outputs, alone = run_methods(Attentive(clips), pair)
    shown = attention_picture(pair, outputs, alone)
    assert len(shown) == 1 + 4 * 5 + 3
    order = [pair.choice.single, *(k for k in range(4) if k != pair.choice.single)]  # as in the sheet of examples
    np.testing.assert_array_equal(shown["source 2"], pair.source_frames[order[1]])
    for i, k in enumerate(order, 1):
        shares = [shown[f"{branch} from source {i} (white: all)"] for branch in ("foreground", "background")]
        assert all((share == (255 if k == 3 else 0)).all() for share in shares)
        np.testing.assert_array_equal(shown[f"foreground of source {i} alone"], pair.source_frames[k])
        np.testing.assert_array_equal(shown[f"background of source {i} alone"], 255 - pair.source_frames[k])
    np.testing.assert_array_equal(shown["frame"], shown["truth"])
    evaluate(config, Oracle(clips), NOBODY)
    assert sorted(os.listdir(tmp_path / "out")) == OUTPUTS  # a model without attention leaves no other's sheet


def mean_colour(videos):
    mean = tf.cast(tf.reduce_mean(tf.cast(videos, tf.float64), [1, 2, 3]), tf.float32)
    return {"pooled": mean, "logits": mean}


def test_video_distances_stand_in_the_table(tmp_path):
    clips = make_clips(steps=20)
    network = VideoNetwork("mean colour", mean_colour, None)
    network.is_i3d = True  # as far as names go
    text = evaluate(config_for(tmp_path, clips), Oracle(clips), Judges(videos=network))
    found = results(tmp_path)
    assert found["means"]["model K=4"]["VFID"] == pytest.approx(0, abs=1e-9)
    assert found["means"]["source median"]["VFID"] > 0.1 and found["means"]["truth"]["VFID"] is None
    assert found["means"]["truth, earlier frames"]["VFID"] > 0 and "| VFID |" in text
    assert found["video_distances"]["intervals"]["warped"]["VFID"]["low"] > 0
    assert "3 videos of 10 frames" in text and "3 videos are no more than the features' dimensions" in text


def test_judges_are_those_whose_weights_are_at_hand(tmp_path, monkeypatch, small_vgg16):
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "cache"))
    given = {"model": "m", "records": "r", "output": "o"}
    assert load_judges(EvaluateConfig(**given, set="both")) == Judges()
    same = load_judges(EvaluateConfig(**given, vgg_weights=str(small_vgg16)))
    assert same.perceptual and not same.persons
    cross = load_judges(EvaluateConfig(**given, set="cross", vgg_weights=str(small_vgg16)))
    assert cross.persons and not cross.perceptual
    with pytest.raises(AssetError, match="cannot load I3D from 'none'"):
        load_judges(EvaluateConfig(**given, i3d="none"))
    pytest.importorskip("mediapipe")
    with pytest.raises(PoseError, match="none is not a file"):
        load_judges(EvaluateConfig(**given, set="cross", pose_model="none"))


def test_other_models_are_measured_on_the_same_frames(tmp_path):
    clips = make_clips(2)
    close, single = Oracle(clips, error=1), Oracle(clips, error=5)
    others = [Other("close", close), Other("single", single, is_single=True)]
    evaluate(config_for(tmp_path, clips), Oracle(clips), NOBODY, others)
    means = results(tmp_path)["means"]
    assert list(means) == [
        "model K=1", "mean of K=1", "model K=4", "close", "single", "warped", "nearest pose", "source median", "truth",
    ]
    assert means["close"]["psnr"] == pytest.approx(20 * np.log10(255))
    assert means["single"]["psnr"] == pytest.approx(20 * np.log10(51))
    assert close.sources_seen == [4, 4] and single.sources_seen == [1, 1]


def test_a_model_of_another_size_and_of_fewer_frames_sees_what_it_can(tmp_path):
    clips = make_clips(1)

    class Small(Oracle):
        size = SIZE // 2

        def encode_source(self, frames, joints, mattes=None):
            assert frames.shape == (4, SIZE // 2, SIZE // 2, 3)
            places = (joints[:, None, :, :2] + 0.5) * 2 - 0.5
            assert np.abs(places - clips[0].joints[..., :2]).max((2, 3)).min(1).max() < 1e-3  # of true frames
            return "source"

        def generate(self, source, target_joints):
            return {"frame": np.full((len(target_joints), SIZE // 2, SIZE // 2, 3), 100, np.uint8)}

    oracle = Oracle(clips)
    oracle.check_source_count, oracle.num_source_frames = lambda count: None, None
    config = config_for(tmp_path, clips, num_source_frames=5)
    evaluate(config, oracle, NOBODY, [Other("small", Small(clips))])
    assert "small" in results(tmp_path)["means"]


def test_a_size_that_the_model_does_not_make_leaves_nothing_behind(tmp_path):
    clips = make_clips(1)
    with pytest.raises(ValueError, match=f"--size={2 * SIZE}: this model makes frames of {SIZE} pixels"):
        evaluate(config_for(tmp_path, clips, size=2 * SIZE), Oracle(clips), NOBODY)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no directory", "takes NAME=DIR or NAME@1=DIR, with commas between, got 'no directory'"),
        ("=d", "got '=d'"),
        ("a@2=d", "got 'a@2=d'"),
        ("warped=d", "'warped' is the name of something else too"),
        ("the source=d", "'the source' is the name of something else"),
        ("source 2=d", "'source 2' is the name of something else"),
        ("a|b=d", r"names must have no '\|', .* got 'a\|b'"),
    ],
)
def test_odd_comparisons_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_others([text])
    with pytest.raises(ValueError, match="'a' is the name of something else"):
        parse_others(["a=d", "a@1=e"])


def test_comparisons_are_names_and_directories():
    assert parse_others(["MSE + VGG@1=d/e", "b = f=g"]) == [("MSE + VGG", "d/e", True), ("b", "f=g", False)]


def test_unusable_clips_are_left_out_and_named(tmp_path):
    clips = [*make_clips(2), make_clip(4, SIZE, clip_id="short")]
    evaluate(config_for(tmp_path, clips), Oracle(clips), NOBODY)
    found = results(tmp_path)
    assert found["pairs"] == 2 and len(found["left_out"]) == 1 and "clip short" in found["left_out"][0]


def test_frames_without_a_person_are_measured_where_that_is_asked_for(tmp_path):
    clip = make_clip(16, SIZE, masks=False)
    clip.joints[:] = 0
    with pytest.raises(ValueError, match="no pair can be drawn"):
        evaluate(config_for(tmp_path, [clip]), Oracle([clip]), NOBODY)
    evaluate(config_for(tmp_path, [clip], complete_sources=False, seen_targets=False), Oracle([clip]), NOBODY)
    means = results(tmp_path)["means"]["model K=4"]
    assert means["psnr"] > 0 and means["psnr_person"] is None


def test_records_without_a_usable_clip_leave_nothing_behind(tmp_path):
    config = config_for(tmp_path, [make_clip(4, SIZE)])
    with pytest.raises(ValueError, match="no pair can be drawn"):
        evaluate(config, Oracle(make_clips(1)), NOBODY)
    assert not os.path.exists(config.output)


def test_an_output_below_a_file_is_refused_before_any_work(tmp_path):
    (tmp_path / "out").write_text("a file")
    clips = make_clips(1)
    model = Oracle(clips)
    with pytest.raises(NotADirectoryError, match="is a file"):
        evaluate(config_for(tmp_path, clips), model, NOBODY)
    assert not model.sources_seen


def test_missing_records_are_named(tmp_path):
    config = EvaluateConfig(model="m", records=str(tmp_path / "none-*"), output=str(tmp_path / "out"))
    with pytest.raises(FileNotFoundError, match=r"none-\*"):
        check(config)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"records": ""}, "--records is required"),
        ({"num_pairs": 0}, "--num_pairs must be at least 1, got 0"),
        ({"num_target_frames": -1}, "--num_target_frames must be at least 0, got -1"),
        ({"set": "cross", "sides": "opposite"}, "--sides=opposite is of one clip's frames: give --set=same, got cross"),
        ({"set": "both", "pairs": "p.json"}, "--pairs=p.json holds one set"),
        (
            {"source_selection": "coverage", "complete_sources": False},
            "--nocomplete_sources is of frames drawn at random: give --source_selection=random, got coverage",
        ),
        ({"seed": -1}, "--seed must not be negative, got -1"),
    ],
)
def test_odd_settings_are_refused(settings, message):
    given = {"model": "m", "records": "r", "output": "o", **settings}
    with pytest.raises(ValueError, match=message):
        EvaluateConfig(**given)


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """With an empty cache: LPIPS is left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "cache"))


class Grey(tf.Module):
    """A stand-in for a trained model: all it makes has the grey level 100, and its warps the level 50."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, SIZE, SIZE, 3], tf.uint8),
            tf.TensorSpec([None, None, 14, 3]),
        ]
    )
    def encode_source(self, frames, joints, mattes=None):
        return {"frame": frames[:, 0]}

    @tf.function(
        input_signature=[
            {"frame": tf.TensorSpec([None, SIZE, SIZE, 3], tf.uint8, "frame")},
            tf.TensorSpec([None, None, 14, 3]),
        ]
    )
    def generate(self, source, target_joints):
        frames = tf.zeros_like(source["frame"])[:, None] + tf.zeros_like(
            target_joints[..., :1, :1, None], tf.uint8
        )
        return {"frame": frames + 100, "warped": frames + 50}


def test_main_measures_a_model_directory(tmp_path, in_folder, monkeypatch, capsys):
    tf.saved_model.save(Grey(), str(tmp_path / "model"))
    write_manifest(str(tmp_path / "model"), ModelConfig(size=SIZE), None)
    write_records(tmp_path / "test.tfrecord", make_clips(2))
    monkeypatch.setattr(sys, "argv", ["evaluate", "--output=new/out"])
    main(EvaluateConfig(model="model", records="test.tfrecord", output="new/out", seed=3))
    told = capsys.readouterr().out
    assert told.startswith("| method ") and "- model K=4, PSNR person [dB]: " in told
    assert sorted(os.listdir(tmp_path / "new" / "out")) == OUTPUTS
    with open(tmp_path / "new" / "out" / "metrics.json") as file:
        found = json.load(file)
    assert found["config"]["seed"] == 3 and "--output=new/out" in found["command"]
    truth = 10 * np.arange(8, 16) + 5
    for name, level in (("model K=1", 100), ("model K=4", 100), ("warped", 50)):
        expected = 20 * np.log10(255 / np.abs(truth - level)).mean()
        assert found["means"][name]["psnr"] == pytest.approx(expected)


def test_main_says_in_one_line_what_is_wrong(tmp_path, in_folder, capsys):
    write_records(tmp_path / "test.tfrecord", make_clips(1))
    with pytest.raises(SystemExit, match="^evaluate: .*not a model directory") as ended:
        main(EvaluateConfig(model=str(tmp_path), records="test.tfrecord", output="out"))
    assert "\n" not in ended.value.code and capsys.readouterr().out == ""
    assert os.listdir(tmp_path) == ["test.tfrecord"]
