"""Makes the pose landmarker that MediaPipe's Tasks API loads out of the two networks that MediaPipe's wheel carries.

The Tasks API takes one `.task` file: a zip, nothing compressed, of a person detector and a landmark network, each
a `.tflite` whose metadata says how pixels are scaled before they enter it. The networks inside the wheel are the
same ones without that metadata. MediaPipe's own metadata writer depends on a compiled helper that some of its
releases lack, so the few bytes are written here: no dependency, and the same bytes on every platform.

A `.tflite` is a FlatBuffer. All its references are relative and point forward, so a model gets a new field by
putting a new root before it, whose references reach into the untouched rest:

    [new root: fields of the old one, its buffers + 1, its metadata + 1][padding][the old model, byte for byte]

References:
    https://flatbuffers.dev/internals (the format)
    tensorflow/compiler/mlir/lite/schema/schema.fbs, mediapipe/tasks/metadata/metadata_schema.fbs (field numbers)
"""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any, NamedTuple

# Field numbers of the tables Model, Buffer and Metadata of schema.fbs.
_MODEL_VERSION, _MODEL_BUFFERS, _MODEL_METADATA, _MODEL_FIELDS = 0, 4, 6, 8
_BUFFER_DATA = 0
_METADATA_NAME, _METADATA_BUFFER = 0, 1


class _Existing(NamedTuple):
    """Something in the model that stays as it is, by its position there."""

    position: int


def pose_landmarker(detector: bytes, landmarks: bytes) -> bytes:
    """Returns the `.task` file of MediaPipe's `PoseLandmarker`.

    Args:
        detector: `pose_detection.tflite`, which takes pixels scaled to [-1, 1].
        landmarks: `pose_landmark_*.tflite`, which takes pixels scaled to [0, 1].
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as bundle:
        for name, model in (
            ("pose_detector.tflite", add_normalization(detector, mean=127.5, std=127.5)),
            ("pose_landmarks_detector.tflite", add_normalization(landmarks, mean=0.0, std=255.0)),
        ):
            # A ZipInfo made from a name alone carries a fixed date, so that the file's hash is fixed too.
            bundle.writestr(zipfile.ZipInfo(name), model)
    return content.getvalue()


def add_normalization(model: bytes, mean: float, std: float) -> bytes:
    """Returns the `.tflite` with metadata saying that its image input is (pixel - mean) / std, pixels in [0, 255]."""
    normalization = {0: [mean] * 3, 1: [std] * 3}
    process_unit = {0: 1, 1: normalization}  # a union: the number of its kind, then the value
    image = {0: {0: 2, 1: {0: 1}}}  # ImageProperties, in RGB
    subgraph = {2: [{0: b"image", 3: image, 4: [process_unit]}]}
    metadata, _ = _flatbuffer({0: b"pose", 3: [subgraph], 7: b"1.0.0"}, b"M001")
    return _add_metadata(model, b"TFLITE_METADATA", bytes(metadata))


def _add_metadata(model: bytes, name: bytes, content: bytes) -> bytes:
    def number(position: int) -> int:
        return struct.unpack_from("<I", model, position)[0]

    def elements(vector: _Existing) -> list[_Existing]:
        slots = (vector.position + 4 + 4 * i for i in range(number(vector.position)))
        return [_Existing(slot + number(slot)) for slot in slots]

    old = number(0)
    vtable = old - struct.unpack_from("<i", model, old)[0]
    num_fields = (struct.unpack_from("<H", model, vtable)[0] - 4) // 2
    root: dict[int, Any] = {}
    for field in range(min(num_fields, _MODEL_FIELDS)):
        offset = struct.unpack_from("<H", model, vtable + 4 + 2 * field)[0]
        if offset:
            value = number(old + offset)
            root[field] = value if field == _MODEL_VERSION else _Existing(old + offset + value)

    buffers = elements(root[_MODEL_BUFFERS])
    metadata = elements(root[_MODEL_METADATA]) if _MODEL_METADATA in root else []
    root[_MODEL_BUFFERS] = [*buffers, {_BUFFER_DATA: content}]
    root[_MODEL_METADATA] = [*metadata, {_METADATA_NAME: name, _METADATA_BUFFER: len(buffers)}]

    prefix, links = _flatbuffer(root, model[4:8])
    for slot, target in links:
        struct.pack_into("<I", prefix, slot, len(prefix) + target.position - slot)
    return bytes(prefix) + model


def _flatbuffer(
    root: dict[int, Any], identifier: bytes
) -> tuple[bytearray, list[tuple[int, _Existing]]]:
    """Writes a FlatBuffer, padded to a multiple of 16 bytes, the largest alignment that the schemas ask for.

    A value is an int (uint32, or the kind of a union), a float, bytes (a string or a byte vector), a list
    (a vector), a dict (a table: values by field number), or `_Existing`, whose reference is left to the caller.

    Returns:
        The bytes, and (position, target) of each reference to fill in.
    """
    out = bytearray(4) + identifier
    links = []

    def pad(alignment: int, ahead: int) -> None:
        out.extend(bytes(-(len(out) + ahead) % alignment))

    def put(slot: int, value: Any) -> None:
        if isinstance(value, _Existing):
            links.append((slot, value))
        elif isinstance(value, float):
            struct.pack_into("<f", out, slot, value)
        else:
            struct.pack_into(
                "<I", out, slot, value if isinstance(value, int) else add(value) - slot
            )

    def add(value: bytes | list | dict) -> int:
        if isinstance(value, dict):
            offsets = [0] * (max(value) + 1)
            for i, field in enumerate(value):
                offsets[field] = 4 + 4 * i
            vtable_size = 4 + 2 * len(offsets)
            pad(4, vtable_size)
            out.extend(
                struct.pack(f"<{2 + len(offsets)}H", vtable_size, 4 + 4 * len(value), *offsets)
            )
            start = len(out)
            out.extend(struct.pack("<i", vtable_size) + bytes(4 * len(value)))
            items = list(value.values())
        elif isinstance(value, list):
            pad(4, 0)
            start = len(out)
            out.extend(struct.pack("<I", len(value)) + bytes(4 * len(value)))
            items = value
        else:
            pad(16, 4)
            start = len(out)
            out.extend(struct.pack("<I", len(value)) + value + b"\0")
            items = []
        for i, item in enumerate(items):
            put(start + 4 + 4 * i, item)
        return start

    put(0, root)
    pad(16, 0)
    return out, links
