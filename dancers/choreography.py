"""Key poses, and the endless series of them that each style of motion makes.

A key fixes the whole body at one time: trunk, head, arms by the directions of their bones, feet by
their places. The generators below yield keys for ever; times are given to them by `motion`.
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


def _arm(rng, name=None, spread=0.18):
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
        one = _arm(rng)
        return np.stack([one, one + rng.normal(size=(2, 3)) * 0.08])
    rest = _arm(rng, str(rng.choice(["down", "hip", "down_wide", "front_bent"])), 0.1)
    if kind < 0.40 + 0.25 * (1.2 - energy):
        pair = [_arm(rng), rest]
    else:
        pair = [_arm(rng), _arm(rng)]
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


def dance(rng, energy, turning, travel):
    """A phrase of a few poses, repeated with variations, mirrored and turned."""
    phrase = [_figure(rng, energy) for _ in range(int(rng.integers(3, 7)))]
    facing = float(rng.choice([0, 0, 0, 0, 0, 0, *rng.uniform(-70, 70, 3), 180, 90, -90]))
    yaw, x, z, i = facing, 0.0, 0.0, 0
    while True:
        key = dataclasses.replace(phrase[i % len(phrase)])
        if rng.random() < 0.35:
            key = _figure(rng, energy)
            phrase[i % len(phrase)] = dataclasses.replace(key)
        if rng.random() < turning:
            yaw += float(rng.choice([-360, -180, -90, 90, 180, 360]))
        elif rng.random() < 0.3:
            yaw += rng.normal() * 30
        elif rng.random() < 0.5 and turning < 0.25:
            yaw += 0.7 * ((facing - yaw + 180) % 360 - 180)
        x = np.clip(x * 0.8 + rng.normal() * travel, -0.4, 0.4)
        z = np.clip(z * 0.8 + rng.normal() * travel, -0.4, 0.4)
        key.yaw, key.root = yaw, (x, z)
        key.jump = rng.uniform(0.05, 0.35) if rng.random() < 0.08 * energy else 0.0
        i += 1
        yield key


def _figure(rng, energy):
    key = Key()
    _legs(rng, key, energy)
    _trunk(rng, key, energy)
    key.arms = _arms(rng, energy)
    key.hold = tuple(rng.normal(size=2) * 50)
    return key


def athletic(rng):
    """One or two exercises done over and over: jacks, squats, toe touches, lunges, knee lifts."""
    moves = rng.permutation(["jack", "squat", "touch", "lunge", "knees", "punch"])[:2]
    facing = float(rng.choice([0, 0, 0, 30, -30, 90, -90, 150, 180]))
    yaw = facing
    while True:
        for move in moves:
            for n in range(int(rng.integers(2, 5))):
                side = n % 2
                sign = (-1, 1)[side]
                a, b = Key(yaw=yaw), Key(yaw=yaw)
                a.arms = np.stack([_arm(rng, "down", 0.06)] * 2)
                b.arms = np.stack([_arm(rng, "front", 0.08)] * 2)
                if move == "jack":
                    b.arms = np.stack([_arm(rng, "overhead", 0.08)] * 2)
                    b.feet, b.jump, a.jump = ((-0.33, 0, 0), (0.33, 0, 0)), 0.1, 0.1
                elif move == "squat":
                    b.crouch, b.pelvis, b.spine = rng.uniform(0.3, 0.5), (25, 0), (20, 0, 0)
                    a.feet = b.feet = ((-0.2, 0, 0), (0.2, 0, 0))
                elif move == "touch":
                    b.pelvis, b.spine, b.look = (55, 0), (60, 0, 0), (10, 0, 0)
                    b.arms = np.stack([_arm(rng, "front_high", 0.05)] * 2)
                    a.arms = np.stack([_arm(rng, "overhead", 0.06)] * 2)
                elif move == "lunge":
                    b.crouch = 0.22
                    feet = [[-0.12, 0, 0], [0.12, 0, 0]]
                    feet[side][2], feet[1 - side][2] = 0.45, -0.4
                    b.feet = feet
                    b.pitch = (40, 0) if side else (0, 40)
                    b.arms = np.stack([_arm(rng, "hip", 0.05)] * 2)
                elif move == "knees":
                    feet = [[-0.1, 0, 0], [0.1, 0, 0]]
                    feet[side] = [sign * 0.1, 0.5, 0.25]
                    b.feet = feet
                    pair = [_arm(rng, "front_bent", 0.1), _arm(rng, "back", 0.1)]
                    b.arms = np.stack(pair[::-1] if side == 0 else pair)
                else:
                    pair = [_arm(rng, "punch", 0.06), _arm(rng, "face", 0.06)]
                    b.arms = np.stack(pair if side == 0 else pair[::-1])
                    b.spine = (5, 0, 35 * -sign)
                    a.arms = np.stack([_arm(rng, "face", 0.06)] * 2)
                    a.crouch = b.crouch = 0.08
                yield a
                yield b
        if rng.random() < 0.6:
            yaw += float(rng.choice([90, -90, 180, 45]))


def walk(rng):
    """Steps along a line or a circle, arms swinging against the legs."""
    yaw = float(rng.choice([90, -90, 60, -60, 0, 180, 30]))
    circle = rng.choice([0, 0, 25, -25])
    x, z, n = 0.0, 0.0, 0
    stride = rng.uniform(0.12, 0.28)
    swing = rng.uniform(0.2, 0.7)
    while True:
        yaw += circle
        ahead = np.array([np.sin(np.radians(yaw)), np.cos(np.radians(yaw))]) * 0.22
        if abs(x + ahead[0]) > 0.45 or abs(z + ahead[1]) > 0.45:
            yaw += 180 if circle == 0 else circle
            ahead = -ahead * 0.5
        x, z = x + ahead[0], z + ahead[1]
        sign = 1 if n % 2 else -1
        arm = lambda k: np.array([[0.15, -1, k * swing], [0.1, -1, k * swing + 0.3]])  # noqa: E731
        yield Key(
            yaw=yaw,
            root=(x, z),
            arms=np.stack([arm(sign), arm(-sign)]),
            feet=((-0.09, 0, -sign * stride), (0.09, 0, sign * stride)),
            pitch=(25 if sign > 0 else -10, 25 if sign < 0 else -10),
            crouch=0.03,
            spine=(4, 0, 6 * sign),
        )
        n += 1


def stand(rng):
    """Talking, waiting, looking about: small shifts of weight, one arm at a time."""
    yaw = float(rng.choice([0, 0, rng.uniform(-60, 60), rng.uniform(-180, 180)]))
    arms = np.stack([_arm(rng, "down", 0.1)] * 2)
    while True:
        key = Key(yaw=yaw + rng.normal() * 8)
        if rng.random() < 0.1:
            yaw += float(rng.choice([-90, 90, 180, 45, -45]))
        arms = arms.copy()
        for i in range(2):
            if rng.random() < 0.45:
                names = ["down", "down", "front_bent", "hip", "face", "wave", "folded", "chest", "down_wide"]
                arms[i] = _arm(rng, str(rng.choice(names)), 0.12)
        key.arms = arms
        key.root = tuple(rng.normal(size=2) * 0.04)
        key.spine = tuple(rng.normal(size=3) * (4, 4, 6) + (3, 0, 0))
        key.pelvis = tuple(rng.normal(size=2) * (2, 4))
        key.look = tuple(rng.normal(size=3) * (12, 6, 25) + (6, 0, 0))
        key.feet = ((-0.12, 0, 0.0), (0.12, 0, 0.03))
        key.hold = tuple(rng.normal(size=2) * 30)
        yield key


def juggle(rng):
    """Hands before the body going up and down in turn, a knee now and then."""
    yaw = float(rng.choice([0, 0, 35, -35, 70]))
    n = 0
    while True:
        sign = 1 if n % 2 else -1
        up, low = (_arm(rng, "chest" if rng.random() < 0.5 else "front_bent", 0.15), _arm(rng, "front_bent", 0.12))
        key = Key(yaw=yaw + rng.normal() * 15, arms=np.stack([up, low] if sign > 0 else [low, up]))
        key.spine = tuple(rng.normal(size=3) * (5, 6, 8) + (8, 0, 0))
        key.look = (18 + rng.normal() * 8, 0, rng.normal() * 12)
        key.root = tuple(rng.normal(size=2) * 0.07)
        if rng.random() < 0.3:
            i = int(rng.integers(2))
            feet = [[-0.1, 0, 0], [0.1, 0, 0]]
            feet[i] = [feet[i][0], rng.uniform(0.1, 0.45), 0.25]
            key.feet = feet
        n += 1
        yield key
