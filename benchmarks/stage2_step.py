"""Where a training step of stage 2 spends its time: `python -m benchmarks.stage2_step [--size=128] [--width=0.25] ...`.

A table builds the step up: each row adds one thing to the row before it, so that the increases sum to the whole step.
Below it stands what alternate updates cost: a second look of the discriminators at the made frames, since the network's
gradient comes from the updated ones. Then the same step without shared work, in which every (source, target) pair runs
the whole single-frame model, as if there were no `encode_source`: the results are the same, the ratio is what the
sharing gains. All on random examples, in this process, the median of steps that take turns.
"""

from __future__ import annotations

from benchmarks.speed_settings import Stage2StepConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.stage2_step", Stage2StepConfig)

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import tensorflow as tf

from benchmarks.timing import interleaved_seconds
from stmt_tf.config import ModelConfig
from stmt_tf.features.vgg import create_perceptual_features
from stmt_tf.models.create import create_generator, made_up_example
from stmt_tf.models.generator import Generator
from stmt_tf.train.create import create_discriminators
from stmt_tf.train.settings import LossConfig
from stmt_tf.train.trainer import Trainer, seen_by


class PairByPair(tf.keras.Model):
    """A generator that shares nothing between target frames."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.generator, self.size = generator, generator.size

    def call(self, inputs):
        batch, targets = inputs["target_joints"].shape[:2]
        pairs = {name: tf.repeat(inputs[name], targets, axis=0) for name in ("source_frames", "source_joints")}
        joints = tf.reshape(inputs["target_joints"], [batch * targets, 1, 14, 3])
        outputs = self.generator({**pairs, "target_joints": joints})
        outputs["background_mask"] = outputs["background_mask"][::targets]
        return {
            name: x if name == "background_mask" else tf.reshape(x, [batch, targets, *x.shape[2:]])
            for name, x in outputs.items()
        }


def step_of(network: Generator | PairByPair, config: LossConfig, features) -> tf.types.experimental.GenericFunction:
    """The trainer's step with these losses, as a graph function."""
    discriminators = create_discriminators(config, network.size)
    trainer = Trainer(network, discriminators, features if config.vgg_weight > 0 else None, config)
    adams = [tf.keras.optimizers.Adam(1e-4, beta_1=0.5) for _ in range(2)]
    trainer.compile(adams[0], adams[1] if discriminators else None)
    return tf.function(trainer.train_step)


def build_up(
    generator: Generator, example: dict[str, tf.Tensor], full: LossConfig, features
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Name and function of each row of the first table."""
    encode = tf.function(generator.encode_source)
    inputs = example["source_frames"], example["source_joints"]
    yield "source alone: masks and background of K frames", lambda: encode(*inputs)

    @tf.function
    def single_frame(frames, joints, target_joints):
        source = generator.encode_source(frames, joints)
        return generator.single_frame.foreground(source, target_joints)

    yield "foreground features of K x L pairs", lambda: single_frame(*inputs, example["target_joints"])
    forward = tf.function(lambda example: generator(example))
    yield "fusion, heads, composition", lambda: forward(example)
    rows = {
        "their gradients, MSE, optimiser": {"vgg_weight": 0.0, "gan_weight": 0.0, "temporal_ranges": ()},
        "perceptual loss": {"gan_weight": 0.0, "temporal_ranges": ()},
        "D_I": {"temporal_ranges": ()},
    }
    for n in range(1, len(full.temporal_ranges) + 1):
        rows[f"D_V^{full.temporal_ranges[n - 1]}"] = {"temporal_ranges": full.temporal_ranges[:n]}
    for name, changes in rows.items():
        step = step_of(generator, dataclasses.replace(full, **changes), features)
        yield name, lambda step=step: step(example)


def looks_of(discriminators: Mapping[str, tf.keras.Model]) -> tf.types.experimental.GenericFunction:
    """The scores of frames `[B, L, H, W, 3]` by each discriminator, as a graph function of them and an example."""

    @tf.function
    def scores(frames, example):
        return [model(*seen_by(name, frames, example), training=True) for name, model in discriminators.items()]

    return scores


def main(config: Stage2StepConfig) -> None:
    tf.get_logger().setLevel("ERROR")
    ranges = tuple(n for n in (3, 5, 7) if n <= config.targets)
    full = LossConfig(discriminator_width=config.width, vgg_network="vgg16", temporal_ranges=ranges)
    model = ModelConfig(size=config.size, width=config.width, fusion=config.fusion)
    generator = create_generator(model, config.sources)
    features = create_perceptual_features("vgg16", None)
    example = made_up_example(config.size, config.sources, config.targets, config.batch)

    functions = dict(build_up(generator, example, full, features))
    naive = step_of(PairByPair(generator), full, features)
    look = looks_of(create_discriminators(full, config.size))
    others = {"naive": lambda: naive(example), "look": lambda: look(example["target_frames"], example)}
    seconds = interleaved_seconds({**functions, **others}, repeats=config.repeats)

    whole = seconds[list(functions)[-1]]
    print(f"{'what is added':50s} {'seconds':>8s} {'share':>6s}")
    before = 0.0
    for name in functions:
        added = seconds[name] - before
        print(f"{name:50s} {added:8.3f} {added / whole:6.0%}")
        before = seconds[name]
    print(f"{'the whole step':50s} {whole:8.3f}")
    print(f"\nalternate updates: {seconds['look']:.3f} s of it, {seconds['look'] / whole:.0%}")
    naive_seconds = seconds["naive"]
    print(f"without shared work {naive_seconds:.3f} s a step: {naive_seconds / whole:.2f} times the step's")
