"""Outfits: what a person looks like and wears, drawn once for an identity."""

from __future__ import annotations

import dataclasses

import numpy as np

from dancers import patterns
from dancers.patterns import Paint

HAIR_STYLES = {  # and their odds
    "bald": 4, "rim": 2, "buzz": 6, "short": 16, "quiff": 7, "thick": 8, "afro": 5, "bob": 10, "long": 13,
    "ponytail": 9, "bun": 7, "braids": 3, "scarf": 3, "beanie": 4, "cap": 7,
}  # fmt: skip
_HAIR_VOLUME = {
    "bald": 0.0, "rim": 0.006, "buzz": 0.006, "thick": 0.035, "bob": 0.026, "scarf": 0.018, "beanie": 0.02,
    "quiff": 0.026, "cap": 0.02,
}  # fmt: skip
_WITHOUT_BEARD = ("bun", "ponytail", "braids", "scarf")
_TOPS = {
    "tee": 0.25, "long": 0.12, "shirt": 0.13, "jacket": 0.10, "tank": 0.07, "bare": 0.05, "dress": 0.10, "tunic": 0.07,
    "hoodie": 0.06, "crop": 0.05,
}  # fmt: skip
_BOTTOMS = {
    "straight": 0.29, "slim": 0.2, "wide": 0.13, "flared": 0.06, "shorts": 0.16, "leggings": 0.06, "skirt": 0.10
}  # fmt: skip
_LEG_EASE = {
    "slim": (0.004, 0.008),
    "straight": (0.012, 0.032),
    "wide": (0.022, 0.075),
    "flared": (0.006, 0.08),
    "leggings": (0.001, 0.002),
}


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
    # What is drawn when decides what a seed looks like: the order of all that follows is part of the series.
    kind = rng.choice(list(_TOPS), p=list(_TOPS.values()))
    top = patterns.cloth_pattern(rng, plain=0.38)
    sleeves, back = (patterns.cloth_pattern(rng) if rng.random() < 0.15 else top for _ in range(2))
    bottom = rng.choice(list(_BOTTOMS), p=list(_BOTTOMS.values()))
    trousers = patterns.cloth_pattern(rng, plain=0.8)
    suit = rng.random() < 0.08
    sleeve, ease = _sample_sleeve(rng, kind), _sample_top_ease(rng, kind)
    skirt, skirt_ease = _sample_skirt(rng, kind, bottom, ease)
    leg_cover, leg_ease = _sample_legs(rng, kind, bottom)
    closing = _sample_closing(rng, kind)
    prints = closing == "none" and kind != "bare" and rng.random() < 0.6
    hair_style, hair_volume = _sample_hair(rng)
    shoe = patterns.cloth_colour(rng) if rng.random() < 0.7 else patterns.to_linear(np.array([235, 235, 235]))
    return Outfit(
        skin=patterns.skin_colour(rng),
        hair=patterns.hair_colour(rng),
        hair_style=hair_style,
        hair_volume=hair_volume * rng.uniform(0.8, 1.25),
        hat=patterns.cloth_colour(rng),
        beard=rng.uniform(0.4, 0.9) * (rng.random() < 0.22) * (hair_style not in _WITHOUT_BEARD),
        glasses=rng.random() < 0.12,
        bare=kind == "bare",
        sleeve=sleeve,
        sleeve_ease=_sample_sleeve_ease(rng, kind),
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
        skirt_cloth=patterns.cloth_pattern(rng, plain=0.5) if bottom == "skirt" and kind != "dress" else top,
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


def _sample_sleeve(rng: np.random.Generator, kind: str) -> float:
    """Covered share of the arm."""
    drawn = {
        "tee": rng.uniform(0.2, 0.42),
        "shirt": float(rng.choice([0.36, 0.7, 1.0])),
        "dress": float(rng.choice([-1.0, 0.25, 0.5, 1.0])),
        "tunic": float(rng.choice([0.6, 1.0, 1.0])),
        "crop": float(rng.choice([-1.0, 0.25])),
    }
    return drawn.get(kind, -1.0 if kind in ("tank", "bare") else 1.0)


def _sample_top_ease(rng: np.random.Generator, kind: str) -> float:
    drawn = {
        "tee": rng.uniform(0.008, 0.05),
        "long": rng.uniform(0.006, 0.03),
        "shirt": rng.uniform(0.012, 0.045),
        "jacket": rng.uniform(0.025, 0.06),
        "hoodie": rng.uniform(0.03, 0.07),
        "tunic": rng.uniform(0.03, 0.065),
        "dress": rng.uniform(0.006, 0.03),
    }
    return drawn.get(kind, rng.uniform(0.004, 0.02))


def _sample_sleeve_ease(rng: np.random.Generator, kind: str) -> float:
    drawn = {
        "tee": rng.uniform(0.01, 0.04),
        "long": rng.uniform(0.004, 0.02),
        "shirt": rng.uniform(0.012, 0.03),
        "tunic": rng.uniform(0.03, 0.07),
    }
    return drawn.get(kind, rng.uniform(0.012, 0.03))


def _sample_skirt(rng: np.random.Generator, kind: str, bottom: str, top_ease: float) -> tuple[float, tuple]:
    """Length and ease of a skirt, or of what hangs of a top over the trousers; (0, ...) for none."""
    if kind == "dress" or (bottom == "skirt" and kind != "tunic"):
        length = float(rng.choice([rng.uniform(0.25, 0.5), rng.uniform(0.5, 0.95)]))
        return length, (0.02, rng.uniform(0.03, 0.22) + 0.06 * length)
    if kind in ("tunic", "hoodie", "jacket", "tee", "shirt") and rng.random() < (0.9 if kind == "tunic" else 0.3):
        length = rng.uniform(0.06, 0.3) if kind == "tunic" else rng.uniform(0.03, 0.12)
        least = max(top_ease, 0.02)
        return length, (least + 0.004, least + rng.uniform(0.01, 0.05))
    return 0.0, (0.0, 0.0)


def _sample_legs(rng: np.random.Generator, kind: str, bottom: str) -> tuple[float, tuple]:
    """Covered share of the legs, and the ease (thigh, hem)."""
    cover = {"shorts": rng.uniform(0.2, 0.52), "leggings": 0.96, "skirt": 0.1}.get(bottom, rng.uniform(0.93, 1.0))
    if kind == "dress":
        cover = 1.0 if rng.random() < 0.25 else 0.1
    shorts = (0.012, rng.uniform(0.015, 0.05))
    return cover, shorts if bottom == "shorts" else _LEG_EASE.get(bottom, (0.002, 0.003))


def _sample_closing(rng: np.random.Generator, kind: str) -> str:
    drawn = {
        "shirt": str(rng.choice(["buttons", "buttons", "straps"])),
        "tunic": str(rng.choice(["frogs", "buttons"])),
        "jacket": str(rng.choice(["open", "zip", "buttons"])),
        "hoodie": str(rng.choice(["none", "zip"])),
    }
    return drawn.get(kind, "none")


def _sample_hair(rng: np.random.Generator) -> tuple[str, float]:
    """Style, and thickness in metres."""
    style = str(rng.choice(list(HAIR_STYLES), p=np.array(list(HAIR_STYLES.values())) / sum(HAIR_STYLES.values())))
    afro = rng.uniform(0.04, 0.09)
    return style, afro if style == "afro" else _HAIR_VOLUME.get(style, 0.018)
