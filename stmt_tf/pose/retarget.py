"""Carries the poses of a target video over to the body and the place of a source video.

Everything is measured over both whole videos (`fit`) before it is applied to a pose, so that the motion
itself (a jump, a crouch, a step to the side) is kept. A motion that is still going on can be fitted by
its beginning.
"""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np

from stmt_tf.pose import body, skeleton
from stmt_tf.pose.estimators import PoseError

MODES = ("none", "global", "bone")

# Bones whose ratio differs from the median bone's by more than this were foreshortened in one of
# the videos (somebody who sits, or never faces the camera); people's proportions differ by less.
_MAX_DISPROPORTION = 4 / 3
_MIN_ANKLE_SHARE = 0.1  # of the frames that must show an ankle for the ground to be known
_GROUND_PERCENTILE = 90.0

_ANKLES = (skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE)
_TRUNK = (skeleton.NECK, *skeleton.TORSO)
_ARM, _LEG = ("upper_arm", "forearm"), ("thigh", "shin")
_LIMBS = (
    ((skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST), _ARM),
    ((skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST), _ARM),
    ((skeleton.RIGHT_HIP, skeleton.RIGHT_KNEE, skeleton.RIGHT_ANKLE), _LEG),
    ((skeleton.LEFT_HIP, skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE), _LEG),
)
_UNSEEN = 0.1  # confidence of a joint that is laid, not seen: it comes before nothing


@dataclasses.dataclass(frozen=True)
class Fit:
    """How one person's poses become another's.

    Attributes:
        scale: pixels of the source for a pixel of the target.
        offset: (x, y) in the source's pixels, added to what was scaled.
        ratios: source length over target length of each kind of bone in `body.CHAINS`; empty if all are
            as `scale`.
        anchor: joints of which the lowest keeps its height when bones are laid out anew.
        lengths: the source's, in pixels, of each kind of bone that it shows.
    """

    scale: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)
    ratios: dict[str, float] = dataclasses.field(default_factory=dict)
    anchor: tuple[int, ...] = ()
    lengths: dict[str, float] = dataclasses.field(default_factory=dict)

    def apply(self, target: np.ndarray) -> np.ndarray:
        """Returns poses of the target, any number of them, as `retarget` does."""
        target = np.asarray(target, np.float64)
        moved = target.copy()
        moved[..., :2] = self.scale * target[..., :2] + self.offset
        if self.ratios:
            laid = _lay_bones(body.with_pelvis(target), body.with_pelvis(moved), self.ratios)[:, :-1]
            laid[..., 1] += _fill(_lowest(moved, self.anchor) - _lowest(laid, self.anchor))[:, np.newaxis]
            moved = laid
        moved = np.where(target[..., 2:] > 0.0, moved, 0.0)
        return _complete(moved, self.lengths).astype(np.float32)


def retarget(target: np.ndarray, source: np.ndarray, mode: str = "global") -> np.ndarray:
    """Returns the target's poses as the source's body would take them where the source stands.

    Args:
        target: float [T, 14, 3], (x, y, confidence) in the target's pixels.
        source: float [S, 14, 3], in the source's pixels.
        mode: `none`: coordinates as they are. `global`: one scale and one translation, which bring
            the target's standing height, ground line and place from left to right to the source's.
            `bone`: besides, every bone gets the source's length, laid out from the pelvis; feet
            keep their height above the ground, or where ankles are not seen, the neck its place.
            Both lay what the target does not show of trunk and limbs straight on, in the source's lengths: below
            a target that is filmed to the waist stand the source's legs.

    Returns:
        float32 [T, 14, 3] in the source's pixels, confidences as in `target`, 0.1 at most of joints that were
        laid; missing joints are (0, 0, 0).

    Raises:
        PoseError: for an unknown mode, or when the two bodies have no bone in common.
    """
    return fit(target, source, mode).apply(target)


def fit(target: np.ndarray, source: np.ndarray, mode: str = "global") -> Fit:
    """Measures what `retarget` applies; arguments and errors are the same."""
    if mode not in MODES:
        raise PoseError(f"Unknown retargeting {mode!r}; choose one of {', '.join(MODES)}.")
    if mode == "none":
        return Fit()
    target, source = np.asarray(target, np.float64), np.asarray(source, np.float64)
    lengths = body.bone_lengths(source)
    ratios = _bone_ratios(target, lengths)
    scale = _scale(ratios, body.bone_lengths(target))
    on_ground = _sees_ground(target) and _sees_ground(source)
    place = _ground if on_ground else _neck_line
    offset = (_middle(source) - scale * _middle(target), place(source) - scale * place(target))
    if mode == "global":
        return Fit(scale, offset, lengths=lengths)
    limits = (scale / _MAX_DISPROPORTION, scale * _MAX_DISPROPORTION)
    ratios = {kind: float(np.clip(ratios.get(kind, scale), *limits)) for kind in body.CHAINS}
    return Fit(scale, offset, ratios, _ANKLES if on_ground else (skeleton.NECK,), lengths)


def _bone_ratios(target: np.ndarray, of_source: dict[str, float]) -> dict[str, float]:
    """Source length over target length of each kind of bone seen in both videos."""
    of_target = body.bone_lengths(target)
    ratios = {kind: of_source[kind] / of_target[kind] for kind in of_target if kind in of_source}
    if not ratios:
        raise PoseError(
            "The source and the target show no part of the body in common, so their sizes cannot "
            "be compared; use videos that show whole people, or retarget none."
        )
    return ratios


