"""Which snapshot of a training is kept: that of the least validation loss (paper 4)."""

import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.models.weights import load_weights
from stmt_tf.train.callbacks import SaveState
from stmt_tf.train.checkpoints import BEST_WEIGHTS


class State:
    """What a training carries on, without its networks."""

    def __init__(self):
        self.best_loss, self.epoch, self.step = (tf.Variable(x) for x in (np.inf, 0, 0))
        self.saved = []

    def save(self):
        self.saved.append(float(self.best_loss))


def network():
    made = tf.keras.Sequential([tf.keras.Input([1]), tf.keras.layers.Dense(1, use_bias=False)])
    made.iteration, made.network = 0, made
    return made


@pytest.mark.parametrize(("losses", "kept"), [([3.0, 1.0, 2.0], 1), ([3.0, 3.0], 0), ([1.0, np.nan, 2.0], 0)])
def test_the_snapshot_of_the_least_validation_loss_is_kept(tmp_path, losses, kept):
    state, model = State(), network()
    callback = SaveState(state, str(tmp_path))
    callback.set_model(model)
    for epoch, loss in enumerate(losses):
        model.set_weights([np.full((1, 1), epoch, np.float32)])
        callback.on_epoch_end(epoch, {"val_total": loss})
    fresh = network()
    load_weights(fresh, str(tmp_path / BEST_WEIGHTS))
    assert fresh.get_weights()[0].item() == kept
    assert state.saved[-1] == losses[kept] and int(state.epoch) == len(losses)
