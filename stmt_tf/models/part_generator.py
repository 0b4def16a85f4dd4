"""The generator that goes beyond the paper: where pixels come from is decided small, pixels are carried at full size.

It has the paper's two branches and its masked, warped parts, and differs from `stmt_tf.models.generator.Generator` in
four ways:

    N source frames are encoded once, and each part of each target pose takes the K of them that show it nearest
        (`stmt_tf.models.part_choice`), instead of K frames for all of a video.
    Attention is over frames and parts, `[K, P, h, w]`: an arm before the torso is opaque, whatever the order of parts.
    The person's colours are those of the warped parts; only where no part covers are they painted.
    The networks look at frames of `size` pixels, while frames of r times that size are carried over by the same
        transforms and attention.

A matte, where there is one, is a prior of the part masks and bounds the parts at frame size.

Axes: B batch, N source frames that are encoded, K of them for each part, L target frames, M = B * L, P = 10 parts,
n = size, S = r n the frames' own side.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from stmt_tf.models.axes import merge_axes, split_axes
from stmt_tf.models.composition import background_base, compose
from stmt_tf.models.frame_size import (
    Choice,
    Decided,
    as_carried,
    enlarged,
    foreground_at_frame_size,
    foreground_at_network_size,
    is_static,
    shrunk,
)
from stmt_tf.models.part_attention import PartAttention, late_head
from stmt_tf.models.part_choice import nearest_frames, part_affinity, part_preference
from stmt_tf.models.single_frame import SingleFrameTransfer, masked_parts
from stmt_tf.models.warp import affine_warp
from stmt_tf.pose.maps import (
    joint_heatmaps,
    part_log_confidence,
    part_log_priors,
    part_segments,
    part_transforms,
    scaled_joints,
)
from stmt_tf.pose.skeleton import NUM_JOINTS, NUM_PARTS

_SUREST_MATTE = 0.98  # a matte, as a prior, is taken as no surer than this to either side
_OUT_OF_VIEW = [0.0, 0.0, 1e5, 0.0, 0.0, 0.0]  # added to the transform of a part that the target pose has not
_SHARPNESS = 3.0  # of the parts' shares in the person: a torso that is a little of the head would show it twice
_SEEN = 0.08  # a weight below which a part is not carried over: the outline runs at more
_LEAST_PERSON = 0.1  # below it, parts have less than their share in a person who is hardly there


class PartGenerator(tf.keras.Model):
    """Multi-frame transfer by attention over frames and parts ("parts" among the fusions).

    Args:
        single_frame: the single-frame model; give it trained.
        nearest_frames: K.
        freeze_stage1: keep the single-frame model out of the training.

    Example:
        >>> generator = PartGenerator(SingleFrameTransfer(size=64, width=0.25), nearest_frames=2)
        >>> source = generator.encode_source(tf.zeros([1, 24, 256, 256, 3]), tf.zeros([1, 24, 14, 3]))
        >>> generator.generate(source, tf.zeros([1, 8, 14, 3]))["frame"].shape
        TensorShape([1, 8, 256, 256, 3])
    """

    num_source_frames = None  # any number

    def __init__(self, single_frame: SingleFrameTransfer, nearest_frames: int, freeze_stage1: bool = True, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.single_frame = single_frame
        self.single_frame.trainable = not freeze_stage1
        self.single_frame.heads.trainable = False  # this generator has its own
        self.size = single_frame.size
        self.nearest_frames = nearest_frames
        self.attention = PartAttention(name="attention")
        self.background = late_head(3, "background")

    def encode_source(
        self, frames: tf.Tensor, joints: tf.Tensor, mattes: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """All that depends on the source alone.

        Args:
            frames: `[B, N, S, S, 3]` in [-1, 1], S a multiple of the network's size.
            joints: `[B, N, 14, 3]` in pixels of the frames.
            mattes: `[B, N, S, S, 1]` in [0, 1], 1 on the person; negative where not known. None: nowhere known.

        Returns:
            `joints` in pixels of the network's size; `parts` `[B, N, P, n, n, 5]`, of each part the colour times its
            mask, the mask, and its share in all of the person's, which is left out where frames are known to be of the
            network's size; `background_mask` `[B, N, n, n, 1]`, which the parts' masks complete to 1; `frames` uint8
            `[B, N, S, S, 4]`, see `stmt_tf.models.frame_size.as_carried`; `background` `[B, S, S, 3]`, the place
            without its person; `preference` `[B, 1, N, P]`, which is added to the affinities by which the frames of
            each part are chosen (`part_preference`); it may be told for each target frame, `[B, L, N, P]`.
        """
        batch, side = tf.shape(frames)[:2], _side(frames)
        small = shrunk(merge_axes(frames), self.size)
        mattes = -tf.ones_like(frames[..., :1]) if mattes is None else mattes
        known = tf.cast(merge_axes(mattes) >= 0.0, tf.float32)
        mattes = known * merge_axes(mattes)
        small_known, small_mattes = shrunk(known, self.size), shrunk(mattes, self.size)
        joints = scaled_joints(joints, self.size / side)

        heatmaps = joint_heatmaps(merge_axes(joints), self.size)
        delta = self.single_frame.mask_delta(self.single_frame.mask_unet(small, heatmaps))
        prior = part_log_priors(merge_axes(joints), self.size)
        log_confidence = tf.pad(part_log_confidence(merge_axes(joints)), [[0, 0], [1, 0]])[:, None, None]
        logits = delta + prior + log_confidence + _log_matte(small_mattes, small_known)
        background, masks = _sharp_masks(logits)
        background_mask = split_axes(background, batch)
        # The matte tells the outline at frame size; the masks may take from it, and stand in where there is none.
        correction = 1.0 - background - small_mattes
        correction -= small_known * tf.nn.relu(correction)
        opacity = tf.clip_by_value(mattes + enlarged(correction, side), 0.0, 1.0)
        parts = masked_parts(small, masks)
        if not is_static(side, self.size):
            shares = masks / tf.maximum(1.0 - background, _LEAST_PERSON)
            parts = tf.concat([parts, tf.transpose(shares, [0, 3, 1, 2])[..., None]], -1)
        return {
            "joints": joints,
            "parts": split_axes(parts, batch),
            "background_mask": background_mask,
            "frames": split_axes(as_carried(merge_axes(frames), opacity), batch),
            "background": self._place(frames, split_axes(small, batch), background_mask),
            "preference": part_preference(split_axes(prior, batch), split_axes(masks, batch)),
        }

    def _place(self, frames: tf.Tensor, small: tf.Tensor, background_mask: tf.Tensor) -> tf.Tensor:
        """The place without its person, `[B, S, S, 3]`: what any frame shows of it, else the background branch's."""
        side = _side(frames)
        base, visible = background_base(small, background_mask)
        nobody = tf.zeros([tf.shape(base)[0], NUM_JOINTS, 3])
        features = self.single_frame.background_unet(
            tf.concat([base * visible, visible], -1), joint_heatmaps(nobody, self.size)
        )
        place = base + (1.0 - visible) * tf.tanh(self.background(features))
        shown = tf.nn.relu(2.0 * enlarged(merge_axes(background_mask), side) - 1.0)
        shown = split_axes(shown, tf.shape(frames)[:2])
        merged = tf.reduce_sum(frames * shown, 1) / tf.maximum(tf.reduce_sum(shown, 1), 1e-4)
        visible = tf.reduce_max(shown, 1)
        return visible * merged + (1.0 - visible) * enlarged(place, side)

    def affinity(self, source: dict[str, tf.Tensor], target_joints: tf.Tensor) -> tf.Tensor:
        """How near each source frame shows each part as each target pose has it, `[B, L, N, P]`.

        The K frames with the largest affinity are taken. See `part_affinity` and `nearest_frames`.
        """
        joints, target = self._pairs(source, target_joints)
        return split_axes(part_affinity(joints, target, self.size), tf.shape(target_joints)[:2]) + source["preference"]

    def _pairs(self, source: dict[str, tf.Tensor], target_joints: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Source poses `[M, N, 14, 3]` beside the target's `[M, 14, 3]`, in the network's pixels."""
        target = scaled_joints(target_joints, self.size / _side(source["frames"]))
        return tf.repeat(source["joints"], tf.shape(target)[1], axis=0), merge_axes(target)

    def generate(
        self, source: dict[str, tf.Tensor], target_joints: tf.Tensor, warp: Callable = affine_warp
    ) -> dict[str, tf.Tensor]:
        """Makes one frame for each target pose: chooses source frames, warps their parts, decides, and merges.

        Args:
            source: what `encode_source` gave.
            target_joints: `[B, L, 14, 3]` in pixels of the frames.
            warp: what carries the parts to the target's pose, one of `stmt_tf.models.warp`.

        Returns:
            `frame`, `foreground`, `background` `[B, L, S, S, 3]` about [-1, 1]; `mask` `[B, L, S, S, 1]` in [0, 1];
            `part_attention` `[B, L, K, P, n, n]`, which sums to 1 over K and P; `foreground_attention`
            `[B, L, N, n, n]`, the same by source frames.
        """
        choice = self.choose(source, target_joints)
        decided = self.decide(choice, self.warped_parts(source, choice, warp))
        return self.merged(source, choice, decided, tf.shape(target_joints)[1])

    def choose(self, source: dict[str, tf.Tensor], target_joints: tf.Tensor) -> Choice:
        """Which source frames show each part of M = B * L poses `[B, L, 14, 3]`, and how they get there."""
        joints, target = self._pairs(source, target_joints)
        frames, shares = nearest_frames(merge_axes(self.affinity(source, target_joints)), self.nearest_frames)
        _, wanted = part_segments(target)
        transforms = part_transforms(joints, target[:, None]) + (1.0 - wanted)[:, None, :, None] * _OUT_OF_VIEW
        return Choice(target, frames, shares, _of_chosen(transforms, frames))

    def warped_parts(self, source: dict[str, tf.Tensor], choice: Choice, warp: Callable) -> tf.Tensor:
        """The parts of the source frames that were chosen, in the target's pose: `[M, K * P, n, n, 4 or 5]`."""
        # Of six axes, TFLite takes few operations: frames and parts are one axis wherever there are channels, too.
        parts = merge_axes(merge_axes(_of_chosen(source["parts"], choice.frames)))
        warped = warp(parts, merge_axes(merge_axes(choice.transforms)))
        return tf.reshape(warped, [tf.shape(choice.frames)[0], -1, *warped.shape[1:]])

    def decide(self, choice: Choice, warped: tf.Tensor) -> Decided:
        """All that the networks do, of parts that are warped already: `[M, K * P, n, n, 4 or 5]`."""
        # Splits, where slices would do: their gradient is cheaper by far.
        images, *masks = tf.split(warped, [4] + [1] * (warped.shape[-1] - 4), axis=-1)
        apart = tf.concat([tf.shape(choice.frames), warped.shape[2:4]], 0)
        alphas = tf.reshape(tf.split(images, 4, axis=-1)[3], apart)
        blended = tf.reshape(choice.shares, [tf.shape(choice.shares)[0], -1, 1, 1, 1]) * images
        blended = tf.reshape(blended, [tf.shape(choice.shares)[0], -1, NUM_PARTS * self.size, self.size, 4])
        blended = tf.reshape(tf.reduce_sum(blended, 1), [-1, NUM_PARTS, self.size, self.size, 4])
        # See `SingleFrameTransfer.foreground` for why slices are joined.
        stacked = tf.concat([tf.split(part, [3, 1], axis=-1)[0] for part in tf.unstack(blended, axis=1)], axis=-1)
        features = self.single_frame.foreground_unet(stacked, joint_heatmaps(choice.joints, self.size))
        attention, paint, mask_logit = self.attention(
            features, alphas, choice.shares, part_log_confidence(choice.joints)
        )
        drawn = tf.concat([paint, mask_logit], -1)
        colour = cover = seen = None
        if masks:  # the parts' shares in the person: frames are of another size
            masks, by_frame = tf.reshape(masks[0], apart), choice.shares[..., None, None]
            colour, cover = attention * masks, by_frame * masks
            seen = tf.maximum(attention, by_frame) * alphas > _SEEN
        return Decided(attention, images, blended, colour, cover, seen, drawn)

    def merged(
        self, source: dict[str, tf.Tensor], choice: Choice, decided: Decided, targets: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The last step of `generate`, and what that returns.

        Args:
            source: what `encode_source` gave, of B sources.
            choice, decided: what `choose` and `decide` gave for M = B * L poses.
            targets: L.
        """
        side, count = _side(source["frames"]), tf.shape(source["frames"])[1]
        if is_static(side, self.size):
            foreground, mask = foreground_at_network_size(decided)
        else:  # a saved model makes of frames of the network's size what the trained one did
            foreground, mask = tf.cond(
                tf.equal(side, self.size),
                lambda: foreground_at_network_size(decided),
                lambda: foreground_at_frame_size(source["frames"], choice, decided),
            )
        background = tf.repeat(source["background"], targets, axis=0)
        outputs = {
            "frame": compose(foreground, background, mask),
            "foreground": foreground,
            "background": background,
            "mask": mask,
            "part_attention": decided.attention,
            "foreground_attention": _by_source_frame(decided.attention, choice.frames, count),
        }
        return {name: split_axes(x, [-1, targets]) for name, x in outputs.items()}

    def call(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """`source_frames` `[B, N, n, n, 3]`, `source_joints` `[B, N, 14, 3]`, `target_joints` `[B, L, 14, 3]`.

        And `source_mattes` `[B, N, n, n, 1]`, if there are any.
        """
        source = self.encode_source(inputs["source_frames"], inputs["source_joints"], inputs.get("source_mattes"))
        return {**self.generate(source, inputs["target_joints"]), "background_mask": source["background_mask"]}


def _log_matte(mattes: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """What a matte says of background and parts, `[.., n, n, 1]` to `[.., n, n, 1 + P]`; nothing where not known."""
    sure = tf.clip_by_value(mattes, 1.0 - _SUREST_MATTE, _SUREST_MATTE)
    person = tf.repeat(tf.math.log(sure), NUM_PARTS, axis=-1)
    return known * tf.concat([tf.math.log(1.0 - sure), person], axis=-1)


def _sharp_masks(logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Of logits `[.., 1 + P]` the masks of background `[.., 1]` and parts `[.., P]`, whose shares are sharpened."""
    # Splits, where slices would do: their gradient is cheaper by far.
    background, _ = tf.split(tf.nn.softmax(logits), [1, NUM_PARTS], axis=-1)
    _, of_parts = tf.split(logits, [1, NUM_PARTS], axis=-1)
    return background, (1.0 - background) * tf.nn.softmax(_SHARPNESS * of_parts)


def _by_source_frame(attention: tf.Tensor, chosen: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Attention `[M, K, P, n, n]` to the frames `[M, K, P]` that were chosen, summed up by frame: `[M, N, n, n]`."""
    return tf.einsum("mkphw,mkpn->mnhw", attention, tf.one_hot(chosen, count))


def _of_chosen(values: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Of `[M or B, N, P, ...]` the frames `[M, K, P]` that were chosen: `[M, K, P, ...]`."""
    repeats = tf.shape(chosen)[0] // tf.shape(values)[0]
    row = tf.range(tf.shape(chosen)[0])[:, None, None] // repeats
    part = tf.range(NUM_PARTS)[None, None]
    row, part = tf.broadcast_to(row, tf.shape(chosen)), tf.broadcast_to(part, tf.shape(chosen))
    picked = tf.gather_nd(values, tf.stack([row, chosen, part], -1))
    return tf.ensure_shape(picked, [None, None, NUM_PARTS, *values.shape[3:]])


def _side(frames: tf.Tensor) -> int | tf.Tensor:
    """Side in pixels of frames `[B, N, S, S, C]`, as a number where it is static."""
    return frames.shape[2] or tf.shape(frames)[2]
