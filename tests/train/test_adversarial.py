"""What the adversarial losses hold each network to (paper 3.5): who learns from whom, and what each one sees."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from records import make_example
from test_trainer import MODEL, MSE, OneLayer, changed, networks, numbers, weights

from stmt_tf.config import DataConfig
from stmt_tf.train import create
from stmt_tf.train.create import create_discriminators, create_trainer
from stmt_tf.train.settings import LossConfig, TrainConfig
from stmt_tf.train.trainer import Trainer

NOTHING = dataclasses.replace(MSE, mse_weight=0.0, temporal_weight=0.0, discriminator_width=0.05)
FRAMES = dataclasses.replace(NOTHING, gan_weight=0.2)
TARGETS = 4


def windows_of(n):
    return dataclasses.replace(NOTHING, temporal_ranges=(n,), temporal_weight=0.1)


def example():
    return make_example(batch=1, targets=TARGETS)


def make(loss, rate=2e-3, discriminator_rate=2e-3, micro_batches=1):
    tf.keras.utils.set_random_seed(0)
    trainer = Trainer(OneLayer(), create_discriminators(loss, MODEL.size), None, loss, micro_batches=micro_batches)
    trainer.compile(*(tf.keras.optimizers.Adam(r, beta_1=0.5) for r in (rate, discriminator_rate)))
    return trainer


def scores(loss, seen):
    """The mean scores that the untrained discriminators give, by `real` and `made` and their names."""
    logs = numbers(make(loss).train_step(seen))
    return {name.removeprefix("score_"): value for name, value in logs.items() if name.startswith("score_")}


@pytest.mark.parametrize("loss", [FRAMES, windows_of(2), windows_of(3)], ids=["D_I", "D_V^2", "D_V^3"])
def test_the_network_learns_from_each_discriminator_alone(loss):
    trainer = make(loss, discriminator_rate=0.0)
    before = weights(trainer.network)
    trainer.train_step(example())
    assert any(changed(trainer.network, before))


def test_without_any_loss_the_network_learns_nothing():
    trainer = make(NOTHING)
    before = weights(trainer.network)
    trainer.train_step(example())
    assert not any(changed(trainer.network, before))


@pytest.mark.parametrize("loss", [FRAMES, windows_of(3)], ids=["D_I", "D_V^3"])
def test_the_network_is_driven_to_where_its_frames_are_taken_for_real(loss):
    trainer, seen = make(loss, rate=2e-2, discriminator_rate=0.0), example()
    (name,) = trainer.discriminators
    first, *_, last = (numbers(trainer.train_step(seen)) for _ in range(8))
    assert abs(last[f"score_made_{name}"] - 1.0) < abs(first[f"score_made_{name}"] - 1.0)
    assert last[f"gan_{name}"] < first[f"gan_{name}"]


@pytest.mark.parametrize("loss", [FRAMES, windows_of(3)], ids=["D_I", "D_V^3"])
def test_a_discriminator_learns_to_call_the_real_one_and_the_made_zero(loss):
    trainer, seen = make(loss, rate=0.0), example()
    (name,) = trainer.discriminators
    for _ in range(30):
        trainer.reset_metrics()
        logs = numbers(trainer.train_step(seen))
    real, made = logs[f"score_real_{name}"], logs[f"score_made_{name}"]
    assert real > made + 0.3 and abs(real - 1.0) < 0.5 and abs(made) < 0.5


def test_no_discriminator_moves_the_network_with_its_own_loss():
    trainer = make(FRAMES, rate=0.0)
    before = weights(trainer.network)
    trainer.train_step(example())
    assert not any(changed(trainer.network, before))


@pytest.mark.parametrize("micro_batches", [1, 2])
def test_discriminators_are_updated_before_the_network(micro_batches):
    """A step is that of the discriminators, then that of the network against them."""
    loss = dataclasses.replace(FRAMES, temporal_ranges=(3,), temporal_weight=0.1)
    seen = make_example(batch=2, targets=TARGETS)

    def after(*rates):
        trainer = make(loss, micro_batches=micro_batches)
        for rate, discriminator_rate in rates:
            trainer.compile(tf.keras.optimizers.SGD(rate), tf.keras.optimizers.SGD(discriminator_rate))
            trainer.train_step(seen)
        return [weight for network in networks(trainer) for weight in weights(network)]

    start, together, in_turn = after(), after((0.5, 0.5)), after((0.0, 0.5), (0.5, 0.0))
    before_them = after((0.5, 0.0), (0.0, 0.5))
    for a, b in zip(together, in_turn):
        np.testing.assert_allclose(a, b, atol=1e-6)
    moved, otherwise = (max(np.max(np.abs(a - b)) for a, b in zip(together, x)) for x in (start, before_them))
    assert moved > 1e-2 and otherwise > 1e-4


def with_change(seen, name, frame):
    value = seen[name].numpy()
    value[:, frame] = value[:, frame][..., ::-1, :] * 0.5 if name != "target_flows" else value[:, frame] + 3.0
    return {**seen, name: tf.constant(value)}


def test_d_i_sees_the_frame_with_its_own_pose():
    seen = example()
    joints = seen["target_joints"].numpy()
    joints[..., :2] = joints[..., :2] * 0.5 + 10
    before, after = (scores(FRAMES, x) for x in (seen, {**seen, "target_joints": tf.constant(joints)}))
    assert before["real_frame"] != after["real_frame"] and before["made_frame"] != after["made_frame"]
    turned = scores(FRAMES, {**seen, "target_joints": seen["target_joints"][:, ::-1]})
    assert turned["real_frame"] != before["real_frame"]


def test_d_i_sees_no_flow_and_d_v_no_pose():
    seen = example()
    assert scores(FRAMES, with_change(seen, "target_flows", 0)) == scores(FRAMES, seen)
    joints = {**seen, "target_joints": seen["target_joints"] * 0.5}
    assert scores(windows_of(3), joints) == scores(windows_of(3), seen)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("step", range(TARGETS - 1))
def test_d_v_sees_every_flow_beside_real_and_made_frames(n, step):
    seen = example()
    before, after = scores(windows_of(n), seen), scores(windows_of(n), with_change(seen, "target_flows", step))
    assert all(before[name] != after[name] for name in before)


@pytest.mark.parametrize("loss", [FRAMES, windows_of(3)], ids=["D_I", "D_V^3"])
@pytest.mark.parametrize("frame", range(TARGETS))
def test_every_true_frame_is_scored_as_real_alone(loss, frame):
    seen = example()
    before, after = scores(loss, seen), scores(loss, with_change(seen, "target_frames", frame))
    for name in before:
        assert (before[name] != after[name]) == name.startswith("real")


def test_real_and_made_frames_are_seen_beside_the_same_flows():
    """A network that makes the true frames is scored as they are."""
    seen = example()
    loss = windows_of(3)

    class Knowing(OneLayer):
        def call(self, inputs):
            return {**super().call(inputs), "frame": inputs["target_frames"] + 0.0 * super().call(inputs)["frame"]}

    tf.keras.utils.set_random_seed(0)
    trainer = Trainer(Knowing(), create_discriminators(loss, MODEL.size), None, loss)
    trainer.compile(tf.keras.optimizers.Adam(), tf.keras.optimizers.Adam())
    logs = numbers(trainer.train_step(seen))
    assert logs["score_made_video_3"] == pytest.approx(logs["score_real_video_3"], abs=1e-6)


def test_each_loss_has_its_weight():
    """The gradient of the whole is the weighted sum of those of the losses."""
    ranges = (2, 3)
    whole = dataclasses.replace(NOTHING, mse_weight=0.7, gan_weight=0.3, temporal_ranges=ranges, temporal_weight=0.1)
    trainer, seen = make(whole), example()
    total, expected = trainer._network_gradients(seen)[0], None
    alone = {"mse_weight": 0.7, "gan_weight": 0.3, "temporal_weight": 0.1}
    for name, weight in alone.items():
        trainer.config = dataclasses.replace(whole, **{**dict.fromkeys(alone, 0.0), name: weight})
        part = trainer._network_gradients(seen)[0]
        expected = part if expected is None else [a + b for a, b in zip(expected, part)]
        assert any(np.any(gradient) for gradient in part)
    for a, b in zip(total, expected):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("stage", [1, 2])
def test_adam_is_the_papers_for_the_network_and_the_discriminators(stage, monkeypatch):
    monkeypatch.setattr(create, "create_network", lambda *_: OneLayer())
    trainer = create_trainer(MODEL, DataConfig(), LossConfig(vgg_weight=0.0), TrainConfig(stage=stage))
    for optimizer in (trainer.optimizer, trainer.discriminator_optimizer):
        assert isinstance(optimizer, tf.keras.optimizers.Adam)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.999)
        assert float(optimizer.learning_rate) == pytest.approx(1e-4)
    assert trainer.optimizer is not trainer.discriminator_optimizer
