"""Live transfers and what they capture, of files, local streams and pretended cameras."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from dancer import dance
from threads import running_stages
from tiny_model import model_directory
from transfers import Painter
from videos import number_of, numbered_frames, write_video
from words import own_lines

from stmt_tf import MotionTransfer
from stmt_tf.pose import tracks
from stmt_tf.pose.estimators import Estimator, PoseError
from stmt_tf.transfer import checks, live, prepare
from stmt_tf.transfer.checks import check_live
from stmt_tf.transfer.command import main
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video import capture as capture_module
from stmt_tf.video.capture import capture
from stmt_tf.video.reader import Frame, VideoError, probe, read_frames
from stmt_tf.video.threads import Latest

SAMPLES = Path(__file__).parents[2] / "samples"
LENGTH = 50
# A dancer who fits frames of 64 x 48 pixels, one pose for each number that a frame can have.
POSES = dance(frames=LENGTH) * np.array([0.2, 0.2, 1.0], np.float32)
NOBODY = np.zeros((0, 14, 3), np.float32)
HAS_DISPLAY = live.has_display.__wrapped__


class Reader(Estimator):
    """Finds the pose of the number that a frame shows, or nobody in frames darker than `least`."""

    name = "reader"
    least = 0

    def __init__(self):
        self.indices, self.numbers = [], []

    def detect(self, frame, index):
        assert not self.indices or index > self.indices[-1]
        number = number_of(frame, LENGTH)
        self.indices.append(index)
        self.numbers.append(number)
        return POSES[[number]] if number >= self.least else NOBODY


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert running_stages() == []


@pytest.fixture(autouse=True)
def quick_and_blind(monkeypatch):
    """Calibration of 0.2 seconds, no display, and an estimator that needs no model."""
    monkeypatch.setattr(live, "CALIBRATION", 0.2)
    for module in (checks, live):
        monkeypatch.setattr(module, "has_display", lambda: False)
    for module in (live, tracks):
        monkeypatch.setattr(module, "create_estimator", lambda *_: Reader())


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Two seconds, numbered."""
    return write_video(tmp_path_factory.mktemp("video") / "numbers.mp4", numbered_frames(LENGTH), crf="10")


@pytest.fixture
def ended(capfd):
    """A function that runs the command's main, which says nothing but the line that it ends with, and gives that."""

    def end(config):
        with pytest.raises(SystemExit) as caught:
            main(config)
        said = capfd.readouterr()
        assert said.out == "" and own_lines(said.err) == []
        return caught.value.code

    return end


def settings(video, folder, **others):
    return TransferConfig(**{"source": video, "live": video, "output": str(folder / "result.mp4"), **others})


def test_every_frame_after_the_calibration_is_made_or_counted_as_dropped(tmp_path, video, monkeypatch, caplog):
    class SlowAtFirst(Reader):
        def detect(self, frame, index):
            if index < 2:
                time.sleep(0.15)  # frames of the calibration are dropped, too
            return super().detect(frame, index)

    reader, streams = SlowAtFirst(), []

    def latest(stage):
        streams.append(Latest(stage))
        return streams[-1]

    monkeypatch.setattr(live, "create_estimator", lambda *_: reader)
    monkeypatch.setattr(live, "Latest", latest)
    config = settings(video, tmp_path)
    with caplog.at_level("INFO", logger="absl"):
        report = MotionTransfer(Painter()).run_live(config)
    times = [frame.time for frame in read_frames(config.output)]
    assert len(report.latencies) == len(times) > 10
    assert times[0] == 0 and (np.diff(times) > 0).all()
    (captured,) = streams
    assert len(reader.numbers) + captured.dropped == LENGTH
    of_calibration = reader.numbers[: -len(times)]  # no pose is looked for in vain
    assert len(of_calibration) >= 2 and len(times) + report.dropped == LENGTH - 1 - of_calibration[-1]
    assert min(report.latencies) > 0 and report.seconds > 1.0
    assert "calibration: 0.2 seconds" in caplog.text and "one pixel of the target is 1 of the source" in caplog.text
    assert str(report) in caplog.text
    images = np.stack([frame.image for frame in read_frames(config.output)]).astype(int)
    assert (images[..., 0] - images[..., 1] > 80).any((1, 2)).all()  # the Painter's person


