from stmt_tf.train.schedule import Stretch, phases, stretches
from stmt_tf.train.settings import LossConfig
from stmt_tf.train.trainer import ActiveLosses

ALL, PERCEPTUAL, NONE = ActiveLosses(True, True), ActiveLosses(True, False), ActiveLosses(False, False)


def loss(vgg_start=0, gan_start=0, gan_weight=0.2):
    return LossConfig(vgg_weight=0.2, vgg_start=vgg_start, gan_weight=gan_weight, gan_start=gan_start)


def found(iterations=100, **settings):
    return list(phases(loss(**settings), 10, iterations))


def test_losses_that_start_together_are_one_phase():
    assert found() == [(ALL, 0, 10)]


def test_late_losses_come_in_at_the_next_epoch():
    assert found(vgg_start=15, gan_start=40, iterations=95) == [(NONE, 0, 2), (PERCEPTUAL, 2, 4), (ALL, 4, 10)]


def test_loss_that_starts_after_the_end_never_comes_in():
    assert found(gan_start=1000) == [(PERCEPTUAL, 0, 10)]


def test_loss_of_weight_zero_never_comes_in():
    assert not any(active.adversarial for active, _, _ in found(gan_weight=0.0, gan_start=50))


def done_from(epoch, step=0):
    """The stretches of a training that stands there, and does each as it comes; losses change after epochs 2 and 4."""
    positions, done = [(epoch, step)], []
    for stretch in stretches(loss(vgg_start=20, gan_start=40), 10, 60, lambda: positions[-1]):
        done.append(stretch)
        positions.append((stretch.end, 0))
    return done


def test_each_phase_is_a_stretch_of_its_own_and_new():
    assert done_from(0) == [
        Stretch(NONE, 0, 0, 2, is_new=True),
        Stretch(PERCEPTUAL, 2, 0, 4, is_new=True),
        Stretch(ALL, 4, 0, 6, is_new=True),
    ]


def test_a_training_goes_on_in_the_middle_of_a_phase():
    assert done_from(3) == [Stretch(PERCEPTUAL, 3, 0, 4, is_new=False), Stretch(ALL, 4, 0, 6, is_new=True)]
    assert done_from(6) == []


def test_an_epoch_that_was_begun_is_ended_by_itself():
    assert done_from(4, step=7) == [Stretch(ALL, 4, 7, 5, is_new=False), Stretch(ALL, 5, 0, 6, is_new=False)]
    assert done_from(3, step=1)[:2] == [Stretch(PERCEPTUAL, 3, 1, 4, is_new=False), Stretch(ALL, 4, 0, 6, is_new=True)]
