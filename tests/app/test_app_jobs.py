"""Jobs of the page, mostly with a quick stand-in for the transfer."""

from __future__ import annotations

import ast
import contextlib
import errno
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile

import cv2
import numpy as np
import pytest
from tiny_model import model_directory
from videos import numbered_frames, write_video

from stmt_tf.app.inputs import check_input
from stmt_tf.app.job import Job, Progress
from stmt_tf.app.jobs import Jobs
from stmt_tf.app.plan import Wish
from stmt_tf.app.settings import AppConfig
from stmt_tf.app.words import pictures, results
from stmt_tf.transfer.photos import photos_of
from stmt_tf.video.reader import VideoError, length_of

# Takes the flags of a transfer and tells of itself as a transfer does.
STAND_IN = """
    import pathlib, sys, time
    flags = dict(argument[2:].split("=", 1) for argument in sys.argv[1:])
    def tell(text):
        sys.stderr.write(text)
        sys.stderr.flush()
    tell("\\rposes:   0%|          | 0/8 [00:00<?, ? frames/s]")
    tell("\\rposes:  50%|#####     | 4/8 [00:01<00:01, 4.0 frames/s]\\n")
    tell(f"W1125 20:15:00.123456 1234 tracks.py:66] {flags.get('source')}: two people\\n")
    for flag in flags.keys() & {"preview", "save_poses", "save_source_poses"}:
        if not pathlib.Path(flags[flag]).is_dir():  # which it is for several targets
            pathlib.Path(flags[flag]).write_text(flags.get("retarget", "") if flag == "preview" else flag)
    tell("\\rresult: |          | 3/? [00:01<?, 4.0 frames/s]\\n")
"""
FINISH = 'pathlib.Path(flags["output"]).write_text(pathlib.Path(flags["source"]).read_text())'
WAIT = "time.sleep(600)"


def command(last):
    return [sys.executable, "-c", textwrap.dedent(STAND_IN) + last]


@pytest.fixture
def inputs(tmp_path):
    paths = {name: [tmp_path / "uploads" / name / "video.mp4"] for name in ("source", "target")}
    for (path,) in paths.values():
        path.parent.mkdir(parents=True)
        write_video(path, numbered_frames(8))
    return paths


@pytest.fixture
def open_jobs(tmp_path):
    """A function that makes `Jobs`, closed after the test; nothing is left of them."""
    with contextlib.ExitStack() as stack:
        made = tmp_path / "jobs"
        made.mkdir()

        def create(last=WAIT, **limits):
            return stack.enter_context(contextlib.closing(Jobs(made, command(last), AppConfig(**limits))))

        yield create
    assert os.listdir(made) == []


def text_job(directory, last, text="a"):
    """A job whose inputs are not looked at."""
    path = directory.parent / "a.mp4"
    path.write_text(text)
    wish = Wish({"source": [path], "target": [path]}, {"retarget": "bone"})
    return Job(directory, command(last), wish)


def test_progress_warnings_and_outputs_are_those_of_the_command(tmp_path):
    job = text_job(tmp_path / "job", FINISH)
    assert list(job.run()) == [
        Progress("start"),
        Progress("poses", 0, 8, "?"),
        Progress("poses", 4, 8, "00:01"),
        Progress("result", 3, None, "?"),
    ]
    assert job.error == "" and job.warnings == ["source/a.mp4: two people"]
    assert job.outputs["preview"][0].read_text() == "bone" and job.outputs["output"][0].read_text() == "a"
    assert not job.outputs["sheet"][0].exists()
    assert list(job.run()) == []  # once
    job.close()
    assert not job.directory.exists()


@pytest.mark.parametrize(
    ("last", "error"),
    [
        ("sys.exit('transfer: ' + flags['target'] + ': shows nobody')", "target/a.mp4: shows nobody"),
        ("raise MemoryError('too much')", "The work broke off (MemoryError: too much)."),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "The work broke off ("),
    ],
)
def test_what_goes_wrong_is_one_line_without_paths_of_this_machine(tmp_path, last, error):
    job = text_job(tmp_path / "job", last)
    list(job.run())
    assert job.error.startswith(error)
    assert "\n" not in job.error and str(tmp_path) not in job.error


