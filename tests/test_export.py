from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from records import make_joints
from tiny_model import CONFIG, SIZE

from stmt_tf.checkpoints import BEST_WEIGHTS, write_config
from stmt_tf.config import DataConfig, LossConfig, TrainConfig
from stmt_tf.inference import TransferModel
from stmt_tf.models.create import create_generator, create_single_frame


def export(*flags):
    return subprocess.run([sys.executable, "-m", "stmt_tf.export", *flags], capture_output=True, text=True, timeout=600)


def make_workdir(path, stage):
    network = create_single_frame(CONFIG) if stage == 1 else create_generator(CONFIG, 2)
    write_config(str(path), CONFIG, DataConfig(), LossConfig(), TrainConfig(stage=stage))
    network.save_weights(str(path / BEST_WEIGHTS))
    return network


@pytest.mark.slow
def test_a_stage_1_training_becomes_a_model_of_its_own_heads(tmp_path):
    network = make_workdir(tmp_path / "work", stage=1)
    done = export(f"--workdir={tmp_path / 'work'}", f"--output={tmp_path / 'models' / 'new'}")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "wrote" not in line] == []
    assert os.listdir(tmp_path / "models") == ["new"]
    frames = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    joints, poses = make_joints(1, size=SIZE), make_joints(2, size=SIZE, seed=1)
    model = TransferModel(str(tmp_path / "models" / "new"))
    made = model.generate(model.encode_source(frames, joints), poses)["frame"]
    inputs = {"source_frames": frames / 127.5 - 1, "source_joints": joints, "target_joints": poses}
    expected = network({name: np.float32(value)[None] for name, value in inputs.items()})["frame"][0].numpy()
    np.testing.assert_allclose(made / 255.0, np.clip(expected / 2 + 0.5, 0, 1), atol=1 / 255)


def test_what_is_no_training_is_one_line(tmp_path):
    done = export(f"--workdir={tmp_path / 'none'}", f"--output={tmp_path / 'model'}")
    assert done.returncode == 1
    assert done.stderr.startswith("export: ") and "is not the working directory" in done.stderr
    assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []
