r"""Makes the page of a user study from two directories of videos.

    python -m stmt_tf.study build --first=results/ours --second=results/single \
        --names="ours,single frame" --output=study.html

Videos of the same name in the two directories are a pair: two methods' results for the same source and
target. They lie in the directories themselves or in subdirectories, whose names become the subsets of the table:

  results/ours/same/walk.mp4     results/single/same/walk.mp4       in the table: Same-Video
  results/ours/cross/dance.mp4   results/single/cross/dance.mp4     in the table: Cross-Video

For each pair the page asks "Which video looks more realistic?" and "Which video contains less flicker artifacts?";
the answers are left, right and not sure. Every participant gets another order of the pairs, and each method on the
left half of the time. Progress is kept if the page is closed. The methods' names are never shown, though the page's
source and the answers have them.

Videos of a pair have one shape, take equally long, and at most a minute. H.264 is taken as it is, anything else is
encoded anew; sound is left out. The page is a third larger than its videos, and 200 MB at most: 20 videos of 5 seconds
at 256 x 256 make about 5 MB.
"""

from __future__ import annotations

from stmt_tf import flags
from stmt_tf.study.settings import BuildConfig

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "stmt_tf.study.build", BuildConfig)

import base64
import dataclasses
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import av

from stmt_tf.files import PathLike, whole_file
from stmt_tf.study.answers import NOT_SURE, QUESTIONS, SCHEMA
from stmt_tf.video.container import open_media, video_stream
from stmt_tf.video.files import VideoError, check_writable
from stmt_tf.video.reader import probe, read_frames
from stmt_tf.video.writer import VideoWriter

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")
_LARGEST_PAGE = 200_000_000  # bytes; beyond, phones do not open it
_LARGEST_INPUT = 20 * _LARGEST_PAGE  # no encoding makes such videos fit; told before all of them are decoded
_LONGEST = 60.0  # seconds: nobody compares what was seen longer ago
_CRF = 12  # of what has to be encoded anew: lossless to the eye, whatever the input had lost already
_PAGE = Path(__file__).parent  # of page.html, and of page.css and page.js, which are written into it


@dataclasses.dataclass(frozen=True)
class Pair:
    """Results of two methods for the same source and target.

    Attributes:
        name: path below the directories, such as same/walk.mp4.
        subset: its subdirectory, or nothing.
        files: the first and the second method's video.
    """

    name: str
    subset: str
    files: tuple[Path, Path]


def build(first: PathLike, second: PathLike, names: str, output: PathLike) -> str:
    """Writes the page; it appears when it is complete.

    Args:
        first: directory of the first method's videos.
        second: directory of the second method's videos, of the same names.
        names: both methods' names, with a comma between.
        output: the file to make, .html.

    Returns:
        A sentence on what was made.

    Raises:
        ValueError: the directories do not hold the same videos, or too much; or the names are no two names.
        VideoError: a video cannot be read, or the page cannot be written.
    """
    if Path(output).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--output={output}: a page's name ends in .html. Choose such a name")
    check_writable(output)
    methods = parse_names(names)
    pairs = find_pairs(Path(first), Path(second))
    size = sum(path.stat().st_size for pair in pairs for path in pair.files)
    if size > _LARGEST_INPUT:
        raise ValueError(
            f"--first={first} and --second={second}: hold {size / 1e9:.1f} GB of videos, for a page of at most "
            f"{_LARGEST_PAGE / 1e6:.0f} MB. Take fewer, shorter or smaller videos"
        )
    shapes = [check_pair(pair) for pair in pairs]
    content = describe(pairs, shapes, methods)
    before, after = _template(content).split("<!-- videos -->\n")
    with whole_file(output) as hidden, open(hidden, "w", encoding="utf-8") as page:
        page.write(before)
        for number, pair in enumerate(pairs):
            for side, path in enumerate(pair.files):
                data = base64.b64encode(browser_video(path)).decode("ascii")
                page.write(
                    f'<script type="text/plain" id="video-{number}-{side}">data:video/mp4;base64,{data}</script>\n'
                )
                if page.tell() > _LARGEST_PAGE:
                    raise ValueError(
                        f"{path}: with this video, number {2 * number + side + 1} of {2 * len(pairs)}, the page "
                        f"exceeds {_LARGEST_PAGE / 1e6:.0f} MB. Take fewer, shorter or smaller videos"
                    )
        page.write(after)
    return (
        f"{output}: {len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'}, {os.path.getsize(output) / 1e6:.1f} MB, "
        f"study {content['study']}"
    )


def parse_names(names: str) -> list[str]:
    """The two names in `names`."""
    methods = [name.strip() for name in names.split(",")]
    if len(methods) != 2 or not all(methods) or methods[0] == methods[1] or NOT_SURE in methods:
        raise ValueError(f'--names={names!r}: takes two names, with a comma between, such as "ours,single frame"')
    return methods


