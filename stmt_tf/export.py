"""Exports a training's best snapshot: `python -m stmt_tf.export --workdir=DIR --output=saved_models/NAME`.

The output is a SavedModel (see `stmt_tf.inference`) that `stmt_tf.transfer --model` and `stmt_tf.evaluate
--model` take.
"""

from __future__ import annotations

import sys
from typing import Sequence

from absl import app, flags, logging

from stmt_tf.checkpoints import load_generator
from stmt_tf.inference import save_model

_WORKDIR = flags.DEFINE_string("workdir", None, "Working directory of a training.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Model directory to write; must not exist.", required=True)


def main(argv: Sequence[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"takes flags only, got {argv[1:]}")
    try:
        generator, config = load_generator(_WORKDIR.value)
        save_model(generator, config, _OUTPUT.value)
    except (OSError, ValueError) as error:
        sys.exit(f"export: {error}")
    logging.info("wrote %s", _OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
