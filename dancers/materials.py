"""Materials of places: wood, walls, stone, grass, cloth, as functions of metres."""

from __future__ import annotations

import numpy as np

from dancers import patterns
from dancers.patterns import Paint, noise, to_linear

_EARTH = np.array(
    [
        (168, 150, 124),
        (120, 96, 72),
        (90, 70, 52),
        (196, 176, 140),
        (146, 140, 132),
        (92, 92, 94),
        (200, 198, 192),
        (70, 60, 54),
    ]
)
_WOOD = np.array([(176, 128, 84), (140, 96, 60), (204, 164, 116), (96, 62, 40), (222, 196, 156), (120, 84, 64)])
_GREEN = np.array([(76, 104, 48), (104, 124, 60), (58, 84, 44), (130, 140, 76), (46, 66, 38)])
_PALE = np.array(
    [
        (232, 228, 218),
        (214, 212, 206),
        (240, 238, 236),
        (206, 196, 176),
        (188, 202, 208),
        (222, 206, 196),
        (170, 180, 172),
        (240, 226, 196),
    ]
)


def pick_tone(rng: np.random.Generator, table: np.ndarray) -> np.ndarray:
    """One of a table's sRGB tones, varied, as linear RGB [3]."""
    tone = table[rng.integers(len(table))] * rng.uniform(0.85, 1.1) + rng.normal(size=3) * 5
    return to_linear(np.clip(tone, 8, 250))