def _scale(ratios: dict[str, float], lengths: dict[str, float]) -> float:
    """Ratio of the standing heights, over those bones along it whose ratios agree."""
    kinds = [kind for kind in body.STANDING if kind in ratios] or list(ratios)
    middle = float(np.median([ratios[kind] for kind in kinds]))
    agreeing = [kind for kind in kinds if 1 / _MAX_DISPROPORTION <= ratios[kind] / middle <= _MAX_DISPROPORTION]
    if not agreeing:
        return middle
    weights = [lengths[kind] for kind in agreeing]
    return float(np.average([ratios[kind] for kind in agreeing], weights=weights))


def _lay_bones(target: np.ndarray, moved: np.ndarray, ratios: dict[str, float]) -> np.ndarray:
    """Lays the target's bones, scaled, from the pelvis on; without its parent a joint stays put."""
    laid = moved.copy()
    for kind, bones in body.CHAINS.items():
        for parent, child in bones:
            found = (target[:, parent, 2] > 0.0) & (target[:, child, 2] > 0.0)
            span = target[found, child, :2] - target[found, parent, :2]
            laid[found, child, :2] = laid[found, parent, :2] + ratios[kind] * span
    return laid


def _complete(joints: np.ndarray, lengths: dict[str, float]) -> np.ndarray:
    """Lays what poses `[..., 14, 3]` lack of trunk and limbs: downwards, forearms and shins along what is there."""
    joints = joints.copy()
    down = np.array([0.0, 1.0])
    narrower = 1.0 - lengths.get("hips", 0.0) / lengths.get("shoulders", np.inf)
    for shoulder, hip in skeleton.TORSO_SIDES if "torso" in lengths else ():
        inwards = narrower * (joints[..., skeleton.NECK, :1] - joints[..., shoulder, :1]) * (1.0 - down)
        inwards *= joints[..., skeleton.NECK, 2:] > 0.0
        _lay(joints, shoulder, hip, inwards + down * lengths["torso"])
    for (root, middle, end), (upper, lower) in _LIMBS:
        _lay(joints, root, middle, down * lengths.get(upper, 0.0))
        along = joints[..., middle, :2] - joints[..., root, :2]
        along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1.0)
        _lay(joints, middle, end, along * lengths.get(lower, 0.0))
    return joints


def _lay(joints: np.ndarray, parent: int, child: int, span: np.ndarray) -> None:
    """Puts the child at the end of the span `[..., 2]`, if it is missing and the parent is not, and the span is any."""
    start, end = joints[..., parent, :], joints[..., child, :]
    laid = (start[..., 2] > 0.0) & (end[..., 2] <= 0.0) & span.any(-1)
    there = np.concatenate([start[..., :2] + span, np.minimum(start[..., 2:], _UNSEEN)], -1)
    joints[..., child, :] = np.where(laid[..., np.newaxis], there, end)


def _lowest(joints: np.ndarray, indices: tuple[int, ...]) -> np.ndarray:
    """Largest y of those of the joints that are found, [T]; NaN where none is."""
    y = np.where(joints[:, indices, 2] > 0.0, joints[:, indices, 1], -np.inf).max(-1)
    return np.where(np.isfinite(y), y, np.nan)


def _fill(values: np.ndarray) -> np.ndarray:
    """Interpolates NaNs in values [T]; zeros if there is nothing else."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.zeros_like(values)
    return np.interp(np.arange(len(values)), known, values[known])


def _trusted(joints: np.ndarray) -> np.ndarray:
    return np.where(body.confident(joints)[..., np.newaxis], joints, 0.0)


def _sees_ground(joints: np.ndarray) -> bool:
    return bool(np.isfinite(_lowest(_trusted(joints), _ANKLES)).mean() >= _MIN_ANKLE_SHARE)


def _ground(joints: np.ndarray) -> float:
    return float(np.nanpercentile(_lowest(_trusted(joints), _ANKLES), _GROUND_PERCENTILE))


def _neck_line(joints: np.ndarray) -> float:
    """Height of the neck when held up; of the middle of whatever is found, if the neck never is."""
    y = _lowest(_trusted(joints), (skeleton.NECK,))
    if not np.isfinite(y).any():
        y = _centre(joints, tuple(range(skeleton.NUM_JOINTS)), axis=1)
    return float(np.nanpercentile(y, 100.0 - _GROUND_PERCENTILE))


def _middle(joints: np.ndarray) -> float:
    """Median over the video of the trunk's x, or the whole body's if the trunk is never found."""
    x = _centre(joints, _TRUNK, axis=0)
    if not np.isfinite(x).any():
        x = _centre(joints, tuple(range(skeleton.NUM_JOINTS)), axis=0)
    return float(np.nanmedian(x))


def _centre(joints: np.ndarray, indices: tuple[int, ...], axis: int) -> np.ndarray:
    """Mean coordinate of those of the joints that are trusted, [T]; NaN where none is."""
    trusted = body.confident(joints)[:, indices]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing, NaN, is meant
        return np.nanmean(np.where(trusted, joints[:, indices, axis], np.nan), axis=-1)