def test_a_cancelled_job_ends_at_once_and_leaves_nothing(inputs, open_jobs):
    jobs = open_jobs()
    job = jobs.begin("ann", inputs, {"retarget": "none"})
    running = job.run()
    seen = [next(running) for _ in range(4)]
    assert seen[-1].stage == "result" and job.outputs["preview"][0].exists()
    jobs.cancel("ann")
    assert list(running) == []
    assert not job.directory.exists() and jobs.of("ann") is None


def test_a_job_cancelled_while_it_waits_never_runs(inputs, open_jobs):
    jobs = open_jobs()
    job = jobs.begin("ann", inputs, {})
    jobs.cancel("ann")
    assert list(job.run()) == []


def test_a_command_that_does_not_listen_is_ended_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("stmt_tf.app.job._PATIENCE", 0.1)
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); tell('poses:| 5/8 [1<1\\n'); "
    job = text_job(tmp_path / "job", deaf + WAIT)
    running = job.run()
    while next(running).done != 5:
        pass
    job.close()
    assert list(running) == [] and not job.directory.exists()


def test_sessions_do_not_mix(inputs, open_jobs):
    jobs = open_jobs(FINISH)
    other = {**inputs, "source": inputs["target"]}
    begun = (("ann", inputs, "bone"), ("bob", other, "none"))
    ann, bob = (jobs.begin(name, given, {"retarget": retarget}) for name, given, retarget in begun)
    assert ann.directory != bob.directory and len(ann.directory.name) == len(bob.directory.name) == 32
    for _ in zip(ann.run(), bob.run()):
        pass
    assert [job.outputs["preview"][0].read_text() for job in (ann, bob)] == ["bone", "none"]
    jobs.leave("ann")
    assert not ann.directory.exists() and bob.outputs["preview"][0].exists() and jobs.of("bob") is bob


def test_a_new_job_takes_the_place_of_the_sessions_last(inputs, open_jobs):
    jobs = open_jobs()
    first = jobs.begin("ann", inputs, {})
    second = jobs.begin("ann", inputs, {})
    assert not first.directory.exists() and jobs.of("ann") is second


# Tells what poses were given, in place of the preview.
POSES_GIVEN = """
given = [flags[flag] for flag in ("source_poses", "target_poses") if flag in flags]
pathlib.Path(flags["preview"]).write_text(str([pathlib.Path(path).read_text() for path in given]))
"""


@pytest.mark.parametrize(
    ("change", "given"),
    [
        ({"retarget": "bone", "background": "green"}, "['save_source_poses', 'save_poses']"),
        ({"source_start": 0.1}, "[]"),
        ({"source_end": 0.2}, "[]"),
        ({"start": 0.1}, "[]"),
        ({"end": 0.2}, "[]"),
        ({"source_person": 2}, "[]"),
        ({"target_person": 2}, "[]"),
    ],
)
def test_poses_that_a_preview_has_found_are_not_looked_for_again(inputs, open_jobs, change, given):
    jobs = open_jobs(POSES_GIVEN)
    look = jobs.begin("ann", inputs, {}, only="preview")
    list(look.run())
    assert look.outputs["preview"][0].read_text() == "[]"
    assert list(look.outputs) == ["preview", "save_poses", "save_source_poses"]
    job = jobs.begin("ann", inputs, change)
    assert not look.directory.exists()
    list(job.run())
    assert job.outputs["preview"][0].read_text() == given


def test_poses_of_a_number_are_taken_as_those_of_one_person(inputs, open_jobs):
    jobs = open_jobs('pathlib.Path(flags["preview"]).write_text(str(sorted(flags)))')
    chosen = {"source_person": 2, "target_person": 3}
    list(jobs.begin("ann", inputs, chosen, only="preview").run())
    job = jobs.begin("ann", inputs, chosen)
    list(job.run())
    given = job.outputs["preview"][0].read_text()
    assert "'source_poses'" in given and "'target_poses'" in given and "person" not in given
    third = jobs.begin("ann", inputs, {**chosen, "target_person": 1}, only="preview")
    list(third.run())
    assert "'target_person'" in third.outputs["preview"][0].read_text()


@pytest.mark.parametrize(("changed", "like"), [("source", "target"), ("target", "source")])
def test_poses_of_other_files_are_looked_for(inputs, open_jobs, changed, like):
    jobs = open_jobs(POSES_GIVEN)
    list(jobs.begin("ann", inputs, {}, only="preview").run())
    job = jobs.begin("ann", {**inputs, changed: inputs[like]}, {})
    list(job.run())
    assert job.outputs["preview"][0].read_text() == "[]"


