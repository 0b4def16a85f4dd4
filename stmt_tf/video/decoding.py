"""From a file to decoded frames with their times, past whatever damage there is.

Damage is decoded as far as it goes, and counted in a warning at the end; it is an error only where most of a video is
lost. Damaged packets before the first frame do not count, as recordings of broadcasts begin with them.
"""

from __future__ import annotations

from collections.abc import Iterator

import av

from stmt_tf.files import PathLike
from stmt_tf.video.container import begin, beyond_end, decoder_of, packets, reason, stated_length, warn
from stmt_tf.video.files import VideoError
from stmt_tf.video.timeline import Clock

_NEAR_DAMAGE = 4  # packets; a gap in time so soon after damage belongs to it
_CUT_OFF = 0.5  # seconds that a video may be shorter than its header says, and 2% of it


class Track:
    """The frames of one video track, once, in the order of presentation.

    Args:
        container: the file, just opened.
        stream: the track.
        path: named in what is told.

    Attributes:
        clock: the times of what was read.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.video.stream.VideoStream, path: PathLike):
        self._container, self._stream, self._path = container, stream, path
        self._decoder = decoder_of(stream)
        self.clock = Clock(container, stream, begin(container, stream))
        self._frames = self._damaged = self._lost = 0
        self._why = "not in the file"

    def frames(self) -> Iterator[tuple[av.VideoFrame, float]]:
        """Yields frames with their times in seconds from the file's beginning.

        Raises:
            VideoError: there are none, or most of them are lost.
        """
        since_damage = _NEAR_DAMAGE
        for packet in packets(self._container, self._stream):
            decoded, lost = [], packet is None
            if packet is not None:
                self.clock.place(packet, since_damage < _NEAR_DAMAGE)
                try:
                    decoded = self._decoder.decode(packet)
                except av.error.FFmpegError as error:
                    lost, self._why = True, reason(error)
            since_damage += 1
            if lost or packet.is_corrupt:
                since_damage = 0
                self._damaged += self._frames > 0
                self._lost += lost and self._frames > 0
            for frame in decoded:
                self._frames += 1
                self._damaged += frame.is_corrupt and since_damage > 0
                yield frame, self.clock.time(frame)
        self._tell()

    def _tell(self) -> None:
        if not self._frames:
            raise VideoError(f"{self._path}: the video has no frames. Give one with at least one frame.")
        leaps = len(self.clock.sections) - 1
        if leaps > 0:
            warn(f"{self._path}: its clock leaps {_counted(leaps, 'time')}; what follows is shown without a gap")
        lost = self._lost + self.clock.missing
        missing = self._missing_at_end(self._frames + lost)
        lost += missing
        share = f"{lost} of {lost + self._frames} frames are lost" if lost else "no frame is lost"
        why = "cut off" if missing else f"damaged in {_counted(self._damaged, 'place')}"
        if lost > self._frames:
            raise VideoError(f"{self._path}: {why}; {share} ({self._why}). Use a whole copy.")
        if lost or self._damaged:
            warn(f"{self._path}: {why}; {share}")

    def _missing_at_end(self, known: int) -> int:
        stated = stated_length(self._container, self._stream)
        if stated is not None and len(self.clock.sections) == 1 and self.clock.end < 0.98 * stated - _CUT_OFF:
            return round((stated - self.clock.end) * float(self.clock.rate))
        behind, cut = beyond_end(self._container, self._stream)
        # A frame that the end cuts is read or not, and then decoded, found damaged, or passed over.
        return behind + min(cut, max(0, self._stream.frames - behind - known))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
