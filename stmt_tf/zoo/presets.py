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
        sha256="f3e84e644e5e0ddaf8f07c472c13ebdd50ac6e7b65666f33060bc8d31fa3ccd3",
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
