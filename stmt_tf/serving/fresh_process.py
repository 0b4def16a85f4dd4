"""Runs an exported model as a stranger would: `python -I fresh_process.py MODEL_DIRECTORY EXPECTED.npz`.

In a process of its own, in which `stmt_tf` cannot be imported: it loads the SavedModel, runs the warm-up requests
stored in it and compares what they give with the frames expected. Its last line is JSON: the largest difference of each
signature, in steps of 1 / 255; of JPEG pictures, which magnify single differences, the mean one.
"""

import sys

sys.modules["stmt_tf"] = None  # an import of it fails

import json  # noqa: E402
import os  # noqa: E402

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis import prediction_log_pb2  # noqa: E402


def stored_requests(directory):
    """The arguments of each stored request, by signature."""
    path = os.path.join(directory, "assets.extra", "tf_serving_warmup_requests")
    requests = {}
    for record in tf.data.TFRecordDataset(path):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        arguments = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        requests[request.model_spec.signature_name] = arguments
    return requests


def run_lite(path, features, target_joints):
    """The first frame of an example of the network's size, by the TFLite model of `generate`."""
    runner = tf.lite.Interpreter(path).get_signature_runner()
    taken = {name: features[name] for name in runner.get_input_details() if name != "target_joints"}
    return runner(**taken, target_joints=target_joints[:, :1])["frame"]


def compare(directory, expected):
    """Each signature's difference from the expected frames."""
    signatures, requests = tf.saved_model.load(directory).signatures, stored_requests(directory)
    pictures = signatures["serving_default"](**requests["serving_default"])["frame_jpeg_bytes"].numpy()
    pictures = np.stack([tf.io.decode_jpeg(picture).numpy() for picture in pictures[0]])[None]
    features = signatures["encode_source"](**requests["encode_source"])
    target_joints = requests["transfer"]["target_joints"]
    frames = expected["frames"].astype(int)
    found = {
        "serving_default": np.abs(pictures - expected["pictures"].astype(int)).mean(),
        "transfer": np.abs(signatures["transfer"](**requests["transfer"])["frame"].numpy() - frames).max(),
        "encode_source, generate": np.abs(
            signatures["generate"](target_joints=target_joints, **features)["frame"].numpy() - frames
        ).max(),
    }
    small = {name.removeprefix("small_"): expected[name] for name in expected if name.startswith("small_")}
    frames, target_joints = small.pop("frames").astype(int), small.pop("target_joints")
    features = signatures["encode_source"](**{name: tf.constant(value) for name, value in small.items()})
    made = signatures["generate"](target_joints=tf.constant(target_joints), **features)["frame"].numpy()
    found["at the network's size"] = np.abs(made - frames).max()
    lite = os.path.join(directory, "generate.tflite")
    if os.path.exists(lite):
        made = run_lite(lite, features, target_joints).astype(int)
        found["generate.tflite"] = np.abs(made - frames[:, :1]).max()
    return {name: float(difference) for name, difference in found.items()}


if __name__ == "__main__":
    print(json.dumps(compare(sys.argv[1], np.load(sys.argv[2]))))
