from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import types

import cv2
import numpy as np
import pytest
import tensorflow as tf
from records import make_joints
from tiny_model import CONFIG, SIZE, generator, model_directory

from stmt_tf.config import ModelConfig
from stmt_tf.models.create import create_generator
from stmt_tf.pose.skeleton import NUM_PARTS
from stmt_tf.serving import frame_size, inference
from stmt_tf.serving.inference import TransferModel, save_model
from stmt_tf.serving.manifest import MANIFEST, ModelError, write_manifest
from stmt_tf.serving.signatures import image_outputs
from stmt_tf.train.checkpoints import load_generator
from stmt_tf.zoo import PRESETS, find_model


@pytest.fixture(scope="module")
def model():
    return TransferModel(model_directory())


def make_source(k, seed=0):
    frames = np.random.default_rng(seed).integers(0, 256, (k, SIZE, SIZE, 3), dtype=np.uint8)
    return frames, make_joints(k, size=SIZE, seed=seed)


def test_a_loaded_model_tells_its_shape(model):
    assert model.config == CONFIG
    assert model.size == SIZE


@pytest.mark.parametrize("k", [1, 3])
def test_a_saved_model_makes_what_the_generator_makes(model, k):
    frames, joints = make_source(k)
    poses = make_joints(5, size=SIZE, seed=7)
    made = model.generate(model.encode_source(frames, joints), poses)
    inputs = {
        "source_frames": tf.constant(frames[None] / 127.5 - 1.0, tf.float32),
        "source_joints": tf.constant(joints[None]),
        "target_joints": tf.constant(poses[None]),
    }
    expected = {name: image[0].numpy() for name, image in generator()(inputs).items()}
    for name in ("frame", "foreground", "background", "warped", "mask"):
        truth = expected[name] if name == "mask" else expected[name] / 2 + 0.5
        assert made[name].dtype == np.uint8
        assert made[name].shape == (5, SIZE, SIZE, 1 if name == "mask" else 3)
        np.testing.assert_allclose(made[name] / 255.0, np.clip(truth, 0, 1), atol=1 / 255, err_msg=name)


def test_frames_made_together_are_those_made_alone(model):
    source = model.encode_source(*make_source(2))
    poses = make_joints(3, size=SIZE)
    together = model.generate(source, poses)["frame"].astype(int)
    alone = [model.generate(source, pose[None])["frame"][0] for pose in poses]
    np.testing.assert_allclose(together, alone, atol=1)


def test_some_images_are_those_among_all(model):
    source = model.encode_source(*make_source(2))
    for count in (3, 1, 2):
        poses = make_joints(count, size=SIZE)
        everything, some = model.generate(source, poses), model.generate(source, poses, ("mask", "foreground"))
        assert sorted(some) == ["foreground", "mask"]
        for name, images in some.items():
            np.testing.assert_allclose(images.astype(int), everything[name], atol=1)
        layers = list(model.layers(source, poses, ("mask", "foreground")))
        assert len(layers) == count
        for images, *expected in zip(layers, some["mask"], some["foreground"]):
            for image, wanted in zip(images, expected):
                np.testing.assert_array_equal(image, wanted)


def test_a_pose_without_joints_still_gives_images(model):
    source = model.encode_source(*make_source(2))
    made = model.generate(source, np.zeros([1, 14, 3], np.float32))
    assert made["frame"].shape == (1, SIZE, SIZE, 3)


def test_the_signature_of_tensors_serves_without_this_package():
    loaded = tf.saved_model.load(model_directory())
    frames, joints = make_source(2)
    poses = make_joints(3, size=SIZE)
    served = loaded.signatures["transfer"](
        source_frames=tf.constant(frames[None]),
        source_joints=tf.constant(joints[None]),
        target_joints=tf.constant(poses[None]),
    )
    assert served["frame"].dtype == tf.uint8 and served["frame"].shape == (1, 3, SIZE, SIZE, 3)


