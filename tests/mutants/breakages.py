"""Breakages of what the paper fixes, one line each, and the tests that are to find them.

    python tests/mutants/breakages.py [NUMBER ...]

breaks a copy of the tree in one place after another, runs the tests named beside it, and prints who was found and by
which test. It ends with status 1 if one lives. Without numbers, all of them: about a quarter of an hour on two cores.
`tests/mutants/test_mutants.py` runs every tenth.

The tests run in forks of this process, which has loaded TensorFlow once for all of them and nothing of the tree.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_COPIED = ("stmt_tf", "dancers", "tfrecords_tools", "tests", "configs", "saved_models", "pyproject.toml")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A line that says something else.

    Attributes:
        what: which sentence of the paper, or of the ledger, no longer holds.
        path: of the source.
        old, new: what stands there once, and what shall stand there.
        tests: that are to fail.
    """

    what: str
    path: str
    old: str
    new: str
    tests: str


_TRAINER, _FUSION, _ATTENTION = "stmt_tf/train/trainer.py", "stmt_tf/models/fusion.py", "stmt_tf/models/attention.py"
_SINGLE, _COMPOSITION = "stmt_tf/models/single_frame.py", "stmt_tf/models/composition.py"
_ADVERSARIAL, _OF_FUSION = "tests/train/test_adversarial.py", "tests/models/test_fusion.py"

