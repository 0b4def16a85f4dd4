"""The screened Poisson equation on an image's pixels: what is smooth, and near given values where told.

With it a picture is put together by its gradients (Perez et al. 2003, "Poisson Image Editing"), so that what comes
from different pictures shows no seam.
"""

from __future__ import annotations

import cv2
import numpy as np

_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)
_MOST_STEPS = 8  # each leaves about a tenth of the error, or less
_ENOUGH = 1e-3  # of the largest value: a step below it leaves less than any byte shows
_TINY = 1e-30
_SWEEPS = 2  # before and after the coarser grid
_DAMPING = 0.8
_COARSEST = 4  # pixels of the shorter side, where relaxation alone reaches everywhere
_COARSEST_SWEEPS = 60


def screened_poisson(source: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Solves `(pull - Laplacian) u = source`, with no flow across the border of the image.

    For the source `pull v - div g`, u is what minimises the sum of `pull (u - v)^2` over pixels, and of the squared
    difference between u's gradient and g over neighbours.

    Args:
        source: float32 `[H, W, C]`.
        pull: float32 `[H, W]`, at least 0; where it is 0 everywhere, u is determined but for a constant.

    Returns:
        u, float32 `[H, W, C]`.
    """
    # Conjugate gradients, each direction by one cycle of multigrid.
    pull = np.repeat(pull[..., np.newaxis], source.shape[-1], -1)  # NumPy is slow where it repeats three values
    solution, residual = np.zeros_like(source), source.copy()
    direction, last = np.zeros_like(source), source
    last_product = np.inf
    for _ in range(_MOST_STEPS):
        correction = _cycle(residual, pull)
        product = _dot(correction, residual)
        if not product.any():
            break
        direction *= _dot(correction, residual - last) / last_product
        direction += correction
        last, last_product = residual.copy(), np.maximum(product, _TINY)
        applied = -_residual(direction, np.float32(0), pull)
        length = _dot(direction, residual) / np.maximum(_dot(direction, applied), _TINY)
        step = length * direction
        solution += step
        if np.abs(step).max() < _ENOUGH * np.abs(solution).max():
            break
        residual -= length * applied
    return solution


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The product of two images, summed over pixels: `[C]`."""
    return np.einsum("hwc,hwc->c", one, other)


def _cycle(source: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """One V-cycle from zero."""
    height, width = source.shape[:2]
    weight = _DAMPING / (4 + pull)
    solution = weight * source  # a sweep from zero
    if min(height, width) <= _COARSEST:
        return _relax(solution, source, weight, _COARSEST_SWEEPS - 1)
    solution = _relax(solution, source, weight, _SWEEPS - 1)
    half = (-(-width // 2), -(-height // 2))
    # On a grid of twice the spacing the same Laplacian counts four times as much.
    residual, coarse_pull = (
        4 * cv2.resize(each, half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], -1)
        for each in (_residual(solution, source, pull), pull)
    )
    coarse = cv2.resize(_cycle(residual, coarse_pull), (width, height), interpolation=cv2.INTER_LINEAR)
    return _relax(solution + coarse.reshape(source.shape), source, weight, _SWEEPS)


def _relax(solution: np.ndarray, source: np.ndarray, weight: np.ndarray, sweeps: int) -> np.ndarray:
    """Sweeps of Jacobi's method, damped: `weight` is the damping by the diagonal, which is 4 + pull."""
    for _ in range(sweeps):
        around = _around(solution)
        around += source
        around *= weight
        solution *= 1 - _DAMPING
        solution += around
    return solution


def _residual(solution: np.ndarray, source: np.ndarray, pull: np.ndarray) -> np.ndarray:
    residual = _around(solution)
    residual += source
    residual -= (4 + pull) * solution
    return residual


def _around(solution: np.ndarray) -> np.ndarray:
    """The sum of each pixel's four neighbours."""
    return cv2.filter2D(solution, -1, _NEIGHBOURS, borderType=cv2.BORDER_REPLICATE).reshape(solution.shape)
