"""Motions: key poses on the beats of a tempo, eased into each other.

Every channel is eased between keys on its own; feet step (lifted, one after the other) only when
they have somewhere to go, so that they stand still on the floor otherwise.
"""

from __future__ import annotations

import numpy as np

from dancers import choreography
from dancers.body import Body, Pose

_STYLES = ("dance", "turns", "athletic", "flow", "walk", "stand", "juggle")
_STYLE_ODDS = (0.33, 0.17, 0.12, 0.12, 0.09, 0.09, 0.08)


def sample_motion(rng: np.random.Generator, body: Body, times: np.ndarray) -> tuple[Pose, str]:
    """Draws a motion.

    Args:
        rng: all that it depends on, with the body and the last time.
        body: whose; feet are placed in leg lengths.
        times: [T] seconds, ascending, from 0.

    Returns:
        The pose of every frame, and the name of the style.
    """
    style = str(rng.choice(_STYLES, p=_STYLE_ODDS))
    beat = 60 / rng.uniform(80, 140)
    energy = rng.uniform(0.3, 1.0)
    pace, snap = 1.0, rng.uniform(0.55, 1.0)
    if style in ("dance", "turns"):
        keys = choreography.dance(rng, energy, 0.3 if style == "turns" else 0.06, rng.uniform(0.02, 0.14))
        pace = float(rng.choice([1, 1, 2]))
    elif style == "athletic":
        keys, pace, snap = (choreography.athletic(rng), float(rng.choice([1, 1.5])), rng.uniform(0.8, 1.0))
    elif style == "flow":
        keys, pace, snap = choreography.dance(rng, 0.35, 0.08, 0.06), rng.uniform(2.5, 4.5), 1.0
    elif style == "walk":
        keys, snap = choreography.walk(rng), 1.0
    elif style == "stand":
        keys, pace, snap = choreography.stand(rng), rng.uniform(1.5, 3), rng.uniform(0.5, 1)
    else:
        keys, snap = choreography.juggle(rng), rng.uniform(0.8, 1)
    bounce = rng.uniform(0, 0.035) * (style in ("dance", "turns", "stand"))
    begin = -beat * rng.uniform(0, 1) * pace
    drawn = []
    while len(drawn) < 3 or drawn[-2].time < times[-1]:
        key = next(keys)
        key.time = begin
        drawn.append(key)
        long = abs(key.yaw - drawn[-2].yaw) > 200 if len(drawn) > 1 else False
        begin += beat * pace * (rng.choice([0.5, 1, 1, 2]) if style == "dance" else 1) * (1.6 if long else 1)
    return _ease(rng, drawn, body, times, snap, lambda t: bounce * np.sin(np.pi * t / beat) ** 2), style


def _ease(rng, keys, body, times, snap, bounce) -> Pose:
    """Interpolates keys: a move happens in the first `snap` share of its interval."""
    at = np.array([k.time for k in keys])
    i = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(keys) - 2)
    share = np.clip((times - at[i]) / (at[i + 1] - at[i]), 0, 1)

    def smooth(s):
        return s * s * s * (s * (6 * s - 15) + 10)

    w = smooth(np.clip(share / snap, 0, 1))

    def mix(values, weight=w):
        values = np.asarray(values, float)
        weight = weight.reshape((-1,) + (1,) * (values.ndim - 1))
        return values[i] * (1 - weight) + values[i + 1] * weight

    root, yaws = np.array([k.root for k in keys]), np.array([k.yaw for k in keys])
    # Feet stay where they are while the body only sways or turns a little above them.
    stand_root, stand_yaw = [root[0]], [yaws[0]]
    for r, y in zip(root[1:], yaws[1:]):
        moved = np.hypot(*(r - stand_root[-1])) > 0.08 or abs(y - stand_yaw[-1]) > 32
        stand_root.append(r if moved else stand_root[-1])
        stand_yaw.append(y if moved else stand_yaw[-1])
    stand_root, stand_yaw = np.array(stand_root), np.array(stand_yaw)
    offset = np.array([k.feet for k in keys], float) * body.leg
    feet, feet_yaw, feet_pitch = [], [], []
    for side in range(2):
        early = smooth(np.clip(share / snap * 1.25 - (0.25 if side else 0.0), 0, 1))
        turn = np.radians(mix(stand_yaw, early))
        local, base = mix(offset[:, side], early), mix(stand_root, early)
        c, s = np.cos(turn), np.sin(turn)
        place = np.stack(
            [
                base[:, 0] + local[:, 0] * c + local[:, 2] * s,
                local[:, 1],
                base[:, 1] - local[:, 0] * s + local[:, 2] * c,
            ],
            -1,
        )
        gap = np.linalg.norm((offset[i + 1, side] - offset[i, side])[:, [0, 2]], axis=-1)
        gap = gap + np.linalg.norm(stand_root[i + 1] - stand_root[i], axis=-1)
        gap = gap + np.abs(stand_yaw[i + 1] - stand_yaw[i]) / 360
        place[:, 1] += np.minimum(0.35 * gap, 0.12) * np.sin(np.pi * early)
        feet.append(place)
        out = np.array([k.toes_out[side] for k in keys]) * (-1, 1)[side]
        feet_yaw.append(turn + np.radians(mix(out, early)))
        lifted = 20 * np.minimum(gap, 0.6) * np.sin(np.pi * early)
        feet_pitch.append(np.radians(mix([k.pitch[side] for k in keys], early) + lifted))
    jump = np.array([k.jump for k in keys])[i + 1] * 4 * w * (1 - w)
    arms = mix([k.arms for k in keys])
    # Arms swing past the front, never straight through the body.
    arms[..., 2] += 0.35 * (4 * w * (1 - w))[:, None, None] * (np.linalg.norm(arms, axis=-1) < 0.75)
    sway = np.sin(times[:, None] * rng.uniform(0.5, 2.5, 6) + rng.uniform(0, 6, 6))
    place = mix(root)
    return Pose(
        root=np.stack([place[:, 0], jump, place[:, 1]], -1),
        yaw=np.radians(mix(yaws)),
        crouch=mix([k.crouch for k in keys]) + bounce(times),
        pelvis=np.radians(mix([k.pelvis for k in keys]) + sway[:, :2] * 1.0),
        spine=np.radians(mix([k.spine for k in keys]) + sway[:, 2:5] * 1.5),
        look=np.radians(mix([k.look for k in keys]) + sway[:, 3:6] * 2.0),
        arms=arms,
        feet=np.stack(feet, 1),
        feet_yaw=np.stack(feet_yaw, 1),
        feet_pitch=np.stack(feet_pitch, 1),
        hold=np.radians(mix([k.hold for k in keys])),
    )
