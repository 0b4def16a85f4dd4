"""A training that ends by the clock, and its step size."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from stmt_tf.train import callbacks
from stmt_tf.train.callbacks import TimeLimit


class Rate:
    def __init__(self):
        self.learning_rate, self.value = self, 1.0

    def assign(self, value):
        self.value = value


@pytest.fixture
def clock(monkeypatch):
    """Seconds, to be set."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now.seconds)
    return now


def limited(*arguments):
    limit = TimeLimit(*arguments)
    model = SimpleNamespace(optimizer=Rate(), discriminator_optimizer=Rate(), stop_training=False)
    limit.set_model(model)
    return limit, model


def test_the_time_counts_from_the_end_of_the_first_step_and_over_several_fits(clock):
    limit, model = limited(1.0)
    limit.on_train_batch_begin(0)
    clock.seconds += 100  # the step is built
    limit.on_train_batch_end(0)
    for seconds, share in ((0, 0.0), (15, 0.25), (44.9, 0.99833)):
        clock.seconds += seconds
        limit.on_train_batch_begin(1)
        limit.on_train_batch_end(1)
        limit.on_epoch_end(0)
        assert limit.share == pytest.approx(share, abs=1e-4) and not model.stop_training
    clock.seconds += 0.1
    limit.on_epoch_end(1)
    assert limit.share == 1.0 and model.stop_training


def test_the_share_of_the_time_that_is_over_is_told_after_each_step_and_validation(clock):
    told = []
    limit, _ = limited(1.0, None, told.append)
    for seconds in (100, 15, 30):
        clock.seconds += seconds
        limit.on_train_batch_end(0)
    clock.seconds += 90
    limit.on_epoch_end(0)
    assert told == [0.0, 0.25, 0.75, 1.0]


def test_the_step_size_of_all_optimisers_falls_along_a_half_cosine(clock):
    limit, model = limited(1.0, 0.4)
    limit.on_train_batch_begin(0)
    limit.on_train_batch_end(0)
    for second in (0, 15, 30, 60, 90):
        clock.seconds = 1000.0 + second
        limit.on_train_batch_begin(1)
        expected = 0.2 * (1 + math.cos(math.pi * min(second / 60, 1)))
        assert model.optimizer.value == model.discriminator_optimizer.value == pytest.approx(expected)


def test_without_a_rate_the_step_size_is_left_alone_and_without_discriminators_too(clock):
    limit, model = limited(math.inf)
    limit.on_train_batch_begin(0)
    limit.on_train_batch_end(0)
    clock.seconds += 1e9
    limit.on_train_batch_begin(1)
    limit.on_epoch_end(0)
    assert model.optimizer.value == 1.0 and not model.stop_training
    limit, model = limited(1.0, 0.4)
    model.discriminator_optimizer = None
    limit.on_train_batch_begin(0)
    assert model.optimizer.value == 0.4