@pytest.mark.parametrize("held_objects", [False, True])
def test_the_source_is_repaired_before_the_calibration(tmp_path, video, monkeypatch, held_objects):
    done, calibrate = [], live._calibrate
    monkeypatch.setattr(prepare, "whole_person", lambda model, source, side: done.append("repair") or source)
    monkeypatch.setattr(live, "_calibrate", lambda *given: done.append("calibration") or calibrate(*given))
    MotionTransfer(Painter()).run_live(settings(video, tmp_path, held_objects=held_objects))
    assert done == (["calibration"] if held_objects else ["repair", "calibration"])


def test_what_is_late_is_dropped_and_the_delay_does_not_grow(tmp_path, video):
    class Slow(Painter):
        def generate(self, *arguments):
            time.sleep(0.15)
            return super().generate(*arguments)

    report = MotionTransfer(Slow()).run_live(settings(video, tmp_path))
    assert len(report.latencies) <= 14 and report.dropped >= 20
    # Without dropping, each frame would be 0.11 s later than the one before it.
    early, late = np.median(report.latencies[:4]), np.median(report.latencies[-4:])
    assert late < 2 * early + 0.3


def test_beside_the_frame_that_is_shown_one_waits_that_is_made_and_one_that_is_posed(tmp_path, video, monkeypatch):
    @contextlib.contextmanager
    def window(_):
        yield lambda image: time.sleep(0.15) or looked_for.append(len(reader.numbers))

    reader, looked_for = Reader(), []
    monkeypatch.setattr(live, "create_estimator", lambda *_: reader)
    monkeypatch.setattr(live, "_window", window)
    report = MotionTransfer(Painter()).run_live(settings(video, tmp_path, output=""))
    count = len(report.latencies)
    of_calibration = len(reader.numbers) - count
    assert count == len(looked_for) > 3
    assert (np.array(looked_for) <= of_calibration + np.arange(count) + 3).all()


def test_the_rate_is_that_of_what_comes_out(tmp_path, video, monkeypatch):
    class Slow(Painter):
        def generate(self, *arguments):
            time.sleep(0.3)
            return super().generate(*arguments)

    @contextlib.contextmanager
    def window(_):
        yield lambda image: shown.append(time.monotonic()) or len(shown) == 3

    shown = []
    monkeypatch.setattr(live, "_window", window)
    begun = time.monotonic()
    report = MotionTransfer(Slow()).run_live(settings(video, tmp_path, output=""))
    assert 0.3 <= report.wait < shown[0] - begun  # of the slow model's first frame
    assert report.seconds == pytest.approx(shown[-1] - shown[0], abs=0.1)  # and not 0.3 s more


def test_the_report_tells_percentiles_and_rates():
    report = live.Report([0.1] * 50 + [0.2] * 40 + [0.4] * 10, seconds=9.9, dropped=300, wait=1.25)
    assert str(report) == (
        "100 frames, 10.0 a second, from 1.2 s after the calibration on; from capture to frame out p50 150 ms, p90 220 "
        "ms, p99 400 ms; 300 of 400 captured frames dropped"
    )
    assert str(live.Report([], 0.0, 3, 0.0)) == "no frame came after the calibration"


def test_an_interrupt_completes_the_video(tmp_path, video):
    config = settings(video, tmp_path)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    class Interrupting(Painter):
        made = 0

        def generate(self, *arguments):
            self.made += 1
            if self.made == 7:
                os.kill(os.getpid(), signal.SIGINT)
            return super().generate(*arguments)

    report = MotionTransfer(Interrupting()).run_live(config)
    assert 3 <= len(report.latencies) <= 8
    assert probe(config.output).num_frames == len(report.latencies)
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_a_stream_that_breaks_off_has_ended(tmp_path, video, monkeypatch, caplog):
    def breaking(address):
        for frame in capture(address):
            if frame.index == 25:
                raise VideoError(f"{address}: sends nothing.")
            yield frame

    monkeypatch.setattr(live, "capture", breaking)
    config = settings(video, tmp_path)
    report = MotionTransfer(Painter()).run_live(config)
    assert "sends nothing. The stream ends here, after 25 frames" in caplog.text
    assert probe(config.output).num_frames == len(report.latencies)


def test_a_fault_while_it_runs_leaves_nothing(tmp_path, video):
    class Faulty(Painter):
        made = 0

        def generate(self, *arguments):
            self.made += 1
            if self.made == 6:
                raise MemoryError
            return super().generate(*arguments)

    with pytest.raises(MemoryError):
        MotionTransfer(Faulty()).run_live(settings(video, tmp_path))
    assert os.listdir(tmp_path) == []


def test_side_by_side_shows_the_stream_too(tmp_path, video):
    config = settings(video, tmp_path, layout="side_by_side")
    MotionTransfer(Painter()).run_live(config)
    info = probe(config.output)
    assert info.width > 3 * 64 and info.height == 256


