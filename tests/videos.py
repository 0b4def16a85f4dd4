"""Tiny video files for the tests, made with PyAV directly and not with what is tested."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np


def numbered_frames(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Grey frames, lighter from one to the next; `number_of` tells them apart after encoding."""
    levels = [16 + 220 * i // max(1, count - 1) for i in range(count)]
    return [np.full((height, width, 3), level, np.uint8) for level in levels]


def number_of(image: np.ndarray, count: int) -> int:
    """Which of `count` numbered frames an image shows."""
    return round((float(image.mean()) - 16) * max(1, count - 1) / 220)


def four_corners(width: int = 64, height: int = 48) -> np.ndarray:
    """Red top left, green top right, blue bottom left, white bottom right."""
    image = np.full((height, width, 3), 255, np.uint8)
    image[: height // 2, : width // 2] = (255, 0, 0)
    image[: height // 2, width // 2 :] = (0, 255, 0)
    image[height // 2 :, : width // 2] = (0, 0, 255)
    return image


def write_video(
    path,
    images: Sequence[np.ndarray],
    times: Sequence[float] | None = None,
    fps: int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    pixel_aspect: int = 1,
    **options: str,
) -> str:
    """Encodes images (of even sizes for H.264) at `times` or at `fps`; rotation is metadata alone."""
    front = {"movflags": "+faststart"} if str(path).endswith(".mp4") else {}
    times = [i / fps for i in range(len(images))] if times is None else times
    with av.open(str(path), "w", options=front) as container:
        stream = container.add_stream(codec, rate=fps, options={"bf": "0", **options})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, 90000)
        stream.codec_context.sample_aspect_ratio = Fraction(pixel_aspect)
        for image, time in zip(images, times):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = round(time * 90000), Fraction(1, 90000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if rotation:
        set_rotation(path, rotation)
    return str(path)


def set_rotation(path, rotation: int) -> None:
    """Writes a display matrix into an mp4 file, as phones do; degrees clockwise."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation]
    one = 1 << 16
    matrix = [cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30]
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    data[start : start + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)


def write_audio(path, codec: str = "aac", seconds: float = 2.0, rate: int = 44100) -> str:
    """Encodes a tone of 440 Hz, in stereo."""
    count = int(seconds * rate)
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(count) / rate)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, context.layout, rate, frame_size=1024)
        frame = av.AudioFrame.from_ndarray(np.repeat(tone, 2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for part in resampler.resample(frame) + resampler.resample(None):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return str(path)
