"""Fine-tuning on one video, of a tiny untrained model, and what it needs and leaves."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tensorflow as tf
from records import make_clip, write_records
from tiny_model import CONFIG, write_model
from transfers import save, write_poses
from workers import run_eagerly

from dancers import render_video
from stmt_tf import MotionTransfer
from stmt_tf.data.schema import decode_clip
from stmt_tf.models.create import create_generator
from stmt_tf.models.weights import save_weights
from stmt_tf.personalize import command as module
from stmt_tf.personalize import records
from stmt_tf.personalize.command import check, personalize
from stmt_tf.personalize.settings import PersonalizeConfig
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.estimators.imported import AlphaPoseEstimator
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.serving.inference import TransferModel
from stmt_tf.train import checkpoints
from stmt_tf.train.callbacks import TrainingDiverged
from stmt_tf.train.checkpoints import load_generator, read_settings
from stmt_tf.train.command import train
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.files import VideoError

LENGTH = 40


@pytest.fixture(scope="module")
def dancer():
    return render_video(3, 1, 64, LENGTH, 12.5)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, dancer):
    """Flags of a video, its poses, a model that paints badly, and records to mix in."""
    folder = tmp_path_factory.mktemp("inputs")
    painter = create_generator(CONFIG, 2)
    random = np.random.default_rng(0)
    painter.heads.set_weights([random.normal(scale=0.3, size=w.shape) for w in painter.heads.get_weights()])
    others = [make_clip(6, seed=i, clip_id=f"clip{i}") for i in range(3)]
    return {
        "source": save(folder / "source.mp4", dancer),
        "pose": "alphapose",
        "source_poses": write_poses(folder / "source.json", dancer.joints),
        "model": write_model(folder, painter),
        "mix_records": write_records(folder / "others.tfrecord", others),
    }


@pytest.fixture
def few_steps(monkeypatch):
    """So few that tracing the step would take longer: the command's own test traces it."""

    def train_eagerly(*arguments, **options):
        with run_eagerly():
            train(*arguments, **options)

    monkeypatch.setattr(module, "train", train_eagerly)
    monkeypatch.setattr(module, "_STEPS_BETWEEN_VALIDATIONS", 2)
    monkeypatch.setattr(module, "_VALIDATION_EXAMPLES", 2)
    monkeypatch.setattr(records, "_NUM_OWN_CLIPS", 2)
    monkeypatch.setattr(records, "_NUM_OTHER_CLIPS", 2)


@pytest.mark.slow
def test_the_command_makes_a_model_that_shows_the_held_out_frames_better(tmp_path, inputs, caplog, capsys):
    places = {"output": str(tmp_path / "mine"), "sheet": str(tmp_path / "sheet.png")}
    with caplog.at_level("INFO", logger="absl"):
        module.main(PersonalizeConfig(**inputs, **places, minutes=0.05))
    assert re.search(r"fine-tuning: .*\| [123]/3 \[", capsys.readouterr().err)  # of the seconds
    assert sorted(os.listdir(tmp_path / "mine")) == ["1", "models.config", "training"]
    told = re.search(r"PSNR of 8 frames that were held out: ([\d.]+) dB before, ([\d.]+) after", caplog.text)
    before, after = map(float, told.groups())
    assert after > before + 1.0
    made = TransferModel(str(tmp_path / "mine"))
    assert made.config == CONFIG
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[0] == 4 * (160 + 24) and sheet.std() > 20
    # Seen by the next training, too.
    model, data, loss, training = read_settings(str(tmp_path / "mine"))
    assert model == CONFIG and data.num_source_frames == 2 and training.stage == 2
    assert (loss.gan_weight, loss.temporal_ranges, loss.mask_weight) == (0.0, (), 0.1)


@pytest.mark.slow
@pytest.mark.once
def test_the_same_command_goes_on_where_it_was(tmp_path, inputs, dancer, few_steps, monkeypatch):
    left = np.repeat(np.uint8([[255] * 48 + [0] * 16]), 64, axis=0)  # with the dancer in the middle
    monkeypatch.setattr(AlphaPoseEstimator, "matte", lambda self, image, joints: left)
    monkeypatch.setattr(module, "is_better", lambda *_: True)  # whether two steps gain anything is chance
    config = PersonalizeConfig(**inputs, output=str(tmp_path / "mine"), minutes=1e-6)
    assert personalize(config, dancer.joints) == str(tmp_path / "mine" / "1")
    own = tf.data.TFRecordDataset(str(tmp_path / "mine" / "training" / "records" / "train-own.tfrecord"))
    assert all(decode_clip(record.numpy()).masks.any() for record in own)
    records = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "mine" / "training" / "records").iterdir()}
    assert sorted(records) == ["held_out.tfrecord", "train-others.tfrecord", "train-own.tfrecord"]
    base, _ = load_generator(inputs["model"])
    first, _ = load_generator(str(tmp_path / "mine"))
    changed = [not np.array_equal(a, b) for a, b in zip(base.get_weights(), first.get_weights())]
    assert sum(changed) > 0.8 * len(changed)  # the single-frame model's, too

    monkeypatch.setattr(PosedVideo, "estimator", None)  # nobody asks for masks a second time
    assert personalize(config, dancer.joints) == str(tmp_path / "mine" / "2")
    again = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "mine" / "training" / "records").iterdir()}
    assert again == records
    checkpoints = os.listdir(tmp_path / "mine" / "training" / "checkpoints")
    assert {"ckpt-1-0.index", "ckpt-2-0.index"} <= set(checkpoints)

    with pytest.raises(ValueError, match=r"holds another personalisation \(--mix_records=.* there,  asked for\)"):
        personalize(replace(config, mix_records=""), dancer.joints)
    assert sorted(os.listdir(tmp_path / "mine")) == ["1", "2", "models.config", "training"]


