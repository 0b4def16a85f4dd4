import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf.models.part_choice import nearest_frames
from stmt_tf.pose.skeleton import LEFT_KNEE, NUM_PARTS, PARTS
from stmt_tf.pose.steady_choice import _AT_ONCE, _CLEARLY, _FADE, SteadyChoice

LITTLE, CLEAR, GREAT = 0.9 * _CLEARLY, (_CLEARLY + _AT_ONCE) / 2, 1.1 * _AT_ONCE


class Model:
    """Chooses by affinities `[T, N, P]` that are given beforehand, those of the last part for all after it."""

    takes_any_size = True

    def __init__(self, affinities):
        affinities = np.asarray(affinities, np.float32)
        last = np.repeat(affinities[..., -1:], NUM_PARTS - affinities.shape[-1], axis=-1)
        self.affinities = np.concatenate([affinities, last], axis=-1)

    def affinity(self, source, poses):
        return self.affinities[numbers(poses)] + source["preference"].numpy()[0]


def poses_of(numbers, lacking=()):
    """Poses that tell their numbers; at some of these they have no joints."""
    poses = np.ones([len(numbers), 14, 3], np.float32)
    poses[:, 0, 0] = numbers
    poses[np.isin(numbers, lacking), :, 2] = 0.0
    return poses


def numbers(poses):
    return poses[:, 0, 0].astype(int)


def shares(affinities, batches=None, preference=0.0, lacking=()):
    """What counts for `generate`, exp(own affinity + preference), `[T, N, P]`, asked for in batches of poses."""
    model, parts = Model(affinities), np.shape(affinities)[-1]
    source = {"preference": tf.fill([1, 1, *model.affinities.shape[1:]], preference), "joints": "as they are"}
    choice, found = SteadyChoice(model, source), []
    for batch in batches or [range(len(affinities))]:
        given = choice(poses_of(np.array(batch, int), lacking))
        assert given["joints"] == "as they are"
        found.append(np.exp(model.affinities[list(batch)] + given["preference"].numpy()[0]))
    return np.concatenate(found)[..., :parts]


def ahead(by):
    """Affinities of two frames in one part: the first is nearer in one pose, the second by so much ever after."""
    return [[[0.0], [-1.0]]] + [[[-by], [0.0]]] * (2 * _FADE)


def test_the_nearest_frame_is_shown_alone_at_first():
    np.testing.assert_allclose(shares([[[-2.0, -1.0], [-1.0, -9.0]]])[0], [[0, 1], [1, 0]], atol=1e-5)


def test_a_frame_is_kept_while_another_is_a_little_nearer():
    np.testing.assert_allclose(shares(ahead(LITTLE))[:, 0, 0], 1.0, rtol=1e-4)


def test_a_frame_that_is_clearly_nearer_fades_in_evenly():
    found = shares(ahead(CLEAR))[:, :, 0]
    np.testing.assert_allclose(found[: _FADE + 1, 1], np.arange(_FADE + 1) / _FADE, atol=1e-4)
    np.testing.assert_allclose(found[_FADE:, 1], 1.0, atol=1e-4)
    np.testing.assert_allclose(found.sum(1), 1.0, rtol=1e-4)


def test_a_frame_that_is_nearer_by_far_takes_over_at_once():
    np.testing.assert_allclose(shares(ahead(GREAT))[1:, 1, 0], 1.0, rtol=1e-4)


@pytest.mark.parametrize("by, share", [(5.5, 0.0), (6.5, 1 / 6), (19.5, 1 / 6), (20.5, 1.0)])
def test_a_frame_shows_at_first_by_how_much_nearer_it_is(by, share):
    assert shares(ahead(by))[1, 1, 0] == pytest.approx(share, abs=1e-4)


def test_a_third_frame_waits_until_a_fade_is_finished():
    """A model shows two frames of a part at most: a third one's share would take both others' at once."""
    affinities = [[[0.0], [-1.0], [-9.0]]] + [[[-CLEAR], [0.0], [-9.0]]] * 3 + [[[-9.0], [-CLEAR], [0.0]]] * 10
    found = shares(affinities)[..., 0]
    sixths = [[3, 3, 0], [2, 4, 0], [1, 5, 0], [0, 6, 0], [0, 5, 1], [0, 4, 2]]
    np.testing.assert_allclose(6 * found[3:9], sixths, atol=1e-3)


