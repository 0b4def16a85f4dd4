"""Rendering: surface points to frames, masks, flows and joints.

Every frame draws all surface points, far to near, one sample each, into a grid of twice the
resolution that holds the number of the point that is seen; colour, light, flow and visibility are
then looked up for those points alone. The picture's edges are smoothed by averaging 2 x 2 samples.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from dancers import background, figure
from dancers.body import put, sample_body
from dancers.camera import Camera, Light, sample_camera, sample_light
from dancers.motion import sample_motion
from dancers.outfit import Outfit, sample_outfit
from dancers.raster import OVERSAMPLE, flow_of_pixels, nearest_points, shifted_window

HIDDEN = 0.6
_POINT_SPACING = 0.68
_DRIFT_SHARE = 0.15
# How far a joint lies under the surface of its own limb, in metres: deeper is hidden.
_DEPTH = np.array([0.16, 0.14, 0.13, 0.10, 0.08, 0.13, 0.10, 0.08, 0.20, 0.13, 0.12, 0.20, 0.13, 0.12])


@dataclasses.dataclass(frozen=True)
class RenderedVideo:
    """What is known about a rendered video of T frames of S x S pixels.

    Attributes:
        frames: uint8 [T, S, S, 3], RGB.
        joints: float32 [T, 14, 3], (x, y, confidence): 1 if seen, 0.6 if hidden by the person, 0
            outside the frame.
        masks: uint8 [T, S, S], 255 on the person with hair, clothes and what is carried; edges are
            smooth.
        flows: float32 [T - 1, S, S, 2], (dx, dy) in pixels of the surface seen at t from t to t +
            1.
        fps: frames per second.
        style: name of the motion's style.
    """

    frames: np.ndarray
    joints: np.ndarray
    masks: np.ndarray
    flows: np.ndarray
    fps: float
    style: str


def render_video(seed: int, index: int, size: int = 128, num_frames: int = 48, fps: float = 25.0) -> RenderedVideo:
    """Renders video `index` of the endless series `seed`.

    Everything drawn at random comes from `np.random.default_rng([seed, index])`, so a video is the
    same whoever renders it and whichever others are rendered; its person, motion and place occur in
    no other video.

    Args:
        seed: number of the series, non-negative.
        index: number of the video, non-negative.
        size: of the square frames, at least 16 pixels.
        num_frames: T, at least 1.
        fps: frames per second; low values spread the frames over more of the motion.

    Raises:
        ValueError: if a number is out of range.
    """
    if size < 16 or num_frames < 1 or not fps > 0:
        raise ValueError(f"need size >= 16, num_frames >= 1 and fps > 0, got {size}, {num_frames}, {fps}")
    # One stream each, so that a change to one of them leaves the others as they were.
    streams = np.random.default_rng([seed, index]).spawn(6)
    body, outfit = sample_body(streams[0]), sample_outfit(streams[1])
    pose, style = sample_motion(streams[2], body, np.arange(num_frames) / fps)
    if style == "juggle":
        outfit = dataclasses.replace(outfit, extra="kicked" if streams[4].random() < 0.6 else "ball")
    skeleton = put(body, pose)
    light = sample_light(streams[3])
    joints = skeleton.joints()
    camera = sample_camera(streams[3], joints, body.stature, size)
    drift = _drift(streams[4], num_frames, fps, size)
    pad = int(np.ceil(np.abs(drift).max())) + 2
    scene = _Scene(camera, light, *background.paint_place(streams[5], camera, light, size, pad), pad)
    spacing = _POINT_SPACING / OVERSAMPLE * (camera.distance - 0.35) / camera.focal
    surfaces = figure.build(body, outfit, skeleton, spacing, fps)
    seen = _Renderer(surfaces, scene, size, _joint_depths(outfit), streams[4])
    frames, masks, flows, marks = [], [], [], []
    for t in range(num_frames):
        frame, mask, flow, confidence = seen.frame(t, joints[t], drift[t], drift[t + 1] if t + 1 < num_frames else None)
        frames.append(frame)
        masks.append(mask)
        marks.append(confidence)
        if flow is not None:
            flows.append(flow)
    flows = np.stack(flows) if flows else np.zeros((0, size, size, 2), np.float32)
    return RenderedVideo(np.stack(frames), np.stack(marks), np.stack(masks), flows, float(fps), style)


def _joint_depths(outfit: Outfit) -> np.ndarray:
    """How deep [14] joints lie under their own limb and cloth: a point before that hides them."""
    arm, leg = outfit.sleeve_ease, max(outfit.leg_ease)
    skirt = outfit.skirt_ease[1] + 0.1 if outfit.skirt > 0.25 else 0.0
    top = max(outfit.top_ease, outfit.skirt_ease[0])
    loose = (
        [0.03, 0.02] + [top + arm, arm, arm] * 2 + [top + skirt, leg + skirt, leg + skirt * (outfit.skirt > 0.6)] * 2
    )
    return _DEPTH + np.array(loose)


def _drift(rng: np.random.Generator, num_frames: int, fps: float, size: int) -> np.ndarray:
    """Shift of the picture [T, 2] in pixels by an unsteady camera; zero in most videos."""
    t = np.arange(num_frames)[:, None] / fps
    wave = np.sin(t * rng.uniform(0.3, 1.6, 2) + rng.uniform(0, 6.28, 2)) + 0.3 * np.sin(t * rng.uniform(2, 5, 2))
    return wave * rng.uniform(0.004, 0.022) * size * (rng.random() < _DRIFT_SHARE)


@dataclasses.dataclass(frozen=True)
class _Scene:
    """A place, and the camera and the light in it.

    Attributes:
        camera, light: as they were drawn.
        place: linear light `[S + 2 pad, S + 2 pad, 3]`, and
        floor: how much of each of its pixels is floor.
        pad: pixels around the frames, since the camera may be unsteady.
    """

    camera: Camera
    light: Light
    place: np.ndarray
    floor: np.ndarray
    pad: int


class _Renderer:
    """Draws the frames of one video, in their order."""

    def __init__(self, surfaces, scene: _Scene, size, depths, rng):
        self.surfaces, self.camera, self.light = surfaces, scene.camera, scene.light
        self.size, self.pad, self.depths = size, scene.pad, depths
        ends = np.cumsum([0] + [s.size for s in surfaces])
        self.parts = [slice(a, b) for a, b in zip(ends[:-1], ends[1:])]
        self.count = int(ends[-1])
        self.albedo = np.concatenate([s.colour.reshape(-1, 3) for s in surfaces]).astype(np.float32)
        self.open = np.concatenate([np.full(s.size, s.open) for s in surfaces])
        self.points = self._points(0)
        self.normals = np.empty((3, self.count), np.float32)
        self.blur = rng.uniform(0.2, 0.45) * size / 128
        self.contrast, self.gain = rng.uniform(0.9, 1.12), rng.uniform(0.94, 1.06, 3)
        self.place, self.floor = self._develop(scene.place), scene.floor

    def _develop(self, linear):
        """Linear light to graded sRGB, float32 in [0, 1]."""
        graded = np.clip(linear * np.float32(self.light.exposure) * self.gain.astype(np.float32), 0, None)
        # A soft shoulder keeps white cloth from clipping.
        graded = graded / (1 + np.maximum(graded - 0.7, 0) * 0.6)
        graded = np.clip(graded, 0, 1) ** np.float32(1 / 2.2)
        return np.clip((graded - 0.45) * np.float32(self.contrast) + 0.45, 0, 1)

    def _points(self, t):
        points = np.empty((3, self.count), np.float32)
        for surface, part in zip(self.surfaces, self.parts):
            surface.points(t, points[:, part])
        return points

    def frame(self, t, joints, shift, next_shift):
        """Draws frame t; returns picture, mask, flow to t + 1 (None at the end) and joints."""
        size, fine = self.size, self.size * OVERSAMPLE
        points = self.points
        x, y, depth = self.camera.project(points)
        x += np.float32(shift[0])
        y += np.float32(shift[1])
        for surface, part in zip(self.surfaces, self.parts):
            surface.normals(t, self.normals[:, part])
        seen = nearest_points(x, y, depth, self._maybe_seen(points), fine)
        covered = seen >= 0
        ids = seen[covered]
        canvas = np.zeros((fine, fine, 4), np.float32)
        canvas[covered, :3] = self._shade(ids, points, self._shadow(points, seen)[covered])
        canvas[covered, 3] = 1
        small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
        alpha = small[..., 3:]
        behind = self._behind(points, shift)
        picture = small[..., :3] + behind * (1 - alpha)
        picture = cv2.GaussianBlur(picture, (0, 0), self.blur)
        mask = np.rint(alpha[..., 0] * 255).astype(np.uint8)
        flow = None
        if next_shift is not None:
            self.points = self._points(t + 1)
            move = np.empty((fine, fine, 2), np.float32)
            after = self.camera.project(self.points[:, ids])
            move[covered] = np.stack([after[0] + next_shift[0] - x[ids], after[1] + next_shift[1] - y[ids]], -1)
            flow = flow_of_pixels(move, covered, mask, next_shift - shift)
        marks = self._marks(joints, shift, seen, depth)
        return np.rint(picture * 255).astype(np.uint8), mask, flow, marks

    def _maybe_seen(self, points):
        """Numbers of the points that do not clearly look away from the camera."""
        eye = np.array([0, self.camera.height, self.camera.distance], np.float32)
        n = self.normals
        facing = n[0] * (eye[0] - points[0]) + n[1] * (eye[1] - points[1]) + n[2] * (eye[2] - points[2])
        return np.flatnonzero((facing > np.float32(-0.3 * self.camera.distance)) | self.open)

    def _shade(self, ids, points, shadow):
        """Graded colours [n, 3] of the points `ids`; `shadow` [n] is how far the sun is hidden."""
        n, p = self.normals[:, ids], points[:, ids]
        c, light = self.camera, self.light
        n *= 1 / np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2] + np.float32(1e-9))
        eye = np.array([0, c.height, c.distance], np.float32)[:, None] - p
        facing = np.einsum("cn,cn->n", n, eye) * np.float32(1 / c.distance)
        inside = (facing < 0) & self.open[ids]
        n *= np.where(inside, np.float32(-1), np.float32(1))
        sun = light.towards.astype(np.float32) @ n
        sun = np.clip((sun + np.float32(light.wrap)) * np.float32(1 / (1 + light.wrap)), 0, 1)
        sun *= 1 - np.float32(light.shadow) * shadow
        # Edges that turn away get less of the sky: a cheap occlusion that rounds limbs.
        edge = (0.72 + 0.28 * np.clip(np.abs(facing), 0, 1)) * np.where(inside, np.float32(0.45), np.float32(1))
        up = 0.5 + 0.5 * n[1]
        terms = np.stack([sun, up, 1 - up], -1) * edge[:, None]
        lit = terms.astype(np.float32) @ np.stack([light.sun, light.sky, light.ground]).astype(np.float32)
        return self._develop(self.albedo[ids] * lit)

    def _shadow(self, points, seen):
        """How far the person hides the sun from itself, [fine, fine]: a coarse shadow map."""
        towards = self.light.towards.astype(np.float32)
        e1 = np.cross(towards, [0, 1, 0]).astype(np.float32)
        e1 /= np.linalg.norm(e1)
        basis = np.stack([e1, np.cross(e1, towards), towards])
        cell, grid = np.float32(0.025), 160
        some = np.ascontiguousarray(points[:, ::6])
        origin = some.mean(1, keepdims=True)

        def cells(p):
            u, v, w = basis @ (p - origin)
            u, v = (np.clip(a / cell + grid / 2, 0, grid - 1).astype(np.int32) for a in (u, v))
            return v * grid + u, w

        where, w = cells(some)
        order = np.argsort(((w + 4) * 8000).astype(np.uint16), kind="stable")
        high = np.full(grid * grid, -9, np.float32)
        high[where[order]] = w[order]
        high = cv2.dilate(high.reshape(grid, grid), np.ones((3, 3), np.uint8)).ravel()
        coarse = seen[::OVERSAMPLE, ::OVERSAMPLE]
        drawn = coarse >= 0
        where, w = cells(points[:, coarse[drawn]])
        dark, weight = np.zeros(coarse.shape, np.float32), drawn.astype(np.float32)
        dark[drawn] = high[where] > w + np.float32(0.075)
        dark, weight = cv2.blur(dark, (3, 3)), cv2.blur(weight, (3, 3))
        return cv2.resize(dark / np.maximum(weight, 1e-3), seen.shape[::-1])

    def _behind(self, points, shift):
        """The place with the person's shadow on its floor, [S, S, 3]."""
        size, pad = self.size, self.pad
        pick = lambda a: shifted_window(a, size, pad, shift)  # noqa: E731
        place, floor = pick(self.place), pick(self.floor)
        some = np.ascontiguousarray(points[:, ::6])
        towards = self.light.towards.astype(np.float32)
        shade = np.zeros((size, size), np.float32)
        for direction, strength, soft, reach in (
            (towards, self.light.shadow * 0.75, self.light.soft, 9.0),
            (np.array([0, 1, 0], np.float32), 0.55, 0.05, 0.35),
        ):
            near = some[:, some[1] < reach]
            ground = near - direction[:, None] * (near[1] / direction[1])
            x, y, _ = self.camera.project(ground)
            x, y = np.rint(x + shift[0]).astype(np.int32), np.rint(y + shift[1]).astype(np.int32)
            inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
            cast = np.bincount(y[inside] * size + x[inside], minlength=size * size).reshape(size, size)
            cast = np.minimum(cast.astype(np.float32), 1)
            sigma = max(0.8, soft * self.camera.focal / self.camera.distance)
            cast = cv2.GaussianBlur(cv2.morphologyEx(cast, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), (0, 0), sigma)
            shade = 1 - (1 - shade) * (1 - strength * cast)
        return place * (1 - shade * floor)[..., None] ** np.float32(1 / 1.6)

    def _marks(self, joints, shift, seen, depth):
        x, y, z = self.camera.project(joints.T.astype(np.float32))
        x, y = x + np.float32(shift[0]), y + np.float32(shift[1])
        size = self.size
        inside = (x >= -0.5) & (x < size - 0.5) & (y >= -0.5) & (y < size - 0.5)
        column = np.clip(((x + 0.5) * OVERSAMPLE).astype(int), 0, size * OVERSAMPLE - 1)
        row = np.clip(((y + 0.5) * OVERSAMPLE).astype(int), 0, size * OVERSAMPLE - 1)
        front = seen[row, column]
        hidden = (front >= 0) & (z - depth[front] > self.depths)
        return np.stack([x, y, inside * np.where(hidden, HIDDEN, 1.0)], -1).astype(np.float32)
