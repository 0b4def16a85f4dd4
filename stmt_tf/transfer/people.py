"""Who is in view: the people of the source and of the target, by the numbers that settings take."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from absl import logging

from stmt_tf.pose.body import scaled_joints
from stmt_tf.pose.detections import Detections
from stmt_tf.pose.draw import draw_numbers, draw_skeleton
from stmt_tf.pose.tracks import PosedVideo, look_at
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.reader import read_chosen
from stmt_tf.video.sheet import contact_sheet, to_height, write_png

_HEIGHT = 480


@dataclasses.dataclass(frozen=True)
class People:
    """The people of one video, in a frame that shows most of them.

    Attributes:
        frame: the number of that frame, from 0.
        joints: float32 `[N, 14, 3]` in its pixels, from left to right; the first is person 1.
        picture: that frame with skeletons and numbers, uint8 RGB `[H, W, 3]`, 480 pixels high.
    """

    frame: int
    joints: np.ndarray
    picture: np.ndarray

    def __len__(self) -> int:
        return len(self.joints)


def posed(config: TransferConfig, name: str) -> PosedVideo:
    """The video `source`, `target` or `background`, where its poses come from, and whom to follow."""
    path, results = config.video(name), getattr(config, f"{name}_poses")
    person = getattr(config, f"{name}_person", 0)
    whom = {
        "one_shot": name == "source", "person": person, "everybody": bool(config.people), "cached": config.pose_cache
    }  # fmt: skip
    return PosedVideo.of_settings(path, config.pose, config.pose_model, results, **whom)


def find_people(config: TransferConfig) -> dict[str, People]:
    """The people of those of `source` and `target` that are given; see `MotionTransfer.people`."""
    videos = {name: posed(config, name) for name in ("source", "target") if getattr(config, name)}
    videos = {name: dataclasses.replace(video, everybody=True) for name, video in videos.items()}
    people = number_people(config, dict(zip(videos, look_at(list(videos.values())))))
    for name, each in people.items():
        logging.info("%s: %s", getattr(config, name), _counted(len(each)))
    return people


def number_people(config: TransferConfig, found: Mapping[str, Detections]) -> dict[str, People]:
    """The same of people who were found already, by `source` and `target`; writes the picture if one is asked for."""
    people = {name: _numbered(config, name, each) for name, each in found.items()}
    if config.people:
        rows = [(f"{name}: {_counted(len(each))}, frame {each.frame}", [each.picture]) for name, each in people.items()]
        write_png(config.people, contact_sheet(rows, _HEIGHT))
    return people


def _numbered(config: TransferConfig, name: str, found: Detections) -> People:
    lined = found.line_up()
    (image,) = read_chosen(config.video(name), [lined.frame])
    picture = to_height(image, _HEIGHT)
    poses = scaled_joints(lined.poses, _HEIGHT / image.shape[0])
    for pose in poses:
        picture = draw_skeleton(picture, pose, thickness=0.006)
    return People(lined.frame, lined.poses, draw_numbers(picture, poses))


def _counted(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'}"
