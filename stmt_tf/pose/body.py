"""Measures of a body over a whole video: which joints to trust, bone lengths, stature.

In a single frame a bone is foreshortened by an unknown amount; over a video a high percentile of
its seen length comes close to the true one. Both sides of the body count together.
"""

from __future__ import annotations

import numpy as np

from stmt_tf.pose import skeleton as s

# A joint between the hips, added behind the skeleton's: the root of the limb chains.
PELVIS = s.NUM_JOINTS

# Bones of each kind as (parent, child), in the order in which a body is laid out from the pelvis.
CHAINS = {
    "torso": ((PELVIS, s.NECK),),
    "hips": ((PELVIS, s.RIGHT_HIP), (PELVIS, s.LEFT_HIP)),
    "head": ((s.NECK, s.HEAD),),
    "shoulders": ((s.NECK, s.RIGHT_SHOULDER), (s.NECK, s.LEFT_SHOULDER)),
    "thigh": ((s.RIGHT_HIP, s.RIGHT_KNEE), (s.LEFT_HIP, s.LEFT_KNEE)),
    "shin": ((s.RIGHT_KNEE, s.RIGHT_ANKLE), (s.LEFT_KNEE, s.LEFT_ANKLE)),
    "upper_arm": ((s.RIGHT_SHOULDER, s.RIGHT_ELBOW), (s.LEFT_SHOULDER, s.LEFT_ELBOW)),
    "forearm": ((s.RIGHT_ELBOW, s.RIGHT_WRIST), (s.LEFT_ELBOW, s.LEFT_WRIST)),
}
# Length of each kind of bone over the height from ankle to top of head, for an average adult; used
# to infer the stature of a body that was not seen whole.
SHARES = {
    "torso": 0.33,
    "hips": 0.06,
    "head": 0.18,
    "shoulders": 0.12,
    "thigh": 0.25,
    "shin": 0.24,
    "upper_arm": 0.17,
    "forearm": 0.15,
}
STANDING = ("head", "torso", "thigh", "shin")

_PERCENTILE = 90.0
_MIN_SHARE = 0.05  # of the frames in which a bone must be seen to be measured


def confident(joints: np.ndarray) -> np.ndarray:
    """Returns which joints to trust, bool [..., J] for joints [..., J, 3].

    The bar is half the median confidence of the joints found, since tools differ in what they call
    confident.
    """
    confidence = joints[..., 2]
    found = confidence > 0.0
    if not found.any():
        return found
    return found & (confidence >= 0.5 * np.median(confidence[found]))


def visible(joints: np.ndarray) -> np.ndarray:
    """Whether there is a person at all: bool `[...]` for joints `[..., 14, 3]`, such as one for each frame."""
    return (joints[..., 2] > 0.0).any(-1)


def mean_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance in pixels of the joints that both poses `[14, 3]` have; infinite if they share none."""
    both = (one[:, 2] > 0.0) & (other[:, 2] > 0.0)
    return float(np.linalg.norm(one[both, :2] - other[both, :2], axis=-1).mean()) if both.any() else np.inf


def scaled_joints(joints: np.ndarray, scale: float) -> np.ndarray:
    """Carries joints `[..., 14, 3]` over to the frames scaled, in which it is x + 0.5 that scales: of pixels' edges.

    `stmt_tf.pose.maps` has the same for tensors.
    """
    scaled = np.array(joints)
    scaled[..., :2] = (scaled[..., :2] + 0.5) * scale - 0.5
    return scaled


def with_pelvis(joints: np.ndarray) -> np.ndarray:
    """Appends the middle of the hips to joints [..., 14, 3]; it is missing where a hip is."""
    hips = joints[..., (s.RIGHT_HIP, s.LEFT_HIP), :]
    pelvis = hips.mean(-2, keepdims=True)
    pelvis[..., 0, 2] = hips[..., 2].min(-1)
    pelvis *= pelvis[..., 2:] > 0.0
    return np.concatenate([joints, pelvis], axis=-2)


def bone_lengths(joints: np.ndarray) -> dict[str, float]:
    """Returns the length in pixels of each kind of bone that is seen in joints [T, 14, 3]."""
    joints = with_pelvis(joints)
    trusted = confident(joints)
    lengths = {}
    for kind, bones in CHAINS.items():
        parents, children = (list(ends) for ends in zip(*bones))
        seen = trusted[:, parents] & trusted[:, children]
        if seen.any() and seen.any(1).mean() >= _MIN_SHARE:
            spans = np.linalg.norm(joints[:, children, :2] - joints[:, parents, :2], axis=-1)
            length = float(np.percentile(spans[seen], _PERCENTILE))
            if length > 0.0:
                lengths[kind] = length
    return lengths


def stature(joints: np.ndarray) -> float:
    """Returns the height in pixels, from ankle to top of head, of a body standing upright.

    Args:
        joints: float [T, 14, 3]. Nobody need stand in them: bones are added up, and bones never
            seen are inferred.

    Returns:
        The height, or 0.0 if no bone is seen.
    """
    lengths = bone_lengths(joints)
    kinds = [kind for kind in STANDING if kind in lengths] or list(lengths)
    if not kinds:
        return 0.0
    return sum(lengths[kind] for kind in kinds) / sum(SHARES[kind] for kind in kinds)


def part_ends(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the axis of each of the 10 parts begins and ends, `[..., 10, 2]` each, as (x, y), of joints `[..., 14, 3]`.

    The torso's runs from the middle of the shoulders to the middle of the hips; see `maps.part_segments`.
    """
    halves = [(part.joints[: len(part.joints) // 2], part.joints[len(part.joints) // 2 :]) for part in s.PARTS]
    return tuple(
        np.stack([joints[..., list(half), :2].mean(-2) for half in ends], axis=-2) for ends in zip(*halves)
    )


def facing(joints: np.ndarray) -> np.ndarray:
    """How far the person of each frame is turned to the camera.

    Args:
        joints: `[T, 14, 3]`.

    Returns:
        `[T]` from about 1, who shows the front, over 0, who shows a side, to about -1, who shows the back: the signed
        width of shoulders and hips over the largest of the video. 0 where none of the four joints is found.
    """
    widths = np.zeros(len(joints))
    for left, right in ((s.LEFT_SHOULDER, s.RIGHT_SHOULDER), (s.LEFT_HIP, s.RIGHT_HIP)):
        both = (joints[:, left, 2] > 0) & (joints[:, right, 2] > 0)
        widths += both * (joints[:, left, 0] - joints[:, right, 0])
    # A person's left is on the right of the picture when they face the camera.
    return widths / max(np.abs(widths).max(initial=0.0), 1e-6)