def test_poses_that_are_given_are_taken_in_place_of_those_of_before(inputs, open_jobs, tmp_path):
    jobs = open_jobs(POSES_GIVEN)
    list(jobs.begin("ann", inputs, {}, only="preview").run())
    (tmp_path / "p.json").write_text("given")
    job = jobs.begin("ann", {**inputs, "target_poses": [tmp_path / "p.json"]}, {})
    list(job.run())
    assert job.outputs["preview"][0].read_text() == "['given']"


def test_the_person_alone_comes_as_a_video_with_alpha_and_a_mask_if_it_is_asked_for(inputs, open_jobs):
    jobs = open_jobs(FINISH)
    job = jobs.begin("ann", inputs, {"background": "transparent", "matte": True, "max_size": None})
    assert (job.outputs["output"][0].name, job.outputs["matte"][0].name) == ("result.webm", "mask.mp4")
    assert "matte" not in jobs.begin("ann", inputs, {"background": "green", "matte": False}).outputs


def test_a_fine_tuning_tells_the_seconds_that_are_over(tmp_path):
    bar = r'tell("\rfine-tuning:  25%|##5       | 45/180 [00:45<02:15,  1.0 s/s]\n")'
    job = text_job(tmp_path / "job", bar)
    assert list(job.run())[-1] == Progress("fine-tuning", 45, 180, "02:15")


@pytest.mark.parametrize(
    ("choices", "complaint"),
    [
        ({"start": 3, "end": 2}, "--start=3 must be at least 0 and before --end=2"),
        ({"retarget": "twist"}, "--retarget must be one of "),
        ({"num_source_frames": "many"}, "num_source_frames must be a whole number, got 'many'"),
        ({"speed": 3}, "no setting is called 'speed'"),
        ({"background": __file__}, f"--background={__file__} is no colour. Give one such as green"),
    ],
)
def test_choices_that_cannot_be_are_refused_and_leave_nothing(inputs, open_jobs, choices, complaint):
    jobs = open_jobs()
    with pytest.raises(VideoError, match=f"^{complaint}"):
        jobs.begin("ann", inputs, choices)
    assert jobs.of("ann") is None


def test_half_a_photo_is_refused_by_its_name(tmp_path, open_jobs, inputs):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(cv2.imencode(".jpg", np.eye(64, dtype=np.uint8) * 255)[1].tobytes()[:-200])
    with pytest.raises(VideoError, match="^source/photo.jpg: is no picture, or a damaged one"):
        open_jobs().begin("ann", {**inputs, "source": [photo]}, {})


@pytest.fixture
def album(tmp_path):
    """Photos of one name, in the order in which they are given."""
    photos = [tmp_path / "album" / name / "photo.png" for name in "lkjihgfedcba"]
    for number, photo in enumerate(photos):
        photo.parent.mkdir(parents=True)
        cv2.imwrite(str(photo), np.full((32, 32, 3), number, np.uint8))
    return photos


def test_several_photos_are_one_source_in_their_order(inputs, open_jobs, album):
    jobs = open_jobs('pathlib.Path(flags["preview"]).write_text(str(flags))')
    look = jobs.begin("ann", {**inputs, "source": album}, {}, only="preview")
    list(look.run())
    job = jobs.begin("ann", {**inputs, "source": album}, {"fps": 30.0})
    list(job.run())
    flags = ast.literal_eval(job.outputs["preview"][0].read_text())
    copies = photos_of(flags["source"])
    assert [cv2.imread(path)[0, 0, 0] for path in copies] == list(range(12))
    assert list(map(str, job.inputs["source"])) == copies
    assert flags["fps"] == "30.0" and "target_poses" in flags
    assert not {"source_poses", "save_source_poses"} & set(flags)  # those are of videos


def test_files_of_any_names_stay_apart_and_in_order(tmp_path):
    names = ("jump 3.mp4", "jump.mp4", "jump.mp4", "jump.mov", "a,b.mp4", "a_b.mp4")
    targets = [tmp_path / str(number) / name for number, name in enumerate(names)]
    for number, path in enumerate(targets):
        path.parent.mkdir()
        path.write_text(str(number))
    job = Job(tmp_path / "job", command(""), Wish({"source": targets[:1], "target": targets}, {}))
    copies = job.inputs["target"]
    assert [copy.read_text() for copy in copies] == list("012345")
    assert len({copy.stem for copy in copies}) == 6 and not any("," in copy.name for copy in copies)


