"""Bodies: measures of a person, and the skeleton that a pose puts in the world.

World axes, in metres: x to the camera's right, y up, z towards the camera; the floor is y = 0. A
body frame is a rotation matrix whose columns are the body's own (left, up, front) in the world, so
a person of yaw 0 faces the camera. Everything is vectorised over the T frames of a video.
"""

from __future__ import annotations

import dataclasses

import numpy as np

SIDES = ("r", "l")


@dataclasses.dataclass(frozen=True)
class Body:
    """Lengths in metres; girth and shape are factors around 1.

    Attributes:
        stature: height of the top of the skull when standing.
        shoulder: half the distance between the shoulder joints.
        hip: half the distance between the hip joints.
        upper_arm, forearm, thigh, shin: lengths of the bones.
        ankle: height of the ankle joint over the floor.
        trunk: from the hips' middle to the base of the neck.
        neck: from the base of the neck to the centre of the head.
        head: half the height of the head.
        girth: thickness of the limbs and trunk.
        belly: extra depth of the waist, in metres.
        bust: extra depth of the chest, in metres.
        waist: width of the waist relative to the average.
    """

    stature: float
    shoulder: float
    hip: float
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    ankle: float
    trunk: float
    neck: float
    head: float
    girth: float
    belly: float
    bust: float
    waist: float

    @property
    def leg(self) -> float:
        """Length of the stretched leg from hip to ankle."""
        return self.thigh + self.shin


def sample_body(rng: np.random.Generator) -> Body:
    """Draws a grown person, from slight to heavy, from 1.5 to 1.95 m."""
    stature = rng.uniform(1.5, 1.95)
    feminine = rng.uniform(0, 1)
    heavy = rng.beta(1.5, 3.0)
    vary = lambda share, spread=0.05: stature * share * rng.normal(1, spread)  # noqa: E731
    head = stature * 0.066 * rng.normal(1, 0.05)
    trunk = vary(0.285, 0.03)
    shin = vary(0.243, 0.03)
    thigh = vary(0.243, 0.03)
    return Body(
        stature=stature,
        shoulder=stature * (0.108 - 0.014 * feminine) * rng.normal(1, 0.04),
        hip=stature * (0.050 + 0.006 * feminine) * rng.normal(1, 0.05),
        upper_arm=vary(0.168, 0.03),
        forearm=vary(0.145, 0.03),
        thigh=thigh,
        shin=shin,
        ankle=stature * 0.045,
        trunk=trunk,
        neck=stature * 0.172 - head * 1.05,
        head=head,
        girth=0.88 + 0.5 * heavy + rng.uniform(-0.05, 0.1),
        belly=0.09 * max(0.0, heavy - 0.25) * rng.uniform(0.3, 1.6),
        bust=0.035 * feminine * rng.uniform(0, 1),
        waist=1.03 - 0.13 * feminine + 0.08 * heavy,
    )


