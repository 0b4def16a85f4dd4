"""Medians over time of what frames show clearly."""

from __future__ import annotations

import functools
from collections.abc import Callable

import cv2
import numpy as np

_ROWS = 8  # that are worked on at once: what a processor's cache holds


def masked_median(rows_of: Callable[[slice], np.ndarray], clear: np.ndarray) -> np.ndarray:
    """The median over time of what is clear.

    Args:
        rows_of: gives some rows, a slice, of all frames: a new array, uint8 or int16 `[M, h, W, 3]`, which is changed.
        clear: bool `[M, H, W]`.

    Returns:
        float32 `[H, W, 3]`; where nothing is clear, any number.
    """
    count = len(clear)
    middle = (count - 1) // 2
    median = np.empty((*clear.shape[1:], 3), np.float32)
    for start in range(0, clear.shape[1], _ROWS):
        rows = slice(start, start + _ROWS)
        values, hidden = rows_of(rows), ~clear[:, rows]
        _balance(values, hidden)
        low, high = _ranks(values, middle, min(middle + 1, count - 1))
        is_even = (np.bitwise_xor.reduce(hidden) == count % 2)[..., np.newaxis]  # how many are clear
        median[rows] = (low.astype(np.float32) + np.where(is_even, high, low)) / 2
    return median


def _balance(values: np.ndarray, hidden: np.ndarray) -> None:
    """Puts half of what is hidden below all else, and half above, so that the middle of all is that of the rest.

    Args:
        values: `[M, h, W, 3]`, changed in place.
        hidden: bool `[M, h, W]`; of an odd number the one over goes above, but below where M is odd, too.
    """
    limits = np.iinfo(values.dtype)
    lowest, highest = (np.full_like(values[0], limit) for limit in (limits.min, limits.max))
    below = np.full(hidden.shape[1:], len(values) % 2 == 1)
    for each, mask in zip(values, hidden):
        cv2.copyTo(lowest, (mask & below).view(np.uint8), each)
        cv2.copyTo(highest, (mask & ~below).view(np.uint8), each)
        below ^= mask


def _ranks(values: np.ndarray, *ranks: int) -> list[np.ndarray]:
    """What would stand at some ranks, rising, were the values sorted along the first axis; it disarranges them."""
    sorted_so_far, spare = list(values), np.empty_like(values[0])
    for i, j in _comparisons(len(values), ranks):
        low, high = sorted_so_far[i], sorted_so_far[j]
        np.minimum(low, high, out=spare)
        np.maximum(low, high, out=high)
        sorted_so_far[i], spare = spare, low
    return [sorted_so_far[rank] for rank in ranks]


@functools.cache
def _comparisons(count: int, ranks: tuple[int, ...]) -> list[tuple[int, int]]:
    """Which pairs to put in order, one after the other, so that these ranks are right.

    Batcher's odd-even mergesort, less what these ranks do not depend on. Each step compares whole arrays: NumPy's sort,
    one pixel after the other, takes many times as long.
    """
    pairs, size = [], 1
    while size < count:
        step = size
        while step:
            for first in range(step % size, count - step, 2 * step):
                for i in range(first, min(first + step, count - step)):
                    if i // (2 * size) == (i + step) // (2 * size):
                        pairs.append((i, i + step))
            step //= 2
        size *= 2
    needed, kept = set(ranks), []
    for pair in reversed(pairs):
        if needed.intersection(pair):
            needed.update(pair)
            kept.append(pair)
    return kept[::-1]
