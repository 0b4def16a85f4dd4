"""Makes the person of a video do what a camera or stream shows, while it happens.

    python -m stmt_tf.transfer --source=A.mp4 --live=0
    python -m stmt_tf.transfer --source=A.mp4 --live=rtsp://camera/stream --output=C.mp4

The frames are shown in a window where one can be opened (q or Esc ends it), and written where `--output` is given.
An interrupt is the usual end: the video is complete then.

What a transfer between files measures over the whole target cannot be known here. So the first seconds are calibration:
the person to follow, the scale and place of their motion and the crop are taken from them and stay. After that every
frame goes its way alone. A frame that comes while the one before is being made waits; if a newer one comes it is
dropped, so that the delay does not grow where the machine is slower than the camera.

    capture (thread, the newest frame) -> pose, following (thread) -> retargeting, rendering (thread) -> window, file
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np
from absl import logging

from stmt_tf.pose.estimators import Estimator, PoseError, create_estimator
from stmt_tf.pose.retarget import Fit, fit
from stmt_tf.pose.tracking import LiveTracker, follow_person
from stmt_tf.transfer.panels import side_by_side
from stmt_tf.transfer.renderer import Renderer
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.source import Source, make_room
from stmt_tf.video.capture import capture, shown
from stmt_tf.video.reader import Frame, VideoError
from stmt_tf.video.threads import Latest, overlapped
from stmt_tf.video.writer import VideoWriter

if TYPE_CHECKING:
    from stmt_tf.serving.inference import TransferModel

CALIBRATION = 3.0  # seconds; a few steps or gestures
_STATED_RATE = 25  # of frames in the file's header; each frame has its own time
_CRF = 18  # of the file, whose encoder finds little that repeats
_TITLE = "stmt_tf"
_KEYS_TO_END = (ord("q"), 27)
_PATIENCE = 30.0  # seconds in which a window opens


@dataclasses.dataclass(frozen=True)
class Report:
    """How a live transfer went.

    Attributes:
        latencies: seconds from the arrival of each frame to when it was shown or written.
        seconds: from when the first of them was shown or written to when the last was.
        dropped: frames since the calibration that came too fast.
        wait: seconds from the end of the calibration to when the first frame was shown or written.
    """

    latencies: list[float]
    seconds: float
    dropped: int
    wait: float

    def __str__(self) -> str:
        count = len(self.latencies)
        if not count:
            return "no frame came after the calibration"
        rate = (count - 1) / self.seconds if self.seconds else 0.0
        delays = ", ".join(f"p{p} {1e3 * np.percentile(self.latencies, p):.0f} ms" for p in (50, 90, 99))
        return (
            f"{count} frames, {rate:.1f} a second, from {self.wait:.1f} s after the calibration on; "
            f"from capture to frame out {delays}; {self.dropped} of {count + self.dropped} captured frames dropped"
        )


@functools.cache
def has_display() -> bool:
    """Whether OpenCV can open windows. Tried once, in a process that it may abort: Qt does so without a display."""
    opening = f"import cv2; cv2.namedWindow({_TITLE!r}, cv2.WINDOW_NORMAL)"
    try:
        done = subprocess.run([sys.executable, "-c", opening], capture_output=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def perform(config: TransferConfig, model: TransferModel, source: Source, place: np.ndarray | Source | None) -> Report:
    """Shows and writes frames until the stream ends, the window is closed, or an interrupt comes.

    Args:
        config: which stream, and how it is shown.
        model: makes the frames.
        source: whom to show.
        place: where, as `Renderer` takes it.

    Raises:
        VideoError: the stream cannot be opened, or the output not be written.
        PoseError: the stream, in its first seconds, shows no person.
    """
    # The first frame takes longer than any after it, whatever the crop will be: it makes the graphs.
    Renderer(model, source, config.crop_only, place, config.max_size).render(source.track[:1])
    with contextlib.ExitStack() as stack:
        estimator = stack.enter_context(create_estimator(config.pose, config.pose_model or None))
        frames = stack.enter_context(Latest(_captured(config.live)))
        logging.info("calibration: %g seconds with the whole person in view, please", CALIBRATION)
        track, frame_size, before = _calibrate(config.live, frames, estimator)
        calibrated = time.monotonic()
        fitted = fit(track, source.track, config.retarget)
        logging.info("calibrated: one pixel of the target is %.3g of the source", fitted.scale)
        source = make_room(source, fitted.apply(track))
        renderer = Renderer(model, source, config.crop_only, place, config.max_size)
        # One frame's pose is looked for while the one before is made, and not sooner: a pose that waits grows old.
        tracker = LiveTracker(track, frame_size)
        posed = stack.enter_context(overlapped(_posed(frames, estimator, tracker, len(track)), ahead=1))
        made = stack.enter_context(overlapped(_results(posed, fitted, renderer), ahead=1))
        stopped = stack.enter_context(_interrupts())
        window = stack.enter_context(_window(has_display()))
        writer, first, latencies, moments = None, 0.0, [], []
        for frame, result in made:
            if config.layout == "side_by_side":
                # The source stands still: to decode it, too, would delay what is live.
                result = side_by_side([source.frames[0], frame.image, result])
            if not latencies:
                first = frame.time
                if config.output:
                    size = result.shape[1], result.shape[0]
                    writer = stack.enter_context(VideoWriter(config.output, size, _STATED_RATE, crf=_CRF, live=True))
            if writer is not None:
                writer.write(result, frame.time - first)
            closed = window(result)
            moments.append(time.monotonic())
            latencies.append(moments[-1] - frame.time)
            if closed or stopped.is_set():
                break
        if config.output and not latencies:
            raise VideoError(f"{shown(config.live)}: ended with the calibration. Give a longer stream.")
        seconds, wait = (moments[-1] - moments[0], moments[0] - calibrated) if moments else (0.0, 0.0)
        report = Report(latencies, seconds, frames.dropped - before, wait)
    logging.info("%s", report)
    return report


def _captured(address: str) -> Iterator[Frame]:
    """As `capture`; a stream that breaks off has ended."""
    count = 0
    try:
        for frame in capture(address):
            count += 1
            yield frame
    except VideoError as error:
        if not count:
            raise
        logging.warning("%s The stream ends here, after %d frames", error, count)


def _calibrate(address: str, frames: Latest[Frame], estimator: Estimator) -> tuple[np.ndarray, tuple[int, int], int]:
    """The person's joints `[T, 14, 3]` in the first seconds, the frames' (height, width), how many were dropped."""
    people: list[np.ndarray] = []
    begun = passed = 0.0
    for frame in frames:
        dropped = frames.dropped  # now: while this one is looked at, others may come that are no calibration's
        begun = begun or frame.time
        passed = frame.time - begun
        people.append(estimator.detect(frame.image, len(people)))
        if passed >= CALIBRATION:
            break
    else:
        raise VideoError(
            f"{shown(address)}: ended after {passed:.1f} s, within the {CALIBRATION:g} s of calibration. "
            "Give a longer stream."
        )
    frame_size = frame.image.shape[:2]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            track = follow_person(people, frame_size)
        except PoseError as error:
            raise PoseError(f"{shown(address)}: in the first {CALIBRATION:g} s: {error}") from error
    for warning in told:
        logging.warning("%s: %s", shown(address), warning.message)
    return track, frame_size, dropped


def _posed(
    frames: Iterator[Frame], estimator: Estimator, tracker: LiveTracker, seen: int
) -> Iterator[tuple[Frame, np.ndarray]]:
    # Estimators count the frames that they see, of which calibration had `seen`.
    for number, frame in zip(itertools.count(seen), frames):
        yield frame, tracker.follow(estimator.detect(frame.image, number))


def _results(
    posed: Iterator[tuple[Frame, np.ndarray]], fitted: Fit, renderer: Renderer
) -> Iterator[tuple[Frame, np.ndarray]]:
    for frame, pose in posed:
        yield frame, renderer.render(fitted.apply(pose[np.newaxis]))[0]


@contextlib.contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """An event that is set by what else would end the process; the video is to be completed first."""
    stopped = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stopped.set()) for number in numbers]
    try:
        yield stopped
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)


@contextlib.contextmanager
def _window(wanted: bool):
    """A function that shows an image and tells whether the user asked for the end."""
    if not wanted:
        yield lambda image: False
        return
    cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)

    def show(image: np.ndarray) -> bool:
        cv2.imshow(_TITLE, image[..., ::-1])
        key = cv2.waitKey(1) & 0xFF
        return key in _KEYS_TO_END or cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1

    try:
        yield show
    finally:
        cv2.destroyWindow(_TITLE)
