import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (pip install .[peer])")

from benchmarks.first_order_motion import (  # noqa: E402
    NUM_KEYPOINTS,
    Hourglass,
    KeypointDetector,
    Motion,
    WholeAnimation,
    count_flops,
    grid,
)


@pytest.fixture(autouse=True)
def without_gradients():
    torch.manual_seed(0)
    with torch.inference_mode():
        yield


@pytest.fixture
def frame():
    return torch.rand(1, 3, 128, 128)


@pytest.fixture
def keypoints():
    return torch.rand(1, NUM_KEYPOINTS, 2) - 0.5, torch.eye(2).repeat(1, NUM_KEYPOINTS, 1, 1)


def test_weights_are_as_many_as_those_of_the_published_models():
    network = WholeAnimation()
    parts = network.detector, network.animation.motion, network.animation
    assert [round(sum(x.numel() for x in part.parameters()) / 1e6, 1) for part in parts] == [14.2, 37.7, 45.6]


def test_an_hourglass_keeps_its_input_and_the_size():
    x = torch.rand(2, 3, 32, 32)
    made = Hourglass(3, 4).eval()(x)
    assert made.shape == (2, 7, 32, 32)
    assert torch.equal(made[:, 4:], x)


def test_keypoints_lie_within_the_frame(frame):
    points, jacobians = KeypointDetector().eval()(frame)
    assert points.shape == (1, NUM_KEYPOINTS, 2) and points.abs().max() <= 1.0
    torch.testing.assert_close(jacobians, torch.eye(2).expand(1, NUM_KEYPOINTS, 2, 2))


def test_what_does_not_move_is_taken_from_where_it_is(frame, keypoints):
    places, shown = Motion().eval()(frame, *keypoints, *keypoints)
    torch.testing.assert_close(places, grid(32)[None])
    assert shown.shape == (1, 1, 32, 32)


def test_what_moves_is_taken_from_where_it_was(frame, keypoints):
    points, jacobians = keypoints
    step = torch.tensor([0.2, -0.1])
    places, _ = Motion().eval()(frame, points, jacobians, points + step, 2.0 * jacobians)
    # Twice as large as in the source; what stands still, as one of the motions, has its share in all places.
    still, moved = grid(32), points[:, :, None, None] + (grid(32) - (points + step)[:, :, None, None]) / 2.0
    motions = torch.cat([still.expand_as(moved[:, :1]), moved], 1)
    assert (places >= motions.amin(1) - 1e-5).all() and (places <= motions.amax(1) + 1e-5).all()
    assert (places - still).abs().max() > 0.1


def test_a_frame_is_made_by_its_keypoints(frame):
    network = WholeAnimation().eval()
    keypoints = network.detector(frame)
    made = network(frame.flip(-1), frame, *keypoints)
    features = network.animation.encode(frame)
    assert made.shape == frame.shape and features.shape == (1, 256, 32, 32)
    torch.testing.assert_close(made, network.animation(features, frame, *keypoints, *network.detector(frame.flip(-1))))


def test_a_multiply_add_is_two_operations():
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(5, 2, 1))
    assert count_flops(layers, torch.rand(1, 3, 8, 8)) == 2 * 64 * (5 * 27 + 2 * 5)
    assert not any(layer._forward_hooks for layer in layers)