def test_a_third_frame_that_is_nearer_by_far_does_not_wait():
    affinities = [[[0.0], [-1.0], [-9.0]]] + [[[-CLEAR], [0.0], [-9.0]]] * 3 + [[[-GREAT], [-GREAT], [0.0]]]
    np.testing.assert_allclose(shares(affinities)[4, :, 0], [0, 0, 1], atol=1e-4)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_a_model_of_two_frames_a_part_shows_what_it_is_told(seed):
    affinities = np.random.default_rng(seed).uniform(-12, 0, [30, 4, 2])
    told = shares(affinities)
    indices, shown = nearest_frames(tf.constant(np.log(np.maximum(told, 1e-30)), tf.float32), 2)
    found = np.zeros(told.shape)
    np.put_along_axis(found, indices.numpy(), shown.numpy(), axis=1)
    np.testing.assert_allclose(found, told, atol=1e-3)


def test_parts_choose_each_for_itself():
    affinities = np.concatenate([ahead(CLEAR), ahead(LITTLE)], axis=2)
    found = shares(affinities)
    np.testing.assert_allclose(found[-1], [[0, 1], [1, 0]], atol=1e-4)


@pytest.mark.parametrize("batches", [[[0, 1, 2], [3], [], [4, 5, 6, 7]], [[t] for t in range(8)]])
def test_poses_go_on_from_call_to_call(batches):
    affinities = ahead(CLEAR)[:8]
    np.testing.assert_allclose(shares(affinities, batches), shares(affinities), rtol=1e-5)


def test_what_is_preferred_anyway_does_not_change_the_shares():
    np.testing.assert_allclose(shares(ahead(CLEAR), preference=3.0), shares(ahead(CLEAR)), rtol=1e-4)


@pytest.mark.parametrize("by", [GREAT, 200.0])
def test_a_part_that_a_pose_lacks_keeps_its_frame(by):
    found = shares(ahead(by), lacking=[1, 2])[..., 0]
    np.testing.assert_allclose(found[:3], [[1, 0]] * 3, atol=1e-4)
    np.testing.assert_allclose(found[3:, 1], 1.0, atol=1e-4)


def test_a_part_is_lacking_where_any_of_its_joints_is_missing():
    affinities, poses = np.repeat(ahead(GREAT)[:2], NUM_PARTS, axis=2), poses_of([0, 1])
    poses[1, :, 2] = 0.1
    poses[1, LEFT_KNEE, 2] = 0.0
    given = SteadyChoice(Model(affinities), {"preference": tf.zeros([1, 1, 2, NUM_PARTS])})(poses)
    found = np.exp(affinities + given["preference"].numpy()[0])
    np.testing.assert_allclose(found[1, 1], [LEFT_KNEE not in part.joints for part in PARTS], atol=1e-4)


def test_a_fade_waits_while_its_part_is_lacking():
    found = shares(ahead(CLEAR), lacking=[2, 3])[:6, 1, 0]
    np.testing.assert_allclose(found, np.array([0, 1, 1, 1, 2, 3]) / _FADE, atol=1e-4)


def test_a_fade_is_not_cut_short_while_its_part_is_lacking():
    affinities = np.array(ahead(CLEAR))
    affinities[2, 0] = -GREAT
    found = shares(affinities, lacking=[2])[:4, 1, 0]
    np.testing.assert_allclose(found, np.array([0, 1, 1, 2]) / _FADE, atol=1e-4)


def test_what_is_nearer_only_while_a_part_is_lacking_does_not_take_over():
    affinities = np.array(ahead(LITTLE))
    affinities[2, 0] = -CLEAR
    np.testing.assert_allclose(shares(affinities, lacking=[2])[:, 0, 0], 1.0, rtol=1e-4)


def test_the_first_frame_is_chosen_where_a_part_is_first_seen():
    affinities = np.array(ahead(LITTLE))
    np.testing.assert_allclose(shares(affinities, lacking=[0])[1:, 1, 0], 1.0, atol=1e-4)


def test_many_poses_at_once_are_as_many_in_turn():
    affinities = np.random.default_rng(0).uniform(-30, 0, [600, 3, 2])
    np.testing.assert_allclose(shares(affinities), shares(affinities, [range(100), range(100, 600)]), atol=1e-5)


def test_a_model_that_chooses_nothing_is_given_its_source():
    model = Model([[[0.0]]])
    model.takes_any_size = False
    source = object()
    assert SteadyChoice(model, source)(np.zeros([3, 14, 3])) is source


def test_a_frame_that_fades_out_goes_once_it_is_wrong_by_far():
    affinities = np.array(ahead(CLEAR))
    affinities[3:, 0] = -GREAT
    np.testing.assert_allclose(shares(affinities)[:, 0, 0][:5], [1, 1 - 1 / _FADE, 1 - 2 / _FADE, 0, 0], atol=1e-4)
