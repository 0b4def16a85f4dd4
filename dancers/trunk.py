"""The trunk, and the skirt that hangs from it."""

from __future__ import annotations

import dataclasses

import numpy as np

from dancers import wardrobe
from dancers.body import SIDES, Body, Skeleton, unit
from dancers.outfit import Outfit
from dancers.patterns import noise
from dancers.surfaces import Chain, Tube, chain_weights
from dancers.tailoring import Profile, around, cap, columns, fold_slopes, smooth, worn_tube


def torso(body: Body, outfit: Outfit, skeleton: Skeleton, spacing: float) -> Tube:
    """Neck, chest, waist and hips with what is worn on them."""
    chain = _spine(body, skeleton)
    at = _places(chain, outfit)
    profile = _dressed(_naked(body, at), outfit, at)
    half = np.pi * 0.14 * (body.stature / 1.72) * body.girth
    radius = float(profile.across.max() * 0.55 + profile.front.max() * 0.45)
    x, rings = around(columns(radius, spacing), half / np.pi), profile.rings(spacing)
    # Shoulder blades' hollow and the chest's middle make the trunk more than an ellipse.
    swell = 1 - 0.03 * np.exp(-((x / 0.03) ** 2)) * (np.abs(rings.s[:, None] - at["chest"]) < 0.15)

    def paint(x, s):
        return wardrobe.paint_torso(outfit, x, s, half, at)

    creases = [(at["waist"] + 0.02, 0.07), (at["hips"], 0.05)]
    return worn_tube(outfit, chain, rings, x, paint, creases, swell)


def _spine(body: Body, skeleton: Skeleton) -> Chain:
    """The line from the head's centre down to below the pelvis."""
    p, f = skeleton.points, skeleton.frames
    bottom = p["pelvis"] - f["pelvis"][..., 1] * body.trunk * 0.17
    controls = np.stack([p["head"], p["neck"], p["chest"], p["waist"], p["pelvis"], bottom], 1)
    down = [np.stack([f[n][..., 0], f[n][..., 2], -f[n][..., 1]], -1) for n in ("neck", "chest", "waist", "pelvis")]
    frames = np.stack([down[0], down[1], *down[1:]], 1)
    lengths = [body.neck, body.trunk * 0.30, body.trunk * 0.34, body.trunk * 0.36, body.trunk * 0.17]
    return Chain(controls, frames, lengths, [0.035, 0.06, 0.08, 0.07])


def _places(chain: Chain, outfit: Outfit) -> dict[str, float]:
    """Metres down from the head's centre, by name."""
    at = dict(zip(("neck", "chest", "waist", "hips", "end"), np.cumsum(chain.lengths)))
    return {
        **at,
        "belt": at["waist"] + 0.07,
        "hem": at["waist"] + (at["hips"] - at["waist"]) * outfit.top_length + 0.03,
    }


def _naked(body: Body, at: dict[str, float]) -> Profile:
    k, shoulder = body.stature / 1.72, body.shoulder
    neck, chest, waist, hips, end = (at[name] for name in ("neck", "chest", "waist", "hips", "end"))
    # Place, half axis sideways, half axis to the front, shift to the front.
    table = np.array(
        [
            (0, 0.050 * k, 0.056 * k, -0.02),
            (neck * 0.75, 0.053 * k, 0.058 * k, -0.012),
            (neck - 0.01, 0.068 * k, 0.062 * k, -0.008),
            (neck + 0.018, shoulder * 0.62, 0.074 * k, -0.01),
            (neck + 0.05, shoulder * 0.93, 0.088 * k, -0.005),
            (neck + 0.11, shoulder * 0.97, 0.104 * k, 0.0),
            (chest + 0.03, 0.150 * k, (0.112 + 0.5 * body.bust) * k, 0.004 + body.bust * 0.5),
            (waist - 0.02, 0.136 * k * body.waist, 0.098 * k + body.belly * 0.6, 0.002 + body.belly * 0.6),
            (waist + 0.09, 0.155 * k, 0.106 * k + body.belly * 0.4, body.belly * 0.4),
            (hips - 0.01, body.hip + 0.082 * k, 0.118 * k, -0.016),
            (end, body.hip + 0.075 * k, 0.100 * k, -0.01),
        ]
    )
    s = np.arange(0, end, 0.002)
    across, front, shift = (np.interp(s, table[:, 0], values) for values in table.T[1:])
    thick = 1 + (body.girth - 1) * np.interp(s, [neck, chest], [0.35, 1.0])
    across, front = (smooth(half, s, 0.05) * thick for half in (across, front))
    return Profile(s, across, front, np.full(s.shape, 0.006), smooth(shift, s, 0.06))


