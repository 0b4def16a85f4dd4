"""The source frames of each part, chosen so that they seldom change from one target frame to the next.

A model chooses for each pose by itself (`stmt_tf.models.part_choice`). Of a person who moves little many source frames
are about as near, and the nearest one changes at every breath: each change shows. Here a part keeps its source frame
until another is clearly nearer, and then fades over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from stmt_tf.pose.skeleton import NUM_PARTS, PARTS

_CLEARLY = 6.0  # how much larger an affinity must be for its frame to take over
_AT_ONCE = 20.0  # how much smaller than the largest one of a frame is that does not fade out, but goes at once
_FADE = 6  # target frames, whatever their rate
_SETTLED = 0.999  # share of a frame that has faded in
_NO_SHARE = 1e-30
_NONE = -1
_AT_A_TIME = 256  # poses, to keep memory flat


class Model(Protocol):
    """What chooses; see `stmt_tf.serving.inference.TransferModel`."""

    takes_any_size: bool

    def affinity(self, source: Mapping[str, Any], target_joints: np.ndarray) -> np.ndarray:
        """`[T, 14, 3]` -> `[T, N, 10]`."""


class SteadyChoice:
    """Chooses the source frames for target poses that follow each other.

    Args:
        model: the model; one that does not choose source frames by itself is left alone.
        source: what its `encode_source` gave.
    """

    def __init__(self, model: Model, source: Mapping[str, Any]):
        self._model, self._source = model, source
        self._shares: np.ndarray | None = None  # [N, P] of the last pose
        self._held = np.full(NUM_PARTS, _NONE)  # the frame of each part

    def __call__(self, target_joints: np.ndarray) -> Mapping[str, Any]:
        """The source, as the model's `generate` is to be given it for these poses.

        Args:
            target_joints: `[T, 14, 3]`, pixels of the frames; they follow those of the last call. A part that a pose
                lacks keeps its frame.
        """
        if not self._model.takes_any_size:
            return self._source
        added = [self._added(target_joints[k : k + _AT_A_TIME]) for k in range(0, len(target_joints), _AT_A_TIME)]
        added = np.concatenate(added) if added else np.zeros([0, 1, NUM_PARTS], np.float32)
        return {**self._source, "preference": self._source["preference"] + added[np.newaxis]}

    def _added(self, target_joints: np.ndarray) -> np.ndarray:
        """What makes the shares of the model's own affinities for poses `[T, 14, 3]`: float32 `[T, N, P]`."""
        own = self._model.affinity(self._source, target_joints)
        has = np.stack([target_joints[:, part.joints, 2].min(1) > 0 for part in PARTS], 1)
        shares = np.stack([self._follow(*each) for each in zip(own, has)])
        return (np.log(np.maximum(shares, _NO_SHARE)) - own).astype(np.float32)

    def _follow(self, affinity: np.ndarray, has: np.ndarray) -> np.ndarray:
        """The shares `[N, P]` of the frames in the parts, for a pose of these affinities `[N, P]` and parts `[P]`."""
        if self._shares is None:
            self._shares = np.zeros(affinity.shape)
        frames, parts = np.eye(len(affinity)), np.arange(NUM_PARTS)
        nearest = affinity.argmax(0)
        new = has & (self._held == _NONE)
        self._held[new] = nearest[new]
        behind = affinity[nearest, parts] - affinity  # [N, P]
        # A fade is finished before the next one begins: a model may show no more than two frames of a part.
        settled = (self._shares[self._held, parts] > _SETTLED) | (behind[self._held, parts] > _AT_ONCE)
        self._held = np.where(has & settled & (behind[self._held, parts] > _CLEARLY), nearest, self._held)
        wanted, step = frames[:, self._held], has / _FADE
        moved = self._shares + np.clip(wanted - self._shares, -step, step)
        moved *= ~has | (behind <= _AT_ONCE)
        self._shares = moved / np.maximum(moved.sum(0), _NO_SHARE)
        return self._shares
