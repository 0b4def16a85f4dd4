import io

import av
import numpy as np
import pytest
import tensorflow as tf
from records import make_example
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from stmt_tf.config import ModelConfig
from stmt_tf.models.create import create_generator, create_single_frame
from stmt_tf.train.pictures import animated_png, attention_sheet, motion_sheets, sample_sheet, show
from stmt_tf.train.settings import LossConfig
from stmt_tf.train.trainer import Trainer

SIZE = 32
MODEL = ModelConfig(size=SIZE, width=0.05, residual_heads=True, fusion="rb6")
LOSS = LossConfig(vgg_weight=0.0, gan_weight=0.0)


@pytest.fixture(scope="module")
def attentive():
    """An example of two source and three target frames, and what a generator with attention makes of it."""
    example = make_example(batch=3, sources=2, targets=3)
    generator = create_generator(MODEL, num_source_frames=2)
    return generator, example, generator(example)


def shown(image):
    return np.clip(np.asarray(image) / 2 + 0.5, 0, 1)


def cell(sheet, row, column):
    return np.asarray(sheet)[row * SIZE : (row + 1) * SIZE, column * SIZE : (column + 1) * SIZE]


def test_sample_sheet_has_a_row_an_example(attentive):
    _, example, outputs = attentive
    sheet = sample_sheet(example, outputs)
    assert sheet.shape == [3 * SIZE, 6 * SIZE, 3]
    for row in range(3):
        np.testing.assert_allclose(cell(sheet, row, 0), shown(example["source_frames"][row, 0]), atol=1e-6)
        np.testing.assert_allclose(cell(sheet, row, 2), shown(outputs["frame"][row, 0]), atol=1e-6)
        np.testing.assert_allclose(cell(sheet, row, 5)[..., :1], outputs["mask"][row, 0], atol=1e-6)


def test_motion_shows_every_target_frame_beside_what_was_made(attentive):
    _, example, outputs = attentive
    sheets = motion_sheets(example, outputs)
    assert sheets.shape == [3, 2 * SIZE, 3 * SIZE, 3]
    for step in range(3):
        np.testing.assert_allclose(cell(sheets[step], 1, 1), shown(example["target_frames"][1, step]), atol=1e-6)
        np.testing.assert_allclose(cell(sheets[step], 1, 2), shown(outputs["frame"][1, step]), atol=1e-6)


def test_attention_sheet_shows_each_source_frames_share(attentive):
    _, example, outputs = attentive
    sheet = attention_sheet(example, outputs)
    assert sheet.shape == [3 * SIZE, 3 * SIZE, 3]
    np.testing.assert_allclose(cell(sheet, 0, 1), shown(example["source_frames"][0, 1]), atol=1e-6)
    np.testing.assert_allclose(cell(sheet, 2, 2), shown(outputs["background"][0, 0]), atol=1e-6)
    for row, branch in ((1, "foreground"), (2, "background")):
        first = np.asarray(outputs[f"{branch}_attention"])[0, 0, 0, 0, 0]
        np.testing.assert_allclose(cell(sheet, row, 0)[0, 0], np.full(3, first), atol=1e-6)
        np.testing.assert_allclose(cell(sheet, row, 0) + cell(sheet, row, 1), 1.0, atol=1e-5)


def test_animated_png_holds_the_frames_exactly():
    frames = np.random.default_rng(0).integers(0, 256, (3, 8, 16, 3), np.uint8)
    encoded = animated_png(frames, fps=4)
    assert encoded.startswith(b"\x89PNG") and b"acTL" in encoded
    with av.open(io.BytesIO(encoded), format="apng") as container:
        found = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    np.testing.assert_array_equal(found, frames)


@pytest.mark.parametrize("stage", [1, 2])
def test_tensorboard_reads_all_pictures(attentive, stage, tmp_path):
    network, example = attentive[0] if stage == 2 else create_single_frame(MODEL), attentive[1]
    if stage == 1:
        example = {name: x[:, :1] if "source" in name else x for name, x in example.items()}
    writer = tf.summary.create_file_writer(str(tmp_path))
    show(writer, Trainer(network, {}, None, LOSS), example, step=5)
    writer.flush()
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    names = {"samples", "motion"} | ({"attention"} if stage == 2 else set())
    assert set(events.Tags()["tensors"]) == names
    for name in names:
        (event,) = events.Tensors(name)
        width, height, encoded = event.tensor_proto.string_val
        assert event.step == 5 and encoded.startswith(b"\x89PNG")
        assert tf.io.decode_png(encoded).shape == [int(height), int(width), 3]
        assert events.SummaryMetadata(name).plugin_data.plugin_name == "images"
