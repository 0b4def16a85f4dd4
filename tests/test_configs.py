import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from absl import flags as absl_flags
from records import make_example

from stmt_tf import flags
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.flags.command import parser
from stmt_tf.train import create
from stmt_tf.train.settings import LossConfig, TrainConfig

ROOT = Path(__file__).parent.parent
CONFIGS = (ModelConfig, DataConfig, LossConfig, TrainConfig)
# Row of Table 1: stage, fusion, n of every D_V^n, weights of VGG and D_I.
ROWS = {
    "mse": (1, "avg", (), 0.0, 0.0),
    "mse_vgg": (1, "avg", (), 0.2, 0.0),
    "rb6": (2, "rb6", (), 0.2, 0.2),
    "rb6_dv3": (2, "rb6", (3,), 0.2, 0.2),
    "rb6_dv": (2, "rb6", (3, 5, 7), 0.2, 0.2),
    "avg_dv": (2, "avg", (3, 5, 7), 0.2, 0.2),
    "max_dv": (2, "max", (3, 5, 7), 0.2, 0.2),
    "sa3d_rb6_dv": (2, "sa3d_rb6", (3, 5, 7), 0.2, 0.2),
    "rb6_sa2d_dv": (2, "rb6_sa2d", (3, 5, 7), 0.2, 0.2),
}


def read(name):
    """Reads a flagfile of `configs/`, as the command line would."""
    values = absl_flags.FlagValues()
    flags.define(*CONFIGS, values=values)
    parser("train", values=values)(["program", f"--flagfile={ROOT}/configs/{name}.flags"])
    return [flags.read(config, values) for config in CONFIGS]


@pytest.mark.parametrize("row", ROWS)
def test_row_is_the_papers(row):
    stage, fusion, ranges, vgg, gan = ROWS[row]
    model, data, loss, training = read(row)
    assert model == ModelConfig(fusion=fusion, map_stride=4 if stage == 1 else 1)
    assert (model.size, model.width, model.residual_heads) == (256, 1.0, False)
    assert (loss.mse_weight, loss.vgg_weight, loss.gan_weight) == (1.0, vgg, gan)
    assert loss.discriminated_ranges == ranges and loss.temporal_weight == 0.1
    assert loss.vgg_network == "vgg19" and loss.mask_weight == loss.person_weight == 0.0
    assert training.learning_rate == 1e-4 and training.stage == stage
    if stage == 1:
        assert (data.num_target_frames, data.batch_size, training.iterations) == (1, 4, 200_000)
    else:
        assert (data.num_source_frames, data.num_target_frames) == (4, 8)
        assert (data.batch_size, training.iterations) == (2, 35_000)


@pytest.mark.parametrize("row", ROWS)
def test_small_row_differs_by_one_flagfile(row):
    lines = (ROOT / "configs" / "small" / f"{row}.flags").read_text().splitlines()
    assert lines[1:] == [f"--flagfile=../{row}.flags", "--flagfile=size.flags"]
    _, fusion, ranges, vgg, gan = ROWS[row]
    model, _, loss, training = read(f"small/{row}")
    assert (model.size, model.width, model.fusion) == (64, 0.25, fusion)
    assert (loss.discriminated_ranges, loss.vgg_weight, loss.gan_weight) == (ranges, vgg, gan)
    assert training.stage == ROWS[row][0]


@pytest.mark.parametrize("row", ROWS)
def test_row_builds_and_steps(row):
    model, data, loss, training = read(f"small/{row}")
    model = dataclasses.replace(model, size=32, width=0.05)
    # What VGG sees is tested by itself, with its real weights.
    loss = dataclasses.replace(loss, discriminator_width=0.05, vgg_weight=0.0)
    data = dataclasses.replace(data, num_source_frames=2)
    trainer = create.create_trainer(model, data, loss, training)
    sources = 1 if training.stage == 1 else 2
    example = make_example(batch=1, sources=sources, targets=data.num_target_frames)
    logs = trainer.train_step(example)  # a single step, which tracing would take ten times as long
    assert all(np.isfinite(float(value)) for value in logs.values())
    scores = {name for name in logs if name.startswith("score_real_")}
    expected = {f"score_real_video_{n}" for n in loss.discriminated_ranges}
    assert scores == expected | ({"score_real_frame"} if loss.gan_weight else set())


@pytest.mark.parametrize(
    "name, value",
    [("discriminator_width", 0.0), ("gan_weight", -0.2), ("mse_weight", float("nan")), ("vgg_start", -1)],
)
def test_odd_loss_setting_is_refused(name, value):
    with pytest.raises(ValueError, match=f"--{name} must "):
        LossConfig(**{name: value})


@pytest.mark.parametrize(
    "precision, dtype", [("float32", "float32"), ("mixed_bfloat16", "bfloat16"), ("mixed_float16", "float32")]
)
def test_perceptual_loss_computes_in_bfloat16_and_never_in_float16(monkeypatch, precision, dtype):
    training = TrainConfig(precision=precision, iterations=1)
    assert training.perceptual_dtype == dtype
    made = []
    monkeypatch.setattr(create, "create_perceptual_features", lambda *_, **given: made.append(given["dtype"]))
    create.create_trainer(ModelConfig(size=32, width=0.05), DataConfig(), LossConfig(gan_weight=0.0), training)
    assert made == [dtype]


def test_flagfiles_that_docstrings_name_exist():
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "stmt_tf").rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"configs/[\w/]+\.flags", text)}
    assert "configs/shipped_stage1.flags" in named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_other_flagfiles_can_be_read():
    known = {f"{folder}{row}" for row in ROWS for folder in ("", "small/")}
    names = {str(path.relative_to(ROOT / "configs").with_suffix("")) for path in (ROOT / "configs").rglob("*.flags")}
    assert known < names
    for name in sorted(names - known):
        read(name)