def test_an_existing_directory_is_left_alone(tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(FileExistsError, match="remove it first"):
        save_model(generator(), CONFIG, str(tmp_path / "model"))
    assert os.listdir(tmp_path) == ["model"]


def test_a_failed_save_leaves_nothing(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(inference, "servable", fail)
    with pytest.raises(OSError, match="disk full"):
        save_model(generator(), CONFIG, str(tmp_path / "model"))
    assert os.listdir(tmp_path) == []


def test_of_versions_the_highest_is_loaded(tmp_path):
    shutil.copytree(model_directory(), tmp_path / "10")
    (tmp_path / "9").mkdir()
    frames, joints = make_source(2)
    loaded = TransferModel(str(tmp_path))
    assert loaded.config == CONFIG and loaded.encode_source(frames, joints)["joints"].shape == (1, 2, 14, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_shipped_weights_still_make_the_shipped_models_frames(name):
    loaded = TransferModel(find_model(name))
    frames = np.random.default_rng(0).integers(0, 256, (4, 128, 128, 3), dtype=np.uint8)
    joints, poses = make_joints(4, size=128), make_joints(1, size=128, seed=1)
    made = loaded.generate(loaded.encode_source(frames, joints), poses)["frame"]
    shipped, _ = load_generator(find_model(name))
    source = shipped.encode_source(tf.constant(frames[None] / 127.5 - 1.0, tf.float32), tf.constant(joints[None]))
    expected = image_outputs(shipped, source, tf.constant(poses[None]))["frame"][0].numpy()
    np.testing.assert_allclose(made.astype(int), expected.astype(int), atol=1)


def test_a_missing_directory_is_no_model(tmp_path):
    with pytest.raises(ModelError, match=r"none: no such model directory. Check the path"):
        TransferModel(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        ("{", "cannot be read"),
        ("[]", "lacks format"),
        ('{"format": "another"}', "lacks format"),
        ('{"format": "stmt_tf model 1"}', "describes no model"),
        ('{"format": "stmt_tf model 1", "model": {"depth": 3}}', "describes no model"),
        ('{"format": "stmt_tf model 1", "model": 3}', "describes no model"),
    ],
)
def test_a_foreign_manifest_is_no_model(tmp_path, manifest, complaint):
    (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(ModelError, match=complaint) as caught:
        TransferModel(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["graph_missing", "graph_damaged", "weights_missing", "weights_cut_off"])
def test_a_damaged_model_is_told_in_one_line(tmp_path, damage):
    directory = tmp_path / "model"
    shutil.copytree(model_directory(), directory)
    if damage == "graph_missing":
        (directory / "saved_model.pb").unlink()
    elif damage == "graph_damaged":
        (directory / "saved_model.pb").write_bytes(b"no graph")
    elif damage == "weights_cut_off":
        (weights,) = (directory / "variables").glob("variables.data-*")
        weights.write_bytes(weights.read_bytes()[:-1])
    else:
        shutil.rmtree(directory / "variables")
    with pytest.raises(ModelError, match="no sound SavedModel") as caught:
        TransferModel(str(directory))
    assert "\n" not in str(caught.value)


def test_another_models_graph_is_told(tmp_path):
    module = tf.Module()
    module.call = tf.function(lambda: tf.constant(1), input_signature=[])
    tf.saved_model.save(module, str(tmp_path))
    shutil.copy(os.path.join(model_directory(), MANIFEST), tmp_path)
    with pytest.raises(ModelError, match="no sound SavedModel"):
        TransferModel(str(tmp_path))


def test_loading_a_model_executes_no_python_from_it(tmp_path):
    def sneak(frames):
        (tmp_path / "mark").touch()
        return frames

    module = tf.Module()
    module.encode_source = module.generate = tf.function(
        lambda frames, joints: {"frames": tf.py_function(sneak, [frames], tf.uint8)},
        [tf.TensorSpec([1, 1, SIZE, SIZE, 3], tf.uint8), tf.TensorSpec([1, 1, 14, 3], tf.float32)],
    )
    tf.saved_model.save(module, str(tmp_path / "model"))
    write_manifest(str(tmp_path / "model"), CONFIG, None)
    np.savez(tmp_path / "source.npz", *make_source(1))
    # In the process where that Python lives anyway, it is called: so the model asks for it.
    TransferModel(str(tmp_path / "model")).encode_source(*make_source(1))
    (tmp_path / "mark").unlink()
    program = (
        "import numpy, stmt_tf.serving.inference as i; source = numpy.load('source.npz').values(); "
        "i.TransferModel('model').encode_source(*source)"
    )
    strange = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert strange.returncode == 1 and "pyfunc" in strange.stderr.lower()
    assert not (tmp_path / "mark").exists()


def test_the_manifest_holds_the_config():
    with open(os.path.join(model_directory(), MANIFEST)) as file:
        manifest = json.load(file)
    assert ModelConfig(**manifest["model"]) == CONFIG
    assert manifest["num_source_frames"] is None  # an average takes any number


@pytest.fixture(scope="module")
def attentive(tmp_path_factory):
    """A generator of two source frames with attention, not untrained, and its model directory loaded."""
    config = dataclasses.replace(CONFIG, fusion="rb6_sa2d")
    tf.keras.utils.set_random_seed(0)
    generator = create_generator(config, 2)
    random = np.random.default_rng(0)
    for layer in (generator.foreground_fusion, generator.background_fusion):
        layer.set_weights([random.normal(scale=0.2, size=w.shape) for w in layer.get_weights()])
    directory = str(tmp_path_factory.mktemp("models") / "attentive")
    save_model(generator, config, directory)
    return generator, TransferModel(directory)


def source_of(count):
    frames = np.random.default_rng(1).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
    return frames, make_joints(count, size=SIZE)


def test_model_with_attention_gives_the_generators_frames_and_maps(attentive):
    generator, model = attentive
    frames, joints = source_of(2)
    target = make_joints(3, size=SIZE, seed=5)
    made = model.generate(model.encode_source(frames, joints), target)
    expected = generator(
        {
            "source_frames": frames[None] / np.float32(127.5) - 1.0,
            "source_joints": joints[None],
            "target_joints": target[None],
        }
    )
    image = np.clip(np.asarray(expected["frame"][0]) / 2 + 0.5, 0, 1) * 255
    np.testing.assert_allclose(made["frame"], image, atol=0.6)
    for name in ("foreground_attention", "background_attention"):
        assert made[name].shape == (3, 2, SIZE // 4, SIZE // 4) and made[name].std() > 1e-3
        np.testing.assert_allclose(made[name], expected[name][0], atol=1e-4)


def test_model_with_attention_is_shown_a_single_frame_twice(attentive):
    _, model = attentive
    frames, joints = source_of(1)
    assert model.num_source_frames == 2
    once, twice = (
        model.generate(model.encode_source(frames[shown], joints[shown]), make_joints(1, size=SIZE, seed=5))
        for shown in ([0], [0, 0])
    )
    np.testing.assert_array_equal(once["frame"], twice["frame"])


def test_model_with_attention_refuses_more_frames_than_it_was_built_for(attentive):
    with pytest.raises(ValueError, match="--num_source_frames=3: .* built for 2 source frames"):
        attentive[1].encode_source(*source_of(3))


@pytest.fixture(scope="module")
def of_parts(tmp_path_factory):
    """A generator of attention over frames and parts, and the model that was saved of it."""
    tf.keras.utils.set_random_seed(0)
    config = ModelConfig(size=SIZE, width=0.05, fusion="parts", nearest_frames=2)
    generator = create_generator(config, num_source_frames=3)
    directory = str(tmp_path_factory.mktemp("parts") / "model")
    save_model(generator, config, directory)
    return generator, TransferModel(directory)


@pytest.mark.parametrize("ratio", [1, 3])
@pytest.mark.parametrize("with_mattes", [False, True])
def test_model_of_any_size_gives_the_generators_frames_at_theirs(of_parts, ratio, with_mattes):
    generator, model = of_parts
    assert model.takes_any_size and model.num_source_frames is None
    side, random = ratio * SIZE, np.random.default_rng(0)
    colours = random.integers(0, 256, (3, 4, 4, 3)).astype(np.uint8)
    frames = np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR) for image in colours])
    joints, poses = make_joints(3, size=side), make_joints(2, size=side, seed=4)
    mattes = random.uniform(0, 1, (3, side, side)).astype(np.float32) if with_mattes else None
    made = model.generate(model.encode_source(frames, joints, mattes), poses)
    assert made["frame"].shape == (2, side, side, 3) and made["mask"].shape == (2, side, side, 1)

    # As it is trained, it knows the size beforehand.
    images = tf.constant(frames[None] / np.float32(127.5) - 1)
    known = None if mattes is None else mattes[None, ..., None]
    wanted = image_outputs(generator, generator.encode_source(images, joints[None], known), tf.constant(poses[None]))
    for name in ("frame", "mask", "background"):
        np.testing.assert_allclose(made[name].astype(int), wanted[name][0].numpy().astype(int), atol=1)


def test_what_opencv_carries_over_is_nearly_what_the_graph_does(of_parts, monkeypatch):
    _, model = of_parts
    side, random = 3 * SIZE, np.random.default_rng(0)
    colours = random.integers(0, 256, (3, 4, 4, 3)).astype(np.uint8)
    frames = np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR) for image in colours])
    poses = make_joints(2, size=side, seed=4)
    source = model.encode_source(frames, make_joints(3, size=side))
    expected = model.generate(source, poses)
    made = model.generate(source, poses, ("foreground", "mask"))
    assert set(made) == {"foreground", "mask"} and (expected["mask"] > 200).mean() > 0.02
    for name, images in made.items():
        assert images.shape == expected[name].shape and images.dtype == np.uint8
        assert np.abs(images.astype(int) - expected[name].astype(int)).mean() < 0.2
    carried, carry = [], frame_size._foreground
    monkeypatch.setattr(frame_size, "_foreground", lambda *given: carried.append(1) or carry(*given))
    layers = model.layers(source, poses, ("mask", "foreground"))
    monkeypatch.setattr(model, "_model", None)  # whose functions have run
    for number, expected_images in enumerate(zip(made["mask"], made["foreground"])):
        assert len(carried) == number
        for image, wanted in zip(next(layers), expected_images):
            np.testing.assert_array_equal(image, wanted)
    assert list(layers) == []
    monkeypatch.undo()
    alone = model.generate(source, poses, ("mask",))
    assert set(alone) == {"mask"}
    np.testing.assert_array_equal(alone["mask"], made["mask"])

    for device, carried in (("/job:localhost/replica:0/task:0/device:CPU:0", True), ("/device:GPU:0", False)):
        frames_there = {"frames": types.SimpleNamespace(shape=source["frames"].shape, device=device)}
        assert model._is_carried(frames_there, ("foreground", "mask")) == carried
        assert not model._is_carried(frames_there, ()) and not model._is_carried(frames_there, ("frame", "mask"))

    # Models that earlier versions saved cannot tell what they choose; some decide it in one.
    monkeypatch.setattr(model, "_model", types.SimpleNamespace(generate=model._model.generate, decide=None))
    for name, images in model.generate(source, poses, ("foreground", "mask")).items():
        np.testing.assert_allclose(images.astype(int), expected[name].astype(int), atol=1)


