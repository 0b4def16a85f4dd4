"""Several targets for one source, which is prepared once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from absl import logging

from stmt_tf.place.backdrop import TRANSPARENT
from stmt_tf.pose.estimators import RESULT_READERS, PoseError
from stmt_tf.transfer.motion_transfer import MotionTransfer
from stmt_tf.transfer.settings import OUTPUTS, TransferConfig
from stmt_tf.video.encodings import EXTENSIONS
from stmt_tf.video.reader import VideoError

_OF_ONE = (*(name for name in OUTPUTS if name not in ("output", "save_source_poses")), "target_poses", "target_person")


def one_for_each(config: TransferConfig) -> list[TransferConfig]:
    """The settings of each transfer: one, unless there are several targets between commas.

    Raises:
        ValueError: a flag is for one target alone, or two results would have the same name.
    """
    targets = config.target.split(",")
    if len(targets) < 2 or os.path.exists(config.target):
        return [config]
    for name in _OF_ONE:
        if getattr(config, name):
            raise ValueError(f"--{name}={getattr(config, name)} is for one --target, got {len(targets)}: leave it out")
    if config.pose in RESULT_READERS:
        raise ValueError(f"--pose={config.pose} needs --target_poses, which is for one --target, got {len(targets)}")
    if Path(config.output).suffix.lower() in EXTENSIONS:
        raise ValueError(f"--output={config.output} must be a directory, as there are {len(targets)} targets")
    extension = ".webm" if config.background == TRANSPARENT else ".mp4"
    made = {target: os.path.join(config.output, Path(target).stem + extension) for target in targets}
    for target, path in made.items():
        if list(made.values()).count(path) > 1 or targets.count(target) > 1:
            raise ValueError(f"--target: two of the videos would become {path}. Give them other names")
    return [dataclasses.replace(config, target=target, output=path) for target, path in made.items()]


def transfer_each(transfer: MotionTransfer, each: Sequence[TransferConfig]) -> None:
    """Makes one video for each of the settings, which were checked, and tells at the end what became of them.

    A target that turns out to be of no use does not keep the others from being made.

    Raises:
        VideoError: some could not be made.
        Others as `MotionTransfer.__call__` does, of the source.
    """
    first = each[0]
    source = transfer.prepare(first)
    if first.personalize:
        transfer = transfer.personalized(source, first.personalize)
    told: list[str] = []
    failed = 0
    for config in each:
        try:
            transfer.run(dataclasses.replace(config, personalize=0.0), source)
            told.append(f"{config.target}: wrote {config.output}")
        except (PoseError, ValueError, VideoError) as error:
            failed += 1
            told.append(f"{config.target}: not made: {error}")
    for line in told:
        logging.info("%s", line)
    if failed:
        raise VideoError(f"{failed} of {len(each)} targets could not be made, see above")
