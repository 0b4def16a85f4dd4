import cv2
import numpy as np
import pytest

from stmt_tf.metrics import image


def random_frames(count=3, height=24, width=32, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, height, width, 3)).astype(np.uint8)


def constant(value, count=2, size=16):
    return np.full((count, size, size, 3), value, np.uint8)


@pytest.mark.parametrize("difference", [1, 5, 51, 255])
def test_psnr_of_a_constant_difference(difference):
    expected = 20 * np.log10(255 / difference)
    np.testing.assert_allclose(image.psnr(constant(0), constant(difference)), [expected] * 2, rtol=1e-12)


def test_psnr_is_one_number_a_frame():
    made, truth = constant(0), constant(51)
    made[1] = 51 - 5
    expected = [20 * np.log10(5), 20 * np.log10(51)]
    np.testing.assert_allclose(image.psnr(made, truth), expected, rtol=1e-12)


def test_psnr_does_not_wrap_around_at_0():
    assert image.psnr(constant(250), constant(255))[0] == image.psnr(constant(255), constant(250))[0]


def test_identical_frames_have_100_db():
    frames = random_frames()
    np.testing.assert_array_equal(image.psnr(frames, frames), [100.0] * 3)


def test_masked_psnr_ignores_the_outside():
    made, truth = random_frames(seed=1), random_frames(seed=2)
    region = np.zeros((3, 24, 32), bool)
    region[:, 4:9, 10:20] = True
    made[region] = 100
    truth[region] = 110
    np.testing.assert_allclose(
        image.masked_psnr(made, truth, region), [20 * np.log10(25.5)] * 3, rtol=1e-12
    )


def test_masked_psnr_over_everything_is_psnr():
    made, truth = random_frames(seed=1), random_frames(seed=2)
    everywhere = np.ones((3, 24, 32), bool)
    np.testing.assert_allclose(
        image.masked_psnr(made, truth, everywhere), image.psnr(made, truth), rtol=1e-12
    )


def test_an_empty_region_has_no_value():
    nowhere = np.zeros((2, 16, 16), bool)
    nowhere[1, 3, 3] = True
    known = [False, True]
    np.testing.assert_array_equal(
        ~np.isnan(image.masked_psnr(constant(1), constant(2), nowhere)), known
    )
    np.testing.assert_array_equal(~np.isnan(image.sharpness(constant(1), nowhere)), known)


def test_psnr_and_ssim_match_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    truth = random_frames(seed=1)
    made = np.clip(truth.astype(int) + np.random.default_rng(2).integers(-30, 31, truth.shape), 0, 255)
    made = made.astype(np.uint8)
    for values, reference in (
        (image.psnr(made, truth), lambda a, b: metrics.peak_signal_noise_ratio(b, a, data_range=255)),
        (
            image.ssim(made, truth),
            lambda a, b: metrics.structural_similarity(
                a,
                b,
                data_range=255,
                channel_axis=-1,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            ),
        ),
    ):
        expected = [reference(a, b) for a, b in zip(made, truth)]
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_ssim_of_identical_frames_is_1():
    frames = random_frames()
    np.testing.assert_allclose(image.ssim(frames, frames), [1.0] * 3, atol=1e-6)


def test_sharpness_of_a_flat_frame_is_0():
    np.testing.assert_allclose(image.sharpness(constant(77), np.ones((2, 16, 16), bool)), 0.0, atol=1e-4)


def test_sharpness_of_one_bright_pixel():
    frames = constant(0, count=1)
    frames[0, 8, 8] = 90
    region = np.zeros((1, 16, 16), bool)
    region[0, 7:10, 7:10] = True  # 4 * 90 in the middle, 90 at each of four neighbours
    np.testing.assert_allclose(image.sharpness(frames, region), [8 * 90 / 9], rtol=1e-5)


def test_blur_lowers_sharpness():
    frames = random_frames()
    blurred = np.stack([cv2.GaussianBlur(frame, (5, 5), 1.0) for frame in frames])
    everywhere = np.ones((3, 24, 32), bool)
    assert (image.sharpness(blurred, everywhere) < 0.5 * image.sharpness(frames, everywhere)).all()


@pytest.mark.parametrize(
    "made", [constant(0).astype(np.float32), constant(0, count=1), constant(0, size=8)]
)
def test_frames_of_another_kind_are_refused(made):
    with pytest.raises(ValueError, match="uint8"):
        image.psnr(made, constant(0))


def test_a_region_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"bool \(2, 16, 16\), got"):
        image.masked_psnr(constant(0), constant(0), np.ones((2, 8, 8), bool))
