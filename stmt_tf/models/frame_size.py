"""What is decided at the network's size, carried over to frames of another size.

Pixel centres have integer coordinates, so a point x of the network's frame is `r (x + 0.5) - 0.5` in one r times as
large. Axes: M target poses, K frames of each of P parts, n the network's side, S = r n the frames' side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from stmt_tf.pixels import share_to_uint8
from stmt_tf.pose.skeleton import NUM_PARTS

PAINT = 0.02  # how opaque the painted colours behind the parts are
OPAQUE = 0.02  # the covered share is taken as no surer than this to either side
OUTLINE = (0.15, 0.75)  # of the mask, between which the outline runs at frame size

# From what `as_carried` gives to the colour in [-1, 1] times the opacity, and the opacity twice: the second is for the
# cover.
_FROM_CARRIED = np.float32([[2, 0, 0, 0, 0], [0, 2, 0, 0, 0], [0, 0, 2, 0, 0], [-1, -1, -1, 1, 1]]) / np.float32(255)


def is_static(side: int | tf.Tensor, size: int) -> bool:
    """Whether it is known while the graph is made that frames are of a size, so that nothing need be carried over."""
    return isinstance(side, int) and side == size


def shrunk(images: tf.Tensor, side: int) -> tf.Tensor:
    """Images `[N, S, S, C]` averaged to `[N, side, side, C]`."""
    if images.shape[1] == side:
        return images
    return tf.image.resize(images, [side, side], "area")


def enlarged(images: tf.Tensor, side: int | tf.Tensor) -> tf.Tensor:
    """Images `[N, n, n, C]` interpolated to `[N, side, side, C]`."""
    if is_static(side, images.shape[1]):
        return images
    return tf.image.resize(images, [side, side], "bilinear")


def as_carried(frames: tf.Tensor, opacity: tf.Tensor) -> tf.Tensor:
    """Frames `[N, S, S, 3]` in [-1, 1] of a person of some opacity, `[N, S, S, 1]`, as they are carried over.

    uint8 `[N, S, S, 4]`: the colour in [0, 255] times the opacity, and the opacity, 255 on the person.
    """
    return share_to_uint8(tf.concat([(frames / 2.0 + 0.5) * opacity, opacity], -1))


class Choice(NamedTuple):
    """Which source frames show each part of M poses, and how they get there.

    Attributes:
        joints: `[M, 14, 3]`, the poses in the network's pixels.
        frames: int32 `[M, K, P]`, which of the source's frames.
        shares: `[M, K, P]` in (0, 1], how much each of them counts; they sum to 1 over K.
        transforms: `[M, K, P, 6]`, as `stmt_tf.pose.maps.part_transforms` gives them, in the network's pixels.
    """

    joints: tf.Tensor
    frames: tf.Tensor
    shares: tf.Tensor
    transforms: tf.Tensor


class Decided(NamedTuple):
    """What the networks decide of M poses at their own size.

    Attributes:
        attention: `[M, K, P, n, n]`, which sums to 1 over K and P.
        images: `[M, K * P, n, n, 4]`, of each warped part the colour times its mask, and the mask.
        blended: `[M, P, n, n, 4]`, the images' sum over the frames by their shares.
        colour: `[M, K, P, n, n]`, by how much each frame's part counts for colour and opacity at another size; None,
            with `cover` and `seen`, where there is no other size.
        cover: `[M, K, P, n, n]`, and by how much for the share of the picture that parts cover.
        seen: bool `[M, K, P, n, n]`, where it counts at all; elsewhere nothing need be carried over.
        drawn: `[M, n, n, 4]`, painted colours, and what is added to the logit of the mask.
    """

    attention: tf.Tensor
    images: tf.Tensor
    blended: tf.Tensor
    colour: tf.Tensor | None
    cover: tf.Tensor | None
    seen: tf.Tensor | None
    drawn: tf.Tensor


def foreground_at_network_size(parts: Decided) -> tuple[tf.Tensor, tf.Tensor]:
    """The foreground `[M, n, n, 3]` and its mask `[M, n, n, 1]`."""
    weights = tf.reshape(parts.attention, [*tf.unstack(tf.shape(parts.images))[:-1], 1])
    colours, cover = tf.reduce_sum(weights * parts.images, 1), tf.reduce_sum(parts.blended[..., 3:], 1)
    return merge(colours, cover, *tf.split(parts.drawn, [3, 1], axis=-1))


def foreground_at_frame_size(frames: tf.Tensor, choice: Choice, parts: Decided) -> tuple[tf.Tensor, tf.Tensor]:
    """Warps the frames' own pixels by the parts' transforms, and merges them as attention says.

    All is computed within boxes: each part within the one that shows it, the rest within that of the person.

    Args:
        frames: uint8 `[B, N, S, S, 4]`, see `as_carried`.
        choice: which frames are carried over, and where to.
        parts: what of them is seen.

    Returns:
        The foreground `[M, S, S, 3]` and its mask `[M, S, S, 1]`; both are 0 outside the person's box.
    """
    side = tf.shape(frames)[2]
    ratio = side // parts.seen.shape[-1]
    weights = tf.stack([parts.colour] * 4 + [parts.cover], -1)
    targets_per_source = tf.shape(parts.seen)[0] // tf.shape(frames)[0]

    def one_target(inputs):
        source, weights, seen, chosen, transforms, drawn = inputs
        boxes = _boxes(tf.reduce_any(seen, 0))
        whole = _box_around(boxes)
        carried = tf.reduce_any(seen, [2, 3])

        def add(part, canvas):
            one = _Part(whole[::2], boxes[part], weights[:, part], carried[:, part], transforms[:, part], ratio)
            return part + 1, one.added(canvas, frames, source, chosen[:, part])

        canvas = tf.zeros([*tf.unstack(ratio * (whole[1::2] - whole[::2])), 5])
        canvas = tf.while_loop(lambda part, _: part < NUM_PARTS, add, (0, canvas), parallel_iterations=1)[1]
        drawn = drawn[whole[0] : whole[1], whole[2] : whole[3]]
        drawn = tf.image.resize(drawn, tf.shape(canvas)[:2], "bilinear")
        merged = tf.concat(merge(canvas[..., :4], canvas[..., 4:], drawn[..., :3], drawn[..., 3:]), -1)
        top, bottom, left, right = tf.unstack(ratio * whole)
        return tf.pad(merged, [[top, side - bottom], [left, side - right], [0, 0]])

    sources = tf.range(tf.shape(parts.seen)[0]) // targets_per_source
    made = tf.map_fn(
        one_target,
        (sources, weights, parts.seen, choice.frames, choice.transforms, parts.drawn),
        fn_output_signature=tf.TensorSpec([None, None, 4], tf.float32),
        parallel_iterations=2,
    )
    return made[..., :3], _sharpened(made[..., 3:])


def merge(
    colours: tf.Tensor, cover: tf.Tensor, paint: tf.Tensor, mask_logit: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The foreground and its mask.

    Args:
        colours: `[..., 4]`, the sum over frames and parts of attention times colour and opacity.
        cover: `[..., 1]`, the sum over frames and parts of share times opacity.
        paint: `[..., 3]`, the colours behind the parts, which show where no part covers.
        mask_logit: `[..., 1]`, what is added to the logit of the cover.

    Returns:
        `[..., 3]` and `[..., 1]`, the latter in [0, 1].
    """
    foreground = (colours[..., :3] + PAINT * paint) / (colours[..., 3:] + PAINT)
    cover = tf.clip_by_value(cover, OPAQUE, 1.0 - OPAQUE)
    return foreground, tf.sigmoid(tf.math.log(cover / (1.0 - cover)) + mask_logit)


