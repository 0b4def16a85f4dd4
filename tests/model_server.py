"""A stand-in for a model server: a SavedModel's signatures behind its gRPC and REST messages, on this machine.

JSON is read and written as the documentation of TensorFlow Serving's REST API says: rows are stacked to a batch,
{"b64": ...} is bytes, bytes of an output whose name ends in `_bytes` are {"b64": ...}, and the only output of a row
stands without its name.
"""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import http.server
import json
import re
import threading

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def predict(model, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
    """Runs the signature that a request names with the tensors that it holds."""
    signature = model.signatures[request.model_spec.signature_name or "serving_default"]
    inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
    response = predict_pb2.PredictResponse()
    response.model_spec.CopyFrom(request.model_spec)
    for name, value in signature(**inputs).items():
        response.outputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
    return response


def predict_json(model, name: str, body: bytes) -> dict:
    """The same for a REST request's rows."""
    message = json.loads(body, object_hook=lambda x: base64.b64decode(x["b64"]) if set(x) == {"b64"} else x)
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, message.get("signature_name", "")
    spec = model.signatures[request.model_spec.signature_name or "serving_default"].structured_input_signature[1]
    for key in message["instances"][0]:
        rows = [row[key] for row in message["instances"]]
        dtype = object if spec[key].dtype == tf.string else spec[key].dtype.as_numpy_dtype
        request.inputs[key].CopyFrom(tf.make_tensor_proto(np.array(rows, dtype)))
    outputs = {key: tf.make_ndarray(value) for key, value in predict(model, request).outputs.items()}
    rows = [
        {key: _as_json(key, value[i]) for key, value in outputs.items()} for i in range(len(message["instances"]))
    ]
    return {"predictions": [next(iter(row.values())) if len(row) == 1 else row for row in rows]}


def _as_json(name: str, value):
    if isinstance(value, np.ndarray):
        return [_as_json(name, item) for item in value]
    if name.endswith("_bytes"):
        return {"b64": base64.b64encode(value).decode()}
    return value.item()


@contextlib.contextmanager
def grpc_server(model, name: str):
    """Yields the address of a gRPC server of one model."""

    class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            if request.model_spec.name != name:
                context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {request.model_spec.name}")
            try:
                return predict(model, request)
            except tf.errors.InvalidArgumentError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        server = grpc.server(threads)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(), server)
        port = server.add_insecure_port("localhost:0")
        server.start()
        try:
            yield f"localhost:{port}"
        finally:
            server.stop(None).wait()


@contextlib.contextmanager
def rest_server(model, name: str):
    """Yields the address of a REST server of one model."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            served = re.fullmatch(r"/v1/models/(.+):predict", self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = 404, {"error": f"no model at {self.path}"}
            if served and served[1] == name:
                try:
                    status, answer = 200, predict_json(model, name, body)
                except tf.errors.InvalidArgumentError as error:
                    status, answer = 400, {"error": error.message}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("localhost", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
