"""Medians over time of what frames show clearly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_ROWS = 64  # that are worked on at once, for the sake of memory


def masked_median(rows_of: Callable[[slice], np.ndarray], clear: np.ndarray) -> np.ndarray:
    """The median over time of what is clear.

    Args:
        rows_of: gives some rows, a slice, of all frames: integers `[M, h, W, 3]`.
        clear: bool `[M, H, W]`.

    Returns:
        float32 `[H, W, 3]`; where nothing is clear, some large number.
    """
    median = np.empty((*clear.shape[1:], 3), np.float32)
    for start in range(0, clear.shape[1], _ROWS):
        rows = slice(start, start + _ROWS)
        # What is not clear is sorted behind the rest.
        values = np.where(clear[:, rows, :, np.newaxis], rows_of(rows), np.int16(np.iinfo(np.int16).max))
        _sort(values)
        counts = np.maximum(clear[:, rows].sum(0), 1)[np.newaxis, ..., np.newaxis]
        low, high = (
            np.take_along_axis(values, np.broadcast_to(rank, (1, *values.shape[1:])), 0)[0]
            for rank in ((counts - 1) // 2, counts // 2)
        )
        median[rows] = (low.astype(np.float32) + high) / 2
    return median


def _sort(values: np.ndarray) -> None:
    """Sorts along the first axis, in place.

    By Batcher's odd-even mergesort, each step of which compares whole arrays: NumPy's sort, one pixel after the other,
    takes several times as long.
    """
    count, size = len(values), 1
    while size < count:
        step = size
        while step:
            for first in range(step % size, count - step, 2 * step):
                for i in range(first, min(first + step, count - step)):
                    if i // (2 * size) == (i + step) // (2 * size):
                        low, high = values[i], values[i + step]
                        smaller = np.minimum(low, high)
                        np.maximum(low, high, out=high)
                        low[...] = smaller
            step //= 2
        size *= 2
