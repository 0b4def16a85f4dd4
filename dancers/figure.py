"""Figures: the surfaces of a dressed body over the frames of a motion."""

from __future__ import annotations

import numpy as np

from dancers import wardrobe
from dancers.belongings import belongings
from dancers.body import SIDES, Body, Skeleton, unit
from dancers.heads import hair_surfaces, head_surface
from dancers.outfit import Outfit
from dancers.patterns import noise
from dancers.surfaces import Rigid, Tube, ball, chain_weights, resample, tube
from dancers.tailoring import around, cap, columns, fold_slopes, limb, smooth, swelling


def build(body: Body, outfit: Outfit, skeleton: Skeleton, spacing: float, fps: float) -> list:
    """Dresses a moving skeleton.

    Args:
        body: its measures.
        outfit: its looks.
        skeleton: its T poses.
        spacing: wanted distance of surface points in metres.
        fps: of the skeleton's frames; hair lags behind the head's speed.

    Returns:
        Surfaces (Tube or Rigid) of T frames.
    """
    surfaces = [_torso(body, outfit, skeleton, spacing)]
    for side in range(2):
        surfaces += [_arm(body, outfit, skeleton, side, spacing), _leg(body, outfit, skeleton, side, spacing)]
        surfaces += [_hand(body, outfit, skeleton, side, spacing), _foot(body, outfit, skeleton, side, spacing)]
    if outfit.skirt > 0:
        surfaces.append(_skirt(body, outfit, skeleton, spacing))
    surfaces.append(head_surface(body, outfit, skeleton, spacing))
    surfaces += hair_surfaces(body, outfit, skeleton, spacing, fps)
    surfaces += belongings(body, outfit, skeleton, spacing, fps)
    return surfaces


def _torso(body: Body, outfit: Outfit, skeleton: Skeleton, spacing: float) -> Tube:
    p, f = skeleton.points, skeleton.frames
    k, g = body.stature / 1.72, body.girth
    bottom = p["pelvis"] - f["pelvis"][..., 1] * body.trunk * 0.17
    controls = np.stack([p["head"], p["neck"], p["chest"], p["waist"], p["pelvis"], bottom], 1)
    down = lambda m: np.stack([m[..., 0], m[..., 2], -m[..., 1]], -1)  # noqa: E731
    frames = np.stack([down(f[n]) for n in ("neck", "chest", "chest", "waist", "pelvis")], 1)
    lengths = [body.neck, body.trunk * 0.30, body.trunk * 0.34, body.trunk * 0.36, body.trunk * 0.17]
    ends = np.cumsum(lengths)
    neck, chest, waist, hips = ends[:4]
    s = np.arange(0, ends[-1], 0.002)
    shoulder = body.shoulder
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
            (waist + 0.09, 0.155 * k, 0.106 * k + body.belly * 0.4, 0.0 + body.belly * 0.4),
            (hips - 0.01, body.hip + 0.082 * k, 0.118 * k, -0.016),
            (ends[-1], body.hip + 0.075 * k, 0.100 * k, -0.01),
        ]
    )
    thick = 1 + (g - 1) * np.interp(s, [neck, chest], [0.35, 1.0])
    across = smooth(np.interp(s, table[:, 0], table[:, 1]), s, 0.05) * thick
    front = smooth(np.interp(s, table[:, 0], table[:, 2]), s, 0.05) * thick
    shift = smooth(np.interp(s, table[:, 0], table[:, 3]), s, 0.06)
    belt = waist + 0.07
    hem = waist + (hips - waist) * outfit.top_length + 0.03
    cloth = np.full(s.shape, 0.006)
    if not outfit.bare:
        loose = np.clip((outfit.top_ease - 0.02) / 0.03, 0, 1)
        worn = (s > neck + 0.04) & (s < hem)
        hang_across = np.where(s > chest, np.maximum.accumulate(np.where(s > neck + 0.1, across, 0)), across)
        hang_front = np.where(s > chest, np.maximum.accumulate(np.where(s > neck + 0.1, front, 0)), front)
        ramp = np.clip((s - neck - 0.04) / 0.12, 0, 1) * outfit.top_ease
        across = np.where(worn, across * (1 - loose) + hang_across * loose + ramp * 0.8, across)
        front = np.where(worn, front * (1 - loose) + hang_front * loose + ramp, front)
        cloth = np.where(worn, 0.3 + np.clip(outfit.top_ease / 0.04, 0, 1), cloth)
    across = np.where((s > belt) & (s >= hem), across + 0.006 + outfit.leg_ease[0], across)
    front = np.where((s > belt) & (s >= hem), front + 0.006 + outfit.leg_ease[0], front)
    cloth = np.where(s > belt, np.maximum(cloth, 0.5), cloth)
    across, front = (cap(s, r, 0.0, hips + 0.02, 0.01, ends[-1] - hips - 0.02) for r in (across, front))
    at = resample(s, across, spacing)
    pick = lambda v: np.interp(at, np.arange(len(s)), v)  # noqa: E731
    rings = pick(s)
    u = columns(float(across.max() * 0.55 + front.max() * 0.45), spacing)
    half = np.pi * 0.14 * k * g
    x, sv = around(u, half / np.pi), rings[:, None]
    marks = {"neck": neck, "waist": waist, "hips": hips, "hem": hem, "belt": belt}
    amount = pick(cloth)[:, None] * np.ones_like(x)
    creases = [(waist + 0.02, 0.07), (hips, 0.05)]
    centre, a, b = tube(
        controls, frames, lengths, [0.035, 0.06, 0.08, 0.07], rings, pick(across), pick(front), pick(shift)
    )
    # Shoulder blades' hollow and the chest's middle make the trunk more than an ellipse.
    swell = swelling(outfit, x, sv, amount) * (1 - 0.03 * np.exp(-((x / 0.03) ** 2)) * (np.abs(sv - chest) < 0.15))
    return Tube(
        centre,
        a,
        b,
        swell,
        wardrobe.paint_torso(outfit, x, sv, half, marks),
        fold_slopes(outfit, x, sv, amount, creases),
    )