def unit(v: np.ndarray) -> np.ndarray:
    """Vectors [..., 3] scaled to length one (zero stays zero)."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def rotation(axis: int, angle: np.ndarray) -> np.ndarray:
    """Rotation matrices [T, 3, 3] about a coordinate axis (0, 1, 2) by angles [T] in radians."""
    c, s = np.cos(angle), np.sin(angle)
    r = np.zeros(np.shape(angle) + (3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    r[..., axis, axis] = 1
    r[..., i, i], r[..., i, j], r[..., j, i], r[..., j, j] = c, -s, s, c
    return r


def turn_onto(frame: np.ndarray, axis: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """Rotates frames by the smallest rotation that carries one direction onto another.

    Args:
        frame: [T, 3, 3], columns are directions in the world.
        axis: [T, 3] unit directions.
        onto: [T, 3] unit directions; the opposite of `axis` is the one singular case.
    """
    v = np.cross(axis, onto)
    c = np.maximum(np.sum(axis * onto, -1), -0.999)[..., None, None]
    k = np.zeros(v.shape + (3,))
    k[..., 0, 1], k[..., 0, 2], k[..., 1, 2] = -v[..., 2], v[..., 1], -v[..., 0]
    k = k - np.swapaxes(k, -1, -2)
    return (np.eye(3) + k + k @ k / (1 + c)) @ frame


def two_bones(
    root: np.ndarray, end: np.ndarray, pole: np.ndarray, upper: float, lower: float
) -> tuple[np.ndarray, np.ndarray]:
    """Bends a two-bone chain so that it reaches a point.

    Args:
        root: [T, 3] where the chain starts.
        end: [T, 3] where it should end; an end out of reach is drawn near.
        pole: [T, 3] the direction in which the middle joint goes.
        upper: length of the first bone.
        lower: length of the second.

    Returns:
        The middle joint and the end that was reached, [T, 3] each.
    """
    reach = end - root
    away = np.linalg.norm(reach, axis=-1, keepdims=True)
    far = np.clip(away, abs(upper - lower) + 0.12 * upper, 0.995 * (upper + lower))
    along = reach / np.maximum(away, 1e-6)
    side = unit(pole - along * np.sum(pole * along, -1, keepdims=True))
    x = (upper**2 - lower**2 + far**2) / (2 * far)
    bend = np.sqrt(np.maximum(upper**2 - x**2, 0))
    return root + along * x + side * bend, root + along * far


@dataclasses.dataclass(frozen=True)
class Pose:
    """A motion: what the T frames ask of a body. Angles in radians, lengths in metres unless said.

    Attributes:
        root: [T, 3] where the pelvis stands on the floor (x, z used) and how high it jumps (y).
        yaw: [T] facing; 0 looks at the camera, positive turns to the person's left.
        crouch: [T] lowering of the pelvis as a share of the leg.
        pelvis: [T, 2] tilt forward, roll to the left.
        spine: [T, 3] bend forward, bend to the left, twist to the left.
        look: [T, 3] head pitch down, tilt to the left, turn to the left, relative to the chest.
        arms: [T, 2, 2, 3] (right, left; upper arm, forearm) directions in the chest's frame, x
            mirrored for the right arm, so that +x is outwards.
        feet: [T, 2, 3] places of the ankles over the floor, world axes, y = lift.
        feet_yaw: [T, 2]; feet_pitch: [T, 2] (positive: toes down).
        hold: [T, 2] turn of the hands about the forearms.
    """

    root: np.ndarray
    yaw: np.ndarray
    crouch: np.ndarray
    pelvis: np.ndarray
    spine: np.ndarray
    look: np.ndarray
    arms: np.ndarray
    feet: np.ndarray
    feet_yaw: np.ndarray
    feet_pitch: np.ndarray
    hold: np.ndarray


@dataclasses.dataclass(frozen=True)
class Skeleton:
    """A posed body: points [T, 3] and frames [T, 3, 3] in the world, by name.

    Points: pelvis, waist, chest, neck, head (centre), top, and with r_ or l_ before: shoulder,
    elbow, wrist, hip, knee, ankle. Frames: pelvis, waist, chest, neck, head, and r_/l_ upper_arm,
    forearm, hand, thigh, shin, foot; a limb's frame has the limb's direction as its third column, x
    (outwards or left) and front before it.
    """

    points: dict
    frames: dict

    def joints(self) -> np.ndarray:
        """The 14 joints in MPII order, [T, 14, 3] in the world."""
        names = ["top", "neck"]
        names += [f"{s}_{j}" for s in SIDES for j in ("shoulder", "elbow", "wrist")]
        names += [f"{s}_{j}" for s in SIDES for j in ("hip", "knee", "ankle")]
        return np.stack([self.points[n] for n in names], axis=1)


def _limb_frame(frame: np.ndarray, rest: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Carries (a, b, t) frames [T, 3, 3] with t = rest so that t becomes `along`."""
    return turn_onto(frame, rest, along)


