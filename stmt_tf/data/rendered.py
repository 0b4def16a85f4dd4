"""Rendered dancers as clips."""

from __future__ import annotations

from dancers import render_video
from stmt_tf.data.schema import Clip


def rendered_clip(seed: int, index: int, size: int, num_frames: int, fps: float) -> Clip:
    """Renders video `index` of the series `seed` as a clip; see `dancers.render_video`."""
    video = render_video(seed, index, size, num_frames, fps)
    name = f"dancer-{seed}-{index:06d}"
    return Clip(
        clip_id=name,
        video_id=name,
        fps=fps,
        frames=video.frames,
        joints=video.joints,
        flows=video.flows,
        pose_tool="rendered",
        flow_tool="rendered",
        masks=video.masks,
    )
