"""What is decided at the network's size, carried over to frames of another size.

Pixel centres have integer coordinates, so a place x of the network's frame is `r (x + 0.5) - 0.5` in one r times as
large. Axes: M target poses, K frames of each of P parts, n the network's side, S = r n the frames' side.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.pose.skeleton import NUM_PARTS

_SEEN = 0.005  # a part's weight below which it is not carried over


def is_static(side: int | tf.Tensor, size: int) -> bool:
    """Whether frames are known to be of a size before they are there, so that nothing need be carried over."""
    return isinstance(side, int) and side == size


def scaled_joints(joints: tf.Tensor, scale: float | tf.Tensor) -> tf.Tensor:
    """Joints `[..., 3]` of frames, in pixels of frames `scale` times as large."""
    places = (joints[..., :2] + 0.5) * tf.cast(scale, joints.dtype) - 0.5
    return tf.concat([places, joints[..., 2:]], -1)


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


def layers_at_frame_size(
    frames: tf.Tensor,
    masks: tf.Tensor,
    attention: tf.Tensor,
    shares: tf.Tensor,
    chosen: tf.Tensor,
    transforms: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Warps the frames' own pixels by the parts' transforms, and sums them up as attention says.

    Each part of each frame is carried over within the box of the picture that shows it.

    Args:
        frames: `[B, N, S, S, 4]`, colour times the person's opacity, and the opacity.
        masks: `[M, K, P, n, n]`, of the part's warped mask its share in all of the person's.
        attention: `[M, K, P, n, n]`.
        shares: `[M, K, P]`, those of the frames in each part.
        chosen: int32 `[M, K, P]`, which frame each one is.
        transforms: `[M, K, P, 6]`, as `stmt_tf.pose.maps.part_transforms` gives them, in the network's pixels.

    Returns:
        `[M, S, S, 4]`, the sum over frames and parts of attention times the warped colour and opacity; `[M, S, S, 1]`,
        the sum of shares times the warped opacity.
    """
    size = masks.shape[-1]
    side = tf.shape(frames)[2]
    ratio = side // size
    weights = tf.stack([attention, tf.broadcast_to(shares[..., None, None], tf.shape(masks))], -1) * masks[..., None]
    boxes = _boxes(tf.reduce_max(weights, -1))
    targets_per_source = tf.shape(masks)[0] // tf.shape(frames)[0]

    def one_target(inputs):
        source, weights, boxes, chosen, transforms = inputs
        flat = [tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0)) for x in (weights, boxes, chosen, transforms)]

        def add(i, canvas):
            weight, box, frame, transform = (x[i] for x in flat)
            return i + 1, _added(canvas, frames[source, frame], weight, box * ratio, transform, ratio)

        canvas = tf.zeros([side, side, 5])
        count = tf.shape(flat[2])[0]
        return tf.while_loop(lambda i, _: i < count, add, (0, canvas), parallel_iterations=1)[1]

    sources = tf.range(tf.shape(masks)[0]) // targets_per_source
    layers = tf.map_fn(
        one_target,
        (sources, weights, boxes, chosen, transforms),
        fn_output_signature=tf.TensorSpec([None, None, 5], tf.float32),
        parallel_iterations=2,
    )
    return layers[..., :4], layers[..., 4:]


def _boxes(weights: tf.Tensor) -> tf.Tensor:
    """Where weights `[M, K, P, n, n]` are seen: int32 `[M, K, P, 4]`, (top, bottom, left, right), the latter excluded."""
    ends = []
    for axis in (-1, -2):
        seen = tf.reduce_max(weights, axis) > _SEEN
        numbers = tf.range(tf.shape(seen)[-1])
        count = tf.shape(seen)[-1]
        first = tf.reduce_min(tf.where(seen, numbers, count), -1)
        last = tf.reduce_max(tf.where(seen, numbers, -1), -1)
        # What is interpolated reaches a pixel further.
        some = last >= first
        ends += [tf.where(some, tf.maximum(first - 1, 0), 0), tf.where(some, tf.minimum(last + 2, count), 0)]
    return tf.stack(ends, -1)


def _added(
    canvas: tf.Tensor, frame: tf.Tensor, weight: tf.Tensor, box: tf.Tensor, transform: tf.Tensor, ratio: tf.Tensor
) -> tf.Tensor:
    """Adds one part of one frame to what is summed up.

    Args:
        canvas: `[S, S, 5]`.
        frame: `[S, S, 4]`.
        weight: `[n, n, 2]`: for colour and opacity, and for the cover.
        box: int32 `[4]`, (top, bottom, left, right) in pixels of the frame; maybe empty.
        transform: `[6]` in the network's pixels.
        ratio: r.
    """
    top, bottom, left, right = tf.unstack(box)
    shape = tf.stack([bottom - top, right - left])
    ratio = tf.cast(ratio, tf.float32)
    corner = tf.cast(tf.stack([left, top]), tf.float32)
    linear, shift = tf.split(tf.reshape(transform, [2, 3]), [2, 1], axis=1)
    # A place of the box, in the frame: by the transform between the network's pixels.
    shift = ratio * (tf.linalg.matvec(linear, (corner + 0.5) / ratio - 0.5) + shift[:, 0] + 0.5) - 0.5

    def add():
        pixels = _sampled(*_read_part(frame, linear, shift, shape), shape, "CONSTANT")
        shares = _sampled(weight, tf.eye(2) / ratio, (corner + 0.5) / ratio - 0.5, shape, "NEAREST")
        added = tf.concat([pixels * shares[..., :1], pixels[..., 3:] * shares[..., 1:]], -1)
        # Updates in place, as nothing else reads the canvas by then.
        begin, end = tf.stack([top, left]), tf.stack([bottom, right])
        value = canvas[top:bottom, left:right] + added
        return tf.raw_ops.TensorStridedSliceUpdate(input=canvas, begin=begin, end=end, strides=[1, 1], value=value)

    return tf.cond(tf.reduce_all(shape > 0), add, lambda: canvas)


def _read_part(
    frame: tf.Tensor, linear: tf.Tensor, shift: tf.Tensor, shape: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The part of a frame that a warp to a picture of (height, width) reads, and the warp as from there."""
    far = tf.cast(shape[::-1], tf.float32) - 1.0
    corners = far * [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    read = tf.linalg.matvec(linear, corners) + shift
    end = tf.cast(tf.shape(frame)[1::-1], tf.float32)
    low = tf.clip_by_value(tf.floor(tf.reduce_min(read, 0)), 0.0, end - 1.0)
    high = tf.clip_by_value(tf.math.ceil(tf.reduce_max(read, 0)), low, end - 1.0) + 1.0
    left, top = tf.unstack(tf.cast(low, tf.int32))
    right, bottom = tf.unstack(tf.cast(high, tf.int32))
    return frame[top:bottom, left:right], linear, shift - low


def _sampled(image: tf.Tensor, linear: tf.Tensor, shift: tf.Tensor, shape: tf.Tensor, outside: str) -> tf.Tensor:
    """Samples an image `[H, W, C]` at `linear` x + `shift` of each place x of a picture of (height, width)."""
    transform = tf.concat([linear, shift[:, None]], 1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=tf.pad(tf.reshape(transform, [1, 6]), [[0, 0], [0, 2]]),
        output_shape=shape,
        interpolation="BILINEAR",
        fill_mode=outside,
        fill_value=0.0,
    )[0]
