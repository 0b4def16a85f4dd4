"""The single-frame model that stage 1 trains (Balakrishnan et al. 2018, "posewarp"; paper 3.1).

Three U-Nets of one shape:

    mask        source frame, source pose                -> soft masks of the background and 10 parts
    background  source frame without the person, mask    -> background features
    foreground  10 masked parts, each warped to the target's pose, target pose -> foreground features

What depends on the source alone (masks, background) is computed once per source frame by `encode_source`;
`foreground` makes the rest for any number of targets. Features are those before the prediction heads: the
"preliminary features" that the multi-frame model fuses.

Axes: B batch, K source frames, L target frames, H = W = size, C = 64 * width.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from stmt_tf.models.axes import merge_axes, split_axes
from stmt_tf.models.composition import (
    PredictionHeads,
    background_base,
    foreground_base,
    pose_nearness,
)
from stmt_tf.models.unet import UNet
from stmt_tf.models.warp import affine_warp
from stmt_tf.pose.maps import joint_heatmaps, part_log_priors, part_transforms
from stmt_tf.pose.skeleton import NUM_PARTS

_FEATURES = 64
_MASK_FEATURES = 32


class SingleFrameTransfer(tf.keras.Model):
    """One source frame and a target pose to a frame of the source person in that pose.

    Args:
        size: side of the square frames in pixels, a multiple of 32.
        width: multiplier of every layer's channels; 1 is the paper's.
        residual_heads: see `PredictionHeads`.

    Example:
        >>> model = SingleFrameTransfer(size=64, width=0.25)
        >>> model({"source_frames": tf.zeros([2, 1, 64, 64, 3]),
        ...        "source_joints": tf.zeros([2, 1, 14, 3]),
        ...        "target_joints": tf.zeros([2, 5, 14, 3])})["frame"].shape
        TensorShape([2, 5, 64, 64, 3])
    """

    def __init__(self, size: int, width: float = 1.0, residual_heads: bool = False, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.size = size
        self.width = width
        self.mask_unet = UNet(_MASK_FEATURES, width, name="mask_unet")
        self.mask_delta = tf.keras.layers.Conv2D(
            1 + NUM_PARTS, 3, padding="same", dtype="float32", name="mask_delta"
        )
        self.background_unet = UNet(_FEATURES, width, name="background_unet")
        self.foreground_unet = UNet(_FEATURES, width, name="foreground_unet")
        self.heads = PredictionHeads(residual_heads, name="heads")

    def encode_source(self, frames: tf.Tensor, joints: tf.Tensor) -> dict[str, tf.Tensor]:
        """All that depends on the source frames alone.

        Args:
            frames: `[B, K, H, W, 3]` in [-1, 1].
            joints: `[B, K, 14, 3]` in pixels.

        Returns:
            `joints` as given; `parts` `[B, K, 10, H, W, 4]`, of each body part the colour times its
            soft mask, and the mask; `background_mask` `[B, K, H, W, 1]`, which the parts' masks complete
            to 1; `background_features` `[B, K, H, W, C]`;
            `background_base` `[B, H, W, 3]` and `background_visible` `[B, H, W, 1]`.
        """
        batch = tf.shape(frames)[:2]
        flat_frames, flat_joints = merge_axes(frames), merge_axes(joints)
        heatmaps = joint_heatmaps(flat_joints, self.size)
        delta = self.mask_delta(self.mask_unet(flat_frames, heatmaps))
        masks = tf.nn.softmax(delta + part_log_priors(flat_joints, self.size))
        # Splits, where slices would do: their gradient is cheaper by far.
        background_mask, part_masks = tf.split(masks, [1, NUM_PARTS], axis=-1)
        masked = tf.concat([flat_frames * background_mask, background_mask], axis=-1)
        features = self.background_unet(masked, heatmaps)
        background_mask = split_axes(background_mask, batch)
        base, visible = background_base(frames, background_mask)
        return {
            "joints": joints,
            "parts": split_axes(masked_parts(flat_frames, part_masks), batch),
            "background_mask": background_mask,
            "background_features": split_axes(features, batch),
            "background_base": base,
            "background_visible": visible,
        }

    def foreground(
        self, source: dict[str, tf.Tensor], target_joints: tf.Tensor, warp: Callable = affine_warp
    ) -> dict[str, tf.Tensor]:
        """The source person in the target's poses, from each source frame by itself.

        Args:
            source: what `encode_source` gave.
            target_joints: `[B, L, 14, 3]` in pixels.
            warp: what carries the parts to the target's pose, one of `stmt_tf.models.warp`.

        Returns:
            `features` `[B * L, K, H, W, C]`; `composites` `[B * L, K, H, W, 3]` and `alphas`
            `[B * L, K, H, W, 1]`, the warped parts and their masks, each summed over the parts; `nearness`
            `[B * L, K]` of the source poses to the target's.
        """
        batch, targets = tf.shape(target_joints)[0], tf.shape(target_joints)[1]
        sources = tf.shape(source["joints"])[1]
        lead = tf.stack([batch * targets, sources])

        def per_target(x):  # [B, K, ...] -> [B * L, K, ...]
            return tf.repeat(x, targets, axis=0)

        source_joints = per_target(source["joints"])
        target = merge_axes(target_joints)
        transforms = part_transforms(source_joints, target[:, None])
        warped = warp(merge_axes(merge_axes(per_target(source["parts"]))), merge_axes(merge_axes(transforms)))
        warped = tf.reshape(warped, [-1, NUM_PARTS, self.size, self.size, 4])

        # On a CPU, joining slices and summing all channels at once takes half the time of a transposition and
        # a sum of each; at 128 pixels that is a seventh of a training step.
        stacked = tf.concat([tf.split(part, [3, 1], axis=-1)[0] for part in tf.unstack(warped, axis=1)], axis=-1)
        composites, alphas = tf.split(split_axes(tf.reduce_sum(warped, 1), lead), [3, 1], axis=-1)
        heatmaps = tf.repeat(joint_heatmaps(target, self.size), sources, axis=0)
        features = self.foreground_unet(stacked, heatmaps)
        return {
            "features": split_axes(features, lead),
            "composites": composites,
            "alphas": alphas,
            "nearness": pose_nearness(source_joints, target, self.size),
        }

    def call(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`source_frames` `[B, 1, H, W, 3]`, `source_joints` `[B, 1, 14, 3]`, `target_joints` `[B, L, 14, 3]`.

        Returns:
            What the heads give, `[B, L, ...]`; and of the source `background_mask` `[B, 1, H, W, 1]`.
        """
        source = self.encode_source(inputs["source_frames"], inputs["source_joints"])
        target_joints = inputs["target_joints"]
        foreground = self.foreground(source, target_joints)
        targets = tf.shape(target_joints)[1]
        outputs = self.heads(
            foreground["features"][:, 0],
            tf.repeat(source["background_features"][:, 0], targets, axis=0),
            foreground_base(
                foreground["composites"], foreground["alphas"], foreground["nearness"][:, :, None, None, None]
            ),
            (
                tf.repeat(source["background_base"], targets, axis=0),
                tf.repeat(source["background_visible"], targets, axis=0),
            ),
        )
        outputs = {name: split_axes(x, tf.shape(target_joints)[:2]) for name, x in outputs.items()}
        return {**outputs, "background_mask": source["background_mask"]}


def masked_parts(frames: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """Colour times mask, and mask, of each part: `[N, H, W, 3]` and `[N, H, W, 10]` to `[N, 10, H, W, 4]`."""
    masks = tf.transpose(masks, [0, 3, 1, 2])[..., None]
    return tf.concat([frames[:, None] * masks, masks], axis=-1)
