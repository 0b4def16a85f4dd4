"""The networks of the First Order Motion Model (Siarohin et al., NeurIPS 2019), untrained, to be timed beside ours.

Written from the paper, in PyTorch, with the sizes of its models for frames of 256 pixels. Keypoints and motion are
found at a quarter of the frame's side. Axes: B batch, K = 10 keypoints, s a side; points `[B, K, 2]` are (x, y) in
[-1, 1] of a frame, and jacobians `[B, K, 2, 2]` tell how the surroundings of each are turned and stretched.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE = 256
NUM_KEYPOINTS = 10
_WIDEST = 1024  # channels of the hourglasses
_LEVELS = 5  # of the hourglasses
_TEMPERATURE = 0.1  # of the keypoints' heatmaps
_VARIANCE = 0.01  # of the blobs that show the keypoints to the motion network


def block(inputs: int, outputs: int, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0)


def quarter(frame: Tensor) -> Tensor:
    return functional.avg_pool2d(frame, 4)


def grid(side: int) -> Tensor:
    """Where each pixel's centre lies, `[s, s, 2]`; -1 and 1 are the centres at the edges."""
    # By NumPy it is a constant to the export.
    line = np.linspace(-1.0, 1.0, side, dtype=np.float32)
    return torch.from_numpy(np.stack(np.meshgrid(line, line), -1))


def inverse(matrices: Tensor) -> Tensor:
    """Of matrices `[..., 2, 2]`."""
    a, b, c, d = matrices.flatten(-2).unbind(-1)
    return torch.stack([d, -b, -c, a], -1).unflatten(-1, (2, 2)) / (a * d - b * c)[..., None, None]


class Hourglass(nn.Module):
    """A U-Net of five halvings: `[B, C, s, s]` to `[B, width + C, s, s]`, the input beside what was made of it."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        channels = [min(_WIDEST, width << level) for level in range(_LEVELS + 1)]
        self.channels = width + inputs
        self.downs = nn.ModuleList(map(block, [inputs, *channels[1:-1]], channels[1:]))
        joined = [channels[-1], *(2 * count for count in channels[-2:0:-1])]
        self.ups = nn.ModuleList(map(block, joined, channels[-2::-1]))

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.downs:
            skips.append(x)
            x = functional.avg_pool2d(down(x), 2)
        for up in self.ups:
            x = torch.cat([up(doubled(x)), skips.pop()], 1)
        return x


class KeypointDetector(nn.Module):
    """A frame `[B, 3, s, s]` to its keypoints: points and jacobians."""

    def __init__(self):
        super().__init__()
        self.hourglass = Hourglass(3, 32)
        self.heatmaps = nn.Conv2d(self.hourglass.channels, NUM_KEYPOINTS, 7)
        self.jacobians = nn.Conv2d(self.hourglass.channels, 4 * NUM_KEYPOINTS, 7)
        nn.init.zeros_(self.jacobians.weight)
        self.jacobians.bias.data = torch.eye(2).flatten().repeat(NUM_KEYPOINTS)  # as a training begins

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        features = self.hourglass(quarter(frame))
        heatmaps = (self.heatmaps(features).flatten(2) / _TEMPERATURE).softmax(-1)  # [B, K, pixels]
        jacobians = self.jacobians(features).flatten(2).unflatten(1, (NUM_KEYPOINTS, 4))
        points = heatmaps @ grid(frame.shape[-1] // 4 - 6).flatten(0, 1)
        return points, (heatmaps[:, :, None] * jacobians).sum(-1).unflatten(-1, (2, 2))


class Motion(nn.Module):
    """Where the target shows what of the source, and where the source does not show it."""

    def __init__(self):
        super().__init__()
        self.hourglass = Hourglass(4 * (NUM_KEYPOINTS + 1), 64)
        self.masks = nn.Conv2d(self.hourglass.channels, NUM_KEYPOINTS + 1, 7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.channels, 1, 7, padding=3)

    def forward(
        self, source: Tensor, points: Tensor, jacobians: Tensor, new_points: Tensor, new_jacobians: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Of a source `[B, 3, s, s]`, its keypoints and the target's.

        Returns:
            For each of the target's pixels the place in the source, `[B, s/4, s/4, 2]`, and in [0, 1] how much the
            source shows of it, `[B, 1, s/4, s/4]`.
        """
        source = quarter(source)
        still = grid(source.shape[-1])
        from_points, from_new = (still - each[:, :, None, None] for each in (points, new_points))  # [B, K, s/4, s/4, 2]
        turned = (jacobians @ inverse(new_jacobians))[:, :, None, None] @ from_new[..., None]
        moved = turned[..., 0] + points[:, :, None, None]
        # One motion more, of what stands still.
        motions = torch.cat([still.expand_as(moved[:, :1]), moved], 1)
        blobs = [(each.square().sum(-1) / (-2.0 * _VARIANCE)).exp() for each in (from_new, from_points)]
        blobs = functional.pad(blobs[0] - blobs[1], (0, 0, 0, 0, 1, 0))
        repeated = source[:, None].expand(-1, NUM_KEYPOINTS + 1, -1, -1, -1).flatten(0, 1)
        warped = functional.grid_sample(repeated, motions.flatten(0, 1), align_corners=True)
        warped = warped.unflatten(0, (-1, NUM_KEYPOINTS + 1))
        features = self.hourglass(torch.cat([blobs[:, :, None], warped], 2).flatten(1, 2))
        masks = self.masks(features).softmax(1)
        return (masks[..., None] * motions).sum(1), self.occlusion(features).sigmoid()


class Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        layers = [
            layer
            for _ in range(2)
            for layer in (nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1))
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Animation(nn.Module):
    """Makes a frame `[B, 3, s, s]` of what is known of the source and of the target's keypoints."""

    def __init__(self):
        super().__init__()
        self.motion = Motion()
        half = nn.AvgPool2d(2)
        self.encode = nn.Sequential(block(3, 64, 7), block(64, 128), half, block(128, 256), half)
        self.middle = nn.Sequential(*(Residual(256) for _ in range(6)))
        self.ups = nn.ModuleList([block(256, 128), block(128, 64)])
        self.last = nn.Conv2d(64, 3, 7, padding=3)

    def forward(self, features: Tensor, source: Tensor, *keypoints: Tensor) -> Tensor:
        """`features` are what `encode` made of the source; `keypoints`, as `Motion` takes them."""
        places, shown = self.motion(source, *keypoints)
        x = self.middle(shown * functional.grid_sample(features, places, align_corners=True))
        for up in self.ups:
            x = up(doubled(x))
        return self.last(x).sigmoid()


class WholeAnimation(nn.Module):
    """The same of the frames themselves: keypoints are found in the target, and the source is encoded anew."""

    def __init__(self):
        super().__init__()
        self.detector = KeypointDetector()
        self.animation = Animation()

    def forward(self, target: Tensor, source: Tensor, points: Tensor, jacobians: Tensor) -> Tensor:
        """`points` and `jacobians` are the source's."""
        features = self.animation.encode(source)
        return self.animation(features, source, points, jacobians, *self.detector(target))


def count_flops(module: nn.Module, *inputs: Tensor) -> int:
    """Floating-point operations of the convolutions of a call, 2 for each multiply-add."""
    counts = []

    def count(layer: nn.Conv2d, _, output: Tensor) -> None:
        counts.append(2 * output.numel() * layer.weight[0].numel())

    convolutions = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    hooks = [layer.register_forward_hook(count) for layer in convolutions]
    with torch.inference_mode():
        module(*inputs)
    for hook in hooks:
        hook.remove()
    return sum(counts)
