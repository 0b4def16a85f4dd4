import numpy as np
import pytest
import tensorflow as tf

from stmt_tf.features.i3d import VideoNetwork
from stmt_tf.metrics import video_features
from stmt_tf.metrics.video_features import VideoProtocol, describe, metric_name, to_and_fro, window_starts


def mean_colour(videos):
    """A stand-in whose features are a video's mean colour, and that and its square."""
    mean = tf.cast(tf.reduce_mean(tf.cast(videos, tf.float64), [1, 2, 3]), tf.float32)
    return {"pooled": mean, "logits": tf.concat([mean, mean**2], -1)}


@pytest.fixture
def network():
    return VideoNetwork("mean colour", mean_colour, None)


def grey(levels):
    """Frames [T, 4, 4, 3] of one grey level each."""
    return np.broadcast_to(np.array(levels, np.uint8)[:, None, None, None], [len(levels), 4, 4, 3])


@pytest.mark.parametrize(
    "frames, window, stride, starts",
    [
        (9, 9, 9, [0]),
        (32, 16, 16, [0, 16]),
        (33, 16, 16, [0, 16, 17]),
        (40, 16, 8, [0, 8, 16, 24]),
        (17, 16, 1, [0, 1]),
    ],
)
def test_windows_leave_no_frame_out(frames, window, stride, starts):
    assert window_starts(frames, window, stride) == starts


@pytest.mark.parametrize(
    "frames, numbers",
    [
        (1, [0] * 9),
        (2, [0, 1, 0, 1, 0, 1, 0, 1, 0]),
        (3, [0, 1, 2, 1, 0, 1, 2, 1, 0]),
        (8, [0, 1, 2, 3, 4, 5, 6, 7, 6]),
        (9, list(range(9))),
        (10, list(range(10))),
    ],
)
def test_short_videos_are_played_to_and_fro(frames, numbers):
    assert to_and_fro(frames, 9).tolist() == numbers


def test_features_are_the_mean_over_the_windows(network):
    levels = np.arange(0, 240, 10)  # 24 frames; windows at 0, 10 and, with the last frame, at 14
    features = video_features.video_features(network, grey(levels), VideoProtocol(window=10, stride=10))
    means = np.array([levels[start : start + 10].mean() for start in (0, 10, 14)]) / 127.5 - 1
    assert features["pooled"].shape == (3,) and features["logits"].shape == (6,)
    np.testing.assert_allclose(features["pooled"], [means.mean()] * 3, rtol=1e-5)
    np.testing.assert_allclose(features["logits"][3:], [(means**2).mean()] * 3, rtol=1e-5)


def test_video_shorter_than_a_window_is_taken_whole(network):
    features = video_features.video_features(network, grey(range(0, 120, 10)), VideoProtocol(window=64))
    np.testing.assert_allclose(features["pooled"], 55 / 127.5 - 1, rtol=1e-5)


def test_video_shorter_than_the_network_takes_is_lengthened(network):
    features = video_features.video_features(network, grey([0, 90]), VideoProtocol())
    np.testing.assert_allclose(features["pooled"], 40 / 127.5 - 1, rtol=1e-5)


@pytest.mark.parametrize("batch_size", [2, 3, 5, 100])
def test_batch_size_changes_nothing(network, batch_size):
    frames = np.random.default_rng(0).integers(0, 256, [30, 6, 6, 3], dtype=np.uint8)
    protocol = VideoProtocol(window=10, stride=5)
    alone = video_features.video_features(network, frames, protocol)
    together = video_features.video_features(network, frames, protocol, batch_size)
    for key, value in alone.items():
        np.testing.assert_allclose(together[key], value, rtol=1e-5, atol=1e-6)


def test_frames_are_resized_as_in_fvds_reference():
    """Pixel i of the result lies at i / scale of the image, and not at (i + 0.5) / scale - 0.5."""
    seen = []

    def spy(videos):
        seen.append(videos.numpy())
        return mean_colour(videos)

    network = VideoNetwork("spy", spy, None)
    frames = np.zeros([9, 1, 2, 3], np.uint8)
    frames[:, :, 1] = 255
    video_features.video_features(network, frames, VideoProtocol())
    row = np.minimum(np.arange(224) / 112, 1) * 2 - 1
    np.testing.assert_allclose(seen[-1], np.broadcast_to(row[:, None], [1, 9, 224, 224, 3]), atol=1e-6)


@pytest.mark.parametrize(
    "frames", [np.zeros([9, 4, 4, 3]), np.zeros([4, 4, 3], np.uint8), np.zeros([0, 4, 4, 3], np.uint8)]
)
def test_other_frames_are_an_error(network, frames):
    with pytest.raises(ValueError, match="uint8 \\[T, H, W, 3\\]. Received: "):
        video_features.video_features(network, frames, VideoProtocol())


@pytest.mark.parametrize("window, stride", [(8, 8), (16, 0), (16, 17)])
def test_protocol_that_leaves_frames_out_or_is_too_short_is_an_error(window, stride):
    with pytest.raises(ValueError, match="Received: (window|stride)="):
        VideoProtocol(window, stride)


def test_stand_in_does_not_bear_the_names(network):
    assert not network.is_i3d
    for output in ("pooled", "logits"):
        name = metric_name(network, output)
        assert "stand-in" in name and "FVD" not in name and "VFID" not in name
    line = describe(network, VideoProtocol())
    assert "mean colour" in line and "FVD of" not in line and "VFID of" not in line and "\n" not in line


def test_i3d_bears_the_names(network):
    network.is_i3d = True
    assert [metric_name(network, output) for output in ("pooled", "logits")] == ["VFID", "FVD"]
    line = describe(network, VideoProtocol(16, 8))
    assert "VFID of 3, FVD of 6 features" in line and "windows of 16 frames every 8" in line


def test_network_without_pooled_features_gives_no_vfid_and_says_so():
    network = VideoNetwork("module", lambda videos: {"logits": mean_colour(videos)["logits"]}, None)
    network.is_i3d = True
    assert "no VFID" in describe(network, VideoProtocol())


def test_unknown_output_is_an_error(network):
    with pytest.raises(ValueError, match="Received: output='fid'"):
        metric_name(network, "fid")
