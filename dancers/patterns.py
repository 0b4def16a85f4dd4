"""Procedural colour: tileable noise, palettes, cloths and prints.

Colours are linear RGB in [0, 1] unless a name says sRGB. Patterns are functions of surface
coordinates in metres, so that one cloth can be cut into sleeves, skirts and trousers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import cv2
import numpy as np

Paint = Callable[[np.ndarray, np.ndarray], np.ndarray]

_NOISE_SIZE = 256
_SKIN = np.array(
    [
        (255, 224, 200),
        (248, 208, 178),
        (240, 194, 160),
        (229, 176, 138),
        (215, 158, 118),
        (196, 136, 96),
        (168, 110, 74),
        (140, 90, 60),
        (112, 70, 46),
        (86, 54, 38),
        (66, 42, 32),
    ]
)
_HAIR = np.array(
    [
        (22, 18, 18),
        (30, 24, 22),
        (48, 34, 26),
        (74, 50, 34),
        (104, 70, 42),
        (150, 108, 62),
        (204, 168, 108),
        (228, 204, 158),
        (120, 52, 26),
        (128, 124, 120),
        (206, 204, 200),
        (110, 40, 120),
        (40, 90, 150),
    ]
)
_HAIR_ODDS = np.array([5, 5, 5, 4, 3, 2, 2, 1.5, 1.5, 1.5, 1.5, 0.5, 0.5])
_STAPLES = np.array(
    [
        (18, 18, 20),
        (36, 36, 40),
        (242, 242, 240),
        (225, 222, 214),
        (128, 130, 134),
        (180, 182, 186),
        (26, 34, 62),
        (44, 62, 98),
        (78, 102, 140),
        (120, 146, 180),
        (196, 178, 148),
        (150, 124, 94),
        (92, 70, 52),
        (70, 78, 60),
        (104, 38, 44),
    ]
)


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """SRGB in 0..255 to linear colour in [0, 1] (pure gamma 2.2)."""
    return (np.asarray(srgb, np.float32) / 255.0) ** np.float32(2.2)


@functools.lru_cache(maxsize=1)
def _noises() -> tuple[np.ndarray, ...]:
    """Tileable noise images, rough to smooth, mean 0 and deviation 1. The same in every process."""
    rng = np.random.default_rng(77)
    fy, fx = np.fft.fftfreq(_NOISE_SIZE)[:, None], np.fft.rfftfreq(_NOISE_SIZE)[None]
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1
    images = []
    for slope in (0.3, 0.8, 1.2, 1.6, 2.2):
        spectrum = radius**-slope * np.exp(2j * np.pi * rng.random(radius.shape)) * rng.normal(1, 0.3, radius.shape)
        spectrum[0, 0] = 0
        image = np.fft.irfft2(spectrum, s=(_NOISE_SIZE, _NOISE_SIZE))
        images.append(((image - image.mean()) / image.std()).astype(np.float32))
    return tuple(images)


def noise(x: np.ndarray, y: np.ndarray, kind: int, period: float, offset: np.ndarray) -> np.ndarray:
    """Samples tileable noise.

    Args:
        x: coordinates.
        y: coordinates of the same shape.
        kind: 0 (nearly white) to 4 (large soft clouds).
        period: how many units one tile spans.
        offset: [2] in tiles.

    Returns:
        Values of mean 0 and deviation near 1.
    """
    mx = np.mod(x / period + offset[0], 1.0) * _NOISE_SIZE
    my = np.mod(y / period + offset[1], 1.0) * _NOISE_SIZE
    return look_up(_noises()[kind], mx, my, cv2.BORDER_WRAP)


def look_up(image: np.ndarray, x: np.ndarray, y: np.ndarray, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
    """Samples an image bilinearly at places of any shape; returns that shape (+ channels)."""
    x, y = np.broadcast_arrays(np.asarray(x, np.float32), np.asarray(y, np.float32))
    # OpenCV's maps may not be wider than a short integer tells: fold them.
    fold = np.zeros((2, -(-x.size // 1024), 1024), np.float32)
    flat = fold.reshape(2, -1)
    flat[0, : x.size], flat[1, : x.size] = x.ravel(), y.ravel()
    found = cv2.remap(image, fold[0], fold[1], cv2.INTER_LINEAR, borderMode=border)
    return found.reshape((-1,) + image.shape[2:])[: x.size].reshape(x.shape + image.shape[2:])


def skin_colour(rng: np.random.Generator) -> np.ndarray:
    """A skin tone, linear RGB [3]."""
    at = rng.uniform(0, len(_SKIN) - 1.001)
    i = int(at)
    tone = _SKIN[i] * (1 - at + i) + _SKIN[i + 1] * (at - i)
    return to_linear(np.clip(tone + rng.normal(size=3) * 4, 0, 255))


def hair_colour(rng: np.random.Generator) -> np.ndarray:
    """A hair colour, linear RGB [3], dyed now and then."""
    tone = _HAIR[rng.choice(len(_HAIR), p=_HAIR_ODDS / _HAIR_ODDS.sum())]
    return to_linear(np.clip(tone * rng.uniform(0.8, 1.2) + rng.normal(size=3) * 4, 5, 255))


def hue_colour(rng: np.random.Generator) -> np.ndarray:
    """Any colour, from pastel to strong, linear RGB [3]."""
    hue, saturation, value = rng.random() * 6, rng.beta(2, 1.6), rng.uniform(0.25, 1.0)
    k = np.mod(np.array([5.0, 3.0, 1.0]) + hue, 6)
    rgb = value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1)
    return to_linear(255 * np.clip(rgb, 0.03, 0.97))


def cloth_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour that clothes have: half staples (black, white, navy, denim, beige), half any."""
    if rng.random() < 0.5:
        tone = _STAPLES[rng.integers(len(_STAPLES))]
        return to_linear(np.clip(tone * rng.uniform(0.85, 1.1) + rng.normal(size=3) * 5, 6, 250))
    return hue_colour(rng)


