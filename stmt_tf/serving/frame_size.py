"""`stmt_tf.models.frame_size` by OpenCV: the same pictures, several times as fast on a processor.

TensorFlow warps a pixel's channels one by one, and copies what it adds to. Axes: M target poses, K frames of each of P
parts, n the network's side, S = r n the frames' side. OpenCV interpolates between 32 places of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import cv2
import numpy as np

from stmt_tf.models.frame_size import OPAQUE, OUTLINE, PAINT

CARRIED_BY = ("colour", "cover", "seen", "chosen", "transforms", "drawn")  # of `stmt_tf.models.frame_size.Decided`
_GREY = 128  # 0 in [-1, 1]
_SUREST = 80.0  # of a logit: e to the power of more is hardly a float32
Box = tuple[slice, slice]  # rows and columns


def foregrounds_at_frame_size(
    frames: np.ndarray, decided: Mapping[str, np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Warps the frames' own pixels by the parts' transforms, and merges them as attention says.

    Args:
        frames: float32 `[N, S, S, 4]`, colour times the person's opacity, and the opacity.
        decided: of what a SavedModel's `decide` gave for M poses that by these names.

    Yields:
        Of each pose the foreground, uint8 `[S, S, 3]`, and its mask, uint8 `[S, S, 1]`, 255 on the person.
    """
    for values in zip(*decided.values()):
        yield _foreground(frames, dict(zip(decided, values)))


def _foreground(frames: np.ndarray, decided: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The foreground and mask of one pose, of whose arrays the first axis is K."""
    side, ratio = frames.shape[1], frames.shape[1] // decided["seen"].shape[-1]
    foreground, mask = np.full((side, side, 3), _GREY, np.uint8), np.zeros((side, side, 1), np.uint8)
    boxes = [_box(seen.any(0)) for seen in np.moveaxis(decided["seen"], 1, 0)]
    seen = [box for box in boxes if box is not None]
    if not seen:
        return foreground, mask
    whole = tuple(slice(min(each[i].start for each in seen), max(each[i].stop for each in seen)) for i in (0, 1))
    shape = tuple(ratio * (each.stop - each.start) for each in whole)
    colours, cover = np.zeros((*shape, 4), np.float32), np.zeros(shape, np.float32)
    for part, box in enumerate(boxes):
        if box is None:
            continue
        place = tuple(slice(ratio * (b.start - w.start), ratio * (b.stop - w.start)) for b, w in zip(box, whole))
        for k in np.flatnonzero(decided["seen"][:, part].any((1, 2))):
            warped = _warped(frames[decided["chosen"][k, part]], decided["transforms"][k, part], box, ratio)
            # NumPy would multiply by one weight for four channels far more slowly.
            weights = _enlarged(cv2.merge([decided["colour"][k, part][box]] * 4), ratio)
            cv2.accumulateProduct(warped, weights, colours[place])
            weights = _enlarged(decided["cover"][k, part][box], ratio)
            cv2.accumulateProduct(cv2.extractChannel(warped, 3), weights, cover[place])
    at = tuple(slice(ratio * each.start, ratio * each.stop) for each in whole)
    *painted, logit = cv2.split(_enlarged(decided["drawn"][whole], ratio))
    *coloured, opacity = cv2.split(colours)
    brightness = 127.5 / (opacity + PAINT)
    channels = [brightness * (colour + PAINT * paint) + 127.5 for colour, paint in zip(coloured, painted)]
    foreground[at] = cv2.merge([_as_uint8(channel) for channel in channels])
    mask[at] = _as_uint8(255.0 * _outlined(cover, logit))[..., np.newaxis]
    return foreground, mask


def _warped(frame: np.ndarray, transform: np.ndarray, box: Box, ratio: int) -> np.ndarray:
    """What a box of the network's pixels shows of a frame `[S, S, 4]` by a transform `[6]` between those pixels."""
    rows, columns = box
    linear, shift = transform.reshape(2, 3)[:, :2], transform.reshape(2, 3)[:, 2]
    first = np.array([columns.start, rows.start]) + 0.5 / ratio - 0.5
    moved = ratio * (linear @ first + shift + 0.5) - 0.5
    size = ratio * (columns.stop - columns.start), ratio * (rows.stop - rows.start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(frame, np.column_stack([linear, moved]), size, flags=flags)


def _outlined(cover: np.ndarray, logit: np.ndarray) -> np.ndarray:
    """The mask of a cover, both `[h, w]`: `merge` and `_sharpened` of `stmt_tf.models.frame_size`."""
    cover = np.clip(cover, OPAQUE, 1.0 - OPAQUE)
    odds = np.exp(np.minimum(logit, _SUREST)) * cover / (1.0 - cover)
    low, high = OUTLINE
    share = np.clip((odds / (1.0 + odds) - low) / (high - low), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _box(seen: np.ndarray) -> Box | None:
    """Where a part is seen, bool `[n, n]`, and a pixel around; None where nowhere."""
    if not seen.any():
        return None
    sides = [np.flatnonzero(seen.any(axis)) for axis in (1, 0)]
    return tuple(slice(max(0, side[0] - 1), min(len(seen), side[-1] + 2)) for side in sides)


def _enlarged(image: np.ndarray, ratio: int) -> np.ndarray:
    return cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_LINEAR)


def _as_uint8(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0.0, 255.0)).astype(np.uint8)
