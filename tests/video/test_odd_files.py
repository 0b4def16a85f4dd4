"""Some of the videos that `odd_files.py` goes through, one of each kind, and what it makes of wrong ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import odd_files
import pytest
from odd_cases import all_cases

CASES = {case.name: case for case in all_cases()}
SAMPLE = (
    "mov -c:v prores_ks -c:a pcm_s16le",
    "mkv -c:v libtheora -c:a libvorbis",
    "flv -c:v flv -ar 44100 -c:a libmp3lame",
    "m2v -c:v mpeg2video -an",
    "mkv -c:v mpeg4 -ar 8000 -ac 1 -c:a aac",
    "mp4 cut without being encoded",
    "mkv -c:v libx264 -c:a aac -output_ts_offset 1000",
    "mp4 a clock that leaps by 90 s",
    "mkv matrix 9, range 2",
    "mkv -c:v ffv1 -pix_fmt yuv411p",
    "nut -c:v rawvideo -pix_fmt rgb555le",
    "mp4 cut off",
    "mp4 cut off before its index",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("odd")


@pytest.mark.parametrize("name", SAMPLE)
def test_an_odd_video_is_shown_and_written_as_it_is_or_refused(folder, name):
    case = CASES[name]
    found = odd_files.outcome(case, folder)
    assert found.findings == ()
    assert bool(found.error) == bool(case.error) and (found.error or found.frames[0] == found.frames[1] > 0)


def test_names_tell_the_videos_apart():
    assert len(CASES) == len(all_cases()) > 100


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"times": np.arange(39) / 25}, "40 of 39 frames"),
        ({"times": np.arange(40) / 24}, "times off by 1.6"),
        ({"filters": "negate"}, "colours off by"),
        ({"error": "no video"}, "not refused"),
    ],
)
def test_what_is_wrong_is_a_finding(folder, changes, words):
    case = dataclasses.replace(CASES["mp4 -c:v mpeg4 -c:a libmp3lame"], **changes)
    (finding,) = odd_files.outcome(case, folder).findings
    assert words in finding
