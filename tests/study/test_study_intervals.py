import numpy as np
import pytest

from stmt_tf.study.intervals import share_interval, sign_test


def test_one_participant_gets_wilsons_interval_over_the_answers():
    assert share_interval([8], [10]) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert share_interval([0], [10]) == pytest.approx((0, 0.2775328), abs=1e-6)


def test_answers_of_one_mind_count_as_few():
    # Ten of twenty say yes ten times, ten never: the variance is that of 19 independent answers.
    low, high = share_interval([10, 0] * 10, [10] * 20)
    z2 = 1.959964**2 / (19 * (1.959964 / 2.093024) ** 2)
    half = np.sqrt(z2 / 4 + z2**2 / 4) / (1 + z2)
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)
    independent = share_interval([100], [200])
    assert high - low > 3 * (independent[1] - independent[0])


def test_intervals_of_unanimous_participants_have_a_width_and_end_at_one():
    low, high = share_interval([10] * 4, [10] * 4)
    assert high == 1 and 0.5 < low < 0.9


def test_intervals_hold_the_truth_in_19_of_20_studies_though_participants_differ():
    rng = np.random.default_rng(0)
    covered = {"participants": 0, "answers": 0}
    for _ in range(1000):
        hits = rng.binomial(10, rng.beta(3.5, 1.5, size=20))
        low, high = share_interval(hits.tolist(), [10] * 20)
        covered["participants"] += low <= 0.7 <= high
        low, high = share_interval([int(hits.sum())], [200])
        covered["answers"] += low <= 0.7 <= high
    assert 930 <= covered["participants"] <= 975
    assert covered["answers"] < 850  # what taking answers for independent would give


@pytest.mark.parametrize(
    "preferences, p",
    [
        ([], 1.0),
        ([0, 0], 1.0),
        ([1], 1.0),
        ([1] * 6, 2 / 64),
        ([-3] * 6 + [0] * 5, 2 / 64),
        ([1] * 9 + [-1], 22 / 1024),
        ([1, -1], 1.0),
    ],
)
def test_sign_test(preferences, p):
    assert sign_test(preferences) == pytest.approx(p)
