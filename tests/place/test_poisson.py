import numpy as np
import pytest

from stmt_tf.place import poisson
from stmt_tf.place.poisson import screened_poisson


def laplacian(values):
    around = np.pad(values, ((1, 1), (1, 1), (0, 0)), "edge")
    return around[2:, 1:-1] + around[:-2, 1:-1] + around[1:-1, 2:] + around[1:-1, :-2] - 4 * values


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 7), (37, 50), (64, 64), (63, 130)])
def test_the_solution_solves_the_equation(size):
    rng = np.random.default_rng(0)
    source = rng.normal(size=(*size, 3)).astype(np.float32)
    pull = (rng.random(size) ** 4 + 0.01).astype(np.float32)
    solution = screened_poisson(source, pull)
    assert solution.shape == source.shape and solution.dtype == np.float32
    np.testing.assert_allclose(pull[..., np.newaxis] * solution - laplacian(solution), source, atol=1e-3)


def test_between_pixels_that_are_held_values_go_on_evenly():
    pull = np.zeros((20, 41), np.float32)
    pull[:, 0], pull[:, -1] = 1e3, 1e3
    values = np.zeros((20, 41, 1), np.float32)
    values[:, -1] = 100.0
    solution = screened_poisson(pull[..., np.newaxis] * values, pull)
    np.testing.assert_allclose(solution[..., 0], np.broadcast_to(np.linspace(0, 100, 41), (20, 41)), atol=0.1)


@pytest.mark.parametrize("size", [(48, 70), (33, 257)])
def test_a_picture_is_found_again_from_its_gradients_and_one_pixel(size):
    picture = np.random.default_rng(1).uniform(0, 255, (*size, 3)).astype(np.float32)
    pull = np.zeros(size, np.float32)
    pull[10, 20] = 10.0
    solution = screened_poisson(pull[..., np.newaxis] * picture - laplacian(picture), pull)
    np.testing.assert_allclose(solution - solution[10, 20], picture - picture[10, 20], atol=1.0)


def test_it_stops_when_no_byte_would_show_another_step(monkeypatch):
    rng, steps, cycle = np.random.default_rng(1), [], poisson._cycle
    picture = rng.uniform(0, 255, (48, 70, 3)).astype(np.float32)
    pull = np.full((48, 70), 0.08, np.float32)
    pull[:, :35] += 10 * (rng.random((48, 35)) > 0.7)
    monkeypatch.setattr(poisson, "_cycle", lambda *given: steps.append(given[0].shape) or cycle(*given))
    solution = screened_poisson(pull[..., np.newaxis] * picture - laplacian(picture), pull)
    np.testing.assert_allclose(solution, picture, atol=0.1)
    assert steps.count(picture.shape) < poisson._MOST_STEPS