def find_pairs(first: Path, second: Path) -> list[Pair]:
    """The videos of the same names in two directories and their subdirectories, in the order of their names.

    Raises:
        ValueError: there are none, or a name is on one side only.
    """
    found = []
    for flag, directory in (("first", first), ("second", second)):
        if not directory.is_dir():
            raise ValueError(f"--{flag}={directory}: is no directory. Give the directory of a method's videos")
        found.append(_videos(directory))
        if not found[-1]:
            raise ValueError(f"--{flag}={directory}: holds no videos ({', '.join(VIDEOS)}), nor do its subdirectories")
    if first.resolve() == second.resolve():
        raise ValueError(f"--first and --second are the same directory, {first}. Give two methods' videos")
    single = sorted(set(found[0]) ^ set(found[1]))
    if single:
        there, missing = (first, second) if single[0] in found[0] else (second, first)
        more = f" (and {len(single) - 1} more)" if len(single) > 1 else ""
        raise ValueError(f"{single[0]}: is in {there}, not in {missing}{more}. Each pair needs both methods' videos")
    return [Pair(name, name.rpartition("/")[0], (found[0][name], found[1][name])) for name in sorted(found[0])]


def _videos(directory: Path) -> dict[str, Path]:
    paths = [*directory.glob("*"), *directory.glob("*/*")]
    return {
        path.relative_to(directory).as_posix(): path
        for path in paths
        if path.suffix.lower() in VIDEOS
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(directory).parts)
    }


def check_pair(pair: Pair) -> float:
    """Decodes both videos of a pair; returns their width over their height.

    Raises:
        VideoError: a video is damaged.
        ValueError: the two cannot be compared.
    """
    shapes, durations = [], []
    for path in pair.files:
        info = probe(path)
        end = 0.0
        for frame in read_frames(path):
            end = frame.time + float(1 / info.fps)
            if end > _LONGEST:
                raise ValueError(f"{path}: takes longer than {_LONGEST:.0f} s. Cut it shorter")
        shapes.append((info.width, info.height))
        durations.append(end)
    aspects = [width / height for width, height in shapes]
    if not 0.98 < aspects[0] / aspects[1] < 1.02:
        sizes = " and ".join(f"{width} x {height}" for width, height in shapes)
        raise ValueError(f"{pair.name}: the two videos have different shapes, {sizes} pixels. Give results of one crop")
    if abs(durations[0] - durations[1]) > 0.2:
        lengths = " and ".join(f"{duration:.1f} s" for duration in durations)
        raise ValueError(f"{pair.name}: the two videos take {lengths}. Give results of the same target")
    return aspects[0]


def describe(pairs: list[Pair], shapes: list[float], methods: list[str]) -> dict[str, Any]:
    """What the page knows beside the videos; the study's id is a hash of all that matters to the answers."""
    hashes = [[hashlib.sha256(path.read_bytes()).hexdigest() for path in pair.files] for pair in pairs]
    for pair, (one, other) in zip(pairs, hashes):
        if one == other:
            raise ValueError(f"{pair.name}: is the same file in both directories. Give two methods' results")
    questions = [{"key": question.key, "text": question.text} for question in QUESTIONS]
    material = json.dumps([SCHEMA, methods, questions, [[pair.name, *of] for pair, of in zip(pairs, hashes)]])
    return {
        "schema": SCHEMA,
        "study": hashlib.sha256(material.encode("utf-8")).hexdigest()[:12],
        "methods": methods,
        "questions": questions,
        "pairs": [
            {"name": pair.name, "subset": pair.subset, "shape": round(shape, 4)} for pair, shape in zip(pairs, shapes)
        ],
    }


def _template(content: dict[str, Any]) -> str:
    page = (_PAGE / "page.html").read_text(encoding="utf-8")
    for name in ("page.css", "page.js"):
        page = page.replace(f"/* {name} */\n", (_PAGE / name).read_text(encoding="utf-8"))
    # In JSON's strings the escape means the same, and no name can end the script.
    return page.replace("/* study */", json.dumps(content).replace("<", "\\u003c"))


def browser_video(path: Path) -> bytes:
    """The video as an mp4 that browsers play: its own H.264 where it has such, upright, else encoded anew."""
    info = probe(path)
    with tempfile.TemporaryDirectory() as directory:
        made = Path(directory) / "video.mp4"
        with open_media(path) as source:
            stream = video_stream(source, path)
            context = stream.codec_context
            upright = info.rotation == 0 and not info.mirrored
            upright = upright and (info.width, info.height) == (context.width, context.height)
            as_it_is = context.name == "h264" and context.pix_fmt == "yuv420p" and upright
            if as_it_is:
                _copy(source, stream, made)
        if not as_it_is:
            with VideoWriter(made, (info.width, info.height), info.fps, crf=_CRF) as video:
                for frame in read_frames(path):
                    video.write(frame.image, frame.time)
        return made.read_bytes()


def _copy(source: av.container.InputContainer, stream: av.VideoStream, path: Path) -> None:
    start = stream.start_time or 0
    with av.open(f"file:{path}", "w", format="mp4") as container:
        copied = container.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is None:  # the empty packet at the end
                continue
            packet.pts -= start
            packet.dts -= start
            packet.stream = copied
            container.mux(packet)


def main(config: BuildConfig) -> None:
    """Writes the page and says what is in it."""
    try:
        print(build(config.first, config.second, config.names, config.output))
    except (OSError, ValueError, VideoError) as error:
        sys.exit(f"study build: {error}")
