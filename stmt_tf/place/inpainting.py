"""Fills holes of a picture with pieces of the picture itself.

Patches that overlap the hole look for the most similar patches without holes (PatchMatch, Barnes et al. 2009); what
they find, averaged, fills the hole, and so on alternately, from coarse to fine (Wexler et al. 2007, "Space-Time
Completion of Video"). Places are alike from side to side more than from top to bottom: behind somebody who stands the
floor goes on as floor, and the wall as wall. So patches from other heights must be the more similar.
"""

from __future__ import annotations

import cv2
import numpy as np

from stmt_tf.place.poisson import screened_poisson

_RADIUS = 3  # of a patch, in pixels
_AROUND = 0.6  # of the hole's longer side: how far around it patches are taken
_COARSEST = 32  # pixels of the longer side, about
_ROUNDS = (20, 14, 10, 6, 3, 2)  # of search and average, from the coarsest grid on; the last for all others
_STRIDES = ((160, 1), (400, 2))  # pixels between patches, for grids up to so many pixels of the longer side
_LARGEST_STRIDE = 3
_SEARCH_EVERYWHERE = 400  # pixels of the longer side; on finer grids what a coarser one found is only made finer,
_FINE_SEARCH = 8  # pixels around it
# What a patch from elsewhere costs, in squared differences of colours, for the distances in sides of the picture.
_OTHER_HEIGHT_COST, _OTHER_HEIGHT = 300.0, 0.1
_FAR_COST, _FAR = 30.0, 0.3
_DOUBT = 1.1  # by which a pixel of the hole counts less for each pixel of distance from what is known
_LEAST_TRUST = 0.02
# Over so much a difference in colour at the hole's edge fades: of the longer side, but at least pixels.
_BLEND, _LEAST_BLEND = 0.004, 2.0
_KEEP = 1000.0  # pull of what is known, see `screened_poisson`


