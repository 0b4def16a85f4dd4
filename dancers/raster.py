"""Raster: from projected points to the grid of samples, and from samples to pixels."""

from __future__ import annotations

import cv2
import numpy as np

OVERSAMPLE = 2


def nearest_points(x, y, depth, ids, fine):
    """Finds the point seen in every sample.

    Args:
        x: [N] in pixels.
        y: [N] in pixels.
        depth: [N] distance from the camera.
        ids: numbers of the points to draw.
        fine: samples in a row.

    Returns:
        int32 [fine, fine] numbers of the nearest points, -1 where there is none.
    """
    # A margin of one sample all round takes the points outside.
    column = np.clip((x[ids] + np.float32(1)) * OVERSAMPLE, 0, fine + 1).astype(np.int32)
    row = np.clip((y[ids] + np.float32(1)) * OVERSAMPLE, 0, fine + 1).astype(np.int32)
    cell = row * (fine + 2) + column
    near, far = depth.min(), depth.max()
    order = np.argsort(((far - depth[ids]) * (65535 / max(far - near, 1e-6))).astype(np.uint16), kind="stable")
    seen = np.full((fine + 2) ** 2, -1, np.int32)
    seen[cell[order]] = ids[order]
    seen = np.ascontiguousarray(seen.reshape(fine + 2, fine + 2)[1:-1, 1:-1])
    # A sample between two drawn ones that got no point itself is a gap of the grid, not of the
    # person.
    for a, b in ((seen[:, :-2], seen[:, 2:]), (seen[:-2], seen[2:])):
        inner = seen[:, 1:-1] if a.shape[1] < fine else seen[1:-1]
        gap = (inner < 0) & (a >= 0) & (b >= 0)
        inner[gap] = a[gap]
    return seen


def flow_of_pixels(move, covered, mask, still):
    """One flow a pixel: of a drawn sample where the person fills half of it, else `still`."""
    flow = np.empty(mask.shape + (2,), np.float32)
    flow[:] = still
    todo = mask >= 128
    for i in range(OVERSAMPLE):
        for j in range(OVERSAMPLE):
            use = todo & covered[i::OVERSAMPLE, j::OVERSAMPLE]
            flow[use] = move[i::OVERSAMPLE, j::OVERSAMPLE][use]
            todo &= ~use
    return flow


def shifted_window(image, size, pad, shift):
    """The window of a padded image that a camera shifted by (dx, dy) sees."""
    if shift[0] == 0 and shift[1] == 0:
        return image[pad : pad + size, pad : pad + size]
    move = np.array([[1, 0, shift[0] - pad], [0, 1, shift[1] - pad]], np.float32)
    return cv2.warpAffine(image, move, (size, size), flags=cv2.INTER_LINEAR)
