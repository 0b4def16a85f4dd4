"""What holds for every layer and model: as a graph, saved and loaded, in training, and in half precision."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from records import make_example, make_frames, make_joints

from stmt_tf.config import ModelConfig
from stmt_tf.models.attention import SelfAttention
from stmt_tf.models.composition import PredictionHeads
from stmt_tf.models.create import create_generator, create_single_frame
from stmt_tf.models.discriminators import PatchDiscriminator
from stmt_tf.models.fusion import FUSIONS, create_fusion
from stmt_tf.models.residual import ResidualBlock
from stmt_tf.models.unet import UNet
from stmt_tf.models.weights import load_weights, save_weights
from stmt_tf.pose.maps import joint_heatmaps

SIZE, WIDTH = 32, 0.05


def normal(*shape):
    return tf.random.stateless_normal(shape, [0, 0])


def config(**others):
    return ModelConfig(size=SIZE, width=WIDTH, **others)


def fusion(name, nearness=0.0):
    return lambda: create_fusion(name, width=0.1, stride=4, pool=1, map_stride=4, nearness=nearness, name="fusion")


def of_fusion():
    return normal(2, 3, 16, 16, 8), make_joints(2, 3, size=16), make_joints(2, 2, size=16, seed=1)


def of_heads():
    features, half = normal(2, SIZE, SIZE, 4), tf.fill([2, SIZE, SIZE, 1], 0.5)
    bases = ((tf.constant(make_frames(2, seed=seed)), half) for seed in (0, 1))
    return features, features[:, ::-1], *bases


def of_discriminator():
    return tf.constant(make_frames(2)), joint_heatmaps(make_joints(2), SIZE)


def of_generator():
    return (make_example(batch=2, sources=3, targets=2),)


# What makes each, and what it is called with.
CASES = {
    "UNet": (lambda: UNet(16, WIDTH), lambda: (normal(2, SIZE, SIZE, 5), normal(2, SIZE // 2, SIZE // 2, 14))),
    "ResidualBlock": (lambda: ResidualBlock(6, 2), lambda: (normal(2, 8, 8, 4),)),
    "SelfAttention-2d": (lambda: SelfAttention(stride=2, pool=2), lambda: (normal(2, 8, 8, 16),)),
    "SelfAttention-3d": (lambda: SelfAttention(), lambda: (normal(2, 3, 4, 4, 16),)),
    "heads": (lambda: PredictionHeads(residual=False), of_heads),
    "heads-residual": (lambda: PredictionHeads(residual=True), of_heads),
    "discriminator": (lambda: PatchDiscriminator(WIDTH), of_discriminator),
    "discriminator-sn": (lambda: PatchDiscriminator(WIDTH, spectral_norm=True), of_discriminator),
    "single_frame": (lambda: create_single_frame(config()), lambda: (make_example(batch=2, targets=2),)),
    **{f"fusion-{name}": (fusion(name), of_fusion) for name in FUSIONS},
    "fusion-rb6-plain": (fusion("rb6", nearness=None), of_fusion),
    **{
        f"generator-{name}": (
            lambda name=name: create_generator(config(fusion=name), 3, False), of_generator
        )
        for name in ("rb6_sa2d", "parts")
    },
}  # fmt: skip


def build(create, inputs, seed=0):
    """One with random weights, none of which has its initial zeros."""
    tf.keras.utils.set_random_seed(seed)
    made = create()
    made(*inputs)
    random = np.random.default_rng(seed)
    made.set_weights([w + random.normal(scale=0.05, size=w.shape) for w in made.get_weights()])
    return made


def outputs(call, inputs):
    return [np.asarray(tf.cast(x, tf.float32)) for x in tf.nest.flatten(call(*inputs)) if x is not None]


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """What makes one, its inputs, one of them, and what it gives as a graph."""
    create, create_inputs = CASES[request.param]
    inputs = create_inputs()
    made = build(create, inputs)
    return create, inputs, made, outputs(tf.function(made, autograph=False), inputs)


def same(found, expected, **tolerance):
    assert len(found) == len(expected) > 0
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, **tolerance)


def test_python_gives_what_a_graph_gives(case):
    _, inputs, made, expected = case
    same(outputs(made, inputs), expected, atol=2e-5)


def test_saved_weights_make_another_one_the_same(case, tmp_path):
    create, inputs, made, _ = case
    if not made.weights:
        pytest.skip("has no weights")
    other, expected = build(create, inputs, seed=1), outputs(made, inputs)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(outputs(other, inputs), expected))
    save_weights(made, str(tmp_path / "made.npz"))
    load_weights(other, str(tmp_path / "made.npz"))
    same(outputs(other, inputs), expected, atol=1e-6)


def test_a_step_moves_every_trainable_weight_and_lowers_the_loss(case):
    _, inputs, made, _ = case
    if not made.trainable_weights:
        pytest.skip("has nothing to train")

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            given = [x for x in tf.nest.flatten(made(*inputs)) if x is not None]
            loss = tf.add_n([tf.reduce_mean(tf.square(x - 0.3)) for x in given])
        return loss, tape.gradient(loss, made.trainable_weights)

    weights = made.get_weights()
    before, gradients = step()
    assert [v.name for v, g in zip(made.trainable_weights, gradients) if g is None or not np.any(g)] == []
    length = float(tf.linalg.global_norm(gradients))
    for variable, gradient in zip(made.trainable_weights, gradients):
        variable.assign_sub(1e-3 / length * gradient)
    assert float(step()[0]) < float(before)
    made.set_weights(weights)


def test_half_precision_is_about_the_same_with_variables_in_full(case):
    create, inputs, made, expected = case
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        mixed = build(create, inputs)
        mixed.set_weights(made.get_weights())
        found = outputs(tf.function(mixed, autograph=False), inputs)
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert {tf.as_dtype(variable.dtype) for variable in mixed.trainable_weights} <= {tf.float32}
    for a, b in zip(found, expected):
        assert np.isfinite(a).all() and np.abs(a - b).mean() <= 0.05 * max(1.0, np.abs(b).max())
