"""Limbs: arms and legs as worn tubes, hands and feet as grids that move as one."""

from __future__ import annotations

import numpy as np

from dancers import wardrobe
from dancers.body import Body, Skeleton
from dancers.outfit import Outfit
from dancers.surfaces import Chain, Rigid, Tube, ball
from dancers.tailoring import Profile, cap, limb, smooth


def arm(body: Body, outfit: Outfit, skeleton: Skeleton, side: str, spacing: float) -> Tube:
    """An arm, from the shoulder to the wrist."""
    k, g = body.stature / 1.72, body.girth
    l1, l2 = body.upper_arm, body.forearm
    chain = _chain(skeleton, side, ("shoulder", "elbow", "wrist"), ("upper_arm", "forearm"), [l1, l2], 0.045)
    s = np.arange(-0.06, l1 + l2 + 0.012, 0.002)
    table = [-0.06, 0.0, l1 * 0.45, l1 - 0.01, l1 + l2 * 0.25, l1 + l2 * 0.7, l1 + l2]
    radius = np.interp(s, table, np.array([0.052, 0.053, 0.047, 0.039, 0.041, 0.031, 0.025]) * k)
    radius = smooth(radius, s, 0.04) * (1 + (g - 1) * np.interp(s, [0, l1 + l2], [1, 0.5]))
    deep = radius * np.interp(s, [0, l1, l1 + l2], [1.05, 1.0, 0.78])
    covered = outfit.sleeve * (l1 + l2 - 0.01)
    cloth = np.where(s < covered, 1.0, 0.0)
    ease = np.where(s < covered, outfit.sleeve_ease * np.clip((s + 0.05) / max(covered + 0.05, 0.1), 0.35, 1), 0)
    ease = ease + np.where(s < covered, 0.006, 0)
    across, front = (cap(s, half + ease, 0.0, l1 + l2, 0.058, 0.012) for half in (radius, deep))

    def paint(x, sv):
        return wardrobe.paint_limb(outfit, x, sv, covered, outfit.sleeves, False)

    creases = [(l1, 0.05), (0.03, 0.04)]
    return limb(outfit, chain, Profile(s, across, front, cloth), spacing, paint, creases, 0.045)


def leg(body: Body, outfit: Outfit, skeleton: Skeleton, side: str, spacing: float) -> Tube:
    """A leg, from the hip to the ankle, with trousers or a boot if one is worn."""
    k, g = body.stature / 1.72, body.girth
    l1, l2 = body.thigh, body.shin
    chain = _chain(skeleton, side, ("hip", "knee", "ankle"), ("thigh", "shin"), [l1, l2], 0.06)
    s = np.arange(-0.08, l1 + l2 + 0.02, 0.002)
    table = [-0.08, 0.03, l1 * 0.5, l1 * 0.92, l1 + 0.03, l1 + l2 * 0.3, l1 + l2 * 0.75, l1 + l2]
    radius = np.interp(s, table, np.array([0.080, 0.086, 0.074, 0.056, 0.053, 0.057, 0.041, 0.035]) * k)
    radius = smooth(radius, s, 0.06) * (1 + (g - 1) * np.interp(s, [0, l1 + l2], [0.9, 0.5]))
    covered = outfit.leg_cover * (l1 + l2 - 0.01)
    top, hem = outfit.leg_ease
    on = s < covered
    ease = np.interp(s, [0, l1 * 0.7, max(covered, l1 * 0.7 + 0.01)], [top, (top + hem) / 2, hem])
    ease = np.where(on, 0.004 + ease, 0)
    # Trousers hang: below the thigh they do not follow the knee's and calf's narrowing all the way.
    radius = np.where(on, np.maximum(radius, smooth(radius, s, 0.25)) + ease, radius)
    boot = outfit.boot * l2
    booted = (s > l1 + l2 - boot) & ~on & (not outfit.barefoot)
    radius = np.where(booted, radius + 0.006, radius)
    cloth = np.where(on, 0.45 + min(0.55, hem * 12), np.where(booted, 0.3, 0.0))
    across, front = (cap(s, half, 0.0, l1 + l2, 0.08, 0.02) for half in (radius, radius * 1.06))

    def paint(x, sv):
        colour = wardrobe.paint_limb(outfit, x, sv, covered, outfit.trousers, True)
        wear = outfit.sock if outfit.boot < 0.3 else outfit.shoe
        on_shin = (sv > l1 + l2 - boot) & (sv >= covered) & (not outfit.barefoot)
        return np.where(on_shin[..., None], wear.astype(np.float32), colour)

    creases = [(l1, 0.06), (0.02, 0.05), (l1 + l2 - 0.05, 0.05)]
    return limb(outfit, chain, Profile(s, across, front, cloth), spacing, paint, creases, 0.07)


