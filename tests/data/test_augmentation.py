import math

import cv2
import numpy as np
import pytest
import tensorflow as tf
from records import make_joints

from dancers import render_video
from stmt_tf.data.augmentation import augment, mirror

SIZE = 32
MIDDLE = slice(8, 24)  # what no augmentation brings out of the frame or in from the edge


def made_example(frames, joints, masks, flows):
    """An example whose source is the first of the target's frames."""
    target = {"target_frames": frames, "target_joints": joints, "target_masks": masks, "target_flows": flows}
    source = {name.replace("target", "source"): x[:1] for name, x in target.items() if name != "target_flows"}
    return {name: tf.constant(x, tf.float32) for name, x in {**source, **target}.items()}


@pytest.fixture(scope="module")
def ramps():
    """An example whose masks tell where a pixel was, x in the first target frame, y in the second."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    joints = make_joints(2, size=SIZE)
    joints[1, :, :2] = joints[0, :, :2] + (3.0, -2.0)
    flows = np.broadcast_to(np.float32([3.0, -2.0]), [1, SIZE, SIZE, 2])
    return made_example(np.full([2, SIZE, SIZE, 3], 0.5), joints, np.stack([x, y])[..., None], flows)


def augmented(example, seed):
    changed = augment(example, tf.constant([0, seed], tf.int64))
    assert changed.keys() == example.keys()
    assert all(changed[name].shape == x.shape for name, x in example.items())
    return {name: x.numpy() for name, x in changed.items()}


def back_to_where_it_was(changed) -> np.ndarray:
    """The matrix [2, 3] that takes a pixel of the changed frames to where it came from, as the masks tell."""
    y, x = np.mgrid[MIDDLE, MIDDLE]
    pixels = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], 1)
    was = changed["target_masks"][:, MIDDLE, MIDDLE].reshape(2, -1).T
    return np.linalg.lstsq(pixels, was, rcond=None)[0].T


def test_joints_move_with_the_pixels(ramps):
    for seed in range(5):
        changed = augmented(ramps, seed)
        matrix = back_to_where_it_was(changed)
        joints = changed["target_joints"]
        np.testing.assert_allclose(
            joints[..., :2] @ matrix[:, :2].T + matrix[:, 2], ramps["target_joints"][..., :2], atol=2e-3
        )
        np.testing.assert_array_equal(joints[..., 2], ramps["target_joints"][..., 2])
        np.testing.assert_array_equal(changed["source_joints"][0], joints[0])
        np.testing.assert_array_equal(changed["source_masks"][0], changed["target_masks"][0])


def test_flows_lead_where_the_joints_go(ramps):
    for seed in range(5):
        changed = augmented(ramps, seed)
        step = changed["target_joints"][1, :, :2] - changed["target_joints"][0, :, :2]
        np.testing.assert_allclose(step, np.broadcast_to(changed["target_flows"][0, 0, 0], step.shape), atol=1e-4)
        assert not np.allclose(step[0], (3.0, -2.0), atol=1e-3)


def test_changes_are_as_large_as_posewarps(ramps):
    scales, angles, shifts = [], [], []
    for seed in range(60):
        forth = np.linalg.inv(np.vstack([back_to_where_it_was(augmented(ramps, seed)), [0, 0, 1]]))
        scales.append(math.sqrt(np.linalg.det(forth[:2, :2])))
        angles.append(math.degrees(math.atan2(forth[1, 0], forth[0, 0])))
        centre = np.full(2, (SIZE - 1) / 2)
        shifts.extend((forth[:2, :2] @ centre + forth[:2, 2] - centre) / SIZE)
    for values, low, high in ((scales, 0.90, 1.05), (angles, -5, 5), (shifts, -5 / 256, 5 / 256)):
        slack = 0.1 * (high - low)
        assert low - 1e-4 <= min(values) < low + slack and high - slack < max(values) <= high + 1e-4


def test_contrast_is_the_same_in_all_frames_and_stays_in_range(ramps):
    levels = set()
    for seed in range(20):
        changed = augmented({**ramps, "target_frames": tf.ones_like(ramps["target_frames"])}, seed)
        (level,) = set(np.unique(changed["source_frames"].round(4)))
        levels.add(float(level))
        assert changed["target_frames"].max() == pytest.approx(min(1.0, 2 * level), abs=1e-3)
    assert 0.475 <= min(levels) < 0.485 and 0.515 < max(levels) <= 0.525


def test_absent_masks_stay_absent(ramps):
    changed = augmented({**ramps, "target_masks": -tf.ones_like(ramps["target_masks"])}, 0)
    np.testing.assert_allclose(changed["target_masks"], -1.0, atol=1e-5)


def warping_error(example) -> float:
    """How far, on the person, the second frame brought back along the flow is from the first."""
    first, second = np.asarray(example["target_frames"])
    y, x = np.mgrid[: len(first), : len(first)].astype(np.float32)
    flow = np.asarray(example["target_flows"])[0]
    back = cv2.remap(second, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return float(np.abs(back - first)[np.asarray(example["target_masks"])[0, ..., 0] > 0.9].mean())


@pytest.mark.parametrize("index, fps", [(0, 8.0), (4, 20.0)])
def test_flows_of_a_rendered_dancer_fit_as_well_as_before(index, fps):
    """The true flow; none at all, or the flow of the dancer as it was, fits worse."""
    video = render_video(seed=3, index=index, size=96, num_frames=2, fps=fps)
    example = made_example(video.frames / 127.5 - 1.0, video.joints, video.masks[..., None] / 255.0, video.flows)
    truth = warping_error(example)
    assert warping_error({**example, "target_flows": 0.0 * example["target_flows"]}) > 2 * truth
    for seed in range(3):
        for before in (example, mirror(example)):
            changed = augmented(before, seed)
            assert warping_error(changed) < truth
            assert warping_error({**changed, "target_flows": before["target_flows"]}) > 1.1 * warping_error(changed)
