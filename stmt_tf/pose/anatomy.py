"""Whether joints can be those of a body."""

from __future__ import annotations

import numpy as np

from stmt_tf.pose import body
from stmt_tf.pose import skeleton as s

# Strain of single poses: of people 0.5 to 1.2 (99.9 of 100), of keypoints taken for others mostly above 2.
IMPOSSIBLE = 1.6
_FEWEST_BONES = 4  # of which something can be said

_BONES = [(kind, parent, child) for kind, bones in body.CHAINS.items() for parent, child in bones]
_PARENTS, _CHILDREN = ([bone[at] for bone in _BONES] for at in (1, 2))
_LENGTHS = np.array([body.SHARES[kind] for kind, _, _ in _BONES])


def sure(keypoints: np.ndarray) -> np.ndarray:
    """Which keypoints a tool was about as sure of as of its best: bool `[...]` for `[..., 3]`, of which there are some.

    Some tools name all keypoints: then most may be guesses at what is out of view, which may be anywhere.
    """
    confidence = keypoints[..., 2]
    return (confidence > 0) & (confidence >= 0.5 * np.percentile(confidence, 90))


def longest_bone(joints: np.ndarray) -> tuple[str, float]:
    """The bone that is mostly the longest against what the others say, and how many times as long, in `[T, 14, 3]`."""
    ratios = _over(np.nanmedian, _bone_ratios(joints).T)
    longest = int(np.nanargmax(ratios))
    return _BONES[longest][0].replace("_", " "), float(ratios[longest])


def strain(joints: np.ndarray) -> np.ndarray:
    """How little each pose is like a body: `[T]` for joints `[T, 14, 3]`; NaN where too few bones are seen.

    It is the longest bone against what the others say, times the mean bone against the joints' mean distance from their
    middle: keypoints that are taken for others make bones across the body. It depends on neither size nor rotation.
    """
    found = joints[..., 2] > 0
    count = np.maximum(found.sum(1), 1)
    middle = (joints[..., :2] * found[..., np.newaxis]).sum(1) / count[:, np.newaxis]
    spread = (np.linalg.norm(joints[..., :2] - middle[:, np.newaxis], axis=-1) * found).sum(1) / count
    lengths = _seen_lengths(joints)
    strained = _over(np.nanmax, _bone_ratios(joints)) * _over(np.nanmean, lengths) / np.maximum(spread, 1e-6)
    return np.where((~np.isnan(lengths)).sum(1) < _FEWEST_BONES, np.nan, strained)


def crossed(joints: np.ndarray) -> np.ndarray:
    """In which frames the shoulders show one side and the hips the other: bool `[T]` for joints `[T, 14, 3]`."""
    height = body.stature(joints)
    sides = []
    for kind, right, left in (("shoulders", s.RIGHT_SHOULDER, s.LEFT_SHOULDER), ("hips", s.RIGHT_HIP, s.LEFT_HIP)):
        width = joints[:, left, 0] - joints[:, right, 0]
        both = (joints[:, left, 2] > 0) & (joints[:, right, 2] > 0)
        # Seen from the side, the difference says nothing: it must be a third of what the whole width would be.
        sides.append(np.sign(width) * (both & (np.abs(width) > 2 / 3 * body.SHARES[kind] * height)))
    return sides[0] * sides[1] < 0


def _bone_ratios(joints: np.ndarray) -> np.ndarray:
    """How long each bone is against what the other bones of the same pose say, `[T, bones]`; NaN where not seen."""
    statures = _seen_lengths(joints) / _LENGTHS
    return statures / np.maximum(_over(np.nanmedian, statures)[:, np.newaxis], 1e-6)


def _seen_lengths(joints: np.ndarray) -> np.ndarray:
    """Lengths in pixels of all bones, `[T, bones]`; NaN where an end is missing."""
    joints = body.with_pelvis(np.asarray(joints, np.float64))
    seen = (joints[:, _PARENTS, 2] > 0) & (joints[:, _CHILDREN, 2] > 0)
    return np.where(seen, np.linalg.norm(joints[:, _CHILDREN, :2] - joints[:, _PARENTS, :2], axis=-1), np.nan)


def _over(function, values: np.ndarray) -> np.ndarray:
    """A NaN-aware function over each row, NaN (and silent) for rows of nothing but NaN."""
    result = np.full(len(values), np.nan)
    some = ~np.isnan(values).all(1)
    result[some] = function(values[some], axis=1)
    return result
