import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from records import make_clip, make_example, write_records
from workers import run_eagerly, train_command

from stmt_tf import flags
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.models.create import create_single_frame
from stmt_tf.models.weights import load_weights
from stmt_tf.train import checkpoints
from stmt_tf.train.callbacks import logging as callback_logging
from stmt_tf.train.command import main, train
from stmt_tf.train.settings import LossConfig, RunConfig, TrainConfig

ROOT = Path(__file__).parents[2]
MODEL = ModelConfig(size=32, width=0.05, residual_heads=True)
LOSS = LossConfig(vgg_weight=0.0, gan_weight=0.1, discriminator_width=0.05)
TRAINING = TrainConfig(iterations=6, checkpoint_every=2, val_examples=3, learning_rate=1e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("records") / "clips.tfrecord"
    records = write_records(path, [make_clip(6, seed=i, clip_id=f"clip{i}") for i in range(4)])
    return DataConfig(
        train_records=records, val_records=records, num_source_frames=2, num_target_frames=1,
        batch_size=2, shuffle_buffer=4,
    )


def run_main(workdir, *configs) -> subprocess.Popen:
    """The command with these configs."""
    lines = flags.as_flagfile(*configs).splitlines()
    arguments = [line for line in lines if line.startswith("--")]
    return subprocess.Popen(
        [*train_command(), f"--workdir={workdir}", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def logged_losses(monkeypatch) -> list[str]:
    """A list that will get the losses of every epoch."""
    lines = []

    def info(text, *values):
        if text.startswith("iteration"):
            lines.append(text % values)

    monkeypatch.setattr(callback_logging, "info", info)
    return lines


def checkpointed(workdir) -> dict[str, np.ndarray]:
    last = max((workdir / "checkpoints").glob("ckpt-*.index"), key=lambda path: int(path.stem.split("-")[1]))
    reader = tf.train.load_checkpoint(str(last.with_suffix("")))
    names = [name for name in reader.get_variable_to_shape_map() if "ATTRIBUTES" in name]
    return {name: reader.get_tensor(name) for name in names}


def has_checkpoint(workdir) -> bool:
    """Whether there is a whole one: its index is written in its place."""
    try:
        return bool(checkpointed(workdir))
    except (ValueError, tf.errors.OpError):
        return False


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """The working directory of an uninterrupted training, and the losses that it logged."""
    workdir = tmp_path_factory.mktemp("train") / "whole"
    with pytest.MonkeyPatch.context() as monkeypatch, run_eagerly():
        lines = logged_losses(monkeypatch)
        train(str(workdir), MODEL, data, LOSS, TRAINING)
    return workdir, lines


@pytest.mark.slow
def test_killed_and_resumed_training_equals_an_uninterrupted_one(finished, eagerly, data, tmp_path, monkeypatch):
    whole, whole_lines = finished
    workdir = tmp_path / "killed"
    process = run_main(workdir, MODEL, data, LOSS, TRAINING)
    try:
        while not has_checkpoint(workdir) and process.poll() is None:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        error = process.communicate()[1]
    assert process.returncode == -signal.SIGKILL, error[-2000:]
    assert int(checkpointed(workdir)["epoch/.ATTRIBUTES/VARIABLE_VALUE"]) < 3

    lines = logged_losses(monkeypatch)
    train(str(workdir), MODEL, data, LOSS, TRAINING)
    assert 0 < len(lines) < len(whole_lines) == 3
    assert lines == whole_lines[-len(lines) :]
    one, two = checkpointed(whole), checkpointed(workdir)
    assert one.keys() == two.keys() and len(one) > 300
    for name in one:
        np.testing.assert_allclose(two[name], one[name], atol=1e-6, err_msg=name)


def test_working_directory_holds_what_it_should(finished):
    workdir, lines = finished
    assert [line.split(":")[0] for line in lines] == ["iteration 2", "iteration 4", "iteration 6"]
    assert sorted(os.listdir(workdir)) == ["best.weights.npz", "checkpoints", "config.flags", "events"]
    assert flags.from_flagfile(str(workdir / "config.flags"), ModelConfig) == MODEL
    assert any((workdir / "events").rglob("events.out.tfevents.*"))


def test_finished_training_is_not_repeated(finished, data, monkeypatch):
    workdir, _ = finished
    before = {path: path.stat().st_mtime_ns for path in (workdir / "checkpoints").iterdir()}
    lines = logged_losses(monkeypatch)
    train(str(workdir), MODEL, data, LOSS, TRAINING)
    assert lines == []
    assert before == {path: path.stat().st_mtime_ns for path in (workdir / "checkpoints").iterdir()}


def test_best_snapshot_loads_as_a_generator(finished):
    workdir, _ = finished
    generator, config = checkpoints.load_generator(str(workdir))
    assert config == MODEL
    single_frame, example = create_single_frame(MODEL), make_example(batch=1)
    load_weights(single_frame, str(workdir / "best.weights.npz"))
    np.testing.assert_allclose(
        generator(example)["frame"], single_frame(example)["frame"], atol=1e-6
    )


@pytest.mark.slow
def test_resumed_stage_2_equals_an_uninterrupted_one(finished, eagerly, tmp_path, monkeypatch):
    """With attention and every kind of discriminator, stopped after the first of two epochs."""
    path = tmp_path / "clips.tfrecord"
    records = write_records(path, [make_clip(6, seed=i, clip_id=f"clip{i}") for i in range(2)])
    data = DataConfig(
        train_records=records, val_records=records, num_source_frames=2, num_target_frames=3, batch_size=1,
        shuffle_buffer=2,
    )
    model = replace(MODEL, fusion="rb6_sa2d")
    loss = replace(LOSS, temporal_ranges=(3,))
    training = replace(
        TRAINING, stage=2, iterations=2, checkpoint_every=1, val_examples=1, init=str(finished[0])
    )
    lines = logged_losses(monkeypatch)
    train(str(tmp_path / "whole"), model, data, loss, training)
    train(str(tmp_path / "parts"), model, data, loss, replace(training, iterations=1))
    train(str(tmp_path / "parts"), model, data, loss, training)
    assert len(lines) == 4 and lines[2:] == lines[:2]
    one, two = (checkpointed(tmp_path / name) for name in ("whole", "parts"))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(two[name], one[name], atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_stage_2_starts_from_stage_1_and_leaves_it_alone(finished, eagerly, data, tmp_path):
    stage_1, _ = finished
    workdir = tmp_path / "stage2"
    loss = replace(LOSS, gan_weight=0.0)
    stage = TrainConfig(stage=2, iterations=1, checkpoint_every=1, val_examples=1, init=str(stage_1))
    train(str(workdir), MODEL, data, loss, stage)
    before, _ = checkpoints.load_generator(str(stage_1))
    after, _ = checkpoints.load_generator(str(workdir))
    for a, b in zip(before.single_frame.get_weights(), after.single_frame.get_weights()):
        np.testing.assert_array_equal(a, b)
    heads = zip(before.heads.get_weights(), after.heads.get_weights())
    differences = [np.abs(a - b).max() for a, b in heads]
    assert all(0.0 < difference < 1e-3 for difference in differences)


@pytest.fixture
def ended(monkeypatch):
    """A function that runs the command's main with these configs, and gives the line that it ends with."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def end(workdir, *configs):
        with pytest.raises(SystemExit) as caught:
            main(RunConfig(workdir=str(workdir)), *configs)
        return caught.value.code

    return end


def test_training_that_cannot_be_ends_with_one_clear_line(finished, data, ended):
    line = ended(finished[0], replace(MODEL, width=0.1), data, LOSS, TRAINING)
    assert line.startswith("train: ") and "\n" not in line
    assert "holds another training (--width: 0.05 there, 0.1 here). Give another --workdir" in line


def test_broken_record_in_mid_training_ends_it_with_one_line(eagerly, data, tmp_path, ended):
    path = Path(write_records(tmp_path / "broken.tfrecord", [make_clip(6, seed=i) for i in range(4)]))
    content = bytearray(path.read_bytes())
    content[len(content) * 5 // 8] ^= 1  # of the third
    path.write_bytes(content)
    line = ended(tmp_path / "workdir", MODEL, replace(data, train_records=str(path)), LOSS, TRAINING)
    assert line.startswith("train: ") and "\n" not in line
    assert f"a record of {path} or" in line and "tfrecords_tools.validate" in line


def test_other_stage_or_discriminator_is_refused(finished, data):
    workdir, _ = finished
    config = (workdir / "config.flags").read_text()
    with pytest.raises(ValueError, match="holds another training"):
        train(str(workdir), MODEL, data, LOSS, replace(TRAINING, stage=2))
    for changes in ({"gan_weight": 0.0}, {"temporal_ranges": (3,)}, {"spectral_norm": True}):
        with pytest.raises(ValueError, match="holds another training"):
            train(str(workdir), MODEL, replace(data, num_target_frames=3), replace(LOSS, **changes), TRAINING)
    assert (workdir / "config.flags").read_text() == config


def test_settings_that_do_not_go_together_are_named_before_anything_is_written(finished, data, tmp_path):
    workdir = tmp_path / "new"

    def refused(words, model=MODEL, data=data, loss=LOSS, **training):
        error = FileNotFoundError if words.startswith("is not the working directory") else ValueError
        with pytest.raises(error, match=re.escape(words)):
            train(str(workdir), model, data, loss, replace(TRAINING, **training))
        assert not workdir.exists()

    stage_2 = {"stage": 2, "init": str(finished[0])}
    refused("--stage=2 needs the weights of a stage 1 training", stage=2)
    advice = "got --width=0.2 and --residual_heads=True: give the same, or another --init"
    refused(advice, replace(MODEL, width=0.2), **stage_2)
    refused("is not the working directory of a training", stage=2, init=str(tmp_path))
    refused(
        "--temporal_ranges has 7, but an example has only --num_target_frames=3",
        data=replace(data, num_target_frames=3), loss=replace(LOSS, temporal_ranges=(3, 7)), **stage_2,
    )
    many = replace(data, num_source_frames=8, num_target_frames=2)
    refused("fewer than K + L = 10", data=many, **stage_2)
    refused("smaller than --size=64", replace(MODEL, size=64))
    refused(
        "cannot be split evenly over 1 devices times --micro_batches=4: give a multiple of 4", micro_batches=4
    )
    refused(
        "--spectral_norm changes the discriminators in every micro-batch",
        loss=replace(LOSS, spectral_norm=True), micro_batches=2,
    )


def test_weights_for_another_number_of_source_frames_are_refused(finished, tmp_path):
    workdir, wanted = tmp_path / "attentive", replace(MODEL, fusion="rb6")
    workdir.mkdir()
    (workdir / "best.weights.npz").touch()
    stage_2 = replace(TRAINING, stage=2, init=str(workdir))
    checkpoints.write_config(str(workdir), wanted, DataConfig(num_source_frames=3), LOSS, stage_2)
    with pytest.raises(ValueError, match="has attention over --num_source_frames=3, got 2: give that many, or"):
        checkpoints.require_start(str(tmp_path / "new"), wanted, 2, stage_2)
    checkpoints.require_start(str(tmp_path / "new"), wanted, 3, stage_2)
    checkpoints.require_start(str(tmp_path / "new"), MODEL, 2, stage_2)  # its fusion is not taken over


def test_epochs_of_another_length_are_another_training(tmp_path):
    short = TrainConfig(iterations=50)
    checkpoints.write_config(str(tmp_path), short)
    checkpoints.require_same_model(str(tmp_path), replace(short, checkpoint_every=100))
    with pytest.raises(ValueError, match="holds another training"):
        checkpoints.require_same_model(str(tmp_path), replace(short, iterations=2000))


def test_nothing_is_left_behind_where_there_are_no_records(tmp_path):
    workdir = tmp_path / "new"
    for records, words in (("", "--train_records is required"), ("/none/*.tfrecord", "no record file matches")):
        with pytest.raises(FileNotFoundError, match=words):
            train(str(workdir), MODEL, DataConfig(train_records=records), LOSS, TRAINING)
    assert not workdir.exists()


def test_directory_without_a_training_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="not the working directory of a training"):
        checkpoints.load_generator(str(tmp_path))
