"""Looping pictures of what a transfer does: source, motion and result beside each other, as animated WebP.

    python examples/loops.py --output=docs

makes loop-1.webp to loop-3.webp of rendered people, whom nobody's picture is used for; the third one in another place.
Each is of `--seconds` and of `--height` pixels. Needs mediapipe, as `stmt_tf.transfer` does.
"""

import argparse
import os
import sys
import tempfile

import av
import cv2
import numpy as np

from dancers import render_video
from stmt_tf import MotionTransfer
from stmt_tf.assets import AssetError
from stmt_tf.video.reader import read_frames
from stmt_tf.video.writer import VideoWriter

FPS, SIZE = 12.5, 384
SOURCES, TARGETS = (2, 31, 14), (9, 18, 33)  # numbers of the people in their endless series
PLACE = 52  # the person whose place the third one is shown in


def write_video(path, number, seconds):
    """Writes a video of a rendered person."""
    video = render_video(5, number, SIZE, round(seconds * FPS), FPS)
    with VideoWriter(path, (SIZE, SIZE), FPS) as writer:
        for frame in video.frames:
            writer.write(frame)
    return path


def write_loop(path, frames):
    """Writes frames as an animated WebP that plays for ever."""
    with av.open(path, "w", format="webp", options={"loop": "0"}) as container:
        stream = container.add_stream("libwebp_anim", rate=round(FPS), options={"quality": "70"})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def main(options):
    """Makes the three pictures.

    Raises:
        AssetError, OSError, ValueError: a picture cannot be written, or the model not be used; why.
    """
    os.makedirs(options.output, exist_ok=True)
    transfer = MotionTransfer.from_pretrained(options.model)
    with tempfile.TemporaryDirectory() as scratch:

        def film(number):
            """The video of a rendered person, made once."""
            path = os.path.join(scratch, f"{number}.mp4")
            return path if os.path.exists(path) else write_video(path, number, 2 * options.seconds)

        for i, (source, target) in enumerate(zip(SOURCES, TARGETS), 1):
            result = transfer(film(source), film(target), background=film(PLACE) if i == 3 else "")
            videos = ((frame.image for frame in read_frames(film(number))) for number in (source, target))
            shown = zip(*videos, result.frames)
            size = (options.height, options.height)
            panels = [
                np.concatenate([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images], 1)
                for images in shown
            ]
            write_loop(os.path.join(options.output, f"loop-{i}.webp"), panels[: round(options.seconds * FPS)])


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--output", required=True, help="directory to write the pictures into")
parser.add_argument("--model", default="", help="model directory; empty: the shipped model")
parser.add_argument("--seconds", type=float, default=5.0, help="length of a loop")
parser.add_argument("--height", type=int, default=224, help="of the pictures in pixels, even")
given = parser.parse_args()
if given.height < 2 or given.height % 2 or not given.seconds * FPS >= 2:
    parser.error(f"an even --height and two frames at least: got {given.height} pixels, {given.seconds} s")
try:
    main(given)
except (AssetError, OSError, ValueError) as error:
    sys.exit(f"loops: {error}")
