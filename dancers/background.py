"""Places: static textured backgrounds, cast by rays so that all stands right under the camera."""

from __future__ import annotations

import cv2
import numpy as np

from dancers.camera import Camera, Light
from dancers.materials import any_colour, decorated_wall, material, pick_tone
from dancers.patterns import noise

_FLOORS = ["planks", "planks", "parquet", "tiles", "tiles", "carpet", "concrete", "checker", "cloth", "clouds"]
_WALLS = ["plain", "plain", "plain", "brick", "planks", "tiles", "stripes", "cloth", "concrete", "clouds"]


class _Canvas:
    """Rays of a picture, and what they have hit so far."""

    def __init__(self, origin, rays, shape):
        self.origin, self.rays = origin, rays
        self.depth = np.full(shape, 60.0, np.float32)
        self.colour = np.zeros(shape + (3,), np.float32)

    def hit(self, depth, mask, colour_of):
        """Paints where `depth` is nearest and `mask` holds the colours colour_of(where)."""
        near = mask & (depth > 0.05) & (depth < self.depth)
        if near.any():
            self.depth[near] = depth[near]
            self.colour[near] = colour_of(near)

    def at(self, depth):
        """World points [3, H, W] at the depths."""
        return self.origin[:, None, None] + self.rays * depth


def _plane(canvas: _Canvas, axis: int, place: float, paint, light: float) -> np.ndarray:
    """Paints the plane coordinate[axis] = place; paint takes the two other coordinates."""
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = (place - canvas.origin[axis]) / canvas.rays[axis]
    depth = np.where(np.isfinite(depth), depth, -1).astype(np.float32)
    before = canvas.depth.copy()
    p = canvas.at(depth)
    first, second = [(2, 1), (0, 2), (0, 1)][axis]

    def colour_of(near):
        return paint(p[first][near][None], p[second][near][None])[0] * light

    canvas.hit(depth, np.ones(depth.shape, bool), colour_of)
    return canvas.depth < before


