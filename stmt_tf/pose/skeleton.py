"""The 14-joint skeleton, its 10 body parts and its limbs (MPII order; Balakrishnan et al. 2018; paper section 3).

A pose is a float array `[..., 14, 3]` of (x, y, confidence): x to the right and y down in pixels, pixel
centres at integers, confidence in [0, 1] with 0 for a joint that was not found. Left and right are the
person's own.
"""

from __future__ import annotations

from typing import NamedTuple

JOINTS = (
    "head",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
)
NUM_JOINTS = len(JOINTS)
(
    HEAD,
    NECK,
    RIGHT_SHOULDER,
    RIGHT_ELBOW,
    RIGHT_WRIST,
    LEFT_SHOULDER,
    LEFT_ELBOW,
    LEFT_WRIST,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_ANKLE,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_ANKLE,
) = range(NUM_JOINTS)

# Index of each joint's mirror image, for flipping: `mirrored = joints[..., MIRROR, :]`.
MIRROR = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10)


TORSO = (RIGHT_SHOULDER, LEFT_SHOULDER, RIGHT_HIP, LEFT_HIP)
TORSO_SIDES = ((RIGHT_SHOULDER, RIGHT_HIP), (LEFT_SHOULDER, LEFT_HIP))


class Part(NamedTuple):
    """A rigidly moving body part: its name and the joints that carry it."""

    name: str
    joints: tuple[int, ...]


PARTS = (
    Part("head", (HEAD, NECK)),
    Part("right_upper_arm", (RIGHT_SHOULDER, RIGHT_ELBOW)),
    Part("right_forearm", (RIGHT_ELBOW, RIGHT_WRIST)),
    Part("left_upper_arm", (LEFT_SHOULDER, LEFT_ELBOW)),
    Part("left_forearm", (LEFT_ELBOW, LEFT_WRIST)),
    Part("right_thigh", (RIGHT_HIP, RIGHT_KNEE)),
    Part("right_shin", (RIGHT_KNEE, RIGHT_ANKLE)),
    Part("left_thigh", (LEFT_HIP, LEFT_KNEE)),
    Part("left_shin", (LEFT_KNEE, LEFT_ANKLE)),
    Part("torso", TORSO),
)
NUM_PARTS = len(PARTS)

# (parent, child) down the limb chains, from the neck: the order in which bones may be re-laid.
BONES = (
    (NECK, HEAD),
    (NECK, RIGHT_SHOULDER),
    (RIGHT_SHOULDER, RIGHT_ELBOW),
    (RIGHT_ELBOW, RIGHT_WRIST),
    (NECK, LEFT_SHOULDER),
    (LEFT_SHOULDER, LEFT_ELBOW),
    (LEFT_ELBOW, LEFT_WRIST),
    (NECK, RIGHT_HIP),
    (RIGHT_HIP, RIGHT_KNEE),
    (RIGHT_KNEE, RIGHT_ANKLE),
    (NECK, LEFT_HIP),
    (LEFT_HIP, LEFT_KNEE),
    (LEFT_KNEE, LEFT_ANKLE),
)
