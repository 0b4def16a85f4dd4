import dataclasses
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from records import conv_ops, make_example

from stmt_tf import compat
from stmt_tf.config import ModelConfig
from stmt_tf.models.create import create_generator, create_single_frame
from stmt_tf.train.callbacks import StopAtNaN, TrainingDiverged
from stmt_tf.train.checkpoints import TrainingState
from stmt_tf.train.create import create_discriminators
from stmt_tf.train.settings import LossConfig
from stmt_tf.train.trainer import ActiveLosses, Trainer

MODEL = ModelConfig(size=32, width=0.05, residual_heads=True)
MSE = LossConfig(mse_weight=1.0, vgg_weight=0.0, gan_weight=0.0)
ALL = LossConfig(
    vgg_weight=0.2, vgg_window=16, gan_weight=0.2, temporal_ranges=(2, 3), temporal_weight=0.1,
    discriminator_width=0.05, mask_weight=0.1, person_weight=1.0,
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
            **dict.fromkeys(("frame", "foreground", "background"), frame),
            "mask": tf.sigmoid(mask), "background_mask": tf.sigmoid(background_mask),
        }
        targets = inputs["target_joints"].shape[1]
        repeats = {name: 1 if name == "background_mask" else targets for name in outputs}
        return {name: tf.repeat(value[:, None], repeats[name], axis=1) for name, value in outputs.items()}


class OneScore(tf.keras.Model):
    """A discriminator that is as quick to trace."""

    def __init__(self, channels: int):
        super().__init__()
        self.score = tf.keras.layers.Conv2D(1, 4, strides=4)
        self(tf.zeros([1, MODEL.size, MODEL.size, channels]))

    def call(self, seen, pose=None, training=False):
        return self.score(seen)


def one_layer_discriminators(config: LossConfig) -> dict[str, OneScore]:
    """In the place of those that `create_discriminators` makes."""
    windows = {f"video_{n}": OneScore(3 * n + 2 * (n - 1)) for n in config.discriminated_ranges}
    return {"frame": OneScore(3), **windows} if config.discriminates_frames else windows


def adam() -> tf.keras.optimizers.Optimizer:
    return tf.keras.optimizers.Adam(2e-3, beta_1=0.5)


def make_trainer(
    config: LossConfig, create=lambda: create_single_frame(MODEL), seed: int = 0, micro_batches: int = 1
) -> Trainer:
    tf.keras.utils.set_random_seed(seed)
    quick = create is OneLayer
    discriminators = one_layer_discriminators(config) if quick else create_discriminators(config, MODEL.size)
    features = tiny_features if config.vgg_weight else None
    trainer = Trainer(create(), discriminators, features, config, micro_batches=micro_batches)
    trainer.compile(adam(), adam() if discriminators else None)
    return trainer


def networks(trainer: Trainer) -> list[tf.keras.Model]:
    return [trainer.network, *trainer.discriminators.values()]


def numbers(logs) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}


def weights(model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.get_weights()]


def changed(model, before) -> list[bool]:
    return [not np.array_equal(a, b) for a, b in zip(before, weights(model))]


@pytest.fixture(scope="module")
def trained():
    """A trainer with every loss at work, its first step's logs, and what the step changed in each network."""
    trainer, example = make_trainer(ALL), make_example(batch=2, targets=3)
    before = [weights(network) for network in networks(trainer)]
    logs = numbers(trainer.train_step(example))
    after = [changed(network, old) for network, old in zip(networks(trainer), before)]
    return trainer, example, logs, after


def test_total_is_the_weighted_sum_of_the_losses(trained):
    _, _, logs, _ = trained
    expected = logs["mse"] + 0.2 * logs["vgg"] + 0.1 * logs["mask"] + 0.2 * logs["gan_frame"]
    expected += 0.1 * (logs["gan_video_2"] + logs["gan_video_3"])
    assert logs["total"] == pytest.approx(expected, rel=1e-5)


