"""Which videos there are below a directory, each of them once."""

from __future__ import annotations

import itertools
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from absl import logging

from stmt_tf.files import sha256_of
from stmt_tf.video.kinds import NAMES, is_video


def find_videos(directory: str) -> list[str]:
    """Names of the videos below a directory: sorted paths relative to it, with forward slashes.

    Links are followed. A video is what is named like one or, whatever its name, can be read as one; a line tells what
    else there is. Hidden files are no videos: some systems put a small "._a.mp4" beside each "a.mp4".
    """
    found, others = [], Counter()
    for name in _files(directory):
        path = os.path.join(directory, name)
        if not is_named_video(name) and not (_is_regular(path) and is_video(path)):
            others[os.path.splitext(name)[1].lower() or "without an ending"] += 1
        elif is_text(name):
            found.append(name)
    if others:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(others.items()))
        logging.info("%s: %d files are no videos (%s)", directory, sum(others.values()), kinds)
    return sorted(found)


def is_named_video(name: str) -> bool:
    """Whether a file is named like a video, and not hidden."""
    base = os.path.basename(name)
    return not base.startswith(".") and os.path.splitext(base)[1].lower() in NAMES


def is_text(name: str) -> bool:
    """Whether a name can be a video's; if it cannot, a warning tells."""
    if os.fsencode(name).decode(errors="replace") == name:
        return True
    logging.warning("%r is left out, since its name is not UTF-8: rename it", os.fsencode(name))
    return False


def _files(directory: str, below: str = "", above: tuple = ()) -> Iterator[str]:
    """All files below a directory that are not hidden; a link to a directory that it lies in leads nowhere."""
    place = os.path.join(directory, below)
    try:
        status, entries = os.stat(place), sorted(os.scandir(place), key=lambda entry: entry.name)
    except OSError as error:
        logging.warning("%s is left out, since it cannot be read (%s)", place, error.strerror)
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for entry in entries:
        name = f"{below}/{entry.name}" if below else entry.name
        if entry.is_dir():
            yield from _files(directory, name, (*above, here))
        elif not entry.name.startswith("."):
            yield name


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:  # a link to nowhere
        return False


def without_copies(directory: str, names: Sequence[str], is_done: Callable[[str], bool]) -> list[str]:
    """Leaves out, with a warning, all but one of the names of each video: copies would land in several splits.

    Args:
        directory: where the videos lie.
        names: of videos, sorted.
        is_done: whether a video was made already; such a one stays, or else one that no link leads to.
    """
    kept = set(names)
    for same in _copies(directory, names):
        own = (name for name in same if not _is_linked(directory, name))
        first = next(itertools.chain(filter(is_done, same), own, same))
        for name in same:
            if name != first:
                there = "; its records of before are still there: remove them" if is_done(name) else ""
                logging.warning("%s is left out, since it is the same video as %s%s", name, first, there)
                kept.discard(name)
    return [name for name in names if name in kept]


def _copies(directory: str, names: Sequence[str]) -> Iterator[list[str]]:
    """Groups of names, two or more, of files with the same content."""
    by_size = defaultdict(list)
    for name in names:
        path = os.path.join(directory, name)
        if _is_regular(path) and (size := os.path.getsize(path)):
            by_size[size].append(name)
    for same_size in by_size.values():
        by_content = defaultdict(list)
        for name in same_size if len(same_size) > 1 else ():
            by_content[sha256_of(os.path.join(directory, name))].append(name)
        yield from (same for same in by_content.values() if len(same) > 1)


def _is_linked(directory: str, name: str) -> bool:
    return os.path.realpath(os.path.join(directory, name)) != os.path.join(os.path.realpath(directory), name)
