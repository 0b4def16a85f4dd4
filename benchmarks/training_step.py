"""What a training step costs: `python -m benchmarks.training_step [--sizes=64,128] [--width=0.25] ...`.

Times the trainer's own `train_step` of stage 1 (mean squared error and mask loss, Adam) in a `tf.function`, with
and without oneDNN, each in a process of its own. Prints a table and, as the last line, the same as JSON.

The step's floating-point operations are counted from its graph: 2 for each multiply-add of every convolution and
of its two gradients, `N * H_out * W_out * (kernel's elements)` multiply-adds each; a gradient that the graph does
not hold (of the first layer's image) is not counted, nor is anything that is no convolution. They are set against
the best rate of float32 matrix products in the same process. The parts are timed one by one, each as a function of
its own with the step's shapes; they need not add up to the step, which runs some of them side by side.
"""

from __future__ import annotations

from benchmarks.speed_settings import OnednnConfig, TrainingStepConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.training_step", TrainingStepConfig, OnednnConfig)

import json
import os
import tempfile
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from benchmarks.timing import matmul_rate, median_seconds, run_with_onednn
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.data.pipeline import training_dataset
from stmt_tf.data.schema import Clip, encode_clip
from stmt_tf.models.composition import background_base, foreground_base
from stmt_tf.models.create import create_single_frame
from stmt_tf.models.single_frame import SingleFrameTransfer
from stmt_tf.models.warp import affine_warp
from stmt_tf.pose.maps import joint_heatmaps, part_log_priors, part_transforms
from stmt_tf.train import losses
from stmt_tf.train.flops import count_flops
from stmt_tf.train.settings import LossConfig
from stmt_tf.train.trainer import Trainer


def random_clip(size: int, steps: int = 12) -> Clip:
    """A clip of noise, which is as dear to decode as any."""
    random = np.random.default_rng(0)
    joints = random.uniform(0.2 * size, 0.8 * size, (steps, 14, 3)).astype(np.float32)
    joints[..., 2] = 1.0
    return Clip(
        clip_id="noise",
        video_id="noise",
        fps=25.0,
        frames=random.integers(0, 256, (steps, size, size, 3), np.uint8),
        joints=joints,
        flows=np.zeros((steps - 1, size, size, 2), np.float32),
        masks=random.integers(0, 2, (steps, size, size), np.uint8) * 255,
        pose_tool="none",
        flow_tool="none",
    )


