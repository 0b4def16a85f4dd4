"""Tailoring: what all tubes of a figure share - profiles, folds, and the grid around a limb."""

from __future__ import annotations

import dataclasses

import numpy as np

from dancers.outfit import Outfit
from dancers.patterns import Paint, noise
from dancers.surfaces import Chain, Tube, resample


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


@dataclasses.dataclass(frozen=True)
class Profile:
    """How thick a tube is, at n even places along its chain.

    Attributes:
        s: the places, in metres.
        across: half axes sideways.
        front: half axes to the front.
        cloth: how much the cloth there folds.
        shift: how far the tube is moved to the front, or None.
    """

    s: np.ndarray
    across: np.ndarray
    front: np.ndarray
    cloth: np.ndarray
    shift: np.ndarray | None = None

    def rings(self, spacing: float) -> Profile:
        """The same at the places of rings that lie `spacing` apart along the outline."""
        at = resample(self.s, self.across, spacing)
        values = (self.s, self.across, self.front, self.cloth, self.shift)
        return Profile(*(None if v is None else np.interp(at, np.arange(len(self.s)), v) for v in values))


def limb(
    outfit: Outfit, chain: Chain, profile: Profile, spacing: float, paint: Paint, creases: list, mean: float
) -> Tube:
    """A worn tube along a chain: rings on its profile, painted and folded.

    Args:
        outfit: for the folds.
        chain: what it is bent along.
        profile: of the tube.
        spacing: of points, metres.
        paint: gives the colours at (x [1, U], s [V, 1]) in metres.
        creases: (place, width) of tight folds.
        mean: radius that turns angles to metres for the painter.
    """
    x = around(columns(float(np.quantile(profile.across, 0.9)), spacing), mean)
    return worn_tube(outfit, chain, profile.rings(spacing), x, paint, creases)


def worn_tube(
    outfit: Outfit, chain: Chain, rings: Profile, x: np.ndarray, paint: Paint, creases: list, swell=1.0
) -> Tube:
    """As `limb`, of rings and columns x [1, U] in metres; `swell` [V, U] is one more factor on the radius."""
    s = rings.s[:, None]
    amount = rings.cloth[:, None] * np.ones_like(x)
    swell = swelling(outfit, x, s, amount) * swell
    slopes = fold_slopes(outfit, x, s, amount, creases)
    return Tube(*chain.bend(rings.s, rings.across, rings.front, rings.shift), swell, paint(x, s), slopes)
