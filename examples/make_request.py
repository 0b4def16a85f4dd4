"""Makes of two videos what `serve_grpc.py` and `serve_rest.py` send: source frames, their poses, the target's poses.

    python examples/make_request.py --source=A.mp4 --target=B.mp4 --size=128 --output=REQUEST

Does what `stmt_tf.transfer` does before it runs the model. Needs stmt_tf, and its asset pose_landmarker.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from stmt_tf.pose.crop import Crop
from stmt_tf.pose.retarget import retarget
from stmt_tf.pose.selection import select_source_frames
from stmt_tf.pose.tracks import PosedVideo, estimate_tracks
from stmt_tf.transfer.sheets import read_chosen
from stmt_tf.video.reader import VideoError, probe

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--source", required=True, help="video of the person to show")
parser.add_argument("--target", required=True, help="video of the motion to do")
parser.add_argument("--size", type=int, default=128, help="side of the model's frames in pixels")
parser.add_argument("--num_source_frames", type=int, default=4)
parser.add_argument("--output", type=Path, required=True, help="directory to write")
options = parser.parse_args()

try:
    infos = [probe(path) for path in (options.source, options.target)]
except VideoError as error:
    sys.exit(str(error))
try:
    options.output.mkdir(parents=True, exist_ok=True)  # now, and not after minutes
    if any(options.output.iterdir()):
        sys.exit(f"{options.output}: holds something already, give another --output")
except OSError as error:
    sys.exit(f"{options.output}: cannot be made ({error.strerror}), give another --output")

source_track, target_track = estimate_tracks([PosedVideo(options.source), PosedVideo(options.target)])
chosen = select_source_frames(source_track, options.num_source_frames, "coverage", seed=0)
motion = retarget(target_track, source_track, "global")
crop = Crop.around(np.concatenate([source_track, motion]), (infos[0].height, infos[0].width))

for number, frame in enumerate(read_chosen(options.source, chosen)):
    picture = tf.io.encode_jpeg(crop.extract(frame, options.size), quality=95).numpy()
    (options.output / f"{number:02d}.jpg").write_bytes(picture)
np.save(options.output / "source_joints.npy", crop.to_crop(source_track[chosen], options.size))
np.save(options.output / "target_joints.npy", crop.to_crop(motion, options.size))