def test_a_saved_model_has_no_operations_but_tensorflows_own(of_parts):
    """TensorFlow Addons, by whose kernel parts are warped in a training, are not there where a model is served."""
    _, model = of_parts
    graph = model._model.signatures["transfer"].graph.as_graph_def()
    functions = [graph.node, *(function.node_def for function in graph.library.function)]
    operations = {node.op for nodes in functions for node in nodes}
    assert "ImageProjectiveTransformV3" in operations
    assert not [name for name in operations if ">" in name]  # as in "Addons>Resampler"


def test_the_choice_of_frames_is_told_and_can_be_changed(of_parts):
    generator, model = of_parts
    frames = np.stack([np.full((SIZE, SIZE, 3), value, np.uint8) for value in (220, 30)])
    joints, poses = np.repeat(make_joints(1, size=SIZE), 2, axis=0), make_joints(2, size=SIZE, seed=4)
    mattes = np.ones((2, SIZE, SIZE), np.float32)
    source = model.encode_source(frames, joints, mattes)
    own = generator.encode_source(frames[None] / np.float32(127.5) - 1, joints[None], mattes[None, ..., None])
    expected = generator.affinity(own, poses[None])[0]
    np.testing.assert_allclose(model.affinity(source, poses), expected, rtol=1e-4)
    # The first pose is to be made of the second frame, the second one of the first.
    preference = np.zeros([1, 2, 2, NUM_PARTS], np.float32)
    preference[0, [0, 1], [0, 1]] = -100.0
    attention = model.generate({**source, "preference": preference}, poses)["foreground_attention"]
    assert attention[0, 0].max() < 1e-4 and attention[1, 1].max() < 1e-4


