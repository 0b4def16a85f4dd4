"""The real network is tested with its asset; its layout and the ways to load it with two or three channels."""

import dataclasses
import http.server
import os
import pickle
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from stmt_tf import assets
from stmt_tf.features import i3d, inception_i3d

CLASSES = 5


def videos(seed, count=1, frames=9):
    return np.random.default_rng(seed).uniform(-1, 1, [count, frames, 224, 224, 3]).astype(np.float32)


def layer(rng, inputs, outputs, size):
    weights = {
        "Conv_0": {"kernel": rng.normal(size=[size] * 3 + [inputs, outputs], scale=0.5).astype(np.float32)},
        "BatchNorm_0": {"bias": rng.normal(size=[outputs]).astype(np.float32)},
    }
    mean, variance = rng.normal(size=[1, 1, 1, 1, outputs]), rng.uniform(0.5, 2, size=[1, 1, 1, 1, outputs])
    return weights, {"BatchNorm_0": {"mean": mean.astype(np.float32), "var": variance.astype(np.float32)}}


@pytest.fixture(scope="module")
def content():
    """Weights laid out as the asset `i3d`, but with few channels and random values."""
    rng = np.random.default_rng(0)
    params, statistics = {}, {}

    def add(path, inputs, outputs, size):
        weights, stats = layer(rng, inputs, outputs, size)
        *blocks, name = path
        for block in blocks:
            params.setdefault(block, {}), statistics.setdefault(block, {})
        (params[blocks[0]] if blocks else params)[name] = weights
        (statistics[blocks[0]] if blocks else statistics)[name] = stats

    add(["Conv3d_1a_7x7"], 3, 2, 7)
    add(["Conv3d_2b_1x1"], 2, 2, 1)
    add(["Conv3d_2c_3x3"], 2, 6, 3)
    for block in ("3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c"):
        mixed = f"Mixed_{block}"
        add([mixed, "Branch_0/Conv3d_0a_1x1"], 6, 2, 1)
        add([mixed, "Branch_1/Conv3d_0a_1x1"], 6, 1, 1)
        add([mixed, "Branch_1/Conv3d_0b_3x3"], 1, 2, 3)
        add([mixed, "Branch_2/Conv3d_0a_1x1"], 6, 1, 1)
        add([mixed, "Branch_2/Conv3d_0b_3x3"], 1, 1, 3)
        add([mixed, "Branch_3/Conv3d_0b_1x1"], 6, 1, 1)
    params["Logits/Conv3d_0c_1x1"] = {
        "Conv_0": {
            "kernel": rng.normal(size=[1, 1, 1, 6, CLASSES]).astype(np.float32),
            "bias": rng.normal(size=[CLASSES]).astype(np.float32),
        }
    }
    return {"params": params, "batch_stats": statistics}