def put(body: Body, pose: Pose) -> Skeleton:
    """Poses a body: legs by where the feet are, arms by their directions, out of the trunk."""
    points, frames = {}, {}
    facing = rotation(1, pose.yaw)
    pelvis = facing @ rotation(2, -pose.pelvis[:, 1]) @ rotation(0, pose.pelvis[:, 0])
    half = pose.spine * 0.5
    bend = lambda a: rotation(1, a[:, 2]) @ rotation(2, -a[:, 1]) @ rotation(0, a[:, 0])  # noqa: E731
    waist = pelvis @ bend(half)
    chest = waist @ bend(half)
    neck = chest @ bend(pose.look * 0.5)
    head = neck @ bend(pose.look * 0.5)
    frames.update(pelvis=pelvis, waist=waist, chest=chest, neck=neck, head=head)

    ankles = pose.feet + np.array([0, body.ankle, 0])
    ankles[..., 1] += pose.root[:, None, 1]
    hip_axis = pelvis[..., 0] * body.hip
    # The pelvis may stand no higher than both legs reach; legs bent a little look alive.
    top = body.ankle + body.leg * (0.985 - pose.crouch) + pose.root[:, 1]
    centre = np.stack([pose.root[:, 0], top, pose.root[:, 2]], -1)
    for i, sign in enumerate((-1, 1)):
        away = (ankles[:, i] - centre - sign * hip_axis)[:, [0, 2]]
        room = np.maximum((0.985 * body.leg) ** 2 - np.sum(away**2, -1), (0.3 * body.leg) ** 2)
        top = np.minimum(top, ankles[:, i, 1] + np.sqrt(room))
    # A bent trunk moves the hips back, over the feet's other side.
    lean = np.sin(pose.pelvis[:, 0] + pose.spine[:, 0] * 0.5) * 0.3 * body.trunk
    centre = np.stack([pose.root[:, 0], top, pose.root[:, 2]], -1) - facing[..., 2] * lean[:, None]
    up = lambda m: m[..., 1]  # noqa: E731
    points["pelvis"] = centre
    points["waist"] = centre + up(pelvis) * body.trunk * 0.36
    points["chest"] = points["waist"] + up(waist) * body.trunk * 0.34
    points["neck"] = points["chest"] + up(chest) * body.trunk * 0.30
    points["head"] = points["neck"] + up(neck) * body.neck * 0.55 + up(head) * body.neck * 0.45
    points["head"] = points["head"] + head[..., 2] * 0.012
    points["top"] = points["head"] + up(head) * body.head

    for i, (s, sign) in enumerate(zip(SIDES, (-1.0, 1.0))):
        hip = centre + sign * hip_axis
        foot = rotation(1, pose.feet_yaw[:, i])
        pole = unit(foot[..., 2] * 0.6 + facing[..., 2] * 0.6 + sign * facing[..., 0] * 0.15)
        knee, ankle = two_bones(hip, ankles[:, i], pole, body.thigh, body.shin)
        thigh, shin = unit(knee - hip), unit(ankle - knee)
        # Rest frame of a leg: left, front, down.
        rest = np.stack([pelvis[..., 0], pelvis[..., 2], -pelvis[..., 1]], -1)
        front = unit(pole - thigh * np.sum(pole * thigh, -1, keepdims=True))
        across = np.cross(front, thigh)
        rest = np.stack([across, front, thigh], -1)
        points.update({f"{s}_hip": hip, f"{s}_knee": knee, f"{s}_ankle": ankle})
        frames[f"{s}_thigh"] = rest
        frames[f"{s}_shin"] = _limb_frame(rest, thigh, shin)
        frames[f"{s}_foot"] = foot @ rotation(0, pose.feet_pitch[:, i])

        lift = np.clip(pose.arms[:, i, 0, 1], 0, 1)[:, None]
        shoulder = points["neck"] + sign * chest[..., 0] * body.shoulder * (1 - 0.1 * lift)
        shoulder = shoulder + up(chest) * body.trunk * (0.08 * lift - 0.09)
        mirror = np.array([sign, 1, 1])
        upper = unit(np.einsum("tij,tj->ti", chest, unit(pose.arms[:, i, 0]) * mirror))
        fore = unit(np.einsum("tij,tj->ti", chest, unit(pose.arms[:, i, 1]) * mirror))
        elbow = shoulder + upper * body.upper_arm
        wrist = _out_of_trunk(elbow + fore * body.forearm, points, frames, body)
        elbow, wrist = two_bones(
            shoulder, wrist, elbow - shoulder + 0.02 * sign * chest[..., 0], body.upper_arm, body.forearm
        )
        upper, fore = unit(elbow - shoulder), unit(wrist - elbow)
        # Rest frame of an arm stretched sideways: its t is outwards, its front is the chest's.
        outward = sign * chest[..., 0]
        rest = np.stack([np.cross(chest[..., 2], outward), chest[..., 2], outward], -1)
        points.update({f"{s}_shoulder": shoulder, f"{s}_elbow": elbow, f"{s}_wrist": wrist})
        frames[f"{s}_upper_arm"] = _limb_frame(rest, outward, upper)
        frames[f"{s}_forearm"] = _limb_frame(frames[f"{s}_upper_arm"], upper, fore)
        frames[f"{s}_hand"] = frames[f"{s}_forearm"] @ rotation(2, pose.hold[:, i])
    return Skeleton(points, frames)


def _out_of_trunk(wrist: np.ndarray, points: dict, frames: dict, body: Body) -> np.ndarray:
    """Moves wrists [T, 3] that lie inside the trunk, an elliptic cylinder, to its surface."""
    chest, base = frames["chest"], points["neck"]
    local = np.einsum("tji,tj->ti", chest, wrist - base)
    wide = (0.155 + 0.05) * body.girth * body.stature / 1.72
    deep = (0.11 + 0.055) * body.girth * body.stature / 1.72 + body.belly
    size = np.hypot(local[:, 0] / wide, local[:, 2] / deep)
    inside = (local[:, 1] < 0.02) & (local[:, 1] > -body.trunk - 0.2)
    grow = np.where(inside, np.maximum(1, 1 / np.maximum(size, 0.25)), 1)
    local[:, 0] *= grow
    local[:, 2] *= grow
    return base + np.einsum("tij,tj->ti", chest, local)
