"""Exports a training's best snapshot: `python -m stmt_tf.export --workdir=DIR --output=saved_models/NAME`.

The output is a SavedModel (see `stmt_tf.inference`) that `stmt_tf.transfer --model` and `stmt_tf.evaluate
--model` take. It also holds the training's settings and weights, for `stmt_tf.train --init`.
"""

from __future__ import annotations

import contextlib
import logging as python_logging
import os
import sys
from collections.abc import Iterator, Sequence

from absl import app, flags, logging

from stmt_tf.checkpoints import BEST_WEIGHTS, CONFIG, load_generator
from stmt_tf.inference import save_model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what TensorFlow tells about its own saving off the terminal."""
    python_logging.disable(python_logging.WARNING)
    try:
        yield
    finally:
        python_logging.disable(python_logging.NOTSET)


def main(argv: Sequence[str]) -> None:
    """Reads the flags and writes the model."""
    if len(argv) > 1:
        raise app.UsageError(f"takes flags only, got {argv[1:]}")
    workdir, output = flags.FLAGS.workdir, flags.FLAGS.output
    try:
        generator, config = load_generator(workdir)
        with _quiet():
            # What a further training starts from (--init).
            training = [os.path.join(workdir, name) for name in (CONFIG, BEST_WEIGHTS)]
            save_model(generator, config, output, training)
    except (OSError, ValueError) as error:
        sys.exit(f"export: {error}")
    except KeyboardInterrupt:
        sys.exit("export: interrupted, nothing was written")
    logging.info("wrote %s", output)


def run() -> None:
    """The command."""
    flags.DEFINE_string("workdir", None, "Working directory of a training.")
    flags.DEFINE_string("output", None, "Model directory to write; must not exist.")
    flags.mark_flags_as_required(["workdir", "output"])
    app.run(main)


if __name__ == "__main__":
    run()
