"""How the frames of a video are stored, by the extension of its file.

| extension         | opaque      | transparent |
|-------------------|-------------|-------------|
| .mp4, .m4v        | H.264       |             |
| .mov              | H.264       | ProRes 4444 |
| .webm             | VP9         | VP9         |
| .gif              | 256 colours, 640 pixels at most | |
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from stmt_tf.files import PathLike
from stmt_tf.video.files import VideoError


class Encoding(NamedTuple):
    """How frames are stored.

    Attributes:
        container: as FFmpeg calls it.
        codec: the encoder, as FFmpeg calls it.
        pixels: the format of its pixels, as FFmpeg calls it.
        options: of the encoder.
        has_sound: whether the container can hold sound.
        shortest: seconds between two frames, at least.
        largest: pixels of the longer side at most, to which frames are made smaller; 0: any.
    """

    container: str
    codec: str
    pixels: str
    options: dict[str, str] = {}
    has_sound: bool = True
    shortest: float = 0.0
    largest: int = 0


_FRONT = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
EXTENSIONS = (*_FRONT, ".webm", ".gif")
_TRANSPARENT = (".webm", ".mov")
_VP9 = {"crf": "22", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}


def encoding_of(path: PathLike, transparent: bool = False, crf: int = 15, live: bool = False) -> Encoding:
    """How the frames of a file of this name are stored.

    Args:
        path: the file.
        transparent: whether the frames may be transparent.
        crf: quality of H.264, see `VideoWriter`.
        live: whether time matters more than the file's size, see `VideoWriter`.

    Raises:
        VideoError: a file of this name is no video, or cannot be transparent.
    """
    extension = Path(path).suffix.lower()
    if extension not in EXTENSIONS:
        raise VideoError(f"{path}: unsupported extension {extension!r}. Use one of {', '.join(EXTENSIONS)}.")
    if transparent and extension not in _TRANSPARENT:
        raise VideoError(f"{path}: a {extension} file cannot be transparent. Use {' or '.join(_TRANSPARENT)}.")
    if extension == ".gif":
        # Players show a frame of a shorter time for a tenth of a second. At full size, a few seconds are a dozen times
        # as large as an MP4.
        return Encoding("gif", "gif", "pal8", has_sound=False, shortest=0.02, largest=640)
    if extension == ".webm":
        if transparent:  # VP9 cannot keep frames for reference alone where alpha goes beside them
            return Encoding("webm", "libvpx-vp9", "yuva420p", {**_VP9, "auto-alt-ref": "0"})
        return Encoding("webm", "libvpx-vp9", "yuv420p", _VP9)
    if transparent:
        return Encoding("mov", "prores_ks", "yuva444p10le", {"profile": "4444", "vendor": "apl0"})
    # There are no B-frames: with them, containers lose the exact times of a variable frame rate, and they would save
    # but a few percent of the size.
    # "veryfast" at a crf of 15 comes as near to the frames as "fast" at 18, in half the time and 1.25 times the room.
    preset = "ultrafast" if live else "veryfast"
    return Encoding(_FRONT[extension], "libx264", "yuv420p", {"crf": str(crf), "preset": preset, "bf": "0"})
