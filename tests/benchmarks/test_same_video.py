import numpy as np
import pytest

from benchmarks.quality_settings import SameVideoConfig
from benchmarks.same_video import Clip, Way, judge, ways_of
from stmt_tf.pose.crop import Crop


def test_the_first_model_is_shown_in_every_way_that_is_asked_for():
    config = SameVideoConfig(
        clips="*.mp4", models=("a=A", "b=B"), output="OUT", without=("plate",), source_frames=(3, 12), max_sizes=(256,)
    )
    assert ways_of({"a": "model A", "b": "model B"}, config) == {
        "a": Way("model A"),
        "b": Way("model B"),
        "a without plate": Way("model A", without="plate"),
        "a, 3 source frames": Way("model A", source_frames=3),
        "a, 12 source frames": Way("model A", source_frames=12),
        "a, at most 256 px": Way("model A", max_size=256),
    }


def test_frames_are_judged_at_the_first_of_each_two_and_their_change_at_both():
    truth = np.random.default_rng(0).integers(0, 200, (20, 16, 16, 3), np.uint8)
    person = np.zeros((20, 16, 16), bool)
    person[:, 4:12, 4:12] = True
    clip = Clip("a/b.mp4", np.zeros((40, 14, 3)), 20, np.arange(20), Crop(0, 0, 16), truth, person)
    brighter = truth + 10

    def mean_error(made, true):
        assert len(made) == len(true) == 10
        return np.abs(made - true).mean((1, 2, 3))

    same = judge(truth, clip, mean_error)
    assert same["lpips"] == same["change"] == 0 and same["sharpness"] == pytest.approx(1)
    other = judge(brighter, clip, mean_error)
    assert other["psnr"] == other["psnr_person"] == pytest.approx(10 * np.log10(255**2 / 100))
    assert other["change"] == 0  # all alike brighter
    still = judge(np.repeat(truth[::2], 2, 0), clip, mean_error)
    assert still["lpips"] == 0 and still["change"] == pytest.approx(1)  # nothing moves