@pytest.fixture(scope="module")
def weights_file(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("i3d") / "weights.ckpt"
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.fixture(scope="module")
def network(weights_file):
    return inception_i3d.InceptionI3D(inception_i3d.read_units(weights_file))


@pytest.fixture(scope="module")
def directory(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("module") / "i3d"
    inception_i3d.save_module(network, path)
    return path


@pytest.fixture
def expected(content):
    """The network as the paper draws it, layer by layer in Keras, with batch normalisation in its place."""

    def unit(x, path, stride=1):
        weights, stats = content["params"], content["batch_stats"]
        for key in path:
            weights, stats = weights[key], stats[key]
        kernel = weights["Conv_0"]["kernel"]
        conv = tf.keras.layers.Conv3D(kernel.shape[-1], kernel.shape[:3], stride, "same", use_bias=False)
        norm = tf.keras.layers.BatchNormalization(scale=False, epsilon=1e-3)
        y = norm(conv(x))
        conv.set_weights([kernel])
        norm.set_weights(
            [weights["BatchNorm_0"]["bias"], *(stats["BatchNorm_0"][key].reshape(-1) for key in ("mean", "var"))]
        )
        y = norm(conv(x), training=False)
        return tf.keras.layers.ReLU()(y)

    def pool(x, size, stride):
        return tf.keras.layers.MaxPooling3D(size, stride, "same")(x)

    def mixed(x, name):
        branches = [
            unit(x, [name, "Branch_0/Conv3d_0a_1x1"]),
            unit(unit(x, [name, "Branch_1/Conv3d_0a_1x1"]), [name, "Branch_1/Conv3d_0b_3x3"]),
            unit(unit(x, [name, "Branch_2/Conv3d_0a_1x1"]), [name, "Branch_2/Conv3d_0b_3x3"]),
            unit(pool(x, 3, 1), [name, "Branch_3/Conv3d_0b_1x1"]),
        ]
        return tf.keras.layers.Concatenate()(branches)

    def compute(x):
        x = pool(unit(x, ["Conv3d_1a_7x7"], 2), (1, 3, 3), (1, 2, 2))
        x = pool(unit(unit(x, ["Conv3d_2b_1x1"]), ["Conv3d_2c_3x3"]), (1, 3, 3), (1, 2, 2))
        x = pool(mixed(mixed(x, "Mixed_3b"), "Mixed_3c"), 3, 2)
        for name in ("Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f"):
            x = mixed(x, name)
        x = mixed(mixed(pool(x, 2, 2), "Mixed_5b"), "Mixed_5c")
        x = tf.keras.layers.AveragePooling3D((2, 7, 7), 1, "valid")(x)
        classifier = content["params"]["Logits/Conv3d_0c_1x1"]["Conv_0"]
        logits = tf.matmul(x[:, :, 0, 0], classifier["kernel"][0, 0, 0]) + classifier["bias"]
        return np.mean(x, axis=(1, 2, 3)), np.mean(logits, axis=1)

    return compute


@pytest.mark.parametrize("frames", [9, 24])
def test_network_is_the_papers(network, expected, frames):
    x = videos(0, 2, frames)
    features = network.features(x)
    pooled, logits = expected(tf.constant(x))
    assert np.abs(pooled).max() > 0.01  # or nothing would be compared
    np.testing.assert_allclose(features["pooled"], pooled, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(features["logits"], logits, rtol=1e-3, atol=1e-4)


def test_saved_module_has_the_hubs_signature_and_the_networks_output(network, directory):
    module = tf.saved_model.load(str(directory))
    default, features = module.signatures["default"], module.signatures["features"]
    assert list(default.structured_input_signature[1]) == ["rgb_input"]
    assert default.structured_input_signature[1]["rgb_input"].shape.as_list() == [None, None, 224, 224, 3]
    assert list(default.structured_outputs) == ["default"]
    x = tf.constant(videos(1, 2, 10))
    wanted = network.features(x)
    np.testing.assert_allclose(default(rgb_input=x)["default"], wanted["logits"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(features(rgb_input=x)["pooled"], wanted["pooled"], rtol=1e-5, atol=1e-6)


def test_file_and_directory_give_the_same_network(network, weights_file, directory):
    x = videos(2)
    wanted = network.features(x)
    for source in (weights_file, directory, str(directory)):
        loaded = i3d.load_i3d(source)
        assert loaded.name == str(source)
        assert loaded.dimensions == {"pooled": 6, "logits": CLASSES}
        for key, value in loaded(x).items():
            np.testing.assert_allclose(value, wanted[key], rtol=1e-5, atol=1e-6)


def test_other_weights_are_a_stand_in(weights_file):
    assert not i3d.load_i3d(weights_file).is_i3d


def save_tensorflow_1_module(path):
    """A graph of TensorFlow 1 with an average pool before its logits, as the module on TensorFlow Hub is."""
    with tf.Graph().as_default():
        frames = tf.compat.v1.placeholder(tf.float32, [None, None, 224, 224, 3], "input_frames")
        scale = tf.compat.v1.get_variable("scale", initializer=2.0, use_resource=True)
        steps = tf.nn.avg_pool3d(scale * frames, [2, 224, 224], strides=1, padding="VALID")
        logits = tf.reduce_mean(tf.concat([steps, -steps], -1), [1, 2, 3])
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            builder = tf.compat.v1.saved_model.Builder(path)
            signature = tf.compat.v1.saved_model.predict_signature_def({"rgb_input": frames}, {"default": logits})
            builder.add_meta_graph_and_variables(session, ["serve"], {"default": signature})
            builder.save()


def test_pooled_features_of_the_hubs_graph_are_those_of_its_average_pool(tmp_path):
    save_tensorflow_1_module(str(tmp_path / "hub"))
    loaded = i3d.load_i3d(tmp_path / "hub")
    assert loaded.dimensions == {"pooled": 3, "logits": 6} and not loaded.is_i3d
    x = videos(3, 2, 9)
    # The pool takes two frames at a time: those between the ends are in two pools of eight.
    weights = np.array([1, *[2] * 7, 1]) / 16
    pooled = 2 * np.einsum("nthwc,t->nc", x, weights, dtype=np.float64) / 224**2
    outputs = loaded(x)
    np.testing.assert_allclose(outputs["pooled"], pooled, atol=1e-6)
    np.testing.assert_allclose(outputs["logits"], np.concatenate([pooled, -pooled], 1), atol=1e-6)


def save_hub_module(path, units):
    """I3D in the format of the Hub's module: graphs of TensorFlow 1 with variables by reference, a training one first.

    That for inference has no tag. Its signature is named `default`, and so is its output.
    """
    builder = tf.compat.v1.saved_model.Builder(str(path))
    for tags in (["train"], []):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            network = inception_i3d.InceptionI3D({})
            network._units = {
                name: tuple(
                    tf.compat.v1.get_variable(f"{name}/{part}", initializer=array, use_resource=False)
                    for part, array in zip("wb", arrays)
                )
                for name, arrays in units.items()
            }
            frames = tf.compat.v1.placeholder(tf.float32, [None, None, 224, 224, 3], "rgb_input")
            # As it is, not as the function that would hide the pool.
            logits = network.features.python_function(frames if not tags else 2 * frames)["logits"]
            session.run(tf.compat.v1.global_variables_initializer())
            signature = tf.compat.v1.saved_model.predict_signature_def({"rgb_input": frames}, {"default": logits})
            if tags:
                builder.add_meta_graph_and_variables(session, tags, {"default": signature})
            else:
                builder.add_meta_graph(tags, {"default": signature})
    builder.save()
    (path / "tfhub_module.pb").write_bytes(b"\x08\x03")  # the format's number


@pytest.fixture
def hub(weights_file, tmp_path, monkeypatch):
    """The small weights as the module of a Hub on this machine, and an empty cache, which it returns."""
    save_hub_module(tmp_path / "module", inception_i3d.read_units(weights_file))
    archive = shutil.make_archive(str(tmp_path / "archive"), "gztar", tmp_path / "module")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            assert self.path == "/i3d/1?tf-hub-format=compressed"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(Path(archive).read_bytes())

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("localhost", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    module = dataclasses.replace(assets.ASSETS["i3d"].hub, handle=f"http://localhost:{server.server_port}/i3d/1")
    monkeypatch.setitem(assets.ASSETS, "i3d", dataclasses.replace(assets.ASSETS["i3d"], hub=module))
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "hub_cache"))
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "cache"))
    yield tmp_path / "cache"
    server.shutdown()
    server.server_close()


def test_asset_is_the_hubs_module_where_that_can_be_reached(hub, network, monkeypatch, caplog):
    caplog.set_level("INFO", "absl")
    assert not assets.is_cached("i3d")
    fetched = assets.fetch("i3d")
    assert fetched == assets.where("i3d") == hub / "i3d_kinetics400_hub" and os.listdir(hub) == [fetched.name]
    assert assets.is_cached("i3d") and "i3d: from TensorFlow Hub, http://localhost" in caplog.text
    loaded = i3d.load_i3d(fetched)
    assert loaded.dimensions == {"pooled": 6, "logits": CLASSES}
    x = videos(5, 2, 10)
    for key, value in network.features(x).items():
        np.testing.assert_allclose(loaded(x)[key], value, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(i3d, "_is_i3d", lambda black: True)  # but for the channels
    assert i3d.load_i3d().name == f"asset i3d ({assets.ASSETS['i3d'].hub.handle})"


@pytest.mark.slow
@pytest.mark.asset("i3d")
def test_hubs_format_and_the_index_give_the_same_features(tmp_path):
    file = assets.cache_dir() / assets.ASSETS["i3d"].file
    if not file.is_file():
        pytest.skip("the asset i3d came from TensorFlow Hub itself")
    save_hub_module(tmp_path / "module", inception_i3d.read_units(file))
    of_hub, of_index = i3d.load_i3d(tmp_path / "module"), i3d.load_i3d(file)
    assert of_hub.is_i3d
    first, second = of_hub(moving_waves()), of_index(moving_waves())
    for key in ("pooled", "logits"):
        np.testing.assert_allclose(first[key], second[key], rtol=1e-4, atol=1e-4)


def test_module_that_hides_its_pool_gives_logits_alone(network, directory, tmp_path):
    tf.saved_model.save(network, str(tmp_path / "hidden"), signatures={"default": network.default})
    loaded = i3d.load_i3d(tmp_path / "hidden")
    assert loaded.dimensions == {"logits": CLASSES}
    x = videos(4)
    np.testing.assert_allclose(loaded(x)["logits"], network.features(x)["logits"], rtol=1e-5, atol=1e-6)


class Doubler(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def double(self, x):
        return {"y": 2 * x}


@pytest.mark.parametrize("name, message", [("serve", "signatures \\['serve'\\]"), ("default", "takes \\['x'\\]")])
def test_directory_of_another_model_is_an_error_naming_it(tmp_path, name, message):
    module = Doubler()
    tf.saved_model.save(module, str(tmp_path / "other"), signatures={name: module.double})
    assert_one_line(tmp_path / "other", f"cannot load I3D from '.*other': .*{message}")


def assert_one_line(source, message):
    with pytest.raises(assets.AssetError, match=message) as error:
        i3d.load_i3d(source)
    assert "\n" not in str(error.value)


def test_hub_handle_that_cannot_be_reached_is_one_line_that_tells_what_to_give():
    handle = "https://localhost:1/deepmind/i3d-kinetics-400/1"
    assert_one_line(handle, f"cannot load I3D from '{handle}': .*; give a TensorFlow Hub handle that .* can reach")


def test_path_that_does_not_exist_is_one_line(tmp_path):
    assert_one_line(tmp_path / "nowhere", "cannot load I3D from '.*nowhere': .*not exist")


def test_hub_handle_without_tensorflow_hub_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
    assert_one_line(assets.ASSETS["i3d"].hub.handle, "needs the package tensorflow-hub")


@pytest.mark.parametrize(
    "damaged, message",
    [
        (b"text", "damaged.ckpt does not hold plain pickled arrays"),
        (pickle.dumps({"params": {}, "batch_stats": {}}), "damaged.ckpt does not hold .* 'i3d': 'Conv3d_1a_7x7'"),
        (pickle.dumps([1, 2]), "damaged.ckpt does not hold the weights of the asset 'i3d'"),
    ],
)
def test_damaged_weights_file_is_an_error_naming_it(tmp_path, damaged, message):
    (tmp_path / "damaged.ckpt").write_bytes(damaged)
    assert_one_line(tmp_path / "damaged.ckpt", message)


def test_weights_of_another_shape_are_an_error_naming_the_file(content, tmp_path):
    wrong = pickle.loads(pickle.dumps(content))
    wrong["params"]["Conv3d_2b_1x1"]["Conv_0"]["kernel"] = np.zeros([1, 1, 1, 7, 2], np.float32)
    (tmp_path / "wrong.ckpt").write_bytes(pickle.dumps(wrong))
    assert_one_line(tmp_path / "wrong.ckpt", "cannot load I3D from '.*wrong.ckpt'")


@pytest.fixture
def small_asset(weights_file, tmp_path, monkeypatch):
    """The small weights in place of the asset; returns the empty cache."""
    monkeypatch.setenv("STMT_TF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(assets, "fetch", {"i3d": weights_file}.__getitem__)
    return tmp_path / "cache"


def test_asset_becomes_a_module_in_the_cache_once(small_asset, monkeypatch):
    made = i3d._cached_module()
    assert [made.name] == os.listdir(small_asset)
    assert "default" in tf.saved_model.load(str(made)).signatures
    monkeypatch.delattr(assets, "fetch")
    assert i3d._cached_module() == made


def test_module_in_the_cache_must_be_i3d_itself(small_asset):
    assert_one_line(None, f"{small_asset}.* does not give I3D's outputs; delete that directory")


def test_damaged_module_in_the_cache_is_an_error_that_tells_what_to_delete(small_asset):
    (i3d._cached_module() / "saved_model.pb").write_bytes(b"damage")
    assert_one_line(None, f"cannot load I3D from '{small_asset}.*delete that directory")


def test_cache_that_cannot_be_written_is_an_error(small_asset, monkeypatch):
    monkeypatch.setenv("STMT_TF_CACHE", str(small_asset / "nothing"))
    assert_one_line(None, "cannot write .*STMT_TF_CACHE")


@pytest.mark.parametrize(
    "wrong, message",
    [
        (np.zeros([1, 8, 224, 224, 3]), "T >= 9.*Received: shape \\(1, 8, 224, 224, 3\\)"),
        (np.zeros([9, 224, 224, 3]), "Received: shape \\(9, 224, 224, 3\\)"),
        (np.zeros([1, 9, 64, 64, 3]), "Received: shape"),
        (np.full([1, 9, 224, 224, 3], 255.0), "in \\[-1, 1\\]. Received: pixels in \\[255, 255\\]"),
        (np.full([1, 9, 224, 224, 3], np.nan), "in \\[-1, 1\\]"),
    ],
)
def test_videos_that_the_network_does_not_take_are_an_error(weights_file, wrong, message):
    with pytest.raises(ValueError, match=message):
        i3d.load_i3d(weights_file)(wrong.astype(np.float32))


@pytest.mark.slow
@pytest.mark.asset("i3d")
def test_trained_network_is_that_on_tensorflow_hub_for_black_frames():
    network = i3d.load_i3d()
    assert network.is_i3d and network.dimensions == {"pooled": 1024, "logits": 400}
    logits = network(np.full([2, 15, 224, 224, 3], -1, np.float32))["logits"]
    # Published with a run of https://tfhub.dev/deepmind/i3d-kinetics-400/1 on the same frames.
    np.testing.assert_allclose(logits[:, :3], [[0.7422105, 2.829727, 0.39993525]] * 2, atol=1e-3)
    np.testing.assert_allclose(logits[:, -3:], [[-0.38092658, 0.65539014, -1.4021297]] * 2, atol=1e-3)


def moving_waves():
    """A fixed video [1, 16, 224, 224, 3] with texture, colours and motion."""
    x, t = np.arange(224), np.arange(16)[:, None, None, None]
    waves = np.sin((x[:, None] * [1, 2, 3] + 3 * t) / 9) * np.cos((x[:, None, None] - 2 * t) / 7)
    return waves[None].astype(np.float32)


@pytest.mark.slow
@pytest.mark.asset("i3d")
def test_trained_network_keeps_the_values_it_had_when_it_recognised_real_clips():
    directory, file = i3d.load_i3d(), i3d.load_i3d(assets.where("i3d"))
    first, second = directory(moving_waves()), file(moving_waves())
    for key in ("pooled", "logits"):
        np.testing.assert_allclose(first[key], second[key], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(first["pooled"][0, :4], [0.26074636, 0.5712908, 0.06432134, 0.5031198], atol=1e-3)
    np.testing.assert_allclose(first["logits"][0, :4], [-4.998334, 9.486149, 10.7848015, 1.4063551], atol=1e-2)
    assert np.argsort(-first["logits"][0])[:5].tolist() == [31, 357, 252, 69, 169]
