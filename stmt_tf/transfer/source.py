"""The source of a transfer: the frames that the model looks at, who is in them, and the place without that person."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from absl import logging
from tqdm import tqdm

from stmt_tf.place.plate import find_place, plate_steps
from stmt_tf.pose.body import visible
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.mattes import check_mattes, doubt_mattes, doubtful, read_mattes, sound_mattes
from stmt_tf.pose.selection import NUM_FRAMES, select_source_frames
from stmt_tf.pose.tracks import PosedVideo, progress
from stmt_tf.video.reader import Frame, probe, read_chosen_frames

_MOST_DOUBTED = 0.5  # of the mattes that a video brings along


@dataclasses.dataclass(frozen=True, repr=False)  # a notebook would print all its pixels
class Source:
    """A source video as far as it is shown.

    Attributes:
        video: the video, and where its poses come from.
        track: `[S, 14, 3]`, the joints of its person in every frame, in pixels of the whole frame.
        frames: N chosen whole frames, uint8 `[H, W, 3]`.
        joints: `[N, 14, 3]` in pixels of the whole frame.
        crop: where the model looks.
        mattes: float32 `[N, H, W]`, 1 on the person, -1 everywhere in a frame where not known; None: in no frame.
        plate: the place without its person, uint8 `[H, W, 3]`; None where the frames do not give one or another place
            is shown.
        hidden: float32 `[N, 10]`, the share of each part that something hid in each frame before it was repaired (see
            `stmt_tf.transfer.repair`); None: nothing is known to be hidden.
    """

    video: PosedVideo
    track: np.ndarray
    frames: list[np.ndarray]
    joints: np.ndarray
    crop: Crop
    mattes: np.ndarray | None = None
    plate: np.ndarray | None = None
    hidden: np.ndarray | None = None

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) of its frames in pixels."""
        return self.frames[0].shape[:2]

    def crops(self, size: int) -> np.ndarray:
        """The model's view: uint8 `[N, size, size, 3]`."""
        return np.stack([self.crop.extract(frame, size) for frame in self.frames])

    def matte_crops(self, size: int) -> np.ndarray | None:
        """The mattes of that view, float32 `[N, size, size]`, or None; outside the frames there is no person."""
        if self.mattes is None:
            return None
        # What is enlarged may pass its range, and below 0 would be unknown.
        squares = np.stack([self.crop.extract(matte, size).clip(0.0, 1.0) for matte in self.mattes])
        unknown = self.mattes.max((1, 2)) < 0.0
        squares *= self.crop.within(self.mattes.shape[1:], size)
        squares[unknown] = -1.0
        return squares


def check_source(path: str, num_frames: int = 0, mattes: str = "") -> None:
    """Finds what cannot work before anything slow begins.

    Args:
        path: of the video.
        num_frames: how many of its frames are to be chosen.
        mattes: a directory of pictures, or nothing.

    Raises:
        VideoError: the source is no video, or its mattes are none.
        ValueError: it is shorter than the frames to choose.
    """
    info = probe(path)
    if mattes:
        check_mattes(mattes, (info.height, info.width))
    if info.num_frames is not None and num_frames > info.num_frames:
        raise ValueError(f"--num_source_frames={num_frames}, but {path} has {info.num_frames} frames")


def choose_frames(
    track: np.ndarray, fixed: int | None = None, count: int = 0, selection: str = "coverage", seed: int = 0
) -> np.ndarray:
    """Chooses the source frames that the model looks at: int `[N]`, ascending.

    Args:
        track: `[S, 14, 3]`, the source's joints.
        fixed: frames that the model's attention was built for; None if it takes any number.
        count: how many; 0: `fixed`, or as many as are worth it.
        selection, seed: see `select_source_frames`.

    Raises:
        PoseError: too few frames show the person.
    """
    count = count or min(fixed or NUM_FRAMES, int(visible(track).sum()))
    chosen = select_source_frames(track, count, selection, seed)
    logging.info("source frames: %s of %d", ", ".join(map(str, chosen)), len(track))
    return chosen


