"""A training's rehearsal: everything built at full size, a few steps on made-up examples, and what they took.

    text = as_text(rehearse(model, data, loss, training, strategy, create_trainer))

It needs neither records nor weights and writes nothing. The steps are the trainer's own, run under the strategy as
`fit` runs them; what is made up are the examples, and the perceptual loss's VGG weights if no file of them is named,
since neither changes what a step costs. All losses are at work, which is the dearest that the training gets.
"""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Iterable
from typing import Callable, Optional

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.features.vgg import PAPER_LAYERS, VGG16_LAYERS, VGG19_LAYERS, VGGFeatures
from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.pose.skeleton import NUM_JOINTS
from stmt_tf.train.flops import FlopCount, count_flops
from stmt_tf.train.settings import LossConfig, TrainConfig
from stmt_tf.train.trainer import Trainer

_TIMED_STEPS = 3
_LONG_STEP_SECONDS = 30.0
_VGG_CHANNELS = (64, 128, 256, 512, 512)

CreateTrainer = Callable[[ModelConfig, DataConfig, LossConfig, TrainConfig], Trainer]


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of the networks, and the numbers of its parameters that are trained and that are not."""

    name: str
    trained: int
    frozen: int


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """What a training will take.

    Attributes:
        settings: what was rehearsed, in words.
        parts: the networks' parts.
        step_flops: floating-point operations of a training step, all devices of this process together.
        source_flops: those of encoding one example's source frames.
        frame_flops: those of one more generated frame.
        memory_before: bytes of the process with everything built, before the first step; None where unknown.
        memory_peak: the most bytes of the process in the steps; None where unknown.
        device_memory_peak: the same of the fullest GPU; None without a GPU.
        seconds: of each timed step.
        iterations: of the whole training.
        notes: what else to know of the figures.
    """

    settings: str
    parts: tuple[Part, ...]
    step_flops: int
    source_flops: int
    frame_flops: int
    memory_before: Optional[int]
    memory_peak: Optional[int]
    device_memory_peak: Optional[int]
    seconds: tuple[float, ...]
    iterations: int
    notes: tuple[str, ...]

    @property
    def step_seconds(self) -> float:
        """The median step."""
        return statistics.median(self.seconds)

    @property
    def hours(self) -> float:
        """Of all iterations at that rate."""
        return self.iterations * self.step_seconds / 3600


def rehearse(
    model: ModelConfig,
    data: DataConfig,
    loss: LossConfig,
    training: TrainConfig,
    strategy: tf.distribute.Strategy,
    create_trainer: CreateTrainer,
) -> Rehearsal:
    """Builds a training and measures a few of its steps; shows its progress as a bar.

    Args:
        model: its shape.
        data: the batch size must be divisible by the strategy's replicas times the micro-batches.
        loss: its losses; all are at work.
        training: its stage, precision, micro-batches and iterations.
        strategy: what it runs under.
        create_trainer: `stmt_tf.train.command.create_trainer`.

    Raises:
        ValueError: the settings do not go together, or a device's memory is too small.
    """
    replicas = strategy.num_replicas_in_sync
    sources = 1 if training.stage == 1 else data.num_source_frames
    example = made_up_example(model.size, sources, data.num_target_frames, data.batch_size // replicas)
    tf.keras.mixed_precision.set_global_policy(training.precision)
    form = "dry run: {desc} [{elapsed}]"
    with tqdm(bar_format=form, desc="building the networks") as progress, strategy.scope():
        trainer = _create_with_made_up_vgg(create_trainer, model, data, loss, training)
        memory_before = _resident("VmRSS")
        _reset_peaks()
        batch = strategy.experimental_distribute_values_from_function(lambda _: example)

        @tf.function
        def step(batch):
            logs = strategy.run(trainer.train_step, args=(batch,))
            return strategy.reduce(tf.distribute.ReduceOp.MEAN, logs["total"], axis=None)

        progress.set_description_str("tracing the training step")
        step_count = count_flops(step.get_concrete_function(batch).graph)
        total = f"of {_quantity(step_count.flops, 'FLOP')}"
        progress.set_description_str(f"first step, {total}")
        try:
            _seconds(step, batch)
            seconds: list[float] = []
            while len(seconds) < _TIMED_STEPS and max(seconds, default=0.0) < _LONG_STEP_SECONDS:
                progress.set_description_str(f"timed step {len(seconds) + 1}, {total}")
                seconds.append(_seconds(step, batch))
        except tf.errors.ResourceExhaustedError as error:
            raise ValueError(
                f"a step on {data.batch_size // replicas} examples a device does not fit into its memory: raise "
                f"--micro_batches={training.micro_batches} or lower --batch_size={data.batch_size}"
            ) from error
        memory_peak, device_memory_peak = _resident("VmHWM"), _device_peak()
        progress.set_description_str("counting the operations of a generated frame")
        first, second = (_network_flops(trainer.network, example, targets) for targets in (1, 2))
        progress.set_description_str("done")
    notes = _notes(loss)
    for count, what in ((step_count, "the step"), (second, "a generated frame")):
        notes += [f"In {what}, {fault}." for fault in count.faults]
    return Rehearsal(
        settings=_settings(model, data, training, sources, replicas),
        parts=count_parameters(trainer),
        step_flops=step_count.flops,
        source_flops=2 * first.flops - second.flops,
        frame_flops=second.flops - first.flops,
        memory_before=memory_before,
        memory_peak=memory_peak,
        device_memory_peak=device_memory_peak,
        seconds=tuple(seconds),
        iterations=training.iterations,
        notes=tuple(notes),
    )


def made_up_example(size: int, sources: int, targets: int, batch: int) -> dict[str, tf.Tensor]:
    """A random batch of the shapes and ranges of `stmt_tf.data.pipeline`: K = sources, L = targets."""
    random = np.random.default_rng(0)
    example = {}
    for role, count in (("source", sources), ("target", targets)):
        joints = random.uniform(0.2 * size, 0.8 * size, (batch, count, NUM_JOINTS, 3))
        joints[..., 2] = 1.0
        example[f"{role}_joints"] = joints
        example[f"{role}_frames"] = random.uniform(-1.0, 1.0, (batch, count, size, size, 3))
        example[f"{role}_masks"] = random.integers(0, 2, (batch, count, size, size, 1))
    example["target_flows"] = random.uniform(-4.0, 4.0, (batch, targets - 1, size, size, 2))
    return {name: tf.constant(value, tf.float32) for name, value in example.items()}


def _create_with_made_up_vgg(create_trainer: CreateTrainer, model, data, loss, training) -> Trainer:
    if loss.vgg_weight == 0 or loss.vgg_weights:
        return create_trainer(model, data, loss, training)
    bare = create_trainer(model, data, dataclasses.replace(loss, vgg_weight=0.0), training)
    features = _made_up_vgg(loss.vgg_network, training.perceptual_dtype)
    trainer = Trainer(bare.network, bare.discriminators, features, loss, data.seed, training.micro_batches)
    trainer.compile(bare.optimizer, bare.discriminator_optimizer)
    return trainer


def _made_up_vgg(name: str, dtype: str) -> VGGFeatures:
    """The network with random weights, up to the last layer that the perceptual loss looks at."""
    random = np.random.default_rng(0)
    names = VGG16_LAYERS if name == "vgg16" else VGG19_LAYERS
    weights, before = {}, 3
    for layer in names[: names.index(PAPER_LAYERS[-1]) + 1]:
        channels = _VGG_CHANNELS[int(layer[len("conv")]) - 1]
        kernel = random.standard_normal((3, 3, before, channels), np.float32) * np.sqrt(2 / (9 * before))
        weights[layer] = (kernel.astype(np.float32), np.zeros([channels], np.float32))
        before = channels
    return VGGFeatures(weights, PAPER_LAYERS, np.zeros([3], np.float32), np.ones([3], np.float32), dtype)


def count_parameters(trainer: Trainer) -> tuple[Part, ...]:
    """The parameters of the network's parts and of each discriminator."""
    network = trainer.network
    single = getattr(network, "single_frame", network)
    parts = {
        "mask U-Net": (single.mask_unet, single.mask_delta),
        "background U-Net": (single.background_unet,),
        "foreground U-Net": (single.foreground_unet,),
    }
    if single is not network:
        parts["single-frame heads"] = (single.heads,)
    if isinstance(network, Generator):
        parts["foreground fusion"] = (network.foreground_fusion,)
        parts["background fusion"] = (network.background_fusion,)
    if isinstance(network, PartGenerator):
        parts["attention"] = (network.attention,)
        parts["background head"] = (network.background,)
    else:
        parts["heads"] = (network.heads,)
    for name, discriminator in trainer.discriminators.items():
        parts["D_I" if name == "frame" else f"D_V^{name.rpartition('_')[2]}"] = (discriminator,)
    return tuple(
        Part(name, _size(v for x in layers for v in x.trainable_variables),
             _size(v for x in layers for v in x.non_trainable_variables))
        for name, layers in parts.items()
    )


