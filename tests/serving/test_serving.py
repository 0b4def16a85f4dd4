"""The export as a client of a model server meets it: by its messages, with good input and bad."""

from __future__ import annotations

import base64
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from records import make_joints
from tiny_model import CONFIG, SIZE

from stmt_tf.models.create import create_generator
from stmt_tf.serving.inference import TransferModel, save_model

pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api (pip install .[addons,serving])")
from model_server import grpc_server, predict, predict_json, rest_server  # noqa: E402
from tensorflow_serving.apis import predict_pb2  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples"
K, L = 2, 3


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A model of attention over two source frames, not untrained."""
    config = dataclasses.replace(CONFIG, fusion="rb6_sa2d")
    tf.keras.utils.set_random_seed(0)
    generator = create_generator(config, K)
    random = np.random.default_rng(0)
    for layer in (generator.foreground_fusion, generator.background_fusion, generator.heads):
        layer.set_weights([random.normal(scale=0.2, size=w.shape) for w in layer.get_weights()])
    path = str(tmp_path_factory.mktemp("served") / "model")
    save_model(generator, config, path)
    return path


@pytest.fixture(scope="module")
def model(directory):
    return tf.saved_model.load(directory)


def jpeg(seed, size=SIZE):
    colours = np.random.default_rng(seed).uniform(0, 255, (4, 4, 3))
    return tf.io.encode_jpeg(tf.cast(tf.image.resize(colours, [size, size]), tf.uint8), quality=95).numpy()


def inputs(batch=1, sources=K):
    """What `serving_default` takes."""
    pictures = [[jpeg(10 * b + k) for k in range(sources)] for b in range(batch)]
    return {
        "source_jpeg_bytes": np.array(pictures, object),
        "source_joints": make_joints(batch, sources, size=SIZE, seed=1),
        "target_joints": make_joints(batch, L, size=SIZE, seed=2),
    }


def decoded(pictures):
    """JPEG strings of any shape to uint8 `[..., H, W, 3]`."""
    frames = [tf.io.decode_jpeg(picture).numpy() for picture in np.asarray(pictures, object).ravel()]
    return np.stack(frames).reshape(*np.shape(pictures), SIZE, SIZE, 3)


def ask(model, signature, tensors):
    """The outputs of a request by message, which is sent as bytes."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "tiny", signature
    for name, value in tensors.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    response = predict(model, predict_pb2.PredictRequest.FromString(request.SerializeToString()))
    response = predict_pb2.PredictResponse.FromString(response.SerializeToString())
    return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}


def as_tensors(tensors):
    """`serving_default`'s inputs as `transfer` takes them."""
    return {
        "source_frames": decoded(tensors["source_jpeg_bytes"]),
        "source_joints": tensors["source_joints"],
        "target_joints": tensors["target_joints"],
    }


def expected_frames(directory, tensors):
    """What `TransferModel` makes of the first of the batch."""
    loaded, plain = TransferModel(directory), as_tensors(tensors)
    return loaded.generate(
        loaded.encode_source(plain["source_frames"][0], plain["source_joints"][0]), plain["target_joints"][0]
    )


def test_signatures_tell_what_they_take_and_give(model):
    specs = {
        name: {key: (spec.dtype.name, spec.shape.as_list()) for key, spec in function.structured_outputs.items()}
        for name, function in model.signatures.items()
    }
    assert sorted(specs) == ["encode_source", "generate", "serving_default", "transfer"]
    assert specs["serving_default"] == {"frame_jpeg_bytes": ("string", [None, None])}
    assert specs["transfer"] == {"frame": ("uint8", [None, None, SIZE, SIZE, 3])}
    given = {name: spec[0] for name, spec in specs["encode_source"].items()}
    taken = {name: spec.dtype.name for name, spec in model.signatures["generate"].structured_input_signature[1].items()}
    assert taken == {**given, "target_joints": "float32"}


def test_tensors_by_message_are_what_the_model_makes(model, directory):
    tensors = inputs()
    made = ask(model, "transfer", as_tensors(tensors))["frame"]
    assert made.dtype == np.uint8 and made.shape == (1, L, SIZE, SIZE, 3) and made.std() > 10
    np.testing.assert_array_equal(made[0], expected_frames(directory, tensors)["frame"])


def test_source_encoded_once_gives_the_same_by_message(model, directory):
    tensors = inputs()
    plain = as_tensors(tensors)
    target_joints = plain.pop("target_joints")
    source = ask(model, "encode_source", plain)
    made = ask(model, "generate", {**source, "target_joints": target_joints})
    for name, expected in expected_frames(directory, tensors).items():
        np.testing.assert_array_equal(made[name][0], expected, err_msg=name)


