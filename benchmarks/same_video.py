r"""How near a model comes to what a person really did: real clips, made again from other frames of themselves.

    python -m benchmarks.same_video --clips='DIR/*.mp4' --output=OUT \
        --models='parts=saved_models/dancers_64px,former=saved_models/dancers_128px'

The source is the first half of each clip alone. Ten frames spread over the second half, and the frame after each, are
made by their own poses as `stmt_tf.transfer` makes them, then cut to the square around the person and judged at
`--size` pixels. The first model is shown in other ways, too, a row each: without what `--without` names, one at a time
(mattes, plate, or frame_size, which makes frames at the network's size), of other numbers of source frames
(`--source_frames`), and with smaller squares (`--max_sizes`).

OUT/table.md has the means and each clip's own figures, OUT/CLIP.png the frames. LPIPS: lower is better. Sharpness is
the person's over the truth's. Change is the error of the difference between successive frames of the person, over the
truth's own difference. Processor seconds are of the source, until it is encoded, and of a frame. What is held in the
hands is part of the truth and is not left out.
"""

from __future__ import annotations

from benchmarks.quality_settings import SameVideoConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(
        __doc__, "benchmarks.same_video", SameVideoConfig,
        interrupted="the sheets of the clips that were finished are written",
    )  # fmt: skip

import dataclasses
import glob
import os
import sys
import time
from collections.abc import Mapping, Sequence

import numpy as np
from absl import logging

from stmt_tf.assets import AssetError
from stmt_tf.evaluate import report
from stmt_tf.evaluate.comparison import parse_others
from stmt_tf.metrics.image import masked_psnr, psnr, sharpness
from stmt_tf.metrics.lpips import LPIPS
from stmt_tf.metrics.regions import person_region
from stmt_tf.pixels import from_uint8
from stmt_tf.pose import body
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.estimators import PoseError, create_estimator
from stmt_tf.pose.tracks import PosedVideo, estimate_tracks
from stmt_tf.serving.inference import TransferModel
from stmt_tf.transfer.renderer import Renderer
from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.transfer.source import choose_frames, read_source
from stmt_tf.video.files import VideoError
from stmt_tf.video.reader import read_chosen
from stmt_tf.video.sheet import contact_sheet, write_png

_TARGETS = 10
COLUMNS = {
    "psnr": ("PSNR [dB]", 2),
    "psnr_person": ("PSNR person [dB]", 2),
    "sharpness": ("sharpness / truth", 2),
    "lpips": ("LPIPS (VGG16)", 3),
    "change": ("change", 2),
    "source_seconds": ("source [s]", 1),
    "frame_seconds": ("frame [s]", 3),
}


@dataclasses.dataclass(frozen=True)
class Way:
    """A way to make the frames.

    Attributes:
        model: the model; one of a fixed size is shown its own number of frames and no mattes, as it was made for.
        without: one of `INGREDIENTS`, to be left out, or nothing.
        source_frames: how many; 0: the model's own number.
        max_size: largest side of the square around the person.
    """

    model: TransferModel
    without: str = ""
    source_frames: int = 0
    max_size: int = TransferConfig.max_size


@dataclasses.dataclass(frozen=True)
class Clip:
    """A clip and what is asked for.

    Attributes:
        path: of its video.
        track: `[T, 14, 3]`, the joints of its person.
        half: frames of the source.
        targets: int `[2 * 10]`, numbers of the frames to make, each followed by its successor.
        crop: the square that is judged.
        truth: uint8 `[20, size, size, 3]`.
        person: bool `[20, size, size]`.
    """

    path: str
    track: np.ndarray
    half: int
    targets: np.ndarray
    crop: Crop
    truth: np.ndarray
    person: np.ndarray

    @property
    def name(self) -> str:
        """Of the file, without its extension."""
        return os.path.splitext(os.path.basename(self.path))[0]


def read_clip(path: str, size: int) -> Clip:
    """Finds the person, and cuts out the true frames.

    Args:
        path: a video of one person.
        size: side of the judged square in pixels.
    """
    (track,) = estimate_tracks([PosedVideo(path)])
    half = len(track) // 2
    first = np.linspace(half + 2, len(track) - 2, _TARGETS).astype(int)
    targets = np.stack([first, first + 1], 1).ravel()
    frames = read_chosen(path, targets)
    crop = Crop.around(track, frames[0].shape[:2])
    with create_estimator("mediapipe") as estimator:
        mattes = [crop.extract(estimator.matte(frame, track[t]), size) for frame, t in zip(frames, targets)]
    drawn = person_region(crop.to_crop(track[targets], size), size, body.stature(crop.to_crop(track, size)))
    person = np.stack([matte > 127 if matte.any() else region for matte, region in zip(mattes, drawn)])
    return Clip(path, track, half, targets, crop, np.stack([crop.extract(frame, size) for frame in frames]), person)


