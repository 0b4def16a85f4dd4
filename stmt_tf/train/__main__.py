"""Trains a model: first the single-frame one, then the generator on top of it.

    python -m stmt_tf.train --flagfile=configs/shipped_stage1.flags --workdir=DIR --train_records=... --val_records=...

Stage 1 trains the single-frame model, stage 2 the generator on top of it (`--stage=2 --init=STAGE1_WORKDIR`).
Run the same command again to resume: a training that was killed goes on from its last checkpoint and gives the
same losses as one that was not (unless --minutes decide when it ends). Watch it with `tensorboard --logdir=DIR`.
"""

from stmt_tf import flags
from stmt_tf.config import DataConfig, ModelConfig
from stmt_tf.train.settings import LossConfig, RunConfig, TrainConfig

if __name__ == "__main__":
    flags.run(
        __doc__, "stmt_tf.train.command", RunConfig, ModelConfig, DataConfig, LossConfig, TrainConfig,
        computes=True, interrupted="run the same command again to go on from the last checkpoint",
    )  # fmt: skip