MUTANTS = [
    # 3.5, the adversarial losses.
    Mutant("D_I sees no pose", _TRAINER, "joint_heatmaps(merge_axes(example", "0 * joint_heatmaps(merge_axes(example",
           _ADVERSARIAL + " -k own_pose"),
    Mutant("D_V sees no flow", _TRAINER, "(temporal_windows(frames, example", "(temporal_windows(frames, 0 * example",
           _ADVERSARIAL + " -k every_flow"),
    Mutant("labels are swapped", _TRAINER, "lsgan_discriminator(real, made)", "lsgan_discriminator(made, real)",
           _ADVERSARIAL + " -k call_the_real_one"),
    Mutant("the generator learns from no discriminator", _TRAINER, "lsgan_generator(made)",
           "lsgan_generator(tf.stop_gradient(made))",
           _ADVERSARIAL + " -k each_discriminator_alone"),
    Mutant("the last discriminator alone learns", _TRAINER, 'results["discriminator"] += losses',
           'results["discriminator"] = losses', "tests/train/test_trainer.py -k changes_every_variable"),
    Mutant("the discriminators learn after the network", _TRAINER,
           "self._network_gradients(example, self._update_discriminators)",
           "self._network_gradients(example); "
           "results.update(self._update_discriminators(example, self.network(example)['frame']))",
           _ADVERSARIAL + " -k before_the_network"),
    Mutant("the true frames are never shown", _TRAINER, 'for x in (frames, example["target_frames"])',
           "for x in (frames, frames)",
           _ADVERSARIAL + " -k call_the_real_one"),
    Mutant("D_I has D_V's weight", _TRAINER, 'self.config.gan_weight if name == "frame"',
           'self.config.temporal_weight if name == "frame"',
           _ADVERSARIAL + " -k has_its_weight"),
    Mutant("D_V has no loss of its own weight", _TRAINER, "else self.config.temporal_weight",
           "else self.config.gan_weight",
           _ADVERSARIAL + " -k has_its_weight"),
    Mutant("a window skips frames", "stmt_tf/models/discriminators.py", "frames[:, i : i + windows]",
           "frames[:, 0 : windows]", "tests/models/test_discriminators.py -k windows"),
    Mutant("a window holds the next flows", "stmt_tf/models/discriminators.py", "flows[:, i : i + windows]",
           "flows[:, -windows:]", "tests/models/test_discriminators.py -k windows"),
    Mutant("real is 0 to the generator", "stmt_tf/train/losses.py", "return tf.reduce_mean(tf.square(made - 1.0))",
           "return tf.reduce_mean(tf.square(made))", "tests/train/test_losses.py"),
    Mutant("D_V is there without its weight", "stmt_tf/train/settings.py",
           "return self.temporal_ranges if self.temporal_weight > 0 else ()", "return self.temporal_ranges",
           "tests/models/test_discriminators.py -k one_discriminator"),
    # 3.5, the content losses.
    Mutant("VGG's weight is not in the sum", _TRAINER, 'total += config.vgg_weight * results["vgg"]',
           'total += results["vgg"]', "tests/train/test_trainer.py -k weighted_sum"),
    Mutant("the MSE is a mean of distances", "stmt_tf/train/losses.py", "squared = tf.square(frames - truth)",
           "squared = tf.abs(frames - truth)", "tests/train/test_losses.py"),
    Mutant("VGG's layers are squared", "stmt_tf/train/losses.py", "tf.reduce_mean(tf.abs(a - b), axes)",
           "tf.reduce_mean(tf.square(a - b), axes)", "tests/train/test_losses.py"),
    # 3.2 and 3.3, the fusions.
    Mutant("RB6 is blind to the features", _FUSION, "*tf.unstack(small, sources, axis=1)",
           "*tf.unstack(0 * small, sources, axis=1)",
           _OF_FUSION + " -k blocks_see"),
    Mutant("RB6 is blind to the source poses", _FUSION, "self._heatmaps(joints[:, k], size",
           "0 * self._heatmaps(joints[:, k], size",
           _OF_FUSION + " -k blocks_see"),
    Mutant("RB6 is blind to the target pose", _FUSION, "self._heatmaps(poses, size", "0 * self._heatmaps(poses, size",
           _OF_FUSION + " -k blocks_see"),
    Mutant("RB6's maps are no weights over the frames", _FUSION, "prior[:, :, None, None], axis=1)",
           "prior[:, :, None, None], axis=-1)", _OF_FUSION),
    Mutant("the maximum is a mean", _FUSION, 'tf.reduce_mean if fusion == "avg" else tf.reduce_max',
           "tf.reduce_mean", _OF_FUSION),
    Mutant("SA3D comes to nothing", _FUSION, "features = self.over_frames(features)", "self.over_frames(features)",
           _OF_FUSION),
    Mutant("SA2D comes to nothing", _FUSION, "if self.over_space is not None:", "if False:", _OF_FUSION),
    Mutant("SA3D does not look across frames", _ATTENTION, "positions = math.prod([*frames, rows, columns])",
           "positions = math.prod([rows, columns]); frames = []", "tests/models/test_attention.py"),
    Mutant("self-attention starts at full strength", _ATTENTION, 'shape=(), initializer="zeros"',
           'shape=(), initializer="ones"', "tests/models/test_attention.py"),
    Mutant("self-attention is normalised over queries", _ATTENTION,
           "tf.nn.softmax(tf.matmul(query, key, transpose_b=True))",
           "tf.nn.softmax(tf.matmul(query, key, transpose_b=True), axis=1)", "tests/models/test_attention.py"),
    Mutant("the background is fused as the foreground is", "stmt_tf/models/generator.py",
           'source["background_features"], source["joints"]', 'foreground["features"], source["joints"]',
           "tests/models/test_generator.py -k background_features"),
    # 3.1 and 3.4, the single-frame model and the composition.
    Mutant("the mask is upside down", _COMPOSITION, "foreground * mask + background * (1.0 - mask)",
           "foreground * (1.0 - mask) + background * mask", "tests/models/test_composition.py"),
    Mutant("the mask leaves [0, 1]", _COMPOSITION, "mask = (tf.tanh(mask) + 1.0) / 2.0", "mask = tf.tanh(mask)",
           "tests/models/test_single_frame.py -k ranges"),
    Mutant("the person stays in the background's input", _SINGLE, "[flat_frames * background_mask, background_mask]",
           "[flat_frames, background_mask]", "tests/models/test_single_frame.py"),
    Mutant("the foreground is blind to the target pose", _SINGLE, "self.foreground_unet(stacked, heatmaps)",
           "self.foreground_unet(stacked, 0 * heatmaps)",
           "tests/models/test_single_frame.py -k sees_the_target_pose"),
    Mutant("the masks do not look at the frame", _SINGLE, "self.mask_unet(flat_frames, heatmaps)",
           "self.mask_unet(0 * flat_frames, heatmaps)",
           "tests/models/test_single_frame.py -k mask_network_learns"),
    Mutant("the parts stay where they are", _SINGLE, "merge_axes(merge_axes(transforms)))",
           "tf.zeros_like(merge_axes(merge_axes(transforms))) + [1., 0., 0., 0., 1., 0., 0., 0.])",
           "tests/models/test_single_frame.py"),
    # 4, the training.
    Mutant("Adam has its usual beta_1", "stmt_tf/train/create.py", "beta_1=0.5", "beta_1=0.9",
           _ADVERSARIAL + " -k adam_is"),
    Mutant("Adam has another beta_2", "stmt_tf/train/create.py", "beta_2=0.999", "beta_2=0.9",
           _ADVERSARIAL + " -k adam_is"),
    Mutant("stage 1 goes on in stage 2", "stmt_tf/models/generator.py",
           "self.single_frame.trainable = not freeze_stage1", "self.single_frame.trainable = True",
           "tests/models/test_generator.py -k only_the_heads"),
    Mutant("four source frames are three", "configs/multi_frame.flags", "--num_source_frames=4",
           "--num_source_frames=3", "tests/test_configs.py -k row_is_the_papers"),
    Mutant("eight target frames are seven", "configs/multi_frame.flags", "--num_target_frames=8",
           "--num_target_frames=7", "tests/test_configs.py -k row_is_the_papers"),
    Mutant("the worst snapshot is kept", "stmt_tf/train/callbacks.py", "if loss < float(self._state.best_loss):",
           "if loss > float(self._state.best_loss):", "tests/train/test_snapshot.py"),
    # 4.3, background substitution.
    Mutant("another place is the source's own", "stmt_tf/transfer/renderer.py", "generate(self._another, joints",
           "generate(self._encoded, joints", "tests/transfer/test_renderer.py -k another_source"),
]  # fmt: skip


