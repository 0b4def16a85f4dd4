"""Tiny evaluations for the tests: a model that knows the answers, and readers of the results."""

from __future__ import annotations

import csv
import json

import numpy as np
from records import make_clip, write_records

from stmt_tf.evaluate.measures import Judges
from stmt_tf.evaluate.settings import EvaluateConfig

SIZE = 32
OUTPUTS = ["metrics.json", "pairs.json", "per_video.csv", "plots.png", "sheet.png", "table.md"]
NOBODY = Judges()


class Oracle:
    """Knows the clips, and gives the true frame of a pose with `error` added; warps nothing but black."""

    size = SIZE
    takes_any_size = False
    num_source_frames = 4

    def __init__(self, clips, error=0):
        self.joints = np.concatenate([clip.joints for clip in clips])
        self.frames = np.concatenate([clip.frames for clip in clips])
        self.error = error
        self.sources_seen = []

    def check_source_count(self, count):
        if count > 4:
            raise ValueError(f"{count} source frames are too many")

    def encode_source(self, frames, joints, mattes=None):
        assert frames.dtype == np.uint8 and frames.shape == (len(joints), SIZE, SIZE, 3)
        self.sources_seen.append(len(frames))
        return "source"

    def generate(self, source, target_joints):
        assert source == "source"
        steps = [int(np.abs(self.joints - pose).sum((1, 2)).argmin()) for pose in target_joints]
        frames = self.frames[steps] + np.uint8(self.error)
        return {"frame": frames, "warped": np.zeros_like(frames)}


def make_clips(count=3, masks=True, steps=16):
    return [make_clip(steps, SIZE, seed=i, masks=masks, clip_id=f"clip{i}") for i in range(count)]


def config_for(tmp_path, clips, **settings):
    write_records(tmp_path / "test-0.tfrecord", clips)
    return EvaluateConfig(
        model="a model", records=str(tmp_path / "test-*.tfrecord"), output=str(tmp_path / "out"), **settings
    )


def results(tmp_path):
    with open(tmp_path / "out" / "metrics.json") as file:
        return json.load(file)


def pairs(tmp_path):
    with open(tmp_path / "out" / "pairs.json") as file:
        return json.load(file)["pairs"]


def rows(tmp_path):
    with open(tmp_path / "out" / "per_video.csv", newline="") as file:
        return list(csv.DictReader(file))
