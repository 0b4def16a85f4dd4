"""The person cut out: before a colour, before nothing, and as a mask of its own."""

from __future__ import annotations

import numpy as np
import pytest
from transfers import Painter, save_posed

from stmt_tf import MotionTransfer
from stmt_tf.transfer.checks import check, check_live
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.picture import read_picture
from stmt_tf.video.reader import VideoError, read_frames

SIZE, LENGTH = 64, 5


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two videos and their poses, by the names of settings."""
    return save_posed(tmp_path_factory.mktemp("videos"), LENGTH)


@pytest.fixture(scope="module")
def transfer():
    return MotionTransfer(Painter())


@pytest.mark.parametrize(
    ("colour", "shown"), [("green", (0, 128, 0)), ("DodgerBlue", (30, 144, 255)), ("#12ab9F", (18, 171, 159))]
)
def test_a_colour_is_shown_behind_the_person(transfer, videos, colour, shown):
    result = transfer(**videos, background=colour)
    assert result.background.shape == (SIZE, SIZE, 3) and (result.background == shown).all()
    for frame, mask in zip(result.frames, result.masks):
        assert (frame[mask == 0] == shown).all() and (frame[mask == 255] == (255, 0, 0)).all()


@pytest.mark.parametrize("crop_only", [False, True])
def test_a_transparent_result_is_the_person_with_the_mask_as_alpha(transfer, videos, crop_only):
    result = transfer(**videos, background="transparent", crop_only=crop_only)
    frames, masks = np.asarray(result.frames), np.asarray(result.masks)
    side = Painter.size if crop_only else SIZE
    assert frames.shape == (LENGTH, side, side, 4) and (result.background == 0).all()
    np.testing.assert_array_equal(frames[..., 3], masks)
    assert (frames[masks > 0][:, :3] == (255, 0, 0)).all(), "colours are not multiplied by alpha"


@pytest.mark.parametrize("name", ["out.webm", "out.mov"])
def test_a_transparent_file_hides_the_place(tmp_path, transfer, videos, name):
    result = transfer(**videos, background="transparent", output=tmp_path / name)
    for frame, mask in zip(read_frames(tmp_path / name), result.masks):
        assert np.abs(frame.alpha.astype(int) - mask).mean() < 6
        assert frame.image[mask == 0].mean() < 20


def test_a_sheet_shows_squares_where_the_result_is_transparent(tmp_path, transfer, videos):
    transfer(**videos, background="transparent", output=tmp_path / "out.webm", sheet=tmp_path / "sheet.png")
    sheet = read_picture(tmp_path / "sheet.png")
    assert sheet.shape[0] == 3 * (20 + 240 + 4)  # no row of another place
    result = sheet[-244:-4].reshape(-1, 3).astype(int)
    squares = [(np.abs(result - grey).max(-1) < 6).mean() for grey in (204, 255)]
    assert min(squares) > 0.04 and (result.max(-1) < 150).mean() < 0.01


@pytest.mark.parametrize("name", ["matte.mp4", "matte.webm"])
def test_the_matte_is_a_video_of_the_masks(tmp_path, transfer, videos, name):
    result = transfer(**videos, output=tmp_path / "out.mp4", matte=tmp_path / name, layout="side_by_side")
    frames = list(read_frames(tmp_path / name))
    assert [frame.time for frame in frames] == pytest.approx([f.time for f in read_frames(videos["target"])], abs=1e-3)
    shown = np.stack([frame.image for frame in frames]).astype(int)
    assert np.abs(shown - np.asarray(result.masks)[..., np.newaxis]).mean() < 6


def test_a_file_of_a_colours_name_is_named_by_its_path(tmp_path, transfer, videos):
    with pytest.raises(VideoError, match="--background takes a colour such as green or #00ff00, transparent, a pict"):
        transfer(**videos, background=tmp_path / "green")


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"output": "a.mp4", "background": "transparent"}, VideoError, "a.mp4: a .mp4 file cannot be transparent"),
        ({"layout": "side_by_side", "background": "transparent"}, ValueError, "goes without --layout=side_by_side"),
        ({"matte": "m.mp4"}, ValueError, "--matte=m.mp4 shows frames of --output"),
        ({"output": "a.mp4", "matte": "a.mp4"}, ValueError, "a.mp4: cannot be written, as another flag names it"),
        ({"output": "a.mp4", "matte": "m.png"}, VideoError, "m.png: unsupported extension"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_done(videos, change, error, complaint):
    with pytest.raises(error, match=complaint):
        check(TransferConfig(**{**videos, **change}))


def test_what_happens_now_has_no_transparent_background_and_no_matte(videos):
    for settings, complaint in (({"background": "transparent"}, "give a colour"), ({"matte": "m.mp4"}, "leave it out")):
        with pytest.raises(ValueError, match=complaint):
            check_live(TransferConfig(source=videos["source"], live="0", **settings))
