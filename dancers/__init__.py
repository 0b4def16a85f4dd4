"""Rendered dancers: people, motions and places without end, with exact joints, masks and flows.

`render_video(seed, index)` needs numpy and OpenCV only. From bottom to top: `body` (measures,
skeleton), `motion` (key poses on beats), `patterns` (noise, colours, cloths), `surfaces` (tubes,
grids), `wardrobe` (looks), `figure` (a dressed body's surfaces), `camera`, `background`, `render`.
"""

from dancers.render import RenderedVideo, render_video

__all__ = ["RenderedVideo", "render_video"]
