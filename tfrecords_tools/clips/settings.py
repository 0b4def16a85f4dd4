"""What decides the content of a video's clips."""

from __future__ import annotations

import dataclasses

from stmt_tf.config import setting
from stmt_tf.pose.estimators import RESULT_READERS
from stmt_tf.pose.settings import pose_model, pose_tool

CUTS = ("all", "random")
MIN_SECONDS = 1.0  # of a clip, where all of a video is cut


@dataclasses.dataclass(frozen=True)
class ClipSettings:
    """How clips are cut, which are taken, and what is in them."""

    size: int = setting(128, "Side of the square frames in pixels.", group="Clips")
    fps: float = setting(25.0, "Frames per second.")
    seconds: float = setting(10.0, "Longest clip; of random clips, the length of each.")
    cut: str = setting(
        "all",
        "What becomes clips: all of a video, or 3 to 4 random stretches of it (the paper's Dance-500), drawn by a seed "
        "that depends on the video's name alone.",
        CUTS,
    )
    max_camera: float = setting(
        0.005,
        "Farthest that a clip's background may be from where it mostly is, in sides of the person's crop. Of one with "
        "fewer than eight corners, as a plain wall, nothing is seen to move.",
    )
    min_whole: float = setting(0.8, "Least share of a clip's frames that show the person whole.")
    max_others: float = setting(0.1, "Largest share of a clip's frames with somebody else of a like size.")
    pose: str = pose_tool()
    pose_model: str = pose_model()
    pose_results: str = setting("", "Directory of the tool's results (openpose, alphapose).")
    flow_dir: str = setting("", "Directory of .flo files; empty: flow is computed with OpenCV's DIS.")

    def __post_init__(self):
        if self.size < 16 or not (self.fps > 0 and self.seconds > 0):
            raise ValueError(
                f"--size must be at least 16, --fps and --seconds positive; got {self.size}, {self.fps} and "
                f"{self.seconds}"
            )
        if self.cut == "all" and self.seconds < MIN_SECONDS:
            raise ValueError(f"--seconds must be at least {MIN_SECONDS:g}, the shortest clip; got {self.seconds:g}")
        if self.cut not in CUTS:
            raise ValueError(f"--cut must be one of {', '.join(CUTS)}; got {self.cut!r}")
        if not (0 < self.min_whole <= 1 and 0 <= self.max_others <= 1 and self.max_camera >= 0):
            raise ValueError(
                "--min_whole must be in (0, 1], --max_others in [0, 1], --max_camera at least 0; got "
                f"{self.min_whole}, {self.max_others} and {self.max_camera}"
            )
        if self.pose in RESULT_READERS and not self.pose_results:
            raise ValueError(f"--pose={self.pose} needs --pose_results, the directory of its results")

    @property
    def longest(self) -> int:
        """Frames of the longest clip."""
        return max(2, round(self.seconds * self.fps))

    @property
    def shortest(self) -> int:
        """Frames of the shortest clip."""
        return self.longest if self.cut == "random" else max(2, round(MIN_SECONDS * self.fps))

    def content(self) -> dict[str, object]:
        """The settings that decide the content of records, by the names of their flags."""
        values = dataclasses.asdict(self)
        del values["pose_results"], values["flow_dir"]  # places, which may change
        return {**values, "flow": "flo" if self.flow_dir else "dis"}
