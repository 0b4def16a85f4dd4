"""Pose estimators: layouts, result files, and what each tool's output becomes."""

from __future__ import annotations

import builtins
import importlib
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dancers import render_video
from stmt_tf.pose import skeleton
from stmt_tf.pose.estimators import NAMES, PoseError, create_estimator, layouts, mediapipe
from stmt_tf.pose.estimators.mediapipe import tiles
from stmt_tf.pose.estimators.results import read_json, read_keypoints
from stmt_tf.video.reader import read_frames

ROOT = Path(__file__).parents[2]
FRAME = np.zeros((100, 200, 3), np.uint8)

# An upright person facing the camera, in the order of COCO; right is on the image's left.
COCO_PERSON = np.array(
    [
        *[(50, 22), (52, 20), (48, 20), (55, 20), (45, 20)],
        *[(60, 30), (40, 30), (63, 42), (37, 42), (64, 54), (36, 54)],
        *[(56, 55), (44, 55), (57, 72), (43, 72), (57, 90), (43, 90)],
    ],
    np.float32,
)
# The limbs' joints, right shoulder to left ankle, of that person.
LIMBS = [
    *[(40, 30), (37, 42), (36, 54), (60, 30), (63, 42), (64, 54)],
    *[(44, 55), (43, 72), (43, 90), (56, 55), (57, 72), (57, 90)],
]


def with_confidence(points, confidence=0.9):
    points = np.asarray(points, np.float32)
    return np.concatenate([points, np.full((*points.shape[:-1], 1), confidence, np.float32)], -1)


def keypoints_of(layout):
    """The person in any layout, with distinct garbage in keypoints that are not used."""
    points = np.tile(np.array([199.0, 99.0], np.float32), (layout.size, 1))
    points[list(layout.limbs)] = LIMBS
    for names, coco in ((layout.nose, (0,)), (layout.eyes, (1, 2)), (layout.ears, (3, 4))):
        points[list(names)] = COCO_PERSON[list(coco[: len(names)])]
    if layout.mouth:
        points[list(layout.mouth)] = [(51, 24), (49, 24)]
    if layout.neck is not None:
        points[layout.neck] = (50, 28)
    if layout.head is not None:
        points[layout.head] = (50, 12.5)
    return with_confidence(points)


ALL_LAYOUTS = {
    "coco_17": layouts.COCO_17,
    "coco_18": layouts.COCO_18,
    "body_25": layouts.BODY_25,
    "halpe_26": layouts.HALPE_26,
    "mpii_16": layouts.MPII_16,
    "mediapipe_33": layouts.MEDIAPIPE_33,
}


@pytest.mark.parametrize("layout", ALL_LAYOUTS.values(), ids=ALL_LAYOUTS)
def test_every_layout_gives_the_same_person(layout):
    joints = layouts.to_joints(keypoints_of(layout), layout, (100, 200))
    np.testing.assert_array_equal(joints[2:, :2], LIMBS)
    np.testing.assert_allclose(joints[:, 2], 0.9, rtol=1e-6)
    np.testing.assert_allclose(joints[skeleton.NECK, :2], (50, 28), atol=0.01)
    np.testing.assert_allclose(joints[skeleton.HEAD, :2], (50, 12.5), atol=1.5)


@pytest.mark.parametrize("layout", ALL_LAYOUTS.values(), ids=ALL_LAYOUTS)
@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.3, 3.0),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
@settings(max_examples=20, deadline=None)
def test_derived_joints_turn_with_the_person(layout, angle, scale, shift):
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    keypoints = keypoints_of(layout)
    moved = keypoints.copy()
    # Far from the border, since joints outside the frame are dropped.
    moved[:, :2] = keypoints[:, :2] @ matrix.T + shift + 2000.0
    joints = layouts.to_joints(keypoints, layout, (100, 200))
    expected = joints[:, :2] @ matrix.T + shift + 2000.0
    found = layouts.to_joints(moved, layout, (4000, 4000))
    np.testing.assert_allclose(found[:, :2], expected, atol=0.01)


def test_head_follows_a_nod_that_the_neck_does_not_show():
    keypoints = keypoints_of(layouts.MEDIAPIPE_33)
    upright = layouts.to_joints(keypoints, layouts.MEDIAPIPE_33, (100, 200))
    keypoints[9:11, 0] -= 3.0  # the mouth moves left, so the top tilts right
    tilted = layouts.to_joints(keypoints, layouts.MEDIAPIPE_33, (100, 200))
    assert tilted[skeleton.HEAD, 0] > upright[skeleton.HEAD, 0] + 3.0