def test_jpeg_pictures_give_the_jpeg_of_the_same_frames(model):
    tensors = inputs()
    frames = ask(model, "transfer", as_tensors(tensors))["frame"]
    pictures = ask(model, "serving_default", tensors)["frame_jpeg_bytes"]
    assert pictures.shape == (1, L)
    assert list(pictures[0]) == [tf.io.encode_jpeg(frame, quality=95).numpy() for frame in frames[0]]


def rest_body(tensors, **more):
    rows = []
    for pictures, source_joints, target_joints in zip(*tensors.values()):
        encoded = [{"b64": base64.b64encode(picture).decode()} for picture in pictures]
        joints = {"source_joints": source_joints.tolist(), "target_joints": target_joints.tolist()}
        rows.append({"source_jpeg_bytes": encoded, **joints})
    return json.dumps({"instances": rows, **more}).encode()


def test_rest_rows_give_the_pictures_that_tensors_give(model):
    tensors = inputs(batch=2)
    expected = ask(model, "serving_default", tensors)["frame_jpeg_bytes"]
    answer = json.loads(json.dumps(predict_json(model, "tiny", rest_body(tensors))))
    pictures = [[base64.b64decode(picture["b64"]) for picture in row] for row in answer["predictions"]]
    np.testing.assert_array_equal(np.array(pictures, object), expected)


def test_a_batch_gives_what_each_of_it_gives_alone(model):
    tensors = as_tensors(inputs(batch=4))
    together = ask(model, "transfer", tensors)["frame"]
    for i in range(4):
        alone = ask(model, "transfer", {name: value[i : i + 1] for name, value in tensors.items()})["frame"]
        np.testing.assert_allclose(together[i].astype(int), alone[0].astype(int), atol=1)
    assert np.abs(together[0].astype(int) - together[1].astype(int)).max() > 50


def test_fewer_source_frames_are_shown_in_turn(model):
    one, two = inputs(sources=1), inputs(sources=1)
    for name in ("source_jpeg_bytes", "source_joints"):
        two[name] = np.repeat(two[name], 2, axis=1)
    pictures = [ask(model, "serving_default", tensors)["frame_jpeg_bytes"] for tensors in (one, two)]
    np.testing.assert_array_equal(*pictures)


def with_joint(name, value):
    def change(tensors):
        tensors[name][0, 0, 3, 0] = value

    return change


def with_picture(picture):
    def change(tensors):
        tensors["source_jpeg_bytes"][0, 1] = picture

    return change


def with_thumbnail(picture):
    """The JPEG with a smaller one in its header, as cameras write them."""
    thumbnail = jpeg(1)
    return picture[:2] + b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + picture[2:]


def with_sources(pictures, joints):
    def change(tensors):
        tensors["source_jpeg_bytes"] = np.full([1, pictures], jpeg(0), object)
        tensors["source_joints"] = make_joints(1, joints, size=SIZE)

    return change


def without_targets(tensors):
    tensors["target_joints"] = np.zeros([1, 0, 14, 3], np.float32)


NO_JPEG = "source_jpeg_bytes must hold JPEG pictures"
ODD_JOINTS = "_joints must be finite, in pixels, and at most 100 frame sides"
PNG = tf.io.encode_png(np.zeros([SIZE, SIZE, 3], np.uint8)).numpy()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (with_sources(3, 3), r"a source must have 1 to 2 frames, got.*\[3\]"),
        (with_sources(0, 0), r"a source must have 1 to 2 frames, got.*\[0\]"),
        (with_sources(2, 1), r"must be as many.*\[1 2\].*\[1 1\]"),
        (with_picture(b""), NO_JPEG),
        (with_picture(PNG), NO_JPEG),
        (with_picture(jpeg(0)[:-100]), "whole pictures; one is cut off"),
        (with_picture(jpeg(0)[:20]), "whole pictures; one is cut off"),
        (with_picture(with_thumbnail(jpeg(0))[:-100]), "whole pictures; one is cut off"),
        (with_picture(jpeg(0, size=64)), r"pictures of one size, which is.*\[32 32\].*\[64 64\]"),
        (with_joint("source_joints", np.nan), f"source{ODD_JOINTS}"),
        (with_joint("target_joints", np.nan), f"target{ODD_JOINTS}"),
        (with_joint("target_joints", np.inf), f"target{ODD_JOINTS}"),
        (with_joint("source_joints", 1e30), f"source{ODD_JOINTS}"),
        (without_targets, "target_joints must hold a pose at least"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_says_so(model, change, complaint):
    tensors = inputs()
    change(tensors)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"(?s){complaint}"):
        ask(model, "serving_default", tensors)


