"""Where the time of a generated frame goes: `python -m benchmarks.operations --size=256 --width=0.5`.

Prints each kind of operation's share of the time that all operations of `generate` take, called as `transfer` calls it,
by TensorFlow's own statistics of its steps. For that, operations run one after the other, each on all cores. Shares can
be trusted on a busy machine; times cannot, and are not printed.
"""

from __future__ import annotations

from benchmarks.speed_settings import OperationsConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.operations", OperationsConfig)

import collections

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from benchmarks.inference import ASKED_BY_TRANSFER, FRAMES_OF_TRANSFER, concrete
from stmt_tf.config import ModelConfig
from stmt_tf.models.create import create_generator, made_up_example

_SHOWN = 12
_FULL_TRACE = tf.compat.v1.RunOptions.FULL_TRACE


def operation_shares(config: ModelConfig, sources: int, steps: int) -> dict[str, float]:
    """The share of each kind of operation, the largest first."""
    generator = create_generator(config, sources)
    example = made_up_example(config.size, sources, FRAMES_OF_TRANSFER, 1)
    encoded = generator.encode_source(example["source_frames"], example["source_joints"])

    def asked(source, poses):
        made = generator.generate(source, poses)
        return [made[name] for name in ASKED_BY_TRANSFER]

    inputs = encoded, example["target_joints"]
    frozen = convert_variables_to_constants_v2(concrete(asked, *inputs))
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(frozen.graph.as_graph_def(), name="")
    feeds = {graph.get_tensor_by_name(t.name): x.numpy() for t, x in zip(frozen.inputs, tf.nest.flatten(inputs))}
    outputs = [graph.get_tensor_by_name(t.name) for t in frozen.outputs]
    one_by_one = tf.compat.v1.ConfigProto(inter_op_parallelism_threads=1)
    totals = collections.Counter()
    with tf.compat.v1.Session(graph=graph, config=one_by_one) as session:  # sessions alone tell of their steps
        for step in range(steps + 2):
            told = tf.compat.v1.RunMetadata()
            session.run(outputs, feeds, tf.compat.v1.RunOptions(trace_level=_FULL_TRACE), told)
            if step < 2:
                continue  # the first ones prepare
            for node in (node for device in told.step_stats.dev_stats for node in device.node_stats):
                kind = node.timeline_label.partition(" = ")[2].partition("(")[0] or node.node_name
                totals[kind] += node.all_end_rel_micros
    return {kind: time / sum(totals.values()) for kind, time in totals.most_common()}


def main(config: OperationsConfig) -> None:
    model = ModelConfig(size=config.size, width=config.width, fusion="rb6", residual_heads=True)
    shares = operation_shares(model, config.num_source_frames, config.steps)
    for kind, share in list(shares.items())[:_SHOWN]:
        print(f"{100 * share:5.1f}%  {kind}")