def _sharpened(mask: tf.Tensor) -> tf.Tensor:
    """Narrows the outline, which was found in larger pixels."""
    low, high = OUTLINE
    share = tf.clip_by_value((mask - low) / (high - low), 0.0, 1.0)
    return tf.square(share) * (3.0 - 2.0 * share)


class _Part:
    """One part of one target, to be carried over.

    Args:
        origin: int32 (top, left) of the canvas, in the network's pixels.
        box: int32 (top, bottom, left, right) of the part, in the network's pixels; maybe empty.
        weights: `[K, n, n, 5]`, of each frame's part: for colour and opacity, and for the cover.
        carried: bool `[K]`, which of the frames show anything of it.
        transforms: `[K, 6]` in the network's pixels.
        ratio: r.
    """

    def __init__(self, origin, box, weights, carried, transforms, ratio):
        self._weights = weights[:, box[0] : box[1], box[2] : box[3]]
        self._begin = ratio * (box[::2] - origin)
        self._shape = ratio * (box[1::2] - box[::2])
        self._carried, self._transforms = carried, transforms
        self._corner = tf.cast(tf.stack([box[2], box[0]]), tf.float32)  # as (x, y)
        self._ratio = tf.cast(ratio, tf.float32)

    def added(self, canvas: tf.Tensor, frames: tf.Tensor, source: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
        """The canvas `[h, w, 5]` with the part of frames uint8 `[B, N, S, S, 4]` added, `[K]` chosen of one source."""

        def add():
            merged = tf.zeros([*tf.unstack(self._shape), 5])
            merged = tf.while_loop(
                lambda k, _: k < tf.shape(chosen)[0],
                lambda k, merged: (
                    k + 1,
                    tf.cond(
                        self._carried[k], lambda: merged + self._of_frame(k, frames, source, chosen[k]), lambda: merged
                    ),
                ),
                (0, merged),
                parallel_iterations=1,
            )[1]
            begin, end = self._begin, self._begin + self._shape
            # Updates in place, as nothing else reads the canvas by then.
            merged += canvas[begin[0] : end[0], begin[1] : end[1]]
            return tf.raw_ops.TensorStridedSliceUpdate(input=canvas, begin=begin, end=end, strides=[1, 1], value=merged)

        return tf.cond(tf.reduce_all(self._shape > 0), add, lambda: canvas)

    def _of_frame(self, k: tf.Tensor, frames: tf.Tensor, source: tf.Tensor, frame: tf.Tensor) -> tf.Tensor:
        """What one frame gives, `[h, w, 5]`."""
        along, down, shift = tf.unstack(tf.reshape(self._transforms[k], [2, 3]), axis=1)
        # Where the box's first pixel lies in the frame, by the transform between the network's pixels.
        centre = self._corner + 0.5 / self._ratio - 0.5
        shift = self._ratio * (along * centre[0] + down * centre[1] + shift + 0.5) - 0.5
        # Only what the box shows of the frame is read.
        height, width = tf.unstack(tf.cast(self._shape, tf.float32) - 1.0)
        read = shift + tf.stack([0.0 * along, along * width, down * height, along * width + down * height])
        end = tf.cast(tf.shape(frames)[3:1:-1], tf.float32)
        low = tf.clip_by_value(tf.floor(tf.reduce_min(read, 0)), 0.0, end - 1.0)
        high = tf.clip_by_value(tf.math.ceil(tf.reduce_max(read, 0)), low, end - 1.0) + 1.0
        (left, top), (right, bottom) = (tf.unstack(tf.cast(x, tf.int32)) for x in (low, high))
        transform = tf.stack([along, down, shift - low], 1)
        pixels = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(frames[source, frame, top:bottom, left:right][None], tf.float32),
            transforms=tf.pad(tf.reshape(transform, [1, 6]), [[0, 0], [0, 2]]),
            output_shape=self._shape,
            interpolation="BILINEAR",
            fill_mode="CONSTANT",
            fill_value=0.0,
        )[0]
        # Of so few channels, a product by a matrix takes less time than joining them, as does one of five channels of
        # weights, though four are alike, than one that broadcasts.
        pixels = tf.reshape(pixels, [-1, 4]) @ _FROM_CARRIED
        weights = tf.image.resize(self._weights[k], self._shape, "bilinear")
        return tf.reshape(pixels, tf.shape(weights)) * weights


def _boxes(seen: tf.Tensor) -> tf.Tensor:
    """Where parts `[P, n, n]` are seen, and a pixel around: int32 `[P, 4]`, (top, bottom, left, right) as of slices."""
    size = seen.shape[-1]
    ends = []
    for axis in (-1, -2):
        line = tf.reduce_any(seen, axis)
        first = tf.reduce_min(tf.where(line, tf.range(size), size), -1)
        last = tf.reduce_max(tf.where(line, tf.range(size), -1), -1)
        some = last >= first
        ends += [tf.where(some, tf.maximum(first - 1, 0), 0), tf.where(some, tf.minimum(last + 2, size), 0)]
    return tf.stack(ends, -1)


def _box_around(boxes: tf.Tensor) -> tf.Tensor:
    """The box around all boxes `[P, 4]` that are not empty: int32 `[4]`, of a pixel where all are."""
    some = (boxes[:, 1] > boxes[:, 0])[:, None]
    high = tf.reduce_max(tf.where(some, boxes[:, 1::2], 1), 0)
    low = tf.minimum(tf.reduce_min(tf.where(some, boxes[:, ::2], tf.int32.max), 0), high - 1)
    return tf.stack([low[0], high[0], low[1], high[1]])
