"""Cameras and lights of a clip."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Camera:
    """A pinhole camera in the x = 0 plane, looking along -z and a little down.

    Attributes:
        height, distance: its place (0, height, distance) in metres; pitch: downwards, in radians.
        focal: pixels; centre: (x, y) of the principal point in pixels (pixel centres are integers).
    """

    height: float
    distance: float
    pitch: float
    focal: float
    centre: tuple

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points [3, ...] to (x pixels, y pixels, depth in metres) [3, ...]."""
        c, s = np.float32(np.cos(self.pitch)), np.float32(np.sin(self.pitch))
        up = points[1] - np.float32(self.height)
        back = np.float32(self.distance) - points[2]
        depth = back * c - up * s
        scale = np.float32(self.focal) / depth
        return np.stack(
            [
                np.float32(self.centre[0]) + points[0] * scale,
                np.float32(self.centre[1]) - (up * c + back * s) * scale,
                depth,
            ]
        )

    def rays(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The camera's place [3] and pixels' rays [3, ...], of depth 1."""
        c, s = np.cos(self.pitch), np.sin(self.pitch)
        right = (x - self.centre[0]) / self.focal
        up = -(y - self.centre[1]) / self.focal
        directions = np.stack([right, up * c - s, -(up * s + c)]).astype(np.float32)
        return np.array([0, self.height, self.distance], np.float32), directions


@dataclasses.dataclass(frozen=True)
class Light:
    """A sun (or lamp) and the light from all around.

    Attributes:
        towards: [3] unit direction from the scene to the sun.
        sun, sky, ground: linear RGB strengths.
        wrap: how far the sun's light creeps round a body, 0 (hard) to 1.
        shadow: how dark the sun's shadow gets, 0 to 1; soft: its blur in metres.
        exposure: factor on all.
    """

    towards: np.ndarray
    sun: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    wrap: float
    shadow: float
    soft: float
    exposure: float


def sample_light(rng: np.random.Generator) -> Light:
    """Draws a light, hard or soft, warm or cold, never far behind the person."""
    azimuth, height = rng.uniform(-1.9, 1.9), rng.uniform(0.6, 1.35)
    towards = np.array([np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)])
    warm = rng.normal() * 0.09
    tint = np.array([1 + warm, 1.0, 1 - warm])
    hard = rng.uniform(0.15, 1.0)
    cast = np.array([1 - warm * 0.6, 1.0, 1 + warm * 0.6])
    return Light(
        towards=towards,
        sun=tint * (0.35 + 0.6 * hard),
        sky=cast * (0.95 - 0.5 * hard),
        ground=(tint + rng.normal(size=3) * 0.06) * (0.42 - 0.2 * hard) * rng.uniform(0.6, 1.1),
        wrap=0.6 * (1 - hard),
        shadow=0.25 + 0.5 * hard,
        soft=0.02 + 0.12 * (1 - hard),
        exposure=rng.uniform(0.85, 1.2),
    )


def sample_camera(rng: np.random.Generator, joints: np.ndarray, stature: float, size: int) -> Camera:
    """Frames a clip as a crop made around the person over the whole clip would.

    Args:
        rng: source of the choice.
        joints: [T, 14, 3] in the world.
        stature: of the person, metres.
        size: of the square crop, pixels.

    Returns:
        A camera whose crop holds the person's extent over the clip, if need be by making them
        smaller.
    """
    height, distance = rng.uniform(0.7, 2.0), rng.uniform(3.2, 9.0)
    pitch = np.arctan2(height - 0.9, distance) + rng.normal() * 0.015
    plain = Camera(height, distance, float(pitch), 1.0, (0.0, 0.0))
    spots = np.moveaxis(joints, -1, 0).reshape(3, -1)
    x, y, _ = plain.project(spots.astype(np.float32))
    foot, top = plain.project(np.array([[0, 0], [0, stature], [0, 0]], np.float32))[1]
    tall = foot - top
    margin = 0.045 * tall
    low, high = np.array([x.min(), y.min()]) - margin, np.array([x.max(), y.max()]) + margin * 1.3
    extent = (high - low).max()
    share = rng.uniform(0.72, 0.87)
    # Wide gestures make the person smaller, but never tiny: then hands leave the crop.
    focal = size * min(share / tall, max(rng.uniform(0.95, 1.0) / extent, 0.56 / tall))
    slack = np.maximum(size - (high - low) * focal, 0)
    shift = rng.uniform(-0.42, 0.42, 2) * slack
    centre = (size - 1) / 2 - (low + high) / 2 * focal + shift
    return Camera(height, distance, float(pitch), float(focal), (float(centre[0]), float(centre[1])))
