import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from studies import write_results
from videos import number_of, numbered_frames, write_video

from stmt_tf.study import build as building
from stmt_tf.study.settings import BuildConfig
from stmt_tf.video.reader import probe, read_frames
from stmt_tf.video.writer import VideoWriter

ROOT = Path(__file__).resolve().parents[2]
NAMES = "--names=ours,single frame"


def build(tmp_path, *flags):
    page = tmp_path / "page.html"
    main(*flags, f"--output={page}")
    return page.read_text(encoding="utf-8")


def main(*flags):
    building.main(BuildConfig(**dict(flag[2:].split("=", 1) for flag in flags)))


def listed(page):
    """The list of the material in a page."""
    return json.loads(re.search(r'id="study">(.*?)</script>', page, re.DOTALL).group(1))


def embedded(page, number, side, path):
    """Writes an embedded video to `path`."""
    data = re.search(rf'id="video-{number}-{side}">data:video/mp4;base64,(.*?)</script>', page).group(1)
    path.write_bytes(base64.b64decode(data))
    return path


def test_main_makes_a_page_of_all_pairs(tmp_path):
    flags = write_results(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "stmt_tf.study", "build", *flags, NAMES, f"--output={tmp_path}/page.html"],
        cwd=ROOT, capture_output=True, text=True, timeout=3600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    content = listed(page)
    assert done.stdout == f"{tmp_path}/page.html: 3 pairs, {len(page) / 1e6:.1f} MB, study {content['study']}\n"
    assert content["methods"] == ["ours", "single frame"]
    assert [(pair["name"], pair["subset"]) for pair in content["pairs"]] == [
        ("cross/c.mp4", "cross"), ("same/a.mp4", "same"), ("same/b.mp4", "same"),
    ]
    assert page.count("data:video/mp4;base64,") == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "page.html", "second"]


def test_help_tells_how_a_study_goes():
    for arguments, words in ((["--help"], "4. python"), (["build", "--help"], "200 MB"), (["tally", "--help"], "95%")):
        command = [sys.executable, "-m", "stmt_tf.study", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600)
        assert done.returncode == 0 and words in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 120


def test_a_page_loads_nothing_and_shows_no_name(tmp_path):
    page = build(tmp_path, *write_results(tmp_path), "--names=ours,</script><b>")
    code = re.sub(r"base64,.*", "", page)
    assert not re.search(r"https?:|//[a-z]|@import|url\(|<link[^>]+href=\"(?!data:)|src=", code)
    assert "default-src 'none'" in page
    assert listed(page)["methods"] == ["ours", "</script><b>"]
    assert page.count("<script") == page.count("</script>") == 2 + 6
    shown = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    assert "ours" not in shown.replace("yours", "") and "<b></b>" not in shown and "a.mp4" not in shown


def test_h264_is_taken_as_it_is_without_sound_and_metadata(tmp_path):
    flags = write_results(tmp_path, ["a.mp4"])
    frames = [np.random.default_rng(i).integers(0, 255, (32, 32, 3), np.uint8) for i in range(10)]
    with_sound = ROOT / "samples" / "target.mp4"
    with VideoWriter(tmp_path / "first" / "a.mp4", (32, 32), 25, audio_from=with_sound) as video:
        for frame in frames:
            video.write(frame)
    assert probe(tmp_path / "first" / "a.mp4").has_audio
    made = embedded(build(tmp_path, *flags, NAMES), 0, 0, tmp_path / "made.mp4")
    assert not probe(made).has_audio
    ours, theirs = list(read_frames(made)), list(read_frames(tmp_path / "first" / "a.mp4"))
    assert [frame.time for frame in ours] == [frame.time for frame in theirs]
    for one, other in zip(ours, theirs):
        np.testing.assert_array_equal(one.image, other.image)


def test_videos_with_reordered_frames_keep_their_order(tmp_path):
    flags = write_results(tmp_path, ["a.mp4"])
    write_video(tmp_path / "first" / "a.mp4", numbered_frames(10, 32, 32), bf="2")
    made = embedded(build(tmp_path, *flags, NAMES), 0, 0, tmp_path / "made.mp4")
    assert [number_of(frame.image, 10) for frame in read_frames(made)] == list(range(10))


