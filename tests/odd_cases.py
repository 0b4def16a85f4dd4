"""About a hundred odd video files: how each is made, and what is to be seen of it.

Most are one video (`odd_videos.picture`, `odd_videos.beeps`) as another FFmpeg than the reader's encodes it; those
whose times or damage matter are written packet by packet.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import ffmpeg
import numpy as np
import odd_videos

COUNT = 40
_ENCODINGS = Path(__file__).with_name("odd_encodings.txt")
_BASE = "base.nut"
_PRIMING = 1024 / odd_videos.RATE  # seconds by which AAC begins before the picture, where files cannot say to cut it
_HDR = (
    "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,"
    "tonemap=mobius:param=0.3:desat=0:peak=1000/203,zscale=t=bt709:m=bt709:r=tv,format=yuv444p"
)
_WIDE = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,zscale=t=bt709:m=bt709:r=tv,format=yuv444p"


@dataclasses.dataclass(frozen=True)
class Case:
    """One file.

    Attributes:
        group: what is odd about it.
        name: tells it from the others.
        ending: of the file's name.
        make: writes it.
        filters: what another FFmpeg needs to show it as a player does.
        times: seconds at which its frames are to be shown; None: those of the other FFmpeg.
        silent: whether its sound need not be heard.
        error: words of the error that it is refused by; empty: it is read.
    """

    group: str
    name: str
    ending: str
    make: Callable[[Path], object]
    filters: str = "null"
    times: Sequence[float] | None = None
    silent: bool = False
    error: str = ""


def _encoded(group: str, line: str, *before: str, **truth) -> Case:
    """The video as FFmpeg writes it, of a line "ending arguments"; arguments before are those of the input."""
    ending, *arguments = line.split()

    def make(path: Path) -> None:
        base = path.parent / _BASE
        if not base.exists():
            odd_videos.write(base, COUNT, "ffv1", "pcm_s16le", pix_fmt="bgr0")
        ffmpeg.run(*before, "-i", base, "-strict", "-2", *arguments, path)

    return Case(group, " ".join([ending, *before, *arguments]), ending, make, **truth)


def _listed(group: str, **truth) -> list[Case]:
    """The videos of a group in `odd_encodings.txt`."""
    lines = _ENCODINGS.read_text().split(f"# {group}\n")[1].split("\n\n")[0].splitlines()
    return [_encoded(group, line, **truth) for line in lines]


def _written(group: str, name: str, ending: str, truth: dict | None = None, **options) -> Case:
    """The video as PyAV writes it, see `odd_videos.write`."""
    count = options.pop("count", COUNT)
    return Case(group, f"{ending} {name}", ending, lambda path: odd_videos.write(path, count, **options), **truth or {})


def _copied(group: str, name: str, ending: str, *before: str, **truth) -> Case:
    """The packets of a video as FFmpeg copies them; arguments before are those of the input."""

    def make(path: Path) -> None:
        plain = odd_videos.write(path.with_suffix(".plain.mkv"), COUNT)
        ffmpeg.run(*before, "-i", plain, "-c", "copy", path)

    return Case(group, f"{ending} {name}", ending, make, **truth)


def _changed(group: str, name: str, ending: str, change: Callable[[bytes], bytes], truth: dict, **options) -> Case:
    """The bytes of a video, changed."""

    def make(path: Path) -> None:
        odd_videos.write(path, COUNT, **options)
        path.write_bytes(change(path.read_bytes()))

    return Case(group, f"{ending} {name}", ending, make, **truth)


def _without_duration(packet):
    packet.duration = 0
    return packet


def _timelines() -> list[Case]:
    group, even = "timelines", np.arange(COUNT) / 25
    uneven = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.09, COUNT)).round(3)
    rates = [
        _written(group, f"{rate} frames a second", ending, fps=rate, images=odd_videos.pictures(COUNT, fps=rate))
        for ending, rate in (("mp4", Fraction(30000, 1001)), ("mkv", Fraction(24000, 1001)), ("mp4", 60), ("mov", 240))
    ]
    twice = np.arange(2 * COUNT) / 25
    return [
        *rates,
        _written(group, "5 frames a second", "avi", codec="mpeg4", sound="mp2", fps=5),
        *(_written(group, "of uneven times", ending, times=uneven) for ending in ("mp4", "mkv", "mov")),
        _written(group, "of uneven times, no durations", "webm", codec="libvpx", sound="libopus", times=uneven,
                 changes=_without_duration),
        *(_encoded(group, f"{ending} -c:v libx264 -c:a aac -output_ts_offset 1000") for ending in ("ts", "mkv", "mp4")),
        *(_copied(group, "cut without being encoded", ending, "-ss", "0.5") for ending in ("mp4", "mkv", "ts", "mov")),
        *(_encoded(group, f"{ending} -c:v libx264 -vf setpts=PTS+0.4/TB -c:a aac")
          for ending in ("mp4", "mkv", "ts", "flv")),
        *(_encoded(group, f"{ending} -c:v mpeg4 -af asetpts=PTS+0.4/TB -c:a libmp3lame")
          for ending in ("mp4", "mkv", "avi")),
        _encoded(group, "mkv -c:v libx264 -c:a aac", "-itsoffset", "0.4"),
        *(_changed(group, "joined", ending, lambda content: 2 * content, {"times": twice + begin}, codec=codec,
                   sound=sound)
          for ending, codec, sound, begin in (
              ("ts", "libx264", "aac", _PRIMING), ("mkv", "libx264", "aac", 0), ("vob", "mpeg2video", "mp2", 0.01))),
        *(_written(group, f"a clock that leaps by {leap} s", ending, {"times": even + begin}, bf="0",
                   changes=odd_videos.moved_by(leap, 0.8))
          for ending, leap, begin in (("ts", 3600, _PRIMING), ("mkv", 7200, 0), ("mp4", 90, 0))),
        *(_written(group, "frames that refer to later ones", ending, bf="3", sound="ac3",
                   **{"x264-params": "b-adapt=0"}) for ending in ("mkv", "ts")),
        # The other FFmpeg takes the order of decoding for that of presentation.
        _encoded(group, "avi -c:v mpeg4 -tag:v XVID -bf 2 -c:a libmp3lame", times=even),
        _written(group, "frames that refer to later ones", "avi", {"times": even}, bf="3", sound="ac3"),
    ]  # fmt: skip


def _colours() -> list[Case]:
    group = "colours"
    named = [
        _written(group, f"matrix {matrix}, range {reach}", "mkv", sound="aac", pix_fmt=pix_fmt,
                 colour={"colorspace": matrix, "color_range": reach})
        for matrix in (1, 4, 5, 7, 9) for reach, pix_fmt in ((1, "yuv420p"), (2, "yuv422p10le"))
    ]  # fmt: skip
    wide = [
        _written(group, f"primaries {primaries}, transfer {transfer}", "mkv", {"filters": filters}, codec="ffv1",
                 pix_fmt="yuv444p10le", sound="flac", colour={
                     "colorspace": 9, "color_primaries": primaries, "color_trc": transfer, "color_range": 1})
        for primaries, transfer, filters in ((9, 16, _HDR), (9, 18, _HDR), (9, 14, _WIDE), (12, 1, _WIDE))
    ]  # fmt: skip
    refused = [
        _written(group, f"matrix {matrix}", "mkv", {"error": "its colours are stored in a way"}, count=2,
                 colour={"colorspace": matrix}) for matrix in (8, 10, 14)
    ]  # fmt: skip
    high = _encoded(group, "mkv -c:v ffv1 -vf scale=1280:720,format=yuv420p", filters="setparams=colorspace=bt709")
    return [*named, *wide, *refused, *_listed(group), high]


def _shapes() -> list[Case]:
    group = "shapes"
    return [
        *_listed(group),
        *_listed("interlaced", filters="bwdif=mode=send_frame"),
        # The flash is turned as well.
        *(_copied(group, f"turned by {degrees} degrees", "mp4", "-display_rotation", str(degrees), silent=True)
          for degrees in (90, 180, 270)),
    ]  # fmt: skip


def _damaged() -> list[Case]:
    group = "damage"
    cut = {"silent": True}
    front = {"codec": "mpeg4", "g": "1", "container_options": {"movflags": "+faststart"}}
    tail = {"codec": "mpeg4", "g": "1", "sound": "mp2"}
    none = {"error": "not a readable video"}

    def plain(name: str, content: bytes) -> Case:
        return Case(group, name, "mp4", lambda path: path.write_bytes(content), **none)

    def two_thirds(content: bytes) -> bytes:
        return content[: len(content) * 2 // 3]

    def gap(content: bytes) -> bytes:
        third = len(content) // 188 // 3 * 188
        return content[:third] + content[third + third // 188 // 3 * 188 :]

    return [
        _changed(group, "cut off", "mp4", two_thirds, cut, **front),
        *(_changed(group, "cut off", ending, two_thirds, cut, **tail) for ending in ("mkv", "avi", "ts")),
        _changed(group, "cut off before its index", "mp4", two_thirds, none),
        _changed(group, "with a gap", "ts", gap, cut, g="5", bf="0"),
        _changed(group, "with something before it", "ts", lambda content: b"\x00" * 500 + content, {}),
        _changed(group, "with something behind it", "mkv", lambda content: content + b"\xff" * 5000, {}),
        plain("an empty file", b""),
        plain("text", b"hello world\n" * 100),
        plain("a playlist", b"#EXTM3U\nhttp://x.invalid/a.ts\n"),
        _encoded(group, "mka -vn -c:a flac", error="holds only audio"),
    ]


def all_cases() -> list[Case]:
    """All of them."""
    return [
        *_listed("containers and codecs"),
        *_listed("sounds"),
        *_timelines(),
        *_colours(),
        *_shapes(),
        *_damaged(),
    ]
