import numpy as np
import pytest
from evaluations import NOBODY, SIZE, Oracle, config_for, make_clips, pairs

from stmt_tf.evaluate.command import check, evaluate
from stmt_tf.evaluate.comparison import Other
from stmt_tf.study.build import build, find_pairs
from stmt_tf.video.reader import probe, read_frames


def test_one_command_makes_the_videos_of_a_user_study(tmp_path):
    clips = make_clips(5, steps=16)
    settings = {"set": "both", "num_pairs": 5, "num_target_frames": 0, "videos": str(tmp_path / "videos")}
    others = [Other("single/frame", Oracle(clips, error=40), is_single=True)]
    evaluate(config_for(tmp_path, clips, **settings), Oracle(clips), NOBODY, others)
    first, second = tmp_path / "videos" / "model K=4", tmp_path / "videos" / "single_frame"
    found = find_pairs(first, second)
    names = [f"{which}/{number:02d}.mp4" for which in ("cross", "same") for number in range(1, 6)]
    assert [pair.name for pair in found] == names
    made = build(first, second, "ours,single frame", tmp_path / "study.html")
    assert "10 pairs" in made and (tmp_path / "study.html").stat().st_size > 10_000


def test_a_video_has_the_frames_that_were_made_in_the_clips_rate(tmp_path):
    clips = make_clips(3)
    config = config_for(tmp_path, clips, num_target_frames=5, videos=str(tmp_path / "deep" / "videos"))
    evaluate(config, Oracle(clips, error=3), NOBODY)
    for number, pair in enumerate(pairs(tmp_path), 1):
        path = tmp_path / "deep" / "videos" / "model K=4" / "same" / f"{number:02d}.mp4"
        info = probe(path)
        assert (info.width, info.height, float(info.fps)) == (SIZE, SIZE, 25.0)
        levels = [frame.image.mean() for frame in read_frames(path)]
        steps = np.arange(pair["target_first"], pair["target_first"] + 5)
        np.testing.assert_allclose(levels, 10 * steps + 5 + 3, atol=2)


def test_no_videos_are_written_unless_they_are_asked_for(tmp_path):
    clips = make_clips(1)
    evaluate(config_for(tmp_path, clips), Oracle(clips), NOBODY)
    assert not list(tmp_path.rglob("*.mp4"))


def test_directory_that_cannot_be_written_is_told_before_any_work(tmp_path):
    (tmp_path / "file").write_text("a file")
    clips = make_clips(1)
    with pytest.raises(NotADirectoryError, match="--videos=.*file/videos: .*file is a file"):
        check(config_for(tmp_path, clips, videos=str(tmp_path / "file" / "videos")))
