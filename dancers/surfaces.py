"""Surfaces that points are sampled from: bent tubes and rigid grids.

A surface is a grid of V x U points, dense enough that drawing every point as one sample of the
picture leaves no hole. All that does not move is computed once: colour, slopes of folds, and for
tubes the weights that carry the controls (joints) to the rings. A frame then costs one small matrix
product a surface, since a ring c + A cos u + B sin u is linear in (c, A, B).
"""

from __future__ import annotations

import dataclasses

import numpy as np

from dancers.body import unit


def resample(s: np.ndarray, radius: np.ndarray, spacing: float) -> np.ndarray:
    """Places rings evenly along a profile.

    Args:
        s: [n] places along the tube, ascending.
        radius: [n] its radius there, steps allowed.
        spacing: wanted distance of rings, measured along the outline, so that steps (hems) get
            rings too.

    Returns:
        Indices (fractional) into s of the rings.
    """
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(s), np.diff(radius)))])
    count = max(4, int(np.ceil(length[-1] / spacing)) + 1)
    return np.interp(np.linspace(0, length[-1], count), length, np.arange(len(s)))


def chain_weights(lengths: list, s: np.ndarray, rounding: list) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a polyline's corners, and of its segments' frames, for places along it.

    Args:
        lengths: of the K - 1 segments.
        s: [V] places along the polyline (beyond both ends: straight on).
        rounding: of the K - 2 inner corners: half the length over which each is rounded.

    Returns:
        [V, K] weights of the corners, whose sum of points is the rounded line, and [V, K - 1] of
        the frames.
    """
    ends = np.concatenate([[0], np.cumsum(lengths)])
    segment = np.clip(np.searchsorted(ends, s, side="right") - 1, 0, len(lengths) - 1)
    corners, frames = np.zeros((len(s), len(ends))), np.zeros((len(s), len(lengths)))
    rows = np.arange(len(s))
    share = (s - ends[segment]) / np.asarray(lengths)[segment]
    corners[rows, segment] = 1 - share
    corners[rows, segment + 1] = share
    frames[rows, segment] = 1
    for k, r in enumerate(rounding, start=1):
        t = (s - (ends[k] - r)) / (2 * r)
        near = (t > 0) & (t < 1)
        t = t[near]
        # A quadratic Bezier from r before the corner to r after it.
        before, after = r / lengths[k - 1], r / lengths[k]
        corners[near] = 0
        corners[near, k - 1] = (1 - t) ** 2 * before
        corners[near, k] = (1 - t) ** 2 * (1 - before) + 2 * t * (1 - t) + t**2 * (1 - after)
        corners[near, k + 1] = t**2 * after
        frames[near] = 0
        frames[near, k - 1], frames[near, k] = 1 - t, t
    return corners, frames


@dataclasses.dataclass
class Tube:
    """A bent elliptic tube; u = 0 is the body's left (outwards), u = pi/2 its front.

    Attributes:
        centre: [T, V, 3] the line; across, front: [T, V, 3] the half axes, with their lengths.
        swell: [V, U] factor on the half axes (folds, muscles).
        colour: [V, U, 3] linear; slope: [V, U, 2] of the folds, around and along.
        open: both sides are to be seen (skirts).
    """

    centre: np.ndarray
    across: np.ndarray
    front: np.ndarray
    swell: np.ndarray
    colour: np.ndarray
    slope: np.ndarray
    open: bool = False

    def __post_init__(self):
        count = self.colour.shape[1]
        u = np.arange(count) * 2 * np.pi / count
        c, s = np.cos(u), np.sin(u)
        f32 = lambda a: np.ascontiguousarray(a, np.float32)  # noqa: E731
        self.size = self.colour.shape[0] * count
        self.line = f32(np.moveaxis(self.centre, -1, 1)[..., None])
        self.axes = f32(np.moveaxis(np.stack([self.across, self.front], -1), 2, 1))
        self.swell = None if np.ptp(self.swell) == 0 else f32(self.swell)
        self.circle = f32(np.stack([c, s]))
        d = lambda a: np.gradient(a, axis=1)  # noqa: E731
        a, b, dc, da, db = self.across, self.front, d(self.centre), d(self.across), d(self.front)
        cross = np.cross
        normal = np.stack([-cross(a, dc), cross(b, dc), cross(b, db) - cross(a, da), -cross(a, db), cross(b, da)], -1)
        self.normal = f32(np.moveaxis(normal, 2, 1))
        self.normal_basis = f32(np.stack([s, c, s * c, s * s, c * c]))
        self.slope = f32(np.moveaxis(self.slope, -1, 0))
        girth = np.maximum(np.linalg.norm(a, axis=-1), np.linalg.norm(b, axis=-1))[..., None, None]
        tangent = np.stack([-a, b], -1) / np.maximum(girth, 1e-6)
        self.around = f32(np.moveaxis(tangent, 2, 1))
        self.around_basis = f32(np.stack([s, c]))
        self.along = f32(np.moveaxis(unit(dc), -1, 1)[..., None])

    def points(self, t: int, out: np.ndarray) -> None:
        """Writes the points of frame t to out [3, V * U]."""
        ring = np.matmul(self.axes[t], self.circle)
        if self.swell is not None:
            ring *= self.swell
        np.add(ring, self.line[t], out=ring)
        out[...] = ring.reshape(3, -1)

    def normals(self, t: int, out: np.ndarray) -> None:
        """Writes the normals of frame t, bent by the folds, to out [3, V * U]; not normalised."""
        n = np.matmul(self.normal[t], self.normal_basis)
        n *= 1 / np.sqrt(np.einsum("cvu,cvu->vu", n, n) + 1e-12)
        n -= np.matmul(self.around[t], self.around_basis) * self.slope[0]
        n -= self.along[t] * self.slope[1]
        out[...] = n.reshape(3, -1)


@dataclasses.dataclass(frozen=True)
class Chain:
    """What a tube is bent along.

    Attributes:
        controls: [T, K, 3] corners.
        frames: [T, K - 1, 3, 3] of the segments, columns (left, front, along).
        lengths: of the K - 1 segments at rest.
        rounding: of the K - 2 inner corners (see chain_weights).
    """

    controls: np.ndarray
    frames: np.ndarray
    lengths: list
    rounding: list

    def bend(self, s: np.ndarray, across: np.ndarray, front: np.ndarray, shift: np.ndarray | None = None):
        """Bends a tube along the chain.

        Args:
            s: [V] the rings' places.
            across: [V] their half axes sideways.
            front: [V] their half axes to the front.
            shift: [V] how far they are moved to the front.

        Returns:
            centre, across and front [T, V, 3] for Tube.
        """
        corners, weights = chain_weights(self.lengths, s, self.rounding)
        centre = np.einsum("vk,tkc->tvc", corners, self.controls)
        a = unit(np.einsum("vk,tkc->tvc", weights, self.frames[..., 0]))
        b = np.einsum("vk,tkc->tvc", weights, self.frames[..., 1])
        b = unit(b - a * np.sum(a * b, -1, keepdims=True))
        if shift is not None:
            centre = centre + b * shift[None, :, None]
        return centre, a * across[None, :, None], b * front[None, :, None]


@dataclasses.dataclass
class Rigid:
    """A grid that moves as one.

    Attributes:
        origin: [T, 3]; frame: [T, 3, 3] columns are the grid's axes in the world.
        vertices: [V, U, 3] in the grid's axes, closed in u; poles may be degenerate.
        colour: [V, U, 3] linear.
        open: both sides are to be seen.
    """

    origin: np.ndarray
    frame: np.ndarray
    vertices: np.ndarray
    colour: np.ndarray
    open: bool = False

    def __post_init__(self):
        p = self.vertices
        du = np.roll(p, -1, 1) - np.roll(p, 1, 1)
        n = np.cross(du, np.gradient(p, axis=0))
        # Poles have no du: take the normal of the ring beside them.
        n[0], n[-1] = n[1], n[-2]
        if np.sum(n * (p - p.mean((0, 1)))) < 0:
            n = -n
        self.local = np.ascontiguousarray(np.moveaxis(p, -1, 0).reshape(3, -1), np.float32)
        self.local_normals = np.ascontiguousarray(np.moveaxis(unit(n), -1, 0).reshape(3, -1), np.float32)
        self.size = self.local.shape[1]
        self.rotation = np.asarray(self.frame, np.float32)
        self.place = np.asarray(self.origin, np.float32)[..., None]

    def points(self, t: int, out: np.ndarray) -> None:
        """Writes the points of frame t to out [3, V * U]."""
        np.matmul(self.rotation[t], self.local, out=out)
        out += self.place[t]

    def normals(self, t: int, out: np.ndarray) -> None:
        """Writes the outward normals of frame t to out [3, V * U]."""
        np.matmul(self.rotation[t], self.local_normals, out=out)


def ball(half: tuple, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """A grid on an ellipsoid.

    Args:
        half: its three half axes.
        spacing: distance of neighbours at the widest place.

    Returns:
        Vertices [V, U, 3], top (y) first, and the directions [V, U, 3] of the unit sphere they come
        from.
    """
    half = np.asarray(half, float)
    rows = max(5, int(np.ceil(np.pi * half.max() / spacing)) + 1)
    columns = max(8, int(np.ceil(2 * np.pi * max(half[0], half[2]) / spacing)))
    v = np.linspace(0, np.pi, rows)[:, None]
    u = (np.arange(columns) * 2 * np.pi / columns)[None]
    direction = np.stack([np.sin(v) * np.cos(u), np.cos(v) + 0 * u, np.sin(v) * np.sin(u)], -1)
    return direction * half, direction
