"""The record schema: one clip is one `tf.train.SequenceExample`, written and read here alone.

Context features
    clip_id, video_id  bytes     unique name of the clip; name of the video that it was cut from
    fps                float     frames per second
    height, width      int64     of every frame, in pixels
    pose_tool          bytes     what made the joints ("mediapipe", "alphapose", "rendered", ...)
    flow_tool          bytes     what made the flows ("dis", "flo", "rendered", ...)
    schema_version     int64     SCHEMA_VERSION

Sequence features, T steps each (flows: T - 1; masks: T or none at all)
    frames             bytes     JPEG, RGB
    joints             float[42] 14 joints of (x, y, confidence), pixels of the frame
    flows              bytes     16-bit PNG as in KITTI: R, G = 64 * (dx, dy) + 32768, B = 1; flow t -> t + 1
    masks              bytes     8-bit PNG, 255 on the person: exact of rendered clips, else the pose estimator's
                                 mattes; none where it has no mattes, or too many that make no sense

The sequence layout lets a reader decode only the frames that it draws.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import tensorflow as tf

from stmt_tf.pixels import from_uint8
from stmt_tf.pose.skeleton import NUM_JOINTS

SCHEMA_VERSION = 1
_FLOW_SCALE = 64.0
_FLOW_ZERO = 32768.0


@dataclasses.dataclass(frozen=True)
class Clip:
    """One clip, decoded.

    Attributes:
        clip_id: unique name of the clip.
        video_id: name of the video that it was cut from; splits are by this.
        fps: frames per second.
        frames: uint8 `[T, H, W, 3]`, RGB.
        joints: float32 `[T, 14, 3]`, (x, y, confidence) in pixels of the frame.
        flows: float32 `[T - 1, H, W, 2]`, (dx, dy) in pixels from frame t to t + 1.
        pose_tool: what made the joints.
        flow_tool: what made the flows.
        masks: uint8 `[T, H, W]`, 255 on the person: exact if rendered, else the pose estimator's mattes; or None.
    """

    clip_id: str
    video_id: str
    fps: float
    frames: np.ndarray
    joints: np.ndarray
    flows: np.ndarray
    pose_tool: str
    flow_tool: str
    masks: np.ndarray | None = None

    def __post_init__(self):
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8:
            raise ValueError(
                f"frames must be uint8 [T, H, W, 3], got {self.frames.dtype} {self.frames.shape}"
            )
        steps, height, width, _ = self.frames.shape
        _require_shape("joints", self.joints, (steps, NUM_JOINTS, 3))
        _require_shape("flows", self.flows, (max(steps - 1, 0), height, width, 2))
        if self.masks is not None:
            _require_shape("masks", self.masks, (steps, height, width))


def _require_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {array.shape}")


def encode_clip(clip: Clip, jpeg_quality: int = 95) -> bytes:
    """Serialises a clip as a `tf.train.SequenceExample`."""
    _, height, width, _ = clip.frames.shape
    context = {
        "clip_id": _bytes([clip.clip_id.encode()]),
        "video_id": _bytes([clip.video_id.encode()]),
        "fps": _floats([clip.fps]),
        "height": _ints([height]),
        "width": _ints([width]),
        "pose_tool": _bytes([clip.pose_tool.encode()]),
        "flow_tool": _bytes([clip.flow_tool.encode()]),
        "schema_version": _ints([SCHEMA_VERSION]),
    }
    jpeg = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
    steps = {
        "frames": [_bytes([_image(".jpg", frame[..., ::-1], jpeg)]) for frame in clip.frames],
        "joints": [_floats(joints.ravel()) for joints in clip.joints],
        "flows": [_bytes([_image(".png", _flow_to_png(flow), [])]) for flow in clip.flows],
    }
    if clip.masks is not None:
        steps["masks"] = [_bytes([_image(".png", mask, [])]) for mask in clip.masks]
    return tf.train.SequenceExample(
        context=tf.train.Features(feature=context),
        feature_lists=tf.train.FeatureLists(
            feature_list={
                name: tf.train.FeatureList(feature=values) for name, values in steps.items()
            }
        ),
    ).SerializeToString(deterministic=True)


def _bytes(values) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _floats(values) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _ints(values) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _image(extension: str, image: np.ndarray, options: list[int]) -> bytes:
    return cv2.imencode(extension, image, options)[1].tobytes()


def _flow_to_png(flow: np.ndarray) -> np.ndarray:
    encoded = np.ones(flow.shape[:2] + (3,), np.uint16)
    # OpenCV writes BGR: the valid bit first, then dy, then dx.
    encoded[..., 1] = np.clip(np.rint(flow[..., 1] * _FLOW_SCALE + _FLOW_ZERO), 0, 65535)
    encoded[..., 2] = np.clip(np.rint(flow[..., 0] * _FLOW_SCALE + _FLOW_ZERO), 0, 65535)
    return encoded


def parse_clip(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parses one record in the graph; images stay encoded.

    Args:
        serialized: string scalar.

    Returns:
        `clip_id`, `video_id`, `pose_tool`, `flow_tool` string scalars; `fps` float scalar; `height`,
        `width`, `schema_version` int64 scalars; `frames` string `[T]`; `joints` float `[T, 14, 3]`;
        `flows` string `[T - 1]`; `masks` string `[T]`, or `[0]` where the record has none.
    """
    string, integer = tf.io.FixedLenFeature([], tf.string), tf.io.FixedLenFeature([], tf.int64)
    context, steps = tf.io.parse_single_sequence_example(
        serialized,
        context_features={
            "clip_id": string,
            "video_id": string,
            "fps": tf.io.FixedLenFeature([], tf.float32),
            "height": integer,
            "width": integer,
            "pose_tool": string,
            "flow_tool": string,
            "schema_version": integer,
        },
        sequence_features={
            "frames": tf.io.FixedLenSequenceFeature([], tf.string),
            "joints": tf.io.FixedLenSequenceFeature([NUM_JOINTS * 3], tf.float32),
            "flows": tf.io.FixedLenSequenceFeature([], tf.string),
            "masks": tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True),
        },
    )
    steps["joints"] = tf.reshape(steps["joints"], [-1, NUM_JOINTS, 3])
    return {**context, **steps}


