"""Whether poses are of the video that they are given for: joints move where and when the picture does."""

from __future__ import annotations

import cv2
import numpy as np

from stmt_tf.pose import body

_SIDE = 64  # pixels of the longer side in which is looked
MOST_FRAMES = 1000  # so that memory does not grow with the video's length
_LAG = 4  # frames over which motion is measured: it stands out from noise and jitter
_BLUR = 2.0  # pixels: of a limb around its joint
# Where nothing can be said: less than so many frames, statures in two lags, or times the motion of one frame, which
# jitter does not exceed; and pictures of which most move as much as the mean does, since the camera moves.
_FEWEST, _LEAST_MOTION, _LEAST_GROWTH, _MOST_BACKGROUND = 24, 0.02, 1.5, 0.75


class Witness:
    """Remembers how the picture of a video changes."""

    def __init__(self) -> None:
        self._pictures: list[np.ndarray] = []

    def see(self, image: np.ndarray) -> None:
        """Takes the next frame, uint8 `[H, W, 3]`."""
        if len(self._pictures) < MOST_FRAMES:
            scale = _SIDE / max(image.shape)
            size = tuple(max(8, round(side * scale)) for side in image.shape[1::-1])
            self._pictures.append(
                cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
            )

    def agreement(self, joints: np.ndarray, frame_size: tuple[int, int]) -> float | None:
        """How well joints move as the picture does.

        Args:
            joints: `[T, 14, 3]`, somebody's in each frame, in pixels.
            frame_size: (height, width) of the frames that these are pixels of.

        Returns:
            The correlation over time and place of what moves, in [-1, 1]: of right poses 0.2 to 0.8, of others about 0.
            None where nothing can be said: the video is short, the person or nearly everything stands or moves.
        """
        length = min(len(joints), len(self._pictures))
        if length < _FEWEST or not _moves(joints[:length]):
            return None
        seen = self._seen(length)
        if np.median(np.median(seen, (1, 2)) / np.maximum(seen.mean((1, 2)), 1e-9)) > _MOST_BACKGROUND:
            return None
        said = _said(joints[:length], frame_size, seen.shape[1:])
        # Roots keep a few strong changes from deciding.
        seen, said = np.sqrt(seen), np.sqrt(said)
        seen -= np.median(seen, (1, 2), keepdims=True)
        seen, said = seen - seen.mean(0), said - said.mean(0)
        return float((seen * said).sum() / max(np.sqrt((seen**2).sum() * (said**2).sum()), 1e-9))

    def _seen(self, length: int) -> np.ndarray:
        """How much each pixel changes over the lag, whatever the light does, `[T - lag, h, w]`."""
        pictures = np.stack(self._pictures[:length]).astype(np.float32)
        pictures /= np.maximum(pictures.mean((1, 2), keepdims=True), 1.0)
        change = np.abs(pictures[_LAG:] - pictures[:-_LAG])
        return np.stack([cv2.GaussianBlur(each, (0, 0), _BLUR) for each in change])


def _said(joints: np.ndarray, frame_size: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """How much should change, if these joints are right, `[T - lag, h, w]`."""
    scale = np.array([size[1] / frame_size[1], size[0] / frame_size[0]])
    change = np.zeros((len(joints) - _LAG, *size), np.float32)
    for each, before, after in zip(change, joints, joints[_LAG:]):
        both = (before[:, 2] > 0) & (after[:, 2] > 0)
        ends = [
            np.rint(pose[both, :2] * scale).astype(int).clip(0, np.array(size[::-1]) - 1) for pose in (before, after)
        ]
        speed = np.linalg.norm(((after - before)[both, :2]) * scale, axis=-1)
        for x, y in (end.T for end in ends):
            np.add.at(each, (y, x), speed)
        each[:] = cv2.GaussianBlur(each, (0, 0), _BLUR)
    return change


def _moves(joints: np.ndarray) -> bool:
    """Whether somebody really moves, and does not merely tremble."""
    near, far = (_typical_step(joints, lag) for lag in (1, 2 * _LAG))
    return far > max(_LEAST_MOTION * body.stature(joints), _LEAST_GROWTH * near)


def _typical_step(joints: np.ndarray, lag: int) -> float:
    before, after = joints[:-lag], joints[lag:]
    both = (before[..., 2] > 0) & (after[..., 2] > 0)
    return float(np.median(np.linalg.norm((after - before)[both, :2], axis=-1))) if both.any() else 0.0
