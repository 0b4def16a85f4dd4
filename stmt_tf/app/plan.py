"""What a job is to make: where its inputs are copied to, which outputs come of them, and the flags that say so."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from stmt_tf.app.inputs import POSES
from stmt_tf.place.backdrop import TRANSPARENT, colour_of
from stmt_tf.transfer.keywords import TO_TRANSFER, as_config
from stmt_tf.transfer.several import one_for_each

_PICTURES = ("preview", "sheet", "attention")
_SAVED = dict(zip(POSES, ("save_source_poses", "save_poses")))
# What poses depend on, beside the files.
_PERSONS = ("source_person", "target_person")
_POSED_BY = ("source_start", "source_end", "start", "end", *_PERSONS)


@dataclasses.dataclass(frozen=True)
class Wish:
    """What somebody wants.

    Attributes:
        inputs: a file for each of the flags source, target and, if another place is to be shown, background; as source
            several photos, as target several videos, too. If poses are known: a file for source_poses, and as many for
            target_poses as there are targets, each of the target of its name, or else in their order.
        choices: further settings, by their flags' names; of `matte` whether there is to be one, and of `background`
            a colour alone.
        only: `people` or `preview`, if that picture is all that is to be made; empty: the video.

    Raises:
        TypeError, ValueError: there is no such choice, or it does not go with the inputs.
    """

    inputs: Mapping[str, Sequence[Path]]
    choices: Mapping[str, object]
    only: str = ""

    def __post_init__(self):
        as_config(self.settings, TO_TRANSFER)
        # Files are inputs alone: what is typed in must not name one of this machine.
        if (background := self.settings.get("background")) and colour_of(background) is None:
            raise ValueError(f"--background={background} is no colour. Give one such as green or #00ff00, or a file")
        count = len(self.inputs.get("target", ()))
        if count > 1 and (self.only == "people" or self.settings.get("target_person")):
            raise ValueError(
                f"People are numbered in one motion alone, got {count}. Give one, or leave its number at 0."
            )
        if (given := len(self.inputs.get("target_poses", [None] * count))) != count:
            raise ValueError(f"Poses must be given for each motion: got {given} files of poses for {count}.")

    @property
    def settings(self) -> dict[str, object]:
        """The choices that are flags as they are."""
        return {name: value for name, value in self.choices.items() if value is not None and name != "matte"}

    def has_poses_of(self, other: Wish) -> bool:
        """Whether the same poses will be found for both."""
        one, two = (
            [*map(wish.inputs.get, ("source", "target", *POSES)), *map(wish.settings.get, _POSED_BY)]
            for wish in (self, other)
        )
        return one == two

    def with_poses(self, poses: Mapping[str, Sequence[Path]]) -> Wish:
        """The same, with known poses, of the persons who were meant."""
        choices = {name: value for name, value in self.choices.items() if name not in _PERSONS}
        return dataclasses.replace(self, inputs={**self.inputs, **poses}, choices=choices)


class Plan:
    """How a wish is granted.

    Args:
        wish: what is wanted.
        directory: of the copies and the outputs.

    Attributes:
        copies: of the inputs, by the names of their flags; names of an input's files differ.
        outputs: paths by the names of their flags, one for each target: people or preview, output, sheet, attention,
            matte, save_poses; and one of save_source_poses.
        flags: of the transfer, all but the model's.
        stages: those of `stmt_tf.app.job.Progress` that follow the start.

    Raises:
        ValueError: what is wanted does not go together.
    """

    def __init__(self, wish: Wish, directory: Path):
        self.copies = {name: _copies(name, directory / name, paths) for name, paths in wish.inputs.items()}
        files, several = self._files(wish), len(wish.inputs.get("target", ())) > 1
        flags = {name: directory / (name if several else file) for name, file in files.items()}
        if wish.only != "people" and len(wish.inputs["source"]) == 1:
            flags["save_source_poses"] = directory / "save_source_poses" / f"{self.copies['source'][0].stem}.json"
        for name, copies in self.copies.items():
            if name == "target_poses":
                copies = _matched(copies, self.copies["target"])
            album = name == "source" and len(copies) > 1
            flags[name] = directory / name if album else ",".join(map(str, copies))
        self.flags = {**wish.settings, **flags}
        each = one_for_each(as_config(self.flags, TO_TRANSFER))
        self.outputs = {name: [Path(getattr(one, name)) for one in each] for name in files}
        if "save_source_poses" in flags:
            self.outputs["save_source_poses"] = [flags["save_source_poses"]]
        self.stages = ["poses"]
        if not wish.only:
            self.stages += ["rendering", "fine-tuning"] * bool(wish.settings.get("personalize")) + ["result"]

    def _files(self, wish: Wish) -> dict[str, str]:
        """What one target's outputs are called, by the names of their flags."""
        files = {name: f"{name}.png" for name in ([wish.only] if wish.only else _PICTURES)}
        if not wish.only:
            files["output"] = "result.webm" if wish.settings.get("background") == TRANSPARENT else "result.mp4"
            if wish.choices.get("matte"):
                files["matte"] = "mask.mp4"
        if wish.only != "people":
            files["save_poses"] = f"save_poses/{self.copies['target'][0].stem}.json"
        return files

    def saved_poses(self) -> dict[str, list[Path]]:
        """Where poses are saved, by the flags that take them."""
        return {name: self.outputs[saved] for name, saved in _SAVED.items() if saved in self.outputs}


def _copies(name: str, directory: Path, paths: Sequence[Path]) -> list[Path]:
    """A directory for each input, so that files keep their names in what is told; photos stay in their order.

    Several names must differ, and stand between commas.
    """
    if name == "source" and len(paths) > 1:
        return [directory / f"{number:03} {path.name}" for number, path in enumerate(paths, 1)]
    copies: dict[str, Path] = {}
    for number, path in enumerate(paths, 1):
        stem = path.stem.replace(",", "_")
        while stem in copies:
            stem += f" {number}"
        copies[stem] = directory / f"{stem}{path.suffix}"
    return list(copies.values())


def _matched(poses: Sequence[Path], videos: Sequence[Path]) -> list[Path]:
    """Files of poses in the order of the videos of their names; as they come, if some have no such name."""
    named = {path.stem: path for path in poses}
    return [named[video.stem] for video in videos] if named.keys() == {video.stem for video in videos} else poses
