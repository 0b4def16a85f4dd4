import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from records import conv_ops, make_example

from stmt_tf.callbacks import StopAtNaN, TrainingDiverged, sample_sheet
from stmt_tf.checkpoints import TrainingState
from stmt_tf.config import LossConfig, ModelConfig
from stmt_tf.models.create import create_discriminator, create_generator, create_single_frame
from stmt_tf.trainer import ActiveLosses, Trainer

MODEL = ModelConfig(size=32, width=0.05, residual_heads=True)
MSE = LossConfig(mse_weight=1.0, vgg_weight=0.0, gan_weight=0.0)
ALL = LossConfig(
    vgg_weight=0.2, vgg_window=16, gan_weight=0.2, mask_weight=0.1, person_weight=1.0
)
UNET_CONVS, HEAD_CONVS = 3 * 16 + 1, 3


def tiny_features(frames):
    """Stands in for VGG: two maps, of the frame and of its horizontal differences."""
    return [frames, 2.0 * (frames[:, :, 1:] - frames[:, :, :-1])]


def tiny_network() -> tf.keras.Model:
    """For what does not look into the network."""
    network = tf.keras.Sequential([tf.keras.layers.Dense(2)])
    network.build((None, 3))
    return network


class OneLayer(tf.keras.Model):
    """A transfer network that is quick to trace: it repaints the first source frame."""

    def __init__(self):
        super().__init__()
        self.paint = tf.keras.layers.Conv2D(5, 3, padding="same")
        self(make_example(batch=1))

    def call(self, inputs):
        frame, mask, background_mask = tf.split(self.paint(inputs["source_frames"][:, 0]), [3, 1, 1], -1)
        outputs = {
            "frame": frame, "mask": tf.sigmoid(mask), "background_mask": tf.sigmoid(background_mask)
        }
        return {name: value[:, None] for name, value in outputs.items()}


def adam() -> tf.keras.optimizers.Optimizer:
    return tf.keras.optimizers.Adam(2e-3, beta_1=0.5)


def make_trainer(config: LossConfig, create=lambda: create_single_frame(MODEL), seed: int = 0) -> Trainer:
    tf.keras.utils.set_random_seed(seed)
    network = create()
    discriminator = create_discriminator(MODEL.size, 0.05) if config.gan_weight else None
    features = tiny_features if config.vgg_weight else None
    trainer = Trainer(network, discriminator, features, config)
    trainer.compile(adam(), adam() if discriminator else None)
    return trainer


def numbers(logs) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}


def weights(model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.get_weights()]


def changed(model, before) -> list[bool]:
    return [not np.array_equal(a, b) for a, b in zip(before, weights(model))]


@pytest.fixture(scope="module")
def trained():
    """A trainer with every loss at work, its first step's logs, and what the step changed."""
    trainer, example = make_trainer(ALL), make_example(batch=2, targets=2)
    before = weights(trainer.network), weights(trainer.discriminator)
    logs = numbers(trainer.train_step(example))
    after = changed(trainer.network, before[0]), changed(trainer.discriminator, before[1])
    return trainer, example, logs, after


def test_total_is_the_weighted_sum_of_the_losses(trained):
    _, _, logs, _ = trained
    expected = logs["mse"] + 0.2 * logs["vgg"] + 0.2 * logs["gan"] + 0.1 * logs["mask"]
    assert logs["total"] == pytest.approx(expected, rel=1e-5)


def test_one_step_changes_every_variable_of_both_networks(trained):
    _, _, _, (network, discriminator) = trained
    assert all(network) and all(discriminator)


def test_step_is_counted(trained):
    assert trained[0].iteration == 1


def test_validation_reports_content_losses_alone(trained):
    trainer, example, _, _ = trained
    trainer.reset_metrics()
    logs = numbers(trainer.test_step(example))
    assert set(logs) == {"total", "mse", "psnr", "vgg", "mask"}
    expected = logs["mse"] + 0.2 * logs["vgg"] + 0.1 * logs["mask"]
    assert logs["total"] == pytest.approx(expected, rel=1e-5)


