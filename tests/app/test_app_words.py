import contextlib
import re

import pytest
from videos import numbered_frames, write_video

from stmt_tf.app import words
from stmt_tf.app.job import Job
from stmt_tf.app.plan import Wish


@pytest.fixture
def job_of(tmp_path):
    """A function that makes a job of some choices, whose outputs lie there."""
    write_video(tmp_path / "a.mp4", numbered_frames(8))
    with contextlib.ExitStack() as stack:

        def create(only="", **choices):
            wish = Wish({"source": [tmp_path / "a.mp4"], "target": [tmp_path / "a.mp4"]}, choices, only)
            job = Job(tmp_path / f"job of {only}", [], wish)
            stack.callback(job.close)
            for name, (path,) in job.outputs.items():
                path.write_bytes(b"" if name != "output" else (tmp_path / "a.mp4").read_bytes())
            return job

        yield create


@pytest.mark.parametrize(
    ("choices", "source", "target"),
    [
        ({}, "", ""),
        ({"start": 0.5}, "", "#t=0.5"),
        ({"end": 2.0}, "", "#t=0,2"),
        ({"start": 0.5, "end": 1.25, "source_start": 1, "source_end": 3}, "#t=1,3", "#t=0.5,1.25"),
    ],
)
def test_of_an_excerpt_the_page_plays_what_the_result_is_of(job_of, choices, source, target):
    shown = words.results(job_of(**choices), {})
    sources = re.findall(r'<video[^>]* src="[^"#]*/(source|target|result)[^"#]*\.mp4(#[^"]*)?"', shown)
    assert sources == [("source", source), ("target", target), ("result", "")]


def test_poses_can_be_taken_away_after_a_look_at_them(job_of):
    look = job_of("preview")
    assert "Download the poses" in words.poses(look) and "Download the poses" not in words.pictures(look, "preview")
    assert words.poses(job_of("people")) == ""
