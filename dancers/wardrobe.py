"""Painters: the colours that an outfit puts on the surfaces of a body.

They take surface coordinates: s, the distance along a limb or down from the head's centre in
metres, and x, the distance around it in metres, 0 in the middle of the front; the back lies half
way round. Fronts and backs differ: necklines, buttons, prints, pockets.
"""

from __future__ import annotations

import numpy as np

from dancers import patterns
from dancers.outfit import Outfit
from dancers.patterns import Paint, noise


def stamp(colour: np.ndarray, x: np.ndarray, s: np.ndarray, image: np.ndarray, centre: tuple, size: float) -> None:
    """Prints an image [64, 64, 4] on the colours [V, U, 3], its middle at (x, s) = centre."""
    mx = ((x - centre[0]) / size + 0.5) * 63
    my = ((s - centre[1]) / size + 0.5) * 63
    drawn = patterns.look_up(image, mx, my)
    colour *= 1 - drawn[..., 3:]
    colour += drawn[..., :3]


def paint_skin(outfit: Outfit, x: np.ndarray, s: np.ndarray, seed: float) -> np.ndarray:
    """Skin [V, U, 3] with its faint blotches."""
    blotch = noise(x + seed, s + 0 * x, 3, 0.7, outfit.rumple)[..., None]
    return outfit.skin.astype(np.float32) * (1 + 0.06 * blotch * np.array([0.6, 1, 1], np.float32))


def _lines_of_body(
    x: np.ndarray, below: np.ndarray, from_back: np.ndarray, front: np.ndarray, from_waist: np.ndarray
) -> np.ndarray:
    """How much darker the spine, the shoulder blades and the breast are than the skin around, [V, U]."""
    spine = np.exp(-((from_back / 0.012) ** 2)) * (below > 0)
    blades = np.exp(-(((np.abs(from_back) - 0.07) / 0.02) ** 2) - ((below - 0.15) / 0.06) ** 2)
    breast = np.exp(-(((below - 0.17) / 0.012) ** 2)) * (np.abs(x) < 0.12) + np.exp(-((x / 0.01) ** 2)) * (
        below > 0
    )
    dark = 0.22 * spine + 0.15 * blades + 0.16 * breast * front
    dark = dark + 0.5 * (np.hypot(np.abs(x) - 0.09, below - 0.15) < 0.011)
    dark = dark + 0.5 * (np.hypot(x, from_waist - 0.03) < 0.009)
    return np.clip(dark, 0, 0.8)


def _closed(
    outfit: Outfit, cloth: np.ndarray, x: np.ndarray, below: np.ndarray, front: np.ndarray, from_back: np.ndarray
) -> np.ndarray:
    """The cloth [V, U, 3] with the buttons, the zip or whatever else closes it."""
    if outfit.closing in ("buttons", "frogs"):
        cloth *= (1 - 0.5 * (np.abs(np.abs(x) - 0.018) < 0.0035) * front)[..., None]
        pitch = 0.085 if outfit.closing == "buttons" else 0.11
        phase = np.mod(below, pitch) - pitch / 2
        if outfit.closing == "buttons":
            spot = np.hypot(x, phase) < 0.008
        else:
            spot = (np.abs(phase) < 0.007) & (np.abs(x) < 0.05)
        cloth = np.where((spot & front)[..., None], outfit.closing_colour.astype(np.float32), cloth)
    elif outfit.closing == "zip":
        cloth = np.where((np.abs(x) < 0.007)[..., None], outfit.closing_colour.astype(np.float32), cloth)
    elif outfit.closing == "open":
        inner = np.abs(x) < 0.03 + 0.03 * np.clip(1 - below / 0.4, 0, 1) + 0.09 * np.clip(below - 0.1, 0, 1)
        cloth = np.where((inner & front)[..., None], outfit.closing_colour.astype(np.float32), cloth)
    elif outfit.closing == "straps":
        strap = (np.abs(np.abs(x) - 0.085) < 0.014) & front | (np.abs(from_back) < 0.014) & ~front
        cloth = np.where(strap[..., None], outfit.closing_colour.astype(np.float32), cloth)
    return cloth