def _arm(body: Body, outfit: Outfit, skeleton: Skeleton, side: int, spacing: float) -> Tube:
    n = SIDES[side]
    p, f = skeleton.points, skeleton.frames
    k, g = body.stature / 1.72, body.girth
    controls = np.stack([p[f"{n}_shoulder"], p[f"{n}_elbow"], p[f"{n}_wrist"]], 1)
    frames = np.stack([f[f"{n}_upper_arm"], f[f"{n}_forearm"]], 1)
    l1, l2 = body.upper_arm, body.forearm
    s = np.arange(-0.06, l1 + l2 + 0.012, 0.002)
    table = [-0.06, 0.0, l1 * 0.45, l1 - 0.01, l1 + l2 * 0.25, l1 + l2 * 0.7, l1 + l2]
    radius = np.interp(s, table, np.array([0.052, 0.053, 0.047, 0.039, 0.041, 0.031, 0.025]) * k)
    radius = smooth(radius, s, 0.04) * (1 + (g - 1) * np.interp(s, [0, l1 + l2], [1, 0.5]))
    deep = radius * np.interp(s, [0, l1, l1 + l2], [1.05, 1.0, 0.78])
    covered = outfit.sleeve * (l1 + l2 - 0.01)
    cloth = np.where(s < covered, 1.0, 0.0)
    ease = np.where(s < covered, outfit.sleeve_ease * np.clip((s + 0.05) / max(covered + 0.05, 0.1), 0.35, 1), 0)
    ease = ease + np.where(s < covered, 0.006, 0)
    deep = cap(s, deep + ease, 0.0, l1 + l2, 0.058, 0.012)
    radius = cap(s, radius + ease, 0.0, l1 + l2, 0.058, 0.012)
    paint = lambda x, sv: wardrobe.paint_limb(outfit, x, sv, covered, outfit.sleeves, False)  # noqa: E731
    creases = [(l1, 0.05), (0.03, 0.04)]
    return limb(outfit, spacing, s, radius, deep, cloth, controls, frames, [l1, l2], [0.045], paint, creases, 0.045)