def test_joint_outside_the_frame_is_missing():
    keypoints = keypoints_of(layouts.COCO_17)
    keypoints[9, :2] = (199.4, 99.4)
    keypoints[10, :2] = (199.6, 50.0)
    joints = layouts.to_joints(keypoints, layouts.COCO_17, (100, 200))
    assert joints[skeleton.LEFT_WRIST, 2] > 0.0
    np.testing.assert_array_equal(joints[skeleton.RIGHT_WRIST], 0.0)


def test_neck_and_head_need_what_they_are_derived_from():
    keypoints = keypoints_of(layouts.COCO_17)
    keypoints[:5, 2] = 0.0
    joints = layouts.to_joints(keypoints, layouts.COCO_17, (100, 200))
    np.testing.assert_allclose(joints[skeleton.NECK, :2], (50, 30))
    assert joints[skeleton.HEAD, 2] == 0.0
    keypoints[5, 2] = 0.0
    joints = layouts.to_joints(keypoints, layouts.COCO_17, (100, 200))
    assert joints[skeleton.NECK, 2] == 0.0


def test_unknown_estimator_names_the_known_ones():
    with pytest.raises(PoseError, match="'posenet'.*mediapipe, movenet, rtmlib, openpose, alphapose"):
        create_estimator("posenet")
    assert NAMES == ("mediapipe", "movenet", "rtmlib", "openpose", "alphapose")


# Results: `test_imported` has those that can be used


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "not JSON"),
        ("[1]", "'people'"),
        ('{"people": 3}', "people"),
        ('{"people": [{"pose_keypoints_2d": [1, 2]}]}', "person 0.*2 values.*17, 18, 25"),
        ('{"people": [{"pose_keypoints_2d": "abc"}]}', "'abc'"),
        ('{"people": [{"pose_keypoints_2d": [[1, [2], 3]]}]}', "3 values"),
        (json.dumps({"people": [{"pose_keypoints_2d": [float("inf")] * 54}]}), "inf"),
        (json.dumps({"people": [{"pose_keypoints_2d": ["1"] * 54}]}), "'1'"),
        (json.dumps({"people": [{"pose_keypoints_2d": [True] * 54}]}), "True"),
        (json.dumps({"people": [{"pose_keypoints_2d": [[1, 2, [3]]] * 18}]}), r"\[3\]"),
    ],
)
def test_malformed_file_of_a_frame_is_named(tmp_path, content, message):
    for name in "01":
        (tmp_path / f"a_{name}_keypoints.json").write_text(content)
    with pytest.raises(PoseError, match=f"(?s)a_0_keypoints.json.*({message})") as error:
        create_estimator("openpose", str(tmp_path))
    assert "\n" not in str(error.value)


def test_directory_without_results_is_an_error(tmp_path):
    with pytest.raises(PoseError, match="hold no"):
        create_estimator("openpose", str(tmp_path))
    with pytest.raises(PoseError, match="missing cannot be read"):
        create_estimator("openpose", str(tmp_path / "missing"))
    with pytest.raises(PoseError, match="--pose=openpose needs results"):
        create_estimator("openpose")
    (tmp_path / "notes.json").write_text('{"people": []}')
    with pytest.raises(PoseError, match="notes.json: no frame number in its name"):
        create_estimator("openpose", str(tmp_path))


def test_several_people_in_a_frame_are_all_found(tmp_path):
    path = tmp_path / "alphapose-results.json"
    keypoints = keypoints_of(layouts.COCO_17).ravel().tolist()
    ids = ["0.jpg", "clip2_frame_0003.png", "3.jpg", 4]
    path.write_text(json.dumps([{"image_id": each, "keypoints": keypoints} for each in ids]))
    estimator = create_estimator("alphapose", str(path))
    assert [len(estimator.detect(FRAME, i)) for i in range(6)] == [1, 0, 0, 2, 1, 0]
    np.testing.assert_array_equal(estimator.detect(FRAME, 0)[0, 2:, :2], LIMBS)


