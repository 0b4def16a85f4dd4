"""From the frames of a video to the features that VFID and FVD compare.

    network, protocol = load_i3d(), VideoProtocol()
    features = video_features(network, frames, protocol)    # uint8 [T, H, W, 3] -> {"pooled": [1024], "logits": [400]}
    metric_name(network, "pooled")                           # VFID
    print(describe(network, protocol))

One vector a video: a video is cut into windows, and what the network returns for them is averaged. The network sees no
frame rate, so compare videos of one rate.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from stmt_tf.features.i3d import MIN_FRAMES, SIZE, VideoNetwork
from stmt_tf.pixels import from_uint8

_METRICS = {"pooled": "VFID", "logits": "FVD"}


@dataclasses.dataclass(frozen=True)
class VideoProtocol:
    """How a video becomes what the network sees. Values of different protocols cannot be compared.

    Attributes:
        window: frames that the network sees at once, at least 9. I3D was trained on 64; FVD is often given of 16.
        stride: frames from one window's start to the next one's, at most `window`, so that no frame is left out.
    """

    window: int = 64
    stride: int = 64

    def __post_init__(self):
        if self.window < MIN_FRAMES:
            raise ValueError(f"window must be at least {MIN_FRAMES} frames. Received: window={self.window}")
        if not 1 <= self.stride <= self.window:
            raise ValueError(f"stride must be from 1 to window={self.window}. Received: stride={self.stride}")

    def __str__(self) -> str:
        return (
            f"windows of {self.window} frames every {self.stride} and at the end, averaged; shorter videos whole, "
            f"under {MIN_FRAMES} frames to and fro; frames resized to {SIZE}x{SIZE}, bilinear without "
            "antialiasing (as FVD's reference does)"
        )


def describe(network: VideoNetwork, protocol: VideoProtocol) -> str:
    """One line to print beside a distance."""
    names = ", ".join(f"{metric_name(network, output)} of {size}" for output, size in network.dimensions.items())
    lacks = "" if "pooled" in network.dimensions else "; no VFID, since it does not give the pooled features"
    return f"{names} features a video by {network.name}{lacks}; {protocol}"


def metric_name(network: VideoNetwork, output: str) -> str:
    """What the Frechet distance in an output's features is called: VFID or FVD where the network is I3D itself.

    Args:
        network: what gives the features.
        output: `pooled` or `logits`.
    """
    if output not in _METRICS:
        raise ValueError(f"output must be one of {', '.join(_METRICS)}. Received: output={output!r}")
    return _METRICS[output] if network.is_i3d else f"Frechet distance ({output} of a stand-in for I3D)"


def video_features(
    network: VideoNetwork, frames: np.ndarray, protocol: VideoProtocol, batch_size: int = 1
) -> dict[str, np.ndarray]:
    """The features of one video.

    Args:
        network: I3D or a stand-in.
        frames: uint8 `[T, H, W, 3]`, RGB, T at least 1. Other shapes than squares are squeezed.
        protocol: how they become what the network sees.
        batch_size: windows to compute together; more need more memory and change nothing.

    Returns:
        float32 `[D]` by output of the network.

    Raises:
        ValueError: `frames` is something else.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not frames.size:
        raise ValueError(f"frames must be uint8 [T, H, W, 3]. Received: {frames.dtype} {frames.shape}")
    videos = _to_network(frames)[to_and_fro(len(frames), MIN_FRAMES)]
    length = min(protocol.window, len(videos))
    starts = window_starts(len(videos), length, protocol.stride)
    outputs = [
        network(np.stack([videos[start : start + length] for start in starts[first : first + batch_size]]))
        for first in range(0, len(starts), batch_size)
    ]
    return {key: np.concatenate([output[key] for output in outputs]).mean(0) for key in network.dimensions}


def window_starts(frames: int, window: int, stride: int) -> list[int]:
    """Where windows start: at every multiple of the stride where one fits, and where one ends with the last frame."""
    last = frames - window
    return [*range(0, last, stride), last]


def to_and_fro(frames: int, least: int) -> np.ndarray:
    """The numbers of the frames to show: all once, and if they are fewer than `least`, back and on again up to that.

    0 1 2 1 0 1 2 1 ...: no jump, which would be motion that the video does not have.
    """
    there_and_back = [*range(frames), *range(frames - 2, 0, -1)]
    return np.resize(there_and_back, least) if frames < least else np.arange(frames)


def _to_network(frames: np.ndarray) -> np.ndarray:
    """float32 `[T, 224, 224, 3]` in [-1, 1]."""
    # TensorFlow 1's resizing, as in FVD's reference: today's tf.image.resize puts the pixels' centres elsewhere.
    resized = tf.raw_ops.ResizeBilinear(
        images=frames, size=[SIZE, SIZE], align_corners=False, half_pixel_centers=False
    )
    return from_uint8(resized).numpy()