def read_source(
    video: PosedVideo,
    track: np.ndarray,
    chosen: np.ndarray,
    mattes: str = "",
    own_place: bool = True,
    shot: range | None = None,
    repair: Callable[[Source], Source] = lambda source: source,
) -> Source:
    """Reads the chosen frames, seen around the person as the source shows them.

    Args:
        video: the source.
        track: `[S, 14, 3]`, the joints of its person in pixels of its frames.
        chosen: int `[N]`, the frames that the model is to look at.
        mattes: a directory of pictures; empty: the video's own alpha, if it shows the person, else of the pose
            estimator, if it makes any.
        own_place: whether the place will be seen; else it is not looked for.
        shot: the frames that show the place; None: all.
        repair: what becomes of the source before it is returned; its place is looked for meanwhile.

    Raises:
        VideoError: the video cannot be read, or the mattes given are not the source's.
        PoseError: the pose estimator's model or results cannot be used.
    """
    shot = shot or range(len(track))
    steps = shot.start + plate_steps(track[shot.start : shot.stop]) if own_place else np.zeros(0, int)
    # Both are read at once, since a video is read from its beginning.
    wanted = np.union1d(chosen, steps)
    with progress("source", len(wanted), video.path) as bar, ThreadPoolExecutor(1) as other:
        read = read_chosen_frames(video.path, wanted)
        given = _given_mattes(mattes, wanted, read, track)

        def frames_of(numbers: np.ndarray) -> list[np.ndarray]:
            return [read[place].image for place in np.searchsorted(wanted, numbers)]

        def mattes_of(numbers: np.ndarray) -> np.ndarray | None:
            if given is not None:
                return given[np.searchsorted(wanted, numbers)]
            with video.estimator() as estimator:
                return sound_mattes(_counted(frames_of(numbers), bar), track[numbers], estimator)

        def find(of_chosen: np.ndarray | None) -> np.ndarray | None:
            found = of_chosen
            if found is not None:
                known, others = dict(zip(chosen, of_chosen)), np.setdiff1d(steps, chosen)
                if len(others):
                    known.update(zip(others, mattes_of(others)))
                found = np.stack([known[number] for number in steps])
            return find_place(video.path, frames_of(steps), found, track[steps])

        source_frames, source_mattes = frames_of(chosen), mattes_of(chosen)
        crop = Crop.around(track, source_frames[0].shape[:2])
        source = Source(video, track, source_frames, track[chosen], crop, source_mattes)
        # Its other mattes are estimated while the source is repaired.
        place = other.submit(find, source_mattes) if len(steps) else None
        source = dataclasses.replace(repair(source), plate=place and place.result())
        bar.update(bar.total - bar.n)
    return source


def _counted(frames: Iterable[np.ndarray], bar: tqdm) -> Iterator[np.ndarray]:
    """The same, each counted when it is done with."""
    for frame in frames:
        yield frame
        bar.update()


def _given_mattes(
    directory: str, indices: np.ndarray, frames: Sequence[Frame], track: np.ndarray
) -> np.ndarray | None:
    """The mattes that come with these frames, float32 `[N, H, W]`, or None where none do."""
    if directory:
        found = read_mattes(directory, indices, len(track), frames[0].image.shape[:2])
    else:
        found = _own_mattes(frames, track[indices])
    return None if found is None else doubt_mattes(found, track[indices])


def _own_mattes(frames: Sequence[Frame], joints: np.ndarray) -> np.ndarray | None:
    """What is opaque, uint8 `[N, H, W]`; None where nothing is transparent, or something else than around a person."""
    if all(frame.alpha is None for frame in frames):
        return None
    opaque = np.full(frames[0].image.shape[:2], 255, np.uint8)
    alpha = np.stack([opaque if frame.alpha is None else frame.alpha for frame in frames])
    return alpha if doubtful(alpha, joints).mean() <= _MOST_DOUBTED else None


def make_room(source: Source, motion: np.ndarray) -> Source:
    """The same frames, seen wider: a motion, `[T, 14, 3]`, may reach further than the source person ever did."""
    return dataclasses.replace(source, crop=Crop.around(np.concatenate([source.track, motion]), source.frame_size))