def test_reported_means_count_examples_not_batches(trained):
    trainer, example, _, _ = trained
    parts = [{name: value[i : i + 1] for name, value in example.items()} for i in range(2)]
    trainer.reset_metrics()
    single = [numbers(trainer.test_step(part))["mse"] for part in parts[:1]]
    trainer.reset_metrics()
    single += [numbers(trainer.test_step(part))["mse"] for part in parts[1:]]
    trainer.reset_metrics()
    trainer.test_step({name: tf.repeat(value, 3, axis=0) for name, value in parts[0].items()})
    mean = numbers(trainer.test_step(parts[1]))["mse"]
    assert mean == pytest.approx((3 * single[0] + single[1]) / 4, rel=1e-4)


def test_sample_sheet_has_a_row_an_example(trained):
    trainer, example, _, _ = trained
    sheet = sample_sheet(trainer, example)
    assert sheet.shape == [2 * 32, 6 * 32, 3]
    assert 0.0 <= np.min(sheet) <= np.max(sheet) <= 1.0
    np.testing.assert_allclose(sheet[:32, :32], example["source_frames"][0, 0] / 2 + 0.5, atol=1e-6)


def test_late_losses_set_in_when_activated(trained):
    trainer, example, _, _ = trained
    everything = trainer.active
    trainer.activate(ActiveLosses(perceptual=False, adversarial=False))
    before = weights(trainer.discriminator)
    trainer.reset_metrics()
    logs = numbers(trainer.train_step(example))
    assert set(logs) == {"total", "mse", "psnr", "mask"}
    assert logs["total"] == pytest.approx(logs["mse"] + 0.1 * logs["mask"], rel=1e-5)
    assert not any(changed(trainer.discriminator, before))
    trainer.activate(everything)
    trainer.reset_metrics()
    assert {"vgg", "gan", "discriminator"} <= set(trainer.train_step(example))


def test_state_restores_networks_and_optimisers(trained, tmp_path):
    trainer, example, _, _ = trained
    state = TrainingState(trainer, str(tmp_path))
    assert not state.restore()
    state.epoch.assign(3)
    state.best_loss.assign(0.5)
    state.save()

    other = make_trainer(ALL, seed=1)
    other_state = TrainingState(other, str(tmp_path))
    assert other_state.restore()
    assert (int(other_state.epoch), float(other_state.best_loss)) == (3, 0.5)
    assert other.iteration == trainer.iteration
    for each in (trainer, other):
        each.reset_metrics()
    # The same losses in the next step, and the same weights after it: moments are there too.
    logs, other_logs = (numbers(each.train_step(example)) for each in (trainer, other))
    assert logs == pytest.approx(other_logs, rel=1e-6)
    for name in ("network", "discriminator"):
        for a, b in zip(weights(getattr(trainer, name)), weights(getattr(other, name))):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_resumed_training_may_change_the_step_size(tmp_path):
    TrainingState(make_trainer(MSE, tiny_network), str(tmp_path)).save()
    trainer = Trainer(tiny_network(), None, None, MSE)
    trainer.compile(tf.keras.optimizers.Adam(1e-5))
    assert TrainingState(trainer, str(tmp_path)).restore()
    assert float(tf.convert_to_tensor(trainer.optimizer.learning_rate)) == pytest.approx(1e-5)


def test_state_of_other_networks_is_refused(trained, tmp_path):
    TrainingState(trained[0], str(tmp_path)).save()
    with pytest.raises(ValueError, match="holds other networks.*--gan_weight"):
        TrainingState(make_trainer(MSE, tiny_network), str(tmp_path)).restore()