def any_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour of things: wood, walls, cloths, skins, foliage."""
    kind = rng.random()
    if kind < 0.15:
        return patterns.skin_colour(rng)
    if kind < 0.4:
        return patterns.cloth_colour(rng)
    return pick_tone(rng, (_EARTH, _WOOD, _GREEN, _PALE)[rng.integers(4)])


def material(rng: np.random.Generator, kinds: list) -> Paint:
    """Draws a material of one of the kinds: from metres (x, y) to linear colour [..., 3]."""
    kind = rng.choice(kinds)
    table = {
        "planks": _WOOD,
        "parquet": _WOOD,
        "grass": _GREEN,
        "leaves": _GREEN,
        "sand": _EARTH,
        "brick": _EARTH,
        "concrete": _EARTH,
        "carpet": None,
        "cloth": None,
        "clouds": None,
    }.get(kind, _PALE)
    base = any_colour(rng) if table is None else pick_tone(rng, table)
    if kind == "brick" and rng.random() < 0.6:
        base = pick_tone(rng, np.array([(150, 72, 52), (170, 96, 70), (120, 60, 50)]))
    other = any_colour(rng)
    joint = base * rng.uniform(0.25, 0.75) if rng.random() < 0.7 else np.clip(base * 1.6 + 0.1, 0, 0.9)
    wide, high = rng.uniform(0.08, 0.3), rng.uniform(0.6, 2.2)
    if kind in ("tiles", "checker"):
        wide = high = rng.uniform(0.2, 0.7)
    if kind == "brick":
        wide, high = rng.uniform(0.07, 0.14), rng.uniform(0.2, 0.4)
    offset, rough = rng.random(2), rng.uniform(0.03, 0.16)
    period = rng.uniform(1.0, 4.0)
    cloth = patterns.cloth_pattern(rng, plain=0.1)
    turn = rng.random() < 0.5 and kind in ("planks", "stripes")
    contrast = rng.uniform(0.2, 0.7)

    def paint(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        x, y = (y, x) if turn else (x, y)
        coarse, fine = (noise(x, y, 3, period * 2, offset), noise(x, y, 1, period * 0.7, offset[::-1]))
        shade = 1 + rough * (0.8 * coarse + 0.6 * fine)
        colour = np.broadcast_to(base.astype(np.float32), x.shape + (3,))
        if kind in ("planks", "tiles", "brick", "parquet"):
            row = np.floor(y / wide)
            stagger = np.mod(row * 0.5 if kind == "brick" else row * 0.37, 1.0) * (kind != "tiles")
            column = np.floor(x / high + stagger)
            cell = np.mod(np.sin(row * 12.9898 + column * 78.233) * 43758.55, 1.0)
            edge = np.minimum(np.mod(y / wide, 1.0) * wide, np.mod(x / high + stagger, 1.0) * high)
            if kind in ("planks", "parquet"):
                grain = noise(x * 0.12, y, 2, period * 0.4, offset)
                shade = shade * (1 + 0.09 * grain)
            shade = shade * (0.8 + 0.4 * contrast * 1.4 * cell)
            colour = np.where((edge < 0.012)[..., None], joint.astype(np.float32), colour)
        elif kind == "checker":
            colour = np.where((np.mod(np.floor(x / wide) + np.floor(y / wide), 2) > 0)[..., None], other, colour)
        elif kind == "stripes":
            colour = np.where(
                (np.mod(x / (wide * 2), 1) < 0.5)[..., None], other * contrast + base * (1 - contrast), colour
            )
        elif kind in ("grass", "leaves", "carpet"):
            blades = noise(x, y * (0.5 if kind == "grass" else 1), 0 if kind == "carpet" else 1, 0.9, offset)
            shade = shade * np.clip(1 + contrast * 0.7 * blades + 0.25 * coarse, 0.2, 2.2)
            colour = colour * (1 + 0.12 * coarse[..., None] * np.array([1.2, 0.2, -0.5]))
        elif kind in ("concrete", "sand"):
            shade = shade * np.clip(1 + 0.16 * fine + 0.12 * coarse, 0.3, 2)
        elif kind == "cloth":
            colour = cloth(x, y)
        elif kind == "clouds":
            mix = np.clip(0.5 + 0.5 * coarse + 0.3 * fine, 0, 1)[..., None]
            colour = colour * (1 - mix) + other * mix
        return (colour * np.clip(shade, 0.1, 3)[..., None]).astype(np.float32)

    return paint


def decorated_wall(rng: np.random.Generator, wall: Paint, height: float) -> Paint:
    """A wall with windows, doors, posters, shelves and boards on it."""
    items = []
    for _ in range(int(rng.integers(1, 8))):
        kind = rng.choice(["window", "door", "poster", "poster", "shelf", "panel", "pipe"])
        x, y = rng.uniform(-2.6, 2.6), rng.uniform(0.9, height - 0.5)
        w, h = rng.uniform(0.2, 0.9), rng.uniform(0.2, 0.7)
        if kind == "door":
            w, h, y = 0.45, 1.02, 1.02
        items.append(
            (
                kind,
                x,
                y,
                w,
                h,
                any_colour(rng),
                any_colour(rng),
                patterns.print_image(rng),
                material(rng, ["clouds", "leaves", "cloth", "brick", "stripes"]),
                int(rng.integers(1, 5)),
            )
        )
    base, wainscot = any_colour(rng), rng.uniform(0.7, 1.2) * (rng.random() < 0.25)
    skirting = rng.uniform(0.06, 0.16)

    def paint(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        colour = wall(x, y)
        colour = np.where((y < wainscot)[..., None], colour * 0.4 + base * 0.5, colour)
        for kind, cx, cy, w, h, first, second, image, picture, bars in items:
            u, v = (x - cx) / w, (y - cy) / h
            inside = (np.abs(u) < 1) & (np.abs(v) < 1)
            if not inside.any():
                continue
            frame = inside & ((np.abs(u) > 1 - 0.05 / w) | (np.abs(v) > 1 - 0.05 / h))
            if kind == "window":
                view = picture(x, y) * 0.6 + 0.55
                bar = (np.mod((u + 1) * 0.5 * bars, 1) < 0.05) | (np.mod((v + 1) * 0.5 * bars, 1) < 0.05)
                view = np.where(bar[..., None], first, view)
            elif kind == "poster":
                view = np.ascontiguousarray(np.broadcast_to(first.astype(np.float32), x.shape + (3,)))
                drawn = patterns.look_up(image, (u + 1) * 32, (1 - v) * 32)
                view = view * (1 - drawn[..., 3:]) + drawn[..., :3]
                view = view * 0.6 + 0.4 * view * picture(x, y) * 2
            elif kind == "shelf":
                row = np.mod((v + 1) * 0.5 * bars, 1)
                book = np.mod(np.sin(np.floor(x / 0.05) * 12.9 + np.floor((v + 1) * 0.5 * bars) * 7.1) * 4375.5, 1)
                view = np.where((row < 0.1)[..., None], first, first * book[..., None] + second * (1 - book[..., None]))
                view = view * (1 - 0.6 * (row > 0.5 + 0.45 * book))[..., None]
            elif kind == "pipe":
                view = first * (1 - 0.6 * np.abs(u))[..., None]
                inside, frame = np.abs(u * w) < 0.05, np.zeros(inside.shape, bool)
            else:
                view = np.broadcast_to(first, x.shape + (3,)) * (1 - 0.25 * (np.abs(np.abs(v) - 0.5) < 0.03))[..., None]
            view = np.where(frame[..., None], second, view)
            colour = np.where(inside[..., None], view, colour)
        colour = np.where((y < skirting)[..., None], base * 0.8, colour)
        return (colour * (0.62 + 0.38 * np.clip(y / 0.25, 0, 1))[..., None]).astype(np.float32)

    return paint
