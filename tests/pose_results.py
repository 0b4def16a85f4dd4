"""Somebody whose keypoints are all known, a video of them, and their results as each pose tool would write them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from dancer import dance

from stmt_tf.pose import skeleton as s

WIDTH, HEIGHT, LENGTH = 320, 200, 40
_OPENPOSE_NAME = "dance_{:012d}_keypoints.json"

_COCO = [
    "nose",
    *(f"{side}_{part}" for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
      for side in ("left", "right")),
]  # fmt: skip
_OPENPOSE = ["nose", *s.JOINTS[1:]]
_FACE = ["right_eye", "left_eye", "right_ear", "left_ear"]
_FEET = [f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")]
_HALPE = [*_COCO, "head", "neck", "pelvis", *(f"{side}_{part}" for part in ("big_toe", "small_toe", "heel")
                                               for side in ("left", "right"))]  # fmt: skip

# The keypoints of each layout, in its order.
LAYOUTS = {
    "MPI-15": [*s.JOINTS, "chest"],
    "MPII-16": [
        *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "neck"),
        *("upper_neck", "head", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder"),
        *("left_elbow", "left_wrist"),
    ],
    "COCO-17": _COCO,
    "Human3.6M-17": [
        *("pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "neck"),
        *("nose", "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist"),
    ],
    "COCO-18": [*_OPENPOSE, *_FACE],
    "COCO-17 and the neck": [*_COCO, "neck"],
    "BODY_25": [*_OPENPOSE[:8], "pelvis", *_OPENPOSE[8:], *_FACE, *_FEET],
    "BODY_25B": [*_COCO, "upper_neck", "head", *_FEET],
    "COCO-25": [*_COCO[:5], "neck", *_COCO[5:13], "pelvis", *_COCO[13:], *_FEET],
    "HALPE-26": _HALPE,
    "whole body 133": [*_COCO, *_FEET, *["nose"] * 68, *["left_wrist"] * 21, *["right_wrist"] * 21],
    "whole body 134": [*_OPENPOSE, *_FACE, *_FEET, *["nose"] * 68, *["left_wrist"] * 21, *["right_wrist"] * 21],
    "HALPE-136": [*_HALPE, *["nose"] * 68, *["left_wrist"] * 21, *["right_wrist"] * 21],
}


def person(seed: int = 0) -> np.ndarray:
    """The joints `[T, 14, 3]` of somebody who dances in the middle of the picture."""
    joints = dance(seed, LENGTH, x=WIDTH / 2) * np.float32([1, 0.9, 1])
    shoulders, skull = _face(joints)
    # Neck and head, as the layouts that have none derive them.
    joints[:, s.NECK, :2] = 0.8 * shoulders + 0.2 * skull
    joints[:, s.HEAD, :2] = 1.75 * skull - 0.75 * shoulders
    joints[..., 2] = 0.9
    return joints


def _face(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middle between the shoulders, and between the ears."""
    shoulders = joints[:, [s.RIGHT_SHOULDER, s.LEFT_SHOULDER], :2].mean(1)
    return shoulders, shoulders + np.float32([1.0, -17.0])


def keypoints(joints: np.ndarray, layout: str) -> np.ndarray:
    """The same person's keypoints `[T, K, 3]` in a layout."""
    named = dict(zip(s.JOINTS, np.moveaxis(joints, 1, 0)))
    shoulders, skull = _face(joints)

    def add(name, points):
        named[name] = np.concatenate([points, np.full((len(points), 1), 0.9)], 1)

    for name, x, y in (("eye", 3, -1), ("ear", 6, 0)):
        add(f"left_{name}", skull + (x, y))
        add(f"right_{name}", skull + (-x, y))
    add("nose", skull + (0, 3))
    add("upper_neck", shoulders - (0, 7))
    for side in ("left", "right"):
        ankle = named[f"{side}_ankle"][:, :2]
        for part, x, y in (("big_toe", -6, 8), ("small_toe", 6, 7), ("heel", 0, 4)):
            add(f"{side}_{part}", ankle + (x, y))
    pelvis = (named["left_hip"] + named["right_hip"])[:, :2] / 2
    neck = named["neck"][:, :2]
    for name, share in (("pelvis", 1.0), ("spine", 0.6), ("chest", 0.4)):
        add(name, share * pelvis + (1 - share) * neck)
    return np.stack([named[name] for name in LAYOUTS[layout]], 1).astype(np.float32)