@pytest.mark.parametrize(("content", "complaint"), [(b"", "is empty"), (bytes(1_100_000), "has 1.1 MB, more than")])
def test_saved_poses_have_the_bounds_of_other_files(tmp_path, inputs, open_jobs, content, complaint):
    (tmp_path / "p.json").write_bytes(content)
    with pytest.raises(VideoError, match=f"^source_poses/p.json: {complaint}"):
        open_jobs(max_megabytes=1).begin("ann", {**inputs, "source_poses": [tmp_path / "p.json"]}, {})


def test_several_targets_are_not_too_large_together(three, open_jobs):
    one = three["target"][0].stat().st_size
    for path in three["target"]:
        os.truncate(path, 400_000)  # players take no heed of what follows a whole file
    assert one < 400_000
    with pytest.raises(VideoError, match="^3 files have 1.2 MB, more than the 1 MB taken here. Give fewer or smaller"):
        open_jobs(max_megabytes=1).begin("ann", three, {})


def test_several_files_must_be_photos_and_not_too_large_together(inputs, open_jobs, album, tmp_path):
    jobs = open_jobs(max_megabytes=1)
    with pytest.raises(VideoError, match="^source/video.mp4: is no photo. Several files must be photos of one person"):
        jobs.begin("ann", {**inputs, "source": [*album, *inputs["source"]]}, {})
    large = tmp_path / "large.png"
    cv2.imwrite(str(large), np.random.default_rng(0).integers(0, 256, (400, 500, 3), np.uint8))
    assert 0.5e6 < large.stat().st_size < 1e6
    jobs.begin("ann", {**inputs, "source": [large]}, {})
    with pytest.raises(VideoError, match="^2 photos have 1.2 MB, more than the 1 MB taken here. Give fewer or smaller"):
        jobs.begin("ann", {**inputs, "source": [large, large]}, {})


# Makes each target's video of its own name, but of the second none, and tells it as a transfer does.
SEVERAL = """
targets = flags["target"].split(",")
for number, target in enumerate(map(pathlib.Path, targets)):
    tell(f"\\rresult: |          | 1/2 [00:01<00:01, 4.0 frames/s, {target.stem}.mp4]\\n")
    if number != 1:
        for flag, ending in {"output": ".mp4", "save_poses": ".json"}.items():
            if flag in flags:
                pathlib.Path(flags[flag], target.stem + ending).write_text(str(sorted(flags.items())))
tell(f"I1125 20:15:00.123456 1234 several.py:84] {targets[1]}: not made: {targets[1]}: shows nobody\\n")
sys.exit(f"transfer: 1 of {len(targets)} targets could not be made, see above")
"""


@pytest.fixture
def three(inputs, tmp_path):
    """Three targets, two of one name."""
    paths = [tmp_path / name for name in ("a/walk, fast.mp4", "b/jump.mp4", "c/jump.mp4")]
    for path in paths:
        path.parent.mkdir()
        shutil.copy(inputs["target"][0], path)
    return {**inputs, "target": paths}


def test_of_several_targets_those_that_can_be_are_made(three, open_jobs):
    job = open_jobs(SEVERAL).begin("ann", three, {})
    told = list(job.run())
    assert [path.name for path in job.inputs["target"]] == ["walk_ fast.mp4", "jump.mp4", "jump 3.mp4"]
    assert told[-1] == Progress("result", 1, 2, "00:01", motion=3)
    assert (job.error, job.not_made) == ("", {1: "target/jump.mp4: shows nobody"})
    assert [path and path.name for path in job.made("output")] == ["walk_ fast.mp4", None, "jump 3.mp4"]
    with zipfile.ZipFile(job.zip_poses()) as poses:
        assert poses.namelist() == ["person/video.json", "motion/walk_ fast.json", "motion/jump 3.json"]


def test_poses_are_looked_for_again_unless_all_were_found(three, open_jobs):
    jobs = open_jobs(SEVERAL)
    list(jobs.begin("ann", three, {}).run())
    assert not {"source_poses", "target_poses"} & set(jobs.begin("ann", three, {}).inputs)


