import io
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from mediapipe.tasks.metadata import metadata_schema_py_generated, schema_py_generated

from stmt_tf import assets
from stmt_tf.assets import pose_bundle

pytestmark = pytest.mark.filterwarnings("ignore:(?s).*tf.lite.Interpreter is deprecated")


def run(model, image):
    interpreter = tf.lite.Interpreter(model_content=model)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.fixture(scope="module")
def model():
    kernel = tf.constant(np.random.default_rng(0).normal(size=[3, 3, 3, 2]), tf.float32)
    function = tf.function(
        lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), input_signature=[tf.TensorSpec([1, 4, 4, 3])]
    )
    concrete = function.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], function).convert()


def test_model_with_metadata_computes_what_it_did(model):
    image = np.random.default_rng(1).normal(size=[1, 4, 4, 3]).astype(np.float32)
    described = pose_bundle.add_normalization(model, mean=127.5, std=127.5)
    np.testing.assert_array_equal(run(described, image), run(model, image))


def test_metadata_holds_the_normalization(model):
    described = pose_bundle.add_normalization(model, mean=7.0, std=9.0)
    graph = schema_py_generated.ModelT.InitFromPackedBuf(described)
    (entry,) = [entry for entry in graph.metadata if entry.name == b"TFLITE_METADATA"]
    content = graph.buffers[entry.buffer].data.tobytes()
    assert content[4:8] == b"M001"
    metadata = metadata_schema_py_generated.ModelMetadataT.InitFromPackedBuf(content)
    (unit,) = metadata.subgraphMetadata[0].inputTensorMetadata[0].processUnits
    assert unit.options.mean.tolist() == [7.0] * 3 and unit.options.std.tolist() == [9.0] * 3


def test_weights_begin_where_tflite_wants_them(model):
    described = schema_py_generated.Model.GetRootAs(pose_bundle.add_normalization(model, mean=7.0, std=9.0))
    for buffer in map(described.Buffers, range(described.BuffersLength())):
        assert not buffer.DataLength() or buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0


def test_metadata_may_be_added_to_a_model_that_has_some(model):
    image = np.random.default_rng(1).normal(size=[1, 4, 4, 3]).astype(np.float32)
    twice = pose_bundle.add_normalization(pose_bundle.add_normalization(model, 0.0, 1.0), 0.0, 255.0)
    np.testing.assert_array_equal(run(twice, image), run(model, image))


def test_bundle_stores_both_networks_and_is_always_the_same(model):
    bundle = pose_bundle.pose_landmarker(model, model)
    with zipfile.ZipFile(io.BytesIO(bundle)) as files:
        assert files.namelist() == ["pose_detector.tflite", "pose_landmarks_detector.tflite"]
        assert {info.compress_type for info in files.infolist()} == {zipfile.ZIP_STORED}
    assert pose_bundle.pose_landmarker(model, model) == bundle


@pytest.mark.asset("pose_landmarker")
def test_mediapipe_runs_the_bundle():
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(assets.fetch("pose_landmarker")))
    )
    picture = mediapipe.Image(
        image_format=mediapipe.ImageFormat.SRGB, data=np.full([64, 64, 3], 128, np.uint8)
    )
    with vision.PoseLandmarker.create_from_options(options) as landmarker:
        assert landmarker.detect(picture).pose_landmarks == []
