import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.models.fusion import FUSIONS, create_fusion

SIZE, CHANNELS = 8, 4


def inputs(count: int = 2, sources: int = 3):
    random = np.random.default_rng(0)
    features = random.normal(size=(count, sources, SIZE, SIZE, CHANNELS))
    heatmaps = random.uniform(size=(count, sources + 1, SIZE // 2, SIZE // 2, 14))
    features, heatmaps = (tf.constant(x, tf.float32) for x in (features, heatmaps))
    return features, heatmaps[:, 1:], heatmaps[:, 0]


@pytest.mark.parametrize("name", FUSIONS)
def test_fused_features_keep_their_shape(name):
    fused, attention = create_fusion(name)(*inputs())
    assert fused.shape == [2, SIZE, SIZE, CHANNELS]
    assert attention is None or attention.shape[:2] == [2, 3]


@pytest.mark.parametrize("name", FUSIONS)
def test_order_of_the_source_frames_does_not_matter(name):
    fusion, (features, sources, target) = create_fusion(name), inputs()
    fused, _ = fusion(features, sources, target)
    turned, _ = fusion(features[:, ::-1], sources[:, ::-1], target)
    np.testing.assert_allclose(fused, turned, atol=1e-6)


def test_average_is_the_mean():
    features, sources, target = inputs()
    fused, attention = create_fusion("avg")(features, sources, target)
    np.testing.assert_allclose(fused, np.mean(features, 1), atol=1e-6)
    assert attention is None


def test_average_of_one_frame_is_that_frame():
    features, sources, target = inputs(sources=1)
    fused, _ = create_fusion("avg")(features, sources, target)
    np.testing.assert_array_equal(fused, features[:, 0])


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="no fusion is called 'mean'; there are: .*avg"):
        create_fusion("mean")
