"""Two videos to one, as a command."""

from __future__ import annotations

import sys

from absl import logging

from stmt_tf.assets import AssetError
from stmt_tf.pose.estimators import PoseError
from stmt_tf.transfer.checks import check, check_live
from stmt_tf.transfer.motion_transfer import MotionTransfer
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.reader import VideoError


def main(config: TransferConfig) -> None:
    """Makes the video, or shows what happens."""
    try:
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
