"""Draws a figure like the paper's Fig. 8: people who do others' motions in other places, a few frames of each.

    python examples/substitution_figure.py --people A.mp4 B.mp4 --motions C.mp4 D.mp4 --places E.mp4 F.jpg \
        --output=G.png

Shows stmt_tf as a library: each video's poses are estimated once, and only the frames that are shown are made. Needs
the asset pose_landmarker.
"""

import argparse
import os
import sys

from stmt_tf.assets import AssetError
from stmt_tf.place.backdrop import covering, place_of_video
from stmt_tf.pose.estimators import PoseError
from stmt_tf.pose.tracks import PosedVideo, estimate_tracks
from stmt_tf.serving.inference import TransferModel
from stmt_tf.transfer.motion import fit_motion
from stmt_tf.transfer.renderer import Renderer
from stmt_tf.transfer.source import choose_frames, make_room, read_source
from stmt_tf.video.picture import is_picture, read_picture
from stmt_tf.video.reader import VideoError, probe, read_chosen
from stmt_tf.video.sheet import contact_sheet, write_png
from stmt_tf.zoo import find_model


def main(options):
    """Draws the figure.

    Raises:
        AssetError, OSError, PoseError, ValueError, VideoError: a file or the model cannot be used; which, and why.
    """
    films = [place for place in options.places if not is_picture(place)]
    videos = dict.fromkeys([*options.people, *options.motions, *films])  # without repetition, in order
    for path in videos:
        probe(path)  # before anything that takes time
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    model = TransferModel(find_model(options.model))
    tracks = dict(zip(videos, estimate_tracks([PosedVideo(path) for path in videos])))
    places = {
        place: read_picture(place) if is_picture(place) else place_of_video(place, tracks[place], model)
        for place in options.places
    }
    rows = []
    for target in options.motions:
        for number, person in enumerate(options.people):
            track = tracks[person]
            steps = choose_frames(track, model.num_source_frames)
            source = read_source(PosedVideo(person), track, steps, own_place=False)
            motion = fit_motion(target, tracks[target], track, "global")
            source = make_room(source, motion.retargeted)
            poses, steps = motion.retargeted, motion.sampled()
            if not number:
                rows.append((f"the motion of {target}", read_chosen(target, steps)))
            for name, place in places.items():
                shown = covering(place, source.frames[0].shape[:2])
                rows.append((f"{person}, in {name}", Renderer(model, source, place=shown).render(poses[steps])))
    write_png(options.output, contact_sheet(rows, 240))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--people", nargs="+", required=True, help="videos of the people to show")
parser.add_argument("--motions", nargs="+", required=True, help="videos of the motions to do")
parser.add_argument("--places", nargs="+", required=True, help="pictures, or videos whose people are taken out")
parser.add_argument("--model", default="", help="model; empty: the shipped model")
parser.add_argument("--output", required=True, help="PNG to write")
try:
    main(parser.parse_args())
except (AssetError, OSError, PoseError, ValueError, VideoError) as error:
    sys.exit(f"substitution_figure: {error}")
