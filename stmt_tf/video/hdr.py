"""From high dynamic range and wide gamuts (HLG, PQ, BT.2020, Display P3) to BT.709.

Light is counted in whites of 203 cd/m2, the reference white of ITU-R BT.2408. What is darker than 0.3 of it stays as it
is, what is brighter is compressed by the curve of FFmpeg's `tonemap=mobius`, so that the brightest light of 1000 cd/m2
is white. The colours are those of this chain of FFmpeg's filters:

    zscale=t=linear:npl=203,zscale=p=bt709,tonemap=mobius:peak=1000/203:desat=0,zscale=t=bt709
"""

from __future__ import annotations

import functools

import cv2
import numpy as np

PQ, HLG = 16, 18  # of ITU-T H.273, as all numbers of transfers and primaries here
_BT2020, _DISPLAY_P3 = 9, 12
_WHITE, _BRIGHTEST = 203.0, 1000.0
_LINEAR = 0.3  # the `param` of `mobius`
_GAMMA = 2.4  # of the display (ITU-R BT.1886)
_LEVELS = 4096  # of the square root of light, which is nearly even for the eye
_ROWS = 24  # at once, which stay in the processor's cache
# (x, y) of red, green and blue; white is D65.
_PRIMARIES = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    _BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    _DISPLAY_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_D65 = (0.3127, 0.3290)


def is_wide(transfer: int, primaries: int) -> bool:
    """Whether a picture of this transfer and these primaries has to be converted."""
    return transfer in (PQ, HLG) or primaries in (_BT2020, _DISPLAY_P3)


def to_bt709(image: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """Converts a picture.

    Args:
        image: uint16 `[H, W, 3]`, R'G'B' in [0, 65535].
        transfer: its transfer function.
        primaries: its primaries; where these are no known ones, those of BT.2020.

    Returns:
        uint8 `[H, W, 3]`, R'G'B' of BT.709.
    """
    linear, encoded = _linear(transfer), _encoded()
    matrix = _to_bt709(primaries if primaries in _PRIMARIES else _BT2020)
    result = np.empty(image.shape, np.uint8)
    for top in range(0, len(image), _ROWS):
        light = cv2.transform(linear.take(image[top : top + _ROWS]), matrix)
        if transfer in (PQ, HLG):
            light *= _compression(light)[..., None]
        np.clip(light, 0.0, 1.0, out=light)
        levels = cv2.sqrt(light)
        levels *= _LEVELS - 1
        result[top : top + _ROWS] = encoded.take(levels.astype(np.uint16))
    return result


def _compression(light: np.ndarray) -> np.ndarray:
    """By what to multiply light `[H, W, 3]`: by one as far as `_LINEAR`."""
    peak, knee = _BRIGHTEST / _WHITE, _LINEAR
    a = -(knee**2) * (peak - 1) / (knee**2 - 2 * knee + peak)
    b = (knee**2 - 2 * knee * peak + peak) / (peak - 1)
    slope = np.float32((b**2 + 2 * b * knee + knee**2) / (b - a))
    red, green, blue = cv2.split(light)
    most = cv2.max(cv2.max(red, green), cv2.max(blue, knee))
    return slope * (most + np.float32(a)) / ((most + np.float32(b)) * most)


@functools.lru_cache
def _linear(transfer: int) -> np.ndarray:
    """Light of each 16-bit level, in whites, float32 `[65536]`."""
    level = np.linspace(0.0, 1.0, 1 << 16)
    if transfer == PQ:
        power = level ** (32 / 2523)
        light = (np.maximum(power - 3424 / 4096, 0.0) / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)
        return (10000.0 / _WHITE * light).astype(np.float32)
    if transfer == HLG:
        scene = np.where(level <= 0.5, level**2 / 3, (np.exp((level - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        return (_BRIGHTEST / _WHITE * scene**1.2).astype(np.float32)
    return (level**_GAMMA).astype(np.float32)


@functools.lru_cache
def _encoded() -> np.ndarray:
    """The 8-bit level of each of the square roots of light, uint8 `[_LEVELS]`."""
    root = np.linspace(0.0, 1.0, _LEVELS)
    return (255.0 * root ** (2 / _GAMMA)).round().astype(np.uint8)


@functools.lru_cache
def _to_bt709(primaries: int) -> np.ndarray:
    return (np.linalg.inv(_to_xyz(_PRIMARIES["bt709"])) @ _to_xyz(_PRIMARIES[primaries])).astype(np.float32)


def _to_xyz(primaries: tuple) -> np.ndarray:
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T
    white = np.array([_D65[0] / _D65[1], 1.0, (1 - sum(_D65)) / _D65[1]])
    return columns * np.linalg.solve(columns, white)
