"""A training that is asked to end: after which step it does, and what it saves."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
import tensorflow as tf

from stmt_tf.train.callbacks import Stopped, StopWhenAsked

STEPS = 3  # of an epoch


class State:
    """What a training would go on from."""

    def __init__(self, step=0):
        self.step = tf.Variable(step, dtype=tf.int64)
        self.saved = []

    def save(self):
        self.saved.append(int(self.step))


def run_epoch(callback, state, asked_in=None):
    """Goes through an epoch, from the state's step on; it is asked to end during one of its steps."""
    callback.on_epoch_begin(0)
    for step in range(int(state.step), STEPS):
        if step == asked_in:
            callback._asked.set()
        callback.on_train_batch_end(step)
    state.step.assign(0)  # as `SaveState` does
    callback.on_epoch_end(0)


@pytest.mark.parametrize("step, saved", [(0, [1]), (1, [2]), (2, [])])
def test_it_saves_after_the_step_at_hand_and_at_an_epochs_end_leaves_that_to_the_epoch(step, saved):
    state = State()
    with pytest.raises(Stopped):
        run_epoch(StopWhenAsked(threading.Event(), state, STEPS), state, asked_in=step)
    assert state.saved == saved


def test_an_epoch_that_was_begun_before_counts_on():
    state = State(step=1)
    with pytest.raises(Stopped):
        run_epoch(StopWhenAsked(threading.Event(), state, STEPS), state, asked_in=1)
    assert state.saved == [2]


def test_only_the_chief_saves_and_nobody_does_unasked():
    state = State()
    callback = StopWhenAsked(threading.Event(), state, STEPS, writes=False)
    callback.set_model(SimpleNamespace())
    run_epoch(callback, state)
    with pytest.raises(Stopped):
        run_epoch(callback, state, asked_in=0)
    assert state.saved == []
