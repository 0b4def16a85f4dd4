import cv2
import numpy as np
import pytest
from made_videos import room
from transfers import Plain
from videos import write_video

from stmt_tf.place.backdrop import covering, place_of_video
from stmt_tf.pose.estimators import Estimator
from stmt_tf.video.reader import read_chosen

SIZE = 32


class HidesThePerson:
    """A model that sees the background but in a square around the joints."""

    size = SIZE
    takes_any_size = False
    num_source_frames = None

    def __init__(self):
        self.shown = []

    def encode_source(self, frames, joints, mattes=None):
        self.shown.append(frames)
        visible = np.ones((1, len(frames), SIZE, SIZE, 1), np.float32)
        for k, pose in enumerate(joints):
            low, high = pose[:, :2].min(0).astype(int) - 4, pose[:, :2].max(0).astype(int) + 5
            visible[0, k, max(low[1], 0) : high[1], max(low[0], 0) : high[0]] = 0
        return {"background_mask": Plain(visible)}


def somebody(x, y=48, steps=1):
    """Joints in a figure of 8 x 32 pixels around (x, y), still for some steps."""
    across, down = np.meshgrid(np.linspace(-4, 4, 2), np.linspace(-16, 16, 7))
    pose = np.stack([x + across.ravel(), y + down.ravel(), np.ones(14)], -1)
    return np.repeat(pose[None], steps, 0).astype(np.float32)


def video(path, positions, grey=120, person=(255, 0, 0)):
    """Frames of 96 x 128 pixels with a red figure at each position."""
    frames = np.full((len(positions), 96, 128, 3), grey, np.uint8)
    for frame, x in zip(frames, positions):
        frame[32:64, x - 4 : x + 4] = person
    write_video(path, frames)
    return str(path)


def moving_video(path, positions):
    """The same figure, before a room past which the camera moves by 16 pixels from frame to frame."""
    wide = cv2.resize(room(0), (256, 96))
    frames = np.stack([wide[:, 16 * t : 16 * t + 128] for t in range(len(positions))])
    for frame, x in zip(frames, positions):
        frame[32:64, x - 4 : x + 4] = (255, 0, 0)
    write_video(path, frames, crf="8")
    return str(path)


class WithMattes(Estimator):
    """Finds the figure by its colour."""

    name = "red"

    def detect(self, frame, index):
        raise NotImplementedError

    def matte(self, frame, joints):
        red = (frame[..., 0] > 200) & (frame[..., 1] < 60)
        return np.uint8(255) * red.astype(np.uint8)


def test_video_without_a_person_loses_what_passes(tmp_path):
    path = video(tmp_path / "a.mp4", [20, 40, 60, 80, 100], person=(0, 200, 0))
    place = place_of_video(path, None, model=None)
    assert place.shape == (96, 128, 3) and np.abs(place.astype(int) - 120).max() < 12


@pytest.mark.parametrize("positions", [[20] * 30 + [100] * 60, [100] * 60 + [20] * 30])
def test_long_video_without_a_person_is_looked_at_from_end_to_end(tmp_path, positions):
    path = video(tmp_path / "a.mp4", positions, person=(0, 200, 0))
    place = place_of_video(path, None, model=None).astype(int)
    assert np.abs(place[48, 20] - 120).max() < 12 and abs(place[48, 100, 1] - 200) < 12


def test_video_without_a_person_whose_camera_moves_is_its_first_frame(tmp_path):
    path = moving_video(tmp_path / "a.mp4", [20, 20, 20, 20])
    place = place_of_video(path, None, model=None)
    np.testing.assert_array_equal(place, read_chosen(path, [0])[0])


@pytest.mark.parametrize("estimator", [None, WithMattes()])
def test_person_who_moves_on_is_taken_out_by_what_other_frames_show(tmp_path, estimator):
    path = video(tmp_path / "a.mp4", [30, 30, 90, 90])
    track = np.concatenate([somebody(30, steps=2), somebody(90, steps=2)])
    place = place_of_video(path, track, HidesThePerson(), estimator=estimator)
    assert np.abs(place.astype(int) - 120).max() < 12


def test_what_no_frame_shows_is_like_what_is_around_it(tmp_path):
    path = video(tmp_path / "a.mp4", [64, 64, 64])
    place = place_of_video(path, somebody(64, steps=3), HidesThePerson())
    assert np.abs(place.astype(int) - 120).max() < 12


def test_an_estimators_mattes_tell_more_than_joints(tmp_path):
    # The joints are beside the figure.
    path = video(tmp_path / "a.mp4", [30, 30, 90, 90])
    track = np.concatenate([somebody(36, steps=2), somebody(96, steps=2)])
    place = place_of_video(path, track, HidesThePerson(), estimator=WithMattes())
    assert np.abs(place.astype(int) - 120).max() < 12


def test_where_the_camera_moves_the_model_sees_all_frames_and_nothing_is_left_of_the_person(tmp_path):
    path = moving_video(tmp_path / "a.mp4", [64, 64, 64, 64])
    model = HidesThePerson()
    model.num_source_frames = 2
    place = place_of_video(path, somebody(64, steps=4), model)
    assert [len(frames) for frames in model.shown] == [2, 2]
    assert not WithMattes().matte(place[30:66, 58:70], None).any()
    np.testing.assert_array_equal(place[:, :8], read_chosen(path, [0])[0][:, :8])


@pytest.mark.parametrize(("height", "width"), [(20, 30), (30, 20), (64, 17), (7, 90)])
def test_cover_is_central_and_of_the_size_asked_for(height, width):
    place = np.zeros((40, 60, 3), np.uint8)
    place[19:21, 29:31] = 255
    cut = covering(place, (height, width))
    assert cut.shape == (height, width, 3)
    y, x = np.argwhere(cut[..., 0] > cut.max() / 2).mean(0)
    assert abs(y - (height - 1) / 2) <= 0.5 and abs(x - (width - 1) / 2) <= 0.5


def test_cover_of_the_same_size_is_the_picture_itself():
    place = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(covering(place, (40, 60)), place)
