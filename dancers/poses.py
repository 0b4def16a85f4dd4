"""Key poses: arms, legs and trunk, drawn at random.

A key fixes the whole body at one time: trunk, head, arms by the directions of their bones, feet by
their places.
"""

from __future__ import annotations

import dataclasses

import numpy as np

# Arm poses: upper arm and forearm in the chest's frame (outwards, up, front).
ARMS = {
    "down": ((0.16, -1, 0.0), (0.06, -1, 0.2)),
    "down_wide": ((0.4, -1, 0.05), (0.3, -1, 0.25)),
    "side": ((1, 0.0, 0.1), (1, 0.0, 0.15)),
    "side_low": ((0.9, -0.6, 0.1), (0.9, -0.3, 0.3)),
    "side_high": ((0.9, 0.6, 0.0), (0.8, 0.8, 0.1)),
    "overhead": ((0.3, 1, 0.05), (0.1, 1, 0.1)),
    "overhead_bent": ((0.6, 0.9, 0.0), (-0.5, 0.9, 0.1)),
    "goalpost": ((1, 0.05, 0.1), (0.1, 1, 0.2)),
    "goalpost_down": ((1, 0.0, 0.1), (0.1, -1, 0.2)),
    "hip": ((0.8, -0.7, -0.25), (-0.55, -0.6, 0.45)),
    "front": ((0.15, -0.1, 1), (0.05, 0.0, 1)),
    "front_high": ((0.2, 0.5, 0.9), (0.1, 0.6, 0.8)),
    "front_bent": ((0.2, -0.8, 0.3), (0.0, 0.1, 1)),
    "chest": ((0.5, -0.6, 0.5), (-0.8, 0.3, 0.5)),
    "folded": ((0.35, -0.85, 0.4), (-0.9, 0.1, 0.35)),
    "head": ((0.85, 0.35, 0.2), (-0.6, 0.8, 0.0)),
    "face": ((0.35, -0.5, 0.7), (-0.25, 0.9, 0.1)),
    "wave": ((0.7, -0.2, 0.3), (0.45, 1, 0.2)),
    "back": ((0.3, -0.9, -0.4), (-0.2, -0.9, -0.2)),
    "across": ((-0.1, -0.3, 0.9), (-0.8, 0.1, 0.6)),
    "punch": ((0.1, 0.05, 1), (-0.1, 0.05, 1)),
}


@dataclasses.dataclass
class Key:
    """One key pose; angles in degrees, feet in leg lengths (left, lift, front of the pelvis)."""

    time: float = 0.0
    root: tuple = (0.0, 0.0)
    yaw: float = 0.0
    crouch: float = 0.02
    jump: float = 0.0
    pelvis: tuple = (0.0, 0.0)
    spine: tuple = (0.0, 0.0, 0.0)
    look: tuple = (0.0, 0.0, 0.0)
    arms: np.ndarray = None
    feet: tuple = ((-0.11, 0.0, 0.0), (0.11, 0.0, 0.0))
    toes_out: tuple = (14.0, 14.0)
    pitch: tuple = (0.0, 0.0)
    hold: tuple = (0.0, 0.0)


def arm(rng, name=None, spread=0.18):
    """One arm [2, 3]: a named pose made one's own, or any direction."""
    if name is None and rng.random() < 0.2:
        upper = rng.normal(size=3) + (0.7, -0.1, 0.35)
        lower = upper / np.linalg.norm(upper) + rng.normal(size=3) * 0.6 + (0, 0, 0.35)
        return np.stack([upper / np.linalg.norm(upper), lower / np.linalg.norm(lower)])
    if name is None:
        name = rng.choice(list(ARMS))
    pose = np.array(ARMS[name], float)
    pose /= np.linalg.norm(pose, axis=-1, keepdims=True)
    pose += rng.normal(size=(2, 3)) * spread
    return pose


def _arms(rng, energy):
    """Both arms [2, 2, 3]: alike, one resting, or each its own."""
    kind = rng.random()
    if kind < 0.40:
        one = arm(rng)
        return np.stack([one, one + rng.normal(size=(2, 3)) * 0.08])
    rest = arm(rng, str(rng.choice(["down", "hip", "down_wide", "front_bent"])), 0.1)
    if kind < 0.40 + 0.25 * (1.2 - energy):
        pair = [arm(rng), rest]
    else:
        pair = [arm(rng), arm(rng)]
    return np.stack(pair if rng.random() < 0.5 else pair[::-1])


