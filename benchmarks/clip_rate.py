"""How many clips an hour the tools make, by their workers: `python -m benchmarks.clip_rate [--workers=1,2] ...`.

Renders videos of dancers and makes clips of them with poses by MediaPipe, as users do, by `beam_clips` on Beam's own
runner and by `create_clips`. Each is run on few videos and on three times as many, and what the second run makes and
takes more than the first is the rate: starting, which takes longer with Beam, does not count, and is told beside it.
"""

from __future__ import annotations

from benchmarks.speed_settings import ClipRateConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.clip_rate", ClipRateConfig)

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dancers.render import render_video
from stmt_tf.data import record_files
from stmt_tf.evaluate.report import markdown
from stmt_tf.video.writer import VideoWriter

_FPS = 12.5
_TOOLS = {
    "create_clips": ("--processes={}",),
    "beam_clips": ("--direct_num_workers={}", "--direct_running_mode=multi_processing"),
}


class Run(NamedTuple):
    """What a run made and took."""

    clips: int
    seconds: float
    cpu_seconds: float


def render(folder: Path, first: int, count: int, config: ClipRateConfig) -> None:
    """Writes videos of so many dancers into a new folder."""
    folder.mkdir()
    for index in range(first, first + count):
        dancer = render_video(5, index, config.size, round(config.seconds * _FPS), _FPS)
        with VideoWriter(folder / f"{index}.mp4", (config.size, config.size), _FPS) as writer:
            for frame in dancer.frames:
                writer.write(frame)


def run(tool: str, arguments: Sequence[str], output: Path) -> Run:
    """Runs a tool; raises RuntimeError if it fails."""
    start, cpu_start = time.perf_counter(), _children_seconds()
    done = subprocess.run(
        [sys.executable, "-m", f"tfrecords_tools.{tool}", f"--output={output}", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{tool} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    clips = sum(record_files.count(str(path)) for path in output.glob("*.tfrecord"))
    return Run(clips, time.perf_counter() - start, _children_seconds() - cpu_start)


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(config: ClipRateConfig) -> None:
    rows = [["tool", "workers", "clips an hour", "clips an hour of a core", "start [s]"]]
    with tempfile.TemporaryDirectory() as scratch:
        few, many = (Path(scratch) / name for name in ("few", "many"))
        render(few, 0, config.videos, config)
        render(many, config.videos, 3 * config.videos, config)
        for tool, workers in _TOOLS.items():
            for count in config.workers:
                flag_values = [f"--size={config.size}", *(each.format(count) for each in workers)]
                made = [
                    run(tool, [f"--videos={videos}", *flag_values], Path(scratch) / f"{tool}-{count}-{videos.name}")
                    for videos in (few, many)
                ]
                clips, seconds, cpu_seconds = (b - a for a, b in zip(*made))
                start = made[0].seconds - made[0].clips * seconds / clips
                rates = (3600 * clips / seconds, 3600 * clips / cpu_seconds, start)
                rows.append([tool, str(count), *(f"{rate:.0f}" for rate in rates)])
    print(markdown(rows), end="")
