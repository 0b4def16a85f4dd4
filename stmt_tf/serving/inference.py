"""The servable model: a SavedModel that needs nothing of this package to run.

A model directory holds `saved_model.pb`, `variables/` and `model.json` (the model's config, and K if it is fixed).
The SavedModel offers functions, whose axes are B batch, N source frames, L target frames:

    encode_source(frames uint8 [B, N, H, W, 3], joints float32 [B, N, 14, 3] (, mattes)) -> source features, a dict
    generate(source, target_joints float32 [B, L, 14, 3]) -> dict of uint8 images, as in `TransferModel.generate`
    affinity(source, target_joints), of a model of any frame size -> float32 [B, L, N, 10], see `TransferModel.affinity`
    choose(source, target_joints), likewise -> dict of a `stmt_tf.models.frame_size.Choice`
    decide(choice, warped), likewise -> dict of a `stmt_tf.models.frame_size.Decided`, of what `choose` gave and the
        parts warped as it says, float32 [B * L, K * 10, n, n, 5]

and the signatures of `stmt_tf.serving.signatures`, for model servers.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from stmt_tf.config import ModelConfig
from stmt_tf.models.generator import Generator
from stmt_tf.models.versions import newest
from stmt_tf.serving.frame_size import CARRIED_BY, foregrounds_at_frame_size, warped_parts
from stmt_tf.serving.manifest import ModelError, read_manifest, write_manifest
from stmt_tf.serving.signatures import servable

_CARRIED = ("foreground", "mask")  # what need not be made in the graph


def save_model(
    generator: Generator,
    config: ModelConfig,
    directory: str,
    extra_files: Sequence[str] = (),
    weights: str = "float32",
) -> None:
    """Writes a model directory, whole or not at all.

    Args:
        generator: the trained model.
        config: its config.
        directory: where to; it must not exist.
        extra_files: files to copy into it.
        weights: how the weights are stored, see `stmt_tf.serving.weights`.

    Raises:
        FileExistsError: the directory exists.
        OSError: it cannot be written.
    """
    directory = directory.rstrip("/")
    if os.path.exists(directory):
        raise FileExistsError(f"{directory} exists: remove it first, or give another directory")
    parent = os.path.dirname(directory) or "."
    os.makedirs(parent, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=".writing-", dir=parent)
    try:
        module, signatures = servable(generator, weights)
        tf.saved_model.save(module, temporary, signatures=signatures)
        write_manifest(temporary, config, generator.num_source_frames)
        for path in extra_files:
            shutil.copy(path, temporary)
        os.chmod(temporary, 0o755)  # a temporary directory is its owner's alone
        os.replace(temporary, directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class TransferModel:
    """A model directory, loaded.

    The functions run as they were loaded: with the weights frozen into the graph they took no less time (see
    `benchmarks/README.md`).

    Args:
        directory: what `save_model` wrote, or a directory of versions of it (see `stmt_tf.serving.versions`).

    Attributes:
        config: the model's shape.
        size: side in pixels of the square frames that its networks look at.
        takes_any_size: whether it takes and makes frames of any multiple of that; else of that alone.
        num_source_frames: K that its attention was built for; None if it takes any number.

    Raises:
        ModelError: the directory does not exist or is not a model of ours.
    """

    def __init__(self, directory: str):
        directory = newest(directory)
        self.config, self.num_source_frames = read_manifest(directory)
        self.size = self.config.size
        self.takes_any_size = self.config.fusion == "parts"
        try:
            self._model = tf.saved_model.load(directory)
        except (IndexError, OSError, ValueError, tf.errors.OpError) as error:  # IndexError: weights are cut off
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"{directory}: holds no sound SavedModel ({reason}). Export it again") from error
        for name in ("encode_source", "generate", *(["affinity"] if self.takes_any_size else [])):
            if not hasattr(self._model, name):
                raise ModelError(f"{directory}: holds no sound SavedModel (no function {name}). Export it again")
        self._generate_some: dict[tuple[str, ...], tf.types.experimental.GenericFunction] = {}

    def check_source_count(self, count: int) -> None:
        """Raises ValueError if the model cannot look at so many source frames."""
        if self.num_source_frames is not None and count > self.num_source_frames:
            raise ValueError(
                f"--num_source_frames={count}: this model's attention was built for {self.num_source_frames} source "
                "frames; give at most that"
            )

    def encode_source(
        self,
        frames: np.ndarray,
        joints: np.ndarray,
        mattes: np.ndarray | None = None,
    ) -> Mapping[str, tf.Tensor]:
        """All that depends on the source alone, to be given to `generate`.

        Args:
            frames: uint8 `[N, S, S, 3]`, RGB; S is `size`, or for a model of any frame size a multiple of it.
            joints: `[N, 14, 3]`, pixels of the frames.
            mattes: float32 `[N, S, S]`, 1 on the person, negative where not known; None: nowhere known. A model of
                fixed size has no use for them.

        A model of fixed K is shown fewer frames repeatedly, in turn.

        Raises:
            ValueError: more frames than the model can look at, or of a size that it cannot take.
        """
        self.check_source_count(len(frames))
        side = frames.shape[1]
        if frames.shape[2] != side or (side % self.size if self.takes_any_size else side != self.size):
            multiple = "a multiple of " if self.takes_any_size else ""
            raise ValueError(f"frames must be square, their side {multiple}{self.size} pixels, got {frames.shape[1:3]}")
        if self.num_source_frames is not None:
            turn = np.arange(self.num_source_frames) % len(frames)
            frames, joints = frames[turn], joints[turn]
        arguments = [tf.constant(frames[None]), tf.constant(joints[None], tf.float32)]
        if self.takes_any_size:
            given = np.zeros([0, side, side], np.float32) if mattes is None else mattes
            arguments.append(tf.constant(given[None, ..., None], tf.float32))
        return self._model.encode_source(*arguments)

    def affinity(self, source: Mapping[str, tf.Tensor], target_joints: np.ndarray) -> np.ndarray:
        """How near each source frame shows each part as the target poses have it, float32 `[T, N, 10]`.

        Args:
            source: what `encode_source` gave.
            target_joints: `[T, 14, 3]`, pixels of the frames.
        """
        return self._model.affinity(source, tf.constant(target_joints[None], tf.float32))[0].numpy()

    def generate(
        self, source: Mapping[str, tf.Tensor], target_joints: np.ndarray, names: tuple[str, ...] = ()
    ) -> dict[str, np.ndarray]:
        """Makes one frame for each target pose.

        Args:
            source: what `encode_source` gave.
            target_joints: `[T, 14, 3]`, pixels of the frames.
            names: which of the images to make; what they do not need is not computed. Empty: all.

        Returns:
            uint8 images: `frame`, `foreground`, `background` `[T, S, S, 3]`, `mask` `[T, S, S, 1]` (255 on the person),
            S the side of the source's frames; of the paper's models also `warped` `[T, S, S, 3]`. Of a model with
            attention also float32 `foreground_attention`, and of the paper's `background_attention`, `[T, N, h, w]`,
            which sum to 1 over N; of one with attention over parts `part_attention` `[T, K, P, h, w]`.
        """
        if self._is_carried(source, names):
            made = zip(*self.layers(source, target_joints, names))
            return {name: np.stack(images) for name, images in zip(names, made)}
        function = self._function_of(names) if names else self._model.generate
        outputs = function(source, tf.constant(target_joints[None], tf.float32))
        return {name: image[0].numpy() for name, image in outputs.items()}

    def layers(
        self, source: Mapping[str, tf.Tensor], target_joints: np.ndarray, names: tuple[str, ...]
    ) -> Iterator[tuple[np.ndarray, ...]]:
        """The images of `generate`, pose by pose.

        When it returns the networks have run. What OpenCV does is done when the images of a pose are asked for, which
        another thread may do, while this one goes on to the next poses.

        Args:
            source, target_joints, names: as for `generate`, at least one name.

        Yields:
            For each pose its images, in the order of their names.
        """
        if not self._is_carried(source, names):
            made = self.generate(source, target_joints, names)
            return zip(*(made[name] for name in names))
        # `.numpy()` would copy what it gives.
        frames, parts = (np.asarray(source[name])[0] for name in ("frames", "parts"))
        choice = self._model.choose(source, tf.constant(target_joints[None], tf.float32))
        choice_here = {name: np.asarray(value) for name, value in choice.items()}
        decided = self._model.decide(choice, tf.constant(warped_parts(parts, choice_here)))
        decided = {name: np.asarray(decided[name]) for name in CARRIED_BY}
        order = [_CARRIED.index(name) for name in names]
        made = foregrounds_at_frame_size(frames, choice_here, decided)
        return (tuple(images[k] for k in order) for images in made)

    def _is_carried(self, source: Mapping[str, tf.Tensor], names: tuple[str, ...]) -> bool:
        """Whether OpenCV makes these images; models that were saved by earlier versions have no function for it.

        On a GPU the graph makes them: the source's frames are there.
        """
        if not self.takes_any_size or not hasattr(self._model, "choose") or "GPU" in source["frames"].device:
            return False
        return source["frames"].shape[2] != self.size and bool(names) and set(names) <= set(_CARRIED)

    def _function_of(self, names: tuple[str, ...]) -> tf.types.experimental.GenericFunction:
        """`generate`, as it was saved, for these results alone."""
        if names not in self._generate_some:
            # What earlier versions saved is a function that holds the one that is meant.
            (saved,) = getattr(self._model.generate, "concrete_functions", [self._model.generate])
            signature, _ = saved.structured_input_signature

            # Without the signature, each size of the frames, at first, would have a graph made.
            @tf.function(input_signature=signature, autograph=False)
            def generate_some(source, target_joints):
                outputs = self._model.generate(source, target_joints)
                return {name: outputs[name] for name in names}

            self._generate_some[names] = generate_some
        return self._generate_some[names]