def _dressed(naked: Profile, outfit: Outfit, at: dict[str, float]) -> Profile:
    s, cloth, neck, hips = naked.s, naked.cloth, at["neck"], at["hips"]
    halves = [naked.across, naked.front]
    if not outfit.bare:
        loose = np.clip((outfit.top_ease - 0.02) / 0.03, 0, 1)
        worn = (s > neck + 0.04) & (s < at["hem"])
        ramp = np.clip((s - neck - 0.04) / 0.12, 0, 1) * outfit.top_ease
        for i, ease in enumerate((ramp * 0.8, ramp)):
            # A loose top hangs from the widest place above.
            hang = np.maximum.accumulate(np.where(s > neck + 0.1, halves[i], 0))
            hang = np.where(s > at["chest"], hang, halves[i])
            halves[i] = np.where(worn, halves[i] * (1 - loose) + hang * loose + ease, halves[i])
        cloth = np.where(worn, 0.3 + np.clip(outfit.top_ease / 0.04, 0, 1), cloth)
    in_trousers = (s > at["belt"]) & (s >= at["hem"])
    halves = [np.where(in_trousers, half + 0.006 + outfit.leg_ease[0], half) for half in halves]
    across, front = (cap(s, half, 0.0, hips + 0.02, 0.01, at["end"] - hips - 0.02) for half in halves)
    cloth = np.where(s > at["belt"], np.maximum(cloth, 0.5), cloth)
    return dataclasses.replace(naked, across=across, front=front, cloth=cloth)


def skirt(body: Body, outfit: Outfit, skeleton: Skeleton, spacing: float) -> Tube:
    """A cone around both legs: its rings span the hull of two circles that go down the legs."""
    p, f = skeleton.points, skeleton.frames
    k, g = body.stature / 1.72, body.girth
    length = outfit.skirt * body.leg
    rows = max(6, int(np.ceil((length + 0.08) / spacing)))
    s = np.linspace(-0.08, length, rows)
    share = np.clip(s / length, 0, 1)

    # It hangs from the pelvis, and is rounded at hips and knees, or the rings would jump there.
    above = 0.12
    lengths = [above, body.thigh, body.shin]
    corners, _ = chain_weights(lengths, s + above, [0.1, 0.6 * min(body.thigh, body.shin)])
    up = f["pelvis"][..., 1] * above
    right, left = (
        np.einsum(
            "vk,tkc->tvc",
            corners,
            np.stack([p[f"{n}_hip"] + up] + [p[f"{n}_{j}"] for j in ("hip", "knee", "ankle")], 1),
        )
        for n in SIDES
    )
    middle, spread = (right + left) / 2, (left - right) / 2
    body_radius = (0.088 * k + 0.004) * (1 + (g - 1) * 0.9)
    thigh_radius = np.interp(s, [0, length], [body_radius, body_radius * 0.8 if length > 0.3 else body_radius])
    ease = outfit.skirt_ease[0] + (outfit.skirt_ease[1] - outfit.skirt_ease[0]) * share
    lateral = f["pelvis"][:, None, :, 0]
    across = spread + unit(spread + 0.12 * lateral) * (thigh_radius + ease)[None, :, None]
    along = unit(np.gradient(middle, axis=1))
    front = unit(np.cross(along, across))
    fore = np.linalg.norm(spread - lateral * np.sum(spread * lateral, -1, keepdims=True), axis=-1)
    deep = np.maximum((0.128 * k * g) * (1 - 0.15 * share), thigh_radius) + ease
    front = front * (deep[None] + 0.25 * fore)[..., None]
    # Spread legs stretch it: the widest ring of all frames sets the number of columns.
    radius = float(min(np.linalg.norm(across, axis=-1).max(), 0.7))
    u = columns(radius, spacing)
    x, sv = around(u, 0.14 * k * g), s[:, None]
    pleats = 1 + np.clip(ease / 0.12, 0, 1)[:, None] * 0.07 * share[:, None] * np.sin(
        9 * u + 4 * noise(x, sv * 0.3, 4, 0.9, outfit.rumple)
    )
    colour = outfit.skirt_cloth(x, sv + 0.5 + body.trunk)
    colour = np.where((length - sv < 0.012)[..., None], colour * 0.7, colour)
    if outfit.skirt < 0.25 and outfit.closing != "none":
        colour = np.where((np.abs(x) < 0.006)[..., None], colour * 0.5, colour)
    slope = fold_slopes(outfit, x, sv, np.full((len(s), len(u)), 0.8))
    slope[..., 0] += (
        np.clip(ease / 0.1, 0, 1)[:, None]
        * 0.6
        * share[:, None]
        * np.cos(9 * u + 4 * noise(x, sv * 0.3, 4, 0.9, outfit.rumple))
    )
    return Tube(middle, across, front, pleats, colour, slope, open=True)