def _size(variables: Iterable) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


def _network_flops(network: tf.keras.Model, example: dict[str, tf.Tensor], targets: int) -> FlopCount:
    """Of making `targets` frames of one example."""
    shapes = {name: [1, *example[name].shape[1:]] for name in ("source_frames", "source_joints", "target_joints")}
    shapes["target_joints"][1] = targets
    specs = {name: tf.TensorSpec(shape) for name, shape in shapes.items()}
    forward = tf.function(lambda inputs: network(inputs)["frame"])
    return count_flops(forward.get_concrete_function(specs).graph)


def _seconds(step: Callable, batch) -> float:
    start = time.perf_counter()
    float(step(batch))  # waits for the device
    return time.perf_counter() - start


def _resident(field: str) -> int | None:
    """Bytes of this process, now ("VmRSS") or at most ("VmHWM"); None where only other means would tell."""
    try:
        with open("/proc/self/status") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith(f"{field}:"))
    except (OSError, StopIteration):
        return None


def _reset_peaks() -> None:
    # Building has its own peak, which may be the higher one.
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    for gpu in tf.config.list_logical_devices("GPU"):
        tf.config.experimental.reset_memory_stats(gpu.name)


def _device_peak() -> int | None:
    gpus = tf.config.list_logical_devices("GPU")
    return max((tf.config.experimental.get_memory_info(gpu.name)["peak"] for gpu in gpus), default=None)