def decode_frame(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes one JPEG string to float32 `[H, W, 3]` in [-1, 1]."""
    return from_uint8(tf.io.decode_jpeg(encoded, channels=3))


def decode_flow(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes one flow PNG to float32 `[H, W, 2]`, (dx, dy) in pixels."""
    png = tf.io.decode_png(encoded, channels=3, dtype=tf.uint16)
    return (tf.cast(png[..., :2], tf.float32) - _FLOW_ZERO) / _FLOW_SCALE


def decode_mask(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes one mask PNG to float32 `[H, W, 1]` in [0, 1]."""
    return tf.cast(tf.io.decode_png(encoded, channels=1), tf.float32) / 255.0


def read_record(serialized: bytes) -> dict[str, np.ndarray]:
    """What `parse_clip` gives, as NumPy; images stay encoded.

    Raises:
        ValueError: the bytes are not a clip of this schema version.
    """
    try:
        parsed = parse_clip(tf.constant(serialized))
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(f"not a clip record: {reason(error)}. Make records with the tools of this package") from error
    version = int(parsed["schema_version"])
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"the record has schema version {version}, this program reads {SCHEMA_VERSION}: write the records anew"
        )
    return {name: value.numpy() for name, value in parsed.items()}


def reason(error: tf.errors.OpError) -> str:
    """What TensorFlow tells of what it cannot parse or decode, on one line, without the names of its operations."""
    return " ".join(error.message.rpartition("}}")[2].partition("[Op:")[0].split())


def decode_clip(serialized: bytes) -> Clip:
    """Decodes one whole record.

    Raises:
        ValueError: the bytes are not a clip of this schema version, or an image in it cannot be decoded or is of
            another size.
    """
    parsed = read_record(serialized)
    try:
        frames = [tf.io.decode_jpeg(frame, channels=3).numpy() for frame in parsed["frames"]]
        flows = [decode_flow(flow).numpy() for flow in parsed["flows"]]
        masks = [tf.io.decode_png(mask, channels=1).numpy()[..., 0] for mask in parsed["masks"]]
    except tf.errors.OpError as error:
        raise ValueError(f"an image cannot be decoded: {reason(error)}. Write the record anew") from error
    shape = (int(parsed["height"]), int(parsed["width"]))
    return Clip(
        clip_id=parsed["clip_id"].decode(),
        video_id=parsed["video_id"].decode(),
        fps=float(parsed["fps"]),
        frames=np.stack(frames) if frames else np.zeros((0, *shape, 3), np.uint8),
        joints=parsed["joints"],
        flows=np.stack(flows) if flows else np.zeros((0, *shape, 2), np.float32),
        pose_tool=parsed["pose_tool"].decode(),
        flow_tool=parsed["flow_tool"].decode(),
        masks=np.stack(masks) if masks else None,
    )