@pytest.mark.parametrize(
    "name, options",
    [
        ("a.mkv", {"codec": "ffv1"}),
        ("a.mp4", {"pix_fmt": "yuv444p"}),
        ("a.mp4", {"rotation": 90}),
        ("a.mp4", {"pixel_aspect": 2}),
    ],
)
def test_what_browsers_may_not_play_is_encoded_anew(tmp_path, name, options):
    for method, lift in (("first", 0), ("second", 1)):
        (tmp_path / method).mkdir(exist_ok=True)
        frames = [np.clip(frame + lift, 0, 255).astype(np.uint8) for frame in numbered_frames(10)]
        write_video(tmp_path / method / name, frames, **options)
    flags = [f"--{method}={tmp_path / method}" for method in ("first", "second")]
    made = embedded(build(tmp_path, *flags, NAMES), 0, 0, tmp_path / "made.mp4")
    original, info = probe(tmp_path / "first" / name), probe(made)
    assert (info.width, info.height, info.rotation) == (original.width, original.height, 0)
    assert [number_of(frame.image, 10) for frame in read_frames(made)] == list(range(10))
    with av.open(str(made)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")


def test_the_id_is_of_the_material(tmp_path):
    flags = write_results(tmp_path)
    one = listed(build(tmp_path, *flags, NAMES))["study"]
    assert listed(build(tmp_path, *flags, NAMES))["study"] == one
    assert listed(build(tmp_path, *flags, "--names=theirs,single frame"))["study"] != one
    (tmp_path / "first" / "same" / "b.mp4").unlink()
    (tmp_path / "second" / "same" / "b.mp4").unlink()
    assert listed(build(tmp_path, *flags, NAMES))["study"] != one


def test_hidden_files_and_others_are_left_aside(tmp_path):
    flags = write_results(tmp_path, ["a.mp4", ".b.mp4", ".git/c.mp4", "same/deep/d.mp4"])
    (tmp_path / "first" / "a.json").write_text("{}")
    assert [pair["name"] for pair in listed(build(tmp_path, *flags, NAMES))["pairs"]] == ["a.mp4"]


def remove(root):
    (root / "second" / "same" / "b.mp4").unlink()


def rename_subset(root):
    (root / "second" / "same").rename(root / "second" / "smae")


def copy_one(root):
    (root / "second" / "same" / "b.mp4").write_bytes((root / "first" / "same" / "b.mp4").read_bytes())


def cut(root):
    write_results(root, ["same/b.mp4"], count=10)
    write_video(root / "second" / "same" / "b.mp4", [np.zeros((32, 32, 3), np.uint8)] * 20)


def widen(root):
    write_video(root / "second" / "same" / "b.mp4", [np.zeros((32, 64, 3), np.uint8)] * 10)


def damage(root):
    path = root / "second" / "same" / "b.mp4"
    path.write_bytes(path.read_bytes()[:-90])


def lengthen(root):
    write_video(root / "second" / "same" / "b.mp4", [np.zeros((32, 32, 3), np.uint8)] * 61, fps=1)


def empty(root):
    for path in (root / "second").rglob("*.mp4"):
        path.unlink()


@pytest.mark.parametrize(
    "spoil, message",
    [
        (remove, r"same/b\.mp4: is in .*first, not in .*second\. Each pair"),
        (rename_subset, r"same/a\.mp4: is in .*first, not in .*second \(and 3 more\)"),
        (copy_one, r"same/b\.mp4: is the same file in both"),
        (cut, r"same/b\.mp4: the two videos take 0\.4 s and 0\.8 s"),
        (widen, r"same/b\.mp4: the two videos have different shapes, 32 x 32 and 64 x 32"),
        (damage, r"second/same/b\.mp4: .*frame"),
        (lengthen, r"second/same/b\.mp4: takes longer than 60 s"),
        (empty, r"--second=.*second: holds no videos \(\.avi"),
    ],
)
def test_material_that_is_no_study_costs_nothing(tmp_path, spoil, message):
    flags = write_results(tmp_path)
    spoil(tmp_path)
    (tmp_path / "page.html").write_text("older")
    with pytest.raises(SystemExit, match=message) as caught:
        build(tmp_path, *flags, NAMES)
    assert caught.value.code.startswith("study build: ") and "\n" not in caught.value.code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "page.html", "second"]
    assert (tmp_path / "page.html").read_text() == "older"


@pytest.mark.parametrize("names", ["ours", "ours,", "ours,ours", "a,b,c", "ours,not sure"])
def test_odd_names_are_refused(tmp_path, names):
    with pytest.raises(SystemExit, match="takes two names, with a comma between"):
        build(tmp_path, *write_results(tmp_path), f"--names={names}")


def test_odd_places_are_refused(tmp_path):
    first, second = write_results(tmp_path)
    with pytest.raises(SystemExit, match=r"--second=nowhere: is no directory"):
        build(tmp_path, first, "--second=nowhere", NAMES)
    with pytest.raises(SystemExit, match="are the same directory"):
        build(tmp_path, first, first.replace("first=", "second="), NAMES)
    with pytest.raises(SystemExit, match=r"page\.mp4: a page's name ends in \.html"):
        main(first, second, NAMES, f"--output={tmp_path}/page.mp4")
    with pytest.raises(SystemExit, match="none does not exist. Create it first"):
        main(first, second, NAMES, f"--output={tmp_path}/none/page.html")


def test_too_much_is_refused(tmp_path, monkeypatch):
    flags = write_results(tmp_path)
    third = build(tmp_path, *flags, NAMES).index('id="video-1-0"')
    (tmp_path / "page.html").unlink()
    monkeypatch.setattr(building, "_LARGEST_PAGE", third)
    with pytest.raises(SystemExit, match=r"first/same/a\.mp4: with this video, number 3 of 6, the page exceeds 0 MB"):
        build(tmp_path, *flags, NAMES)
    monkeypatch.setattr(building, "_LARGEST_INPUT", 5000)
    with pytest.raises(SystemExit, match=r"hold 0\.0 GB of videos, for a page of at most 0 MB"):
        build(tmp_path, *flags, NAMES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]
