"""Frames as they come: from a camera, or from a stream or file that PyAV can open.

Nothing here waits for who uses the frames; `stmt_tf.video.threads.Latest` is made for that.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import av
import cv2
import numpy as np

from stmt_tf.video.colour import Screen
from stmt_tf.video.container import reason, video_stream
from stmt_tf.video.files import VideoError
from stmt_tf.video.reader import Frame

# Seconds that a stream may take to answer, and then to send more.
_OPENING, _SILENCE = 10.0, 5.0


def capture(address: str) -> Iterator[Frame]:
    """Yields the frames of a camera or stream when they arrive, those of a recording at its own pace.

    A frame's `time` is that of `time.monotonic` at its arrival. What is damaged of a stream is left out.

    Args:
        address: a camera's number, a URL (rtsp, http, udp, ...), or a file.

    Raises:
        VideoError: nothing can be had from there, or the stream falls silent.
    """
    images = _camera(int(address)) if address.isdecimal() else _stream(address)
    for index, image in enumerate(images):
        yield Frame(image, time.monotonic(), index)


def shown(address: str) -> str:
    """The address for messages: a camera named as one, a password that is part of a URL left out."""
    return f"camera {address}" if address.isdecimal() else re.sub(r"//[^/@]*@", "//", address)


def _camera(number: int) -> Iterator[np.ndarray]:
    # It would tell of every way in which it failed to open the camera. OpenCV 4 and 5 have this in different places.
    (getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel)(0)
    camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise VideoError(f"camera {number}: cannot be opened. Check its number, and that nothing else uses it.")
        while True:
            arrived, image = camera.read()
            if not arrived:
                raise VideoError(f"camera {number}: gives no more frames. Check its connection.")
            yield np.ascontiguousarray(image[..., ::-1])
    finally:
        camera.release()


def _stream(address: str) -> Iterator[np.ndarray]:
    # As in `open_media`, a colon in a file's name is no protocol.
    url = address if "://" in address else f"file:{address}"
    try:
        with av.open(url, timeout=(_OPENING, _SILENCE), metadata_errors="replace") as container:
            stream = video_stream(container, shown(address))
            stream.thread_type = "SLICE"  # threads that take a frame each would hold as many back
            recorded = container.duration is not None
            screen, begun, first = Screen(stream, shown(address)), 0.0, 0.0
            for frame in _decode(container, stream):
                if screen.size is None:
                    begun, first = time.monotonic(), frame.time or 0.0
                if recorded and frame.time is not None:
                    wait = begun + frame.time - first - time.monotonic()
                    time.sleep(min(max(0.0, wait), _SILENCE))  # a damaged time may be years ahead
                yield screen.show(frame)[0]
    except av.error.ExitError as error:  # what PyAV's timeout makes of it
        raise VideoError(f"{shown(address)}: sends nothing. Check that the stream is on.") from error
    except av.error.FFmpegError as error:
        raise VideoError(f"{shown(address)}: cannot be read ({reason(error)}). Check the address.") from error


def _decode(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> Iterator[av.VideoFrame]:
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        yield from frames
