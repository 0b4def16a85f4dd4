"""A training's rehearsal: everything built at full size, a few steps on made-up examples, and what they took.

    text = as_text(rehearse(model, data, loss, training, strategy))

It needs neither records nor weights and writes nothing. The steps are the trainer's own, run under the strategy as
`fit` runs them; what is made up are the examples, and the perceptual loss's VGG weights if no file of them is named,
since neither changes what a step costs. All losses are at work, which is the dearest that the training gets.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.features.vgg import PAPER_LAYERS, VGG16_LAYERS, VGG19_LAYERS, VGGFeatures
from stmt_tf.models.create import made_up_example
from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.train.create import create_trainer
from stmt_tf.train.flops import count_flops
from stmt_tf.train.rehearsal import Component, Rehearsal, quantity
from stmt_tf.train.settings import LossConfig, TrainConfig
from stmt_tf.train.trainer import Trainer

_TIMED_STEPS = 3
_LONG_STEP_SECONDS = 30.0
_VGG_CHANNELS = (64, 128, 256, 512, 512)


def rehearse(
    model: ModelConfig,
    data: DataConfig,
    loss: LossConfig,
    training: TrainConfig,
    strategy: tf.distribute.Strategy,
) -> Rehearsal:
    """Builds a training and measures a few of its steps; shows its progress as a bar.

    Args:
        model: its shape.
        data: the batch size must be divisible by the strategy's replicas times the micro-batches.
        loss: its losses; all are at work.
        training: its stage, precision, micro-batches and iterations.
        strategy: what it runs under.

    Raises:
        ValueError: the settings do not go together, or a device's memory is too small.
    """
    replicas = strategy.num_replicas_in_sync
    sources = 1 if training.stage == 1 else data.num_source_frames
    example = made_up_example(model.size, sources, data.num_target_frames, data.batch_size // replicas)
    tf.keras.mixed_precision.set_global_policy(training.precision)
    form = "dry run: {desc} [{elapsed}]"
    with tqdm(bar_format=form, desc="building the networks") as progress, strategy.scope():
        made_up = loss.vgg_weight > 0 and not loss.vgg_weights
        features = _made_up_vgg(loss.vgg_network, training.perceptual_dtype) if made_up else None
        trainer = create_trainer(model, data, loss, training, features)
        memory_before = _resident("VmRSS")
        _reset_peaks()
        batch = strategy.experimental_distribute_values_from_function(lambda _: example)

        @tf.function
        def step(batch):
            logs = strategy.run(trainer.train_step, args=(batch,))
            return strategy.reduce(tf.distribute.ReduceOp.MEAN, logs["total"], axis=None)

        progress.set_description_str("tracing the training step")
        traced = step.get_concrete_function(batch)  # which another thread would not find
        step_count = count_flops(traced.graph)
        total = f"of {quantity(step_count.flops, 'FLOP')}"
        progress.set_description_str(f"first step, {total}")
        try:
            _seconds(traced, batch)
            seconds: list[float] = []
            while len(seconds) < _TIMED_STEPS and max(seconds, default=0.0) < _LONG_STEP_SECONDS:
                progress.set_description_str(f"timed step {len(seconds) + 1}, {total}")
                seconds.append(_seconds(traced, batch))
        except tf.errors.ResourceExhaustedError as error:
            raise ValueError(
                f"a step on {data.batch_size // replicas} examples a device does not fit into its memory: raise "
                f"--micro_batches={training.micro_batches} or lower --batch_size={data.batch_size}"
            ) from error
        memory_peak, device_memory_peak = _resident("VmHWM"), _device_peak()
        progress.set_description_str("done")
    return Rehearsal(
        settings=_settings(model, data, training, sources, replicas),
        components=count_parameters(trainer),
        step_flops=step_count.flops,
        memory_before=memory_before,
        memory_peak=memory_peak,
        device_memory_peak=device_memory_peak,
        seconds=tuple(seconds),
        iterations=training.iterations,
        notes=(*_notes(loss), *(f"In the step, {fault}." for fault in step_count.faults)),
    )


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


def count_parameters(trainer: Trainer) -> tuple[Component, ...]:
    """The parameters of the network's layers, by what they do, and of each discriminator."""
    network = trainer.network
    single = getattr(network, "single_frame", network)
    components = {
        "mask U-Net": (single.mask_unet, single.mask_delta),
        "background U-Net": (single.background_unet,),
        "foreground U-Net": (single.foreground_unet,),
    }
    if single is not network:
        components["single-frame heads"] = (single.heads,)
    if isinstance(network, Generator):
        components["foreground fusion"] = (network.foreground_fusion,)
        components["background fusion"] = (network.background_fusion,)
    if isinstance(network, PartGenerator):
        components["attention"] = (network.attention,)
        components["background head"] = (network.background,)
    else:
        components["heads"] = (network.heads,)
    for name, discriminator in trainer.discriminators.items():
        components["D_I" if name == "frame" else f"D_V^{name.rpartition('_')[2]}"] = (discriminator,)
    return tuple(
        Component(name, _size(v for x in layers for v in x.trainable_variables),
             _size(v for x in layers for v in x.non_trainable_variables))
        for name, layers in components.items()
    )


def _size(variables: Iterable) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


def _seconds(step: Callable, batch) -> float:
    start = time.perf_counter()
    interruptible(lambda: float(step(batch)))  # waits for the device
    return time.perf_counter() - start


def interruptible(call: Callable[[], Any]) -> Any:
    """What a call returns that may stay in native code for minutes: an interrupt ends the wait for it at once.

    Python's handlers of signals run in the main thread, between two of its own instructions.
    """
    future: concurrent.futures.Future = concurrent.futures.Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future.result()


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
    micro = f" in {training.micro_batches} micro-batches" if training.micro_batches > 1 else ""
    return (
        f"stage {training.stage}{fusion}, {model.size} px, width {model.width:g}, batch {data.batch_size}{micro}, "
        f"K = {sources}, L = {data.num_target_frames}, {training.precision}, {replicas} {device}{'s' * (replicas > 1)}"
    )


def _notes(loss: LossConfig) -> list[str]:
    notes = [
        "FLOPs are those of convolutions, matrix products and their gradients, 2 for each multiply-add.",
        "Time and memory are the steps' alone: reading records, validation, pictures and checkpoints come on top.",
    ]
    if loss.vgg_weight > 0 and not loss.vgg_weights:
        notes.append(f"{loss.vgg_network} had random weights here; a training fetches its own, or needs --vgg_weights.")
    late = [name for name in ("vgg", "gan") if getattr(loss, f"{name}_start") > 0]
    if late:
        flags = " and ".join(f"--{name}_start={getattr(loss, f'{name}_start')}" for name in late)
        notes.append(f"All losses were at work; the training is cheaper before {flags}.")
    return notes
