"""The source person, ready to be shown in any pose."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np

from stmt_tf.place.compositing import Compositor, empty_place
from stmt_tf.place.hidden import person_masks
from stmt_tf.pose.body import visible
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.skeleton import TORSO
from stmt_tf.pose.steady_choice import SteadyChoice
from stmt_tf.transfer.repair import preference_for_whole
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.source import Source

if TYPE_CHECKING:
    from stmt_tf.serving.inference import TransferModel


_FADE = 56  # the trunk's edge is as wide as the square's side by this
_SUBPIXEL = 4  # bits of a coordinate behind the point


class Renderer:
    """Makes frames of one source; what depends on the source alone is computed once, here.

    Args:
        model: what makes the frames.
        source: whom and where to show.
        crop_only: give the model's square view instead of the source's whole frame.
        place: what to show in place of the source's own place: a picture, uint8 `[H, W, 3]` as its frames; or, with
            `crop_only`, another source, of which the model's background branch makes the place anew for each pose
            (paper 4.3); None: that one.
        max_size: side in pixels of the square that a model of any frame size makes at most.
        transparent: leave the place out.
        view: the square of the place that becomes the model's; None: where it is in the source's frames.

    Attributes:
        place: what is shown behind the person, uint8 `[H, W, 3]`: the whole frame, or the square of `crop_only`; of
            another source, as it is behind the source's first pose.
        transparent: whether frames have an alpha channel in its place.
        view: the square of the frames that is the model's; None: they are that square.
    """

    def __init__(
        self,
        model: TransferModel,
        source: Source,
        crop_only: bool = False,
        place: np.ndarray | Source | None = None,
        max_size: int = TransferConfig.max_size,
        transparent: bool = False,
        view: Crop | None = None,
    ):
        self._model, self._source, self._crop_only, self.transparent = model, source, crop_only, transparent
        self._side = frame_side(model, source.crop.size, max_size)
        self._encoded = self._encode(source)
        if source.hidden is not None:
            self._encoded["preference"] += preference_for_whole(source.hidden)
        self._choice = SteadyChoice(model, self._encoded)
        view = view or source.crop
        self.view = None if crop_only else view
        self._another = self._encode(place) if isinstance(place, Source) else None
        if self._another is not None:
            self.place = self._squares(source.joints[:1])[0]
            return
        whole = self._own_place() if place is None else place
        self._compositor = Compositor(whole, view)
        self._square = view.extract(whole, self._side)
        self.place = self._square if crop_only else whole

    def render(self, poses: np.ndarray) -> list[np.ndarray]:
        """Makes one frame for each pose.

        Args:
            poses: `[T, 14, 3]` in pixels of the source's frames; in a frame without a pose there is nobody. They follow
                those of the last call, from which the source frames of each part seldom change.

        Returns:
            T images, uint8 `[H, W, 3]`, or RGBA `[H, W, 4]` of a transparent renderer, colours not multiplied by alpha.
        """
        return [image for image, _ in self.begin(poses)]

    def begin(self, poses: np.ndarray, masks: bool = False) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """As `render`, but when it returns the networks alone have run: an image is made when it is asked for.

        So one thread may run the networks for the next poses while another makes the images of these.

        Args:
            poses: as for `render`.
            masks: whether each image comes with its mask of `masks`.

        Yields:
            The images of `render`, each with its mask or None.
        """
        layers = self._layers(poses, ("foreground", "mask"))
        if self._crop_only:
            squares, compose = self._squares(poses), _cut_out if self.transparent else _composed
            made = ((compose(*layer, square), layer[1]) for layer, square in zip(layers, squares))
        else:
            compose = self._compositor.cut_out if self.transparent else self._compositor.compose
            made = ((compose(*layer), layer[1]) for layer in layers)
        return ((image, self._spread(mask) if masks else None) for image, mask in made)

    def masks(self, poses: np.ndarray) -> list[np.ndarray]:
        """Where the person is in those frames: T images, uint8 `[H, W]`, 255 on the person. See `render`."""
        return [self._spread(mask) for (mask,) in self._layers(poses, ("mask",))]

    def anew(self) -> Renderer:
        """A renderer of the same source that has not seen a pose yet."""
        other = copy.copy(self)
        other._choice = SteadyChoice(self._model, self._encoded)
        return other

    def follow(self, poses: np.ndarray) -> None:
        """Goes on to these poses, `[T, 14, 3]` as `render` takes them, without making their frames."""
        self._choice(self._source.crop.to_crop(poses, self._side))

    def generate(self, poses: np.ndarray, steps: np.ndarray) -> dict[str, np.ndarray]:
        """All that the model gives for some of the poses, as it gives it where all are made; see `TransferModel`.

        The frames are those of `crop_only`: they show the place.

        Args:
            poses: `[T, 14, 3]` in pixels of the source's frames, from the first one on.
            steps: int `[L]`, which of them, ascending.
        """
        joints, choice = self._source.crop.to_crop(poses, self._side), SteadyChoice(self._model, self._encoded)
        made, before = [], 0
        for step in steps:
            choice(joints[before:step])
            this = joints[step : step + 1]
            made.append(self._model.generate(choice(this), this))
            before = step + 1
        together = {name: np.concatenate([each[name] for each in made]) for name in made[0]}
        masks = map(_of_person, together["mask"], joints[steps])
        frames = [_composed(*each) for each in zip(together["foreground"], masks, self._squares(poses[steps]))]
        return {**together, "frame": np.stack(frames)}

    def _encode(self, source: Source) -> dict:
        mattes = source.matte_crops(self._side) if self._model.takes_any_size else None
        joints = source.crop.to_crop(source.joints, self._side)
        return dict(self._model.encode_source(source.crops(self._side), joints, mattes))

    def _spread(self, mask: np.ndarray) -> np.ndarray:
        """The model's mask as `masks` gives it."""
        return mask[..., 0] if self._crop_only else self._compositor.spread(mask)

    def _squares(self, poses: np.ndarray) -> np.ndarray:
        """What is behind the person of each pose in the square view: uint8 `[T, S, S, 3]`."""
        if self._another is None:
            return np.broadcast_to(self._square, (len(poses), *self._square.shape))
        joints = self._source.crop.to_crop(poses, self._side)
        return self._model.generate(self._another, joints, ("background",))["background"]

    def _layers(self, poses: np.ndarray, names: tuple[str, ...]) -> Iterator[tuple[np.ndarray, ...]]:
        """What the model makes of each pose, by these names; when it returns the networks have run."""
        joints = self._source.crop.to_crop(poses, self._side)
        layers = self._model.layers(self._choice(joints), joints, names)
        return (
            tuple(_of_person(image, pose) if name == "mask" else image for name, image in zip(names, images))
            for images, pose in zip(layers, joints)
        )

    def _own_place(self) -> np.ndarray:
        """The source's place without its person, uint8 `[H, W, 3]`."""
        source = self._source
        if source.plate is not None:
            return source.plate
        shown = self._encoded["background_mask"][0, : len(source.frames)].numpy()
        person = person_masks(source.mattes, source.joints, source.frame_size)
        return empty_place(source.frames, shown, person, source.crop)