def batches(directory: str, size: int, targets: int, batch: int) -> tf.data.Dataset:
    """Training batches of one source frame, from a record written for it."""
    path = os.path.join(directory, f"{size}.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(encode_clip(random_clip(size)))
    data = DataConfig(
        train_records=path, num_target_frames=targets, batch_size=batch, shuffle_buffer=16
    )
    return training_dataset(data, sources=1, size=size)


def gradients_of(function: Callable, inputs: Sequence[tf.Tensor], variables: Sequence = ()) -> Callable:
    """A graph function that runs `function(*inputs)` and its gradient to the inputs and variables."""

    @tf.function
    def run(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = tf.nest.flatten(function(*inputs))
        # Gradients of ones could be folded into constants, and the forward pass be left out.
        return tape.gradient(
            outputs,
            [*inputs, *variables],
            output_gradients=outputs,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )

    return lambda: run(*inputs)


def parts_of(
    model: SingleFrameTransfer, trainer: Trainer, example: dict[str, tf.Tensor], repeats: int
) -> dict[str, float]:
    """Seconds of the step's parts, each by itself."""
    size, batch, targets = model.size, example["source_frames"].shape[0], example["target_joints"].shape[1]
    pairs = batch * targets
    frames, joints = example["source_frames"][:, 0], example["source_joints"][:, 0]
    target_joints = tf.reshape(example["target_joints"], [pairs, 14, 3])
    heatmaps, pair_heatmaps = joint_heatmaps(joints, size), joint_heatmaps(target_joints, size)
    per_pair_joints = tf.repeat(joints, targets, axis=0)
    transforms = tf.reshape(part_transforms(per_pair_joints, target_joints), [-1, 6])
    parts = tf.random.stateless_uniform([10 * pairs, size, size, 4], [0, 0])
    colours = tf.random.stateless_uniform([pairs, size, size, 30], [0, 1])
    background = tf.random.stateless_uniform([batch, size, size, 4], [0, 2])
    images = tf.random.stateless_uniform([pairs, size, size, 3], [0, 3])
    masks = tf.random.stateless_uniform([pairs, size, size, 1], [0, 4])
    features = model.foreground_unet(colours, pair_heatmaps)
    variables = model.trainable_variables
    gradients = [tf.zeros(variable.shape) for variable in variables]

    @tf.function
    def maps():
        poses = joint_heatmaps(joints, size), joint_heatmaps(target_joints, size)
        return poses, part_log_priors(joints, size), part_transforms(per_pair_joints, target_joints)

    @tf.function
    def optimise():
        trainer.optimizer.apply_gradients(zip(gradients, variables))

    def unets():
        for unet, image, pose, inputs in (
            (model.mask_unet, frames, heatmaps, ()),
            (model.background_unet, background, heatmaps, (background,)),
            (model.foreground_unet, colours, pair_heatmaps, (colours,)),
        ):
            yield gradients_of(
                lambda image=image, unet=unet, pose=pose: unet(image, pose),
                inputs,
                unet.trainable_variables,
            )

    def arrange(parts):  # how the warped parts reach the network and the bases
        warped = tf.reshape(parts, [pairs, 10, size, size, 4])
        stacked = tf.concat([part[..., :3] for part in tf.unstack(warped, axis=1)], axis=-1)
        return stacked, tf.reduce_sum(warped, 1)

    def bases(composites, alphas, visible):
        weights = tf.ones([pairs, 1, 1, 1, 1])
        foreground = foreground_base(composites[:, None], alphas[:, None], weights)
        return foreground, background_base(example["source_frames"], visible)

    def heads(features, colour, alpha):
        return model.heads(features, features, (colour, alpha), (colour, alpha))["frame"]

    def loss(frame, mask):
        return losses.mean_squared(frame, images, 1.0 + masks) + losses.masked_cross_entropy(mask, masks)

    named = {
        "maps of the poses": [maps],
        "U-Nets": list(unets()),
        "warp": [gradients_of(lambda parts: affine_warp(parts, transforms), [parts])],
        "arranging the parts": [gradients_of(arrange, [parts])],
        "bases": [gradients_of(bases, [images, masks, masks[:batch, None]])],
        "heads": [gradients_of(heads, [features, images, masks], model.heads.trainable_variables)],
        "losses": [gradients_of(loss, [images, masks])],
        "optimiser": [optimise],
    }
    return {
        name: sum(median_seconds(function, repeats=repeats) for function in functions)
        for name, functions in named.items()
    }


def measure(size: int, targets: int, width: float, batch: int, repeats: int) -> dict:
    """Times one setting of the step in this process."""
    model = create_single_frame(ModelConfig(size=size, width=width, residual_heads=True))
    config = LossConfig(vgg_weight=0.0, gan_weight=0.0, mask_weight=0.03, person_weight=2.0)
    trainer = Trainer(model, {}, None, config)
    trainer.compile(tf.keras.optimizers.Adam(1e-4))
    step = tf.function(trainer.train_step)
    with tempfile.TemporaryDirectory() as directory:
        iterator = iter(batches(directory, size, targets, batch))
        example = next(iterator)
        data_seconds = median_seconds(next, iterator, repeats=4 * repeats)
        del iterator  # stops its threads
    seconds = median_seconds(step, example, repeats=repeats)
    flops = count_flops(step.get_concrete_function(example).graph).flops
    parts = parts_of(model, trainer, example, repeats)
    return {
        "size": size,
        "targets": targets,
        "width": width,
        "batch": batch,
        "seconds": seconds,
        "gflop": flops / 1e9,
        "gflop_per_second": flops / seconds / 1e9,
        "parts": {"data (alongside)": data_seconds, **parts},
    }


def measure_here(config: TrainingStepConfig) -> dict:
    """Times every setting that the flags ask for in this process."""
    before = matmul_rate()
    steps = [
        measure(size, targets, config.width, config.batch, config.repeats)
        for size in config.sizes
        for targets in config.targets
    ]
    # Again at the end: other work on the machine would show as a difference.
    rates = [rate / 1e9 for rate in (before, matmul_rate())]
    return {
        "tensorflow": tf.__version__,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", ""),
        "matmul_gflop_per_second": rates,
        "steps": steps,
    }


def table(run: dict) -> str:
    """What was measured, for people."""
    lines = []
    rates = run["matmul_gflop_per_second"]
    lines.append(
        f"TensorFlow {run['tensorflow']}, TF_ENABLE_ONEDNN_OPTS={run['onednn']}, matmul "
        f"{rates[0]:.0f} GFLOP/s before and {rates[1]:.0f} after"
    )
    for step in run["steps"]:
        lines.append(
            f"  {step['size']:4d} px, {step['targets']} targets: {1e3 * step['seconds']:7.0f} ms a step, "
            f"{step['gflop']:6.1f} GFLOP, {step['gflop_per_second']:5.0f} GFLOP/s, "
            f"{step['gflop_per_second'] / max(rates):.2f} of matmul"
        )
        parts = (f"{name} {1e3 * seconds:.0f}" for name, seconds in step["parts"].items())
        lines.append(f"           ms alone: {', '.join(parts)}")
    return "\n".join(lines)


def main(config: TrainingStepConfig, process: OnednnConfig) -> None:
    if process.here:
        tf.get_logger().setLevel("ERROR")  # it warns of the many functions traced here, which are meant
        print(json.dumps(measure_here(config)))
        return
    run_with_onednn("benchmarks.training_step", process.onednn, table)
