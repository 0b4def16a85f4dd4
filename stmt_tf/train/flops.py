"""Floating-point operations of a traced graph, as TensorFlow's profiler registers them.

The profiler alone would count what is never run (a convolution's gradient to a frozen kernel is in the graph, and left
out when it runs), and not descend into functions. So it is asked graph by graph: of a loop's body the operations count
as often as the loop runs it, of a condition's branches those of the dearest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
from collections.abc import Sequence

import tensorflow as tf

_PRODUCTS = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", "MatMul", "BatchMatMulV2", "BatchMatMulV3")
_LOOPS = ("While", "StatelessWhile")
_CONDITIONS = ("If", "StatelessIf", "Case", "StatelessCase")


@dataclasses.dataclass(frozen=True)
class FlopCount:
    """Floating-point operations, and in words what could not be counted."""

    flops: int
    faults: tuple[str, ...] = ()


def count_flops(graph: tf.Graph) -> FlopCount:
    """Floating-point operations of a concrete function's graph; its shapes should be static.

    Registered are convolutions, matrix products and their gradients, with 2 for each multiply-add, and much of the
    rest; not resampling, for instance. A loop is taken to count up by 1; where its length is no constant, its body
    counts once, which is a fault.
    """
    return _count(graph, {})


def _count(graph: tf.Graph, arguments: dict[str, int]) -> FlopCount:
    """As `count_flops`; of the graph's inputs that are known integers, `arguments` has the values by name."""
    run = _run_operations(graph)
    registered = _registered_flops(graph)
    flops, faults = sum(registered.get(op.name, 0) for op in run), []
    unknown = sum(
        op.type in _PRODUCTS and not all(x.shape.is_fully_defined() for x in (op.inputs[0], *op.outputs)) for op in run
    )
    if unknown:
        faults.append(f"{unknown} convolutions or products of unknown shape are not counted")
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


def _registered_flops(graph: tf.Graph) -> dict[str, int]:
    """By operation's name."""
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    logger = tf.get_logger()
    level = logger.level
    # It tells of its own deprecated parts and, on stderr, of every operation without a static shape.
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            waiting = [tf.compat.v1.profiler.profile(graph, cmd="scope", options=options)]
    finally:
        logger.setLevel(level)
    flops = {}
    while waiting:
        node = waiting.pop()
        flops[node.name] = node.float_ops
        waiting += node.children
    return flops


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
