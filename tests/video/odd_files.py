"""Reads and writes about a hundred odd videos (`odd_cases`), and holds them against another FFmpeg: tables in Markdown.

    python tests/video/odd_files.py [--output=TABLE.md] [--only=WORDS]

A file has to show all frames, at times within half a frame of the other FFmpeg's, in colours within 3 of 255; and what
is written of it as many frames at the same times, its sound within 20 ms of the picture; or it is refused by one line.
Anything else is a finding. --only takes those whose names hold some words.
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import av  # noqa: E402
import ffmpeg  # noqa: E402
import numpy as np  # noqa: E402
import odd_videos  # noqa: E402
from odd_cases import Case, all_cases  # noqa: E402

from stmt_tf.video.reader import VideoError, probe, read_frames  # noqa: E402
from stmt_tf.video.writer import VideoWriter  # noqa: E402

_COLOUR, _STEP = 3.0, 0.02  # of 255; seconds
_CLOSE = 0.0015  # seconds by which a written frame's time may be off


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a file.

    Attributes:
        frames: how many it has shown, and how many it had to.
        time: seconds by which a frame is off, in frames.
        colour: by which a patch of the chart is off, of 255.
        sound: seconds by which what is written has its sound off; None where there is none.
        error: the line it was refused by.
        findings: what is wrong.
    """

    frames: tuple[int, int] = (0, 0)
    time: float = 0.0
    colour: float = 0.0
    sound: float | None = None
    error: str = ""
    findings: tuple[str, ...] = ()


def outcome(case: Case, folder: Path) -> Outcome:
    """Makes the file, reads it and writes it."""
    path = folder / f"odd.{case.ending}"
    try:
        case.make(path)
        return _held(case, path, *_through(path, folder / "made.mp4"))
    except VideoError as error:
        line = str(error)
        right = case.error and case.error in line and "\n" not in line
        return Outcome(error=line, findings=() if right else (f"refused: {line}",))
    except subprocess.CalledProcessError as error:
        return Outcome(findings=(f"ffmpeg fails: {error.stderr.decode().splitlines()[-1]}",))
    except Exception as error:  # whatever it is, it is a finding
        return Outcome(findings=(f"{type(error).__name__}: {error}",))
    finally:
        path.unlink(missing_ok=True)


def _through(path: Path, made: Path) -> tuple[list[float], list[np.ndarray]]:
    """Writes a video with its sound as it is read; times of its frames, and the first and last of them."""
    info = probe(path)
    times, ends = [], []
    with VideoWriter(made, (info.width, info.height), info.fps, audio_from=path) as video:
        for frame in read_frames(path):
            video.write(frame.image, frame.time)
            times.append(frame.time)
            ends = [*ends[:1], frame.image]
    return times, ends


def _held(case: Case, path: Path, times: list[float], ends: list[np.ndarray]) -> Outcome:
    made = path.parent / "made.mp4"
    height, width = ends[0].shape[:2]
    shown = ffmpeg.frames(path, width, height, case.filters)
    expected = ffmpeg.times(path) if case.times is None else case.times
    rate = float(probe(path).fps)
    findings = []
    if len(times) != len(expected):
        findings.append(f"{len(times)} of {len(expected)} frames")
    same = len(times) == len(expected)
    time = float(np.abs(np.subtract(times, expected)).max()) * rate if same else 0.0
    pairs = zip(ends, (shown[0], shown[-1])) if same and len(shown) == len(times) else [(ends[0], shown[0])]
    colour = max(float(np.abs(odd_videos.patches(own) - odd_videos.patches(other)).max()) for own, other in pairs)
    with av.open(str(made)) as container:
        written = [frame.time for frame in container.decode(video=0)]
    if len(written) != len(times) or np.abs(np.subtract(written, times)).max() > _CLOSE:
        findings.append(f"written with {len(written)} frames at other times")
    sound = None if case.silent else _sound_off(path, made)
    if case.error:
        findings.append(f"not refused ({case.error})")
    if time > 0.5:
        findings.append(f"times off by {time:.2f} frames")
    if colour > _COLOUR:
        findings.append(f"colours off by {colour:.1f}")
    if sound is not None and not sound <= _STEP:
        findings.append(f"sound off by {1000 * sound:.0f} ms")
    return Outcome((len(times), len(expected)), time, colour, sound, findings=tuple(findings))


def _sound_off(path: Path, made: Path) -> float | None:
    """Seconds by which sound and picture are apart, but for what they are in the file itself; None: it is silent."""
    if not probe(path).has_audio:
        return None
    apart = odd_videos.apart(made)
    return float(np.nanmin([apart, abs(apart - odd_videos.apart(path))]))


def rows(outcomes: list[tuple[Case, Outcome]]) -> list[str]:
    """A table of all files."""
    lines = ["| file | frames | time [frames] | colour | sound [ms] | finding |", "|---|---:|---:|---:|---:|---|"]
    for case, found in outcomes:
        sound = "" if found.sound is None else f"{1000 * found.sound:.0f}"
        told = "; ".join(found.findings) or found.error and f"refused ({case.error})"
        figures = f"{found.frames[0]} of {found.frames[1]} | {found.time:.2f} | {found.colour:.1f} | {sound}"
        lines.append(f"| `{case.name}` | {figures} | {told} |")
    return lines


def summary(outcomes: list[tuple[Case, Outcome]]) -> list[str]:
    """A table of the groups: counts, and the worst of each figure."""
    lines = [
        "| odd | files | read | refused in one line | findings | time [frames] | colour | sound [ms] |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for group in dict.fromkeys(case.group for case, _ in outcomes):
        some = [found for case, found in outcomes if case.group == group]
        refused, wrong = sum(bool(found.error) for found in some), sum(bool(found.findings) for found in some)
        worst = [max(getattr(found, name) or 0.0 for found in some) for name in ("time", "colour", "sound")]
        counts = f"{len(some)} | {len(some) - refused} | {refused} | {wrong}"
        lines.append(f"| {group} | {counts} | {worst[0]:.2f} | {worst[1]:.1f} | {1000 * worst[2]:.0f} |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", help="file to write the tables to")
    parser.add_argument("--only", default="", help="words of the names of some files")
    options = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for case in all_cases():
            if options.only in f"{case.group} {case.name}":
                outcomes.append((case, outcome(case, Path(folder))))
                print(rows(outcomes)[-1], flush=True)
    tables = "\n".join([*summary(outcomes), "", *rows(outcomes)])
    if options.output:
        Path(options.output).write_text(tables + "\n")
    print("\n".join(summary(outcomes)))
    return int(any(found.findings for _, found in outcomes))


if __name__ == "__main__":
    sys.exit(main())
