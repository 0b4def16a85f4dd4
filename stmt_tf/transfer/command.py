"""Makes the person of one video do the motion of another.

    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4
    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4 --background=place.jpg
    python -m stmt_tf.transfer --source=A.mp4 --live=0   (a camera or stream as the target, see stmt_tf.transfer.live)

The result shows the source's person and place (or another place), and has the target's frame count, times and
sound. Both videos are decoded frame by frame: memory does not grow with their length.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from absl import logging

from stmt_tf import flags
from stmt_tf.assets import AssetError
from stmt_tf.pose.estimators import PoseError
from stmt_tf.transfer.checks import check, check_live
from stmt_tf.transfer.motion_transfer import MotionTransfer
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.reader import VideoError


def main(argv: Sequence[str]) -> None:
    """Reads the flags and makes the video."""
    del argv  # nothing is left in it
    try:
        config = flags.read(TransferConfig)
        if config.live:
            check_live(config)
        elif config.output:
            check(config)
        else:
            raise ValueError("--output is required")
        transfer = MotionTransfer.from_pretrained(config.model)
        if config.personalize:
            from stmt_tf.personalize.command import check_start  # all that trains, which few transfers need

            check_start(config.model)
        (transfer.run_live if config.live else transfer.run)(config)
    except (AssetError, OSError, PoseError, ValueError, VideoError) as error:
        sys.exit(f"transfer: {error}")
    if config.output:
        logging.info("wrote %s", config.output)


def run() -> None:
    """The command."""
    flags.define(TransferConfig)
    flags.run(main, "transfer", interrupted="what was not complete was not written")