def test_scores_of_real_and_made_frames_are_reported_for_each_discriminator(trained):
    trainer, _, logs, _ = trained
    assert list(trainer.discriminators) == ["frame", "video_2", "video_3"]
    for name in trainer.discriminators:
        assert np.isfinite(logs[f"score_real_{name}"]) and np.isfinite(logs[f"score_made_{name}"])


def test_one_step_changes_every_variable_of_all_networks(trained):
    *_, after = trained
    assert len(after) == 4 and all(all(network) for network in after)


def test_step_is_counted(trained):
    assert trained[0].iteration == 1


def test_validation_reports_content_losses_alone(trained):
    trainer, example, _, _ = trained
    trainer.reset_metrics()
    logs = numbers(trainer.test_step(example))
    assert set(logs) == {"total", "mse", "psnr", "vgg", "mask"}
    expected = logs["mse"] + 0.2 * logs["vgg"] + 0.1 * logs["mask"]
    assert logs["total"] == pytest.approx(expected, rel=1e-5)


def test_reported_values_are_means_over_the_batches(trained):
    trainer, example, _, _ = trained
    parts = [{name: value[i : i + 1] for name, value in example.items()} for i in range(2)]
    single = []
    for part in parts:
        trainer.reset_metrics()
        single.append(numbers(trainer.test_step(part))["mse"])
    trainer.reset_metrics()
    trainer.test_step(parts[0])
    assert numbers(trainer.test_step(parts[1]))["mse"] == pytest.approx(np.mean(single), rel=1e-5)


def test_micro_batches_validate_to_the_same_losses():
    example = make_example(batch=2, targets=3)
    whole, parts = make_trainer(ALL, OneLayer), make_trainer(ALL, OneLayer, micro_batches=2)
    expected, found = (numbers(tf.function(trainer.test_step)(example)) for trainer in (whole, parts))
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("active", [True, False], ids=["all_losses", "content_alone"])
def test_micro_batches_give_the_whole_batchs_step(active):
    example, logs = make_example(batch=2, targets=3), []
    whole, parts = make_trainer(ALL, OneLayer), make_trainer(ALL, OneLayer, micro_batches=2)
    for trainer in (whole, parts):
        trainer.compile(tf.keras.optimizers.SGD(0.1), tf.keras.optimizers.SGD(0.1))
        trainer.activate(ActiveLosses(active, active))
        logs.append(numbers(tf.function(trainer.train_step)(example)))
    assert logs[1] == pytest.approx(logs[0], rel=1e-4)
    for a, b in zip(networks(whole), networks(parts)):
        for x, y in zip(weights(a), weights(b)):
            np.testing.assert_allclose(y, x, rtol=1e-4, atol=1e-6)


def test_micro_batches_run_one_after_the_other():
    trainer, example = make_trainer(MSE, OneLayer, micro_batches=2), make_example(batch=4)
    graph = tf.function(trainer.train_step).get_concrete_function(example).graph
    loops = [op for op in graph.get_operations() if op.type in ("While", "StatelessWhile")]
    assert len(loops) == 1 and loops[0].get_attr("parallel_iterations") == 1
    assert not conv_ops(graph)  # all are in the loop's body


@pytest.mark.parametrize("fusion", ["", "rb6_sa2d", "parts"])
def test_mixed_precision_is_about_as_good(fusion):
    def create():
        return create_generator(dataclasses.replace(MODEL, fusion=fusion), 2) if fusion else create_single_frame(MODEL)

    example, logs = make_example(batch=1, sources=2 if fusion else 1, targets=3), []
    for policy in ("float32", "mixed_bfloat16", "mixed_float16"):
        tf.keras.mixed_precision.set_global_policy(policy)
        try:
            trainer = make_trainer(ALL, create)
            if policy == "mixed_float16":
                wrap = tf.keras.mixed_precision.LossScaleOptimizer
                trainer.compile(wrap(adam()), wrap(adam()))
            logs.append(numbers(trainer.train_step(example)))
        finally:
            tf.keras.mixed_precision.set_global_policy("float32")
        assert all(v.dtype in (tf.float32, "float32") for v in trainer.network.trainable_variables)
        assert trainer.network(example)["frame"].dtype == tf.float32
    exact, *mixed = logs
    for of_policy in mixed:
        for name in ("mse", "total", "discriminator"):
            assert of_policy[name] == pytest.approx(exact[name], rel=0.1)