def test_who_has_a_face_and_no_body_is_nobody(tmp_path):
    path = tmp_path / "poses.json"
    path.write_text('[{"people": [{"pose_keypoints_2d": null}, {"pose_keypoints_2d": []}]}]')
    assert create_estimator("openpose", str(path)).detect(FRAME, 0).shape == (0, 14, 3)


@pytest.mark.parametrize(
    "content, message",
    [
        ("{}", "no list of frames or people"),
        ("[1]", "no list of frames or people"),
        ('[{"image_id": "a.jpg", "keypoints": []}]', "'a.jpg' holds no frame number"),
        ('[{"image_id": "1.jpg"}]', "frame 1.jpg, person 0.*None"),
        ('[{"image_id": "1.jpg", "keypoints": [0, 0, 1]}]', "3 values"),
        ('[{"frame_id": 1, "instances": [{"keypoints": [[1, 2]], "keypoint_scores": 3}]}]', "0 values"),
        ("\xff", "not JSON"),
    ],
)
def test_malformed_file_of_all_frames_is_named(tmp_path, content, message):
    path = tmp_path / "results.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(PoseError, match=f"results.json.*{message}") as error:
        create_estimator("alphapose", str(path))
    assert "\n" not in str(error.value)


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(PoseError, match="gone.json cannot be read"):
        create_estimator("alphapose", str(tmp_path / "gone.json"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([
                *("people", "pose_keypoints_2d", "image_id", "keypoints", "keypoint_scores", "instances"),
                *("instance_info", "frame_id", "canvas_width", "canvas_height", "x"),
            ]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(content=JSON, alone=st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_json_is_read_or_refused_in_one_line(tmp_path_factory, content, alone):
    directory = tmp_path_factory.mktemp("fuzz")
    path = directory / "0_keypoints.json"
    path.write_text(json.dumps(content))
    try:
        estimator = create_estimator("openpose", str(path if alone else directory))
    except PoseError as error:
        assert "0_keypoints.json" in str(error) and "\n" not in str(error)
    else:
        assert estimator.detect(FRAME, 0).shape[1:] == (14, 3)


@given(content=st.binary(max_size=40))
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "results.json"
    path.write_bytes(content)
    try:
        read_json(str(path))
    except PoseError as error:
        assert "results.json" in str(error) and "\n" not in str(error)


@given(
    values=st.lists(
        st.floats() | st.integers() | st.booleans() | st.none() | st.text(max_size=3),
        min_size=48,
        max_size=51,
    )
)
@settings(max_examples=100, deadline=None)
def test_keypoints_that_are_accepted_are_finite(values):
    try:
        keypoints = read_keypoints(values, "file")
    except PoseError:
        return
    assert np.isfinite(keypoints).all()
    joints = layouts.to_joints(keypoints[:16], layouts.MPII_16, (100, 200))
    assert np.isfinite(joints).all() and joints[:, 2].min() >= 0.0 and joints[:, 2].max() <= 1.0


def test_deeply_nested_json_is_refused(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    with pytest.raises(PoseError, match="deep.json"):
        create_estimator("alphapose", str(path))


# MoveNet


@pytest.fixture(scope="module", params=["multi", "single"])
def movenet(request, tmp_path_factory):
    """A SavedModel with MoveNet's signature; its keypoints are its input's brightest pixel."""
    import tensorflow as tf

    size = None if request.param == "multi" else 192

    class StandIn(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, size, size, 3], tf.int32, name="input")])
        def __call__(self, input):  # noqa: A002
            side = tf.shape(input)[1]
            brightest = tf.argmax(tf.reshape(tf.reduce_sum(input, -1), [-1]), output_type=tf.int32)
            y, x = brightest // side, brightest % side
            point = (tf.cast([y, x], tf.float32) + 0.5) / tf.cast(side, tf.float32)
            points = tf.tile(tf.concat([point, [0.8]], 0)[tf.newaxis], [17, 1])
            points = tf.tensor_scatter_nd_update(points, [[9, 2]], [0.05])
            if request.param == "single":
                return {"output_0": tf.reshape(points, [1, 1, 17, 3])}
            person = tf.concat([tf.reshape(points, [-1]), tf.zeros([4])], 0)
            people = [tf.concat([person, [score]], 0) for score in (0.9, 0.1, 0.0, 0.0, 0.0, 0.0)]
            return {"output_0": tf.stack(people)[tf.newaxis]}

    directory = str(tmp_path_factory.mktemp("movenet"))
    module = StandIn()
    tf.saved_model.save(module, directory, signatures=module.__call__)
    return directory


@pytest.mark.parametrize("shape", [(240, 320), (320, 240), (100, 100)])
def test_movenet_points_come_back_in_pixels_of_the_frame(movenet, shape):
    estimator = create_estimator("movenet", movenet)
    frame = np.zeros((*shape, 3), np.uint8)
    frame[58:63, 33:38] = 255  # centred on (35, 60)
    people = estimator.detect(frame, 0)
    assert people.shape == (1, 14, 3)
    found = np.delete(people[0], skeleton.LEFT_WRIST, axis=0)
    np.testing.assert_allclose(found[:, :2], np.tile([35, 60], (13, 1)), atol=2.0)
    np.testing.assert_allclose(found[:, 2], 0.8, rtol=1e-6)
    np.testing.assert_array_equal(people[0, skeleton.LEFT_WRIST], 0.0)


def test_model_that_is_no_movenet_is_refused(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2.0 * x}, input_signature=[tf.TensorSpec([1, 3], tf.float32)])
    tf.saved_model.save(module, str(tmp_path), signatures=module.double)
    with pytest.raises(PoseError, match="no MoveNet.*float32"):
        create_estimator("movenet", str(tmp_path))


def test_empty_directory_is_no_movenet(tmp_path):
    with pytest.raises(PoseError, match="cannot be loaded.*give a TensorFlow Hub handle"):
        create_estimator("movenet", str(tmp_path))


# rtmlib


@pytest.fixture
def rtmlib(monkeypatch):
    """A stand-in for the package, which finds a person and guesses at another one; told what it was given."""
    given = {}

    class BodyWithFeet:
        def __init__(self, **models):
            given.update(models)
            print("load a model")
            if given.get("fails"):
                raise RuntimeError("no network\nat all")

        def __call__(self, image):
            given["image"] = image
            people = np.stack([keypoints_of(given.get("layout", layouts.HALPE_26))] * 2)
            people[1, :, 2] = 0.1
            people[0, 9, 2] = 0.2  # the left wrist is guessed
            return people[..., :2], people[..., 2]

    monkeypatch.setitem(sys.modules, "rtmlib", types.SimpleNamespace(BodyWithFeet=BodyWithFeet))
    return given


def test_rtmlib_finds_who_is_no_guess(rtmlib, capfd):
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[..., 0] = 9  # red
    people = create_estimator("rtmlib").detect(frame, 0)
    assert people.shape == (1, 14, 3) and people.dtype == np.float32
    np.testing.assert_array_equal(rtmlib["image"][..., 2], 9)
    found = [joint for joint in range(2, 14) if joint != skeleton.LEFT_WRIST]
    np.testing.assert_array_equal(people[0, found, :2], np.array(LIMBS)[np.array(found) - 2])
    np.testing.assert_array_equal(people[0, skeleton.LEFT_WRIST], 0.0)
    assert capfd.readouterr() == ("", "")


def test_rtmlib_takes_models_of_ones_own(rtmlib, tmp_path):
    with pytest.raises(PoseError, match=r"det\.onnx: no such file"):
        create_estimator("rtmlib", str(tmp_path))
    files = {part: tmp_path / f"{part}.onnx" for part in ("det", "pose")}
    for path in files.values():
        path.touch()
    estimator = create_estimator("rtmlib", str(tmp_path))
    assert rtmlib == {part: str(path) for part, path in files.items()}
    rtmlib["layout"] = layouts.COCO_17
    np.testing.assert_array_equal(estimator.detect(FRAME, 0)[0, 2, :2], LIMBS[0])
    rtmlib["layout"] = layouts.MEDIAPIPE_33
    with pytest.raises(PoseError, match="finds 33 keypoints"):
        estimator.detect(FRAME, 0)


def test_rtmlib_that_cannot_be_had_is_one_line(rtmlib, monkeypatch):
    rtmlib["fails"] = True
    with pytest.raises(PoseError, match=r"cannot be loaded \(no network\)") as error:
        create_estimator("rtmlib")
    assert "\n" not in str(error.value)
    monkeypatch.setitem(sys.modules, "rtmlib", None)
    with pytest.raises(PoseError, match="pip install --no-deps rtmlib"):
        create_estimator("rtmlib")


# MediaPipe


@pytest.mark.parametrize("size", [(720, 1280), (1280, 720), (100, 100), (100, 101), (90, 1000)])
def test_tiles_cover_the_frame_and_overlap_by_half(size):
    height, width = size
    side, longer = min(size), max(size)
    boxes = tiles(size)
    assert all((b[2] - b[0], b[3] - b[1]) == (side, side) for b in boxes)
    assert boxes[0][:2] == (0, 0) and boxes[-1][2:] == (width, height)
    starts = [max(b[:2]) for b in boxes]
    assert all(0 < after - before <= side / 2 + 1 for before, after in zip(starts, starts[1:]))
    assert longer > side or len(boxes) == 1


def test_file_that_is_no_pose_model_is_refused(tmp_path):
    pytest.importorskip("mediapipe")
    path = tmp_path / "some.task"
    with pytest.raises(PoseError, match="some.task is not a file"):
        create_estimator("mediapipe", str(path))
    path.write_bytes(b"no model")
    with pytest.raises(PoseError, match="some.task cannot be loaded") as error:
        create_estimator("mediapipe", str(path))
    assert "\n" not in str(error.value)


@pytest.mark.asset("pose_landmarker")
def test_nobody_is_found_in_an_empty_frame_and_nothing_is_printed(capfd):
    pytest.importorskip("mediapipe")
    with create_estimator("mediapipe") as estimator:
        assert estimator.detect(FRAME, 0).shape == (0, 14, 3)
        assert estimator.detect(FRAME, 1).shape == (0, 14, 3)
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""


@pytest.mark.asset("pose_landmarker")
def test_after_a_cut_a_person_is_found_where_they_are_and_followed_on():
    pytest.importorskip("mediapipe")
    images = [frame.image for frame, _ in zip(read_frames(ROOT / "samples" / "target.mp4"), range(4))]
    before, after = (np.zeros((384, 1000, 3), np.uint8) for _ in range(2))
    before[:, :384], after[:, 616:] = images[0], images[1]
    with create_estimator("mediapipe") as estimator:
        for index in range(3):
            clinging = estimator.detect(before, index)
        clinging = estimator.detect(after, 3)
        found = [estimator.detect_anew(after, 3, clinging), estimator.detect(after, 4)]
    with create_estimator("mediapipe") as fresh:
        expected = [fresh.detect(after, index) for index in (3, 4)]
    for people, wanted in zip(found, expected):
        assert len(people) == 1 and np.median(people[0, :, 0]) > 616
        np.testing.assert_allclose(people, wanted, atol=0.5)


@pytest.mark.asset("pose_landmarker")
def test_a_look_around_finds_who_is_small_beside_the_largest_person():
    pytest.importorskip("mediapipe")
    large = next(read_frames(ROOT / "samples" / "source.mp4")).image
    small = next(read_frames(ROOT / "samples" / "target.mp4")).image[::2, ::2]
    frame = np.zeros((384, 1000, 3), np.uint8)
    frame[:, :384], frame[96:288, 700:892] = large, small
    with create_estimator("mediapipe") as estimator:
        estimator.detect(frame, 0)
        people = estimator.look_around(frame)
    middles = np.median(people[..., 0], axis=1)
    assert (middles < 384).any() and ((middles > 700) & (middles < 892)).any()


@pytest.mark.asset("pose_landmarker")
def test_who_is_small_beside_the_largest_person_is_found_in_every_frame_when_all_are_searched_for():
    pytest.importorskip("mediapipe")
    large = next(read_frames(ROOT / "samples" / "source.mp4")).image
    small = next(read_frames(ROOT / "samples" / "target.mp4")).image[::2, ::2]
    frame = np.zeros((384, 1000, 3), np.uint8)
    frame[:, :384], frame[96:288, 700:892] = large, small
    with create_estimator("mediapipe") as estimator:
        estimator.search()
        found = [estimator.detect(frame, index) for index in range(3)]
    for people in found:
        middles = np.sort(np.median(people[..., 0], axis=1))
        assert len(middles) == 2 and middles[0] < 384 and 700 < middles[1] < 892


def test_an_estimator_that_reads_results_overlooks_nobody_and_has_no_mattes(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[]")
    estimator = create_estimator("alphapose", str(path))
    assert estimator.look_around(FRAME).shape == (0, 14, 3)
    assert estimator.matte(FRAME, with_confidence(np.zeros((14, 2)))) is None


def side_by_side(*seeds):
    """A frame with rendered dancers, and of each the exact mask and joints in it."""
    frames, masks, joints, width = [], [], [], 0
    for seed in seeds:
        video = render_video(seed, 1, 256, 1, 12.5)
        shown = np.flatnonzero(video.masks[0].any(0))
        # So near that whoever looks for one sees the other, too.
        around = slice(max(0, shown[0] - 8), shown[-1] + 8)
        frames.append(video.frames[0][:, around])
        masks.append(np.pad(video.masks[0][:, around] > 127, ((0, 0), (width, 0))))
        joints.append(video.joints[0] + np.float32([width - around.start, 0, 0]))
        width += frames[-1].shape[1]
    return np.concatenate(frames, axis=1), [np.pad(m, ((0, 0), (0, width - m.shape[1]))) for m in masks], joints


# In the first frame both are found at once; in the second the one seen from behind only in a closer look.
@pytest.mark.asset("pose_landmarker")
@pytest.mark.parametrize("seeds", [(5, 8), (3, 5)])
def test_a_matte_is_of_the_person_whose_joints_are_given(seeds, capfd):
    pytest.importorskip("mediapipe")
    frame, masks, joints = side_by_side(*seeds)
    with create_estimator("mediapipe") as estimator:
        mattes = [estimator.matte(frame, pose) for pose in joints]
    for matte, mask, other in zip(mattes, masks, masks[::-1]):
        assert matte.shape == frame.shape[:2] and matte.dtype == np.uint8
        found = matte > 127
        assert (found & mask).sum() > 0.8 * (found | mask).sum()
        assert (found & other).sum() < 0.05 * other.sum()
        assert matte.max() == 255 and len(np.unique(matte)) > 50  # soft edges
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""


@pytest.mark.asset("pose_landmarker")
def test_a_matte_shows_nobody_where_the_joints_are_of_nobody_in_the_frame():
    pytest.importorskip("mediapipe")
    frame, _, (joints,) = side_by_side(8)
    frame = np.concatenate([frame, np.full_like(frame, 128)], axis=1)
    with create_estimator("mediapipe") as estimator:
        assert estimator.matte(frame, joints).any()
        assert not estimator.matte(frame, joints + np.float32([80, 0, 0])).any()
        assert not estimator.matte(frame, joints + np.float32([frame.shape[1] / 2, 0, 0])).any()
        assert not estimator.matte(frame, np.zeros((14, 3), np.float32)).any()


def test_stair_steps_and_doubtful_pixels_go_and_what_is_sure_stays():
    mask = np.zeros((40, 40), np.float32)
    mask[:, 10:20], mask[:, 20:] = 0.2, 1.0
    mask[30, 30] = 0.0
    matte = mediapipe._smoothed(mask, 2.0)
    assert matte.dtype == np.uint8
    assert (matte[:, :16] == 0).all() and (matte[:, 24:] > 245).all()
    edge = matte[20, 16:24].astype(int)
    assert (np.diff(edge) >= 0).all() and len(set(edge.tolist())) > 4
    assert (mediapipe._smoothed(np.full((8, 8), 0.5, np.float32), 2.0) == 128).all()


@pytest.fixture
def slow_module(tmp_path, monkeypatch):
    """The name of a module that nothing has imported, and the list that it adds to when it is."""
    loads = []
    (tmp_path / "slow_to_load.py").write_text("import builtins\nbuiltins._loads.append(1)\nvalue = 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(builtins, "_loads", loads, raising=False)
    yield "slow_to_load", loads
    sys.modules.pop("slow_to_load", None)


@pytest.mark.parametrize("again", [False, True], ids=["used_by_who_imported_it", "imported_again"])
def test_a_module_that_is_imported_later_is_loaded_when_it_is_used(slow_module, again):
    name, loads = slow_module
    with mediapipe._imported_later(name):
        held = importlib.import_module(name)
        assert not loads
        if again:
            assert importlib.import_module(name).value == 7
    assert loads == [1] * again
    assert held.value == 7 and importlib.import_module(name).value == 7
    assert loads == [1]
    assert importlib.import_module(name).__file__.endswith("slow_to_load.py")


def test_a_module_that_is_there_stays(slow_module):
    name, loads = slow_module
    module = importlib.import_module(name)
    with mediapipe._imported_later(name):
        assert importlib.import_module(name) is module
    assert importlib.import_module(name) is module and loads == [1]
