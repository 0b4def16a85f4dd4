"""Outfits: what a person looks like and wears, drawn once for an identity."""

from __future__ import annotations

import dataclasses

import numpy as np

from dancers import patterns
from dancers.patterns import Paint

HAIR_STYLES = (
    "bald",
    "rim",
    "buzz",
    "short",
    "quiff",
    "thick",
    "afro",
    "bob",
    "long",
    "ponytail",
    "bun",
    "braids",
    "scarf",
    "beanie",
    "cap",
)
_HAIR_ODDS = np.array([4, 2, 6, 16, 7, 8, 5, 10, 13, 9, 7, 3, 3, 4, 7], float)


@dataclasses.dataclass(frozen=True)
class Outfit:
    """A look. Lengths are metres or shares; an ease is what cloth adds to the body's radius.

    Attributes:
        skin, hair: colours; hair_style: one of HAIR_STYLES; hair_volume: thickness in metres; hat:
            its colour.
        beard, glasses: 0 or 1, strength of the beard and presence of glasses.
        sleeve: covered share of the arm (negative: bare shoulders); sleeve_ease: at the hem, in
            metres.
        top_length: place of the top's hem between waist (0) and hips (1); above 1 the skirt surface
            goes on.
        top, back, sleeves: cloths; bare: there is no top at all.
        neckline: its depth below the base of the neck, and whether it is a V.
        closing: none, buttons, zip, open (a second colour shows in the middle), straps, frogs.
        front_print, back_print: images [64, 64, 4] or None; print_size: metres.
        leg_cover: covered share of the leg; leg_ease: (thigh, hem); trousers: their cloth; side:
            side-stripe colour.
        skirt: length as a share of the leg, 0 for none; skirt_ease: (top, hem); skirt_cloth.
        shoe, sole, sock: colours; boot: covered share of the shin; barefoot.
        folds: strength of the cloth's folds; rumple: offset of its noise.
    """

    skin: np.ndarray
    hair: np.ndarray
    hair_style: str
    hair_volume: float
    hat: np.ndarray
    beard: float
    glasses: bool
    bare: bool
    sleeve: float
    sleeve_ease: float
    top_ease: float
    top_length: float
    top: Paint
    back: Paint
    sleeves: Paint
    neckline: tuple
    closing: str
    closing_colour: np.ndarray
    front_print: np.ndarray | None
    back_print: np.ndarray | None
    print_size: float
    leg_cover: float
    leg_ease: tuple
    trousers: Paint
    side: np.ndarray | None
    skirt: float
    skirt_ease: tuple
    skirt_cloth: Paint
    shoe: np.ndarray
    sole: np.ndarray
    sock: np.ndarray
    boot: float
    barefoot: bool
    folds: float
    rumple: np.ndarray
    extra: str
    extra_colour: np.ndarray