def _legs(rng, key, energy):
    """Gives a key a stance: standing, lunging, squatting, a raised knee, a kick, or on the toes."""
    kind = rng.random()
    wide = rng.uniform(0.09, 0.2)
    ahead = rng.normal() * 0.06
    feet = [[-wide, 0, ahead], [wide, 0, -ahead]]
    pitch, crouch = [0.0, 0.0], abs(rng.normal()) * 0.05
    i = int(rng.random() < 0.5)
    sign = (-1, 1)[i]
    if kind < 0.50 - 0.15 * energy:
        pass
    elif kind < 0.62:  # wide stance or side lunge
        feet = [[-wide - rng.uniform(0.05, 0.35), 0, ahead], [wide + rng.uniform(0.05, 0.35), 0, -ahead]]
        crouch = rng.uniform(0.02, 0.25)
    elif kind < 0.72:  # lunge forward, the heel behind lifted
        feet[i] = [sign * 0.12, 0, rng.uniform(0.2, 0.5)]
        feet[1 - i] = [-sign * 0.12, 0.03, -rng.uniform(0.2, 0.5)]
        pitch[1 - i] = rng.uniform(15, 45)
        crouch = rng.uniform(0.05, 0.3)
    elif kind < 0.80:  # squat
        feet = [[-wide - 0.08, 0, 0], [wide + 0.08, 0, 0]]
        crouch = rng.uniform(0.2, 0.52)
        key.pelvis = (rng.uniform(5, 30), key.pelvis[1])
    elif kind < 0.88:  # raised knee
        feet[i] = [sign * rng.uniform(0.05, 0.3), rng.uniform(0.2, 0.6), rng.uniform(-0.25, 0.35)]
        feet[1 - i] = [-sign * 0.03, 0, 0]
        pitch[i] = rng.uniform(10, 50)
    elif kind < 0.88 + 0.08 * energy:  # kick
        high = rng.uniform(0.2, 1.0)
        out = rng.uniform(-0.2, 1.0)
        feet[i] = [sign * (0.15 + 0.6 * max(out, 0)), high, rng.uniform(0.3, 0.7) * (1 - max(out, 0)) - 0.1]
        feet[1 - i] = [-sign * 0.02, 0, 0]
        pitch[i] = rng.uniform(0, 50)
        key.pelvis = (key.pelvis[0] - 10 * high, key.pelvis[1] - sign * 10 * high)
    elif kind < 0.93 + 0.04 * energy:  # crossed
        feet[i] = [-sign * 0.06, 0, 0.14]
        feet[1 - i] = [-sign * 0.06, 0, -0.1]
    else:
        lift = rng.uniform(0.04, 0.08)
        feet = [[-0.08, lift, 0], [0.08, lift, 0]]
        pitch = [35.0, 35.0]
    key.feet, key.pitch, key.crouch = feet, pitch, crouch
    key.toes_out = (rng.uniform(2, 35), rng.uniform(2, 35))


def _trunk(rng, key, energy):
    """Leans, twists and, now and then, bends deep."""
    kind = rng.random()
    key.spine = tuple(rng.normal(size=3) * (10, 10, 12) * (0.4 + energy) + (4, 0, 0))
    key.pelvis = (key.pelvis[0] + rng.normal() * 5, key.pelvis[1] + rng.normal() * 6 * energy)
    key.look = tuple(rng.normal(size=3) * (12, 7, 20) + (2, 0, 0))
    if kind < 0.03 + 0.08 * energy:  # deep bend forward
        key.pelvis = (rng.uniform(25, 65), key.pelvis[1])
        key.spine = (rng.uniform(20, 70), key.spine[1], key.spine[2])
        key.look = (rng.uniform(-45, 15), key.look[1], key.look[2])
    elif kind < 0.05 + 0.14 * energy:  # to the side
        key.spine = (key.spine[0], rng.choice([-1, 1]) * rng.uniform(20, 45), key.spine[2])
    elif kind < 0.05 + 0.17 * energy:  # back
        key.spine = (-rng.uniform(10, 30), key.spine[1], key.spine[2])


def random_key(rng, energy):
    """A key pose, the livelier the larger the energy, from 0 to 1."""
    key = Key()
    _legs(rng, key, energy)
    _trunk(rng, key, energy)
    key.arms = _arms(rng, energy)
    key.hold = tuple(rng.normal(size=2) * 50)
    return key
