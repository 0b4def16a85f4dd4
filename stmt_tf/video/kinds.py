"""Which files are videos: by their content, where their names do not say so."""

from __future__ import annotations

from stmt_tf.files import PathLike
from stmt_tf.video.container import open_media, video_stream
from stmt_tf.video.files import VideoError

# A file of such a name is meant to be a video; whether it can be read is found by reading it.
NAMES = (
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m2v", ".m4v", ".mkv",
    ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm",
    ".wmv", ".wtv",
)  # fmt: skip
_STILLS = ("image2", "ico", "tty")  # and text, which is drawn


def is_video(path: PathLike) -> bool:
    """Whether a file holds moving pictures that can be decoded, whatever its name."""
    try:
        with open_media(path) as container:
            video_stream(container, path)
            kind = container.format.name
    except VideoError:
        return False
    return kind not in _STILLS and not kind.endswith("_pipe")
