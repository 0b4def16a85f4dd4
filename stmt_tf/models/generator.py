"""The transfer network G: K source frames and a target pose to one frame (paper section 3, Fig. 2).

    encode_source   K source frames and poses -> what depends on the source alone, once per source video
    generate        that and L target poses   -> L frames

Preliminary features of each source frame come from the single-frame model, which stage 2 keeps as it was. They
are fused over K, foreground and background apart; prediction heads make the foreground, its mask and the
background, which are composed.

In mixed precision joints, images and masks stay float32 (hence `autocast=False`); U-Nets and attention compute in half.

Axes: B batch, K source frames, L target frames, H = W = size, C = 64 * width.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from stmt_tf.models.axes import merge_axes, split_axes
from stmt_tf.models.composition import PredictionHeads, compose, foreground_base
from stmt_tf.models.fusion import create_fusion, upsampled
from stmt_tf.models.single_frame import SingleFrameTransfer
from stmt_tf.models.warp import affine_warp


class Generator(tf.keras.Model):
    """The multi-frame transfer network.

    Args:
        single_frame: the single-frame model; give it trained.
        fusion: name of the fusion (see `stmt_tf.models.fusion`); each branch has its own.
        attention_stride: self-attention is computed at 1 / this of the frames' side.
        attention_pool: max pooling of self-attention's keys and values.
        map_stride: the source frames' attention maps are computed at 1 / this of the frames' side.
        freeze_stage1: keep the single-frame model out of the training, as the paper does.

    Example:
        >>> generator = Generator(SingleFrameTransfer(size=64, width=0.25), fusion="rb6_sa2d")
        >>> source = generator.encode_source(tf.zeros([1, 4, 64, 64, 3]), tf.zeros([1, 4, 14, 3]))
        >>> generator.generate(source, tf.zeros([1, 8, 14, 3]))["frame"].shape
        TensorShape([1, 8, 64, 64, 3])
    """

    def __init__(
        self,
        single_frame: SingleFrameTransfer,
        fusion: str,
        attention_stride: int = 4,
        attention_pool: int = 1,
        map_stride: int = 4,
        freeze_stage1: bool = True,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.single_frame = single_frame
        self.single_frame.trainable = not freeze_stage1
        self.single_frame.heads.trainable = False  # the generator has its own
        self.size = single_frame.size
        residual = single_frame.heads.residual
        # Plain heads are the paper's, which knows no nearness. Residual heads start from the warped parts weighted by
        # it; a pose that hides the same background as the target's is of no such use to the background.
        starts = {"foreground": 1.0, "background": 0.0} if residual else {"foreground": None, "background": None}
        self.foreground_fusion, self.background_fusion = (
            create_fusion(
                fusion, single_frame.width, attention_stride, attention_pool, map_stride, nearness, f"{branch}_fusion"
            )
            for branch, nearness in starts.items()
        )
        self.heads = PredictionHeads(residual, name="heads")

    @property
    def num_source_frames(self) -> int | None:
        """K that the fusions were built with; None if they take any."""
        return self.foreground_fusion.num_source_frames

    def encode_source(self, frames: tf.Tensor, joints: tf.Tensor) -> dict[str, tf.Tensor]:
        """See `SingleFrameTransfer.encode_source`: frames `[B, K, H, W, 3]`, joints `[B, K, 14, 3]`."""
        return self._preliminary(self.single_frame.encode_source(frames, joints))

    def generate(
        self, source: dict[str, tf.Tensor], target_joints: tf.Tensor, warp: Callable = affine_warp
    ) -> dict[str, tf.Tensor]:
        """Makes one frame for each target pose.

        Args:
            source: what `encode_source` gave.
            target_joints: `[B, L, 14, 3]` in pixels.
            warp: what carries the parts to the target's pose, one of `stmt_tf.models.warp`.

        Returns:
            `frame`, `foreground`, `background` `[B, L, H, W, 3]` about [-1, 1]; `mask` `[B, L, H, W, 1]` in
            [0, 1]; `warped` `[B, L, H, W, 3]`, the warped parts over the visible background, as they were
            before any network drew on them or chose among them. Of a fusion with attention also
            `foreground_attention` and `background_attention` `[B, L, K, h, w]`, which sum to 1 over K.
        """
        lead = tf.shape(target_joints)[:2]

        def per_target(x):  # [B, ...] -> [B * L, ...]
            return tf.repeat(x, lead[1], axis=0)

        foreground = self._preliminary(self.single_frame.foreground(source, target_joints, warp))
        fused_foreground, foreground_attention = self.foreground_fusion(
            foreground["features"], per_target(source["joints"]), merge_axes(target_joints)[:, None]
        )
        fused_background, background_attention = self.background_fusion(
            source["background_features"], source["joints"], target_joints
        )
        maps = None if foreground_attention is None else foreground_attention[:, 0]
        parts = foreground["composites"], foreground["alphas"]
        base = untouched = foreground_base(*parts, foreground["nearness"][:, :, None, None, None])
        if maps is not None:
            # Attention chooses among the warped parts, too, not only among the features that add to them.
            base = foreground_base(*parts, upsampled(maps, self.size)[..., None])
        backdrop = per_target(source["background_base"])
        outputs = self.heads(
            fused_foreground[:, 0],
            merge_axes(fused_background),
            base,
            (backdrop, per_target(source["background_visible"])),
        )
        outputs["warped"] = compose(untouched[0], backdrop, untouched[1])
        outputs = {name: split_axes(x, lead) for name, x in outputs.items()}
        if maps is not None:
            outputs["foreground_attention"] = split_axes(maps, lead)
            outputs["background_attention"] = background_attention
        return outputs

    def call(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`source_frames` `[B, K, H, W, 3]`, `source_joints` `[B, K, 14, 3]`, `target_joints` `[B, L, 14, 3]`."""
        source = self.encode_source(inputs["source_frames"], inputs["source_joints"])
        outputs = self.generate(source, inputs["target_joints"])
        return {**outputs, "background_mask": source["background_mask"]}

    def _preliminary(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Keeps the backward pass, and what it would hold in memory, out of a frozen single-frame model."""
        if self.single_frame.trainable:
            return outputs
        return {name: tf.stop_gradient(x) for name, x in outputs.items()}