def test_what_became_of_each_target_is_shown_in_its_place(three, open_jobs):
    walk, *others = three["target"]
    targets = [walk.rename(walk.with_name("a <walk>.mp4")), *others]
    jobs = open_jobs(SEVERAL.replace("shows nobody", "shows <b>nobody"))
    job = jobs.begin("ann", {**three, "target": targets}, {"matte": True})
    list(job.run())
    for name in ("preview", "matte"):
        job.outputs[name][2].write_text("made")
    first, second, third = results(job, {}).split("<section>")[1:]
    names = ("a &lt;walk&gt;.mp4", "jump.mp4", "jump 3.mp4")
    assert all(f"<h2>{name}</h2>" in told for name, told in zip(names, (first, second, third)))
    assert "Motion, jump.mp4: shows &lt;b&gt;nobody" in second and "<video" not in second
    assert f'download="{names[0]}"' in first and "mask" not in first
    assert f'download="{names[2]}"' in third and 'download="jump 3 mask.mp4"' in third
    assert "jump 3.mp4: " in pictures(job, "preview")


def test_of_targets_that_cannot_be_made_at_all_the_reasons_are_told(three, open_jobs):
    fail = 'for name in flags["target"].split(","): tell(f"I1125 20:15:00.1 1 a.py:84] {name}: not made: no\\n")\n'
    job = open_jobs(fail + 'sys.exit("transfer: 3 of 3 targets could not be made, see above")').begin("ann", three, {})
    list(job.run())
    assert job.error == "no; no; no"


@pytest.mark.parametrize(("only", "choices"), [("people", {}), ("", {"target_person": 2})])
def test_people_are_numbered_in_one_target_alone(three, open_jobs, only, choices):
    with pytest.raises(VideoError, match="^People are numbered in one motion alone, got 3. Give one"):
        open_jobs().begin("ann", three, choices, only)


def test_several_targets_are_bounded_together(three, open_jobs):
    one = length_of(three["target"][0])
    open_jobs(max_seconds=3.5 * one).begin("ann", three, {})
    complaint = f"^3 videos take {3 * one:.1f} s together, more than the {2.5 * one:g} s taken here. Give fewer"
    with pytest.raises(VideoError, match=complaint):
        open_jobs(max_seconds=2.5 * one).begin("ann", three, {})


@pytest.mark.parametrize(
    ("names", "order"), [(("jump 3", "walk_ fast", "jump"), [1, 2, 0]), (("x", "jump", "z"), [0, 1, 2])]
)
def test_saved_poses_go_to_the_targets_of_their_names_or_in_order(three, open_jobs, tmp_path, names, order):
    poses = [tmp_path / f"{name}.json" for name in names]
    for path in poses:
        path.write_text(path.name)
    source = tmp_path / "person.json"
    source.write_text("source")
    given = {**three, "source_poses": [source], "target_poses": poses}
    job = open_jobs('pathlib.Path(flags["preview"], "walk_ fast.png").write_text(str(flags))').begin("ann", given, {})
    list(job.run())
    flags = ast.literal_eval(job.made("preview")[0].read_text())
    assert [os.path.basename(path) for path in flags["target_poses"].split(",")] == [poses[i].name for i in order]
    assert os.path.basename(flags["source_poses"]) == "person.json"


@pytest.mark.parametrize(("given", "videos"), [(1, 3), (4, 3), (2, 1)])
def test_poses_for_fewer_or_more_videos_are_refused(three, open_jobs, tmp_path, given, videos):
    (tmp_path / "jump.json").write_text("{}")
    change = {"target": three["target"][:videos], "target_poses": [tmp_path / "jump.json"] * given}
    with pytest.raises(VideoError, match=f"^Poses must be given for each motion: got {given} files .* for {videos}."):
        open_jobs().begin("ann", {**three, **change}, {})


def test_what_is_gone_is_told(inputs, open_jobs):
    inputs["source"][0].unlink()
    with pytest.raises(VideoError, match="^source/video.mp4: is not kept any more. Give it again."):
        open_jobs().begin("ann", inputs, {})


def test_what_a_session_names_after_itself_leaves_with_it(inputs, open_jobs):
    jobs = open_jobs()
    mine, others = jobs.begin("ann/1", inputs, {}), jobs.begin("anna", inputs, {})
    jobs.leave("ann")
    assert not mine.directory.exists() and others.directory.exists()