def paint_torso(outfit: Outfit, x: np.ndarray, s: np.ndarray, half: float, marks: dict) -> np.ndarray:
    """Colours of the trunk.

    Args:
        outfit: what is worn.
        x: [1, U] metres from the middle of the front.
        s: [V, 1] metres down from the head's centre.
        half: half of the way around.
        marks: places s by name: neck, waist, hips, hem, and belt (top of the trousers).

    Returns:
        [V, U, 3].
    """
    front = np.abs(x) < half / 2
    from_back = np.where(x > 0, x - half, x + half)
    colour = paint_skin(outfit, x, s, 0.0)
    below = s - marks["neck"]
    if outfit.bare:
        colour = colour * (1 - _lines_of_body(x, below, from_back, front, s - marks["waist"]))[..., None]
    else:
        cloth = np.where(front[..., None], outfit.top(x, s), outfit.back(from_back, s)).astype(np.float32)
        cloth = _closed(outfit, cloth, x, below, front, from_back)
        middle = marks["neck"] + 0.19
        if outfit.front_print is not None:
            stamp(cloth, x, s, outfit.front_print, (0.0, middle), outfit.print_size)
        if outfit.back_print is not None:
            stamp(cloth, from_back, s, outfit.back_print, (0.0, middle), outfit.print_size * 1.1)
        depth, is_v, wide = outfit.neckline
        edge = (
            depth
            + (
                np.clip(1 - np.abs(x) / 0.075, 0, 1) * wide
                if is_v
                else np.sqrt(np.clip(1 - (x / 0.085) ** 2, 0, 1)) * wide * 0.6
            )
            * front
        )
        if outfit.sleeve < 0:
            edge = edge + 0.05 * (np.abs(np.abs(x) - half / 2) < 0.07)
        if outfit.closing == "frogs":
            edge = 0 * edge - 0.04
        worn = (below > edge) & (s < marks["hem"])
        rim = (np.abs(below - edge - 0.006) < 0.008) & worn
        cloth = np.where(rim[..., None], cloth * 0.65, cloth)
        cloth = np.where((np.abs(s - marks["hem"] + 0.012) < 0.004)[..., None], cloth * 0.75, cloth)
        colour = np.where(worn[..., None], cloth, colour)
    legs = (s > marks["belt"]) & (s >= marks["hem"] if not outfit.bare else True)
    cloth = outfit.trousers(x, s) if not outfit.skirt > 0.25 else outfit.skirt_cloth(x, s)
    seam = (np.abs(x) < 0.004) | (np.abs(from_back) < 0.004)
    pocket = (np.abs(np.abs(from_back) - 0.08) < 0.05) & (np.abs(s - marks["hips"] + 0.01) < 0.055)
    cloth = cloth * (1 - 0.3 * seam - 0.18 * pocket - 0.3 * (s < marks["belt"] + 0.03))[..., None]
    return np.where(legs[..., None], cloth, colour).astype(np.float32)


def paint_limb(outfit: Outfit, x: np.ndarray, s: np.ndarray, covered: float, cloth: Paint, side: bool) -> np.ndarray:
    """Colours of an arm or leg, cloth down to `covered` metres; `side`: with the side stripe."""
    colour = paint_skin(outfit, x, s, 0.4 + covered)
    cloth_colour = cloth(x, s + 0.45)
    if side and outfit.side is not None:
        half = (np.abs(np.abs(x) - np.abs(x).max() / 2) < 0.018)[..., None]
        cloth_colour = np.where(half, outfit.side.astype(np.float32), cloth_colour)
    cloth_colour = np.where((np.abs(s - covered + 0.012) < 0.005)[..., None], cloth_colour * 0.7, cloth_colour)
    return np.where((s < covered)[..., None], cloth_colour, colour).astype(np.float32)


