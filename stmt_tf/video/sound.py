"""The sound of a file, taken along into another one.

Sound is beside the point: whatever is wrong with it, the video is made, and a warning tells what is left out. It is
copied where MP4 can hold it as it is, its times made to increase, and encoded as AAC elsewhere, in WebM as Opus. It
keeps to the clock of the picture (`stmt_tf.video.timeline`), through leaps of the file's clock, gaps and damage.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import av
import numpy as np

from stmt_tf.files import PathLike
from stmt_tf.video.container import audio_stream, begin, open_media, packets, reason, video_stream, warn
from stmt_tf.video.excerpt import excerpt
from stmt_tf.video.files import VideoError
from stmt_tf.video.timeline import Clock, Section, moves

_COPIED = ("aac", "mp3", "mp3float")
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_AAC_FRAME = 1024
_TOLERANCE = 0.01  # seconds by which sound may be off before it is moved
_PRIMING = 0.3  # seconds before 0 that sound may begin, for decoders to start on: two packets at 8 kHz
_LONGEST = 0.3  # seconds of a packet; of one before a leap of the clock, MP4 tells the leap
_EVERYWHERE = (Section(-math.inf, math.inf, 0.0),)

# Adds a track to an output, and gives the packets for it.
Way = Callable[[av.container.InputContainer, av.container.OutputContainer], Iterator[av.Packet]]


@dataclasses.dataclass(frozen=True)
class Sound:
    """The sound of a file.

    Attributes:
        path: the file.
        begin: seconds that its clock shows at its beginning, or that of the excerpt.
        sections: how sections of it are moved.
        copied: whether it can be copied as it is.
    """

    path: PathLike
    begin: float
    sections: Sequence[Section]
    copied: bool

    def ways(self) -> list[Way]:
        """How it can be taken along, the best first."""
        return [self._copy, self._encode] if self.copied else [self._encode]

    def _copy(self, source: av.container.InputContainer, output: av.container.OutputContainer) -> Iterator[av.Packet]:
        track = audio_stream(source)
        return _guarded(self.path, _copied(self._timed(source, track), output.add_stream_from_template(track)))

    def _encode(self, source: av.container.InputContainer, output: av.container.OutputContainer) -> Iterator[av.Packet]:
        track = audio_stream(source)
        frames = _decoded(self._timed(source, track))
        first = next(frames)
        codec, rates = ("libopus", ()) if output.format.name == "webm" else ("aac", _AAC_RATES)
        rate = first[0].sample_rate if first[0].sample_rate in rates else 48000
        layout = "mono" if first[0].layout.nb_channels == 1 else "stereo"
        stream = output.add_stream(codec, rate=rate, layout=layout)
        return _guarded(self.path, _encoded(itertools.chain([first], frames), stream, rate, layout))

    def _timed(self, source: av.container.InputContainer, track: av.audio.stream.AudioStream) -> Iterator[tuple]:
        """The packets of the track, and the seconds from the file's beginning at which each is heard, or None."""
        move = moves(self.sections)
        next(move)
        for packet in packets(source, track):
            if packet is None:
                continue
            ticks = packet.dts if packet.pts is None else packet.pts
            if ticks is None:
                yield packet, None
                continue
            time = float(ticks * track.time_base)
            time += move.send(time) - self.begin
            if time >= -_PRIMING:  # which NaN is not
                yield packet, time


def find_sound(path: PathLike) -> Sound | None:
    """Goes through a file for its sound; None, after a warning, if it has sound that cannot be taken along.

    Worth calling before hours of work on the picture. The picture is not decoded.

    Raises:
        VideoError: the file cannot be read at all.
    """
    with open_media(path) as source:
        track = audio_stream(source)
        if track is None:
            if source.streams.audio:
                warn(f"{path}: its sound is left out (no decoder for it)")
            return None
        try:
            picture = video_stream(source, path)
        except VideoError:
            picture = None
        start = begin(source, picture)
        clock = None if picture is None else Clock(source, picture, start)
        start += excerpt(path).start
        headers = set()
        for packet in packets(source, *filter(None, (picture, track))):
            if packet is None:
                continue
            if packet.stream_index != track.index:
                clock.place(packet)
            elif packet.size and len(headers) < 2:
                headers.add(_header(track.codec_context, bytes(packet)))
    sections = clock.sections if clock is not None and clock.sections else _EVERYWHERE
    sound = Sound(path, start, sections, len(headers - {None}) == 1 and track.codec_context.name in _COPIED)
    if sound.copied or _is_heard(sound):
        return sound
    warn(f"{path}: its sound is left out (nothing of it can be decoded)")
    return None