@pytest.fixture
def few_dancers(monkeypatch):
    """Two of six frames."""
    monkeypatch.setattr(records, "_NUM_OTHER_CLIPS", 2)
    monkeypatch.setattr(records, "_DANCERS_FRAMES", 6)


def test_dancers_are_rendered_at_the_models_size(few_dancers):
    clips = [decode_clip(record) for record in records._other_clips("", 32)]
    assert [clip.frames.shape for clip in clips] == [(6, 32, 32, 3)] * 2
    assert len({clip.video_id for clip in clips}) == 2


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model": "bare"}, r"--model=.*bare has no weights to fine-tune: .*bare/config\.flags does not exist"),
        ({"source": "text.mp4"}, r"text\.mp4: "),
        ({"source": "photo.png"}, r"photo\.png: shows its person in 1 frame; .* there must be 20"),
        ({"sheet": "sheet.jpg"}, r"sheet\.jpg: pictures are written as PNG"),
        ({"output": "tiny"}, "is itself a model, versions cannot lie in it"),
        ({"output": "text.mp4"}, "is a file: give another directory"),
        ({"mix_records": "none-*"}, "no record file matches --mix_records='.*none-\\*'"),
        ({"source_poses": ""}, "--pose=alphapose needs its results: give --source_poses"),
        ({"pose": "mediapipe"}, "--source_poses=.* are for --pose=openpose or alphapose, got --pose=mediapipe"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_done(tmp_path, inputs, changes, complaint):
    (tmp_path / "bare").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((64, 64, 3), np.uint8))
    shutil.copytree(inputs["model"], tmp_path / "tiny")
    paths = {k: v if k == "pose" else v and str(tmp_path / v) for k, v in changes.items()}
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((OSError, PoseError, ValueError, VideoError), match=complaint):
        check(PersonalizeConfig(**{**inputs, "output": str(tmp_path / "out"), **paths}))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_sheet_in_the_sources_place_is_refused(tmp_path, inputs):
    shutil.copy(inputs["source"], tmp_path / "video.png")
    both = {name: str(tmp_path / "video.png") for name in ("source", "sheet")}
    with pytest.raises(ValueError, match=r"video\.png: is the source itself"):
        check(PersonalizeConfig(**{**inputs, "output": str(tmp_path / "out"), **both}))


def test_the_command_tells_what_is_wrong_in_one_line(tmp_path, inputs):
    (tmp_path / "text.mp4").write_text("no video")
    text = str(tmp_path / "text.mp4")
    with pytest.raises(SystemExit, match=f"^personalize: {text}: ") as ended:
        module.main(PersonalizeConfig(**{**inputs, "source": text}, output=str(tmp_path / "out")))
    assert "\n" not in ended.value.code
    assert not (tmp_path / "out").exists()


def test_a_video_that_is_too_short_leaves_the_output_free_for_another(tmp_path, inputs, dancer):
    config = PersonalizeConfig(**inputs, output=str(tmp_path / "mine"))
    with pytest.raises(ValueError, match="shows its person in 6 frames; .* there must be 20"):
        personalize(config, np.concatenate([dancer.joints[:6], np.zeros((LENGTH - 6, 14, 3))]).astype(np.float32))
    check(replace(config, source=save(tmp_path / "longer.mp4", dancer)))


@pytest.mark.slow
def test_without_gain_the_model_stays_as_it_was(tmp_path, inputs, dancer, few_steps, monkeypatch, caplog):
    def ruin(workdir, *settings, told):
        generator = create_generator(CONFIG, 2)
        generator.heads.set_weights([w + 1.0 for w in generator.heads.get_weights()])
        checkpoints.write_config(workdir, *settings)
        save_weights(generator, os.path.join(workdir, checkpoints.BEST_WEIGHTS))
        raise TrainingDiverged("loss 'mse' became nan")

    monkeypatch.setattr(module, "train", ruin)
    config = PersonalizeConfig(**inputs, output=str(tmp_path / "mine"))
    with caplog.at_level("INFO", logger="absl"):
        made, _ = load_generator(personalize(config, dancer.joints))
    base, _ = load_generator(inputs["model"])
    for one, two in zip(made.get_weights(), base.get_weights()):
        np.testing.assert_array_equal(one, two)
    assert "with the best model until then: loss 'mse' became nan" in caplog.text


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"output": "o"}, "--source is required"),
        ({"source": "s"}, "--output is required"),
        ({"source": "s", "output": "o", "minutes": 0}, "--minutes must be"),
        ({"source": "s", "output": "o", "minutes": float("nan")}, "--minutes must be"),
        ({"source": "s", "output": "o", "minutes": float("inf")}, "--minutes must be"),
    ],
)
def test_settings_without_meaning_are_refused(settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        PersonalizeConfig(**settings)


@pytest.mark.slow
@pytest.mark.once
def test_a_transfer_personalizes_first_and_keeps_no_model(
    tmp_path, inputs, few_steps, few_dancers, monkeypatch, caplog
):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    settings = {name: inputs[name] for name in ("source", "pose", "source_poses", "model")}
    config = TransferConfig(
        **settings, target=inputs["source"], target_poses=inputs["source_poses"], output=str(tmp_path / "out.mp4"),
        num_source_frames=2, personalize=1e-6,
    )
    with caplog.at_level("INFO", logger="absl"):
        MotionTransfer.from_pretrained(inputs["model"]).run(config)
    assert "iteration 2: " in caplog.text
    assert (tmp_path / "out.mp4").exists()
    left = [path for path in (tmp_path / "scratch").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert left == []  # TensorFlow's own files go with the process
