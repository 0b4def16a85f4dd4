"""Settings of a transfer."""

from __future__ import annotations

import dataclasses
import math
import os

from stmt_tf.config import (
    model_to_take,
    require_at_least,
    require_choices,
    require_minutes,
    require_positive,
    require_seed,
    setting,
)
from stmt_tf.pose.retarget import MODES
from stmt_tf.pose.settings import pose_cache, pose_model, pose_tool, source_selection
from stmt_tf.video.excerpt import Excerpt

_LOWEST_RATE, _HIGHEST_RATE = 1.0, 240.0  # frames per second
PICTURES = ("people", "preview", "sheet", "attention")
OUTPUTS = ("output", "matte", *PICTURES, "save_poses", "save_source_poses")


@dataclasses.dataclass(frozen=True)
class TransferConfig:
    """One transfer."""

    source: str = setting(
        "",
        "Video or photo of the person, and the place, to show; or several photos of one person, as a directory or "
        "between commas, of which the first one shows the place.",
        group="Inputs",
        required=True,
    )
    target: str = setting(
        "",
        "Video of the motion to do; required, except with --live or --people. Several, between commas, where what is "
        "written for each is a directory.",
    )
    live: str = setting(
        "",
        "In place of a target: a camera's number, a stream's URL or a file, followed as it comes and shown in a "
        "window, or written to --output, or both; see stmt_tf.transfer.live.",
    )
    source_start: float = setting(0.0, "Second of the source at which the excerpt begins that is used.")
    source_end: float = setting(0.0, "Second of the source at which it ends; 0: the video's end.")
    start: float = setting(0.0, "Second of the target at which the motion begins.")
    end: float = setting(0.0, "Second of the target at which it ends; 0: the video's end.")
    source_person: int = setting(
        0, "Number of the person of the source, as --people numbers them; 0: the largest and most central one."
    )
    target_person: int = setting(0, "The same of the target.")
    background: str = setting(
        "",
        "Another place to show: a picture, or a video, whose person is taken out of it, both scaled and cut to cover "
        "the source's frame; a colour by its name or as #rrggbb; or transparent (.webm and .mov).",
    )
    scene: str = setting(
        "source",
        "Whose place is shown: the source's, or the target's own, in which the source's person takes the place of the "
        "target's.",
        ("source", "target"),
    )
    background_by: str = setting(
        "plate",
        "What a video of another place becomes: its plate; or, as in the paper and with --crop_only, what the model's "
        "background branch makes of frames of it, anew for each pose.",
        ("plate", "model"),
    )
    model: str = model_to_take()
    output: str = setting(
        "",
        "Video to write: .mp4, .m4v, .mov, .webm or .gif; required, except with --live, or where --preview or --people "
        "is all that is wanted.",
        group="Output",
    )
    matte: str = setting("", "Video of where the person is in the result, white on black.")
    layout: str = setting(
        "result",
        "What the video shows: the result, or source, target and result side by side.",
        ("result", "side_by_side"),
    )
    fps: float = setting(
        0.0,
        "Frames per second of the result, with poses between those of the target's frames; 0: the target's own times.",
    )
    crop_only: bool = setting(
        False, "Write the model's square view instead of pasting it into the source's whole frame."
    )
    personalize: float = setting(
        0.0,
        "Minutes to fine-tune the model on the source first, see stmt_tf.personalize; 0: not at all.",
        group="Quality",
    )
    num_source_frames: int = setting(
        0,
        "Source frames that the model looks at; 0: as many as its attention was built for, 24 if it takes any.",
    )
    source_selection: str = source_selection("coverage")
    retarget: str = setting(
        "global",
        "How the motion is fitted to the source's body: as it is; by one scale and one shift; bone by bone.",
        MODES,
    )
    smooth_poses: float = setting(
        0.0,
        "Seconds over which the target's poses are smoothed, such as 0.3 for results that jitter; 0: not at all.",
    )
    max_size: int = setting(
        768,
        "Side in pixels of the square around the person that is made at most, where the model makes any size; enlarged "
        "where the source shows the person larger.",
    )
    held_objects: bool = setting(
        False, "Show what the source person holds, too, instead of leaving out what only some source frames show."
    )
    source_mattes: str = setting(
        "",
        "Directory of pictures, one for each frame of the source in the order of their names, white where the person "
        "is; empty: the pose estimator's own mattes, if it has any. --personalize trains with the estimator's.",
    )
    seed: int = setting(0, "Seed of the choice of source frames.")
    people: str = setting(
        "",
        "PNG of the people in view, from left to right with the numbers that --source_person and --target_person take; "
        "without --output, nothing else is made.",
        group="Looking inside",
    )
    preview: str = setting("", "PNG of the retargeted skeletons over the source, written before any frame is made.")
    sheet: str = setting("", "PNG of source frames, target frames and result.")
    attention: str = setting(
        "", "PNG that shows, for a few frames, from which source frame each pixel was taken; white: wholly."
    )
    pose: str = pose_tool()
    pose_model: str = pose_model()
    pose_cache: bool = pose_cache()
    source_poses: str = setting("", "JSON results for the source video (openpose, alphapose), or saved poses.")
    target_poses: str = setting(
        "", "JSON results for the target video (openpose, alphapose), or saved poses; between commas where targets are."
    )
    background_poses: str = setting(
        "", "JSON results for the video of another place (openpose, alphapose), or saved poses."
    )
    save_poses: str = setting(
        "",
        "Where to write the target's poses, to be given as --target_poses or --source_poses another time: a .json "
        "file, or a directory of OpenPose's files.",
    )
    save_source_poses: str = setting("", "The same for the source's poses.")

    def __post_init__(self):
        require_choices(self)
        require_positive(self, "max_size")
        if self.num_source_frames < 0:
            raise ValueError(f"--num_source_frames must not be negative, got {self.num_source_frames}")
        require_at_least(self, source_person=0, target_person=0, fps=0)
        if 0 < self.fps < _LOWEST_RATE or self.fps > _HIGHEST_RATE:
            raise ValueError(f"--fps must be from {_LOWEST_RATE:g} to {_HIGHEST_RATE:g}, or 0, got {self.fps:g}")
        require_seed(self.seed)
        require_minutes(self, "personalize")
        if not 0 <= self.smooth_poses < math.inf:
            raise ValueError(f"--smooth_poses must be a number of seconds, got {self.smooth_poses}")
        for prefix in ("source_", ""):
            start, end = getattr(self, f"{prefix}start"), getattr(self, f"{prefix}end")
            if not 0 <= start < (end or math.inf) or end < 0:
                until = f" and before --{prefix}end={end:g}" if end else ""
                raise ValueError(f"--{prefix}start={start:g} must be at least 0{until}")

    def outputs(self) -> list[str]:
        """The paths of all that is to be written."""
        return [path for name in OUTPUTS if (path := getattr(self, name))]

    def video(self, name: str) -> str | Excerpt:
        """The video `source`, `target` or `background`, as far as it is to be read."""
        path, prefix = getattr(self, name), {"source": "source_", "target": ""}.get(name)
        if prefix is None:
            return path
        start, end = getattr(self, f"{prefix}start"), getattr(self, f"{prefix}end")
        return Excerpt(path, start, end or math.inf) if start or end else path


def names_between_commas(flag: str, value: str) -> list[str]:
    """What a flag names between commas; a file whose own name has commas is one.

    Raises:
        ValueError: a name among several is empty.
    """
    names = [value] if os.path.exists(value) else value.split(",")
    if len(names) > 1 and not all(names):
        raise ValueError(f"--{flag}={value} names nothing beside a comma: leave that comma out")
    return names
