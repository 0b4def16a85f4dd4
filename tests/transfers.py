"""What tests of transfers share: a model that can be told by its colours, and files of rendered dancers."""

from __future__ import annotations

import json

import numpy as np

from dancers.render import RenderedVideo, render_video
from stmt_tf.video.writer import VideoWriter


class Layered:
    """Gives what a model generates pose by pose, as `TransferModel.layers` does."""

    def layers(self, source, target_joints, names):
        made = self.generate(source, target_joints, names)
        return zip(*(made[name] for name in names))


class Painter(Layered):
    """A model that paints everybody red, in a frame around their joints, and every place green."""

    size = 32
    takes_any_size = False
    num_source_frames = None

    def check_source_count(self, count):
        if count > 8:
            raise ValueError(f"{count} source frames are too many")

    def encode_source(self, frames, joints, mattes=None):
        assert frames.dtype == np.uint8 and frames.shape == (len(joints), 32, 32, 3)
        return {"background_mask": Plain(np.ones((1, len(frames), 32, 32, 1), np.float32))}

    def generate(self, source, target_joints, names=()):
        shape = (len(target_joints), 32, 32)
        mask = np.zeros((*shape, 1), np.uint8)
        for i, pose in enumerate(target_joints):
            low, high = (f(pose[:, :2], axis=0).round().astype(int).clip(0, 31) for f in (np.min, np.max))
            mask[i, low[1] : high[1] + 1, low[0] : high[0] + 1] = 255
        red, green = (np.broadcast_to(np.array(c, np.uint8), (*shape, 3)) for c in ((255, 0, 0), (0, 255, 0)))
        frame = np.where(mask > 0, red, green)
        made = {"frame": frame, "foreground": red, "background": green, "mask": mask}
        return {name: made[name] for name in names}


class Plain:
    def __init__(self, array):
        self.array = array

    def __getitem__(self, i):
        return Plain(self.array[i])

    def numpy(self):
        return self.array


def write_poses(path, joints):
    """AlphaPose's results, MPII's 16 keypoints, which hold our 14; frames without a joint have no entry."""
    order = [10, 9, 8, 11, 12, 13, None, 1, None, 0, 4, 3, 2, 5, 6, 7]
    entries = []
    for i, pose in enumerate(joints):
        keypoints = [[0.0, 0.0, 0.0] if j is None else pose[j].tolist() for j in order]
        if (pose[:, 2] > 0).any():
            entries.append({"image_id": f"{i}.jpg", "keypoints": sum(keypoints, [])})
    path.write_text(json.dumps(entries))
    return str(path)


def save(path, video: RenderedVideo, fps=25, times=None, audio=None):
    height, width = video.frames[0].shape[:2]
    with VideoWriter(path, (width, height), fps, audio_from=audio) as writer:
        for i, frame in enumerate(video.frames):
            writer.write(frame, None if times is None else times[i])
    return str(path)


def save_posed(folder, length: int, size: int = 64) -> dict[str, str]:
    """Writes videos of two dancers at 12.5 frames a second; returns the settings that name them and their poses."""
    made = {"pose": "alphapose"}
    for name, index in (("source", 1), ("target", 5)):
        dancer = render_video(3, index, size, length, 12.5)
        made[name] = save(folder / f"{name}.mp4", dancer)
        made[f"{name}_poses"] = write_poses(folder / f"{name}.json", dancer.joints)
    return made
