"""Two videos to one, as a command."""

from __future__ import annotations

import sys

from absl import logging

from stmt_tf.assets import AssetError
from stmt_tf.files import folders_of
from stmt_tf.pose.estimators import PoseError
from stmt_tf.transfer.checks import check, check_live, check_people
from stmt_tf.transfer.motion_transfer import MotionTransfer
from stmt_tf.transfer.people import find_people
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.several import one_for_each, transfer_each
from stmt_tf.video.reader import VideoError


def main(config: TransferConfig) -> None:
    """Makes the video, or several, or the preview alone, or shows what happens, or who is in view."""
    try:
        each = one_for_each(config)
        if config.people and not (config.output or config.preview or config.live):
            _show_people(config)
            return
        if not (config.output or config.live or config.preview):
            raise ValueError("--output is required; for a picture alone, --preview or --people")
        is_preview = not (config.output or config.live)
        if is_preview and config.attention:
            raise ValueError(f"--attention={config.attention} shows frames of --output, which is not given")
        with folders_of(path for one in each for path in one.outputs()):
            for one in each:
                check_live(one) if one.live else check(one)
            logging.info("loading the model")  # and TensorFlow, which takes seconds
            transfer = MotionTransfer.from_pretrained(config.model)
            if len(each) > 1:
                transfer_each(transfer, each)
            else:
                run = transfer.run_preview if is_preview else transfer.run_live if config.live else transfer.run
                run(config)
                if written := config.output or config.preview:
                    logging.info("wrote %s", written)
    except (AssetError, OSError, PoseError, ValueError, VideoError) as error:
        sys.exit(f"transfer: {error}")


def _show_people(config: TransferConfig) -> None:
    with folders_of([config.people]):
        check_people(config)
        find_people(config)
        logging.info("wrote %s", config.people)