def pictures(joints: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """What a camera that stands still shows of them."""
    place = np.random.default_rng(seed).uniform(60, 160, (HEIGHT // 20, WIDTH // 20, 3)).astype(np.float32)
    place = cv2.resize(place, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)
    shown = []
    for pose in joints:
        image = place.copy()
        for one, other in (*s.BONES, (s.RIGHT_SHOULDER, s.RIGHT_HIP), (s.LEFT_SHOULDER, s.LEFT_HIP)):
            ends = [np.rint(pose[joint, :2]).astype(int).tolist() for joint in (one, other)]
            cv2.line(image, *ends, (240, 230, 200), 8)
        shown.append(image)
    return shown


def openpose(path: Path, points: np.ndarray, first: int = 0, name: str = _OPENPOSE_NAME, **content) -> str:
    """A file for each frame, as OpenPose's --write_json makes them."""
    path.mkdir()
    for number, frame in enumerate(points, first):
        (path / name.format(number)).write_text(json.dumps({"version": 1.3, **_openpose(frame), **content}))
    return str(path)


def _openpose(frame, bodies="people", body="pose_keypoints_2d"):
    return {bodies: [{body: frame.ravel().tolist(), "face_keypoints_2d": None}]}


def comfyui(path: Path, points: np.ndarray, **content) -> str:
    """All frames in one list."""
    path.write_text(json.dumps([{**_openpose(frame), **content} for frame in points]))
    return str(path)


def alphapose(path: Path, points: np.ndarray, first: int = 0, name: str = "{}.jpg") -> str:
    """AlphaPose's default form."""
    entries = [
        {"image_id": name.format(number), "category_id": 1, "keypoints": frame.ravel().tolist(), "score": 2.9}
        for number, frame in enumerate(points, first)
    ]
    path.write_text(json.dumps(entries))
    return str(path)


def alphapose_open(path: Path, points: np.ndarray) -> str:
    """AlphaPose's --format open."""
    path.write_text(json.dumps({f"{number}.jpg": _openpose(frame) for number, frame in enumerate(points)}))
    return str(path)


def alphapose_cmu(path: Path, points: np.ndarray) -> str:
    """AlphaPose's --format cmu."""
    path.write_text(
        json.dumps({f"{number}.jpg": _openpose(frame, "bodies", "joints") for number, frame in enumerate(points)})
    )
    return str(path)


def _instances(frame):
    return [{"keypoints": frame[:, :2].tolist(), "keypoint_scores": frame[:, 2].tolist(), "bbox": [[0, 0, 9, 9]]}]


def mmpose_demo(path: Path, points: np.ndarray) -> str:
    """What MMPose's demos save; they count from 1."""
    frames = [{"frame_id": number, "instances": _instances(frame)} for number, frame in enumerate(points, 1)]
    path.write_text(json.dumps({"meta_info": {"dataset_name": "coco"}, "instance_info": frames}))
    return str(path)


def mmpose_video(path: Path, points: np.ndarray) -> str:
    """What MMPose's inferencer saves of a video."""
    frames = [{"frame_id": number, "instances": _instances(frame)} for number, frame in enumerate(points)]
    path.write_text(json.dumps(frames))
    return str(path)


def mmpose_pictures(path: Path, points: np.ndarray) -> str:
    """What MMPose's inferencer saves of a directory of pictures."""
    path.mkdir()
    for number, frame in enumerate(points):
        (path / f"{number:05d}.json").write_text(json.dumps(_instances(frame)))
    return str(path)
