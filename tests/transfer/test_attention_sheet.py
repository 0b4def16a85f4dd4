"""The sheet of attention maps, and who gets none."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from stmt_tf.pose.crop import Crop
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.transfer.checks import check
from stmt_tf.transfer.motion import Motion
from stmt_tf.transfer.renderer import Renderer
from stmt_tf.transfer.result import Result
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.sheets import attention_sheet
from stmt_tf.transfer.source import Source
from stmt_tf.video.reader import VideoError

CROP = Crop(0, 0, 16)


class Attentive:
    """A model of two source frames that takes the person from the first and the place, by a quarter, from it too."""

    size = 16
    takes_any_size = False
    num_source_frames = None

    def __init__(self, attention=True):
        self.attention = attention

    def encode_source(self, frames, joints, mattes=None):
        return {}

    def generate(self, source, target_joints, names=()):
        shape = (len(target_joints), 2, 4, 4)
        maps = {"foreground_attention": (1.0, 0.0), "background_attention": (0.25, 0.75)}
        foreground = np.full((len(target_joints), 16, 16, 3), 128, np.uint8)
        mask = np.full((len(target_joints), 16, 16, 1), 255, np.uint8)
        mask[:, :4] = 0
        made = {"frame": foreground, "foreground": foreground, "mask": mask}
        if self.attention:
            made.update((name, np.broadcast_to(np.float32(v)[:, None, None], shape)) for name, v in maps.items())
        return made


def scene(levels):
    joints = np.ones((len(levels), 14, 3), np.float32)
    frames = [np.full((16, 16, 3), level, np.uint8) for level in levels]
    source = Source(PosedVideo("a.mp4"), joints, frames, joints, CROP, plate=frames[0])
    return source, Motion("b.mp4", np.ones((20, 14, 3), np.float32), np.ones((20, 14, 3), np.float32), CROP)


def cells(sheet):
    """The grey levels of the middles of a sheet's pictures, row by row."""
    rows = len(sheet) // 184
    return [[int(sheet[20 + 80 + 184 * row, 80 + 164 * column, 0]) for column in range(9)] for row in range(rows)]


def test_each_source_frame_stands_beside_its_shares_in_eight_frames(tmp_path):
    source, motion = scene([10, 40])
    Result(Renderer(Attentive(), source), source, motion).write_attention(str(tmp_path / "maps.png"))
    sheet = cv2.imread(str(tmp_path / "maps.png"))
    # The person is taken from the first frame alone: the second has no row.
    assert sheet.shape == (4 * 184, 9 * 164, 3)
    assert cells(sheet) == [
        [255] + 8 * [128],
        [10] + 8 * [255],
        [10] + 8 * [64],
        [40] + 8 * [191],
    ]
    assert (sheet[20 + 10, 164 + 10] == 10).all()  # above the person, the result shows the source's place


def test_fewer_source_frames_than_the_model_looks_at_are_shown_in_turn():
    source, motion = scene([10])
    made = Attentive().generate({}, motion.retargeted[:8])
    assert [row[0] for row in cells(attention_sheet(source, made))] == [255, 10, 10, 10]


def test_a_model_without_attention_gives_one_warning_and_no_file(tmp_path, caplog):
    source, motion = scene([10, 40])
    path = tmp_path / "maps.png"
    Result(Renderer(Attentive(attention=False), source), source, motion).write_attention(str(path))
    (record,) = caplog.records
    assert f"--attention={path}: not written, as this model has no attention" in record.getMessage()
    assert os.listdir(tmp_path) == []


def test_the_sheet_is_checked_like_the_others(tmp_path):
    videos = {"source": "a.mp4", "target": "b.mp4", "output": str(tmp_path / "c.mp4")}
    for path, complaint in ((str(tmp_path / "maps.jpg"), "ends in .png"), (videos["output"], "another flag names it")):
        with pytest.raises((ValueError, VideoError), match=complaint):
            check(TransferConfig(**videos, attention=path))
