"""Several targets for one source, which is prepared once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from absl import logging

from stmt_tf.place.backdrop import TRANSPARENT
from stmt_tf.pose.estimators import PoseError
from stmt_tf.transfer.motion_transfer import MotionTransfer
from stmt_tf.transfer.settings import TransferConfig, names_between_commas
from stmt_tf.video.encodings import EXTENSIONS
from stmt_tf.video.reader import VideoError

_OF_ONE = ("people", "target_person")
# Directories where there are several targets, and what each target's file in them ends with.
_OF_EACH = {
    "output": ".mp4", "matte": ".mp4", "preview": ".png", "sheet": ".png", "attention": ".png", "save_poses": ".json"
}  # fmt: skip
_OF_FILES = (*EXTENSIONS, ".png", ".json")


def one_for_each(config: TransferConfig) -> list[TransferConfig]:
    """The settings of each transfer: one, unless there are several targets between commas.

    Raises:
        ValueError: a flag is for one target alone, or not given for each, a name is empty, or two results would have
            the same name.
    """
    targets = names_between_commas("target", config.target)
    if len(targets) < 2:
        return [config]
    for name in _OF_ONE:
        if value := getattr(config, name):
            raise ValueError(f"--{name}={value} is for one --target, got {len(targets)}: leave it out")
    directories = {name: directory for name in _OF_EACH if (directory := getattr(config, name))}
    for name, directory in directories.items():
        if Path(directory).suffix.lower() in _OF_FILES:
            raise ValueError(f"--{name}={directory} must be a directory, as there are {len(targets)} targets")
    given = config.target_poses
    poses = names_between_commas("target_poses", given) if given else [""] * len(targets)
    if len(poses) != len(targets):
        raise ValueError(f"--target_poses={given} must name {len(targets)}, one for each target")
    stems = [Path(target).stem for target in targets]
    for target, stem in zip(targets, stems):
        if stems.count(stem) > 1:
            both = f"what {target} and another one become would be called {stem}"
            raise ValueError(f"--target: {both}. Rename one, or leave it out")
    endings = {**_OF_EACH, "output": ".webm" if config.background == TRANSPARENT else ".mp4"}

    def files(stem: str) -> dict[str, str]:
        return {name: os.path.join(directory, stem + endings[name]) for name, directory in directories.items()}

    return [
        dataclasses.replace(config, target=target, target_poses=own, **files(stem))
        for target, stem, own in zip(targets, stems, poses)
    ]


def transfer_each(transfer: MotionTransfer, each: Sequence[TransferConfig]) -> None:
    """Makes one video, or preview, for each of the settings, which were checked, and tells what became of them.

    A target that turns out to be of no use does not keep the others from being made.

    Raises:
        VideoError: some could not be made.
        Others as `MotionTransfer.__call__` does, of the source.
    """
    first = each[0]
    source = transfer.prepare(first)
    if first.personalize and first.output:
        transfer = transfer.personalized(source, first.personalize)
    run = transfer.run if first.output else transfer.run_preview
    told: list[str] = []
    failed = 0
    for config in each:
        try:
            run(dataclasses.replace(config, personalize=0.0), source)
            told.append(f"{config.target}: wrote {config.output or config.preview}")
        except (PoseError, ValueError, VideoError) as error:
            failed += 1
            told.append(f"{config.target}: not made: {error}")
    for line in told:
        logging.info("%s", line)
    if failed:
        raise VideoError(f"{failed} of {len(each)} targets could not be made, see above")
