"""A person made of bones, who dances."""

from __future__ import annotations

import numpy as np

from stmt_tf.pose import body, skeleton

ANKLES = [skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE]
# Angles of each kind of bone at rest, right and left, in degrees: 0 to the image's right, 90 down.
REST = {
    "torso": (-90, -90),
    "hips": (180, 0),
    "head": (-90, -90),
    "shoulders": (170, 10),
    "thigh": (92, 88),
    "shin": (90, 90),
    "upper_arm": (110, 70),
    "forearm": (95, 85),
}
LENGTHS = {
    "torso": 50.0,
    "hips": 10.0,
    "head": 28.0,
    "shoulders": 18.0,
    "thigh": 42.0,
    "shin": 40.0,
    "upper_arm": 28.0,
    "forearm": 25.0,
}


def dance(seed=0, frames=30, lengths=LENGTHS, x=100.0, ground=190.0):
    """A person with bones of these lengths who moves in the image plane, feet on the ground."""
    rng = np.random.default_rng(seed)
    joints = np.ones((frames, body.PELVIS + 1, 3))
    joints[:, body.PELVIS, :2] = 0.0
    time = np.arange(frames)
    for kind, bones in body.CHAINS.items():
        for side, (parent, child) in enumerate(bones):
            swing = 0.0 if kind in ("hips", "shoulders") else rng.uniform(0.1, 0.5)
            angle = np.deg2rad(REST[kind][side]) + swing * np.sin(0.4 * time + rng.uniform(0, 6))
            span = lengths[kind] * np.stack([np.cos(angle), np.sin(angle)], -1)
            joints[:, child, :2] = joints[:, parent, :2] + span
    joints[..., 0] += x + 10.0 * np.sin(0.2 * time)[:, np.newaxis]
    joints[..., 1] += ground - joints[:, ANKLES, 1].max(1, keepdims=True)
    return joints[:, :-1].astype(np.float32)
