"""Optical flow: float32 `[H, W, 2]` as (dx, dy) in pixels; what is at p is at p + flow(p) next.

It is computed with OpenCV's DIS, or read from Middlebury `.flo` files, which FlowNet2, RAFT and most
other tools write.
"""

from __future__ import annotations

import functools
import os
import struct

import cv2
import numpy as np

from stmt_tf.files import PathLike

_MAGIC = 202021.25
_HEADER = struct.Struct("<fii")
_LARGEST = 1e9  # Middlebury's mark of unknown flow is above


class FlowError(Exception):
    """A .flo file cannot be used. The message is one line: the path, what is wrong, what to do."""


def dis_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Computes the flow from one frame to another.

    DIS in OpenCV's "medium" preset, but matching down to full resolution: at the sizes of our crops
    limbs are a few pixels wide, and the preset's half resolution loses them.

    Args:
        first: uint8 RGB `[H, W, 3]`, at least 12 pixels a side.
        second: a frame of the same size.

    Returns:
        float32 `[H, W, 2]`.
    """
    if first.shape != second.shape or min(first.shape[:2]) < 12:
        raise ValueError(
            f"expected frames of one size, at least 12 x 12, got {first.shape} and {second.shape}"
        )
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
    return _dis().calc(*grey, None)


def chain(flow: np.ndarray, then: np.ndarray) -> np.ndarray:
    """Joins flows a -> b and b -> c, each float32 `[H, W, 2]`, to the flow a -> c."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = x + flow[..., 0], y + flow[..., 1]
    return flow + cv2.remap(then, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def read_flo(path: PathLike) -> np.ndarray:
    """Reads a Middlebury `.flo` file; float32 `[H, W, 2]`.

    Raises:
        FlowError: the file is missing, is not of this format, its length does not fit the size
            that it states, or a pixel's flow is unknown.
    """
    try:
        with open(path, "rb") as file:
            length = os.fstat(file.fileno()).st_size
            if length < _HEADER.size:
                raise FlowError(f"{path}: {length} bytes are no .flo file. Write it again.")
            magic, width, height = _HEADER.unpack(file.read(_HEADER.size))
            if magic != _MAGIC:
                raise FlowError(
                    f"{path}: starts with {magic:g}, a .flo file with {_MAGIC}. Give another file."
                )
            if min(width, height) < 1 or length != _HEADER.size + 8 * width * height:
                raise FlowError(
                    f"{path}: states {width} x {height} pixels, but has {length} bytes. "
                    "Write it again."
                )
            values = np.frombuffer(file.read(), "<f4")
    except OSError as error:
        raise FlowError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    flow = values.reshape(height, width, 2).astype(np.float32)
    unknown = np.count_nonzero(~(np.abs(flow) <= _LARGEST).all(-1))
    if unknown:
        raise FlowError(
            f"{path}: the flow of {unknown} of {width * height} pixels is unknown (not finite, or above "
            f"{_LARGEST:g}). Compute it for every pixel."
        )
    return flow


def write_flo(path: PathLike, flow: np.ndarray) -> None:
    """Writes a flow `[H, W, 2]` as a Middlebury `.flo` file."""
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise ValueError(f"expected a flow [H, W, 2], got {flow.shape}")
    height, width = flow.shape[:2]
    with open(path, "wb") as file:
        file.write(_HEADER.pack(_MAGIC, width, height))
        file.write(np.ascontiguousarray(flow, "<f4").tobytes())


def flow_picture(flow: np.ndarray, longest: float | None = None) -> np.ndarray:
    """Shows a flow as colours, uint8 RGB `[H, W, 3]`: hue is direction, brightness is length.

    Args:
        flow: `[H, W, 2]`.
        longest: length shown brightest, in pixels; None: the flow's own longest.
    """
    length, angle = cv2.cartToPolar(flow[..., 0], flow[..., 1], angleInDegrees=True)
    scale = max(float(length.max()) if longest is None else longest, 1e-6)
    hsv = np.stack([angle / 2, np.full_like(angle, 255), np.minimum(length / scale, 1) * 255], -1)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)


@functools.cache
def _dis() -> cv2.DISOpticalFlow:
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(0)
    return flow