def inpaint(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fills what is not known.

    Args:
        image: uint8 `[H, W, 3]`.
        known: bool `[H, W]`; what the image shows elsewhere is not looked at.

    Returns:
        uint8 `[H, W, 3]`, the image where it is known. Where too little is known to take pieces from, the hole is
        filled smoothly, and black if nothing is.
    """
    if known.all():
        return image.copy()
    rows, columns = _around_hole(known)
    result = image.copy()
    part = result[rows, columns]
    hole = ~known[rows, columns]
    part[hole] = np.clip(np.rint(_fill(part.astype(np.float32), hole)), 0, 255).astype(np.uint8)[hole]
    return result


def _around_hole(known: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the hole and of what patches are taken from."""
    sides = [np.flatnonzero(~known.all(axis)) for axis in (1, 0)]
    margin = 2 * _RADIUS + round(_AROUND * max(np.ptp(side) + 1 for side in sides))
    return tuple(slice(max(0, side[0] - margin), side[-1] + 1 + margin) for side in sides)


def _fill(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """As `inpaint`, of float32 `[h, w, 3]`."""
    height, width = hole.shape
    rng = np.random.default_rng(0)
    levels = max(1, round(np.log2(max(height, width) / _COARSEST)) + 1)
    previous, done = None, 0
    for level in range(levels):
        scale = 2.0 ** (level + 1 - levels)
        size = tuple(max(2 * _RADIUS + 2, round(side * scale)) for side in (width, height))
        patches = _Patches(*_reduced(image, hole, size))
        if not (len(patches.holes) and len(patches.wholes)):
            continue  # on so coarse a grid there is no hole, or nothing else
        patches.begin(previous, rng)
        for _ in range(_ROUNDS[min(done, len(_ROUNDS) - 1)]):
            patches.search(rng)
            patches.average()
        previous, done = patches, done + 1
    if previous is None or previous.hole.shape != tuple(side + 2 * _RADIUS for side in hole.shape):
        return _smooth(image, hole)
    drawn, covered = (each[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS] for each in previous.drawn())
    # What the patches miss the known pixels by at the hole's edge is taken off within it, ever less.
    ring = covered & ~hole
    fade = max(_LEAST_BLEND, _BLEND * max(height, width)) ** -2
    pull = np.where(hole, np.float32(fade), np.float32(_KEEP))
    missed = np.where(ring[..., np.newaxis], image - drawn, 0).astype(np.float32)
    return drawn + screened_poisson(pull[..., np.newaxis] * missed, pull)


def _smooth(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The hole filled by the smoothest colours that fit its edge."""
    pull = np.where(hole, np.float32(0), np.float32(_KEEP))
    return screened_poisson(pull[..., np.newaxis] * image, pull)


def _reduced(image: np.ndarray, hole: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The picture and its hole at another size (width, height), from what is known alone."""
    known = (~hole).astype(np.float32)
    share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    colours = cv2.resize(image * known[..., np.newaxis], size, interpolation=cv2.INTER_AREA)
    return colours / np.maximum(share, 1e-3)[..., np.newaxis], share <= 0.5


class _Patches:
    """The patches of one grid that overlap the hole, and where in the picture each has its most similar one.

    All arrays are padded by the radius of a patch, with the picture's mirror image.

    Args:
        image: float32 `[h, w, 3]`.
        hole: bool `[h, w]`.

    Attributes:
        image: the picture, what fills the hole included.
        hole: bool, as given.
        holes: int `[n, 2]`, (row, column) of the middles of patches that overlap the hole; and
        wholes: int `[m, 2]`, of all that do not.
    """

    def __init__(self, image: np.ndarray, hole: np.ndarray):
        pad = ((_RADIUS, _RADIUS),) * 2
        self._given = (image, hole)
        self.image = np.pad(image, (*pad, (0, 0)), "reflect")
        self.hole = np.pad(hole, pad, "reflect")
        height, width = self.hole.shape
        longer = max(height, width)
        self._stride = next((stride for upto, stride in _STRIDES if longer <= upto), _LARGEST_STRIDE)
        self._reach = longer // 2
        window = np.ones((2 * _RADIUS + 1,) * 2, np.uint8)
        inside = np.zeros(self.hole.shape, bool)
        inside[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS] = True
        self._whole = inside & (cv2.dilate(self.hole.astype(np.uint8), window) == 0)
        self.wholes = np.argwhere(self._whole)
        grid = np.zeros_like(inside)
        grid[_RADIUS :: self._stride, _RADIUS :: self._stride] = True
        overlapping = inside & grid & ~self._whole
        self.holes = np.argwhere(overlapping)  # [n, 2] as (row, column)
        self._number = np.full(overlapping.shape, -1)
        self._number[overlapping] = np.arange(len(self.holes))
        down, across = np.mgrid[-_RADIUS : _RADIUS + 1, -_RADIUS : _RADIUS + 1]
        self._window = (down * width + across).ravel()
        depth = cv2.distanceTransform(self.hole.astype(np.uint8), cv2.DIST_L2, 3)
        self._trust = np.maximum(_DOUBT**-depth, _LEAST_TRUST).astype(np.float32)

    def begin(self, coarser: _Patches | None, rng: np.random.Generator) -> None:
        """Starts from what a coarser grid found, or at random."""
        self._from = self.wholes[rng.integers(len(self.wholes), size=len(self.holes))]
        if coarser is None:
            image, hole = self._given
            inner = _smooth(image, hole)
        else:
            size = tuple(side - 2 * _RADIUS for side in self.hole.shape[::-1])
            inner = cv2.resize(coarser.image[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS], size, interpolation=cv2.INTER_LINEAR)
        filled = np.pad(inner, ((_RADIUS, _RADIUS), (_RADIUS, _RADIUS), (0, 0)), "reflect")
        self.image[self.hole] = filled[self.hole]
        self._cost = self._costs(self._from, np.arange(len(self.holes)))
        if coarser is not None:
            shifts = cv2.resize(coarser.shifts(), self.hole.shape[::-1], interpolation=cv2.INTER_NEAREST)
            scale = np.array(self.hole.shape) / coarser.hole.shape
            found = self.holes + np.rint(shifts[tuple(self.holes.T)] * scale).astype(int)
            # Not only where it is better: the picture is as blurred as the coarser one, the patches are not.
            usable = self._usable(found)
            self._from[usable] = found[usable]
            self.average()
            if max(self.hole.shape) > _SEARCH_EVERYWHERE:
                self._reach = _FINE_SEARCH

    def search(self, rng: np.random.Generator) -> None:
        """Tries for each patch what suits its neighbours, then places around its own, ever nearer."""
        for step in ((-1, 0), (0, -1), (1, 0), (0, 1)):
            step = np.array(step) * self._stride
            beside = (self.holes + step).clip(0, np.array(self.hole.shape) - 1)
            neighbour = self._number[tuple(beside.T)]
            self._try(np.where(neighbour[:, np.newaxis] < 0, -1, self._from[neighbour] - step))
        reach = self._reach
        while reach >= 1:
            self._try(self._from + rng.integers(-reach, reach + 1, self._from.shape))
            reach //= 2

    def average(self) -> None:
        """Fills the hole with what the patches found."""
        drawn, covered = self.drawn()
        filled = self.hole & covered
        self.image[filled] = drawn[filled]
        self._cost = self._costs(self._from, np.arange(len(self.holes)))

    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """The picture as the found patches show it, float32 `[h, w, 3]`, and which pixels any covers, bool `[h, w]`."""
        likeness = np.exp(-self._cost / (2 * np.percentile(self._cost, 75) + 2))
        # A pixel that only bad patches cover still takes their mean.
        weights = np.maximum(likeness, 1e-9) * self._trust[tuple(self.holes.T)]
        to, of = self._flat(self.holes), self._flat(self._from)
        colours = self.image.reshape(-1, 3)
        total, sums = np.zeros(len(colours)), np.zeros((3, len(colours)))
        for offset in self._window:
            total += np.bincount(to + offset, weights, len(colours))
            for each, colour in zip(sums, colours[of + offset].T):
                each += np.bincount(to + offset, weights * colour, len(colours))
        mean = (sums / np.maximum(total, 1e-12)).T.reshape(self.image.shape).astype(np.float32)
        return mean, (total > 0).reshape(self.hole.shape)

    def shifts(self) -> np.ndarray:
        """From each pixel's nearest patch to what it found, float32 `[h, w, 2]` as (rows, columns)."""
        _, label = cv2.distanceTransformWithLabels(
            (self._number < 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
        )
        table = np.zeros((label.max() + 1, 2), np.float32)
        table[label[tuple(self.holes.T)]] = self._from - self.holes
        return table[label]

    def _try(self, found: np.ndarray) -> None:
        """Takes for each patch the place found, `[n, 2]`, where it is more similar than its own."""
        which = np.flatnonzero(self._usable(found) & (found != self._from).any(1))
        costs = self._costs(found[which], which)
        better = costs < self._cost[which]
        self._from[which[better]], self._cost[which[better]] = found[which[better]], costs[better]

    def _usable(self, found: np.ndarray) -> np.ndarray:
        inside = ((found >= 0) & (found < self.hole.shape)).all(1)
        return inside & self._whole[tuple(np.where(inside[:, np.newaxis], found, 0).T)]

    def _costs(self, found: np.ndarray, which: np.ndarray) -> np.ndarray:
        """How little the patches of these numbers suit the places found: float32 `[n]`."""
        at, colours, trust = self.holes[which], self.image.reshape(-1, 3), self._trust.ravel()
        costs = np.empty(len(which), np.float32)
        for start in range(0, len(which), 8192):  # what fits a processor's cache
            some = slice(start, start + 8192)
            own = self._flat(at[some])[:, np.newaxis] + self._window
            difference = colours[own] - colours[self._flat(found[some])[:, np.newaxis] + self._window]
            weights = trust[own]
            costs[some] = (np.einsum("npc,npc->np", difference, difference) * weights).sum(1) / weights.sum(1)
        down, across = ((found - at) / self.hole.shape).T
        return costs + _OTHER_HEIGHT_COST * (down / _OTHER_HEIGHT) ** 2 + _FAR_COST * (across / _FAR) ** 2

    def _flat(self, points: np.ndarray) -> np.ndarray:
        return points[:, 0] * self.hole.shape[1] + points[:, 1]