def test_late_losses_set_in_when_activated(trained):
    trainer, example, _, _ = trained
    everything = trainer.active
    trainer.activate(ActiveLosses(perceptual=False, adversarial=False))
    before = [weights(network) for network in networks(trainer)[1:]]
    trainer.reset_metrics()
    logs = numbers(trainer.train_step(example))
    assert set(logs) == {"total", "mse", "psnr", "mask"}
    assert logs["total"] == pytest.approx(logs["mse"] + 0.1 * logs["mask"], rel=1e-5)
    assert not any(any(changed(d, old)) for d, old in zip(networks(trainer)[1:], before))
    trainer.activate(everything)
    trainer.reset_metrics()
    assert {"vgg", "gan_frame", "gan_video_3", "discriminator"} <= set(trainer.train_step(example))


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
    for one, two in zip(networks(trainer), networks(other)):
        for a, b in zip(weights(one), weights(two)):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_resumed_training_may_change_the_step_size(tmp_path):
    TrainingState(make_trainer(MSE, tiny_network), str(tmp_path)).save()
    trainer = Trainer(tiny_network(), {}, None, MSE)
    trainer.compile(tf.keras.optimizers.Adam(1e-5))
    assert TrainingState(trainer, str(tmp_path)).restore()
    assert float(tf.convert_to_tensor(trainer.optimizer.learning_rate)) == pytest.approx(1e-5)


def test_state_of_other_networks_is_refused(trained, tmp_path):
    TrainingState(trained[0], str(tmp_path)).save()
    with pytest.raises(ValueError, match="holds other networks than this training. Give another --workdir"):
        TrainingState(make_trainer(MSE, tiny_network), str(tmp_path)).restore()