def _chain(
    skeleton: Skeleton, side: str, joints: tuple, bones: tuple, lengths: list, rounding: float
) -> Chain:
    """A limb's line through its joints, rounded at the middle one."""
    controls = np.stack([skeleton.points[f"{side}_{joint}"] for joint in joints], 1)
    frames = np.stack([skeleton.frames[f"{side}_{bone}"] for bone in bones], 1)
    return Chain(controls, frames, lengths, [rounding])


def hand(body: Body, outfit: Outfit, skeleton: Skeleton, side: str, spacing: float) -> Rigid:
    """A hand and its fingers."""
    k = body.stature / 1.72
    p, d = ball((0.037 * k, 0.082 * k, 0.019 * k), spacing)
    # Axes of the grid: x across the palm, y from the wrist down (the forearm's third column), z its
    # front.
    thumb = np.exp(-((d[..., 1] - 0.25) ** 2) / 0.05) * np.clip(d[..., 2], 0, 1) ** 3
    p = p + np.stack([0 * thumb, 0 * thumb, thumb * 0.028 * k], -1)
    p[..., 0] *= 1 - 0.25 * np.clip(-d[..., 1], 0, 1)
    fingers = 0.82 + 0.18 * np.cos(d[..., 0] * 4 * np.pi) * (d[..., 1] < -0.1) + 0.0
    colour = outfit.skin * np.ones(p.shape) * np.where(d[..., 1] < -0.1, fingers, 1.0)[..., None]
    frame = skeleton.frames[f"{side}_hand"]
    axes = np.stack([frame[..., 1], -frame[..., 2], np.cross(frame[..., 1], -frame[..., 2])], -1)
    origin = skeleton.points[f"{side}_wrist"] + frame[..., 2] * 0.066 * k
    return Rigid(origin, axes, p, colour)


def foot(body: Body, outfit: Outfit, skeleton: Skeleton, side: str, spacing: float) -> Rigid:
    """A foot or a shoe."""
    k = body.stature / 1.72
    thick = 1.0 if outfit.barefoot else 1.15
    p, d = ball((0.045 * k * thick, 0.05 * k * thick, 0.128 * k * thick), spacing)
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    ahead = np.clip(d[..., 2], 0, 1)
    y = np.where(y > 0, y * (1 - 0.45 * ahead), y)
    sole = -0.03 * k
    y = np.maximum(y, sole)
    x = x * (1 + 0.12 * ahead) * (0.9 + 0.1 * np.abs(d[..., 2]))
    p = np.stack([x, y, z], -1)
    if outfit.barefoot:
        toes = 1 - 0.3 * ((d[..., 2] > 0.88) & (np.mod(x, 0.018) < 0.005))
        colour = outfit.skin * toes[..., None] * np.ones(p.shape)
    else:
        colour = np.where((y < sole + 0.014)[..., None], outfit.sole, outfit.shoe) * np.ones(p.shape)
        laces = (np.abs(x) < 0.016) & (np.mod(z, 0.022) < 0.008) & (z > 0) & (z < 0.08) & (y > 0)
        colour = np.where(laces[..., None], outfit.sole * 0.8, colour)
    frame = skeleton.frames[f"{side}_foot"]
    low = -body.ankle - sole
    origin = skeleton.points[f"{side}_ankle"] + np.einsum("tij,j->ti", frame, np.array([0, low, 0.052 * k]))
    return Rigid(origin, frame, p, colour)
