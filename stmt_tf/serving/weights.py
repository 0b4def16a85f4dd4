"""Weights in fewer bytes: stored as float16 or int8, as constants of the graph, and float32 again when they are loaded.

    float16   every weight in half precision: half the bytes
    int8      each kernel of a convolution as integers, with a float32 scale for each of its output channels:
              a quarter of the bytes; biases and single numbers stay as they are

TensorFlow turns such constants into float32 once, when a function first runs: after that they cost no time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

_LARGEST = 127.0  # of an int8, on both sides of 0


def round_weights(network: tf.keras.Model, weights: str) -> None:
    """Sets a network's weights to what they are once they have been stored so."""
    network.set_weights([_rounded(value, weights) for value in network.get_weights()])


def _rounded(value: np.ndarray, weights: str) -> np.ndarray:
    return _stored(np.float32(value), weights)().numpy()


def stored_as(weights: str, function: tf.types.experimental.ConcreteFunction) -> Callable:
    """The same function, with its weights stored in another precision.

    Args:
        weights: "float16" or "int8".
        function: traced; its outputs may depend on variables by nothing but reading them.

    Returns:
        What takes the function's arguments and gives the same structure, within another `tf.function`, whose graph
        comes to hold the weights.
    """
    graph = function.graph.as_graph_def()
    for node in graph.node:
        # Outputs wait for every read of a variable, to no end where none is written.
        data = [name for name in node.input if not name.startswith("^")]
        del node.input[:]
        node.input.extend(data)
        # A gradient of our own cannot be saved with a graph that was put together anew, and nobody trains this one.
        node.attr.pop("_gradient_op_type", None)
    variables = {id(variable.handle): variable for variable in function.variables}
    handles = {
        inner.op.name: variables[id(outer)] for outer, inner in function.graph.captures if id(outer) in variables
    }
    reads = {node.name: node.input[0] for node in graph.node if node.op == "ReadVariableOp"}
    stored = {handle: _stored(handles[handle].numpy(), weights) for handle in set(reads.values())}
    replaced_nodes = {*reads, *(inner.op.name for inner in function.inputs)}
    kept = tf.compat.v1.GraphDef(versions=graph.versions, library=graph.library)
    kept.node.extend(node for node in graph.node if node.name not in replaced_nodes)
    parameters = [tensor.name for tensor in function.inputs[: len(function.inputs) - len(function.captured_inputs)]]
    used = {name if ":" in name else f"{name}:0" for node in kept.node for name in node.input}

    def run(*arguments):
        values = {handle: load() for handle, load in stored.items()}
        replaced = {f"{name}:0": values[handle] for name, handle in reads.items()}
        replaced.update(zip(parameters, tf.nest.flatten(arguments)))
        replaced = {name: tensor for name, tensor in replaced.items() if name in used}
        names = [tensor.name for tensor in function.outputs]
        results = tf.graph_util.import_graph_def(kept, replaced, names, name="")
        for result, tensor in zip(results, function.outputs):
            result.set_shape(tensor.shape)
        return tf.nest.pack_sequence_as(function.structured_outputs, results)

    return run


def _stored(value: np.ndarray, weights: str) -> Callable[[], tf.Tensor]:
    """What makes a weight's float32 tensor from constants of another precision, in the graph that it is called in."""
    if weights == "float16":
        half = value.astype(np.float16)
        return lambda: tf.cast(tf.constant(half), tf.float32)
    if value.ndim < 4:
        return lambda: tf.constant(value)
    scales = np.abs(value).max((0, 1, 2)) / _LARGEST
    # A channel of zeros has no scale of its own.
    integers = np.round(value / np.where(scales > 0, scales, 1.0)).astype(np.int8)
    return lambda: tf.cast(tf.constant(integers), tf.float32) * tf.constant(scales)
