"""Videos as people have them, to be read and written: a flash of the picture and a beep every 0.6 seconds.

They are made with PyAV directly, and measured without what is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import av
import numpy as np

FPS, RATE = 25, 48000
EVERY = 0.6  # seconds between flashes: whole frames at 25 and at 30 a second
_BEEP = 0.06  # seconds
# Patches of the colour chart in the lower half of each frame.
PATCHES = ((180, 60, 60), (60, 160, 80), (70, 80, 170), (200, 180, 60), (128, 128, 128), (225, 225, 225))


def picture(number: int, width: int = 192, height: int = 128, fps: float = FPS) -> np.ndarray:
    """Frame `number`: white above where it is at a flash, else grey that tells the number; colours below."""
    image = np.zeros((height, width, 3), np.uint8)
    flash = number % round(EVERY * fps) == 0
    image[: height // 2] = 255 if flash else 40 + number % 10 * 5
    for patch, colour in enumerate(PATCHES):
        image[height // 2 :, width * patch // len(PATCHES) : width * (patch + 1) // len(PATCHES)] = colour
    return image


def pictures(count: int, width: int = 192, height: int = 128, fps: float = FPS) -> list[np.ndarray]:
    return [picture(number, width, height, fps) for number in range(count)]


def patches(image: np.ndarray) -> np.ndarray:
    """The mean colour within each patch of the chart, `[6, 3]`, of a frame of any size."""
    height, width = image.shape[:2]
    middles = [round(width * (patch + 0.5) / 6) for patch in range(6)]
    half = max(1, width // 32)
    rows = slice(round(0.69 * height), max(round(0.81 * height), round(0.69 * height) + 1))
    return np.stack([image[rows, x - half : x + half].reshape(-1, 3).mean(0) for x in middles])


def beeps(seconds: float, channels: int = 2, rate: int = RATE) -> np.ndarray:
    """float32 `[channels, samples]`, a tone of 1 kHz at each flash."""
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time) * (time % EVERY < _BEEP)
    return np.repeat(tone[None].astype(np.float32), channels, axis=0)


def write(
    path,
    count: int = 50,
    codec: str = "libx264",
    sound: str | None = "aac",
    times: Sequence[float] | None = None,
    fps: int = FPS,
    images: Sequence[np.ndarray] | None = None,
    pix_fmt: str = "yuv420p",
    layout: str = "stereo",
    rate: int = RATE,
    sound_starts: float = 0.0,
    container: str | None = None,
    container_options: dict[str, str] | None = None,
    colour: dict[str, int] | None = None,
    changes=lambda packet: packet,
    **options: str,
) -> str:
    """Writes a video with sound; `changes` gets every packet before it is muxed, and may drop it (None)."""
    times = [number / fps for number in range(count)] if times is None else times
    images = pictures(count, fps=fps) if images is None else images
    with av.open(str(path), "w", format=container, options=container_options or {}) as output:
        video = output.add_stream(codec, rate=fps, options=options)
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt = pix_fmt
        for name, value in (colour or {}).items():
            setattr(video.codec_context, name, value)
        if codec not in ("mpeg1video", "mpeg2video", "mpeg4", "h263", "flv", "msmpeg4v3", "wmv2", "dvvideo", "rv10"):
            video.codec_context.time_base = Fraction(1, 90000)
        base = video.codec_context.time_base or Fraction(1, fps)
        streams = [_video_packets(video, images, times, base)]
        if sound is not None:
            audio = output.add_stream(sound, rate=rate, layout=layout)
            audio.codec_context.bit_rate = 128000
            streams.append(_audio_packets(audio, times[-1] + 1 / fps, sound_starts))
        output.start_encoding()
        # In the order of decoding, as recorders write them.
        packets = sorted((packet for stream in streams for packet in stream), key=lambda p: p.dts * p.time_base)
        for packet in packets:
            if (packet := changes(packet)) is not None:
                output.mux(packet)
    return str(path)


def _video_packets(stream, images, times, base):
    for image, time in zip(images, times):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=stream.pix_fmt)
        frame.pts, frame.time_base = round(time / base), base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _audio_packets(stream, seconds, starts):
    context = stream.codec_context
    channels, rate = context.layout.nb_channels, context.rate
    samples = beeps(seconds, channels, rate)[:, round(starts * rate) :]
    size = context.frame_size or 1024
    resampler = av.AudioResampler(context.format, context.layout, rate)
    for start in range(0, samples.shape[1], size):
        block = np.ascontiguousarray(samples[:, start : start + size])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=context.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, start + round(starts * rate), Fraction(1, rate)
        for part in resampler.resample(frame):
            yield from stream.encode(part)
    yield from stream.encode(None)


def moved_by(seconds: float, begin: float) -> Callable[[av.Packet], av.Packet]:
    """Changes packets of what is written: those from a time in seconds on are that much later."""

    def change(packet):
        if packet.dts * packet.time_base >= begin:
            packet.pts += round(seconds / packet.time_base)
            packet.dts += round(seconds / packet.time_base)
        return packet

    return change


def flashes(path) -> list[float]:
    """Seconds at which frames flash, as the file has their times."""
    with av.open(f"file:{path}") as source:
        frames = [(f.time, f.to_ndarray(format="gray")[: f.height // 2].mean()) for f in source.decode(video=0)]
    return [time for time, level in frames if level > 180]


def beeps_heard(path) -> list[float]:
    """Seconds at which a beep sets in, as the file has its sound; empty without any."""
    with av.open(f"file:{path}") as source:
        if not source.streams.audio:
            return []
        times, levels, end, kind = [], [], 0.0, None
        for frame in source.decode(audio=0):
            if kind != (kind := (frame.format.name, frame.layout.name, frame.sample_rate)):
                resampler = av.AudioResampler("fltp", "mono", RATE)
            for part in resampler.resample(frame):
                samples = part.to_ndarray()[0]
                if part.time is not None:
                    end = part.time
                times.append(end + np.arange(len(samples)) / RATE)
                end += len(samples) / RATE
                levels.append(np.abs(samples))
    time, loud = np.concatenate(times), np.concatenate(levels) > 0.1
    onsets = np.flatnonzero(loud)
    # A beep begins where the tenth of a second before was silent.
    return [float(time[i]) for k, i in enumerate(onsets) if k == 0 or time[i] - time[onsets[k - 1]] > 0.1]


def apart(path) -> float:
    """Seconds by which sound and picture are apart at most, over all flashes that have a beep near them."""
    seen, heard = np.array(flashes(path)), np.array(beeps_heard(path))
    if not len(seen) or not len(heard):
        return float("nan")
    nearest = np.abs(seen[:, None] - heard[None]).min(1)
    return float(nearest.max())
