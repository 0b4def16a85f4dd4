import dataclasses
import functools
import signal
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.models.create import create_generator, made_up_example
from stmt_tf.train.command import _rehearse as rehearse_checked
from stmt_tf.train.command import main
from stmt_tf.train.create import create_discriminators
from stmt_tf.train.dry_run import _made_up_vgg, interruptible, rehearse
from stmt_tf.train.flops import count_flops
from stmt_tf.train.rehearsal import Component, Rehearsal, as_text
from stmt_tf.train.settings import LossConfig, RunConfig, TrainConfig

MODEL = ModelConfig(size=32, width=0.05, fusion="rb6", attention_stride=8)
DATA = DataConfig(num_source_frames=2, num_target_frames=3, batch_size=2)
LOSS = LossConfig(vgg_weight=0.0, temporal_ranges=(3,), discriminator_width=0.05)
ONLY_MSE = LossConfig(vgg_weight=0.0, gan_weight=0.0)
TRAINING = TrainConfig(stage=2, iterations=9000)

MADE = Rehearsal(
    settings="stage 1, 64 px",
    components=(Component("heads", 1234, 0), Component("mask U-Net", 0, 56789)),
    step_flops=3_000_000_000_000,
    memory_before=2**30,
    memory_peak=3 * 2**30,
    device_memory_peak=None,
    seconds=(9.0, 2.0, 4.0),
    iterations=3600,
    notes=("A note.",),
)


def dry_run(loss=LOSS, data=DATA, training=TRAINING) -> Rehearsal:
    return rehearse(MODEL, data, loss, training, tf.distribute.get_strategy())


@pytest.fixture(scope="module")
def rehearsal():
    return dry_run()


def size(weights) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


@pytest.mark.slow
def test_parameters_are_those_of_the_models(rehearsal):
    generator = create_generator(MODEL, 2)
    discriminators = create_discriminators(LOSS, 32)
    components = {component.name: component for component in rehearsal.components}
    assert sum(component.frozen for component in rehearsal.components) == size(generator.single_frame.weights)
    assert sum(component.trained for component in rehearsal.components) == sum(
        size(model.trainable_variables) for model in (generator, *discriminators.values())
    )
    fusion = size(generator.background_fusion.weights)
    assert components["background fusion"] == Component("background fusion", fusion, 0)
    assert components["D_I"].trained == size(discriminators["frame"].weights)
    assert components["D_V^3"].trained == size(discriminators["video_3"].weights)


@pytest.mark.slow
def test_steps_are_measured(rehearsal):
    assert len(rehearsal.seconds) == 3 and min(rehearsal.seconds) > 0
    assert rehearsal.hours == pytest.approx(2.5 * rehearsal.step_seconds)
    # More than making both examples' frames, and not absurdly more.
    assert making_frames() < rehearsal.step_flops < 20 * making_frames()
    if sys.platform == "linux":
        assert rehearsal.memory_peak >= rehearsal.memory_before > 0
    assert not any("not counted" in note or "counts once" in note for note in rehearsal.notes)


@functools.cache
def making_frames() -> int:
    """Operations of a generator that makes the frames of a batch of two."""
    generator, example = create_generator(MODEL, 2), made_up_example(32, 2, targets=3, batch=2)
    return count_flops(tf.function(generator).get_concrete_function(example).graph).flops


@pytest.mark.slow
@pytest.mark.once
def test_twice_the_batch_in_two_micro_batches_takes_twice_the_operations_and_makes_its_frames_twice(rehearsal):
    twice = dry_run(
        data=dataclasses.replace(DATA, batch_size=4), training=dataclasses.replace(TRAINING, micro_batches=2)
    )
    assert twice.step_flops == pytest.approx(2 * (rehearsal.step_flops + making_frames()), rel=0.05)
    assert "batch 4 in 2 micro-batches" in twice.settings


@pytest.mark.slow
def test_a_long_step_does_not_hold_up_an_interrupt():
    never = threading.Event()

    def step():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        never.wait()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            interruptible(step)
    finally:
        signal.signal(signal.SIGINT, before)
        never.set()


def test_an_error_of_a_step_is_the_callers():
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 / 0)
    assert interruptible(lambda: 3) == 3


@pytest.mark.slow
def test_made_up_vgg_needs_no_file_and_is_told_of():
    stage_1 = TrainConfig(stage=1, iterations=1)
    loss = LossConfig(vgg_network="vgg16", gan_weight=0.0, vgg_start=5)
    data = DataConfig(num_target_frames=1, batch_size=1)
    result = dry_run(loss, data, stage_1)
    # Three forward and backward passes of VGG16 up to conv4_1, in multiply-adds.
    shapes = ((3, 64, 32), (64, 64, 32), (64, 128, 16), (128, 128, 16), (128, 256, 8), (256, 256, 8), (256, 256, 8))
    products = sum(9 * a * b * side**2 for a, b, side in (*shapes, (256, 512, 4)))
    assert 2 * 3 * products < result.step_flops < 1.3 * 2 * 3 * products
    assert any("vgg16 had random weights" in note for note in result.notes)
    assert any("--vgg_start=5" in note for note in result.notes)


def test_made_up_vgg_computes_in_what_the_real_one_would(monkeypatch):
    made = []
    monkeypatch.setattr("stmt_tf.train.dry_run.VGGFeatures", lambda *given: made.append(given[-1]))
    for precision in ("mixed_bfloat16", "mixed_float16"):
        training = TrainConfig(precision=precision, iterations=1)
        _made_up_vgg("vgg16", training.perceptual_dtype)
    assert made == ["bfloat16", "float32"]


def test_text_holds_the_numbers_in_columns():
    lines = as_text(MADE).splitlines()
    assert lines[0] == "dry run: stage 1, 64 px" and lines[-1] == "A note."
    rows = [" ".join(line.split()) for line in lines]
    for row in (
        "heads 1,234 0",
        "mask U-Net 0 56,789",
        "in all 1,234 56,789",
        "a training step 3 TFLOP",
        "added by the steps 2.00 GiB",
        "in all 3.00 GiB",
        "a step, median of 3 4 s",
        "rate 750 GFLOP/s",
        "3,600 iterations 4.0 hours",
    ):
        assert row in rows
    assert len({line.index("1,234") + 5 for line in lines if "1,234" in line}) == 1


@pytest.mark.slow
def test_main_prints_the_table_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(RunConfig(dry_run=True), MODEL, DATA, ONLY_MSE, dataclasses.replace(TRAINING, stage=1))
    told = capsys.readouterr()
    assert told.out.startswith("dry run: stage 1, 32 px")
    assert "9,000 iterations" in told.out and "D_I" not in told.out
    assert "tracing the training step" in told.err
    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_are_named():
    for data, loss, training, words in (
        (DATA, LOSS, dataclasses.replace(TRAINING, micro_batches=4), "--batch_size=2 cannot be split evenly"),
        (DATA, dataclasses.replace(LOSS, temporal_ranges=(3, 5)), TRAINING, "--num_target_frames=3"),
    ):
        with pytest.raises(ValueError, match=words):
            rehearse_checked(MODEL, data, loss, training)


def test_settings_that_cannot_be_end_with_one_clear_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = dataclasses.replace(DATA, train_records="/none/*.tfrecord")
    with pytest.raises(SystemExit, match="^train: no record file matches") as ended:
        main(RunConfig(dry_run=True), MODEL, data, LOSS, TRAINING)
    assert "\n" not in ended.value.code and capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []
