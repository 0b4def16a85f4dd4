"""Reading a still picture as it is shown: turned as its camera says, in sRGB, and black where it is transparent."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pi_heif
from PIL import Image, ImageCms, ImageOps

from stmt_tf.files import PathLike
from stmt_tf.video.files import VideoError

pi_heif.register_heif_opener()

# As Pillow calls them.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "HEIF", "AVIF")
_MOVING = ("WEBP", "AVIF")


def is_picture(path: PathLike) -> bool:
    """Whether a file is a picture that can be read, by its content; else it may be a video."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return not (image.format in _MOVING and image.is_animated)
    except Exception:  # whatever Pillow meets in what is no picture
        return False


def read_picture(path: PathLike) -> np.ndarray:
    """A picture as uint8 RGB `[H, W, 3]`.

    Raises:
        VideoError: it cannot be read.
    """
    if not Path(path).is_file():
        raise VideoError(f"{path}: no such file. Check the path.")
    try:
        with Image.open(path, formats=FORMATS) as stored:
            image = ImageOps.exif_transpose(stored)
            if image.mode.startswith("I;16"):  # which Pillow would cut off at 255
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            shown = np.asarray(_in_srgb(image))
            if image.has_transparency_data:
                alpha = np.asarray(image.convert("RGBA"))[..., 3:] / np.float32(255)
                shown = (shown * alpha + 0.5).astype(np.uint8)
    except Exception as error:  # whatever Pillow meets in a damaged one
        raise VideoError(f"{path}: is no picture, or a damaged one. Give one of {', '.join(FORMATS)}.") from error
    return np.ascontiguousarray(shown)


def _in_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK", "L"):
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            colours = image.convert("RGB") if image.mode == "RGBA" else image
            return ImageCms.profileToProfile(colours, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except ImageCms.PyCMSError:
            pass  # a profile that is none says nothing
    return image.convert("RGB")
