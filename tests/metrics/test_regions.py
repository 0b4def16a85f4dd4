import numpy as np
from records import make_joints

from stmt_tf.metrics.regions import person_region
from stmt_tf.pose.skeleton import NECK, RIGHT_WRIST


def test_a_region_covers_the_bones_and_not_the_corners():
    joints = make_joints(3, size=64)
    region = person_region(joints, 64)
    for pose, drawn in zip(joints, region):
        x, y = np.rint(pose[:, :2]).astype(int).T
        assert drawn[y, x].all()
        assert not drawn[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert 0.05 < region.mean() < 0.5


def test_a_region_leaves_missing_joints_out():
    joints = make_joints(1, size=64)
    wrist = np.rint(joints[0, RIGHT_WRIST, :2]).astype(int)
    joints[0, RIGHT_WRIST] = 0
    region = person_region(joints, 64)
    assert not region[0, wrist[1], wrist[0]] and not region[0, 0, 0]
    neck = np.rint(joints[0, NECK, :2]).astype(int)
    assert region[0, neck[1], neck[0]]


def test_nobody_has_an_empty_region():
    assert not person_region(np.zeros((2, 14, 3), np.float32), 16).any()
