import numpy as np
import pytest
import tensorflow as tf
from records import make_joints

from stmt_tf.config import TAKE_ANY_NUMBER
from stmt_tf.models.composition import pose_nearness
from stmt_tf.models.fusion import FUSIONS, create_fusion

SIZE, CHANNELS, SOURCES = 16, 8, 3
ATTENTION = ("rb6", "sa3d_rb6", "rb6_sa2d")


def make_fusion(
    name: str, seed: int = 0, stride: int = 4, nearness: float | None = 0.0, map_stride: int | None = None
) -> tf.keras.layers.Layer:
    tf.keras.utils.set_random_seed(seed)
    map_stride = map_stride or stride
    return create_fusion(name, 0.1, stride, pool=1, map_stride=map_stride, nearness=nearness, name="fusion")


def make_inputs(count: int = 2, sources: int = SOURCES, targets: int = 2, seed: int = 0):
    features = np.random.default_rng(seed).normal(size=(count, sources, SIZE, SIZE, CHANNELS))
    source_joints = make_joints(count, sources, size=SIZE, seed=seed)
    target_joints = make_joints(count, targets, size=SIZE, seed=seed + 1)
    return tuple(tf.constant(x, tf.float32) for x in (features, source_joints, target_joints))


def randomised(fusion, inputs):
    """The fusion with no weight at its initial zero."""
    fusion(*inputs)
    random = np.random.default_rng(3)
    fusion.set_weights([random.normal(scale=0.3, size=w.shape) for w in fusion.get_weights()])
    return fusion


@pytest.mark.parametrize("name", FUSIONS)
def test_only_fusions_that_are_said_to_take_any_number_of_source_frames_do(name):
    fusion = make_fusion(name)
    fusion(*make_inputs())
    assert fusion.num_source_frames == (None if name in TAKE_ANY_NUMBER else SOURCES)


