"""`stmt_tf.models.frame_size` by OpenCV: the same pictures, several times as fast on a processor.

TensorFlow warps a pixel's channels one by one, and copies what it adds to. Axes: M target poses, K frames of each of P
parts, n the network's side, S = r n the frames' side. OpenCV interpolates between 32 places of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import cv2
import numpy as np

from stmt_tf.models.frame_size import OPAQUE, OUTLINE, PAINT

CARRIED_BY = ("colour", "cover", "seen", "drawn")  # of `stmt_tf.models.frame_size.Decided`; `_foreground` takes them
_COUNTS = 1e-3  # a share of a source frame in a part below which it changes next to nothing
_SUREST = 80.0  # of a logit: e to the power of more is hardly a float32
_WARP = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
Box = tuple[slice, slice]  # rows and columns


def warped_parts(parts: np.ndarray, choice: Mapping[str, np.ndarray]) -> np.ndarray:
    """The parts that were chosen, in the target's pose, as a SavedModel's `decide` takes them.

    Args:
        parts: float32 `[N, P, n, n, 5]`, of a source, as `encode_source` gives them.
        choice: what `choose` gave for M poses.

    Returns:
        float32 `[M, K * P, n, n, 5]`; 0 where a frame has next to no share in a part.
    """
    chosen, shares = choice["frames"], choice["shares"]
    warped = np.zeros([*chosen.shape, *parts.shape[2:]], np.float32)
    size = parts.shape[2:4]  # rows and columns, for OpenCV width and height: parts are square
    for place in zip(*np.nonzero(shares > _COUNTS)):
        part = np.ascontiguousarray(parts[chosen[place], place[-1]])
        transform = choice["transforms"][place].reshape(2, 3)
        # OpenCV warps four channels at most.
        for channels in (slice(0, 4), slice(4, 5)):
            image = cv2.warpAffine(np.ascontiguousarray(part[..., channels]), transform, size, flags=_WARP)
            warped[place][..., channels] = image.reshape(*size, -1)
    return warped.reshape(len(chosen), -1, *parts.shape[2:])


def foregrounds_at_frame_size(
    frames: np.ndarray, choice: Mapping[str, np.ndarray], decided: Mapping[str, np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Warps the frames' own pixels by the parts' transforms, and merges them as attention says.

    Args:
        frames: uint8 `[N, S, S, 4]`, see `stmt_tf.models.frame_size.as_carried`.
        choice: what a SavedModel's `choose` gave for M poses.
        decided: of what its `decide` gave for them that by the names of `CARRIED_BY`.

    Yields:
        Of each pose the foreground, uint8 `[S, S, 3]`, and its mask, uint8 `[S, S, 1]`, 255 on the person.
    """
    for values in zip(choice["frames"], choice["transforms"], *(decided[name] for name in CARRIED_BY)):
        yield _foreground(frames, *values)


def _foreground(
    frames: np.ndarray,
    chosen: np.ndarray,
    transforms: np.ndarray,
    colour: np.ndarray,
    cover: np.ndarray,
    seen: np.ndarray,
    drawn: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The foreground and mask of one pose: of `chosen` to `seen` the first axis is K."""
    side, ratio = frames.shape[1], frames.shape[1] // seen.shape[-1]
    foreground, mask = np.full((side, side, 3), 128, np.uint8), np.zeros((side, side, 1), np.uint8)
    boxes = [_box(each.any(0)) for each in np.moveaxis(seen, 1, 0)]
    shown = [box for box in boxes if box is not None]
    if not shown:
        return foreground, mask
    whole = tuple(slice(min(each[i].start for each in shown), max(each[i].stop for each in shown)) for i in (0, 1))
    shape = tuple(ratio * (each.stop - each.start) for each in whole)
    coloured, covered = np.zeros((*shape, 4), np.float32), np.zeros(shape, np.float32)  # 255 times what they tell
    for part, box in enumerate(boxes):
        if box is None:
            continue
        place = tuple(slice(ratio * (b.start - w.start), ratio * (b.stop - w.start)) for b, w in zip(box, whole))
        for k in np.flatnonzero(seen[:, part].any((1, 2))):
            warped = _warped(frames[chosen[k, part]], transforms[k, part], box, ratio)
            # NumPy would multiply by one weight for four channels far more slowly.
            cv2.accumulateProduct(warped, cv2.merge([_enlarged(colour[k, part][box], ratio)] * 4), coloured[place])
            cv2.accumulateProduct(
                cv2.extractChannel(warped, 3), _enlarged(cover[k, part][box], ratio), covered[place]
            )
    at = tuple(slice(ratio * each.start, ratio * each.stop) for each in whole)
    *painted, logit = (_enlarged(channel, ratio) for channel in cv2.split(drawn[whole]))
    *channels, opacity = cv2.split(coloured)
    paint, scale = 127.5 * PAINT, 1.0 / (opacity / 255.0 + PAINT)
    foreground[at] = cv2.merge(
        [_as_uint8((each + paint * (1.0 + behind)) * scale) for each, behind in zip(channels, painted)]
    )
    mask[at] = _as_uint8(255.0 * _outlined(covered / 255.0, logit))[..., np.newaxis]
    return foreground, mask


def _warped(frame: np.ndarray, transform: np.ndarray, box: Box, ratio: int) -> np.ndarray:
    """What a box of the network's pixels shows of a frame uint8 `[S, S, 4]` by a transform `[6]` between those pixels.

    float32: rounded to bytes, faint colours would be wrong by much when they are divided by their opacity.
    """
    rows, columns = box
    linear, shift = transform.reshape(2, 3)[:, :2], transform.reshape(2, 3)[:, 2]
    first = np.array([columns.start, rows.start]) + 0.5 / ratio - 0.5
    moved = ratio * (linear @ first + shift + 0.5) - 0.5
    size = ratio * (columns.stop - columns.start), ratio * (rows.stop - rows.start)
    # Only what the box shows of the frame becomes float32.
    corners = moved + np.array([(x, y) for x in (0, size[0] - 1) for y in (0, size[1] - 1)]) @ linear.T
    low = np.clip(np.floor(corners.min(0)), 0, len(frame) - 1).astype(int)
    high = np.clip(np.ceil(corners.max(0)), low, len(frame) - 1).astype(int) + 1
    read = frame[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    return cv2.warpAffine(read, np.column_stack([linear, moved - low]), size, flags=_WARP)


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