def test_frames_that_are_no_multiple_of_the_networks_size_are_refused(of_parts):
    _, model = of_parts
    frames, joints = np.zeros((2, SIZE + 8, SIZE + 8, 3), np.uint8), make_joints(2, size=SIZE + 8)
    with pytest.raises(ValueError, match=rf"a multiple of {SIZE} pixels, got \({SIZE + 8}, {SIZE + 8}\)"):
        model.encode_source(frames, joints)


def test_signatures_take_frames_of_any_multiple_and_mattes_or_none(of_parts):
    generator, model = of_parts
    signatures = model._model.signatures
    side = 2 * SIZE
    frames = np.random.default_rng(0).integers(0, 256, (1, 2, side, side, 3), np.uint8)
    joints, poses = make_joints(1, 2, size=side), make_joints(1, 1, size=side, seed=3)
    arguments = {"source_joints": tf.constant(joints), "target_joints": tf.constant(poses)}
    whole = signatures["transfer"](source_frames=tf.constant(frames), **arguments)["frame"]
    assert whole.shape == (1, 1, side, side, 3)
    features = signatures["encode_source"](
        source_frames=tf.constant(frames),
        source_joints=tf.constant(joints),
        source_mattes=tf.zeros([1, 0, side, side, 1]),
    )
    in_two = signatures["generate"](target_joints=tf.constant(poses), **features)["frame"]
    np.testing.assert_array_equal(whole, in_two)
    pictures = [[tf.io.encode_jpeg(frame, quality=95).numpy() for frame in frames[0]]]
    jpeg = signatures["serving_default"](source_jpeg_bytes=tf.constant(pictures), **arguments)["frame_jpeg_bytes"]
    assert tf.io.decode_jpeg(jpeg[0, 0]).shape == (side, side, 3)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"source_frames": np.zeros((1, 2, SIZE + 1, SIZE + 1, 3), np.uint8)}, f"of a multiple of {SIZE} pixels"),
        ({"source_mattes": np.zeros((1, 1, SIZE, SIZE, 1), np.float32)}, "one a frame and as large"),
        ({"source_mattes": np.zeros((1, 2, SIZE, 8, 1), np.float32)}, "one a frame and as large"),
        ({"source_mattes": np.full((1, 2, SIZE, SIZE, 1), 255.0, np.float32)}, "source_mattes must be at most 1"),
        ({"source_mattes": np.full((1, 2, SIZE, SIZE, 1), np.nan, np.float32)}, "source_mattes must be at most 1"),
    ],
)
def test_signatures_refuse_what_does_not_fit(of_parts, change, complaint):
    _, model = of_parts
    arguments = {
        "source_frames": np.zeros((1, 2, SIZE, SIZE, 3), np.uint8),
        "source_joints": make_joints(1, 2, size=SIZE),
        "source_mattes": np.zeros((1, 0, SIZE, SIZE, 1), np.float32),
        **change,
    }
    with pytest.raises(tf.errors.InvalidArgumentError, match=complaint):
        model._model.signatures["encode_source"](**{name: tf.constant(x) for name, x in arguments.items()})


