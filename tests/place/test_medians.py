import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stmt_tf.place.medians import masked_median


def median(values, clear):
    return masked_median(lambda rows: values[:, rows].copy(), clear)


def expected(values, clear):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)  # what no frame shows
        shown = np.where(clear[..., np.newaxis], values, np.nan)
        return np.nanmedian(shown, 0)


@given(st.data(), st.sampled_from([np.uint8, np.int16]), st.integers(1, 33), st.integers(0, 10))
def test_the_median_is_that_of_what_is_clear(data, dtype, count, odds):
    values = data.draw(arrays.arrays(dtype, (count, 3, 2, 3)))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    clear = rng.random((count, 3, 2)) < odds / 10
    found = median(values, clear)
    assert found.dtype == np.float32
    known = clear.any(0)
    np.testing.assert_array_equal(found[known], expected(values, clear)[known])


@pytest.mark.parametrize("height", [1, 7, 8, 9, 65])
def test_every_row_has_its_own_median(height):
    values = np.random.default_rng(0).integers(0, 256, (5, height, 3, 3), np.uint8)
    clear = np.ones((5, height, 3), bool)
    np.testing.assert_array_equal(median(values, clear), np.median(values, 0))
