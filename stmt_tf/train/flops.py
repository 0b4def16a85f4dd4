"""Floating-point operations of a traced graph: those of its convolutions, its matrix products and their gradients.

All else is left out, as it is with published figures. What is never run does not count (a convolution's gradient to a
frozen kernel is in the graph, and left out when it runs); a loop's body counts as often as the loop runs it, of a
condition's branches the dearest.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import tensorflow as tf

_CONVOLUTIONS = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
_PRODUCTS = ("MatMul", "BatchMatMulV2", "BatchMatMulV3")
_LOOPS = ("While", "StatelessWhile")
_CONDITIONS = ("If", "StatelessIf", "Case", "StatelessCase")


@dataclasses.dataclass(frozen=True)
class FlopCount:
    """Floating-point operations, and in words what could not be counted."""

    flops: int
    faults: tuple[str, ...] = ()


def count_flops(graph: tf.Graph) -> FlopCount:
    """Floating-point operations of a concrete function's graph, 2 for each multiply-add; shapes should be static.

    A loop is taken to count up by 1; where its length is no constant, its body counts once, which is a fault.
    """
    return _count(graph, {})


def _count(graph: tf.Graph, arguments: dict[str, int]) -> FlopCount:
    """As `count_flops`; of the graph's inputs that are known integers, `arguments` has the values by name."""
    run = _run_operations(graph)
    counted = [_flops(op) for op in run if op.type in (*_CONVOLUTIONS, *_PRODUCTS)]
    flops, faults = sum(filter(None, counted)), []
    if None in counted:
        faults.append(f"{counted.count(None)} convolutions or products of unknown shape are not counted")
    for op in run:
        functions = _functions(graph, op)
        if not functions:
            continue
        values, times = [_integer(x, arguments) for x in op.inputs], 1
        if op.type in _LOOPS:
            condition = functions.pop("cond")
            times = _repetitions(condition, _named(condition, values))
            if times is None:
                times = 1
                faults.append(f"the loop {op.name} counts once, since its length is not known")
        elif op.type in _CONDITIONS:
            values = values[1:]  # the branches do not get the condition itself
        counts = [_count(function, _named(function, values)) for function in functions.values()]
        dearest = max(counts, key=lambda count: count.flops)
        flops += times * dearest.flops
        faults += dearest.faults
    return FlopCount(flops, tuple(faults))


def _flops(op: tf.Operation) -> int | None:
    """Those of a convolution or product; None where its shapes are not known."""
    if op.type in _CONVOLUTIONS:
        # As many of the convolution itself as of its gradients.
        outputs = op.outputs[0] if op.type == "Conv2D" else op.inputs[2]
        kernel = op.outputs[0] if op.type == "Conv2DBackpropFilter" else op.inputs[1]
        results, terms = outputs.shape, kernel.shape[:3]
    else:
        transposed = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
        results, terms = op.outputs[0].shape, op.inputs[0].shape[-2 if transposed else -1 :][:1]
    if not (results.is_fully_defined() and terms.is_fully_defined()):
        return None
    return 2 * math.prod(results) * math.prod(terms)


def _run_operations(graph: tf.Graph) -> list[tf.Operation]:
    """The operations that the function's results and effects depend on."""
    waiting = [x.op for x in graph.outputs] + list(graph.control_outputs)
    found = {}
    while waiting:
        op = waiting.pop()
        if op.name not in found:
            found[op.name] = op
            waiting += [x.op for x in op.inputs] + list(op.control_inputs)
    return list(found.values())


def _functions(graph: tf.Graph, op: tf.Operation) -> dict[str, tf.Graph]:
    """The graphs of the functions that an operation calls, by attribute."""
    found = {}
    for attribute, value in op.node_def.attr.items():
        names = [function.name for function in (value.func, *value.list.func) if function.name]
        for index, name in enumerate(names):
            # TensorFlow has no public way from a call to the called function's graph.
            definition = graph._get_function(name)
            if definition is not None:
                found[f"{attribute}{index or ''}"] = definition.graph
    return found


def _named(graph: tf.Graph, values: Sequence[int | None]) -> dict[str, int]:
    return {x.name: value for x, value in zip(graph.inputs, values) if value is not None}


def _repetitions(condition: tf.Graph, arguments: dict[str, int]) -> int | None:
    """How often a loop runs whose counters start at the condition's arguments; None if it cannot be told."""
    lengths = []
    for op in list(condition.get_operations()):
        if op.type == "Less":
            start, end = (_integer(x, arguments) for x in op.inputs)
            if start is not None and end is not None:
                lengths.append(max(0, end - start))
    return min(lengths, default=None)


def _integer(x: tf.Tensor, arguments: dict[str, int]) -> int | None:
    """The value of an integer scalar that is not negative, if it follows from constants."""
    if x.name in arguments:
        return arguments[x.name]
    if x.dtype != tf.int32 or x.shape.rank != 0 or x.op.type == "Placeholder":
        return None
    value = tf.get_static_value(x)
    if value is not None:
        return int(value)
    with x.graph.as_default():
        # Shape inference works more constants out than `get_static_value`.
        return tf.zeros([x]).shape[0]