def _box(canvas: _Canvas, centre, half, yaw: float, paint, light: Light) -> None:
    """Paints an upright box turned by yaw."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]], np.float32)
    o = turn @ (canvas.origin - np.asarray(centre, np.float32))
    r = np.einsum("ij,jhw->ihw", turn, canvas.rays)
    r = np.where(np.abs(r) < 1e-6, 1e-6, r)
    half = np.asarray(half, np.float32)
    near = (-np.sign(r) * half[:, None, None] - o[:, None, None]) / r
    far = (np.sign(r) * half[:, None, None] - o[:, None, None]) / r
    depth, axis = near.max(0), near.argmax(0)
    towards = turn @ light.towards

    def colour_of(where):
        p = o[:, None] + r[:, where] * depth[where]
        a = axis[where]
        u, v = np.where(a == 0, p[2], p[0]), np.where(a == 1, p[2], p[1])
        side = -np.sign(r[:, where][a, np.arange(a.size)])
        lit = 0.5 + 0.5 * np.clip(side * towards[a], 0, 1) + 0.15 * (a == 1)
        rim = np.minimum(half[np.where(a == 0, 2, 0)] - np.abs(u), half[np.where(a == 1, 2, 1)] - np.abs(v)) < 0.015
        return paint(u[None], v[None])[0] * (lit * np.where(rim, 0.7, 1.0))[:, None]

    canvas.hit(depth, depth < far.min(0), colour_of)


def _billboard(canvas: _Canvas, rng, z: float, centre, size, paint, ragged: float) -> None:
    """Paints an upright ragged ellipse (a bush, a tree's crown) in the plane of depth z."""
    depth = (z - canvas.origin[2]) / np.minimum(canvas.rays[2], -1e-3)
    p = canvas.at(depth)
    x, y = (p[0] - centre[0]) / size[0], (p[1] - centre[1]) / size[1]
    offset = rng.random(2)
    edge = 1 - np.hypot(x, y) + ragged * noise(p[0], p[1], 2, 1.6, offset)
    relief = 1 + 0.3 * np.clip(y, -1, 1)

    def colour_of(near):
        return paint(p[0][near][None], p[1][near][None])[0] * relief[near][:, None]

    canvas.hit(depth, edge > 0, colour_of)


def paint_place(
    rng: np.random.Generator, camera: Camera, light: Light, size: int, pad: int
) -> tuple[np.ndarray, np.ndarray]:
    """Renders a place: a room, a wall close by, the open, or a studio.

    Args:
        rng: source of the choice.
        camera: of the clip.
        light: of the clip; it tints the place as well.
        size: of the crop in pixels.
        pad: margin on every side for a camera that shifts.

    Returns:
        Linear colour float32 [S, S, 3] and the share of every pixel that is floor [S, S], where
        S = size + 2 * pad.
    """
    side = size + 2 * pad
    grid = (np.arange(2 * side, dtype=np.float32) - 0.5) / 2 - pad
    x, y = np.meshgrid(grid, grid)
    origin, rays = camera.rays(x, y)
    kind = rng.choice(["room", "open", "wall", "studio"], p=[0.5, 0.3, 0.12, 0.08])
    yaw = rng.normal() * (0.3 if kind == "room" else 0.08)
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]], np.float32)
    canvas = _Canvas(turn @ origin, np.einsum("ij,jhw->ihw", turn, rays).astype(np.float32), x.shape)
    height = rng.uniform(2.3, 4.0)
    if kind == "open":
        sky = pick_tone(rng, np.array([(190, 210, 235), (225, 230, 236), (150, 180, 220), (240, 220, 200)]))
        up = np.clip(canvas.rays[1] * 2 + 0.3, 0, 1)[..., None]
        clouds = np.clip(0.5 + 0.4 * noise(canvas.rays[0], canvas.rays[1] * 2, 4, 1.2, rng.random(2)), 0, 1)[..., None]
        canvas.colour[:] = sky * (1.25 - 0.5 * up) * (0.85 + 0.3 * clouds)
        floor = _plane(
            canvas, 1, 0.0, material(rng, ["grass", "grass", "grass", "sand", "concrete", "tiles", "planks"]), 1.0
        )
        _wild(rng, canvas, light)
    else:
        near = -rng.uniform(0.7, 1.2) if kind == "wall" else -rng.uniform(1.2, 4.5)
        wall = material(rng, _WALLS)
        floor_paint = material(rng, _FLOORS)
        if kind == "studio":
            wall = material(rng, ["plain", "clouds", "cloth"])
            floor_paint = wall if rng.random() < 0.5 else floor_paint
        back = wall if kind == "studio" else decorated_wall(rng, wall, height)
        _plane(canvas, 2, near, back, rng.uniform(0.75, 1.05))
        for place in (-rng.uniform(1.6, 5), rng.uniform(1.6, 5)):
            _plane(
                canvas, 0, place, decorated_wall(rng, wall, height) if kind == "room" else wall, rng.uniform(0.55, 0.95)
            )
        _plane(canvas, 1, height, material(rng, ["plain", "tiles"]), 0.8)
        floor = _plane(canvas, 1, 0.0, floor_paint, 1.0)
        if kind != "studio":
            _furniture(rng, canvas, light, near)
    floor = floor & (np.abs(canvas.at(canvas.depth)[1]) < 0.01)
    glow = noise(x / size, y / size, 4, rng.uniform(1.2, 3), rng.random(2))
    colour = canvas.colour * np.clip(1 + rng.uniform(0.02, 0.16) * glow, 0.4, 1.6)[..., None]
    tint = (light.sun * 0.55 + light.sky * 0.5) * rng.uniform(0.85, 1.3)
    colour = np.clip(colour * tint.astype(np.float32), 0, 1.3).astype(np.float32)
    shrink = lambda a: cv2.resize(a, (side, side), interpolation=cv2.INTER_AREA)  # noqa: E731
    # Area averages belong to gamma-coded light here as in resized video.
    small = shrink(np.clip(colour, 0, 1) ** np.float32(1 / 2.2)) ** np.float32(2.2)
    return small, shrink(floor.astype(np.float32))


