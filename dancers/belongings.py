"""Belongings: balls, bags and sticks that a person carries or keeps in the air."""

from __future__ import annotations

import numpy as np

from dancers.body import SIDES, Body, Skeleton, rotation
from dancers.outfit import Outfit
from dancers.patterns import noise, to_linear
from dancers.surfaces import Rigid, ball


def _kicked(outfit: Outfit, skeleton: Skeleton, fps: float) -> np.ndarray:
    """Path [T, 3] of a ball that is kept in the air: parabolas between hands, knees and feet."""
    p, f = skeleton.points, skeleton.frames
    steps = len(p["pelvis"])
    ahead = f["pelvis"][..., 2] * 0.14
    spots = [
        p[f"{n}_{j}"] + ahead + np.array([0, h, 0])
        for n in SIDES
        for j, h in (("wrist", 0.1), ("knee", 0.12), ("ankle", 0.1))
    ]
    period = 0.45 + 0.5 * outfit.rumple[0]
    time = np.arange(steps) / fps / period
    beat = time.astype(int)
    share = (time - beat)[:, None]
    # Which spot it meets at every beat: any series of numbers that belongs to the outfit will do.
    order = (np.floor(1000 * outfit.rumple[1]) + np.arange(beat[-1] + 2) ** 2 * 7).astype(int) % len(spots)
    spots = np.stack(spots)
    now = np.arange(steps)
    path = spots[order[beat], now] * (1 - share) + spots[order[beat + 1], now] * share
    path[:, 1] += (4 * share * (1 - share))[:, 0] * (0.1 + 0.5 * period)
    return path


def belongings(body: Body, outfit: Outfit, skeleton: Skeleton, spacing: float, fps: float) -> list:
    """A ball, a bag, a backpack or a stick."""
    p, f = skeleton.points, skeleton.frames
    side = SIDES[int(outfit.rumple[0] > 0.5)]
    steps = len(p["pelvis"])
    upright = rotation(1, np.arctan2(f["pelvis"][:, 0, 2], f["pelvis"][:, 2, 2]))
    grip = p[f"{side}_wrist"] + f[f"{side}_hand"][..., 2] * 0.1
    kind = outfit.extra
    if kind in ("ball", "kicked"):
        radius = 0.06 + 0.06 * outfit.rumple[1] if kind == "ball" else 0.11
        v, d = ball((radius,) * 3, spacing)
        dark = noise(d[..., 0] + d[..., 2], d[..., 1], 2, 1.6, outfit.rumple) > 0.6
        colour = np.where(dark[..., None], outfit.extra_colour * 0.3, outfit.extra_colour * 0.5 + 0.4)
        if kind == "kicked":
            return [Rigid(_kicked(outfit, skeleton, fps), upright @ rotation(0, np.arange(steps) * 3 / fps), v, colour)]
        away = f[f"{side}_hand"][..., 2] * radius * 0.7 + f[f"{side}_hand"][..., 1] * radius * 0.8
        return [Rigid(grip + away, f[f"{side}_hand"], v, colour)]
    if kind in ("bag", "backpack"):
        half = np.array((0.17, 0.13, 0.06) if kind == "bag" else (0.14, 0.2, 0.075)) * (0.8 + 0.4 * outfit.rumple[1])
        v, d = ball(tuple(half), spacing * 0.85)
        v = np.sign(d) * np.abs(d) ** 0.45 * half
        trim = (np.abs(d[..., 1]) < 0.08) | (np.abs(np.abs(d[..., 0]) - 0.5) < 0.05)
        colour = np.where(trim[..., None], outfit.extra_colour * 0.35, outfit.extra_colour) * np.ones(v.shape)
        if kind == "bag":
            turn = upright @ rotation(1, np.full(steps, 1.2))
            return [Rigid(grip - np.array([0, half[1] + 0.05, 0]), turn, v, colour)]
        place = p["neck"] + np.einsum("tij,j->ti", f["chest"], np.array([0, -0.21, -0.15 - body.girth * 0.03]))
        return [Rigid(place, f["chest"], v, colour)]
    if kind == "wand":
        v, d = ball((0.014, 0.45, 0.014), spacing)
        axes = np.stack([f[f"{side}_hand"][..., 0], f[f"{side}_hand"][..., 1], f[f"{side}_hand"][..., 2]], -1)
        stripe = np.mod(v[..., 1], 0.2) < 0.1
        colour = np.where(stripe[..., None], outfit.extra_colour, to_linear(np.array([230, 225, 215])))
        return [Rigid(p[f"{side}_wrist"] + f[f"{side}_hand"][..., 2] * 0.09, axes, v, colour)]
    return []
