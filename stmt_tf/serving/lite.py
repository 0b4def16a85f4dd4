"""`generate` as a TFLite model, for devices without TensorFlow: one source and one target frame at a time.

It takes what the signature `generate` takes, with B = L = 1 and the K that the model is made for, or four source frames
of one that takes any number; and gives `frame`. Frames are of the network's size: TFLite has no warp for larger ones.
Nothing but TFLite's own operations is in it: the interpreter needs no delegate.
"""

from __future__ import annotations

import tensorflow as tf

from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.models.warp import gathering_warp
from stmt_tf.pose.skeleton import NUM_JOINTS
from stmt_tf.serving.signatures import image_outputs
from stmt_tf.serving.warmup import source_count
from stmt_tf.silence import quiet_stderr

LITE = "generate.tflite"


def convert_generate(generator: Generator | PartGenerator, weights: str) -> bytes:
    """The TFLite model.

    Args:
        generator: the model.
        weights: float32; float16, half the size; or int8, TFLite's "dynamic range": kernels are integers, and so is
            most of the arithmetic.

    Raises:
        ValueError: TFLite cannot take the model.
    """
    size, sources = generator.size, source_count(generator)
    blank = tf.zeros([1, sources, size, size, 3]), tf.zeros([1, sources, NUM_JOINTS, 3])
    features = {name: tf.TensorSpec(x.shape, x.dtype, name) for name, x in generator.encode_source(*blank).items()}

    @tf.function(autograph=False)
    def generate(target_joints, **source):
        return {"frame": image_outputs(generator, source, target_joints, gathering_warp)["frame"]}

    target_joints = tf.TensorSpec([1, 1, NUM_JOINTS, 3], tf.float32, "target_joints")
    function = generate.get_concrete_function(target_joints=target_joints, **features)
    keeper = tf.Module()  # the converter wants what keeps the variables alive, and would save a whole Keras model
    keeper.weights = function.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], keeper)
    if weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with quiet_stderr:
        try:
            return converter.convert()
        except Exception as error:  # its own ConverterError has no public name
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ValueError(f"--tflite: this model cannot become a TFLite model ({reason}). Leave it out") from error
