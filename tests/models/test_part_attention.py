import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.models.part_attention import PartAttention
from stmt_tf.pose.skeleton import NUM_PARTS


def attend(masks, shares, said=None, confidence=None, mask_weight=1.0):
    """Attention `[K, P, n, n]` to masks `[K, P, n, n]` and shares `[K, P]`.

    With what the network says `[P]`, and how sure it is that the target shows each part, `[P]`.
    """
    layer = PartAttention()
    features = tf.zeros([1, *masks.shape[2:], 4])
    log_confidence = np.zeros(NUM_PARTS) if confidence is None else np.log(confidence)
    arguments = features, *(tf.constant(x, tf.float32)[None] for x in (masks, shares, log_confidence))
    layer(*arguments)
    layer.mask_weight.assign(mask_weight)
    kernel, bias = layer.head.get_weights()
    bias[:NUM_PARTS] = 0.0 if said is None else said
    layer.head.set_weights([np.zeros_like(kernel), bias])
    return layer(*arguments)[0].numpy()[0]


def test_attention_is_a_softmax_of_all_parts_of_all_frames():
    random = np.random.default_rng(0)
    masks, shares = random.uniform(0.1, 1, [3, NUM_PARTS, 2, 2]), random.dirichlet(np.ones(3), NUM_PARTS).T
    said, confidence = random.normal(size=NUM_PARTS), random.uniform(0.02, 1, NUM_PARTS)
    expected = masks**1.5 * shares[..., None, None] * (confidence * np.exp(said))[:, None, None]
    expected /= expected.sum((0, 1))
    np.testing.assert_allclose(attend(masks, shares, said, confidence, mask_weight=1.5), expected, rtol=1e-4)


def test_a_part_alone_gets_the_attention():
    masks = np.zeros([2, NUM_PARTS, 1, 1])
    masks[1, 4] = 1.0
    found = attend(masks, np.full([2, NUM_PARTS], 0.5))[:, :, 0, 0]
    assert found[1, 4] == pytest.approx(1 / (1 + 19e-3), rel=1e-4)  # a mask of nothing counts a thousandth


@pytest.mark.parametrize("arm, torso", [(2, 7), (7, 2)])
def test_an_arm_in_front_hides_the_torso_whatever_the_order(arm, torso):
    masks = np.zeros([1, NUM_PARTS, 1, 1])
    masks[0, [arm, torso]] = 1.0
    said = np.zeros(NUM_PARTS)
    said[arm] = 8.0
    found = attend(masks, np.ones([1, NUM_PARTS]), said)[0, :, 0, 0]
    assert found[arm] > 0.99 and found[torso] < 0.001


def test_what_is_painted_is_bounded_and_the_masks_logit_is_not():
    layer, features = PartAttention(), tf.zeros([1, 2, 2, 4])
    arguments = features, tf.ones([1, 1, NUM_PARTS, 2, 2]), tf.ones([1, 1, NUM_PARTS]), tf.zeros([1, NUM_PARTS])
    layer(*arguments)
    kernel, bias = layer.head.get_weights()
    bias[NUM_PARTS:] = 2.0, 0.5, -9.0, 7.0
    layer.head.set_weights([0 * kernel, bias])
    _, paint, logit = layer(*arguments)
    np.testing.assert_allclose(paint[0, 0, 0], np.tanh([2.0, 0.5, -9.0]), rtol=1e-5)
    np.testing.assert_allclose(logit, 7.0)
