"""The Python door: a model that makes the person of one video do the motion of another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Union

from stmt_tf.files import folders_of
from stmt_tf.place.backdrop import TRANSPARENT
from stmt_tf.transfer.checks import check, check_alone, check_live, check_people
from stmt_tf.transfer.keywords import OF_SOURCE, TO_FIND_PEOPLE, TO_PERFORM, TO_PREPARE, TO_TRANSFER, as_config
from stmt_tf.transfer.live import Report, perform
from stmt_tf.transfer.motion import Motion
from stmt_tf.transfer.people import People, find_people, posed
from stmt_tf.transfer.prepare import prepare, prepare_place, prepare_source
from stmt_tf.transfer.renderer import Renderer
from stmt_tf.transfer.result import Result
from stmt_tf.transfer.scene import into_target
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.sheets import preview_sheet
from stmt_tf.transfer.source import Source
from stmt_tf.video.excerpt import Excerpt
from stmt_tf.video.sheet import write_png
from stmt_tf.zoo import find_model

if TYPE_CHECKING:
    from stmt_tf.serving.inference import TransferModel


Named = Union[str, os.PathLike, Sequence[Union[str, os.PathLike]]]  # a video or photo, or several photos


class MotionTransfer:
    """Makes the person of one video do the motion of another, with one model.

    Example:
        >>> transfer = MotionTransfer.from_pretrained()
        >>> result = transfer("A.mp4", "B.mp4", output="C.mp4")

    Settings are those of `python -m stmt_tf.transfer`, by the same names and with the same defaults, which None gives.

    Args:
        model: a loaded model.
        directory: where it was loaded from, and where the weights lie that fine-tuning starts from; None: it cannot be
            fine-tuned.
    """

    def __init__(self, model: TransferModel, directory: str | None = None):
        self._model, self._directory = model, directory

    @classmethod
    def from_pretrained(cls, model: str | os.PathLike = "") -> MotionTransfer:
        """Loads a model by its name, directory, archive, URL or TensorFlow Hub handle, see `stmt_tf.zoo.find_model`.

        Raises:
            stmt_tf.serving.manifest.ModelError: there is none, it cannot be had, or is not a model of ours.
        """
        directory = find_model(model)
        # TensorFlow takes its time to load, which a mistyped name need not wait for.
        from stmt_tf.serving.inference import TransferModel

        return cls(TransferModel(directory), directory)

    def __call__(
        self, source: Named | Source, target: str | os.PathLike, output: str | os.PathLike = "", **settings
    ) -> Result:
        """Transfers the target's motion to the source's person.

        Args:
            source: video or photo of the person, and the place, to show; several photos of one person, as a list or a
                directory; or what `prepare_source` gave.
            target: video of the motion to do.
            output: video to write; empty: frames are made when the result's are asked for.
            **settings: see `python -m stmt_tf.transfer --help`.

        Raises:
            TypeError: there is no such setting, or a value is of another type.
            ValueError: settings do not go together or have no effect here, or the model cannot look at so many source
                frames.
            VideoError: a video cannot be read or written.
            PoseError: a video shows no person, or the pose estimator's model or results cannot be used.
            stmt_tf.assets.AssetError: the pose estimator's model cannot be had.
        """
        prepared = source if isinstance(source, Source) else None
        if prepared and (fixed := ", ".join(sorted(OF_SOURCE & set(settings)))):
            raise ValueError(f"{fixed}: what is prepared already does not change: give it to prepare_source")
        path = prepared.video.path if prepared else source
        config = as_config({"source": _named(path), "target": target, "output": output, **settings}, TO_TRANSFER)
        with folders_of(config.outputs()):
            check(config, prepared is not None)
            return self.run(config, prepared)

    @staticmethod
    def people(
        source: str | os.PathLike = "", target: str | os.PathLike = "", people: str | os.PathLike = "", **settings
    ) -> dict[str, People]:
        """The people in view, by the numbers that `source_person` and `target_person` take.

        Args:
            source, target: the videos of a transfer, one of them or both.
            people: PNG to write, of one frame of each with skeletons and numbers; empty: none.
            **settings: those of the poses, and which excerpts of the videos are meant; see `__call__`.

        Returns:
            For each of `source` and `target` that is given its `People`, of whom there may be none.

        Raises:
            As `__call__` does.
        """
        config = as_config({"source": source, "target": target, "people": people, **settings}, TO_FIND_PEOPLE)
        with folders_of(config.outputs()):
            check_people(config)
            return find_people(config)

    def live(self, source: Named, stream: str | int, output: str | os.PathLike = "", **settings) -> Report:
        """Does what a camera or stream shows, while it happens; see `stmt_tf.transfer.live`.

        Args:
            source: as for `__call__`, but not prepared.
            stream: a camera's number, a stream's URL or a file.
            output: video to write; empty: the frames are shown in a window alone.
            **settings: see `__call__`; it raises as that does.
        """
        config = as_config({"source": _named(source), "live": str(stream), "output": output, **settings}, TO_PERFORM)
        with folders_of(config.outputs()):
            check_live(config)
            return self.run_live(config)

    def prepare_source(self, source: Named, **settings) -> Source:
        """All that is done once for a source, so that several targets can be given to it; see `__call__`.

        It is given the settings of the source (`stmt_tf.transfer.keywords.OF_SOURCE`), `pose`, `pose_model`,
        `pose_cache` and `max_size`, and no others.
        """
        config = as_config({"source": _named(source), **settings}, TO_PREPARE)
        with folders_of(config.outputs()):
            check_alone(config)
            return self.prepare(config)

    def personalized(self, source: Source, minutes: float) -> MotionTransfer:
        """A copy of this model that is fine-tuned on a source; it cannot be fine-tuned again, as it lies on no disk.

        Args:
            source: what `prepare_source` gave.
            minutes: to train for; it takes a little more.

        Raises:
            TypeError: the source is not prepared.
            ValueError: this model cannot be fine-tuned.
            Others as `stmt_tf.personalize.command.personalize` does.
        """
        if not isinstance(source, Source):
            raise TypeError(f"source must be what prepare_source gives, got {source!r}")
        self._check_start(source.video.path)
        from stmt_tf.personalize.command import personalized  # all that trains, which few transfers need

        return MotionTransfer(personalized(source.video, source.track, minutes, self._directory))

    def prepare(self, config: TransferConfig) -> Source:
        """A source whose settings were checked; see `prepare_source`."""
        self._check(config)
        return prepare_source(config, self._model)

    def run(self, config: TransferConfig, source: Source | None = None) -> Result:
        """A transfer whose settings were checked; see `__call__`."""
        source, motion = self.run_preview(config, source)
        if config.scene == "target":
            shown, place, view = into_target(source, motion, posed(config, "target"), self._model)
        else:
            shown, place, view = source, prepare_place(config, self._model, source), None
        model, transparent = self._model_for(source, config), config.background == TRANSPARENT
        renderer = Renderer(model, shown, config.crop_only, place, config.max_size, transparent, view)
        result = Result(renderer, source, motion, renderer.place if isinstance(place, Source) else place)
        if config.output:
            result.write(config.output, config.layout, config.sheet, config.matte)
        if config.attention:
            result.write_attention(config.attention)
        return result

    def run_preview(self, config: TransferConfig, source: Source | None = None) -> tuple[Source, Motion]:
        """The beginning of such a transfer, up to its preview if there is to be one."""
        self._check(config)
        source, motion = prepare(config, self._model, source)
        if config.preview:
            write_png(config.preview, preview_sheet(source, motion))
        return source, motion

    def run_live(self, config: TransferConfig) -> Report:
        """A live transfer whose settings were checked; see `live`."""
        source = self.prepare(config)
        place = prepare_place(config, self._model, source)
        return perform(config, self._model_for(source, config), source, place)

    def _check(self, config: TransferConfig) -> None:
        """Finds what cannot be done with this model before anything slow begins."""
        self._model.check_source_count(config.num_source_frames)
        if config.max_size < self._model.size and self._model.takes_any_size:
            raise ValueError(f"--max_size={config.max_size} is less than this model's least, {self._model.size}")
        if config.personalize:
            self._check_start(config.video("source"))

    def _check_start(self, source: str | Excerpt) -> None:
        if self._directory is None:
            raise ValueError(
                "this model has no directory whose weights fine-tuning could start from, or was fine-tuned already: "
                "personalize one of MotionTransfer.from_pretrained"
            )
        from stmt_tf.personalize.command import check_start

        check_start(self._directory, source)

    def _model_for(self, source: Source, config: TransferConfig) -> TransferModel:
        return self.personalized(source, config.personalize)._model if config.personalize else self._model


def _named(source: Named) -> str | os.PathLike:
    """The source as its setting names it."""
    return ",".join(map(os.fspath, source)) if isinstance(source, (list, tuple)) else source
