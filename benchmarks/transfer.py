"""Where the time of a transfer goes: `python -m benchmarks.transfer --source=A.mp4 --target=B.mp4`.

Runs the parts of `stmt_tf.transfer` one after the other, in a process of their own, and prints the processor seconds of
each, all cores together, and its share; and the same of a frame of `--live`, which is made alone and encoded at once.
The command itself runs many of them side by side; its own processor and wall seconds stand below, of a second process
that runs it whole. Processor seconds can be compared on a busy machine, wall seconds cannot. The cache of poses is not
used.
"""

from __future__ import annotations

from benchmarks.speed_settings import TransferProfileConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.transfer", TransferProfileConfig)

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np

from stmt_tf import MotionTransfer
from stmt_tf.evaluate.report import markdown
from stmt_tf.pose.tracks import PosedVideo, estimate_shots
from stmt_tf.transfer.motion import fit_motion
from stmt_tf.transfer.prepare import prepare_source
from stmt_tf.transfer.renderer import Renderer
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.source import make_room
from stmt_tf.video.reader import probe, read_frames
from stmt_tf.video.writer import VideoWriter

_BATCH = 4  # frames made at once, as by the command
_START = "from stmt_tf import MotionTransfer; MotionTransfer.from_pretrained()"


class Profile:
    """Processor seconds of named parts, in the order in which they ran."""

    def __init__(self):
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Adds what the block takes to the part of that name."""
        start = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start

    def table(self, unit: str = "processor seconds", of_a_second: float = 1.0) -> str:
        """A line for each part, in a unit of which a second has so many."""
        total = sum(self.seconds.values())
        rows = [
            [name, f"{of_a_second * each:.1f}", f"{100 * each / total:.0f}%"] for name, each in self.seconds.items()
        ]
        return markdown([["part", unit, "share"], *rows, ["all", f"{of_a_second * total:.1f}", ""]])


def command_seconds(*command: str) -> tuple[float, float]:
    """Wall and processor seconds of a Python process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def profiles(source: str, target: str, output: str) -> tuple[Profile, Profile]:
    """Runs the parts of a transfer, one after the other; also those of one frame of a live one."""
    profile, live = Profile(), Profile()
    profile.seconds["start: imports, model"] = command_seconds("-c", _START)[1]
    config = TransferConfig(source=source, target=target, output=output, pose_cache=False)
    model = MotionTransfer.from_pretrained()._model
    with profile.part("reading both videos for the poses"):
        for video in (source, target):
            for _ in read_frames(video):
                pass
    with profile.part("poses of both"):
        shots = estimate_shots([PosedVideo(source), PosedVideo(target)])
    # Poses are estimated of what is read meanwhile.
    profile.seconds["poses of both"] -= profile.seconds["reading both videos for the poses"]
    with profile.part("source: mattes, plate, held objects"):
        prepared = prepare_source(config, model, shots[0])
    with profile.part("fitting the motion"):
        motion = fit_motion(target, shots[1].joints, prepared.track, config.retarget)
        prepared = make_room(prepared, motion.retargeted)
    with profile.part("encoding the source, first call"):
        renderer = Renderer(model, prepared)
        renderer.anew().render(motion.retargeted[:_BATCH])
    with profile.part("reading the target again"):
        times = [frame.time for frame in motion.frames()]
    _profile_frames(profile, renderer, motion, times, output, _BATCH)

    frames = len(times), len(times) + len(shots[0].joints)
    live.seconds = {
        "reading": profile.seconds["reading the target again"],
        "pose": profile.seconds["poses of both"] * frames[0] / frames[1],
    }
    _profile_frames(live, renderer, motion, times, output, 1, live=True)
    live.seconds = {name: seconds / frames[0] for name, seconds in live.seconds.items()}
    return profile, live


def _profile_frames(
    profile: Profile, renderer: Renderer, motion, times: list[float], output: str, at_once: int, live: bool = False
) -> None:
    model, choice, compositor = renderer._model, renderer.anew()._choice, renderer._compositor
    joints = renderer._source.crop.to_crop(motion.retargeted, renderer._side)
    height, width = renderer.place.shape[:2]
    sound = None if live else motion.path
    with VideoWriter(output, (width, height), probe(motion.path).fps, audio_from=sound, live=live) as video:
        for first in range(0, len(times), at_once):
            poses = joints[first : first + at_once]
            with profile.part("choice of the source frames"):
                source = choice(poses)
            with profile.part("networks and warp"):
                made = model.generate(source, poses, ("foreground", "mask"))
            with profile.part("composition"):
                frames = [compositor.compose(*each) for each in zip(made["foreground"], made["mask"])]
            with profile.part("encoding the video"):
                for frame, shown in zip(frames, times[first : first + at_once]):
                    video.write(frame, shown)


def main(config: TransferProfileConfig) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        output = os.path.join(scratch, "result.mp4")
        whole, live = profiles(config.source, config.target, output)
        print(f"{whole.table()}\n\n{live.table('processor ms of a live frame', 1e3)}", flush=True)
        videos = f"--source={config.source}", f"--target={config.target}", f"--output={output}", "--nopose_cache"
        runs = np.array([command_seconds("-m", "stmt_tf.transfer", *videos) for _ in range(config.repeats)])
        wall, processor = np.median(runs, axis=0)
    print(f"\nthe command: {wall:.1f} s, {processor:.1f} processor seconds, on {os.cpu_count()} cores")