def test_a_thumbnail_within_a_picture_changes_nothing(model):
    plain, cameras = inputs(), inputs()
    cameras["source_jpeg_bytes"] = plain["source_jpeg_bytes"].copy()
    cameras["source_jpeg_bytes"][0, 0] = with_thumbnail(plain["source_jpeg_bytes"][0, 0])
    pictures = [ask(model, "serving_default", tensors)["frame_jpeg_bytes"] for tensors in (plain, cameras)]
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("signature", ["transfer", "encode_source", "generate"])
def test_every_signature_refuses_joints_that_are_no_numbers(model, signature):
    tensors = as_tensors(inputs())
    target_joints = tensors.pop("target_joints")
    if signature == "generate":
        tensors = ask(model, "encode_source", tensors)
    if signature == "encode_source":
        tensors["source_joints"][0, 0, 0, 0] = np.nan
    else:
        target_joints[0, 0, 0, 0] = np.nan
        tensors["target_joints"] = target_joints
    with pytest.raises(tf.errors.InvalidArgumentError, match=ODD_JOINTS):
        ask(model, signature, tensors)


@pytest.mark.parametrize("off", [-99 * SIZE, -3 * SIZE, 5 * SIZE, 100 * SIZE])
@pytest.mark.parametrize("role", ["source", "target"])
def test_joints_outside_the_frame_give_frames_of_numbers(model, role, off):
    tensors = as_tensors(inputs())
    tensors[f"{role}_joints"][..., :2] += off - tensors[f"{role}_joints"][..., :2].max() * (off > 0)
    tensors[f"{role}_joints"][0, 0, :7, 1] = off  # a body torn apart, too
    target_joints = tensors.pop("target_joints")
    source = ask(model, "encode_source", tensors)
    assert all(np.isfinite(value).all() for value in source.values())
    made = ask(model, "generate", {**source, "target_joints": target_joints})
    for name in ("foreground_attention", "background_attention"):
        np.testing.assert_allclose(made[name].sum(2), 1.0, atol=1e-5)  # a NaN anywhere would not sum to 1
    assert made["frame"].shape == (1, L, SIZE, SIZE, 3)


@pytest.fixture
def request_directory(tmp_path):
    """What the example clients take, of more frames than go into one request, and those pictures."""
    tensors = inputs()
    tensors["target_joints"] = make_joints(1, 10, size=SIZE, seed=2)
    for number, picture in enumerate(tensors["source_jpeg_bytes"][0]):
        (tmp_path / f"{number:02d}.jpg").write_bytes(picture)
    for name in ("source_joints", "target_joints"):
        np.save(tmp_path / f"{name}.npy", tensors[name][0])
    return tmp_path, tensors


def run_example(name, *flags):
    command = [sys.executable, str(EXAMPLES / name), *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=3600)


@pytest.mark.parametrize(("example", "serve"), [("serve_grpc.py", grpc_server), ("serve_rest.py", rest_server)])
def test_example_client_writes_the_frames_that_a_server_makes(model, request_directory, tmp_path, example, serve):
    directory, tensors = request_directory
    with serve(model, "tiny") as address:
        arguments = f"--server={address}", f"--source={directory}", f"--output={tmp_path / 'made'}"
        done = run_example(example, "--model=tiny", *arguments)
    assert done.returncode == 0, done.stderr
    written = [path.read_bytes() for path in sorted((tmp_path / "made").iterdir())]
    expected = ask(model, "serving_default", tensors)["frame_jpeg_bytes"][0]
    assert len(written) == len(expected) == 10
    np.testing.assert_allclose(decoded(written).astype(int), decoded(expected).astype(int), atol=8)


def test_example_client_tells_what_a_server_refuses(model, request_directory, tmp_path):
    directory, _ = request_directory
    (directory / "02.jpg").write_bytes(jpeg(0))
    with rest_server(model, "tiny") as address:
        done = run_example(
            "serve_rest.py", "--model=tiny", f"--server={address}", f"--source={directory}", f"--output={tmp_path}"
        )
    assert done.returncode == 1
    assert done.stderr.startswith("the server refused: ") and "must be as many" in done.stderr