def _leg(body: Body, outfit: Outfit, skeleton: Skeleton, side: int, spacing: float) -> Tube:
    n = SIDES[side]
    p, f = skeleton.points, skeleton.frames
    k, g = body.stature / 1.72, body.girth
    controls = np.stack([p[f"{n}_hip"], p[f"{n}_knee"], p[f"{n}_ankle"]], 1)
    frames = np.stack([f[f"{n}_thigh"], f[f"{n}_shin"]], 1)
    l1, l2 = body.thigh, body.shin
    s = np.arange(-0.08, l1 + l2 + 0.02, 0.002)
    table = [-0.08, 0.03, l1 * 0.5, l1 * 0.92, l1 + 0.03, l1 + l2 * 0.3, l1 + l2 * 0.75, l1 + l2]
    radius = np.interp(s, table, np.array([0.080, 0.086, 0.074, 0.056, 0.053, 0.057, 0.041, 0.035]) * k)
    radius = smooth(radius, s, 0.06) * (1 + (g - 1) * np.interp(s, [0, l1 + l2], [0.9, 0.5]))
    covered = outfit.leg_cover * (l1 + l2 - 0.01)
    top, hem = outfit.leg_ease
    on = s < covered
    ease = np.where(
        on, 0.004 + np.interp(s, [0, l1 * 0.7, max(covered, l1 * 0.7 + 0.01)], [top, (top + hem) / 2, hem]), 0
    )
    # Trousers hang: below the thigh they do not follow the knee's and calf's narrowing all the way.
    radius = np.where(on, np.maximum(radius, smooth(radius, s, 0.25)) + ease, radius)
    boot = outfit.boot * l2
    booted = (s > l1 + l2 - boot) & ~on & (not outfit.barefoot)
    radius = np.where(booted, radius + 0.006, radius)
    cloth = np.where(on, 0.45 + min(0.55, hem * 12), np.where(booted, 0.3, 0.0))
    deep = cap(s, radius * 1.06, 0.0, l1 + l2, 0.08, 0.02)
    radius = cap(s, radius, 0.0, l1 + l2, 0.08, 0.02)

    def paint(x, sv):
        colour = wardrobe.paint_limb(outfit, x, sv, covered, outfit.trousers, True)
        wear = outfit.sock if outfit.boot < 0.3 else outfit.shoe
        on_shin = (sv > l1 + l2 - boot) & (sv >= covered) & (not outfit.barefoot)
        return np.where(on_shin[..., None], wear.astype(np.float32), colour)

    creases = [(l1, 0.06), (0.02, 0.05), (l1 + l2 - 0.05, 0.05)]
    return limb(outfit, spacing, s, radius, deep, cloth, controls, frames, [l1, l2], [0.06], paint, creases, 0.07)


def _hand(body: Body, outfit: Outfit, skeleton: Skeleton, side: int, spacing: float) -> Rigid:
    n = SIDES[side]
    k = body.stature / 1.72
    p, d = ball((0.037 * k, 0.082 * k, 0.019 * k), spacing)
    # Axes of the grid: x across the palm, y from the wrist down (the forearm's third column), z its
    # front.
    thumb = np.exp(-((d[..., 1] - 0.25) ** 2) / 0.05) * np.clip(d[..., 2], 0, 1) ** 3
    p = p + np.stack([0 * thumb, 0 * thumb, thumb * 0.028 * k], -1)
    p[..., 0] *= 1 - 0.25 * np.clip(-d[..., 1], 0, 1)
    fingers = 0.82 + 0.18 * np.cos(d[..., 0] * 4 * np.pi) * (d[..., 1] < -0.1) + 0.0
    colour = outfit.skin * np.ones(p.shape) * np.where(d[..., 1] < -0.1, fingers, 1.0)[..., None]
    frame = skeleton.frames[f"{n}_hand"]
    axes = np.stack([frame[..., 1], -frame[..., 2], np.cross(frame[..., 1], -frame[..., 2])], -1)
    origin = skeleton.points[f"{n}_wrist"] + frame[..., 2] * 0.066 * k
    return Rigid(origin, axes, p, colour)


def _foot(body: Body, outfit: Outfit, skeleton: Skeleton, side: int, spacing: float) -> Rigid:
    n = SIDES[side]
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
    frame = skeleton.frames[f"{n}_foot"]
    low = -body.ankle - sole
    origin = skeleton.points[f"{n}_ankle"] + np.einsum("tij,j->ti", frame, np.array([0, low, 0.052 * k]))
    return Rigid(origin, frame, p, colour)


def _skirt(body: Body, outfit: Outfit, skeleton: Skeleton, spacing: float) -> Tube:
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
