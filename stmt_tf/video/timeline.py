"""One clean timeline for each video, whatever its container says of times.

A file may join sections of recordings, or its clock may leap: packets are moved, so that one follows the other. Frames
get times that increase. Where the header's frame rate makes no sense, it is taken from these times. Sound goes by the
same clock: `Clock.sections` tells how each section of the file was moved.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np

from stmt_tf.video.container import NO_TIMES, TIMES_MAY_LEAP

# AVI has no times of presentation, and what the demuxer makes of its order of decoding is wrong where frames refer to
# later ones.
_DECODING_ORDER = ("avi",)
# Seconds without a frame, beyond which time leapt: in transport streams and the like, and elsewhere.
_LEAP, _LONGEST_STILL = 10.0, 60.0
_BACK = 0.5  # seconds; by less, packets go back that were put into the order of decoding
_LOOKED_AT = 200  # packets, for the rate
_USUAL_RATE = Fraction(25)
_LOWEST_RATE, _HIGHEST_RATE = 0.2, 300
_AGREES = 1.6  # a header's rate is the average, one of the packets that of fields or of most frames
_NEAR_WHOLE = 0.01


@dataclasses.dataclass
class Section:
    """A stretch of a file in which time runs on.

    Attributes:
        start, stop: seconds by the file's clock, from the first frame's beginning to the last one's end.
        moved: seconds to add.
    """

    start: float
    stop: float
    moved: float


class Clock:
    """Follows the packets of one video track, and then its frames.

    Args:
        container: the file.
        stream: its track.
        begin: seconds that the file's clock shows at its beginning.

    Attributes:
        sections: of the file, as far as it was read; more than one if its clock leapt.
        missing: frames that are not there although the clock ran on, beside packets that were damaged.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.video.stream.VideoStream, begin: float):
        self.sections: list[Section] = []
        self.missing = 0
        self._begin = begin
        self._tick = float(stream.time_base)
        self._header = _header_rate(stream)
        self._decoding_order = container.format.name in _DECODING_ORDER
        self._timeless = bool(container.format.flags & NO_TIMES)  # and begins with its first frame
        self._leap = _LEAP if container.format.flags & TIMES_MAY_LEAP else _LONGEST_STILL
        self._newest: float | None = None  # by the file's clock, of the packets of this section
        self._end = self._newest_shown = 0.0
        self._times: list[float] = []
        self._first_key: float | None = None
        self._delay: float | None = None
        self._last: float | None = None

    def place(self, packet: av.Packet, damaged: bool = False) -> None:
        """Moves a packet to its time; `damaged` tells whether anything was between it and the last."""
        own = packet.pts if packet.dts is None else packet.dts
        if own is None:
            return
        now = own * self._tick
        shown = now if packet.pts is None else packet.pts * self._tick
        lasts = (packet.duration or 0) * self._tick
        if not 0.0 < lasts <= self._leap:  # a leap is the duration of the packet before, in MP4
            lasts = 1 / float(self._header or _USUAL_RATE)
        ahead = 0.0 if self._newest is None else now - self._newest
        if self._newest is None or ahead > self._leap or ahead < -max(_BACK, 10 * lasts):
            moved = self._newest_shown + self.interval - shown if self.sections else 0.0
            self.sections.append(Section(shown, shown, moved))
            self._newest = now
        elif damaged and ahead > 1.5 * self.interval:
            self.missing += round(ahead / self.interval) - 1
        section = self.sections[-1]
        self._newest = max(self._newest, now)
        section.start, section.stop = min(section.start, shown), max(section.stop, shown + lasts)
        self._end = max(self._end, shown + lasts + section.moved)
        self._newest_shown = max(self._newest_shown, shown + section.moved)
        if len(self._times) < _LOOKED_AT:
            self._times.append((now if self._decoding_order else shown) + section.moved)
        if self._first_key is None and packet.is_keyframe:
            self._first_key = now
        if section.moved:
            ticks = round(section.moved / self._tick)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks

    def time(self, frame: av.VideoFrame) -> float:
        """Seconds from the file's beginning at which a frame is shown; frames come in the order of presentation."""
        shown = self._stated(frame)
        if self._last is None:
            if self._timeless:
                self._begin, shown = self._begin + (shown or 0.0), 0.0
            shown = max(0.0, shown or 0.0)
        elif shown is None:
            shown = self._last + self.interval
        elif shown <= self._last:
            # Close by, so that a frame too late by a fault of the file moves few of the others.
            shown = self._last + self.interval / 2
        self._last = shown
        return shown

    def _stated(self, frame: av.VideoFrame) -> float | None:
        ticks = frame.dts if frame.pts is None or self._decoding_order else frame.pts
        if ticks is None:
            return None
        shown = ticks * self._tick
        if self._delay is None:
            # In the order of decoding, all frames come late by those that the decoder holds back.
            self._delay = shown - self._first_key if self._decoding_order and self._first_key is not None else 0.0
        return shown - self._delay - self._begin

    @property
    def end(self) -> float:
        """Seconds to the end of what was read: from 0 of the file's clock, as headers count, or from before it."""
        return self._end - min(0.0, self._begin)

    @property
    def rate(self) -> Fraction:
        """Frames per second: the header's, unless the times of the packets read so far say something else."""
        measured = rate_of(self._times)
        if measured is None:
            return self._header or _USUAL_RATE
        if self._header and 1 / _AGREES < self._header / measured < _AGREES:
            return self._header
        # Of interlaced video, each field may be a packet.
        return self._header if self._header and round(measured / self._header, 2) == 2 else measured

    @property
    def interval(self) -> float:
        """Seconds from a frame to the next, usually."""
        return 1 / float(self.rate)


def rate_of(times: Sequence[float]) -> Fraction | None:
    """The rate of frames that are shown at these seconds, in any order; None where they do not tell.

    Of frames whose times jitter, as a browser records them, this is the mean rate; pauses do not count.
    """
    steps = np.diff(np.unique(times))
    if not len(steps):
        return None
    usual = np.median(steps)
    rate = 1 / steps[(steps > 0.5 * usual) & (steps < 1.5 * usual)].mean()
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        return None
    whole = max(1, round(rate))
    near = abs(rate - whole) < _NEAR_WHOLE * whole
    return Fraction(whole) if near else Fraction(rate).limit_denominator(1001)


def _header_rate(stream: av.video.stream.VideoStream) -> Fraction | None:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and _LOWEST_RATE <= rate <= _HIGHEST_RATE:
            return Fraction(rate)
    return None


def moves(sections: Sequence[Section]) -> Iterator[float]:
    """A generator for sound: is sent times by the file's clock, and yields seconds to add to each; NaN: in no section.

    Sound passes to the next section where its own clock leaps, wherever that is between packets of the picture.
    """
    number, last, move = 0, None, 0.0
    while True:
        now = yield move
        if last is not None and now < last - _BACK and number + 1 < len(sections):
            number += 1
        elif not _near(sections[number], now):
            number = next((n for n in range(number + 1, len(sections)) if _near(sections[n], now)), number)
        last = now
        move = sections[number].moved if _near(sections[number], now, _LEAP) else float("nan")


def _near(section: Section, time: float, tolerance: float = 1.0) -> bool:
    return section.start - tolerance <= time <= section.stop + tolerance
