"""The U-Net in other runtimes, as a yardstick: `python -m benchmarks.unet_runtimes [--sizes=128] [--widths=0.25] ...`.

The foreground U-Net with the same random weights in TensorFlow (with and without oneDNN, each in a process of its own),
ONNX Runtime and LiteRT (`tf.lite` with XNNPACK), with as many threads as the machine has cores. They take turns; what
they give is compared before anything is timed. It needs `pip install .[benchmarks]`.

ONNX Runtime's graph is written by hand: convolutions, LeakyReLU, bilinear resizing and concatenation, between two
transpositions, since ONNX has channels first.
"""

from __future__ import annotations

from benchmarks.speed_settings import OnednnConfig, UnetConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.unet_runtimes", UnetConfig, OnednnConfig)

import json
import os
import warnings
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from absl import logging
from onnx import helper, numpy_helper
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from benchmarks.timing import Timing, interleaved, matmul_rate, run_with_onednn
from stmt_tf.models.unet import UNet
from stmt_tf.pose.skeleton import NUM_JOINTS, NUM_PARTS
from stmt_tf.train.flops import count_flops

_OPSET = 18
Run = Callable[[], np.ndarray]


class OnnxGraph:
    """Nodes of an ONNX graph, written one after the other; every method gives the name of its result."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def node(self, kind: str, *inputs: str, **attributes) -> str:
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def weight(self, value: np.ndarray) -> str:
        name = f"weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def conv(self, layer: tf.keras.layers.Conv2D, x: str) -> str:
        """A convolution as `stmt_tf.models.unet.conv` makes them."""
        kernel, bias = (np.array(weight) for weight in layer.get_weights())
        inputs = x, self.weight(kernel.transpose(3, 2, 0, 1)), self.weight(bias)
        convolved = self.node("Conv", *inputs, strides=list(layer.strides), auto_pad="SAME_UPPER")
        return self.node("LeakyRelu", convolved, alpha=0.2)

    def doubled(self, x: str) -> str:
        scales = self.weight(np.array([1, 1, 2, 2]))
        return self.node("Resize", x, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")


def onnx_model(unet: UNet, image: tf.TensorShape, heatmaps: tf.TensorShape) -> bytes:
    """The U-Net for inputs of these shapes, as ONNX."""
    graph = OnnxGraph()
    pose = graph.node("Transpose", "heatmaps", perm=[0, 3, 1, 2])
    x = graph.conv(unet.stem, graph.node("Transpose", "image", perm=[0, 3, 1, 2]))
    skips = [x]
    for level, (down, plain) in enumerate(zip(unet.downs, unet.plains)):
        x = graph.conv(down, x)
        x = graph.conv(plain, x if level else graph.node("Concat", x, pose, axis=1))
        skips.append(x)
    for up, skip in zip(unet.ups, reversed(skips[:-1])):
        x = graph.conv(up, graph.node("Concat", graph.doubled(x), skip, axis=1))
    graph.node("Transpose", x, perm=[0, 2, 3, 1])
    tensor = onnx.TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info(n, tensor, s) for n, s in (("image", image), ("heatmaps", heatmaps))]
    output = helper.make_tensor_value_info(graph.nodes[-1].output[0], tensor, [*image[:3], unet.ups[-1].filters])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "unet", inputs, [output], graph.weights),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=9,
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


def concrete(unet: UNet, image: tf.Tensor, heatmaps: tf.Tensor) -> tf.types.experimental.ConcreteFunction:
    specs = [tf.TensorSpec(x.shape, x.dtype) for x in (image, heatmaps)]
    return tf.function(lambda image, heatmaps: unet(image, heatmaps)).get_concrete_function(*specs)


def onnx_runtime(unet: UNet, image: tf.Tensor, heatmaps: tf.Tensor) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(
        onnx_model(unet, image.shape, heatmaps.shape), options, providers=["CPUExecutionProvider"]
    )
    inputs = {"image": image.numpy(), "heatmaps": heatmaps.numpy()}
    return lambda: session.run(None, inputs)[0]


def litert(unet: UNet, image: tf.Tensor, heatmaps: tf.Tensor) -> Run:
    # Frozen first: with variables, TF 2.21's converter gives a model whose results are NaN.
    frozen = convert_variables_to_constants_v2(concrete(unet, image, heatmaps))
    content = tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
    interpreter = tf.lite.Interpreter(model_content=content, num_threads=os.cpu_count())
    interpreter.allocate_tensors()
    (result,) = interpreter.get_output_details()
    inputs = {x.shape[-1]: x.numpy() for x in (image, heatmaps)}  # freezing gives them other names

    def run() -> np.ndarray:
        for entry in interpreter.get_input_details():
            interpreter.set_tensor(entry["index"], inputs[entry["shape"][-1]])
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    return run


def measure(size: int, width: float, batch: int, repeats: int) -> dict:
    """One size and width in this process."""
    unet = UNet(64, width)
    image = tf.random.stateless_normal([batch, size, size, 3 * NUM_PARTS], [0, 0])
    heatmaps = tf.random.stateless_uniform([batch, size // 2, size // 2, NUM_JOINTS], [0, 1])
    function = concrete(unet, image, heatmaps)
    runs = {"TensorFlow": lambda: function(image, heatmaps).numpy()}
    truth = runs["TensorFlow"]()
    for name, create in (("ONNX Runtime", onnx_runtime), ("LiteRT", litert)):
        runs[name] = create(unet, image, heatmaps)
        np.testing.assert_allclose(runs[name](), truth, atol=1e-3 * np.abs(truth).max(), err_msg=name)
    flops = count_flops(function.graph).flops
    timings: dict[str, Timing] = interleaved(runs, repeats)
    return {
        "size": size,
        "width": width,
        "gflop": flops / 1e9,
        "timings": {name: timing._asdict() for name, timing in timings.items()},
    }


def measure_here(config: UnetConfig) -> dict:
    """Every size and width in this process."""
    before = matmul_rate()
    unets = [
        measure(size, width, config.batch, config.repeats) for size in config.sizes for width in config.widths
    ]
    return {
        "tensorflow": tf.__version__,
        "onnxruntime": onnxruntime.__version__,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", ""),
        "matmul_gflop_per_second": [rate / 1e9 for rate in (before, matmul_rate())],
        "unets": unets,
    }


def table(run: dict) -> str:
    """What was measured, for people."""
    matmul = run["matmul_gflop_per_second"]
    lines = [
        f"TensorFlow {run['tensorflow']}, TF_ENABLE_ONEDNN_OPTS={run['onednn']}, ONNX Runtime {run['onnxruntime']}, "
        f"matmul {matmul[0]:.0f} GFLOP/s before and {matmul[1]:.0f} after"
    ]
    for unet in run["unets"]:
        lines.append(f"  {unet['size']} px, width {unet['width']:g}, {unet['gflop']:.2f} GFLOP")
        for name, timing in unet["timings"].items():
            rate = unet["gflop"] / timing["seconds"]
            lines.append(
                f"    {name:14s} {1e3 * timing['seconds']:8.1f} ms ({1e3 * timing['cpu_seconds']:8.1f} on all cores), "
                f"{rate:6.1f} GFLOP/s, {rate / max(matmul):.2f} of matmul"
            )
    return "\n".join(lines)


def main(config: UnetConfig, process: OnednnConfig) -> None:
    if process.here:
        logging.set_verbosity(logging.ERROR)
        warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated", UserWarning)
        print(json.dumps(measure_here(config)))
        return
    run_with_onednn("benchmarks.unet_runtimes", process.onednn, table)
