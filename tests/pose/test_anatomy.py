"""Whether joints can be those of a body."""

from __future__ import annotations

import numpy as np
import pytest
from dancer import dance
from hypothesis import given, settings
from hypothesis import strategies as st

from stmt_tf.pose import anatomy, skeleton

DANCE = dance()


def test_bodies_have_little_strain_and_joints_in_another_order_much():
    assert anatomy.strain(DANCE).max() < 1.0
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(14)
        assert np.median(anatomy.strain(DANCE[:, order])) > anatomy.IMPOSSIBLE


@given(angle=st.floats(-3.1, 3.1), scale=st.floats(0.05, 20.0), shift=st.floats(-500, 500))
@settings(max_examples=20, deadline=None)
def test_strain_depends_on_neither_size_nor_rotation(angle, scale, shift):
    turned = DANCE.astype(np.float64)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned[..., :2] = DANCE[..., :2] @ turn.T + shift
    np.testing.assert_allclose(anatomy.strain(turned), anatomy.strain(DANCE), rtol=1e-5)


def test_of_three_bones_nothing_is_said():
    few = np.where(np.isin(np.arange(14), (2, 3, 4, 5, 6))[:, np.newaxis], DANCE, 0)
    assert np.isnan(anatomy.strain(few)).all()  # a pair of bones on one side, one on the other
    assert np.isnan(anatomy.strain(0 * DANCE)).all()
    assert anatomy.strain(DANCE[:0]).shape == (0,)


def test_the_longest_bone_is_named():
    joints = DANCE.copy()
    knee, ankle = joints[:, skeleton.LEFT_KNEE, :2], joints[:, skeleton.LEFT_ANKLE, :2]
    joints[:, skeleton.LEFT_ANKLE, :2] = knee + 3 * (ankle - knee)
    bone, ratio = anatomy.longest_bone(joints)
    assert bone == "shin" and ratio == pytest.approx(3.0, abs=0.3)


def test_only_shoulders_against_hips_are_crossed():
    assert not anatomy.crossed(DANCE).any()
    shoulders, hips = [0, 1, 5, 3, 4, 2, *range(6, 14)], [*range(8), 11, 9, 10, 8, 12, 13]
    assert anatomy.crossed(DANCE[:, shoulders]).all() and anatomy.crossed(DANCE[:, hips]).all()
    assert not anatomy.crossed(DANCE[:, list(skeleton.MIRROR)]).any()
    narrow = DANCE[:, shoulders].copy()
    middle = narrow[:, [2, 5], 0].mean(1, keepdims=True)
    narrow[:, [2, 5], 0] = middle + 0.2 * (narrow[:, [2, 5], 0] - middle)  # seen from the side
    assert not anatomy.crossed(narrow).any()