def make(clip: Clip, way: Way) -> tuple[np.ndarray, dict[str, float]]:
    """The clip's frames, uint8 `[20, size, size, 3]`, and what they took."""
    model, start = way.model, time.process_time()
    track = clip.track[: clip.half]
    source = read_source(PosedVideo(clip.path), track, choose_frames(track, model.num_source_frames, way.source_frames))
    if way.without == "mattes" or not model.takes_any_size:
        source = dataclasses.replace(source, mattes=None)
    if way.without == "plate" or not model.takes_any_size:
        source = dataclasses.replace(source, plate=None)
    source = dataclasses.replace(source, crop=clip.crop)
    renderer = Renderer(model, source, max_size=model.size if way.without == "frame_size" else way.max_size)
    made, before, ready = [], clip.half, time.process_time()
    for t in clip.targets:
        renderer.follow(clip.track[before:t])
        made += renderer.render(clip.track[t : t + 1])
        before = t + 1
    took = {"source_seconds": ready - start, "frame_seconds": (time.process_time() - ready) / len(made)}
    return np.stack([clip.crop.extract(frame, clip.truth.shape[1]) for frame in made]), took


def judge(made: np.ndarray, clip: Clip, perceptual: LPIPS) -> dict[str, float]:
    """The measures of `COLUMNS`: of the ten frames, and of their change to the frames after them."""
    first = slice(0, None, 2)
    frames, truth, person = made[first], clip.truth[first], clip.person[first]
    changes = [x[1::2].astype(float) - x[first] for x in (made, clip.truth)]
    moving = person | clip.person[1::2]
    return {
        "psnr": float(psnr(frames, truth).mean()),
        "psnr_person": float(np.nanmean(masked_psnr(frames, truth, person))),
        "sharpness": float(np.nanmean(sharpness(frames, person)) / np.nanmean(sharpness(truth, person))),
        "lpips": float(np.mean(perceptual(from_uint8(frames), from_uint8(truth)))),
        "change": float(np.abs(changes[0] - changes[1])[moving].mean() / np.abs(changes[1])[moving].mean()),
    }


def ways_of(models: Mapping[str, TransferModel], config: SameVideoConfig) -> dict[str, Way]:
    """Each model as it is, and the first one in all other ways."""
    first, *_ = models
    ways = {name: Way(model) for name, model in models.items()}
    way = ways[first]
    for name in config.without:
        ways[f"{first} without {name}"] = dataclasses.replace(way, without=name)
    for count in config.source_frames:
        ways[f"{first}, {count} source frames"] = dataclasses.replace(way, source_frames=count)
    for size in config.max_sizes:
        ways[f"{first}, at most {size} px"] = dataclasses.replace(way, max_size=size)
    return ways


def measure(clips: Sequence[Clip], ways: Mapping[str, Way], output: str) -> list[report.Row]:
    """Measures every way on every clip, and writes each clip's sheet."""
    perceptual = LPIPS()
    rows = []
    for clip in clips:
        make(clip, next(iter(ways.values())))  # what is made once, such as graphs, is no way's time
        shown = [("truth", list(clip.truth[::2]))]
        for name, way in ways.items():
            made, took = make(clip, way)
            shown.append((name, list(made[::2])))
            rows.append({"clip": clip.name, "method": name, **judge(made, clip, perceptual), **took})
            logging.info("%s", report.table({name: rows[-1]}, COLUMNS, clip.name))
        write_png(os.path.join(output, f"{clip.name}.png"), contact_sheet(shown))
    return rows


def as_text(rows: Sequence[report.Row]) -> str:
    """The means over the clips, and a table a clip."""
    parts = ["Means over the clips\n\n" + report.table(report.means(rows, list(COLUMNS)), COLUMNS, "method")]
    for clip in dict.fromkeys(row["clip"] for row in rows):
        own = {row["method"]: row for row in rows if row["clip"] == clip}
        parts.append(f"{clip}\n\n" + report.table(own, COLUMNS, "method"))
    return "\n".join(parts)


def main(config: SameVideoConfig) -> None:
    paths = sorted(glob.glob(config.clips))
    if not paths:
        sys.exit(f"same_video: --clips={config.clips!r} matches no file")
    os.makedirs(config.output, exist_ok=True)
    try:
        models = {name: TransferModel(path) for name, path, _ in parse_others(config.models, "--models")}
        clips = [read_clip(path, config.size) for path in paths]
        text = as_text(measure(clips, ways_of(models, config), config.output))
    except (AssetError, OSError, PoseError, ValueError, VideoError) as error:
        sys.exit(f"same_video: {error}")
    with open(os.path.join(config.output, "table.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text)
