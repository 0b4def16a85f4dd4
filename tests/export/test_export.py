from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from records import make_joints
from tiny_model import CONFIG, SIZE
from words import own_lines

from stmt_tf.config import DataConfig
from stmt_tf.export import command
from stmt_tf.export.settings import ExportConfig
from stmt_tf.models.create import create_generator, create_single_frame
from stmt_tf.models.weights import save_weights
from stmt_tf.serving import warmup
from stmt_tf.serving.inference import TransferModel
from stmt_tf.serving.lite import convert_generate
from stmt_tf.serving.verify import verify
from stmt_tf.train.checkpoints import BEST_WEIGHTS, load_generator, write_config
from stmt_tf.train.settings import LossConfig, TrainConfig

needs_messages = pytest.mark.skipif(
    not warmup.messages_installed(), reason="needs tensorflow-serving-api (pip install .[addons,serving])"
)


def run_command(*flags):
    command = [sys.executable, "-m", "stmt_tf.export", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=3600)


def make_workdir(path, stage):
    network = create_single_frame(CONFIG) if stage == 1 else create_generator(CONFIG, 2)
    write_config(str(path), CONFIG, DataConfig(), LossConfig(), TrainConfig(stage=stage))
    save_weights(network, str(path / BEST_WEIGHTS))
    return network


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """Of a stage 2 training."""
    path = tmp_path_factory.mktemp("trained")
    make_workdir(path, stage=2)
    return str(path)


@pytest.mark.slow
@needs_messages
def test_a_stage_1_training_becomes_a_version_of_its_own_heads(tmp_path):
    network = make_workdir(tmp_path / "work", stage=1)
    done = run_command(
        f"--workdir={tmp_path / 'work'}", f"--output={tmp_path / 'models' / 'new'}", "--tflite", "--verify"
    )
    assert done.returncode == 0, done.stderr
    verified, wrote = own_lines(done.stderr)
    assert "verified in a fresh process" in verified and wrote.endswith(f"wrote {tmp_path / 'models' / 'new' / '1'}")
    for name in ("serving_default", "transfer", "encode_source, generate", "generate.tflite"):
        assert name in verified
    assert os.listdir(tmp_path / "models") == ["new"]
    assert sorted(os.listdir(tmp_path / "models" / "new")) == ["1", "models.config"]
    frames = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    joints, poses = make_joints(1, size=SIZE), make_joints(2, size=SIZE, seed=1)
    model = TransferModel(str(tmp_path / "models" / "new"))
    made = model.generate(model.encode_source(frames, joints), poses)["frame"]
    inputs = {"source_frames": frames / 127.5 - 1, "source_joints": joints, "target_joints": poses}
    expected = network({name: np.float32(value)[None] for name, value in inputs.items()})["frame"][0].numpy()
    np.testing.assert_allclose(made / 255.0, np.clip(expected / 2 + 0.5, 0, 1), atol=1 / 255)


@pytest.fixture(scope="module")
def version(workdir, tmp_path_factory):
    """Its first export."""
    return command.export(ExportConfig(workdir, str(tmp_path_factory.mktemp("models") / "served")))


def test_a_version_is_as_good_a_start_as_its_training(version, workdir):
    assert version.endswith("/served/1")
    for made, trained in zip(*(load_generator(path)[0].get_weights() for path in (os.path.dirname(version), workdir))):
        np.testing.assert_array_equal(made, trained)


@needs_messages
def test_warm_up_requests_are_those_of_a_model_server(tmp_path, workdir):
    from tensorflow_serving.apis import prediction_log_pb2

    directory = command.export(ExportConfig(workdir, str(tmp_path / "served"), weights="float16"))
    assert not os.path.exists(os.path.join(directory, BEST_WEIGHTS))  # these weights are no start for a training
    records = tf.data.TFRecordDataset(os.path.join(directory, "assets.extra", "tf_serving_warmup_requests"))
    logs = [prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in records]
    signatures = tf.saved_model.load(directory).signatures
    assert [log.WhichOneof("log_type") for log in logs] == ["predict_log"] * 3
    for log in logs:
        request = log.predict_log.request
        assert request.model_spec.name == "served"
        function = signatures[request.model_spec.signature_name]
        assert set(request.inputs) == set(function.structured_input_signature[1])
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        made = function(**inputs)
        frames = {"serving_default": "frame_jpeg_bytes", "transfer": "frame"}.get(request.model_spec.signature_name)
        if frames:
            assert made[frames].shape[:2] == (1, 2)  # as many as target poses
        else:
            assert made["background_features"].shape[:2] == inputs["source_joints"].shape[:2]


