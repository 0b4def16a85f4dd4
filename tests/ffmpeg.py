"""Another FFmpeg than the one in PyAV, to make what PyAV cannot and to see what players show."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="needs imageio-ffmpeg (pip install .[test])")


def run(*arguments: str, content: bytes = b"") -> bytes:
    """Runs ffmpeg and returns what it writes to stdout."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


def make(path, *arguments: str, source: str = "testsrc2=s=192x128:r=25:d=1") -> str:
    """Writes a video of a source of libavfilter's."""
    run("-f", "lavfi", "-i", source, *arguments, path)
    return str(path)


def frames(path, width: int, height: int, filters: str = "null") -> np.ndarray:
    """All frames as ffmpeg shows them, uint8 `[T, H, W, 3]`."""
    filters += f",scale={width}:{height}"
    raw = run("-i", path, "-an", "-vf", filters, "-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def times(path) -> np.ndarray:
    """Seconds at which ffmpeg shows each frame, float64 `[T]`."""
    # With the sound, since times count from the earlier one.
    how = ("-map", "0:v:0", "-map", "0:a?", "-c:v", "rawvideo", "-c:a", "pcm_s16le", "-s", "16x16")
    how += ("-fps_mode", "passthrough", "-enc_time_base:v", "1:90000")
    lines = run("-i", path, *how, "-f", "framecrc", "-").decode().splitlines()
    return np.array([int(line.split(",")[2]) / 90000 for line in lines if line.startswith("0,")])