@pytest.mark.parametrize("name", FUSIONS)
def test_fused_features_and_attention_have_their_shapes(name):
    fused, attention = make_fusion(name)(*make_inputs())
    assert fused.shape == [2, 2, SIZE, SIZE, CHANNELS]
    if name in ATTENTION:
        assert attention.shape == [2, 2, SOURCES, SIZE // 4, SIZE // 4]
    else:
        assert attention is None


@pytest.mark.parametrize("name", FUSIONS)
def test_order_of_the_source_frames_does_not_matter(name):
    features, sources, targets = make_inputs()
    fusion = randomised(make_fusion(name), (features, sources, targets))
    order = [2, 0, 1]
    fused, attention = fusion(features, sources, targets)
    turned, turned_attention = fusion(tf.gather(features, order, axis=1), tf.gather(sources, order, axis=1), targets)
    np.testing.assert_allclose(fused, turned, atol=1e-5)
    if attention is not None:
        np.testing.assert_allclose(tf.gather(attention, order, axis=2), turned_attention, atol=1e-5)


@pytest.mark.parametrize("name, pool", [("avg", np.mean), ("max", np.max)])
def test_pooling_is_the_mean_or_the_maximum(name, pool):
    features, sources, targets = make_inputs()
    fused, _ = make_fusion(name)(features, sources, targets)
    for t in range(2):
        np.testing.assert_allclose(fused[:, t], pool(features, 1), atol=1e-6)


@pytest.mark.parametrize("name", FUSIONS)
def test_fusion_of_one_frame_is_that_frame(name):
    features, sources, targets = make_inputs(sources=1)
    fused, _ = make_fusion(name)(features, sources, targets)  # self-attention's gamma is 0 at first
    for t in range(2):
        np.testing.assert_allclose(fused[:, t], features[:, 0], atol=1e-6)


@pytest.mark.parametrize("name", ATTENTION)
def test_untrained_attention_is_uniform_and_so_the_average(name):
    features, sources, targets = make_inputs()
    fused, attention = make_fusion(name)(features, sources, targets)
    np.testing.assert_allclose(attention, np.full(attention.shape, 1 / SOURCES), atol=1e-6)
    np.testing.assert_allclose(fused[:, 0], np.mean(features, 1), atol=1e-5)


def test_attention_may_start_from_the_nearness_of_the_poses():
    features, sources, targets = make_inputs(targets=1)
    _, attention = make_fusion("rb6", nearness=1.0)(features, sources, targets)
    expected = pose_nearness(sources, targets[:, 0], SIZE)
    np.testing.assert_allclose(attention[:, 0, :, 1, 2], expected, atol=1e-5)


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_sums_to_one_over_the_source_frames(name):
    inputs = make_inputs()
    _, attention = randomised(make_fusion(name), inputs)(*inputs)
    assert np.std(attention) > 0.01
    np.testing.assert_allclose(np.sum(attention, 2), 1.0, atol=1e-5)


def test_weighted_sum_follows_the_attention():
    inputs = make_inputs()
    fused, attention = randomised(make_fusion("rb6", stride=1), inputs)(*inputs)
    expected = np.einsum("nkhwc,ntkhw->nthwc", inputs[0], attention)
    np.testing.assert_allclose(fused, expected, atol=1e-5)


@pytest.mark.parametrize("seen", ["features", "source poses", "target pose"])
def test_the_blocks_see_features_source_poses_and_the_target_pose(seen):
    features, sources, targets = make_inputs()
    sources = tf.repeat(sources[:, :1], SOURCES, axis=1)  # all frames are as near, whatever the target
    fusion = randomised(make_fusion("rb6"), (features, sources, targets))
    fusion.frame_attention.nearness_weight.assign(0.0)
    before = fusion(features, sources, targets)[1]
    if seen == "features":
        features = features[:, :, ::-1]
    elif seen == "source poses":
        sources = sources * [0.5, 0.5, 1.0]
    else:
        targets = targets * [0.5, 0.5, 1.0]
    assert np.abs(fusion(features, sources, targets)[1] - before).max() > 1e-3


@pytest.mark.parametrize("name", FUSIONS)
def test_targets_together_equal_each_alone(name):
    features, sources, targets = make_inputs()
    fusion = randomised(make_fusion(name), (features, sources, targets))
    together, _ = fusion(features, sources, targets)
    for t in range(2):
        alone, _ = fusion(features, sources, targets[:, t : t + 1])
        np.testing.assert_allclose(together[:, t], alone[:, 0], atol=1e-5)


@pytest.mark.parametrize("name, reaches", [("rb6", False), ("sa3d_rb6", True), ("rb6_sa2d", True)])
def test_self_attention_reaches_far_where_frame_attention_is_local(name, reaches):
    """What a corner of the features does to the opposite corner of the fused ones."""
    inputs = make_inputs(count=1, targets=1)
    fusion = randomised(make_fusion(name, stride=1), inputs)
    # The residual blocks' own reach is taken out of the comparison: attention does not depend on the features.
    fusion.frame_attention.last.kernel.assign(tf.zeros_like(fusion.frame_attention.last.kernel))
    changed = inputs[0].numpy()
    changed[:, :, 0, 0] += 5.0
    before, after = (fusion(features, *inputs[1:])[0] for features in (inputs[0], tf.constant(changed)))
    difference = np.abs(after - before)[0, 0, -1, -1].max()
    assert (difference > 1e-4) == reaches


def test_without_nearness_the_blocks_alone_decide_from_an_ordinary_start():
    inputs = make_inputs()
    fusion = make_fusion("rb6", nearness=None)
    _, attention = fusion(*inputs)
    assert np.ptp(attention.numpy(), axis=2).max() > 1e-4  # not the average
    np.testing.assert_allclose(attention.numpy().sum(2), 1.0, atol=1e-5)
    assert fusion.frame_attention.nearness_weight is None
    # Nothing sorts the frames: in another order, the same blocks see another input.
    order = [2, 0, 1]
    turned = fusion(*(tf.gather(x, order, axis=1) for x in inputs[:2]), inputs[2])[1]
    assert np.abs(tf.gather(attention, order, axis=2) - turned).max() > 1e-5


@pytest.mark.parametrize("map_stride", [1, 2])
def test_maps_have_a_stride_of_their_own(map_stride):
    _, attention = make_fusion("rb6_sa2d", map_stride=map_stride)(*make_inputs())
    assert attention.shape == [2, 2, SOURCES, SIZE // map_stride, SIZE // map_stride]


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="no fusion is called 'mean'; there are: avg, max, rb6"):
        make_fusion("mean")