@pytest.mark.slow
@needs_messages
@pytest.mark.once
def test_frames_of_another_model_are_found_out(version):
    other = create_generator(CONFIG, 2)
    other.heads.set_weights([w + 0.5 for w in other.heads.get_weights()])
    with pytest.raises(ValueError, match="frames are not the model's.*transfer: "):
        verify(version, other, "float32", warmup.made_up_example(other))


def save_briefly(generator, config, directory, *_):
    os.mkdir(directory)


@needs_messages
def test_an_export_that_cannot_be_verified_never_appears(tmp_path, workdir, monkeypatch):
    seen = []

    def fail(directory, *_):
        seen.extend(os.listdir(directory))
        raise ValueError("the frames differ")

    monkeypatch.setattr(command, "save_model", save_briefly)
    monkeypatch.setattr(command, "verify", fail)
    with pytest.raises(ValueError, match="the frames differ"):
        command.export(ExportConfig(workdir, str(tmp_path / "model"), verify=True))
    assert seen == ["assets.extra"] and os.listdir(tmp_path) == []


def test_an_export_tells_the_version_that_it_made_itself(tmp_path, workdir, monkeypatch):
    def save_while_another_ends(generator, config, directory, *_):
        os.mkdir(directory)
        (tmp_path / "model" / "7").mkdir()
        rename = os.rename

        def rename_before_another(*names):
            rename(*names)
            (tmp_path / "model" / "9").mkdir()

        monkeypatch.setattr(os, "rename", rename_before_another)

    monkeypatch.setattr(command, "save_model", save_while_another_ends)
    monkeypatch.setattr(command, "messages_installed", lambda: False)
    assert command.export(ExportConfig(workdir, str(tmp_path / "model"))) == str(tmp_path / "model" / "8")


def test_what_tflite_cannot_take_is_one_line(monkeypatch):
    def fail(_):
        raise Exception("Could not translate MLIR to FlatBuffer.\nHere come\nmany lines.\n")

    monkeypatch.setattr(tf.lite.TFLiteConverter, "convert", fail)
    with pytest.raises(ValueError, match="--tflite: .*Could not translate MLIR to FlatBuffer") as caught:
        convert_generate(create_generator(CONFIG, 2), "float32")
    assert "\n" not in str(caught.value)


def test_without_the_messages_there_are_no_warm_up_requests(tmp_path, workdir, monkeypatch):
    monkeypatch.setattr(command, "save_model", save_briefly)
    monkeypatch.setattr(command, "messages_installed", lambda: False)
    with pytest.raises(ValueError, match=r"--verify.*pip install \.\[addons,serving\]"):
        command.export(ExportConfig(workdir, str(tmp_path / "model"), verify=True))
    assert os.listdir(tmp_path) == []
    directory = command.export(ExportConfig(workdir, str(tmp_path / "model")))
    assert os.listdir(directory) == []


def test_what_is_no_training_is_one_line(tmp_path):
    with pytest.raises(SystemExit, match="^export: .*is not the working directory") as ended:
        command.main(ExportConfig(str(tmp_path / "none"), str(tmp_path / "model")))
    assert "\n" not in ended.value.code and os.listdir(tmp_path) == []


def test_the_benchmark_of_exports_without_records_is_one_line():
    done = subprocess.run([sys.executable, "-m", "benchmarks.exports"], capture_output=True, text=True, timeout=3600)
    assert (done.returncode, done.stdout) == (1, "")
    assert own_lines(done.stderr) == ["exports: --records is required"]


def test_output_has_to_be_named():
    with pytest.raises(ValueError, match="--output or --archive is required"):
        ExportConfig(workdir="work")


@pytest.mark.slow
@pytest.mark.once
def test_a_terminated_export_leaves_nothing_and_says_so(tmp_path, workdir):
    flags = [f"--workdir={workdir}", f"--output={tmp_path / 'models'}"]
    process = subprocess.Popen([sys.executable, "-m", "stmt_tf.export", *flags], stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("models/.writing-*")) and process.poll() is None:
        time.sleep(0.01)
    process.terminate()
    told = process.communicate(timeout=3600)[1]
    assert process.returncode == 1 and told.splitlines()[-1] == "export: interrupted; nothing was written", told
    assert not (tmp_path / "models").exists()