def test_a_window_shows_the_frames_and_ends_on_q(tmp_path, video, monkeypatch):
    seen = []
    monkeypatch.setattr(live, "has_display", lambda: True)
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: seen.append("opened"))
    monkeypatch.setattr(cv2, "imshow", lambda title, image: seen.append(image.shape))
    monkeypatch.setattr(cv2, "waitKey", lambda _: ord("q") if len(seen) == 4 else -1)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "destroyWindow", lambda _: seen.append("closed"))
    report = MotionTransfer(Painter()).run_live(settings(video, tmp_path, output=""))
    assert seen == ["opened", *[(48, 64, 3)] * 3, "closed"]
    assert len(report.latencies) == 3 and os.listdir(tmp_path) == []


def test_nobody_in_the_first_seconds_is_one_line(tmp_path, video, monkeypatch):
    class Blind(Reader):
        least = LENGTH

    monkeypatch.setattr(live, "create_estimator", lambda *_: Blind())
    with pytest.raises(PoseError) as caught:
        MotionTransfer(Painter()).run_live(settings(video, tmp_path))
    assert str(caught.value).startswith(f"{video}: in the first 0.2 s: A person was found in 0% of ")
    assert "\n" not in str(caught.value) and os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("times", "complaint"),
    [
        ([10.0, 10.05, 10.1], "0: ended after 0.1 s, within the 0.2 s of calibration. Give a longer stream."),
        ([10.0, 10.05, 10.25], "0: ended with the calibration. Give a longer stream."),
        ([], "0: ended after 0.0 s, within the 0.2 s of calibration. Give a longer stream."),
    ],
)
def test_a_stream_that_ends_within_or_with_the_calibration_is_one_line(tmp_path, video, monkeypatch, times, complaint):
    looked_at = threading.Semaphore(0)

    class Signalling(Reader):
        def detect(self, frame, index):
            looked_at.release()
            return super().detect(frame, index)

    def short(_):
        for index, (image, moment) in enumerate(zip(numbered_frames(LENGTH), times)):
            yield Frame(image, moment, index)
            looked_at.acquire(timeout=3600)

    monkeypatch.setattr(live, "capture", short)
    monkeypatch.setattr(live, "create_estimator", lambda *_: Signalling())
    with pytest.raises(VideoError) as caught:
        MotionTransfer(Painter()).run_live(settings(video, tmp_path, live="0"))
    assert str(caught.value) == f"camera {complaint}" and os.listdir(tmp_path) == []


def test_what_cannot_work_is_found_at_once_in_one_line(tmp_path, video):
    (tmp_path / "text.mp4").write_text("no video")
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        refused = f"http://user:secret@127.0.0.1:{unused.getsockname()[1]}/a.mp4"
        cases = {
            "no such camera": ({"live": "97"}, "camera 97: cannot be opened"),
            "a URL that is refused": ({"live": refused}, "http://127.0.0.1:"),
            "a missing file": ({"live": "none.mp4"}, "none.mp4: cannot be read (No such file"),
            "a text file": ({"live": str(tmp_path / "text.mp4")}, "text.mp4: cannot be read (Invalid data"),
            "a missing source": ({"source": "none.mp4"}, "none.mp4: no such file"),
            "a target too": ({"target": "b.mp4"}, "takes the place of --target=b.mp4"),
            "a preview": ({"preview": "a.png"}, "--live goes without --preview=a.png"),
            "results of a tool": ({"pose": "openpose"}, "runs here: --pose=mediapipe, movenet, rtmlib; got openpose"),
            "no output and no display": ({"output": ""}, "no window can be opened here: give --output"),
            "output over the source": ({"output": video}, "another flag names it too"),
            "an unknown extension": ({"output": f"{tmp_path}/a.avi"}, "unsupported extension"),
            "more source frames than there are": ({"num_source_frames": 99}, "has 50 frames"),
        }
        check_live(settings(video, tmp_path))
        for name, (change, complaint) in cases.items():
            with pytest.raises((ValueError, VideoError)) as caught:
                check_live(settings(video, tmp_path, **change))
            assert complaint in str(caught.value), name
            assert "\n" not in str(caught.value) and "secret" not in str(caught.value), name
    assert os.listdir(tmp_path) == ["text.mp4"]


