"""Makes the pose landmarker that MediaPipe's Tasks API loads out of the two networks that MediaPipe's wheel carries.

The Tasks API takes one `.task` file: a zip, nothing compressed, of a person detector and a landmark network, each
a `.tflite` whose metadata says how pixels are scaled before they enter it. The networks inside the wheel are the
same ones without that metadata. MediaPipe's own metadata writer depends on a compiled helper that some of its
releases lack; the schemas that it brings do not.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np

_ALIGNMENT = 16  # bytes: where TFLite wants weights to begin, and of which the generated code knows nothing


def pose_landmarker(detector: bytes, landmarks: bytes) -> bytes:
    """Returns the `.task` file of MediaPipe's `PoseLandmarker`.

    Args:
        detector: `pose_detection.tflite`, which takes pixels scaled to [-1, 1].
        landmarks: `pose_landmark_*.tflite`, which takes pixels scaled to [0, 1].

    Raises:
        ImportError: MediaPipe is not installed.
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
    from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
    from mediapipe.tasks.metadata import schema_py_generated as tflite

    unit = schema.ProcessUnitT()
    unit.optionsType = schema.ProcessUnitOptions.NormalizationOptions
    unit.options = schema.NormalizationOptionsT()
    unit.options.mean, unit.options.std = [mean] * 3, [std] * 3
    image = schema.TensorMetadataT()
    image.name, image.processUnits, image.content = "image", [unit], schema.ContentT()
    image.content.contentPropertiesType = schema.ContentProperties.ImageProperties
    image.content.contentProperties = schema.ImagePropertiesT()
    image.content.contentProperties.colorSpace = schema.ColorSpaceType.RGB
    graph = schema.SubGraphMetadataT()
    graph.inputTensorMetadata = [image]
    metadata = schema.ModelMetadataT()
    metadata.name, metadata.subgraphMetadata, metadata.minParserVersion = "pose", [graph], "1.0.0"

    described = tflite.ModelT.InitFromPackedBuf(model)
    buffer, entry = tflite.BufferT(), tflite.MetadataT()
    buffer.data = np.frombuffer(_packed(metadata, b"M001"), np.uint8)
    entry.name, entry.buffer = "TFLITE_METADATA", len(described.buffers)
    described.buffers.append(buffer)
    described.metadata = [*(described.metadata or []), entry]
    return _packed(described, model[4:8])


def _packed(table: Any, identifier: bytes) -> bytes:
    """A table of the generated schemas as a FlatBuffer."""
    import flatbuffers

    class Builder(flatbuffers.Builder):
        def StartVector(self, elemSize, numElems, alignment):  # noqa: N802
            return super().StartVector(elemSize, numElems, _ALIGNMENT if elemSize == 1 else alignment)

    builder = Builder(0)
    builder.Finish(table.Pack(builder), identifier)
    return bytes(builder.Output())
