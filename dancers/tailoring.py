"""Tailoring: what all tubes of a figure share - profiles, folds, and the grid around a limb."""

from __future__ import annotations

import numpy as np

from dancers.outfit import Outfit
from dancers.patterns import noise
from dancers.surfaces import Tube, resample, tube


def smooth(values: np.ndarray, s: np.ndarray, width: float) -> np.ndarray:
    """Rounds a profile sampled on even s with a window of some metres."""
    n = max(1, int(width / (s[1] - s[0])))
    kernel = np.hanning(n + 2)[1:-1]
    padded = np.pad(values, (n, n), mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="same")[n:-n]


def cap(s: np.ndarray, radius: np.ndarray, start: float, end: float, r0: float, r1: float) -> np.ndarray:
    """Closes a profile with half ellipsoids of lengths r0 before `start` and r1 after `end`."""
    head = np.sqrt(np.clip(1 - np.clip((start - s) / max(r0, 1e-6), 0, 1) ** 2, 0, 1))
    tail = np.sqrt(np.clip(1 - np.clip((s - end) / max(r1, 1e-6), 0, 1) ** 2, 0, 1))
    return radius * np.maximum(head * tail, 0.02)


def fold_slopes(outfit: Outfit, x, s, amount, creases=()):
    """Slopes [V, U, 2] of folds: soft bulges everywhere, creases near the (place, width)s."""
    soft = noise(x, s * 0.7, 3, 0.55, outfit.rumple)
    fine = noise(x * 0.7 + s * 0.4, s * 1.6, 2, 0.5, outfit.rumple[::-1])
    slope = np.stack([0.26 * soft + 0.12 * fine, 0.20 * fine + 0.16 * noise(x + 0.2, s, 3, 0.55, outfit.rumple)], -1)
    for place, width in creases:
        wave = np.sin(2 * np.pi * (s + 0.25 * np.abs(x)) / 0.05 + 2 * soft)
        slope[..., 1] += 0.45 * wave * np.exp(-(((s - place) / width) ** 2))
    return slope * (amount * outfit.folds)[..., None]


def swelling(outfit: Outfit, x, s, amount):
    """Factor [V, U] on the radius that makes a worn tube less than perfectly round."""
    return 1 + amount * 0.035 * noise(x + 0.3, s, 4, 0.8, outfit.rumple)


def columns(radius: float, spacing: float) -> np.ndarray:
    """Angles [U] around a tube, u = 0 on the left, and pi/2 at the front."""
    count = max(10, int(np.ceil(2 * np.pi * radius / spacing)))
    return np.arange(count) * 2 * np.pi / count


def around(u: np.ndarray, radius: float) -> np.ndarray:
    """Metres [1, U] from the middle of the front."""
    return ((np.mod(u - np.pi / 2 + np.pi, 2 * np.pi) - np.pi) * radius)[None]


def limb(outfit, spacing, s, radius, deep, cloth, controls, frames, lengths, rounding, colour_of, creases, mean):
    """A worn tube along a chain: rings on its profile, painted and folded.

    Args:
        outfit: for the folds.
        spacing: of points, metres.
        s: [n] even places along the chain.
        radius: [n] there, sideways.
        deep: [n] there, to the front.
        cloth: [n] how much the cloth there folds.
        controls: [T, K, 3] corners of the chain.
        frames: [T, K - 1, 3, 3] of its segments.
        lengths: of its segments.
        rounding: of its inner corners.
        colour_of: painter of (x [1, U], s [V, 1]) in metres.
        creases: (place, width) of tight folds.
        mean: radius that turns angles to metres for the painter.
    """
    at = resample(s, radius, spacing)
    pick = lambda v: np.interp(at, np.arange(len(s)), v)  # noqa: E731
    rings = pick(s)
    u = columns(float(np.quantile(radius, 0.9)), spacing)
    x, sv = around(u, mean), rings[:, None]
    amount = pick(cloth)[:, None] * np.ones_like(x)
    centre, a, b = tube(controls, frames, lengths, rounding, rings, pick(radius), pick(deep))
    return Tube(
        centre, a, b, swelling(outfit, x, sv, amount), colour_of(x, sv), fold_slopes(outfit, x, sv, amount, creases)
    )