@pytest.mark.parametrize("then", ["leave", "begin"])
def test_a_session_that_moves_on_while_its_files_are_copied_leaves_none(inputs, open_jobs, monkeypatch, then, tmp_path):
    copyfile, jobs = shutil.copyfile, open_jobs()

    def copy_meanwhile(source, copy):
        monkeypatch.setattr(shutil, "copyfile", copyfile)
        copyfile(source, copy)
        jobs.leave("ann") if then == "leave" else jobs.begin("ann", inputs, {})

    monkeypatch.setattr(shutil, "copyfile", copy_meanwhile)
    job = jobs.begin("ann", inputs, {})
    assert not job.directory.exists() and list(job.run()) == []
    kept = [] if then == "leave" else [jobs.of("ann").directory.name]
    assert os.listdir(tmp_path / "jobs") == kept and (jobs.of("ann") is None) == (then == "leave")


def test_files_that_cannot_be_kept_are_one_line_and_leave_nothing(inputs, open_jobs, monkeypatch, tmp_path):
    copyfile, jobs = shutil.copyfile, open_jobs()

    def fill_the_disk(source, copy):
        copyfile(source, copy)
        if copy.parent.name == "target":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(copy))

    monkeypatch.setattr(shutil, "copyfile", fill_the_disk)
    with pytest.raises(VideoError) as caught:
        jobs.begin("ann", inputs, {})
    assert str(caught.value) == "The videos cannot be kept here (No space left on device). Try again later."
    assert os.listdir(tmp_path / "jobs") == [] and jobs.of("ann") is None


def test_uploads_go_with_the_last_session_that_has_them(inputs, open_jobs):
    jobs, (source,), (target,) = open_jobs(), inputs["source"], inputs["target"]
    jobs.hold("ann", source)
    jobs.hold("ann", target)
    jobs.hold("bob", target)
    jobs.leave("ann")
    assert not source.exists() and target.exists()
    jobs.leave("bob")
    assert not target.exists()


def test_what_passes_the_limits_is_refused_in_one_line_and_never_copied(tmp_path, inputs, open_jobs, monkeypatch):
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    large = tmp_path / "large.png"
    large.write_bytes(bytes(1_100_000))
    jobs = open_jobs(max_seconds=0.3, max_megabytes=1)
    monkeypatch.setattr(shutil, "copyfile", None)
    for change, complaint in (
        ({}, "source/video.mp4: takes 0.3 s, more than the 0.3 s taken here"),
        ({"source": [text]}, "source/text.mp4: not a readable video"),
        ({"source": [large]}, "source/large.png: has 1.1 MB, more than the 1 MB taken here"),
    ):
        with pytest.raises(VideoError) as caught:
            jobs.begin("ann", {**inputs, **change}, {})
        assert str(caught.value).startswith(complaint) and "\n" not in str(caught.value)
        assert str(tmp_path) not in str(caught.value) and jobs.of("ann") is None


def test_a_video_is_as_long_as_its_frames_whatever_its_header_says(tmp_path):
    frames = numbered_frames(10)
    assert length_of(tmp_path / write_video(tmp_path / "a.mp4", frames, fps=5)) == pytest.approx(2.0)
    # Without an index, as a camera in a browser writes them.
    assert length_of(tmp_path / write_video(tmp_path / "a.ts", frames, fps=5)) == pytest.approx(2.0, abs=0.2)
    check_input(tmp_path / "a.mp4", AppConfig(max_seconds=2.0), "a.mp4")


@pytest.mark.slow
@pytest.mark.once
def test_a_video_without_a_person_is_told_in_the_words_of_the_transfer(tmp_path, inputs):
    (tmp_path / "none.json").write_text("[]")
    poses = [f"--{name}_poses={tmp_path / 'none.json'}" for name in inputs]
    transfer = [sys.executable, "-m", "stmt_tf.transfer", f"--model={model_directory()}", "--pose=alphapose", *poses]
    job = Job(tmp_path / "job", transfer, Wish(inputs, {}))
    assert [progress.stage for progress in job.run()][-1] == "poses"
    assert "shows somebody in 0 of the 8 frames of source/video.mp4" in job.error


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ("--port=99999", "--port must be between 1 and 65535, got 99999\n"),
        ("--model=none", "none: not a model directory, an archive or a URL, and no model has this name ("),
    ],
)
def test_flags_that_cannot_be_are_one_line(flag, complaint):
    done = subprocess.run([sys.executable, "-m", "stmt_tf.app", flag], capture_output=True, text=True, timeout=3600)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"app: {complaint}") and done.stderr.count("\n") == 1