def _stripe(x: np.ndarray, period: float, share: float) -> np.ndarray:
    return (np.mod(x / period, 1.0) < share).astype(np.float32)[..., None]


def cloth_pattern(rng: np.random.Generator, plain: float = 0.42) -> Paint:
    """Draws a cloth: a function of (x around, y along) in metres that gives linear colour [..., 3].

    Args:
        rng: source of the choice.
        plain: share of cloths of one colour.
    """
    a, b = cloth_colour(rng), cloth_colour(rng)
    offset, grain = rng.random(2), rng.uniform(0.02, 0.1)
    if np.abs(a - b).sum() < 0.25:
        b = np.clip(1 - a, 0.02, 0.9) * rng.uniform(0.4, 1.0)
    kind = rng.choice(
        ["plain", "rows", "columns", "check", "plaid", "dots", "floral", "camo", "fade", "heather", "slant"],
        p=[plain] + list((1 - plain) * np.array([0.2, 0.09, 0.08, 0.13, 0.08, 0.14, 0.08, 0.06, 0.08, 0.06])),
    )
    period, share = rng.uniform(0.025, 0.14), rng.uniform(0.25, 0.7)
    c = cloth_colour(rng)

    def paint(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        x, y = np.broadcast_arrays(np.asarray(x, np.float32), np.asarray(y, np.float32))
        if kind == "plain":
            mix = np.zeros(x.shape + (1,), np.float32)
        elif kind == "rows":
            mix = _stripe(y, period, share)
        elif kind == "columns":
            mix = _stripe(x, period, share)
        elif kind == "slant":
            mix = _stripe(x + y, period, share)
        elif kind == "check":
            mix = np.abs(_stripe(x, period, 0.5) - _stripe(y, period, 0.5))
        elif kind == "plaid":
            mix = 0.5 * _stripe(x, period, share) + 0.5 * _stripe(y, period, share)
        elif kind == "dots":
            cell = np.hypot(np.mod(x / period, 1) - 0.5, np.mod(y / period, 1) - 0.5)
            mix = (cell < 0.33).astype(np.float32)[..., None]
        elif kind == "floral":
            mix = (noise(x, y, 2, period * 6, offset) > 0.45).astype(np.float32)[..., None]
        elif kind == "camo":
            mix = (noise(x, y, 3, 0.6, offset) > 0.1).astype(np.float32)[..., None]
        elif kind == "fade":
            mix = np.clip(y / 0.6 + 0.2, 0, 1)[..., None]
        else:
            mix = np.clip(0.3 + 0.3 * noise(x, y, 0, 0.5, offset), 0, 1)[..., None]
        colour = a * (1 - mix) + b * mix
        if kind in ("floral", "camo"):
            third = (noise(x, y, 3, period * 7, offset[::-1]) > 0.9).astype(np.float32)[..., None]
            colour = colour * (1 - third) + c * third
        return colour * (1 + grain * noise(x, y, 1, 0.35, offset)[..., None])

    return paint


# Ends (column, row) of the seven strokes that block letters are made of, on a grid of 2 x 3.
_STROKES = ((0, 0, 1, 0), (0, 1, 1, 1), (0, 2, 1, 2), (0, 0, 0, 1), (1, 0, 1, 1), (0, 1, 0, 2), (1, 1, 1, 2))


def print_image(rng: np.random.Generator) -> np.ndarray:
    """A print for a shirt or poster: [64, 64, 4] linear colour and opacity."""
    image = np.zeros((64, 64, 4), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        stencil = np.zeros((64, 64), np.uint8)
        kind = rng.integers(6)
        x, y = (int(v) for v in rng.integers(18, 46, 2))
        if kind == 0:
            cv2.circle(stencil, (x, y), int(rng.integers(8, 26)), 1, -1 if rng.random() < 0.6 else 4)
        elif kind == 1:
            w, h = (int(v) for v in rng.integers(6, 26, 2))
            cv2.rectangle(stencil, (x - w, y - h), (x + w, y + h), 1, -1)
        elif kind == 2:
            turn = np.arange(10) * np.pi / 5 + rng.random()
            radius = np.where(np.arange(10) % 2, 11, 27)[:, None]
            points = (x, y) + np.stack([np.sin(turn), np.cos(turn)], -1) * radius
            cv2.fillPoly(stencil, [points.astype(np.int32)], 1)
        elif kind == 5:
            points = rng.integers(4, 60, (int(rng.integers(3, 7)), 2)).astype(np.int32)
            cv2.fillPoly(stencil, [points], 1)
        else:
            # OpenCV's lettering differs between its versions: letters are drawn stroke by stroke.
            count = int(rng.integers(2, 5)) if kind == 3 else int(rng.integers(1, 3))
            wide, high = 52 // count - 8, 10 if kind == 3 else 24
            top = y - high if kind == 3 else 8
            for letter in range(count):
                left = 8 + letter * (wide + 8)
                for x0, y0, x1, y1 in np.array(_STROKES)[rng.random(7) < 0.72].tolist():
                    start, end = (left + x0 * wide, top + y0 * high), (left + x1 * wide, top + y1 * high)
                    cv2.line(stencil, start, end, 1, 3 if kind == 3 else 6)
        image[stencil > 0] = np.append(cloth_colour(rng), 1.0)
    return image