def paint_face(outfit: Outfit, p: np.ndarray) -> np.ndarray:
    """Face and skin of the head.

    Args:
        outfit: whose face.
        p: [V, U, 3] places on a head of standard size (left, up, front) in metres, without hair.

    Returns:
        [V, U, 3].
    """
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    front = z > 0.02
    colour = paint_skin(outfit, x, y, 0.9)
    warm = np.exp(-(((np.abs(x) - 0.045) / 0.022) ** 2) - ((y + 0.03) / 0.025) ** 2) * front
    colour = colour * (1 + warm[..., None] * np.array([0.06, -0.1, -0.08], np.float32))
    socket = np.exp(-(((np.abs(x) - 0.031) / 0.02) ** 2) - ((y - 0.008) / 0.012) ** 2) * front
    nose = np.exp(-(((np.abs(x) - 0.012) / 0.008) ** 2) - ((y + 0.034) / 0.008) ** 2) * front
    chin = np.exp(-((x / 0.03) ** 2) - ((y + 0.076) / 0.008) ** 2) * front
    colour = colour * (1 - 0.3 * socket - 0.45 * nose - 0.15 * chin)[..., None]
    beard = ((y < -0.028) & (z > -0.01) & (np.hypot(x / 0.03, (y + 0.052) / 0.012) > 0.9)) * outfit.beard
    colour = colour * (1 - beard[..., None]) + outfit.hair.astype(np.float32) * beard[..., None]

    def put(mask, value):
        nonlocal colour
        colour = np.where((mask & front)[..., None], np.asarray(value, np.float32), colour)

    put(np.hypot((np.abs(x) - 0.031) / 0.015, (y - 0.005) / 0.0085) < 1, patterns.to_linear(np.array([236, 232, 228])))
    put(np.hypot(np.abs(x) - 0.031, y - 0.005) < 0.008, (0.02, 0.015, 0.012))
    arch = 0.027 - 0.08 * np.abs(np.abs(x) - 0.031)
    put((np.abs(np.abs(x) - 0.033) < 0.019) & (np.abs(y - arch) < 0.0045), outfit.hair * 0.5 + outfit.skin * 0.08)
    lips = outfit.skin * np.array([0.75, 0.38, 0.38])
    put(np.hypot(x / 0.025, (y + 0.051) / 0.009) < 1, lips)
    put((np.abs(x) < 0.024) & (np.abs(y + 0.051) < 0.0022), lips * 0.3)
    if outfit.glasses:
        ring = np.hypot((np.abs(x) - 0.032) / 0.024, (y - 0.004) / 0.018)
        put((np.abs(ring - 1) < 0.18) | ((np.abs(x) < 0.01) & (np.abs(y - 0.006) < 0.003)), (0.01, 0.01, 0.012))
    ear = np.hypot((z + 0.012) / 0.016, (y + 0.004) / 0.028)
    colour = np.where(
        ((ear < 1) & (np.abs(x) > 0.05))[..., None], colour * (0.72 + 0.28 * (ear > 0.6))[..., None], colour
    )
    return colour.astype(np.float32)


def hair_cover(outfit: Outfit, p: np.ndarray) -> np.ndarray:
    """How much hair or hat covers the head, [V, U] in [0, 1], at places as in paint_face."""
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    style = outfit.hair_style
    if style == "bald":
        return np.zeros(x.shape, np.float32)
    front_line = {"quiff": 0.07, "buzz": 0.066, "bob": 0.05, "beanie": 0.042, "cap": 0.048, "scarf": 0.06}.get(
        style, 0.062
    )
    side_line = {"bob": -0.07, "long": -0.07, "braids": -0.03, "scarf": -0.1, "afro": -0.03, "beanie": 0.0}.get(
        style, -0.015
    )
    line = np.interp(z, [-0.09, -0.03, 0.01, 0.04, 0.09], [-0.075, -0.06, side_line, 0.035, front_line])
    if style == "scarf":
        line = np.where(z > 0.035, np.where(np.abs(x) > 0.052, -0.2, front_line), -0.2)
        line = np.where((z > 0) & (y < -0.085), -0.2, line)
    cover = np.clip((y - line) / 0.006 + 0.5, 0, 1)
    if style == "rim":
        cover = cover * (y < 0.05)
    return cover.astype(np.float32)
