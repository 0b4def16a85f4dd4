"""Exports a training's best snapshot.

    python -m stmt_tf.export --workdir=DIR --output=my_model
    python -m stmt_tf.export --workdir=DIR --archive=my_model.tar.gz --licence=Apache-2.0

The output is a directory of versions, as TensorFlow Serving watches them (see `stmt_tf.serving.versions`): this export
becomes its next version. A version is a model directory (see `stmt_tf.serving.inference`) that `stmt_tf.transfer
--model` and `stmt_tf.evaluate --model` take; they take the output, too, for its highest version. A version holds

    a SavedModel with signatures        see `stmt_tf.serving.signatures`
    model.json                          the model's config
    config.flags, best.weights.npz      the training's settings and weights, for `stmt_tf.train --init`
    assets.extra/                       warm-up requests, where tensorflow-serving-api is installed
    README.md                           the model's card, where there is one beside the training
    generate.tflite                     with --tflite

An archive is such a version as one file to publish; `--model` takes its URL, too (see `stmt_tf.zoo`).
"""

from stmt_tf import flags
from stmt_tf.export.settings import ExportConfig

if __name__ == "__main__":
    flags.run(__doc__, "stmt_tf.export.command", ExportConfig, computes=True)
