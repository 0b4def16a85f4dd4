"""The transfer network G: K source frames and a target pose to one frame (paper section 3, Fig. 2).

    encode_source   K source frames and poses -> what depends on the source alone, once per source video
    generate        that and L target poses   -> L frames

Preliminary features of each source frame come from the single-frame model, which stage 2 keeps frozen. They
are fused over K, foreground and background apart; prediction heads make the foreground, its mask and the
background, which are composed.

Axes: B batch, K source frames, L target frames, H = W = size, C = 64 * width.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.models.composition import PredictionHeads, compose
from stmt_tf.models.fusion import create_fusion
from stmt_tf.models.single_frame import SingleFrameTransfer
from stmt_tf.pose.maps import joint_heatmaps


class Generator(tf.keras.Model):
    """The multi-frame transfer network.

    Args:
        single_frame: the single-frame model; give it trained, it is not trained further.
        fusion: name of the fusion (see `stmt_tf.models.fusion`), for both branches.

    Example:
        >>> generator = Generator(SingleFrameTransfer(size=64, width=0.25), fusion="avg")
        >>> source = generator.encode_source(tf.zeros([1, 4, 64, 64, 3]), tf.zeros([1, 4, 14, 3]))
        >>> generator.generate(source, tf.zeros([1, 8, 14, 3]))["frame"].shape
        TensorShape([1, 8, 64, 64, 3])
    """

    def __init__(self, single_frame: SingleFrameTransfer, fusion: str, **kwargs):
        super().__init__(**kwargs)
        self.single_frame = single_frame
        self.single_frame.trainable = False
        self.size = single_frame.size
        self.foreground_fusion = create_fusion(fusion, name="foreground_fusion")
        self.background_fusion = create_fusion(fusion, name="background_fusion")
        self.heads = PredictionHeads(single_frame.heads.residual, name="heads")

    def encode_source(self, frames: tf.Tensor, joints: tf.Tensor) -> dict[str, tf.Tensor]:
        """See `SingleFrameTransfer.encode_source`: frames `[B, K, H, W, 3]`, joints `[B, K, 14, 3]`."""
        return self.single_frame.encode_source(frames, joints)

    def generate(self, source: dict[str, tf.Tensor], target_joints: tf.Tensor) -> dict[str, tf.Tensor]:
        """Makes one frame for each target pose.

        Args:
            source: what `encode_source` gave.
            target_joints: `[B, L, 14, 3]` in pixels.

        Returns:
            `frame`, `foreground`, `background` `[B, L, H, W, 3]` about [-1, 1]; `mask` `[B, L, H, W, 1]` in
            [0, 1]; `warped` `[B, L, H, W, 3]`, the warped parts over the visible background, as they were
            before any network drew on them.
        """
        batch, targets = tf.shape(target_joints)[0], tf.shape(target_joints)[1]

        def per_target(x):  # [B, ...] -> [B * L, ...]
            return tf.repeat(x, targets, axis=0)

        foreground = self.single_frame.foreground(source, target_joints)
        poses = (
            joint_heatmaps(per_target(source["joints"]), self.size),
            joint_heatmaps(tf.reshape(target_joints, [-1, *target_joints.shape[2:]]), self.size),
        )
        fused_foreground, _ = self.foreground_fusion(foreground["features"], *poses)
        features = source["background_features"]
        if self.background_fusion.uses_poses:
            fused_background, _ = self.background_fusion(per_target(features), *poses)
        else:
            fused_background = per_target(self.background_fusion(features)[0])
        backdrop = per_target(source["background_base"])
        outputs = self.heads(
            fused_foreground,
            fused_background,
            (foreground["base"], foreground["base_mask"]),
            (backdrop, per_target(source["background_visible"])),
        )
        outputs["warped"] = compose(foreground["base"], backdrop, foreground["base_mask"])
        lead = tf.stack([batch, targets])
        return {
            name: tf.reshape(x, tf.concat([lead, x.shape[1:]], 0)) for name, x in outputs.items()
        }

    def call(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`source_frames` `[B, K, H, W, 3]`, `source_joints` `[B, K, 14, 3]`, `target_joints` `[B, L, 14, 3]`."""
        source = self.encode_source(inputs["source_frames"], inputs["source_joints"])
        outputs = self.generate(source, inputs["target_joints"])
        return {**outputs, "background_mask": source["background_mask"]}
