"""Shows what record files hold: a table of the clips, and a sheet of pictures.

    python -m tfrecords_tools.inspect_clips --records='RECORDS/val-*' --sheet=look.png

On the sheet each clip has a row of frames with the skeleton, and the outline of the person mask where there is
one; and, where there is flow, a row of it from these frames to the next ones, as colours: hue is direction,
brightness is length.
"""

from __future__ import annotations

from stmt_tf import flags
from tfrecords_tools.settings import InspectConfig

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "tfrecords_tools.inspect_clips", InspectConfig)

import contextlib
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from stmt_tf.data.record_files import Address, Damage, find_records, read, scan
from stmt_tf.data.schema import Clip, decode_clip, read_record
from stmt_tf.pose.body import scaled_joints
from stmt_tf.pose.draw import draw_skeleton
from stmt_tf.pose.selection import evenly_spread
from stmt_tf.video.files import VideoError
from stmt_tf.video.flow import flow_picture
from stmt_tf.video.sheet import contact_sheet, write_png

_SHOWN_ROWS = 40
_FRAMES_SHOWN = 8
_LONGEST_FLOW = 0.05  # of the frame's side, shown brightest
_OUTLINE = (255, 0, 255)
_VALIDATE = "; tfrecords_tools.validate finds all that is wrong with records"


@dataclasses.dataclass(frozen=True)
class ClipSummary:
    """One clip in figures.

    Attributes:
        address: where its record lies.
        clip_id: the clip.
        video_id: the video that it is from.
        frames: their number.
        size: (height, width) in pixels.
        fps: frames per second.
        seen: share of all joints that were found.
        masks: whether it has person masks.
        tools: of its poses and its flow.
    """

    address: Address
    clip_id: str
    video_id: str
    frames: int
    size: tuple[int, int]
    fps: float
    seen: float
    masks: bool
    tools: str


def read_records(files: Sequence[str]) -> Iterator[tuple[Address, bytes]]:
    """Yields all records with their addresses.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is damaged, or holds no record.
    """
    for file in files:
        found = None
        for found in scan(file):
            if isinstance(found, Damage):
                raise ValueError(f"{found}; make the file again{_VALIDATE}")
            yield found
        if found is None:
            raise ValueError(f"{file} holds no record; give a file that create_clips made")


@contextlib.contextmanager
def _named(address: Address) -> Iterator[None]:
    """Puts the record's address before an error about it."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{address}: {error}{_VALIDATE}") from error


def summarise(address: Address, record: bytes) -> ClipSummary:
    """The figures of one record; its images are not decoded.

    Raises:
        ValueError: it is not a clip of this schema version, or has no frames or no frame rate.
    """
    clip = read_record(record)
    if not (len(clip["frames"]) and np.isfinite(clip["fps"]) and clip["fps"] > 0):
        raise ValueError(f"has {len(clip['frames'])} frames, {clip['fps']} per second. Write the record anew")
    return ClipSummary(
        address=address,
        clip_id=clip["clip_id"].decode(),
        video_id=clip["video_id"].decode(),
        frames=len(clip["frames"]),
        size=(int(clip["height"]), int(clip["width"])),
        fps=float(clip["fps"]),
        seen=float((clip["joints"][..., 2] > 0).mean()) if len(clip["joints"]) else 0.0,
        masks=len(clip["masks"]) > 0,
        tools=f"{clip['pose_tool'].decode()}, {clip['flow_tool'].decode()}",
    )


def table(summaries: Sequence[ClipSummary]) -> str:
    """The first clips, one a line, and the sums over all."""
    lines = [("clip", "frames", "size", "fps", "joints seen", "masks", "poses, flow", "file")]
    for s in summaries[:_SHOWN_ROWS]:
        size = f"{s.size[1]} x {s.size[0]}"
        masks = "yes" if s.masks else "no"
        file = Path(s.address.path).name
        lines.append((s.clip_id, f"{s.frames}", size, f"{s.fps:g}", f"{s.seen:.0%}", masks, s.tools, file))
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    if len(summaries) > _SHOWN_ROWS:
        text.append(f"... and {len(summaries) - _SHOWN_ROWS} more")
    videos = len({s.video_id for s in summaries})
    frames = sum(s.frames for s in summaries)
    seconds = sum(s.frames / s.fps for s in summaries)
    seen = sum(s.seen * s.frames for s in summaries) / max(1, frames)
    text.append(
        f"{len(summaries)} clips of {videos} videos, {frames} frames, {seconds / 60:.1f} minutes; "
        f"{seen:.1%} of the joints seen"
    )
    return "\n".join(text)


def clip_rows(clip: Clip) -> list[tuple[str, list[np.ndarray]]]:
    """The rows of one clip on the sheet: frames, and flow if it has any."""
    steps = evenly_spread(max(1, len(clip.frames) - 1), _FRAMES_SHOWN)
    pictures = []
    for step in steps:
        # Enlarged first, so that thin lines do not hide a small person.
        factor = max(1, round(256 / clip.frames.shape[1]))
        image = cv2.resize(clip.frames[step], None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
        if clip.masks is not None:
            mask = cv2.resize(clip.masks[step], image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            outlines = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
            cv2.drawContours(image, outlines, -1, _OUTLINE, 1)
        pictures.append(draw_skeleton(image, scaled_joints(clip.joints[step], factor)))
    rows = [(clip.clip_id, pictures)]
    if clip.flows.any():
        longest = _LONGEST_FLOW * clip.frames.shape[1]
        flows = [flow_picture(clip.flows[step], longest) for step in steps if step < len(clip.flows)]
        rows.append((f"flow ({clip.flow_tool}), brightest at {longest:.1f} pixels", flows))
    return rows


def inspect_clips(config: InspectConfig) -> str:
    """Writes the sheet, if one was asked for, and returns the table.

    Raises:
        FileNotFoundError: no file matches.
        OSError: a file cannot be read.
        ValueError: a file is not of sound clips.
        VideoError: the sheet cannot be written.
    """
    files = find_records(config.records)
    summaries = []
    for address, record in tqdm(read_records(files), "reading", unit=" clips", leave=False):
        with _named(address):
            summaries.append(summarise(address, record))
    if config.sheet:
        chosen = evenly_spread(len(summaries), config.num_clips)
        rows = []
        for address in (summaries[index].address for index in chosen):
            with _named(address):
                rows += clip_rows(decode_clip(read(address)))
        write_png(config.sheet, contact_sheet(rows, height=192))
    return table(summaries)


def main(config: InspectConfig) -> None:
    """Prints the table."""
    try:
        print(inspect_clips(config))
    except (OSError, ValueError, VideoError) as error:
        sys.exit(f"inspect_clips: {error}")
    if config.sheet:
        print(f"sheet of at most {config.num_clips} clips (--num_clips): {config.sheet}")