def killer(mutant: Mutant) -> str:
    """The first test that fails where the mutant lives; empty if none does.

    Raises:
        ValueError: what is to be broken does not stand in its file, once.
        RuntimeError: the tests could not be run.
    """
    with tempfile.TemporaryDirectory() as scratch:
        for name in _COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(scratch, name))
        source = Path(scratch, mutant.path)
        text = source.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise ValueError(f"{mutant.path}: {mutant.old!r} stands there {text.count(mutant.old)} times, not once")
        source.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        status, told = _tested(scratch, mutant.tests.split())
    if status == 0:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", told, re.MULTILINE)
    if not failed:
        raise RuntimeError(f"{mutant.what}: the tests end with status {status}\n{told}")
    return failed[1]


def _tested(tree: str, tests: list[str]) -> tuple[int, str]:
    """The status that the tests of a tree end with in a fork, and what they tell."""
    with tempfile.TemporaryFile("w+") as told:
        child = os.fork()
        if not child:
            status = 1
            try:
                for stream in (1, 2):
                    os.dup2(told.fileno(), stream)
                os.chdir(tree)
                os.environ["PYTHONPATH"] = tree
                os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
                sys.path.insert(0, tree)
                sys.dont_write_bytecode = True
                status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
                sys.stdout.flush()
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        told.seek(0)
        return status, told.read()


def main() -> None:
    """Runs the mutants of these numbers, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", metavar="NUMBER", type=int, nargs="*", default=range(len(MUTANTS)))
    numbers = parser.parse_args().numbers
    import tensorflow  # noqa: F401  for all forks

    alive = 0
    for number in numbers:
        found = killer(MUTANTS[number])
        alive += not found
        print(f"{number:2d}  {MUTANTS[number].what}: {found or 'ALIVE'}", flush=True)
    sys.exit(min(alive, 1))


if __name__ == "__main__":
    main()