def _is_heard(sound: Sound) -> bool:
    with open_media(sound.path) as source:
        return next(_decoded(sound._timed(source, audio_stream(source))), None) is not None


def _header(context: av.audio.codeccontext.AudioCodecContext, data: bytes) -> object:
    """What must be the same in all packets for them to be copied together; None of a damaged one."""
    if context.name == "aac" and context.extradata:
        return True
    if len(data) < 4 or data[0] != 0xFF or data[1] < 0xE0:
        return None
    if context.name == "aac":  # profile, rate, channels
        return data[2] & 0xFD, data[3] & 0xC0
    return data[1] & 0x1E, data[2] & 0x0C, data[3] & 0xC0 == 0xC0  # version and layer, rate, whether mono


def _guarded(path: PathLike, track: Iterator[av.Packet]) -> Iterator[av.Packet]:
    # Whatever is wrong with sound, it is no reason to lose a video that is worth hours of work.
    try:
        yield from track
    except Exception as error:
        why = reason(error) if isinstance(error, OSError) else str(error) or type(error).__name__
        warn(f"{path}: its sound ends early ({why})")


def _copied(timed: Iterator[tuple], stream: av.audio.stream.AudioStream) -> Iterator[av.Packet]:
    end = last = None
    timed = ((packet, time) for packet, time in timed if packet.size)
    for (packet, time), (_, following) in _with_next(timed):
        base = packet.time_base
        length = float((packet.duration or 0) * base)
        if not 0.0 < length < _LONGEST:
            length = _AAC_FRAME / stream.rate
        if time is None:
            time = end or 0.0
        elif end is not None and time < end - _TOLERANCE:
            # One that repeats a time fills the gap that is left behind it; others overlap what was heard already.
            if following is not None and following < end + length - _TOLERANCE:
                continue
            time = end
        end = time + length
        ticks = round(time / base)
        last = ticks if last is None else max(ticks, last + 1)
        packet.pts = packet.dts = last
        packet.stream = stream
        yield packet


def _with_next(items: Iterator[tuple]) -> Iterator[tuple]:
    one, two = itertools.tee(items)
    return zip(one, itertools.chain(itertools.islice(two, 1, None), [(None, None)]))


def _decoded(timed: Iterator[tuple]) -> Iterator[tuple[av.AudioFrame, float | None]]:
    """The frames that can be decoded, and the seconds at which each is heard, or None."""
    for packet, time in timed:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for number, frame in enumerate(frames):
            if frame.samples and frame.sample_rate:
                yield frame, time if number == 0 else None


def _encoded(
    frames: Iterator[tuple], stream: av.audio.stream.AudioStream, rate: int, layout: str
) -> Iterator[av.Packet]:
    for position, block in _blocks(_samples(frames, rate, layout), rate):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, position, Fraction(1, rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _samples(frames: Iterator[tuple], rate: int, layout: str) -> Iterator[tuple[np.ndarray, float | None]]:
    """Frames of any kind, which may change, as float32 `[channels, samples]` of one kind."""
    kind, resampler = None, None
    for frame, time in frames:
        own = (frame.format.name, frame.layout.name, frame.sample_rate)
        if own != kind:
            kind, resampler = own, av.AudioResampler("fltp", layout, rate)
        frame.pts = None  # where the sound belongs is told beside it
        for resampled in resampler.resample(frame):
            yield resampled.to_ndarray(), time
            time = None


def _blocks(pieces: Iterator[tuple[np.ndarray, float | None]], rate: int) -> Iterator[tuple[int, np.ndarray]]:
    """Puts samples where they belong, silence in gaps, and yields blocks of an AAC frame with their positions."""
    position, kept = None, None
    for samples, time in pieces:
        if position is None:
            position, kept = max(0, round((time or 0.0) * rate)), samples[:, :0]
        if time is not None:
            ahead = round(time * rate) - position - kept.shape[1]
            if ahead > _TOLERANCE * rate:
                samples = np.pad(samples, ((0, 0), (ahead, 0)))
            elif ahead < -_TOLERANCE * rate:
                samples = samples[:, -ahead:]
        kept = np.concatenate([kept, samples], axis=1)
        whole = kept.shape[1] // _AAC_FRAME * _AAC_FRAME
        for start in range(0, whole, _AAC_FRAME):
            yield position + start, kept[:, start : start + _AAC_FRAME]
        position, kept = position + whole, kept[:, whole:]
    if kept is not None and kept.shape[1]:
        yield position, kept
