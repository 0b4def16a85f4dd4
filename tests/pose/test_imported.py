"""The pose corpus: results of each tool, layout and variant are read right; those that make no sense are doubted."""

from __future__ import annotations

import json
import logging

import numpy as np
import pose_results as tools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_results import HEIGHT, LENGTH, WIDTH, keypoints, person, pictures
from videos import write_video

from dancers import render_video
from stmt_tf.pose import skeleton
from stmt_tf.pose.estimators import PoseError, create_estimator
from stmt_tf.pose.estimators.imported import ImportedEstimator
from stmt_tf.pose.tracks import PosedVideo, estimate_tracks

JOINTS = person()
FRAME = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """The video of `JOINTS`."""
    return write_video(tmp_path_factory.mktemp("video") / "dance.mp4", pictures(JOINTS), crf="18")


@pytest.fixture
def warned(caplog):
    """What was warned of so far, as one text."""
    caplog.set_level(logging.WARNING)
    return lambda: "\n".join(record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)


def tracked(video, poses, tool="openpose"):
    (track,) = estimate_tracks([PosedVideo(video, tool, results=poses)])
    return track


def assert_right(track, joints=JOINTS):
    assert (track[..., 2] > 0).all()
    assert np.linalg.norm(track[..., :2] - joints[..., :2], axis=-1).max() < 1.0


def points_of(layout):
    return keypoints(JOINTS, layout)


def shares(points):
    """Normalised to the frame's last pixel, as OpenPose does."""
    return points / np.float32([WIDTH - 1, HEIGHT - 1, 1])


def on_canvas(points, width, height):
    scaled = (points[..., :2] + 0.5) * (width / WIDTH, height / HEIGHT) - 0.5
    return np.concatenate([scaled, points[..., 2:]], -1)


# What is written of a path and [T, K, 3] in pixels.
FORMS = {
    "openpose": tools.openpose,
    "counted from 1": lambda path, points: tools.openpose(path, points, 1),
    "counted from 100": lambda path, points: tools.openpose(path, points, 100),
    "without _keypoints": lambda path, points: tools.openpose(path, points, name="cam03_{:06d}.json"),
    "a number in each name": lambda path, points: tools.openpose(path, points, name="{:04d}_take2_keypoints.json"),
    "from 0 to 1": lambda path, points: tools.openpose(path, shares(points)),
    "from -1 to 1": lambda path, points: tools.openpose(path, 2 * shares(points) - np.float32([1, 1, 0.9])),
    "canvas": lambda path, points: tools.openpose(
        path, on_canvas(points, 512, 320), canvas_width=512, canvas_height=320
    ),
    "canvas, from 0 to 1": lambda path, points: tools.openpose(
        path, shares(points), canvas_width=512, canvas_height=320
    ),
    "one list": tools.comfyui,
    "one list, canvas": lambda path, points: tools.comfyui(
        path, on_canvas(points, 768, 480), canvas_width=768, canvas_height=480
    ),
    "alphapose": tools.alphapose,
    "alphapose, pictures from 1": lambda path, points: tools.alphapose(path, points, 1, "{:06d}.png"),
    "alphapose, pictures from 100": lambda path, points: tools.alphapose(path, points, 100, "take1_{}.png"),
    "alphapose open": tools.alphapose_open,
    "alphapose cmu": tools.alphapose_cmu,
    "mmpose demo": tools.mmpose_demo,
    "mmpose video": tools.mmpose_video,
    "mmpose pictures": tools.mmpose_pictures,
}


@pytest.mark.parametrize("layout", tools.LAYOUTS)
def test_every_layout_is_recognised_and_read_right(tmp_path, layout, video, warned):
    assert_right(tracked(video, tools.openpose(tmp_path / "poses", points_of(layout))))
    assert_right(tracked(video, tools.alphapose(tmp_path / "poses.json", points_of(layout)), "alphapose"))
    assert warned() == ""