def sample_outfit(rng: np.random.Generator) -> Outfit:
    """Draws a look, from sportswear to dresses and tunics."""
    kind = rng.choice(
        ["tee", "long", "shirt", "jacket", "tank", "bare", "dress", "tunic", "hoodie", "crop"],
        p=[0.25, 0.12, 0.13, 0.10, 0.07, 0.05, 0.10, 0.07, 0.06, 0.05],
    )
    pick = lambda **odds: odds[kind] if kind in odds else odds["other"]  # noqa: E731
    top = patterns.cloth_pattern(rng, plain=0.38)
    sleeves = patterns.cloth_pattern(rng) if rng.random() < 0.15 else top
    back = patterns.cloth_pattern(rng) if rng.random() < 0.15 else top
    bottom = rng.choice(
        ["straight", "slim", "wide", "flared", "shorts", "leggings", "skirt"],
        p=[0.29, 0.2, 0.13, 0.06, 0.16, 0.06, 0.10],
    )
    trousers = patterns.cloth_pattern(rng, plain=0.8)
    suit = rng.random() < 0.08
    sleeve = pick(
        tee=rng.uniform(0.2, 0.42),
        long=1.0,
        shirt=float(rng.choice([0.36, 0.7, 1.0])),
        jacket=1.0,
        tank=-1.0,
        bare=-1.0,
        dress=float(rng.choice([-1.0, 0.25, 0.5, 1.0])),
        tunic=float(rng.choice([0.6, 1.0, 1.0])),
        hoodie=1.0,
        crop=float(rng.choice([-1.0, 0.25])),
        other=0.3,
    )
    ease = pick(
        tee=rng.uniform(0.008, 0.05),
        long=rng.uniform(0.006, 0.03),
        shirt=rng.uniform(0.012, 0.045),
        jacket=rng.uniform(0.025, 0.06),
        hoodie=rng.uniform(0.03, 0.07),
        tunic=rng.uniform(0.03, 0.065),
        dress=rng.uniform(0.006, 0.03),
        other=rng.uniform(0.004, 0.02),
    )
    skirt, skirt_ease = 0.0, (0.0, 0.0)
    if kind == "dress" or (bottom == "skirt" and kind != "tunic"):
        skirt = float(rng.choice([rng.uniform(0.25, 0.5), rng.uniform(0.5, 0.95)]))
        skirt_ease = (0.02, rng.uniform(0.03, 0.22) + 0.06 * skirt)
    elif kind in ("tunic", "hoodie", "jacket", "tee", "shirt") and rng.random() < (0.9 if kind == "tunic" else 0.3):
        skirt = rng.uniform(0.06, 0.3) if kind == "tunic" else rng.uniform(0.03, 0.12)
        skirt_ease = (max(ease, 0.02) + 0.004, max(ease, 0.02) + rng.uniform(0.01, 0.05))
    whole_skirt = kind == "dress" or bottom == "skirt"
    leg_cover = {"shorts": rng.uniform(0.2, 0.52), "leggings": 0.96, "skirt": 0.1}.get(bottom, rng.uniform(0.93, 1.0))
    if kind == "dress":
        leg_cover = 1.0 if rng.random() < 0.25 else 0.1
    leg_ease = {
        "slim": (0.004, 0.008),
        "straight": (0.012, 0.032),
        "wide": (0.022, 0.075),
        "flared": (0.006, 0.08),
        "shorts": (0.012, rng.uniform(0.015, 0.05)),
        "leggings": (0.001, 0.002),
    }.get(bottom, (0.002, 0.003))
    closing = pick(
        shirt=str(rng.choice(["buttons", "buttons", "straps"])),
        tunic=str(rng.choice(["frogs", "buttons"])),
        jacket=str(rng.choice(["open", "zip", "buttons"])),
        hoodie=str(rng.choice(["none", "zip"])),
        other="none",
    )
    prints = closing == "none" and kind != "bare" and rng.random() < 0.6
    style = str(rng.choice(HAIR_STYLES, p=_HAIR_ODDS / _HAIR_ODDS.sum()))
    volume = {
        "bald": 0.0,
        "rim": 0.006,
        "buzz": 0.006,
        "afro": rng.uniform(0.04, 0.09),
        "thick": 0.035,
        "bob": 0.026,
        "scarf": 0.018,
        "beanie": 0.02,
        "quiff": 0.026,
        "cap": 0.02,
    }
    shoe = patterns.cloth_colour(rng) if rng.random() < 0.7 else patterns.to_linear(np.array([235, 235, 235]))
    return Outfit(
        skin=patterns.skin_colour(rng),
        hair=patterns.hair_colour(rng),
        hair_style=style,
        hair_volume=volume.get(style, 0.018) * rng.uniform(0.8, 1.25),
        hat=patterns.cloth_colour(rng),
        beard=rng.uniform(0.4, 0.9) * (rng.random() < 0.22) * (style not in ("bun", "ponytail", "braids", "scarf")),
        glasses=rng.random() < 0.12,
        bare=kind == "bare",
        sleeve=sleeve,
        sleeve_ease=pick(
            tee=rng.uniform(0.01, 0.04),
            long=rng.uniform(0.004, 0.02),
            shirt=rng.uniform(0.012, 0.03),
            tunic=rng.uniform(0.03, 0.07),
            other=rng.uniform(0.012, 0.03),
        ),
        top_ease=ease,
        top_length=-0.3 if kind == "crop" else (1.0 if skirt else rng.uniform(0.55, 1.12)),
        top=top,
        back=back,
        sleeves=sleeves,
        neckline=(rng.uniform(-0.01, 0.03) if kind != "tank" else 0.06, rng.random() < 0.4, rng.uniform(0.05, 0.13)),
        closing=closing,
        closing_colour=patterns.cloth_colour(rng),
        front_print=patterns.print_image(rng) if prints else None,
        back_print=patterns.print_image(rng) if rng.random() < 0.18 and kind != "bare" else None,
        print_size=rng.uniform(0.14, 0.3),
        leg_cover=leg_cover,
        leg_ease=leg_ease,
        trousers=top if suit else trousers,
        side=patterns.cloth_colour(rng) if rng.random() < 0.14 else None,
        skirt=skirt,
        skirt_ease=skirt_ease,
        skirt_cloth=top if (not whole_skirt or kind == "dress") else patterns.cloth_pattern(rng, plain=0.5),
        shoe=shoe,
        sole=patterns.to_linear(np.full(3, rng.choice([240, 240, 40, 150]))),
        sock=patterns.cloth_colour(rng),
        boot=float(rng.choice([0.0, 0.0, 0.12, 0.5], p=[0.4, 0.2, 0.28, 0.12])),
        barefoot=rng.random() < 0.13,
        folds=rng.uniform(0.5, 1.3),
        rumple=rng.random(2),
        extra=str(rng.choice(["none", "bag", "backpack", "ball", "wand"], p=[0.76, 0.08, 0.06, 0.07, 0.03])),
        extra_colour=patterns.cloth_colour(rng),
    )