def test_saved_weights_give_a_new_model_the_same_output(trained, tmp_path):
    trainer, example, _, _ = trained
    path = str(tmp_path / "network.weights.h5")
    trainer.network.save_weights(path)
    tf.keras.utils.set_random_seed(1)
    fresh = create_single_frame(MODEL)
    before = fresh(example)["frame"]
    fresh.load_weights(path)
    expected = trainer.network(example)["frame"]
    assert not np.allclose(before, expected, atol=1e-3)
    np.testing.assert_allclose(fresh(example)["frame"], expected, atol=1e-6)


def test_loss_of_weight_zero_builds_nothing_and_the_loss_falls():
    trainer, example = make_trainer(MSE), make_example(batch=2)
    assert trainer.discriminator is None
    assert {mean.name for mean in trainer.metrics} == {"total", "mse", "psnr"}
    step = tf.function(trainer.train_step)
    assert len(conv_ops(step.get_concrete_function(example).graph)) == UNET_CONVS + HEAD_CONVS

    losses = []
    for _ in range(12):
        trainer.reset_metrics()
        logs = step(example)
        assert set(logs) == {"total", "mse", "psnr"}
        losses.append(float(logs["mse"]))
    assert losses[-1] < 0.8 * losses[0]
    assert np.isfinite(losses).all()


def test_unknown_masks_leave_the_mask_loss_out():
    config = dataclasses.replace(MSE, mask_weight=0.1, person_weight=2.0)
    trainer, example = make_trainer(config), make_example(batch=1)
    for role in ("source_masks", "target_masks"):
        example[role] = -tf.ones_like(example[role])
    logs = numbers(trainer.train_step(example))
    assert logs["mask"] == 0.0
    assert logs["total"] == pytest.approx(logs["mse"])


def test_stage_2_trains_the_heads_alone():
    trainer = make_trainer(MSE, lambda: create_generator(MODEL, num_source_frames=2))
    generator = trainer.network
    frozen, heads = weights(generator.single_frame), weights(generator.heads)
    trainer.train_step(make_example(batch=1, sources=2, targets=2))
    assert not any(changed(generator.single_frame, frozen))
    assert all(changed(generator.heads, heads))


def test_nan_stops_with_the_losss_name():
    callback = StopAtNaN()
    callback.set_model(make_trainer(MSE, tiny_network))
    callback.on_train_batch_end(0, {"mse": 0.5, "total": 0.5})
    with pytest.raises(TrainingDiverged, match="loss 'vgg' became nan at iteration 0"):
        callback.on_train_batch_end(1, {"total": float("nan"), "mse": 0.5, "vgg": float("nan")})
    with pytest.raises(TrainingDiverged, match="loss 'val_mse' became inf"):
        callback.on_epoch_end(0, {"total": 0.1, "val_total": float("inf"), "val_mse": float("inf")})


# Run by itself: the logical devices must be set before TensorFlow starts.
REPLICAS = """
import sys
import numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
sys.path.insert(0, sys.argv[1])
from records import make_example
from test_trainer import ALL, OneLayer, make_trainer

example = make_example(batch=2)
with tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"]).scope():
    two = make_trainer(ALL, OneLayer)
dataset = tf.data.Dataset.from_tensors(example).repeat()
two_logs = two.fit(dataset, steps_per_epoch=2, verbose=0).history

one = make_trainer(ALL, OneLayer)
one.train_step(example)
one_logs = one.train_step(example)  # running means over both steps
for name, value in one_logs.items():
    np.testing.assert_allclose(two_logs[name][0], value, rtol=1e-4, err_msg=name)
for network in ("network", "discriminator"):
    for a, b in zip(getattr(one, network).get_weights(), getattr(two, network).get_weights()):
        np.testing.assert_allclose(b, a, atol=1e-5)
print("the same")
"""


@pytest.mark.slow
def test_two_devices_match_one():
    tests = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS, str(tests)], cwd=tests.parent, capture_output=True, text=True
    )
    assert done.stdout.strip().endswith("the same"), done.stderr[-3000:]
