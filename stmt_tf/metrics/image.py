"""How near made frames are to the true ones: one number a frame, from uint8 images.

All take N frames made and the N true ones, uint8 `[N, H, W, 3]`, so that every method is measured after the
same 8-bit rounding. PSNR rewards blur: read `sharpness` (or LPIPS) beside it.
"""

from __future__ import annotations

import cv2
import numpy as np
import tensorflow as tf

_IDENTICAL_DB = 100.0  # of frames without any difference, so that means stay finite
_LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)


def psnr(made: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio over whole frames, `10 log10(255^2 / mean squared error)`.

    Args:
        made: uint8 `[N, H, W, 3]`.
        truth: uint8 `[N, H, W, 3]`.

    Returns:
        `[N]` in dB, at most 100, which identical frames get.
    """
    _require_alike(made, truth)
    return _decibels(_squared_error(made, truth).mean((1, 2)))


def masked_psnr(made: np.ndarray, truth: np.ndarray, region: np.ndarray) -> np.ndarray:
    """`psnr` over the pixels of a region alone.

    Args:
        made: uint8 `[N, H, W, 3]`.
        truth: uint8 `[N, H, W, 3]`.
        region: bool `[N, H, W]`.

    Returns:
        `[N]` in dB, at most 100; NaN where the region is empty.
    """
    _require_alike(made, truth)
    return _decibels(_region_mean(_squared_error(made, truth), region))


def ssim(made: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Structural similarity (Wang et al. 2004) of the colour channels, Gaussian window of 11 pixels.

    Args:
        made: uint8 `[N, H, W, 3]`, H and W at least 11.
        truth: uint8 `[N, H, W, 3]`.

    Returns:
        `[N]` in [-1, 1], 1 for identical frames.
    """
    _require_alike(made, truth)
    return tf.image.ssim(tf.constant(made), tf.constant(truth), max_val=255).numpy()


def sharpness(frames: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Mean absolute Laplacian (4 neighbours) of the luma over a region.

    Compare it with the truth's: less is blur, more is noise or torn edges.

    Args:
        frames: uint8 `[N, H, W, 3]`.
        region: bool `[N, H, W]`.

    Returns:
        `[N]` in grey levels of 255; 0 where the region is flat, NaN where it is empty.
    """
    luma = [cv2.cvtColor(frame.astype(np.float32), cv2.COLOR_RGB2GRAY) for frame in frames]
    laplacian = [cv2.filter2D(y, -1, _LAPLACIAN, borderType=cv2.BORDER_REPLICATE) for y in luma]
    return _region_mean(np.abs(np.stack(laplacian)).astype(np.float64), region)


def _require_alike(made: np.ndarray, truth: np.ndarray) -> None:
    if made.shape != truth.shape or not made.dtype == truth.dtype == np.uint8:
        raise ValueError(
            "frames must be uint8 [N, H, W, 3] of one shape, got "
            f"{made.dtype} {made.shape} and {truth.dtype} {truth.shape}"
        )


def _squared_error(made: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean over the colours, `[N, H, W]`."""
    return np.square(made.astype(np.float64) - truth.astype(np.float64)).mean(-1)


def _region_mean(values: np.ndarray, region: np.ndarray) -> np.ndarray:
    if region.dtype != bool or region.shape != values.shape:
        raise ValueError(f"region must be bool {values.shape}, got {region.dtype} {region.shape}")
    pixels = region.sum((1, 2))
    total = np.where(region, values, 0.0).sum((1, 2))
    return np.where(pixels > 0, total / np.maximum(pixels, 1), np.nan)


def _decibels(mean_squared_error: np.ndarray) -> np.ndarray:
    floor = 255.0**2 / 10.0 ** (_IDENTICAL_DB / 10.0)
    return 10.0 * np.log10(255.0**2 / np.maximum(mean_squared_error, floor))
