"""Heads: skull and face with the hair or hat on it, and what hangs from it or stands out of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dancers import wardrobe
from dancers.body import Body, Skeleton, rotation, unit
from dancers.outfit import Outfit
from dancers.patterns import noise
from dancers.surfaces import Chain, Rigid, ball
from dancers.tailoring import Profile, cap, limb


class _Hanging(NamedTuple):
    """What hangs from a head of standard size: lengths in metres, and where it begins in the head's axes."""

    length: float
    wide: float
    deep: float
    starts: tuple = ((0, -0.01, -0.045),)


_HANGING = {
    "bob": _Hanging(0.11, 0.085, 0.05),
    "long": _Hanging(0.22, 0.088, 0.045),
    "ponytail": _Hanging(0.3, 0.03, 0.026, ((0, 0.03, -0.105),)),
    "braids": _Hanging(0.36, 0.022, 0.02, ((-0.06, -0.05, -0.05), (0.06, -0.05, -0.05))),
    "scarf": _Hanging(0.16, 0.085, 0.07),
}


def head_surface(body: Body, outfit: Outfit, skeleton: Skeleton, spacing: float) -> Rigid:
    """Skull, face and the hair or hat that lies on them, as one grid that bulges."""
    k = body.head / 0.112
    p, d = ball((0.078, 0.112, 0.098), spacing / k)
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    low = np.clip(-d[..., 1], 0, 1)
    x = x * (1 - 0.3 * low**1.5)
    z = np.where(z > 0, z * (1 - 0.06 * low), z * (1 - 0.35 * low))
    bare = np.stack([x, y, z], -1)
    front = z > 0
    nose = np.exp(-((x / 0.011) ** 2) - np.where(y > -0.02, (y + 0.02) / 0.026, (y + 0.02) / 0.012) ** 2) * front
    brow = np.exp(-((x / 0.05) ** 2) - ((y - 0.024) / 0.012) ** 2) * front
    ear = np.exp(-(((z + 0.012) / 0.014) ** 2) - ((y + 0.004) / 0.024) ** 2) * (np.abs(d[..., 0]) > 0.6)
    z = z + 0.022 * nose + 0.004 * brow
    x = x + np.sign(x) * 0.016 * ear
    cover = wardrobe.hair_cover(outfit, bare)
    colour = wardrobe.paint_face(outfit, bare)
    worn = outfit.hair_style in ("scarf", "beanie", "cap")
    tone = outfit.hat if worn else outfit.hair
    strand = noise(np.arctan2(d[..., 2], d[..., 0]) * 0.5, d[..., 1] * 0.15, 1, 0.5, outfit.rumple)
    tuft = noise(d[..., 0] + 0.3 * d[..., 2], d[..., 1] + 0.5 * d[..., 2], 3, 2.0, outfit.rumple)
    tint = tone * np.clip(1 + (0.08 if worn else 0.32) * strand + 0.1 * tuft, 0.35, 2)[..., None]
    if outfit.hair_style == "beanie":
        tint = tint * (0.8 + 0.2 * (np.mod(bare[..., 1], 0.02) < 0.012))[..., None]
    # A dark rim where hair meets skin reads as its shadow.
    colour = colour * (1 - 0.35 * np.exp(-(((cover - 0.3) / 0.3) ** 2)) * (cover > 0.01))[..., None]
    colour = np.where(cover[..., None] > 0.5, tint, colour)
    rough = 0.0 if worn else 0.25
    grow = cover * outfit.hair_volume * (1 + rough * tuft)
    if outfit.hair_style == "quiff":
        grow = grow * (1 + 0.8 * np.clip(d[..., 1] * d[..., 2] * 2, 0, 1))
    lift = np.array([1.0, 1.0, 1.0]) if outfit.hair_style == "afro" else np.array([0.75, 1.0, 0.9])
    vertices = (np.stack([x, y, z], -1) + d * grow[..., None] * lift) * k
    return Rigid(skeleton.points["head"], skeleton.frames["head"], vertices, colour)


