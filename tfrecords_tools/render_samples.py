"""Renders the two sample videos, so that a transfer can be tried without filming anybody.

    python -m tfrecords_tools.render_samples --output=samples

`source.mp4` shows somebody who walks about and is seen from all sides; `target.mp4` somebody else, elsewhere,
who dances to a soft beat. Both are rendered dancers (`dancers`) of a series of their own, which
no training set should take.
"""

from __future__ import annotations

from stmt_tf import flags
from tfrecords_tools.settings import SamplesConfig

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "tfrecords_tools.render_samples", SamplesConfig)

import os
import tempfile
import wave

import numpy as np
from absl import logging

from dancers import render_video
from stmt_tf.video.reader import VideoError
from stmt_tf.video.writer import VideoWriter

SERIES = 20
SOURCE, TARGET = 38, 6  # clear and lively ones, and the dance fits into the source's picture
FPS = 25
RATE = 44100  # of the sound, per second


def soft_beat(seconds: float, beats_per_minute: float = 120.0) -> np.ndarray:
    """A drum on every beat and a lighter tick between two.

    Returns:
        float32 `[seconds * RATE]` in [-1, 1].
    """
    time = np.arange(round(seconds * RATE)) / RATE
    beat = 60.0 / beats_per_minute
    on, between = time % beat, (time + beat / 2) % beat
    # A drum's tone falls as it fades: from 110 Hz to 50 Hz.
    drum = np.sin(2 * np.pi * (50 * on + 60 * 0.05 * (1 - np.exp(-on / 0.05)))) * np.exp(-on / 0.12)
    tick = np.random.default_rng(0).normal(size=len(time)) * np.exp(-between / 0.015)
    rise = np.minimum(on / 0.004, 1.0)  # no click at the start
    return np.clip(0.5 * drum * rise + 0.04 * tick, -1.0, 1.0).astype(np.float32)


def write_wav(path: str, sound: np.ndarray) -> None:
    """Writes mono sound in [-1, 1] as 16-bit PCM."""
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(sound * 32767).astype("<i2").tobytes())


def write_sample(path: str, index: int, size: int, num_frames: int, audio_from: str | None = None) -> None:
    """Renders dancer `index` of the samples' series into a video."""
    video = render_video(SERIES, index, size, num_frames, FPS)
    with VideoWriter(path, (size, size), FPS, audio_from=audio_from) as writer:
        for frame in video.frames:
            writer.write(frame)


def render_samples(output: str, size: int, num_frames: int) -> None:
    """Writes `source.mp4` and `target.mp4`.

    Raises:
        OSError, VideoError: `output` cannot be written.
    """
    os.makedirs(output, exist_ok=True)
    write_sample(os.path.join(output, "source.mp4"), SOURCE, size, num_frames)
    with tempfile.TemporaryDirectory() as scratch:
        sound = os.path.join(scratch, "beat.wav")
        write_wav(sound, soft_beat(num_frames / FPS))
        write_sample(os.path.join(output, "target.mp4"), TARGET, size, num_frames, audio_from=sound)


def main(config: SamplesConfig) -> None:
    """Writes the samples."""
    try:
        render_samples(config.output, config.size, config.num_frames)
    except (OSError, VideoError) as error:
        raise SystemExit(f"render_samples: {error}") from error
    logging.info("wrote source.mp4 and target.mp4 to %s", config.output)
