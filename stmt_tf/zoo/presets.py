"""The models that have a name. To add one, add a row to `PRESETS`."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Preset:
    """A model that has a name.

    Attributes:
        place: URL of its archive; or where it comes with the package.
        sha256: of the archive; of a model that comes with the package `stmt_tf.zoo.archive.contents_sha256`.
        licence: of its weights, as SPDX writes it.
        trained_on: what its training saw.
    """

    place: str
    sha256: str
    licence: str
    trained_on: str


DEFAULT = "dancers_64px"  # which commands take where no model is named
PRESETS = {
    "dancers_64px": Preset(
        place="saved_models/dancers_64px",
        sha256="8a1248a0a401f0c79542b5d313e39233ef96baa32a2d92204abf45ca6972ebd0",
        licence="Apache-2.0",
        trained_on="4,500 videos of rendered people, the perceptual loss by VGG16's ImageNet weights",
    ),
    "dancers_128px": Preset(
        place="saved_models/dancers_128px",
        sha256="8c47663ceb15bca3fec2d52d806276776cab163cdd45fcb6a4cb191df0b3199d",
        licence="Apache-2.0",
        trained_on="1,388 videos of rendered people, the perceptual loss by VGG16's ImageNet weights",
    ),
}
