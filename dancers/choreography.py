"""The endless series of key poses that each style of motion makes; times are given to them by `motion`."""

from __future__ import annotations

import dataclasses

import numpy as np

from dancers.poses import Key, arm, random_key


def dance(rng, energy, turning, travel):
    """A phrase of a few poses, repeated with variations, mirrored and turned."""
    phrase = [random_key(rng, energy) for _ in range(int(rng.integers(3, 7)))]
    facing = float(rng.choice([0, 0, 0, 0, 0, 0, *rng.uniform(-70, 70, 3), 180, 90, -90]))
    yaw, x, z, i = facing, 0.0, 0.0, 0
    while True:
        key = dataclasses.replace(phrase[i % len(phrase)])
        if rng.random() < 0.35:
            key = random_key(rng, energy)
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


def athletic(rng):
    """One or two exercises done over and over: jacks, squats, toe touches, lunges, knee lifts."""
    moves = rng.permutation(["jack", "squat", "touch", "lunge", "knees", "punch"])[:2]
    yaw = float(rng.choice([0, 0, 0, 30, -30, 90, -90, 150, 180]))
    while True:
        for move in moves:
            for n in range(int(rng.integers(2, 5))):
                yield from _exercise(rng, move, n % 2, yaw)
        if rng.random() < 0.6:
            yaw += float(rng.choice([90, -90, 180, 45]))


def _exercise(rng, move, side, yaw):
    """The two keys of an exercise, done with one side of the body (0 or 1) where it has sides."""
    sign = (-1, 1)[side]
    a = Key(yaw=yaw, arms=_alike(rng, "down", 0.06))
    b = Key(yaw=yaw, arms=_alike(rng, "front", 0.08))
    if move == "jack":
        b.arms = _alike(rng, "overhead", 0.08)
        b.feet, b.jump, a.jump = ((-0.33, 0, 0), (0.33, 0, 0)), 0.1, 0.1
    elif move == "squat":
        b.crouch, b.pelvis, b.spine = rng.uniform(0.3, 0.5), (25, 0), (20, 0, 0)
        a.feet = b.feet = ((-0.2, 0, 0), (0.2, 0, 0))
    elif move == "touch":
        b.pelvis, b.spine, b.look = (55, 0), (60, 0, 0), (10, 0, 0)
        b.arms = _alike(rng, "front_high", 0.05)
        a.arms = _alike(rng, "overhead", 0.06)
    elif move == "lunge":
        b.crouch = 0.22
        b.feet = [[-0.12, 0, 0], [0.12, 0, 0]]
        b.feet[side][2], b.feet[1 - side][2] = 0.45, -0.4
        b.pitch = (40, 0) if side else (0, 40)
        b.arms = _alike(rng, "hip", 0.05)
    elif move == "knees":
        b.feet = [[-0.1, 0, 0], [0.1, 0, 0]]
        b.feet[side] = [sign * 0.1, 0.5, 0.25]
        pair = [arm(rng, "front_bent", 0.1), arm(rng, "back", 0.1)]
        b.arms = np.stack(pair if side else pair[::-1])
    else:
        pair = [arm(rng, "punch", 0.06), arm(rng, "face", 0.06)]
        b.arms = np.stack(pair[::-1] if side else pair)
        b.spine = (5, 0, 35 * -sign)
        a.arms = _alike(rng, "face", 0.06)
        a.crouch = b.crouch = 0.08
    return a, b


def _alike(rng, name, spread):
    """Both arms [2, 2, 3] in one pose."""
    return np.stack([arm(rng, name, spread)] * 2)


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
        arms = [[[0.15, -1, k * swing], [0.1, -1, k * swing + 0.3]] for k in (sign, -sign)]
        yield Key(
            yaw=yaw,
            root=(x, z),
            arms=np.array(arms),
            feet=((-0.09, 0, -sign * stride), (0.09, 0, sign * stride)),
            pitch=(25 if sign > 0 else -10, 25 if sign < 0 else -10),
            crouch=0.03,
            spine=(4, 0, 6 * sign),
        )
        n += 1


def stand(rng):
    """Talking, waiting, looking about: small shifts of weight, one arm at a time."""
    yaw = float(rng.choice([0, 0, rng.uniform(-60, 60), rng.uniform(-180, 180)]))
    arms = _alike(rng, "down", 0.1)
    while True:
        key = Key(yaw=yaw + rng.normal() * 8)
        if rng.random() < 0.1:
            yaw += float(rng.choice([-90, 90, 180, 45, -45]))
        arms = arms.copy()
        for i in range(2):
            if rng.random() < 0.45:
                names = ["down", "down", "front_bent", "hip", "face", "wave", "folded", "chest", "down_wide"]
                arms[i] = arm(rng, str(rng.choice(names)), 0.12)
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
        up, low = (arm(rng, "chest" if rng.random() < 0.5 else "front_bent", 0.15), arm(rng, "front_bent", 0.12))
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