def hair_surfaces(body: Body, outfit: Outfit, skeleton: Skeleton, spacing: float, fps: float) -> list:
    """What hangs from the head or stands out of it: long hair, tails, braids, a bun, a peak."""
    style, k = outfit.hair_style, body.head / 0.112
    head, frame = skeleton.points["head"], skeleton.frames["head"]
    at = lambda v: head + np.einsum("tij,j->ti", frame, np.asarray(v) * k)  # noqa: E731
    if style == "bun":
        p, d = ball(np.array((0.048, 0.045, 0.045)) * k, spacing)
        tint = outfit.hair * np.clip(1 + 0.3 * noise(d[..., 0], d[..., 1], 1, 1.5, outfit.rumple), 0.4, 2)[..., None]
        high = 0.09 + 0.03 * (outfit.rumple[0] > 0.5)
        return [Rigid(at((0, high, -0.06 - 0.04 * (high < 0.1))), frame, p, tint)]
    if style == "cap":
        p, _ = ball(np.array((0.075, 0.010, 0.085)) * k, spacing)
        turned = frame @ rotation(0, np.full(len(head), 0.2))
        return [Rigid(at((0, 0.056, 0.085)), turned, p, outfit.hat * 0.9 * np.ones(p.shape))]
    if style not in _HANGING:
        return []
    hanging = _HANGING[style]
    length = hanging.length + 0.3 * outfit.rumple[1] if style == "long" else hanging.length
    speed = np.gradient(head, axis=0) * fps if len(head) > 1 else np.zeros_like(head)
    lag = -speed * 0.07
    lag = lag * np.minimum(1, 0.12 / np.maximum(np.linalg.norm(lag, axis=-1, keepdims=True), 1e-6))
    s = np.arange(-0.03, length * k + 0.03, 0.002)
    taper = np.interp(s, [0, length * k], [1, 0.7 if style in ("bob", "scarf") else 0.5])
    across = cap(s, hanging.wide * k * taper, 0.0, length * k, 0.03, 0.03)
    profile = Profile(s, across, across * np.full(s.shape, hanging.deep / hanging.wide), np.full(s.shape, 0.6))
    return [
        limb(
            outfit, _hanging_chain(skeleton, at(start), length, k, lag, hanging.deep), profile, spacing,
            lambda x, sv: _paint_strands(outfit, x, sv), [], hanging.wide,
        )
        for start in hanging.starts
    ]  # fmt: skip


def _hanging_chain(
    skeleton: Skeleton, root: np.ndarray, length: float, k: float, lag: np.ndarray, deep: float
) -> Chain:
    """The line of what hangs from `root` [T, 3], `length` times k long, and lags behind by up to `lag` [T, 3]."""
    frame, chest, neck = skeleton.frames["head"], skeleton.frames["chest"], skeleton.points["neck"]
    drop = unit(np.array([0, -1.0, 0]) - 0.45 * frame[..., 1] - 0.25 * frame[..., 2])
    line = [root]
    for part in (0.4, 1.0):
        point = root + drop * length * k * part + lag * part
        local = np.einsum("tji,tj->ti", chest, point - neck)
        # Hair lies on the back, never in it.
        behind = -0.075 - 0.03 * part - 0.3 * deep
        below = np.clip((0.06 - local[:, 1]) / 0.08, 0, 1)
        front_ok = local[:, 2] > 0.16
        local[:, 2] = np.where(front_ok, local[:, 2], np.minimum(local[:, 2], behind * below + 1.0 * (1 - below)))
        line.append(neck + np.einsum("tij,tj->ti", chest, local))
    controls = np.stack(line, 1)
    along = unit(np.diff(controls, axis=1))
    left = frame[:, None, :, 0] + 0 * along
    left = unit(left - along * np.sum(left * along, -1, keepdims=True))
    lengths = [length * k * 0.4, length * k * 0.6]
    return Chain(controls, np.stack([left, np.cross(along, left), along], -1), lengths, [0.4 * min(lengths)])


def _paint_strands(outfit: Outfit, x: np.ndarray, s: np.ndarray) -> np.ndarray:
    is_scarf = outfit.hair_style == "scarf"
    streak = noise(x, s * 0.12, 0, 0.25, outfit.rumple)
    plait = np.cos(s * 2 * np.pi / 0.035) * 0.3 if outfit.hair_style == "braids" else 0.0
    shade = np.clip(1 + (0.08 if is_scarf else 0.4) * streak + plait, 0.3, 2)[..., None]
    return ((outfit.hat if is_scarf else outfit.hair) * shade).astype(np.float32)
