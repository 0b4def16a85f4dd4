"""Weights in fewer bytes: stored as float16, or as int8, and float32 again where a function computes with them.

    float16   every weight in half precision: half the bytes
    int8      each kernel of a convolution as integers, with a float32 scale for each of its output channels:
              a quarter of the bytes; biases and single numbers stay as they are
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

PRECISIONS = ("float32", "float16", "int8")
_LARGEST = 127.0  # of an int8, on both sides of 0


def round_weights(network: tf.keras.Model, weights: str) -> None:
    """Sets a network's weights to what they are once they have been stored so."""
    network.set_weights([_rounded(value, weights) for value in network.get_weights()])


def _rounded(value, weights: str):
    return _store(tf.Variable(value, dtype=tf.float32), weights)().numpy()


def stored_as(weights: str, function: tf.types.experimental.ConcreteFunction) -> Callable:
    """The same function, with its weights stored in another precision.

    Args:
        weights: "float16" or "int8".
        function: traced; its outputs may depend on variables by nothing but reading them.

    Returns:
        What takes the function's arguments, within a `tf.function`, and gives the same structure.
    """
    graph = function.graph.as_graph_def()
    for node in graph.node:
        # Outputs wait for every read of a variable, to no end where none is written.
        data = [name for name in node.input if not name.startswith("^")]
        del node.input[:]
        node.input.extend(data)
        # A gradient of our own cannot be saved with a graph that was put together anew, and nobody trains this one.
        node.attr.pop("_gradient_op_type", None)
    outputs = {tensor.op.name for tensor in function.outputs}
    graph = tf.compat.v1.graph_util.extract_sub_graph(graph, sorted(outputs))
    variables = {id(variable.handle): variable for variable in function.variables}
    handles = {
        inner.op.name: variables[id(outer)] for outer, inner in function.graph.captures if id(outer) in variables
    }
    reads = {node.name: node.input[0] for node in graph.node if node.op == "ReadVariableOp"}
    stored = {handle: _store(handles[handle], weights) for handle in sorted(set(reads.values()))}
    kept = tf.compat.v1.GraphDef(versions=graph.versions, library=graph.library)
    kept.node.extend(node for node in graph.node if node.name not in reads and node.name not in handles)
    parameters = [tensor.name for tensor in function.inputs[: len(function.inputs) - len(function.captured_inputs)]]
    used = {name if ":" in name else f"{name}:0" for node in kept.node for name in node.input}

    def run(*arguments):
        values = {handle: read() for handle, read in stored.items()}
        replaced = {f"{name}:0": values[handle] for name, handle in reads.items()}
        replaced.update(zip(parameters, tf.nest.flatten(arguments)))
        replaced = {name: tensor for name, tensor in replaced.items() if name in used}
        names = [tensor.name for tensor in function.outputs]
        results = tf.graph_util.import_graph_def(kept, replaced, names, name="")
        for result, tensor in zip(results, function.outputs):
            result.set_shape(tensor.shape)
        return tf.nest.pack_sequence_as(function.structured_outputs, results)

    return run


def _store(variable: tf.Variable, weights: str) -> Callable[[], tf.Tensor]:
    """Keeps a variable's value in another precision; what is returned reads it as float32."""
    value = tf.convert_to_tensor(variable)
    if weights == "float16":
        half = tf.Variable(tf.cast(value, tf.float16), trainable=False)
        return lambda: tf.cast(half, tf.float32)
    if len(value.shape) < 4:
        same = tf.Variable(value, trainable=False)
        return lambda: tf.convert_to_tensor(same)
    scale = tf.reduce_max(tf.abs(value), axis=[0, 1, 2]) / _LARGEST
    # A channel of zeros has no scale of its own.
    levels = tf.round(value / tf.where(scale > 0, scale, 1.0))
    integers = tf.Variable(tf.cast(levels, tf.int8), trainable=False)
    scales = tf.Variable(scale, trainable=False)
    return lambda: tf.cast(integers, tf.float32) * scales