def test_a_checkpoint_of_an_earlier_version_is_refused_and_not_begun_over(trained, tmp_path):
    trainer = trained[0]
    tf.train.Checkpoint(epoch=tf.Variable(3, dtype=tf.int64)).write(str(tmp_path / "ckpt-3"))
    with pytest.raises(ValueError, match="ckpt-3 holds other networks than this training"):
        TrainingState(trainer, str(tmp_path)).restore()


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[len(content) // 2] ^= 1
    path.write_bytes({"cut off": content[: len(content) // 3], "emptied": b""}.get(how, content))


@pytest.mark.parametrize("how", ["flipped", "cut off", "emptied"])
@pytest.mark.parametrize("part", ["index", "data-00000-of-00001"])
def test_of_damaged_checkpoints_the_one_before_is_taken_up(trained, tmp_path, part, how, caplog):
    trainer = trained[0]
    state = TrainingState(trainer, str(tmp_path))
    for epoch in (8, 9, 10):
        state.epoch.assign(epoch)
        state.save()
    parts = ("data-00000-of-00001", "index")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"ckpt-{n}-0.{part}" for n in (10, 9) for part in parts]
    damage(tmp_path / f"ckpt-10-0.{part}", how)
    found = TrainingState(trainer, str(tmp_path))
    with caplog.at_level("WARNING", logger="absl"):
        assert found.restore()
    assert int(found.epoch) == 9 and "ckpt-10-0 is damaged (" in caplog.text
    damage(tmp_path / f"ckpt-9-0.{part}", how)
    with pytest.raises(ValueError, match="all checkpoints in .* are damaged, so there is nothing to resume"):
        found.restore()


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
    assert trainer.discriminators == {}
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


def test_stage_2_trains_fusions_and_heads_alone():
    model = dataclasses.replace(MODEL, fusion="rb6_sa2d")
    trainer = make_trainer(MSE, lambda: create_generator(model, num_source_frames=2))
    generator, example = trainer.network, make_example(batch=1, sources=2, targets=2)
    frozen = weights(generator.single_frame)
    trained = generator.heads, generator.foreground_fusion, generator.background_fusion
    before = [weights(layer) for layer in trained]
    trainer.train_step(example)
    trainer.train_step(example)  # in the first, zeros keep the gradient from what lies before them
    assert not any(changed(generator.single_frame, frozen))
    assert all(any(changed(layer, old)) for layer, old in zip(trained, before))


def test_nan_stops_with_the_losss_name():
    callback = StopAtNaN()
    callback.set_model(make_trainer(MSE, tiny_network))
    callback.on_train_batch_end(0, {"mse": 0.5, "total": 0.5})
    with pytest.raises(TrainingDiverged, match="loss 'vgg' became nan at iteration 0"):
        callback.on_train_batch_end(1, {"total": float("nan"), "mse": 0.5, "vgg": float("nan")})
    with pytest.raises(TrainingDiverged, match="loss 'val_mse' became inf"):
        callback.on_epoch_end(0, {"total": 0.1, "val_total": float("inf"), "val_mse": float("inf")})


def test_discriminator_that_broke_in_the_last_step_stops_before_a_checkpoint():
    trainer = make_trainer(ALL, OneLayer)
    callback = StopAtNaN()
    callback.set_model(trainer)
    callback.on_epoch_end(0, {"total": 0.1})
    bias = trainer.discriminators["video_3"].score.bias
    bias.assign(np.full(bias.shape, np.nan))
    with pytest.raises(TrainingDiverged, match="loss 'gan_video_3' became nan"):
        callback.on_epoch_end(0, {"total": 0.1})


def test_loss_scale_is_part_of_the_state():
    optimizer = tf.keras.mixed_precision.LossScaleOptimizer(adam())
    weight = tf.keras.layers.Dense(1)
    weight.build([None, 1])
    optimizer.build(weight.trainable_variables)
    kept = compat.optimizer_variables(optimizer)
    assert 2.0**15 in [float(np.max(v)) for v in kept]
    # Moments, scale and counter, iteration: on Keras 3 both optimisers count. The step size is a setting.
    assert len(kept) == 2 * 2 + 2 + (2 if keras.__version__.startswith("3.") else 1)


# Run by itself: the logical devices must be set before TensorFlow starts. One kind of window is as good as two.
REPLICAS = """
import dataclasses, sys
import numpy as np, tensorflow as tf
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
sys.path[:0] = [f"{sys.argv[1]}/tests", f"{sys.argv[1]}/tests/train"]
from records import make_example
from test_trainer import ALL, OneLayer, make_trainer, networks

ALL = dataclasses.replace(ALL, temporal_ranges=(3,))
for micro_batches in (1, 2):
    example = make_example(batch=2 * micro_batches, targets=3)
    with tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"]).scope():
        two = make_trainer(ALL, OneLayer, micro_batches=micro_batches)
    dataset = tf.data.Dataset.from_tensors(example).repeat()
    two_logs = two.fit(dataset, steps_per_epoch=2, validation_data=dataset.take(1), verbose=0).history

    one = make_trainer(ALL, OneLayer)
    one.train_step(example)
    one_logs = one.train_step(example)  # running means over both steps
    for name, value in one_logs.items():
        np.testing.assert_allclose(two_logs[name][0], value, rtol=1e-4, err_msg=name)
    one.reset_metrics()
    val_logs = one.test_step(example)
    assert {name for name in two_logs if name.startswith("val_")} == {f"val_{name}" for name in val_logs}
    for name, value in val_logs.items():
        np.testing.assert_allclose(two_logs[f"val_{name}"][0], value, rtol=1e-4, err_msg=name)
    for a, b in zip(networks(one), networks(two)):
        for x, y in zip(a.get_weights(), b.get_weights()):
            np.testing.assert_allclose(y, x, atol=1e-5)
    print(f"the same in {micro_batches}")
"""


@pytest.mark.slow
def test_two_devices_match_one_with_and_without_micro_batches():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", REPLICAS, str(root)], cwd=root, capture_output=True, text=True)
    assert done.stdout.splitlines()[-2:] == ["the same in 1", "the same in 2"], done.stderr[-3000:]