def _settings(model: ModelConfig, data: DataConfig, training: TrainConfig, sources: int, replicas: int) -> str:
    fusion = f" ({model.fusion})" if training.stage == 2 else ""
    device = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    micro = f" in {training.micro_batches} parts" if training.micro_batches > 1 else ""
    return (
        f"stage {training.stage}{fusion}, {model.size} px, width {model.width:g}, batch {data.batch_size}{micro}, "
        f"K = {sources}, L = {data.num_target_frames}, {training.precision}, {replicas} {device}{'s' * (replicas > 1)}"
    )


def _notes(loss: LossConfig) -> list[str]:
    notes = [
        "FLOPs are what TensorFlow's profiler registers: convolutions, products, much of the rest.",
        "Time and memory are the steps' alone: reading records, validation, pictures and checkpoints come on top.",
    ]
    if loss.vgg_weight > 0 and not loss.vgg_weights:
        notes.append(f"{loss.vgg_network} had random weights here; a training fetches its own, or needs --vgg_weights.")
    late = [name for name in ("vgg", "gan") if getattr(loss, f"{name}_start") > 0]
    if late:
        flags = " and ".join(f"--{name}_start={getattr(loss, f'{name}_start')}" for name in late)
        notes.append(f"All losses were at work; the training is cheaper before {flags}.")
    return notes


def as_text(rehearsal: Rehearsal) -> str:
    """A rehearsal as a table for people."""
    parts = [*rehearsal.parts]
    parts.append(Part("in all", sum(p.trained for p in parts), sum(p.frozen for p in parts)))
    rows = [("parameters", "trained", "frozen")]
    rows += [(f"  {part.name}", f"{part.trained:,}", f"{part.frozen:,}") for part in parts]
    rows += [("operations", "", "")]
    rows += [
        (f"  {name}", _quantity(flops, "FLOP"), "")
        for name, flops in (
            ("a training step", rehearsal.step_flops),
            ("one generated frame", rehearsal.frame_flops),
            ("encoding its source frames, once", rehearsal.source_flops),
        )
    ]
    rows += [("memory", "", "")]
    before, peak = rehearsal.memory_before, rehearsal.memory_peak
    if before is None or peak is None:
        rows.append(("  of the process", "not known", ""))
    else:
        rows += [
            ("  before the first step", _gibibytes(before), ""),
            ("  added by the steps", _gibibytes(peak - before), ""),
            ("  in all", _gibibytes(peak), ""),
        ]
    if rehearsal.device_memory_peak is not None:
        rows.append(("  of the fullest GPU", _gibibytes(rehearsal.device_memory_peak), ""))
    steps = len(rehearsal.seconds)
    rows += [
        ("time", "", ""),
        (f"  a step, median of {steps}", f"{rehearsal.step_seconds:.3g} s", ""),
        ("  rate", _quantity(rehearsal.step_flops / rehearsal.step_seconds, "FLOP") + "/s", ""),
        (f"  {rehearsal.iterations:,} iterations", f"{rehearsal.hours:,.1f} hours", ""),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows]
    return "\n".join([f"dry run: {rehearsal.settings}", "", *lines, "", *rehearsal.notes])


def _quantity(value: float, unit: str) -> str:
    for prefix, factor in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.0f} {unit}"


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.2f} GiB"
