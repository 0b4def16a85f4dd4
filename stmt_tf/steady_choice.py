"""The source frames of each part, chosen so that they seldom change from one target frame to the next.

A model chooses for each pose by itself (`stmt_tf.models.part_choice`). Of a person who moves little many source frames
are about as near, and the nearest one changes at every breath: each change shows. Here a part keeps its source frame
until another is clearly nearer, and then fades over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

    from stmt_tf.inference import TransferModel

_CLEARLY = 6.0  # how much larger an affinity must be for its frame to take over
_AT_ONCE = 20.0  # how much larger it is where a fade would show what is wrong by far
_FADE = 6  # target frames
_NO_SHARE = 1e-30


class SteadyChoice:
    """Chooses the source frames for target poses that follow each other.

    Args:
        model: the model; one that does not choose source frames by itself is left alone.
        source: what its `encode_source` gave.
    """

    def __init__(self, model: TransferModel, source: Mapping[str, tf.Tensor]):
        self._model, self._source = model, source
        self._shares: np.ndarray | None = None  # [N, P] of the last pose
        self._held: np.ndarray | None = None  # [P], the frame of each part

    def __call__(self, target_joints: np.ndarray) -> Mapping[str, tf.Tensor]:
        """The source, as `TransferModel.generate` is to be given it for these poses.

        Args:
            target_joints: `[T, 14, 3]`, pixels of the frames; they follow those of the last call.
        """
        if not self._model.takes_any_size:
            return self._source
        own = self._model.affinity(self._source, target_joints)
        shares = np.reshape([self._follow(affinity) for affinity in own], own.shape)
        wanted = np.log(np.maximum(shares, _NO_SHARE))
        return {**self._source, "preference": self._source["preference"] + (wanted - own)[np.newaxis]}

    def _follow(self, affinity: np.ndarray) -> np.ndarray:
        """The shares `[N, P]` of the frames in the parts, for a pose with the affinities `[N, P]`."""
        parts = np.arange(affinity.shape[1])
        nearest = affinity.argmax(0)
        if self._held is None:
            self._held = nearest
            self._shares = np.eye(len(affinity), dtype=np.float32)[:, nearest]
        ahead = affinity[nearest, parts] - affinity[self._held, parts]
        self._held = np.where(ahead > _CLEARLY, nearest, self._held)
        step = np.where(ahead > _AT_ONCE, 1.0, 1.0 / _FADE)
        wanted = np.eye(len(affinity), dtype=np.float32)[:, self._held]
        moved = self._shares + np.clip(wanted - self._shares, -step, step)
        self._shares = moved / moved.sum(0)
        return self._shares