@pytest.mark.parametrize("names", [(), ("mask",)], ids=["by_the_graph", "by_opencv"])
@pytest.mark.parametrize(
    ("poses", "complaint"),
    [
        (np.full((1, 14, 3), np.nan, np.float32), "target_joints must be finite"),
        (np.zeros((0, 14, 3), np.float32), "target_joints must hold a pose at least"),
    ],
    ids=["no_numbers", "none"],
)
def test_poses_that_cannot_be_used_are_refused_whatever_carries_pixels_over(of_parts, poses, complaint, names):
    _, model = of_parts
    source = model.encode_source(np.zeros((2, 2 * SIZE, 2 * SIZE, 3), np.uint8), make_joints(2, size=2 * SIZE))
    with pytest.raises(tf.errors.InvalidArgumentError, match=complaint):
        model.generate(source, poses, names)


def test_frames_of_another_size_make_no_other_graph(of_parts):
    _, model = of_parts
    for side in (SIZE, 2 * SIZE, 3 * SIZE):
        source = model.encode_source(np.zeros((2, side, side, 3), np.uint8), make_joints(2, size=side))
        assert model.generate(source, make_joints(1, size=side), ("mask",))["mask"].shape == (1, side, side, 1)
    assert model._generate_some[("mask",)].experimental_get_tracing_count() == 1


def test_a_model_that_an_earlier_version_saved_makes_what_is_asked_for():
    """Its functions were saved as they were before they were traced: `dancers_128px` is one."""
    model = TransferModel(find_model("dancers_128px"))
    assert hasattr(model._model.generate, "concrete_functions")
    size = model.size
    frames = np.random.default_rng(0).integers(0, 256, (model.num_source_frames, size, size, 3)).astype(np.uint8)
    poses = make_joints(1, size=size, seed=4)
    source = model.encode_source(frames, make_joints(len(frames), size=size))
    made, expected = model.generate(source, poses, ("foreground", "mask")), model.generate(source, poses)
    assert set(made) == {"foreground", "mask"}
    for name, images in made.items():
        np.testing.assert_allclose(images.astype(int), expected[name].astype(int), atol=1)
