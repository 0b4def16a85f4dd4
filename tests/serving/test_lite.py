"""`generate` in TFLite makes the frames that the generator makes, in each storage of weights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from records import make_joints
from tiny_model import CONFIG, SIZE

from stmt_tf.models.create import create_generator
from stmt_tf.serving.lite import convert_generate
from stmt_tf.serving.signatures import image_outputs
from stmt_tf.serving.warmup import source_count
from stmt_tf.serving.weights import round_weights


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fusion", "weights", "most", "mean"),
    [
        ("rb6_sa2d", "float32", 1, 0.01),
        ("rb6_sa2d", "float16", 1, 0.01),
        ("rb6_sa2d", "int8", 16, 1.0),
        ("parts", "float32", 1, 0.01),
    ],
)
def test_generate_of_attention_is_the_same_in_tflite(fusion, weights, most, mean):
    tf.keras.utils.set_random_seed(0)
    generator = create_generator(dataclasses.replace(CONFIG, fusion=fusion), 2)
    random = np.random.default_rng(0)
    if fusion == "parts":
        random_layers = [generator.attention, generator.background]
    else:
        random_layers = [generator.foreground_fusion, generator.background_fusion, generator.heads]
    for layer in random_layers:
        layer.set_weights([random.normal(scale=0.1, size=w.shape) for w in layer.get_weights()])
    if weights != "float32":
        round_weights(generator, weights)  # an export's own frames are of such weights
    count = source_count(generator)
    frames = tf.constant(random.uniform(-1, 1, (1, count, SIZE, SIZE, 3)), tf.float32)
    source = generator.encode_source(frames, tf.constant(make_joints(1, count, size=SIZE)))
    interpreter = tf.lite.Interpreter(model_content=convert_generate(generator, weights))
    run = interpreter.get_signature_runner()
    assert sorted(run.get_input_details()) == sorted([*source, "target_joints"])
    for seed in range(3):
        target = make_joints(1, 1, size=SIZE, seed=seed)
        made = run(target_joints=target, **{name: value.numpy() for name, value in source.items()})["frame"]
        expected = image_outputs(generator, source, tf.constant(target))["frame"].numpy()
        assert made.dtype == np.uint8 and made.shape == expected.shape and made.std() > 10
        difference = np.abs(made.astype(int) - expected.astype(int))
        assert difference.max() <= most and difference.mean() <= mean
