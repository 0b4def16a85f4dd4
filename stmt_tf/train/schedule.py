"""Which losses are at work when, and the epochs that a training takes through in one go."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

from stmt_tf.train.settings import LossConfig
from stmt_tf.train.trainer import ActiveLosses


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Steps of a training between which nothing changes, so that one `fit` does them.

    Attributes:
        active: the losses at work.
        epoch: the first epoch.
        step: of that epoch, the first step: not 0 where it was begun before; then there is no other epoch.
        end: the epoch after the last.
        is_new: whether other losses were at work before, so that these start from their beginning.
    """

    active: ActiveLosses
    epoch: int
    step: int
    end: int
    is_new: bool


def stretches(
    loss: LossConfig, steps: int, iterations: int, position: Callable[[], tuple[int, int]]
) -> Iterator[Stretch]:
    """Yields what is to be done, one after the other, from where the training stands whenever it is asked.

    Args:
        loss: which losses there are, and when they set in.
        steps: of an epoch.
        iterations: of the whole training.
        position: gives the epochs that are over, and the steps of the next one that are.
    """
    for active, start, end in phases(loss, steps, iterations):
        epoch, step = position()
        # An epoch that was begun before has fewer steps to go.
        for stop in (epoch + 1, end) if step else (end,):
            epoch, step = position()
            if epoch < stop <= end:
                yield Stretch(active, epoch, step, stop, is_new=(epoch, step) == (start, 0))


def phases(loss: LossConfig, steps: int, iterations: int) -> Iterator[tuple[ActiveLosses, int, int]]:
    """The losses at work, and the epochs from and until which they are; starts round up to epochs."""
    epochs = math.ceil(iterations / steps)
    adversarial = loss.discriminates_frames or bool(loss.discriminated_ranges)
    vgg_start, gan_start = (min(math.ceil(s / steps), epochs) for s in (loss.vgg_start, loss.gan_start))
    bounds = sorted({0, vgg_start, gan_start, epochs})
    for start, end in zip(bounds, bounds[1:]):
        active = ActiveLosses(
            perceptual=loss.vgg_weight > 0 and start >= vgg_start,
            adversarial=adversarial and start >= gan_start,
        )
        yield active, start, end
