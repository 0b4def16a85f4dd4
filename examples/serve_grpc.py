"""Asks a model server for frames by gRPC, and writes them.

    python examples/serve_grpc.py --model=my_model --source=REQUEST --output=made

REQUEST holds the source frames as 00.jpg, 01.jpg, ... of the model's size, and source_joints.npy `[K, 14, 3]` and
target_joints.npy `[L, 14, 3]` in pixels of such frames; `examples/make_request.py` makes it of two videos. Needs
tensorflow-serving-api.
"""

import argparse
import sys
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

FRAMES_AT_ONCE = 8

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--server", default="localhost:8500")
parser.add_argument("--model", required=True, help="its name at the server")
parser.add_argument("--source", type=Path, required=True, help="directory of the request's pictures and poses")
parser.add_argument("--output", type=Path, required=True, help="directory for the frames")
options = parser.parse_args()
for name in ("source_joints.npy", "target_joints.npy"):
    if not (options.source / name).is_file():
        sys.exit(f"{options.source / name}: no such file. Make the request with examples/make_request.py.")

source = {
    "source_jpeg_bytes": np.array([[path.read_bytes() for path in sorted(options.source.glob("*.jpg"))]], object),
    "source_joints": np.load(options.source / "source_joints.npy")[None].astype(np.float32),
}
target_joints = np.load(options.source / "target_joints.npy").astype(np.float32)

with grpc.insecure_channel(options.server) as channel:
    server = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    for first in range(0, len(target_joints), FRAMES_AT_ONCE):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = options.model
        poses = target_joints[None, first : first + FRAMES_AT_ONCE]
        for name, value in {**source, "target_joints": poses}.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        try:
            response = server.Predict(request, timeout=600)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                sys.exit(f"no answer from {options.server}. Is the server running there?")
            sys.exit(f"the server refused: {error.details()}")
        options.output.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(tf.make_ndarray(response.outputs["frame_jpeg_bytes"])[0], first):
            (options.output / f"{number:04d}.jpg").write_bytes(frame)
print(f"{len(target_joints)} frames in {options.output}")