def _of_person(mask: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """A mask of the model, uint8 `[S, S, 1]`, with what a pose `[14, 3]` in its pixels tells of it.

    It is empty where there is nobody, and has no hole in the trunk, as where an arm hung before that in the source.
    """
    if not visible(pose):
        return np.zeros_like(mask)
    corners = pose[list(TORSO)]
    if (corners[:, 2] <= 0.0).any():
        return mask
    trunk = np.zeros(mask.shape[:2], np.uint8)
    hull = cv2.convexHull(np.rint(corners[:, :2] * 2**_SUBPIXEL).astype(np.int32))
    cv2.fillConvexPoly(trunk, hull, 255, cv2.LINE_AA, _SUBPIXEL)
    return np.maximum(mask, cv2.blur(trunk, [max(1, len(mask) // _FADE)] * 2)[..., np.newaxis])


def _cut_out(foreground: np.ndarray, mask: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The same without the background: uint8 RGBA `[S, S, 4]`."""
    return np.concatenate([foreground, mask], -1)


def _composed(foreground: np.ndarray, mask: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Eq. of 3.4: uint8 `[S, S, 3]`, `[S, S, 1]` (255 on the person) and `[S, S, 3]` to `[S, S, 3]`."""
    opacity = mask / np.float32(255)
    return np.rint(background + opacity * (foreground - background.astype(np.float32))).astype(np.uint8)


def frame_side(model: TransferModel, crop_size: int, max_size: int) -> int:
    """Side of the square frames that a model is to make of a crop: its own, or the multiple of it nearest the crop's.

    Args:
        model: the model.
        crop_size: side of the crop in pixels of the source.
        max_size: what the side is at most, unless the model's own is more.
    """
    if not model.takes_any_size:
        return model.size
    return model.size * max(1, min(round(crop_size / model.size), max_size // model.size))