@pytest.mark.parametrize("named", [{"DISPLAY": ":97"}, {"WAYLAND_DISPLAY": "wayland-97"}, {}])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are named on Linux")
def test_a_display_that_cannot_be_opened_is_one_line(video, named, monkeypatch, ended):
    monkeypatch.setattr(checks, "has_display", HAS_DISPLAY)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    told = "transfer: --live has nowhere to show frames, as no window can be opened here: give --output"
    assert ended(TransferConfig(source=video, live=video)) == told


@pytest.mark.parametrize(
    ("opening", "possible"),
    [("pass", True), ("raise Exception('of a headless OpenCV')", False), ("import time; time.sleep(60)", False)],
)
def test_windows_are_there_if_one_can_be_opened_in_time(tmp_path, monkeypatch, opening, possible):
    (tmp_path / "cv2.py").write_text(f"WINDOW_NORMAL = 0\n\ndef namedWindow(*_):\n    {opening}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(live, "_PATIENCE", 2.0 if "sleep" in opening else 60.0)
    assert HAS_DISPLAY() is possible


def test_a_stream_that_cannot_be_read_ends_the_command_with_one_line(tmp_path, video, ended):
    told = "transfer: none.mp4: cannot be read (No such file or directory). Check the address."
    assert ended(settings(video, tmp_path, live="none.mp4")) == told and os.listdir(tmp_path) == []


@pytest.mark.asset("pose_landmarker")
@pytest.mark.slow
@pytest.mark.once
def test_the_command_follows_a_sample_and_tells_how_it_went(tmp_path):
    output = tmp_path / "result.mp4"
    flags = {"source": SAMPLES / "source.mp4", "live": SAMPLES / "target.mp4", "output": output}
    command = [sys.executable, "-m", "stmt_tf.transfer", f"--model={model_directory()}"]
    command += [f"--{name}={value}" for name, value in flags.items()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    told = done.stderr.splitlines()
    count = probe(output).num_frames
    assert f"] {count} frames, " in told[-2] and "p50" in told[-2] and "captured frames dropped" in told[-2]
    assert told[-1].endswith(f"] wrote {output}")


def test_a_file_comes_whole_at_its_own_pace(tmp_path):
    times = [0.0, 0.05, 0.3, 0.35]
    path = write_video(tmp_path / "a.mp4", numbered_frames(4), times=times)
    start = time.monotonic()
    frames = list(capture(path))
    assert [number_of(frame.image, 4) for frame in frames] == [frame.index for frame in frames] == [0, 1, 2, 3]
    arrived = np.array([frame.time for frame in frames])
    assert (arrived - start >= times).all() and arrived[-1] <= time.monotonic()


def test_a_stream_over_http_comes_whole(tmp_path):
    write_video(tmp_path / "stream.ts", numbered_frames(12), fps=50)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        frames = list(capture(f"http://127.0.0.1:{server.server_port}/stream.ts"))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert [number_of(frame.image, 12) for frame in frames] == list(range(12))


def test_a_stream_over_udp_is_joined_where_it_is(tmp_path):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stop = threading.Event()

    def send():
        with av.open(f"udp://127.0.0.1:{port}?pkt_size=1316", "w", format="mpegts") as container:
            stream = container.add_stream("libx264", rate=25, options={"tune": "zerolatency", "g": "5"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for number, image in enumerate(numbered_frames(20) * 500):
                if stop.wait(0.01):
                    break
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with contextlib.closing(capture(f"udp://127.0.0.1:{port}")) as frames:
            numbers = [number_of(next(frames).image, 20) for _ in range(8)]
    finally:
        stop.set()
        sender.join()
    assert [(number - numbers[0]) % 20 for number in numbers] == list(range(8))


def test_a_stream_that_sends_nothing_is_told(monkeypatch):
    monkeypatch.setattr(capture_module, "_OPENING", 0.3)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        with pytest.raises(VideoError, match="sends nothing"):
            next(capture(f"http://127.0.0.1:{silent.getsockname()[1]}/a.mp4"))


def test_a_camera_gives_rgb_until_it_is_pulled_out(monkeypatch):
    class Camera:
        released = False

        def __init__(self, number):
            assert number == 3
            self.images = [np.full((48, 64, 3), (0, 0, 200), np.uint8)] * 2

        def isOpened(self):  # noqa: N802
            return True

        def read(self):
            return (True, self.images.pop()) if self.images else (False, None)

        def release(self):
            Camera.released = True

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    frames = capture("3")
    assert [next(frames).image[0, 0].tolist() for _ in range(2)] == [[200, 0, 0]] * 2
    with pytest.raises(VideoError, match="camera 3: gives no more frames"):
        next(frames)
    assert Camera.released