def _furniture(rng: np.random.Generator, canvas: _Canvas, light: Light, wall: float) -> None:
    """Boxes behind and beside the person: tables, cupboards, mats, steps, chairs."""
    for _ in range(int(rng.integers(0, 7))):
        half = np.array([rng.uniform(0.1, 0.7), rng.uniform(0.08, 0.8), rng.uniform(0.1, 0.4)])
        x = rng.uniform(-2.2, 2.2)
        z = rng.uniform(wall, -0.55) if abs(x) < 1.1 else rng.uniform(wall, 0.3)
        z = min(z, -0.35 - half[2]) if abs(x) < 1.2 + half[0] else z
        paint = material(rng, ["plain", "planks", "cloth", "clouds", "stripes", "tiles", "plain"])
        bright = any_colour(rng) / 0.5
        tinted = lambda u, v, p=paint, b=bright: p(u, v) * np.clip(b, 0.1, 1.6)  # noqa: E731
        yaw = rng.normal() * 0.5
        if rng.random() < 0.3 and half[1] > 0.25:  # a table: top and legs
            _box(canvas, (x, half[1] * 1.2, z), (half[0], 0.03, half[2]), yaw, tinted, light)
            for sx in (-1, 1):
                leg = np.array([sx * (half[0] - 0.04) * np.cos(yaw), 0, -sx * (half[0] - 0.04) * np.sin(yaw)])
                _box(canvas, (x + leg[0], half[1] * 0.6, z + leg[2]), (0.03, half[1] * 0.6, 0.03), yaw, tinted, light)
        else:
            _box(canvas, (x, half[1], z), half, yaw, tinted, light)


def _wild(rng: np.random.Generator, canvas: _Canvas, light: Light) -> None:
    """Hedges, houses, fences, trunks, crowns and bushes behind the person."""
    far = -rng.uniform(5, 12)
    if rng.random() < 0.55:
        facade = decorated_wall(rng, material(rng, ["brick", "plain", "planks", "concrete"]), rng.uniform(3, 6))
        _box(
            canvas,
            (rng.uniform(-4, 4), 2.0, far - 1),
            (rng.uniform(2, 8), rng.uniform(2, 5), 0.8),
            rng.normal() * 0.2,
            facade,
            light,
        )
    if rng.random() < 0.4:
        high = rng.uniform(0.4, 1.2)
        _box(
            canvas,
            (0, high, far * 0.7),
            (14, high, 0.05),
            rng.normal() * 0.15,
            material(rng, ["planks", "brick", "leaves"]),
            light,
        )
    for _ in range(int(rng.integers(0, 6))):
        z, x = rng.uniform(far, -1.2), rng.uniform(-4, 4)
        bark = material(rng, ["concrete", "planks"])
        crown = material(rng, ["leaves"])
        trunk = rng.uniform(0.06, 0.28)
        _box(canvas, (x, 1.5, z), (trunk, 1.6, trunk), rng.random(), bark, light)
        _billboard(
            canvas, rng, z + 0.2, (x, rng.uniform(2.0, 3.4)), rng.uniform(0.7, 2.2, 2), crown, rng.uniform(0.2, 0.5)
        )
    for _ in range(int(rng.integers(0, 7))):
        z = rng.uniform(far, -0.9)
        size = rng.uniform(0.3, 1.3, 2)
        _billboard(
            canvas,
            rng,
            z,
            (rng.uniform(-3.5, 3.5), size[1] * 0.4),
            size,
            material(rng, ["leaves", "leaves", "clouds"]),
            rng.uniform(0.15, 0.45),
        )
