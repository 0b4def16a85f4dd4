"""Figures: the surfaces of a dressed body over the frames of a motion."""

from __future__ import annotations

from dancers.belongings import belongings
from dancers.body import SIDES, Body, Skeleton
from dancers.heads import hair_surfaces, head_surface
from dancers.limbs import arm, foot, hand, leg
from dancers.outfit import Outfit
from dancers.trunk import skirt, torso


def build(body: Body, outfit: Outfit, skeleton: Skeleton, spacing: float, fps: float) -> list:
    """Dresses a moving skeleton.

    Args:
        body: its measures.
        outfit: its looks.
        skeleton: its T poses.
        spacing: wanted distance of surface points in metres.
        fps: of the skeleton's frames; hair lags behind the head's speed.

    Returns:
        Surfaces (Tube or Rigid) of T frames.
    """
    surfaces = [torso(body, outfit, skeleton, spacing)]
    for side in SIDES:
        surfaces += [limb_of(body, outfit, skeleton, side, spacing) for limb_of in (arm, leg, hand, foot)]
    if outfit.skirt > 0:
        surfaces.append(skirt(body, outfit, skeleton, spacing))
    surfaces.append(head_surface(body, outfit, skeleton, spacing))
    surfaces += hair_surfaces(body, outfit, skeleton, spacing, fps)
    surfaces += belongings(body, outfit, skeleton, spacing, fps)
    return surfaces