@pytest.mark.parametrize("layout", ["COCO-17", "COCO-18"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_recognised_and_read_right(tmp_path, form, layout, video, warned):
    assert_right(tracked(video, FORMS[form](tmp_path / "poses", points_of(layout))))
    assert warned() == ""


def test_frames_without_a_person_may_be_left_out_of_one_file(tmp_path, video):
    path = tmp_path / "poses.json"
    tools.alphapose(path, points_of("COCO-17"))
    path.write_text(json.dumps(json.loads(path.read_text())[5:30]))
    track = tracked(video, str(path), "alphapose")
    np.testing.assert_array_equal((track[..., 2] > 0).any(1), (np.arange(LENGTH) >= 5) & (np.arange(LENGTH) < 30))
    assert_right(track[5:30], JOINTS[5:30])


@pytest.mark.parametrize(
    "numbers, length, first",
    [
        (range(0, 10), 10, 0),
        (range(1, 11), 10, 1),
        (range(1, 10), 10, 0),  # nobody in the first frame
        (range(1, 9), 10, 1),
        (range(100, 110), 10, 100),
        (range(100, 110), 500, 0),  # a part of the video
        (range(3, 10), 9, 0),  # the container's count is wrong by one
        ([2, 5, 9], 10, 0),
        ([2, 5, 9], None, 0),
        (range(100, 110), None, 100),
        ([], 10, 0),
    ],
)
def test_frames_are_numbered_by_what_there_is(tmp_path, numbers, length, first):
    path = tmp_path / "poses.json"
    entries = [{"image_id": f"{number}.jpg", "keypoints": [float(number), 1.0, 1.0] * 17} for number in numbers]
    path.write_text(json.dumps(entries))
    estimator = create_estimator("alphapose", str(path))
    estimator.expect(length)
    for number in numbers:
        np.testing.assert_array_equal(estimator.detect(np.zeros((200, 200, 3)), number - first)[0, 2:, 0], number)


# What makes no sense


def test_keypoints_in_no_known_order_are_refused(tmp_path, video):
    order = np.random.default_rng(0).permutation(26)
    poses = tools.openpose(tmp_path / "poses", points_of("HALPE-26")[:, order])
    with pytest.raises(PoseError, match=r"poses: limbs have impossible .*is \d\.\d times as long.* in 40 of 40 frames"):
        tracked(video, poses)


def test_shoulders_that_are_crossed_are_refused(tmp_path, video):
    points = points_of("COCO-17")
    points[:, [5, 6]] = points[:, [6, 5]]
    with pytest.raises(PoseError, match="left and right are crossed between shoulders and hips in 40 of 40 frames"):
        tracked(video, tools.openpose(tmp_path / "poses", points))


def test_results_of_a_larger_video_are_refused(tmp_path, video):
    points = points_of("BODY_25") * np.float32([3, 3, 1])
    with pytest.raises(PoseError, match=r"\d+% of the joints lie outside the frame of 320 x 200 .* \(\d+, \d+\)"):
        tracked(video, tools.openpose(tmp_path / "poses", points))


def test_a_person_of_a_few_pixels_is_refused(tmp_path, video):
    points = points_of("BODY_25") * np.float32([0.04, 0.04, 1])
    with pytest.raises(PoseError, match=r"all joints lie within \d\.\d pixels in 40 of 40 frames"):
        tracked(video, tools.openpose(tmp_path / "poses", points))


def test_results_of_a_longer_video_are_refused(tmp_path, video):
    points = np.concatenate([points_of("COCO-17")] * 2)
    with pytest.raises(PoseError, match=r"has poses of frame 79, but .*dance\.mp4 has 40 frames"):
        tracked(video, tools.openpose(tmp_path / "poses", points))


def test_results_of_a_shorter_video_are_doubted(tmp_path, video, warned):
    tracked(video, tools.openpose(tmp_path / "poses", points_of("COCO-17")[:30]))
    assert "tells of 30 frames, but" in warned() and "has 40; look at --preview" in warned()


def test_a_canvas_of_another_shape_is_doubted(tmp_path, video, warned):
    canvas = {"canvas_width": 512, "canvas_height": 512}
    tracked(video, tools.openpose(tmp_path / "poses", on_canvas(points_of("COCO-18"), 512, 512), **canvas))
    assert "is of a canvas of 512 x 512 pixels, but the frames of" in warned() and "320 x 200" in warned()


def test_results_of_another_video_are_doubted(tmp_path, video, warned):
    tracked(video, tools.openpose(tmp_path / "poses", keypoints(person(1), "COCO-17")))
    assert "joints move where" in warned() and "(correlation " in warned()


def test_results_that_show_nobody_are_refused(tmp_path, video):
    poses = tools.openpose(tmp_path / "poses", 0 * points_of("COCO-17"))
    with pytest.raises(PoseError, match=r"poses: shows somebody in 0 of the 40 frames of .*dance\.mp4"):
        tracked(video, poses)


def test_swapped_results_are_refused(tmp_path, video):
    other = write_video(tmp_path / "other.mp4", pictures(person(1), 1), crf="18")
    poses = [tools.openpose(tmp_path / str(seed), keypoints(person(seed), "COCO-17")) for seed in (0, 1)]
    estimate_tracks([PosedVideo(path, "openpose", results=own) for path, own in zip((video, other), poses)])
    with pytest.raises(PoseError, match=r"are swapped: .*\(correlations 0\.\d+ and 0\.\d+\)"):
        estimate_tracks([PosedVideo(path, "openpose", results=own) for path, own in zip((video, other), poses[::-1])])


@pytest.mark.parametrize("canvas", [(0, 512), (512, None), ("a", 1), (1e9, 512), (True, True)])
def test_a_canvas_that_is_none_is_named(tmp_path, canvas):
    content = dict(zip(("canvas_width", "canvas_height"), canvas))
    poses = tools.openpose(tmp_path / "poses", points_of("COCO-18")[:1], **content)
    with pytest.raises(PoseError, match=f"000_keypoints.json: a canvas of {canvas[0]!r} x {canvas[1]!r} pixels"):
        create_estimator("openpose", poses)


def test_two_files_of_one_frame_are_refused(tmp_path):
    poses = tools.openpose(tmp_path / "poses", points_of("COCO-18")[:1])
    (tmp_path / "poses" / "b_000000000000_keypoints.json").write_text('{"people": []}')
    with pytest.raises(PoseError, match="000_keypoints.json: another file is of frame 0"):
        create_estimator("openpose", poses)


def test_a_strange_pose_in_a_single_frame_is_doubted_alone(tmp_path, warned):
    video = write_video(tmp_path / "one.mp4", pictures(JOINTS[:1]))
    order = np.random.default_rng(0).permutation(26)
    tracked(video, tools.openpose(tmp_path / "poses", points_of("HALPE-26")[:1, order]))
    assert "limbs have impossible lengths" in warned() and "in 1 of 1 frames; look at --preview" in warned()


# What is right, however badly it was found


def spoilt(joints, rng, noise=0.03, missing=0.25):
    """As real tools find people: jittered, and with joints missing."""
    found = joints.copy()
    found[..., :2] += noise * 170 * rng.normal(size=joints[..., :2].shape)
    found[rng.random(joints.shape[:2]) < missing] = 0.0
    return found


def upper(joints):
    """Only the upper half in view."""
    return np.where(np.isin(np.arange(14), (9, 10, 12, 13))[:, np.newaxis], 0, joints)


@pytest.mark.parametrize("how", [spoilt, lambda joints, rng: upper(joints)], ids=["spoilt", "upper"])
@pytest.mark.parametrize("layout", ["MPI-15", "MPII-16"])
def test_people_who_were_found_badly_are_not_doubted(tmp_path, video, warned, layout, how):
    rng = np.random.default_rng(0)
    joints = how(JOINTS, rng)
    tracked(video, tools.openpose(tmp_path / "poses", keypoints(joints, layout)))
    assert warned() == ""


def test_guesses_at_what_is_out_of_view_are_not_doubted(tmp_path, video, warned):
    for number, y in enumerate([200, 0]):  # beyond the frame, or on its last row
        points = points_of("COCO-17")
        points[:, 7:] = points[:, 7:] * np.float32([1, y > 0, 0]) + np.float32([0, y or HEIGHT - 1, 0.2])
        tracked(video, tools.openpose(tmp_path / str(number), points))
    assert warned() == ""


@pytest.mark.parametrize("index", range(4))
def test_rendered_dancers_are_not_doubted(tmp_path, warned, index):
    made = render_video(5, index, 128, 30, 12.5)
    path = write_video(tmp_path / "dancer.mp4", list(made.frames), crf="18")
    points = np.concatenate([made.joints, made.joints[:, :1]], 1)  # MPI-15 but for the chest, which nobody asks for
    track = tracked(path, tools.openpose(tmp_path / "poses", points))
    np.testing.assert_allclose(track[0], made.joints[0], atol=1e-4)
    assert warned() == ""


# Parsing

NUMBER = st.floats(-500, 500, width=32)


@given(
    points=st.lists(st.tuples(NUMBER, NUMBER, st.floats(0, 1, width=32)), min_size=16, max_size=16),
    form=st.sampled_from([tools.openpose, tools.comfyui, tools.alphapose, tools.alphapose_open, tools.mmpose_video]),
    first=st.integers(0, 3),
)
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read(tmp_path_factory, points, form, first):
    points = np.float32([[(1.0, 1.0, 0.0)] * 16] * first + [points])
    points[0, 0] = (3.0, 3.0, 1.0)  # pixels, and no shares
    estimator = create_estimator("openpose", form(tmp_path_factory.mktemp("any") / "poses", points))
    assert isinstance(estimator, ImportedEstimator) and estimator.frames == range(first + 1)
    x, y, confidence = points[-1, 10]  # MPII's right wrist
    (joints,) = estimator.detect(FRAME, first)
    inside = -0.5 <= x <= WIDTH - 0.5 and -0.5 <= y <= HEIGHT - 0.5 and confidence > 0
    np.testing.assert_array_equal(joints[skeleton.RIGHT_WRIST], (x, y, confidence) if inside else (0, 0, 0))


@given(missing=st.sets(st.integers(0, 15)), nothing=st.sampled_from([None, float("nan")]))
@settings(max_examples=30, deadline=None)
def test_null_and_nan_are_missing(tmp_path_factory, missing, nothing):
    path = tmp_path_factory.mktemp("any") / "poses.json"
    values = [[nothing] * 3 if i in missing else [9.0 + i, 20.0, 1.0] for i in range(16)]
    path.write_text(json.dumps([{"image_id": 0, "keypoints": sum(values, [])}]))
    (joints,) = create_estimator("alphapose", str(path)).detect(FRAME, 0)
    # MPII's 6 and 8 are no joints of ours.
    assert set(joints[joints[:, 2] > 0, 0] - 9) == set(range(16)) - {6, 8} - missing
